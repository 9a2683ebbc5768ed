"""Meters: levels of the output, and the share of a block's time that its computation took.

A peak falls as on a programme meter. With T the length of a block, p its peak and s its mean
square,

    peak <- max(p, peak 10^(-FALL T / 20))
    rms² <- rms² + (1 - exp(-T / WINDOW)) (s - rms²)
"""

import math

import numpy as np
from numpy.typing import NDArray

from mesosynth.plugins.plugin import CHANNELS
from mesosynth.system.kernels import F4, F8, compile_loops, loop

REMEMBERED = 1024  # blocks in the medians
HEAVY = 0.75  # of a block's time
FALL = 20.0 / 1.7  # dB/s by which a peak falls
WINDOW = 0.3  # s, time constant of the RMS


@loop("void(f4[:, :], f8, f8[::1], f8[::1])")
def measure(block: F4, sample_rate: float, peak: F8, rms: F8) -> None:
    """[audio] Move the meters on by a block.

    Parameters
    ----------
    block : (2, frames) float32
    sample_rate : float
        Hz.
    peak, rms : (2,) float64
        Of each channel.
    """
    frames = block.shape[1]
    seconds = frames / sample_rate
    fall, share = 10.0 ** (-FALL * seconds / 20.0), 1.0 - math.exp(-seconds / WINDOW)
    for channel in range(2):
        largest, energy = 0.0, 0.0
        for i in range(frames):
            x = float(block[channel, i])
            largest = max(largest, abs(x))
            energy += x * x
        peak[channel] = max(largest, fall * peak[channel])
        square = rms[channel] ** 2
        rms[channel] = math.sqrt(square + share * (energy / frames - square))


@loop("b1(f4[:, :], f8)")
def within(block: F4, limit: float) -> bool:
    """[audio] Whether the RMS of both channels is below a limit; it is not where one is NaN.

    Parameters
    ----------
    block : (2, frames) float32
    limit : float
        Amplitude.
    """
    left = right = 0.0
    for i in range(block.shape[1]):
        left += float(block[0, i]) ** 2
        right += float(block[1, i]) ** 2
    most = limit**2 * block.shape[1]
    return left < most and right < most


class Levels:
    """Peak and RMS of each channel.

    Attributes
    ----------
    peak, rms : (2,) float64
        Left and right, 1.0 is full scale. A peak rises at once and falls slowly.
    true_peak : float
        Largest so far, between the samples too.
    """

    def __init__(self) -> None:
        self.peak, self.rms = np.zeros((2, CHANNELS))
        self.true_peak = 0.0

    def prepare(self, sample_rate: float) -> None:
        """[control] Set the sample rate, Hz, and load the sample loop."""
        compile_loops(__name__)
        self._sample_rate = float(sample_rate)

    def measure(self, block: NDArray[np.float32], true_peak: float) -> None:
        """[audio] Measure a block.

        Parameters
        ----------
        block : (2, frames) float32
        true_peak : float
            Its true peak, 1.0 is full scale.
        """
        measure(block, self._sample_rate, self.peak, self.rms)
        if true_peak > self.true_peak:
            self.true_peak = true_peak


class Load:
    """Time to compute blocks, in seconds and as a share of a block's time.

    Parameters
    ----------
    times : (2, REMEMBERED) float64, optional
        Memory for the last blocks, seconds and shares, for other processes to read.

    Attributes
    ----------
    noted : int
        Number of blocks since the last reset.
    overruns : int
        Number of blocks that took longer than they last.
    heavy : int
        Number of blocks that kept a processor busy for more than HEAVY of their time, with all the
        work of the driver. In other overruns another program, or Python's interpreter lock, had the
        core.
    longest, largest : float
        Longest time, s, and largest share; 1.0 is all of the block's time.
    """

    def __init__(self, times: NDArray[np.float64] | None = None) -> None:
        self.times = np.zeros((2, REMEMBERED)) if times is None else times
        self._seconds, self._shares = self.times
        self._now = self._busy = math.inf
        self.reset()

    def reset(self) -> None:
        """[control] Reset all counts and maxima."""
        self.noted = self.overruns = self.heavy = 0
        self.longest = self.largest = 0.0

    def note(self, seconds: float, share: float) -> None:
        """[audio] Record one block.

        Parameters
        ----------
        seconds : float
            Time to compute it, s.
        share : float
            That as a share of the block's time.
        """
        place = self.noted % REMEMBERED
        self._seconds[place], self._shares[place] = seconds, share
        self.longest, self.largest = max(self.longest, seconds), max(self.largest, share)
        self.overruns += share > 1.0
        self.noted += 1

    def note_processor(self, now: float, busy: float, lasts: float) -> None:
        """[audio] Record, at the end of a block, the processor time since the last one.

        Parameters
        ----------
        now, busy : float
            Wall clock, and processor time of this thread, s. More processor time than wall time
            means a clock with coarse ticks (Windows), or another thread than before, and does not
            count.
        lasts : float
            Length of the block, s.
        """
        passed, computed = now - self._now, busy - self._busy
        self.heavy += HEAVY * lasts < computed < passed
        self._now, self._busy = now, busy


def usual(times: NDArray[np.float64], noted: int) -> tuple[float, float]:
    """[control] Median of the last blocks.

    Parameters
    ----------
    times : (2, REMEMBERED) float64
        As :class:`Load` writes them.
    noted : int
        Number of blocks that were recorded.

    Returns
    -------
    seconds : float
        Time to compute a block, s.
    share : float
        That as a share of the block's time.
    """
    known = times[:, : min(noted, REMEMBERED)]
    if not known.size:
        return 0.0, 0.0
    seconds, share = np.median(known, axis=1)
    return float(seconds), float(share)
