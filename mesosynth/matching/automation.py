"""Automation: a matched sequence as parameters over time, played by the chirplet.

Every arpeggio has its own theta, which stands still from its start to its end and then glides to
the next one along the knobs' travel. Where two overlap, they share the time.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mesosynth import units
from mesosynth.instruments.chirplet import PARAMETERS
from mesosynth.matching.results import Moment
from mesosynth.plugins.plugin import EventKind

GIVEN = {
    "sync": 0.0,
    "swing": 0.0,
    "humanise": 0.0,
    "period": PARAMETERS["period"].maximum,
    "release": PARAMETERS["release"].minimum,
}
"""Other parameters of the chirplet during playback: arpeggios start by events only, and end at
once where needed."""

_HEARD = 2.0  # standard deviations from an arpeggio's middle to where it is inaudible
_WHOLE = 5.0  # the same to where the instrument ends it
_TURN = 0.02  # s from one arpeggio's theta to that of an overlapping one: a block or two
_ALONE = 0.9 * PARAMETERS["period"].maximum  # s; after that it would repeat by itself


@dataclass(frozen=True, slots=True, eq=False)
class Automation:
    """Parameters and events over time.

    Attributes
    ----------
    ids : tuple of str
        Parameters that move.
    times : (knots,) float64
        s, ascending.
    travels : (knots, len(ids)) float64
        Positions of their knobs, 0 to 1, with straight lines between.
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
        """Parameters by id at a time, s; outside the arpeggios they stand still."""
        if not len(self.times):
            return {}
        after = min(max(bisect_left(self.times, time), 1), len(self.times) - 1)
        begin, end = self.times[after - 1], self.times[after]
        share = min(max((time - begin) / (end - begin), 0.0), 1.0)
        travels = (1.0 - share) * self.travels[after - 1] + share * self.travels[after]
        moved = zip(self.ids, map(float, travels), strict=True)
        return {id_: PARAMETERS[id_].from_unit(travel) for id_, travel in moved}

    def between(self, begin: float, end: float) -> list[tuple[float, EventKind]]:
        """Events of a time span.

        Parameters
        ----------
        begin : float
            s.
        end : float
            s; events at this time are not included.

        Returns
        -------
        list of (float, EventKind)
        """
        first = bisect_left(self.events, begin, key=lambda event: event[0])
        last = bisect_left(self.events, end, key=lambda event: event[0])
        return self.events[first:last]


def automation_of(moments: Sequence[Moment], duration: float) -> Automation:
    """Automation of a sequence of arpeggios.

    Parameters
    ----------
    moments : sequence of Moment
        In order of onset.
    duration : float
        Of the original, s.

    Returns
    -------
    Automation
    """
    ids = (*PARAMETERS.matchable, "gain")
    knots: list[tuple[float, list[float]]] = []
    events: list[tuple[float, EventKind]] = []
    direction = last_end = 0.0
    for moment, (begin, end) in zip(moments, _holds(moments), strict=True):
        travels = _travels(moment, ids)
        start = moment.onset - _WHOLE * moment.sigma
        if start < begin:
            start, entry = begin + _TURN, list(travels)
            entry[ids.index("w")] = _narrower(moment, start)
            knots += [(begin, entry), (start, entry)]
            begin = start + 2.0 * _TURN
        knots += [(begin, travels), (max(end, begin + _TURN), travels)]
        if events:
            _stop(events, start)
            if moment.theta["gamma"] * direction < 0.0:
                events.append((last_end, EventKind.STOP))  # or it would turn and sound again
        events.append((start, EventKind.START))
        direction, last_end = moment.theta["gamma"], end
    if events:
        _stop(events, np.inf)
    times = np.array([time for time, _ in knots])
    return Automation(ids, times, np.array([travels for _, travels in knots]), events, duration)


def _travels(moment: Moment, ids: Sequence[str]) -> list[float]:
    values = {**moment.theta, "gain": units.amplitude_to_db(moment.gain)}
    return [PARAMETERS[id_].to_unit(values[id_]) for id_ in ids]


def _holds(moments: Sequence[Moment]) -> list[tuple[float, float]]:
    """Begin and end of each theta, s; they do not overlap."""
    holds: list[tuple[float, float]] = []
    last: Moment | None = None
    for moment in moments:
        begin = moment.onset - _WHOLE * moment.sigma
        if last is not None:
            last_begin, last_end = holds[-1]
            if last_end + _TURN > begin:  # they overlap and share the time
                silent = last.onset + _HEARD * last.sigma
                heard = moment.onset - _HEARD * moment.sigma
                last_end = min(max(0.5 * (last_end + begin), silent), max(heard, silent))
                if silent > heard:
                    last_end = 0.5 * (silent + heard)
                last_end = max(last_begin + 5.0 * _TURN, last_end - _TURN)
                holds[-1] = last_begin, last_end
            begin = max(begin, last_end + _TURN)
        holds.append((begin, max(begin + 5.0 * _TURN, moment.onset + _WHOLE * moment.sigma)))
        last = moment
    return holds


def _narrower(moment: Moment, start: float) -> float:
    """Bandwidth's travel for an arpeggio that starts late, so that its middle is in time.

    The instrument starts at the window's edge. The edge of a narrower window is nearer to the
    middle, and as silent.
    """
    distance = abs(moment.theta["gamma"]) * max(moment.onset - start, 0.0)
    return PARAMETERS["w"].to_unit(min(2.0 * distance, moment.theta["w"]))


def _stop(events: list[tuple[float, EventKind]], before: float) -> None:
    """End the last arpeggio before it would repeat, where the next one is far."""
    last, kind = events[-1]
    if kind == EventKind.START and before - last > _ALONE:
        events.append((last + _ALONE, EventKind.STOP))
