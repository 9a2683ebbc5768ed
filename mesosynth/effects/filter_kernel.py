"""Sample loop of the state-variable filter.

The trapezoidal form of Zavalishin, *The Art of VA Filter Design* (2012), chapter 4: with
g = tan(π f / rate), k = 1 / Q, and s_1, s_2 the states of the two integrators,

    band = (g (x - s_2) + s_1) / (1 + g (g + k))        s_1 <- 2 band - s_1
    low  = s_2 + g band                                 s_2 <- 2 low - s_2
    high = x - low - k band

which is stable however fast f and Q move. The outputs low, k band and high have unit gain each.
"""

import math

from mesosynth.system.kernels import F4, F8, kernel

HIGHEST = 0.49  # highest cut-off frequency, of the sample rate
SILENT = 1e-15  # -300 dB; smaller states become zero, as subnormal numbers are slow


@kernel("void(f4[:, :], f8[:], f8, f8[::1], f8[:, ::1])")
def filter_block(block: F4, values: F8, sample_rate: float, now: F8, state: F8) -> None:
    """[audio] Filter a block in place.

    Parameters
    ----------
    block : (2, frames) float32
    values : (4,) float64
        Cut-off in Hz, Q, shape from low-pass (0) by band-pass (0.5) to high-pass (1), and mix, at
        the end of the block.
    sample_rate : float
        Hz.
    now : (4,) float64
        log2 of the cut-off, 1 / Q, shape and mix at the end of the last block; NaN before the
        first.
    state : (2, 2) float64
        s_1 and s_2 of each channel.
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
