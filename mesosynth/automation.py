"""Parameters over time: a matched sequence as the chirplet plays it, in time with the original.

Every arpeggio sounds with its own theta: that stands still from its start until it can no longer be
heard, and glides to the next one's as their knobs would. Where two overlap, they share the time.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mesosynth import units
from mesosynth.instruments.chirplet_parameters import PARAMETERS
from mesosynth.matching.sequence_messages import MatchedSequence, Moment
from mesosynth.plugin import EventKind

GIVEN = {"sync": 0.0, "swing": 0.0, "humanise": 0.0, "period": PARAMETERS["period"].maximum}
"""What the chirplet's other parameters are meanwhile: arpeggios start when they are told to."""

_HEARD = 2.0  # standard deviations either side of an arpeggio's middle
_WHOLE = 5.0  # the same of what the instrument plays
_TURN = 0.01  # s from one arpeggio's theta to that of another that it overlaps
_ALONE = 0.9 * PARAMETERS["period"].maximum  # s after which it would repeat by itself


@dataclass(frozen=True, slots=True, eq=False)
class Automation:
    """What happens when.

    Attributes
    ----------
    ids : tuple of str
        The parameters that move.
    times : (knots,) float64
        s, ascending.
    travels : (knots, len(ids)) float64
        Positions of their knobs, 0 to 1, straight in between.
    events : list of (float, EventKind)
        START of an arpeggio, or STOP before it would repeat by itself; s, in order.
    duration : float
        Of the original, s.
    """

    ids: tuple[str, ...]
    times: NDArray[np.float64]
    travels: NDArray[np.float64]
    events: list[tuple[float, EventKind]]
    duration: float

    def at(self, time: float) -> dict[str, float]:
        """Parameters by id at a time, s; beyond the first and last arpeggio they stand still."""
        if not len(self.times):
            return {}
        after = min(max(bisect_left(self.times, time), 1), len(self.times) - 1)
        begin, end = self.times[after - 1], self.times[after]
        share = min(max((time - begin) / (end - begin), 0.0), 1.0)
        travels = (1.0 - share) * self.travels[after - 1] + share * self.travels[after]
        moved = zip(self.ids, map(float, travels), strict=True)
        return {id_: PARAMETERS[id_].from_unit(travel) for id_, travel in moved}

    def between(self, begin: float, end: float) -> list[tuple[float, EventKind]]:
        """The events from `begin` on and before `end`, s."""
        first = bisect_left(self.events, begin, key=lambda event: event[0])
        last = bisect_left(self.events, end, key=lambda event: event[0])
        return self.events[first:last]


def automation_of(moments: Sequence[Moment], duration: float) -> Automation:
    """Automation of a row of arpeggios, in order of onset, of a sound of that many seconds."""
    ids = (*PARAMETERS.matchable, "gain")
    holds = _holds(moments)
    times = np.array([time for hold in holds for time in hold])
    travels = np.array([_travels(moment, ids) for moment in moments for _ in range(2)])
    return Automation(ids, times, travels, _starts_and_stops(moments, holds), duration)


def _travels(moment: Moment, ids: Sequence[str]) -> list[float]:
    values = {**moment.theta, "gain": units.amplitude_to_db(moment.gain)}
    return [PARAMETERS[id_].to_unit(values[id_]) for id_ in ids]


def _holds(moments: Sequence[Moment]) -> list[tuple[float, float]]:
    """From when to when each theta stands still, s; one after another."""
    holds: list[tuple[float, float]] = []
    for moment in moments:
        begin = moment.onset - _WHOLE * moment.sigma
        if holds:
            last_begin, last_end = holds[-1]
            heard = moment.onset - _HEARD * moment.sigma
            if last_end + _TURN > heard:
                last_end = max(last_begin + 1e-3, 0.5 * (last_end + heard - _TURN))
                holds[-1] = last_begin, last_end
            begin = max(begin, last_end + _TURN)
        holds.append((begin, max(begin + 1e-3, moment.onset + _HEARD * moment.sigma)))
    return holds


def _starts_and_stops(
    moments: Sequence[Moment], holds: Sequence[tuple[float, float]]
) -> list[tuple[float, EventKind]]:
    events: list[tuple[float, EventKind]] = []
    direction = 0.0
    for moment, (begin, _) in zip(moments, holds, strict=True):
        start = moment.onset - _WHOLE * moment.sigma
        if moment.theta["gamma"] * direction < 0.0:
            start = max(start, begin)  # the other way it would leave at once
        direction = moment.theta["gamma"]
        if events:
            start = max(start, events[-1][0] + 1e-3)
            _stop(events, start)
        events.append((start, EventKind.START))
    if events:
        _stop(events, np.inf)
    return events


def _stop(events: list[tuple[float, EventKind]], before: float) -> None:
    """Have the last arpeggio not repeat, where the next one is far."""
    last, _ = events[-1]
    if before - last > _ALONE:
        events.append((last + _ALONE, EventKind.STOP))


# ---------------------------------------------------------------------- what a session reports


@dataclass(frozen=True, slots=True)
class SequenceChanged:
    """A sequence goes on, has ended, or is another one.

    Attributes
    ----------
    matched : MatchedSequence or None
        As far as it came; its moments grow while it runs. None while the sound is being read.
    running : bool
    """

    matched: MatchedSequence | None
    running: bool


@dataclass(frozen=True, slots=True)
class AutomationMoved:
    """Whether a sequence plays, and at which second of the original it is."""

    playing: bool
    position: float
