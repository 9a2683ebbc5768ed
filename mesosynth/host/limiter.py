"""A ceiling that no sample passes, and that a sound below it does not notice."""

import math

import numpy as np
from numpy.typing import NDArray

from mesosynth import units

CEILING_DB = -1.0
RELEASE_SECONDS = 0.1


class Limiter:
    """Peak limiter with instant attack, without delay, of the same gain for both channels.

    The gain is ``ceiling / max(ceiling, e)``, where e follows peaks at once and decays
    exponentially: it never jumps. Below the ceiling the samples pass unchanged, bit by bit.

    Parameters
    ----------
    sample_rate : float
        Hz.
    max_block : int
        Samples in the largest block.
    """

    def __init__(self, sample_rate: float, max_block: int) -> None:
        self.ceiling = float(np.float32(units.db_to_amplitude(CEILING_DB)))
        decay = np.arange(1.0, max_block + 1.0) / (RELEASE_SECONDS * sample_rate)
        # e[n] = max over j <= n of |x[j]| d^(n - j) = d^n times the running max of |x[j]| d^-j.
        # The exponent is bounded: blocks longer than some hundred release times do not occur.
        self._decay = np.exp(-np.minimum(decay, 500.0))
        self._growth = 1.0 / self._decay
        self._magnitude, self._other = np.zeros((2, max_block), np.float32)
        self._scaled, self._envelope = np.zeros((2, max_block))
        self._held = 0.0

    def process(self, block: NDArray[np.float32]) -> float:
        """[audio] Limit `block`, (2, frames) float32 and finite, in place, and return its peak."""
        frames = block.shape[1]
        magnitude = np.abs(block[0], out=self._magnitude[:frames])
        other = np.abs(block[1], out=self._other[:frames])
        np.maximum(magnitude, other, out=magnitude)
        peak = float(magnitude.max())
        if max(peak, self._held) > self.ceiling:
            self._reduce(block, magnitude)
            return min(peak, self.ceiling)
        self._held = 0.0
        return peak

    def _reduce(self, block: NDArray[np.float32], magnitude: NDArray[np.float32]) -> None:
        frames = block.shape[1]
        scaled, envelope = self._scaled[:frames], self._envelope[:frames]
        np.copyto(scaled, magnitude)
        np.multiply(scaled, self._growth[:frames], out=scaled)
        scaled[0] = max(float(scaled[0]), self._held)
        np.maximum.accumulate(scaled, out=envelope)
        np.multiply(envelope, self._decay[:frames], out=envelope)
        self._held = float(envelope[frames - 1])
        np.maximum(envelope, self.ceiling, out=envelope)
        np.divide(self.ceiling, envelope, out=envelope)
        np.copyto(magnitude, envelope, casting="same_kind")
        np.multiply(block, magnitude, out=block)
        np.clip(block, -self.ceiling, self.ceiling, out=block)
        if not math.isfinite(self._held):
            self._held = 0.0
