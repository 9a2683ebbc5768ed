"""Command ``mesosynth figures OUT/``: the paper's figures as pictures and tables."""

import hashlib
import json
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
    """Figure of a number; this imports torch and matplotlib."""
    module, name = FIGURES[number]
    return getattr(import_module(f"mesosynth.paper.{module}"), name)


def make_figures(
    out: Path,
    only: tuple[int, ...] = tuple(FIGURES),
    quick: bool = False,
    again: bool = False,
    on_figure: Callable[[str, int], None] = lambda title, steps: None,
    on_step: Callable[[], None] = lambda: None,
) -> dict[str, Any]:
    """Make the paper's figures.

    Parameters
    ----------
    out : Path
        Folder for ``figure_N_name.png``, ``.csv`` and ``.json``, which holds the settings.
    only : tuple of int
        Numbers of figures, as in the paper.
    quick : bool
        Coarse grids and short descents.
    again : bool
        Make existing figures of the same settings again.
    on_figure : callable, optional
        Called before a figure is made, with its title and its number of steps.
    on_step : callable, optional
        Called after each step.

    Returns
    -------
    dict
        "figures": number, picture, table, whether it was made now, and seconds, of each.

    Raises
    ------
    ArgumentError
        If a file cannot be written.
    """
    from mesosynth.paper.descents import Laboratory
    from mesosynth.paper.losses import one_thread

    folder = FigureFolder(out)
    made: list[dict[str, Any]] = []
    with one_thread():
        laboratory = Laboratory(on_step)
        for number in only:
            figure = paper_figure(number)
            settings = figure.settings(quick)
            stem = f"figure_{number}_{figure.name}"
            began = time.perf_counter()
            there = folder.has(stem, settings) and not again
            if not there:
                on_figure(f"Fig. {number}  {figure.name}", figure.count(settings))
                table = figure.compute(settings, laboratory)
                folder.save(stem, settings, table, figure.draw(table))
            made.append({
                "figure": number, "picture": str(folder.path(stem, ".png")),
                "table": str(folder.path(stem, ".csv")), "made": not there,
                "seconds": time.perf_counter() - began,
            })  # fmt: skip
    return {"figures": made}


VERSION = 1
"""Increase it when the figures' numbers change; figures of another version are made again."""

_DPI = 110
_SUFFIXES = (".csv", ".png", ".json")


def fingerprint(settings: Mapping[str, Any]) -> str:
    """Hash of the settings that a figure's numbers depend on."""
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
        Created if it does not exist.

    Raises
    ------
    ArgumentError
        If it cannot be created.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ArgumentError(f"{folder} cannot be a folder: {error.strerror}.") from error

    def path(self, stem: str, suffix: str) -> Path:
        """Path of one of a figure's files.

        Parameters
        ----------
        stem : str
            Name of the figure.
        suffix : str
            ".csv", ".png" or ".json".

        Returns
        -------
        Path
        """
        return self.folder / f"{stem}{suffix}"

    def has(self, stem: str, settings: Mapping[str, Any]) -> bool:
        """Whether a figure is complete, and made with these settings.

        Parameters
        ----------
        stem : str
            Name of the figure.
        settings : mapping

        Returns
        -------
        bool
        """
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
        """Write a figure; its settings come last, and show that the others are complete.

        Parameters
        ----------
        stem : str
            Name of the figure.
        settings : mapping
        table : FigureTable
        figure : Figure

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
