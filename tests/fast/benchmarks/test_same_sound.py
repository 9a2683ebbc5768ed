"""The comparison of two checkouts' sound finds a difference that is there, and none that is not."""

import json

from benchmarks import checkouts, same_sound

ONLY = "script 07*"


def test_a_checkout_sounds_like_itself_and_a_hundredth_of_a_decibel_is_noticed():
    same = same_sound.compare(checkouts.HERE, checkouts.HERE, ONLY)
    assert same["same"]
    assert [case["identical"] for case in same["cases"]] == [True]
    assert same["cases"][0]["peak_db"] > -30.0  # it compared sound with sound
    louder = same_sound.compare(checkouts.HERE, checkouts.HERE, ONLY, gain_db=0.01)
    assert not louder["same"]
    # 0.01 dB is a factor of 1.00115, so the difference lies 58.8 dB below the peak.
    case = louder["cases"][0]
    assert abs(case["difference_db"] - (case["peak_db"] - 58.78)) < 0.1
    tolerant = same_sound.compare(checkouts.HERE, checkouts.HERE, ONLY, 0.01, tolerance_db=-50.0)
    assert tolerant["same"]
    assert tolerant["worst_db"] == louder["worst_db"]


def test_scripts_are_the_same_every_time():
    assert json.dumps(same_sound.write_scripts()) == json.dumps(same_sound.write_scripts())
