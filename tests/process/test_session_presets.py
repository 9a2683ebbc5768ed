"""The fear: that to load a sound breaks the one that plays, or loses what was said of it."""

import time

import numpy as np
import pytest

from mesosynth.control.messages import Program
from mesosynth.errors import PluginError, PresetError
from mesosynth.presets.preset import (
    EffectState,
    MatchRecord,
    Preset,
    Tags,
    load_preset,
    save_preset,
)
from mesosynth.session import Session, events

ECHO = EffectState(plugin="delay", parameters={"time": 0.3}, extra={"later": 1})


@pytest.fixture(scope="module")
def shared():
    session = Session(device="silent")
    yield session
    session.close()


@pytest.fixture
def session(shared):
    shared.bank = ()
    shared.play_preset(Preset(name="start"))
    shared.poll()
    return shared


def effects(session):
    return [effect.uid for effect in session.effects]


def wait(session, true, seconds=20.0):
    deadline = time.monotonic() + seconds
    while not true():
        session.poll()
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_preset_of_another_instrument_brings_it_along(session):
    session.play()
    session.play_preset(
        Preset(name="waves", instrument="ripple", parameters={"f_0": 300.0}, effects=(ECHO,))
    )
    assert (session.instrument, effects(session)) == ("ripple", ["delay"])
    assert session.values["f_0"] == 300.0
    assert session.values["delay.time"] == 0.3
    wait(session, lambda: np.abs(session.scope(4800)).max() > 0.0)
    found = [event for event in session.poll() if isinstance(event, events.Message)]
    assert not [event for event in found if event.severity != "info"]
    session.play_preset(Preset(name="back"))
    assert (session.instrument, effects(session)) == ("chirplet", [])
    assert "f_0" not in session.values


def test_an_effect_of_both_sounds_plays_on_with_the_new_one_s_values(session):
    session.play_preset(Preset(name="a", effects=(ECHO, EffectState(plugin="reverb"))))
    session.set_parameters({"delay.feedback": 0.9})
    place = session.parameter_place("delay.time")
    feedback = session.parameters["delay.feedback"].default
    session.play_preset(Preset(name="b", effects=(EffectState(plugin="delay"),)))
    assert effects(session) == ["delay"]
    assert session.parameter_place("delay.time") == place
    assert session.values["delay.feedback"] == feedback


def test_what_cannot_be_loaded_leaves_the_sound(session, tmp_path):
    session.play_preset(Preset(name="a", parameters={"f_c": 700.0}, effects=(ECHO,)))
    session.poll()
    before, rack = dict(session.values), effects(session)
    path = tmp_path / "p.json"
    for instrument, error in (("kazoo", PluginError), ("delay", PresetError)):
        save_preset(path, Preset(name="x", instrument=instrument))
        with pytest.raises(error, match=f"{instrument}"):
            session.load_preset(path)
    path.write_text("{")
    with pytest.raises(PresetError):
        session.load_preset(path)
    assert (session.values, effects(session), session.instrument) == (before, rack, "chirplet")
    assert session.loaded.name == "a"
    assert {type(event) for event in session.poll()} <= {events.RackChanged}  # of the first


def test_what_a_preset_says_of_itself_stays_when_it_is_saved_again(session, tmp_path):
    path = tmp_path / "Glass.json"
    preset = Preset(
        name="Glass", author="Ada", comment="Thin.", tags=Tags(category="Bells"), licence="MIT",
        match=MatchRecord(target="glass.wav", loss=0.1), extra={"later": [1]},
        parameters={"f_c": 900.0}, effects=(ECHO,),
    )  # fmt: skip
    save_preset(path, preset)
    session.load_preset(path)
    loaded = next(e for e in session.poll() if isinstance(e, events.PresetLoaded))
    assert (loaded.preset, loaded.path) == (preset, path)
    session.save_preset(path)
    again = load_preset(path)
    for key in ("name", "author", "comment", "tags", "licence", "match", "extra"):
        assert getattr(again, key) == getattr(preset, key), key
    session.set_parameters({"f_c": 901.0})
    session.save_preset(path)
    assert load_preset(path).match is None  # the sound has moved on
    assert load_preset(path).author == "Ada"


def test_a_program_change_calls_the_bank_s_preset(session, tmp_path, monkeypatch):
    paths = [tmp_path / "one.json", tmp_path / "two.json", tmp_path / "bad.json"]
    for number, path in enumerate(paths[:2]):
        save_preset(path, Preset(name=path.stem, parameters={"f_c": 300.0 + number}))
    session.bank = paths
    programs = iter([1, 0, 2, 3])
    process = session._controls._process
    monkeypatch.setattr(process, "poll", lambda: [Program(0, p) for p in [next(programs)]])
    session.poll()
    assert session.values["f_c"] == 301.0
    session.poll()
    assert session.values["f_c"] == 300.0
    texts = [e.text for _ in range(2) for e in session.poll() if isinstance(e, events.Message)]
    assert texts == [
        f"{paths[2]} does not exist.", "There is no program 4; the bank ends at 3."
    ]  # fmt: skip
    assert session.values["f_c"] == 300.0
