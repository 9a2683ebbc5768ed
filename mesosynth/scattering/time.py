"""Filtering along time: decimated convolution in the Fourier domain, and output sampling."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from mesosynth.scattering.filterbank import WaveletFilter

# --------------------------------------------------------------------------------------------------
# Number of samples of each wavelet's output
#
# Kymatio decimates so that a wavelet's centre frequency, five bandwidths away, still fits under the
# Nyquist frequency. A modulus moves the band to zero frequency, so only the bandwidth matters to
# the steps after it: three to eight times fewer samples are enough.


FEWEST = 32
"""Least number of samples; fewer would not be faster."""


def half_band(tolerance: float) -> float:
    """Half of the sampling rate that the output of a Gaussian filter needs, in bandwidths sigma.

    It covers the response as far as it exceeds the tolerance. A modulus has kinks where it touches
    zero, so its spectrum, and its aliases in averages, fall off slowly: with the 2.7th power of
    the rate, measured on chirps, noise and recordings.
    """
    edge = math.sqrt(2.0 * math.log(1.0 / tolerance))
    return edge * max(1.0, 1.3 * (1e-3 / tolerance) ** (1.0 / 2.7))


def exact_length(psi: WaveletFilter, phi: WaveletFilter, *, local: bool) -> int:
    """Kymatio's length of the output of a band-pass filter.

    Parameters
    ----------
    psi : WaveletFilter
        The band-pass filter.
    phi : WaveletFilter
        The low-pass filter that averages its output.
    local : bool
        Whether `phi` averages locally; False for an average over all time. A local average at
        every ``2 ** phi.j`` samples needs at least as many.

    Returns
    -------
    int
        Samples.
    """
    return psi.N >> (min(psi.j, phi.j) if local else psi.j)


def second_order_length(
    psi2: WaveletFilter, phi: WaveletFilter, tolerance: float, *, local: bool
) -> int:
    """Length of ``|U_1 * psi_n2|``, of which only averages by `phi` are wanted.

    Parameters
    ----------
    psi2 : WaveletFilter
        A second-order wavelet.
    phi : WaveletFilter
        The low-pass filter that averages the modulus.
    tolerance : float
        Relative error that may be made, 0 to 0.1; 0 gives :func:`exact_length`.
    local : bool
        Whether `phi` averages locally; False for an average over all time.

    Returns
    -------
    int
        Samples.
    """
    longest = exact_length(psi2, phi, local=local)
    if tolerance == 0.0:
        return longest
    wanted = _rate_for_averages(psi2, phi, tolerance, local=local) * psi2.N
    return _convenient(wanted, longest, psi2.N >> phi.j if local else FEWEST)


def first_order_length(
    psi1: WaveletFilter,
    phi: WaveletFilter,
    psi2: Sequence[WaveletFilter],
    tolerance: float,
    *,
    local: bool,
) -> int:
    """Length of ``|x * psi_n1|``, which all `psi2` of larger scale will filter.

    Parameters
    ----------
    psi1 : WaveletFilter
        A first-order wavelet.
    phi : WaveletFilter
        The low-pass filter that averages the modulus.
    psi2 : sequence of WaveletFilter
        All second-order wavelets.
    tolerance : float
        Relative error that may be made, 0 to 0.1; 0 gives :func:`exact_length`.
    local : bool
        Whether `phi` averages locally; False for an average over all time.

    Returns
    -------
    int
        Samples.
    """
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


def _rate_for_averages(
    psi: WaveletFilter, phi: WaveletFilter, tolerance: float, *, local: bool
) -> float:
    edge = half_band(tolerance)
    return 2.0 * edge * (psi.sigma + (phi.sigma if local else 0.0))


def _convenient(wanted: float, longest: int, shortest: int) -> int:
    """Length between `shortest` and `longest`, at least `wanted`: 2**a or 3 * 2**a samples."""
    power = 2 ** max(math.ceil(math.log2(max(wanted, 1.0))), 0)
    if 3 * power // 4 >= wanted and (3 * power // 4) % shortest == 0:
        power = 3 * power // 4
    return min(max(power, shortest), longest)


# --------------------------------------------------------------------------------------------------
# Filtering in the Fourier domain, with decimation
#
# Kymatio multiplies a whole spectrum by a filter, folds it, and transforms back. A band-pass filter
# is zero outside its band, so only that band is taken here, in the order that folding gives.
# Averaging after a modulus is a small matrix, so that it can be done block by block.


BLOCK = 4096
"""Samples covered by one averaging matrix."""


@dataclass(frozen=True)
class BandPass:
    """A band-pass filter from a spectrum of `n_in` bins to a waveform of `n_out` samples.

    Attributes
    ----------
    n_in, n_out : int
    runs : tuple of (int, int, int)
        ``band[to : to + length]`` is the filter's part at ``spectrum[of : of + length]``.
    gains : (2 width,) real tensor
        The response over the band, scaled for the decimation, each value twice: for the real and
        the imaginary part.
    folds : int
        The band is `folds` times as wide as the output is long; the folds add up (aliasing, as in
        Kymatio).
    """

    n_in: int
    n_out: int
    runs: tuple[tuple[int, int, int], ...]
    gains: torch.Tensor
    folds: int

    def take_band(self, spectrum: torch.Tensor, out: torch.Tensor) -> None:
        """Filter spectra and fold them to the length of the output.

        Parameters
        ----------
        spectrum : (..., n_in) complex tensor
        out : (..., n_out) complex tensor
            Overwritten with the folded spectra.
        """
        parts = torch.view_as_real(spectrum).flatten(-2)
        band = torch.view_as_real(out).flatten(-2)
        if self.folds > 1:
            band = parts.new_empty((*spectrum.shape[:-1], len(self.gains)))
        for to, of, length in self.runs:
            torch.mul(
                parts[..., 2 * of : 2 * (of + length)],
                self.gains[2 * to : 2 * (to + length)],
                out=band[..., 2 * to : 2 * (to + length)],
            )
        if self.folds > 1:
            folded = torch.view_as_real(out).flatten(-2)
            torch.sum(band.unflatten(-1, (self.folds, -1)), dim=-2, out=folded)

    def band(self, spectrum: torch.Tensor) -> torch.Tensor:
        """Filtered and folded spectra, for autograd: (..., n_in) to (..., n_out) complex."""
        taken = torch.cat([spectrum[..., of : of + n] for _, of, n in self.runs], dim=-1)
        return (taken * self.gains[::2]).unflatten(-1, (self.folds, -1)).sum(dim=-2)

    def __call__(self, spectrum: torch.Tensor) -> torch.Tensor:
        """Filter and decimate: (..., n_in) complex spectra to (..., n_out) complex waveforms."""
        return torch.fft.ifft(self.band(spectrum))

    def add_adjoint(self, gradient: torch.Tensor, to_spectrum: torch.Tensor) -> None:
        """Adjoint of the filter: add the gradient of the waveform to that of the spectrum.

        Parameters
        ----------
        gradient : (..., n_out) complex tensor
            Of the waveform.
        to_spectrum : (..., n_in) complex tensor
            Of the spectrum; changed in place.
        """
        band = torch.view_as_real(torch.fft.fft(gradient) / self.n_out).flatten(-2)
        band = band.repeat(*[1] * (band.ndim - 1), self.folds) * self.gains
        parts = torch.view_as_real(to_spectrum).flatten(-2)
        for to, of, length in self.runs:
            parts[..., 2 * of : 2 * (of + length)] += band[..., 2 * to : 2 * (to + length)]


def band_pass(
    psi: WaveletFilter, n_in: int, n_out: int, like: torch.Tensor, *, exact: bool
) -> BandPass:
    """Band-pass filter as tensors.

    Parameters
    ----------
    psi : WaveletFilter
    n_in, n_out : int
        Length of the spectrum, and of the waveform.
    like : tensor
        Real tensor of the dtype and device to compute in.
    exact : bool
        True takes a multiple of `n_out` bins, as many as hold the response; False cuts the
        response to the `n_out` bins around its centre.

    Returns
    -------
    BandPass
    """
    response = psi.at(n_in)
    center = round(psi.xi * psi.N)
    width, folds = n_out, 1
    if exact:
        width, folds = _whole_width(response, center, n_out, torch.finfo(like.dtype).eps * 1e-2)
    start = center - width // 2
    # Bin b of the input folds onto bin b % n_out of the output.
    taps = np.roll(start + np.arange(width), start % n_out)
    gains = response[taps % n_in] * (n_out / n_in)
    if not exact and n_in < psi.N:
        gains[np.abs(taps) > n_in // 2] = 0.0  # those bins belong to other frequencies
    return BandPass(
        n_in=n_in,
        n_out=n_out,
        runs=_runs(taps % n_in),
        gains=torch.from_numpy(np.repeat(gains, 2)).to(like),
        folds=folds,
    )


def _whole_width(
    response: NDArray[np.float64], center: int, n_out: int, negligible: float
) -> tuple[int, int]:
    """Width of the band around `center` that holds all but `negligible`, and its folds."""
    n_in, folds = len(response), 1
    total = np.abs(response).sum()
    while folds * n_out < n_in:
        width = folds * n_out
        inside = np.abs(response[(center - width // 2 + np.arange(width)) % n_in]).sum()
        if total - inside <= negligible * total:
            break
        folds *= 2
    return folds * n_out, folds


def _runs(bins: NDArray[np.int64]) -> tuple[tuple[int, int, int], ...]:
    """Runs of consecutive `bins`: (place, first bin, length)."""
    edges = np.flatnonzero(np.diff(bins) != 1) + 1
    starts = np.concatenate([[0], edges])
    ends = np.concatenate([edges, [len(bins)]])
    return tuple((int(a), int(bins[a]), int(b - a)) for a, b in zip(starts, ends, strict=True))


@dataclass(frozen=True)
class _AveragingMatrix:
    """Averages of one block of time: ``out[frames] += phi @ u``.

    `phi` is None for a plain sum over all time; `weight` is then the weight of each sample.
    """

    frames: slice
    phi: torch.Tensor | None
    weight: float = 1.0

    def add(self, u: torch.Tensor, out: torch.Tensor, first: int) -> None:
        """Add the averages of `u`, (rows, length), to `out`, (frames, rows)."""
        if self.phi is None:
            out[self.frames.start].add_(u.sum(dim=1), alpha=self.weight)
        else:
            # With the frames, the shorter side, in front the product runs three times as fast.
            out[self.frames].addmm_(self.phi[:, first : first + u.shape[1]], u.T)

    def adjoint(self, gradient: torch.Tensor, first: int, length: int) -> torch.Tensor:
        """Gradient of `u`, (..., length), from that of all averages, (..., frames)."""
        g = gradient[..., self.frames]
        if self.phi is None:
            return (g * self.weight).expand(*g.shape[:-1], length)
        return g @ self.phi[:, first : first + length]


@dataclass(frozen=True)
class AveragingBlock:
    """Averaging of one block of time.

    Where mirror images are left out (:func:`mirror_sources`), the frames are those of the samples
    themselves, and after them as many of their mirror images.
    """

    times: slice
    matrices: tuple[_AveragingMatrix, ...]

    def add(self, u: torch.Tensor, out: torch.Tensor, first: int = 0) -> None:
        """Add the averages of one block to `out`.

        Parameters
        ----------
        u : (rows, length) tensor
            Samples from `first` of the block on.
        out : (frames, rows) tensor
            Changed in place.
        first : int
            Sample of the block at which `u` begins.
        """
        for matrix in self.matrices:
            matrix.add(u, out, first)

    def adjoint(self, gradient: torch.Tensor, first: int, length: int) -> torch.Tensor:
        """Adjoint of :meth:`add`.

        Parameters
        ----------
        gradient : (..., frames) tensor
            Of all averages.
        first : int
            Sample of the block at which `u` begins.
        length : int
            Samples of `u`.

        Returns
        -------
        (..., length) tensor
        """
        g = self.matrices[0].adjoint(gradient, first, length)
        for matrix in self.matrices[1:]:
            g = g + matrix.adjoint(gradient, first, length)
        return g


def mirror_sources(
    n: int, N: int, signal: tuple[int, int], reach: float, slack: float
) -> NDArray[np.int64]:
    """Samples of which others are mirror images, where a signal is padded by reflection.

    The modulus ``|Y_2 * psi_fr|`` of a signal that is symmetric about a sample is that of the other
    spin at the mirrored time. Of the padding, only what is near its outer ends, where the signal is
    not symmetric, must be computed.

    Parameters
    ----------
    n : int
        Number of samples in time.
    N : int
        Length of the padded signal, samples at the full rate.
    signal : (int, int)
        First and end of the signal in it.
    reach : float
        Length of the filters' responses, samples at the full rate.
    slack : float
        Error of a mirrored time that may be made, samples at the full rate; 0 takes images alone
        that fall on samples.

    Returns
    -------
    (n,) int array
        For each sample the one whose image it is, or itself.
    """
    step = N / n
    place = np.arange(n) * step
    first, last = signal[0], signal[1] - 1
    sources = np.arange(n)
    for center, side in (
        (first, (place < first) & (place > reach)),
        (last, (place > last) & (place < N - reach)),
    ):
        mirrored = (2 * center - place) / step
        nearest = np.rint(mirrored).astype(np.int64)
        found = side & (np.abs(nearest - mirrored) * step <= slack)
        sources[found] = nearest[found]
    return sources


def averaging_blocks(
    phi: WaveletFilter,
    n: int,
    frames: tuple[int, int] | None,
    like: torch.Tensor,
    summands: int | None = None,
    sources: NDArray[np.int64] | None = None,
) -> list[AveragingBlock]:
    """Low-pass filter as small matrices, one for each block of time.

    Parameters
    ----------
    phi : WaveletFilter
    n : int
        Length of the signal, samples; a multiple of the number of all frames, ``phi.N >> phi.j``.
    frames : (first, end) or None
        Output frames to keep; None for the plain sum over all samples (Kymatio's T="global").
    like : tensor
        Real tensor of the dtype and device to compute in.
    summands : int, optional
        Number of samples that the sum over all time stands for, where it is not `n`.
    sources : (n,) int array, optional
        As :func:`mirror_sources` gives them; samples that are images of others are left out.

    Returns
    -------
    list of AveragingBlock
    """
    weights = _LowPass(phi, n, frames, like, (summands or n) / n)
    samples = np.arange(n)
    if sources is None:
        images: list[NDArray[np.int64]] = []
        kept = np.ones(n, dtype=bool)
    else:
        kept = sources == samples
        images = [np.full(n, -1), np.full(n, -1)]  # before and after the signal
        for image, side in zip(images, (sources > samples, sources < samples), strict=True):
            image[sources[side]] = samples[side]
    edges = np.flatnonzero(np.diff(kept, prepend=False, append=False))
    blocks: list[AveragingBlock] = []
    for start, stop in edges.reshape(-1, 2).tolist():
        for first in range(start, stop, BLOCK):
            times = slice(first, min(first + BLOCK, stop))
            matrices = weights.of(samples[times])
            for image in images:
                matrices += weights.of(image[times], after=weights.count)
            if matrices:
                blocks.append(AveragingBlock(times, _joined(matrices)))
    return blocks


class _LowPass:
    """Weights of samples in the averages."""

    def __init__(
        self,
        phi: WaveletFilter,
        n: int,
        frames: tuple[int, int] | None,
        like: torch.Tensor,
        weight: float,
    ) -> None:
        self._n, self._like, self._weight = n, like, weight
        self._centers: NDArray[np.int64] | None = None
        self.count = 1
        if frames is not None:
            self._impulse = np.fft.ifft(phi.at(n)).real
            self._radius = _radius(self._impulse, torch.finfo(like.dtype).eps * 1e-2)
            self._centers = np.arange(*frames) * (n // (phi.N >> phi.j))
            self.count = len(self._centers)

    def of(self, times: NDArray[np.int64], after: int = 0) -> list[_AveragingMatrix]:
        """Matrix of samples at `times`, of which -1 stands for none, for frames from `after` on."""
        there = times >= 0
        if not there.any():
            return []
        if self._centers is None:
            frames = slice(after, after + 1)
            if there.all() and not after:
                return [_AveragingMatrix(frames, None, self._weight)]
            matrix = np.where(there, self._weight, 0.0)[None]
        else:
            low, high = times[there].min(), times[there].max()
            middle, n = (low + high) / 2, self._n
            distance = np.abs((self._centers - middle + n / 2) % n - n / 2)
            (near,) = np.nonzero(distance <= self._radius + (high - low + 1) / 2)
            if len(near) == 0:
                return []
            frames = slice(after + int(near[0]), after + int(near[-1]) + 1)
            centers = self._centers[near[0] : near[-1] + 1]
            matrix = np.where(there, self._impulse[(centers[:, None] - times) % n], 0.0)
        return [_AveragingMatrix(frames, torch.from_numpy(matrix).to(self._like))]


def _joined(matrices: list[_AveragingMatrix]) -> tuple[_AveragingMatrix, ...]:
    """Matrices of one block of time, as few as there can be."""
    joined: list[_AveragingMatrix] = []
    for matrix in matrices:
        last = joined[-1] if joined else None
        if last is None or last.phi is None or matrix.phi is None:
            joined.append(matrix)
        elif last.frames == matrix.frames:
            joined[-1] = _AveragingMatrix(last.frames, last.phi + matrix.phi)
        elif last.frames.stop == matrix.frames.start:
            both = slice(last.frames.start, matrix.frames.stop)
            joined[-1] = _AveragingMatrix(both, torch.cat([last.phi, matrix.phi]))
        else:
            joined.append(matrix)
    return tuple(joined)


def average(u: torch.Tensor, blocks: list[AveragingBlock], frames: int) -> torch.Tensor:
    """Low-pass filter and decimate along time.

    Parameters
    ----------
    u : (..., time) tensor
    blocks : list of AveragingBlock
    frames : int
        Length of the output.

    Returns
    -------
    (..., frames) tensor
    """
    rows = u.flatten(0, -2)
    out = u.new_zeros((frames, len(rows)))
    for block in blocks:
        block.add(rows[:, block.times], out)
    return out.T.unflatten(0, u.shape[:-1])


def average_adjoint(gradient: torch.Tensor, blocks: list[AveragingBlock], n: int) -> torch.Tensor:
    """Adjoint of :func:`average`: the gradient of its input from the gradient of its output.

    Parameters
    ----------
    gradient : (..., frames) tensor
    blocks : list of AveragingBlock
    n : int
        Length of the input, samples.

    Returns
    -------
    (..., n) tensor
    """
    out = gradient.new_zeros((*gradient.shape[:-1], n))
    for block in blocks:
        length = block.times.stop - block.times.start
        out[..., block.times] = block.adjoint(gradient, 0, length)
    return out


def _radius(impulse: NDArray[np.float64], negligible: float) -> float:
    """Samples from the middle of `impulse` to where less than `negligible` of its sum is left."""
    half = len(impulse) // 2
    tail = np.cumsum(np.abs(impulse[: half + 1])[::-1])[::-1]
    (inside,) = np.nonzero(tail > negligible * tail[0])
    return float(inside[-1]) + 1.0
