"""The part of a session that looks around in the loss while nothing else goes on."""

import time

import numpy as np

from mesosynth.errors import ArgumentError
from mesosynth.matching.requests import Explore
from mesosynth.session.events import ExploreStarted
from mesosynth.session.matching import Matching

_REST = 0.4  # s that the parameters must have stood still before a map follows them


class Exploring(Matching):
    """Has a map of the loss filled in around the live point."""

    _explored: Explore | None = None  # as it was asked for, wherever the point is now
    _sent: Explore | None = None  # as the matcher knows it
    _moved = 0.0  # when the point last moved

    def explore(
        self,
        axes: tuple[str, str] | None,
        grid: tuple[int, int] = (24, 24),
        ranges: tuple[tuple[float, float], tuple[float, float]] | None = None,
    ) -> None:
        """Fill in the loss of the target and its gradient over two parameters, in idle time.

        `poll` reports ExploreStarted, and again whenever the target or another parameter makes it
        another map; then Explored, cells nearest to the live point first.

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
            self._explored = self._sent = None
            self._matcher.explore(None)
            self._events.append(ExploreStarted(None, np.zeros(0), np.zeros(0)))
            return
        self.check_matched()
        known = self._matchable_values()
        if axes[0] == axes[1] or not set(axes) <= set(known):
            raise ArgumentError(
                f"axes={axes!r} must be two different parameters of {', '.join(known)}."
            )
        if min(grid) < 2:
            raise ArgumentError(f"grid={grid!r} must hold at least 2 values on each axis.")
        self._explored = Explore(axes, known, grid, ranges, self.match_settings.phi)
        self._send_map(self._explored)

    def _match_what_plays(self) -> None:
        before = self._matched_instrument
        super()._match_what_plays()
        if self._matched_instrument != before and self._explored is not None:
            self.explore(None)  # its axes are the other instrument's

    @property
    def explored_axes(self) -> tuple[str, str] | None:
        """The two parameters of the map, None if nothing is explored."""
        return None if self._explored is None else self._explored.axes

    def ask_drivers(self) -> None:
        """Tell which coefficients would drive a match from here; `poll` reports Drivers.

        Raises
        ------
        ArgumentError
            If another instrument plays than is matched.
        """
        self.check_matched()
        self._matcher.ask_drivers(self._matchable_values(), self.match_settings.unknowns)

    def _poll_exploring(self) -> None:
        """Let the map follow the point once it has come to rest."""
        if self._explored is None:
            return
        values, phi = self._matchable_values(), self.match_settings.phi
        if values and (values, phi) != (self._explored.values, self._explored.phi):
            self._explored = Explore(
                self._explored.axes, values, self._explored.grid, self._explored.ranges, phi
            )
            self._moved = time.monotonic()
        elif self._explored is not self._sent and time.monotonic() - self._moved > _REST:
            self._send_map(self._explored)

    def _send_map(self, wanted: Explore) -> None:
        self._sent = wanted
        self._matcher.explore(wanted)
