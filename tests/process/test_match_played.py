"""Fears: what is heard of a match is not what its scores and pictures are of."""

import numpy as np
import pytest
from recorder import Recorder

from mesosynth.audio.target import ANALYSIS_RATE, target_from_array
from mesosynth.errors import ArgumentError
from mesosynth.matching.results import Candidate, Layer, LayersResult, MatchResult, Scores
from mesosynth.presets.preset import EffectState, Preset, load_preset
from mesosynth.session import Session

PURE = {"am_shape": 0.0, "am_depth": 1.0, "brightness": -60.0}
LAYERED = Preset(
    name="Two", instrument="layers", parameters={"level_1": -6.0, "f_c_1": 300.0},
    effects=(EffectState(plugin="reverb", parameters={"mix": 0.5}),),
)  # fmt: skip
EFFECTS = (EffectState(plugin="saturation"), EffectState(plugin="delay", bypassed=True))
SATURATED = Preset(name="Hot", parameters={"sync": 1.0, "swing": 0.4}, effects=EFFECTS)


@pytest.fixture(scope="module")
def one():
    watched = Recorder(Session(device="silent"))
    yield watched
    watched.session.close()


def theta(session, **values):
    matchable = session.rack.instrument_plugin.parameters.matchable
    return {id_: session.sound.values[id_] for id_ in matchable} | values


@pytest.fixture
def session(one):
    """A session with the result of a match, which need not be computed for this."""
    session = one.session
    session.presets.play(Preset(name="plain"))
    sound = np.random.default_rng(0).standard_normal(4 * ANALYSIS_RATE).astype(np.float32)
    session.target.take(target_from_array(sound, ANALYSIS_RATE))
    session.match.start()
    best, other = theta(session, f_c=620.0), theta(session, f_c=310.0)
    session.match._cancel()
    candidates = [Candidate(best, {}, 0.1, 0), Candidate(other, {}, 0.2, 1)]
    result = MatchResult(best, {}, 0.1, 9, 1.0, True, 2.0, 0.5, [], candidates)
    session.match._end(result)
    return session


PLAYS = {
    "apply": (lambda session: session.match.apply(), 620.0),
    "a candidate": (lambda session: session.match.apply(1), 310.0),
    "morph": (lambda session: session.match.morph(1.0), 620.0),
    "hear the match": (lambda session: session.comparison.hear("match"), 620.0),
    "hear both": (lambda session: session.comparison.hear("both"), 620.0),
}


@pytest.mark.parametrize("way", PLAYS)
def test_while_a_layered_preset_plays_the_instrument_is_changed_over(session, way):
    play, f_c = PLAYS[way]
    session.presets.play(LAYERED)
    play(session)
    session.comparison.hear(None)
    assert session.rack.instrument == "chirplet"
    assert session.sound.values["f_c"] == f_c
    assert all(effect.bypassed for effect in session.rack.effects)


def test_the_target_alone_changes_nothing(session):
    session.presets.play(LAYERED)
    session.comparison.hear("target")
    session.comparison.hear(None)
    assert session.rack.instrument == "layers"


def test_a_match_is_heard_without_effects_sync_and_swing(session):
    session.presets.play(SATURATED)
    before = session.presets.snapshot()
    session.match.apply()
    assert all(effect.bypassed for effect in session.rack.effects)
    assert (session.sound.values["sync"], session.sound.values["swing"]) == (0.0, 0.0)
    assert session.sound.values["f_c"] == 620.0
    session.presets.recall(before)
    assert [effect.bypassed for effect in session.rack.effects] == [False, True]
    assert session.sound.values["swing"] == pytest.approx(0.4)


def test_an_effect_that_is_switched_on_again_stays_on(session):
    session.presets.play(SATURATED)
    session.match.apply()
    session.rack.bypass_effect("saturation", False)
    session.match.apply(1)
    assert [effect.bypassed for effect in session.rack.effects] == [False, True]


def test_layers_that_were_found_keep_no_reverb_of_the_preset_before(session, tmp_path):
    found = Layer({"f_c": 500.0, "f_m": 6.0, "gamma": 2.0, "w": 2.0, **PURE}, 1.0, 0.4)
    session.presets.play(LAYERED)
    scores = Scores(0.9, 0.9, 0.9)
    session.layers.result = LayersResult((found,), scores, 0.1, 9, 1.0, True)
    session.layers.apply()
    session.presets.save(tmp_path / "found.json")
    assert all(effect.bypassed for effect in load_preset(tmp_path / "found.json").effects)
    assert session.sound.values["f_c_1"] == pytest.approx(500.0)


def test_there_is_nothing_to_apply_after_another_target(session):
    session.target.take(session.target.sound)
    with pytest.raises(ArgumentError, match="no candidate"):
        session.match.apply()


def test_the_instrument_that_plays_is_named_as_people_do(session):
    session.presets.play(LAYERED)
    with pytest.raises(ArgumentError, match="layers play;"):
        session.loss_map.explore(("f_m", "gamma"))


def test_the_sequence_of_another_file_is_forgotten(session, tmp_path):
    sequence, told = session.sequence, []
    sequence.matched, sequence._path = object(), tmp_path / "long.wav"
    sequence.changed.connect(lambda *news: told.append(news))
    sequence.take_target(tmp_path / "long.wav")  # another part of the same file
    assert sequence.matched is not None
    session.target.take(session.target.sound)  # a recording, say
    assert sequence.matched is None
    assert told == [(None, False)]
