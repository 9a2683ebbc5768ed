"""Preset banks and the user's preset files: validated on import, renamed, deleted, restored."""

import io
import lzma
import os
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath

import msgspec

from mesosynth.errors import PresetError
from mesosynth.presets.preset import (
    PRESET,
    Preset,
    load_preset,
)
from mesosynth.system import file_kinds
from mesosynth.system.atomic_file import write_atomically, writing

# --------------------------------------------------------------------------------------------------
# File names


_FORBIDDEN = re.compile(r'[\x00-\x1f\x7f<>:"/\\|?*]+')  # on some system
_RESERVED = re.compile(r"(?i)(con|prn|aux|nul|com[0-9]|lpt[0-9])(\.|$)")
_LONGEST = 80  # characters, of up to four bytes: below the limit of all file systems
_NUMBERED = re.compile(r"(.*?) (\d{1,6})")


def file_stem(name: str) -> str:
    """File name for a preset's name, without suffix and legal on every system."""
    stem = _FORBIDDEN.sub(" ", name).encode("utf-8", "ignore").decode()
    stem = " ".join(stem.split())[:_LONGEST].strip(" .")
    if not stem:
        return "preset"
    return f"_{stem}" if _RESERVED.match(stem) else stem


def alternatives(name: str) -> Iterator[str]:
    """`name`, "name 2", "name 3" and so on; after "name 2" comes "name 3"."""
    yield name
    numbered = _NUMBERED.fullmatch(name)
    stem, count = (numbered[1], int(numbered[2])) if numbered else (name, 1)
    while True:
        count += 1
        yield f"{stem} {count}"


# --------------------------------------------------------------------------------------------------
# The user's files: written under free names, removed, and restored


REMOVED = ".removed"
"""Folder of removed presets, in the user's folder."""


def save_new(folder: Path, preset: Preset, taken: set[str]) -> Path:
    """Write a preset under its name, or "name 2" where that is taken; nothing is overwritten.

    Parameters
    ----------
    folder : Path
        Created if it does not exist.
    preset : Preset
    taken : set of str
        Names of presets and files that are taken, in lower case; its own are added.

    Returns
    -------
    Path
        Its file.

    Raises
    ------
    PresetError
        If it cannot be written.
    """
    for name in alternatives(preset.name.strip() or "Preset"):
        path = folder / f"{file_stem(name)}.json"
        if name.casefold() in taken or path.name.casefold() in taken:
            continue
        named = msgspec.structs.replace(preset, name=name)
        if not PRESET.save_new(path, named, make_folder=True):
            continue
        taken |= {name.casefold(), path.name.casefold()}
        return path
    raise AssertionError("there is always another name")


def put_away(folder: Path, path: Path) -> Path:
    """Move a file to the folder of removed presets.

    Parameters
    ----------
    folder : Path
        The user's folder.
    path : Path

    Returns
    -------
    Path
        Its new path.

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
    """Restore a removed file, under another name where its old one is taken.

    Parameters
    ----------
    away : Path
        Path of the removed file.
    path : Path
        Its old path.

    Returns
    -------
    Path
        Its new path.

    Raises
    ------
    PresetError
        If it does not exist any more, or cannot be moved.
    """
    try:
        return _rename(away, path)
    except OSError as error:
        raise PresetError(f"{away} cannot be put back: {error.strerror}.") from error


def names(folder: Path) -> list[str]:
    """Names of all files in a folder; empty if it cannot be read."""
    try:
        return os.listdir(folder)
    except OSError:
        return []


def _rename(path: Path, wanted: Path) -> Path:
    """Move a file to `wanted`, or the first free name like it."""
    there = next(
        wanted.with_name(f"{stem}{wanted.suffix}")
        for stem in alternatives(wanted.stem)
        if not wanted.with_name(f"{stem}{wanted.suffix}").exists()
    )
    return path.rename(there)


# --------------------------------------------------------------------------------------------------
# Preset banks: zip files, validated on import


MOST_FILES = 10_000
MOST_BYTES = 100_000_000
"""Largest size of the zip file, and of its unpacked content, bytes."""

# Exceptions of zipfile for damaged, encrypted or unsupported files.
_BROKEN = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, EOFError, RuntimeError,
    NotImplementedError, ValueError, OverflowError,
)  # fmt: skip
_EPOCH = (1980, 1, 1, 0, 0, 0)  # so that the same presets make the same bytes


@dataclass(frozen=True, slots=True)
class Bank:
    """Presets of a zip file, and a sentence for each file that is not one."""

    presets: Sequence[Preset]
    left_out: Sequence[str]


def write_bank(path: Path, presets: Iterable[Preset]) -> None:
    """Write presets to a zip file, whole or not at all.

    Parameters
    ----------
    path : Path
    presets : iterable of Preset

    Raises
    ------
    PresetError
        If it cannot be written.
    """
    content = io.BytesIO()
    taken: set[str] = set()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as bank:
        for preset in presets:
            stems = (file_stem(name) for name in alternatives(preset.name))
            stem = next(stem for stem in stems if stem.casefold() not in taken)
            taken.add(stem.casefold())
            text = PRESET.format(preset, f"{stem}.json")
            bank.writestr(zipfile.ZipInfo(f"{stem}.json", _EPOCH), text, zipfile.ZIP_DEFLATED)
    with writing(path, PresetError):
        write_atomically(path, content.getvalue())


def read_bank(path: Path) -> Bank:
    """Read all presets of a zip file.

    Nothing is unpacked to disk. A harmful zip file, with paths out of its folder, links, or a
    content much larger than the file, is refused as a whole.

    Raises
    ------
    PresetError
        If it cannot be read, is not a zip file, or is harmful.
    """
    try:
        if path.stat().st_size > MOST_BYTES:
            raise PresetError(f"{path} is not a bank: it is larger than {MOST_BYTES} bytes.")
        with zipfile.ZipFile(path) as bank:
            files = _harmless(path, bank.infolist())
            return _presets(path, bank, files)
    except OSError as error:
        raise PresetError(f"{path} cannot be read: {error.strerror or error}.") from error
    except _BROKEN as error:
        found = file_kinds.kind_of_file(path)
        if found not in (None, file_kinds.ZIP):
            raise PresetError(file_kinds.is_not(str(path), found, file_kinds.BANK)) from error
        raise PresetError(f"{path} is not a bank: {str(error).rstrip('.')}.") from error


def _harmless(path: Path, files: Sequence[zipfile.ZipInfo]) -> list[zipfile.ZipInfo]:
    """Files of a bank that has no harmful ones."""
    if len(files) > MOST_FILES:
        raise PresetError(f"{path} is not a bank: it holds more than {MOST_FILES} files.")
    for file in files:
        name, windows = PurePosixPath(file.filename), PureWindowsPath(file.filename)
        if name.is_absolute() or windows.anchor or ".." in (*name.parts, *windows.parts):
            raise PresetError(f"{path} is refused: {file.filename[:80]!r} leads out of its folder.")
        if stat.S_ISLNK(file.external_attr >> 16):
            raise PresetError(f"{path} is refused: {file.filename[:80]!r} is a link.")
    if sum(file.file_size for file in files) > MOST_BYTES:
        raise PresetError(f"{path} is refused: it unpacks to more than {MOST_BYTES} bytes.")
    return [file for file in files if not file.is_dir()]


def _presets(path: Path, bank: zipfile.ZipFile, files: Iterable[zipfile.ZipInfo]) -> Bank:
    presets: list[Preset] = []
    left_out: list[str] = []
    for file in files:
        if not file.filename.lower().endswith(".json"):
            left_out.append(f"{file.filename[:80]} is not a preset: its name ends otherwise.")
            continue
        with bank.open(file) as stream:  # the directory may state a wrong size
            text = stream.read(PRESET.largest + 1)
        try:
            presets.append(PRESET.parse(text, f"{path.name}: {file.filename[:80]}"))
        except PresetError as error:
            left_out.append(str(error))
    return Bank(presets, left_out)


# --------------------------------------------------------------------------------------------------
# Import of a bank, which can be cancelled


Progress = Callable[[int, int], bool]
"""Receives the number of presets done and of all presets; returns False to cancel."""


def go_on(*_: int) -> bool:
    """Progress function that never cancels."""
    return True


@dataclass(frozen=True, slots=True)
class Imported:
    """Result of an import.

    Attributes
    ----------
    files : tuple of Path
        New files.
    left_out : tuple of str
        A sentence for each preset that was not imported.
    cancelled : bool
        Whether it was cancelled; then there are no new files.
    """

    files: tuple[Path, ...] = ()
    left_out: tuple[str, ...] = ()
    cancelled: bool = False


def take_bank(
    bank: Bank, folder: Path, there: Iterable[Path], taken: set[str], on_progress: Progress
) -> Imported:
    """Write the presets of a bank to a folder, under free names.

    A preset that exists already, byte by byte except for its name, is not imported again. An import
    that is cancelled or fails leaves no new files.

    Parameters
    ----------
    bank : Bank
    folder : Path
    there : iterable of Path
        Existing presets of the user.
    taken : set of str
        As in :func:`save_new`.
    on_progress : callable
        Returns False to cancel.

    Returns
    -------
    Imported

    Raises
    ------
    PresetError
        If a preset cannot be written.
    """
    paths = list(there)
    total = len(paths) + len(bank.presets)
    files: list[Path] = []
    left_out = list(bank.left_out)
    known: set[bytes] = set()
    try:
        for done, path in enumerate(paths):
            if not on_progress(done, total):
                return Imported(cancelled=True)
            with suppress(PresetError):  # it was deleted meanwhile
                known.add(content(load_preset(path)))
        for done, preset in enumerate(bank.presets, len(paths)):
            if not on_progress(done, total):
                return Imported(cancelled=True)
            if content(preset) in known:
                left_out.append(f"{preset.name} is there already.")
            else:
                files.append(save_new(folder, preset, taken))
        kept, files = tuple(files), []
        return Imported(kept, tuple(left_out))
    finally:
        for file in files:
            file.unlink(missing_ok=True)


def content(preset: Preset) -> bytes:
    """A preset without its name, as bytes to compare."""
    nameless = msgspec.structs.replace(preset, name="")
    return msgspec.json.encode(PRESET.to_object(nameless, preset.name))
