"""A session in one file: the sound, the target, how it is matched, and what the desk remembers.

The sound lies in it as a preset (:mod:`mesosynth.presets.preset`) and is checked as one.
"""

from typing import Any

import msgspec

from mesosynth.errors import SessionError
from mesosynth.matching.results import MatchSettings
from mesosynth.presets.preset import Preset
from mesosynth.system import file_kinds
from mesosynth.system.documents import Document


class TargetFile(msgspec.Struct, frozen=True, kw_only=True):
    """The sound that is matched.

    Attributes
    ----------
    path : str
        Where it lay.
    sha256 : str
        Of its bytes, by which it is seen whether it is still the same.
    extra : dict
        Keys of later versions.
    """

    path: str
    sha256: str = ""
    extra: dict[str, Any] = {}


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
    extra : dict
        Keys of later versions.
    """

    sound: Preset
    target: TargetFile | None = None
    match: MatchSettings | None = None
    follow: bool = True
    bank: tuple[str, ...] = ()
    desk: dict[str, Any] = {}
    extra: dict[str, Any] = {}


SESSION = Document(SavedSession, file_kinds.SESSION, SessionError, largest=4_000_000)
"""The format; snapshots of many sounds have some hundred thousand bytes."""

load_session, save_session = SESSION.load, SESSION.save
