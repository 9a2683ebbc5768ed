"""What makes a preset playable: every number is one that its plugin takes."""

import math
import reprlib
import textwrap
from collections.abc import Mapping
from typing import Any

from mesosynth.effects import EFFECTS
from mesosynth.errors import PresetError
from mesosynth.instruments import INSTRUMENTS
from mesosynth.plugins.parameters import ParameterTable
from mesosynth.plugins.plugin import Plugin
from mesosynth.presets.preset_migrations import SPDX
from mesosynth.presets.preset_records import MatchRecord, Preset

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
