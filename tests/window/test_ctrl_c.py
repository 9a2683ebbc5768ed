"""The desk answers the signals that end programs."""

import os
import signal
import subprocess
import sys
import time

import pytest
from process_group import assert_gone

DESK = [sys.executable, "-m", "mesosynth", "--device", "silent"]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_the_desk_leaves_without_a_trace(display, tmp_path, number, code):
    environment = {**os.environ, "MESOSYNTH_CONFIG_DIR": str(tmp_path)}
    running = subprocess.Popen(
        DESK, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment,
        start_new_session=True,
    )  # fmt: skip
    try:
        search = ["xdotool", "search", "--onlyvisible", "--pid", str(running.pid)]
        patience = time.monotonic() + 20.0
        while subprocess.run(search, capture_output=True, check=False).returncode:
            assert time.monotonic() < patience, "no window came"
            time.sleep(0.1)
        time.sleep(1.5)  # the matcher imports torch meanwhile
        if number == signal.SIGINT:
            os.killpg(running.pid, number)  # as a terminal does: to all at once
        else:
            running.send_signal(number)
        out, err = running.communicate(timeout=15)
    finally:
        running.kill()  # a window that stays would lie over those of other tests
    assert (running.returncode, out) == (code, "")
    assert "Traceback" not in err
    assert "leaked" not in err  # semaphores or shared memory
    assert (tmp_path / "desk.json").exists()  # the window was closed, not dropped
    assert_gone(running.pid)
