"""True-peak limiter with look-ahead, which nothing bypasses."""

import math

import numpy as np
from numpy.typing import NDArray

from mesosynth import units
from mesosynth.plugins.plugin import CHANNELS

CEILING_DB = -1.0
MARGIN_DB = 0.3  # four-fold oversampling and a moving gain miss up to 0.27 dB of noise
ATTACK_SECONDS = 0.001
RELEASE_SECONDS = 0.1
LOUDEST = 1000.0  # 60 dB over full scale: not a sound but a fault


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
        from mesosynth.engine.limiter_kernel import PIECE, TAPS, limit

        self._limit = limit
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
        self._limit(
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
