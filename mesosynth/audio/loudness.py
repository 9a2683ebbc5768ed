"""How loud a sound is to people: integrated loudness after ITU-R BS.1770-4 (EBU R 128), in LUFS.

The sound passes two filters that stand for head and ear (K), and its power is averaged over blocks
of 400 ms that begin every 100 ms. Blocks below -70 LUFS, and then those 10 dB below the mean of the
rest, are silence between sounds and do not count.
"""

import math

import numpy as np
from numpy.typing import NDArray
from scipy.signal import sosfilt

from mesosynth.errors import ArgumentError

SILENCE = -70.0
"""LUFS; of a sound in which no block is louder."""

_BLOCK, _HOP = 0.4, 0.1  # s
_OFFSET = -0.691  # dB; a sine of 997 Hz at full scale in one channel is -3.01 LUFS
_RELATIVE_GATE = -10.0  # dB

# The standard's filters at 48 kHz, as analogue prototypes that fit every rate.
_SHELF_HERTZ, _SHELF_DB, _SHELF_Q = 1681.974450955533, 3.999843853973347, 0.7071752369554196
_SHELF_SLOPE = 0.4996667741545416  # of the shelf's middle, in its dB
_HIGH_PASS_HERTZ, _HIGH_PASS_Q = 38.13547087602444, 0.5003270373238773


def loudness(audio: NDArray[np.floating], sample_rate: float) -> float:
    """Integrated loudness, LUFS; :data:`SILENCE` or more.

    Parameters
    ----------
    audio : (channels, frames) array
        Left and right, or one channel; 1.0 is full scale.
    sample_rate : float
        Hz, 4000 or more.

    Raises
    ------
    ArgumentError
        If `audio` is shorter than a block of 400 ms, or `sample_rate` is too low for the filters.
    """
    powers = _powers(audio, sample_rate)
    heard = powers[powers > _power(SILENCE)]
    if len(heard) == 0:
        return SILENCE
    heard = heard[heard > float(heard.mean()) * 10.0 ** (_RELATIVE_GATE / 10.0)]
    return max(_OFFSET + 10.0 * math.log10(float(heard.mean())), SILENCE)


def largest_loudness(audio: NDArray[np.floating], sample_rate: float) -> float:
    """Loudness of the loudest block, LUFS: what short sounds with long pauses are compared by.

    Arguments and errors as for :func:`loudness`, which depends on what counts as a pause.
    """
    return max(
        _OFFSET + 10.0 * math.log10(max(float(_powers(audio, sample_rate).max()), 1e-30)), SILENCE
    )


def _powers(audio: NDArray[np.floating], sample_rate: float) -> NDArray[np.float64]:
    """Weighted power of each block, summed over channels."""
    if not sample_rate >= 4000.0:
        raise ArgumentError(f"sample_rate={sample_rate} must be at least 4000 Hz.")
    sound = np.atleast_2d(np.asarray(audio, np.float64))
    block, hop = round(_BLOCK * sample_rate), round(_HOP * sample_rate)
    frames = sound.shape[1]
    if frames < block:
        seconds = frames / sample_rate
        raise ArgumentError(f"audio of {seconds:.3g} s is too short; loudness needs {_BLOCK} s.")
    weighted = sosfilt(_k_weighting(sample_rate), sound, axis=1)
    power = np.concatenate([[0.0], np.cumsum(np.square(weighted).sum(axis=0))])
    begins = np.arange(0, frames - block + 1, hop)
    return (power[begins + block] - power[begins]) / block


def _power(lufs: float) -> float:
    return 10.0 ** ((lufs - _OFFSET) / 10.0)


def _k_weighting(sample_rate: float) -> NDArray[np.float64]:
    """The high shelf and the high-pass as second-order sections, (2, 6)."""
    k, q = math.tan(math.pi * _SHELF_HERTZ / sample_rate), _SHELF_Q
    high = 10.0 ** (_SHELF_DB / 20.0)
    band = high**_SHELF_SLOPE
    shelf = np.array(
        [high + band * k / q + k * k, 2.0 * (k * k - high), high - band * k / q + k * k,
         1.0 + k / q + k * k, 2.0 * (k * k - 1.0), 1.0 - k / q + k * k]
    )  # fmt: skip
    k, q = math.tan(math.pi * _HIGH_PASS_HERTZ / sample_rate), _HIGH_PASS_Q
    poles = np.array([1.0 + k / q + k * k, 2.0 * (k * k - 1.0), 1.0 - k / q + k * k])
    # The standard's high-pass has these zeros, unscaled, whatever the rate.
    high_pass = np.concatenate([[1.0, -2.0, 1.0], poles / poles[0]])
    return np.stack([shelf / shelf[3], high_pass])
