"""Session file: sound, target, match settings, and state of the desk.

The sound is stored as a preset (:mod:`mesosynth.presets.preset`) and checked as one.
"""

from typing import Annotated, Any

import msgspec

from mesosynth.errors import SessionError
from mesosynth.matching.results import MatchSettings
from mesosynth.presets.preset import Preset
from mesosynth.system import file_kinds
from mesosynth.system.documents import Document


class TargetFile(msgspec.Struct, frozen=True, kw_only=True):
    """File of the target.

    Attributes
    ----------
    path : str
    sha256 : str
        Of its bytes, to detect a change.
    start, seconds : float or None
        Window that was chosen in it, s.
    extra : dict
        Keys of later versions.
    """

    path: str
    sha256: str = ""
    start: float | None = None
    seconds: Annotated[float, msgspec.Meta(ge=0.05, le=10.0)] | None = None
    extra: dict[str, Any] = {}


class SavedSession(msgspec.Struct, frozen=True, kw_only=True):
    """State of a session.

    Attributes
    ----------
    sound : Preset
        Instrument, effects and values, with the metadata of the loaded preset.
    target : TargetFile or None
    match : MatchSettings or None
        None for the default.
    follow : bool
        Whether a match drives the sound.
    bank : tuple of str
        Files of the presets of MIDI programs.
    desk : dict
        State of the desk, as plain JSON values.
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
"""File format; snapshots of many sounds have some hundred thousand bytes."""

load_session, save_session = SESSION.load, SESSION.save
