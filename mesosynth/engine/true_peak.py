"""How high a sound rises between its samples: the true peak of ITU-R BS.1770-4, annex 2."""

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from mesosynth.engine.line import Line
from mesosynth.plugins.plugin import CHANNELS

OVERSAMPLING = 4
TAPS = 16  # per phase; the recommendation's 12 read 0.12 dB wrong near half the sample rate
CENTRE = TAPS // 2  # samples by which an estimate lags
PIECE = 128  # frames looked at in one go
_ROW = 32  # outputs of one row of the matrix product


class TruePeak:
    """Magnitude of a stereo sound at its samples and at three points after each of them.

    Every row of a matrix holds 32 samples and the TAPS - 1 before them, so that one product with a
    banded matrix interpolates them all.

    Parameters
    ----------
    line : Line
        The sound, with at least TAPS - 1 samples of its past and room for PIECE new ones.
    """

    def __init__(self, line: Line) -> None:
        kernel, rows, past = _interpolators(), PIECE // _ROW, TAPS - 1
        band = np.zeros((past + _ROW, len(kernel), _ROW), np.float32)
        for i in range(_ROW):
            band[i : i + TAPS, :, i] = kernel.T
        self._band = band.reshape(past + _ROW, -1)
        sound = line.samples[:, line.past - past :]
        channel, sample = sound.strides
        self._windows = as_strided(
            sound, (rows, CHANNELS, past + _ROW), (_ROW * sample, channel, sample)
        )
        self._copies = np.zeros((rows, CHANNELS, past + _ROW), np.float32)
        self._matrix = self._copies.reshape(rows * CHANNELS, -1)
        self._product = np.zeros((rows * CHANNELS, self._band.shape[1]), np.float32)
        self._points = self._product.reshape(rows, CHANNELS * len(kernel), _ROW)
        self._highest = np.zeros(PIECE, np.float32)
        self._rows = self._highest.reshape(rows, _ROW)

    def process(self, out: NDArray[np.float32]) -> None:
        """[audio] Write the louder channel's magnitude to `out`, CENTRE samples late.

        Parameters
        ----------
        out : (frames,) float32
            For the line's newest samples, 0 < frames <= PIECE, which are finite: ``out[n]`` is the
            largest magnitude from sample ``n - CENTRE`` up to, and without, the next one.
        """
        np.copyto(self._copies, self._windows)
        np.dot(self._matrix, self._band, out=self._product)
        np.abs(self._product, out=self._product)
        np.maximum.reduce(self._points, axis=1, out=self._rows)
        np.copyto(out, self._highest[: len(out)])


def _interpolators() -> NDArray[np.float32]:
    """Windowed sincs, (phases, TAPS), for 0/4, 1/4, 2/4 and 3/4 of the way to the next sample.

    Applied to TAPS samples, oldest first, each gives the value between the two in the middle; the
    first gives the sample itself, bit by bit.
    """
    phase = np.arange(OVERSAMPLING)[:, None] / OVERSAMPLING
    distance = np.arange(TAPS) - (CENTRE - 1) - phase
    kernel = np.sinc(distance) * np.i0(5.0 * np.sqrt(1.0 - (distance / CENTRE) ** 2))
    kernel[0] = distance[0] == 0.0
    return (kernel / kernel.sum(axis=1, keepdims=True)).astype(np.float32)
