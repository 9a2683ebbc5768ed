"""Fig. 4, 6 and 7: descents as tables, as curves, and by their final distance."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from mesosynth.paper.descents import METHODS, Descent, Laboratory, Method
from mesosynth.paper.drawing import (
    BLACK,
    BLUE,
    GREEN,
    ORANGE,
    PURPLE,
    RED,
    FigureTable,
    PaperFigure,
    new_figure,
    plain,
)
from mesosynth.paper.losses import F_M, GAMMA, GRID, PAPER, TARGET

COLUMNS = (
    "setting", "method", "regime", "start_f_m_hz", "start_gamma_oct_per_s", "shift_samples",
    "evaluation", "f_m_hz", "gamma_oct_per_s", "loss", "distance",
)  # fmt: skip

EVALUATIONS = 100
"""Evaluations of a descent, as in the paper's code."""

SMALLEST = 1e-3
"""Smallest distance that is drawn: a hundredth of a percent of f_m."""

COLOURS = {
    "JTFS, bold driver": BLUE,
    "MSS, bold driver": ORANGE,
    "JTFS, bold driver, told the truth": PURPLE,
    "MSS, bold driver, told the truth": RED,
    "ours": GREEN,
}

CEILING = 300.0
"""Upper end of the axis of distances, with room for the legend above the curves."""


def add_run(
    table: FigureTable,
    method: Method,
    regime: str,
    start: tuple[float, float],
    shift: int,
    run: Descent,
) -> None:
    """Add a row for each evaluation of a descent.

    Parameters
    ----------
    table : FigureTable
        Changed in place.
    method : Method
    regime : str
        Name of the distance of the start.
    start : (float, float)
        f_m, Hz, and gamma, octaves/s.
    shift : int
        Of the target, samples.
    run : Descent
    """
    for evaluation, (theta, loss, error) in enumerate(
        zip(run.theta, run.loss, run.error, strict=True), start=1
    ):
        table.rows.append((
            method.setting.name, method.name, regime, *start, shift, evaluation,
            float(theta[0]), float(theta[1]), float(loss), float(error),
        ))  # fmt: skip


def draw_curves(axes: Axes, part: FigureTable, title: str, *, first: bool) -> None:
    """Draw distance over evaluations, one colour per method: geometric mean, and range as a shade.

    Parameters
    ----------
    axes : Axes
    part : FigureTable
    title : str
    first : bool
        Whether it is the first panel of its row, which has the label.
    """
    for name in part.distinct("method"):
        runs = list(_runs(part.where(method=name)))
        longest = max(EVALUATIONS, *(len(run) for run in runs))
        curves = np.array([np.pad(run, (0, longest - len(run)), mode="edge") for run in runs])
        curves = np.maximum(curves, SMALLEST)
        evaluations = np.arange(1, longest + 1)
        colour = COLOURS.get(str(name), BLACK)
        mean = np.exp(np.log(curves).mean(axis=0))
        axes.fill_between(
            evaluations, curves.min(axis=0), curves.max(axis=0), color=colour, alpha=0.14, lw=0
        )
        axes.plot(evaluations, mean, line_style(str(name)), color=colour, lw=2.0, label=str(name))
    axes.set_yscale("log")
    axes.set_ylim(0.8 * SMALLEST, CEILING)
    axes.set_xlim(1, EVALUATIONS)
    axes.grid(color="#e4e4e4", lw=0.6)
    plain(axes, title, "Evaluations", "Distance to θ (Hz, oct/s)" if first else "")


def line_style(method: str) -> str:
    """Dashes for methods that know the true parameters: their curves often cover others."""
    return "--" if "truth" in method else "-"


def ends(part: FigureTable) -> NDArray[np.float64]:
    """Final distance of each run."""
    return np.array([run[-1] for run in _runs(part)])


def _runs(part: FigureTable) -> Iterable[NDArray[np.float64]]:
    """Distances of each run, which begin at evaluation 1."""
    distance = part.numbers("distance")
    begins = np.flatnonzero(part.numbers("evaluation") == 1.0)
    return np.split(distance, begins[1:])


REGIMES = {"far": (0.75, 1.0), "near": (0.05, 0.25), "anywhere": (0.0, 1.0)}
"""Distance of a start to the target, on the axis where it is larger; 1 is the grid's edge.

The paper gives the ranges in titles, not in its text.
"""

_REACHED = 0.05
"""Final distance that counts as found, Hz and octaves/s: about half a percent."""


def _convergence_settings(quick: bool) -> dict[str, Any]:
    """Starts and evaluations, and the seed that draws the starts."""
    return {
        "starts": 1 if quick else 5, "evaluations": 6 if quick else EVALUATIONS, "seed": 0,
        "regimes": REGIMES, "methods": [str(method) for method in METHODS],
    }  # fmt: skip


def _convergence_count(chosen: Mapping[str, Any]) -> int:
    """Number of ticks."""
    return chosen["starts"] * len(REGIMES) * len(METHODS)


def _convergence_compute(chosen: Mapping[str, Any], laboratory: Laboratory) -> FigureTable:
    """Table with a row for every evaluation of every descent."""
    random = np.random.default_rng(chosen["seed"])
    table = FigureTable(COLUMNS)
    for regime, distances in REGIMES.items():
        for start in draw_starts(random, chosen["starts"], distances):
            for method in METHODS:
                run = laboratory.run(method, start, 0, chosen["evaluations"])
                add_run(table, method, regime, start, 0, run)
    return table


def _convergence_draw(table: FigureTable) -> Figure:
    """A row of panels a setting, a column a regime."""
    names = [str(name) for name in table.distinct("setting")]
    figure = new_figure(
        13.0, 1.3 + 3.6 * len(names), "Fig. 4  From far, near and anywhere",
        "Lines: geometric mean over the starts.  Shade: their range.  "
        f"In the legends: runs of each method that end within {_REACHED:g}.",
    )  # fmt: skip
    grid = figure.subplots(len(names), len(REGIMES), sharex=True, sharey=True, squeeze=False)
    for row, name in enumerate(names):
        for column, regime in enumerate(REGIMES):
            part = table.where(setting=name, regime=regime)
            draw_curves(
                grid[row, column], part, f"The {name}'s setting, {regime}", first=column == 0
            )
            _tell_arrivals(grid[row, column], part)
    return figure


def _tell_arrivals(axes: Any, part: FigureTable) -> None:  # noqa: ANN401 - matplotlib's handles
    """A legend that says how many runs of each method arrived."""
    handles, labels = axes.get_legend_handles_labels()
    told: list[str] = []
    for label in labels:
        last = ends(part.where(method=label))
        told.append(f"{label}: {np.count_nonzero(last < _REACHED)}/{len(last)}")
    axes.legend(handles, told, fontsize=7.5, loc="upper right", framealpha=0.0)


def draw_starts(
    random: np.random.Generator, count: int, distances: tuple[float, float]
) -> list[tuple[float, float]]:
    """Random starts at a distance from the target.

    Parameters
    ----------
    random : Generator
    count : int
    distances : (float, float)
        Range, as in :data:`REGIMES`.

    Returns
    -------
    list of (float, float)
        f_m, Hz, and gamma, octaves/s.
    """
    low, high = (np.log([ends[k] for ends in (F_M, GAMMA)]) for k in (0, 1))
    target = np.log(TARGET)
    found: list[tuple[float, float]] = []
    while len(found) < count:
        drawn = random.uniform(low, high)
        edge = np.where(drawn > target, high - target, target - low)
        if distances[0] <= float(np.abs((drawn - target) / edge).max()) <= distances[1]:
            f_m, gamma = np.exp(drawn)
            found.append((float(f_m), float(gamma)))
    return found


CONVERGENCE = PaperFigure(
    "convergence",
    _convergence_settings,
    _convergence_count,
    _convergence_compute,
    _convergence_draw,
)
"""Fig. 4: descents from five starts far from the target, near it, and anywhere; no shift."""


STARTS: dict[str, tuple[float, float]] = {
    "paper": (4.0, 0.5),
    "code": (4.0, float(np.geomspace(*GAMMA, GRID)[11])),
}
SHIFTED_SHIFTS = (4, 8, 16, 128, 1024)
"""Shifts of Fig. 6, samples."""


def _shifted_settings(quick: bool) -> dict[str, Any]:
    """Shifts in samples, starts and evaluations."""
    return {
        "shifts": (4,) if quick else SHIFTED_SHIFTS, "evaluations": 6 if quick else EVALUATIONS,
        "starts": STARTS, "methods": [str(method) for method in METHODS],
    }  # fmt: skip


def _shifted_count(chosen: Mapping[str, Any]) -> int:
    """Number of ticks."""
    return len(chosen["shifts"]) * len(METHODS)


def _shifted_compute(chosen: Mapping[str, Any], laboratory: Laboratory) -> FigureTable:
    """Table with a row for every evaluation of every descent."""
    table = FigureTable(COLUMNS)
    for shift in chosen["shifts"]:
        for method in METHODS:
            start = STARTS[method.setting.name]
            run = laboratory.run(method, start, shift, chosen["evaluations"])
            add_run(table, method, "one start", start, shift, run)
    return table


def _shifted_draw(table: FigureTable) -> Figure:
    """A panel a setting."""
    shifts = ", ".join(f"{int(float(shift))}" for shift in table.distinct("shift_samples"))
    figure = new_figure(
        11.5, 4.9, "Fig. 6  Towards a target that is shifted",
        f"Shifts: {shifts} samples.  Lines: geometric mean over them.  Shade: their range.",
    )  # fmt: skip
    grid = figure.subplots(1, len(STARTS), sharey=True)
    for axes, (name, (f_m, gamma)) in zip(grid, STARTS.items(), strict=True):
        title = f"The {name}'s setting, from ({f_m:g} Hz, {gamma:.4g} oct/s)"
        draw_curves(axes, table.where(setting=name), title, first=name == "paper")
        axes.legend(fontsize=8.5, loc="upper right", framealpha=0.0)
    return figure


SHIFTED_DESCENTS = PaperFigure(
    "shifted_descents", _shifted_settings, _shifted_count, _shifted_compute, _shifted_draw
)
"""Fig. 6: descents from one start towards a target that is shifted in time.

The paper starts at (4, 0.5) with shifts of 2^2, 2^4, 2^7 and 2^10 samples (HAL) or 2^3 in the place
of 2^4 (JAES): here with all of them. Its code starts at (4, 1.667).
"""


FINAL_SHIFTS = (0, *(2**n for n in (2, 3, 4, 6, 7, 8, 9, 10, 11, 12)))
"""Shifts of Fig. 7, samples."""

_FINAL_COLUMNS = (
    "setting", "method", "shift_samples", "evaluations", "f_m_hz", "gamma_oct_per_s", "loss",
    "distance",
)  # fmt: skip


def _final_settings(quick: bool) -> dict[str, Any]:
    """Shifts in samples, starts and evaluations."""
    return {
        "shifts": (0, 4) if quick else FINAL_SHIFTS, "evaluations": 6 if quick else EVALUATIONS,
        "starts": STARTS, "methods": [str(method) for method in METHODS],
    }  # fmt: skip


def _final_count(chosen: Mapping[str, Any]) -> int:
    """Number of ticks."""
    return len(chosen["shifts"]) * len(METHODS)


def _final_compute(chosen: Mapping[str, Any], laboratory: Laboratory) -> FigureTable:
    """Table with a row for every descent."""
    table = FigureTable(_FINAL_COLUMNS)
    for shift in chosen["shifts"]:
        for method in METHODS:
            start = STARTS[method.setting.name]
            run = laboratory.run(method, start, shift, chosen["evaluations"])
            table.rows.append((
                method.setting.name, method.name, shift, len(run.loss), float(run.theta[-1, 0]),
                float(run.theta[-1, 1]), float(run.loss[-1]), float(run.error[-1]),
            ))  # fmt: skip
    return table


def _final_draw(table: FigureTable) -> Figure:
    """A panel a setting, a line a method."""
    most = int(table.numbers("evaluations").max())
    figure = new_figure(
        11.5, 4.9, "Fig. 7  Where descents end, over the target's shift",
        f"After at most {most} evaluations, from the starts of Fig. 6.  Distances below "
        f"{SMALLEST:g} are drawn there.",
    )  # fmt: skip
    grid = figure.subplots(1, len(STARTS), sharey=True)
    shifts = [int(float(shift)) for shift in table.distinct("shift_samples")]
    for axes, (name, (f_m, gamma)) in zip(grid, STARTS.items(), strict=True):
        part = table.where(setting=name)
        for method in part.distinct("method"):
            distance = np.maximum(part.where(method=method).numbers("distance"), SMALLEST)
            axes.plot(
                range(len(shifts)), distance, f"o{line_style(str(method))}", ms=5, lw=1.6,
                label=str(method), color=COLOURS[str(method)],
            )  # fmt: skip
        axes.set_xticks(range(len(shifts)), [_power(shift) for shift in shifts])
        axes.set_yscale("log")
        axes.set_ylim(0.8 * SMALLEST, CEILING)
        axes.grid(color="#e4e4e4", lw=0.6)
        title = f"The {name}'s setting, from ({f_m:g} Hz, {gamma:.4g} oct/s)"
        first = name == PAPER.name
        plain(axes, title, "Shift (samples)", "Final distance to θ (Hz, oct/s)" if first else "")
        axes.legend(fontsize=8.5, loc="upper right", framealpha=0.0)
    return figure


def _power(shift: int) -> str:
    return "none" if shift == 0 else f"$2^{{{shift.bit_length() - 1}}}$"


FINAL_DISTANCE = PaperFigure(
    "final_distance", _final_settings, _final_count, _final_compute, _final_draw
)
"""Fig. 7: where the descents of Fig. 6 end, over the shift of the target."""
