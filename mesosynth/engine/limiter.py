"""A ceiling that no sound passes, not even between its samples, and that lower ones do not notice.

The gain is worked out ahead of the sound: where the true peak would pass the ceiling, the gain has
come down by the time the peak arrives, over a millisecond, and returns exponentially.
"""

import numpy as np
from numpy.typing import NDArray

from mesosynth import units
from mesosynth.engine.line import Line
from mesosynth.engine.true_peak import CENTRE, PIECE, TAPS, TruePeak
from mesosynth.plugins.plugin import CHANNELS

CEILING_DB = -1.0
MARGIN_DB = 0.3  # four-fold oversampling and a moving gain overlook up to 0.27 of noise
ATTACK_SECONDS = 0.001
RELEASE_SECONDS = 0.1
LOUDEST = 1000.0  # 60 dB over full scale: beyond that it is no sound but a fault


class Limiter:
    """Look-ahead limiter of a stereo block; both channels get the same gain.

    With m the true peak around each sample and c the ceiling, less a margin, the gain is the moving
    average over the attack of ``c / max(c, e)``, where e holds the largest m until its sample has
    left, and then decays. Below the ceiling that is 1, and the samples pass unchanged, bit by bit,
    `latency` samples late. Samples that are not finite come out as silence.

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
    true_peak : float
        Largest true peak in the last block that left, as estimated.
    """

    def __init__(self, sample_rate: float, max_block: int) -> None:
        most = min(PIECE, max_block)
        attack = max(round(ATTACK_SECONDS * sample_rate), 1)
        # Every sample that has a part in the peak gets the whole reduction.
        self.latency = attack + TAPS - 2
        self.ceiling = units.db_to_amplitude(CEILING_DB)
        self.true_peak = 0.0
        self._most, self._attack = most, attack
        self._threshold = units.db_to_amplitude(CEILING_DB - MARGIN_DB)
        self._decay = np.exp(-np.arange(1.0, most + 1.0) / (RELEASE_SECONDS * sample_rate))
        self._growth = 1.0 / self._decay
        self._sound = Line(CHANNELS, self.latency, PIECE)
        self._estimate = TruePeak(self._sound)
        self._peaks = Line(1, self.latency, most)
        self._gains = Line(1, attack - 1, most, np.float64)
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
        if not (left < LOUDEST and right < LOUDEST):  # NaN is not less than anything
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
        """Work out the gain for the samples that leave now, (frames,) float32."""
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
        """Take the largest of the last latency + 1 true peaks, (frames,), in log2 steps."""
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
        np.cumsum(gains, out=sums[1 : 1 + len(gains)])  # of ones it is exact, and so is the mean
        mean = np.subtract(sums[attack : attack + frames], sums[:frames], out=self._scaled[:frames])
        np.divide(mean, attack, out=mean)
        np.copyto(self._smooth[:frames], mean, casting="same_kind")
        self._gains.advance(frames)
        return self._smooth[:frames]
