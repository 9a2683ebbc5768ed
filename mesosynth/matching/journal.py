"""What a match has measured so far, from which it can be taken up again where it stood.

A match is a function of its target and its settings: the same theta comes of them every time. All
that takes long is measuring, so whoever has the measurements can run the match once more in a
moment, to the very state in which it was left, and from there on.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mesosynth.matching.measured import Measured


@dataclass(frozen=True)
class Entry:
    """One measurement.

    Attributes
    ----------
    state : (n,) float64
        Where, as in :mod:`mesosynth.matching.unknowns`.
    measured : Measured
    seconds : float
        Since the match was asked for, pauses not counted.
    """

    state: NDArray[np.float64]
    measured: Measured
    seconds: float


class Journal:
    """Measurements in the order in which a match asks for them; the clock of that match.

    Parameters
    ----------
    entries : sequence of Entry
        Of the same match, as far as it came; none for a new one.
    on_entry : callable, optional
        Called with every new measurement and its place among the entries; what was at that place,
        and what followed it, is forgotten.
    """

    def __init__(
        self, entries: Sequence[Entry] = (), on_entry: Callable[[int, Entry], None] | None = None
    ) -> None:
        self._entries = list(entries)
        self._on_entry = on_entry
        self._next = 0
        self._seconds = 0.0
        self._since = time.perf_counter()

    @property
    def seconds(self) -> float:
        """Since the match was asked for, pauses not counted."""
        if self._next < len(self._entries):
            return self._seconds  # it was then that the match was here
        return self._seconds + time.perf_counter() - self._since

    def measure(self, state: NDArray[np.float64], compute: Callable[[], Measured]) -> Measured:
        """Measure at `state`, or remember what was measured there when the match came by before.

        What does not fit, since another version of mesosynth went another way, is forgotten.
        """
        if self._next < len(self._entries):
            entry = self._entries[self._next]
            if np.array_equal(entry.state, state):
                self._next += 1
                self._set_clock(entry.seconds)
                return entry.measured
            del self._entries[self._next :]
            self._set_clock(self._seconds)
        measured = compute()
        entry = Entry(state.copy(), measured, self.seconds)
        self._entries.append(entry)
        self._next += 1
        if self._on_entry is not None:
            self._on_entry(self._next - 1, entry)
        return measured

    def _set_clock(self, seconds: float) -> None:
        self._seconds, self._since = seconds, time.perf_counter()
