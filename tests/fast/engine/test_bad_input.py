"""Fears: a number that is none or out of range is heard: by preset, OSC, MIDI or modulation."""

import math
import random

import numpy as np
import pytest

from mesosynth.control.midi import MidiDecoder
from mesosynth.control.midi_map import MidiMap
from mesosynth.control.osc import obey
from mesosynth.effects import EFFECTS
from mesosynth.effects.modulation import SLOTS, SOURCES, Modulation
from mesosynth.engine.callback import EventInbox
from mesosynth.engine.modulation import RackModulation
from mesosynth.engine.rack import Rack
from mesosynth.engine.shared import EventQueue
from mesosynth.engine.slot import PLACE, VECTOR, LoadedPlugin, ParameterSmoother, RackSlot
from mesosynth.errors import PresetError
from mesosynth.instruments import INSTRUMENTS
from mesosynth.plugins.parameters import ParameterTable
from mesosynth.plugins.plugin import EVENT, NO_EVENTS, EventKind
from mesosynth.presets.preset import EffectState, Preset, check_preset

RATE, BLOCK = 48000, 256
BAD = (math.nan, math.inf, -math.inf, 1e300, -1e300)
TABLES = {**{k: v.parameters for k, v in INSTRUMENTS.items()}, "modulation": Modulation.parameters}
NEW = ("strike", "drum", "grains", "chirplet", "layers", "modulation")


def preset_of(plugin, values=None, state=None):
    if plugin == "modulation":
        effect = EffectState(plugin=plugin, parameters=values or {}, state=state or {})
        return Preset(name="x", effects=(effect,))
    return Preset(name="x", instrument=plugin, parameters=values or {}, state=state or {})


@pytest.mark.parametrize("plugin", TABLES)
@pytest.mark.parametrize("bad", BAD)
def test_a_preset_is_refused_by_a_sentence_that_names_the_parameter(plugin, bad):
    for id_ in TABLES[plugin]:
        with pytest.raises(PresetError, match=f"parameter {id_}=.* must be"):
            check_preset("bad.json", preset_of(plugin, {id_: bad}))


@pytest.mark.parametrize(
    ("plugin", "state"),
    [
        ("modulation", {"targets": "f_c"}), ("modulation", {"targets": [3.0]}),
        ("modulation", {"targets": ["f_c"] * (SLOTS + 1)}), ("modulation", {"targets": {"1": "x"}}),
        ("layers", {"layers": {"1": {"instrument": "drum", "parameters": {"tau": "long"}}}}),
        ("layers", {"layers": {"1": {"instrument": "drum", "parameters": {"nu": 1.0}}}}),
        ("layers", {"layers": {"1": {"instrument": "layers"}}}), ("layers", {"layers": [1, 2]}),
        ("layers", {"layers": {"13": {"instrument": "drum"}}}),
        ("layers", {"layers": {"1": {"instrument": "kazoo"}}}),
        ("strike", {"tuning": {"cents": [math.nan]}}), ("drum", {"tuning": {"cents": ["x"]}}),
        ("grains", {"tuning": {"cents": [1e300], "reference_hertz": math.inf}}),
    ],
)  # fmt: skip
def test_a_state_is_refused_by_a_sentence(plugin, state):
    with pytest.raises(PresetError, match=f"{plugin} cannot take its state: .*\\."):
        check_preset("bad.json", preset_of(plugin, state=state))


@pytest.mark.parametrize("bad", BAD)
def test_a_layer_is_clamped_and_what_it_keeps_is_legal(bad):
    layers = INSTRUMENTS["layers"]()
    for kind in ("drum", "strike", "grains", "ripple"):
        table = TABLES[kind]
        one = {"instrument": kind, "parameters": dict.fromkeys(table, bad)}
        layers.restore({"layers": {"2": one}})
        kept = layers.state()["layers"]["2"]["parameters"]
        assert {id_: table[id_].clamp(value) for id_, value in kept.items()} == kept


class Ears:
    """A rack with all effects and as many moved parameters as possible, behind an inbox."""

    def __init__(self, name, source):
        kinds = [EFFECTS[effect] for effect in EFFECTS if effect != "modulation"]
        self.rack = Rack(INSTRUMENTS[name]())
        plugins = [*(kind() for kind in kinds), Modulation()]
        uids = [*(effect for effect in EFFECTS if effect != "modulation"), "modulation"]
        self.tables = [INSTRUMENTS[name].parameters, *(p.parameters for p in plugins)]
        for place, (uid, plugin) in enumerate(zip(uids, plugins, strict=True), 1):
            smoother = ParameterSmoother(plugin.parameters, place)
            self.rack.slots = (*self.rack.slots, RackSlot(uid, LoadedPlugin(plugin, smoother)))
        self.vector = np.zeros(VECTOR)
        for place, table in enumerate(self.tables):
            self.vector[place * PLACE :][: len(table)] = table.vector({})
        moves = {f"source{n}": float(SOURCES.index(source)) for n in range(1, SLOTS + 1)}
        moves |= {f"depth{n}": (-1.0) ** n for n in range(1, SLOTS + 1)}
        self.vector[len(kinds) * PLACE + PLACE :][: len(self.tables[-1])] = self.tables[-1].vector(
            moves
        )
        self.rack.prepare(RATE, BLOCK)
        targets = random.Random(name + source).sample(
            [*INSTRUMENTS[name].parameters, "delay.time", "filter.cutoff", "reverb.decay"], SLOTS
        )
        self.rack.modulation = RackModulation(self.rack.slots, targets, self.rack.gestures)
        self.queue = EventQueue()
        self.inbox = EventInbox([self.queue])
        self.inbox.prepare(RATE, VECTOR)

    def event(self, kind, channel, note, value, stamp=0.0):
        self.queue.push(kind, channel, note, value)

    def hear(self, blocks):
        for _ in range(blocks):
            block = np.zeros((2, BLOCK), np.float32)
            self.rack.process(self.vector, self.inbox.take(BLOCK, True), True, block)
            assert np.isfinite(block).all()
            assert np.abs(block).max() <= 1.0
        assert [slot.fault for slot in self.rack.slots if slot.faults] == []


@pytest.mark.parametrize("name", INSTRUMENTS)
@pytest.mark.parametrize("source", ["velocity", "wheel"])
def test_no_event_and_no_value_spoils_a_block(name, source):
    ears, rng = Ears(name, source), random.Random(1)
    try:
        ears.event(EventKind.NOTE_ON, 0, 60, 1.0)
        ears.hear(4)
        for bad in BAD[:3]:  # none of them is a value: the event does not arrive
            for kind in (*EventKind, 99):
                ears.event(kind, rng.randrange(16), rng.randrange(128), bad)
            ears.hear(4)
        for bad in BAD:  # and in the vector they are the nearest legal values
            for at in rng.sample(range(len(ears.tables[0])), 6):
                ears.vector[at] = bad
            for at in rng.sample(range(PLACE, 5 * PLACE + len(ears.tables[-1])), 100):
                ears.vector[at] = bad
            ears.hear(4)
    finally:
        ears.queue.close()


class Listener:
    """What a session is told: moves in the range of its parameters, and events for the rack."""

    def __init__(self, table, ears):
        self.table, self.ears, self.heard = table, ears, 0
        self.map = MidiMap(table)
        for number, id_ in enumerate(list(table)[:100]):
            self.map.bind(0, 20 + number, id_)

    def move(self, parameter, value):
        assert self.table[parameter].clamp(value) == value
        place = list(self.table).index(parameter)
        self.ears.vector[place if "." not in parameter else self.place(parameter)] = value
        self.heard += 1

    def place(self, parameter):
        own = self.ears.tables[-1]
        return (len(self.ears.tables) - 1) * PLACE + own.index(parameter.partition(".")[2])

    def event(self, kind, channel, note, value, stamp):
        assert math.isfinite(value)
        self.ears.event(kind, channel, note, value)
        self.heard += 1

    def controller(self, channel, number, position, stamp):
        move = self.map.move(channel, number, position, lambda id_: self.table[id_].default, stamp)
        if move is not None:
            self.move(*move)

    def program(self, channel, number):
        pass


@pytest.mark.parametrize("name", NEW[:3])
def test_osc_and_midi_bring_only_what_is_legal(name):
    ears, rng = Ears(name, "pressure"), random.Random(2)
    modulation = {f"modulation.{id_}": p for id_, p in Modulation.parameters.items()}
    both = {**INSTRUMENTS[name].parameters, **modulation}
    table = ParameterTable([type(p)(**{**_fields(p), "id": id_}) for id_, p in both.items()])
    listener = Listener(table, ears)
    words = [
        *(f"/{kind}/{id_}" for id_ in INSTRUMENTS[name].parameters for kind in ("param", "knob")),
        *(f"/mod/{id_}" for id_ in Modulation.parameters), "/bend", "/pressure", "/timbre",
        "/wheel", "/tempo", "/sustain", "/freeze",
    ]  # fmt: skip
    try:
        decoder = MidiDecoder(listener)
        for turn in range(40):
            ears.event(EventKind.NOTE_ON, 0, 60, 1.0)
            for word in rng.sample(words, 8):
                obey(listener, table, word, (rng.choice(BAD), rng.choice(BAD)), 0.0)
            obey(listener, table, "/note/on", (rng.choice(BAD), rng.choice(BAD)), 0.0)
            obey(listener, table, "/note/on", (64, rng.choice(BAD)), 0.0)
            decoder.feed([rng.randrange(256) for _ in range(60)], 0.1 * turn)
            ears.hear(2)
        assert listener.heard > 200
    finally:
        ears.queue.close()


def _fields(parameter):
    return {name: getattr(parameter, name) for name in parameter.__dataclass_fields__}


@pytest.mark.parametrize("bad", BAD)
def test_modulation_of_any_depth_stays_within_the_range(bad):
    ears = Ears("strike", "velocity")
    try:
        place = (len(ears.tables) - 1) * PLACE
        for n in range(1, SLOTS + 1):
            ears.vector[place + ears.tables[-1].index(f"depth{n}")] = bad
        ears.event(EventKind.NOTE_ON, 0, 60, 1.0)
        ears.hear(4)
        slot = ears.rack.slots[0]
        moved = slot.modulated._values
        legal = [p.clamp(v) for p, v in zip(ears.tables[0].values(), moved, strict=True)]
        assert np.array_equal(legal, moved)
    finally:
        ears.queue.close()


def test_the_inbox_drops_what_is_no_number():
    queue = EventQueue()
    try:
        inbox = EventInbox([queue])
        inbox.prepare(RATE, 4)
        for value in (math.nan, 0.5, math.inf):
            queue.push(EventKind.WHEEL, 0, 0, value)
        assert inbox.take(BLOCK, True)["value"].tolist() == [0.5]
        assert NO_EVENTS.dtype == EVENT
    finally:
        queue.close()
