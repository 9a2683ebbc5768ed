"""The fear: that a match which is taken up again ends elsewhere, or measures everything anew."""

import numpy as np
import pytest

from mesosynth.audio.target import target_from_array
from mesosynth.errors import MatchFileError
from mesosynth.matching.checkpoint import (
    MATCH,
    Entry,
    Journal,
    SavedMatch,
    load_match,
    save_match,
)
from mesosynth.matching.descent import Measured
from mesosynth.matching.match import Matcher, Stopped
from mesosynth.matching.model import state_of
from mesosynth.matching.results import MatchSettings

TRUTH = {"f_c": 470.0, "f_m": 7.0, "gamma": -1.7, "w": 1.9}


@pytest.fixture(scope="module")
def matcher():
    return Matcher()


@pytest.fixture(scope="module")
def target(matcher):
    """An arpeggio in noise, which is matched in all phases that a match has."""
    x = matcher.operator.synthesize(state_of(TRUTH)[:7])
    noise = np.random.default_rng(3).standard_normal(len(x))
    return target_from_array(x + noise * x.std() * 10 ** (-10 / 20), 8192, "noisy")


@pytest.fixture(scope="module")
def whole(matcher, target):
    """Result and journal of a match that nobody interrupted."""
    entries = []
    journal = Journal((), lambda place, entry: entries.append(entry))
    return matcher.match(target, journal=journal), entries


def same(a, b):
    assert a.theta == b.theta
    assert a.std == b.std
    assert (a.loss, a.evaluations, a.onset, a.gain) == (b.loss, b.evaluations, b.onset, b.gain)
    assert a.candidates == b.candidates
    assert [step.theta for step in a.trajectory] == [step.theta for step in b.trajectory]


@pytest.mark.parametrize("left", [1, 4, None])
def test_a_match_goes_on_where_it_stood_to_the_last_digit(matcher, target, whole, tmp_path, left):
    result, entries = whole
    save_match(tmp_path / "run", SavedMatch(
        instrument="chirplet", settings=MatchSettings(), target=target,
        entries=tuple(entries[:left]),
    ))  # fmt: skip
    saved = load_match(tmp_path / "run")
    new = []
    journal = Journal(saved.entries, lambda place, entry: new.append(place))
    same(matcher.match(saved.target, settings=saved.settings, journal=journal), result)
    assert new == list(range(len(entries)))[len(saved.entries) :]


def test_a_match_that_was_stopped_anywhere_goes_on_from_there(matcher, target, whole):
    result, entries = whole
    for stop_at in (3, 40):
        left, asked = [], 0

        def should_stop(stop_at=stop_at):
            nonlocal asked
            asked += 1
            return asked > stop_at

        journal = Journal((), lambda place, entry, left=left: left.append(entry))
        try:
            matcher.match(target, should_stop=should_stop, journal=journal)
        except Stopped:
            assert stop_at == 3
        assert len(left) < len(entries)
        same(matcher.match(target, journal=Journal(left)), result)


def test_seconds_do_not_count_pauses(matcher, target, whole):
    _, entries = whole
    slow = [Entry(entry.state, entry.measured, 100.0 + i) for i, entry in enumerate(entries)]
    assert matcher.match(target, journal=Journal(slow)).seconds >= 100.0 + len(slow) - 1


def test_what_another_version_measured_elsewhere_is_forgotten(matcher, target, whole):
    result, entries = whole
    moved = [Entry(entry.state * 1.001, entry.measured, entry.seconds) for entry in entries]
    noted = {}
    journal = Journal([*entries[:2], *moved[2:]], noted.__setitem__)
    same(matcher.match(target, journal=journal), result)
    assert sorted(noted) == list(range(2, len(entries)))


def test_what_is_measured_is_what_a_residual_and_its_jacobian_say():
    rng = np.random.default_rng(0)
    residual, J = rng.standard_normal(1000), rng.standard_normal((1000, 3))
    measured = Measured.of(residual, J)
    assert measured.loss == pytest.approx(0.5 * np.sum(residual**2))
    # A thousand Gaussian residuals count as a third of them: their kurtosis is 3.
    spread = np.sqrt(np.diag(np.linalg.inv(J.T @ J)) * np.sum(residual**2) / (1000 / 3))
    assert measured.std == pytest.approx(spread, rel=0.1)
    assert np.all(Measured.of(np.zeros(1000), J).std < 1e-3)


def test_the_candidates_begin_with_the_result_and_tell_of_every_start(matcher):
    noise = np.random.default_rng(0).uniform(-1, 1, 32768)
    settings = MatchSettings(unknowns=tuple(TRUTH), max_evaluations=2)
    result = matcher.match(target_from_array(noise, 8192, "noise"), settings=settings)
    best, *others = result.candidates
    assert (best.theta, best.std, best.loss) == (result.theta, result.std, result.loss)
    assert others
    assert len({candidate.start for candidate in result.candidates}) >= 2


@pytest.fixture
def saved(target, tmp_path):
    """A short match in a file."""
    entry = Entry(state_of(TRUTH), Measured(0.1, np.zeros(4), np.eye(4), 1e-3), 0.5)
    settings = MatchSettings(unknowns=("f_m", "w"), pinned={"f_c": 470.0}, seed=5)
    match = SavedMatch(instrument="chirplet", settings=settings, target=target, entries=(entry,))
    path = tmp_path / "run"
    save_match(path, match)
    return path, match


def test_a_file_keeps_every_bit(saved):
    path, match = saved
    again = load_match(path)
    assert again.settings == match.settings
    assert np.array_equal(again.target.audio, match.target.audio)
    assert (again.target.name, again.target.start) == (match.target.name, match.target.start)
    assert np.array_equal(again.entries[0].state, match.entries[0].state)
    assert np.array_equal(again.entries[0].measured.H, match.entries[0].measured.H)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (b'"revision":1', b'"revision":%d' % (MATCH.revision + 1), "later mesosynth"),
        (b'"revision":1', b'"revision":"x"', "not a saved match"),
        (b'"samples":"', b'"samples":"AAAAAAAAAAAAAAAA', "not 32768 finite samples"),
        (b'"loss":0.1', b'"loss":-0.1', "measurement 0"),
        (b'"gradient":[0.0,', b'"gradient":[', "measurement 0"),
        (b'"seed":5', b'"seed":null', "not a saved match"),
        (b'"instrument"', b'"instrumint"', "instrument"),
        (b"{", b"", "not a saved match"),
    ],
)
def test_a_broken_file_is_refused_with_one_sentence(saved, old, new, said):
    path, _ = saved
    text = path.read_bytes()
    assert old in text
    path.write_bytes(text.replace(old, new, 1))
    with pytest.raises(MatchFileError, match=said) as error:
        load_match(path)
    assert str(path) in str(error.value)


def test_a_file_that_was_cut_off_is_refused_wherever_it_ends(saved):
    path, _ = saved
    text = path.read_bytes()
    for end in (0, 1, 100, len(text) // 2, len(text) - 3):
        path.write_bytes(text[:end])
        with pytest.raises(MatchFileError, match="not a saved match"):
            load_match(path)


def test_a_file_that_is_not_there_or_cannot_be_written_is_named(saved, tmp_path):
    with pytest.raises(MatchFileError, match="nowhere"):
        load_match(tmp_path / "nowhere")
    with pytest.raises(MatchFileError, match="no-folder"):
        save_match(tmp_path / "no-folder" / "run", saved[1])
    with pytest.raises(MatchFileError, match="larger than"):
        load_match("/dev/zero")


def test_settings_of_a_file_are_those_of_the_run(matcher, saved):
    path, _ = saved
    found = matcher.match(load_match(path).target, settings=load_match(path).settings)
    assert found.theta["f_c"] == 470.0
    assert set(found.std) == {"f_m", "w"}
