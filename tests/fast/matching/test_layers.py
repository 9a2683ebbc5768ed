"""Fears: wrong derivatives, a phrase that is not found again, a stop that loses what was found."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from mesosynth.audio.target import ANALYSIS_RATE, ANALYSIS_SAMPLES, target_from_array
from mesosynth.errors import ArgumentError
from mesosynth.matching.layer_sound import (
    PERIOD,
    SIZE,
    TOLERANCE,
    LayerObjective,
    layer_sound,
    moved,
    repetitions,
    sounding,
)
from mesosynth.matching.layers import layer_steps, match_layers, render_layers
from mesosynth.matching.operator import Operator
from mesosynth.matching.results import Layer, LayersSettings, LayersStep
from mesosynth.matching.starts import period_of
from mesosynth.system.steps import Evaluation, EvaluationCache, Stopped, stop

SPAN = (-2.0, 2.0)
# All harmonics below where they fade: how the fading moves is left out of derivatives.
ONCE = np.array([200.0, 8.0, 1.5, 2.0, 0.3, 0.8, -12.0, -0.4, 0.7, 0.0])
AGAIN = np.array([250.0, 12.0, -6.0, 1.5, 0.2, 0.9, -15.0, -1.1, 0.4, 0.37])


@pytest.fixture(scope="module")
def operator():
    return Operator(tolerance=TOLERANCE)


@pytest.mark.parametrize("state", [ONCE, AGAIN], ids=["once", "again"])
def test_derivatives_of_a_layer_are_those_of_its_sound(state):
    direction = torch.from_numpy(np.random.default_rng(0).standard_normal(ANALYSIS_SAMPLES))
    direction = torch.cumsum(direction, 0)  # with much below 100 Hz, where the sounds are, too
    derivatives = sounding(state, SPAN).along(direction)
    for place in range(SIZE):
        step = np.zeros(SIZE)
        step[place] = 1e-6
        there, back = (
            layer_sound(moved(state[None], sign * step[None])[0], SPAN) for sign in (1.0, -1.0)
        )
        numeric = float((there - back) @ direction / 2e-6)
        scale = float((there - back).norm() * direction.norm()) / 2e-6
        assert derivatives[place] == pytest.approx(numeric, abs=1e-5 * scale + 1e-6)


def test_a_layer_that_repeats_is_the_sum_of_layers_that_come_once():
    times = repetitions(AGAIN[7], AGAIN[PERIOD], SPAN)
    assert len(times) == 11
    expected = torch.zeros(ANALYSIS_SAMPLES, dtype=torch.float64)
    for time in times:
        one = AGAIN.copy()
        one[7], one[PERIOD] = time, 0.0
        expected += layer_sound(one, SPAN)
    middle = slice(4000, -4000)  # at the edges the shifted band-limited sounds ring
    error = (layer_sound(AGAIN, SPAN) - expected)[middle].abs().max()
    assert float(error) < 1e-3 * float(expected.abs().max())


def test_the_gradient_of_the_loss_is_that_of_the_loss(operator):
    target = layer_sound(ONCE, SPAN).float().numpy()
    loss = LayerObjective(target, operator)
    x = layer_sound(AGAIN, SPAN)
    _, along = loss.gradient(x)
    for place in (0, 2, 7, 9):
        step = np.zeros(SIZE)
        step[place] = 1e-4
        way = layer_sound(moved(AGAIN[None], step[None])[0], SPAN) - x
        way = way / way.norm() * x.norm()
        there, back = loss.at(x + 0.02 * way), loss.at(x - 0.02 * way)
        numeric = (there.value - back.value) / 0.04
        assert float(along.double() @ way) == pytest.approx(numeric, rel=0.1, abs=2e-3)


@pytest.mark.parametrize("period", [0.25, 0.37, 0.8])
def test_a_period_is_found_in_noise(operator, period):
    state = AGAIN.copy()
    state[PERIOD] = period
    x = layer_sound(state, SPAN).numpy()
    x += 0.05 * np.abs(x).max() * np.random.default_rng(0).standard_normal(len(x))
    assert period_of(operator.jtfs, x.astype(np.float32)) == pytest.approx(period, rel=0.02)


def test_what_does_not_repeat_has_no_period(operator):
    assert period_of(operator.jtfs, layer_sound(ONCE, SPAN).float().numpy()) == 0.0


def phrase():
    layers = [
        Layer({"f_c": 500.0, "f_m": 6.0, "gamma": 2.0, "w": 2.0, "am_shape": 0.0,
               "am_depth": 1.0, "brightness": -60.0}, onset=1.0, level=0.4),
        Layer({"f_c": 1500.0, "f_m": 20.0, "gamma": -1.5, "w": 1.0, "am_shape": 0.0,
               "am_depth": 1.0, "brightness": -60.0}, onset=3.0, level=0.3),
    ]  # fmt: skip
    return layers, render_layers(layers)


def test_two_arpeggios_are_told_apart_with_their_times_and_shares():
    _, audio = phrase()
    settings = LayersSettings(layers=2, seconds=400.0, seed=1, steps=60)
    result = match_layers(audio, ANALYSIS_RATE, settings)
    assert result.scores.jtfs > 0.95
    assert result.scores.log_mel > 0.6
    low, high = sorted(result.layers, key=lambda layer: layer.theta["f_c"])
    assert low.onset == pytest.approx(1.0, abs=0.15)
    assert high.onset == pytest.approx(3.0, abs=0.15)
    assert low.theta["f_c"] == pytest.approx(500.0, rel=0.15)
    assert high.theta["f_c"] == pytest.approx(1500.0, rel=0.15)
    assert low.share + high.share == pytest.approx(1.0)
    # What the result says is what was scored, in the sound's own terms.
    again = render_layers(result.layers)
    assert np.linalg.norm(again) == pytest.approx(np.linalg.norm(audio), rel=0.02)


def test_the_period_of_a_layer_is_refined():
    truth = Layer({"f_c": 900.0, "f_m": 12.0, "gamma": -6.0, "w": 1.5, "am_shape": 0.0,
                   "am_depth": 1.0, "brightness": -60.0}, onset=0.3, level=0.5, period=0.4,
                  repeats=9)  # fmt: skip
    settings = LayersSettings(layers=1, seconds=400.0, steps=40)
    result = match_layers(render_layers([truth]), ANALYSIS_RATE, settings)
    (layer,) = result.layers
    assert layer.period == pytest.approx(0.4, rel=0.01)
    assert layer.repeats >= 9
    assert result.scores.jtfs > 0.95


def run(settings, evaluations=(), told=None, evaluated=None):
    """Result, steps and new evaluations of a search for the phrase; stopped after so many."""
    target = target_from_array(phrase()[1], ANALYSIS_RATE)
    steps = layer_steps(target, settings, EvaluationCache(evaluations))
    seen, new = [], []
    while True:
        try:
            news = next(steps)
        except StopIteration as end:
            return end.value, seen, new
        if isinstance(news, LayersStep):
            seen.append(news)
        if isinstance(news, Evaluation):
            new.append(news)
        if len(seen) == told or len(new) == evaluated:
            return stop(steps), seen, new


def test_a_stop_gives_what_is_there_and_a_match_goes_on_from_it():
    stopped, steps, _ = run(LayersSettings(layers=2), told=3)
    assert not stopped.converged
    assert len(stopped.layers) == 1
    assert [step.progress for step in steps] == sorted(step.progress for step in steps)
    further, _, _ = run(LayersSettings(layers=2, start=stopped.layers, pinned=(0,)), told=3)
    assert further.loss < stopped.loss
    assert further.layers[0].theta == pytest.approx(stopped.layers[0].theta)


def test_a_match_that_is_taken_up_again_comes_to_the_same_digits():
    settings = LayersSettings(layers=2, seconds=1e6, steps=5)  # so that no clock decides
    whole, steps, evaluations = run(settings)
    _, before, left = run(settings, evaluated=70)
    again, after, new = run(settings, left)
    assert replace(again, seconds=0.0) == replace(whole, seconds=0.0)
    assert len(left) + len(new) == len(evaluations)
    assert after[: len(before)] == before  # with their seconds: what was told is told again
    assert len(steps) > len(before) > 2


def test_a_stop_before_anything_says_so():
    steps = layer_steps(target_from_array(phrase()[1], ANALYSIS_RATE), LayersSettings())
    with pytest.raises(Stopped):
        stop(steps)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"layers": 0}, "layers=0 must be 1 to 8"),
        ({"layers": 9}, "layers=9 must be 1 to 8"),
        ({"seconds": 0.0}, "seconds=0.0 must be"),
        ({"pinned": (1,)}, "pinned holds 1"),
        ({"layers": 1, "start": tuple(phrase()[0])}, "start holds 2 layers"),
    ],
)
def test_what_makes_no_sense_is_refused(arguments, message):
    with pytest.raises(ArgumentError, match=message):
        LayersSettings(**arguments)
