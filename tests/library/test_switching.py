"""The fear: on stage, going from sound to sound, one of the changes is heard as a click.

The short form of `mesosynth bench switching`, through a part of the factory's presets, on machines
that others use as well.
"""

from mesosynth.bench.switching import INTERVAL, switching
from mesosynth.resources import factory_presets

SECONDS = 8.0


def test_switching_ten_times_a_second_is_clean():
    answer = switching(SECONDS, paths=factory_presets()[::4])
    assert answer["switches"] == round(SECONDS / INTERVAL)
    assert answer["device"] == "system"
    assert (answer["clicks"], answer["not_finite"]) == (0, 0), answer
    assert answer["peak_db"] < -1.0
    assert answer["peak_db"] > -40.0  # something was heard
    assert (answer["faults"], answer["restarts"]) == (0, 0), answer["messages"]
    assert answer["underflows"] < 0.01 * answer["blocks"], answer
