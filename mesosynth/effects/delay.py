"""Stereo delay with feedback, and the delay lines of delay and reverb."""

import math

import numpy as np
from numpy.typing import NDArray

from mesosynth.effects.filter import SILENT, OnePole, one_pole_coefficient
from mesosynth.plugins.parameters import Parameter, ParameterTable
from mesosynth.plugins.plugin import CHANNELS, Effect, Events
from mesosynth.plugins.ramps import Ramps, scratch

# --------------------------------------------------------------------------------------------------
# Delay lines


class DelayLines:
    """Ring buffers of one length that are written together and read at any delay.

    Parameters
    ----------
    rows : int
        Number of sounds.
    longest : int
        Longest delay, samples.
    """

    def __init__(self, rows: int, longest: int) -> None:
        self._rings = np.zeros((rows, longest))
        self._position = 0

    def reset(self) -> None:
        """[control] Forget all sound."""
        self._rings.fill(0.0)
        self._position = 0

    def read(self, row: int, delay: int, out: NDArray[np.float64]) -> None:
        """[audio] Read n samples from `delay` samples before the next n.

        Parameters
        ----------
        row : int
            Index of the sound.
        delay : int
            Samples, n <= delay <= longest.
        out : (n,) float64
            Overwritten.
        """
        ring = self._rings[row]
        begin = (self._position - delay) % len(ring)
        first = min(len(out), len(ring) - begin)
        np.copyto(out[:first], ring[begin : begin + first])
        if first < len(out):
            np.copyto(out[first:], ring[: len(out) - first])

    def write(self, block: NDArray[np.float64]) -> None:
        """[audio] Append `block`, (rows, n) float64, contiguous, n <= longest; it may be changed.

        Inaudible sound becomes silence: subnormal numbers are slow.
        """
        if block.max() < SILENT and block.min() > -SILENT:
            block.fill(0.0)
        longest, begin, n = self._rings.shape[1], self._position, block.shape[1]
        first = min(n, longest - begin)
        np.copyto(self._rings[:, begin : begin + first], block[:, :first])
        if first < n:
            np.copyto(self._rings[:, : n - first], block[:, first:])
        self._position = (begin + n) % longest


# --------------------------------------------------------------------------------------------------
# The effect: a new delay time is crossfaded, so that the pitch does not glide


SHORTEST, LONGEST = 0.01, 2.0  # s
MOST_FEEDBACK = 0.95
CROSSFADE = 0.05  # s from the old delay time to the new one
INAUDIBLE = 1e-5  # of the first echo

_FEEDBACK, _PING_PONG, _MIX = range(3)


class Delay(Effect):
    """Echoes with feedback, in place or from side to side.

    A new time is crossfaded; a time that arrives during the crossfade waits for its end.
    """

    name = "Delay"
    parameters = ParameterTable(
        [
            Parameter("time", "Time", "s", SHORTEST, LONGEST, 0.375,
                      "From one echo to the next.", curve="log"),
            Parameter("feedback", "Feedback", "", 0.0, MOST_FEEDBACK, 0.4,
                      "How much of each echo comes again."),
            Parameter("damping", "Damping", "Hz", 500.0, 20000.0, 6000.0,
                      "Frequency above which each echo is darker than the last.", curve="log"),
            Parameter("ping_pong", "Ping-pong", "", 0.0, 1.0, 0.0,
                      "From echoes in place (0) to echoes from left to right and back (1)."),
            Parameter("mix", "Mix", "", 0.0, 1.0, 0.3, "From dry (0) to echoes alone (1)."),
        ]
    )  # fmt: skip

    def prepare(self, sample_rate: float, max_block: int) -> None:
        """[control] Allocate everything for blocks of up to `max_block` frames, then reset."""
        self._sample_rate = float(sample_rate)
        # A part of a block is never longer than the shortest delay.
        self._part = min(max_block, math.floor(SHORTEST * sample_rate))
        self._lines = DelayLines(CHANNELS, math.ceil(LONGEST * sample_rate) + 1)
        self._damping = OnePole(CHANNELS, self._part)
        self._ramps = Ramps(3, max_block)
        self._targets = np.zeros(3)
        self._buffers = scratch(4, CHANNELS, self._part)
        self._dark = np.zeros(CHANNELS * self._part)
        self._fade, self._middle = np.zeros((2, self._part))
        self._count = np.arange(1.0, self._part + 1.0)
        self.tail = LONGEST * (1.0 + math.log(INAUDIBLE) / math.log(MOST_FEEDBACK))
        self.reset()

    def reset(self) -> None:
        """[control] Forget all sound, as if `prepare` had just returned."""
        self._lines.reset()
        self._damping.reset()
        self._ramps.reset()
        self._here = self._there = 0  # samples; 0 is not known yet
        self._faded = 0.0  # of the way from here to there

    def process(
        self, values: NDArray[np.float64], events: Events, block: NDArray[np.float32]
    ) -> None:
        """[audio] Add echoes to `block`, (2, frames) float32; `values` are in the table's order."""
        frames = block.shape[1]
        targets = self._targets
        targets[_FEEDBACK] = values[1]
        targets[_PING_PONG] = values[3]
        targets[_MIX] = values[4]
        lines = self._ramps.move(targets, frames)
        time = max(round(float(values[0]) * self._sample_rate), self._part)
        if not self._here:
            self._here = self._there = time
        elif self._here == self._there:
            self._there = time
        damping = one_pole_coefficient(float(values[2]), self._sample_rate)
        for begin in range(0, frames, self._part):
            end = min(begin + self._part, frames)
            self._echo(block[:, begin:end], lines[:, begin:end], damping)

    def _echo(self, part: NDArray[np.float32], lines: NDArray[np.float64], damping: float) -> None:
        n = part.shape[1]
        x, echo, back, other = self._buffers[..., :n]
        dark = self._dark[: CHANNELS * n].reshape(CHANNELS, n)
        np.copyto(x, part)
        self._read(echo, other)
        np.copyto(dark, echo)
        self._damping.process(dark, damping)
        np.copyto(back, dark)
        np.multiply(back, lines[_FEEDBACK], out=back)
        # Ping-pong: each side's echo goes to the other side, and the input enters on the left.
        ping_pong = lines[_PING_PONG]
        np.subtract(back[1], back[0], out=other[0])
        np.negative(other[0], out=other[1])
        np.multiply(other, ping_pong, out=other)
        np.add(back, other, out=back)
        middle = np.add(x[0], x[1], out=self._middle[:n])
        np.multiply(middle, 0.5, out=middle)
        np.subtract(middle, x[0], out=other[0])
        np.negative(x[1], out=other[1])
        np.multiply(other, ping_pong, out=other)
        np.add(back, other, out=back)
        np.add(back, x, out=dark)
        self._lines.write(dark)
        np.subtract(echo, x, out=echo)
        np.multiply(echo, lines[_MIX], out=echo)
        np.add(x, echo, out=x)
        np.copyto(part, x, casting="same_kind")

    def _read(self, echo: NDArray[np.float64], other: NDArray[np.float64]) -> None:
        """Write the delayed sound, (2, n), to `echo`, crossfaded between two delay times."""
        for row in range(CHANNELS):
            self._lines.read(row, self._here, echo[row])
        if self._here == self._there:
            return
        for row in range(CHANNELS):
            self._lines.read(row, self._there, other[row])
        n = echo.shape[1]
        slope = 1.0 / (CROSSFADE * self._sample_rate)
        fade = np.multiply(self._count[:n], slope, out=self._fade[:n])
        np.add(fade, self._faded, out=fade)
        np.minimum(fade, 1.0, out=fade)
        np.subtract(other, echo, out=other)
        np.multiply(other, fade, out=other)
        np.add(echo, other, out=echo)
        self._faded += n * slope
        if self._faded >= 1.0:
            self._here, self._faded = self._there, 0.0
