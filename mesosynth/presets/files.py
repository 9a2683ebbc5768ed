"""The user's files: written under free names, put out of sight, and put back."""

import os
from pathlib import Path

import msgspec

from mesosynth.errors import PresetError
from mesosynth.presets.names import alternatives, file_stem
from mesosynth.presets.preset import Preset, preset_to_json
from mesosynth.system.atomic_file import write_new

REMOVED = ".removed"
"""The folder in the user's that holds what was removed."""


def save_new(folder: Path, preset: Preset, taken: set[str]) -> Path:
    """Write a preset under its name, or "name 2" where that is taken; nothing is overwritten.

    Parameters
    ----------
    folder : Path
        Made if it is not there.
    preset : Preset
    taken : set of str
        Names of presets and files that it must not have, in small letters; its own are added.

    Raises
    ------
    PresetError
        If it cannot be written.
    """
    for name in alternatives(preset.name.strip() or "Preset"):
        path = folder / f"{file_stem(name)}.json"
        if name.casefold() in taken or path.name.casefold() in taken:
            continue
        text = preset_to_json(msgspec.structs.replace(preset, name=name), str(path))
        try:
            folder.mkdir(parents=True, exist_ok=True)
            write_new(path, text)
        except FileExistsError:
            continue
        except OSError as error:
            raise PresetError(f"{path} cannot be written: {error.strerror}.") from error
        taken |= {name.casefold(), path.name.casefold()}
        return path
    raise AssertionError("names never end")


def put_away(folder: Path, path: Path) -> Path:
    """Move a file out of sight, and return where it lies now.

    Raises
    ------
    PresetError
        If it cannot be moved.
    """
    away = folder / REMOVED
    try:
        away.mkdir(exist_ok=True)
        return _rename(path, away / path.name)
    except OSError as error:
        raise PresetError(f"{path} cannot be removed: {error.strerror}.") from error


def put_back(away: Path, path: Path) -> Path:
    """Move a file back to `path`, or beside it where that is taken; return where it lies now.

    Raises
    ------
    PresetError
        If it is not there any more, or cannot be moved.
    """
    try:
        return _rename(away, path)
    except OSError as error:
        raise PresetError(f"{away} cannot be put back: {error.strerror}.") from error


def names(folder: Path) -> list[str]:
    """All file names in a folder; none if it cannot be read."""
    try:
        return os.listdir(folder)
    except OSError:
        return []


def _rename(path: Path, wanted: Path) -> Path:
    """Move a file to the first free name like `wanted`."""
    there = next(
        wanted.with_name(f"{stem}{wanted.suffix}")
        for stem in alternatives(wanted.stem)
        if not wanted.with_name(f"{stem}{wanted.suffix}").exists()
    )
    return path.rename(there)
