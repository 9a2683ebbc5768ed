"""The fear: a knob that is heard late."""

import numpy as np

from mesosynth.engine.callback import Engine
from mesosynth.engine.rack import Rack
from mesosynth.engine.shared import ParameterBlock, SoundRing
from mesosynth.instruments.chirplet import Chirplet

BLOCK = 128


def test_a_knob_is_heard_at_the_next_block():
    table = Chirplet.parameters
    parameters, output = ParameterBlock(len(table)), SoundRing()
    heard = ParameterBlock(len(table), parameters.name)  # as the audio process attaches to it
    try:
        engine = Engine(Rack(Chirplet()), heard, output)
        engine.prepare(48000, BLOCK)
        loud = {"f_c": 2000.0, "f_m": 2.0, "gamma": 4.0, "w": 2.0, "gain": -6.0, "period": 4.0}
        parameters.write(table.vector(loud), True)

        def render(blocks):
            out = np.zeros((blocks, 2, BLOCK), np.float32)
            for block in out:
                engine.render(block, False)
            return np.abs(out).max(axis=1).ravel()

        before = render(110)[-BLOCK:].max()  # in the middle of the arpeggio, where it is loud
        parameters.write(table.vector({**loud, "gain": -60.0}), True)
        heard_of_it = render(3)[engine.rack.latency :]
    finally:
        heard.close()
        parameters.close()
        output.close()
    ramp, after = heard_of_it[:BLOCK], heard_of_it[BLOCK:]
    assert before > 0.01
    assert ramp[-24:].max() < 0.5 * ramp[:32].max()  # it ramps down within the very next block
    assert after.max() < 0.01 * before
    assert engine.rack.latency < BLOCK  # so that the ramp begins to be heard within that block, too
