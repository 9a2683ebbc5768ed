"""Work in a background thread, and the line that shows its progress."""

import threading
import time
from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QProgressBar, QToolButton, QVBoxLayout, QWidget

from mesosynth.errors import MesosynthError, WorkerError

from .. import theme

# --------------------------------------------------------------------------------------------------
# Work that takes a while, in a thread of its own, with its progress and a way to end it.


Progress = Callable[[int, int], bool]
Work = Callable[[Progress], Any]
"""Calls what it gets with how many of how many are done, and ends early where that is False."""

TELL_SECONDS = 0.05
"""Time between two tellings of the progress, s."""


class Background(QObject):
    """One work at a time; everything it signals arrives in Qt's turn.

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
    _done = Signal(object, object)

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.busy = False
        self._cancelled = threading.Event()
        self._thread: threading.Thread | None = None
        self._told = 0.0
        self._done.connect(self._end)

    def start(self, words: str, work: Work, done: Callable[[Any], None]) -> bool:
        """Do `work`, and give what it returns to `done`; False if another work is not done yet."""
        if self.busy:
            return False
        self.busy = True
        self._cancelled.clear()
        self.began.emit(words)
        self._thread = threading.Thread(
            target=self._run, args=(words, work, done), name="background", daemon=True
        )
        self._thread.start()
        return True

    def cancel(self) -> None:
        """Ask the work to end early."""
        self._cancelled.set()

    def close(self) -> None:
        """End the work, and wait for it to tidy up."""
        self.cancel()
        if self._thread is not None:
            self._thread.join(5.0)

    def _run(self, words: str, work: Work, done: Callable[[Any], None]) -> None:
        answer: object = WorkerError(f"{words}: ended unexpectedly; start mesosynth in a terminal.")
        try:
            answer = work(self._tell)
        except MesosynthError as error:
            answer = error
        finally:
            self._done.emit(answer, done)

    def _tell(self, done: int, total: int) -> bool:
        now = time.monotonic()
        if now - self._told > TELL_SECONDS:
            self._told = now
            self.progressed.emit(done, total)
        return not self._cancelled.is_set()

    def _end(self, answer: object, done: Callable[[Any], None]) -> None:
        self.busy = False
        self.ended.emit()
        if isinstance(answer, MesosynthError):
            self.failed.emit(str(answer))
        else:
            done(answer)


# --------------------------------------------------------------------------------------------------
# A line that shows how far a work in the background is, and ends it by a click.


class JobLine(QWidget):
    """There only while `background` is busy.

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
