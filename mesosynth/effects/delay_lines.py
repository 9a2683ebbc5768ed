"""The past of several sounds, in rings."""

import numpy as np
from numpy.typing import NDArray

from mesosynth.effects.recursion import SILENT


class DelayLines:
    """Rings of one length that are written together and read wherever one likes.

    Parameters
    ----------
    rows : int
        Sounds.
    longest : int
        Samples that :meth:`read` may look back.
    """

    def __init__(self, rows: int, longest: int) -> None:
        self._rings = np.zeros((rows, longest))
        self._position = 0

    def reset(self) -> None:
        """[control] Forget all sound."""
        self._rings.fill(0.0)
        self._position = 0

    def read(self, row: int, delay: int, out: NDArray[np.float64]) -> None:
        """[audio] Fill `out`, (n,), with what was written `delay` samples before the next n.

        n <= delay <= longest: what is not written yet cannot be read.
        """
        ring = self._rings[row]
        begin = (self._position - delay) % len(ring)
        first = min(len(out), len(ring) - begin)
        np.copyto(out[:first], ring[begin : begin + first])
        if first < len(out):
            np.copyto(out[first:], ring[: len(out) - first])

    def write(self, block: NDArray[np.float64]) -> None:
        """[audio] Append `block`, (rows, n) float64 and contiguous, n <= longest; it may change.

        What nobody can hear becomes silence, before it turns into slow subnormals.
        """
        if block.max() < SILENT and block.min() > -SILENT:
            block.fill(0.0)
        longest, begin, n = self._rings.shape[1], self._position, block.shape[1]
        first = min(n, longest - begin)
        np.copyto(self._rings[:, begin : begin + first], block[:, :first])
        if first < n:
            np.copyto(self._rings[:, : n - first], block[:, first:])
        self._position = (begin + n) % longest
