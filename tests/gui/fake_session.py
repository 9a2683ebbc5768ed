"""A session without processes: it answers at once, with pictures drawn by formula."""

import math
from pathlib import Path
from types import SimpleNamespace

import numpy as np

from mesosynth.errors import AudioFileError
from mesosynth.instruments.chirplet_parameters import PARAMETERS
from mesosynth.matching.messages import Analysis, MatchResult, MatchStep
from mesosynth.session import (
    Analysed,
    MatchEnded,
    MatchProgress,
    MatchStarted,
    Message,
    ParametersChanged,
    Recording,
    TargetLoaded,
    Transport,
)

TARGET = {"f_c": 512.0, "f_m": 8.297, "gamma": 1.494, "w": 2.0}


class FakeSession:
    """The interface of mesosynth.session.Session; a match takes one step a poll."""

    def __init__(self, device=None, instrument="chirplet", silent=True):
        self.parameters = PARAMETERS
        self.values = PARAMETERS.defaults()
        self.follow = True
        self.playing = False
        self.matching = False
        self.closed = False
        self.silent = silent
        self.polls = 0
        self._events = [ParametersChanged(dict(self.values), "user"), self._transport()]
        self._steps = []
        self._phase = 0.0

    def poll(self):
        self.polls += 1
        if self.matching:
            self._advance()
        events, self._events = self._events, []
        return events

    def set_parameters(self, values, source="user"):
        for id_, value in values.items():
            self.values[id_] = PARAMETERS[id_].clamp(value)
        self._events.append(ParametersChanged(dict(self.values), source))
        self._events.append(Analysed("sound", picture(self.values)))

    def load_preset(self, path):
        self.set_parameters({"f_m": 4.0, "w": 3.0}, "preset")

    def save_preset(self, path):
        Path(path).write_text("{}")

    def load_target(self, path):
        if not Path(path).is_file() or Path(path).suffix == ".txt":
            raise AudioFileError(f"{path}: not a sound file; choose a WAV, FLAC, OGG or MP3 file.")
        self._events.append(TargetLoaded(Path(path).name, np.zeros(8, np.float32), 32768.0))
        self._events.append(Analysed("target", picture(TARGET)))
        self._events.append(Message(f"Target {Path(path).name}: 1.5 s.", "info"))

    def start_recording(self):
        self._events.append(Recording(True, 1.2, -14.0))

    def stop_recording(self):
        self._events.append(Recording(False, 1.2, -14.0))

    def play(self):
        self.playing = True
        self._events.append(self._transport())

    def stop(self):
        self.playing = False
        self._events.append(self._transport())

    def start_match(self):
        self.matching = True
        self._steps = []
        self._events.append(MatchStarted())

    def stop_match(self):
        if self.matching:
            self._end(converged=False)

    def scope(self, frames):
        if not self.playing:
            return np.zeros(frames, np.float32)
        self._phase += 0.033
        t = np.arange(frames) / 48000.0 + self._phase
        o = ((t % 1.5) - 0.75) * self.values["gamma"]
        wave = np.sin(2 * np.pi * 400 * t) * np.sin(2 * np.pi * self.values["f_m"] * t)
        return (0.4 * np.exp(-(o**2) / (2 * (0.2 * self.values["w"]) ** 2)) * wave).astype("f4")

    def audio_status(self):
        return SimpleNamespace(
            device="silent", silent=self.silent, sample_rate=48000.0, block=128, underflows=0,
            callback_ms_median=0.21, peak=0.4,
        )  # fmt: skip

    def close(self):
        self.closed = True

    def _transport(self):
        return Transport(self.playing, "silent clock" if self.silent else "pulse", self.silent)

    def _advance(self, total=12):
        k = len(self._steps)
        share = 1.0 - math.exp(-0.55 * k)
        start = {"f_c": 480.0, "f_m": 3.2, "gamma": 4.5, "w": 1.4}
        theta = {i: start[i] * (TARGET[i] / start[i]) ** share for i in start}
        theta["gamma"] *= 1.0 + 0.25 * math.sin(1.3 * k) * (1.0 - share)
        std = {i: theta[i] * (0.0015 + 0.25 * (1.0 - share)) for i in theta}
        loss = 0.5 * 10.0 ** (-0.5 * k)
        step = MatchStep(theta, std, loss, 100 + k, 0.2 * k, (k + 1) / total)
        self._steps.append(step)
        self._events.append(MatchProgress(step))
        if self.follow:
            self.set_parameters(theta, "match")
        if len(self._steps) == total:
            self._end(converged=True)

    def _end(self, converged):
        self.matching = False
        if not self._steps:
            self._events.append(MatchEnded(None))
            return
        s = self._steps[-1]
        self._events.append(
            MatchEnded(
                MatchResult(
                    s.theta, s.std, s.loss, s.evaluations, s.seconds, converged, 0.5, 0.3,
                    list(self._steps),
                )
            )
        )  # fmt: skip


def picture(values):
    frequencies = (8000.0 * 2.0 ** (-np.arange(80) / 9.0)).astype(np.float32)
    t = np.linspace(-0.5, 0.5, 64)
    centre = np.log2(values["f_c"]) + values["gamma"] * t
    rows = np.log2(frequencies)[:, None]
    sound = np.exp(-((rows - centre) ** 2) / 0.02)
    sound *= np.abs(np.sin(2 * np.pi * values["f_m"] * t)) + 0.02
    sound *= np.exp(-((values["gamma"] * t) ** 2) / (2 * (0.1 * values["w"] * 2) ** 2))
    scales, rates = 2.0 ** np.arange(-3, 4.0), 2.0 ** np.arange(-1, 8.0)
    x, y = np.meshgrid(np.log2(rates), np.log2(scales))
    near = np.exp(-(((x - np.log2(2 * values["f_m"])) / 1.2) ** 2) - ((y - 1) / 1.5) ** 2)
    pair = np.stack([0.15 * near, near] if values["gamma"] > 0 else [near, 0.15 * near])
    return Analysis(
        (sound / sound.max()).astype(np.float32), frequencies, 1.0,
        (pair / np.linalg.norm(pair)).astype(np.float32), scales, rates,
    )  # fmt: skip
