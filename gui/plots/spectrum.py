"""Spectrum of what is heard: levels in bands of a twelfth of an octave."""

import numpy as np
from numpy.typing import NDArray

LOWEST, HIGHEST = 27.5, 18000.0
"""Hz; A0 is where pianos begin."""

FFT_SIZE = 8192
"""Samples: 6 Hz apart at 48 kHz, some six windows a second without overlap."""

_PER_OCTAVE = 12
_FLOOR = 1e-6  # -120 dB


def band_frequencies() -> NDArray[np.float64]:
    """Middles of the bands, Hz."""
    count = int(np.log2(HIGHEST / LOWEST) * _PER_OCTAVE)
    return LOWEST * 2.0 ** (np.arange(count) / _PER_OCTAVE)


def spectrum(samples: NDArray[np.float32], sample_rate: float) -> NDArray[np.float64]:
    """Level of the loudest partial in each band, dB below a sine of full scale.

    Parameters
    ----------
    samples : (n,) float32
        The last :data:`FFT_SIZE` of them count; with fewer all bands are silent.
    sample_rate : float
        Hz.
    """
    frequencies = band_frequencies()
    if len(samples) < FFT_SIZE:
        return np.full(len(frequencies), 20.0 * np.log10(_FLOOR))
    window = np.hanning(FFT_SIZE)
    amplitude = np.abs(np.fft.rfft(samples[-FFT_SIZE:] * window)) * (2.0 / window.sum())
    half = 2.0 ** (0.5 / _PER_OCTAVE)
    bins = FFT_SIZE / sample_rate
    first = np.floor(frequencies / half * bins).astype(int)
    last = np.maximum(np.ceil(frequencies * half * bins).astype(int), first + 1)
    last = np.minimum(last, len(amplitude))
    first = np.minimum(first, last - 1)
    # reduceat takes pairs: every other result is of the stretch between two bands
    pairs = np.stack([first, last], axis=1).ravel()
    loudest = np.maximum.reduceat(np.append(amplitude, 0.0), pairs)[::2]
    return 20.0 * np.log10(np.maximum(loudest, _FLOOR))
