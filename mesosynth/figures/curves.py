"""Descents as rows and as curves, for Fig. 4, 6 and 7."""

from collections.abc import Iterable

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from mesosynth.figures.descents import Method, Run
from mesosynth.figures.style import BLACK, BLUE, GREEN, ORANGE, PURPLE, RED, plain
from mesosynth.figures.table import Table

COLUMNS = (
    "setting", "method", "regime", "start_f_m_hz", "start_gamma_oct_per_s", "shift_samples",
    "evaluation", "f_m_hz", "gamma_oct_per_s", "loss", "distance",
)  # fmt: skip

EVALUATIONS = 100
"""Of a descent, as in the paper's code."""

SMALLEST = 1e-3
"""Distances are drawn down to this one: a hundredth of a percent of f_m."""

COLOURS = {
    "JTFS, bold driver": BLUE,
    "MSS, bold driver": ORANGE,
    "JTFS, bold driver, told the truth": PURPLE,
    "MSS, bold driver, told the truth": RED,
    "ours": GREEN,
}

CEILING = 300.0
"""Of the axis of distances; the legend needs room above the curves."""


def add_run(
    table: Table, method: Method, regime: str, start: tuple[float, float], shift: int, run: Run
) -> None:
    """Add a row for each evaluation."""
    for evaluation, (theta, loss, error) in enumerate(
        zip(run.theta, run.loss, run.error, strict=True), start=1
    ):
        table.rows.append((
            method.setting.name, method.name, regime, *start, shift, evaluation,
            float(theta[0]), float(theta[1]), float(loss), float(error),
        ))  # fmt: skip


def draw_curves(axes: Axes, part: Table, title: str, *, first: bool) -> None:
    """Distance over evaluations, a colour a method: geometric mean, and the range as a shade."""
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
    """Dashes for what is told the truth: these curves often lie on others."""
    return "--" if "truth" in method else "-"


def ends(part: Table) -> NDArray[np.float64]:
    """Last distance of each run."""
    return np.array([run[-1] for run in _runs(part)])


def _runs(part: Table) -> Iterable[NDArray[np.float64]]:
    """Distances of each run, which begin at evaluation 1."""
    distance = part.numbers("distance")
    begins = np.flatnonzero(part.numbers("evaluation") == 1.0)
    return np.split(distance, begins[1:])
