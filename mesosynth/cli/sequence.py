"""`mesosynth sequence FILE`: a long sound as theta over time."""

import argparse
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from mesosynth.errors import ArgumentError

if TYPE_CHECKING:  # numpy and soundfile would slow every command down
    from types import TracebackType

    from mesosynth.matching.results import MatchedSequence, Moment, SequenceSettings

_ROWS = 24  # that are printed of a long sequence


def add_sequence(sequence: argparse.ArgumentParser) -> None:
    """Describe the command's arguments."""
    sequence.add_argument("file", metavar="FILE", type=Path, help="a sound of any length")
    sequence.add_argument(
        "--hop", metavar="S", type=float, default=1.0,
        help="seconds from one window to the next, 0.05 to 2 (default: %(default)g)",
    )  # fmt: skip
    sequence.add_argument(
        "--smooth", metavar="S", type=float, default=0.0,
        help="smooth what is written: wiggles of so many seconds keep half of their height",
    )  # fmt: skip
    sequence.add_argument(
        "-o", "--output", metavar="OUT", type=Path, action="append", default=[],
        help="write theta over time: .csv, .mid (notes and controllers) or .wav (played by the "
        "instrument); may be given more than once",
    )  # fmt: skip
    sequence.add_argument(
        "--unknowns", metavar="ID,...", help="what to look for (default: f_c,f_m,gamma,w)"
    )
    sequence.add_argument(
        "--pin", metavar="ID=VALUE", action="append", default=[], help="this has this value"
    )
    sequence.add_argument(
        "--run", metavar="RUN", type=Path,
        help="the file that the sequence grows in; by default one in the user's cache, so that the "
        "same command goes on where it was stopped",
    )  # fmt: skip
    sequence.add_argument(
        "--anew", action="store_true", help="forget what an earlier run of the same has found"
    )


def run_sequence(arguments: argparse.Namespace) -> dict[str, Any]:
    """Match, write what was asked for, print the thetas unless as JSON, and return them."""
    from mesosynth.matching.sequence_export import check_ending, export_sequence
    from mesosynth.matching.sequence_file import run_of

    settings = _settings(arguments)
    if arguments.smooth < 0.0:
        raise ArgumentError(f"--smooth {arguments.smooth:g} must be 0 or more seconds.")
    for output in arguments.output:  # said before the work, not after it
        check_ending(output)
        if not output.parent.is_dir():
            raise ArgumentError(f"{output} cannot be written: there is no folder {output.parent}.")
    run: Path = arguments.run or run_of(arguments.file, settings)
    matched = _match(arguments, settings, run)
    for output in arguments.output:
        export_sequence(output, matched, arguments.smooth)
    if not arguments.json:
        _print(matched, arguments.smooth)
        for output in arguments.output:
            print(f"Wrote {output}.")
    return {
        "target": matched.sound.name,
        "sha256": matched.sound.sha256,
        "seconds": matched.sound.duration,
        "hop": settings.hop,
        "run": str(run),
        "written": [str(output) for output in arguments.output],
        "moments": [asdict(moment) for moment in matched.moments],
    }


def _match(
    arguments: argparse.Namespace, settings: "SequenceSettings", run: Path
) -> "MatchedSequence":
    from mesosynth.matching.sequence_file import load_sequence

    if run.exists():
        load_sequence(run)  # which refuses anything else
        if arguments.anew:
            run.unlink()
    try:
        with _Bar(arguments.file.name) as bar:
            from mesosynth.matching.sequence import match_sequence  # brings torch in

            return match_sequence(arguments.file, settings, run, bar.show)
    except KeyboardInterrupt:
        if run.exists():
            print(
                f"Kept in {run}; the same command goes on from there.", file=sys.stderr, flush=True
            )
        raise


def _settings(arguments: argparse.Namespace) -> "SequenceSettings":
    from mesosynth.instruments.chirplet_parameters import PARAMETERS
    from mesosynth.matching.results import SequenceSettings

    pinned: dict[str, float] = {}
    for text in arguments.pin:
        id_, equals, value = text.partition("=")
        if not equals:
            raise ArgumentError(f"--pin {text}: write it as ID=VALUE, brightness=-12 say.")
        pinned[id_] = PARAMETERS[id_].parse(value)
    unknowns = SequenceSettings().unknowns
    if arguments.unknowns:
        unknowns = tuple(id_.strip() for id_ in arguments.unknowns.split(","))
    free = tuple(id_ for id_ in unknowns if id_ not in pinned)
    return SequenceSettings(hop=arguments.hop, unknowns=free, pinned=pinned)


def _print(matched: "MatchedSequence", smooth: float) -> None:
    from mesosynth.matching.smoothing import smoothed

    moments = smoothed(matched, smooth)
    windows = len(matched.moments)
    silent = sum(moment.silent for moment in matched.moments)
    print(f"{matched.sound.name}: {len(moments)} arpeggios in {windows} windows, {silent} silent.")
    every = -(-len(moments) // _ROWS) or 1
    if moments:
        print("      at   carrier   notes     sweep     width   loss")
    for moment in moments[::every]:
        print(_line(moment))
    if every > 1:
        print(f"Every {every}th of them; -o OUT.csv writes all.")
    lost = windows - silent - sum(moment.found for moment in matched.moments)
    if lost:
        print(f"In {lost} windows there is sound that no arpeggio explains.")


def _line(moment: "Moment") -> str:
    theta = moment.theta
    return (
        f"{moment.onset:8.2f} {theta['f_c']:6.0f} Hz {theta['f_m']:4.1f} Hz "
        f"{theta['gamma']:+6.2f} oct/s {theta['w']:4.2f} oct {moment.loss:6.1e}"
    )


class _Bar:
    """How far a sequence is, and how long it will take; on standard error."""

    def __init__(self, name: str) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
        from rich.progress import TimeRemainingColumn as TimeLeft

        self._bar = Progress(
            TextColumn("{task.description}"), BarColumn(bar_width=30), TimeElapsedColumn(),
            TextColumn("left"), TimeLeft(), TextColumn("{task.fields[state]}"),
            console=Console(file=sys.stderr, highlight=False),
        )  # fmt: skip
        # Names may hold what rich takes for markup.
        self._task = self._bar.add_task(name.replace("[", "\\["), total=None, state="listening …")
        self._begun = False

    def show(self, moment: "Moment", matched: "MatchedSequence") -> None:
        """Move the bar to a moment."""
        total = matched.sound.windows(matched.settings.hop)
        if not self._begun:  # what an earlier run has done says nothing about how fast this one is
            self._begun = True
            self._bar.reset(self._task, total=total, completed=len(matched.moments), start=True)
        state = "silence" if moment.silent else f"loss {moment.loss:.1e}"
        self._bar.update(
            self._task, completed=len(matched.moments), state=f"{moment.time:.0f} s  {state}"
        )

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: "TracebackType | None",
    ) -> None:
        self._bar.stop()
