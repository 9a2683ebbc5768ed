"""Map of the loss and its gradient over two parameters, nearest cells first."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mesosynth.audio.target import ANALYSIS_RATE, ANALYSIS_SAMPLES, Target
from mesosynth.errors import ArgumentError
from mesosynth.instruments.chirplet import sweep_seconds
from mesosynth.matching.layer_models import layer_model
from mesosynth.matching.layers import render_layers
from mesosynth.matching.model import CHIRPLET, Model, State, model_named
from mesosynth.matching.noise import onset_of
from mesosynth.matching.operator import PHIS, Operator, shared_operator
from mesosynth.matching.results import Cell, Layer, MapAxes, MapSettings, Ranges
from mesosynth.plugins.parameters import Parameter
from mesosynth.system.steps import Steps

# --------------------------------------------------------------------------------------------------
# Loss and gradient around a point, nearest cells first
#
# The map can be stopped at any cell, and the cells near the live point are the most useful ones.


OCTAVES = 1.0
"""To each side of the point, on an axis that is given no range; of what may be zero, a quarter of
its range in the table."""


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
    """Loss and gradient at one point of a map.

    Parameters
    ----------
    operator : Operator
    S_target : (paths,) float64
        ``operator.analyse`` of the target.
    point : Point
        One of :func:`points`.
    axes : (str, str)
        Ids of the two parameters.

    Yields
    ------
    None

    Returns
    -------
    Cell
    """
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
    """Points of a map.

    Parameters
    ----------
    state : (theta + 2,) float64
        The point in the middle.
    axes : (str, str)
        Ids of two matchable parameters.
    grid : (int, int)
        Number of values on each axis, at least 2.
    ranges : pair of (float, float), optional
        First and last value on each axis, in the table's units; by default :data:`OCTAVES` to each
        side of the point, within the parameter's range. Both have one sign on logarithmic axes.
    nearest_first : bool
        Order by distance from the point, with both axes scaled to the same length; False goes
        column by column.
    model : Model
        Model of the instrument.

    Returns
    -------
    list of Point

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
    if _bends(parameter, low, high):
        travel = np.linspace(parameter.to_unit(low), parameter.to_unit(high), count)
        return np.array([parameter.from_unit(position) for position in travel])
    if low * high <= 0.0:
        raise ArgumentError(
            f"ranges holds ({low}, {high}) for {parameter.id}; both must have one sign, not 0."
        )
    return np.copysign(np.geomspace(abs(low), abs(high), count), low)


def _bends(parameter: Parameter, low: float, high: float) -> bool:
    """Whether an axis passes the part around 0 that is linear, not logarithmic."""
    least = min(abs(low), abs(high))
    return parameter.curve == "asinh" and (low * high <= 0.0 or least < parameter.smallest)


def _around(parameter: Parameter, here: float) -> tuple[float, float]:
    """A range around a value, within the parameter's own."""
    if parameter.curve == "linear":
        quarter = 0.25 * (parameter.maximum - parameter.minimum)
        return max(here - quarter, parameter.minimum), min(here + quarter, parameter.maximum)
    if _bends(parameter, here, here):
        travel = parameter.to_unit(here)
        return parameter.from_unit(travel - 0.25), parameter.from_unit(travel + 0.25)
    smallest = parameter.smallest or parameter.minimum
    low = max(abs(here) / 2.0**OCTAVES, smallest)
    high = min(abs(here) * 2.0**OCTAVES, parameter.maximum)
    return float(np.copysign(low, here)), float(np.copysign(high, here))


def _distance(parameter: Parameter, along: NDArray[np.float64], at: int, here: float) -> float:
    """Squared distance on one axis, in lengths of the axis."""
    if parameter.curve == "linear":
        return float((along[at] - here) / (along[-1] - along[0])) ** 2
    if _bends(parameter, along[0], along[-1]):
        first, last, value = (parameter.to_unit(v) for v in (along[0], along[-1], along[at]))
        return ((value - parameter.to_unit(here)) / (last - first)) ** 2
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
# Job: a map of the loss of a target.
#
# The loss at a cell does not depend on where the live point is, so a point that moves along the
# map's own axes changes only which cells come next.


def map_steps(
    target: Target,
    instrument: str,
    settings: MapSettings,
    known: Collection[tuple[int, int]] | None = None,
) -> Steps[MapAxes | Cell, None]:
    """Fill in a map, cells nearest to the point first; with layers, of the loss of their sum.

    Parameters
    ----------
    target : Target
    instrument : str
    settings : MapSettings
    known : collection of (int, int), optional
        Places of cells that are there already, of a map that is gone on with.

    Yields
    ------
    None, MapAxes or Cell
        The axes first, unless the map is gone on with.

    Raises
    ------
    ArgumentError
        For axes, a grid, ranges or a Φ that make no map.
    """
    if settings.phi not in PHIS:
        raise ArgumentError(f"phi={settings.phi!r} does not exist; choose of {', '.join(PHIS)}.")
    model, axes = model_named(instrument), settings.axes
    if settings.layers:
        model = layer_model(instrument).model
    state, ranges = model.state_of(settings.values), settings.whole_ranges(instrument)
    places = points(state, axes, settings.grid, ranges, model=model)
    if known is None:
        x, y = np.empty(settings.grid[0]), np.empty(settings.grid[1])
        for place in places:
            x[place.i], y[place.j] = place.values
        yield MapAxes(axes, x, y)
    yield
    operator = shared_operator(settings.phi, filters=settings.filters).of(model)
    S_target = operator.analyse(target.audio)
    onset = 0.0
    if operator.hears_onset:
        x = operator.synthesize(places[0].state[: model.onset])
        onset = onset_of(shared_operator().jtfs, target.audio, x)
    moving, *others = settings.layers or (None,)
    beside = _rendered(others, target) if others else np.zeros(ANALYSIS_SAMPLES, np.float32)
    for place in places:
        if known is not None and (place.i, place.j) in known:
            continue
        place.state[model.onset] = onset
        if moving is None:
            yield (yield from cell(operator, S_target, place, axes))
        else:
            theta = {**settings.values, **dict(zip(axes, place.values, strict=True))}
            sweeps = moving.instrument == "chirplet"
            lead = sweep_seconds(theta["w"], theta["gamma"]) / 2.0 if sweeps else 0.0
            layer = replace(moving, theta=theta, onset=moving.onset + lead)
            x = beside + _rendered([layer], target)
            loss = 0.5 * float(np.square(operator.analyse(x) - S_target).sum())
            yield Cell(place.i, place.j, place.values, loss, np.full(2, np.nan))
            yield


def _rendered(layers: Sequence[Layer], target: Target) -> NDArray[np.float32]:
    """Sum of layers, at the target's place and level."""
    sound = render_layers(layers, ANALYSIS_SAMPLES, ANALYSIS_RATE, target.start)
    return np.float32(target.scale) * sound
