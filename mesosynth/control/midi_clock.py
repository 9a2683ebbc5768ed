"""Tempo from a MIDI clock, 24 ticks to the quarter note, in spite of their jitter."""

TICKS = 24
EVERY = 6
"""Ticks between two reports of the tempo: a sixteenth note."""

_FINEST = 0.05  # the loop's bandwidth, per tick, once it has settled
_PAUSE = 0.5  # s between two ticks: the clock had stopped
_PULL = 0.02  # the most that the tempo is bent to catch up with the beat


class MidiClock:
    """Follows ticks by a delay-locked loop of second order.

    The tempo that it reports is bent a little so that whoever integrates it stays on the ticks:
    counting beats by tempo alone, every rounding would add up.
    """

    def __init__(self) -> None:
        self._last = self._next = self._period = 0.0
        self._ticks = 0
        self.restart()

    def restart(self) -> None:
        """Take the next tick as the first of a beat."""
        self._count = 0
        self._played = 0.0  # ticks that the reported tempo amounts to
        self._rate = 0.0  # ticks a second, as reported
        self._reported = 0.0

    def tick(self, stamp: float) -> float | None:
        """Take a tick that came at `stamp` s; return quarter notes a minute when they are due."""
        gap, self._last = stamp - self._last, stamp
        if self._ticks == 0 or not 0.0 < gap < _PAUSE:
            self._ticks, self._period = 1, 0.0
            self._next = stamp
            self.restart()
        elif self._period == 0.0:
            self._period = gap
            self._next = stamp + gap
            self._ticks += 1
        else:
            self._ticks += 1
            bandwidth = max(_FINEST, 1.0 / self._ticks)
            error = stamp - self._next
            self._next += self._period + min(1.0, 1.5 * bandwidth) * error
            self._period = max(self._period + bandwidth * bandwidth * error, 1e-3)
        self._count += 1
        due = self._period > 0.0 and self._count % EVERY == 0
        return self._report(self._next - self._period) if due else None

    def _report(self, stamp: float) -> float:
        """Tempo at the tick that came at `stamp`, freed of its jitter."""
        rate = 1.0 / self._period
        if self._rate:
            self._played += (stamp - self._reported) * self._rate
        else:
            self._played = float(self._count)
        behind = (self._count - self._played) / (4 * EVERY)
        self._rate = rate * (1.0 + min(max(behind, -_PULL), _PULL))
        self._reported = stamp
        return 60.0 * self._rate / TICKS
