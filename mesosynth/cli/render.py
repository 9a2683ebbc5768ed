"""`mesosynth render`: a preset as WAV file, or a folder of presets with a contact sheet."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from mesosynth.cli.options import Duration, Json
from mesosynth.errors import ArgumentError, MesosynthError
from mesosynth.system.atomic_file import check_outputs

if TYPE_CHECKING:  # numpy would slow every command down
    import numpy as np
    from numpy.typing import NDArray

    from mesosynth.presets.preset import Preset

RATE = 48000  # Hz
SECONDS = 4.0  # of one preset
SECONDS_OF_ALL = 8.0  # of each of many: long enough for the slow ones, and to measure loudness
SHEET = "contact_sheet.png"


def render(
    preset: Annotated[Path | None, Parameter("PRESET")] = None,
    output: Annotated[Path | None, Parameter("OUT.wav")] = None,
    /,
    *,
    all: Annotated[bool, Parameter("--all")] = False,
    seconds: Annotated[Duration | None, Parameter(show_default="4, or 8 each with --all")] = None,
    json: Json = False,
) -> dict[str, Any]:
    """Write a preset as WAV; with --all every preset of a folder, and a sheet of scalograms.

    Parameters
    ----------
    preset : Path
        A preset; with --all a folder of them, or none for those that mesosynth brings.
    output : Path
        The file to write; with --all a folder.
    all : bool
        Render every preset of a folder, and a contact sheet of their scalograms.
    seconds : float
        Duration of each.
    json : bool
        One JSON object on standard output.
    """
    if output is None:  # of two words the first is optional
        preset, output = None, preset
    if output is None or (preset is None and not all):
        raise ArgumentError("OUT.wav is missing; write mesosynth render PRESET OUT.wav.")
    if preset is None or all:
        return _render_all(preset, output, seconds or SECONDS_OF_ALL, json)
    return _render_one(preset, output, seconds or SECONDS, json)


def _render_one(path: Path, output: Path, seconds: float, as_json: bool) -> dict[str, Any]:
    from mesosynth.presets.preset import load_preset

    check_outputs([output], ArgumentError, [path])
    preset = load_preset(path)
    faults: list[str] = []
    audio = _write(preset, output, seconds, faults)
    _tell(faults)
    if not as_json:
        print(f"{output}: {seconds:g} s of {preset.name}")
    return {
        "faults": faults,
        "file": str(output), "sample_rate": RATE, "frames": audio.shape[1],
        "peak": float(abs(audio).max()),
    }  # fmt: skip


def _render_all(folder: Path | None, output: Path, seconds: float, as_json: bool) -> dict[str, Any]:
    """Render all presets of a folder; broken ones are reported and left out."""
    from mesosynth.cli.contact_sheet import Thumbnail, draw_contact_sheet, thumbnail
    from mesosynth.cli.progress import ProgressBar
    from mesosynth.presets.preset import load_preset

    paths = _presets(folder)
    _make_folder(output)
    sheet = output / SHEET
    check_outputs([*(output / f"{path.stem}.wav" for path in paths), sheet], ArgumentError, paths)
    rendered: list[dict[str, Any]] = []
    bad: list[dict[str, str]] = []
    pictures: list[Thumbnail] = []
    with ProgressBar("Presets", len(paths), counts=True) as bar:
        for done, path in enumerate(paths):
            bar.move(done, path.stem)
            try:
                preset = load_preset(path)
                file = output / f"{path.stem}.wav"
                faults: list[str] = []
                audio = _write(preset, file, seconds, faults)
            except MesosynthError as error:
                bad.append({"file": str(path), "error": str(error)})
            else:
                report = _measured(audio)
                rendered.append(
                    {"preset": preset.name, "file": str(file), **report, "faults": faults}
                )
                note = "" if report["loudness"] is None else f"{report['loudness']:.0f} LUFS"
                pictures.append(thumbnail(preset.name, note, audio, RATE))
    _tell([f"{one['preset']}: {fault}" for one in rendered for fault in one["faults"]])
    for one in bad:
        print(f"mesosynth: {one['error']}", file=sys.stderr)
    if not rendered:
        raise ArgumentError(f"{folder}: none of its {len(paths)} presets can be rendered.")
    draw_contact_sheet(sheet, pictures, seconds)
    if not as_json:
        print(f"{sheet}: {len(rendered)} presets, {seconds:g} s each")
    return {"contact_sheet": str(sheet), "rendered": rendered, "bad": bad}


def _presets(folder: Path | None) -> Sequence[Path]:
    from mesosynth.system.paths import factory_presets

    if folder is None:
        return factory_presets()
    if not folder.is_dir():
        raise ArgumentError(f"{folder} is not a folder; with --all name a folder of presets.")
    paths = sorted(folder.glob("*.json"))
    if not paths:
        raise ArgumentError(f"{folder} holds no presets (*.json).")
    return paths


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ArgumentError(f"{folder} cannot be made: {error.strerror}.") from error


def _tell(faults: Sequence[str]) -> None:
    for fault in faults:
        print(f"mesosynth: {fault}", file=sys.stderr)


def _write(
    preset: "Preset", output: Path, seconds: float, faults: list[str]
) -> "NDArray[np.float32]":
    from mesosynth.audio.file import write_wav
    from mesosynth.engine.rack import render

    audio = render(
        preset.instrument, preset.values, seconds, RATE,
        effects=preset.effects, state=preset.state, faults=faults,
    )  # fmt: skip
    write_wav(output, audio, RATE)
    return audio


def _measured(audio: "NDArray[np.float32]") -> dict[str, float | None]:
    """Peak, and loudness in LUFS if the sound is long enough to measure it."""
    from mesosynth.audio.loudness import loudness

    long_enough = audio.shape[1] >= RATE // 2
    return {
        "peak": float(abs(audio).max()),
        "loudness": loudness(audio, RATE) if long_enough else None,
    }
