"""What the meters show: levels of the sound that leaves, and how much of a block's time it took."""

import math

import numpy as np
from numpy.typing import NDArray

from mesosynth.plugins.plugin import CHANNELS

FALL = 20.0 / 1.7  # dB/s by which a peak falls, as on a programme meter
WINDOW = 0.3  # s, time constant of the RMS
REMEMBERED = 1024  # blocks, for the medians
HEAVY = 0.75  # share of a block's time


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
        self._magnitude = np.zeros((CHANNELS, 0), np.float32)
        self._largest, self._energy = np.zeros((2, CHANNELS), np.float32)
        self._sample_rate = 1.0

    def prepare(self, sample_rate: float, max_block: int) -> None:
        """[control] Allocate everything for blocks of up to `max_block` frames."""
        self._magnitude = np.zeros((CHANNELS, max_block), np.float32)
        self._sample_rate = sample_rate

    def measure(self, block: NDArray[np.float32], true_peak: float) -> None:
        """[audio] Take note of `block`, (2, frames) float32, and of its true peak."""
        frames = block.shape[1]
        seconds = frames / self._sample_rate
        fall, share = 10.0 ** (-FALL * seconds / 20.0), 1.0 - math.exp(-seconds / WINDOW)
        magnitude = np.abs(block, out=self._magnitude[:, :frames])
        peaks = np.maximum.reduce(magnitude, axis=1, out=self._largest).tolist()
        energies = np.vecdot(block, block, out=self._energy).tolist()
        for i, (peak, energy) in enumerate(zip(peaks, energies, strict=True)):
            self.peak[i] = max(peak, fall * self.peak[i])
            power, before = energy / frames, self.rms[i] ** 2
            self.rms[i] = math.sqrt(before + share * (power - before))
        self.true_peak = max(self.true_peak, true_peak)


class Load:
    """How long blocks took to compute, in seconds and as a share of the time that they last.

    Parameters
    ----------
    times : (2, REMEMBERED) float64, optional
        Where to note the last blocks, seconds and shares, for others to read.

    Attributes
    ----------
    noted : int
        Blocks since the last reset.
    overruns : int
        Of them, those that took longer than they last.
    heavy : int
        Of them, those that kept a processor busy for more than HEAVY of their time, all that the
        driver does for them included. In other overruns something else had the core, or Python's
        interpreter.
    longest, largest : float
        Of them, the longest, s, and the largest share; 1.0 is all of the time.
    """

    def __init__(self, times: NDArray[np.float64] | None = None) -> None:
        self.times = np.zeros((2, REMEMBERED)) if times is None else times
        self._seconds, self._shares = self.times
        self._now = self._busy = math.inf
        self.reset()

    def reset(self) -> None:
        """[control] Begin anew."""
        self.noted = self.overruns = self.heavy = 0
        self.longest = self.largest = 0.0

    def note(self, seconds: float, share: float) -> None:
        """[audio] Take note of one block."""
        place = self.noted % REMEMBERED
        self._seconds[place], self._shares[place] = seconds, share
        self.longest, self.largest = max(self.longest, seconds), max(self.largest, share)
        self.overruns += share > 1.0
        self.noted += 1

    def note_processor(self, now: float, busy: float, lasts: float) -> None:
        """[audio] Take note, at the end of a block, of what the processor has done since the last.

        Parameters
        ----------
        now, busy : float
            On the clock, and by the processor's clock of this thread, s. Where that says more than
            the clock it ticks coarsely (Windows), or belongs to another thread than before.
        lasts : float
            The block's time, s.
        """
        passed, computed = now - self._now, busy - self._busy
        self.heavy += HEAVY * lasts < computed < passed
        self._now, self._busy = now, busy


def usual(times: NDArray[np.float64], noted: int) -> tuple[float, float]:
    """[control] Median of the last blocks: seconds, and share of their time.

    Parameters
    ----------
    times : (2, REMEMBERED) float64
        As :class:`Load` writes them.
    noted : int
        Blocks that were noted.
    """
    known = times[:, : min(noted, REMEMBERED)]
    if not known.size:
        return 0.0, 0.0
    seconds, share = np.median(known, axis=1)
    return float(seconds), float(share)
