"""`mesosynth resynthesise`: another sound with the scattering coefficients of a sound."""

import sys
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from cyclopts import Parameter
from numpy.typing import NDArray

from mesosynth.cli.options import LONGEST, Count, Duration, Json, Whole, of
from mesosynth.cli.progress import ProgressBar
from mesosynth.errors import ArgumentError, AudioFileError
from mesosynth.resynthesis.edits import edit_names
from mesosynth.resynthesis.results import (
    Blend,
    Method,
    ResynthesisResult,
    ResynthesisSettings,
    ResynthesisStep,
    Start,
    decibels,
)
from mesosynth.system.atomic_file import check_outputs
from mesosynth.system.paths import path_text, shown_name
from mesosynth.system.steps import result_of

_DEFAULTS = ResynthesisSettings()
_EDITS = ", ".join(f"{name}={values}" if values else name for name, values in edit_names().items())


def resynthesise(
    file: Annotated[Path, Parameter("FILE")],
    /,
    *,
    output: Annotated[Path, Parameter(("-o", "--output"), metavar="OUT.wav")],
    iterations: Annotated[
        Count, of(ResynthesisSettings, "iterations", metavar="N", help="Steps down.")
    ] = _DEFAULTS.iterations,
    method: Annotated[
        Method,
        of(
            ResynthesisSettings, "method", metavar="NAME",
            help="Go down by l-bfgs, momentum or 'bold driver'.",
        ),
    ] = _DEFAULTS.method,
    start: Annotated[
        Start,
        of(
            ResynthesisSettings, "start", metavar="NAME",
            help="Begin with noise, shaped as the sound or as its spectrum, or with silence.",
        ),
    ] = _DEFAULTS.start,
    seed: Annotated[
        Whole, of(ResynthesisSettings, "seed", metavar="N", help="Another one, another sound.")
    ] = _DEFAULTS.seed,
    average: Annotated[
        float,
        of(
            ResynthesisSettings, "average", metavar="S",
            help="Seconds within which the order of events is free.",
        ),
    ] = _DEFAULTS.average,
    edit: Annotated[
        list[str] | None, Parameter(metavar="EDIT", help=f"Before the descent, in order: {_EDITS}.")
    ] = None,
    blend: Annotated[Path | None, Parameter(metavar="FILE2")] = None,
    amount: Annotated[float, Parameter(metavar="SHARE", show_default=True)] = 0.5,
    begin: Annotated[float, Parameter("--begin", metavar="S")] = 0.0,
    seconds: Annotated[Duration | None, Parameter("--seconds")] = None,
    variations: Annotated[
        Count,
        of(
            ResynthesisSettings, "variations", metavar="N",
            help="Write OUT-1.wav to OUT-N.wav, of one seed after another.",
        ),
    ] = _DEFAULTS.variations,
    length: Annotated[
        float | None,
        Parameter(metavar="S", help="Of the result; a longer texture is a chain of windows."),
    ] = None,
    preset: Annotated[Path | None, Parameter(metavar="PRESET.json")] = None,
    run: Annotated[Path | None, Parameter(metavar="RUN")] = None,
    json: Json = False,
) -> dict[str, Any]:  # fmt: skip
    """Make another sound with the scattering coefficients of a sound, or with edited ones.

    Parameters
    ----------
    file : Path
        A sound of 50 ms to 30 s, or more with --seconds; all its channels.
    output : Path
        The WAV file that is written, at the sound's rate.
    iterations : int
        Steps down.
    method : str
        How to go down.
    start : str
        What to begin with.
    seed : int
        Seed of the noise.
    average : float
        Seconds of averaging.
    edit : list of str
        Edits of the coefficients.
    blend : Path, optional
        A second sound to go towards.
    amount : float
        How far, 0 to 1.
    begin : float
        Take the file from there on.
    seconds : float, optional
        Take so much of it.
    variations : int
        Number of sounds.
    length : float, optional
        Length of the result, s.
    preset : Path, optional
        Write a preset, too, in which the sampler loops the result.
    run : Path, optional
        Keep the descent in this file as it goes, and go on from there.
    json : bool
        One JSON object on standard output.
    """
    from mesosynth.audio.file import read_channels
    from mesosynth.presets.preset import Preset, save_preset

    given = [file] if blend is None else [file, blend]
    outputs = [output]
    if variations > 1 and not output.is_dir():
        numbers = range(1, variations + 1)
        outputs = [output.with_stem(f"{output.stem}-{number}") for number in numbers]
    kept = [path for path in (preset, run) if path is not None]
    check_outputs([*outputs, *kept], ArgumentError, given)
    settings = ResynthesisSettings(
        iterations=iterations, method=method, start=start, seed=seed, average=average,
        edits=tuple(edit or ()), variations=variations, length=length,
    )  # fmt: skip
    if not 0.0 <= begin <= LONGEST:
        raise ArgumentError(f"--begin {begin:g} must be 0 or more seconds, at most a day.")
    if not 0.0 <= amount <= 1.0:
        raise ArgumentError(f"--amount {amount:g} must be 0 to 1.")
    remarks: list[str] = []
    audio, rate = read_channels(file, begin, seconds, tell=remarks.append)
    second = None
    if blend is not None:
        second = Blend(read_channels(blend, rate=rate, tell=remarks.append)[0], amount)
    for remark in remarks:
        print(f"mesosynth: {remark}", file=sys.stderr)
    result = _descend(file.name, audio, rate, settings, second, run)
    for path, one in zip(outputs, result.variations, strict=True):
        _write(path, one.audio, rate)
        if not json:
            print(
                f"Wrote {path}: error {100 * one.error:.2f} % ({decibels(one.error):.1f} dB) after "
                f"{len(one.errors) - 1} iterations."
            )
    if preset is not None:
        written = outputs[0].resolve()
        name = Path(shown_name(written)).stem
        sound = {"sound": path_text(written)}
        save_preset(preset, Preset(name=name, instrument="sampler", state=sound))
    if not json:
        print(f"{result.seconds:.0f} s.")
    return {
        "target": file.name,
        "written": str(outputs[0]),
        "error": result.error,
        "decibels": result.decibels,
        "errors": result.errors,
        "iterations": result.iterations,
        "seconds": result.seconds,
        "edits": list(settings.edits),
        "seed": settings.seed,
        "remarks": remarks,
        "variations": [
            {"written": str(path), "error": one.error, "errors": one.errors, "seed": one.seed}
            for path, one in zip(outputs, result.variations, strict=True)
        ],
    }


def _write(path: Path, audio: NDArray[np.float32], rate: int) -> None:
    """Write a result; where the disk is full by now, to the folder for temporary files instead."""
    import tempfile

    from mesosynth.audio.file import write_wav

    try:
        write_wav(path, audio, rate)
    except AudioFileError as error:
        kept = Path(tempfile.mkdtemp(prefix="mesosynth-")) / path.name
        write_wav(kept, audio, rate)
        raise AudioFileError(f"{error} The result is kept as {kept}.") from error


def _descend(
    name: str, audio: NDArray[np.float32], rate: int, settings: ResynthesisSettings,
    blend: Blend | None, run: Path | None,
) -> ResynthesisResult:  # fmt: skip
    with ProgressBar(name, state="filters …", remaining=True) as bar:
        from mesosynth.resynthesis.descent import resynthesis_steps

        def show(step: ResynthesisStep) -> None:
            bar.move(step.progress, f"error {100 * step.error:.2f} %")

        return result_of(resynthesis_steps(audio, rate, settings, blend, run), show)
