"""`mesosynth data`: make the data set of an instrument."""

from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import App, Parameter

from mesosynth.cli.options import Count, Json, Whole
from mesosynth.cli.progress import ProgressBar
from mesosynth.errors import ArgumentError

Scheduler = Annotated[
    str | None,
    Parameter(metavar="ADDRESS", help="Compute on the machines of this Dask scheduler."),
]
Workers = Annotated[
    Count | None,
    Parameter(
        metavar="N", help="Processes on this machine; 1 needs no Dask.", show_default="all cores"
    ),
]

data = App("data")


@data.default
def no_command() -> None:
    """Make the data set of an instrument."""
    raise ArgumentError("data: name a command, make; see mesosynth data --help.")


@data.command
def make(
    instrument: Annotated[Literal["drum", "chirplet", "strike", "grains"], Parameter("INSTRUMENT")],
    /,
    *,
    out: Annotated[Path, Parameter(metavar="DIR")],
    cells: Annotated[Count, Parameter(metavar="N")] = 5,
    seed: Annotated[Whole, Parameter(metavar="N")] = 0,
    scheduler: Scheduler = None,
    workers: Workers = None,
    json: Json = False,
) -> dict[str, Any]:
    """Make a data set: theta on a jittered grid, features and their metric.

    Parameters
    ----------
    instrument : str
        Whose parameters and sounds.
    out : Path
        Folder; what an earlier call has made in it stays, and what is broken is made again.
    cells : int
        Cells along each parameter; each holds one sound.
    seed : int
        Of the places in the cells and of the audio.
    scheduler : str, optional
        Compute on a cluster.
    workers : int, optional
        Processes on this machine.
    json : bool
        One JSON object on standard output.
    """
    with ProgressBar(f"{instrument} data", None, "chunks", counts=True, remaining=True) as bar:
        from mesosynth.learning.cluster import Cluster
        from mesosynth.learning.dataset import DatasetSettings, make_dataset

        settings = DatasetSettings(instrument, cells=cells, seed=seed)
        began = False

        def show(done: int, total: int) -> None:
            nonlocal began
            if began:
                bar.advance()
            else:  # what was there says nothing about the speed
                bar.restart(f"{instrument} data", total, done)
                began = True

        made = make_dataset(out, settings, Cluster(scheduler, workers), show)
    if not json:
        print(f"{out}: {settings.count} sounds in {settings.chunks} files, {made} of them new.")
    return {
        "folder": str(out),
        "instrument": instrument,
        "sounds": settings.count,
        "chunks": settings.chunks,
        "made": made,
    }
