"""The fear: a knob that is heard late."""

import numpy as np

from mesosynth.host.engine import Engine
from mesosynth.host.rack import Rack
from mesosynth.host.shared_memory import ParameterBlock, Ring
from mesosynth.instruments.chirplet import Chirplet

BLOCK = 128


def test_a_knob_is_heard_at_the_next_block():
    table = Chirplet.parameters
    parameters, scope = ParameterBlock(len(table)), Ring(2**16)
    heard = ParameterBlock(len(table), parameters.name)  # as the audio process attaches to it
    try:
        engine = Engine(Rack(Chirplet()), heard, scope)
        engine.prepare(48000, BLOCK)
        loud = {"f_c": 2000.0, "f_m": 2.0, "gamma": 4.0, "w": 2.0, "gain": -6.0, "period": 4.0}
        parameters.write(table.vector(loud), True)
        block = np.zeros((2, BLOCK), np.float32)
        for _ in range(110):  # into the middle of the arpeggio, where it is loud
            engine.render(block, False)
        before = np.abs(block).max()
        parameters.write(table.vector({**loud, "gain": -60.0}), True)
        engine.render(block, False)
        first, last = np.abs(block[:, :32]).max(), np.abs(block[:, -24:]).max()
        engine.render(block, False)
        after = np.abs(block).max()
    finally:
        heard.close()
        parameters.close()
        scope.close()
    assert before > 0.01
    assert last < 0.5 * first  # it ramps down within the very next block
    assert after < 0.01 * before
