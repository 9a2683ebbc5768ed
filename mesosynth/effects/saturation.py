"""Saturation: soft clipping by tanh, with antiderivative anti-aliasing.

The output is the mean of the curve between two samples: with F(u) = log cosh u, an antiderivative
of tanh,

    y[n] = (F(u[n]) - F(u[n-1])) / (u[n] - u[n-1])

(Parker, Zavalishin, Le Bivic, *Reducing the aliasing of nonlinear waveshaping using
continuous-time convolution*, DAFx 2016). For small u that is the mean of two samples, which loses
treble and is half a sample late. The one-pole filter b[n] = (1 - c) x[n] + c b[n-1] before it gives
back the treble, to 1 dB at 15 kHz and a rate of 48 kHz, and most of the time.
"""

import math

import numpy as np

from mesosynth.plugins.parameters import Parameter, ParameterTable
from mesosynth.plugins.plugin import CHANNELS, Effect, Events
from mesosynth.system.kernels import F4, F8, compile_loops, loop

BRIGHTEN = -0.5  # c; -1 would undo the mean exactly, but never decay
NEAR = 1e-5  # smaller steps give no slope of F in double precision
SILENT = 1e-15  # -300 dB; smaller states become zero, as subnormal numbers are slow


@loop("void(f4[:, :], f8[:], f8[::1], f8[:, ::1])")
def _saturate(block: F4, values: F8, now: F8, state: F8) -> None:
    """Saturate a block in place.

    `now` holds drive and level as amplitudes, and mix, at the end of the last block, NaN before the
    first; `state`, (2, 3), b, u and F(u) of the last sample of each channel.
    """
    frames = block.shape[1]
    if math.isnan(now[0]):
        now[0], now[1], now[2] = 10.0 ** (values[0] / 20.0), 10.0 ** (values[1] / 20.0), values[2]
    drive_step = (10.0 ** (values[0] / 20.0) - now[0]) / frames
    level_step = (10.0 ** (values[1] / 20.0) - now[1]) / frames
    mix_step = (values[2] - now[2]) / frames
    for channel in range(2):
        b, u, f = state[channel, 0], state[channel, 1], state[channel, 2]
        drive, level, mix = now[0], now[1], now[2]
        for i in range(frames):
            drive += drive_step
            level += level_step
            mix += mix_step
            x = float(block[channel, i])
            b = (1.0 - BRIGHTEN) * x + BRIGHTEN * b
            u_last, f_last = u, f
            u = drive * b
            # log cosh u without overflow
            f = abs(u) + math.log1p(math.exp(-2.0 * abs(u))) - math.log(2.0)
            if abs(u - u_last) > NEAR:
                y = (f - f_last) / (u - u_last)
            else:
                y = math.tanh(0.5 * (u + u_last))
            block[channel, i] = x + mix * (level * y - x)
        state[channel, 0] = b if abs(b) > SILENT else 0.0
        state[channel, 1], state[channel, 2] = u, f
    now[0] += frames * drive_step
    now[1] += frames * level_step
    now[2] = values[2]


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
        """[control] Allocate the state and compile the sample loop, then reset."""
        compile_loops(__name__)
        self._now, self._state = np.zeros(len(self.parameters)), np.zeros((CHANNELS, 3))
        self.reset()

    def reset(self) -> None:
        """[control] Forget all sound, as if `prepare` had just returned."""
        self._now.fill(np.nan)
        self._state.fill(0.0)

    def process(self, values: F8, events: Events, block: F4) -> None:
        """[audio] Saturate `block`, (2, frames) float32; `values` are drive, level and mix."""
        _saturate(block, values, self._now, self._state)
