"""Kinds of files, and the kind of a file by its content.

All kinds stand here and not beside their formats, so that a file is recognised whatever modules
have been imported: a command that reads presets can say that it was given a session.
"""

import codecs
import contextlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

LOOK = 32_000_000
"""Bytes that are read of a file to find its kind; no document but a sequence has more."""


class Kind(msgspec.Struct, frozen=True):
    """Kind of a file.

    Attributes
    ----------
    name : str
        Value of the key `kind` in the file.
    noun : str
        With its article, for sentences.
    opened : str
        How such a file is opened, for sentences.
    keys : frozenset of str
        Keys by which a file without `kind` is recognised: one that an earlier version wrote.
    ending : str
        By which desktops know it (assets/desktop/mesosynth.xml); .json does, too.
    """

    name: str
    noun: str
    opened: str
    keys: frozenset[str] = frozenset()
    ending: str = ".json"

    def stem(self, path: Path) -> str:
        """Name of a file without its ending.

        >>> PRESET.stem(Path("Bass v1.2.mesopreset.json")), PRESET.stem(Path("Bass v1.2.json"))
        ('Bass v1.2', 'Bass v1.2')
        """
        return path.stem.removesuffix(Path(self.ending).stem)


PRESET = Kind(
    "preset", "a preset", "open it in the desk with Open preset, or with mesosynth play FILE",
    frozenset({"name", "revision"}), ".mesopreset.json",
)  # fmt: skip
SESSION = Kind(
    "session", "a session", "open it in the desk with Open session",
    frozenset({"sound", "follow", "bank"}), ".mesosession.json",
)  # fmt: skip
CHECKPOINT = Kind(
    "checkpoint", "a saved match",
    "open it in the desk with Open match, or go on with it by mesosynth match --resume FILE, or "
    "mesosynth sequence SOUND --run FILE if it is of a long sound",
    frozenset({"sound", "settings"}),
)  # fmt: skip
MARKS = Kind(
    "marks", "the library's file of favourites",
    "it belongs in the folder of presets as .marks.json", frozenset({"favourites", "ratings"}),
)  # fmt: skip
AUDIO_SETTINGS = Kind(
    "audio settings", "the settings of the sound device",
    "it belongs in the folder of settings as audio.json", frozenset({"audio", "revision"}),
)  # fmt: skip
DESK_SETTINGS = Kind(
    "desk settings", "the settings of the desk",
    "it belongs in the folder of settings as desk.json",
    frozenset({"geometry", "folder", "follow"}),
)  # fmt: skip
MIDI_MAP = Kind(
    "midi map", "a map of MIDI controllers", "it belongs in the folder of settings as midi.json",
    frozenset({"bindings", "revision"}),
)  # fmt: skip
FIGURE = Kind(
    "figure", "the record of a figure", "it belongs beside the picture of the same name",
    frozenset({"fingerprint", "settings"}),
)  # fmt: skip
SOUND = Kind("sound", "a sound file", "load it as a target")
BANK = Kind("bank", "a bank of presets", "import it in the library")
ZIP = Kind("zip", "a zip file", "if it is a bank of presets, import it in the library")

DOCUMENTS = (
    SESSION, CHECKPOINT, MARKS, AUDIO_SETTINGS, DESK_SETTINGS, MIDI_MAP, FIGURE, PRESET,
)  # fmt: skip
"""Kinds of documents; the preset comes last, since other kinds may come to have a name too."""

_BEGINNINGS = {
    b"RIFF": SOUND, b"RF64": SOUND, b"fLaC": SOUND, b"OggS": SOUND, b"FORM": SOUND, b"ID3": SOUND,
    b"PK\x03\x04": ZIP,
}  # fmt: skip


def is_not(where: str, found: Kind, wanted: Kind) -> str:
    """Sentence about a file of another kind than was wanted.

    Parameters
    ----------
    where : str
        Its path.
    found, wanted : Kind
    """
    return f"{where} is {found.noun}, not {wanted.noun}; {found.opened}."


def kind_of_file(path: Path) -> Kind | None:
    """Kind of a file; None where it is unknown, or cannot be read."""
    with contextlib.suppress(OSError), path.open("rb") as file:
        return kind_of(file.read(LOOK))
    return None


def kind_of(content: bytes) -> Kind | None:
    """Kind of a file by its content; None where it is unknown."""
    content = content.removeprefix(codecs.BOM_UTF8)
    for beginning, kind in _BEGINNINGS.items():
        if content.startswith(beginning):
            return kind
    for text in (content, content.partition(b"\n")[0]):  # a file of JSON lines: the first line
        with contextlib.suppress(ValueError, msgspec.MsgspecError, RecursionError):
            return kind_of_object(msgspec.json.decode(text, type=dict[str, Any]))
    return None


def kind_of_object(raw: Mapping[str, Any]) -> Kind | None:
    """Kind of a document by its keys; None where it is unknown."""
    if "kind" in raw:
        return next((kind for kind in DOCUMENTS if kind.name == raw["kind"]), None)
    return next((kind for kind in DOCUMENTS if kind.keys <= raw.keys()), None)
