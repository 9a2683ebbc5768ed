"""Table of a figure's numbers, and the style of the figures.

White paper, and colours that are distinct for everybody.
"""

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullFormatter, NullLocator
from numpy.typing import NDArray

if TYPE_CHECKING:
    from mesosynth.paper.descents import Laboratory

Entry = str | int | float


@dataclass
class FigureTable:
    """Rows of entries under named columns.

    Attributes
    ----------
    columns : tuple of str
    rows : list of tuple
    """

    columns: tuple[str, ...]
    rows: list[tuple[Entry, ...]] = field(default_factory=list[tuple[Entry, ...]])

    def where(self, **wanted: Entry) -> "FigureTable":
        """Rows with these entries."""
        places = [(self.columns.index(name), entry) for name, entry in wanted.items()]
        rows = [row for row in self.rows if all(row[place] == entry for place, entry in places)]
        return FigureTable(self.columns, rows)

    def numbers(self, column: str) -> NDArray[np.float64]:
        """One column as an array, (rows,)."""
        place = self.columns.index(column)
        return np.array([float(row[place]) for row in self.rows])

    def distinct(self, column: str) -> list[Entry]:
        """Different entries of one column, in order of appearance."""
        place = self.columns.index(column)
        return list(dict.fromkeys(row[place] for row in self.rows))

    def as_csv(self) -> str:
        """Comma-separated values below a line of names; nine digits."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(self.columns)
        for row in self.rows:
            writer.writerow([f"{e:.9g}" if isinstance(e, float) else e for e in row])
        return text.getvalue()


@dataclass(frozen=True)
class PaperFigure:
    """One of the paper's figures.

    Attributes
    ----------
    name : str
        Name of its files.
    settings : callable
        ``settings(quick)``: a dict of all settings of its numbers.
    count : callable
        ``count(settings)``: the number of ticks that it takes.
    compute : callable
        ``compute(settings, laboratory)``: its numbers.
    draw : callable
        ``draw(table)``: the picture, from the numbers alone.
    """

    name: str
    settings: Callable[[bool], dict[str, Any]]
    count: Callable[[Mapping[str, Any]], int]
    compute: Callable[[Mapping[str, Any], "Laboratory"], FigureTable]
    draw: Callable[[FigureTable], Figure]


BLUE, ORANGE, GREEN, RED, PURPLE, BLACK = (
    "#0072b2", "#e69f00", "#009e73", "#d55e00", "#cc79a7", "#222222",
)  # fmt: skip
"""Okabe and Ito's colours, distinct for colour-blind readers."""

GREY = "#767676"
LOSSES = "cividis"
SIGNED = "RdBu_r"


def new_figure(width: float, height: float, title: str, note: str) -> Figure:
    """An empty figure with a title and a note below.

    Parameters
    ----------
    width, height : float
        Inches.
    title, note : str

    Returns
    -------
    Figure
    """
    figure = Figure(figsize=(width, height), facecolor="white", layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(title, x=0.012, ha="left", size=15, weight="bold", color=BLACK)
    figure.supxlabel(note, x=0.012, ha="left", size=9.5, color=GREY)
    return figure


def plain(axes: Axes, title: str, x: str = "", y: str = "") -> None:
    """Set titles and labels, and remove the upper and right frame.

    Parameters
    ----------
    axes : Axes
    title : str
    x, y : str
        Labels.
    """
    axes.set_title(title, size=10.5, loc="left", color=BLACK)
    axes.set_xlabel(x, size=9.5)
    axes.set_ylabel(y, size=9.5)
    axes.tick_params(which="both", labelsize=8.5, length=3)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def log_ticks(axes: Axes, which: str, ticks: Sequence[float]) -> None:
    """Make an axis logarithmic, with some ticks in plain numbers.

    Parameters
    ----------
    axes : Axes
    which : {"x", "y"}
    ticks : sequence of float
    """
    (axes.set_xscale if which == "x" else axes.set_yscale)("log", base=2)
    axis = axes.xaxis if which == "x" else axes.yaxis
    axis.set_major_locator(FixedLocator(list(ticks)))
    axis.set_major_formatter(FuncFormatter(_number))
    axis.set_minor_locator(NullLocator())
    axis.set_minor_formatter(NullFormatter())


def _number(value: float, _place: int | None) -> str:
    return f"{value:g}"
