"""Fig. 7: where the descents of Fig. 6 end, over the shift of the target."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from mesosynth.figures.curves import CEILING, COLOURS, EVALUATIONS, SMALLEST, line_style
from mesosynth.figures.descents import METHODS
from mesosynth.figures.laboratory import Laboratory
from mesosynth.figures.settings import PAPER
from mesosynth.figures.shifted_descents import STARTS
from mesosynth.figures.style import new_figure, plain
from mesosynth.figures.table import Table

NAME = "final_distance"
SHIFTS = (0, *(2**n for n in (2, 3, 4, 6, 7, 8, 9, 10, 11, 12)))
_COLUMNS = (
    "setting", "method", "shift_samples", "evaluations", "f_m_hz", "gamma_oct_per_s", "loss",
    "distance",
)  # fmt: skip


def settings(quick: bool) -> dict[str, Any]:
    """Shifts in samples, starts and evaluations."""
    return {
        "shifts": (0, 4) if quick else SHIFTS, "evaluations": 6 if quick else EVALUATIONS,
        "starts": STARTS, "methods": [str(method) for method in METHODS],
    }  # fmt: skip


def count(chosen: Mapping[str, Any]) -> int:
    """How many ticks it takes."""
    return len(chosen["shifts"]) * len(METHODS)


def compute(chosen: Mapping[str, Any], laboratory: Laboratory) -> Table:
    """A row for every descent."""
    table = Table(_COLUMNS)
    for shift in chosen["shifts"]:
        for method in METHODS:
            start = STARTS[method.setting.name]
            run = laboratory.run(method, start, shift, chosen["evaluations"])
            table.rows.append((
                method.setting.name, method.name, shift, len(run.loss), float(run.theta[-1, 0]),
                float(run.theta[-1, 1]), float(run.loss[-1]), float(run.error[-1]),
            ))  # fmt: skip
    return table


def draw(table: Table) -> Figure:
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
