"""Kymatio's Morlet filter bank, in the Fourier domain.

The only file that imports Kymatio: the wavelets' shapes and the padding are its own, bit for bit.
Kymatio 0.3 from PyPI has no joint time-frequency scattering and spaces its centre frequencies in
an older way, so the progression of Kymatio 0.4 (Andén's, as in ScatNet) is written here.
"""

import math
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from kymatio.scattering1d.filter_bank import (
    compute_sigma_psi,
    compute_temporal_support,
    compute_xi_max,
    gauss_1d,
    morlet_1d,
)
from numpy.typing import NDArray

SIGMA_0 = 0.1
"""Bandwidth of a low-pass filter of support 1, in cycles per sample."""

ALPHA = 5.0
"""Number of bandwidths after which a filter counts as zero when its stride is chosen."""


@dataclass(frozen=True)
class Filter:
    """One filter in the Fourier domain.

    Attributes
    ----------
    xi : float
        Centre frequency, cycles per sample, in (-0.5, 0.5); 0 for a low-pass.
    sigma : float
        Bandwidth, cycles per sample.
    j : int
        The output may be decimated by ``2 ** j``.
    N : int
        Length of the signals that it is for, samples.
    """

    xi: float
    sigma: float
    j: int
    N: int

    @property
    def hat(self) -> NDArray[np.float64]:
        """Frequency response on the bins of ``numpy.fft.fftfreq(N)``, (N,)."""
        return _response(self.N, self.xi, self.sigma)

    def at(self, n: int) -> NDArray[np.float64]:
        """Response to a signal that is sampled only `n` times a period, (n,).

        Where decimation is by an integer, what lies above the new Nyquist frequency folds down, as
        in Kymatio; otherwise it is left out.
        """
        if self.N % n == 0:
            return self.hat.reshape(-1, n).sum(axis=0)
        bins = np.fft.ifftshift(np.arange(-(n // 2), n - n // 2))
        return self.hat[bins % self.N]


@lru_cache(maxsize=8)
def _response(N: int, xi: float, sigma: float) -> NDArray[np.float64]:
    """Only the last few are kept: all responses of a transform would take more than its work."""
    return morlet_1d(N, xi, sigma) if xi else gauss_1d(N, sigma)


def wavelets(N: int, J: int, Q: int) -> list[Filter]:
    """Band-pass filters from high to low frequency, `Q` an octave down to ``2 ** -J``."""
    return [Filter(xi, sigma, _log2_stride(xi, sigma), N) for xi, sigma in _anden_progression(J, Q)]


def spinned_wavelets(N: int, J: int, Q: int) -> list[Filter]:
    """Low-pass of support ``2 ** J``, then :func:`wavelets`, then their mirror images (xi < 0).

    These act along log-frequency, where the sign of xi tells rising from falling patterns.
    """
    mirrored = [
        Filter(-xi, sigma, _log2_stride(xi, sigma), N) for xi, sigma in _anden_progression(J, Q)
    ]
    return [low_pass(N, 2**J), *wavelets(N, J, Q), *mirrored]


def low_pass(N: int, T: float) -> Filter:
    """Gaussian of support `T` samples, to be decimated by the power of two at or below `T`."""
    sigma = SIGMA_0 / T
    return Filter(0.0, sigma, math.floor(math.log2(T)), N)


def padded_length(n: int, T: float) -> int:
    """Kymatio's length after padding a signal of `n` samples for a low-pass of support `T`."""
    with warnings.catch_warnings():
        # A T close to n always has border effects; the shift in DESIGN's table counts on them.
        warnings.simplefilter("ignore", UserWarning)
        support = compute_temporal_support(gauss_1d(n, SIGMA_0 / T).reshape(1, -1), 1e-3)
    log2_wanted = math.ceil(math.log2(n + 6 * support))
    # Reflection can at most triple the length.
    log2_possible = math.floor(math.log2(3 * n - 2))
    return 2 ** min(log2_wanted, log2_possible)


def _anden_progression(J: int, Q: int) -> Iterator[tuple[float, float]]:
    """Centre frequencies and bandwidths: geometric (constant Q) above an elbow, then arithmetic.

    Below the elbow the bandwidth stays at ``SIGMA_0 / 2 ** J``, so that no wavelet is longer than
    the low-pass of support ``2 ** J``.
    """
    ratio = math.pow(2, 1 / Q)
    xi = compute_xi_max(Q)
    sigma = compute_sigma_psi(xi, Q)
    sigma_min = SIGMA_0 / 2**J
    if sigma <= sigma_min:
        xi = sigma
    else:
        yield xi, sigma
        while sigma > sigma_min * ratio:
            xi /= ratio
            sigma /= ratio
            yield xi, sigma
    elbow = xi
    for _ in range(Q - 1):
        xi -= elbow / Q
        yield xi, sigma_min


def _log2_stride(xi: float, sigma: float) -> int:
    """Largest j for which decimation by ``2 ** j`` does not alias within ALPHA bandwidths."""
    edge = min(abs(xi) + ALPHA * sigma, 0.5)
    return math.floor(-math.log2(edge)) - 1
