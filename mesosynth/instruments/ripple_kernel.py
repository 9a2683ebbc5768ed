"""Ripple, its sample loop: partials i at f_i, weighted along time and log-frequency.

With ``a = 2 pi f_m t`` and the lag ``b_i = 2 pi f_m x_i / gamma`` of the partial x_i octaves above
the lowest, each channel is (Vahidi et al., JAES 2023, after the authors' ``ripple``)::

    x(t) = level sum_i g_i (1 + depth (sin(a) cos(b_i) - cos(a) sin(b_i))) sin(2 pi f_i t + phi_i)

All frequencies, weights, depth and level ramp in straight lines that end with the last sample, so
sample n of N has the phase ``p + n s + n (n + 1) / (2 N) ds`` for a step s that changes by ds.
"""

import math

import numpy as np
from numpy.typing import NDArray

from mesosynth.instruments.oscillator import FADE_TO, below_nyquist, sine
from mesosynth.system.kernels import kernel

Array = NDArray[np.float64]

PHASE, STEP, WEIGHTS = range(3)
"""Columns of a partial: cycles, cycles per sample, and six weights, three of each channel."""

NEXT = 7
"""Distance from a column that ramps to its value at the end."""

COLUMNS = STEP + 2 * NEXT

TURN, TURN_STEP, DEPTH, LEVEL, RIPPLE = 0, 1, 2, 3, 7
"""Columns of the ripple: cycles, cycles per sample, and its depth and level; then those three at
the end. RIPPLE is their number."""


@kernel("void(f8[:, ::1], f8, f8, f8, f8, f8)")
def aim(partials: Array, step: float, f_m: float, gamma: float, w: float, spread: float) -> None:
    """Set the ends of the partials' ramps; `step` is the lowest frequency, cycles per sample.

    Gains fall with the square root of the frequency, and their squares sum to 2 before the fade.
    """
    count = len(partials)
    power = 0.0
    for i in range(count):
        power += 2.0 ** (-w * i / (count - 1))
    for i in range(count):
        octaves = w * i / (count - 1)
        hertz = step * 2.0**octaves
        gain = math.sqrt(2.0 / power * 2.0**-octaves) * below_nyquist(hertz)
        lag = f_m * octaves / gamma
        row = partials[i]
        row[STEP + NEXT] = min(hertz, FADE_TO)  # silent there; keeps phases small
        for channel in range(2):
            side = 1.0 + (spread if i % 2 == channel else -spread)
            weights = row[WEIGHTS + NEXT + 3 * channel :]
            weights[0] = gain * side
            weights[1] = weights[0] * sine(lag + 0.25)
            weights[2] = weights[0] * sine(lag)


@kernel("void(f8[:, ::1], f8[::1], f8[:, ::1], f4[:, :])")
def render(partials: Array, ripple: Array, lines: Array, block: NDArray[np.float32]) -> None:
    """Overwrite the block; `lines`, (4, frames) or longer, is memory."""
    frames = block.shape[1]
    sines, cosines, left, right = lines[0], lines[1], lines[2], lines[3]
    turn, step, depth, level = ripple[TURN], ripple[TURN_STEP], ripple[DEPTH], ripple[LEVEL]
    d_step = (ripple[TURN_STEP + 3] - step) / frames
    d_depth, d_level = (ripple[DEPTH + 3] - depth) / frames, (ripple[LEVEL + 3] - level) / frames
    for n in range(frames):
        angle = turn + n * (step + 0.5 * (n + 1) * d_step)
        sines[n] = (depth + (n + 1) * d_depth) * sine(angle)
        cosines[n] = (depth + (n + 1) * d_depth) * sine(angle + 0.25)
        left[n] = right[n] = 0.0
    ripple[TURN] = (turn + frames * (step + 0.5 * (frames + 1) * d_step)) % 1.0
    ripple[TURN_STEP : TURN_STEP + 3] = ripple[TURN_STEP + 3 :]
    for i in range(len(partials)):
        row = partials[i]
        a, b, c, d, e, f = row[2], row[3], row[4], row[5], row[6], row[7]
        da, db, dc = (row[9] - a) / frames, (row[10] - b) / frames, (row[11] - c) / frames
        dd, de, df = (row[12] - d) / frames, (row[13] - e) / frames, (row[14] - f) / frames
        phase, step = row[PHASE], row[STEP]
        d_step = (row[STEP + NEXT] - step) / frames
        for n in range(frames):
            x, m = sine(phase + n * (step + 0.5 * (n + 1) * d_step)), n + 1.0
            left[n] += x * (a + da * m + (b + db * m) * sines[n] - (c + dc * m) * cosines[n])
            right[n] += x * (d + dd * m + (e + de * m) * sines[n] - (f + df * m) * cosines[n])
        row[PHASE] = (phase + frames * (step + 0.5 * (frames + 1) * d_step)) % 1.0
        row[STEP : STEP + NEXT] = row[STEP + NEXT :]
    for n in range(frames):
        block[0, n] = left[n] * (level + (n + 1) * d_level)
        block[1, n] = right[n] * (level + (n + 1) * d_level)
