"""Musical time: note values, swing, and the clock of repeated starts.

At `bpm` quarter notes a minute, a note value of b quarters lasts ``60 b / bpm`` seconds. Swing s
makes every other interval longer and those between shorter, ``1 + s`` and ``1 - s`` periods, so
that a pair keeps its length: 1/3 is a triplet swing.
"""

import math

DIVISIONS: dict[str, float] = {
    "1/32": 1 / 8,
    "1/16T": 1 / 6,
    "1/16": 1 / 4,
    "1/8T": 1 / 3,
    "1/16.": 3 / 8,
    "1/8": 1 / 2,
    "1/4T": 2 / 3,
    "1/8.": 3 / 4,
    "1/4": 1.0,
    "1/2T": 4 / 3,
    "1/4.": 3 / 2,
    "1/2": 2.0,
    "1/2.": 3.0,
    "1 bar": 4.0,
    "2 bars": 8.0,
    "4 bars": 16.0,
}
"""Note values and their lengths in quarter notes, from short to long; T triplet, "." dotted."""

DIVISION_BEATS = tuple(DIVISIONS.values())

SHORTEST_PERIOD = 0.02
"""Shortest period, s; a faster repetition would be a tone."""

LONGEST_DELAY = 0.25
"""Longest delay of a fully humanised start, in periods."""

_TOLERANCE = 1e-7  # periods; rounding never delays a start by a sample


def synced_period(bpm: float, division: float) -> float:
    """Period of a note value, s, at least :data:`SHORTEST_PERIOD`.

    Parameters
    ----------
    bpm : float
        Quarter notes a minute, more than 0.
    division : float
        Index in :data:`DIVISIONS`, rounded and clamped.

    Returns
    -------
    float
        s.
    """
    place = min(max(round(division), 0), len(DIVISION_BEATS) - 1)
    return max(60.0 * DIVISION_BEATS[place] / bpm, SHORTEST_PERIOD)


class Pulse:
    """Clock of repeated starts; its period may change at any time.

    It counts periods since the last grid point, so a change of tempo keeps the place in the beat,
    and a humanised start does not shift the starts after it.
    """

    __slots__ = ("_delay", "_interval", "_long", "_phase")

    def __init__(self) -> None:
        self.restart()

    def restart(self, delay: float = 0.0) -> None:
        """Make the next start due after `delay` periods, and on the beat."""
        self._phase = 0.0
        self._interval = 0.0
        self._delay = delay
        self._long = True  # the interval that begins with the next start

    def wait(self, samples_per_period: float) -> int:
        """Samples until the next start is due; 0 or less if it is due now."""
        due = self._interval + self._delay - self._phase
        return math.ceil((due - _TOLERANCE) * samples_per_period)

    def start(self, swing: float = 0.0, delay: float = 0.0) -> None:
        """Take the start that is due.

        Parameters
        ----------
        swing : float
            In periods, 0 to less than 1.
        delay : float
            Delay of the start after this one, in periods, at least 0.
        """
        self._phase -= self._interval
        self._interval = 1.0 + swing if self._long else 1.0 - swing
        self._long = not self._long
        self._delay = delay

    def advance(self, periods: float) -> None:
        """Advance the clock by some periods."""
        self._phase += periods
