"""What the meters show: levels of the sound that leaves, and how much of a block's time it took."""

import math

import numpy as np
from numpy.typing import NDArray

from mesosynth.plugin import CHANNELS

FALL = 20.0 / 1.7  # dB/s by which a peak falls, as on a programme meter
WINDOW = 0.3  # s, time constant of the RMS
REMEMBERED = 1024  # blocks, for the medians


class Levels:
    """Peak and RMS of each channel.

    Attributes
    ----------
    peak, rms : list of float
        Left and right, 1.0 is full scale. A peak is shown at once and falls slowly.
    true_peak : float
        Largest so far, between the samples too.
    """

    def __init__(self) -> None:
        self.peak, self.rms = [0.0] * CHANNELS, [0.0] * CHANNELS
        self.true_peak = 0.0
        self._magnitude = np.zeros(0, np.float32)
        self._sample_rate = 1.0

    def prepare(self, sample_rate: float, max_block: int) -> None:
        """[control] Allocate everything for blocks of up to `max_block` frames."""
        self._magnitude = np.zeros(max_block, np.float32)
        self._sample_rate = sample_rate

    def measure(self, block: NDArray[np.float32], true_peak: float) -> None:
        """[audio] Take note of `block`, (2, frames) float32, and of its true peak."""
        frames = block.shape[1]
        seconds = frames / self._sample_rate
        fall, share = 10.0 ** (-FALL * seconds / 20.0), 1.0 - math.exp(-seconds / WINDOW)
        magnitude = self._magnitude[:frames]
        for i, channel in enumerate(block):
            peak = float(np.abs(channel, out=magnitude).max())
            self.peak[i] = max(peak, fall * self.peak[i])
            power, before = float(np.dot(channel, channel)) / frames, self.rms[i] ** 2
            self.rms[i] = math.sqrt(before + share * (power - before))
        self.true_peak = max(self.true_peak, true_peak)


class Load:
    """How long blocks took to compute, in seconds and as a share of the time that they last.

    Attributes
    ----------
    overruns : int
        Blocks that took longer than they last.
    """

    def __init__(self) -> None:
        self._seconds, self._shares = np.zeros((2, REMEMBERED))
        self.reset()

    def reset(self) -> None:
        """[control] Begin anew."""
        self._blocks, self._longest, self._largest = 0, 0.0, 0.0
        self.overruns = 0

    def note(self, seconds: float, share: float) -> None:
        """[audio] Take note of one block."""
        place = self._blocks % REMEMBERED
        self._seconds[place], self._shares[place] = seconds, share
        self._longest, self._largest = max(self._longest, seconds), max(self._largest, share)
        self.overruns += share > 1.0
        self._blocks += 1

    @property
    def seconds(self) -> tuple[float, float]:
        """[control] Median of the last blocks, and the longest of all."""
        return self._median(self._seconds), self._longest

    @property
    def share(self) -> tuple[float, float]:
        """[control] Median of the last blocks, and the largest of all; 1.0 is all of the time."""
        return self._median(self._shares), self._largest

    def _median(self, values: NDArray[np.float64]) -> float:
        known = values[: min(self._blocks, REMEMBERED)]
        return float(np.median(known)) if len(known) else 0.0
