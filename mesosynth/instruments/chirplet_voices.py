"""The chirplet's voices: who sounds, since when and until when.

A stretch of a block is rendered at once. It need not be cut where a voice starts in it: the voice
is made to begin with the stretch, as far back in its sweep and its phases, and its attack, the
straight line of its level, lies below zero until then. Nor is it cut where one is released: its
level is the lower of two lines, one that comes and one that goes, held between 0 and 1.
"""

import numpy as np
from numpy.typing import NDArray

from mesosynth.instruments.chirplet_parameters import HARMONICS
from mesosynth.instruments.chirplet_state import (
    AMPLITUDE,
    CARRIER,
    COMING,
    DETUNE,
    FADE,
    FIELDS,
    GOING,
    KEY,
    LEFT,
    MODULATION,
    NEXT_AMPLITUDE,
    NEXT_STEP,
    OCTAVES,
    RIGHT,
    RISE,
    ROWS,
    STEP,
)
from mesosynth.instruments.chirplet_waves import Motion, Waves
from mesosynth.plugins.plugin import CHANNELS


class Voices:
    """Up to ROWS voices; those that sound lie in the first `count` rows of `state`.

    Parameters
    ----------
    max_block : int
        Frames in the largest block.

    Attributes
    ----------
    count : int
    state : (ROWS, FIELDS) float64
    partials : (2, ROWS, HARMONICS) float64
        Amplitudes of the harmonics, at the block's begin and end.
    now : int
        Frame of the block at which things happen, in the stretch that is open.
    """

    def __init__(self, max_block: int) -> None:
        self.count = self.now = self._begin = self._end = 0
        self.state = np.zeros((ROWS, FIELDS))
        self.partials = np.zeros((2, ROWS, HARMONICS))
        self._waves = Waves(max_block)
        self._motion, self._mix = Motion(), np.zeros((CHANNELS, 0))

    def begin_block(self, frames: int) -> None:
        """[audio] Lay out a block of `frames`: all lines reach their ends with its last sample."""
        self._waves.begin_block(frames)

    def end_block(self) -> None:
        """[audio] Let the next block begin where this one ended."""
        state = self.state[: self.count]
        np.copyto(state[:, STEP : AMPLITUDE + 1], state[:, NEXT_STEP : NEXT_AMPLITUDE + 1])
        np.copyto(self.partials[0], self.partials[1])

    def add(self) -> int:
        """[audio] Make a new voice and return its row; -1 if there is no place."""
        if self.count == ROWS:
            return -1
        row = self.state[self.count]
        row.fill(0.0)
        row[COMING] = row[GOING] = row[LEFT] = row[RIGHT] = row[DETUNE] = 1.0
        row[KEY] = -1.0
        self.count += 1
        return self.count - 1

    def remove(self, voice: int) -> None:
        """[audio] Drop a voice; the last one takes its place."""
        self.count -= 1
        if voice != self.count:
            np.copyto(self.state[voice], self.state[self.count])
            np.copyto(self.partials[:, voice], self.partials[:, self.count])

    def open(self, motion: Motion, begin: int, end: int, mix: NDArray[np.float64]) -> None:
        """[audio] Begin a stretch of the block, frames `begin` to `end`, a stride at most.

        Parameters
        ----------
        motion : Motion
        begin, end : int
        mix : (2, frames) float64
            What the block's samples are added to.
        """
        self._motion, self._mix = motion, mix
        self._begin, self.now, self._end = begin, begin, end
        self._waves.open(motion, begin, end)

    @property
    def elapsed(self) -> int:
        """[audio] Frames from the stretch's begin until `now`."""
        return self.now - self._begin

    @property
    def travelled(self) -> float:
        """[audio] Octaves from the stretch's begin until `now`."""
        return self._waves.travelled(self.elapsed)

    def catch_up(self) -> None:
        """[audio] Render what lies before `now`, and let the stretch begin there."""
        if self.elapsed:
            self._render(self.elapsed)
            self.open(self._motion, self.now, self._end, self._mix)

    def close(self) -> None:
        """[audio] Render the whole stretch."""
        self._render(self._end - self._begin)
        self._begin = self.now = self._end

    def backdate(self, voice: int) -> None:
        """[audio] Let a voice, as it shall be `now`, have begun with the stretch."""
        frames = self.elapsed
        if not frames:
            return
        row = self.state[voice]
        row[OCTAVES] -= self._waves.travelled(frames)
        row[MODULATION] -= self._waves.turned(frames)
        row[COMING] -= row[RISE] * frames
        step, change = float(row[STEP]), float(row[NEXT_STEP]) - float(row[STEP])
        row[CARRIER] -= 2.0 ** float(row[OCTAVES]) * self._waves.cycles(frames, step, change)

    def release(self, voice: int, fade: float) -> None:
        """[audio] Let a voice lose `fade` of its level a sample from now on, after its attack."""
        row = self.state[voice]
        if row[FADE] > 0.0:
            return
        coming, rise, begin = float(row[COMING]), float(row[RISE]), float(self.elapsed)
        if coming < 1.0 and rise > 0.0:
            begin = max(begin, (1.0 - coming) / rise)
        row[GOING], row[FADE] = 1.0 + fade * begin, fade

    def fade(self, voice: int, fade: float) -> None:
        """[audio] Let a voice lose `fade` a sample from now on, unless it already loses more."""
        row = self.state[voice]
        if row[FADE] >= fade:
            return
        if row[FADE] > 0.0 and self.elapsed:  # it goes already, and goes on to do so until now
            if row[COMING] < 1.0:  # and it still comes
                self.catch_up()
            else:
                row[COMING], row[RISE] = row[GOING], -row[FADE]
        frames = self.elapsed
        coming = float(row[COMING]) + float(row[RISE]) * frames
        going = float(row[GOING]) - float(row[FADE]) * frames
        row[GOING], row[FADE] = min(max(min(coming, going), 0.0), 1.0) + fade * frames, fade

    def _render(self, frames: int) -> None:
        """Let the stretch's first `frames` samples be heard."""
        if self.count and frames:
            voices = self.count
            self._waves.render(self.state[:voices], self.partials[:, :voices], frames, self._mix)
