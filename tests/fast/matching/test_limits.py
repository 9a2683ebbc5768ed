"""Fear: evidence beyond the analysed band is cut off, and what is left is certified."""

import numpy as np

from mesosynth.engine.rack import render
from mesosynth.matching.match import match
from mesosynth.matching.results import MatchSettings


def test_a_sweep_across_the_end_of_the_band_is_told_and_has_no_small_errors():
    true = {"f_c": 4200.0, "f_m": 8.0, "gamma": 2.0, "w": 1.0, "period": 4.0}
    start = {"f_c": 3827.0, "f_m": 7.45, "gamma": 1.68, "w": 0.62}  # where a match ends
    sound = render("chirplet", true, 4.0)
    result = match(sound, 48000, settings=MatchSettings(start=start, max_evaluations=3))
    assert result.found
    assert "beyond 4096 Hz" in result.remark
    assert all(result.std[id_] >= 0.9 * abs(result.theta[id_]) for id_ in start)


def test_what_lies_above_the_band_is_told_where_nothing_is_found():
    high = {"f_c": 7000.0, "f_m": 8.0, "gamma": 2.0, "w": 0.5, "period": 4.0}
    noise = 5e-4 * np.random.default_rng(0).standard_normal(4 * 48000)
    sound = render("chirplet", high, 4.0).mean(axis=0) + noise
    start = {"f_c": 500.0, "f_m": 4.0, "gamma": 1.0, "w": 1.0}
    settings = MatchSettings(start=start, unknowns=("f_c",), max_evaluations=1)
    result = match(sound, 48000, settings=settings)
    assert not result.found
    assert "above 4096 Hz" in result.remark
