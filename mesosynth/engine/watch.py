"""Which guest's code runs at this moment, for whoever waits for it: four words that others see."""

import contextlib
import threading
from collections.abc import Generator

import numpy as np
from numpy.typing import NDArray

WORDS = 4
_AT_WORK, _ITS_THREAD, _CARED_FOR, _CARING_THREAD = range(WORDS)


class Watch:
    """Says who is at work in the callback, and who is loaded or prepared beside it.

    Parameters
    ----------
    words : (WORDS,) int64, optional
        Memory that others share; its own if left out.
    """

    def __init__(self, words: NDArray[np.int64] | None = None) -> None:
        self._words = np.zeros(WORDS, np.int64) if words is None else words

    def enter(self, number: int) -> None:
        """[audio] A guest begins to work in this thread."""
        self._words[_ITS_THREAD] = threading.get_ident()
        self._words[_AT_WORK] = number

    def leave(self) -> None:
        """[audio] It has returned."""
        self._words[_AT_WORK] = 0

    @contextlib.contextmanager
    def care(self, number: int) -> Generator[None]:
        """[control] Meanwhile a guest is loaded or prepared, by one thread at a time."""
        self._words[_CARING_THREAD] = threading.get_ident()
        self._words[_CARED_FOR] = number
        try:
            yield
        finally:
            self._words[_CARED_FOR] = 0

    @property
    def at_work(self) -> tuple[int, int]:
        """Number of the guest in the callback, 0 for none, and its thread."""
        return int(self._words[_AT_WORK]), int(self._words[_ITS_THREAD])

    @property
    def cared_for(self) -> tuple[int, int]:
        """Number of the guest that is loaded or prepared, 0 for none, and the thread."""
        return int(self._words[_CARED_FOR]), int(self._words[_CARING_THREAD])

    def clear(self) -> None:
        """Forget guests whose process is gone."""
        self._words.fill(0)
