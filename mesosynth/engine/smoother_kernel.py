"""Loop over the parameters of a plugin: their values in the rack's vector, clamped and smoothed."""

import math

from mesosynth.system.kernels import F8, I8, kernel


@kernel("i8(f8[::1], b1, b1, i8, i8, i8, i8[::1], f8[:, ::1], f8[:, ::1])")
def smooth(
    vector: F8, look: bool, fresh: bool, left: int, glide: int, frames: int,
    index: I8, table: F8, values: F8,
) -> int:  # fmt: skip
    """[audio] Move values towards those of the vector; return the samples that are left.

    Parameters
    ----------
    vector : (any,) float64
        Values of the rack.
    look : bool
        Whether they may have changed.
    fresh : bool
        Whether to begin at them, rather than move to them.
    left, glide : int
        Samples until they are reached, and in a whole glide.
    frames : int
        Length of the block.
    index : (n,) int64
        Places in the vector; -1 is the default.
    table : (4, n) float64
        Default, minimum and maximum of each parameter, and 1 where its value jumps.
    values : (2, n) float64
        Where they go, and where they are.

    Returns
    -------
    int
    """
    goal, now = values[0], values[1]
    if look:
        for j in range(len(index)):
            default, lowest, highest = table[0, j], table[1, j], table[2, j]
            said = default if index[j] < 0 else vector[min(index[j], len(vector) - 1)]
            value = lowest if math.isnan(said) else min(max(said, lowest), highest)
            if value != goal[j]:
                goal[j] = value
                left = glide
            if fresh:
                now[j] = value
        if fresh:
            left = 0
    if left > 0:
        share = min(1.0, frames / left)
        left = max(left - frames, 0)
        for j in range(len(index)):
            if left == 0 or table[3, j] != 0.0:
                now[j] = goal[j]
            else:
                now[j] += share * (goal[j] - now[j])
    return left
