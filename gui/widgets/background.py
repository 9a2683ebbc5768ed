"""Background work: a thread with progress and cancel, and its progress line."""

import time
from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QObject, Qt, QThreadPool, Signal
from PySide6.QtWidgets import QHBoxLayout, QProgressBar, QToolButton, QVBoxLayout, QWidget
from superqt.utils import create_worker

from mesosynth.errors import MesosynthError

from .. import theme

# --------------------------------------------------------------------------------------------------
# Work in a thread, with its progress and a way to cancel it.


Progress = Callable[[int, int], bool]
"""Takes how many of how many are done; False: the work shall end early."""

Work = Callable[[Progress], Any]

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
        self._words = ""
        self._done: Callable[[Any], None] | None = None
        self._told = 0.0

    def start(self, words: str, work: Work, done: Callable[[Any], None]) -> bool:
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
        self.busy, self._cancelled, self._words, self._done = True, False, words, done
        self.began.emit(words)
        create_worker(work, self._tell, _connect={"returned": self._take, "errored": self._fail})
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

    def _take(self, answer: object) -> None:
        self._end()
        if self._done is not None:
            self._done(answer)

    def _fail(self, error: Exception) -> None:
        self._end()
        unexpected = f"{self._words}: ended unexpectedly ({type(error).__name__}: {error})."
        self.failed.emit(str(error) if isinstance(error, MesosynthError) else unexpected)

    def _end(self) -> None:
        self.busy = False
        self.ended.emit()


# --------------------------------------------------------------------------------------------------
# Progress line of a work, with a button to cancel it.


class JobLine(QWidget):
    """Progress line; visible only while `background` is busy.

    Parameters
    ----------
    background : Background
    """

    def __init__(self, background: Background) -> None:
        super().__init__()
        self.words = theme.note()
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setFixedHeight(6)
        self.cancel = QToolButton()
        self.cancel.setObjectName("small")
        self.cancel.setText("Cancel")
        self.cancel.setToolTip("End it; everything stays as it was.")
        self.cancel.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        theme.name(self.cancel, "Cancel", self.cancel.toolTip())
        theme.name(self.bar, "Progress")
        line = QHBoxLayout()
        line.addWidget(self.words, 1)
        line.addWidget(self.cancel)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addLayout(line)
        layout.addWidget(self.bar)
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
