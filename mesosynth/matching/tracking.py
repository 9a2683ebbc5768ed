"""Tracking: theta of a live input, estimated over and over on its newest second."""

import math
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
import soxr
import torch
from numpy.typing import NDArray

from mesosynth import units
from mesosynth.audio.target import ANALYSIS_RATE, ANALYSIS_SAMPLES
from mesosynth.errors import ArgumentError
from mesosynth.instruments.chirplet_parameters import PARAMETERS, SIGMA_0
from mesosynth.instruments.chirplet_torch import ONSET, SCALES, chirplet, chirplet_and_tangents
from mesosynth.instruments.chirplet_waves import VOICES
from mesosynth.matching.fan_chirp import ChirpRate, Reading
from mesosynth.matching.model import CHIRPLET, RIPPLE, Model, State, Unknowns, model_named
from mesosynth.matching.operator import Operator
from mesosynth.matching.results import Followed, Hearing
from mesosynth.matching.starts import period_of, starts_of
from mesosynth.matching.theta_track import BEGINNING, WINDOW, Heard, Recent, Track, age_of
from mesosynth.plugins.parameters import ParameterTable

# --------------------------------------------------------------------------------------------------
# What following listens for: arpeggios that repeat, as one differentiable function of theta.
#
# A match looks for one arpeggio in four seconds. The last second of a live sound may hold the ends
# of many slow ones at once, or two short ones and a rest; so here the chirplet repeats, and its
# period is one more entry of theta, after those of the chirplet itself. While gamma glides,
# arpeggios meet more or less often than they started, which the period that is heard follows.


PERIOD = ONSET
"""Place of the period in a repeating theta: it follows the chirplet's own; the onset comes next."""

_HEARD = 3.0  # standard deviations of the envelope: what lies beyond is below -39 dB


def repeated(theta: torch.Tensor, n: int, sample_rate: float, onset: float = 0.0) -> torch.Tensor:
    """Arpeggios of peak amplitude 1, one of them in the middle.

    Parameters
    ----------
    theta : (8,) tensor
        As for :func:`mesosynth.instruments.chirplet_torch.chirplet`, and the period, s.
    n : int
        Length, samples.
    sample_rate : float
        Hz.
    onset : float
        Where the middle of one of them lies, s after sample ``n // 2``.

    Returns
    -------
    (n,) tensor
    """
    places = _places(theta, n / sample_rate, onset)
    own, period = theta[:PERIOD], float(theta[PERIOD])
    return torch.stack(
        [chirplet(own, n, sample_rate, onset + place * period) for place in places]
    ).sum(0)


def repeated_and_tangents(
    theta: torch.Tensor, n: int, sample_rate: float, onset: float, free: Sequence[int]
) -> tuple[torch.Tensor, torch.Tensor]:
    """:func:`repeated` and its derivatives; places in theta, the onset after the period.

    The period moves arpeggios by how many periods they are away from that in the middle.
    """
    period = float(theta[PERIOD])
    of_one = [place if place < PERIOD else ONSET for place in free]
    x, dx = theta.new_zeros(n), theta.new_zeros((len(free), n))
    for place in _places(theta, n / sample_rate, onset):
        shift = onset + place * period
        one, d_one = chirplet_and_tangents(theta[:PERIOD], n, sample_rate, shift, of_one)
        x += one
        for i, of in enumerate(free):
            # The onset's derivative is in steps of its scale, the period's along its logarithm.
            dx[i] += d_one[i] * (place * period / SCALES["onset"] if of == PERIOD else 1.0)
    return x, dx


def _places(theta: torch.Tensor, seconds: float, onset: float) -> range:
    """Which arpeggios can be heard, counted from that at the onset; no more than can sound."""
    gamma, w, period = abs(float(theta[2])), float(theta[3]), float(theta[PERIOD])
    reach = 0.5 * seconds + _HEARD * SIGMA_0 * w / gamma
    first, last = (int(-(reach + onset) // period) + 1, int((reach - onset) // period))
    many = last - first + 1 - VOICES
    return range(first + max(many, 0) // 2, last + 1 - (max(many, 0) + 1) // 2) or range(1)


_TABLE = ParameterTable(
    [
        replace(parameter, matchable=parameter.matchable or parameter.id == "period")
        for parameter in PARAMETERS.values()
    ]
)

REPEATING = Model(
    name="chirplet",
    parameters=_TABLE,
    first=(*CHIRPLET.first, "period"),
    scales=SCALES,
    synthesize=repeated,
    with_tangents=repeated_and_tangents,
)
"""The chirplet that repeats; its theta ends with the period."""

FOLLOWED = {"chirplet": REPEATING, "ripple": RIPPLE}
"""What is listened for, by the instrument's name; a ripple sounds all the time as it is."""


# --------------------------------------------------------------------------------------------------
# What else a sound may be: starts that are tried beside the track, one after another.
#
# Where nothing is known yet, they are those of a match. While what is known explains the sound
# badly, they are given some looks each, and the better one goes on. Each costs as much as the look
# itself, which has been told of by then: what is told does not wait for them.


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


# --------------------------------------------------------------------------------------------------
# Following: the last second of a sound that goes on, matched again and again.
#
# A match has all the time in the world and looks at four seconds. Here the newest second is heard
# through a window that rises slowly and falls fast; a filter (:mod:`follow_glide`) says where theta
# should be by now, Φ is linearized once at that place, and the filter learns from the residual.
#
# Gamma also learns from the chirp rate, which is read off the newest 0.3 s (:mod:`chirp_rate`) each
# time that something is told: a look takes a while, and stops on the way for that.
#
# Where nothing is known yet, or what is known explains the sound badly, other starts are tried
# beside it (:mod:`follow_starts`).


_SILENT_DB, _QUIET_DB = -70.0, -25.0  # of full scale, and below what was loud just now
_FORGET = 3.0  # dB a second by which what was loud is forgotten
_UNSURE = 0.2  # standard deviation, in units of the axes, at which confidence is halved;
_UNKNOWN = 0.5  # and from which nothing is told, as of f_m while arpeggios are shorter than a note
_NOT_ALIKE = 0.5  # loss without any confidence


class Follower:
    """Tells theta of a sound while it goes on.

    Parameters
    ----------
    instrument : str
        "chirplet" or "ripple".
    unknowns : sequence of str, optional
        Ids of what is followed; None follows all that a match looks for first.
    values : mapping, optional
        Parameters by id: where the rest of theta stands, and what is tried first.
    sample_rate : int
        Of what is heard, Hz.

    Raises
    ------
    ArgumentError
        If there is no such instrument, or nothing to follow.
    """

    def __init__(
        self,
        instrument: str = "chirplet",
        unknowns: Sequence[str] | None = None,
        values: Mapping[str, float] | None = None,
        sample_rate: int = ANALYSIS_RATE,
    ) -> None:
        wide = Operator(model=model_named(instrument))
        self._model = model = FOLLOWED[instrument]
        self._recent = Recent(model)
        known = [id_ for id_ in model.first if id_ in wide.model.ids]
        self.ids = tuple(id_ for id_ in known if unknowns is None or id_ in unknowns)
        if not self.ids:
            raise ArgumentError(f"unknowns: free at least one of {', '.join(known)} to follow.")
        self._chirp_rate = ChirpRate() if "gamma" in self.ids and instrument == "chirplet" else None
        besides = [id_ for id_ in model.first if id_ not in known]
        self._unknowns = Unknowns.named([*self.ids, *besides], model=model)
        self._others = OtherStarts(self._recent, wide, self._unknowns, self.ids)
        self._values = {id_: v for id_, v in (values or {}).items() if id_ in model.ids}
        self._sample_rate = sample_rate
        self._heard = np.zeros(BEGINNING * sample_rate // ANALYSIS_RATE, np.float32)
        self._samples = 0  # heard so far
        self._level = self._loud = units.SILENCE_DB  # of the window, and lately
        self._track: Track | None = None
        self._hearing: Hearing = "listening"
        self._reading: Reading | None = None  # of the chirp rate, that no look has learned from
        self._centre = 0.0  # of the window that was heard last, s from the beginning

    def hold(self, values: Mapping[str, float]) -> None:
        """Let what is not followed stand at these values, by id."""
        for place, id_ in enumerate(self._model.ids):
            if id_ in values and place not in self._unknowns.free:
                self._values[id_] = values[id_]
                if self._track is not None:
                    self._track.hold(place, values[id_])

    def push(self, audio: NDArray[np.float32]) -> None:
        """Hear more, (n,) at the sample rate."""
        self._samples += len(audio)
        self._loud -= _FORGET * len(audio) / self._sample_rate
        audio = audio[-len(self._heard) :]
        self._heard = np.concatenate([self._heard[len(audio) :], audio])

    def look(self) -> Iterator[None]:
        """Learn from the newest second, and try other starts where what is known is poor.

        That takes a while. It stops again and again for what should not wait: hear more, and tell.
        """
        audio, now = self._newest(), self._now
        window = audio[-WINDOW:] * self._recent.window
        self._level = units.amplitude_to_db(float(np.sqrt(np.square(window).mean())))
        self._loud = max(self._loud, self._level)
        if self._level < max(_SILENT_DB, self._loud + _QUIET_DB):
            self._hearing, self._reading = "silent", None
            return
        if now * ANALYSIS_RATE < WINDOW:
            return
        self._advance(now - age_of(window))
        S = self._recent.analyse(audio[-WINDOW:])
        yield
        heard = Heard(S, audio, window, self._reading, now, self._centre)
        if self._track is None:
            self._hearing = "listening"
        else:
            yield from self._track.hear(heard)
            self._hearing = "following"
            if self._reading is heard.reading:
                self._reading = None
            yield
        self._track = yield from self._others.hear(heard, self._track, self._values)

    def _advance(self, centre: float) -> None:
        """Go on to the middle of a window, which never goes back."""
        seconds = max(0.0, centre - self._centre)
        self._others.advance(seconds)
        if self._track is not None:
            self._track.advance(seconds)
        self._centre += seconds

    def _newest(self) -> NDArray[np.float32]:
        """The newest (BEGINNING,) of what was heard, at the analysis rate.

        All of it each time, which takes a third of a millisecond: soxr's stream hands samples out
        in batches of 0.14 s, and so up to a look late.
        """
        if self._sample_rate == ANALYSIS_RATE:
            return self._heard
        return soxr.resample(self._heard, self._sample_rate, ANALYSIS_RATE, quality="HQ")

    @property
    def _now(self) -> float:
        """When the newest sample came, s from the beginning."""
        return self._samples / self._sample_rate

    def tell(self, ahead: float = 0.0) -> Followed:
        """Say what theta should be in so many seconds; where it fell silent, it stays.

        A chirp rate that was read since the last look has a say; that takes a few milliseconds.
        """
        age = self._now - self._centre
        if self._track is None:
            return Followed(self._hearing, {}, {}, 1.0, 0.0, age, self._level)
        if self._hearing == "silent":
            return self._said(self._track, self._track.state(), age)
        if self._chirp_rate is not None:
            self._reading = self._chirp_rate.read(self._newest(), self._now) or self._reading
        track = self._track
        if self._reading is not None:
            track = track.copy()
            track.read(self._reading, self._reading.at - self._centre)
        return self._said(track, track.state(age + ahead), age)

    def _said(self, track: Track, state: State, age: float) -> Followed:
        theta, std = self._model.by_id(state), self._unknowns.std(state, track.std)
        spread = dict(zip(self.ids, map(float, track.std), strict=False))
        known = [id_ for id_ in self.ids if spread[id_] < _UNKNOWN] or self.ids
        worst = max(spread[id_] for id_ in known)
        return Followed(
            hearing=self._hearing,
            theta={id_: theta[id_] for id_ in known},
            std={id_: std[id_] for id_ in known},
            loss=track.loss,
            confidence=max(0.0, 1.0 - track.loss / _NOT_ALIKE) / (1.0 + (worst / _UNSURE) ** 2),
            age=age,
            level=self._level,
        )
