"""Parameter ramps: straight lines to the value at the end of a block."""

import numpy as np
from numpy.typing import NDArray


def scratch(*shape: int) -> NDArray[np.float64]:
    """Zeros of `shape`, (..., rows, length), whose rows do not touch each other.

    To broadcast a line over contiguous rows NumPy first copies them all into buffers, which is an
    allocation in the audio callback; over these rows it does not.
    """
    *rows, length = shape
    return np.zeros((*rows, length + 1))[..., :length]


class Ramps:
    """Lines of several quantities, block after block; each starts where the last one ended.

    Parameters
    ----------
    rows : int
        Number of quantities.
    max_block : int
        Frames in the largest block.

    Attributes
    ----------
    changed : bool
        Whether the last :meth:`move` changed a line, so that coefficients must be computed again.
    """

    def __init__(self, rows: int, max_block: int) -> None:
        self._lines = scratch(rows, max_block)
        self._count = np.arange(1.0, max_block + 1.0)
        # All lines, now * 1 + way * fraction, are one matrix product, for which NumPy needs no
        # buffers; to broadcast columns over a row it would.
        self._ends = np.zeros((rows, 2))
        self._now, self._way = self._ends.T
        self._basis = np.ones((2, max_block))
        self.reset()

    def reset(self) -> None:
        """[control] Let the next block stand at its targets from the start."""
        self._fresh = True
        self._level = 0  # frames from the first on that stand at `now`
        self.changed = True

    def move(self, targets: NDArray[np.float64], frames: int) -> NDArray[np.float64]:
        """[audio] Lines to `targets`, reached by the last frame.

        Parameters
        ----------
        targets : (rows,) float64
        frames : int
            Length of the block.

        Returns
        -------
        (rows, frames) float64
            Overwritten by the next call.
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
