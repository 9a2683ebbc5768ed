"""Fears: pictures that pile up, what was found for one instrument judged by another."""

import time

import numpy as np
import pytest

from mesosynth.audio.file import load_target
from mesosynth.instruments.chirplet import PARAMETERS
from mesosynth.instruments.layers import PARAMETERS as LAYERS
from mesosynth.matching.analysis import analysis, layers_picture, sound_picture
from mesosynth.matching.jobs import KINDS, matching_jobs
from mesosynth.matching.match import render_match
from mesosynth.matching.operator import shared_operator
from mesosynth.matching.results import Layer, MatchSettings
from mesosynth.presets.preset import EffectState
from mesosynth.system.jobs import Done, Stepped
from mesosynth.system.paths import resource
from mesosynth.system.steps import result_of

MOVES = 500


@pytest.fixture
def jobs():
    jobs = matching_jobs()
    jobs.start()
    yield jobs
    jobs.close()


def wait(jobs, condition, seconds=120.0):
    """What came until then, and in the half second after that."""
    seen, deadline, end = [], time.monotonic() + seconds, None
    while end is None or time.monotonic() < end:
        seen += jobs.poll()
        assert time.monotonic() < deadline, seen
        if end is None and condition(seen):
            end = time.monotonic() + 0.5
        time.sleep(0.005)
    return seen


def test_every_job_has_a_function():
    for kind in KINDS.values():
        module, _, name = kind.function.partition(":")
        assert callable(getattr(__import__(module, fromlist=[name]), name))


def test_of_many_moves_the_last_is_drawn_and_few_others(jobs):
    moves = [PARAMETERS.defaults() | {"f_c": 300.0 + i} for i in range(MOVES)]
    made = [jobs.begin("sound picture", values, "chirplet", None) for values in moves]
    seen = wait(jobs, lambda seen: any(job is made[-1] for job, _ in seen))
    drawn = [event.result for _, event in seen if isinstance(event, Done)]
    assert len(drawn) <= 2
    last = analysis(shared_operator(), render_match(moves[-1]))
    np.testing.assert_allclose(drawn[-1].scalogram, last.scalogram, atol=1e-4)
    assert len(drawn) == 1 or np.abs(drawn[0].scalogram - last.scalogram).max() > 0.1


@pytest.mark.parametrize(
    ("values", "effects", "same"),
    [
        ({}, (EffectState(plugin="saturation", bypassed=True),), True),
        ({}, (EffectState(plugin="delay"),), False),
        ({"sync": 1.0, "division": 4.0}, (), False),
    ],
)
def test_the_sound_is_drawn_as_it_is_heard(values, effects, same):
    values = PARAMETERS.defaults() | values
    drawn = result_of(sound_picture(values, "chirplet", None, effects)).scalogram
    alone = analysis(shared_operator(), render_match(values)).scalogram
    assert (np.abs(drawn - alone).max() < 1e-4) == same
    assert drawn.max() > 0.5


def test_layers_through_effects_are_drawn_and_scored_as_they_are_heard():
    theta = {id_: PARAMETERS[id_].default for id_ in PARAMETERS.matchable}
    layers = (Layer(theta, onset=2.0, level=0.5),)
    target = load_target(resource("assets", "demo.wav"))
    values = LAYERS.complete({"level_1": -6.0})
    alone, _, dry = result_of(layers_picture(layers, target, 0.0, values))
    delay, foreign = EffectState(plugin="delay"), EffectState(plugin="someone's")
    echoed, _, wet = result_of(layers_picture(layers, target, 0.0, values, (delay,)))
    assert dry.score != wet.score
    # A user's plugin must not run there.
    assert result_of(layers_picture(layers, target, 0.0, values, (foreign,)))[2] is None
    assert np.abs(echoed.scalogram - alone.scalogram).max() > 0.05


def test_another_instrument_during_a_match_does_not_cost_the_process(jobs):
    target = load_target(resource("assets", "demo.wav"))
    match = jobs.begin("match", target, "chirplet", MatchSettings())
    first: list = []
    deadline = time.monotonic() + 120.0
    while not any(isinstance(event, Stepped) for _, event in first):  # the match goes on meanwhile
        first += jobs.poll()
        assert time.monotonic() < deadline
    pid = jobs.pid
    picture = jobs.begin("sound picture", {}, "ripple", target)

    def ended(seen, job):
        return any(of is job and isinstance(event, Done) for of, event in first + seen)

    seen = first + wait(jobs, lambda seen: ended(seen, match) and ended(seen, picture))
    assert any(job is picture and isinstance(event, Done) for job, event in seen)
    result = match_result(seen, match)
    scores = jobs.begin("scores", target, "chirplet", result)
    seen = wait(jobs, lambda seen: any(job is scores and isinstance(e, Done) for job, e in seen))
    places = [event.step[0] for _, event in seen if isinstance(event, Stepped)]
    assert places == list(range(len(result.candidates)))
    assert jobs.pid == pid


def match_result(seen, match):
    return next(event.result for job, event in seen if job is match and isinstance(event, Done))
