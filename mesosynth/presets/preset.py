"""Presets: a sound as a plain JSON file that people can read, mail and diff.

A file is either read whole or refused with one sentence; it is written whole or not at all. Keys
that this version does not know are kept and written back. One of revision 2::

    {
      "revision": 2,
      "name": "Dawn bird",
      "instrument": "chirplet",
      "parameters": {"f_c": 3200.0, "f_m": 24.0, "gamma": 9.0, "w": 1.2, "period": 0.45},
      "effects": [{"plugin": "delay", "parameters": {"time": 0.25}, "bypassed": false}],
      "author": "mesosynth",
      "comment": "Short, high and quick: a call before dawn.",
      "tags": {"category": "animal", "character": ["bright", "quick"], "features": ["rising"]},
      "licence": "CC0-1.0",
      "match": {"target": "crow.flac", "sha256": "…", "loss": 0.1, "std": {"f_m": 0.02}}
    }

Everything but the revision and the name may be left out. Of the tags, the category is the one
family that the library files it under (:data:`CATEGORIES` are the usual ones), the character says
how it sounds, and the features what it does: free words all. Revision 1, whose tags were a plain
list, is read as well (:mod:`mesosynth.presets.preset_migrations`).
"""

from pathlib import Path
from typing import Any

import msgspec

from mesosynth.errors import PresetError
from mesosynth.presets.preset_checks import check_preset
from mesosynth.presets.preset_migrations import migrate
from mesosynth.presets.preset_records import (
    REVISION,
    EffectState,
    MatchRecord,
    Preset,
    Tags,
    preset_document,
    preset_from_document,
)
from mesosynth.system.atomic_file import write_atomically

__all__ = [
    "CATEGORIES",
    "REVISION",
    "EffectState",
    "MatchRecord",
    "Preset",
    "Tags",
    "load_preset",
    "preset_from_json",
    "preset_to_json",
    "save_preset",
]  # fmt: skip

MAXIMUM_BYTES = 1_000_000
"""A preset has a few hundred bytes; something larger is not one."""

CATEGORIES = (
    "animal", "arpeggio", "bass", "bell", "cloud", "drone", "laser", "matched", "rhythm", "siren",
    "sweep", "water",
)  # fmt: skip
"""What a desk offers; any other is as good."""


def load_preset(path: str | Path) -> Preset:
    """Read a preset.

    Raises
    ------
    PresetError
        If it is missing, no preset, of a later revision, or holds a parameter that does not exist
        or is out of range.
    """
    return preset_from_json(_read(Path(path)), str(path))


def save_preset(path: str | Path, preset: Preset) -> None:
    """Write a preset; `path` holds the whole of it or what it held before.

    Raises
    ------
    PresetError
        If a parameter does not exist or is out of range, or the file cannot be written.
    """
    path = Path(path)
    text = preset_to_json(preset, str(path))
    try:
        write_atomically(path, text)
    except OSError as error:
        raise PresetError(f"{path} cannot be written: {error.strerror}.") from error


def preset_from_json(text: bytes, where: str) -> Preset:
    """Make a preset of a file's bytes; `where` is what messages call it. Raises as above."""
    document = _object(text, where)
    revision = document.get("revision")
    if not isinstance(revision, int) or isinstance(revision, bool) or revision < 1:
        raise PresetError(f"{where} is not a preset: its revision is {revision!r}, not a number.")
    if revision > REVISION:
        raise PresetError(
            f"{where} was written by a later mesosynth (revision {revision}, this one reads "
            f"{REVISION}); update mesosynth to load it."
        )
    migrate(document, revision)
    try:
        preset = preset_from_document(document)
    except msgspec.ValidationError as error:
        raise PresetError(f"{where} is not a preset: {error}.") from error
    check_preset(where, preset)
    return preset


def preset_to_json(preset: Preset, where: str) -> bytes:
    """Make a file's bytes of a preset; `where` is what messages call it. Raises as above."""
    check_preset(where, preset)
    try:
        text = msgspec.json.encode(preset_document(preset))
    except (msgspec.MsgspecError, TypeError, ValueError, RecursionError) as error:
        raise PresetError(f"{where} cannot be written: {error}.") from error
    return msgspec.json.format(text, indent=2) + b"\n"


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            text = file.read(MAXIMUM_BYTES + 1)
    except FileNotFoundError as error:
        raise PresetError(f"{path} does not exist.") from error
    except IsADirectoryError as error:
        raise PresetError(f"{path} is a folder; name a preset in it.") from error
    except OSError as error:
        raise PresetError(f"{path} cannot be read: {error.strerror}.") from error
    if len(text) > MAXIMUM_BYTES:
        raise PresetError(f"{path} is not a preset: it is larger than {MAXIMUM_BYTES} bytes.")
    return text


def _object(text: bytes, where: str) -> dict[str, Any]:
    if not text.strip():
        raise PresetError(f"{where} is empty.")
    try:
        return msgspec.json.decode(text, type=dict[str, Any])
    # A UnicodeDecodeError is a ValueError and so is msgspec's; nesting is limited by recursion.
    except (ValueError, msgspec.MsgspecError, RecursionError) as error:
        raise PresetError(f"{where} is not a preset: {error}.") from error
