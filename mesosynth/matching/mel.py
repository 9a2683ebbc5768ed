"""Decibels in mel bands: roughly what an ear resolves, the faint beside the loud.

With P(m, t) the power of a sound in band m of frame t, the picture is::

    max(10 log10(P(m, t) / max P) + RANGE, 0) / RANGE

where the maximum is that of the sound that others are compared with. Bands are triangles on the mel
scale, ``2595 log10(1 + f / 700)``.
"""

import functools

import numpy as np
import torch
from numpy.typing import NDArray

BANDS = 64
WINDOW, HOP = 512, 256  # samples
RANGE = 60.0
"""dB below the loudest at which a band counts as silent."""

_LOWEST = 20.0  # Hz
_EMPTY = 1e-20


def mel_power(x: torch.Tensor, sample_rate: float) -> torch.Tensor:
    """Power in mel bands.

    Parameters
    ----------
    x : (n,) tensor
        With ``requires_grad``, the result takes part in autograd.
    sample_rate : float
        Hz.

    Returns
    -------
    (BANDS, frames) tensor
    """
    window = torch.hann_window(WINDOW, dtype=x.dtype, device=x.device)
    z = torch.stft(x, WINDOW, HOP, window=window, return_complex=True, pad_mode="constant")
    power = z.real.square() + z.imag.square()
    return torch.from_numpy(_bands(sample_rate)).to(power) @ power


def decibel_picture(power: torch.Tensor, loudest: torch.Tensor) -> torch.Tensor:
    """Decibels above the floor, 0 to 1, of powers beside the `loudest`, which is 1."""
    decibels = 10.0 * torch.log10(power / loudest + _EMPTY)
    return (decibels / RANGE + 1.0).clamp_min(0.0)


def band_frequencies(sample_rate: float) -> NDArray[np.float64]:
    """Middle of each band, (BANDS,) Hz."""
    return _hertz(np.linspace(_mel(_LOWEST), _mel(sample_rate / 2.0), BANDS + 2))[1:-1]


@functools.lru_cache(maxsize=4)
def _bands(sample_rate: float) -> NDArray[np.float64]:
    """Triangles over the bins of a window, (BANDS, bins)."""
    edges = _hertz(np.linspace(_mel(_LOWEST), _mel(sample_rate / 2.0), BANDS + 2))
    frequency = np.fft.rfftfreq(WINDOW, 1.0 / sample_rate)
    low, middle, high = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    # The lowest bands are narrower than a bin: there a band is what lies nearest to it.
    bin_width = sample_rate / WINDOW
    rising = (frequency - np.minimum(low, middle - bin_width)) / np.maximum(middle - low, bin_width)
    falling = (np.maximum(high, middle + bin_width) - frequency) / np.maximum(
        high - middle, bin_width
    )
    return np.clip(np.minimum(rising, falling), 0.0, None)


def _mel(hertz: float) -> float:
    return 2595.0 * float(np.log10(1.0 + hertz / 700.0))


def _hertz(mel: NDArray[np.float64]) -> NDArray[np.float64]:
    return 700.0 * (10.0 ** (mel / 2595.0) - 1.0)
