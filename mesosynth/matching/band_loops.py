"""Compiled loops of band pictures: power of partials and of noise, spread over bands.

With the level g and the position p of a partial (in rows of a table H) at each time t::

    P(t, b)  = sum_k g_k(t) H(p_k(t), b)

where H is read between its rows along a straight line, and noise reads between tables of
neighbouring widths as well. Each loop over bands is one sum of rows in cache.

The power of the window in each step smooths them in time, from steps to frames.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from mesosynth.system.kernels import F4, kernel


def _spread(g: F4, p: F4, width: F4, H: F4, P: F4) -> None:
    """Add the power of partials to pictures.

    `g` and `p` (layers, partials, times) are levels and positions, `width` (layers, partials) is
    the table of a band of noise or -1 for a tone, `H` (1 + widths, rows, bands) has the tones'
    table first, and `P` (layers, times, bands) takes the sums.
    """
    last = H.shape[1] - 2
    for layer in range(g.shape[0]):
        for k in range(g.shape[1]):
            wide = width[layer, k]
            for t in range(g.shape[2]):
                level, place = g[layer, k, t], p[layer, k, t]
                if wide >= 0.0:  # noise around a higher pitch reaches down into the table
                    place = min(place, last - 0.001)
                if level < 1e-11 or place < 0.0 or place >= last:
                    continue
                i = int(place)
                x = place - i
                if wide < 0.0:
                    low, high = level * (1 - x), level * x
                    for b in range(P.shape[2]):
                        P[layer, t, b] += low * H[0, i, b] + high * H[0, i + 1, b]
                else:
                    j = int(wide) + 1
                    y = wide - (j - 1)
                    a, c = level * (1 - x) * (1 - y), level * x * (1 - y)
                    d, e = level * (1 - x) * y, level * x * y
                    for b in range(P.shape[2]):
                        P[layer, t, b] += (
                            a * H[j, i, b] + c * H[j, i + 1, b]
                            + d * H[j + 1, i, b] + e * H[j + 1, i + 1, b]
                        )  # fmt: skip


def _smooth(P: F4, taps: F4, hop: int, out: F4) -> None:
    """Weighted means of so many steps around every `hop`-th one.

    `P` is (layers, times, bands), and `out` (layers, frames, bands) is 0 before.
    """
    half = len(taps) // 2
    for layer in range(P.shape[0]):
        for i in range(out.shape[1]):
            for k in range(len(taps)):
                t = i * hop - half + k
                if 0 <= t < P.shape[1]:
                    weight = taps[k]
                    for b in range(P.shape[2]):
                        out[layer, i, b] += weight * P[layer, t, b]


def _smooth_adjoint(d_out: F4, taps: F4, hop: int, dP: F4) -> None:
    """Adjoint of :func:`_smooth`; `dP` is 0 before."""
    half = len(taps) // 2
    for layer in range(dP.shape[0]):
        for i in range(d_out.shape[1]):
            for k in range(len(taps)):
                t = i * hop - half + k
                if 0 <= t < dP.shape[1]:
                    weight = taps[k]
                    for b in range(dP.shape[2]):
                        dP[layer, t, b] += weight * d_out[layer, i, b]


def _spread_adjoint(
    g: F4, p: F4, width: F4, H: F4, dP: F4, dg: F4, dp: F4, d_width: F4, zero: F4
) -> None:
    """Adjoint of :func:`_spread`: derivatives along `g`, `p` and `width`, which are 0 before."""
    last = H.shape[1] - 2
    for layer in range(g.shape[0]):
        for k in range(g.shape[1]):
            wide = width[layer, k]
            for t in range(g.shape[2]):
                level, place = g[layer, k, t], p[layer, k, t]
                if wide >= 0.0:  # noise around a higher pitch reaches down into the table
                    place = min(place, last - 0.001)
                if level < 1e-11 or place < 0.0 or place >= last:
                    continue
                i = int(place)
                x = place - i
                low = high = zero[0]
                if wide < 0.0:
                    for b in range(dP.shape[2]):
                        low += H[0, i, b] * dP[layer, t, b]
                        high += H[0, i + 1, b] * dP[layer, t, b]
                    dg[layer, k, t] = low * (1 - x) + high * x
                    dp[layer, k, t] = level * (high - low)
                else:
                    j = int(wide) + 1
                    y = wide - (j - 1)
                    low_2 = high_2 = zero[0]
                    for b in range(dP.shape[2]):
                        q = dP[layer, t, b]
                        low += H[j, i, b] * q
                        high += H[j, i + 1, b] * q
                        low_2 += H[j + 1, i, b] * q
                        high_2 += H[j + 1, i + 1, b] * q
                    narrow, broad = low * (1 - x) + high * x, low_2 * (1 - x) + high_2 * x
                    dg[layer, k, t] = narrow * (1 - y) + broad * y
                    dp[layer, k, t] = level * ((high - low) * (1 - y) + (high_2 - low_2) * y)
                    d_width[layer, k] += level * (broad - narrow)


@dataclass(frozen=True)
class BandLoops:
    """The loops, compiled; arrays are contiguous float32, and outputs are arguments."""

    spread: Callable[[F4, F4, F4, F4, F4], None]
    smooth: Callable[[F4, F4, int, F4], None]
    smooth_adjoint: Callable[[F4, F4, int, F4], None]
    spread_adjoint: Callable[[F4, F4, F4, F4, F4, F4, F4, F4, F4], None]


@cache
def loops() -> BandLoops:
    """The loops, compiled at the first call and kept on disk."""
    one, two, three = (f"f4[{':, ' * axes}::1]" for axes in (0, 1, 2))
    return BandLoops(
        spread=kernel(f"void({three}, {three}, {two}, {three}, {three})")(_spread),
        smooth=kernel(f"void({three}, {one}, i8, {three})")(_smooth),
        smooth_adjoint=kernel(f"void({three}, {one}, i8, {three})")(_smooth_adjoint),
        spread_adjoint=kernel(
            f"void({three}, {three}, {two}, {three}, {three}, {three}, {three}, {two}, {one})"
        )(_spread_adjoint),
    )


def compile_loops() -> None:
    """Compile the loops, so that the first match need not."""
    loops()
