"""The fears: a match with layers that is lost, and hands that it does not notice."""

import os
import signal
from pathlib import Path

import pytest
import soundfile
from recorder import Recorder

from mesosynth.audio.target import ANALYSIS_RATE
from mesosynth.errors import ArgumentError, TargetError
from mesosynth.matching.results import Layer, LayersResult, LayersSettings, Scores
from mesosynth.presets.preset import load_preset
from mesosynth.session import Session

pytestmark = pytest.mark.usefixtures(
    "real_time"
)  # its matches have so many seconds, whoever else computes

PURE = {"am_shape": 0.0, "am_depth": 1.0, "brightness": -60.0}
LOW = Layer({"f_c": 500.0, "f_m": 6.0, "gamma": 2.0, "w": 2.0, **PURE}, onset=1.0, level=0.4)
HIGH = Layer({"f_c": 1500.0, "f_m": 20.0, "gamma": -1.5, "w": 1.0, **PURE}, onset=3.0, level=0.3)
SILENT = -60.0
SECONDS = 30.0  # stages are few on a busy machine; most tests end it themselves


class Watched(Recorder):
    """A session whose signals are recorded."""

    def __init__(self, target: Path):
        super().__init__(Session(device="silent"))
        self.target = target

    def begin_anew(self):
        """Leave nothing of the last test."""
        session = self.session
        session.match.stop()
        self.until(lambda: not session.match.running)
        session.rack.set_instrument("chirplet")
        session.sound.set(session.sound.parameters.defaults())
        session.layers.settings = LayersSettings(2, SECONDS)
        session.match.follow = True
        session.target.load(self.target)
        self.wait("target.loaded")  # a busy machine reads it in the background
        self.clear()

    def start(self, steps=1):
        self.session.layers.start()
        for _ in range(steps):
            self.wait("layers.stepped")


@pytest.fixture(scope="module")
def one(tmp_path_factory):
    """One session for all tests, as starting its processes takes seconds."""
    from mesosynth.audio.target import ANALYSIS_SAMPLES
    from mesosynth.matching.layers import render_layers

    path = tmp_path_factory.mktemp("sounds") / "phrase.wav"
    sound = render_layers([LOW, HIGH], ANALYSIS_SAMPLES, ANALYSIS_RATE)
    soundfile.write(path, sound, ANALYSIS_RATE, subtype="FLOAT")
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
    from mesosynth.presets.matched import layered_preset

    target = watched.session.target.sound
    result = LayersResult((LOW, HIGH), Scores(1.0, 1.0, 1.0), 0.0, 1, 1.0, converged=True)
    preset = layered_preset(result, target.name, target.sha256)
    watched.session.presets.play(preset)
    # A judgement of the layers of the test before may still be on its way.
    watched.wait("layers.judged", where=lambda shares, s: len(shares) == 2 and s.score > 0.99)
    return watched


def level(session, number):
    return session.sound.values[f"level_{number}"]


def test_what_is_found_is_heard_and_kept_with_its_scores(watched, tmp_path):
    session = watched.session
    session.layers.settings = LayersSettings(2, 8.0)  # s; it ends with the best so far
    watched.start()
    assert session.rack.instrument == "layers"  # from the first step on
    assert session.layers.running
    first = watched.of("layers.stepped")[0]
    assert session.sound.values["f_c_1"] == pytest.approx(first.layers[0].theta["f_c"])
    assert any("Layers play now" in text for text in watched.texts())
    result = watched.wait("layers.ended")
    assert result.scores.picture > first.picture - 0.02  # it is the loss that must fall
    assert not session.match.running
    losses = [step.loss for step in watched.of("layers.stepped")]
    assert result.loss <= min(losses)
    for number, layer in enumerate(result.layers, 1):
        assert session.sound.values[f"f_c_{number}"] == layer.theta["f_c"]
    # What plays is compared with the target again, and agrees with what was matched. Of the last
    # steps there may be judgements on their way; only one of what plays is kept with the sound.
    shares, _ = watched.wait(
        "layers.judged", where=lambda *_: session.presets.preset("phrase").match
    )
    assert session.layers.scores.jtfs == pytest.approx(result.scores.jtfs, abs=0.02)
    assert sum(shares) == pytest.approx(1.0)
    session.presets.save(tmp_path / "phrase.json")
    preset = load_preset(tmp_path / "phrase.json")
    assert preset.match.similarity == session.layers.scores.as_dict()
    assert preset.match.sha256 == session.target.sound.sha256


def test_a_match_that_is_killed_goes_on_from_its_layers(watched):
    watched.start(steps=2)
    best = min(step.loss for step in watched.of("layers.stepped"))
    last = watched.of("layers.stepped")[-1]
    os.kill(watched.session.match.pid, signal.SIGKILL)
    watched.wait("messages.said", where=lambda text, _: "started again" in text)
    watched.clear()
    step = watched.wait("layers.stepped")
    assert step.evaluations > last.evaluations  # not from nothing; a try may be worse than the best
    watched.session.match.stop()
    result = watched.wait("layers.ended")
    assert result.loss <= best * (1.0 + 1e-6)  # which the new process computes anew


def test_a_match_pauses_and_goes_on_where_it_stood(watched):
    session = watched.session
    watched.start(steps=2)
    session.match.pause()
    watched.wait("match.paused")
    at = watched.of("layers.stepped")[-1]
    assert session.match.is_paused
    watched.clear()
    session.match.resume()
    step = watched.wait("layers.stepped")
    assert step.evaluations > at.evaluations
    assert step.seconds > at.seconds
    assert step.progress >= at.progress
    session.match.stop()
    assert watched.wait("layers.ended") is not None


def test_a_hand_on_a_knob_takes_over_and_the_result_can_still_be_played(watched):
    session = watched.session
    watched.start()
    assert session.match.drives(["f_c_1"])
    assert not session.match.drives(["gain", "transpose"])
    session.match.follow = False
    session.sound.set({"f_c_1": 123.0})
    session.match.stop()
    result = watched.wait("layers.ended")
    assert session.sound.values["f_c_1"] == 123.0
    session.layers.apply()
    assert session.sound.values["f_c_1"] == result.layers[0].theta["f_c"]


def test_layers_of_other_kinds_are_never_heard_or_judged_as_arpeggios(watched):
    session, seen, others = watched.session, [], watched.session.sound.on_set
    drum = Layer({"f_c": 90.0, "tau": 0.3}, onset=2.0, level=0.4, instrument="drum")
    session.layers.result = LayersResult((LOW, drum), Scores(1.0, 1.0, 1.0), 0.0, 1, 1.0, True)
    session.sound.on_set = (
        *others,
        lambda *_: seen.append((session.sound.values["f_c_1"], session.rack.state["layers"])),
    )
    try:
        session.layers.apply()
        session.layers.move(1, 0)
    finally:
        session.sound.on_set = others
    drum = {"instrument": "drum", "parameters": {"f_c": 90.0, "tau": 0.3}}
    assert seen == [(500.0, {"2": drum}), (90.0, {"1": drum})]


def test_another_instrument_that_is_chosen_meanwhile_stays(watched):
    watched.start()
    watched.session.rack.set_instrument("chirplet")
    watched.wait("layers.stepped")
    watched.session.match.stop()
    watched.wait("layers.ended")
    assert watched.session.rack.instrument == "chirplet"
    assert watched.session.layers.mixer.notes == ()


def test_another_target_ends_the_match(watched):
    watched.start()
    watched.session.target.load(watched.target)
    assert watched.wait("layers.ended") is None
    assert not watched.session.match.running


def test_layers_that_play_are_found_in_the_target(playing):
    shares, _ = playing.of("layers.judged")[-1]
    assert sum(shares) == pytest.approx(1.0)
    assert playing.session.layers.scores.log_mel > 0.95  # at the same place in time, too
    assert playing.session.layers.scores.jtfs > 0.99


def test_muted_and_solo_layers_are_as_on_any_desk(playing):
    session = playing.session
    low, high = level(session, 1), level(session, 2)
    session.layers.mute(0, True)
    assert (level(session, 1), level(session, 2)) == (SILENT, high)
    shares, _ = playing.wait("layers.judged", where=lambda shares, _: shares[0] == 0.0)
    assert shares[1] == 1.0
    session.layers.solo(0, True)  # of no use to one that is muted
    assert (level(session, 1), level(session, 2)) == (SILENT, SILENT)
    session.layers.mute(0, False)
    assert (level(session, 1), level(session, 2)) == (low, SILENT)
    session.layers.solo(0, False)
    assert (level(session, 1), level(session, 2)) == (low, high)


def test_a_knob_at_the_bottom_mutes_and_one_turned_up_is_heard(playing):
    session = playing.session
    session.sound.set({"level_2": SILENT})
    assert session.layers.mixer.notes[1].muted
    session.sound.set({"level_2": -20.0, "level_3": -30.0})
    assert not session.layers.mixer.notes[1].muted
    assert len(session.layers.mixer.notes) == 3


def test_layers_move_and_go_with_their_notes_and_all_of_it_comes_back(playing):
    session = playing.session
    session.layers.pin(1, True)
    session.layers.mute(0, True)
    before, values = session.presets.snapshot(), dict(session.sound.values)
    session.layers.move(1, 0)
    assert session.sound.values["f_c_1"] == 1500.0
    assert [note.pinned for note in session.layers.mixer.notes] == [True, False]
    assert [note.colour for note in session.layers.mixer.notes] == [1, 0]
    assert level(session, 2) == SILENT
    session.layers.remove(0)
    assert session.sound.values["f_c_1"] == 500.0
    assert len(session.layers.mixer.notes) == 1
    assert level(session, 2) == SILENT
    session.presets.recall(before)
    assert session.sound.values == values
    assert session.layers.mixer == before.layers


def test_a_layer_may_be_a_drum_which_moves_and_goes_with_it(playing, tmp_path):
    session = playing.session
    session.layers.use(2, "drum", {"f_c": 90.0, "tau": 0.3})
    assert len(session.layers.mixer.notes) == 3
    assert session.sound.values["f_c_3"] == 90.0
    session.layers.move(2, 0)
    drum = {"instrument": "drum", "parameters": {"f_c": 90.0, "tau": 0.3}}
    assert session.rack.state == {"layers": {"1": drum}}
    path = tmp_path / "mixed.json"
    session.presets.save(path)
    assert load_preset(path).state == {"layers": {"1": drum}}
    session.layers.use(2, "ripple", {})
    with pytest.raises(ArgumentError, match="Layer 3, ripple, is no event"):
        session.layers.start(go_on=True)
    session.layers.remove(2)
    with pytest.raises(ArgumentError, match="'piano' does not exist"):
        session.layers.use(1, "piano", {})
    session.layers.remove(0)
    assert session.rack.state == {}
    assert session.sound.values["f_c_1"] == 500.0


def test_a_match_goes_on_from_the_layers_and_leaves_the_pinned_alone(playing):
    session = playing.session
    session.sound.set({"f_c_2": 1300.0, "f_c_1": 510.0})
    session.layers.pin(0, True)
    session.layers.start(go_on=True)
    playing.wait("layers.stepped", where=lambda step: step.picture > 0.9)
    session.layers.remove(1)  # another one is looked for
    assert session.layers.running
    step = playing.wait("layers.stepped", where=lambda step: len(step.layers) == 2)
    assert step.layers[0].theta["f_c"] == pytest.approx(510.0)
    session.match.stop()
    assert playing.wait("layers.ended") is not None
    assert len(playing.of("layers.started")) == 1  # the same match all the time
    assert session.sound.values["f_c_1"] == pytest.approx(510.0)
    assert session.layers.mixer.notes[0].pinned


def test_a_layer_that_was_removed_does_not_come_back_with_a_stop(playing):
    session = playing.session
    session.layers.start(go_on=True)
    playing.wait("layers.stepped")
    session.layers.remove(1)
    session.match.stop()
    playing.wait("layers.ended")
    assert len(session.layers.mixer.notes) == 1


def test_what_makes_no_sense_is_said(watched):
    session = watched.session
    with pytest.raises(ArgumentError, match="match with layers first"):
        session.layers.start(go_on=True)
    with pytest.raises(ArgumentError, match="no match with layers"):
        session.layers.apply()
    with pytest.raises(ArgumentError, match="place=0 is no layer; there are 0"):
        session.layers.mute(0, True)
    with pytest.raises(ArgumentError, match="layers=13 must be 1 to 12"):
        session.layers.settings = LayersSettings(13, 20.0)


def test_without_a_target_there_is_nothing_to_match():
    session = Session(device="silent")
    try:
        with pytest.raises(TargetError, match="no target"):
            session.layers.start()
    finally:
        session.close()
