"""A map of the loss over two parameters, filled in around the live point in idle time."""

import time
from typing import TYPE_CHECKING

import numpy as np

from mesosynth.errors import ArgumentError
from mesosynth.matching import requests as matcher
from mesosynth.matching.process import MatcherProcess
from mesosynth.matching.requests import Explore
from mesosynth.session.match import Match
from mesosynth.session.signals import Emitter, Signal

if TYPE_CHECKING:
    from mesosynth.matching.results import Cell

_REST = 0.4  # s that the parameters must have stood still before a map follows them


class LossMap:
    """Asks the matcher for a map, and again whenever the target or another parameter moves it."""

    started = Signal(object, np.ndarray, np.ndarray)
    """A map begins, empty: ids of its two parameters and (n,) values on each axis, in the table's
    units. None and no values: there is no map any more."""
    filled = Signal(tuple, tuple)
    """Ids of the two parameters, and some more Cells, those nearest to the live point first."""

    def __init__(self, emit: Emitter, process: MatcherProcess, match: Match) -> None:
        self._emit, self._process, self._match = emit, process, match
        self._instrument = ""
        self._wanted: Explore | None = None  # as it was asked for, wherever the point is now
        self._sent: Explore | None = None  # as the matcher has it
        self._moved = 0.0  # when the point last moved
        self._cells: list[Cell] = []  # that have not been told

    @property
    def axes(self) -> tuple[str, str] | None:
        """The two parameters of the map; None while there is none."""
        return None if self._wanted is None else self._wanted.axes

    def explore(
        self,
        axes: tuple[str, str] | None,
        grid: tuple[int, int] = (24, 24),
        ranges: tuple[tuple[float, float], tuple[float, float]] | None = None,
    ) -> None:
        """Fill in the loss of the target and its gradient over two parameters.

        Parameters
        ----------
        axes : (str, str) or None
            Ids of two matchable parameters; None ends it.
        grid : (int, int)
            Values on each axis, at least 2.
        ranges : pair of (float, float), optional
            First and last value on each axis, of one sign on axes of logarithms; by default the
            parameters' own ranges, on the side of zero that the point is on.

        Raises
        ------
        ArgumentError
            If `axes` are not two different matchable parameters, `grid` is smaller, or another
            instrument plays than is matched.
        """
        if axes is None:
            self._wanted = None
            self._send()
            self._emit(self.started, None, np.zeros(0), np.zeros(0))
            return
        self._match.check_instrument()
        known = self._match.theta()
        if axes[0] == axes[1] or not set(axes) <= set(known):
            raise ArgumentError(
                f"axes={axes!r} must be two different parameters of {', '.join(known)}."
            )
        if min(grid) < 2:
            raise ArgumentError(f"grid={grid!r} must hold at least 2 values on each axis.")
        self._instrument = self._match.instrument
        self._wanted = Explore(axes, known, grid, ranges, self._match.settings.phi)
        self._send()

    def aim(self) -> None:
        """End a map of an instrument that is no longer matched."""
        if self._wanted is not None and self._instrument != self._match.instrument:
            self.explore(None)

    def hear(self, reply: matcher.Reply) -> None:
        """Take a reply of the matcher's process that is about the map."""
        match reply:
            case matcher.MapStarted(axes, x_values, y_values):
                self._cells.clear()  # of a map that is no more
                self._emit(self.started, axes, x_values, y_values)
            case matcher.MapCell(axes, cell):
                if axes == self.axes:
                    self._cells.append(cell)
            case _:
                pass

    def poll(self) -> None:
        """Tell what was filled in, and let the map follow the point once it has come to rest."""
        wanted = self._wanted
        if wanted is None:
            return
        if self._cells:
            cells, self._cells = tuple(self._cells), []
            self._emit(self.filled, wanted.axes, cells)
        values, phi = self._match.theta(), self._match.settings.phi
        if values and (values, phi) != (wanted.values, wanted.phi):
            self._wanted = Explore(wanted.axes, values, wanted.grid, wanted.ranges, phi)
            self._moved = time.monotonic()
        elif wanted is not self._sent and time.monotonic() - self._moved > _REST:
            self._send()

    def _send(self) -> None:
        self._sent = self._wanted
        self._process.explore(self._sent)
