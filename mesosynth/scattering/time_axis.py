"""Filtering along time, in the Fourier domain, with decimation built in.

Kymatio multiplies a whole spectrum by a filter, folds it, and transforms back. A filter decimated
by 2**j is zero outside a band, so here only that band is taken, in the order in which folding would
have left it.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from mesosynth.scattering.filterbank import Filter

BLOCK = 1024
"""Samples of a band that are multiplied, modulused and averaged at once: they stay in cache."""


@dataclass(frozen=True)
class BandPass:
    """Band-pass filters that share an input rate and an output rate.

    Attributes
    ----------
    taps : (filters, width) int64 tensor
        Bins of the input's spectrum that each filter looks at.
    gains : (filters, width) real tensor
        Its response there, scaled for the decimation.
    folds : int
        The width is `folds` times the output's length; the folds add up (aliasing, as Kymatio's).
    """

    taps: torch.Tensor
    gains: torch.Tensor
    folds: int

    def __call__(self, spectrum: torch.Tensor) -> torch.Tensor:
        """Filter and decimate.

        Parameters
        ----------
        spectrum : (k, n) or (k, filters, n) complex tensor
            One spectrum for all filters, or one each.

        Returns
        -------
        (k, filters, n_out) complex tensor
            Waveforms.
        """
        band = spectrum[:, self.taps] if spectrum.ndim == 2 else spectrum[:, :, self.taps[0]]
        band = band * self.gains
        if self.folds > 1:
            band = band.unflatten(-1, (self.folds, -1)).sum(dim=-2)
        return torch.fft.ifft(band)


def band_pass(
    filters: list[Filter],
    level: int,
    log2_stride: int,
    like: torch.Tensor,
) -> BandPass:
    """Plan `filters` for an input at ``2 ** level`` and an output at ``2 ** log2_stride``.

    Parameters
    ----------
    filters : list of Filter
    level, log2_stride : int
        Decimation of input and output, log2; ``level <= log2_stride``.
    like : tensor
        Real tensor of the dtype and device to compute in.
    """
    responses = np.stack([f.periodized(level) for f in filters])
    n_in = responses.shape[1]
    n_out = n_in // 2 ** (log2_stride - level)
    negligible = torch.finfo(like.dtype).eps * 1e-2
    centers = np.array([round(f.xi * n_in * 2**level) for f in filters])
    folds = 1
    while True:
        width = min(folds * n_out, n_in)
        starts = centers - width // 2
        # Bin b of the input folds onto bin b % n_out of the output.
        taps = np.stack([np.roll(s + np.arange(width), s % n_out) for s in starts]) % n_in
        gains = np.take_along_axis(responses, taps, axis=1)
        outside = np.abs(responses).sum(axis=1) - np.abs(gains).sum(axis=1)
        if width == n_in or np.all(outside <= negligible * np.abs(responses).sum(axis=1)):
            break
        folds *= 2
    return BandPass(
        taps=torch.from_numpy(taps).to(like.device),
        gains=torch.from_numpy(gains / 2 ** (log2_stride - level)).to(like),
        folds=width // n_out,
    )


@dataclass(frozen=True)
class AveragingBlock:
    """What one block of time contributes to the averages: ``out[frames] += u[times] @ phi``."""

    times: slice
    frames: slice
    phi: torch.Tensor


def low_pass_blocks(
    phi: Filter, level: int, log2_stride: int, frames: tuple[int, int], like: torch.Tensor
) -> list[AveragingBlock]:
    """Plan the low-pass `phi` as small matrices, block by block.

    Parameters
    ----------
    phi : Filter
    level : int
        Decimation of the input, log2.
    log2_stride : int
        Decimation of the output, log2, relative to the undecimated signal.
    frames : (first, end)
        Output frames to keep.
    like : tensor
        Real tensor of the dtype and device to compute in.
    """
    impulse = np.fft.ifft(phi.periodized(level)).real
    n = len(impulse)
    radius = _radius(impulse, torch.finfo(like.dtype).eps * 1e-2)
    centers = np.arange(*frames) * 2 ** (log2_stride - level)
    blocks: list[AveragingBlock] = []
    for first in range(0, n, BLOCK):
        times = np.arange(first, min(first + BLOCK, n))
        middle = (times[0] + times[-1]) / 2
        distance = np.abs((centers - middle + n / 2) % n - n / 2)
        (near,) = np.nonzero(distance <= radius + len(times) / 2)
        if len(near) == 0:
            continue
        span = np.arange(near[0], near[-1] + 1)
        matrix = impulse[(centers[span][None, :] - times[:, None]) % n]
        blocks.append(
            AveragingBlock(
                times=slice(first, int(times[-1]) + 1),
                frames=slice(int(span[0]), int(span[-1]) + 1),
                phi=torch.from_numpy(matrix).to(like),
            )
        )
    return blocks


def summing_blocks(n: int, like: torch.Tensor) -> list[AveragingBlock]:
    """Plan the plain sum over all `n` samples (Kymatio's T="global") in the same form."""
    return [
        AveragingBlock(
            times=slice(first, min(first + BLOCK, n)),
            frames=slice(0, 1),
            phi=like.new_ones((min(BLOCK, n - first), 1)),
        )
        for first in range(0, n, BLOCK)
    ]


def _radius(impulse: NDArray[np.float64], negligible: float) -> float:
    """Samples from the middle after which `impulse` holds less than `negligible` of its sum."""
    half = len(impulse) // 2
    tail = np.cumsum(np.abs(impulse[: half + 1])[::-1])[::-1]
    (inside,) = np.nonzero(tail > negligible * tail[0])
    return float(inside[-1]) + 1.0
