"""The fears: a match with layers that is lost, and hands that it does not notice."""

import os
import signal
import time
from pathlib import Path

import pytest
import soundfile

from mesosynth.audio.target import ANALYSIS_RATE
from mesosynth.errors import ArgumentError, TargetError
from mesosynth.matching.results import Layer, LayersSettings
from mesosynth.presets.preset import load_preset
from mesosynth.session import Session, events

pytestmark = pytest.mark.usefixtures(
    "real_time"
)  # its matches have so many seconds, whoever else computes

PURE = {"am_shape": 0.0, "am_depth": 1.0, "brightness": -60.0}
LOW = Layer({"f_c": 500.0, "f_m": 6.0, "gamma": 2.0, "w": 2.0, **PURE}, onset=1.0, level=0.4)
HIGH = Layer({"f_c": 1500.0, "f_m": 20.0, "gamma": -1.5, "w": 1.0, **PURE}, onset=3.0, level=0.3)
SILENT = -60.0
SECONDS = 5.0


class Watched:
    """A session whose events are kept."""

    def __init__(self, target: Path):
        self.session = Session(device="silent")
        self.target = target
        self.seen = []

    def wait(self, kind, seconds=60.0, where=lambda event: True):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            new = self.session.poll()
            self.seen += new
            for event in new:
                if isinstance(event, kind) and where(event):
                    return event
            time.sleep(0.01)
        raise AssertionError(f"no {kind} within {seconds} s; there was {[*map(type, self.seen)]}")

    def of(self, kind):
        return [event for event in self.seen if isinstance(event, kind)]

    def begin_anew(self):
        """Leave nothing of the last test."""
        session = self.session
        session.stop_match()
        while session.matching:
            session.poll()
            time.sleep(0.01)
        session.set_instrument("chirplet")
        session.set_parameters(session.parameters.defaults())
        session.layers_settings = LayersSettings(2, SECONDS)
        session.follow = True
        session.load_target(self.target)
        self.wait(events.TargetLoaded)  # a busy machine reads it in the background
        self.seen.clear()

    def start(self, steps=1):
        self.session.start_layers_match()
        for _ in range(steps):
            self.wait(events.LayersProgress)


@pytest.fixture(scope="module")
def one(tmp_path_factory):
    """One session for all tests, as starting its processes takes seconds."""
    from mesosynth.matching.layers import render_layers

    path = tmp_path_factory.mktemp("sounds") / "phrase.wav"
    soundfile.write(path, render_layers([LOW, HIGH]), ANALYSIS_RATE, subtype="FLOAT")
    watched = Watched(path)
    yield watched
    watched.session.close()


@pytest.fixture
def watched(one):
    one.begin_anew()
    return one


@pytest.fixture
def playing(watched, tmp_path):
    """Both layers of the target play, as a preset has them."""
    from mesosynth.matching.results import LayersResult, Scores
    from mesosynth.presets.matched import layered_preset

    target = watched.session.target
    result = LayersResult((LOW, HIGH), Scores(1.0, 1.0, 1.0), 0.0, 1, 1.0, converged=True)
    preset = layered_preset(result, target.name, target.sha256)
    watched.session.play_preset(preset)
    watched.wait(events.LayersJudged, where=lambda event: len(event.shares) == 2)
    return watched


def level(session, number):
    return session.values[f"level_{number}"]


def test_what_is_found_is_heard_and_kept_with_its_scores(watched, tmp_path):
    session = watched.session
    watched.start()
    assert session.instrument == "layers"  # from the first step on
    assert session.matching_layers
    first = watched.of(events.LayersProgress)[0].step
    assert session.values["f_c_1"] == pytest.approx(first.layers[0].theta["f_c"])
    assert any("Layers play now" in event.text for event in watched.of(events.Message))
    result = watched.wait(events.LayersEnded).result
    assert result.scores.jtfs > first.jtfs - 0.02  # it is the loss that must fall
    assert not session.matching
    losses = [event.step.loss for event in watched.of(events.LayersProgress)]
    assert result.loss <= min(losses)
    for number, layer in enumerate(result.layers, 1):
        assert session.values[f"f_c_{number}"] == layer.theta["f_c"]
    # What plays is compared with the target again, and agrees with what was matched. Of the last
    # steps there may be judgements on their way; only one of what plays is kept with the sound.
    judged = watched.wait(events.LayersJudged, where=lambda _: session.preset("phrase").match)
    assert session.layers_scores.jtfs == pytest.approx(result.scores.jtfs, abs=0.02)
    assert sum(judged.shares) == pytest.approx(1.0)
    session.save_preset(tmp_path / "phrase.json")
    preset = load_preset(tmp_path / "phrase.json")
    assert preset.match.similarity == session.layers_scores.as_dict()
    assert preset.match.sha256 == session.target.sha256


def test_a_match_that_is_killed_goes_on_from_its_layers(watched):
    watched.start(steps=3)
    best = min(event.step.loss for event in watched.of(events.LayersProgress))
    os.kill(watched.session.matcher_pid, signal.SIGKILL)
    watched.wait(events.Message, where=lambda event: "started again" in event.text)
    watched.seen.clear()
    step = watched.wait(events.LayersProgress).step
    assert step.loss <= best * 1.05  # not from nothing
    watched.session.stop_match()
    result = watched.wait(events.LayersEnded).result
    assert result.loss <= best * (1.0 + 1e-6)  # which the new process computes anew


def test_a_match_pauses_and_goes_on_where_it_stood(watched):
    session = watched.session
    watched.start(steps=2)
    session.pause_match()
    watched.wait(events.MatchPaused)
    last = min(event.step.loss for event in watched.of(events.LayersProgress))
    at = watched.of(events.LayersProgress)[-1].step
    assert session.match_paused
    watched.seen.clear()
    session.resume_match()
    step = watched.wait(events.LayersProgress).step
    assert step.loss <= last * 1.05
    assert step.seconds > at.seconds
    assert step.progress >= at.progress
    session.stop_match()
    assert watched.wait(events.LayersEnded).result is not None


def test_a_hand_on_a_knob_takes_over_and_the_result_can_still_be_played(watched):
    session = watched.session
    watched.start()
    assert session.drives(["f_c_1"])
    assert not session.drives(["gain", "transpose"])
    session.follow = False
    session.set_parameters({"f_c_1": 123.0})
    session.stop_match()
    result = watched.wait(events.LayersEnded).result
    assert session.values["f_c_1"] == 123.0
    session.apply_layers()
    assert session.values["f_c_1"] == result.layers[0].theta["f_c"]


def test_another_instrument_that_is_chosen_meanwhile_stays(watched):
    watched.start()
    watched.session.set_instrument("chirplet")
    watched.wait(events.LayersProgress)
    watched.session.stop_match()
    watched.wait(events.LayersEnded)
    assert watched.session.instrument == "chirplet"
    assert watched.session.layers.notes == ()


def test_another_target_ends_the_match(watched):
    watched.start()
    watched.session.load_target(watched.target)
    assert watched.wait(events.LayersEnded).result is None
    assert not watched.session.matching


def test_layers_that_play_are_found_in_the_target(playing):
    shares = playing.of(events.LayersJudged)[-1].shares
    assert sum(shares) == pytest.approx(1.0)
    assert playing.session.layers_scores.log_mel > 0.95  # at the same place in time, too
    assert playing.session.layers_scores.jtfs > 0.99


def test_muted_and_solo_layers_are_as_on_any_desk(playing):
    session = playing.session
    low, high = level(session, 1), level(session, 2)
    session.mute_layer(0, True)
    assert (level(session, 1), level(session, 2)) == (SILENT, high)
    judged = playing.wait(events.LayersJudged, where=lambda event: event.shares[0] == 0.0)
    assert judged.shares[1] == 1.0
    session.solo_layer(0, True)  # of no use to one that is muted
    assert (level(session, 1), level(session, 2)) == (SILENT, SILENT)
    session.mute_layer(0, False)
    assert (level(session, 1), level(session, 2)) == (low, SILENT)
    session.solo_layer(0, False)
    assert (level(session, 1), level(session, 2)) == (low, high)


def test_a_knob_at_the_bottom_mutes_and_one_turned_up_is_heard(playing):
    session = playing.session
    session.set_parameters({"level_2": SILENT})
    assert session.layers.notes[1].muted
    session.set_parameters({"level_2": -20.0, "level_3": -30.0})
    assert not session.layers.notes[1].muted
    assert len(session.layers.notes) == 3


def test_layers_move_and_go_with_their_notes_and_all_of_it_comes_back(playing):
    session = playing.session
    session.pin_layer(1, True)
    session.mute_layer(0, True)
    before, values = session.snapshot(), dict(session.values)
    session.move_layer(1, 0)
    assert session.values["f_c_1"] == 1500.0
    assert [note.pinned for note in session.layers.notes] == [True, False]
    assert [note.colour for note in session.layers.notes] == [1, 0]
    assert level(session, 2) == SILENT
    session.remove_layer(0)
    assert session.values["f_c_1"] == 500.0
    assert len(session.layers.notes) == 1
    assert level(session, 2) == SILENT
    session.recall(before)
    assert session.values == values
    assert session.layers == before.layers


def test_a_match_goes_on_from_the_layers_and_leaves_the_pinned_alone(playing):
    session = playing.session
    session.set_parameters({"f_c_2": 1300.0, "f_c_1": 510.0})
    session.pin_layer(0, True)
    session.start_layers_match(go_on=True)
    playing.wait(events.LayersProgress, where=lambda event: event.step.jtfs > 0.9)
    session.remove_layer(1)  # another one is looked for
    assert session.matching_layers
    step = playing.wait(events.LayersProgress, where=lambda event: len(event.step.layers) == 2)
    assert step.step.layers[0].theta["f_c"] == pytest.approx(510.0)
    session.stop_match()
    assert playing.wait(events.LayersEnded).result is not None
    assert len(playing.of(events.LayersStarted)) == 1  # the same match all the time
    assert session.values["f_c_1"] == pytest.approx(510.0)
    assert session.layers.notes[0].pinned


def test_a_layer_that_was_removed_does_not_come_back_with_a_stop(playing):
    session = playing.session
    session.start_layers_match(go_on=True)
    playing.wait(events.LayersProgress)
    session.remove_layer(1)
    session.stop_match()
    playing.wait(events.LayersEnded)
    assert len(session.layers.notes) == 1


def test_what_makes_no_sense_is_said(watched):
    session = watched.session
    with pytest.raises(ArgumentError, match="match with layers first"):
        session.start_layers_match(go_on=True)
    with pytest.raises(ArgumentError, match="no match with layers"):
        session.apply_layers()
    with pytest.raises(ArgumentError, match="place=0 is no layer; there are 0"):
        session.mute_layer(0, True)
    with pytest.raises(ArgumentError, match="layers=9 must be 1 to 8"):
        session.layers_settings = LayersSettings(9, 20.0)


def test_without_a_target_there_is_nothing_to_match():
    session = Session(device="silent")
    try:
        with pytest.raises(TargetError, match="no target"):
            session.start_layers_match()
    finally:
        session.close()
