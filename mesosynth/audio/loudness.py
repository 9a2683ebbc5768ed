"""Loudness of a sound in LUFS, after ITU-R BS.1770-4 (EBU R 128)."""

import numpy as np
from numpy.typing import NDArray

from mesosynth.errors import ArgumentError

SILENCE = -70.0
"""LUFS; of a sound in which no block of 400 ms is louder."""

_BLOCK = 0.4  # s


def loudness(audio: NDArray[np.floating], sample_rate: float) -> float:
    """Integrated loudness: pauses are gated out.

    Parameters
    ----------
    audio : (channels, frames) or (frames,) array
        One or two channels, of at least 400 ms; 1.0 is full scale.
    sample_rate : float
        Hz, 4000 or more.

    Returns
    -------
    float
        LUFS, not below :data:`SILENCE`.

    Raises
    ------
    ArgumentError
        If `audio` is shorter than 400 ms, or `sample_rate` is too low for the filters.
    """
    import pyloudnorm  # with SciPy's signal processing, which the desk does not load

    sound = _checked(audio, sample_rate)
    meter = pyloudnorm.Meter(sample_rate, filter_class="DeMan", block_size=_BLOCK)
    return max(float(meter.integrated_loudness(sound.T)), SILENCE)


def largest_loudness(audio: NDArray[np.floating], sample_rate: float) -> float:
    """Loudness of the loudest block of 400 ms.

    Short sounds with long pauses are compared by it, as integrated loudness depends on what counts
    as a pause.

    Parameters
    ----------
    audio, sample_rate
        As for :func:`loudness`, with the same errors.

    Returns
    -------
    float
        LUFS, not below :data:`SILENCE`.
    """
    sound = _checked(audio, sample_rate)
    frames, block = sound.shape[1], round(_BLOCK * sample_rate)
    # By FFT, since SciPy's filters take a second to import; zeros for the tail of the high-pass.
    size = frames + round(sample_rate)
    weighted = np.fft.irfft(np.fft.rfft(sound, size) * _k_weighting(size, sample_rate), size)
    energy = np.cumsum(np.square(weighted[:, :frames]).sum(axis=0))
    energy = np.concatenate([[0.0], energy])
    begins = np.arange(0, frames - block + 1, max(round(0.25 * block), 1))
    largest = float(np.max(energy[begins + block] - energy[begins])) / block
    return max(-0.691 + 10.0 * np.log10(max(largest, 1e-20)), SILENCE)


def _k_weighting(size: int, sample_rate: float) -> NDArray[np.complex128]:
    """Response of BS.1770's two biquads at the frequencies of an rfft of that size.

    Coefficients by B. De Man, github.com/BrechtDeMan/loudness.py, for any sample rate.
    """
    z = np.exp(-2j * np.pi * np.arange(size // 2 + 1) / size)
    response = np.ones_like(z)
    for gain, q, hertz in (_SHELF, _HIGH_PASS):
        k = np.tan(np.pi * hertz / sample_rate)
        a0 = 1.0 + k / q + k * k
        a = 1.0, 2.0 * (k * k - 1.0) / a0, (1.0 - k / q + k * k) / a0
        b = 1.0, -2.0, 1.0
        if gain:
            high = 10.0 ** (gain / 20.0)
            band = high**0.499666774155
            b = (high + band * k / q + k * k, 2.0 * (k * k - high), high - band * k / q + k * k)
            b = tuple(each / a0 for each in b)
        response *= np.polyval(b[::-1], z) / np.polyval(a[::-1], z)
    return response


_SHELF = 3.99984385397, 0.7071752369554193, 1681.9744509555319  # dB, Q, Hz
_HIGH_PASS = 0.0, 0.5003270373253953, 38.13547087613982


def _checked(audio: NDArray[np.floating], sample_rate: float) -> NDArray[np.float64]:
    if not sample_rate >= 4000.0:
        raise ArgumentError(f"sample_rate={sample_rate} must be at least 4000 Hz.")
    sound = np.atleast_2d(np.asarray(audio, np.float64))
    if sound.shape[1] < round(_BLOCK * sample_rate):
        seconds = sound.shape[1] / sample_rate
        raise ArgumentError(f"audio of {seconds:.3g} s is too short; loudness needs {_BLOCK} s.")
    return sound
