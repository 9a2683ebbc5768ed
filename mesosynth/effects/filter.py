"""State-variable filter: low-pass, band-pass, high-pass and all shapes between them.

The trapezoidal form of Zavalishin, *The Art of VA Filter Design* (2012), chapter 4: with
g = tan(π f / rate), k = 1 / Q, and s_1, s_2 the states of the two integrators,

    band = (g (x - s_2) + s_1) / (1 + g (g + k))        s_1 <- 2 band - s_1
    low  = s_2 + g band                                 s_2 <- 2 low - s_2
    high = x - low - k band

which is stable however fast f and Q move. The outputs low, k band and high have unit gain each.
"""

import math

import numpy as np

from mesosynth.plugins.parameters import Parameter, ParameterTable
from mesosynth.plugins.plugin import CHANNELS, Effect, Events
from mesosynth.system.kernels import F4, F8, compile_loops, loop

HIGHEST = 0.49  # highest cut-off frequency, of the sample rate
SILENT = 1e-15  # -300 dB; smaller states become zero, as subnormal numbers are slow


@loop("void(f4[:, :], f8[:], f8, f8[::1], f8[:, ::1])")
def _filter(block: F4, values: F8, sample_rate: float, now: F8, state: F8) -> None:
    """Filter a block in place.

    `now` holds log2 of the cut-off, 1 / Q, shape and mix at the end of the last block, NaN before
    the first; `state`, (2, 2), s_1 and s_2 of each channel.
    """
    frames = block.shape[1]
    if math.isnan(now[0]):
        now[0], now[1], now[2], now[3] = math.log2(values[0]), 1.0 / values[1], values[2], values[3]
    octave, k, shape, mix = now[0], now[1], now[2], now[3]
    octave_step = (math.log2(values[0]) - octave) / frames
    k_step = (1.0 / values[1] - k) / frames
    shape_step = (values[2] - shape) / frames
    mix_step = (values[3] - mix) / frames
    g = 0.0
    for i in range(frames):
        octave += octave_step
        k += k_step
        shape += shape_step
        mix += mix_step
        if i == 0 or octave_step != 0.0:  # tan takes as long as all the rest
            g = math.tan(math.pi * min(2.0**octave / sample_rate, HIGHEST))
        a = 1.0 / (1.0 + g * (g + k))
        low_share, high_share = max(1.0 - 2.0 * shape, 0.0), max(2.0 * shape - 1.0, 0.0)
        band_share = 1.0 - low_share - high_share
        for channel in range(2):
            x, s_1, s_2 = float(block[channel, i]), state[channel, 0], state[channel, 1]
            band = a * (g * (x - s_2) + s_1)
            low = s_2 + g * band
            high = x - low - k * band
            state[channel, 0], state[channel, 1] = 2.0 * band - s_1, 2.0 * low - s_2
            y = low_share * low + band_share * k * band + high_share * high
            block[channel, i] = x + mix * (y - x)
    for channel in range(2):
        if abs(state[channel, 0]) + abs(state[channel, 1]) < SILENT:
            state[channel, 0] = state[channel, 1] = 0.0
    now[0], now[1], now[2], now[3] = math.log2(values[0]), 1.0 / values[1], values[2], values[3]


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
        """[control] Allocate the state and compile the sample loop, then reset."""
        compile_loops(__name__)
        self._sample_rate = float(sample_rate)
        self._now, self._state = np.zeros(len(self.parameters)), np.zeros((CHANNELS, 2))
        self.reset()

    def reset(self) -> None:
        """[control] Forget all sound, as if `prepare` had just returned."""
        self._now.fill(np.nan)
        self._state.fill(0.0)

    def process(self, values: F8, events: Events, block: F4) -> None:
        """[audio] Filter `block`, (2, frames) float32; `values` are in the table's order."""
        _filter(block, values, self._sample_rate, self._now, self._state)
