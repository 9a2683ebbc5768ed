"""Map of the loss and its gradient over two parameters, nearest cells first."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mesosynth.audio.target import Target
from mesosynth.errors import ArgumentError
from mesosynth.matching.model import CHIRPLET, Model, State
from mesosynth.matching.noise import onset_of
from mesosynth.matching.operator import PHIS, Operator, shared_operator
from mesosynth.matching.requests import Explore, MapCell, MapStarted
from mesosynth.matching.results import Cell
from mesosynth.plugins.parameters import Parameter
from mesosynth.system.steps import Steps

# --------------------------------------------------------------------------------------------------
# The loss and its gradient around a point, cell by cell, nearest first.
#
# A map of the neighbourhood fills in from where the listener is. It may end at any cell, and the
# cells that are there are the ones that matter most.


OCTAVES = 1.0
"""To each side of the point, on an axis that is given no range; of what may be zero, a quarter of
its range in the table."""

Ranges = tuple[tuple[float, float], tuple[float, float]]


@dataclass(frozen=True)
class Point:
    """A place on the map: column i and row j, the two values there, and the whole state."""

    i: int
    j: int
    values: tuple[float, float]
    state: State


def surface(
    operator: Operator,
    S_target: NDArray[np.float64],
    state: State,
    axes: tuple[str, str] = ("f_m", "gamma"),
    grid: tuple[int, int] = (20, 20),
    ranges: Ranges | None = None,
    nearest_first: bool = True,
) -> Steps[Cell, None]:
    """Loss and gradient on a grid around a state.

    Parameters
    ----------
    operator : Operator
    S_target : (paths,) float64
        ``operator.analyse`` of the target.
    state : (theta + 2,) float64
        The point; what the axes do not move stays as it is here.
    axes, grid, ranges, nearest_first
        As for :func:`points`.

    Yields
    ------
    None or Cell

    Raises
    ------
    ArgumentError
        For axes, a grid or ranges that make no map.
    """
    for point in points(state, axes, grid, ranges, nearest_first, operator.model):
        yield (yield from cell(operator, S_target, point, axes))


def cell(
    operator: Operator, S_target: NDArray[np.float64], point: Point, axes: tuple[str, str]
) -> Steps[None, Cell]:
    """Loss and gradient at one of :func:`points`; arguments as for :func:`surface`."""
    free = [operator.model.ids.index(id_) for id_ in axes]
    ordered = tuple(sorted(free))
    at = yield from operator.linearize_steps(point.state, ordered)
    residual = at.S - S_target
    gradient = at.J.T @ residual
    return Cell(
        i=point.i,
        j=point.j,
        values=point.values,
        loss=0.5 * float(residual @ residual),
        gradient=gradient[[ordered.index(place) for place in free]],
    )


def points(
    state: State,
    axes: tuple[str, str],
    grid: tuple[int, int],
    ranges: Ranges | None = None,
    nearest_first: bool = True,
    model: Model = CHIRPLET,
) -> list[Point]:
    """The places of a map.

    Parameters
    ----------
    state : (theta + 2,) float64
        The point in the middle.
    axes : (str, str)
        Ids of two matchable parameters.
    grid : (int, int)
        Values on each axis, at least 2.
    ranges : pair of (float, float), optional
        First and last value on each axis, in the table's units; by default :data:`OCTAVES` to each
        side of the point, within the parameter's range. Both have one sign on axes of logarithms.
    nearest_first : bool
        In order of distance from the point, with each axis as long as the other; False goes column
        by column.
    model : Model
        Whose parameters they are.

    Raises
    ------
    ArgumentError
        For axes, a grid or ranges that make no map.
    """
    _check(axes, grid, model)
    places = [model.ids.index(id_) for id_ in axes]
    table = [model.parameters[id_] for id_ in axes]
    values = [
        _values(moving, float(state[place]), count, None if ranges is None else ranges[axis])
        for axis, (moving, place, count) in enumerate(zip(table, places, grid, strict=True))
    ]
    found: list[tuple[float, Point]] = []
    for i, j in np.ndindex(*grid):
        there = state.copy()
        there[places] = values[0][i], values[1][j]
        distance = sum(
            _distance(moving, along, at, float(state[place]))
            for moving, along, at, place in zip(table, values, (i, j), places, strict=True)
        )
        point = Point(i, j, (float(values[0][i]), float(values[1][j])), there)
        found.append((distance, point))
    if nearest_first:
        found.sort(key=lambda each: each[0])
    return [point for _, point in found]


def _values(
    parameter: Parameter, here: float, count: int, wanted: tuple[float, float] | None
) -> NDArray[np.float64]:
    """Values along one axis, evenly spaced as the parameter moves."""
    low, high = _around(parameter, here) if wanted is None else wanted
    if not (np.isfinite([low, high]).all() and low != high):
        raise ArgumentError(
            f"ranges holds ({low}, {high}) for {parameter.id}; give two different numbers."
        )
    if parameter.curve == "linear":
        return np.linspace(low, high, count)
    if low * high <= 0.0:
        raise ArgumentError(
            f"ranges holds ({low}, {high}) for {parameter.id}; both must have one sign, not 0."
        )
    return np.copysign(np.geomspace(abs(low), abs(high), count), low)


def _around(parameter: Parameter, here: float) -> tuple[float, float]:
    """A range around a value, within the parameter's own."""
    if parameter.curve == "linear":
        quarter = 0.25 * (parameter.maximum - parameter.minimum)
        return max(here - quarter, parameter.minimum), min(here + quarter, parameter.maximum)
    smallest = parameter.smallest or parameter.minimum
    low = max(abs(here) / 2.0**OCTAVES, smallest)
    high = min(abs(here) * 2.0**OCTAVES, parameter.maximum)
    return float(np.copysign(low, here)), float(np.copysign(high, here))


def _distance(parameter: Parameter, along: NDArray[np.float64], at: int, here: float) -> float:
    """Squared distance on one axis, in lengths of the axis."""
    if parameter.curve == "linear":
        return float((along[at] - here) / (along[-1] - along[0])) ** 2
    return float(np.log(abs(along[at] / here)) / np.log(along[-1] / along[0])) ** 2


def _check(axes: tuple[str, str], grid: tuple[int, int], model: Model) -> None:
    for id_ in axes:
        if id_ not in model.ids:
            raise ArgumentError(f"axes holds {id_!r}, which is none of {', '.join(model.ids)}.")
    if len(set(axes)) != 2:
        raise ArgumentError(f"axes={axes!r} must name two different parameters.")
    if min(grid) < 2:
        raise ArgumentError(f"grid={grid!r} must hold at least 2 values on each axis.")


# --------------------------------------------------------------------------------------------------
# A map of the loss that fills in while nothing else is asked of the matcher's process.
#
# The loss at a cell does not depend on where the live point is, so a point that moves along the
# map's own axes changes only which cells come next. What else moves makes another map.


class Explorer:
    """Holds the map that is wanted, and what of it is still missing.

    Parameters
    ----------
    model : Model
        Of the instrument.
    on_start : callable
        Called with a :class:`MapStarted` before the first cell of another map.
    """

    def __init__(self, model: Model, on_start: Callable[[MapStarted], None]) -> None:
        self.model = model
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
        model = self.model
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

    def next(self) -> Steps[None, MapCell]:
        """Compute the next cell; left on the way, it is still missing."""
        assert self._wanted is not None
        assert self._target is not None
        operator = shared_operator(self._wanted.phi).of(self.model)
        point = self._missing[0]
        if self._S_target is None:
            yield
            self._S_target = operator.analyse(self._target.audio)
            if operator.hears_onset:
                x = operator.synthesize(point.state[: operator.model.onset])
                self._onset = onset_of(shared_operator().jtfs, self._target.audio, x)
        if operator.hears_onset:
            point.state[operator.model.onset] = self._onset
        found = yield from cell(operator, self._S_target, point, self._wanted.axes)
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
