"""Fig. 4: descents from five starts far from the target, near it, and anywhere; no shift."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from mesosynth.figures.curves import COLUMNS, EVALUATIONS, add_run, draw_curves, ends
from mesosynth.figures.descents import METHODS
from mesosynth.figures.laboratory import Laboratory
from mesosynth.figures.settings import F_M, GAMMA, TARGET
from mesosynth.figures.style import new_figure
from mesosynth.figures.table import Table

NAME = "convergence"
REGIMES = {"far": (0.75, 1.0), "near": (0.05, 0.25), "anywhere": (0.0, 1.0)}
"""How far a start lies from the target, on the axis where it is further; 1 is the grid's edge.

The paper has titles with the ranges, which its text does not give.
"""

_REACHED = 0.05
"""Hz and octaves/s: what counts as arrived, about half a percent."""


def settings(quick: bool) -> dict[str, Any]:
    """Starts and evaluations, and the seed that draws the starts."""
    return {
        "starts": 1 if quick else 5, "evaluations": 6 if quick else EVALUATIONS, "seed": 0,
        "regimes": REGIMES, "methods": [str(method) for method in METHODS],
    }  # fmt: skip


def count(chosen: Mapping[str, Any]) -> int:
    """How many ticks it takes."""
    return chosen["starts"] * len(REGIMES) * len(METHODS)


def compute(chosen: Mapping[str, Any], laboratory: Laboratory) -> Table:
    """A row for every evaluation of every descent."""
    random = np.random.default_rng(chosen["seed"])
    table = Table(COLUMNS)
    for regime, distances in REGIMES.items():
        for start in draw_starts(random, chosen["starts"], distances):
            for method in METHODS:
                run = laboratory.run(method, start, 0, chosen["evaluations"])
                add_run(table, method, regime, start, 0, run)
    return table


def draw(table: Table) -> Figure:
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


def _tell_arrivals(axes: Any, part: Table) -> None:  # noqa: ANN401 - matplotlib's handles
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
    """Places on the grid's area as far from the target as the regime has it."""
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
