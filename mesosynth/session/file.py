"""A session in one file: the sound, the target, how it is matched, and what the desk remembers.

The sound lies in it as a preset does (:mod:`mesosynth.presets.preset`) and is checked alike. A
file is either read whole or refused with one sentence; it is written whole or not at all. Keys that
this version does not know are kept and written back.
"""

from pathlib import Path
from typing import Any

import msgspec

from mesosynth.errors import PresetError, SessionError
from mesosynth.matching.results import MatchSettings
from mesosynth.presets.preset import Preset, preset_from_json, preset_to_json
from mesosynth.system.atomic_file import write_atomically

REVISION = 1
"""Of the file format; a file of a later one is refused, not guessed at."""

MAXIMUM_BYTES = 4_000_000
"""Snapshots of many sounds have some hundred thousand; something larger is not a session."""


class TargetFile(msgspec.Struct, frozen=True, kw_only=True):
    """The sound that is matched.

    Attributes
    ----------
    path : str
        Where it lay.
    sha256 : str
        Of its bytes, by which it is seen whether it is still the same.
    """

    path: str
    sha256: str = ""


class SavedSession(msgspec.Struct, frozen=True, kw_only=True):
    """Everything on the desk.

    Attributes
    ----------
    sound : Preset
        Instrument, effects and values as they were, with what the loaded preset says of itself.
    target : TargetFile or None
    match : MatchSettings or None
        How it is matched; None for the usual way.
    follow : bool
        Whether a match drives the sound.
    bank : tuple of str
        Files of the presets that MIDI programs call.
    desk : dict
        What the desk wants to find again, as plain JSON values.
    revision : int
        Of the file format.
    extra : dict
        Keys of later versions.
    """

    sound: Preset
    target: TargetFile | None = None
    match: MatchSettings | None = None
    follow: bool = True
    bank: tuple[str, ...] = ()
    desk: dict[str, Any] = {}
    revision: int = REVISION
    extra: dict[str, Any] = {}


def save_session(path: str | Path, session: SavedSession) -> None:
    """Write a session; `path` holds the whole of it or what it held before.

    Raises
    ------
    SessionError
        If it holds what cannot be written, or the file cannot.
    """
    path = Path(path)
    try:
        sound = msgspec.Raw(preset_to_json(session.sound, str(path)))
        fields = {**msgspec.structs.asdict(session), "sound": sound}
        del fields["extra"]
        kept = {key: value for key, value in session.extra.items() if key not in fields}
        text = msgspec.json.format(msgspec.json.encode({**fields, **kept}), indent=2)
        write_atomically(path, text + b"\n")
    except OSError as error:
        raise SessionError(f"{path} cannot be written: {error.strerror}.") from error
    except (PresetError, msgspec.MsgspecError, TypeError, ValueError, RecursionError) as error:
        raise SessionError(f"{path} cannot be written: {_sentence(error)}") from error


def load_session(path: str | Path) -> SavedSession:
    """Read a session.

    Raises
    ------
    SessionError
        If it is missing, no session, of a later revision, or holds a sound that cannot be.
    """
    path = Path(path)
    document = _object(path)
    revision = document.get("revision")
    if not isinstance(revision, int) or isinstance(revision, bool) or revision < 1:
        raise SessionError(f"{path} is not a session: its revision is {revision!r}, not a number.")
    if revision > REVISION:
        raise SessionError(
            f"{path} was written by a later mesosynth (revision {revision}, this one reads "
            f"{REVISION}); update mesosynth to load it."
        )
    try:
        sound = preset_from_json(msgspec.json.encode(document.get("sound")), f"{path}, its sound")
        known = set(SavedSession.__struct_fields__) - {"extra", "sound"}
        fields = {key: value for key, value in document.items() if key in known}
        extra = {key: value for key, value in document.items() if key not in {*known, "sound"}}
        blank = msgspec.to_builtins(Preset(name=""))
        session = msgspec.convert({**fields, "extra": extra, "sound": blank}, SavedSession)
    except PresetError as error:
        raise SessionError(str(error)) from error
    except msgspec.ValidationError as error:
        raise SessionError(f"{path} is not a session: {_sentence(error)}") from error
    return msgspec.structs.replace(session, sound=sound)


def _object(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            text = file.read(MAXIMUM_BYTES + 1)
        if len(text) > MAXIMUM_BYTES:
            raise SessionError(f"{path} is not a session: it is larger than {MAXIMUM_BYTES} bytes.")
        return msgspec.json.decode(text, type=dict[str, Any])
    except FileNotFoundError as error:
        raise SessionError(f"{path} does not exist.") from error
    except OSError as error:
        raise SessionError(f"{path} cannot be read: {error.strerror}.") from error
    except (ValueError, msgspec.MsgspecError, RecursionError) as error:
        raise SessionError(f"{path} is not a session: {_sentence(error)}") from error


def _sentence(error: Exception) -> str:
    return f"{str(error).rstrip('.')}."
