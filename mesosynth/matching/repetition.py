"""Whether a sound repeats itself, and how soon.

The scalogram is compared with itself, later. Where a whole phrase comes again, all its rows agree
at the same lag; an arpeggio's own notes, each at another pitch, do not.
"""

import numpy as np
import torch
from numpy.typing import NDArray

from mesosynth.audio.target import ANALYSIS_RATE
from mesosynth.scattering import JTFS

LIKE_ITSELF = 0.4
"""Correlation from which a sound repeats."""

_HOP = 64  # samples, 8 ms
_SHORTEST, _LONGEST = 0.1, 2.0  # s; twice the longest fits the window
_AS_GOOD = 0.85  # of the best: the shortest of these lags is the period, the others its multiples


def period_of(jtfs: JTFS, audio: NDArray[np.float32]) -> float:
    """Period of a sound, s; 0 if it does not repeat.

    Parameters
    ----------
    jtfs : JTFS
    audio : (n,) float32
        At ANALYSIS_RATE.
    """
    U = jtfs.scalogram(torch.from_numpy(audio), _HOP).double().numpy()
    U = np.sqrt(U)  # what is loud must not decide alone
    heard = U.sum(axis=0) > 0.02 * U.sum(axis=0).max()
    first, last = np.flatnonzero(heard)[[0, -1]]
    U = U[:, first : last + 1]
    correlation = _autocorrelation(U - U.mean(axis=1, keepdims=True))
    peaks = _peaks(correlation)
    if not len(peaks) or correlation[peaks].max() < LIKE_ITSELF:
        return 0.0
    lag = int(peaks[correlation[peaks] >= _AS_GOOD * correlation[peaks].max()][0])
    before, here, after = correlation[lag - 1 : lag + 2]
    fraction = 0.5 * (before - after) / (before - 2.0 * here + after)
    return float((lag + fraction) * _HOP / ANALYSIS_RATE)


def _autocorrelation(U: NDArray[np.float64]) -> NDArray[np.float64]:
    """Correlation of rows (rows, frames) with themselves, 1 at lag 0, for lags up to half."""
    frames = U.shape[1]
    power = np.abs(np.fft.rfft(U, 2 * frames, axis=1)) ** 2
    products = np.fft.irfft(power.sum(axis=0), 2 * frames)[: frames // 2 + 1]
    energy = np.cumsum(np.square(U).sum(axis=0))
    lags = np.arange(len(products))
    # Of what overlaps at this lag: the energy of either part.
    early, late = energy[frames - 1 - lags], energy[-1] - np.concatenate([[0.0], energy])[lags]
    return products / np.sqrt(np.maximum(early * late, 1e-300))


def _peaks(correlation: NDArray[np.float64]) -> NDArray[np.int64]:
    """Lags of local maxima within the range of periods."""
    frames = ANALYSIS_RATE / _HOP
    middle = correlation[1:-1]
    (inner,) = np.nonzero((middle > correlation[:-2]) & (middle >= correlation[2:]))
    lags = inner + 1
    return lags[(lags >= _SHORTEST * frames) & (lags <= _LONGEST * frames)]
