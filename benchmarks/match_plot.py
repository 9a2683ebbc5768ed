"""Figures of `benchmarks.match` as a picture: noise, shifts, and error against time."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from mesosynth.errors import ArgumentError

Draw = Callable[[Axes, list[dict[str, Any]]], None]

_SUCCESSES = ("1%", "2%", "5%", "10%")
_LINES = {"white": "-", "pink": "--", "+": "-", "-": "--"}


def plot(answer: dict[str, Any], path: Path) -> None:
    """Draw `answer` to a PNG file.

    Raises
    ------
    ArgumentError
        If it cannot be written.
    """
    noise = [row for row in answer["families"] if row["family"] == "D" and row["level"] != "all"]
    shifts = [row for row in answer["families"] if row["family"] == "C" and row["level"] != "all"]
    panels: list[tuple[Draw, list[dict[str, Any]]]] = [
        (_noise, noise), (_shift, shifts), (_time, answer.get("courses", []))
    ]  # fmt: skip
    panels = [(draw, rows) for draw, rows in panels if rows]  # what was measured
    figure = Figure(figsize=(6.5 * max(1, len(panels)), 4.5), layout="constrained")
    FigureCanvasAgg(figure)
    for number, (draw, rows) in enumerate(panels, 1):
        draw(figure.add_subplot(1, len(panels), number), rows)
    try:
        figure.savefig(path, dpi=150, format="png")
    except OSError as error:
        raise ArgumentError(f"--plot {path} cannot be written: {error}.") from error


def _noise(axes: Axes, rows: list[dict[str, Any]]) -> None:
    for colour in ("white", "pink"):
        levels = sorted((int(row["level"].split()[0]), row["success"])
                        for row in rows if row["level"].endswith(colour))  # fmt: skip
        _successes(axes, levels, colour)
    axes.set(title="In noise", xlabel="arpeggio over noise, dB", ylim=(-0.02, 1.02))
    axes.invert_xaxis()
    _finish(axes, "share of targets found within")


def _shift(axes: Axes, rows: list[dict[str, Any]]) -> None:
    for sign in ("+", "-"):
        levels = sorted((abs(int(row["level"])), row["success"])
                        for row in rows if row["level"].startswith(sign))  # fmt: skip
        _successes(axes, levels, sign)
    axes.set(title="Shifted", xlabel="shift, samples", ylim=(-0.02, 1.02))
    axes.set_xscale("log", base=2)
    _finish(axes, "share of targets found within")


def _successes(axes: Axes, levels: list[tuple[int, dict[str, float]]], which: str) -> None:
    for number, within in enumerate(_SUCCESSES):
        axes.plot(
            [level for level, _ in levels],
            [success[within] for _, success in levels],
            _LINES[which], color=f"C{number}", marker=".", label=f"{within}, {which}",
        )  # fmt: skip


def _time(axes: Axes, courses: list[dict[str, Any]]) -> None:
    """Median error in the course of time, on the first kind of targets."""
    methods = list(dict.fromkeys(course["method"] for course in courses))
    first = courses[0]["targets"]
    for course in courses:
        if course["targets"] != first:
            continue
        points = [
            (second, error)
            for second, error in zip(course["seconds"], course["error"], strict=True)
            if error is not None
        ]
        ours = course["method"] == "mesosynth"
        axes.loglog(
            [second for second, _ in points],
            [max(error, 1e-5) for _, error in points],
            ":" if course["start"] == "table" else "-",
            color="black" if ours else f"C{methods.index(course['method'])}",
            linewidth=3.0 if ours else 1.2,
            label=f"{course['method']}, {course['start']}",
        )
    axes.set(title=f"Targets of {first}", xlabel="seconds")
    _finish(axes, "median of the worst relative error")


def _finish(axes: Axes, of_y: str) -> None:
    axes.set_ylabel(of_y)
    axes.grid(alpha=0.3)
    axes.legend(fontsize="x-small", loc="upper left", bbox_to_anchor=(1.0, 1.0))
