"""The fears: an effect that leaves takes its echoes along, clicks, or never goes."""

# pyright: basic

import time

import numpy as np
import pytest
from allocation import tracing
from steady_rack import RATE, Player, Tone, slots_of, updater_of

from mesosynth.effects import EFFECTS
from mesosynth.engine import slot as tail
from mesosynth.engine.rack import Rack
from mesosynth.engine.slot import FADE_SECONDS, PLACE, VECTOR, EffectTail, PluginSlot
from mesosynth.plugins.plugin import NO_EVENTS

DELAY = PluginSlot("delay", "delay", 1, tuple(EFFECTS["delay"].parameters))
REVERB = PluginSlot("reverb", "reverb", 2, tuple(EFFECTS["reverb"].parameters))


@pytest.fixture
def rack():
    return Rack(Tone())


def vector_of(level=0.25, **echo):
    vector = np.zeros(VECTOR)
    vector[0] = level
    for slot, values in ((DELAY, {"time": 0.3, "feedback": 0.5, "mix": 0.5, **echo}), (REVERB, {})):
        own = EFFECTS[slot.plugin].parameters.vector(values)
        vector[slot.place * PLACE :][: len(own)] = own
    return vector


def tails(rack):
    return [slot for slot in rack.slots if isinstance(slot, EffectTail)]


def test_the_echoes_of_an_effect_that_leaves_are_heard_and_its_input_is_not(rack):
    updater = updater_of(rack)
    vector = vector_of()
    with Player(rack, vector) as player:
        updater.arrange(slots_of(DELAY))
        player.play(400)
        updater.arrange(slots_of())
        player.play(40)
        left = len(player.blocks)
        sound = float(player.blocks[-1][0, -1])
        vector[0] = 0.0  # the tone ends: what is heard now are echoes
        player.play(60)
        echo = float(player.blocks[-1][0, -1])
        player.play(400)
        later = float(player.blocks[-1][0, -1])
    assert sound > 0.3  # the tone itself and its echo
    assert 0.05 < echo < sound
    assert later < 0.3 * echo
    change = np.concatenate(player.blocks[left - 40 : left], axis=1)[0]
    assert np.abs(np.diff(change)).max() < 1.6 * 0.5 / (FADE_SECONDS * RATE)


def test_an_effect_that_has_rung_out_goes(rack, monkeypatch):
    monkeypatch.setattr(tail, "QUIET_SECONDS", 0.2)
    updater = updater_of(rack)
    with Player(rack, vector_of(feedback=0.0, time=0.05)) as player:
        updater.arrange(slots_of(DELAY))
        player.play(80)
        updater.arrange(slots_of())
        assert len(tails(rack)) == 1
        deadline = time.monotonic() + 10.0
        while tails(rack):
            updater.look()
            time.sleep(0.02)
            assert time.monotonic() < deadline


def test_what_comes_and_goes_quickly_leaves_only_so_many_tails(rack):
    updater = updater_of(rack)
    with Player(rack, vector_of(feedback=0.9)) as player:
        for _ in range(12):
            updater.arrange(slots_of(DELAY, REVERB))
            player.play(20)
            updater.arrange(slots_of())
            updater.look()
        player.play(40)
        updater.look()
        assert len(tails(rack)) == tail.MOST_TAILS
        assert rack.slots[0].uid == ""
    assert np.isfinite(player.sound).all()
    assert np.abs(np.diff(player.sound)).max() < 0.05


def test_values_that_change_elsewhere_do_not_move_a_tail(rack):
    updater = updater_of(rack)
    vector = vector_of()
    with Player(rack, vector) as player:
        updater.arrange(slots_of(DELAY))
        player.play(120)
        updater.arrange(slots_of())
        (ringing,) = tails(rack)
        before = ringing.loaded.smoother.advance(vector, -1, 1).copy()
        vector[PLACE : 2 * PLACE] = 0.7  # its place has a new tenant
        player.play(40)
        assert np.array_equal(ringing.loaded.smoother.advance(vector, -2, 1), before)


def test_a_tail_survives_another_format_and_a_panic(rack):
    updater = updater_of(rack)
    with Player(rack, vector_of()) as player:
        updater.arrange(slots_of(DELAY))
        player.play(80)
        updater.arrange(slots_of())
        rack.silence()
        player.play(20)
    updater.prepare(lambda: rack.prepare(44100, 1024), 44100, 1024)
    out = np.zeros((2, 1024), np.float32)
    rack.process(vector_of(), NO_EVENTS, True, out)
    assert np.isfinite(out).all()


def test_no_arrays_are_made_while_it_rings(rack):
    updater, vector = updater_of(rack), vector_of()
    updater.prepare(lambda: rack.prepare(RATE, 2048), RATE, 2048)
    block = np.zeros((2, 2048), np.float32)
    with Player(rack, vector) as player:
        updater.arrange(slots_of(DELAY, REVERB))
        player.play(40)
    updater.arrange(slots_of())
    assert len(tails(rack)) == 2
    most = []
    with tracing() as peak_of:
        for number in range(40):
            if number == 30:
                tails(rack)[0].wanted = False
            most.append(peak_of(rack.process, vector, NO_EVENTS, True, block))
    assert most[0] < 8192  # while the input fades: one row of samples is as much
    assert sorted(most)[-2] < 6000  # a fade may begin once
