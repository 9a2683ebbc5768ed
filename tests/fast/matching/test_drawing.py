"""The fear: a knob that moves fast piles up pictures that nobody waits for."""

import time

import numpy as np

from mesosynth.instruments.chirplet_parameters import PARAMETERS
from mesosynth.matching.analysis import analysis
from mesosynth.matching.match import render_match
from mesosynth.matching.operator import shared_operator
from mesosynth.matching.process import MatcherProcess
from mesosynth.matching.requests import Pictures

MOVES = 500


def test_of_many_moves_the_last_is_drawn_and_few_others():
    process = MatcherProcess()
    process.start()
    try:
        moves = [PARAMETERS.defaults() | {"f_c": 300.0 + i} for i in range(MOVES)]
        for values in moves:
            process.draw_sound(values)
        assert process._requests.qsize() <= 1
        drawn = pictures(process, 2)
    finally:
        process.close()
    last = analysis(shared_operator(), render_match(moves[-1]))
    np.testing.assert_allclose(drawn[-1].scalogram, last.scalogram, atol=1e-4)
    assert np.abs(drawn[0].scalogram - last.scalogram).max() > 0.1


def pictures(process, count, patience=60.0):
    """The first `count`, and what comes in the half second after them: nothing more."""
    found, end = [], time.monotonic() + patience
    while time.monotonic() < end:
        found += [reply.analysis for reply in process.poll() if isinstance(reply, Pictures)]
        if len(found) >= count:
            end = min(end, time.monotonic() + 0.5)
        time.sleep(0.01)
    assert len(found) == count
    return found
