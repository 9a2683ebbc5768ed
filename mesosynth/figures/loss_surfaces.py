"""Fig. 3: loss surfaces and gradient fields, with a target in place and with one that is shifted.

The paper shows the shifted one alone. Its code has other settings (``grad_field.py``): what it
compares with the target has another carrier, so nothing is resolved along log-frequency, and the
gradient knows nothing of the amplitude that the loss hears. Ours has the target's carrier there.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from matplotlib.figure import Figure

from mesosynth.figures.laboratory import Laboratory, Place
from mesosynth.figures.settings import CARRIER, CODE_FIELD, F_M, GRID, PAPER, PHIS
from mesosynth.figures.surfaces import Panel, draw_maps, measure
from mesosynth.figures.table import Table

NAME = "loss_surfaces"
_CODES_F_M = (4.0, 15.0)


def _in_place(_place: Place) -> int:
    return 0


def _papers(_place: Place) -> int:
    return 2**10


def _codes(_place: Place) -> int:
    return 2**8


_PANELS = [
    Panel("no shift", PAPER, F_M, _in_place),
    Panel("shift 2^10", PAPER, F_M, _papers),
    Panel("the code's, shift 2^8", CODE_FIELD, _CODES_F_M, _codes,
          replace(CODE_FIELD, carrier=CARRIER), (2**8,)),
]  # fmt: skip


def settings(quick: bool) -> dict[str, Any]:
    """The grid's size; the rest is the panels'."""
    panels = [(panel.name, str(panel.setting), panel.f_m) for panel in _PANELS]
    return {"grid": 4 if quick else GRID, "panels": panels}


def count(chosen: Mapping[str, Any]) -> int:
    """How many ticks it takes."""
    return chosen["grid"] ** 2 * len(PHIS) * len(_PANELS)


def compute(chosen: Mapping[str, Any], laboratory: Laboratory) -> Table:
    """A row for every cell of every map."""
    return measure(_PANELS, chosen["grid"], laboratory)


def draw(table: Table) -> Figure:
    """A row of maps for each shift."""
    return draw_maps(
        table, "Fig. 3  Loss surfaces and gradient fields",
        "Dot: target.  Square: lowest cell.  Arrows: down the gradient, all of one length; the "
        "code's leaves out the amplitude, which its loss hears.",
    )  # fmt: skip
