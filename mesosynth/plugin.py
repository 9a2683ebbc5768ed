"""The contract of everything that sounds.

One small render contract, with buffers that belong to the caller. ``[control]`` marks what any
thread but the audio callback may call, and only while `process` is not running; ``[audio]`` marks
what the callback calls: it must not allocate arrays, lock, log, import or wait.
"""

from abc import ABC, abstractmethod
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from mesosynth.parameters import ParameterTable


class Instrument(ABC):
    """Something that turns parameters into sound, block by block.

    Attributes
    ----------
    parameters : ParameterTable
        What it can be asked; the order of `values` in :meth:`process`.
    """

    parameters: ClassVar[ParameterTable]

    @abstractmethod
    def prepare(self, sample_rate: float, max_block: int) -> None:
        """[control] Allocate everything for blocks of up to `max_block` samples, then reset."""

    @abstractmethod
    def process(self, values: NDArray[np.float64], block: NDArray[np.float32]) -> None:
        """[audio] Overwrite `block` with the next samples.

        Parameters
        ----------
        values : (len(parameters),) float64
            Where each parameter should be at the end of the block; it ramps there from where the
            last block left it. Always inside the table's ranges.
        block : (frames,) float32
            Mono output, 0 < frames <= max_block.
        """

    @abstractmethod
    def reset(self) -> None:
        """[control] Forget all sound, as if `prepare` had just returned."""
