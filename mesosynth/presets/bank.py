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
from mesosynth.system.atomic_file import write_atomically, writing

# --------------------------------------------------------------------------------------------------
# Names for files, of whatever a preset is called, and free ones beside those that are taken.


_FORBIDDEN = re.compile(r'[\x00-\x1f\x7f<>:"/\\|?*]+')  # by one system or another
_RESERVED = re.compile(r"(?i)(con|prn|aux|nul|com[0-9]|lpt[0-9])(\.|$)")
_LONGEST = 80  # characters, of up to four bytes: no file system's limit is near
_NUMBERED = re.compile(r"(.*?) (\d{1,6})")


def file_stem(name: str) -> str:
    """A file's name without its ending, legal on every system, that looks like `name`."""
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
# The user's files: written under free names, put out of sight, and put back.


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
        named = msgspec.structs.replace(preset, name=name)
        if not PRESET.save_new(path, named, make_folder=True):
            continue
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


# --------------------------------------------------------------------------------------------------
# Banks: presets in a zip file, which nobody has to trust.


MOST_FILES = 10_000
MOST_BYTES = 100_000_000
"""Of the zip file, and of all that is in it."""

# What zipfile raises on files that are broken, encrypted or packed in strange ways.
_BROKEN = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, EOFError, RuntimeError,
    NotImplementedError, ValueError, OverflowError,
)  # fmt: skip
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the same presets make the same bytes


@dataclass(frozen=True, slots=True)
class Bank:
    """What a zip file holds: presets, and a sentence for everything that is none."""

    presets: Sequence[Preset]
    left_out: Sequence[str]


def write_bank(path: Path, presets: Iterable[Preset]) -> None:
    """Write presets to a zip file; `path` holds the whole of it or what it held before.

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

    Nothing of it is written anywhere. A zip file that is made to do harm, with paths out of its
    folder, links, or far more in it than on it, is refused whole.

    Raises
    ------
    PresetError
        If it cannot be read, is no zip file, or not a harmless one.
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
        raise PresetError(f"{path} is not a bank: {str(error).rstrip('.')}.") from error


def _harmless(path: Path, files: Sequence[zipfile.ZipInfo]) -> list[zipfile.ZipInfo]:
    """The files of a bank, having refused what no honest one holds."""
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
        with bank.open(file) as stream:  # a directory that lies about sizes is not believed
            text = stream.read(PRESET.largest + 1)
        try:
            presets.append(PRESET.parse(text, f"{path.name}: {file.filename[:80]}"))
        except PresetError as error:
            left_out.append(str(error))
    return Bank(presets, left_out)


# --------------------------------------------------------------------------------------------------
# Taking a bank into the user's folder, which may take a while and may be thought better of.


Progress = Callable[[int, int], bool]
"""Gets how many of how many presets are done; what it returns tells whether to go on."""


def go_on(_done: int, _total: int) -> bool:
    """The progress that nobody watches."""
    return True


@dataclass(frozen=True, slots=True)
class Imported:
    """What came of an import.

    Attributes
    ----------
    files : tuple of Path
        The new ones.
    left_out : tuple of str
        A sentence for everything that was not taken.
    cancelled : bool
        Whether it was ended half way; then there are no new files.
    """

    files: tuple[Path, ...] = ()
    left_out: tuple[str, ...] = ()
    cancelled: bool = False


def take_bank(
    bank: Bank, folder: Path, there: Iterable[Path], taken: set[str], on_progress: Progress
) -> Imported:
    """Write the presets of a bank to a folder, under free names.

    What is there already, to the byte or but for its name, is not taken twice. An import that is
    cancelled or fails leaves nothing behind.

    Parameters
    ----------
    bank : Bank
    folder : Path
    there : iterable of Path
        The presets that the user has.
    taken : set of str
        As :func:`~mesosynth.presets.bank.save_new` takes it.
    on_progress : callable
        False ends the import.

    Raises
    ------
    PresetError
        If a new one cannot be written.
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
            with suppress(PresetError):  # what has just gone is not there
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
    """Everything but the name."""
    nameless = msgspec.structs.replace(preset, name="")
    return msgspec.json.encode(PRESET.to_object(nameless, preset.name))
