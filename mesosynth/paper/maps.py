"""Fig. 3 and 5: maps of a loss over (f_m, gamma) with its gradient field."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from mesosynth.paper.descents import SHIFTS, GridCell, Laboratory, Shifts
from mesosynth.paper.drawing import (
    LOSSES,
    RED,
    FigureTable,
    PaperFigure,
    log_ticks,
    new_figure,
    plain,
)
from mesosynth.paper.losses import (
    CARRIER,
    CODE_FIELD,
    F_M,
    GRID,
    PAPER,
    PHIS,
    TARGET,
    Phi,
    Setting,
)

_COLUMNS = (
    "panel", "phi", "i", "j", "f_m_hz", "gamma_oct_per_s", "shift_samples", "loss",
    "gradient_log_f_m", "gradient_log_gamma",
)  # fmt: skip
_TARGET_IN_LOGS = np.log(TARGET)
_MOST_ARROWS = 12  # on one axis


@dataclass(frozen=True)
class Panel:
    """A row of maps, one per Φ: its name, setting, range of f_m, and shift of each cell."""

    name: str
    setting: Setting
    f_m: tuple[float, float]
    shift: Callable[[GridCell], int]
    setting_of_ours: Setting | None = None
    shifts: Shifts = SHIFTS

    def setting_for(self, phi: Phi) -> Setting:
        """Setting of one of the row's maps."""
        ours = self.setting_of_ours or self.setting
        return ours if phi == "JTFS averaged" else self.setting


def measure(panels: list[Panel], n: int, laboratory: Laboratory) -> FigureTable:
    """Table with a row for every cell of every map.

    Parameters
    ----------
    panels : list of Panel
    n : int
        Cells along each axis.
    laboratory : Laboratory

    Returns
    -------
    FigureTable
    """
    table = FigureTable(_COLUMNS)
    for panel in panels:
        for phi in PHIS:
            for place in laboratory.map(panel.setting_for(phi), phi, panel.f_m, n, panel.shifts):
                shift = panel.shift(place)
                gradient = place.gradient[shift]
                table.rows.append((
                    panel.name, phi, place.i, place.j, place.f_m, place.gamma, shift,
                    place.loss[shift], float(gradient[0]), float(gradient[1]),
                ))  # fmt: skip
    return table


def draw_maps(table: FigureTable, title: str, note: str) -> Figure:
    """Picture with a row of maps per panel.

    Parameters
    ----------
    table : FigureTable
        From :func:`measure`.
    title, note : str

    Returns
    -------
    Figure
    """
    names = [str(name) for name in table.distinct("panel")]
    figure = new_figure(12.5, 1.2 + 3.6 * len(names), title, note)
    grid = figure.subplots(len(names), len(PHIS), squeeze=False)
    for row, name in enumerate(names):
        for column, phi in enumerate(PHIS):
            axes = grid[row, column]
            part = table.where(panel=name, phi=phi)
            _map(axes, part)
            home = 100.0 * pointing_home(part)
            label = "Ours" if phi == "JTFS averaged" else phi
            plain(
                axes, f"{label}, {_with_powers(name)}\n{home:.0f}% of arrows point home",
                "f_m (Hz)" if row == len(names) - 1 else "", "γ (oct/s)" if column == 0 else "",
            )  # fmt: skip
    bar = figure.colorbar(grid[0, 0].collections[0], ax=grid, aspect=50, pad=0.012, shrink=0.6)
    bar.set_label("Loss / largest of the map", size=9.5)
    bar.ax.tick_params(labelsize=8.5)
    return figure


def pointing_home(part: FigureTable) -> float:
    """Share of cells, 0 to 1, from which a small step down the gradient comes nearer the target.

    Nearer in logarithms, with both axes scaled to the same length; the nearest cell is not counted.
    """
    home, down, length = _home(part), _down(part), _lengths(part)
    scaled, stepped = home / length, down / length
    counted = np.linalg.norm(scaled, axis=1) > np.linalg.norm(scaled, axis=1).min() + 1e-9
    return float(np.mean((np.sum(scaled * stepped, axis=1) > 0.0)[counted]))


def _with_powers(name: str) -> str:
    """`name` with its powers of two as exponents."""
    return re.sub(r"2\^(\d+)", r"$2^{\1}$", name)


def _home(part: FigureTable) -> NDArray[np.float64]:
    """From each cell to the target, in logarithms: (cells, 2)."""
    here = np.column_stack([part.numbers("f_m_hz"), part.numbers("gamma_oct_per_s")])
    return _TARGET_IN_LOGS - np.log(here)


def _down(part: FigureTable) -> NDArray[np.float64]:
    """Down the gradient, (cells, 2)."""
    return -np.column_stack([part.numbers("gradient_log_f_m"), part.numbers("gradient_log_gamma")])


def _lengths(part: FigureTable) -> NDArray[np.float64]:
    """Lengths of the two axes, in logarithms, (2,)."""
    return np.ptp(_home(part), axis=0)


def _map(axes: Axes, part: FigureTable) -> None:
    """Draw the loss in colour, its descent as arrows, the target, and the lowest cell."""
    n = int(part.numbers("i").max()) + 1
    i, j = part.numbers("i").astype(int), part.numbers("j").astype(int)
    picture = np.empty((n, n))
    picture[j, i] = part.numbers("loss") / part.numbers("loss").max()
    f_m, gamma = (np.unique(part.numbers(name)) for name in ("f_m_hz", "gamma_oct_per_s"))
    axes.pcolormesh(
        f_m, gamma, picture, cmap=LOSSES, vmin=0.0, vmax=1.0, shading="nearest", rasterized=True
    )
    log_ticks(axes, "x", [4, 6, 8, 12, 16])
    log_ticks(axes, "y", [0.5, 1, 2, 4])
    axes.contour(f_m, gamma, picture, levels=8, colors="white", linewidths=0.5, alpha=0.5)
    stride = -(-n // _MOST_ARROWS)
    shown = (i % stride == 0) & (j % stride == 0)
    # Both axes of the same length, so that an arrow is at right angles to the contours.
    arrows = (_down(part) / _lengths(part))[shown]
    arrows /= np.maximum(np.linalg.norm(arrows, axis=1, keepdims=True), 1e-300)
    axes.quiver(
        part.numbers("f_m_hz")[shown], part.numbers("gamma_oct_per_s")[shown],
        arrows[:, 0], arrows[:, 1], color="white", edgecolor="black", linewidth=0.4,
        pivot="middle", scale=20.0, width=0.0075, headwidth=4.0,
    )  # fmt: skip
    lowest = int(np.argmin(part.numbers("loss")))
    axes.plot(
        part.numbers("f_m_hz")[lowest], part.numbers("gamma_oct_per_s")[lowest], "s",
        markersize=11, markerfacecolor="none", markeredgecolor="white", markeredgewidth=1.8,
    )  # fmt: skip
    axes.plot(*TARGET, "o", color=RED, markersize=7, markeredgecolor="white")


_CODES_F_M = (4.0, 15.0)


def _in_place(_place: GridCell) -> int:
    return 0


def _papers(_place: GridCell) -> int:
    return 2**10


def _codes(_place: GridCell) -> int:
    return 2**8


_PANELS = [
    Panel("no shift", PAPER, F_M, _in_place),
    Panel("shift 2^10", PAPER, F_M, _papers),
    Panel("the code's, shift 2^8", CODE_FIELD, _CODES_F_M, _codes,
          replace(CODE_FIELD, carrier=CARRIER), (2**8,)),
]  # fmt: skip


def _surfaces_settings(quick: bool) -> dict[str, Any]:
    """The grid's size; the rest is the panels'."""
    panels = [(panel.name, str(panel.setting), panel.f_m) for panel in _PANELS]
    return {"grid": 4 if quick else GRID, "panels": panels}


def _surfaces_count(chosen: Mapping[str, Any]) -> int:
    """Number of ticks."""
    return chosen["grid"] ** 2 * len(PHIS) * len(_PANELS)


def _surfaces_compute(chosen: Mapping[str, Any], laboratory: Laboratory) -> FigureTable:
    """Table with a row for every cell of every map."""
    return measure(_PANELS, chosen["grid"], laboratory)


def _surfaces_draw(table: FigureTable) -> Figure:
    """A row of maps for each shift."""
    return draw_maps(
        table, "Fig. 3  Loss surfaces and gradient fields",
        "Dot: target.  Square: lowest cell.  Arrows: down the gradient, all of one length; the "
        "code's leaves out the amplitude, which its loss hears.",
    )  # fmt: skip


LOSS_SURFACES = PaperFigure(
    "loss_surfaces", _surfaces_settings, _surfaces_count, _surfaces_compute, _surfaces_draw
)
"""Fig. 3: loss surfaces and gradient fields, with a target in place and with one that is shifted.

The paper shows the shifted one alone. Its code has other settings (``grad_field.py``): what it
compares with the target has another carrier, so nothing is resolved along log-frequency, and the
gradient knows nothing of the amplitude that the loss hears. Ours has the target's carrier there.
"""


def _random_settings(quick: bool) -> dict[str, Any]:
    """The grid's size, the exponents, and the seed that draws them."""
    return {"grid": 4 if quick else GRID, "exponents": (8, 12), "seed": 0, "setting": str(PAPER)}


def _random_count(chosen: Mapping[str, Any]) -> int:
    """Number of ticks."""
    return chosen["grid"] ** 2 * len(PHIS) * 2


def _random_compute(chosen: Mapping[str, Any], laboratory: Laboratory) -> FigureTable:
    """A row for every cell of every map; all Φ get the same shifts."""
    n, (low, high) = chosen["grid"], chosen["exponents"]
    drawn = 2 ** np.random.default_rng(chosen["seed"]).integers(low, high, (n, n), endpoint=True)

    def drawn_at(place: GridCell) -> int:
        return int(drawn[place.i, place.j])

    def in_place(_place: GridCell) -> int:
        return 0

    panels = [
        Panel("no shift", PAPER, F_M, in_place),
        Panel(f"random shifts 2^{low} to 2^{high}", PAPER, F_M, drawn_at),
    ]
    return measure(panels, n, laboratory)


def _random_draw(table: FigureTable) -> Figure:
    """A row of maps without shifts, and one with them."""
    return draw_maps(
        table, "Fig. 5  Loss surfaces under random shifts",
        "Dot: target.  Square: lowest cell.  Arrows: down the gradient, all of one length.",
    )  # fmt: skip


RANDOM_SHIFTS = PaperFigure(
    "random_shifts", _random_settings, _random_count, _random_compute, _random_draw
)
"""Fig. 5: loss surfaces when every sound is shifted by 2^n samples, n drawn from 8 to 12."""
