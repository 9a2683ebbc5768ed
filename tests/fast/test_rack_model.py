"""Fears: a knob moves another plugin's parameter, an old preset loads garbage."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesosynth.effects import EFFECTS
from mesosynth.engine.rack import render
from mesosynth.engine.slot import PLACE, PLACES, SlotReport
from mesosynth.errors import ArgumentError, PresetError
from mesosynth.plugins.parameters import Parameter, ParameterTable
from mesosynth.presets.preset import EffectState, Preset, load_preset, save_preset
from mesosynth.session.rack_model import MOST_EFFECTS, RackModel

GUEST = ParameterTable([Parameter("a", "A", "", 0.0, 1.0, 0.5, ""),
                        Parameter("b", "B", "", 0.0, 9.0, 3.0, "")])  # fmt: skip
OTHER = ParameterTable([Parameter("b", "B", "", 0.0, 9.0, 4.0, "")])

doings = st.lists(
    st.tuples(st.sampled_from(["add", "remove", "move", "bypass", "report", "instrument"]),
              st.integers(0, 99)),
    max_size=40,
)  # fmt: skip


def report(slot, table=GUEST, problem=""):
    return SlotReport(slot.uid, slot.plugin, "A guest", table, problem)


@given(doings)
def test_whatever_is_done_nobody_shares_a_place(doings):
    rack, plugins = RackModel("chirplet"), ["mine", *EFFECTS]
    for what, number in doings:
        uids = [effect.uid for effect in rack.effects]
        uid = uids[number % len(uids)] if uids else None
        if what == "add" and len(uids) < MOST_EFFECTS:
            plugin = plugins[number % len(plugins)]
            if plugin != "modulation" or plugin not in uids:  # there is one at most
                rack.add(plugin, number % (len(uids) + 1))
        elif what == "instrument":
            rack.set_instrument(["chirplet", "ripple"][number % 2])
        elif uid and what == "remove":
            rack.remove(uid)
        elif uid and what == "move":
            rack.move(uid, number % len(uids))
        elif uid and what == "bypass":
            rack.bypass(uid, number % 2 == 0)
        elif what == "report":
            rack.take_reports([report(slot, (GUEST, OTHER)[number % 2])
                               for slot in rack.slots if slot.plugin == "mine"])  # fmt: skip
        places = [slot.place for slot in rack.slots]
        assert len(set(places)) == len(places)
        assert all(0 <= place < PLACES for place in places)
        # Every parameter is at an index of its own, where the vector holds its value.
        values = rack.parameters.defaults()
        vector = rack.vector(values)
        indices = [rack.index(id_) for id_ in rack.parameters]
        assert len(set(indices)) == len(indices)
        assert [vector[i] for i in indices] == list(values.values())
        for slot in rack.slots:
            prefix = f"{slot.uid}." if slot.uid else ""
            for k, id_ in enumerate(slot.ids):
                assert rack.index(prefix + id_) == slot.place * PLACE + k


def test_a_guests_values_wait_for_its_table():
    rack = RackModel("chirplet")
    states = [EffectState(plugin="mine", parameters={"a": 0.1, "b": 8.0}),
              EffectState(plugin="delay", parameters={"time": 0.5}, bypassed=True)]  # fmt: skip
    assert rack.load(states) == {"delay.time": 0.5}
    assert rack.take_pending() == {}
    assert rack.states({})[0].parameters == {"a": 0.1, "b": 8.0}
    place = rack.slots[1].place
    assert rack.take_reports([report(rack.slots[1])])
    assert rack.slots[1].place != place
    assert rack.take_pending() == {"mine.a": 0.1, "mine.b": 8.0}
    assert rack.take_pending() == {}
    assert not rack.take_reports([report(rack.slots[1])])
    assert rack.effects[1].bypassed


def test_a_plugin_that_hung_is_named_and_gets_another_chance():
    rack = RackModel("chirplet")
    rack.add("filter")
    uid = rack.add("mine")
    number = rack.slots[2].place + 1
    assert rack.disable(0, "hung.") is None
    assert rack.disable(number, "hung.") == uid
    assert rack.slots[2].disabled == "mine hung."
    rack.take_reports([report(rack.slots[2], None, "mine hung.")])
    assert rack.effects[1].problem == "mine hung."
    rack.bypass(uid, False)
    assert rack.slots[2].disabled == ""


def test_a_full_rack_says_so_and_still_lets_a_plugin_change():
    rack = RackModel("chirplet")
    for _ in range(MOST_EFFECTS):
        rack.add("mine")
    with pytest.raises(ArgumentError, match="full"):
        rack.add("mine")
    assert rack.take_reports([report(slot) for slot in rack.slots[1:]])
    assert rack.take_reports([report(slot, OTHER) for slot in rack.slots[1:]])
    assert len({slot.place for slot in rack.slots}) == 1 + MOST_EFFECTS


def test_presets_keep_effects_and_old_ones_have_none(tmp_path):
    path = tmp_path / "p.json"
    effects = (
        EffectState(plugin="delay", parameters={"time": 0.25}, bypassed=True),
        EffectState(plugin="mine", parameters={"x": 1.0}, state={"file": "a.wav"}, extra={"y": 2}),
    )
    save_preset(path, Preset(name="x", effects=effects))
    assert load_preset(path).effects == effects
    document = json.loads(path.read_text())
    del document["effects"]
    path.write_text(json.dumps(document))
    assert load_preset(path).effects == ()


@pytest.mark.parametrize(
    ("effects", "cause"),
    [
        ([{"plugin": "delay", "parameters": {"time": 99.0}}], "time=99 must be 0.01 to 2 s"),
        ([{"plugin": "delay", "parameters": {"x": 1.0}}], "'x' does not exist; delay has"),
        ([{"parameters": {}}], "is not a preset"),
        ([5], r"is not a preset: .*effects\[0\]"),
        ("delay", "is not a preset"),
        ([{"plugin": "mine", "parameters": {"x": 1e999}}], "is not a preset|not finite"),
    ],
)  # fmt: skip
def test_wrong_effects_are_refused(tmp_path, effects, cause):
    path = tmp_path / "wrong.json"
    document = {"revision": 1, "name": "x", "instrument": "chirplet", "effects": effects}
    path.write_text(json.dumps(document))
    with pytest.raises(PresetError, match=cause):
        load_preset(path)


def test_effects_are_rendered_too():
    dry = render("ripple", {}, 0.2)
    wet = render(
        "ripple", {}, 0.2, effects=[EffectState(plugin="filter", parameters={"cutoff": 100.0})]
    )
    off = render("ripple", {}, 0.2, effects=[EffectState(plugin="filter", bypassed=True)])
    np.testing.assert_array_equal(off, dry)
    assert np.abs(wet).max() < 0.5 * np.abs(dry).max()


def test_effects_that_a_rack_goes_back_to_play_on_where_they_were_and_keep_their_names():
    rack = RackModel("chirplet")
    for _ in range(2):
        rack.add("delay")
    rack.move("delay_2", 0)
    values = rack.parameters.complete({"delay_2.time": 1.5})
    effects, uids = rack.states(values), tuple(effect.uid for effect in rack.effects)
    places = {slot.uid: slot.place for slot in rack.slots}
    rack.remove("delay")
    rack.bypass("delay_2", True)
    loaded = rack.load(effects, uids)
    assert [effect.uid for effect in rack.effects] == ["delay_2", "delay"]
    assert not rack.effects[0].bypassed
    assert loaded["delay_2.time"] == 1.5
    places_now = {slot.uid: slot.place for slot in rack.slots}
    assert places_now["delay_2"] == places["delay_2"]
    assert places_now["delay"] != places["delay"]  # it is a new one, while the old one fades out


def test_a_report_that_comes_late_says_nothing_of_another_instrument():
    rack = RackModel("chirplet")
    table = rack.parameters
    rack.set_instrument("mine")
    late = report(rack.slots[0])
    rack.set_instrument("chirplet")
    assert not rack.take_reports([late])
    assert list(rack.parameters) == list(table)
