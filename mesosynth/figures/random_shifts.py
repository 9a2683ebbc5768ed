"""Fig. 5: loss surfaces when every sound is shifted by 2^n samples, n drawn from 8 to 12."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from mesosynth.figures.laboratory import Laboratory, Place
from mesosynth.figures.settings import F_M, GRID, PAPER, PHIS
from mesosynth.figures.surfaces import Panel, draw_maps, measure
from mesosynth.figures.table import Table

NAME = "random_shifts"


def settings(quick: bool) -> dict[str, Any]:
    """The grid's size, the exponents, and the seed that draws them."""
    return {"grid": 4 if quick else GRID, "exponents": (8, 12), "seed": 0, "setting": str(PAPER)}


def count(chosen: Mapping[str, Any]) -> int:
    """How many ticks it takes."""
    return chosen["grid"] ** 2 * len(PHIS) * 2


def compute(chosen: Mapping[str, Any], laboratory: Laboratory) -> Table:
    """A row for every cell of every map; all Φ get the same shifts."""
    n, (low, high) = chosen["grid"], chosen["exponents"]
    drawn = 2 ** np.random.default_rng(chosen["seed"]).integers(low, high, (n, n), endpoint=True)

    def drawn_at(place: Place) -> int:
        return int(drawn[place.i, place.j])

    def in_place(_place: Place) -> int:
        return 0

    panels = [
        Panel("no shift", PAPER, F_M, in_place),
        Panel(f"random shifts 2^{low} to 2^{high}", PAPER, F_M, drawn_at),
    ]
    return measure(panels, n, laboratory)


def draw(table: Table) -> Figure:
    """A row of maps without shifts, and one with them."""
    return draw_maps(
        table, "Fig. 5  Loss surfaces under random shifts",
        "Dot: target.  Square: lowest cell.  Arrows: down the gradient, all of one length.",
    )  # fmt: skip
