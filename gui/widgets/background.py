"""Background work: a thread with progress and cancel, and its progress line."""

import time
from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QObject, QThreadPool, Signal
from PySide6.QtWidgets import QWidget
from superqt.utils import create_worker

from mesosynth.errors import MesosynthError

from .. import theme
from .parts import column, progress_bar, row

Progress = Callable[[int, int], bool]
"""Takes how many of how many are done; False: the work shall end early."""

TELL_SECONDS = 0.05
"""Time between two reports of the progress, s."""


class Background(QObject):
    """Work in a thread, one at a time; its signals arrive in Qt's main thread.

    Signals
    -------
    began
        With the words for it.
    progressed
        How many of how many are done.
    ended
        The work is done, ended or failed.
    failed
        With a sentence that says why.

    Attributes
    ----------
    busy : bool
    """

    began = Signal(str)
    progressed = Signal(int, int)
    ended = Signal()
    failed = Signal(str)

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.busy = self._cancelled = False
        self._told = 0.0

    def start(
        self, words: str, work: Callable[[Progress], Any], done: Callable[[Any], None]
    ) -> bool:
        """Do `work`, and give what it returns to `done`; False if another work is not done yet.

        Parameters
        ----------
        words : str
            What is shown of it, for example "Importing birds.zip …".
        work : callable
            Called in another thread with a :data:`Progress`.
        done : callable
            Called in this thread, unless the work fails.
        """
        if self.busy:
            return False

        def take(answer: object) -> None:
            self._end()
            done(answer)

        def fail(error: Exception) -> None:
            self._end()
            text = f"{words}: ended unexpectedly ({type(error).__name__}: {error})."
            self.failed.emit(str(error) if isinstance(error, MesosynthError) else text)

        self.busy, self._cancelled = True, False
        self.began.emit(words)
        create_worker(work, self._tell, _connect={"returned": take, "errored": fail})
        return True

    def cancel(self) -> None:
        """Ask the work to end early."""
        self._cancelled = True

    def close(self) -> None:
        """End the work, and wait for it to tidy up."""
        self.cancel()
        QThreadPool.globalInstance().waitForDone(5000)

    def _tell(self, done: int, total: int) -> bool:
        now = time.monotonic()
        if now - self._told > TELL_SECONDS:
            self._told = now
            self.progressed.emit(done, total)
        return not self._cancelled

    def _end(self) -> None:
        self.busy = False
        self.ended.emit()


class JobLine(QWidget):
    """Progress of a work and a button to cancel it; visible only while `background` is busy."""

    def __init__(self, background: Background) -> None:
        super().__init__()
        self.words, self.bar = theme.note(), progress_bar("Progress")
        self.cancel = theme.tool_button("Cancel", "End it; everything stays as it was.")
        column(row((self.words, 1), self.cancel), self.bar, spacing=4, inside=self)
        self.hide()
        self.cancel.clicked.connect(background.cancel)
        background.began.connect(self._begin)
        background.progressed.connect(self._move)
        background.ended.connect(self.hide)

    def _begin(self, words: str) -> None:
        self.words.setText(words)
        self.bar.setRange(0, 0)  # busy, until it is known how much there is
        self.show()

    def _move(self, done: int, total: int) -> None:
        self.bar.setRange(0, total)
        self.bar.setValue(done)
