"""True-peak limiter with look-ahead, which nothing bypasses."""

from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import DTypeLike, NDArray

from mesosynth import units
from mesosynth.plugins.plugin import CHANNELS

# --------------------------------------------------------------------------------------------------
# History buffer, for filters that look back


class HistoryBuffer:
    """The last `past` samples of some channels, and room for `most` new ones after them.

    Each time: write to :meth:`news`, read from :meth:`all`, then :meth:`advance`. Nothing is
    allocated after the start.

    Parameters
    ----------
    channels : int
    past, most : int
        Samples.
    dtype : numpy dtype
    """

    def __init__(self, channels: int, past: int, most: int, dtype: DTypeLike = np.float32) -> None:
        self.past = past
        self.samples: NDArray[Any] = np.zeros((channels, past + most), dtype)
        # NumPy would copy overlapping samples through a new array.
        self._kept = np.zeros((channels, past), dtype)

    def fill(self, value: float) -> None:
        """[control] Set everything to `value`."""
        self.samples.fill(value)

    def news(self, frames: int) -> NDArray[Any]:
        """[audio] Room for the next samples, (channels, frames)."""
        return self.samples[:, self.past : self.past + frames]

    def all(self, frames: int) -> NDArray[Any]:
        """[audio] Past and new samples, (channels, past + frames)."""
        return self.samples[:, : self.past + frames]

    def advance(self, frames: int) -> None:
        """[audio] Make `frames` new samples past."""
        past, latest = self.samples[:, : self.past], self.samples[:, frames : frames + self.past]
        if frames < self.past:
            np.copyto(self._kept, latest)
            latest = self._kept
        np.copyto(past, latest)


# --------------------------------------------------------------------------------------------------
# True peak, the magnitude between the samples, after ITU-R BS.1770-4, annex 2


OVERSAMPLING = 4
TAPS = 16  # per phase; the recommendation's 12 are wrong by 0.12 dB near half the sample rate
CENTRE = TAPS // 2  # samples by which an estimate lags
PIECE = 128  # frames processed at once
_ROW = 32  # outputs of one row of the matrix product


class TruePeak:
    """Magnitude of a stereo sound at its samples and at three points after each of them.

    Every row of a matrix holds 32 samples and the TAPS - 1 before them, so that one product with a
    banded matrix interpolates them all.

    Parameters
    ----------
    line : HistoryBuffer
        The sound, with at least TAPS - 1 samples of its past and room for PIECE new ones.
    """

    def __init__(self, line: HistoryBuffer) -> None:
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
            For the buffer's newest samples, 0 < frames <= PIECE, which must be finite: ``out[n]``
            is the largest magnitude from sample ``n - CENTRE`` up to the next one.
        """
        np.copyto(self._copies, self._windows)
        np.dot(self._matrix, self._band, out=self._product)
        np.abs(self._product, out=self._product)
        np.maximum.reduce(self._points, axis=1, out=self._rows)
        np.copyto(out, self._highest[: len(out)])


def _interpolators() -> NDArray[np.float32]:
    """Windowed sincs, (phases, TAPS), for 0/4, 1/4, 2/4 and 3/4 of the way to the next sample.

    Applied to TAPS samples, oldest first, each gives the value between the two in the middle; the
    first gives the sample itself, bit for bit.
    """
    phase = np.arange(OVERSAMPLING)[:, None] / OVERSAMPLING
    distance = np.arange(TAPS) - (CENTRE - 1) - phase
    kernel = np.sinc(distance) * np.i0(5.0 * np.sqrt(1.0 - (distance / CENTRE) ** 2))
    kernel[0] = distance[0] == 0.0
    return (kernel / kernel.sum(axis=1, keepdims=True)).astype(np.float32)


# --------------------------------------------------------------------------------------------------
# Limiter
#
# The gain is computed ahead of the sound: where the true peak would pass the ceiling, the gain
# falls in the millisecond before the peak, and returns exponentially.


CEILING_DB = -1.0
MARGIN_DB = 0.3  # four-fold oversampling and a moving gain miss up to 0.27 dB of noise
ATTACK_SECONDS = 0.001
RELEASE_SECONDS = 0.1
LOUDEST = 1000.0  # 60 dB over full scale: not a sound but a fault


class Limiter:
    """Look-ahead limiter of a stereo block; both channels get the same gain.

    With m the true peak around each sample and c the ceiling, less a margin, the gain is the moving
    average over the attack of ``c / max(c, e)``, where e holds the largest m until its sample has
    left, and then decays. Below the ceiling the gain is 1, and the samples pass unchanged, bit for
    bit, `latency` samples late. Samples that are not finite become silence.

    Parameters
    ----------
    sample_rate : float
        Hz.
    max_block : int
        Frames in the largest block.

    Attributes
    ----------
    latency : int
        Samples.
    ceiling : float
        Largest amplitude.
    true_peak : float
        True peak of the last block, estimated.
    """

    def __init__(self, sample_rate: float, max_block: int) -> None:
        most = min(PIECE, max_block)
        attack = max(round(ATTACK_SECONDS * sample_rate), 1)
        # Every sample that contributes to the peak gets the whole reduction.
        self.latency = attack + TAPS - 2
        self.ceiling = units.db_to_amplitude(CEILING_DB)
        self.true_peak = 0.0
        self._most, self._attack = most, attack
        self._threshold = units.db_to_amplitude(CEILING_DB - MARGIN_DB)
        self._decay = np.exp(-np.arange(1.0, most + 1.0) / (RELEASE_SECONDS * sample_rate))
        self._growth = 1.0 / self._decay
        self._sound = HistoryBuffer(CHANNELS, self.latency, PIECE)
        self._estimate = TruePeak(self._sound)
        self._peaks = HistoryBuffer(1, self.latency, most)
        self._gains = HistoryBuffer(1, attack - 1, most, np.float64)
        self._magnitude = np.zeros((CHANNELS, most), np.float32)
        self._largest = np.zeros(CHANNELS, np.float32)
        self._wide, self._wider = np.zeros((2, self.latency + most), np.float32)
        self._scaled, self._envelope = np.zeros((2, most))
        self._sums = np.zeros(attack + most)
        self._smooth = np.zeros(most, np.float32)
        self.reset()

    def reset(self) -> None:
        """[control] Forget the sound."""
        self._sound.fill(0.0)
        self._peaks.fill(0.0)
        self._gains.fill(1.0)
        self._held = 0.0  # e at the last sample
        self._busy = 0  # samples for which a gain below 1 may still have an effect

    def process(self, block: NDArray[np.float32]) -> float:
        """[audio] Limit `block`, (2, frames) float32, in place, and return its peak."""
        peak = self.true_peak = 0.0
        for begin in range(0, block.shape[1], self._most):
            peak = max(peak, self._limit(block[:, begin : begin + self._most]))
        return peak

    def _limit(self, block: NDArray[np.float32]) -> float:
        frames, sound, peaks = block.shape[1], self._sound, self._peaks
        left, right = self._peaks_of(block)
        if not (left < LOUDEST and right < LOUDEST):  # or NaN, which is not less than anything
            block.fill(0.0)
        np.copyto(sound.news(frames), block)
        estimated = peaks.news(frames)[0]
        self._estimate.process(estimated)
        true_peak = float(np.maximum.reduce(estimated))
        np.copyto(block, sound.samples[:, :frames])
        if true_peak > self._threshold:
            self._busy = self._attack
        if self._busy > 0:
            gain = self._gain(frames)
            np.multiply(block, gain, out=block)
            leaving = peaks.samples[0, CENTRE : CENTRE + frames]
            true_peak = float(np.multiply(leaving, gain, out=self._wide[:frames]).max())
        sound.advance(frames)
        peaks.advance(frames)
        self.true_peak = max(self.true_peak, true_peak)
        return max(self._peaks_of(block))

    def _peaks_of(self, block: NDArray[np.float32]) -> list[float]:
        """Largest magnitude of each channel."""
        magnitude = np.abs(block, out=self._magnitude[:, : block.shape[1]])
        peaks: list[float] = np.maximum.reduce(magnitude, axis=1, out=self._largest).tolist()
        return peaks

    def _gain(self, frames: int) -> NDArray[np.float32]:
        """Gain of the samples that leave now, (frames,) float32."""
        scaled, envelope = self._scaled[:frames], self._envelope[:frames]
        # e[n] = max over j <= n of h[j] d^(n - j) = d^n times the running max of h[j] d^-j.
        np.multiply(self._hold(frames), self._growth[:frames], out=scaled)
        scaled[0] = max(float(scaled[0]), self._held)
        np.maximum.accumulate(scaled, out=envelope)
        np.multiply(envelope, self._decay[:frames], out=envelope)
        self._held = float(envelope[frames - 1])
        reduced = float(envelope.max()) > self._threshold
        self._busy = self._attack if reduced else self._busy - frames
        np.maximum(envelope, self._threshold, out=envelope)
        np.divide(self._threshold, envelope, out=self._gains.news(frames)[0])
        return self._average(frames)

    def _hold(self, frames: int) -> NDArray[np.float32]:
        """Largest of the last latency + 1 true peaks, (frames,), in log2 steps."""
        now, then = self._peaks.all(frames)[0], self._wide
        width, wanted = 1, self.latency + 1
        while 2 * width <= wanted:
            length = len(now) - width
            longer = np.maximum(now[:length], now[width:], out=then[:length])
            then = self._wider if then is self._wide else self._wide
            now, width = longer, 2 * width
        rest = wanted - width
        return np.maximum(now[:frames], now[rest : rest + frames], out=then[:frames])

    def _average(self, frames: int) -> NDArray[np.float32]:
        gains, sums, attack = self._gains.all(frames)[0], self._sums, self._attack
        np.cumsum(gains, out=sums[1 : 1 + len(gains)])  # exact for ones, and so is the mean
        mean = np.subtract(sums[attack : attack + frames], sums[:frames], out=self._scaled[:frames])
        np.divide(mean, attack, out=mean)
        np.copyto(self._smooth[:frames], mean, casting="same_kind")
        self._gains.advance(frames)
        return self._smooth[:frames]
