"""Window that measures itself: start-up, frames or memory.

`python -m benchmarks.desk` runs it, each time in a process of its own.
"""

import argparse
import gc
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import soundfile
from PySide6.QtCore import QEvent, QObject, QPointF, Qt, QTimer
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QApplication

from benchmarks.harness import spread
from gui import theme
from gui.app import INSTRUMENT, open_window
from gui.desk import Desk
from gui.main_window import MainWindow
from gui.settings import FOLDER_VARIABLE, Settings
from mesosynth.session import Session
from mesosynth.system.paths import resource

SIZE = (1200, 800)
_INPUT_MS = 150  # between two moves of the mouse
_LONGEST = 60.0  # s until the first match must have begun
_MOVED = 3  # px
_HOUR_RATE = 22050  # Hz


def main(argv: list[str]) -> int:
    """Print the measurements as one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("start", "frames", "memory", "hour"))
    parser.add_argument("--begun", type=float, default=0.0, help="time.time() of the start")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--windows", type=int, default=50)
    parser.add_argument("--minutes", type=float, default=60.0)
    options = parser.parse_args(argv)
    os.environ[FOLDER_VARIABLE] = tempfile.mkdtemp()  # the user's own settings stay as they are
    application = QApplication([sys.argv[0]])
    theme.apply(application)
    if options.what == "start":
        answer = _start(application, options.begun)
    elif options.what == "frames":
        answer = _Frames(application, options.seconds).measure()
    elif options.what == "hour":
        answer = _hour(application, options.minutes)
    else:
        answer = _memory(application, options.windows)
    answer["platform"] = application.platformName()
    print(json.dumps(answer), flush=True)
    return 0


def _start(application: QApplication, begun: float) -> dict[str, object]:
    """Time from nothing to the first picture, s."""
    window = MainWindow(Desk(Session("silent", INSTRUMENT, start=False)), Settings())
    painted: list[float] = []
    window.painted.connect(lambda: painted.append(time.time()))
    window.painted.connect(application.exit)
    window.resize(*SIZE)
    window.show()
    application.exec()
    return {"start_seconds": painted[0] - begun}


class _Frames(QObject):
    """Counts the pictures that a window shows while it plays, is played and matches."""

    def __init__(self, application: QApplication, seconds: float) -> None:
        super().__init__()
        self._application, self._seconds = application, seconds
        self._frames: list[float] = []
        self._latencies: list[float] = []
        self._asked: float | None = None
        self._matched = 0.0  # s
        self._match_began: float | None = None
        target = Path(resource("assets", "demo.wav"))
        self._window = open_window(Session("silent", INSTRUMENT, start=False), target)
        self._window.installEventFilter(self)

    def measure(self) -> dict[str, object]:
        """Wait for the first match, then count; matches follow one another."""
        window = self._window
        window.desk.attached.connect(self._attach)
        QTimer.singleShot(round(1000 * _LONGEST), lambda: self._application.exit(1))
        window.resize(*SIZE)
        window.show()
        code = self._application.exec()
        wall, cpu = time.perf_counter() - self._wall, time.process_time() - self._cpu
        window.removeEventFilter(self)
        window.close()
        if code or len(self._frames) < 3:
            raise SystemExit("No match began in time; run it on a quieter machine.")
        gaps = [after - before for before, after in pairwise(self._frames)]
        return {
            "seconds": wall,
            "frames_per_second": len(self._frames) / wall,
            "frame_ms": spread(1000.0 * gap for gap in gaps),
            "cpu": cpu / wall,
            "cpu_ms": 1000.0 * cpu / len(self._frames),
            "input_ms": spread(1000.0 * latency for latency in self._latencies),
        }

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.UpdateRequest:
            # Once the window has handled it, the picture is complete and given to the screen.
            QTimer.singleShot(0, self._shown)
        return super().eventFilter(watched, event)

    def _attach(self, session: Session) -> None:
        session.match.ended.connect(self._match_again)
        session.match.started.connect(self._begin)

    def _match_again(self) -> None:
        desk = self._window.desk
        QTimer.singleShot(0, lambda: desk.ask(lambda session: session.match.start()))

    def _begin(self) -> None:
        if self._match_began is not None:
            return
        self._match_began = self._wall = time.perf_counter()
        self._cpu = time.process_time()
        self._frames.clear()
        QTimer.singleShot(round(1000 * self._seconds), self._application.exit)
        self._hand = QTimer(self, interval=_INPUT_MS)
        self._hand.timeout.connect(self._move)
        self._hand.start()

    def _shown(self) -> None:
        now = time.perf_counter()
        self._frames.append(now)
        if self._asked is not None:
            self._latencies.append(now - self._asked)
            self._asked = None

    def _move(self) -> None:
        """Move the playing point by the events that a mouse sends."""
        pad = self._window.pad
        self._asked = time.perf_counter()
        start = pad.handle
        to = start + QPointF(_MOVED if len(self._latencies) % 2 else -_MOVED, 0.0)
        left, none = Qt.MouseButton.LeftButton, Qt.MouseButton.NoButton
        for kind, spot, buttons in (
            (QEvent.Type.MouseButtonPress, start, left),
            (QEvent.Type.MouseMove, to, left),
            (QEvent.Type.MouseButtonRelease, to, none),
        ):
            button = none if kind == QEvent.Type.MouseMove else left
            event = QMouseEvent(
                kind, spot, pad.mapToGlobal(spot), button, buttons, Qt.KeyboardModifier.NoModifier
            )
            QApplication.sendEvent(pad.viewport(), event)


def _memory(application: QApplication, windows: int) -> dict[str, object]:
    """Memory after a few windows were opened and closed, and after many, MB."""
    held: list[float] = []
    for _ in range(windows):
        window = MainWindow(Desk(Session("silent", INSTRUMENT, start=False)), Settings())
        window.resize(*SIZE)
        window.ready.connect(application.exit)
        window.show()
        application.exec()
        window.close()
        window.deleteLater()
        application.sendPostedEvents(None, QEvent.Type.DeferredDelete)
        application.processEvents()
        del window
        gc.collect()
        held.append(_resident_mb())
    warm = held[min(9, len(held) - 1)]
    return {"windows": windows, "after_ten_mb": warm, "at_the_end_mb": held[-1]}


def _hour(application: QApplication, minutes: float) -> dict[str, object]:
    """Time to the overview of a long sound, to a finer picture of ten seconds, and stutters."""
    path = Path(tempfile.mkdtemp()) / "hour.wav"
    noise = np.random.default_rng(0)
    with soundfile.SoundFile(path, "w", _HOUR_RATE, 1, "PCM_16") as file:
        for second in range(round(60.0 * minutes)):
            file.write(noise.normal(0.0, 0.05 + 0.1 * (second % 60 < 20), _HOUR_RATE))
    window = open_window(Session("silent", INSTRUMENT, start=False))
    window.resize(*SIZE)
    window.show()
    turns: list[float] = []

    def wait(until: Callable[[], bool]) -> float:
        begun = time.perf_counter()
        while not until():
            application.processEvents()
            turns.append(time.perf_counter())
            if turns[-1] - begun > _LONGEST * 4.0:
                raise SystemExit("The long sound was not shown in time.")
            time.sleep(0.002)
        return time.perf_counter() - begun

    wait(lambda: window.session.started and window.session.device.name is not None)
    waveform = window.scalograms.waveform
    turns.clear()
    window.files.load_target(path)
    overview = wait(lambda: waveform.peaks is not None)
    longest = max((after - before for before, after in pairwise(turns)), default=0.0)
    middle = 30.0 * minutes
    *_, low, high = waveform.sight
    waveform.look_at(middle, middle + 10.0, low, high)
    coarse = waveform.read(middle + 5.0, 0.0)  # the range of amplitudes there, which gets smaller
    finer = wait(lambda: waveform.read(middle + 5.0, 0.0) != coarse)
    window.close()
    path.unlink()
    return {"minutes": minutes, "overview_seconds": overview, "zoom_seconds": finer,
            "longest_turn_ms": 1000.0 * longest, "held_mb": _resident_mb()}  # fmt: skip


def _resident_mb() -> float:
    """Memory that this process holds, MB; 0 where the system does not tell."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except (OSError, ValueError, IndexError):
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
