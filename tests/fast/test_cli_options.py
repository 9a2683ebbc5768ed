"""The fear: a setting that the command line forgets, or takes for something else."""

import inspect
from dataclasses import fields

import pytest

from mesosynth.cli.match import MatchOptions
from mesosynth.cli.options import SoundOptions
from mesosynth.cli.sequence import sequence
from mesosynth.errors import ArgumentError
from mesosynth.matching.results import LayersSettings, MatchSettings, SequenceSettings

OPTIONS = {"pinned": "pin", "kinds": "instrument"}  # where they are named otherwise

BY_SCRIPTS_ONLY = {
    "start", "max_evaluations",  # of one arpeggio: theta to start from; patience
    "steps", "before",  # of layers: patience; the match before a hand changed it
    "extra",  # of files of later versions
}  # fmt: skip


def options(names):
    return {OPTIONS.get(name, name) for name in names} - BY_SCRIPTS_ONLY


def test_every_setting_has_an_option():
    match = {field.name for field in fields(MatchOptions)}
    assert options(field.name for field in fields(MatchSettings)) <= match
    assert options(field.name for field in fields(LayersSettings)) <= match
    assert options(field.name for field in fields(SequenceSettings)) <= set(
        inspect.signature(sequence).parameters
    )


def test_without_options_the_settings_hold():
    assert MatchOptions().settings() == MatchSettings()
    assert MatchOptions(layers=3).layers_settings() == LayersSettings(layers=3)
    assert inspect.signature(sequence).parameters["hop"].default == SequenceSettings().hop


def test_what_is_typed_becomes_settings():
    typed = MatchOptions(
        seed=7, phi="mss", descent="adam", unknowns="f_m, gamma,w", pin=["w=2.5 oct", "onset=0.5"]
    )
    assert typed.settings() == MatchSettings(
        unknowns=("f_m", "gamma"), pinned={"w": 2.5, "onset": 0.5}, phi="mss", descent="adam",
        seed=7,
    )  # fmt: skip
    layers = MatchOptions(layers=2, seconds=9.0, seed=3).layers_settings()
    assert layers == LayersSettings(layers=2, seconds=9.0, seed=3)
    grains = MatchOptions(layers=2, instrument="grains").layers_settings()
    assert grains == LayersSettings(layers=2, kinds=("grains",))
    ripple = MatchOptions(instrument="ripple", pin=["f_0=A4"]).settings()
    assert ripple.pinned == {"f_0": 440.0}
    assert set(ripple.unknowns) == {"f_m", "gamma", "w", "depth"}


@pytest.mark.parametrize(
    ("pin", "cause"),
    [("f_c", "ID=VALUE"), ("f_0=440", "f_0"), ("f_c=1e6", "outside"), ("gain=loud", "'loud'")],
)
def test_pins_that_make_no_sense_are_named(pin, cause):
    with pytest.raises(ArgumentError, match=cause):
        MatchOptions(pin=[pin]).settings()


def test_the_last_good_device_counts_only_where_nothing_is_said_of_it(monkeypatch, tmp_path):
    monkeypatch.setenv("MESOSYNTH_CONFIG_DIR", str(tmp_path))
    from mesosynth.session.device import AudioSettings, save_audio_settings

    save_audio_settings(AudioSettings(device="card", sample_rate=44100))
    assert SoundOptions(midi="keys").audio() == (
        AudioSettings(device="card", sample_rate=44100), "",
    )  # fmt: skip
    assert SoundOptions(block=128).audio() == (AudioSettings(block=128), "")
    assert SoundOptions(device="card", safe_audio=True).audio() == (
        AudioSettings(device="silent"), "",
    )  # fmt: skip
