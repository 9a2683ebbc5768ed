"""Looking through folders of presets, quickly because what is known already is not read again.

What was found last time lies in a file in the user's cache folder. It counts for files of the same
path, time and size, and only as long as the plugins take the same parameters.
"""

import hashlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

from mesosynth.effects import EFFECTS
from mesosynth.instruments import INSTRUMENTS
from mesosynth.presets.entry import Entry, read_entry
from mesosynth.presets.preset_records import REVISION
from mesosynth.system.atomic_file import write_atomically

MOST_FILES = 100_000
"""In all folders together; somebody's whole disk is no library."""

_DEEPEST = 8  # folders in folders


class _Known(msgspec.Struct):
    stamp: str
    entries: list[Entry]


def scan(folders: Mapping[str, Path], known: Mapping[str, Entry]) -> dict[str, Entry]:
    """All presets in `folders`, by key.

    Parameters
    ----------
    folders : mapping of str to Path
        By the first part of their keys.
    known : mapping of str to Entry
        What was found before, by key; what has not changed since is taken from here.
    """
    found: dict[str, Entry] = {}
    for first, folder in folders.items():
        for name, file in _presets(str(folder), f"{first}/", _DEEPEST):
            if len(found) >= MOST_FILES:
                return found
            try:
                status = file.stat()
            except OSError:
                continue  # it is gone again
            modified, size = status.st_mtime_ns, status.st_size
            entry = known.get(name)
            if (
                entry is None
                or (entry.modified, entry.size, entry.file) != (modified, size, file.path)
            ):  # fmt: skip
                entry = read_entry(name, file.path, modified, size)
            found[name] = entry
    return found


def load_known(path: Path) -> dict[str, Entry]:
    """What was found last time; nothing where that cannot be told."""
    try:
        known = msgspec.msgpack.decode(path.read_bytes(), type=_Known)
    except (OSError, msgspec.MsgspecError, ValueError, RecursionError):
        return {}
    return {entry.key: entry for entry in known.entries} if known.stamp == _stamp() else {}


def save_known(path: Path, entries: Mapping[str, Entry]) -> None:
    """Remember what was found; where that is not possible, the next start takes longer."""
    content = msgspec.msgpack.encode(_Known(_stamp(), list(entries.values())))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, content)
    except OSError:
        pass


def _presets(folder: str, key: str, deepest: int) -> Iterator[tuple[str, "os.DirEntry[str]"]]:
    """Files that may be presets, with their keys; hidden ones are somebody's drafts."""
    try:
        listing = os.scandir(folder)
    except OSError:
        return  # not there yet, or not ours to read
    with listing:
        for file in listing:
            if file.name.startswith("."):
                continue
            if file.name.lower().endswith(".json"):
                yield key + file.name, file
            elif deepest > 0 and file.is_dir(follow_symlinks=False):
                yield from _presets(file.path, f"{key}{file.name}/", deepest - 1)


def _stamp() -> str:
    """What decides whether a preset can be loaded, besides its file."""
    tables = [
        (name, [(p.id, p.minimum, p.maximum, p.smallest) for p in kind.parameters.values()])
        for name, kind in {**INSTRUMENTS, **EFFECTS}.items()
    ]
    return hashlib.sha256(repr((REVISION, tables)).encode()).hexdigest()
