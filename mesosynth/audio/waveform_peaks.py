"""Waveform peaks: the envelope of a whole sound in a few thousand pairs, to be drawn."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

COLUMNS = 16384
"""Number of peaks, fewer where the sound is shorter; of an hour a peak is 0.2 s."""

_GRAIN = 256  # frames of the first peaks, which are joined at the end


@dataclass(frozen=True, slots=True)
class WaveformPeaks:
    """Envelope of a whole sound.

    Attributes
    ----------
    low, high : (n,) float32
        Least and greatest sample in each of n equal parts.
    duration : float
        s.
    """

    low: NDArray[np.float32]
    high: NDArray[np.float32]
    duration: float


def waveform_peaks(
    blocks: Callable[[], Iterable[NDArray[np.float32]]], sample_rate: float
) -> WaveformPeaks:
    """Peaks of a stream of mono blocks; an hour needs no more memory than its peaks.

    Parameters
    ----------
    blocks : callable
        Starts the stream: mono blocks, float32.
    sample_rate : float
        Hz.

    Returns
    -------
    WaveformPeaks
    """
    lows: list[NDArray[np.float32]] = []
    highs: list[NDArray[np.float32]] = []
    frames = 0
    rest = np.zeros(0, np.float32)
    for block in blocks():
        frames += len(block)
        rest = np.concatenate([rest, block])
        whole = len(rest) // _GRAIN * _GRAIN
        grains = rest[:whole].reshape(-1, _GRAIN)
        lows.append(grains.min(axis=1))
        highs.append(grains.max(axis=1))
        rest = rest[whole:]
    if len(rest):
        lows.append(rest.min(keepdims=True))
        highs.append(rest.max(keepdims=True))
    low, high = np.concatenate(lows), np.concatenate(highs)
    begins = np.unique(np.linspace(0, len(low), min(COLUMNS, len(low)), endpoint=False).astype(int))
    return WaveformPeaks(
        np.minimum.reduceat(low, begins), np.maximum.reduceat(high, begins), frames / sample_rate
    )
