"""The fear: that a match which is taken up again ends elsewhere, or evaluates everything anew."""

import time
from dataclasses import replace

import numpy as np
import pytest

from mesosynth.audio.target import target_from_array
from mesosynth.errors import MatchFileError
from mesosynth.matching.checkpoint import (
    CHECKPOINT,
    Checkpoint,
    load_checkpoint,
    save_checkpoint,
)
from mesosynth.matching.descent import NormalEquations
from mesosynth.matching.jobs import search
from mesosynth.matching.match import Matcher
from mesosynth.matching.model import state_of
from mesosynth.matching.operator import shared_operator
from mesosynth.matching.results import MatchSettings
from mesosynth.system.steps import Evaluation, EvaluationCache, Stopped, result_of, stop

TRUTH = {"f_c": 470.0, "f_m": 7.0, "gamma": -1.7, "w": 1.9}


@pytest.fixture(scope="module")
def target():
    """An arpeggio in noise, which is matched in all phases that a match has."""
    x = shared_operator().synthesize(state_of(TRUTH)[:7])
    noise = np.random.default_rng(3).standard_normal(len(x))
    return target_from_array(x + noise * x.std() * 10 ** (-10 / 20), 8192, "noisy")


def run(target, evaluations=(), settings=None, stop_at=None):
    """Result, or None if there was none, and the new evaluations of a match."""
    steps, new, ticks = (
        Matcher(settings=settings).steps(target, EvaluationCache(evaluations)),
        [],
        0,
    )
    while True:
        try:
            news = next(steps)
        except StopIteration as end:
            return end.value, new
        if isinstance(news, Evaluation):
            new.append(news)
        ticks += news is None
        if ticks == stop_at:
            try:
                return stop(steps), new
            except Stopped:
                return None, new


@pytest.fixture(scope="module")
def whole(target):
    """Result and evaluations of a match that nobody interrupted."""
    return run(target)


def same(a, b):
    assert a.theta == b.theta
    assert a.std == b.std
    assert (a.loss, a.evaluations, a.onset, a.gain) == (b.loss, b.evaluations, b.onset, b.gain)
    assert a.candidates == b.candidates
    assert [step.theta for step in a.trajectory] == [step.theta for step in b.trajectory]


@pytest.mark.parametrize("left", [1, 4, None])
def test_a_match_goes_on_where_it_stood_to_the_last_digit(target, whole, tmp_path, left):
    result, evaluations = whole
    part = Checkpoint("match", MatchSettings(), target, steps=tuple(evaluations[:left]))
    save_checkpoint(tmp_path / "run", part)
    saved = load_checkpoint(tmp_path / "run", "match")
    again, new = run(saved.target, saved.evaluations, saved.settings)
    same(again, result)
    assert [each.number for each in new] == list(range(len(evaluations)))[len(saved.evaluations) :]


def test_a_match_that_was_stopped_anywhere_goes_on_from_there(target, whole):
    result, evaluations = whole
    for stop_at in (3, 40):
        stopped, left = run(target, stop_at=stop_at)
        assert (stopped is None) == (stop_at == 3)
        assert len(left) < len(evaluations)
        same(run(target, left)[0], result)


def test_a_match_that_is_kept_can_be_left_anywhere_and_goes_on_from_its_file(
    target, whole, tmp_path
):
    path = tmp_path / "run"
    steps = search(Checkpoint("match", MatchSettings(), target), path)
    for _ in range(70):
        next(steps)
    steps.close()  # as a crash does
    left = load_checkpoint(path)
    assert 0 < len(left.evaluations) < len(whole[1])
    assert not left.finished
    same(result_of(search(left, path)), whole[0])
    assert load_checkpoint(path).finished
    assert len(load_checkpoint(path).evaluations) == len(whole[1])


def test_seconds_do_not_count_pauses(target, whole):
    _, evaluations = whole
    slow = [replace(each, seconds=100.0 + each.number) for each in evaluations]
    assert run(target, slow)[0].seconds >= 100.0 + len(slow) - 1


def test_the_clock_of_a_match_stands_while_it_is_paused():
    cache = EvaluationCache()
    cache.pause()
    stood = cache.seconds
    time.sleep(0.05)
    assert cache.seconds == stood
    before = time.perf_counter()
    cache.resume()
    time.sleep(0.05)
    assert stood + 0.04 < cache.seconds < stood + time.perf_counter() - before + 1e-6


def test_what_another_version_evaluated_elsewhere_is_forgotten(target, whole):
    result, evaluations = whole
    moved = [replace(each, at=[1.001 * x for x in each.at]) for each in evaluations]
    again, new = run(target, [*evaluations[:2], *moved[2:]])
    same(again, result)
    assert [each.number for each in new] == list(range(2, len(evaluations)))


def test_normal_equations_are_what_a_residual_and_its_jacobian_say():
    rng = np.random.default_rng(0)
    residual, J = rng.standard_normal(1000), rng.standard_normal((1000, 3))
    equations = NormalEquations.of(residual, J)
    assert equations.loss == pytest.approx(0.5 * np.sum(residual**2))
    # A thousand Gaussian residuals count as a third of them: their kurtosis is 3.
    spread = np.sqrt(np.diag(np.linalg.inv(J.T @ J)) * np.sum(residual**2) / (1000 / 3))
    assert equations.std == pytest.approx(spread, rel=0.1)
    assert np.all(NormalEquations.of(np.zeros(1000), J).std < 1e-3)


def test_an_unknown_without_effect_is_as_unknown_as_before():
    rng = np.random.default_rng(0)
    residual, J = 1e-3 * rng.standard_normal(1000), rng.standard_normal((1000, 3))
    J[:, 1] = 0.0
    std = NormalEquations.of(residual, J).std
    assert std[1] == pytest.approx(1.0)
    assert np.all(std[[0, 2]] < 1e-3)


@pytest.mark.parametrize("free", [0, 1, 3, 8])
def test_normal_equations_are_the_same_as_numbers(free):
    J = np.random.default_rng(0).standard_normal((10, free))
    equations = NormalEquations.of(np.arange(10.0), J)
    again = NormalEquations.from_numbers(equations.numbers)
    assert (again.loss, again.quartic) == (equations.loss, equations.quartic)
    np.testing.assert_array_equal(again.gradient, equations.gradient)
    np.testing.assert_array_equal(again.H, equations.H)


def test_the_candidates_begin_with_the_result_and_tell_of_every_start():
    noise = np.random.default_rng(0).uniform(-1, 1, 32768)
    settings = MatchSettings(unknowns=tuple(TRUTH), max_evaluations=2)
    result = Matcher(settings=settings).match(target_from_array(noise, 8192, "noise"))
    best, *others = result.candidates
    assert (best.theta, best.std, best.loss) == (result.theta, result.std, result.loss)
    assert others
    assert len({candidate.start for candidate in result.candidates}) >= 2


@pytest.fixture
def saved(target, tmp_path):
    """A short match in a file."""
    equations = NormalEquations(0.1, np.zeros(4), np.eye(4), 1e-3)
    evaluation = Evaluation(0, state_of(TRUTH).tolist(), equations.numbers, 0.5)
    settings = MatchSettings(unknowns=("f_m", "w"), pinned={"f_c": 470.0}, seed=5)
    match = Checkpoint("match", settings, target, steps=(evaluation,))
    path = tmp_path / "run"
    save_checkpoint(path, match)
    return path, match


def test_a_file_keeps_every_bit(saved):
    path, match = saved
    again = load_checkpoint(path)
    assert again.settings == match.settings
    assert np.array_equal(again.target.audio, match.target.audio)
    assert (again.target.name, again.target.start) == (match.target.name, match.target.start)
    assert again.evaluations == match.evaluations


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (b'"revision":2', b'"revision":%d' % (CHECKPOINT.head.revision + 1), "later mesosynth"),
        (b'"revision":2', b'"revision":"x"', "not a saved match"),
        (b'"samples":"', b'"samples":"AAAAAAAAAAAAAAAA', "not 32768 finite samples"),
        (b'"numbers":[0.1', b'"numbers":[-0.1', "evaluation 0"),
        (b'"numbers":[', b'"numbers":[0.0,', "evaluation 0"),
        (b'"seed":5', b'"seed":null', "not a saved match"),
        (b'"job"', b'"jab"', "job"),
        (b"{", b"", "not a saved match"),
    ],
)
def test_a_broken_file_is_refused_with_one_sentence(saved, old, new, said):
    path, _ = saved
    text = path.read_bytes()
    assert old in text
    path.write_bytes(text.replace(old, new, 1))
    with pytest.raises(MatchFileError, match=said) as error:
        load_checkpoint(path)
    assert str(path) in str(error.value)


def test_a_file_whose_first_line_was_cut_off_is_refused_wherever_it_ends(saved):
    path, _ = saved
    text = path.read_bytes()
    for end in (0, 1, 100, len(text) // 2):
        path.write_bytes(text[:end])
        with pytest.raises(MatchFileError, match="not a saved match"):
            load_checkpoint(path)


def test_a_step_that_was_cut_off_does_not_count(saved):
    path, match = saved
    path.write_bytes(path.read_bytes()[:-3])
    again = load_checkpoint(path)
    assert not again.evaluations
    assert again.settings == match.settings


def test_a_file_that_is_not_there_or_cannot_be_written_is_named(saved, tmp_path):
    with pytest.raises(MatchFileError, match="nowhere"):
        load_checkpoint(tmp_path / "nowhere")
    with pytest.raises(MatchFileError, match="no-folder"):
        save_checkpoint(tmp_path / "no-folder" / "run", saved[1])
    with pytest.raises(MatchFileError, match="larger than"):
        load_checkpoint("/dev/zero")


def test_settings_of_a_file_are_those_of_the_run(saved):
    again = load_checkpoint(saved[0])
    found = Matcher(again.instrument, again.settings).match(again.target)
    assert found.theta["f_c"] == 470.0
    assert set(found.std) == {"f_m", "w"}
