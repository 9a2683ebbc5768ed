"""`mesosynth [FILE]`: the desk, or without a display the same session in the terminal."""

import sys
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from mesosynth.cli.options import NO_OPTIONS, Sound
from mesosynth.errors import ArgumentError

OUT = Path("out")
"""Folder for what a session in the terminal leaves."""


def desk(
    file: Annotated[Path | None, Parameter("FILE")] = None,
    /,
    *,
    preset: Annotated[Path | None, Parameter(metavar="P")] = None,
    sound: Sound = NO_OPTIONS,
) -> dict[str, Any]:
    """Open the desk, and leave with its exit code when its window is closed.

    Parameters
    ----------
    file : Path, optional
        A sound to match, or a preset or a session to open. Without one, the desk goes on from the
        last session, in silence; the first time, and in the terminal, it matches a demo.
    preset : Path, optional
        Parameters to start with.
    sound : SoundOptions
        Device, MIDI and OSC.
    """
    from mesosynth.cli.doctor import display_problem
    from mesosynth.presets.preset import load_preset
    from mesosynth.system.file_kinds import PRESET, kind_of_file
    from mesosynth.system.paths import resource

    if file is not None and not file.exists():
        raise ArgumentError(f"{file} is neither a file nor a command; see mesosynth --help.")
    if file is not None and preset is None and kind_of_file(file) is PRESET:
        file, preset = None, file
    if preset is not None:
        load_preset(preset)
    audio, trouble = sound.audio()
    problem = display_problem()
    if not problem:
        midi = "" if sound.midi is None else sound.midi
        open_desk = import_module(f"{desk_package()}.app").main
        raise SystemExit(open_desk(["mesosynth"], file, preset, audio, trouble, midi, sound.osc))
    from mesosynth.cli.headless import run

    print(f"mesosynth: {problem}; running in the terminal.", file=sys.stderr)
    if trouble:
        print(f"mesosynth: {trouble}", file=sys.stderr)
    run(file or resource("assets", "demo.wav"), OUT, preset, audio)
    return {}


def desk_package() -> str:
    """Name of the desk's package: mesosynth_gui as a wheel installs it, gui in a checkout."""
    installed = (Path(__file__).parents[2] / "mesosynth_gui").is_dir()
    return "mesosynth_gui" if installed else "gui"
