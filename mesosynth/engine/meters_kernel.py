"""Sample loops of the meters: peak, which falls as on a programme meter, and RMS of each channel.

With T the length of a block, its peak p and its mean square s,

    peak <- max(p, peak 10^(-FALL T / 20))
    rms² <- rms² + (1 - exp(-T / WINDOW)) (s - rms²)
"""

import math

from mesosynth.system.kernels import F4, F8, kernel

FALL = 20.0 / 1.7  # dB/s by which a peak falls
WINDOW = 0.3  # s, time constant of the RMS


@kernel("void(f4[:, :], f8, f8[::1], f8[::1])")
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


@kernel("b1(f4[:, :], f8)")
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
