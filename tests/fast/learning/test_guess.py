"""Fears: a guess that is far off, that takes long, or that a match does not hear of."""

import contextlib
import time

import numpy as np
import pytest
import torch

import mesosynth as ms
from mesosynth.audio.target import ANALYSIS_RATE, target_from_array
from mesosynth.errors import ArgumentError, LearningError
from mesosynth.matching import starts
from mesosynth.matching.drum_starts import drum_guesses
from mesosynth.matching.encoder import guess_steps, shipped_encoder
from mesosynth.matching.match import render_match
from mesosynth.matching.model import CHIRPLET
from mesosynth.matching.operator import shared_operator
from mesosynth.system.paths import resource
from mesosynth.system.steps import result_of


@pytest.mark.parametrize(
    ("instrument", "theta"),
    [
        ("drum", {"f_c": 150.0, "tau": 0.4, "p": 0.02, "D": 0.03, "alpha": 0.6}),
        ("chirplet", {"f_c": 700.0, "f_m": 7.0, "gamma": 1.5}),
    ],
)
def test_the_shipped_guess_is_near_the_truth(instrument, theta):
    found = ms.guess(render_match(theta, instrument), ANALYSIS_RATE, instrument)
    assert found.std.keys() == theta.keys()
    for id_, std in found.std.items():
        assert abs(found.theta[id_] - theta[id_]) < 4.0 * std
    assert 0.01 < found.std["f_c"] / found.theta["f_c"] < 0.2
    assert shipped_encoder(instrument).about["loss"] == "pnp"


@pytest.mark.usefixtures("real_time")
@pytest.mark.parametrize("instrument", ["drum", "chirplet"])
def test_the_instant_guess_takes_less_than_a_twentieth_of_a_second_of_one_core(instrument):
    x = render_match({}, instrument)
    target, threads = target_from_array(x, ANALYSIS_RATE, "x"), torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        spent: list[float] = []
        for _ in range(4):
            began, steps = time.process_time(), guess_steps(target, instrument)
            assert next(steps).loss is None
            spent.append(time.process_time() - began)
    finally:
        torch.set_num_threads(threads)
    assert min(spent) < 0.05
    assert result_of(steps).loss < 0.3


def test_what_an_encoder_cannot_hear_has_no_guess():
    hiss = np.sin(2.0 * np.pi * 9000.0 / 48000.0 * np.arange(48000))
    for sound, instrument in ((hiss, "chirplet"), (render_match({}, "ripple"), "ripple")):
        rate = 48000 if sound is hiss else ANALYSIS_RATE
        assert result_of(guess_steps(target_from_array(sound, rate, "x"), instrument)) is None


@pytest.mark.parametrize("state", ["float64", "meta"])
def test_a_guess_is_the_same_whatever_torch_is_set_to(state):
    sound = render_match({"f_c": 700.0}, "chirplet")
    true = ms.guess(sound, ANALYSIS_RATE, "chirplet").theta
    shipped_encoder.cache_clear()
    try:
        if state == "float64":
            torch.set_default_dtype(torch.float64)
        with torch.device("meta") if state == "meta" else contextlib.nullcontext():
            assert ms.guess(sound, ANALYSIS_RATE, "chirplet").theta == true
    finally:
        torch.set_default_dtype(torch.float32)
    assert ms.guess(sound, ANALYSIS_RATE, "chirplet").theta == true


def test_a_broken_encoder_is_told(tmp_path):
    stored = torch.load(resource("assets", "encoders") / "chirplet.pt", weights_only=True)
    for broken in ({"weights": {}}, {"spread": ["a"]}, {"network": "large"}):
        torch.save({**stored, **broken}, tmp_path / "one.pt")
        with pytest.raises(LearningError, match=r"one\.pt is no encoder that can be read"):
            ms.guess(np.ones(48000), 48000, "chirplet", encoder=tmp_path / "one.pt")


def test_no_encoder_for_an_instrument_is_told():
    with pytest.raises(ArgumentError, match="has no encoder; there are chirplet, drum"):
        ms.guess(np.ones(48000), 48000, "ripple")


@pytest.mark.parametrize("near", [True, False])
def test_the_guess_is_the_first_start_where_it_sounds_more_like_the_target(near, monkeypatch):
    theta = np.array([700.0, 7.0, 1.5, 2.0])
    operator = shared_operator()
    x = operator.synthesize(theta)
    guessed = theta * 1.02 if near else theta * np.array([0.5, 2.0, 0.3, 1.0])
    found = ms.Guess("chirplet", dict(zip(CHIRPLET.first, guessed, strict=True)), {})
    monkeypatch.setattr(starts, "guess_window", lambda audio, encoder: found)
    listed = starts.starts_of(operator, operator.analyse(x), x, 3)
    same = [bool(np.allclose(start.theta, guessed)) for start in listed]
    assert same == ([True, False, False, False] if near else [False] * 3)


@pytest.mark.parametrize("near", [True, False])
def test_of_a_drum_pitch_and_decay_are_read_off_and_the_rest_is_the_guess_where_it_fits_better(
    near,
):
    theta = {"f_c": 150.0, "tau": 0.4, "p": 0.02, "D": 0.07, "alpha": 0.6}
    x = render_match(theta, "drum")
    others = {"p": 0.02, "D": 0.07, "alpha": 0.6} if near else {"p": 0.19, "D": 0.3, "alpha": 0.01}
    guess = ms.Guess("drum", {"f_c": 900.0, "tau": 0.1, **others}, {})
    read_off, listed = drum_guesses(x, 3), drum_guesses(x, 3, guess)
    assert (listed[0].similarity > read_off[0].similarity) == near
    assert listed[0].theta[0] == pytest.approx(150.0, rel=0.01)
    assert listed[0].theta[1] == pytest.approx(0.4, rel=0.1)
