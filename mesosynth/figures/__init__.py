"""The paper's figures: `mesosynth figures OUT/`.

A figure is a module with a NAME; ``settings(quick)``, a dict of all that its numbers depend on;
``count(settings)``, the ticks it takes; ``compute(settings, laboratory)``, its numbers; and
``draw(table)``, which sees nothing else. It takes its place in FIGURES.
"""

import argparse
import sys
import time
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast

from mesosynth.errors import ArgumentError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from mesosynth.figures.laboratory import Laboratory
    from mesosynth.figures.table import Table

FIGURES = {
    1: "chirp_pairs",
    2: "wavelets",
    3: "loss_surfaces",
    4: "convergence",
    5: "random_shifts",
    6: "shifted_descents",
    7: "final_distance",
}
"""Modules by the paper's numbers."""


class _Module(Protocol):
    NAME: str

    def settings(self, quick: bool) -> dict[str, Any]: ...
    def count(self, chosen: Mapping[str, Any]) -> int: ...
    def compute(self, chosen: Mapping[str, Any], laboratory: "Laboratory") -> "Table": ...
    def draw(self, table: "Table") -> "Figure": ...


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

    from mesosynth.figures.laboratory import Laboratory
    from mesosynth.figures.loss_torch import one_thread
    from mesosynth.figures.store import Store

    store = Store(out)
    made: list[dict[str, Any]] = []
    with one_thread(), Progress(
        TextColumn("{task.description}"), BarColumn(bar_width=30), MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=Console(file=sys.stderr, highlight=False),
    ) as bar:  # fmt: skip
        laboratory = Laboratory(lambda: bar.advance(bar.task_ids[-1]))
        for number in only:
            module = cast("_Module", import_module(f"{__name__}.{FIGURES[number]}"))
            settings = module.settings(quick)
            stem = f"figure_{number}_{module.NAME}"
            began = time.perf_counter()
            there = store.has(stem, settings) and not again
            task = bar.add_task(f"Fig. {number}  {module.NAME}", total=module.count(settings))
            if there:
                bar.update(task, completed=module.count(settings))
            else:
                table = module.compute(settings, laboratory)
                store.save(stem, settings, table, module.draw(table))
            made.append({
                "figure": number, "picture": str(store.path(stem, ".png")),
                "table": str(store.path(stem, ".csv")), "made": not there,
                "seconds": time.perf_counter() - began,
            })  # fmt: skip
    return {"figures": made}


def _numbers(text: str) -> tuple[int, ...]:
    """Numbers of figures, as in "3,4"."""
    words = [word.strip() for word in text.split(",") if word.strip()]
    if not words or any(word not in map(str, FIGURES) for word in words):
        raise ArgumentError(f"--only {text!r} must hold numbers of figures, 1 to 7: '3,4'.")
    return tuple(sorted({int(word) for word in words}))
