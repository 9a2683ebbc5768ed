"""Fear: filters that are chosen are not those in which a match compares."""

import numpy as np
import pytest

from mesosynth.audio.target import ANALYSIS_RATE, target_from_array
from mesosynth.errors import ArgumentError
from mesosynth.matching.match import MatchSearch
from mesosynth.matching.model import MODELS
from mesosynth.matching.operator import shared_operator
from mesosynth.matching.results import Filters, MatchSettings
from mesosynth.presets.preset import Preset
from mesosynth.session.file import SavedSession, load_session, save_session
from mesosynth.system.steps import EvaluationCache

COARSE = Filters(J=8, Q=2, J_fr=2, Q_fr=1)


def test_a_match_compares_in_the_filters_of_its_settings():
    noise = np.random.default_rng(0).standard_normal(4 * ANALYSIS_RATE).astype(np.float32)
    target = target_from_array(noise, ANALYSIS_RATE)
    settings = MatchSettings(filters=COARSE)
    search = MatchSearch(target, MODELS["chirplet"], settings, EvaluationCache())
    assert search.operator.filters == COARSE
    assert search.operator.jtfs.J == 8
    few = len(search.operator.analyse(target.audio))
    assert 2 * few < len(shared_operator().analyse(target.audio))


def test_the_default_filters_are_built_once():
    assert shared_operator() is shared_operator("jtfs-global", filters=Filters())


def test_filters_are_kept_in_a_session(tmp_path):
    settings = MatchSettings(filters=COARSE)
    save_session(tmp_path / "s.json", SavedSession(sound=Preset(name=""), match=settings))
    assert load_session(tmp_path / "s.json").match == settings


@pytest.mark.parametrize(("id_", "value"), [("J", 40), ("Q", 0), ("F", -1)])
def test_impossible_filters_are_named(id_, value):
    with pytest.raises(ArgumentError, match=f"{id_}={value} must be"):
        Filters(**{id_: value})
