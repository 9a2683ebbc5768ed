"""The fear: on stage, going from sound to sound, one of the changes is heard as a click.

The short form of `mesosynth bench switching`, through a part of the factory's presets, on machines
that others use as well.
"""

import numpy as np

from mesosynth.bench.switching import INTERVAL, _stands_alone, switching
from mesosynth.resources import factory_presets

SECONDS = 5.0


def test_switching_ten_times_a_second_is_clean():
    answer = switching(SECONDS, paths=factory_presets()[::6])
    assert answer["switches"] == round(SECONDS / INTERVAL)
    assert answer["device"] == "system"
    assert (answer["clicks"], answer["not_finite"]) == (0, 0), answer
    assert answer["peak_db"] < -1.0
    assert answer["peak_db"] > -40.0  # something was heard
    assert (answer["faults"], answer["restarts"]) == (0, 0), answer["messages"]
    assert answer["underflows"] < 0.01 * answer["blocks"], answer


def test_a_step_that_stands_alone_is_a_click_and_a_swell_is_none():
    time = np.arange(4800) / 48000
    swell = np.sin(2 * np.pi * 3000 * time) * np.hanning(4800)
    steps = np.abs(np.diff(swell)).astype(np.float32)
    assert not any(_stands_alone(steps, frame) for frame in range(300, 4500))
    swell[700:] += 0.5
    steps = np.abs(np.diff(swell)).astype(np.float32)
    assert [frame for frame in range(300, 4500) if _stands_alone(steps, frame)] == [699]
