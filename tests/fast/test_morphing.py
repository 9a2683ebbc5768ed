"""The fears: between two good sounds lies none, and a morph that has arrived is not quite there."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mesosynth.effects import EFFECTS
from mesosynth.errors import ArgumentError
from mesosynth.instruments import INSTRUMENTS
from mesosynth.presets.morph import blend, morph, morph_four, vary
from mesosynth.presets.preset import MOST_EFFECTS, EffectState, Preset, check_preset, load_preset
from mesosynth.system.paths import factory_presets

TABLE = INSTRUMENTS["chirplet"].parameters


def values_of(table):
    return st.fixed_dictionaries({
        p.id: st.floats(0.0, 1.0).map(p.from_unit) for p in table.values()
    })  # fmt: skip


def with_one_modulation(effects):
    return [effect.plugin for effect in effects].count("modulation") < 2


effects = st.sampled_from(sorted(EFFECTS)).flatmap(
    lambda plugin: st.builds(
        EffectState, plugin=st.just(plugin), parameters=values_of(EFFECTS[plugin].parameters),
        bypassed=st.booleans(),
    )
) | st.just(EffectState(plugin="mine", parameters={"a": 1.0}))  # fmt: skip
presets = st.sampled_from(sorted(INSTRUMENTS)).flatmap(
    lambda instrument: st.builds(
        Preset, name=st.sampled_from("abc"), instrument=st.just(instrument),
        parameters=values_of(INSTRUMENTS[instrument].parameters),
        effects=st.lists(effects, max_size=4).map(tuple).filter(with_one_modulation),
    )
)  # fmt: skip


def sound(preset):
    return preset.instrument, preset.values, preset.effects, preset.state


def between(one, other, position=0.5):
    return morph(Preset(name="a", parameters=one), Preset(name="b", parameters=other), position)


@given(one=presets, other=presets, position=st.floats(0.0, 1.0))
@settings(deadline=None, max_examples=40)
def test_every_sound_between_two_can_be_played_and_the_ends_are_exact(one, other, position):
    check_preset("morph", morph(one, other, position))
    assert sound(morph(one, other, 0.0)) == sound(one)
    assert sound(morph(one, other, 1.0)) == sound(other)
    assert morph(one, one, position).values == one.values


@given(
    corners=st.lists(presets, min_size=4, max_size=4), x=st.floats(0.0, 1.0), y=st.floats(0.0, 1.0)
)
@settings(deadline=None, max_examples=20)
def test_every_sound_between_four_can_be_played_and_the_corners_are_exact(corners, x, y):
    check_preset("morph", morph_four(corners, x, y))
    for corner, (at_x, at_y) in enumerate([(0.0, 0.0), (1.0, 0.0), (0.0, 1.0), (1.0, 1.0)]):
        assert sound(morph_four(corners, at_x, at_y)) == sound(corners[corner])


def test_values_move_along_their_curves():
    middle = between({"f_c": 100.0, "gain": -30.0, "w": 1.0}, {"f_c": 400.0, "gain": 0.0, "w": 4.0})
    assert middle.values["f_c"] == pytest.approx(200.0)
    assert middle.values["w"] == pytest.approx(2.0)
    assert middle.values["gain"] == pytest.approx(-15.0)
    quarter = between({"f_c": 100.0}, {"f_c": 1600.0}, 0.25)
    assert quarter.values["f_c"] == pytest.approx(200.0)


def test_a_change_of_direction_never_stands_still():
    gammas = [between({"gamma": 2.0}, {"gamma": -8.0}, t).values["gamma"] for t in (0.2, 0.6, 0.8)]
    assert gammas == pytest.approx([2.0 * 4**0.2, -2.0 * 4**0.6, -2.0 * 4**0.8])
    for t in np.linspace(0.0, 1.0, 101):
        assert 2.0 <= abs(between({"gamma": 2.0}, {"gamma": -8.0}, float(t)).values["gamma"]) <= 8.0


def test_choices_and_instruments_change_at_the_middle():
    one = Preset(name="a", parameters={"sync": 0.0, "division": 3.0})
    other = Preset(name="b", instrument="ripple", parameters={"f_0": 300.0})
    synced = Preset(name="c", parameters={"sync": 1.0, "division": 8.0})
    assert morph(one, synced, 0.4).values["division"] == 3.0
    assert morph(one, synced, 0.6).values["division"] == 8.0
    assert morph(one, other, 0.4).values == one.values
    assert sound(morph(one, other, 0.6)) == sound(other)


def test_an_effect_enters_unheard():
    echo = EffectState(plugin="delay", parameters={"mix": 0.5, "time": 0.2})
    room = EffectState(plugin="delay", parameters={"mix": 1.0, "time": 0.8})
    dry, wet = Preset(name="a"), Preset(name="b", effects=(echo,))
    mixes = [morph(dry, wet, t).effects[0].parameters["mix"] for t in (0.001, 0.5, 0.999)]
    assert mixes == pytest.approx([0.0005, 0.25, 0.4995])
    both = morph(wet, Preset(name="c", effects=(room,)), 0.5).effects
    assert len(both) == 1
    assert both[0].parameters["time"] == pytest.approx(0.4)
    assert both[0].parameters["mix"] == pytest.approx(0.75)
    silent = Preset(name="d", effects=(EffectState(plugin="delay", bypassed=True),))
    assert morph(wet, silent, 0.25).effects[0].parameters["mix"] == pytest.approx(0.375)


def test_two_full_racks_make_one_that_is_full():
    full = [Preset(name=n, effects=(EffectState(plugin=p),) * MOST_EFFECTS)
            for n, p in (("a", "delay"), ("b", "filter"))]  # fmt: skip
    middle = morph(*full, 0.6)
    assert [effect.plugin for effect in middle.effects] == ["filter"] * MOST_EFFECTS


def test_what_blends_nothing_is_refused():
    one = Preset(name="a")
    for weights in ([], [1.0], [0.0, 0.0], [-1.0, 2.0], [math.nan, 1.0], [math.inf, 1.0]):
        with pytest.raises(ArgumentError, match="weights"):
            blend([one, one], weights)
    with pytest.raises(ArgumentError, match=r"position=1\.5"):
        morph(one, one, 1.5)
    with pytest.raises(ArgumentError, match="must be four"):
        morph_four([one], 0.0, 0.0)
    with pytest.raises(ArgumentError, match=r"x=nan"):
        morph_four([one] * 4, math.nan, 0.0)
    with pytest.raises(ArgumentError, match="amount=2"):
        vary(one, 2, seed=0)


@given(preset=presets, amount=st.floats(0.0, 1.0), seed=st.integers(0, 2**32))
@settings(deadline=None, max_examples=40)
def test_what_lies_around_can_be_played_and_comes_again(preset, amount, seed):
    around = vary(preset, amount, seed)
    check_preset("around", around)
    assert around == vary(preset, amount, seed)
    assert around.values["gain"] == preset.values["gain"]
    assert sound(vary(preset, 0.0, seed))[:2] == sound(preset)[:2]


def test_a_small_amount_stays_near_and_a_large_one_goes_anywhere():
    start = Preset(name="a")
    for amount, nearest, farthest in ((0.05, 0.02, 0.05), (1.0, 0.4, 1.0)):
        ways = [
            abs(TABLE["f_c"].to_unit(vary(start, amount, seed).values["f_c"])
                - TABLE["f_c"].to_unit(start.values["f_c"]))
            for seed in range(200)
        ]  # fmt: skip
        assert nearest < max(ways) <= farthest + 1e-9
    turned = [vary(start, 1.0, seed).values["gamma"] < 0.0 for seed in range(200)]
    assert 60 < sum(turned) < 140
    assert not any(vary(start, 0.0, seed).values["gamma"] < 0.0 for seed in range(20))


def test_a_pin_holds_and_moves_nothing_else():
    start = Preset(name="a", effects=(EffectState(plugin="delay"),))
    free, held = (vary(start, 0.5, 7, pins) for pins in ((), ("f_c", "delay.time")))
    assert held.values["f_c"] == start.values["f_c"] != free.values["f_c"]
    time = EFFECTS["delay"].parameters["time"].default
    assert held.effects[0].parameters["time"] == time != free.effects[0].parameters["time"]
    held_rest = {id_: v for id_, v in held.values.items() if id_ != "f_c"}
    assert held_rest == {id_: v for id_, v in free.values.items() if id_ != "f_c"}


def test_between_all_factory_presets_lies_something_to_play():
    found = [load_preset(path) for path in factory_presets()]
    for one, other in itertools.pairwise(found):
        for position in (0.25, 0.5, 0.75):
            check_preset("morph", morph(one, other, position))
