"""How a plugin reaches its own values in the rack's vector, and how fast they may move."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mesosynth.engine.slots import PLACE
from mesosynth.plugins.parameters import ParameterTable

GLIDE_SECONDS = 0.002
"""Shortest way of a value to where it was sent. A plugin ramps over a block, but a block of one
sample is no ramp; from 2 ms on a block is one."""


class Reach:
    """One plugin's values, gliding.

    Parameters
    ----------
    table : ParameterTable
    place : int
        Where its values lie in the vector.
    ids : sequence of str, optional
        The parameters whose values lie there, in order; those of `table` if left out. A parameter
        that is not among them stands at its default.
    """

    def __init__(
        self, table: ParameterTable, place: int = 0, ids: Sequence[str] | None = None
    ) -> None:
        ids = list(table) if ids is None else list(ids)
        parameters = list(table.values())
        self._index = np.array(
            [place * PLACE + (ids.index(p.id) if p.id in ids else 0) for p in parameters], np.intp
        )
        self._absent = np.array([p.id not in ids for p in parameters], np.bool_)
        self._defaults = np.array([p.default for p in parameters], np.float64)
        self._lowest = np.array([p.minimum for p in parameters], np.float64)
        self._highest = np.array([p.maximum for p in parameters], np.float64)
        # The values between two directions, or between two choices, are not legal.
        self._jumps = np.array([bool(p.smallest or p.choices) for p in parameters], np.bool_)
        self._wanted, self._sent, self._now, self._way = np.zeros((4, len(parameters)))
        self._differs = np.zeros(len(parameters), np.bool_)
        self._glide, self._left, self._fresh, self._held = 1, 0, True, False

    def prepare(self, sample_rate: float) -> None:
        """[control] Take the sample rate, Hz, and begin where the vector stands."""
        self._glide = max(1, round(GLIDE_SECONDS * sample_rate))
        self._fresh = True

    def hold(self) -> None:
        """[control] Let the values stay where they are on their way to, whatever comes."""
        self._held = True

    def follow(self, vector: NDArray[np.float64], moved: bool, frames: int) -> NDArray[np.float64]:
        """[audio] Where the plugin's values should be at the end of the next `frames`.

        Parameters
        ----------
        vector : (VECTOR,) float64
        moved : bool
            Whether it may have changed since the last call.
        frames : int
        """
        if (moved and not self._held) or self._fresh:
            self._look(vector)
        if self._left > 0:
            np.subtract(self._wanted, self._now, out=self._way)
            np.multiply(self._way, min(1.0, frames / self._left), out=self._way)
            np.add(self._now, self._way, out=self._now)
            np.copyto(self._now, self._wanted, where=self._jumps)
            self._left -= frames
            if self._left <= 0:
                np.copyto(self._now, self._wanted)
        return self._now

    def _look(self, vector: NDArray[np.float64]) -> None:
        wanted = self._wanted
        np.take(vector, self._index, out=wanted, mode="clip")
        np.copyto(wanted, self._defaults, where=self._absent)
        np.fmax(wanted, self._lowest, out=wanted)  # of a NaN it makes the lowest
        np.fmin(wanted, self._highest, out=wanted)
        if self._fresh:
            np.copyto(self._now, wanted)
            np.copyto(self._sent, wanted)
            self._left, self._fresh = 0, False
        elif np.not_equal(wanted, self._sent, out=self._differs).any():
            np.copyto(self._sent, wanted)
            self._left = self._glide
