"""The last thing before the device: all that leaves can be faded to silence, and back."""

import numpy as np
from numpy.typing import NDArray

SECONDS = 0.01  # of a fade


class MasterFade:
    """A gain that goes to 0 or to 1 in a straight line; it only ever makes things quieter.

    Attributes
    ----------
    open : bool
        Where it is heading: the control side sets it, the audio side follows.
    """

    def __init__(self) -> None:
        self.open = True
        self._level = 0.0

    def prepare(self, sample_rate: float, max_block: int) -> None:
        """[control] Allocate everything for blocks of up to `max_block` frames; begin silent."""
        self._step = 1.0 / (SECONDS * sample_rate)
        self._count = np.arange(1.0, max_block + 1.0, dtype=np.float32)
        self._gain = np.zeros(max_block, np.float32)
        self._level = 0.0

    @property
    def closed(self) -> bool:
        """Whether nothing leaves any longer."""
        return self._level <= 0.0 and not self.open

    def process(self, block: NDArray[np.float32]) -> None:
        """[audio] Fade `block`, (2, frames) float32, in place."""
        if self.open and self._level >= 1.0:
            return
        step, frames = self._step if self.open else -self._step, block.shape[1]
        gain = np.multiply(self._count[:frames], step, out=self._gain[:frames])
        np.add(gain, self._level, out=gain)
        np.clip(gain, 0.0, 1.0, out=gain)
        for row in block:  # row by row: to broadcast in place makes a copy
            np.multiply(row, gain, out=row)
        self._level = min(max(self._level + frames * step, 0.0), 1.0)
