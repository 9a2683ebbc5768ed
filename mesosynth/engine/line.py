"""A stretch of a signal with what came just before it, for filters that look back."""

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray


class Line:
    """The last `past` samples of some channels, and room for `most` new ones after them.

    Each time: write to :meth:`news`, read from :meth:`all`, then :meth:`advance`. Nothing is
    allocated after the start.

    Parameters
    ----------
    channels, past, most : int
    dtype : numpy dtype
    """

    def __init__(self, channels: int, past: int, most: int, dtype: DTypeLike = np.float32) -> None:
        self.past = past
        self.samples: NDArray[Any] = np.zeros((channels, past + most), dtype)
        # NumPy would copy overlapping samples by way of a new array.
        self._kept = np.zeros((channels, past), dtype)

    def fill(self, value: float) -> None:
        """[control] Set everything to `value`."""
        self.samples.fill(value)

    def news(self, frames: int) -> NDArray[Any]:
        """[audio] Where the next samples go, (channels, frames)."""
        return self.samples[:, self.past : self.past + frames]

    def all(self, frames: int) -> NDArray[Any]:
        """[audio] The past and the new ones, (channels, past + frames)."""
        return self.samples[:, : self.past + frames]

    def advance(self, frames: int) -> None:
        """[audio] Let `frames` new samples become past."""
        past, latest = self.samples[:, : self.past], self.samples[:, frames : frames + self.past]
        if frames < self.past:
            np.copyto(self._kept, latest)
            latest = self._kept
        np.copyto(past, latest)
