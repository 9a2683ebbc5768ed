"""The records that a preset is made of, and how they become JSON objects and come back.

Every record keeps, in its `extra`, the keys that this version does not know.
"""

import math
import reprlib
from typing import Any, TypeVar

import msgspec

from mesosynth.instruments import INSTRUMENTS, instrument_class
from mesosynth.plugins.parameters import ParameterTable

REVISION = 2
"""Of the file format; a file of a later one is refused, not guessed at."""


class Tags(msgspec.Struct, frozen=True, kw_only=True):
    """What a sound is called by when it is looked for.

    Attributes
    ----------
    category : str
        Its family, or "" for none.
    character : tuple of str
        How it sounds: "bright", "soft".
    features : tuple of str
        What it does: "rising", "tempo-synced".
    extra : dict
        Keys of later versions.
    """

    category: str = ""
    character: tuple[str, ...] = ()
    features: tuple[str, ...] = ()
    extra: dict[str, Any] = {}

    @property
    def words(self) -> tuple[str, ...]:
        """All of them, the category first."""
        category = (self.category,) if self.category else ()
        return (*category, *self.character, *self.features)


class MatchRecord(msgspec.Struct, frozen=True, kw_only=True):
    """Where a matched preset came from.

    Attributes
    ----------
    target : str
        Name of the sound that was matched.
    sha256 : str
        Of its bytes.
    loss : float
        As in :class:`mesosynth.matching.MatchResult`.
    std : dict
        Standard deviation of each matched parameter, in the table's units.
    evaluations : int
    onset : float
        Time of the arpeggio's middle in the target, s.
    gain : float
        Amplitude of the arpeggio's peak in the target, 1.0 is full scale.
    similarity : dict
        Cosines to the target by view, "jtfs", "mss" and "log_mel", 0 to 1; empty where it was not
        measured.
    extra : dict
        Keys of later versions.
    """

    target: str
    sha256: str = ""
    loss: float = 0.0
    std: dict[str, float] = {}
    evaluations: int = 0
    onset: float = 0.0
    gain: float = 0.0
    similarity: dict[str, float] = {}
    extra: dict[str, Any] = {}


class EffectState(msgspec.Struct, frozen=True, kw_only=True):
    """An effect in a preset's rack.

    Attributes
    ----------
    plugin : str
        Its name: of a built-in effect, or of a user's plugin, which may be missing elsewhere.
    parameters : dict
        Values by id in the table's units; those left out have their defaults.
    bypassed : bool
    state : dict
        What the plugin keeps besides its parameters.
    extra : dict
        Keys of later versions.
    """

    plugin: str
    parameters: dict[str, float] = {}
    bypassed: bool = False
    state: dict[str, Any] = {}
    extra: dict[str, Any] = {}


class Preset(msgspec.Struct, frozen=True, kw_only=True):
    """A sound by name.

    Attributes
    ----------
    revision : int
        Of the file format.
    name : str
    instrument : str
        Name in :data:`mesosynth.instruments.INSTRUMENTS`, or of a user's plugin, which may be
        missing elsewhere.
    parameters : dict
        Values by id in the table's units; those left out have their defaults.
    effects : tuple of EffectState
        What the sound goes through, in order.
    state : dict
        What the instrument keeps besides its parameters: the scale of its keys.
    author, comment : str
    tags : Tags
    licence : str
        SPDX expression, or "" where nothing is said.
    match : MatchRecord or None
        Where it came from, when the matcher made it.
    extra : dict
        Keys of later versions.
    """

    revision: int = REVISION
    name: str
    instrument: str = "chirplet"
    parameters: dict[str, float] = {}
    effects: tuple[EffectState, ...] = ()
    state: dict[str, Any] = {}
    author: str = ""
    comment: str = ""
    tags: Tags = Tags()
    licence: str = "CC0-1.0"
    match: MatchRecord | None = None
    extra: dict[str, Any] = {}

    @property
    def table(self) -> ParameterTable:
        """The parameters of its instrument; ArgumentError if that is not a built-in one."""
        return instrument_class(self.instrument).parameters

    @property
    def values(self) -> dict[str, float]:
        """All parameters by id, with defaults for those that it leaves out.

        Of a user's instrument, those that the preset has.
        """
        if self.instrument not in INSTRUMENTS:
            return dict(self.parameters)
        return self.table.complete(self.parameters)


def preset_from_document(document: dict[str, Any]) -> Preset:
    """Make a preset of a JSON object of this revision, unchecked.

    Raises
    ------
    msgspec.ValidationError
        If something in it has a wrong type.
    """
    document = dict(document)
    if document.get("match") is not None:
        document["match"] = _convert(document["match"], MatchRecord)
    if "tags" in document:
        document["tags"] = _convert(document["tags"], Tags)
    if isinstance(effects := document.get("effects"), list):
        document["effects"] = [_convert(effect, EffectState) for effect in effects]
    return _convert(document, Preset)


def preset_document(preset: Preset) -> dict[str, Any]:
    """A preset as a JSON object."""
    document = _document(preset)
    document["match"] = None if preset.match is None else _match_document(preset.match)
    document["tags"] = _document(preset.tags)
    document["effects"] = [_document(effect) for effect in preset.effects]
    return document


_Record = TypeVar("_Record", Preset, MatchRecord, EffectState, Tags)


def _convert(document: Any, record: type[_Record]) -> _Record:  # noqa: ANN401 - any JSON value
    """Make `record` of a JSON object, unknown keys in its `extra`."""
    if not isinstance(document, dict):
        raise msgspec.ValidationError(f"{reprlib.repr(document)} stands where an object should")
    known = set(record.__struct_fields__) - {"extra"}
    fields = {key: value for key, value in document.items() if key in known}
    extra = {key: value for key, value in document.items() if key not in known}
    return msgspec.convert({**fields, "extra": extra}, record)


def _document(record: Preset | MatchRecord | EffectState | Tags) -> dict[str, Any]:
    fields = msgspec.structs.asdict(record)
    extra = fields.pop("extra")
    return {**fields, **{key: value for key, value in extra.items() if key not in fields}}


def _match_document(record: MatchRecord) -> dict[str, Any]:
    # A parameter that the target says nothing about has no finite deviation.
    std = {id_: value for id_, value in record.std.items() if math.isfinite(value)}
    return {**_document(record), "std": std}
