"""The fear: a machine that is held up is blamed on us, or an excuse is found for what is ours."""

import numpy as np

from mesosynth.bench.bystander import Bystander
from mesosynth.bench.soak import _calm

BOOKS = np.array([(t, 375 * t, missed) for t, missed in enumerate([0, 0, 0, 7, 7, 7, 9, 9])])


def test_only_seconds_beside_which_the_machine_was_in_time_count():
    calm = _calm(BOOKS, Bystander(2625, [2.5]))
    # Not from 1 to 4: the stop at 2.5 lies in them or less than a second beside them.
    assert calm == {
        "seconds": 4, "blocks": 4 * 375, "underflows": 2, "per_100000": 1e5 * 2 / 1500
    }  # fmt: skip


def test_where_nothing_held_it_up_all_of_them_count():
    calm = _calm(BOOKS, Bystander(2625))
    assert (calm["seconds"], calm["underflows"]) == (7, 9)


def test_without_a_bystander_nothing_is_said():
    assert _calm(BOOKS, None) is None
    assert _calm(BOOKS, Bystander()) is None
