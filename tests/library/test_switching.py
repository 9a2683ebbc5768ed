"""The fear: on stage, going from sound to sound, one of the changes is heard as a click.

The short form of `mesosynth bench switching`, through a part of the factory's presets, on machines
that others use as well.
"""

import numpy as np
import pytest

from mesosynth.bench.clicks import find_clicks, stands_alone
from mesosynth.bench.switching import INTERVAL, switching
from mesosynth.resources import factory_presets

SECONDS = 5.0
RATE = 48000


@pytest.mark.parametrize("snapshots", [False, True], ids=["presets", "snapshots"])
def test_switching_ten_times_a_second_under_load_is_clean(snapshots):
    answer = switching(SECONDS, paths=factory_presets()[::8], snapshots=snapshots)
    assert answer["switches"] == round(SECONDS / INTERVAL)
    assert answer["events"] == 1000 * SECONDS
    assert answer["device"] == "system"
    assert (answer["clicks"], answer["not_finite"]) == ([], 0), answer
    assert answer["peak_db"] < -1.0
    assert answer["peak_db"] > -40.0  # something was heard
    assert (answer["faults"], answer["restarts"]) == (0, 0), answer["messages"]
    assert answer["underflows"] < 0.01 * answer["blocks"], answer


def swell():
    time = np.arange(4800) / RATE
    return (np.sin(2 * np.pi * 3000 * time) * np.hanning(4800)).astype(np.float32)


def test_a_step_that_stands_alone_is_a_click_and_a_swell_is_none():
    steps = np.abs(np.diff(swell()))
    assert not any(stands_alone(steps, frame) for frame in range(300, 4500))
    sound = swell()
    sound[700:] += 0.5
    steps = np.abs(np.diff(sound))
    assert [frame for frame in range(300, 4500) if stands_alone(steps, frame)] == [699]


def test_a_click_is_found_where_it_is():
    sound = np.tile(0.1 * swell(), 10)[:, None]
    alone = [float(np.abs(np.diff(sound, axis=0)).max())]
    assert find_clicks(sound, RATE, alone, INTERVAL).times == ()
    sound[24_000:] += 0.2  # between two swells
    found = find_clicks(sound, RATE, alone, INTERVAL)
    assert found.times == (23_999 / RATE,)
    assert found.worst_step > 1.0
