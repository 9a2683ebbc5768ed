"""Presets: a sound as a JSON file that people can read, mail and compare."""

import math
import re
import reprlib
import textwrap
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from mesosynth.effects import EFFECTS
from mesosynth.errors import PresetError
from mesosynth.instruments import INSTRUMENTS, instrument_class
from mesosynth.plugins.parameters import ParameterTable
from mesosynth.plugins.plugin import Plugin
from mesosynth.system.atomic_file import write_atomically

# --------------------------------------------------------------------------------------------------
# The records that a preset is made of, and how they become JSON objects and come back.
#
# Every record keeps, in its `extra`, the keys that this version does not know.


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


# --------------------------------------------------------------------------------------------------
# Presets of earlier revisions, brought to the present one: a small function for each step.
#
# A migration takes a JSON object of its revision, changes it in place, and asks nothing of what it
# does not need: what is wrong in the document is found when it is validated.


Document = dict[str, Any]

SPDX = re.compile(
    r"\(*[A-Za-z0-9][A-Za-z0-9.+:-]*\)*( (AND|OR|WITH) \(*[A-Za-z0-9][A-Za-z0-9.+:-]*\)*)*"
)
"""What an SPDX expression looks like: "CC0-1.0", "MIT OR Apache-2.0", "LicenseRef-by-mail"."""

_CATEGORIES = {
    "animal": "animal",
    "water": "water",
    "descending": "arpeggio",
    "rising": "arpeggio",
    "paper": "arpeggio",
    "match": "matched",
}
"""The category that a word among the tags of revision 1 stands for; the first of these counts."""

_CHARACTERS = frozenset({"fast", "slow", "bright", "dark", "soft", "harsh", "dense", "sparse"})


def migrate(document: Document, revision: int) -> None:
    """Bring `document` from `revision` to the one that this mesosynth writes."""
    for step in _STEPS[revision - 1 :]:
        step(document)


def _to_2(document: Document) -> None:
    """Tags were a list of words, and a licence was any text."""
    document["revision"] = 2
    words = document.get("tags", [])
    if isinstance(words, list):
        document["tags"] = _sorted_words([word for word in words if isinstance(word, str)], words)
    licence = document.get("licence")
    if isinstance(licence, str) and licence and not SPDX.fullmatch(licence):
        document["licence"] = "LicenseRef-" + (_spelled(licence) or "unnamed")
        # Nothing that somebody asked for gets lost.
        comment = document.get("comment", "")
        if isinstance(comment, str):
            document["comment"] = f"{comment} Licence: {licence}".strip()


def _sorted_words(words: list[str], given: list[Any]) -> Document | list[Any]:
    """Words by what they say; a list that holds something else is left for the validation."""
    if len(words) != len(given):
        return given
    category = next((_CATEGORIES[word] for word in _CATEGORIES if word in words), "")
    return {
        "category": category,
        "character": [word for word in words if word in _CHARACTERS],
        "features": [word for word in words if word not in _CHARACTERS],
    }


def _spelled(text: str) -> str:
    """`text` with what an identifier may hold."""
    return re.sub(r"[^A-Za-z0-9.]+", "-", text).strip("-.")


_STEPS: list[Callable[[Document], None]] = [_to_2]


# --------------------------------------------------------------------------------------------------
# What makes a preset playable: every number is one that its plugin takes.


MOST_EFFECTS = 14
"""As many as a rack holds."""

MOST_TAGS = 64
"""Of one preset; more are a mistake."""


def check_preset(where: str, preset: Preset) -> None:
    """Refuse what could not be played as it stands.

    Parameters
    ----------
    where : str
        What messages call it: its file.
    preset : Preset

    Raises
    ------
    PresetError
        The sentence names the value and what is legal.
    """
    if len(preset.effects) > MOST_EFFECTS:
        raise PresetError(
            f"{where} has {len(preset.effects)} effects; a rack holds {MOST_EFFECTS}."
        )
    tags = len(preset.tags.words)
    if tags > MOST_TAGS:
        raise PresetError(f"{where} has {tags} tags; at most {MOST_TAGS} are possible.")
    if preset.licence and not SPDX.fullmatch(preset.licence):
        raise PresetError(
            f"{where}: licence={reprlib.repr(preset.licence)} is no SPDX identifier; write "
            "one such as 'CC0-1.0' or, for terms of your own, 'LicenseRef-name'."
        )
    instrument = INSTRUMENTS.get(preset.instrument)
    _check_plugin(where, preset.instrument, instrument, preset.parameters, preset.state)
    if not all([preset.instrument, *(effect.plugin for effect in preset.effects)]):
        raise PresetError(f"{where} has a plugin without a name.")
    for effect in preset.effects:
        kind = EFFECTS.get(effect.plugin)
        _check_plugin(where, effect.plugin, kind, effect.parameters, effect.state)
    if preset.match is not None:
        _check_match(where, preset.match)


def _check_plugin(
    where: str,
    plugin: str,
    kind: type[Plugin] | None,
    values: Mapping[str, float],
    state: Mapping[str, Any],
) -> None:
    if kind is not None:
        _check_values(where, plugin, kind.parameters, values)
        _check_state(where, plugin, kind, state)
    # Nobody but a user's plugin itself, which need not be here, knows what it can be asked.
    elif not all(math.isfinite(value) for value in values.values()):
        raise PresetError(f"{where}: {plugin} has values that are not finite numbers.")


def _check_values(
    where: str, plugin: str, table: ParameterTable, values: Mapping[str, float]
) -> None:
    for id_, value in values.items():
        if id_ not in table:
            raise PresetError(
                f"{where}: parameter {reprlib.repr(id_)} does not exist; {plugin} has "
                f"{', '.join(table)}."
            )
        parameter = table[id_]
        if not math.isfinite(value) or parameter.clamp(value) != value:
            gap = f", and {parameter.smallest:g} or more either way" if parameter.smallest else ""
            raise PresetError(
                f"{where}: parameter {id_}={value:g} must be {parameter.minimum:g} to "
                f"{parameter.maximum:g} {parameter.unit}{gap}."
            )


def _check_state(where: str, plugin: str, kind: type[Plugin], state: Mapping[str, Any]) -> None:
    if not state:
        return
    try:
        kind().restore(state)
    except Exception as error:
        # Whatever a hostile state breaks, it is refused here and not where the sound is made.
        why = textwrap.shorten(str(error).rstrip("."), 200)
        raise PresetError(f"{where}: {plugin} cannot take its state: {why}.") from error


def _check_match(where: str, match: MatchRecord) -> None:
    figures = {"loss": match.loss, "onset": match.onset, "gain": match.gain, **match.similarity}
    for name, figure in figures.items():
        if not math.isfinite(figure):
            raise PresetError(f"{where}: its match holds {name}={figure}, no finite number.")


# --------------------------------------------------------------------------------------------------
# Presets: a sound as a plain JSON file that people can read, mail and diff.
#
# A file is either read whole or refused with one sentence; it is written whole or not at all. Keys
# that this version does not know are kept and written back. One of revision 2::
#
# { "revision": 2, "name": "Dawn bird", "instrument": "chirplet", "parameters": {"f_c": 3200.0,
# "f_m": 24.0, "gamma": 9.0, "w": 1.2, "period": 0.45}, "effects": [{"plugin": "delay",
# "parameters": {"time": 0.25}, "bypassed": false}], "author": "mesosynth", "comment": "Short, high
# and quick: a call before dawn.", "tags": {"category": "animal", "character": ["bright", "quick"],
# "features": ["rising"]}, "licence": "CC0-1.0", "match": {"target": "crow.flac", "sha256": "…",
# "loss": 0.1, "std": {"f_m": 0.02}} }
#
# Everything but the revision and the name may be left out. Of the tags, the category is the one
# family that the library files it under (:data:`CATEGORIES` are the usual ones), the character says
# how it sounds, and the features what it does: free words all. Revision 1, whose tags were a plain
# list, is read as well (:mod:`mesosynth.presets.preset`).


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
