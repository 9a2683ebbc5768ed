"""`mesosynth figures`: the figures of the paper, and of nearest neighbours."""

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

from cyclopts import App, Parameter, Token

from mesosynth.cli.options import Json
from mesosynth.cli.progress import ProgressBar
from mesosynth.paper.figures import FIGURES, make_figures

figures = App("figures")


def _numbers(_: Any, tokens: Sequence[Token]) -> tuple[int, ...]:  # noqa: ANN401
    """Convert "3,4" to the numbers of figures."""
    words = [word.strip() for word in tokens[-1].value.split(",") if word.strip()]
    if not words or any(word not in map(str, FIGURES) for word in words):
        raise ValueError(f"{tokens[-1].value!r} must hold numbers of figures, 1 to 7: '3,4'")
    return tuple(sorted({int(word) for word in words}))


@figures.default
def paper_figures(
    out: Annotated[Path, Parameter("OUT")],
    /,
    *,
    only: Annotated[
        tuple[int, ...],
        Parameter(metavar="N,N", converter=_numbers, n_tokens=1, show_default="1 to 7"),
    ] = tuple(FIGURES),
    quick: bool = False,
    again: bool = False,
    json: Json = False,
) -> dict[str, Any]:
    """Make the paper's figures; an earlier call that was stopped is continued.

    Parameters
    ----------
    out : Path
        Folder for pictures and tables.
    only : tuple of int
        Some of 1 to 7.
    quick : bool
        Coarse grids and short descents.
    again : bool
        Make existing figures anew.
    json : bool
        One JSON object on standard output.
    """
    with ProgressBar("Figures", counts=True) as bar:
        import_module("mesosynth.paper.descents")  # which brings torch in
        answer = make_figures(out, only, quick, again, bar.restart, bar.advance)
    if not json:
        for entry in answer["figures"]:
            print(f"{entry['picture']}  {'made' if entry['made'] else 'was there'}")
    return answer


@figures.command
def neighbours(
    out: Annotated[Path, Parameter("OUT")],
    /,
    *,
    quick: bool = False,
    again: bool = False,
    json: Json = False,
) -> dict[str, Any]:
    """Ratios of nearest neighbours and Isomap, of four features of 4,096 chirplets.

    An earlier call that was stopped is continued.

    Parameters
    ----------
    out : Path
        Folder for pictures and tables.
    quick : bool
        512 chirplets and 8 neighbours.
    again : bool
        Make existing figures anew.
    json : bool
        One JSON object on standard output.
    """
    with ProgressBar("Neighbours", counts=True, remaining=True) as bar:
        module = import_module("mesosynth.paper.neighbours")
        answer = module.make_neighbours(out, quick, again, bar.restart, bar.advance)
    if not json:
        for feature, ranges in answer["ratios"].items():
            shown = "   ".join(
                f"{name} {low:.2f}–{high:.2f}" for name, (low, high, *_) in ranges.items()
            )
            print(f"{feature:<16} {shown}")
        print("\n".join(answer["pictures"]))
    return answer
