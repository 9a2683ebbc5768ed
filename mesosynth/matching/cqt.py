"""Constant-Q spectrogram ``|CQT|`` of a window, the input of an encoder.

Filters are Gaussians of a semitone's bandwidth, 12 an octave. Samples every HOP-th of the filtered
signal are the inverse transform of its spectrum folded to as many bins, so nothing in between is
computed; the signal is taken for one period.
"""

import functools
import math

import torch

from mesosynth.audio.target import ANALYSIS_RATE, ANALYSIS_SAMPLES

ROWS = 84
LOWEST = 32.0  # Hz, of the lowest row; the highest is at 3866 Hz
PER_OCTAVE = 12
HOP = 128
"""Samples between two frames."""

FRAMES = ANALYSIS_SAMPLES // HOP
FLOOR = 1e-3
"""Level below the loudest cell that counts little: the papers' log(1 + |X| / 1e-3)."""


def cqt(x: torch.Tensor) -> torch.Tensor:
    """Complex constant-Q spectrogram.

    Parameters
    ----------
    x : (..., ANALYSIS_SAMPLES) tensor

    Returns
    -------
    (..., ROWS, FRAMES) complex64 tensor
    """
    spectrum = torch.fft.rfft(x.float())[..., None, : ANALYSIS_SAMPLES // 2]
    folded = (spectrum * _filters()).unflatten(-1, (-1, FRAMES)).sum(dim=-2)
    return torch.fft.ifft(folded) * (2.0 / HOP)


def as_input(magnitude: torch.Tensor) -> torch.Tensor:
    """Magnitudes (..., ROWS, FRAMES) as an encoder hears them: 0 to 1 on a logarithmic scale."""
    loudest = magnitude.amax(dim=(-2, -1), keepdim=True).clamp_min(1e-12)
    return torch.log1p(magnitude / (FLOOR * loudest)) / math.log1p(1.0 / FLOOR)


@functools.lru_cache(maxsize=1)
def _filters() -> torch.Tensor:
    """Responses (ROWS, ANALYSIS_SAMPLES / 2) of the filters, which cross at 0.8 of their peaks."""
    hertz = torch.arange(ANALYSIS_SAMPLES // 2) * (ANALYSIS_RATE / ANALYSIS_SAMPLES)
    centre = LOWEST * 2.0 ** (torch.arange(ROWS) / PER_OCTAVE)
    width = 0.75 * (2.0 ** (1.0 / PER_OCTAVE) - 1.0) * centre
    return torch.exp(-0.5 * ((hertz - centre[:, None]) / width[:, None]) ** 2)
