"""State-variable filter: low-pass, band-pass, high-pass and all shapes between them."""

import numpy as np
from numpy.typing import NDArray

from mesosynth.plugins.parameters import Parameter, ParameterTable
from mesosynth.plugins.plugin import CHANNELS, Effect, Events


class Filter(Effect):
    """Low-pass, band-pass or high-pass of 12 dB per octave, and all shapes between them."""

    name = "Filter"
    parameters = ParameterTable(
        [
            Parameter("cutoff", "Cut-off", "Hz", 20.0, 20000.0, 2000.0,
                      "Where the filter begins to cut.", curve="log"),
            Parameter("resonance", "Resonance", "", 0.5, 20.0, 0.7071,
                      "Height of the peak at the cut-off frequency, as Q.", curve="log"),
            Parameter("shape", "Shape", "", 0.0, 1.0, 0.0,
                      "Low-pass (0), band-pass (0.5), high-pass (1)."),
            Parameter("mix", "Mix", "", 0.0, 1.0, 1.0, "From dry (0) to filtered (1)."),
        ]
    )  # fmt: skip

    def prepare(self, sample_rate: float, max_block: int) -> None:
        """[control] Allocate the state and load the sample loop, then reset."""
        from mesosynth.effects.filter_kernel import filter_block

        self._filter, self._sample_rate = filter_block, float(sample_rate)
        self._now, self._state = np.zeros(len(self.parameters)), np.zeros((CHANNELS, 2))
        self.reset()

    def reset(self) -> None:
        """[control] Forget all sound, as if `prepare` had just returned."""
        self._now.fill(np.nan)
        self._state.fill(0.0)

    def process(
        self, values: NDArray[np.float64], events: Events, block: NDArray[np.float32]
    ) -> None:
        """[audio] Filter `block`, (2, frames) float32; `values` are in the table's order."""
        self._filter(block, values, self._sample_rate, self._now, self._state)
