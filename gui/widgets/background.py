"""Work that takes a while, in a thread of its own, with its progress and a way to end it."""

import threading
import time
from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QObject, Signal

from mesosynth.errors import MesosynthError, WorkerError

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
