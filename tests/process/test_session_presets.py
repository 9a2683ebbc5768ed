"""The fear: that to load a sound breaks the one that plays, or loses what was said of it."""

import time

import numpy as np
import pytest
from recorder import Recorder

from mesosynth.control.process import Program
from mesosynth.errors import PluginError, PresetError
from mesosynth.presets.preset import (
    EffectState,
    MatchRecord,
    Preset,
    Tags,
    load_preset,
    save_preset,
)
from mesosynth.session import Session

ECHO = EffectState(plugin="delay", parameters={"time": 0.3}, extra={"later": 1})


@pytest.fixture(scope="module")
def shared():
    session = Session(device="silent")
    yield session
    session.close()


@pytest.fixture
def session(shared):
    shared.presets.bank = ()
    shared.presets.play(Preset(name="start"))
    shared.poll()
    return shared


def effects(session):
    return [effect.uid for effect in session.rack.effects]


def wait(session, true, seconds=100.0):
    deadline = time.monotonic() + seconds
    while not true():
        session.poll()
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_preset_of_another_instrument_brings_it_along(session):
    seen = Recorder(session)
    session.sound.play()
    session.presets.play(
        Preset(name="waves", instrument="ripple", parameters={"f_0": 300.0}, effects=(ECHO,))
    )
    assert (session.rack.instrument, effects(session)) == ("ripple", ["delay"])
    assert session.sound.values["f_0"] == 300.0
    assert session.sound.values["delay.time"] == 0.3
    wait(session, lambda: np.abs(session.device.scope(4800)).max() > 0.0)
    assert not seen.texts("warning", "error")
    session.presets.play(Preset(name="back"))
    assert (session.rack.instrument, effects(session)) == ("chirplet", [])
    assert "f_0" not in session.sound.values


def test_an_effect_of_both_sounds_plays_on_with_the_new_one_s_values(session):
    session.presets.play(Preset(name="a", effects=(ECHO, EffectState(plugin="reverb"))))
    session.sound.set({"delay.feedback": 0.9})
    place = session.rack.parameter_place("delay.time")
    feedback = session.sound.parameters["delay.feedback"].default
    session.presets.play(Preset(name="b", effects=(EffectState(plugin="delay"),)))
    assert effects(session) == ["delay"]
    assert session.rack.parameter_place("delay.time") == place
    assert session.sound.values["delay.feedback"] == feedback


def test_what_cannot_be_loaded_leaves_the_sound(session, tmp_path):
    session.presets.play(Preset(name="a", parameters={"f_c": 700.0}, effects=(ECHO,)))
    session.poll()
    before, rack = dict(session.sound.values), effects(session)
    seen = Recorder(session)
    path = tmp_path / "p.json"
    for instrument, error in (("kazoo", PluginError), ("delay", PresetError)):
        save_preset(path, Preset(name="x", instrument=instrument))
        with pytest.raises(error, match=f"{instrument}"):
            session.presets.load(path)
    path.write_text("{")
    with pytest.raises(PresetError):
        session.presets.load(path)
    assert (session.sound.values, effects(session)) == (before, rack)
    assert session.rack.instrument == "chirplet"
    assert session.presets.current.name == "a"
    session.poll()
    assert {name for name, _ in seen} <= {"rack.changed"}  # of the first


def test_what_a_preset_says_of_itself_stays_when_it_is_saved_again(session, tmp_path):
    path = tmp_path / "Glass.json"
    preset = Preset(
        name="Glass", author="Ada", comment="Thin.", tags=Tags(category="Bells"), licence="MIT",
        match=MatchRecord(target="glass.wav", loss=0.1), extra={"later": [1]},
        parameters={"f_c": 900.0}, effects=(ECHO,),
    )  # fmt: skip
    save_preset(path, preset)
    seen = Recorder(session)
    session.presets.load(path)
    assert seen.of("presets.loaded") == [(preset, path)]
    session.presets.save(path)
    again = load_preset(path)
    for key in ("name", "author", "comment", "tags", "licence", "match", "extra"):
        assert getattr(again, key) == getattr(preset, key), key
    session.sound.set({"f_c": 901.0})
    session.presets.save(path)
    assert load_preset(path).match is None  # the sound has moved on
    assert load_preset(path).author == "Ada"


def test_a_program_change_calls_the_bank_s_preset(session, tmp_path, monkeypatch):
    paths = [tmp_path / "one.json", tmp_path / "two.json", tmp_path / "bad.json"]
    for number, path in enumerate(paths[:2]):
        save_preset(path, Preset(name=path.stem, parameters={"f_c": 300.0 + number}))
    session.presets.bank = paths
    programs = iter([1, 0, 2, 3])
    process = session.keys._process
    monkeypatch.setattr(process, "poll", lambda: [Program(0, p) for p in [next(programs)]])
    session.poll()
    assert session.sound.values["f_c"] == 301.0
    session.poll()
    assert session.sound.values["f_c"] == 300.0
    seen = Recorder(session)
    session.poll()
    session.poll()
    assert seen.texts() == [
        f"{paths[2]} does not exist.", "There is no program 4; the bank ends at 3."
    ]  # fmt: skip
    assert session.sound.values["f_c"] == 300.0
