"""Following: the last second of a sound that goes on, matched again and again.

A match has all the time in the world and looks at four seconds. Here the newest second is heard
through a window that rises slowly and falls fast; a filter (:mod:`follow_glide`) says where theta
should be by now, Φ is linearized once at that place, and the filter learns from the residual.

Gamma also learns from the chirp rate, which is read off the newest 0.3 s (:mod:`chirp_rate`).

Where nothing is known yet, the starts of a match are tried. While what is known explains the sound
badly, they are tried one after another beside it, each for some looks, and the better one goes on:
once there is a theta, no look takes longer than three.
"""

import math
from collections.abc import Mapping, Sequence

import numpy as np
import soxr
from numpy.typing import NDArray

from mesosynth import units
from mesosynth.errors import ArgumentError
from mesosynth.matching.chirp_rate import ChirpRate, Reading
from mesosynth.matching.follow_messages import Followed, Hearing
from mesosynth.matching.follow_sound import FOLLOWED
from mesosynth.matching.follow_track import WINDOW, Heard, Recent, Track, age_of
from mesosynth.matching.model import model_named
from mesosynth.matching.operator import Operator
from mesosynth.matching.repetition import period_of
from mesosynth.matching.starts import starts_of
from mesosynth.matching.unknowns import Unknowns
from mesosynth.target import ANALYSIS_RATE, ANALYSIS_SAMPLES

_BEGINNING = 2 * WINDOW  # samples that are remembered, and that starts are found in
_SILENT_DB, _QUIET_DB = -70.0, -25.0  # of full scale, and below what was loud just now
_FORGET = 3.0  # dB a second by which what was loud is forgotten
_STARTS = 4  # of a match
_PERIODS = (1.0, 0.4)  # s, to try beside those that are heard or played
_ANOTHER = 0.2  # by how much, as a logarithm, another period differs
_POOR, _BETTER = 0.015, 0.5  # a loss that calls for another start, and how much better that must be
_LOST = 0.1  # a loss that is no good at all
_FIRST_AT_ONCE, _LOST_AT_ONCE, _POOR_AT_ONCE = 4, 2, 1  # starts: each makes a look longer
_ANYWHERE = 0.5  # standard deviation of a start, in units of the axes
_FEWEST_LOOKS, _LOOKS = 6, 8  # that a start has
_AGAIN = 0.5  # s until starts are looked for again
_UNSURE = 0.2  # standard deviation at which confidence is halved
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
        self._wide = Operator(model=model_named(instrument))
        self._model = model = FOLLOWED[instrument]
        self._recent = Recent(model)
        known = [id_ for id_ in model.first if id_ in self._wide.model.ids]
        self.ids = tuple(id_ for id_ in known if unknowns is None or id_ in unknowns)
        if not self.ids:
            raise ArgumentError(f"unknowns: free at least one of {', '.join(known)} to follow.")
        self._chirp_rate = ChirpRate() if "gamma" in self.ids and instrument == "chirplet" else None
        besides = [id_ for id_ in model.first if id_ not in known]
        self._unknowns = Unknowns.named([*self.ids, *besides], model=model)
        self._values = {id_: v for id_, v in (values or {}).items() if id_ in model.ids}
        self._sample_rate = sample_rate
        self._heard = np.zeros(_BEGINNING * sample_rate // ANALYSIS_RATE, np.float32)
        self._samples = 0  # heard so far
        self._audio = np.zeros(_BEGINNING, np.float32)  # the newest of it, at ANALYSIS_RATE
        self._loud = units.SILENCE_DB
        self._track: Track | None = None
        self._others: list[Track] = []  # what is tried beside it,
        self._starts: list[dict[str, float]] = []  # and what will be tried, the likeliest first
        self._centre = 0.0  # of the window that was heard last, s from the beginning
        self._looked = -math.inf  # when starts were last looked for

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

    def track(self, ahead: float = 0.0) -> Followed:
        """Look at the newest second, and say what theta should be so many seconds after it."""
        self._audio = self._resampled()
        newest = self._audio[-WINDOW:]
        window = newest * self._recent.window
        level = units.amplitude_to_db(float(np.sqrt(np.square(window).mean())))
        self._loud = max(self._loud, level)
        now = self._samples / self._sample_rate
        if level < max(_SILENT_DB, self._loud + _QUIET_DB):
            return self._tell("silent", now - self._centre, level)
        if now * ANALYSIS_RATE < WINDOW:
            return self._tell("listening", now - self._centre, level)
        age = self._advance(now, age_of(window))
        heard = Heard(self._recent.analyse(newest), window, self._reading(), age)
        if self._track is not None:
            self._track.hear(heard)
        if self._track is None or self._track.loss > _POOR:
            self._try_others(now, heard)
        else:
            self._starts, self._others = [], []
        return self._tell("following", age, level, age + ahead)

    def _resampled(self) -> NDArray[np.float32]:
        """The newest (_BEGINNING,) of what was heard.

        All of it at every look, which takes a third of a millisecond: soxr's stream hands samples
        out in batches of 0.14 s, and so up to a look late.
        """
        if self._sample_rate == ANALYSIS_RATE:
            return self._heard
        return soxr.resample(self._heard, self._sample_rate, ANALYSIS_RATE, quality="HQ")

    def _advance(self, now: float, age: float) -> float:
        """Go on to the middle of the window, which never goes back; return its age, s."""
        centre = max(now - age, self._centre)
        for track in (*self._others, *filter(None, [self._track])):
            track.advance(centre - self._centre)
        self._centre = centre
        return now - centre

    def _reading(self) -> Reading | None:
        return None if self._chirp_rate is None else self._chirp_rate.read(self._audio)

    # ------------------------------------------------------------------ starts

    def _try_others(self, now: float, heard: Heard) -> None:
        """Give other starts a look; go on with what has become better than what there is."""
        if not self._starts and not self._others and now - self._looked > _AGAIN:
            self._looked = now
            self._starts = self._new_starts(heard.reading)
        while self._starts and len(self._others) < self._at_once:
            start = self._recent.model.in_range(self._model.state_of(self._starts.pop(0)))
            self._others.append(Track(self._recent, self._unknowns, start, spread=_ANYWHERE))
        for other in self._others:
            other.hear(heard)
        for other in sorted(self._others, key=lambda other: other.loss):
            least = math.inf if self._track is None else _BETTER * self._track.loss
            if other.looks >= _FEWEST_LOOKS and other.loss < least:
                self._track = other
        self._others = [
            other for other in self._others
            if other is not self._track and other.looks < _LOOKS
        ]  # fmt: skip

    @property
    def _at_once(self) -> int:
        """How many starts are tried at a time."""
        if self._track is None:
            return _FIRST_AT_ONCE
        return _LOST_AT_ONCE if self._track.loss > _LOST else _POOR_AT_ONCE

    def _new_starts(self, reading: Reading | None) -> list[dict[str, float]]:
        """Thetas to try, the likeliest first.

        Those of a match, with the chirp rate that is heard; and what is played, either way.
        """
        audio = np.zeros(ANALYSIS_SAMPLES, np.float32)
        begin = (ANALYSIS_SAMPLES - _BEGINNING) // 2
        audio[begin : begin + _BEGINNING] = self._audio
        first = self._wide.model.first
        played = self._values
        held = {id_: value for id_, value in played.items() if id_ not in self.ids}
        found = starts_of(self._wide, self._wide.analyse(audio), audio, _STARTS)
        thetas = [{**dict(zip(first, map(float, each.theta), strict=True)), **held}
                  for each in found]  # fmt: skip
        pitch = {first[0]: thetas[0][first[0]]} if first[0] in self.ids else {}
        ways = (1.0, -1.0) if "gamma" in self.ids else (1.0,)
        gamma = played.get("gamma", 1.0)
        thetas[1:1] = [{**played, **pitch, "gamma": way * gamma} for way in ways]
        if reading is not None:
            thetas.insert(0, {**thetas[0], "gamma": reading.gamma})
        return [{**theta, **period} for period in self._periods(audio) for theta in thetas]

    def _periods(self, audio: NDArray[np.float32]) -> list[dict[str, float]]:
        """Periods to try; an empty one of a model that has none."""
        if "period" not in self._model.ids:
            return [{}]
        periods: list[float] = []
        heard, played = period_of(self._wide.jtfs, audio), self._values.get("period", 0.0)
        # What is heard to repeat may be no more than the notes of many arpeggios at once.
        for period in (played, *_PERIODS, heard):
            if period and all(abs(math.log(period / other)) > _ANOTHER for other in periods):
                periods.append(period)
        return [{"period": period} for period in periods]

    # ------------------------------------------------------------------ what is told

    def _tell(self, hearing: Hearing, age: float, level: float, ahead: float = 0.0) -> Followed:
        """What is told; theta `ahead` of the window's middle. What falls silent stays."""
        track = self._track
        if track is None:
            hearing = "silent" if hearing == "silent" else "listening"
            return Followed(hearing, {}, {}, 1.0, 0.0, age, level)
        state = track.state(ahead)
        theta, std = self._model.by_id(state), self._unknowns.std(state, track.std)
        worst = float(track.std[: len(self.ids)].max())
        return Followed(
            hearing=hearing,
            theta={id_: theta[id_] for id_ in self.ids},
            std={id_: std[id_] for id_ in self.ids},
            loss=track.loss,
            confidence=max(0.0, 1.0 - track.loss / _NOT_ALIKE) / (1.0 + (worst / _UNSURE) ** 2),
            age=age,
            level=level,
        )
