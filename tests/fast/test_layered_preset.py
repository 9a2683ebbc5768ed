"""Fears: a preset of layers that plays something else than what was matched."""

import json
from dataclasses import replace

import numpy as np
import pytest
import soundfile

from mesosynth.audio.target import ANALYSIS_RATE, ANALYSIS_SAMPLES, Recording
from mesosynth.cli.main import main
from mesosynth.errors import ArgumentError
from mesosynth.instruments.chirplet import Chirplet
from mesosynth.instruments.layers import PARAMETERS, Layers
from mesosynth.matching.layers import render_layers
from mesosynth.matching.results import Layer, LayersResult, MatchResult, Scores
from mesosynth.matching.similarity import similarity
from mesosynth.plugins.plugin import NO_EVENTS
from mesosynth.presets.matched import (
    layer_state,
    layer_values,
    layered_preset,
    layers_beside,
    levelled,
    matched_preset,
    phrase_begin,
    sound_beside,
)
from mesosynth.presets.preset import load_preset, save_preset
from mesosynth.session.layer_mixer import LayerMixer, kinds_of, mixer_of

PERIOD = 5760 / ANALYSIS_RATE  # s

LAYERS = (
    Layer({"f_c": 500.0, "f_m": 6.0, "gamma": 2.0, "w": 2.0, "am_shape": 0.3, "am_depth": 0.9,
           "brightness": -18.0}, onset=1.0, level=0.4),
    Layer({"f_c": 900.0, "f_m": 20.0, "gamma": -4.0, "w": 1.0, "am_shape": 0.0, "am_depth": 1.0,
           "brightness": -60.0}, onset=0.6, level=0.3, period=PERIOD, repeats=5),
)  # fmt: skip


MIXED = (
    LAYERS[0],
    Layer({"f_c": 300.0, "gamma": 0.5, "attack": 0.01, "decay": 0.3, "brightness": -9.0,
           "inharmonicity": 0.0, "damping": 0.5, "air": 0.5, "air_width": 1.0, "tremolo_rate": 6.0,
           "tremolo_depth": 0.3}, onset=0.2, level=0.3, instrument="strike"),
    Layer({"f_c": 150.0, "tau": 0.3, "p": 0.01, "D": 0.05, "alpha": 0.6}, onset=1.5, level=0.5,
          instrument="drum"),
)  # fmt: skip


TEXTURES = (
    Layer({"f_0": 300.0, "f_m": 5.0, "gamma": -3.0, "w": 3.0, "depth": 0.9, "attack": 0.02,
           "decay": 0.4}, onset=0.2, level=0.3, instrument="ripple"),
    Layer({"density": 0.9, "slope": 0.6, "f_low": 500.0, "f_high": 2500.0, "length": 0.05,
           "rate": 60.0, "attack": 0.02, "decay": 0.5}, onset=0.9, level=0.4, instrument="grains"),
)  # fmt: skip


def play(values, seconds, state=None):
    instrument = Layers()
    instrument.restore(state or {})
    instrument.prepare(ANALYSIS_RATE, 512)
    out = np.zeros((2, round(seconds * ANALYSIS_RATE)), np.float32)
    for begin in range(0, out.shape[1], 512):
        instrument.process(PARAMETERS.vector(values), NO_EVENTS, out[:, begin : begin + 512])
    return out[0]


@pytest.mark.parametrize(
    "layers", [LAYERS, MIXED, TEXTURES], ids=["arpeggios", "mixed", "textures"]
)
def test_the_instrument_plays_what_was_matched(layers):
    values = layer_values(layers)
    begin = min(
        layer.onset - 0.5 * layer.theta["w"] / abs(layer.theta["gamma"])
        if layer.instrument == "chirplet" else layer.onset
        for layer in layers
    )  # fmt: skip
    wanted = render_layers(layers, ANALYSIS_SAMPLES, ANALYSIS_RATE, begin)
    played = play(values, ANALYSIS_SAMPLES / ANALYSIS_RATE, layer_state(layers))
    wanted[-ANALYSIS_RATE:] = played[-ANALYSIS_RATE:] = 0.0  # there it goes on repeating
    scores = similarity(wanted, played, ANALYSIS_RATE)
    assert min(scores.as_dict().values()) > 0.99
    assert np.linalg.norm(played) == pytest.approx(np.linalg.norm(wanted), rel=0.01)


def test_a_phrase_is_a_whole_number_of_periods_and_comes_again():
    values = layer_values(LAYERS)
    phrase = values["period_1"]
    assert phrase == pytest.approx(PERIOD * round(phrase / PERIOD))
    assert phrase >= 4.0
    assert values["level_3"] == values["level_8"] == PARAMETERS["level_3"].minimum
    n = round(phrase * ANALYSIS_RATE)
    played = play(values, 2.0 * phrase)
    np.testing.assert_allclose(played[n : n + 8000], played[:8000], atol=0.02)


def test_a_soft_recording_is_played_with_all_its_layers():
    softest = [replace(layer, level=1e-4 * layer.level) for layer in LAYERS]  # below -80 dB
    audio = render_layers(softest, ANALYSIS_SAMPLES, ANALYSIS_RATE)
    played = layers_beside(softest, Recording(audio, ANALYSIS_RATE, 0.0))
    assert similarity(audio, played, ANALYSIS_RATE).score > 0.99


def test_a_preset_keeps_scores_and_comes_back(tmp_path):
    result = LayersResult(MIXED, Scores(0.9, 0.5, 0.7), 0.2, 100, 12.0, converged=True)
    path = tmp_path / "phrase.json"
    save_preset(path, layered_preset(result, "phrase.wav", "abc"))
    preset = load_preset(path)
    assert preset.instrument == "layers"
    assert preset.match.similarity == {
        "score": 0.5, "picture": 0.9, "jtfs": 0.5, "log_mel": 0.7,
    }  # fmt: skip
    assert preset.values == PARAMETERS.complete(layer_values(MIXED))
    assert preset.state == layer_state(MIXED)
    assert preset.state["layers"]["3"]["instrument"] == "drum"


def test_the_command_line_matches_with_layers(tmp_path, capsys):
    sound, preset = tmp_path / "phrase.wav", tmp_path / "phrase.json"
    soundfile.write(sound, render_layers(LAYERS, ANALYSIS_SAMPLES, ANALYSIS_RATE), ANALYSIS_RATE)
    wav = tmp_path / "match.wav"
    words = ["match", str(sound), "--layers", "1", "--seconds", "2", "-o", str(preset), "--json"]
    assert main([*words, "--render", str(wav)]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert set(answer["similarity"]) == {"score", "picture", "jtfs", "log_mel"}
    (layer,) = answer["layers"]
    assert layer["share"] == pytest.approx(1.0)
    # What is written, what the preset plays, and what the scores are of: one and the same.
    written, rate = soundfile.read(wav, dtype="float32")
    assert (rate, len(written)) == (ANALYSIS_RATE, ANALYSIS_SAMPLES)
    kept = load_preset(preset)
    np.testing.assert_allclose(
        written, sound_beside(kept, Recording(written, rate, 0.0)), atol=1e-6
    )
    scores = similarity(render_layers(LAYERS, ANALYSIS_SAMPLES, rate), written, rate)
    assert kept.match.similarity == pytest.approx(scores.as_dict(), abs=1e-4)
    assert answer["similarity"] == kept.match.similarity
    assert answer["left_out"] == pytest.approx(0.0, abs=1e-6)
    assert answer["window"]["duration"] == pytest.approx(4.0)
    assert main(["render", str(preset), str(tmp_path / "out.wav"), "--seconds", "1"]) == 0
    audio, _ = soundfile.read(tmp_path / "out.wav")
    assert np.isfinite(audio).all()


def test_a_match_decides_for_layers_where_one_arpeggio_is_not_enough(tmp_path, capsys):
    sound, preset = tmp_path / "struck.wav", tmp_path / "struck.json"
    noise = replace(MIXED[1], theta={**MIXED[1].theta, "air": 1.0, "air_width": 3.0}, onset=0.05)
    audio = render_layers([noise], ANALYSIS_RATE, ANALYSIS_RATE)
    soundfile.write(sound, audio, ANALYSIS_RATE)
    assert main(["match", str(sound), "--seconds", "3", "-o", str(preset)]) == 0
    assert "One arpeggio does not explain it" in capsys.readouterr().out
    assert load_preset(preset).instrument == "layers"
    assert load_preset(preset).state["layers"]  # those that are no arpeggios


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--layers", "13"], "layers=13 must be 1 to 12"),
        (["--layers", "2", "--pin", "f_c=440"], "--pin"),
    ],
)
def test_what_makes_no_sense_on_the_command_line_is_refused(tmp_path, capsys, words, message):
    sound = tmp_path / "phrase.wav"
    soundfile.write(sound, render_layers(LAYERS, ANALYSIS_SAMPLES, ANALYSIS_RATE), ANALYSIS_RATE)
    assert main(["match", str(sound), *words]) == 2
    assert message in capsys.readouterr().err


def test_a_phrase_begins_and_ends_with_its_recording():
    # The first layer begins before the recording does, and the repeating one long before.
    early = [replace(layer, onset=layer.onset - LAYERS[0].onset + 0.05) for layer in LAYERS]
    audio = render_layers(early, ANALYSIS_SAMPLES, ANALYSIS_RATE)
    audio = audio[: round(2.6 * ANALYSIS_RATE)]
    recording = Recording(audio, ANALYSIS_RATE, 0.0)
    result = LayersResult(tuple(early), Scores(0.9, 0.5, 0.7), 0.2, 100, 12.0, converged=True)
    preset = layered_preset(result, "phrase.wav", "abc", recording)
    assert preset.values["delay_1"] < 0.0
    assert 2.6 < preset.values["period_1"] < 2.6 + PERIOD + 0.6  # with what is heard before it
    assert preset.values["period_1"] % PERIOD == pytest.approx(0.0, abs=1e-9)
    _, sound = levelled(preset, recording)
    assert len(sound) == len(audio)
    assert np.linalg.norm(sound) == pytest.approx(np.linalg.norm(audio), rel=0.05)
    assert similarity(audio, sound, ANALYSIS_RATE).score > 0.95
    # From the very beginning on, and not only in the middle.
    assert similarity(audio[:2048], sound[:2048], ANALYSIS_RATE).score > 0.9


@pytest.mark.parametrize("onset", [0.06, 0.8])
def test_the_preset_of_one_arpeggio_is_in_time_with_its_recording(onset):
    theta = {**LAYERS[0].theta, "gamma": 2.0, "w": 1.0}
    audio = render_layers([Layer(theta, onset, 0.2)], ANALYSIS_SAMPLES, ANALYSIS_RATE)[
        : round(1.5 * ANALYSIS_RATE)
    ]
    result = MatchResult(theta, {}, 0.0, 1, 1.0, True, onset + 7.0, 0.2)
    recording = Recording(audio, ANALYSIS_RATE, 7.0)
    preset = matched_preset(result, "one.wav", "abc", recording=recording)
    sound = sound_beside(preset, recording)
    assert similarity(audio, sound, ANALYSIS_RATE).score > 0.95
    assert 1.5 < preset.values["period"] < 1.9


@pytest.mark.parametrize("layers", [MIXED, TEXTURES], ids=["mixed", "textures"])
def test_the_mixer_reads_the_layers_back(layers):
    mixer = mixer_of(layers, LayerMixer(), phrase_begin(layers), "")
    values, kinds = PARAMETERS.complete(layer_values(layers)), kinds_of(layer_state(layers))
    for again, layer in zip(mixer.layers(values, kinds, heard=True), layers, strict=True):
        assert again.instrument == layer.instrument
        assert again.theta == pytest.approx(layer.theta)
        assert (again.onset, again.level) == pytest.approx((layer.onset, layer.level))
    up = mixer.layers({**values, "transpose": 12.0}, kinds, heard=True)
    for again, layer in zip(up, layers, strict=True):
        for id_ in {"f_c", "f_0", "f_low", "f_high"} & set(layer.theta):
            assert again.theta[id_] == pytest.approx(2.0 * layer.theta[id_])
    kinds[1] = {"instrument": "ripple", "parameters": {}}  # it sounds all the time
    assert mixer.layers(values, kinds, heard=True)[1].level == 0.0


def test_a_delay_that_cannot_be_is_refused_by_name():
    instrument = Chirplet()
    for delay in (np.nan, 17.0, "late", -9.0):
        with pytest.raises(ArgumentError, match="delay="):
            instrument.restore({"delay": delay})
    instrument.restore({"delay": -0.25})
    assert instrument.state() == {"delay": -0.25}
