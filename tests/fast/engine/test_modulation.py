"""Fears: an LFO depends on the block, a source leaves its range, a target is of another plugin."""

import math

import numpy as np
import pytest
from allocation import tracing

from mesosynth.effects.modulation import GRID, SHAPES, SOURCES, Modulation, targets_of
from mesosynth.engine.modulation import RackModulation
from mesosynth.engine.rack import Rack, render
from mesosynth.engine.slot import PLACE, VECTOR, LoadedPlugin, ParameterSmoother, RackSlot
from mesosynth.errors import ArgumentError, PresetError
from mesosynth.plugins.parameters import Parameter, ParameterTable
from mesosynth.plugins.plugin import EVENT, NO_EVENTS, WHOLE_CHANNEL, EventKind, Instrument
from mesosynth.presets.preset import EffectState, Preset, check_preset, with_renamed_targets

RATE = 48000


class Line(Instrument):
    """Plays its level as it ramps; notes it was told of are kept with their frames."""

    name = "Line"
    parameters = ParameterTable(
        [
            Parameter("level", "Level", "", 0.0, 1.0, 0.5, "The output."),
            Parameter("log", "Log", "Hz", 20.0, 2000.0, 200.0, "Unheard.", "log"),
            Parameter("signed", "Signed", "", -4.0, 4.0, 1.0, "Unheard.", "signed_log", 0.25),
            Parameter("curved", "Curved", "", -8.0, 8.0, 0.0, "Unheard.", "asinh", 0.5),
            Parameter("choice", "Choice", "", 0.0, 2.0, 1.0, "Unheard.", choices=("a", "b", "c")),
            Parameter("tempo", "Tempo", "", 5.0, 960.0, 120.0, "Beats a minute."),
        ]
    )

    def prepare(self, sample_rate, max_block):
        self.told, self.played, self.notes = [], 0, []
        self.reset()

    def reset(self):
        self.last = None

    def process(self, values, events, block):
        first = values[0] if self.last is None else self.last
        block[:] = np.linspace(first, values[0], block.shape[1] + 1)[1:]
        self.last = values[0]
        self.told.append(values.copy())
        self.notes += [(self.played + int(e["frame"]), int(e["note"])) for e in events]
        self.played += block.shape[1]


class Listening(Rack):
    """A rack whose limiter, which is late, does not matter."""

    def prepare(self, sample_rate, max_block):
        super().prepare(sample_rate, max_block)
        self._limiter.process = lambda block: 0.0


def rack_with(targets, block=4096, **knobs):
    """A rack of a Line and a modulation, and its vector."""
    rack, plugin = Listening(Line()), Modulation()
    vector = np.zeros(VECTOR)
    vector[: len(Line.parameters)] = Line.parameters.vector({})
    vector[PLACE:][: len(plugin.parameters)] = plugin.parameters.vector(knobs)
    smoother = ParameterSmoother(plugin.parameters, 1)
    rack.slots = (*rack.slots, RackSlot("modulation", LoadedPlugin(plugin, smoother)))
    rack.prepare(RATE, block)
    rack.modulation = RackModulation(rack.slots, targets)
    rack._level = 1.0  # no fade
    return rack, vector


def play(rack, vector, frames, block=128, events=NO_EVENTS):
    """(frames,) of the left channel; `events` have their frames from the start."""
    out = np.zeros((2, frames), np.float32)
    for begin in range(0, frames, block):
        part = out[:, begin : begin + block]
        here = events[(events["frame"] >= begin) & (events["frame"] < begin + part.shape[1])].copy()
        here["frame"] -= begin
        rack.process(vector, here, True, part)
    return out[0]


def events_of(*events):
    return np.array([(*event,) for event in events], EVENT)


def lfo(**knobs):
    return {"source1": SOURCES.index("LFO 1"), "depth1": 0.25, "lfo1_rate": 4.9, **knobs}


FORMS = {
    "sine": lambda p: np.sin(2 * np.pi * p),
    "triangle": lambda p: 2 / np.pi * np.arcsin(np.sin(2 * np.pi * p)),
    "saw up": lambda p: 2 * (p % 1) - 1,
    "saw down": lambda p: 1 - 2 * (p % 1),
    "square": lambda p: np.where(p % 1 < 0.5, 1.0, -1.0),
}


@pytest.mark.parametrize("shape", FORMS)
def test_an_oscillator_is_its_formula_on_the_grid_and_straight_between(shape):
    rack, vector = rack_with(["level"], **lfo(lfo1_shape=SHAPES.index(shape)))
    frames = 150 * GRID
    heard = play(rack, vector, frames, 1000)
    at = np.arange(1, 151) * GRID
    phase = at * 4.9 / RATE
    expected = 0.5 + 0.25 * FORMS[shape](phase)
    assert np.abs(heard[at - 1] - expected).max() < 1e-6
    middle = heard[at[:-1] + GRID // 2 - 1]
    assert np.abs(middle - 0.5 * (expected[1:] + expected[:-1])).max() < 1e-6


@pytest.mark.parametrize("block", [1, 64, 65, 128, 1000, 4096])
def test_sources_are_the_same_for_every_block(block):
    knobs = lfo(lfo1_shape=SHAPES.index("random"), lfo1_rate=20.0) | {
        "source2": SOURCES.index("envelope"), "depth2": 0.2,
        "source3": SOURCES.index("velocity"), "depth3": 0.1,
        "source4": SOURCES.index("wheel"), "depth4": 0.1,
    }  # fmt: skip
    events = events_of(
        (700, EventKind.WHEEL, 0, WHOLE_CHANNEL, 0.7), (1001, EventKind.NOTE_ON, 0, 64, 0.8),
        (2500, EventKind.NOTE_OFF, 0, 64, 0.0), (2600, EventKind.NOTE_ON, 1, 50, 0.2),
    )  # fmt: skip
    heard = [play(*rack_with(["level"] * 4, **knobs), 4800, size, events) for size in (block, 4096)]
    assert np.ptp(heard[1]) > 0.3
    assert np.abs(heard[0] - heard[1]).max() < 2e-6


def test_events_reach_the_plugin_at_their_own_frames():
    rack, vector = rack_with(["level"], **lfo())
    events = events_of(*((f, EventKind.NOTE_ON, 0, 60 + f % 7, 0.5) for f in (0, 63, 64, 65, 1500)))
    play(rack, vector, 2000, 1000, events)
    assert rack.instrument.notes == [(f, 60 + f % 7) for f in (0, 63, 64, 65, 1500)]


def test_other_plugins_find_the_events_as_they_were():
    rack, vector = rack_with(["level"], **lfo())
    events = events_of(*((f, EventKind.NOTE_ON, 0, 60, 0.5) for f in (0, 64, 900)))
    rack.process(vector, events, True, np.zeros((2, 1000), np.float32))
    assert events["frame"].tolist() == [0, 64, 900]


def test_a_target_of_another_plugin_moves_no_parameter_of_the_same_id():
    assert np.ptp(play(*rack_with(["delay.level"], **lfo()), 9600)) == 0.0


def test_a_key_restarts_the_oscillator_and_brings_velocity_pitch_and_chance():
    knobs = {
        "source1": SOURCES.index("LFO 1"), "depth1": 0.5, "lfo1_rate": 1.0, "lfo1_restart": 1.0,
        "lfo1_shape": SHAPES.index("saw up"),
    }  # fmt: skip
    rack, vector = rack_with(["level"], **knobs)
    heard = play(rack, vector, 24000, 128, events_of((12000, EventKind.NOTE_ON, 0, 72, 0.5)))
    assert heard[11999] > 0.2
    assert heard[12000 + GRID] < 0.01
    plugin = rack.modulation.slot.loaded.plugin
    sources = dict(zip(SOURCES[1:], plugin.sources[plugin.parts - 1], strict=True))
    assert sources["velocity"] == 0.5
    assert sources["key"] == pytest.approx(0.2)
    assert -1.0 <= sources["random"] <= 1.0
    assert sources["random"] != 0.0


@pytest.mark.parametrize("source", ["velocity", "key", "wheel", "pressure", "envelope"])
def test_a_modulation_that_joins_while_a_key_is_held_knows_the_key(source):
    rack, vector = rack_with(["level"], source1=SOURCES.index(source), depth1=0.4)
    slots, rack.slots = rack.slots, rack.slots[:1]
    rack.modulation = RackModulation(rack.slots, (), rack.gestures)
    before = events_of(
        (0, EventKind.NOTE_ON, 0, 72, 0.5), (0, EventKind.WHEEL, 0, 0, 0.75),
        (0, EventKind.PRESSURE, 0, WHOLE_CHANNEL, 0.25),
    )  # fmt: skip
    assert np.ptp(play(rack, vector, 4800, events=before)) == 0.0
    rack.slots = slots
    rack.modulation = RackModulation(slots, ["level"], rack.gestures)
    heard = play(rack, vector, 36000)
    value = {"velocity": 0.5, "key": 0.2, "wheel": 0.75, "pressure": 0.25, "envelope": 0.5}[source]
    assert heard[-1] == pytest.approx(0.5 + 0.4 * value, abs=1e-3)
    rack.silence()  # and after a panic there is none
    assert play(rack, vector, 48000)[-1] == pytest.approx(0.5, abs=1e-3)


def test_the_envelope_rises_falls_to_sustain_and_ends():
    knobs = {
        "source1": SOURCES.index("envelope"), "depth1": 0.5, "env_attack": 0.05, "env_decay": 0.1,
        "env_sustain": 0.4, "env_release": 0.2,
    }  # fmt: skip
    rack, vector = rack_with(["level"], **knobs)
    events = events_of(
        (4800, EventKind.NOTE_ON, 0, 60, 1.0), (28800, EventKind.NOTE_OFF, 0, 60, 0.0)
    )
    envelope = (play(rack, vector, 48000, 256, events) - 0.5) / 0.5
    at = lambda s: envelope[round(s * RATE)]  # noqa: E731
    assert at(0.09) == pytest.approx(0.0, abs=1e-6)
    assert at(0.125) == pytest.approx(0.5, abs=0.03)
    assert at(0.15) == pytest.approx(1.0, abs=0.04)
    assert at(0.25) == pytest.approx(0.4 + 0.6 * math.exp(-3.0), abs=0.03)
    assert at(0.59) == pytest.approx(0.4, abs=0.01)
    assert at(0.8) == pytest.approx(0.4 * math.exp(-3.0), abs=0.03)


def test_a_cycle_lasts_a_note_value_of_the_instruments_tempo():
    rack, vector = rack_with(["level"], **lfo(lfo1_sync=1.0, lfo1_division=8.0))  # a quarter
    vector[5] = 60.0
    heard = play(rack, vector, RATE, 256) - 0.5
    crossings = np.flatnonzero((heard[:-1] < 0.0) & (heard[1:] >= 0.0))
    assert len(crossings) <= 1  # one cycle a second
    assert heard[RATE // 4] == pytest.approx(0.25, abs=0.01)


@pytest.mark.parametrize("depth", [-1.0, 1.0])
@pytest.mark.parametrize("id_", ["log", "signed", "curved", "choice"])
def test_no_parameter_leaves_its_range(id_, depth):
    rack, vector = rack_with([id_], **lfo(depth1=depth, lfo1_rate=30.0))
    play(rack, vector, 4800, 128)
    index = Line.parameters.index(id_)
    told = [values[index] for values in rack.instrument.told]
    parameter = Line.parameters[id_]
    assert min(told) == pytest.approx(parameter.minimum, rel=0.02)
    assert max(told) == pytest.approx(parameter.maximum, rel=0.02)
    assert all(parameter.clamp(value) == pytest.approx(value) for value in told)


def test_a_moved_value_goes_by_its_knobs_travel():
    knobs = {"source1": SOURCES.index("wheel"), "depth1": 0.25}
    for id_ in ("log", "signed", "curved"):
        rack, vector = rack_with([id_], **knobs)
        play(rack, vector, 512, 128, events_of((0, EventKind.WHEEL, 0, WHOLE_CHANNEL, 0.5)))
        parameter = Line.parameters[id_]
        expected = parameter.from_unit(parameter.to_unit(parameter.default) + 0.125)
        assert rack.instrument.told[-1][Line.parameters.index(id_)] == pytest.approx(expected)


def test_a_bypassed_modulation_moves_nothing_and_leaves_the_sound():
    rack, vector = rack_with(["level"], **lfo())
    rack.slots[1].wanted = False
    assert np.ptp(play(rack, vector, 9600)) == 0.0


def test_the_input_is_a_source_while_it_is_open():
    class Loud:
        peak = 0.1

    knobs = {"source1": SOURCES.index("input"), "depth1": 0.5, "follow": 0.02}
    rack, vector = rack_with(["level"], **knobs)
    assert np.ptp(play(rack, vector, 2048)) == 0.0
    rack.input = Loud()
    assert play(rack, vector, 2048)[-1] == pytest.approx(0.5 + 0.5 * (1.0 - 20.0 / 60.0), abs=1e-6)
    rack.input = None
    assert play(rack, vector, 4096)[-1] == pytest.approx(0.5, abs=1e-6)


def test_nothing_is_allocated_or_compiled_while_it_plays():
    rack, vector = rack_with(["level", "log", "signed", "choice"], **lfo())
    block = np.zeros((2, 4096), np.float32)
    events = events_of((5, EventKind.NOTE_ON, 0, 60, 0.5), (900, EventKind.NOTE_OFF, 0, 60, 0.0))
    rack.instrument.process = lambda values, events, block: None
    for _ in range(3):
        rack.process(vector, events, True, block)
    with tracing() as peak:
        held = [peak(rack.process, vector, events, True, block) for _ in range(5)]
    assert min(held) < 4096  # an array of this block has 16 kB or more


def test_an_effect_of_a_rendered_preset_is_moved():
    delay = EffectState(plugin="delay", parameters={"mix": 0.0})
    modulation = EffectState(
        plugin="modulation", state={"targets": ["delay.mix"]}, parameters=lfo(depth1=1.0)
    )
    plain, moved = (render("chirplet", {}, 0.5, effects=e) for e in ((delay,), (delay, modulation)))
    assert np.abs(plain - moved).max() > 0.01


@pytest.mark.parametrize("targets", ["f_c", ["a"] * 9, [3], ["x" * 300], {"a": 1}])
def test_targets_that_are_no_ids_are_refused(targets):
    with pytest.raises(ArgumentError, match="targets"):
        targets_of({"targets": targets})
    effect = EffectState(plugin="modulation", state={"targets": targets})
    with pytest.raises(PresetError, match="targets"):
        check_preset("x.json", Preset(name="x", effects=(effect,)))


def test_a_preset_has_one_modulation_at_most():
    effects = (EffectState(plugin="modulation"),) * 2
    with pytest.raises(PresetError, match="more than one modulation"):
        check_preset("x.json", Preset(name="x", effects=effects))


def test_targets_are_renamed_as_in_a_new_rack():
    state = EffectState(plugin="modulation", state={"targets": ["f_c", "delay_2.time", "", "a.b"]})
    renamed = with_renamed_targets(state, {"delay_2": "delay"})
    assert renamed.state["targets"][:4] == ["f_c", "delay.time", "", "a.b"]
