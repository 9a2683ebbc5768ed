"""The fear: a matcher that finds its targets only when it has been told where they are."""

import itertools

import numpy as np
import pytest
import torch

from mesosynth.audio.target import target_from_array
from mesosynth.errors import ArgumentError, MesosynthError
from mesosynth.instruments.chirplet_torch import authors_chirplet, chirplet
from mesosynth.matching.match import Matcher, match
from mesosynth.matching.results import MatchSettings, MatchStep
from mesosynth.system.steps import Stopped, stop

RATE, N = 8192, 32768
PAPER = {"f_c": 512.0, "f_m": 8.297, "gamma": 1.494, "w": 2.0}


def arpeggio(theta, onset=0.0):
    values = torch.tensor(list(theta.values()), dtype=torch.float64)
    return chirplet(values, N, RATE, onset).numpy()


def worst_error(result, theta):
    return max(abs(result.theta[id_] / value - 1.0) for id_, value in theta.items())


@pytest.mark.parametrize(("shift", "tolerance"), [(0, 1e-3), (2**10, 5e-3)])
def test_the_papers_target_is_found_from_audio_alone(shift, tolerance):
    theta = torch.tensor(list(PAPER.values()), dtype=torch.float32)
    result = match(authors_chirplet(theta, N, RATE, shift).numpy(), RATE)
    assert worst_error(result, PAPER) < tolerance
    assert result.converged
    assert result.onset == pytest.approx(2.0 + shift / RATE, abs=0.005)


@pytest.mark.parametrize(
    ("theta", "onset", "level", "noise_db"),
    [
        ({"f_c": 345.0, "f_m": 6.7, "gamma": -3.9, "w": 1.7}, 0.2, 0.3, 30.0),
        ({"f_c": 930.0, "f_m": 12.3, "gamma": 0.82, "w": 2.1}, -0.15, 0.01, 30.0),
        ({"f_c": 354.0, "f_m": 14.3, "gamma": 2.1, "w": 1.8}, 0.0, 0.9, 20.0),
    ],
)
def test_noise_level_onset_and_direction_do_not_matter(theta, onset, level, noise_db):
    x = level * arpeggio(theta, onset)
    noise = np.random.default_rng(0).standard_normal(N) * x.std() * 10 ** (-noise_db / 20)
    result = match(x + noise, RATE)
    assert worst_error(result, theta) < 0.02
    assert result.onset == pytest.approx(2.0 + onset, abs=0.05)
    assert result.gain == pytest.approx(level, rel=0.1)
    assert all(0.0 < std < 0.1 * abs(result.theta[id_]) for id_, std in result.std.items())


def test_a_descent_reaches_a_standing_tone():
    theta = torch.tensor([700.0, 8.0, 0.0, 0.1], dtype=torch.float64)
    result = match(chirplet(theta, 4 * 8192, 8192).numpy(), 8192)
    assert result.theta["f_c"] == pytest.approx(700.0, rel=1e-3)
    assert result.theta["f_m"] == pytest.approx(8.0, rel=1e-2)
    assert result.theta["w"] == pytest.approx(0.1, rel=0.05)
    assert abs(result.theta["gamma"]) < 0.02


def test_another_rate_and_channels_make_no_difference():
    x = np.repeat(np.repeat(arpeggio(PAPER), 2)[:, None], 2, axis=1)  # crude, twice the rate
    assert worst_error(match(x, 2 * RATE), PAPER) < 0.01


def test_the_same_seed_gives_the_same_answer():
    x = arpeggio(PAPER)
    first, second = (match(x, RATE, settings=MatchSettings(seed=3)) for _ in range(2))
    assert first.theta == second.theta
    assert first.evaluations == second.evaluations


def test_steps_are_reported_and_their_loss_falls():
    matcher = Matcher()
    steps = list(matcher.iter_fit(arpeggio(PAPER), RATE))
    assert steps == matcher.result.trajectory
    assert matcher.result.converged
    losses = [step.loss for step in steps if step.start == 0]
    assert len(losses) > 2
    assert losses == sorted(losses, reverse=True)
    assert all(0.0 <= step.progress <= 1.0 for step in steps)


def test_a_match_that_is_left_has_its_best_so_far():
    matcher = Matcher()
    assert matcher.result is None
    _, second = itertools.islice(matcher.iter_fit(arpeggio(PAPER), RATE), 2)
    assert not matcher.result.converged
    assert matcher.result.theta == second.theta


def test_a_match_can_be_stopped_in_the_midst_of_an_evaluation_and_returns_its_best():
    falling = {**PAPER, "gamma": -PAPER["gamma"]}  # which no encoder knows: it takes longer
    steps = Matcher().steps(target_from_array(arpeggio(falling), RATE))
    seen = [next(steps) for _ in range(60)]
    assert seen.count(None) > 50  # some twenty times an evaluation
    best = [step for step in seen if isinstance(step, MatchStep)][-1]
    result = stop(steps)
    assert result.theta == best.theta
    assert not result.converged


@pytest.mark.parametrize("ticks", [0, 1, 10])
def test_a_match_stopped_before_it_has_a_theta_says_so(ticks):
    steps = Matcher().steps(target_from_array(arpeggio(PAPER), RATE))
    for _ in range(ticks):
        next(steps)
    with pytest.raises(Stopped):
        stop(steps)


def test_many_sounds_are_matched_one_after_another():
    thetas = [{**PAPER, "f_c": f_c} for f_c in (400.0, 600.0)]
    results = Matcher().fit_many((arpeggio(theta), RATE) for theta in thetas)
    for theta, result in zip(thetas, results, strict=True):
        assert worst_error(result, theta) < 1e-3


@pytest.mark.parametrize(
    "audio",
    [np.zeros(N), np.full(N, np.nan), np.full(N, 0.5), np.zeros(100), np.zeros((2, 2, 2)), []],
    ids=["silence", "nan", "dc", "short", "cube", "empty"],
)
def test_what_cannot_be_matched_is_refused_in_one_sentence(audio):
    with pytest.raises(MesosynthError) as caught:
        match(np.asarray(audio), RATE)
    assert str(caught.value).endswith(".")


@pytest.mark.parametrize("kind", ["click", "noise", "square"])
def test_sounds_without_an_arpeggio_end_with_finite_numbers(kind):
    audio = {
        "click": np.eye(1, N, N // 2)[0],
        "noise": np.random.default_rng(0).uniform(-1, 1, N),
        "square": np.sign(np.sin(2 * np.pi * 110 * np.arange(N) / RATE)),
    }[kind]
    result = match(audio, RATE)
    assert np.isfinite([*result.theta.values(), *result.std.values(), result.loss]).all()
    assert result.loss > 1e-3


def test_an_unknown_instrument_is_named():
    with pytest.raises(ArgumentError, match="theremin"):
        match(arpeggio(PAPER), RATE, instrument="theremin")
