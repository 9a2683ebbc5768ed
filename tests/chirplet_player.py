"""A chirplet that is played block by block, the events of hands, and what a follower hears."""

import math

import numpy as np
import soxr

from mesosynth.audio.target import ANALYSIS_RATE
from mesosynth.instruments.chirplet import PARAMETERS, Chirplet
from mesosynth.plugins.plugin import EVENT, EventKind

RATE, FRAMES = 48000, 128
KINDS = EventKind
STEADY = {"gamma": 0.125, "w": 8.0, "f_m": 64.0, "am_depth": 0.0, "gain": 0.0, "period": 16.0}
"""An arpeggio that hardly moves: its pitch can be read off a spectrum."""

THETA = {"f_c": 512.0, "f_m": 8.0, "w": 2.0, "period": 0.4}
"""Arpeggios that overlap."""


class Player:
    """A chirplet, and what it played."""

    def __init__(self, values=None, frames=FRAMES, rate=RATE, running=False):
        self.chirplet = Chirplet()
        self.chirplet.prepare(rate, frames)
        self.values = {**(values or {})}
        self.frames, self.rate = frames, rate
        if not running:
            self.play(1, [(0, KINDS.STOP)])

    def play(self, blocks, events=()):
        """(2, blocks * frames) of sound; `events` are (frame, kind, channel, note, value)."""
        out = np.zeros((2, blocks * self.frames), np.float32)
        vector = PARAMETERS.vector(self.values)
        for n in range(blocks):
            begin = n * self.frames
            now = [e for e in events if begin <= e[0] < begin + self.frames]
            block_events = np.zeros(len(now), EVENT)
            for i, (frame, kind, *rest) in enumerate(now):
                channel, note, value = (*rest, 0, 0, 0.0)[:3] if not rest else (*rest, 0.0)[:3]
                block_events[i] = (frame - begin, kind, channel, note, value)
            self.chirplet.process(vector, block_events, out[:, begin : begin + self.frames])
        return out

    def seconds(self, seconds, events=()):
        return self.play(math.ceil(seconds * self.rate / self.frames), events)

    @property
    def voices(self):
        return self.chirplet.voices


def on(note=60, frame=0, velocity=1.0, channel=0):
    return (frame, KINDS.NOTE_ON, channel, note, velocity)


def off(note=60, frame=0, channel=0):
    return (frame, KINDS.NOTE_OFF, channel, note, 0.0)


def heard(sound):
    return float(np.abs(sound).max())


def live(gamma, seconds, **values):
    """What the live instrument plays while gamma moves, mono at ANALYSIS_RATE."""
    heard = live_at_its_rate(gamma, seconds, **values)
    return soxr.resample(heard, RATE, ANALYSIS_RATE).astype(np.float32)


def live_at_its_rate(gamma, seconds, **values):
    """The same at RATE."""
    player, heard = Player({**THETA, **values, "gamma": gamma(0.0)}, running=True), []
    for i in range(int(seconds * RATE / FRAMES)):
        player.values["gamma"] = gamma((i + 1) * FRAMES / RATE)
        heard.append(player.play(1).mean(axis=0))
    return np.concatenate(heard)
