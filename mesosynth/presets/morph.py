"""Morph: blends of presets, and random variations of one.

Every value moves along its knob's curve: hertz, seconds and octaves by ratios, decibels and shares
evenly. Where a parameter has a sign (gamma), its magnitude moves by ratios and the sign is that of
the larger weight; values near zero, where an arpeggio would never end, do not occur. Choices, the
instrument and the tuning of its keys are those of the heaviest preset.

Presets of another instrument than the heaviest do not affect its values: where the instrument
changes, the rack crossfades. An effect of only some presets enters with its mix scaled by their
weight, so that its entry is not heard; one without a mix comes and goes with the heaviest preset.
"""

import math
import random
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

import msgspec

from mesosynth.effects import EFFECTS
from mesosynth.errors import ArgumentError
from mesosynth.instruments import INSTRUMENTS
from mesosynth.plugins.parameters import Parameter, ParameterTable
from mesosynth.presets.preset import MOST_EFFECTS, EffectState, Preset, default_uids

PINNED = ("gain", "tempo", "sync")
"""Parameters that :func:`vary` keeps by default: level and tempo are not part of the sound."""

_MIX = "mix"


def morph(one: Preset, other: Preset, position: float) -> Preset:
    """Blend of two presets.

    Parameters
    ----------
    one, other : Preset
    position : float
        0 is `one`, 1 is `other`.

    Returns
    -------
    Preset

    Raises
    ------
    ArgumentError
        If `position` is not within 0 and 1.
    """
    if not 0.0 <= position <= 1.0:
        raise ArgumentError(f"position={position} must be within 0 and 1.")
    return blend([one, other], [1.0 - position, position])


def morph_four(corners: Sequence[Preset], x: float, y: float) -> Preset:
    """Blend of four presets at the corners of a square.

    Parameters
    ----------
    corners : sequence of four Preset
        At (0, 0), (1, 0), (0, 1) and (1, 1).
    x, y : float
        0 to 1.

    Returns
    -------
    Preset

    Raises
    ------
    ArgumentError
        If there are not four, or `x` or `y` is not within 0 and 1.
    """
    if len(corners) != 4:
        raise ArgumentError(f"corners: there are {len(corners)}, and must be four.")
    if not (0.0 <= x <= 1.0 and 0.0 <= y <= 1.0):
        raise ArgumentError(f"x={x} and y={y} must be within 0 and 1.")
    return blend(corners, [(1 - x) * (1 - y), x * (1 - y), (1 - x) * y, x * y])


def blend(presets: Sequence[Preset], weights: Sequence[float]) -> Preset:
    """Blend of any number of presets.

    Parameters
    ----------
    presets : sequence of Preset
    weights : sequence of float
        0 or more; only their ratios matter. A preset with all the weight is returned as it is.

    Returns
    -------
    Preset

    Raises
    ------
    ArgumentError
        If there is no preset, or the weights are others in number, negative, or all zero.
    """
    if not presets or len(presets) != len(weights):
        raise ArgumentError(f"weights: there are {len(weights)} for {len(presets)} presets.")
    if not all(math.isfinite(weight) and weight >= 0.0 for weight in weights) or not any(weights):
        raise ArgumentError(f"weights={list(weights)} must be 0 or more, and not all 0.")
    parts = [_Part(p, w) for p, w in zip(presets, weights, strict=True) if w > 0.0]
    heaviest = max(parts, key=lambda part: part.weight).preset
    if len(parts) == 1:
        return heaviest
    same = [part for part in parts if part.preset.instrument == heaviest.instrument]
    kind = INSTRUMENTS.get(heaviest.instrument)
    values = heaviest.parameters
    if kind is not None:
        values = _blend_values(kind.parameters, [(p.preset.values, p.weight) for p in same])
    return Preset(
        name=" + ".join(dict.fromkeys(part.preset.name for part in parts)),
        instrument=heaviest.instrument,
        parameters=values,
        effects=tuple(_blend_effects(parts, heaviest)),
        state=heaviest.state,
        author=heaviest.author,
        tags=heaviest.tags,
        licence=heaviest.licence,
    )


def vary(
    preset: Preset,
    amount: float,
    seed: int,
    pinned: Collection[str] = PINNED,
) -> Preset:
    """Random variation of a preset.

    Parameters
    ----------
    preset : Preset
    amount : float
        Largest distance, as a part of each knob's travel: 0 is `preset` itself, 1 anywhere. Choices
        and signs change with half that probability.
    seed : int
        The same seed gives the same sound.
    pinned : collection of str
        Ids of parameters to keep, those of effects as "delay.time".

    Returns
    -------
    Preset

    Raises
    ------
    ArgumentError
        If `amount` is not within 0 and 1.
    """
    if not 0.0 <= amount <= 1.0:
        raise ArgumentError(f"amount={amount} must be within 0 and 1.")
    dice = random.Random(seed)
    kind = INSTRUMENTS.get(preset.instrument)
    values = preset.parameters
    if kind is not None:
        values = _varied(kind.parameters, preset.values, amount, dice, set(pinned))
    effects: list[EffectState] = []
    for uid, effect in _by_uid(preset).items():
        if (plugin := EFFECTS.get(effect.plugin)) is not None:
            prefix = f"{uid}."
            kept = {id_.removeprefix(prefix) for id_ in pinned if id_.startswith(prefix)}
            table = plugin.parameters
            moved = _varied(table, table.complete(effect.parameters), amount, dice, kept)
            effect = msgspec.structs.replace(effect, parameters=moved)
        effects.append(effect)
    name = f"{preset.name} *" if amount > 0.0 else preset.name
    return msgspec.structs.replace(
        preset, name=name, parameters=values, effects=tuple(effects), match=None
    )


@dataclass(frozen=True, slots=True)
class _Part:
    preset: Preset
    weight: float


_Weighted = Sequence[tuple[Mapping[str, float], float]]


def _blend_values(table: ParameterTable, sides: _Weighted) -> dict[str, float]:
    return {
        parameter.id: _between(parameter, [(values[parameter.id], w) for values, w in sides])
        for parameter in table.values()
    }


def _between(parameter: Parameter, sides: Sequence[tuple[float, float]]) -> float:
    """Blend of one parameter's values, each with its weight."""
    first = sides[0][0]
    if all(value == first for value, _ in sides):
        return first  # exactly
    if parameter.choices:
        return _heaviest(sides)
    if parameter.curve == "linear":
        return parameter.clamp(_mean(sides))
    slow = any(abs(value) < parameter.smallest for value, _ in sides)
    if parameter.curve == "asinh" and (slow or not _directed(parameter)):
        return parameter.from_unit(_mean([(parameter.to_unit(value), w) for value, w in sides]))
    magnitude = math.exp(_mean([(math.log(abs(value)), weight) for value, weight in sides]))
    if _directed(parameter):
        magnitude *= _heaviest([(math.copysign(1.0, value), weight) for value, weight in sides])
    return parameter.clamp(magnitude)


def _directed(parameter: Parameter) -> bool:
    """Whether a parameter is a rate that usually has a direction, and is 0 at most by intent."""
    return parameter.curve == "signed_log" or (
        parameter.curve == "asinh" and parameter.minimum < 0.0 and parameter.default != 0.0
    )


def _mean(sides: Sequence[tuple[float, float]]) -> float:
    return sum(value * weight for value, weight in sides) / sum(weight for _, weight in sides)


def _heaviest(sides: Sequence[tuple[float, float]]) -> float:
    """Value with the largest weight, summed over equal values."""
    total: dict[float, float] = {}
    for value, weight in sides:
        total[value] = total.get(value, 0.0) + weight
    return max(total, key=lambda value: total[value])


def _blend_effects(parts: Sequence[_Part], heaviest: Preset) -> Iterator[EffectState]:
    """Effects of all parts: those of the heaviest in its order, then the others'."""
    racks = [(_by_uid(part.preset), part.weight) for part in parts]
    uids = dict.fromkeys([*_by_uid(heaviest), *(uid for rack, _ in racks for uid in rack)])
    total = sum(weight for _, weight in racks)
    for uid in list(uids)[:MOST_EFFECTS]:
        having = [(rack[uid], weight) for rack, weight in racks if uid in rack]
        own = _by_uid(heaviest).get(uid)
        plugin = having[0][0].plugin
        kind = EFFECTS.get(plugin)
        alike = all(effect.plugin == plugin for effect, _ in having)
        if kind is None or _MIX not in kind.parameters or not alike or (own and own.bypassed):
            if own is not None:
                yield own
            continue
        heard = [(effect, weight) for effect, weight in having if not effect.bypassed]
        if not heard:
            continue
        table = kind.parameters
        values = _blend_values(table, [(table.complete(e.parameters), w) for e, w in heard])
        share = sum(weight for _, weight in heard) / total
        values[_MIX] = table[_MIX].clamp(values[_MIX] * min(share, 1.0))
        yield EffectState(plugin=plugin, parameters=values, state=(own or heard[0][0]).state)


def _by_uid(preset: Preset) -> dict[str, EffectState]:
    """Effects by their name in a rack, so that the second delay meets the second delay."""
    return dict(zip(default_uids(preset.effects), preset.effects, strict=True))


def _varied(
    table: ParameterTable,
    values: Mapping[str, float],
    amount: float,
    dice: random.Random,
    pinned: Collection[str],
) -> dict[str, float]:
    varied: dict[str, float] = {}
    for parameter in table.values():
        value = values[parameter.id]
        # Drawn for pinned ones too, so that pinning one changes nothing for the rest.
        way, luck, pick = dice.uniform(-1.0, 1.0), dice.random(), dice.random()
        if parameter.id in pinned or amount == 0.0:
            varied[parameter.id] = value
        elif parameter.choices:
            other = parameter.clamp(math.floor(pick * len(parameter.choices)))
            varied[parameter.id] = other if luck < 0.5 * amount else value
        else:
            turned = _directed(parameter) and luck < 0.5 * amount
            varied[parameter.id] = _moved(parameter, -value if turned else value, amount * way)
    return varied


def _moved(parameter: Parameter, value: float, way: float) -> float:
    """`value` moved by a part of the knob's travel, reflected at its ends."""
    if _directed(parameter):  # each sign has its own travel
        position = 2.0 * parameter.to_unit(abs(value)) - 1.0
        magnitude = parameter.from_unit(0.5 + 0.5 * _reflected(position + way))
        return parameter.clamp(math.copysign(magnitude, value))
    return parameter.from_unit(_reflected(parameter.to_unit(value) + way))


def _reflected(position: float) -> float:
    position = abs(position)
    return 2.0 - position if position > 1.0 else position
