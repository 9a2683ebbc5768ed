"""What else a sound may be: starts that are tried beside the track, one after another.

Where nothing is known yet, they are those of a match. While what is known explains the sound badly,
they are given some looks each, and the better one goes on. Each costs as much as the look itself,
which has been told of by then: what is told does not wait for them.
"""

import math
from collections.abc import Generator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from mesosynth.audio.target import ANALYSIS_SAMPLES
from mesosynth.matching.operator import Operator
from mesosynth.matching.repetition import period_of
from mesosynth.matching.starts import starts_of
from mesosynth.matching.theta_track import BEGINNING, Heard, Recent, Track
from mesosynth.matching.unknowns import Unknowns

_STARTS = 4  # of a match
_PERIODS = (1.0, 0.4)  # s, to try beside those that are heard or played
_ANOTHER = 0.2  # by how much, as a logarithm, another period differs
_POOR, _BETTER = 0.015, 0.5  # a loss that calls for another start, and how much better that must be
_LOST = 0.1  # a loss that is no good at all
_FIRST_AT_ONCE, _LOST_AT_ONCE, _POOR_AT_ONCE = 4, 2, 1  # starts: each puts off the next look
_ANYWHERE = 0.5  # standard deviation of a start, in units of the axes
_FEWEST_LOOKS, _LOOKS = 6, 8  # that a start has
_AGAIN = 0.5  # s until starts are looked for again


class OtherStarts:
    """Starts that are waiting, and those that are being tried.

    Parameters
    ----------
    recent : Recent
        How their tracks hear.
    wide : Operator
        That of a match, whose starts are taken.
    unknowns : Unknowns
        What glides.
    followed : sequence of str
        Ids of what is followed; the rest stands where it is played.
    """

    def __init__(
        self, recent: Recent, wide: Operator, unknowns: Unknowns, followed: Sequence[str]
    ) -> None:
        self._recent, self._wide = recent, wide
        self._unknowns, self._followed = unknowns, followed
        self._waiting: list[dict[str, float]] = []  # the likeliest first
        self._tracks: list[Track] = []
        self._looked = -math.inf  # when starts were last looked for

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        for track in self._tracks:
            track.advance(seconds)

    def hear(
        self, heard: Heard, known: Track | None, played: Mapping[str, float]
    ) -> Generator[None, None, Track | None]:
        """Let each hear a look, if what is known is poor; it stops again and again on the way.

        Parameters
        ----------
        heard : Heard
        known : Track or None
            What is known, which has heard it.
        played : mapping
            Parameters by id, as they are played.

        Returns
        -------
        Track or None
            What is best now.
        """
        if known is not None and known.loss <= _POOR:
            self._waiting, self._tracks = [], []
            return known
        if not self._waiting and not self._tracks and heard.now - self._looked > _AGAIN:
            self._looked = heard.now
            self._waiting = yield from self._starts(heard, played)
        while self._waiting and len(self._tracks) < _at_once(known):
            start = self._recent.model.in_range(self._recent.model.state_of(self._waiting.pop(0)))
            self._tracks.append(Track(self._recent, self._unknowns, start, spread=_ANYWHERE))
        for track in self._tracks:
            yield from track.hear(heard)
            yield
        return self._better(known)

    def _better(self, known: Track | None) -> Track | None:
        """The best of all; it is none of these any more, nor are those whose looks are over."""
        least = math.inf if known is None else _BETTER * known.loss
        better = [t for t in self._tracks if t.looks >= _FEWEST_LOOKS and t.loss < least]
        best = min(better, key=lambda track: track.loss, default=known)
        self._tracks = [t for t in self._tracks if t is not best and t.looks < _LOOKS]
        return best

    def _starts(
        self, heard: Heard, played: Mapping[str, float]
    ) -> Generator[None, None, list[dict[str, float]]]:
        """Thetas to try, the likeliest first.

        Those of a match, with the chirp rate that is heard; and what is played, either way.
        """
        audio = np.zeros(ANALYSIS_SAMPLES, np.float32)
        begin = (ANALYSIS_SAMPLES - BEGINNING) // 2
        audio[begin : begin + BEGINNING] = heard.audio
        first = self._wide.model.first
        held = {id_: value for id_, value in played.items() if id_ not in self._followed}
        S = self._wide.analyse(audio)
        yield
        found = starts_of(self._wide, S, audio, _STARTS)
        yield
        thetas = [{**dict(zip(first, map(float, each.theta), strict=True)), **held}
                  for each in found]  # fmt: skip
        pitch = {first[0]: thetas[0][first[0]]} if first[0] in self._followed else {}
        ways = (1.0, -1.0) if "gamma" in self._followed else (1.0,)
        gamma = played.get("gamma", 1.0)
        thetas[1:1] = [{**played, **pitch, "gamma": way * gamma} for way in ways]
        if heard.reading is not None:
            thetas.insert(0, {**thetas[0], "gamma": heard.reading.gamma})
        periods = self._periods(audio, played.get("period", 0.0))
        return [{**theta, **period} for period in periods for theta in thetas]

    def _periods(self, audio: NDArray[np.float32], played: float) -> list[dict[str, float]]:
        """Periods to try; an empty one of a model that has none."""
        if "period" not in self._recent.model.ids:
            return [{}]
        periods: list[float] = []
        # What is heard to repeat may be no more than the notes of many arpeggios at once.
        for period in (played, *_PERIODS, period_of(self._wide.jtfs, audio)):
            if period and all(abs(math.log(period / other)) > _ANOTHER for other in periods):
                periods.append(period)
        return [{"period": period} for period in periods]


def _at_once(known: Track | None) -> int:
    """How many starts are tried at a time."""
    if known is None:
        return _FIRST_AT_ONCE
    return _LOST_AT_ONCE if known.loss > _LOST else _POOR_AT_ONCE
