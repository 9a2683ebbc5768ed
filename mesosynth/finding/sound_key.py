"""What a preset sounds like as a short text: the same for two presets that sound the same."""

import hashlib

import msgspec

from mesosynth.effects import EFFECTS
from mesosynth.presets import EffectState, Preset

LENGTH = 24
"""Characters of a key: 96 bits."""

_DIGITS = 6  # of each value; what is nearer sounds the same


def sound_key(preset: Preset) -> str:
    """Hash of all that is heard of `preset`: not of its name, nor of what is said about it."""
    heard = {
        "instrument": preset.instrument,
        "values": _rounded(preset.values),
        "effects": [_effect(effect) for effect in preset.effects if not effect.bypassed],
        "state": preset.state,
    }
    return hashlib.sha256(msgspec.json.encode(heard, order="sorted")).hexdigest()[:LENGTH]


def _effect(effect: EffectState) -> dict[str, object]:
    kind = EFFECTS.get(effect.plugin)
    values = effect.parameters if kind is None else kind.parameters.complete(effect.parameters)
    return {"plugin": effect.plugin, "values": _rounded(values), "state": effect.state}


def _rounded(values: dict[str, float]) -> dict[str, str]:
    return {id_: f"{value:.{_DIGITS}g}" for id_, value in values.items()}
