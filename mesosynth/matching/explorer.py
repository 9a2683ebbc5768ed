"""A map of the loss that fills in while nothing else is asked of the matcher's process.

The loss at a cell does not depend on where the live point is, so a point that moves along the
map's own axes changes only which cells come next. What else moves makes another map.
"""

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from mesosynth.audio.target import Target
from mesosynth.errors import ArgumentError
from mesosynth.matching.loss_map import Checkpoint, Point, Ranges, cell, points
from mesosynth.matching.matcher import Matcher
from mesosynth.matching.model import Model
from mesosynth.matching.noise import onset_of
from mesosynth.matching.operator import PHIS
from mesosynth.matching.requests import Explore, MapCell, MapStarted

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Explorer:
    """Holds the map that is wanted, and what of it is still missing.

    Parameters
    ----------
    matcher : Matcher
        Whose operators compute it.
    on_start : callable
        Called with a :class:`MapStarted` before the first cell of another map.
    """

    def __init__(self, matcher: Matcher, on_start: Callable[[MapStarted], None]) -> None:
        self._matcher = matcher
        self._on_start = on_start
        self._target: Target | None = None
        self._S_target: NDArray[np.float64] | None = None
        self._wanted: Explore | None = None
        self._onset = 0.0
        self._missing: list[Point] = []
        self._map: object = None  # what makes a map another one

    @property
    def busy(self) -> bool:
        """Whether a cell is missing."""
        return bool(self._missing)

    def set_target(self, target: Target) -> None:
        """Explore this target's loss from now on."""
        self._target = target
        self._map = None
        if self._wanted is not None:
            self.want(self._wanted)

    def want(self, wanted: Explore | None) -> None:
        """Explore this, or nothing; what is there already is not computed again.

        Raises
        ------
        ArgumentError
            For axes, a grid, ranges or a Φ that make no map; then nothing is explored.
        """
        self._wanted = None
        missing, self._missing = self._missing, []
        if wanted is None:
            self._map = None
            return
        if wanted.phi not in PHIS:
            raise ArgumentError(f"phi={wanted.phi!r} does not exist; choose of {', '.join(PHIS)}.")
        model = self._matcher.operator.model
        state = model.state_of(wanted.values)
        ranges = wanted.ranges or _whole(model, wanted.axes, wanted.values)
        places = points(state, wanted.axes, wanted.grid, ranges, model=model)
        self._wanted = wanted
        if self._target is None:
            return
        identity = (wanted.axes, wanted.grid, ranges, wanted.phi, _still(model, wanted))
        if identity == self._map:
            left = {(place.i, place.j) for place in missing}
            self._missing = [place for place in places if (place.i, place.j) in left]
            return
        self._map, self._missing, self._S_target = identity, places, None
        self._on_start(_started(wanted, places))

    def next(self, checkpoint: Checkpoint) -> MapCell:
        """Compute the next cell; if `checkpoint` raises, it is still missing."""
        assert self._wanted is not None
        assert self._target is not None
        operator = self._matcher.operator_for(self._wanted.phi)
        point = self._missing[0]
        if self._S_target is None:
            checkpoint()
            self._S_target = operator.analyse(self._target.audio)
            if operator.hears_onset:
                x = operator.synthesize(point.state[: operator.model.onset])
                self._onset = onset_of(self._matcher.operator.jtfs, self._target.audio, x)
        if operator.hears_onset:
            point.state[operator.model.onset] = self._onset
        found = cell(operator, self._S_target, point, self._wanted.axes, checkpoint)
        del self._missing[0]
        return MapCell(self._wanted.axes, found)


def _whole(model: Model, axes: tuple[str, str], values: Mapping[str, float]) -> Ranges:
    """The parameters' own ranges, on the side of zero that the values are on."""
    ranges: list[tuple[float, float]] = []
    for id_ in axes:
        parameter = model.parameters[id_]
        if parameter.smallest:
            sign = math.copysign(1.0, values.get(id_, parameter.default))
            ranges.append((sign * parameter.smallest, sign * parameter.maximum))
        else:
            ranges.append((parameter.minimum, parameter.maximum))
    return ranges[0], ranges[1]


def _still(model: Model, wanted: Explore) -> bytes:
    """What the axes do not move."""
    values = {id_: value for id_, value in wanted.values.items() if id_ not in wanted.axes}
    return model.state_of(values).tobytes()


def _started(wanted: Explore, places: list[Point]) -> MapStarted:
    x, y = np.empty(wanted.grid[0]), np.empty(wanted.grid[1])
    for place in places:
        x[place.i], y[place.j] = place.values
    return MapStarted(wanted.axes, x, y)
