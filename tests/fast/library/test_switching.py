"""The fear: on stage, going from sound to sound, one of the changes is heard as a click.

The short form of `benchmarks.switching`, through a part of the factory's presets, on machines
that others use as well.
"""

import numpy as np
import pytest

from benchmarks.switching import INTERVAL, find_clicks, stands_alone, switching
from mesosynth.system.paths import factory_presets

SECONDS = 4.0
RATE = 48000


@pytest.mark.usefixtures("real_time")
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


def swell():
    time = np.arange(9600) / RATE
    return (0.1 * np.sin(2 * np.pi * 3000 * time) * np.hanning(9600)).astype(np.float32)


def steps_of(sound):
    return np.abs(np.diff(sound)).astype(np.float32)


def alone_in(sound):
    return [frame for frame in range(1300, 8300) if stands_alone(steps_of(sound), frame)]


def test_a_step_that_stands_alone_is_a_click_and_a_swell_is_none():
    assert alone_in(swell()) == []
    sound = swell()
    sound[2700:] += 0.3
    assert alone_in(sound) == [2699]


def test_the_steep_edge_of_a_low_wave_is_no_click():
    low = np.tanh(30.0 * np.sin(2 * np.pi * 45.0 * np.arange(9600) / RATE))
    assert alone_in(low) == []


def test_a_click_is_found_where_it_is():
    sound = np.tile(swell(), 5)[:, None]
    alone = [float(steps_of(sound[:, 0]).max())]
    assert find_clicks(sound, RATE, alone, INTERVAL).times == ()
    sound[28_800:] += 0.2  # between two swells
    found = find_clicks(sound, RATE, alone, INTERVAL)
    assert found.times == (28_799 / RATE,)
    assert found.worst_step > 1.0
