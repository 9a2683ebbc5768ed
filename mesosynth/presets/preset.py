"""Presets: a sound as a JSON file that people can read, send and compare.

An example of revision 2::

    {
      "kind": "preset",
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

Only the revision and the name are required. Of the tags, the category is the family in the library
(:data:`CATEGORIES` are the usual ones), the character describes the sound, and the features its
behaviour; all are free words. Revision 1 had no `kind`, and its tags were a plain list of words.
"""

import math
import re
import reprlib
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from mesosynth.effects import EFFECTS
from mesosynth.effects.modulation import NAME as MODULATION
from mesosynth.effects.modulation import targets_of
from mesosynth.errors import PresetError
from mesosynth.instruments import INSTRUMENTS, instrument_class
from mesosynth.plugins.parameters import ParameterTable
from mesosynth.plugins.plugin import Plugin
from mesosynth.system import file_kinds
from mesosynth.system.documents import Document, Object


class Tags(msgspec.Struct, frozen=True, kw_only=True):
    """Tags of a preset for the search.

    Attributes
    ----------
    category : str
        Its family, or "" for none.
    character : tuple of str
        Words for the sound: "bright", "soft".
    features : tuple of str
        Words for its behaviour: "rising", "tempo-synced".
    extra : dict
        Keys of later versions.
    """

    category: str = ""
    character: tuple[str, ...] = ()
    features: tuple[str, ...] = ()
    extra: dict[str, Any] = {}

    @property
    def words(self) -> tuple[str, ...]:
        """All tags, the category first."""
        category = (self.category,) if self.category else ()
        return (*category, *self.character, *self.features)


class MatchRecord(msgspec.Struct, frozen=True, kw_only=True):
    """Record of the match that made a preset.

    Attributes
    ----------
    target : str
        Name of the sound that was matched.
    sha256 : str
        Of its bytes.
    loss : float
        As in :class:`mesosynth.matching.results.MatchResult`.
    std : dict
        Standard deviation of each matched parameter, in the table's units; those that are not
        finite are left out.
    evaluations : int
        Number of evaluations of the loss.
    onset : float
        Time of the arpeggio's middle in the target, s.
    gain : float
        Amplitude of the arpeggio's peak in the target, 1.0 is full scale.
    similarity : dict
        "score", and the three that it is the worst of, "picture", "jtfs" and "log_mel", 0 to 1;
        empty where it was not measured. Presets from before 2027 hold "mss" and no "score": cosines
        below 4 kHz with the time averaged away, which are not comparable.
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

    def __post_init__(self) -> None:
        # A parameter that the target does not determine has no finite deviation.
        std = {id_: value for id_, value in self.std.items() if math.isfinite(value)}
        msgspec.structs.force_setattr(self, "std", std)


class EffectState(msgspec.Struct, frozen=True, kw_only=True):
    """An effect in a preset's rack.

    Attributes
    ----------
    plugin : str
        Name of a built-in effect or of a user plugin, which may be missing elsewhere.
    parameters : dict
        Values by id in the table's units; the others have their defaults.
    bypassed : bool
    state : dict
        State of the plugin besides its parameters.
    extra : dict
        Keys of later versions.
    """

    plugin: str
    parameters: dict[str, float] = {}
    bypassed: bool = False
    state: dict[str, Any] = {}
    extra: dict[str, Any] = {}


class Preset(msgspec.Struct, frozen=True, kw_only=True):
    """A sound with a name.

    Attributes
    ----------
    name : str
    instrument : str
        Name in :data:`mesosynth.instruments.INSTRUMENTS`, or of a user plugin, which may be
        missing elsewhere.
    parameters : dict
        Values by id in the table's units; the others have their defaults.
    effects : tuple of EffectState
        Effects, in order.
    state : dict
        State of the instrument besides its parameters: the scale of its keys.
    author, comment : str
    tags : Tags
    licence : str
        SPDX expression, or "" for none.
    match : MatchRecord or None
        Record of its match, if the matcher made it.
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
    tags: Tags = Tags()
    licence: str = "CC0-1.0"
    match: MatchRecord | None = None
    extra: dict[str, Any] = {}

    @property
    def table(self) -> ParameterTable:
        """Parameter table of its instrument.

        Raises
        ------
        ArgumentError
            If that is not a built-in one.
        """
        return instrument_class(self.instrument).parameters

    @property
    def values(self) -> dict[str, float]:
        """All parameters by id, with defaults for missing ones.

        Of a user's instrument, only those of the preset.
        """
        if self.instrument not in INSTRUMENTS:
            return dict(self.parameters)
        return self.table.complete(self.parameters)


def default_uids(effects: Sequence[EffectState]) -> list[str]:
    """Uids of `effects` in an empty rack: "delay", and for a second one "delay_2"."""
    uids: list[str] = []
    for effect in effects:
        uid, count = effect.plugin, 1
        while uid in uids:
            count += 1
            uid = f"{effect.plugin}_{count}"
        uids.append(uid)
    return uids


def with_renamed_targets(effect: EffectState, names: Mapping[str, str]) -> EffectState:
    """The modulation with other names of effects in its targets; another effect as it is.

    Parameters
    ----------
    effect : EffectState
    names : mapping of str to str
        New uid by old one.

    Returns
    -------
    EffectState
    """
    if effect.plugin != MODULATION:
        return effect
    targets: list[str] = []
    for target in targets_of(effect.state):
        uid, dot, own = target.rpartition(".")
        targets.append(f"{names.get(uid, uid)}{dot}{own}")
    return msgspec.structs.replace(effect, state={**effect.state, "targets": targets})


# --------------------------------------------------------------------------------------------------
# Migrations from earlier revisions, one function for each step
#
# A migration changes a JSON object of its revision in place, and does not check it: the validation
# comes afterwards.


SPDX = re.compile(
    r"\(*[A-Za-z0-9][A-Za-z0-9.+:-]*\)*( (AND|OR|WITH) \(*[A-Za-z0-9][A-Za-z0-9.+:-]*\)*)*"
)
"""Pattern of SPDX expressions: "CC0-1.0", "MIT OR Apache-2.0", "LicenseRef-by-mail"."""

_CATEGORIES = {
    "animal": "animal",
    "water": "water",
    "descending": "arpeggio",
    "rising": "arpeggio",
    "paper": "arpeggio",
    "match": "matched",
}
"""Category of a word among the tags of revision 1; the first of these counts."""

_CHARACTERS = frozenset({"fast", "slow", "bright", "dark", "soft", "harsh", "dense", "sparse"})


def _sort_tags(document: Object) -> None:
    """Tags from a list of words, and an SPDX licence from any text."""
    words = document.get("tags", [])
    if isinstance(words, list):
        document["tags"] = _sorted_words([word for word in words if isinstance(word, str)], words)
    licence = document.get("licence")
    if isinstance(licence, str) and licence and not SPDX.fullmatch(licence):
        document["licence"] = "LicenseRef-" + (_spelled(licence) or "unnamed")
        # The author's own words are kept.
        comment = document.get("comment", "")
        if isinstance(comment, str):
            document["comment"] = f"{comment} Licence: {licence}".strip()


def _sorted_words(words: list[str], given: list[Any]) -> Object | list[Any]:
    """Tags of a list of words; a list with other items is left for the validation."""
    if len(words) != len(given):
        return given
    category = next((_CATEGORIES[word] for word in _CATEGORIES if word in words), "")
    return {
        "category": category,
        "character": [word for word in words if word in _CHARACTERS],
        "features": [word for word in words if word not in _CHARACTERS],
    }


def _spelled(text: str) -> str:
    """`text` with the characters of an identifier only."""
    return re.sub(r"[^A-Za-z0-9.]+", "-", text).strip("-.")


# --------------------------------------------------------------------------------------------------
# Validation


MOST_EFFECTS = 14
"""Most effects in a rack."""

MOST_TAGS = 64
"""Most tags of a preset."""


def check_preset(where: str, preset: Preset) -> None:
    """Raise for a preset that cannot be played as it is.

    Parameters
    ----------
    where : str
        Name in messages: its file.
    preset : Preset

    Raises
    ------
    PresetError
        The message names the value and the legal range.
    """
    if len(preset.effects) > MOST_EFFECTS:
        raise PresetError(
            f"{where} has {len(preset.effects)} effects; a rack holds {MOST_EFFECTS}."
        )
    if sum(effect.plugin == MODULATION for effect in preset.effects) > 1:
        raise PresetError(f"{where} has more than one modulation; a rack holds one.")
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
    # The parameters of a user plugin, which may be missing here, are unknown.
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
            signed = parameter.curve == "signed_log"
            gap = f", and {parameter.smallest:g} or more either way" if signed else ""
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
        # A harmful state may raise anything; it is refused here, before the audio process.
        why = textwrap.shorten(str(error).rstrip("."), 200)
        raise PresetError(f"{where}: {plugin} cannot take its state: {why}.") from error


def _check_match(where: str, match: MatchRecord) -> None:
    figures = {"loss": match.loss, "onset": match.onset, "gain": match.gain, **match.similarity}
    for name, figure in figures.items():
        if not math.isfinite(figure):
            raise PresetError(f"{where}: its match holds {name}={figure}, no finite number.")


# --------------------------------------------------------------------------------------------------
# File format


CATEGORIES = (
    "animal", "arpeggio", "bass", "bell", "cloud", "drone", "laser", "matched", "rhythm", "siren",
    "sweep", "water",
)  # fmt: skip
"""Categories offered by the desk; others are possible."""

PRESET = Document(
    Preset, file_kinds.PRESET, PresetError, revision=2, migrations=[_sort_tags], check=check_preset
)
"""File format; a preset has a few hundred bytes, and at most a million."""

load_preset, save_preset = PRESET.load, PRESET.save
