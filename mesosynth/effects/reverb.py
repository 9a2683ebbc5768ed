"""Reverb: a feedback delay network of sixteen delay lines."""

import math

import numpy as np
from numpy.typing import NDArray

from mesosynth.plugins.parameters import Parameter, ParameterTable
from mesosynth.plugins.plugin import Effect, Events

LINES = 16
SHORTEST, LONGEST = 0.0131, 0.0713  # s; between them the lengths grow by one ratio
LONGEST_DECAY = 20.0  # s


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
        """[control] Allocate the state and load the sample loop, then reset."""
        from mesosynth.effects.reverb_kernel import reverberate

        self._reverberate, self._sample_rate = reverberate, float(sample_rate)
        self._lengths = np.array(_lengths(self._sample_rate))
        self._ring = np.zeros((self._lengths[-1], LINES))
        self._now, self._lines = np.zeros(3), np.zeros((4, LINES))
        self._place = np.zeros(1, np.int64)
        self.tail = LONGEST_DECAY
        self.reset()

    def reset(self) -> None:
        """[control] Forget all sound, as if `prepare` had just returned."""
        self._now.fill(np.nan)
        for state in (self._ring, self._lines, self._place):
            state.fill(0)

    def process(
        self, values: NDArray[np.float64], events: Events, block: NDArray[np.float32]
    ) -> None:
        """[audio] Reverberate `block`, (2, frames) float32; `values` are in the table's order."""
        self._reverberate(
            block, values, self._sample_rate, self._ring, self._lengths,
            self._now, self._lines, self._place,
        )  # fmt: skip


def _lengths(sample_rate: float) -> list[int]:
    """Samples in each line: a geometric series, moved to numbers that share no factor."""
    lengths: list[int] = []
    for seconds in np.geomspace(SHORTEST, LONGEST, LINES):
        length = round(float(seconds) * sample_rate)
        while any(math.gcd(length, other) > 1 for other in lengths):
            length += 1
        lengths.append(length)
    return lengths
