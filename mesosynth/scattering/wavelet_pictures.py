"""Two-dimensional wavelets of the JTFS, as in Fig. 2 of Vahidi et al. (JAES 2023).

The wavelet of a second-order path is the product of psi_n2 along time and psi_fr along
log-frequency. Its real part is a patch of parallel stripes that rise (spin +1) or fall (spin -1);
the closer the stripes, the higher are rate and scale.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mesosynth.errors import ArgumentError
from mesosynth.scattering.filterbank import WaveletFilter
from mesosynth.scattering.jtfs import JTFS

_EXTENT = 3.0  # standard deviations of the Gaussian envelope, to each side


@dataclass(frozen=True)
class WaveletPicture:
    """Real part of one two-dimensional wavelet.

    Attributes
    ----------
    picture : (len(octaves), len(times)) float64
        Of peak 1.
    times : float64
        Seconds from the wavelet's middle, ascending.
    octaves : float64
        Octaves above the wavelet's middle, ascending: draw it with the origin below.
    rate : float
        Hz.
    scale : float
        Cycles per octave.
    spin : int
        +1 rises, -1 falls.
    """

    picture: NDArray[np.float64]
    times: NDArray[np.float64]
    octaves: NDArray[np.float64]
    rate: float
    scale: float
    spin: int


def wavelet_picture(
    jtfs: JTFS,
    sample_rate: float,
    rate: float,
    scale: float,
    spin: Literal[-1, 1],
    seconds: float | None = None,
    octaves: float | None = None,
    size: tuple[int, int] = (97, 129),
) -> WaveletPicture:
    """Wavelet of `jtfs` nearest to a rate and a scale.

    Parameters
    ----------
    jtfs : JTFS
    sample_rate : float
        Hz.
    rate : float
        Hz, more than 0.
    scale : float
        Cycles per octave, more than 0.
    spin : {-1, 1}
    seconds, octaves : float, optional
        Span of the picture, s and octaves; by default all of the wavelet.
    size : (int, int)
        Points along log-frequency and along time; the wavelet is a continuous function.

    Returns
    -------
    WaveletPicture

    Raises
    ------
    ArgumentError
        For an impossible rate, scale, spin or span.
    """
    _check(sample_rate=sample_rate, rate=rate, scale=scale, seconds=seconds, octaves=octaves)
    if spin not in (-1, 1):
        raise ArgumentError(f"spin={spin!r} must be 1 (rising) or -1 (falling).")
    Q = jtfs.Q[0]
    psi_t = _nearest(jtfs.psi2, rate / sample_rate)
    # The rows run from high to low frequency: a positive xi along them is a rising pattern.
    psi_fr = _nearest([psi for psi in jtfs.frequency.psis if psi.xi * spin > 0.0], scale / Q)
    span_t = 2 * _EXTENT * _deviation(psi_t) / sample_rate if seconds is None else seconds
    span_fr = 2 * _EXTENT * _deviation(psi_fr) / Q if octaves is None else octaves
    times = np.linspace(-span_t / 2, span_t / 2, size[1])
    heights = np.linspace(-span_fr / 2, span_fr / 2, size[0])
    picture = np.outer(_impulse(psi_fr, -heights * Q), _impulse(psi_t, times * sample_rate)).real
    return WaveletPicture(
        picture=picture / np.abs(picture).max(),
        times=times,
        octaves=heights,
        rate=psi_t.xi * sample_rate,
        scale=abs(psi_fr.xi) * Q,
        spin=spin,
    )


def figure_2(
    jtfs: JTFS,
    sample_rate: float,
    rates: tuple[float, ...] = (2.0, 4.0, 8.0),
    scales: tuple[float, ...] = (0.5, 1.0),
) -> list[WaveletPicture]:
    """Wavelets of both spins at some rates and scales, on the same axes.

    Parameters
    ----------
    jtfs : JTFS
    sample_rate : float
        Hz.
    rates : tuple of float
        Hz, more than 0.
    scales : tuple of float
        Cycles per octave, more than 0.

    Returns
    -------
    list of WaveletPicture
        Spin -1 before +1, then by scale, then by rate. The axes span the wavelets of the lowest
        rate and of the lowest scale.

    Raises
    ------
    ArgumentError
        Without a rate or a scale, or for impossible ones.
    """
    if not rates or not scales:
        raise ArgumentError(f"rates={rates} and scales={scales} must hold at least one each.")
    widest = wavelet_picture(jtfs, sample_rate, min(rates), min(scales), 1)
    spins: tuple[Literal[-1, 1], ...] = (-1, 1)
    return [
        wavelet_picture(
            jtfs, sample_rate, rate, scale, spin,
            seconds=float(np.ptp(widest.times)), octaves=float(np.ptp(widest.octaves)),
        )
        for spin in spins for scale in scales for rate in rates
    ]  # fmt: skip


def _nearest(filters: list[WaveletFilter], xi: float) -> WaveletFilter:
    """Filter with the centre frequency nearest to `xi`, in octaves."""
    return min(filters, key=lambda psi: abs(np.log2(abs(psi.xi) / xi)))


def _deviation(psi: WaveletFilter) -> float:
    """Standard deviation of the envelope of the impulse response, samples."""
    return 1.0 / (2.0 * np.pi * psi.sigma)


def _impulse(psi: WaveletFilter, at: NDArray[np.float64]) -> NDArray[np.complex128]:
    """Impulse response at any real positions, samples: a Fourier sum over the bins in its band."""
    (bins,) = np.nonzero(np.abs(psi.hat) > 1e-6 * np.abs(psi.hat).max())
    frequencies = np.fft.fftfreq(len(psi.hat))[bins]
    waves = np.exp(2j * np.pi * np.outer(at, frequencies))
    return np.asarray(waves @ psi.hat[bins] / len(psi.hat), dtype=np.complex128)


def _check(**named: float | None) -> None:
    for name, value in named.items():
        if value is not None and not (np.isfinite(value) and value > 0.0):
            raise ArgumentError(f"{name}={value!r} must be more than 0.")
