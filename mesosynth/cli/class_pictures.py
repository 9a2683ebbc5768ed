"""Pictures and tables of classifiers: confusion matrix, and relevance of a sound's paths."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mesosynth.errors import ArgumentError
from mesosynth.learning.classifier import Report
from mesosynth.learning.maps import Relevance, RelevanceMap
from mesosynth.paper.drawing import SIGNED, new_figure, plain
from mesosynth.system.atomic_file import draft_of, writing

_DPI = 110


def save_confusion(stem: Path, report: Report, labels: Sequence[str]) -> list[Path]:
    """Write a confusion matrix as ``stem.png`` and ``stem.csv``.

    Parameters
    ----------
    stem : Path
    report : Report
    labels : sequence of str

    Returns
    -------
    list of Path

    Raises
    ------
    ArgumentError
        If a file cannot be written.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["true / guessed", *labels, "recall"])
    for label, row, recall in zip(labels, report.confusion, report.recalls, strict=True):
        writer.writerow([label, *map(int, row), f"{recall:.4f}"])
    n = len(labels)
    figure = new_figure(
        2.6 + 0.62 * n, 2.0 + 0.55 * n, f"Macro recall {100.0 * report.macro_recall:.1f}%",
        "Sounds that were not trained on, by true class (rows) and guessed class (columns).",
    )  # fmt: skip
    axes = figure.subplots()
    share = report.confusion / np.maximum(report.confusion.sum(axis=1, keepdims=True), 1)
    axes.imshow(share, cmap="Blues", vmin=0.0, vmax=1.0, aspect="auto")
    for (row, column), count in np.ndenumerate(report.confusion):
        colour = "white" if share[row, column] > 0.5 else "black"
        if count:
            axes.text(column, row, str(count), ha="center", va="center", color=colour, size=9)
    axes.set_xticks(range(n), [_plain(label) for label in labels], rotation=45, ha="right", size=9)
    axes.set_yticks(range(n), [_plain(label) for label in labels], size=9)
    return [_write(stem, ".csv", text.getvalue()), _write(stem, ".png", figure)]


def save_relevance(stem: Path, name: str, found: Relevance) -> list[Path]:
    """Write the maps of a sound's relevance, as one picture and a table for each map.

    Parameters
    ----------
    stem : Path
        The files are ``stem.png``, ``stem_carrier_rate.csv`` and, of the JTFS,
        ``stem_rate_scale.csv``.
    name : str
        Of the sound.
    found : Relevance

    Returns
    -------
    list of Path

    Raises
    ------
    ArgumentError
        If a file cannot be written.
    """
    maps = {"carrier_rate": found.carrier_rate, "rate_scale": found.rate_scale}
    maps = {key: map_ for key, map_ in maps.items() if map_.values.size}
    if not maps:
        raise ArgumentError("relevance is shown of scattering coefficients, which have rates.")
    figure = new_figure(
        6.2 * len(maps) + 0.6, 5.0,
        f"{_plain(name)} sounds like {_plain(found.label)} ({found.probability:.2f})",
        "Relevance for that class: red speaks for it, blue against it.",
    )  # fmt: skip
    for axes, map_ in zip(
        figure.subplots(1, len(maps), squeeze=False)[0], maps.values(), strict=True
    ):
        _draw(axes, map_)
    tables = [
        _write(stem.with_name(f"{stem.name}_{key}"), ".csv", m.as_csv()) for key, m in maps.items()
    ]
    return [_write(stem, ".png", figure), *tables]


def _draw(axes: Axes, map_: RelevanceMap) -> None:
    top = max(float(np.abs(map_.values).max()), 1e-30)
    axes.imshow(
        map_.values, cmap=SIGNED, vmin=-top, vmax=top, origin="lower", aspect="auto",
        interpolation="nearest",
    )  # fmt: skip
    for which, marks in (("x", map_.columns), ("y", map_.rows)):
        places = range(0, len(marks), -(-len(marks) // 9))
        ticks = axes.set_xticks if which == "x" else axes.set_yticks
        ticks(list(places), [_short(marks[i]) for i in places])
    x, y = map_.column_name, map_.row_name
    plain(axes, "", x[0].upper() + x[1:], y[0].upper() + y[1:])


def _short(value: float) -> str:
    """Three digits, without an exponent."""
    text = f"{value:.0f}" if abs(value) >= 1000.0 else f"{value:.3g}"
    return text.replace("-", "−")


def _plain(text: str) -> str:
    """`text` as it stands: matplotlib would take $ for mathematics."""
    return text.replace("$", r"\$")


def _write(stem: Path, suffix: str, content: str | Figure) -> Path:
    path = stem.with_name(stem.name + suffix)
    with writing(path, ArgumentError), draft_of(path) as draft:
        if isinstance(content, str):
            draft.write_text(content, "utf-8")
        else:
            content.savefig(draft, format="png", dpi=_DPI)
    return path
