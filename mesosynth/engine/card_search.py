"""Waits for a lost card, or one that was not there, and says when it opens."""

import threading
import time
from collections.abc import Callable

from mesosynth.engine.device import SILENT
from mesosynth.engine.device_list import output_opens

SEARCH = 1.0  # s between two looks
PATIENCE = 30.0  # s at most before a card that refused again and again is asked once more


class CardSearch:
    """Asks throwaway processes, from a thread of its own.

    Parameters
    ----------
    device : str or None
        Part of the name; None for the system's default. "silent" is not looked for.
    sample_rate : int or None
        Hz.
    convenient : callable
        Whether the sound may be interrupted now.

    Attributes
    ----------
    found : threading.Event
        Set once the card opens.
    """

    def __init__(
        self, device: str | None, sample_rate: int | None, convenient: Callable[[], bool]
    ) -> None:
        self._device, self._sample_rate = device, sample_rate
        self._convenient = convenient
        self.found = threading.Event()

    def begin(self, refusals: int = 0) -> None:
        """Look for it; the later, the oftener it opened and refused after all."""
        if self._device == SILENT:
            return
        delay = min(2.0**refusals - 1.0, PATIENCE)
        threading.Thread(
            target=self._search, args=(delay,), name="card search", daemon=True
        ).start()

    def _search(self, delay: float) -> None:
        time.sleep(delay)
        while not self.found.is_set():
            time.sleep(SEARCH)
            if self._convenient() and output_opens(self._device, self._sample_rate):
                self.found.set()
