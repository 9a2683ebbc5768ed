"""Fears: undo, a preset or another effect loses a modulation, or it moves the wrong knob."""

import time

import numpy as np
import pytest

from mesosynth.errors import ArgumentError
from mesosynth.presets.preset import Preset, load_preset
from mesosynth.session import Session


@pytest.fixture(scope="module")
def shared():
    session = Session(device="silent")
    yield session
    session.close()


@pytest.fixture
def session(shared):
    shared.presets.play(Preset(name="start"))
    shared.poll()
    return shared


def moved(session):
    return [(m.source, m.target, m.depth) for m in session.rack.modulations if not m.free]


def test_a_parameter_is_moved_deeper_and_no_more(session):
    session.rack.modulate("f_c", "LFO 1")
    assert moved(session) == [("LFO 1", "f_c", 0.25)]
    session.rack.modulate("f_c", "LFO 1", -0.5)
    session.rack.modulate("f_c", "velocity", 0.1)
    session.rack.modulate("gain", "LFO 2")
    assert moved(session) == [
        ("LFO 1", "f_c", -0.5), ("velocity", "f_c", 0.1), ("LFO 2", "gain", 0.25),
    ]  # fmt: skip
    session.rack.modulate("f_c", "off")
    assert moved(session) == [("LFO 2", "gain", 0.25)]
    session.rack.modulate("w", "wheel")
    assert moved(session)[0] == ("wheel", "w", 0.25)


def test_a_full_modulation_and_nonsense_are_refused(session):
    for id_ in ("f_c", "f_m", "gamma", "w", "am_shape", "am_depth", "brightness", "spread"):
        session.rack.modulate(id_, "LFO 1")  # all eight
    before = moved(session)
    for words, about in (
        (("gain", "LFO 1"), "taken by f_c, f_m, gamma, w"),
        (("volume", "LFO 1"), "volume"),
        (("f_c", "moon"), "moon"),
        (("f_c", "LFO 1", 2.0), "depth"),
        (("modulation.depth1", "LFO 1"), "modulation"),
    ):
        with pytest.raises(ArgumentError, match=about):
            session.rack.modulate(*words)
    with pytest.raises(ArgumentError, match="already"):
        session.rack.add_effect("modulation")
    assert moved(session) == before


def test_undo_brings_it_back(session):
    plain = session.presets.snapshot()
    session.rack.add_effect("delay")
    session.rack.modulate("delay.time", "LFO 2", 0.1)
    deep = session.presets.snapshot()
    session.presets.recall(plain)
    assert moved(session) == []
    session.presets.recall(deep)
    assert moved(session) == [("LFO 2", "delay.time", 0.1)]


def test_a_preset_keeps_it_with_the_names_of_a_new_rack(session, tmp_path):
    first, second = session.rack.add_effect("delay"), session.rack.add_effect("delay")
    session.rack.modulate(f"{second}.time", "LFO 1", 0.2)
    session.sound.set({"modulation.lfo1_rate": 3.0})
    session.rack.remove_effect(first)
    session.presets.save(tmp_path / "moved.json")
    saved = load_preset(tmp_path / "moved.json")
    session.presets.play(Preset(name="plain"))
    session.presets.play(saved)
    assert moved(session) == [("LFO 1", "delay.time", 0.2)]
    assert session.sound.values["modulation.lfo1_rate"] == 3.0


def test_the_sound_is_moved(session):
    def loud():
        session.poll()
        return np.abs(session.device.scope(9600)).max()

    def until(true):
        deadline = time.monotonic() + 100.0
        while not true():
            assert time.monotonic() < deadline
            time.sleep(0.05)

    session.presets.play(Preset(name="tone", parameters={"period": 0.1, "gain": -6.0}))
    session.sound.play()
    until(lambda: loud() > 0.1)
    session.rack.modulate("gain", "velocity", -1.0)
    until(lambda: [session.keys.note_on(60, 1.0), 0.0 < loud() < 0.01][1])  # until it has come
    session.rack.modulate("gain", "off")
    until(lambda: loud() > 0.1)
    session.keys.all_notes_off()
    session.sound.stop()
