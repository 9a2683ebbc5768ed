"""True-peak limiter with look-ahead, which nothing bypasses.

True peak after ITU-R BS.1770-4, annex 2: the magnitude at a sample and at three points between it
and the next one, which windowed sincs interpolate from 16 samples. With m the true peak of the
louder channel, c the threshold, and L the latency in samples,

    h[n] = max(m[n-L], ..., m[n])                       the peak is held until its sample has left
    e[n] = max(h[n], d e[n-1])                          then it decays
    gain[n] = mean of c / max(c, e) over the attack     and it begins to fall before it
    y[n] = gain[n] x[n-L]

Peaks above the threshold are kept in a queue, from which each peak removes the smaller ones before
it: its first is the largest of the window (Lemire, *Streaming maximum-minimum filter using no more
than three comparisons per element*, 2006).
"""

import math

import numpy as np
from numpy.typing import NDArray

from mesosynth import units
from mesosynth.plugins.plugin import CHANNELS
from mesosynth.system.kernels import F4, F8, I8, compile_loops, loop

CEILING_DB = -1.0
MARGIN_DB = 0.3  # four-fold oversampling and a moving gain miss up to 0.27 dB of noise
ATTACK_SECONDS = 0.001
RELEASE_SECONDS = 0.1
LOUDEST = 1000.0  # 60 dB over full scale: not a sound but a fault
TAPS = 16  # the recommendation's 12 are wrong by 0.12 dB near half the sample rate
CENTRE = TAPS // 2  # samples by which an estimate is late
PIECE = 128  # frames that become silent together


@loop("void(f4[::1], f8[:, ::1], f8[::1])")
def estimate(sound: F4, sinc: F8, peaks: F8) -> None:
    """[audio] Raise `peaks` to the true peak of one channel.

    Parameters
    ----------
    sound : (frames + TAPS - 1,) float32
        The channel, with TAPS - 1 samples of its past.
    sinc : (TAPS, 3) float64
        Interpolators for 1/4, 2/4 and 3/4 of the way to the next sample, oldest sample first.
    peaks : (frames,) float64
        CENTRE samples late.
    """
    for i in range(len(peaks)):
        p_1 = p_2 = p_3 = 0.0
        for k in range(TAPS):
            x = float(sound[i + k])
            p_1 += sinc[k, 0] * x
            p_2 += sinc[k, 1] * x
            p_3 += sinc[k, 2] * x
        p_0 = float(sound[i + CENTRE - 1])
        peaks[i] = max(peaks[i], abs(p_0), abs(p_1), abs(p_2), abs(p_3))


@loop(
    "void(f4[:, :], f8, f8, i8, f8, f8[:, ::1],"
    " f4[:, ::1], f8[::1], f8[::1], i8[::1], i8[::1], f8[::1])"
)
def limit(
    block: F4, threshold: float, decay: float, attack: int, loudest: float, sinc: F8,
    sound: F4, peaks: F8, gains: F8, queue: I8, count: I8, levels: F8,
) -> None:  # fmt: skip
    """[audio] Limit a block in place.

    Parameters
    ----------
    block : (2, frames) float32
    threshold : float
        Amplitude c.
    decay : float
        Factor d per sample.
    attack : int
        Samples.
    loudest : float
        Amplitude; a piece with a sample that is not smaller, or is not a number, becomes silence.
    sinc : (TAPS, 3) float64
        As for :func:`estimate`.
    sound : (2, L + PIECE) float32
        The last L samples, and room for a piece.
    peaks : (L + PIECE,) float64
        Their m.
    gains : (attack + PIECE,) float64
        The last values of c / max(c, e), and room for a piece.
    queue : (L + 1,) int64
        Times of the peaks in the queue, as a ring.
    count : (4,) int64
        Time in samples, begin and end of the queue, and for how many samples c / max(c, e) was 1.
    levels : (4,) float64
        e and the sum of c / max(c, e) over the attack at the last sample; written: largest
        magnitude and largest true peak of what leaves in this block.
    """
    latency, room = sound.shape[1] - PIECE, len(queue)
    n, begin, end, ones = count[0], count[1], count[2], count[3]
    e, total, largest, true_peak = levels[0], levels[1], 0.0, 0.0
    for piece in range(0, block.shape[1], PIECE):
        frames = min(PIECE, block.shape[1] - piece)
        sane = True
        for i in range(frames):
            left, right = block[0, piece + i], block[1, piece + i]
            sane = sane and abs(left) < loudest and abs(right) < loudest
            sound[0, latency + i], sound[1, latency + i] = left, right
        if not sane:
            sound[:, latency : latency + frames] = 0.0
        peaks[latency : latency + frames] = 0.0
        for channel in range(2):
            known = sound[channel][latency + 1 - TAPS :]
            estimate(known, sinc, peaks[latency : latency + frames])
        now = n - latency  # the time at the beginning of the buffers
        for i in range(frames):
            m = peaks[latency + i]
            if begin < end and queue[begin % room] < n - latency:
                begin += 1
            if m > threshold:
                while begin < end and peaks[queue[(end - 1) % room] - now] <= m:
                    end -= 1
                queue[end % room] = n
                end += 1
            e *= decay
            if begin < end:
                e = max(e, peaks[queue[begin % room] - now])
            gains[attack + i] = threshold / max(threshold, e)
            ones = ones + 1 if e <= threshold else 0
            total += gains[attack + i] - gains[i]
            if ones >= attack:
                total = float(attack)  # exactly, so that the samples pass bit for bit
            gain = total / attack
            true_peak = max(true_peak, gain * peaks[CENTRE + i])
            for channel in range(2):
                y = gain * sound[channel, i]
                block[channel, piece + i] = y
                largest = max(largest, abs(y))
            n += 1
        for i in range(latency):
            sound[0, i], sound[1, i] = sound[0, frames + i], sound[1, frames + i]
            peaks[i] = peaks[frames + i]
        for i in range(attack):
            gains[i] = gains[frames + i]
    count[0], count[1], count[2], count[3] = n, begin, end, ones
    levels[0], levels[1], levels[2], levels[3] = e, total, largest, true_peak


class Limiter:
    """Look-ahead limiter of a stereo block; both channels get the same gain.

    The gain is computed ahead of the sound: where the true peak would pass the ceiling, the gain
    falls in the millisecond before the peak, and returns exponentially. Below the ceiling the gain
    is 1, and the samples pass unchanged, bit for bit, `latency` samples late. Samples that are not
    finite become silence.

    Parameters
    ----------
    sample_rate : float
        Hz.

    Attributes
    ----------
    latency : int
        Samples.
    ceiling : float
        Largest amplitude.
    """

    def __init__(self, sample_rate: float) -> None:
        compile_loops(__name__)
        self._attack = max(round(ATTACK_SECONDS * sample_rate), 1)
        # Every sample that contributes to the peak gets the whole reduction.
        self.latency = self._attack + TAPS - 2
        self.ceiling = units.db_to_amplitude(CEILING_DB)
        self._threshold = units.db_to_amplitude(CEILING_DB - MARGIN_DB)
        self._decay = math.exp(-1.0 / (RELEASE_SECONDS * sample_rate))
        self._sinc = interpolators(TAPS)
        self._sound = np.zeros((CHANNELS, self.latency + PIECE), np.float32)
        self._peaks = np.zeros(self.latency + PIECE)
        self._gains = np.zeros(self._attack + PIECE)
        self._queue, self._count = np.zeros(self.latency + 1, np.int64), np.zeros(4, np.int64)
        self._levels = np.zeros(4)
        self.reset()

    @property
    def true_peak(self) -> float:
        """True peak of the last block, estimated."""
        return float(self._levels[3])

    def reset(self) -> None:
        """[control] Forget the sound."""
        for state in (self._sound, self._peaks, self._queue, self._count, self._levels):
            state.fill(0)
        self._gains.fill(1.0)
        self._levels[1] = self._attack

    def process(self, block: NDArray[np.float32]) -> float:
        """[audio] Limit `block`, (2, frames) float32, in place, and return its peak."""
        limit(
            block, self._threshold, self._decay, self._attack, LOUDEST, self._sinc,
            self._sound, self._peaks, self._gains, self._queue, self._count, self._levels,
        )  # fmt: skip
        return float(self._levels[2])


def interpolators(taps: int) -> NDArray[np.float64]:
    """Windowed sincs, (taps, 3), for 1/4, 2/4 and 3/4 of the way to the next sample.

    Applied to `taps` samples, oldest first, each gives the value between the two in the middle.
    """
    half = taps // 2
    distance = np.arange(taps)[:, None] - (half - 1) - np.array([0.25, 0.5, 0.75])
    kernel = np.sinc(distance) * np.i0(5.0 * np.sqrt(1.0 - (distance / half) ** 2))
    return kernel / kernel.sum(axis=0)
