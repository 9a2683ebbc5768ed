"""How the desk starts and ends, in a process of its own."""

import json
import os
import subprocess
import sys
import time

import psutil
from hands import DEMO

DESK = """
import json, sys, time
from pathlib import Path
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication
from gui import app
from mesosynth.session.device import AudioSettings

def main():
    made = app.open_window
    def watched(*arguments, **options):
        window = made(*arguments, **options)
        window.painted.connect(lambda: print(json.dumps(
            {"painted": time.time(), "plots": "pyqtgraph" in sys.modules}), flush=True))
        def leave():
            heavy = [m for m in ("torch", "scipy", "matplotlib", "kymatio") if m in sys.modules]
            found = window.session
            print(json.dumps({"heavy": heavy, "pids": [found.device.pid, found.match.pid],
                              "playing": found.sound.playing,
                              "f_m": found.sound.values["f_m"]}), flush=True)
            QTimer.singleShot(0, window.close)
        window.desk.attached.connect(lambda session: session.match.ended.connect(leave))
        return window
    app.open_window = watched
    return app.main(["mesosynth"], Path(sys.argv[1]), None, AudioSettings(device="silent"))

if __name__ == "__main__":
    sys.exit(main())
"""


def test_from_nothing_to_a_match_without_torch_in_the_desk(
    display, tmp_path, record_property, capsys
):
    script = tmp_path / "desk.py"
    script.write_text(DESK)
    environment = {**os.environ, "MESOSYNTH_CONFIG_DIR": str(tmp_path), "PYTHONPATH": os.getcwd()}
    subprocess.run([sys.executable, "-c", "import PySide6.QtWidgets"], check=True)
    begun = time.time()
    done = subprocess.run(
        [sys.executable, "-W", "error", str(script), str(DEMO)],
        env=environment, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    painted, ended = (json.loads(line) for line in done.stdout.splitlines())
    assert not painted["plots"]  # pyqtgraph takes 0.3 s to import
    seconds = painted["painted"] - begun
    record_property("window_seconds", seconds)
    with capsys.disabled():
        print(f"\nwindow on screen after {seconds:.2f} s")
    assert ended["heavy"] == []
    assert ended["playing"]
    assert ended["f_m"] != 8.0  # the match drove the sound
    assert "Traceback" not in done.stderr
    assert "leaked" not in done.stderr  # semaphores or shared memory
    assert not any(psutil.pid_exists(pid) for pid in ended["pids"])
    remembered = json.loads((tmp_path / "desk.json").read_text())
    assert remembered["gain"] == -9.0
    assert len(remembered["geometry"]) > 20
