"""Following: the last second of a sound that goes on, matched again and again.

A match has all the time in the world and looks at four seconds. Here the newest second is heard
through a window that rises slowly and falls fast; a filter (:mod:`follow_glide`) says where theta
should be by now, Φ is linearized once at that place, and the filter learns from the residual.

Gamma also learns from the chirp rate, which is read off the newest 0.3 s (:mod:`chirp_rate`) each
time that something is told: a look takes a while, and stops on the way for that.

Where nothing is known yet, or what is known explains the sound badly, other starts are tried beside
it (:mod:`follow_starts`).
"""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import soxr
from numpy.typing import NDArray

from mesosynth import units
from mesosynth.audio.target import ANALYSIS_RATE
from mesosynth.errors import ArgumentError
from mesosynth.matching.fan_chirp import ChirpRate, Reading
from mesosynth.matching.follow_messages import Followed, Hearing
from mesosynth.matching.follow_sound import FOLLOWED
from mesosynth.matching.follow_starts import OtherStarts
from mesosynth.matching.model import State, model_named
from mesosynth.matching.operator import Operator
from mesosynth.matching.theta_track import BEGINNING, WINDOW, Heard, Recent, Track, age_of
from mesosynth.matching.unknowns import Unknowns

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
