"""Reverb: a feedback delay network of sixteen delay lines.

After Jot and Chaigne (AES 1991): lines whose lengths share no factor, each damped by a one-pole
filter and by a gain that makes all of them decay at one rate, mixed by a Hadamard matrix, which
keeps energy and spreads every echo over all lines.
"""

import math

import numpy as np
from numpy.typing import NDArray

from mesosynth.effects.delay import DelayLines
from mesosynth.effects.filter import OnePole, one_pole_coefficient
from mesosynth.plugins.parameters import Parameter, ParameterTable
from mesosynth.plugins.plugin import CHANNELS, Effect, Events
from mesosynth.plugins.ramps import Ramps, scratch

LINES = 16
SHORTEST, LONGEST = 0.0131, 0.0713  # s; between them the lengths grow by one ratio
LONGEST_DECAY = 20.0  # s
MOST_AT_ONCE = 1024  # samples; the matrix products stay in cache and on one thread
WET = 1.6  # gain; steady noise leaves a hall of two seconds about 8 dB quieter than it enters

_WIDTH, _MIX = LINES, LINES + 1  # after the gain of each line


class Reverb(Effect):
    """Reverb of a hall with a decay of 0.1 to 20 s."""

    name = "Reverb"
    parameters = ParameterTable(
        [
            Parameter("decay", "Decay", "s", 0.1, LONGEST_DECAY, 2.0,
                      "Time in which the hall falls silent by 60 dB.", curve="log"),
            Parameter("damping", "Damping", "Hz", 500.0, 20000.0, 5000.0,
                      "Frequency above which the hall swallows sound faster.", curve="log"),
            Parameter("width", "Width", "", 0.0, 1.0, 1.0, "From mono (0) to wide (1)."),
            Parameter("mix", "Mix", "", 0.0, 1.0, 0.25, "From dry (0) to the hall alone (1)."),
        ]
    )  # fmt: skip

    def prepare(self, sample_rate: float, max_block: int) -> None:
        """[control] Allocate everything for blocks of up to `max_block` frames, then reset."""
        self._sample_rate = float(sample_rate)
        self._lengths = _lengths(self._sample_rate)
        # A part of a block is never longer than the shortest line.
        self._part = min(max_block, self._lengths[0], MOST_AT_ONCE)
        self._lines = DelayLines(LINES, self._lengths[-1])
        self._damping = OnePole(LINES, self._part)
        self._ramps = Ramps(LINES + 2, max_block)
        self._targets = np.zeros(LINES + 2)
        self._seconds = np.array(self._lengths) / self._sample_rate
        self._tanks = np.zeros((2, LINES * self._part))
        self._stereo = scratch(3, CHANNELS, self._part)
        self._hadamard = _hadamard(LINES)
        # Rows of the matrix as inputs and outputs; the products of one input and one output all
        # differ, so that the first echoes of a centred sound differ between left and right.
        self._enter = np.ascontiguousarray(self._hadamard[:, 1:3])
        self._leave = WET * self._hadamard[[5, 10]]
        self.tail = LONGEST_DECAY
        self.reset()

    def reset(self) -> None:
        """[control] Forget all sound, as if `prepare` had just returned."""
        self._lines.reset()
        self._damping.reset()
        self._ramps.reset()

    def process(
        self, values: NDArray[np.float64], events: Events, block: NDArray[np.float32]
    ) -> None:
        """[audio] Reverberate `block`, (2, frames) float32; `values` are in the table's order."""
        frames = block.shape[1]
        targets = self._targets
        gains = targets[:LINES]  # 10^(-3 d / T60)
        np.multiply(self._seconds, -3.0 * math.log(10.0) / float(values[0]), out=gains)
        np.exp(gains, out=gains)
        targets[_WIDTH] = values[2]
        targets[_MIX] = values[3]
        lines = self._ramps.move(targets, frames)
        damping = one_pole_coefficient(float(values[1]), self._sample_rate)
        for begin in range(0, frames, self._part):
            end = min(begin + self._part, frames)
            self._resound(block[:, begin:end], lines[:, begin:end], damping)

    def _resound(
        self, part: NDArray[np.float32], lines: NDArray[np.float64], damping: float
    ) -> None:
        n = part.shape[1]
        tank, mixed = self._tanks[:, : LINES * n].reshape(2, LINES, n)
        x, wet, side = self._stereo[..., :n]
        np.copyto(x, part)
        for row, length in enumerate(self._lengths):
            self._lines.read(row, length, tank[row])
        self._damping.process(tank, damping)
        for row, gain in zip(tank, lines, strict=False):
            np.multiply(row, gain, out=row)
        np.matmul(self._leave, tank, out=wet)
        np.matmul(self._hadamard, tank, out=mixed)
        np.matmul(self._enter, x, out=tank)
        np.add(mixed, tank, out=mixed)
        self._lines.write(mixed)
        # Half of left minus right, and all of it as the width goes to 0.
        np.subtract(wet[1], wet[0], out=side[0])
        np.subtract(1.0, lines[_WIDTH], out=side[1])
        np.multiply(side[1], 0.5, out=side[1])
        np.multiply(side[0], side[1], out=side[0])
        np.add(wet[0], side[0], out=wet[0])
        np.subtract(wet[1], side[0], out=wet[1])
        np.subtract(wet, x, out=wet)
        np.multiply(wet, lines[_MIX], out=wet)
        np.add(x, wet, out=x)
        np.copyto(part, x, casting="same_kind")


def _lengths(sample_rate: float) -> list[int]:
    """Samples in each line: a geometric series, moved to numbers that share no factor."""
    lengths: list[int] = []
    for seconds in np.geomspace(SHORTEST, LONGEST, LINES):
        length = round(float(seconds) * sample_rate)
        while any(math.gcd(length, other) > 1 for other in lengths):
            length += 1
        lengths.append(length)
    return lengths


def _hadamard(size: int) -> NDArray[np.float64]:
    """Orthonormal Hadamard matrix; the size is a power of 2."""
    matrix = np.ones((1, 1))
    while len(matrix) < size:
        matrix = np.block([[matrix, matrix], [matrix, -matrix]])
    return matrix / math.sqrt(size)
