"""Fears: the rack leaves its bounds or depends on the block, an ill effect silences the rest."""

# pyright: basic, reportPrivateUsage=false, reportOptionalMemberAccess=false

import itertools
import signal
import threading
import time
import tracemalloc

import numpy as np
import pytest
from allocation import tracing
from steady_rack import RATE, Tone

from mesosynth.effects import EFFECTS
from mesosynth.engine.callback import Engine, EventInbox
from mesosynth.engine.rack import Rack, render
from mesosynth.engine.shared import EventQueue, ParameterBlock, SoundRing
from mesosynth.engine.slot import (
    FADE_SECONDS,
    GLIDE_SECONDS,
    PLACE,
    VECTOR,
    LoadedPlugin,
    ParameterSmoother,
    RackSlot,
)
from mesosynth.instruments import INSTRUMENTS
from mesosynth.plugins.parameters import ParameterTable
from mesosynth.plugins.plugin import NO_EVENTS, Effect
from mesosynth.presets.preset import EffectState


class Ill(Effect):
    """Halves the sound, and falls ill."""

    name = "Ill"
    parameters = ParameterTable([])

    def __init__(self, illness, when=range(5, 6)):
        self.illness, self.when, self.block, self.resets = illness, when, 0, 0

    def prepare(self, sample_rate, max_block):
        pass

    def reset(self):
        self.resets += 1

    def process(self, values, events, block):
        self.block += 1
        block *= np.float32(0.5)
        if self.block in self.when:
            if isinstance(self.illness, BaseException):
                raise self.illness
            block[0, 3] = self.illness


def slot_of(plugin, place=1, by_user=False):
    return RackSlot("x", LoadedPlugin(plugin, ParameterSmoother(plugin.parameters, place), by_user))


def rack_of(*effects, by_user=False, max_block=512, instrument=None):
    rack = Rack(instrument or Tone())
    slots = [slot_of(effect, place, by_user) for place, effect in enumerate(effects, 1)]
    rack.slots = (*rack.slots, *slots)
    rack.prepare(RATE, max_block)
    return rack


def vector_of(rack, values=None):
    vector = np.zeros(VECTOR)
    for place, slot in enumerate(rack.slots):
        own = slot.loaded.plugin.parameters.vector((values or {}).get(place, {}))
        vector[place * PLACE :][: len(own)] = own
    return vector


def play(rack, frames, block=128, vector=None):
    out = np.zeros((2, frames), np.float32)
    given = vector_of(rack) if vector is None else vector
    for begin in range(0, frames, block):
        now = given(begin) if callable(given) else given
        rack.process(now, NO_EVENTS, True, out[:, begin : begin + block])
    return out.astype(float)


@pytest.mark.parametrize("by_user", [True, False])
def test_ctrl_c_passes_through_a_plugin_but_not_a_fault_of_its_own(by_user):
    rack = rack_of(Ill(KeyboardInterrupt(), when=range(2, 4)), by_user=by_user)
    play(rack, 1)
    with pytest.raises(KeyboardInterrupt):
        play(rack, 1)
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # as in a child process
    try:
        play(rack, 1)
    finally:
        signal.signal(signal.SIGINT, before)
    assert rack.slots[-1].faults == 1


BLOCKS = (1, 10, 17, 64, 128, 256, 1024, 1536, 2027, 4096, 16384)


def rack_of_everything(instrument, rate):
    rack = Rack(INSTRUMENTS[instrument]())
    rack.slots += tuple(slot_of(kind(), i) for i, kind in enumerate(EFFECTS.values(), 1))
    rack.prepare(rate, max(BLOCKS))
    return rack


@pytest.mark.parametrize("instrument", INSTRUMENTS)
@pytest.mark.parametrize("rate", [22050, 44100, 48000, 96000, 192000])
def test_everything_at_its_loudest_stays_finite_and_within_one(instrument, rate):
    rack = rack_of_everything(instrument, rate)
    tables = [slot.loaded.plugin.parameters for slot in rack.slots]
    loud = {0: {"gain": 6.0}}
    for place, table in enumerate(tables[1:], 1):
        loud[place] = {id_: p.maximum for id_, p in table.items() if id_ not in ("shape", "mix")}
    vector = vector_of(rack, loud)
    loudest = 0.0
    for block in BLOCKS:
        out = play(rack, min(16384, 100 * block), block, vector)
        assert np.isfinite(out).all(), block
        assert np.abs(out).max() <= 1.0, block
        loudest = max(loudest, np.abs(out).max())
    assert loudest > 0.1


@pytest.mark.parametrize("instrument", INSTRUMENTS)
def test_fifty_permutations_of_nothing_but_ends_stay_finite_and_within_one(instrument):
    rack, rng = rack_of_everything(instrument, RATE), np.random.default_rng(0)
    for _ in range(50):
        ends = {
            place: {id_: (p.minimum, p.maximum)[rng.integers(2)]
                    for id_, p in slot.loaded.plugin.parameters.items()}
            for place, slot in enumerate(rack.slots)
        }  # fmt: skip
        out = play(rack, 5 * 512, 512, vector_of(rack, ends))
        assert np.isfinite(out).all(), ends
        assert np.abs(out).max() <= 1.0, ends
    assert rack.faults == 0


def test_a_knob_that_moved_while_nothing_played_counts_once_it_does():
    """So it does for an effect that was bypassed meanwhile."""
    rack, block = rack_of_everything("chirplet", RATE), np.zeros((2, 512), np.float32)
    still, moved = vector_of(rack), vector_of(rack, {0: {"gamma": 8.0}, 2: {"cutoff": 300.0}})
    rack.slots[2].wanted = False
    for vector, playing in ((still, True), (still, False), (moved, False), (moved, True)):
        rack.slots[2].wanted = playing and vector is moved
        for _ in range(30):
            rack.process(vector, NO_EVENTS, playing, block)
    for place, id_, value in ((0, "gamma", 8.0), (2, "cutoff", 300.0)):
        loaded = rack.slots[place].loaded
        values = loaded.smoother.advance(moved, rack._revision, 512)
        assert values[list(loaded.plugin.parameters).index(id_)] == value


def test_two_threads_may_write_for_five_hundred_blocks():
    """The session's values and a controller's moves, each as fast as they can."""
    rack, rng = rack_of_everything("chirplet", RATE), np.random.default_rng(0)
    ended = threading.Event()
    tables = [slot.loaded.plugin.parameters for slot in rack.slots]
    vectors = [
        vector_of(rack, {place: {id_: float(rng.uniform(p.minimum, p.maximum))
                                 for id_, p in t.items()
                                 if not (p.choices or p.smallest or p.unit == "dB")}
                         for place, t in enumerate(tables)})
        for _ in range(16)
    ]  # fmt: skip
    with (
        ParameterBlock(VECTOR) as block,
        ParameterBlock(VECTOR, block.name) as read,
        EventQueue() as queue,
        SoundRing() as output,
    ):
        engine = Engine(rack, read, output, EventInbox((queue,)))
        engine.prepare(RATE, 128)

        def write():
            for vector in itertools.cycle(vectors):
                block.write(vector, True)
                if ended.wait(0.0002):
                    return

        def move():
            for place in itertools.cycle(range(len(tables) * PLACE)):
                queue.move(place, float(vectors[3][place]))
                if ended.wait(0.0002):
                    return

        block.write(vectors[0], True)
        threads = [threading.Thread(target=target) for target in (write, move)]
        for thread in threads:
            thread.start()
        out = np.zeros((2, 128), np.float32)
        heard = 0.0
        for _ in range(500):
            engine.render(out, False)
            assert np.isfinite(out).all()
            heard = max(heard, float(np.abs(out).max()))
        ended.set()
        for thread in threads:
            thread.join()
    assert 0.001 < heard <= 1.0
    assert rack.faults == 0


@pytest.mark.parametrize("block", BLOCKS)
def test_the_whole_rack_does_not_depend_on_the_block(block):
    effects = tuple(EffectState(plugin=name) for name in EFFECTS)
    values = {"period": 0.1, "gamma": 8.0}
    seconds = 0.05 if block < 17 else 0.4
    whole = render("chirplet", values, seconds, block=8192, effects=effects)
    cut = render("chirplet", values, seconds, block=block, effects=effects)
    assert np.abs(whole).max() > 0.01 or block < 17
    np.testing.assert_allclose(cut, whole, atol=1e-6)


def test_a_jump_of_a_value_takes_its_time_even_in_blocks_of_one():
    rack = rack_of(max_block=16)
    play(rack, 1000, 16, np.array([0.0]))
    out = play(rack, 400, 1, np.array([0.5]))[0]
    assert out[-1] == 0.5
    assert 0.0 < np.diff(out).max() < 1.1 * 0.5 / (GLIDE_SECONDS * RATE)


@pytest.mark.parametrize("illness", [np.nan, np.inf, 1e30, ValueError("no")])
@pytest.mark.parametrize("by_user", [False, True])
def test_an_ill_effect_is_dry_for_a_block_and_reset(illness, by_user):
    effect = Ill(illness)
    rack = rack_of(effect, by_user=by_user)
    out = play(rack, 128 * 20)[0, 1000:]
    late = (rack.latency + 4 * 128) - 1000
    assert np.isfinite(out).all()
    assert rack.faults == 1
    if by_user and isinstance(illness, Exception):  # it is out, and everything else plays on
        assert rack.slots[1].out
        np.testing.assert_allclose(out[max(late, 0) + 500 :], 0.25, atol=1e-6)
    else:
        assert effect.resets == 1
        np.testing.assert_allclose(out[max(late, 0) + 500 :], 0.125, atol=1e-6)


def test_a_guest_that_keeps_failing_is_shut_out_and_a_built_in_is_not():
    for by_user in (True, False):
        effect = Ill(np.nan, range(5, 500, 3))
        rack = rack_of(effect, by_user=by_user)
        play(rack, 128 * 100)
        assert rack.slots[1].out == by_user
        assert (rack.faults == 3) == by_user


def test_a_slow_guest_is_shut_out_without_a_click():
    class Slow(Ill):
        def process(self, values, events, block):
            super().process(values, events, block)
            time.sleep(0.002)

    rack = rack_of(Slow(None), by_user=True)
    out = play(rack, 128 * 40)[0, 1000:]
    assert rack.slots[1].out
    assert rack.slots[1].fault.kind == "slow"
    assert out[0] == pytest.approx(0.125, abs=1e-4)
    assert out[-1] == pytest.approx(0.25, abs=1e-4)
    assert np.abs(np.diff(out)).max() < 1.6 * 0.125 / (FADE_SECONDS * RATE)
    rack = rack_of(Slow(None), by_user=False)
    play(rack, 128 * 40)
    assert not rack.slots[1].out


def test_the_whole_rack_allocates_no_arrays():
    rack = rack_of(*(kind() for kind in EFFECTS.values()), instrument=INSTRUMENTS["ripple"]())
    rng, block, most = np.random.default_rng(0), np.zeros((2, 512), np.float32), []
    vectors = []
    for _ in range(4):
        tables = [slot.loaded.plugin.parameters for slot in rack.slots]
        vectors.append(vector_of(rack, {place: {i: p.from_unit(rng.random()) for i, p in t.items()}
                                        for place, t in enumerate(tables)}))  # fmt: skip
    with tracing() as peak_of:
        for number in range(64):
            if number == 40:
                rack.slots[2].wanted = False
            most.append(peak_of(rack.process, vectors[number // 8 % 4], NO_EVENTS, True, block))
        before = tracemalloc.get_traced_memory()[0]
        for _ in range(2000):
            rack.process(vectors[0], NO_EVENTS, True, block[:, :64])
        grown = tracemalloc.get_traced_memory()[0] - before
    assert sorted(most[8:])[-2] < 4096  # a fade may begin once
    assert grown < 4096
