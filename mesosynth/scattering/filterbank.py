"""Morlet filter bank of Kymatio, in the Fourier domain.

Only this file imports Kymatio: the shapes of the wavelets and the padding are Kymatio's, bit for
bit. Kymatio 0.3 from PyPI has no joint time-frequency scattering and spaces its centre frequencies
in an older way, so the spacing of Kymatio 0.4 (Andén's, as in ScatNet) is written here.
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
"""Bandwidth of a low-pass filter of support 1, cycles per sample."""

ALPHA = 5.0
"""Bandwidths from the centre at which a filter counts as zero when its stride is chosen."""


@dataclass(frozen=True)
class WaveletFilter:
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
        Length of the signals to filter, samples.
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
        """Frequency response for a signal that is sampled only `n` times a period, (n,).

        Where ``N / n`` is a whole number, the response above the new Nyquist frequency folds down,
        as in Kymatio; otherwise it is left out.
        """
        if self.N % n == 0:
            return self.hat.reshape(-1, n).sum(axis=0)
        bins = np.fft.ifftshift(np.arange(-(n // 2), n - n // 2))
        return self.hat[bins % self.N]


@lru_cache(maxsize=8)
def _response(N: int, xi: float, sigma: float) -> NDArray[np.float64]:
    """Frequency response, (N,), from a small cache; all responses would need much memory."""
    return morlet_1d(N, xi, sigma) if xi else gauss_1d(N, sigma)


def wavelets(N: int, J: int, Q: int) -> list[WaveletFilter]:
    """Band-pass filters of a constant-Q bank, from high to low frequency.

    Parameters
    ----------
    N : int
        Length of the signals, samples.
    J : int
        Octaves; the lowest filter has a bandwidth of about ``0.1 / 2 ** J`` cycles per sample.
    Q : int
        Filters per octave.

    Returns
    -------
    list of WaveletFilter
    """
    return [
        WaveletFilter(xi, sigma, _log2_stride(xi, sigma), N)
        for xi, sigma in _anden_progression(J, Q)
    ]


def spinned_wavelets(N: int, J: int, Q: int) -> list[WaveletFilter]:
    """Filters along log-frequency: low-pass, rising and falling wavelets.

    The sign of xi tells rising (+) from falling (-) patterns.

    Parameters
    ----------
    N : int
        Length of the log-frequency axis, rows.
    J : int
        Octaves of scale.
    Q : int
        Filters per octave.

    Returns
    -------
    list of WaveletFilter
        The low-pass of support ``2 ** J``, the :func:`wavelets`, and their mirror images (xi < 0).
    """
    mirrored = [
        WaveletFilter(-xi, sigma, _log2_stride(xi, sigma), N)
        for xi, sigma in _anden_progression(J, Q)
    ]
    return [low_pass(N, 2**J), *wavelets(N, J, Q), *mirrored]


def low_pass(N: int, T: float) -> WaveletFilter:
    """Gaussian low-pass filter.

    Parameters
    ----------
    N : int
        Length of the signals, samples.
    T : float
        Support, samples, at least 1.

    Returns
    -------
    WaveletFilter
        May be decimated by the power of two at or below `T`.
    """
    sigma = SIGMA_0 / T
    return WaveletFilter(0.0, sigma, math.floor(math.log2(T)), N)


def padded_length(n: int, T: float) -> int:
    """Length to which Kymatio pads a signal.

    Parameters
    ----------
    n : int
        Length of the signal, samples.
    T : float
        Support of the low-pass filter, samples.

    Returns
    -------
    int
        A power of two.
    """
    with warnings.catch_warnings():
        # A T close to n always has border effects.
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
