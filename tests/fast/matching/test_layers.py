"""Fears: pictures of no sound, wrong derivatives, a sound not found again, a stop that loses it."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from mesosynth.audio.target import target_from_array
from mesosynth.errors import ArgumentError
from mesosynth.matching.band_pictures import RATE, BandPictures
from mesosynth.matching.layer_models import (
    LEVEL,
    ONSET,
    PERIOD,
    SIZE,
    layer_model,
    layer_of,
    layer_sounds,
    row_of,
)
from mesosynth.matching.layer_starts import LayerStarts
from mesosynth.matching.layers import (
    LayerSearch,
    _State,
    layer_steps,
    mixture_pictures,
    render_layers,
)
from mesosynth.matching.results import Layer, LayersSettings, LayersStep, layer_table
from mesosynth.matching.similarity import similarity
from mesosynth.presets.matched import layers_beside
from mesosynth.system.steps import Evaluation, EvaluationCache, Stopped, result_of, stop

SAMPLES = RATE  # one second


def layer(instrument, onset, level, period=0.0, repeats=1, **theta):
    table = layer_table(instrument)
    complete = table.complete(theta)
    values = {id_: complete[id_] for id_ in table.matchable}
    return Layer(values, onset, level, period, repeats, instrument=instrument)


TONE = layer("strike", 0.2, 0.5, f_c=440.0, gamma=1.0, attack=0.01, decay=0.15, tremolo_depth=0.5)
NOISE = layer("strike", 0.2, 0.5, f_c=2000.0, attack=0.05, decay=0.2, air=1.0, air_width=2.0)
ARPEGGIO = layer("chirplet", 0.5, 0.4, f_c=500.0, f_m=9.0, gamma=3.0, w=2.0, brightness=-18.0)
DRUM = layer("drum", 0.3, 0.4, f_c=150.0, tau=0.3, p=0.01, D=0.05, alpha=0.6)
RIPPLE = layer(
    "ripple", 0.2, 0.5, f_0=300.0, f_m=5.0, gamma=-3.0, w=3.0, attack=0.02, decay=0.4
)  # fmt: skip
GRAINS = layer(
    "grains", 0.1, 0.5, density=0.3, slope=0.7, f_low=400.0, f_high=3000.0, length=0.1, rate=32.0,
    attack=0.02, decay=0.4,
)  # fmt: skip
AGAIN = replace(TONE, onset=0.05, period=0.21, repeats=5)


def expected(one):
    row = torch.from_numpy(row_of(one)).float()[None]
    return mixture_pictures(BandPictures(SAMPLES), [one.instrument], row)


@pytest.mark.parametrize(
    ("one", "error"),
    [
        (TONE, 3.5), (NOISE, 5.0), (ARPEGGIO, 1.5), (DRUM, 7.0), (AGAIN, 7.0), (RIPPLE, 5.0),
        (GRAINS, 5.0),
    ],
    ids=["tone", "noise", "arpeggio", "drum", "repeating", "ripple", "grains"],
)  # fmt: skip
def test_the_expected_pictures_are_those_of_the_sound(one, error):
    x = layer_sounds([one], SAMPLES, RATE)[0].astype(np.float32)
    for P, Q in zip(
        expected(one), BandPictures(SAMPLES).of_sound(torch.from_numpy(x)), strict=True
    ):
        assert float(P.sum() / Q.sum()) == pytest.approx(1.0, abs=0.05)
        D = [10.0 * torch.log10(p / Q.max() + 1e-6) for p in (P[0], Q)]
        assert float((D[0] - D[1]).square().mean().sqrt()) < error  # dB; beats and chance


@pytest.mark.parametrize("one", [TONE, NOISE, ARPEGGIO, DRUM, AGAIN, RIPPLE, GRAINS])
def test_derivatives_of_pictures_are_those_of_the_pictures(one):
    pictures, kind = BandPictures(SAMPLES), one.instrument
    rng = np.random.default_rng(0)
    row = torch.from_numpy(row_of(one)).float()[None].requires_grad_(True)

    def value(rows):
        powers = mixture_pictures(pictures, [kind], rows)
        return sum(
            ((P + 1e-9).sqrt() * torch.from_numpy(rng_weights)).sum()
            for P, rng_weights in zip(powers, weights, strict=True)
        )

    shapes = [P.shape for P in mixture_pictures(pictures, [kind], row.detach())]
    # Smooth weights, as single cells have kinks between the rows of the tables.
    weights = [np.ones(s, np.float32) * rng.random((1, 1, s[2])).astype(np.float32) for s in shapes]
    (along,) = torch.autograd.grad(value(row), row)
    count = len(layer_model(kind).model.ids)
    scale = float(along.abs().max())
    for place in [*range(count), ONSET, LEVEL] + [PERIOD] * bool(one.period):
        step = torch.zeros(1, SIZE)
        step[0, place] = 0.005 if place != PERIOD else 0.0005
        there, back = value(row.detach() + step), value(row.detach() - step)
        numeric = float(there - back) / (2.0 * float(step.max()))
        assert float(along[0, place]) == pytest.approx(numeric, rel=0.1, abs=0.15 * scale)


@pytest.mark.parametrize("one", [TONE, NOISE, ARPEGGIO, DRUM, AGAIN, RIPPLE, GRAINS])
def test_a_layer_comes_back_from_its_row(one):
    again = layer_of(one.instrument, row_of(one), 1.0)
    assert again.theta == pytest.approx(one.theta, rel=1e-5, abs=1e-6)
    assert (again.onset, again.level) == pytest.approx((one.onset, one.level))
    assert (again.period, again.repeats) == (one.period, one.repeats)


def test_a_layer_that_repeats_is_the_sum_of_layers_that_come_once():
    once = [replace(AGAIN, onset=0.05 + n * 0.21, period=0.0, repeats=1) for n in range(5)]
    np.testing.assert_allclose(
        layer_sounds([AGAIN], SAMPLES, RATE)[0], layer_sounds(once, SAMPLES, RATE).sum(axis=0),
        atol=1e-9,
    )  # fmt: skip


@pytest.mark.parametrize("period", [0.17, 0.25, 0.4])
def test_a_period_is_found(period):
    one = replace(AGAIN, period=period, repeats=round(2.0 / period))
    x = torch.from_numpy(render_layers([one], 2 * SAMPLES, RATE))
    pictures = BandPictures(len(x))
    assert LayerStarts(x, pictures, pictures.of_sound(x)).period == pytest.approx(period, abs=0.012)


def test_what_does_not_repeat_has_no_period():
    x = torch.from_numpy(render_layers([TONE], 2 * SAMPLES, RATE))
    pictures = BandPictures(len(x))
    assert LayerStarts(x, pictures, pictures.of_sound(x)).period == 0.0


def phrase():
    parts = [replace(TONE, onset=0.02), replace(NOISE, onset=0.25, level=0.2)]
    return render_layers(parts, SAMPLES // 2, RATE)


def test_a_tone_and_a_burst_of_noise_are_told_apart_with_their_times_and_shares():
    result, _, _ = run(LayersSettings(layers=2, seconds=400.0), evaluated=8)
    assert result.scores.score > 0.9
    first, second = sorted(result.layers, key=lambda one: one.onset)
    assert first.onset == pytest.approx(0.02, abs=0.02)
    assert second.onset == pytest.approx(0.25, abs=0.03)
    assert first.theta["f_c"] == pytest.approx(440.0, rel=0.03)
    assert second.instrument == "strike"
    assert second.theta["air"] > 0.8
    assert first.share + second.share == pytest.approx(1.0)
    # What the result says is what was scored, in the sound's own terms.
    again = render_layers(result.layers, SAMPLES // 2, RATE)
    assert np.linalg.norm(again) == pytest.approx(np.linalg.norm(phrase()), rel=0.15)


def run(settings, evaluations=(), told=None, evaluated=None):
    """Result, steps and new evaluations of a search for the phrase; stopped after so many."""
    target = target_from_array(phrase(), RATE)
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
    stopped, steps, _ = run(LayersSettings(layers=2), told=1)
    assert not stopped.converged
    assert len(stopped.layers) == 1
    assert [step.progress for step in steps] == sorted(step.progress for step in steps)
    further, _, _ = run(LayersSettings(layers=2, start=stopped.layers, pinned=(0,)), told=3)
    assert further.loss < stopped.loss
    assert len(further.layers) == 2
    assert further.layers[0].theta == pytest.approx(stopped.layers[0].theta)
    assert further.layers[0].onset == pytest.approx(stopped.layers[0].onset)


def test_a_match_that_is_taken_up_again_comes_to_the_same_digits():
    settings = LayersSettings(layers=1, seconds=1e6)  # so that no clock decides
    whole, steps, evaluations = run(settings, evaluated=9)
    _, before, left = run(settings, evaluated=4)
    again, after, new = run(settings, left, evaluated=5)
    assert replace(again, seconds=0.0) == replace(whole, seconds=0.0)
    assert len(left) + len(new) == len(evaluations)
    assert after[: len(before)] == before  # with their seconds: what was told is told again
    assert len(steps) > len(before)
    losses = [step.loss for step in steps]
    assert losses == sorted(losses, reverse=True)


class Ticking(EvaluationCache):
    """A clock that goes on by a tick whenever it is read."""

    TICK = 0.02

    @property
    def seconds(self):
        self.ticks = getattr(self, "ticks", 0) + 1
        return self.TICK * self.ticks


def test_a_stage_is_left_when_the_time_is_over():
    clock = Ticking()
    target = target_from_array(phrase(), RATE)
    result = result_of(layer_steps(target, LayersSettings(layers=12, seconds=3.0), clock))
    assert not result.converged
    assert result.layers
    assert clock.TICK * clock.ticks < 3.0 + 10 * clock.TICK  # a stage takes some hundred ticks


def test_answers_are_kept_with_what_the_instrument_plays_and_how_they_differ():
    result, _, _ = run(LayersSettings(layers=4, seconds=400.0), evaluated=7)
    best, *others = result.candidates
    assert (best.layers, best.scores) == (result.layers, result.scores)
    mixes = [tuple(sorted(layer.instrument for layer in one.layers)) for one in result.candidates]
    assert len(set(mixes)) == len(mixes) > 1
    assert {len(one.layers) for one in others} & {1, 2}  # half as many, or a quarter
    for one in others:
        assert ("more" in one.difference(best)) or ("fewer" in one.difference(best))
    recording = target_from_array(phrase(), RATE).recording
    played = layers_beside(others[-1].layers, recording)
    again = similarity(recording.audio, played, RATE)
    assert again.as_dict() == pytest.approx(others[-1].scores.as_dict(), abs=1e-6)


CLOUD = layer(
    "grains", 0.1, 0.5, density=0.9, slope=0.6, f_low=500.0, f_high=4000.0, length=0.05, rate=60.0,
    attack=0.02, decay=0.6,
)  # fmt: skip


@pytest.mark.parametrize(
    ("one", "found"), [(RIPPLE, ("f_m", "gamma")), (CLOUD, ("rate", "f_low", "f_high"))]
)
def test_a_texture_is_found_beside_a_tone(one, found):
    tone = replace(TONE, onset=0.5, level=0.1)
    target = target_from_array(render_layers([one, tone], SAMPLES, RATE), RATE)
    results = []
    for kind in (one.instrument, "strike"):
        settings = LayersSettings(2, 400.0, start=(tone,), pinned=(0,), kinds=(kind,))
        steps, stages = layer_steps(target, settings), 0
        while stages < 3:
            stages += isinstance(next(steps), Evaluation)
        results.append(stop(steps))
    assert results[0].loss < 0.6 * results[1].loss  # so that it wins where all kinds may
    for id_ in found:
        assert results[0].layers[1].theta[id_] == pytest.approx(one.theta[id_], rel=0.05)


def test_a_stray_layer_is_removed_and_a_click_softened():
    steady = layer("strike", 0.0, 0.5, f_c=800.0, attack=0.02, decay=2.0)
    later = layer("strike", 0.5, 0.3, f_c=1100.0, attack=0.1, decay=2.0)
    target = target_from_array(render_layers([steady, later], SAMPLES, RATE), RATE)
    click = replace(later, theta={**later.theta, "attack": 0.001})
    thump = layer("strike", 0.3, 0.02, f_c=120.0, decay=0.05)
    search = LayerSearch(target, LayersSettings(seconds=1e6), EvaluationCache())
    search._state = _State(search._mixture([steady, thump, click]), 1.0)
    cleared = result_of(search._cleared())
    rows = zip(cleared.mixture.kinds, cleared.mixture.rows, strict=True)
    first, second = (layer_of(*row, 1.0) for row in rows)
    assert first.theta == pytest.approx(steady.theta, rel=1e-4, abs=1e-6)
    assert second.theta["f_c"] == pytest.approx(1100.0)
    assert second.theta["attack"] > 0.01
    assert cleared.loss < 0.9


def test_only_the_kinds_that_are_asked_for_are_used():
    settings = LayersSettings(layers=2, seconds=400.0, kinds=("grains",))
    result, _, _ = run(settings, evaluated=2)
    assert {layer.instrument for layer in result.layers} == {"grains"}
    with pytest.raises(ArgumentError, match="kinds=\\('sampler',\\) must be some of strike"):
        LayersSettings(kinds=("sampler",))


def test_a_stop_before_anything_says_so():
    steps = layer_steps(target_from_array(phrase(), RATE), LayersSettings())
    with pytest.raises(Stopped):
        stop(steps)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"layers": 0}, "layers=0 must be 1 to 12"),
        ({"layers": 13}, "layers=13 must be 1 to 12"),
        ({"seconds": 0.0}, "seconds=0.0 must be"),
        ({"pinned": (1,)}, "pinned holds 1"),
        ({"layers": 1, "start": (TONE, NOISE)}, "start holds 2 layers"),
    ],
)
def test_what_makes_no_sense_is_refused(arguments, message):
    with pytest.raises(ArgumentError, match=message):
        LayersSettings(**arguments)
