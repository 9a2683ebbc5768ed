"""Stereo delay with feedback, in place or from side to side."""

import math

import numpy as np
from numpy.typing import NDArray

from mesosynth.plugins.parameters import Parameter, ParameterTable
from mesosynth.plugins.plugin import CHANNELS, Effect, Events

SHORTEST, LONGEST = 0.01, 2.0  # s
MOST_FEEDBACK = 0.95
CROSSFADE = 0.05  # s from the old delay time to the new one
INAUDIBLE = 1e-5  # of the first echo


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
        """[control] Allocate the state and load the sample loop, then reset."""
        from mesosynth.effects.delay_kernel import echo

        self._echo, self._sample_rate = echo, float(sample_rate)
        self._ring = np.zeros((math.ceil(LONGEST * sample_rate) + 1, CHANNELS))
        self._crossfade = max(1, round(CROSSFADE * sample_rate))
        self._now, self._dark, self._places = np.zeros(4), np.zeros(CHANNELS), np.zeros(4, np.int64)
        self.tail = LONGEST * (1.0 + math.log(INAUDIBLE) / math.log(MOST_FEEDBACK))
        self.reset()

    def reset(self) -> None:
        """[control] Forget all sound, as if `prepare` had just returned."""
        self._now.fill(np.nan)
        for state in (self._ring, self._dark, self._places):
            state.fill(0)

    def process(
        self, values: NDArray[np.float64], events: Events, block: NDArray[np.float32]
    ) -> None:
        """[audio] Add echoes to `block`, (2, frames) float32; `values` are in the table's order."""
        self._echo(
            block, values, self._sample_rate, self._crossfade,
            self._ring, self._now, self._dark, self._places,
        )  # fmt: skip
