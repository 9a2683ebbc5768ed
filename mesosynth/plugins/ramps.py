"""Straight lines from where parameters were to where they should be at the end of a block."""

import numpy as np
from numpy.typing import NDArray


def scratch(*shape: int) -> NDArray[np.float64]:
    """Zeros of `shape`, (..., rows, length), whose rows do not touch each other.

    To broadcast a line over contiguous rows NumPy first copies them all into buffers; over these it
    does not, which is one allocation less in an audio callback.
    """
    *rows, length = shape
    return np.zeros((*rows, length + 1))[..., :length]


class Ramps:
    """Lines of several quantities, block after block, each going on where the last one ended.

    Parameters
    ----------
    rows : int
        Quantities.
    max_block : int
        Frames in the largest block.

    Attributes
    ----------
    changed : bool
        Whether :meth:`move` wrote other values than stood in the lines: what is computed from them
        has to be computed again.
    """

    def __init__(self, rows: int, max_block: int) -> None:
        self._lines = scratch(rows, max_block)
        self._count = np.arange(1.0, max_block + 1.0)
        # A line is now * 1 + way * fraction: all of them are one product of matrices, for which
        # NumPy needs no buffers, as it does to broadcast columns over a row.
        self._ends = np.zeros((rows, 2))
        self._now, self._way = self._ends.T
        self._basis = np.ones((2, max_block))
        self.reset()

    def reset(self) -> None:
        """[control] Let the next block begin where it ends."""
        self._fresh = True
        self._level = 0  # frames from the first on that stand at `now`
        self.changed = True

    def move(self, targets: NDArray[np.float64], frames: int) -> NDArray[np.float64]:
        """[audio] Reach `targets`, (rows,), by the last frame; return the lines, (rows, frames).

        The array belongs to the ramps and is overwritten by the next call.
        """
        if self._fresh:
            np.copyto(self._now, targets)
            self._fresh = False
        np.subtract(targets, self._now, out=self._way)
        moving = np.count_nonzero(self._way) > 0
        lines = self._lines[:, :frames]
        self.changed = moving or self._level < frames
        if moving:
            basis = self._basis[:, :frames]
            np.multiply(self._count[:frames], 1.0 / frames, out=basis[1])
            np.matmul(self._ends, basis, out=lines)
            np.copyto(self._now, targets)
            self._level = 0
        elif self.changed:
            np.copyto(lines, self._now[:, None])
            self._level = frames
        return lines
