"""What a preset sounds like as a short text: the same for two presets that sound the same."""

import hashlib
import math
from collections.abc import Mapping

import msgspec

from mesosynth.effects import EFFECTS
from mesosynth.instruments import INSTRUMENTS
from mesosynth.plugins.parameters import ParameterTable
from mesosynth.presets.preset import EffectState, Preset

LENGTH = 24
"""Characters of a key: 96 bits."""

_DIGITS = 6  # of each value; what is nearer sounds the same


def sound_key(preset: Preset) -> str:
    """Hash of all that is heard of `preset`: not of its name, nor of what is said about it.

    What stands at its default is left out, so that a parameter that comes with a later version,
    and changes nothing where it is not touched, does not change the key either.
    """
    table = preset.table if preset.instrument in INSTRUMENTS else None
    heard = {
        "instrument": preset.instrument,
        "values": _touched(preset.parameters, table),
        "effects": [_effect(effect) for effect in preset.effects if not effect.bypassed],
        "state": preset.state,
    }
    return hashlib.sha256(msgspec.json.encode(heard, order="sorted")).hexdigest()[:LENGTH]


def _effect(effect: EffectState) -> dict[str, object]:
    kind = EFFECTS.get(effect.plugin)
    table = None if kind is None else kind.parameters
    values = _touched(effect.parameters, table)
    return {"plugin": effect.plugin, "values": values, "state": effect.state}


def _touched(values: Mapping[str, float], table: ParameterTable | None) -> dict[str, str]:
    """Values, those of a built-in plugin only where they are not the defaults."""
    defaults = {} if table is None else table.defaults()
    text = {id_: f"{value:.{_DIGITS}g}" for id_, value in values.items()}
    return {id_: t for id_, t in text.items() if t != f"{defaults.get(id_, math.nan):.{_DIGITS}g}"}
