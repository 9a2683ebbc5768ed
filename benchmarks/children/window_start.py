"""Time until the real program's window is on screen; for :mod:`benchmarks.before_after`.

Its argument is the time of the process's start on the monotonic clock, s. It runs ``mesosynth`` as
its command does, on the silent clock, and prints {"exposed", "painted"}: seconds until the screen
showed the first window, and until all of it was painted.
"""

import json
import runpy
import sys
import time

from PySide6.QtCore import QEvent, QObject, QTimer
from PySide6.QtGui import QWindow
from PySide6.QtWidgets import QApplication, QMainWindow
from typing_extensions import override

_SETTLE_MS = 5000


class Clock(QObject):
    """Event filter that notes the first exposure and the first picture of the main window."""

    def __init__(self, began: float) -> None:
        super().__init__()
        self._began = began
        self._seconds: dict[str, float] = {}

    @override
    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(watched, QWindow):
            if event.type() == QEvent.Type.Expose and watched.isExposed():
                self._note("exposed")
        elif isinstance(watched, QMainWindow) and event.type() == QEvent.Type.UpdateRequest:
            # Once the window has handled it, the picture is complete and given to the screen.
            QTimer.singleShot(0, self._painted)

        return False

    def _note(self, what: str) -> None:
        self._seconds.setdefault(what, time.monotonic() - self._began)

    def _painted(self) -> None:
        if "exposed" not in self._seconds or "painted" in self._seconds:
            return
        self._note("painted")
        application = QApplication.instance()
        assert application is not None
        application.removeEventFilter(self)
        print(json.dumps(self._seconds), flush=True)
        # Sound and matcher start only now; a window that is closed at once would leave them alone.
        QTimer.singleShot(_SETTLE_MS, _close)


def _close() -> None:
    for window in QApplication.topLevelWidgets():
        if isinstance(window, QMainWindow):
            window.close()
    QApplication.exit(0)


def main() -> None:
    """Run the program with a clock at its window."""
    clock = Clock(float(sys.argv[1]))
    run = QApplication.exec

    def execute(*_: object) -> int:
        application = QApplication.instance()
        assert application is not None
        application.installEventFilter(clock)
        return run()

    QApplication.exec = execute  # type: ignore[method-assign]
    sys.argv = ["mesosynth", "--device", "silent"]
    runpy.run_module("mesosynth", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
