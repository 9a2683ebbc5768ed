"""Tracking: theta of a live input, estimated again and again on its newest second."""

import math
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
import soxr
import torch
from numpy.typing import NDArray

from mesosynth import units
from mesosynth.audio.target import ANALYSIS_RATE, ANALYSIS_SAMPLES
from mesosynth.errors import ArgumentError
from mesosynth.instruments.chirplet import PARAMETERS, SIGMA_0, sweep_seconds
from mesosynth.instruments.chirplet_torch import (
    KNEES,
    ONSET,
    SCALES,
    chirplet,
    chirplet_and_tangents,
)
from mesosynth.instruments.keyboard import VOICES
from mesosynth.matching.encoder import encoder_instruments, guess_window, shipped_encoder
from mesosynth.matching.fan_chirp import ChirpRate, Reading
from mesosynth.matching.model import CHIRPLET, RIPPLE, Model, State, Unknowns, model_named
from mesosynth.matching.operator import Operator
from mesosynth.matching.results import Ear, TrackedTheta, TrackingPhase
from mesosynth.matching.starts import period_of, starts_of
from mesosynth.matching.theta_track import BEGINNING, WINDOW, InputWindow, Recent, Track, age_of
from mesosynth.plugins.parameters import ParameterTable

# --------------------------------------------------------------------------------------------------
# Repeating arpeggios, as one differentiable function of theta
#
# A match looks for one arpeggio in four seconds. The last second of a live sound may have the ends
# of many slow arpeggios at once, or two short ones and a rest; so here the chirplet repeats, and
# its period is one more entry of theta, after those of the chirplet. While gamma glides, arpeggios
# arrive more or less often than they started; the tracked period is that of the arrivals.


PERIOD = ONSET
"""Index of the period in a repeating theta: after the chirplet's own; the onset comes next."""

_HEARD = 3.0  # standard deviations of the envelope: outside it is below -39 dB


def repeated(theta: torch.Tensor, n: int, sample_rate: float, onset: float = 0.0) -> torch.Tensor:
    """Repeating arpeggios of peak amplitude 1, one of them in the middle.

    Parameters
    ----------
    theta : (8,) tensor
        As for :func:`mesosynth.instruments.chirplet_torch.chirplet`, and the period, s.
    n : int
        Length, samples.
    sample_rate : float
        Hz.
    onset : float
        Middle of one of them, s after sample ``n // 2``.

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
    """:func:`repeated` and its derivatives.

    The period moves each arpeggio by its number of periods from the middle.

    Parameters
    ----------
    theta : (8,) tensor
    n : int
    sample_rate : float
    onset : float
        As for :func:`repeated`.
    free : sequence of int
        Indices in theta of the directions; the onset comes after the period.

    Returns
    -------
    x : (n,) tensor
    dx : (len(free), n) tensor
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
    """Numbers of the audible arpeggios, counted from the one at the onset; VOICES at most."""
    gamma, w, period = float(theta[2]), float(theta[3]), float(theta[PERIOD])
    reach = 0.5 * seconds + _HEARD * SIGMA_0 * sweep_seconds(w, gamma)
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
    knees=KNEES,
    synthesize=repeated,
    with_tangents=repeated_and_tangents,
)
"""The repeating chirplet; its theta ends with the period."""

FOLLOWED = {"chirplet": REPEATING, "ripple": RIPPLE}
"""Tracked model by the instrument's name; a ripple is stationary as it is."""


# --------------------------------------------------------------------------------------------------
# Other starts, tried beside the track
#
# Without a track they are the starts of a match. While the track explains the sound badly, each
# start gets some looks, and the better one goes on. Each takes as long as the look itself, which is
# reported before, so that the report does not wait for them.
#
# Starts are read off once in a while, and wait for their turn. After a silence they may be of the
# sound's first tenth of a second; so an encoder guesses theta again and again until the sound is
# found, and its newest guess is tried at once, with the period that sounds most like the input.


_STARTS = 4  # of a match
_PERIODS = (1.0, 0.4)  # s, to try beside measured and played ones
_ANOTHER = 0.2  # least difference of periods to try, as a logarithm
_POOR, _BETTER = 0.015, 0.5  # loss that asks for other starts, and factor of a better loss
_LOST = 0.1  # loss of a track that is lost
_FIRST_AT_ONCE, _LOST_AT_ONCE, _POOR_AT_ONCE = 4, 2, 1  # starts at once; each delays the next look
_ANYWHERE = 0.5  # standard deviation of a start, in units of the axes
_FEWEST_LOOKS, _LOOKS = 6, 8  # looks of a start
_AGAIN = 0.5  # s between two searches for starts
_GUESS_AGAIN = 0.35  # s between two guesses
_GUESSED = 0.15  # standard deviation of a guess, in units of the axes


class OtherStarts:
    """Starts that wait, and those that are tried.

    Parameters
    ----------
    recent : Recent
        Operator of their tracks.
    wide : Operator
        Operator of a match, for its starts.
    unknowns : Unknowns
        Entries that glide.
    followed : sequence of str
        Ids of the tracked parameters; the others have their played values.
    """

    def __init__(
        self, recent: Recent, wide: Operator, unknowns: Unknowns, followed: Sequence[str]
    ) -> None:
        self._recent, self._wide = recent, wide
        self._unknowns, self._followed = unknowns, followed
        self._waiting: list[dict[str, float]] = []  # the likeliest first
        self._tracks: list[Track] = []
        self._looked = self._guessed = -math.inf  # when starts were last looked for, and guessed
        name = wide.model.name
        self._encoder = shipped_encoder(name) if name in encoder_instruments() else None

    def advance(self, seconds: float) -> None:
        """Predict the states after some seconds."""
        for track in self._tracks:
            track.advance(seconds)

    def hear(
        self, heard: InputWindow, known: Track | None, played: Mapping[str, float]
    ) -> Generator[None, None, Track | None]:
        """Update by a look, if the track is poor; a generator that yields often on the way.

        Parameters
        ----------
        heard : InputWindow
        known : Track or None
            The track, which has been updated.
        played : mapping
            Parameters by id, as they are played.

        Returns
        -------
        Track or None
            The best track.
        """
        if known is not None and known.loss <= _POOR:
            self._waiting, self._tracks = [], []
            return known
        if not self._waiting and not self._tracks and heard.now - self._looked > _AGAIN:
            self._looked = heard.now
            self._waiting = yield from self._starts(heard, played)
        if self._encoder is not None and heard.now - self._guessed > _GUESS_AGAIN:
            self._guessed = heard.now
            yield from self._try_guess(heard, played)
        while self._waiting and len(self._tracks) < _at_once(known):
            start = self._recent.model.in_range(self._recent.model.state_of(self._waiting.pop(0)))
            self._tracks.append(Track(self._recent, self._unknowns, start, spread=_ANYWHERE))
        for track in self._tracks:
            yield from track.hear(heard)
            yield
        return self._better(known)

    def _better(self, known: Track | None) -> Track | None:
        """The best track; it leaves the list, and so do those without looks left."""
        least = math.inf if known is None else _BETTER * known.loss
        better = [t for t in self._tracks if t.looks >= _FEWEST_LOOKS and t.loss < least]
        best = min(better, key=lambda track: track.loss, default=known)
        self._tracks = [t for t in self._tracks if t is not best and t.looks < _LOOKS]
        return best

    def _try_guess(
        self, heard: InputWindow, played: Mapping[str, float]
    ) -> Generator[None, None, None]:
        """Begin the track of a guess, with the period that sounds most like the input."""
        assert self._encoder is not None
        audio = _middle(heard.audio)
        theta = guess_window(audio, self._encoder).theta
        if heard.reading is not None:  # repeated arpeggios last longer, as slow ones do
            theta = {**theta, "gamma": heard.reading.gamma}
        held = {id_: value for id_, value in played.items() if id_ not in self._followed}
        yield
        recent, best, least = self._recent, None, math.inf
        for period in self._periods(audio, played.get("period", 0.0)):
            start = recent.model.state_of({**theta, **held, **period})
            state = recent.laid(recent.model.in_range(start), heard.window)
            x = recent.synthesize(state[: recent.model.onset], float(state[recent.model.onset]))
            loss = 1.0 - float(recent.analyse(x) @ heard.S)
            yield
            if loss < least:
                best, least = state, loss
        if best is not None:
            self._tracks.append(Track(recent, self._unknowns, best, spread=_GUESSED))

    def _starts(
        self, heard: InputWindow, played: Mapping[str, float]
    ) -> Generator[None, None, list[dict[str, float]]]:
        """Thetas to try, the most probable first.

        Those of a match, with the measured chirp rate; and the played one with both signs of gamma.
        """
        audio = _middle(heard.audio)
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
        """Periods to try; an empty one for a model without period."""
        if "period" not in self._recent.model.ids:
            return [{}]
        periods: list[float] = []
        # The measured period may be that of the notes of many arpeggios at once.
        for period in (played, *_PERIODS, period_of(self._wide.jtfs, audio)):
            if period and all(abs(math.log(period / other)) > _ANOTHER for other in periods):
                periods.append(period)
        return [{"period": period} for period in periods]


def _middle(newest: NDArray[np.float32]) -> NDArray[np.float32]:
    """The newest samples in the middle of a window of a match."""
    audio = np.zeros(ANALYSIS_SAMPLES, np.float32)
    begin = (ANALYSIS_SAMPLES - BEGINNING) // 2
    audio[begin : begin + BEGINNING] = newest
    return audio


def _at_once(known: Track | None) -> int:
    """Number of starts to try at once."""
    if known is None:
        return _FIRST_AT_ONCE
    return _LOST_AT_ONCE if known.loss > _LOST else _POOR_AT_ONCE


# --------------------------------------------------------------------------------------------------
# Tracking of the last second of a running sound
#
# A match analyses four seconds and has time. Here the newest second is analysed through a window
# with a slow rise and a fast fall; a Kalman filter (:mod:`~mesosynth.matching.theta_track`)
# predicts theta, Φ is linearized once there, and the filter is updated by the residual.
#
# Gamma is also updated by the chirp rate of the newest 0.3 s (:mod:`~mesosynth.matching.fan_chirp`)
# with each report: a look takes a while, and yields on the way for that.
#
# Without a track, or where it explains the sound badly, other starts are tried beside it.


_SILENT_DB, _QUIET_DB = -70.0, -25.0  # of full scale, and below the recent loudest level
_FORGET = 3.0  # dB/s by which the recent loudest level falls
_UNSURE = 0.2  # standard deviation, in units of the axes, at which confidence is halved,
_UNKNOWN = 0.5  # and at which a parameter is not reported, as f_m while sweeps are below a note
_NOT_ALIKE = 0.5  # loss at which confidence is zero


class Tracker:
    """Tracks theta of a running sound.

    Parameters
    ----------
    instrument : str
        "chirplet" or "ripple".
    unknowns : sequence of str, optional
        Ids of the tracked parameters; None takes all first unknowns of a match.
    values : mapping, optional
        Parameters by id: values of the others, and the first start.
    sample_rate : int
        Of the input, Hz.

    Raises
    ------
    ArgumentError
        If there is no such instrument, or nothing to track.
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
        self._hearing: TrackingPhase = "listening"
        self._reading: Reading | None = None  # of the chirp rate, that no look has learned from
        self._centre = 0.0  # of the window that was heard last, s from the beginning

    def hold(self, values: Mapping[str, float]) -> None:
        """Set the parameters that are not tracked, by id."""
        for place, id_ in enumerate(self._model.ids):
            if id_ in values and place not in self._unknowns.free:
                self._values[id_] = values[id_]
                if self._track is not None:
                    self._track.hold(place, values[id_])

    def push(self, audio: NDArray[np.float32]) -> None:
        """Append input, (n,) at the sample rate."""
        self._samples += len(audio)
        self._loud -= _FORGET * len(audio) / self._sample_rate
        audio = audio[-len(self._heard) :]
        self._heard = np.concatenate([self._heard[len(audio) :], audio])

    def look(self) -> Iterator[None]:
        """Update by the newest second, and try other starts where the track is poor.

        A generator that yields often, so that :meth:`push` and :meth:`tell` need not wait.
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
        heard = InputWindow(S, audio, window, self._reading, now, self._centre)
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
        """Advance to the centre of a window, which never goes back."""
        seconds = max(0.0, centre - self._centre)
        self._others.advance(seconds)
        if self._track is not None:
            self._track.advance(seconds)
        self._centre += seconds

    def _newest(self) -> NDArray[np.float32]:
        """The newest (BEGINNING,) samples at the analysis rate.

        All are resampled each time, which takes a third of a millisecond: soxr's stream returns
        samples in batches of 0.14 s, up to a look late.
        """
        if self._sample_rate == ANALYSIS_RATE:
            return self._heard
        return soxr.resample(self._heard, self._sample_rate, ANALYSIS_RATE, quality="HQ")

    @property
    def _now(self) -> float:
        """Time of the newest sample, s from the beginning."""
        return self._samples / self._sample_rate

    def tell(self, ahead: float = 0.0) -> TrackedTheta:
        """Theta, predicted for some seconds ahead; in silence it stays as it is.

        A chirp rate that was read since the last look is used; that takes some milliseconds.
        """
        age = self._now - self._centre
        if self._track is None:
            return TrackedTheta(self._hearing, {}, {}, 1.0, 0.0, age, self._level)
        if self._hearing == "silent":
            return self._said(self._track, self._track.state(), age)
        if self._chirp_rate is not None:
            self._reading = self._chirp_rate.read(self._newest(), self._now) or self._reading
        track = self._track
        if self._reading is not None:
            track = track.copy()
            track.read(self._reading, self._reading.at - self._centre)
        return self._said(track, track.state(age + ahead), age)

    def _said(self, track: Track, state: State, age: float) -> TrackedTheta:
        theta, std = self._model.by_id(state), self._unknowns.std(state, track.std)
        spread = dict(zip(self.ids, map(float, track.std), strict=False))
        known = [id_ for id_ in self.ids if spread[id_] < _UNKNOWN] or self.ids
        worst = max(spread[id_] for id_ in known)
        return TrackedTheta(
            hearing=self._hearing,
            theta={id_: theta[id_] for id_ in known},
            std={id_: std[id_] for id_ in known},
            loss=track.loss,
            confidence=max(0.0, 1.0 - track.loss / _NOT_ALIKE) / (1.0 + (worst / _UNSURE) ** 2),
            age=age,
            level=self._level,
        )


# --------------------------------------------------------------------------------------------------
# Job: tracking of an input, some eight looks a second, with estimates in between.


TICK = 0.125
"""Seconds from one look to the next, where the machine is fast enough."""

WORD = 0.025
"""Seconds from one estimate to the next while nothing is looked at."""


def tracking_steps(
    instrument: str,
    unknowns: Sequence[str],
    values: Mapping[str, float],
    ear: Ear,
    sample_rate: int,
) -> Generator[TrackedTheta, Mapping[str, float] | None, None]:
    """Track what comes to an ear, without end.

    Parameters
    ----------
    instrument : str
        A matchable instrument's name.
    unknowns : sequence of str
        Ids of what is tracked.
    values : mapping
        Theta as it is now, by id.
    ear : Ear
    sample_rate : int
        Of what comes there, Hz.

    Yields
    ------
    TrackedTheta
        What may be sent back: values by id, at which what is not tracked stands from now on.
    """
    tracker = Tracker(instrument, unknowns, values, sample_rate)
    took = 0.0

    def estimate() -> Generator[TrackedTheta, Mapping[str, float] | None, None]:
        """Hear what is new, and estimate theta as it will be half-way to the next time."""
        nonlocal took
        heard_at = time.monotonic()
        tracker.push(ear.read_new())
        followed = tracker.tell(took + 0.5 * WORD)
        held = yield replace(followed, heard_at=heard_at)
        if held is not None:
            tracker.hold(held)
        took = time.monotonic() - heard_at

    ear.skip()
    while True:
        began = time.monotonic()
        for _ in tracker.look():
            yield from estimate()
        yield from estimate()
        while time.monotonic() < began + TICK - WORD:
            time.sleep(WORD)
            yield from estimate()
        time.sleep(max(0.0, began + TICK - time.monotonic()))
