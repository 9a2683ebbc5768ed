"""The fears: a match that does not go on where it stood, and a map that is in its way."""

import json
import os
import signal

import numpy as np
import pytest
from recorder import Recorder

from mesosynth.errors import ArgumentError, MatchFileError
from mesosynth.matching import MatchSettings
from mesosynth.session import Session
from mesosynth.system.paths import resource

DEMO = resource("assets", "demo.wav")


class Watched(Recorder):
    """A session whose signals are recorded."""

    def __init__(self):
        super().__init__(Session(device="silent"))

    def cells(self):
        return [cell for _, cells in self.of("loss_map.filled") for cell in cells]

    def begin_anew(self):
        """Leave nothing of the last test."""
        session = self.session
        session.loss_map.explore(None)
        session.match.stop()
        self.until(lambda: not session.match.running)
        if session.rack.instrument != "chirplet":
            session.rack.set_instrument("chirplet")
        session.sound.set(session.sound.parameters.defaults())
        session.match.settings = MatchSettings()
        session.match.follow = True
        session.target.load(DEMO)
        self.wait("target.loaded")  # a busy machine reads it in the background
        self.clear()


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
    one.session.match.start()
    result = one.wait("match.ended")
    return result, [step.loss for step in one.of("match.stepped")]


def test_a_guess_comes_before_the_first_picture_and_is_heard_where_there_is_an_encoder(watched):
    session = watched.session
    watched.wait("target.analysed")
    names = [name for name, _ in watched]
    assert names.index("match.guessed") < names.index("target.analysed")
    watched.until(lambda: session.match.guess.loss is not None)
    at_once, judged = watched.of("match.guessed")
    assert at_once.loss is None
    assert at_once.theta == judged.theta
    assert judged.theta["f_m"] == pytest.approx(9.5, abs=4.0 * judged.std["f_m"])
    session.match.apply_guess()
    assert session.sound.values["f_m"] == pytest.approx(judged.theta["f_m"])
    watched.clear()
    session.rack.set_instrument("drum")
    assert session.match.guess is None  # that of the chirplet says nothing about a drum
    assert watched.wait("match.guessed").instrument == "drum"
    watched.until(lambda: session.match.guess.loss is not None)
    assert session.match.guess.loss > judged.loss
    watched.clear()
    session.rack.set_instrument("ripple")
    assert watched.wait("match.guessed") is None
    with pytest.raises(ArgumentError, match="There is no guess"):
        session.match.apply_guess()


def pause_after_first_step(watched):
    watched.session.match.start()
    watched.wait("match.stepped")
    watched.session.match.pause()
    watched.wait("match.paused")
    assert watched.session.match.is_paused


def assert_same(watched, uninterrupted):
    result, losses = uninterrupted
    assert watched.session.match.result.theta == result.theta
    assert watched.session.match.result.std == result.std
    assert watched.session.match.result.evaluations == result.evaluations
    # Nothing that was done again is told again.
    assert [step.loss for step in watched.of("match.stepped")] == losses


def test_a_match_pauses_and_goes_on_as_if_it_had_not(uninterrupted, watched):
    pause_after_first_step(watched)
    watched.session.match.resume()
    watched.wait("match.ended")
    assert_same(watched, uninterrupted)
    assert watched.of("match.resumed")


def test_a_match_that_waits_for_another_to_end_can_be_paused_too(uninterrupted, watched):
    session = watched.session
    session.match.start()
    watched.wait("match.stepped")
    session.match.start()  # anew, as soon as the one that runs has ended
    session.match.pause()
    assert session.match.is_paused
    watched.wait("match.paused")
    assert session.match.running
    assert session.match.is_paused
    watched.clear()
    session.match.resume()
    assert watched.wait("match.ended").theta == uninterrupted[0].theta


def test_a_match_whose_process_is_killed_goes_on_where_it_stood(uninterrupted, watched):
    watched.session.match.start()
    watched.wait("match.stepped")
    os.kill(watched.session.match.pid, signal.SIGKILL)
    watched.wait("match.ended")
    assert_same(watched, uninterrupted)


def test_a_paused_match_is_saved_and_taken_up_by_another_process(uninterrupted, watched, tmp_path):
    pause_after_first_step(watched)
    session, steps = watched.session, len(watched.of("match.stepped"))
    session.match.save(tmp_path / "run")
    head, _, steps_kept = (tmp_path / "run").read_text().partition("\n")
    head = {**json.loads(head), "later": 1}
    head["settings"]["later"] = [2]
    (tmp_path / "run").write_text(f"{json.dumps(head)}\n{steps_kept}")
    os.kill(session.match.pid, signal.SIGKILL)
    watched.begin_anew()
    session.match.load(tmp_path / "run")
    watched.wait("match.paused")
    assert len(watched.of("match.stepped")) == steps
    assert session.match.is_paused
    session.match.resume()
    watched.wait("match.ended")
    assert_same(watched, uninterrupted)
    # What has ended is there again as it was.
    session.match.save(tmp_path / "ended")
    head = json.loads((tmp_path / "ended").read_text().partition("\n")[0])
    assert (head["later"], head["settings"]["later"]) == (1, [2])  # keys of a later version
    watched.begin_anew()
    session.match.load(tmp_path / "ended")
    watched.wait("match.ended")
    assert_same(watched, uninterrupted)


def test_a_paused_match_outlives_its_process(uninterrupted, watched):
    pause_after_first_step(watched)
    os.kill(watched.session.match.pid, signal.SIGKILL)
    watched.wait("messages.said", where=lambda text, _: "started again" in text)
    assert watched.session.match.is_paused
    watched.session.match.resume()
    watched.wait("match.ended")
    assert_same(watched, uninterrupted)


def test_a_paused_match_that_is_stopped_ends_with_what_it_has(watched):
    pause_after_first_step(watched)
    watched.session.match.stop()
    result = watched.wait("match.ended")
    assert result.theta in [step.theta for step in watched.of("match.stepped")]
    assert not result.converged
    assert not watched.session.match.running


@pytest.mark.parametrize("end", ["target", "instrument", "start"])
def test_a_paused_match_gives_way_without_a_word(watched, end):
    pause_after_first_step(watched)
    session = watched.session
    if end == "target":
        session.target.load(DEMO)
    elif end == "instrument":
        session.rack.set_instrument("ripple")
    else:
        session.match.start()
    assert watched.wait("match.ended") is None
    assert not session.match.is_paused
    assert session.match.running == (end == "start")
    assert not watched.texts("warning", "error")


def test_what_cannot_be_saved_or_loaded_is_said_and_changes_nothing(watched, tmp_path):
    target = watched.session.target.sound
    with pytest.raises(ArgumentError, match="match a sound first"):
        watched.session.match.save(tmp_path / "run")
    (tmp_path / "run").write_bytes(b'{"revision":1}')
    with pytest.raises(MatchFileError, match="not a saved match"):
        watched.session.match.load(tmp_path / "run")
    assert watched.session.target.sound is target
    assert not watched.session.match.running


def test_what_is_not_looked_for_stands_where_its_knob_does(watched):
    watched.session.sound.set({"w": 2.22, "am_depth": 0.99})
    watched.session.match.settings = MatchSettings(
        unknowns=("f_c", "f_m", "gamma"), max_evaluations=3
    )
    watched.session.match.start()
    result = watched.wait("match.ended")
    assert (result.theta["w"], result.theta["am_depth"]) == (2.22, 0.99)
    assert set(result.std) == {"f_c", "f_m", "gamma"}
    assert watched.session.sound.values["w"] == 2.22


def test_a_result_of_an_older_target_is_not_taken_for_one_of_the_new(watched):
    watched.session.match.start()
    watched.wait("match.stepped")
    watched.session.target.load(DEMO)
    assert watched.wait("match.ended") is None
    assert watched.session.match.result is None


def test_the_map_fills_in_nearest_first_and_follows_the_point(watched):
    session = watched.session
    session.sound.set({"f_m": 4.0, "gamma": 1.0})
    session.loss_map.explore(("f_m", "gamma"), grid=(9, 7))
    _, x_values, y_values = watched.wait("loss_map.started")
    assert (len(x_values), len(y_values)) == (9, 7)
    assert (x_values[0], x_values[-1]) == pytest.approx((0.5, 64.0))
    watched.until(lambda: len(watched.cells()) >= 9)
    first = watched.cells()
    assert (first[0].i, first[0].j) == (4, 3) or first[0].loss > 0.0
    here = np.argmin(np.abs(np.log(x_values / 4.0)))
    assert abs(first[0].i - here) == 0
    # Along the map's own axes nothing is computed twice, and what is near now comes next.
    session.sound.set({"f_m": 60.0, "gamma": 15.0})
    watched.until(lambda: len(watched.cells()) == 63, 40)
    places = [(cell.i, cell.j) for cell in watched.cells()]
    assert len(set(places)) == 63
    assert len(watched.of("loss_map.started")) == 1
    assert places.index((8, 6)) < places.index((0, 0))
    # Another parameter makes it another map.
    session.sound.set({"f_c": 300.0})
    watched.wait("loss_map.started")
    session.loss_map.explore(None)
    assert watched.wait("loss_map.started")[0] is None
    assert session.loss_map.axes is None


def test_a_map_gives_way_to_a_match_and_goes_on_after_it(watched):
    session = watched.session
    session.loss_map.explore(("f_c", "w"))
    watched.wait("loss_map.filled")
    session.match.start()
    watched.wait("match.stepped")
    during = len(watched)
    watched.wait("match.ended")
    assert "loss_map.filled" not in [name for name, _ in watched[during:]]
    _, (cell, *_) = watched.wait("loss_map.filled")
    # The point stands in the valley now, and there the map begins.
    assert cell.loss < 0.5
    assert cell.values[0] == pytest.approx(session.sound.values["f_c"], rel=0.2)


def test_a_killed_matcher_draws_its_map_again(watched):
    watched.session.loss_map.explore(("f_m", "gamma"))
    watched.wait("loss_map.filled")
    os.kill(watched.session.match.pid, signal.SIGKILL)
    watched.wait("loss_map.started")
    watched.wait("loss_map.filled")


def test_a_map_that_cannot_be_is_refused_and_the_process_lives(watched):
    session = watched.session
    for axes, said in ((("f_m", "f_m"), "two different"), (("f_m", "period"), "'period'")):
        with pytest.raises(ArgumentError, match=said):
            session.loss_map.explore(axes)
    pid = session.match.pid
    session.loss_map.explore(("f_m", "gamma"), ranges=((-1.0, 2.0), (-1.0, 1.0)))
    watched.wait("messages.said", where=lambda text, _: "one sign" in text)
    session.loss_map.explore(("f_m", "gamma"), grid=(3, 3))
    watched.wait("loss_map.filled")
    assert session.match.pid == pid


def test_drivers_are_the_gradient_path_by_path(watched):
    session = watched.session
    session.match.settings = MatchSettings(unknowns=("f_m", "gamma"))
    session.sound.set({"f_c": 620.0, "f_m": 8.5, "gamma": 1.7, "w": 2.2})  # f_m is 9.5
    session.match.attribute()
    drivers = watched.wait("match.attributed")
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
        session.match.morph(0.5)
    with pytest.raises(ArgumentError, match="there are 0"):
        session.match.apply(0)
    session.sound.set({"f_c": 155.0, "w": 4.0})
    session.match.start()
    theta = watched.wait("match.ended").theta
    session.match.morph(0.0)
    assert (session.sound.values["f_c"], session.sound.values["w"]) == (155.0, 4.0)
    session.match.morph(0.5)
    assert session.sound.values["f_c"] == pytest.approx(np.sqrt(155.0 * theta["f_c"]), rel=1e-6)
    session.match.morph(1.0)
    assert {id_: session.sound.values[id_] for id_ in theta} == theta
    session.sound.set({"f_c": 155.0})
    session.match.apply(0)
    assert session.sound.values["f_c"] == theta["f_c"]
    for amount in (-0.1, float("nan")):
        with pytest.raises(ArgumentError, match="must be 0"):
            session.match.morph(amount)
    session.rack.set_instrument("ripple")
    with pytest.raises(ArgumentError, match="there are 0"):
        session.match.apply(0)
