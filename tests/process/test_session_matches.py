"""The fears: a match that does not go on where it stood, and a map that is in its way."""

import os
import signal
import time

import numpy as np
import pytest

from mesosynth.errors import ArgumentError, MatchFileError
from mesosynth.matching import MatchSettings
from mesosynth.matching.results import Drivers
from mesosynth.session import Session, events
from mesosynth.system.paths import resource

DEMO = resource("assets", "demo.wav")


class Watched:
    """A session whose events are kept."""

    def __init__(self):
        self.session = Session(device="silent")
        self.seen = []

    def wait(self, kind, seconds=120.0, where=lambda event: True):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            new = self.session.poll()
            self.seen += new
            for event in new:
                if isinstance(event, kind) and where(event):
                    return event
            time.sleep(0.01)
        raise AssertionError(f"no {kind} within {seconds} s; there was {[*map(type, self.seen)]}")

    def cells(self):
        return [c for e in self.seen if isinstance(e, events.Explored) for c in e.cells]

    def of(self, kind):
        return [event for event in self.seen if isinstance(event, kind)]

    def begin_anew(self):
        """Leave nothing of the last test."""
        session = self.session
        session.explore(None)
        session.stop_match()
        while session.matching:
            self.wait(events.MatchEnded)
        if session.instrument != "chirplet":
            session.set_instrument("chirplet")
        session.set_parameters(session.parameters.defaults())
        session.match_settings = MatchSettings()
        session.follow = True
        session.load_target(DEMO)
        self.wait(events.TargetLoaded)  # a busy machine reads it in the background
        self.seen.clear()


@pytest.fixture(scope="module")
def one():
    """One session for all tests, as starting its processes takes seconds."""
    watched = Watched()
    yield watched
    watched.session.close()


@pytest.fixture
def watched(one):
    one.begin_anew()
    return one


@pytest.fixture(scope="module")
def uninterrupted(one):
    """Theta and losses of the steps of a match that nobody interrupts."""
    one.begin_anew()
    one.session.start_match()
    result = one.wait(events.MatchEnded).result
    return result, [event.step.loss for event in one.of(events.MatchProgress)]


def pause_after_first_step(watched):
    watched.session.start_match()
    watched.wait(events.MatchProgress)
    watched.session.pause_match()
    watched.wait(events.MatchPaused)
    assert watched.session.match_paused


def assert_same(watched, uninterrupted):
    result, losses = uninterrupted
    assert watched.session.result.theta == result.theta
    assert watched.session.result.std == result.std
    assert watched.session.result.evaluations == result.evaluations
    # Nothing that was done again is told again.
    assert [event.step.loss for event in watched.of(events.MatchProgress)] == losses


def test_a_match_pauses_and_goes_on_as_if_it_had_not(uninterrupted, watched):
    pause_after_first_step(watched)
    watched.session.resume_match()
    watched.wait(events.MatchEnded)
    assert_same(watched, uninterrupted)
    assert watched.of(events.MatchResumed)


def test_a_match_that_waits_for_another_to_end_can_be_paused_too(uninterrupted, watched):
    session = watched.session
    session.start_match()
    watched.wait(events.MatchProgress)
    session.start_match()  # anew, as soon as the one that runs has ended
    session.pause_match()
    assert session.match_paused
    watched.wait(events.MatchPaused)
    assert session.matching
    assert session.match_paused
    watched.seen.clear()
    session.resume_match()
    assert watched.wait(events.MatchEnded).result.theta == uninterrupted[0].theta


def test_a_match_whose_process_is_killed_goes_on_where_it_stood(uninterrupted, watched):
    watched.session.start_match()
    watched.wait(events.MatchProgress)
    os.kill(watched.session.matcher_pid, signal.SIGKILL)
    watched.wait(events.MatchEnded)
    assert_same(watched, uninterrupted)


def test_a_paused_match_is_saved_and_taken_up_by_another_process(uninterrupted, watched, tmp_path):
    pause_after_first_step(watched)
    session, steps = watched.session, len(watched.of(events.MatchProgress))
    session.save_match(tmp_path / "run")
    os.kill(session.matcher_pid, signal.SIGKILL)
    watched.begin_anew()
    session.load_match(tmp_path / "run")
    watched.wait(events.MatchPaused)
    assert len(watched.of(events.MatchProgress)) == steps
    assert session.match_paused
    session.resume_match()
    watched.wait(events.MatchEnded)
    assert_same(watched, uninterrupted)
    # What has ended is there again as it was.
    session.save_match(tmp_path / "ended")
    watched.begin_anew()
    session.load_match(tmp_path / "ended")
    watched.wait(events.MatchEnded)
    assert_same(watched, uninterrupted)


def test_a_paused_match_outlives_its_process(uninterrupted, watched):
    pause_after_first_step(watched)
    os.kill(watched.session.matcher_pid, signal.SIGKILL)
    watched.wait(events.Message, where=lambda event: "started again" in event.text)
    assert watched.session.match_paused
    watched.session.resume_match()
    watched.wait(events.MatchEnded)
    assert_same(watched, uninterrupted)


def test_a_paused_match_that_is_stopped_ends_with_what_it_has(watched):
    pause_after_first_step(watched)
    watched.session.stop_match()
    ended = watched.wait(events.MatchEnded)
    assert ended.result.theta in [event.step.theta for event in watched.of(events.MatchProgress)]
    assert not ended.result.converged
    assert not watched.session.matching


@pytest.mark.parametrize("end", ["target", "instrument", "start"])
def test_a_paused_match_gives_way_without_a_word(watched, end):
    pause_after_first_step(watched)
    session = watched.session
    if end == "target":
        session.load_target(DEMO)
    elif end == "instrument":
        session.set_instrument("ripple")
    else:
        session.start_match()
    assert watched.wait(events.MatchEnded).result is None
    assert not session.match_paused
    assert session.matching == (end == "start")
    assert all(event.severity == "info" for event in watched.of(events.Message))


def test_what_cannot_be_saved_or_loaded_is_said_and_changes_nothing(watched, tmp_path):
    target = watched.session.target
    with pytest.raises(ArgumentError, match="match a sound first"):
        watched.session.save_match(tmp_path / "run")
    (tmp_path / "run").write_bytes(b'{"revision":1}')
    with pytest.raises(MatchFileError, match="not a saved match"):
        watched.session.load_match(tmp_path / "run")
    assert watched.session.target is target
    assert not watched.session.matching


def test_what_is_not_looked_for_stands_where_its_knob_does(watched):
    watched.session.set_parameters({"w": 2.22, "am_depth": 0.99})
    watched.session.match_settings = MatchSettings(
        unknowns=("f_c", "f_m", "gamma"), max_evaluations=3
    )
    watched.session.start_match()
    result = watched.wait(events.MatchEnded).result
    assert (result.theta["w"], result.theta["am_depth"]) == (2.22, 0.99)
    assert set(result.std) == {"f_c", "f_m", "gamma"}
    assert watched.session.values["w"] == 2.22


def test_a_result_of_an_older_target_is_not_taken_for_one_of_the_new(watched):
    watched.session.start_match()
    watched.wait(events.MatchProgress)
    watched.session.load_target(DEMO)
    assert watched.wait(events.MatchEnded).result is None
    assert watched.session.result is None


def test_the_map_fills_in_nearest_first_and_follows_the_point(watched):
    session = watched.session
    session.set_parameters({"f_m": 4.0, "gamma": 1.0})
    session.explore(("f_m", "gamma"), grid=(9, 7))
    started = watched.wait(events.ExploreStarted)
    assert (len(started.x_values), len(started.y_values)) == (9, 7)
    assert (started.x_values[0], started.x_values[-1]) == pytest.approx((0.5, 64.0))
    watched.wait(events.Explored, where=lambda event: len(watched.cells()) >= 9)
    first = watched.cells()
    assert (first[0].i, first[0].j) == (4, 3) or first[0].loss > 0.0
    here = np.argmin(np.abs(np.log(started.x_values / 4.0)))
    assert abs(first[0].i - here) == 0
    # Along the map's own axes nothing is computed twice, and what is near now comes next.
    session.set_parameters({"f_m": 60.0, "gamma": 15.0})
    watched.wait(events.Explored, where=lambda event: len(watched.cells()) == 63)
    places = [(cell.i, cell.j) for cell in watched.cells()]
    assert len(set(places)) == 63
    assert len(watched.of(events.ExploreStarted)) == 1
    assert places.index((8, 6)) < places.index((0, 0))
    # Another parameter makes it another map.
    session.set_parameters({"f_c": 300.0})
    watched.wait(events.ExploreStarted)
    session.explore(None)
    assert watched.wait(events.ExploreStarted).axes is None
    assert session.explored_axes is None


def test_a_map_gives_way_to_a_match_and_goes_on_after_it(watched):
    session = watched.session
    session.explore(("f_c", "w"))
    watched.wait(events.Explored)
    session.start_match()
    watched.wait(events.MatchProgress)
    during = len(watched.seen)
    watched.wait(events.MatchEnded)
    between = watched.seen[during:]
    assert not any(isinstance(event, events.Explored) for event in between)
    cell = watched.wait(events.Explored).cells[0]
    # The point stands in the valley now, and there the map begins.
    assert cell.loss < 0.5
    assert cell.values[0] == pytest.approx(session.values["f_c"], rel=0.2)


def test_a_killed_matcher_draws_its_map_again(watched):
    watched.session.explore(("f_m", "gamma"))
    watched.wait(events.Explored)
    os.kill(watched.session.matcher_pid, signal.SIGKILL)
    watched.wait(events.ExploreStarted)
    watched.wait(events.Explored)


def test_a_map_that_cannot_be_is_refused_and_the_process_lives(watched):
    session = watched.session
    for axes, said in ((("f_m", "f_m"), "two different"), (("f_m", "period"), "'period'")):
        with pytest.raises(ArgumentError, match=said):
            session.explore(axes)
    pid = session.matcher_pid
    session.explore(("f_m", "gamma"), ranges=((1.0, 2.0), (-1.0, 1.0)))
    watched.wait(events.Message, where=lambda event: "one sign" in event.text)
    session.explore(("f_m", "gamma"), grid=(3, 3))
    watched.wait(events.Explored)
    assert session.matcher_pid == pid


def test_drivers_are_the_gradient_path_by_path(watched):
    session = watched.session
    session.match_settings = MatchSettings(unknowns=("f_m", "gamma"))
    session.set_parameters({"f_c": 620.0, "f_m": 8.5, "gamma": 1.7, "w": 2.2})  # f_m is 9.5
    session.ask_drivers()
    drivers = watched.wait(Drivers)
    assert drivers.unknowns == ("f_m", "gamma")
    assert drivers.pull.shape == (2, 2, len(drivers.scales), len(drivers.rates))
    f_m = drivers.pull[0]
    assert f_m.sum() > 0.0  # it wants to grow
    # Paths at the rates of 8.5 and 9.5 notes a second, full sines have twice as many, say so.
    at = int(np.argmax(np.abs(f_m).sum(axis=(0, 1))))
    assert 6.0 < drivers.rates[at] < 30.0


def test_candidates_and_what_lies_between_are_heard(uninterrupted, watched):
    session = watched.session
    with pytest.raises(ArgumentError, match="no match"):
        session.morph_to_match(0.5)
    with pytest.raises(ArgumentError, match="there are 0"):
        session.apply_candidate(0)
    session.set_parameters({"f_c": 155.0, "w": 4.0})
    session.start_match()
    theta = watched.wait(events.MatchEnded).result.theta
    session.morph_to_match(0.0)
    assert (session.values["f_c"], session.values["w"]) == (155.0, 4.0)
    session.morph_to_match(0.5)
    assert session.values["f_c"] == pytest.approx(np.sqrt(155.0 * theta["f_c"]), rel=1e-6)
    session.morph_to_match(1.0)
    assert {id_: session.values[id_] for id_ in theta} == theta
    session.set_parameters({"f_c": 155.0})
    session.apply_candidate(0)
    assert session.values["f_c"] == theta["f_c"]
    for amount in (-0.1, float("nan")):
        with pytest.raises(ArgumentError, match="must be 0"):
            session.morph_to_match(amount)
    session.set_instrument("ripple")
    with pytest.raises(ArgumentError, match="there are 0"):
        session.apply_candidate(0)
