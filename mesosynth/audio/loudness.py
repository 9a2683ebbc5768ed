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
    return _measured(audio, sample_rate)[0]


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
    return _measured(audio, sample_rate)[1]


def _measured(audio: NDArray[np.floating], sample_rate: float) -> tuple[float, float]:
    """Integrated and largest loudness."""
    import pyloudnorm  # with SciPy's signal processing, which the desk does not load

    if not sample_rate >= 4000.0:
        raise ArgumentError(f"sample_rate={sample_rate} must be at least 4000 Hz.")
    sound = np.atleast_2d(np.asarray(audio, np.float64)).T
    if len(sound) < round(_BLOCK * sample_rate):
        seconds = len(sound) / sample_rate
        raise ArgumentError(f"audio of {seconds:.3g} s is too short; loudness needs {_BLOCK} s.")
    meter = pyloudnorm.Meter(sample_rate, filter_class="DeMan", block_size=_BLOCK)
    integrated = meter.integrated_loudness(sound)
    return max(float(integrated), SILENCE), max(float(max(meter.blockwise_loudness)), SILENCE)
