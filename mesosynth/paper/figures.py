"""Command ``mesosynth figures OUT/``: the paper's figures as pictures and tables."""

import argparse
import hashlib
import json
import sys
import time
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from mesosynth.errors import ArgumentError
from mesosynth.system import file_kinds
from mesosynth.system.atomic_file import draft_of, writing
from mesosynth.system.documents import Document

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from mesosynth.paper.drawing import FigureTable, PaperFigure

FIGURES = {
    1: ("illustrations", "CHIRP_PAIRS"),
    2: ("illustrations", "WAVELETS"),
    3: ("maps", "LOSS_SURFACES"),
    4: ("convergence", "CONVERGENCE"),
    5: ("maps", "RANDOM_SHIFTS"),
    6: ("convergence", "SHIFTED_DESCENTS"),
    7: ("convergence", "FINAL_DISTANCE"),
}
"""Module and name of each figure, by the paper's numbers."""


def paper_figure(number: int) -> "PaperFigure":
    """One of the paper's figures; this imports torch and matplotlib."""
    module, name = FIGURES[number]
    return getattr(import_module(f"mesosynth.paper.{module}"), name)


def add_figures(parser: argparse.ArgumentParser) -> None:
    """Give `parser` the options of `mesosynth figures`."""
    parser.add_argument("out", metavar="OUT", type=Path, help="a folder for pictures and tables")
    parser.add_argument(
        "--only", metavar="N,N", type=_numbers, default=tuple(FIGURES), help="some of 1 to 7"
    )
    parser.add_argument("--quick", action="store_true", help="coarse grids and short descents")
    parser.add_argument("--again", action="store_true", help="make what is there already, too")
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")


def run_figures(arguments: argparse.Namespace) -> dict[str, Any]:
    """Make what the command line asks for, and say what was made."""
    answer = make_figures(arguments.out, arguments.only, arguments.quick, arguments.again)
    if not arguments.json:
        for entry in answer["figures"]:
            print(f"{entry['picture']}  {'made' if entry['made'] else 'was there'}")
    return answer


def make_figures(
    out: Path, only: tuple[int, ...] = tuple(FIGURES), quick: bool = False, again: bool = False
) -> dict[str, Any]:
    """Make the paper's figures, with a progress bar on standard error.

    Parameters
    ----------
    out : Path
        Folder for ``figure_N_name.png``, ``.csv`` and ``.json``, which holds the settings.
    only : tuple of int
        Numbers of figures, as in the paper.
    quick : bool
        Coarse grids and short descents.
    again : bool
        Make anew what is there with the same settings.

    Returns
    -------
    dict
        "figures": number, picture, table, whether it was made now, and seconds, of each.
    """
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from mesosynth.paper.descents import Laboratory
    from mesosynth.paper.losses import one_thread

    folder = FigureFolder(out)
    made: list[dict[str, Any]] = []
    with one_thread(), Progress(
        TextColumn("{task.description}"), BarColumn(bar_width=30), MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=Console(file=sys.stderr, highlight=False),
    ) as bar:  # fmt: skip
        laboratory = Laboratory(lambda: bar.advance(bar.task_ids[-1]))
        for number in only:
            figure = paper_figure(number)
            settings = figure.settings(quick)
            stem = f"figure_{number}_{figure.name}"
            began = time.perf_counter()
            there = folder.has(stem, settings) and not again
            task = bar.add_task(f"Fig. {number}  {figure.name}", total=figure.count(settings))
            if there:
                bar.update(task, completed=figure.count(settings))
            else:
                table = figure.compute(settings, laboratory)
                folder.save(stem, settings, table, figure.draw(table))
            made.append({
                "figure": number, "picture": str(folder.path(stem, ".png")),
                "table": str(folder.path(stem, ".csv")), "made": not there,
                "seconds": time.perf_counter() - began,
            })  # fmt: skip
    return {"figures": made}


def _numbers(text: str) -> tuple[int, ...]:
    """Numbers of figures, as in "3,4"."""
    words = [word.strip() for word in text.split(",") if word.strip()]
    if not words or any(word not in map(str, FIGURES) for word in words):
        raise ArgumentError(f"--only {text!r} must hold numbers of figures, 1 to 7: '3,4'.")
    return tuple(sorted({int(word) for word in words}))


VERSION = 1
"""Raised whenever the figures' numbers change; figures of another version are made again."""

_DPI = 110
_SUFFIXES = (".csv", ".png", ".json")


def fingerprint(settings: Mapping[str, Any]) -> str:
    """Hash of what a figure's numbers depend on."""
    text = json.dumps({"version": VERSION, **settings}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


class FigureRecord(msgspec.Struct, frozen=True, kw_only=True):
    """Settings that a figure was made with.

    Attributes
    ----------
    fingerprint : str
        See :func:`fingerprint`.
    settings : dict
    extra : dict
        Keys of later versions.
    """

    fingerprint: str
    settings: dict[str, Any] = {}
    extra: dict[str, Any] = {}


FIGURE = Document(FigureRecord, file_kinds.FIGURE, ArgumentError, numbered=False)


class FigureFolder:
    """A folder with a picture, a table and a small JSON of settings for each figure.

    Parameters
    ----------
    folder : Path
        Made if it is not there.

    Raises
    ------
    ArgumentError
        If it cannot be made.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ArgumentError(f"{folder} cannot be a folder: {error.strerror}.") from error

    def path(self, stem: str, suffix: str) -> Path:
        """One of a figure's files."""
        return self.folder / f"{stem}{suffix}"

    def has(self, stem: str, settings: Mapping[str, Any]) -> bool:
        """Whether the figure is there in full, made with these settings."""
        if not all(self.path(stem, suffix).is_file() for suffix in _SUFFIXES):
            return False
        try:
            written = FIGURE.load(self.path(stem, ".json"))
        except ArgumentError:
            return False
        return written.fingerprint == fingerprint(settings)

    def save(
        self, stem: str, settings: Mapping[str, Any], table: "FigureTable", figure: "Figure"
    ) -> None:
        """Write a figure; its settings come last, and say that the others are whole.

        Raises
        ------
        ArgumentError
            If a file cannot be written.
        """
        record = FigureRecord(fingerprint=fingerprint(settings), settings=dict(settings))
        self.path(stem, ".json").unlink(missing_ok=True)
        self._write(self.path(stem, ".csv"), lambda p: p.write_text(table.as_csv(), "utf-8"))
        self._write(self.path(stem, ".png"), lambda p: figure.savefig(p, format="png", dpi=_DPI))
        FIGURE.save(self.path(stem, ".json"), record)

    def _write(self, path: Path, write: Callable[[Path], object]) -> None:
        with writing(path, ArgumentError), draft_of(path) as draft:
            write(draft)
