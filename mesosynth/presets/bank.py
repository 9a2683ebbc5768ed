"""Banks: presets in a zip file, which nobody has to trust."""

import io
import lzma
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath

from mesosynth.errors import PresetError
from mesosynth.presets.names import alternatives, file_stem
from mesosynth.presets.preset import MAXIMUM_BYTES, Preset, preset_from_json, preset_to_json
from mesosynth.system.atomic_file import write_atomically

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
            text = preset_to_json(preset, f"{stem}.json")
            bank.writestr(zipfile.ZipInfo(f"{stem}.json", _EPOCH), text, zipfile.ZIP_DEFLATED)
    try:
        write_atomically(path, content.getvalue())
    except OSError as error:
        raise PresetError(f"{path} cannot be written: {error.strerror}.") from error


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
            text = stream.read(MAXIMUM_BYTES + 1)
        where = f"{path.name}: {file.filename[:80]}"
        if len(text) > MAXIMUM_BYTES:
            left_out.append(f"{where} is not a preset: it is larger than {MAXIMUM_BYTES} bytes.")
            continue
        try:
            presets.append(preset_from_json(text, where))
        except PresetError as error:
            left_out.append(str(error))
    return Bank(presets, left_out)
