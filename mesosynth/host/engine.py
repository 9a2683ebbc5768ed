"""All that happens in an audio callback: parameters in, a block of sound out, and the books."""

import time

import numpy as np
from numpy.typing import NDArray

from mesosynth.host.rack import Rack
from mesosynth.host.shared_memory import ParameterBlock, Ring

REMEMBERED = 1024  # durations of blocks, for their median


class Engine:
    """Renders blocks for a device.

    Attributes
    ----------
    blocks, underflows, frames : int
        Blocks so far, how often the device ran dry, and the length of the last block.
    """

    def __init__(self, rack: Rack, parameters: ParameterBlock, scope: Ring) -> None:
        self.rack = rack
        self.blocks = self.underflows = self.frames = 0
        self._parameters = parameters
        self._scope = scope
        self._seconds = np.zeros(REMEMBERED)
        self._longest = 0.0

    def render(self, block: NDArray[np.float32], underflow: bool) -> None:
        """[audio] Overwrite `block`, (frames,) float32, with the next samples."""
        begin = time.perf_counter()
        values, playing = self._parameters.read()
        self.rack.process(values, playing, block)
        self._scope.write(block)
        self.frames = len(block)
        self.underflows += underflow
        seconds = time.perf_counter() - begin
        self._seconds[self.blocks % REMEMBERED] = seconds
        self._longest = max(self._longest, seconds)
        self.blocks += 1

    def callback_ms(self) -> tuple[float, float]:
        """[control] Median of the last blocks' durations and the longest of all, ms."""
        if not self.blocks:
            return 0.0, 0.0
        median = float(np.median(self._seconds[: min(self.blocks, REMEMBERED)]))
        return 1000.0 * median, 1000.0 * self._longest
