"""Saturation: soft clipping by tanh, with antiderivative anti-aliasing."""

import numpy as np
from numpy.typing import NDArray

from mesosynth.plugins.parameters import Parameter, ParameterTable
from mesosynth.plugins.plugin import CHANNELS, Effect, Events


class Saturation(Effect):
    """Saturation from warm to distorted: tanh with antiderivative anti-aliasing."""

    name = "Saturation"
    parameters = ParameterTable(
        [
            Parameter("drive", "Drive", "dB", 0.0, 48.0, 12.0, "Level before the curve."),
            Parameter("level", "Level", "dB", -36.0, 6.0, -6.0, "Level after the curve."),
            Parameter("mix", "Mix", "", 0.0, 1.0, 1.0, "From dry (0) to saturated (1)."),
        ]
    )

    def prepare(self, sample_rate: float, max_block: int) -> None:
        """[control] Allocate the state and load the sample loop, then reset."""
        from mesosynth.effects.saturation_kernel import saturate

        self._saturate = saturate
        self._now, self._state = np.zeros(len(self.parameters)), np.zeros((CHANNELS, 3))
        self.reset()

    def reset(self) -> None:
        """[control] Forget all sound, as if `prepare` had just returned."""
        self._now.fill(np.nan)
        self._state.fill(0.0)

    def process(
        self, values: NDArray[np.float64], events: Events, block: NDArray[np.float32]
    ) -> None:
        """[audio] Saturate `block`, (2, frames) float32; `values` are drive, level and mix."""
        self._saturate(block, values, self._now, self._state)
