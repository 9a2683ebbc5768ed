"""`mesosynth sequence`: a long sound as theta over time."""

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from mesosynth.cli.options import Json, Pins, Unknowns, of, pinned_values, split_ids
from mesosynth.cli.progress import ProgressBar
from mesosynth.errors import ArgumentError
from mesosynth.instruments.chirplet import PARAMETERS
from mesosynth.matching.results import MatchedSequence, Moment, SequenceSettings
from mesosynth.system.atomic_file import check_outputs
from mesosynth.system.file_lock import is_locked
from mesosynth.system.steps import result_of

_DEFAULTS = SequenceSettings()
_ROWS = 24  # that are printed of a long sequence


def sequence(
    file: Annotated[Path, Parameter("FILE")],
    /,
    *,
    hop: Annotated[
        float,
        of(
            SequenceSettings,
            "hop",
            metavar="S",
            help="Seconds from one window to the next, 0.05 to 2.",
        ),
    ] = _DEFAULTS.hop,
    smooth: Annotated[float, Parameter(metavar="S", show_default=False)] = 0.0,
    output: Annotated[list[Path] | None, Parameter(("-o", "--output"), metavar="OUT")] = None,
    unknowns: Annotated[
        Unknowns, of(SequenceSettings, "unknowns", metavar="ID,...", help="Parameters to look for.")
    ] = None,
    pin: Pins = None,
    run: Annotated[Path | None, Parameter(metavar="RUN")] = None,
    anew: bool = False,
    json: Json = False,
) -> dict[str, Any]:
    """Match a sound of any length, window after window.

    Parameters
    ----------
    file : Path
        A sound of any length.
    hop : float
        Seconds from one window to the next.
    smooth : float
        Smooth the output: wiggles of so many seconds keep half of their height.
    output : list of Path
        Write theta over time: .csv, .mid (notes and controllers) or .wav (played by the
        instrument); may be given more than once.
    unknowns : str
        Parameters to look for.
    pin : list of str
        Fixed value of a parameter.
    run : Path
        The file that the sequence grows in; by default one in the user's cache, so that the same
        command goes on where it was stopped.
    anew : bool
        Forget what an earlier run of the same has found.
    json : bool
        One JSON object on standard output.
    """
    from mesosynth.matching.checkpoint import cached_run
    from mesosynth.matching.sequence_export import check_ending, export_sequence

    pinned = pinned_values(pin or (), PARAMETERS)
    wanted = split_ids(unknowns) if unknowns else _DEFAULTS.unknowns
    settings = SequenceSettings(
        hop=hop, unknowns=tuple(id_ for id_ in wanted if id_ not in pinned), pinned=pinned
    )
    if smooth < 0.0:
        raise ArgumentError(f"--smooth {smooth:g} must be 0 or more seconds.")
    outputs = output or []
    for path in outputs:  # said before the work, not after it
        check_ending(path)
    check_outputs([*outputs, *([run] if run else [])], ArgumentError, [file])
    if run is None:
        run = cached_run(file, settings)
        if run is not None and is_locked(run):
            said = "another mesosynth matches the same sound; this one keeps nothing for later."
            print(f"mesosynth: {said}", file=sys.stderr)
            run = None
    matched = _match(file, settings, run, anew)
    if matched.sound.remark:
        print(f"mesosynth: {matched.sound.remark}", file=sys.stderr)
    for path in outputs:
        export_sequence(path, matched, smooth)
    if not json:
        _print(matched, smooth)
        for path in outputs:
            print(f"Wrote {path}.")
    return {
        "target": matched.sound.name,
        "sha256": matched.sound.sha256,
        "seconds": matched.sound.duration,
        "hop": settings.hop,
        "run": None if run is None else str(run),
        "remarks": [matched.sound.remark] if matched.sound.remark else [],
        "written": [str(path) for path in outputs],
        "moments": [asdict(moment) for moment in matched.moments],
    }


def _match(file: Path, settings: SequenceSettings, run: Path | None, anew: bool) -> MatchedSequence:
    from mesosynth.matching.checkpoint import load_sequence

    if run is not None and run.exists():
        load_sequence(run)  # which refuses anything else
        if anew:
            run.unlink()
    done = 0

    def show(step: MatchedSequence | Moment) -> None:
        nonlocal done
        if isinstance(step, MatchedSequence):
            done = len(step.moments)
            bar.restart(file.name, step.sound.windows(settings.hop), done)
        else:
            done += 1
            state = "silence" if step.silent else f"loss {step.loss:.1e}"
            bar.move(done, f"{step.time:.0f} s  {state}")

    try:
        with ProgressBar(file.name, None, "listening …", remaining=True) as bar:
            from mesosynth.matching.sequence import sequence_steps

            return result_of(sequence_steps(file, settings, run), show)
    except KeyboardInterrupt:
        if run is not None and run.exists():
            print(
                f"Kept in {run}; the same command goes on from there.", file=sys.stderr, flush=True
            )
        raise


def _print(matched: MatchedSequence, smooth: float) -> None:
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


def _line(moment: Moment) -> str:
    theta = moment.theta
    return (
        f"{moment.onset:8.2f} {theta['f_c']:6.0f} Hz {theta['f_m']:4.1f} Hz "
        f"{theta['gamma']:+6.2f} oct/s {theta['w']:4.2f} oct {moment.loss:6.1e}"
    )
