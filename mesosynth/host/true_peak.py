"""How high a sound rises between its samples: the true peak of ITU-R BS.1770-4, annex 2."""

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from mesosynth.host.line import Line
from mesosynth.plugin import CHANNELS

OVERSAMPLING = 4
TAPS = 16  # per phase; the recommendation's 12 read 0.12 dB wrong near half the sample rate
CENTRE = TAPS // 2  # samples by which an estimate lags
PIECE = 128  # frames looked at in one go
_ROW = 32  # outputs of one row of the matrix product


class TruePeak:
    """Magnitude of a stereo sound at its samples and at three points after each of them.

    Every row of a matrix holds 32 samples and the TAPS - 1 before them, so that one product with a
    banded matrix interpolates them all.
    """

    def __init__(self) -> None:
        kernel, rows, past = _interpolators(), PIECE // _ROW, TAPS - 1
        band = np.zeros((past + _ROW, len(kernel), _ROW), np.float32)
        for i in range(_ROW):
            band[i : i + TAPS, :, i] = kernel.T
        self._band = band.reshape(past + _ROW, -1)
        self._line = Line(CHANNELS, past, PIECE)
        channel, sample = self._line.samples.strides
        self._windows = as_strided(
            self._line.samples, (CHANNELS, rows, past + _ROW), (channel, _ROW * sample, sample)
        )
        self._matrix = np.zeros((CHANNELS, rows, past + _ROW), np.float32)
        self._between = np.zeros((CHANNELS, rows, len(kernel), _ROW), np.float32)
        self._highest = np.zeros((CHANNELS, rows, _ROW), np.float32)
        self._at = np.zeros((CHANNELS, PIECE), np.float32)

    def reset(self) -> None:
        """[control] Forget the sound."""
        self._line.fill(0.0)

    def process(self, block: NDArray[np.float32], out: NDArray[np.float32]) -> None:
        """[audio] Write the louder channel's magnitude to `out`, CENTRE samples late.

        Parameters
        ----------
        block : (2, frames) float32
            0 < frames <= PIECE, finite.
        out : (frames,) float32
            ``out[n]`` is the largest magnitude from sample ``n - CENTRE`` up to, and without, the
            next one.
        """
        frames, line, between = block.shape[1], self._line, self._between
        np.copyto(line.news(frames), block)
        np.copyto(self._matrix, self._windows)
        rows = len(between) * between.shape[1]
        np.matmul(self._matrix.reshape(rows, -1), self._band, out=between.reshape(rows, -1))
        np.abs(between, out=between)
        highest = np.maximum.reduce(between, axis=2, out=self._highest)
        begin = line.past - CENTRE
        at = np.abs(line.samples[:, begin : begin + frames], out=self._at[:, :frames])
        for channel, magnitude in zip(highest.reshape(CHANNELS, -1), at, strict=True):
            np.maximum(magnitude, channel[:frames], out=magnitude)
        np.maximum(at[0], at[1], out=out)
        line.advance(frames)


def _interpolators() -> NDArray[np.float32]:
    """Windowed sincs, (phases, TAPS), for 1/4, 2/4 and 3/4 of the way to the next sample.

    Applied to TAPS samples, oldest first, each gives the value between the two in the middle.
    """
    phase = np.arange(1, OVERSAMPLING)[:, None] / OVERSAMPLING
    distance = np.arange(TAPS) - (CENTRE - 1) - phase
    kernel = np.sinc(distance) * np.i0(5.0 * np.sqrt(1.0 - (distance / CENTRE) ** 2))
    return (kernel / kernel.sum(axis=1, keepdims=True)).astype(np.float32)
