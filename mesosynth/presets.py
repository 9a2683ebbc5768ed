"""Presets: a sound as a plain JSON file that people can read, mail and diff.

A file is either read whole or refused with one sentence; it is written whole or not at all. Keys
that this version does not know are kept and written back.
"""

import math
import os
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from mesosynth.effects import EFFECTS
from mesosynth.errors import ArgumentError, PresetError
from mesosynth.instruments import instrument_class
from mesosynth.parameters import ParameterTable

REVISION = 1
"""Of the file format; a file of a later one is refused, not guessed at."""

MAXIMUM_BYTES = 1_000_000
"""A preset has a few hundred bytes; something larger is not one."""


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
    name : str
    instrument : str
        Name in :data:`mesosynth.instruments.INSTRUMENTS`.
    parameters : dict
        Values by id in the table's units; those left out have their defaults.
    effects : tuple of EffectState
        What the sound goes through, in order.
    state : dict
        What the instrument keeps besides its parameters: the scale of its keys.
    author, comment : str
    tags : tuple of str
    licence : str
        SPDX identifier.
    match : MatchRecord or None
        Where it came from, when the matcher made it.
    revision : int
        Of the file format.
    extra : dict
        Keys of later versions.
    """

    name: str
    instrument: str = "chirplet"
    parameters: dict[str, float] = {}
    effects: tuple[EffectState, ...] = ()
    state: dict[str, Any] = {}
    author: str = ""
    comment: str = ""
    tags: tuple[str, ...] = ()
    licence: str = "CC0-1.0"
    match: MatchRecord | None = None
    revision: int = REVISION
    extra: dict[str, Any] = {}

    @property
    def table(self) -> ParameterTable:
        """The parameters of its instrument."""
        return instrument_class(self.instrument).parameters

    @property
    def values(self) -> dict[str, float]:
        """All parameters by id, with defaults for those that it leaves out."""
        return self.table.complete(self.parameters)


def load_preset(path: str | Path) -> Preset:
    """Read a preset.

    Raises
    ------
    PresetError
        If it is missing, no preset, of a later revision, or holds a parameter that does not exist
        or is out of range.
    """
    path = Path(path)
    document = _read(path)
    revision = document.get("revision")
    if not isinstance(revision, int) or isinstance(revision, bool) or revision < 1:
        raise PresetError(f"{path} is not a preset: its revision is {revision!r}, not a number.")
    if revision > REVISION:
        raise PresetError(
            f"{path} was written by a later mesosynth (revision {revision}, this one reads "
            f"{REVISION}); update mesosynth to load it."
        )
    try:
        if document.get("match") is not None:
            document["match"] = _convert(document["match"], MatchRecord)
        if isinstance(effects := document.get("effects"), list):
            document["effects"] = [_convert(effect, EffectState) for effect in effects]
        preset = _convert(document, Preset)
    except msgspec.ValidationError as error:
        raise PresetError(f"{path} is not a preset: {error}.") from error
    _check(path, preset)
    return preset


def save_preset(path: str | Path, preset: Preset) -> None:
    """Write a preset; `path` holds the whole of it or what it held before.

    Raises
    ------
    PresetError
        If a parameter does not exist or is out of range, or the file cannot be written.
    """
    path = Path(path)
    _check(path, preset)
    document = _document(preset)
    document["match"] = None if preset.match is None else _match_document(preset.match)
    document["effects"] = [_document(effect) for effect in preset.effects]
    text = msgspec.json.format(msgspec.json.encode(document), indent=2)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with part.open("wb") as file:
            file.write(text + b"\n")
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise PresetError(f"{path} cannot be written: {error.strerror}.") from error


def _read(path: Path) -> dict[str, Any]:
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
    if not text.strip():
        raise PresetError(f"{path} is empty.")
    try:
        return msgspec.json.decode(text, type=dict[str, Any])
    # A UnicodeDecodeError is a ValueError and so is msgspec's; nesting is limited by recursion.
    except (ValueError, msgspec.MsgspecError, RecursionError) as error:
        raise PresetError(f"{path} is not a preset: {error}.") from error


_Record = TypeVar("_Record", Preset, MatchRecord, EffectState)


def _convert(document: Any, record: type[_Record]) -> _Record:  # noqa: ANN401 - any JSON value
    """Make `record` of a JSON object, unknown keys in its `extra`."""
    if not isinstance(document, dict):
        raise msgspec.ValidationError(f"{document!r} stands where an object should")
    known = set(record.__struct_fields__) - {"extra"}
    fields = {key: value for key, value in document.items() if key in known}
    extra = {key: value for key, value in document.items() if key not in known}
    return msgspec.convert({**fields, "extra": extra}, record)


def _document(record: Preset | MatchRecord | EffectState) -> dict[str, Any]:
    fields = msgspec.structs.asdict(record)
    return {**fields.pop("extra"), **fields}


def _match_document(record: MatchRecord) -> dict[str, Any]:
    # A parameter that the target says nothing about has no finite deviation.
    std = {id_: value for id_, value in record.std.items() if math.isfinite(value)}
    return {**_document(record), "std": std}


def _check(path: Path, preset: Preset) -> None:
    """Refuse values that the instrument could not play as they stand."""
    try:
        table = preset.table
    except ArgumentError as error:
        raise PresetError(f"{path}: {error}") from error
    _check_values(path, preset.instrument, table, preset.parameters)
    for effect in preset.effects:
        kind = EFFECTS.get(effect.plugin)
        # Nobody but a user's plugin itself, which need not be here, knows what it can be asked.
        if kind is not None:
            _check_values(path, effect.plugin, kind.parameters, effect.parameters)
        elif not all(math.isfinite(value) for value in effect.parameters.values()):
            raise PresetError(f"{path}: {effect.plugin} has values that are not finite numbers.")
    if preset.match is not None:
        figures = [preset.match.loss, preset.match.onset, preset.match.gain]
        if not all(math.isfinite(figure) for figure in figures):
            raise PresetError(f"{path}: its match holds figures that are not finite numbers.")


def _check_values(path: Path, whose: str, table: ParameterTable, values: dict[str, float]) -> None:
    """Refuse values of a plugin that do not exist or are out of range."""
    for id_, value in values.items():
        if id_ not in table:
            raise PresetError(
                f"{path}: parameter {id_!r} does not exist; {whose} has {', '.join(table)}."
            )
        parameter = table[id_]
        if not math.isfinite(value) or parameter.clamp(value) != value:
            gap = f", and {parameter.smallest:g} or more either way" if parameter.smallest else ""
            raise PresetError(
                f"{path}: parameter {id_}={value:g} must be {parameter.minimum:g} to "
                f"{parameter.maximum:g} {parameter.unit}{gap}."
            )
