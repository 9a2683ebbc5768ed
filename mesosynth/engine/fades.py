"""Sample loops of fades: a gain that moves in a straight line and stops at 0 and 1."""

from mesosynth.system.kernels import F4, loop


@loop("f8(f4[:, :], f8, f8)")
def fade(block: F4, level: float, slope: float) -> float:
    """[audio] Multiply a block by a moving gain, in place, and return its last value.

    Parameters
    ----------
    block : (2, frames) float32
    level : float
        Gain before the block, 0 to 1.
    slope : float
        Its change per sample.

    Returns
    -------
    float
    """
    gain = level
    for i in range(block.shape[1]):
        gain = min(max(level + (i + 1) * slope, 0.0), 1.0)
        block[0, i] *= gain
        block[1, i] *= gain
    return gain


@loop("f8(f4[:, :], f4[:, :], f8, f8)")
def crossfade(dry: F4, block: F4, level: float, slope: float) -> float:
    """[audio] Write ``dry + gain (block - dry)`` to a block, and return the last gain.

    Parameters
    ----------
    dry, block : (2, frames) float32
    level : float
        Gain before the block, 0 to 1.
    slope : float
        Its change per sample.

    Returns
    -------
    float
    """
    gain = level
    for i in range(block.shape[1]):
        gain = min(max(level + (i + 1) * slope, 0.0), 1.0)
        for channel in range(2):
            without = dry[channel, i]
            block[channel, i] = without + gain * (block[channel, i] - without)
    return gain


@loop("f8(f4[:, :], f4[:, :], f8, f8)")
def divert(block: F4, away: F4, level: float, slope: float) -> float:
    """[audio] Move ``gain block`` from a block to another one, and return the last gain.

    Parameters
    ----------
    block : (2, frames) float32
        It keeps ``(1 - gain) block``.
    away : (2, frames) float32
        Overwritten.
    level : float
        Gain before the block, 0 to 1.
    slope : float
        Its change per sample.

    Returns
    -------
    float
    """
    gain = level
    for i in range(block.shape[1]):
        gain = min(max(level + (i + 1) * slope, 0.0), 1.0)
        for channel in range(2):
            away[channel, i] = gain * block[channel, i]
            block[channel, i] -= away[channel, i]
    return gain
