"""How many samples of each wavelet's output are kept: as many as Kymatio, or as a tolerance needs.

Kymatio decimates so that a wavelet's centre frequency, five bandwidths away, still fits under the
Nyquist frequency. A modulus moves the band to zero frequency, and so it is the bandwidth alone that
matters to what comes after it: between three and eight times fewer samples will do.
"""

import math
from collections.abc import Sequence

from mesosynth.scattering.filterbank import Filter

FEWEST = 32
"""Samples of the slowest wavelets, where fewer would not pay."""


def half_band(tolerance: float) -> float:
    """Half the rate that the output of a Gaussian filter needs, in its bandwidths sigma.

    At least as far as the response exceeds the tolerance. A modulus has kinks where it touches
    zero, so that its spectrum, and what of it aliases into averages, falls off slowly: measured on
    chirps, noise and recordings, with the 2.7th power of the rate.
    """
    edge = math.sqrt(2.0 * math.log(1.0 / tolerance))
    return edge * max(1.0, 1.3 * (1e-3 / tolerance) ** (1.0 / 2.7))


def exact_length(psi: Filter, phi: Filter, *, local: bool) -> int:
    """Kymatio's length of the output of `psi`, which `phi` will average; `local` unless over all.

    An average at every ``2 ** phi.j`` samples needs at least as many.
    """
    return psi.N >> (min(psi.j, phi.j) if local else psi.j)


def second_order_length(psi2: Filter, phi: Filter, tolerance: float, *, local: bool) -> int:
    """Length for ``|U_1 * psi_n2|``, of which only averages by `phi` are wanted."""
    longest = exact_length(psi2, phi, local=local)
    if tolerance == 0.0:
        return longest
    wanted = _rate_for_averages(psi2, phi, tolerance, local=local) * psi2.N
    return _convenient(wanted, longest, psi2.N >> phi.j if local else FEWEST)


def first_order_length(
    psi1: Filter, phi: Filter, psi2: Sequence[Filter], tolerance: float, *, local: bool
) -> int:
    """Length for ``|x * psi_n1|``, on which all `psi2` of larger scale will act."""
    longest = exact_length(psi1, phi, local=local)
    if tolerance == 0.0:
        return longest
    edge = half_band(tolerance)
    coarser = [psi for psi in psi2 if psi.j > psi1.j]
    highest = max((psi.xi + edge * psi.sigma for psi in coarser), default=edge * phi.sigma)
    rate = 2.0 * edge * psi1.sigma + highest
    for psi in coarser:
        rate = max(rate, _rate_for_averages(psi, phi, tolerance, local=local))
    return _convenient(rate * psi1.N, longest, psi1.N >> phi.j)


def _rate_for_averages(psi: Filter, phi: Filter, tolerance: float, *, local: bool) -> float:
    edge = half_band(tolerance)
    return 2.0 * edge * (psi.sigma + (phi.sigma if local else 0.0))


def _convenient(wanted: float, longest: int, shortest: int) -> int:
    """Length of at least `wanted`, 2**a or 3 * 2**a samples, between `shortest` and `longest`."""
    power = 2 ** max(math.ceil(math.log2(max(wanted, 1.0))), 0)
    if 3 * power // 4 >= wanted and (3 * power // 4) % shortest == 0:
        power = 3 * power // 4
    return min(max(power, shortest), longest)
