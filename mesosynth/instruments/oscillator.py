"""Oscillator loops: a fast sine of a phase in cycles, and the fade of high partials."""

import math

import numpy as np

from mesosynth.system.kernels import loop

FADE_FROM, FADE_TO = 0.45, 0.5
"""Of the sample rate: above the first a partial fades, and is silent from the second on."""

# cos(2 pi y) for |y| <= 1/4 by its Taylor series to y^14; the error is below 7e-11.
_C0, _C1, _C2, _C3, _C4, _C5, _C6, _C7 = (
    (-1) ** k * (2.0 * math.pi) ** (2 * k) / math.factorial(2 * k) for k in range(8)
)


@loop("f8(f8)")
def sine(cycles: float) -> float:
    """``sin(2 pi cycles)`` within 7e-11, four times as fast as :func:`math.sin`."""
    x = cycles - np.floor(cycles + 0.5)
    y = abs(x) - 0.25
    z = y * y
    series = _C4 + z * (_C5 + z * (_C6 + z * _C7))
    return math.copysign(_C0 + z * (_C1 + z * (_C2 + z * (_C3 + z * series))), x)


@loop("f8(f8)")
def below_nyquist(cycles_per_sample: float) -> float:
    """Gain that falls smoothly from 1 at FADE_FROM to 0 at FADE_TO: ``3 x^2 - 2 x^3``."""
    x = (FADE_TO - cycles_per_sample) / (FADE_TO - FADE_FROM)
    x = min(max(x, 0.0), 1.0)
    return x * x * (3.0 - 2.0 * x)
