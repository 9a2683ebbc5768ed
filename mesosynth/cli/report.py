"""Report of a match as one picture: scalograms, JTFS as scale × rate, steps, loss."""

import math
from itertools import pairwise
from pathlib import Path

import numpy as np
from matplotlib import colors
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.gridspec import GridSpec
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullFormatter, NullLocator
from numpy.typing import NDArray

from mesosynth.errors import ArgumentError
from mesosynth.instruments.chirplet import SLOWEST
from mesosynth.matching.results import Analysis, MatchResult, table_of
from mesosynth.system.atomic_file import draft_of, writing

_GROUND = "#121419"
_WELL = "#0d0f13"
_LINE = "#2e343f"
_TEXT = "#d7dce4"
_DIM = "#8b95a5"
_ACCENT = "#ffb454"
_FLOOR_DB = -60.0
_DIFFERENCE = colors.LinearSegmentedColormap.from_list(
    "difference", ["#8ec5ff", "#2f6fd0", _WELL, "#d0453a", "#ffb3a1"]
)


def save_report(
    path: Path, name: str, result: MatchResult, target: Analysis, sound: Analysis
) -> None:
    """Draw a match and write it as a PNG.

    Parameters
    ----------
    path : Path
    name : str
        Name of the target.
    result : MatchResult
    target, sound : Analysis
        Pictures of the target and of the match.

    Raises
    ------
    ArgumentError
        If `path` cannot be written.
    """
    figure = draw_report(name, result, target, sound)
    with writing(path, ArgumentError), draft_of(path) as draft:
        figure.savefig(draft, format="png", dpi=120)


def draw_report(name: str, result: MatchResult, target: Analysis, sound: Analysis) -> Figure:
    """Draw a match; parameters as for :func:`save_report`.

    Parameters
    ----------
    name : str
    result : MatchResult
    target, sound : Analysis

    Returns
    -------
    Figure
        The picture that :func:`save_report` writes.
    """
    figure = Figure(figsize=(13.0, 11.0), facecolor=_GROUND)
    FigureCanvasAgg(figure)
    grid = GridSpec(
        3, 6, figure, left=0.07, right=0.97, bottom=0.06, top=0.885, wspace=0.95, hspace=0.42,
        height_ratios=(1.15, 1.0, 1.0),
    )  # fmt: skip
    figure.text(0.07, 0.955, f"Match of {_plain(name)}", color=_TEXT, size=17, weight="bold")
    figure.text(0.07, 0.93, _found(result), color=_DIM, size=10.5)
    figure.text(0.97, 0.93, _effort(result), color=_DIM, size=10.5, ha="right")

    _scalogram(_axes(figure, grid[0, :3], "Target"), target)
    _scalogram(_axes(figure, grid[0, 3:], "Match"), sound)

    pictures = [_mirrored(target), _mirrored(sound)]
    top = max(float(picture.max()) for picture in pictures)
    _scale_rate(_axes(figure, grid[1, :2], "JTFS of the target"), target, pictures[0], top)
    _scale_rate(_axes(figure, grid[1, 2:4], "JTFS of the match"), sound, pictures[1], top)
    difference = pictures[1] - pictures[0]
    axes = _axes(figure, grid[1, 4:], "Match − target")
    _scale_rate(axes, target, difference, top, _DIFFERENCE)

    _trajectory(_axes(figure, grid[2, :3], "The way of the match"), result)
    _loss(_axes(figure, grid[2, 3:], "Loss"), result)
    return figure


def _plain(text: str) -> str:
    """`text` as it stands: matplotlib would take $ for mathematics."""
    return text.replace("$", r"\$")


def _found(result: MatchResult) -> str:
    table = table_of(result.theta)
    return "    ".join(
        f"{table[id_].name} {_minus(f'{result.theta[id_]:.3g}')} ± {_short(std)} {table[id_].unit}"
        for id_, std in result.std.items()
    )


def _effort(result: MatchResult) -> str:
    return f"loss {result.loss:.2g}, {result.evaluations} evaluations, {result.seconds:.1f} s"


def _axes(figure: Figure, place: object, title: str) -> Axes:
    axes = figure.add_subplot(place)  # type: ignore[arg-type]  # matplotlib's SubplotSpec is untyped
    axes.set_facecolor(_WELL)
    axes.set_title(title, color=_TEXT, size=11, loc="left", pad=8)
    axes.tick_params(which="both", colors=_DIM, labelsize=9, length=3)
    for spine in axes.spines.values():
        spine.set_color(_LINE)
    return axes


def _label(axes: Axes, x: str, y: str) -> None:
    axes.set_xlabel(x, color=_DIM, size=9.5)
    axes.set_ylabel(y, color=_DIM, size=9.5)


def _edges(centres: NDArray[np.float32]) -> NDArray[np.float64]:
    """Borders of cells around `centres` on a logarithmic axis, one more than there are centres."""
    logs = np.log2(np.asarray(centres, np.float64))
    middles = (logs[1:] + logs[:-1]) / 2.0
    first, last = 2.0 * logs[0] - middles[0], 2.0 * logs[-1] - middles[-1]
    return 2.0 ** np.concatenate([[first], middles, [last]])


def _scalogram(axes: Axes, analysis: Analysis) -> None:
    level = 20.0 * np.log10(np.maximum(analysis.scalogram, 10.0 ** (_FLOOR_DB / 20.0)))
    times = np.linspace(0.0, analysis.duration, level.shape[1] + 1)
    axes.pcolormesh(
        times, _edges(analysis.frequencies), level, cmap="magma", vmin=_FLOOR_DB, vmax=0.0,
        rasterized=True,
    )  # fmt: skip
    axes.set_yscale("log", base=2)
    axes.set_ylim(float(analysis.frequencies.min()), float(analysis.frequencies.max()))
    _decimal(axes, "y", [31.25 * 2**octave for octave in range(8)])
    _label(axes, "Time (s)", "Frequency (Hz)")


def _mirrored(analysis: Analysis) -> NDArray[np.float32]:
    """Falling patterns on the left, rising on the right: (n_scales, 2 n_rates)."""
    falling, rising = analysis.scale_rate
    return np.concatenate([falling[:, ::-1], rising], axis=1)


def _scale_rate(
    axes: Axes,
    analysis: Analysis,
    picture: NDArray[np.float32],
    top: float,
    colour_map: str | colors.Colormap = "magma",
) -> None:
    count = len(analysis.rates)
    lowest = 0.0 if colour_map == "magma" else -top
    axes.pcolormesh(
        np.arange(2 * count + 1), _edges(analysis.scales), picture, cmap=colour_map,
        vmin=lowest, vmax=top, rasterized=True,
    )  # fmt: skip
    axes.set_yscale("log", base=2)
    _decimal(axes, "y", [float(scale) for scale in analysis.scales[::2]])
    shown = range(3, count, 4)  # none near the middle, where both sides would collide
    rates = [(count + i, float(analysis.rates[i])) for i in shown]
    rates += [(count - 1 - i, -float(analysis.rates[i])) for i in shown]
    axes.set_xticks([place + 0.5 for place, _ in rates], [_short(rate) for _, rate in rates])
    axes.tick_params(labelsize=7.5)
    axes.axvline(count, color=_DIM, linewidth=0.8)
    _label(axes, "◂ falling      Rate (Hz)      rising ▸", "Scale (cycles/oct)")


def _trajectory(axes: Axes, result: MatchResult) -> None:
    end = (result.theta["f_m"], max(abs(result.theta["gamma"]), SLOWEST))
    f_m = [step.theta["f_m"] for step in result.trajectory]
    rate = [max(abs(step.theta["gamma"]), SLOWEST) for step in result.trajectory]
    begins = _begins(result)
    for begin, stop in pairwise([*begins, len(f_m)]):
        axes.plot(f_m[begin:stop], rate[begin:stop], "-", color=_DIM, linewidth=1.0)
    if begins:
        axes.plot(f_m, rate, "o", color=_TEXT, markersize=4, label="accepted steps")
        axes.plot(
            [f_m[i] for i in begins], [rate[i] for i in begins], "o", color=_WELL,
            markeredgecolor=_TEXT, markersize=9, label="start" if len(begins) == 1 else "starts",
        )  # fmt: skip
    axes.plot(*end, "*", color=_ACCENT, markersize=16, label="match")
    axes.set_xscale("log", base=2)
    axes.set_yscale("log", base=2)
    _room(axes, "x", [*f_m, end[0]])
    _room(axes, "y", [*rate, end[1]])
    axes.grid(color=_LINE, linewidth=0.6)
    gamma = result.theta["gamma"]
    sign = "rising" if gamma > 0 else "falling" if gamma else "standing"
    _label(axes, "Note rate f_m (Hz)", f"Chirp rate |γ| (oct/s), {sign}")
    axes.legend(facecolor=_GROUND, edgecolor=_LINE, labelcolor=_TEXT, fontsize=8.5)


def _begins(result: MatchResult) -> list[int]:
    """Places in the trajectory at which another start begins."""
    starts = [step.start for step in result.trajectory]
    return [i for i, start in enumerate(starts) if i == 0 or start != starts[i - 1]]


def _loss(axes: Axes, result: MatchResult) -> None:
    evaluations = [step.evaluations for step in result.trajectory]
    losses = [max(step.loss, 1e-16) for step in result.trajectory]
    for begin, stop in pairwise([*_begins(result), len(losses)]):
        axes.plot(
            evaluations[begin:stop], losses[begin:stop], "o-", color=_ACCENT, markersize=4,
            linewidth=1.3,
        )  # fmt: skip
    axes.set_yscale("log")
    if losses:
        low, high = math.log10(min(losses)), math.log10(max(losses))
        axes.set_ylim(10.0 ** math.floor(low - 0.02), 10.0 ** math.ceil(high + 0.02))
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.grid(color=_LINE, linewidth=0.6)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    _label(axes, "Evaluations", "½ |ΔS|²")


def _room(axes: Axes, which: str, values: list[float]) -> None:
    """Limits around `values` by at least half an octave, and ticks that people read."""
    low, high = min(values) / 2**0.5, max(values) * 2**0.5
    (axes.set_xlim if which == "x" else axes.set_ylim)(low, high)
    marks = [
        10.0**decade * digit for decade in range(-2, 3) for digit in (1, 1.5, 2, 3, 4, 5, 6, 8)
    ]
    _decimal(axes, which, [mark for mark in marks if low <= mark <= high])


def _decimal(axes: Axes, which: str, ticks: list[float]) -> None:
    axis = axes.xaxis if which == "x" else axes.yaxis
    axis.set_major_locator(FixedLocator(ticks))
    axis.set_major_formatter(FuncFormatter(_tick))
    axis.set_minor_locator(NullLocator())
    axis.set_minor_formatter(NullFormatter())


def _tick(value: float, _place: int | None) -> str:
    return _short(value)


def _short(value: float) -> str:
    """Two digits, or three before the point, with a true minus sign."""
    text = f"{value:.0f}" if abs(value) >= 100.0 else f"{value:.2g}"
    return _minus(text)


def _minus(text: str) -> str:
    return text.replace("-", "−")
