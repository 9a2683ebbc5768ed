"""How the figures look: paper white, colours that everybody can tell apart."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullFormatter, NullLocator

BLUE, ORANGE, GREEN, RED, PURPLE, BLACK = (
    "#0072b2", "#e69f00", "#009e73", "#d55e00", "#cc79a7", "#222222",
)  # fmt: skip
"""Okabe and Ito's, which those who confuse red and green can tell apart."""

GREY = "#767676"
LOSSES = "cividis"
SIGNED = "RdBu_r"
DPI = 110


def new_figure(width: float, height: float, title: str, note: str) -> Figure:
    """An empty figure of so many inches, with its title and a line below it."""
    figure = Figure(figsize=(width, height), facecolor="white", layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(title, x=0.012, ha="left", size=15, weight="bold", color=BLACK)
    figure.supxlabel(note, x=0.012, ha="left", size=9.5, color=GREY)
    return figure


def plain(axes: Axes, title: str, x: str = "", y: str = "") -> None:
    """Titles, labels, and no frame more than needed."""
    axes.set_title(title, size=10.5, loc="left", color=BLACK)
    axes.set_xlabel(x, size=9.5)
    axes.set_ylabel(y, size=9.5)
    axes.tick_params(which="both", labelsize=8.5, length=3)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def log_ticks(axes: Axes, which: str, ticks: Sequence[float]) -> None:
    """A logarithmic axis with these ticks, written as people write them."""
    (axes.set_xscale if which == "x" else axes.set_yscale)("log", base=2)
    axis = axes.xaxis if which == "x" else axes.yaxis
    axis.set_major_locator(FixedLocator(list(ticks)))
    axis.set_major_formatter(FuncFormatter(_number))
    axis.set_minor_locator(NullLocator())
    axis.set_minor_formatter(NullFormatter())


def _number(value: float, _place: int | None) -> str:
    return f"{value:g}"
