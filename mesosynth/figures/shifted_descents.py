"""Fig. 6: descents from one start towards a target that is shifted in time.

The paper starts at (4, 0.5) with shifts of 2^2, 2^4, 2^7 and 2^10 samples (HAL) or 2^3 in the place
of 2^4 (JAES): here with all of them. Its code starts at (4, 1.667).
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from mesosynth.figures.curves import COLUMNS, EVALUATIONS, add_run, draw_curves
from mesosynth.figures.descents import METHODS
from mesosynth.figures.laboratory import Laboratory
from mesosynth.figures.settings import GAMMA, GRID
from mesosynth.figures.style import new_figure
from mesosynth.figures.table import Table

NAME = "shifted_descents"
STARTS: dict[str, tuple[float, float]] = {
    "paper": (4.0, 0.5),
    "code": (4.0, float(np.geomspace(*GAMMA, GRID)[11])),
}
SHIFTS = (4, 8, 16, 128, 1024)


def settings(quick: bool) -> dict[str, Any]:
    """Shifts in samples, starts and evaluations."""
    return {
        "shifts": (4,) if quick else SHIFTS, "evaluations": 6 if quick else EVALUATIONS,
        "starts": STARTS, "methods": [str(method) for method in METHODS],
    }  # fmt: skip


def count(chosen: Mapping[str, Any]) -> int:
    """How many ticks it takes."""
    return len(chosen["shifts"]) * len(METHODS)


def compute(chosen: Mapping[str, Any], laboratory: Laboratory) -> Table:
    """A row for every evaluation of every descent."""
    table = Table(COLUMNS)
    for shift in chosen["shifts"]:
        for method in METHODS:
            start = STARTS[method.setting.name]
            run = laboratory.run(method, start, shift, chosen["evaluations"])
            add_run(table, method, "one start", start, shift, run)
    return table


def draw(table: Table) -> Figure:
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
