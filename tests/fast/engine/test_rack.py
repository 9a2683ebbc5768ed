"""Fears: NaN or a spike reaches the ears, the limiter colours what is below it, stop clicks."""

import numpy as np
import pytest
from allocation import tracing

from mesosynth.engine.rack import Rack, render
from mesosynth.errors import ArgumentError
from mesosynth.instruments.chirplet import Chirplet
from mesosynth.plugins.parameters import Parameter, ParameterTable
from mesosynth.plugins.plugin import NO_EVENTS, Instrument

RATE = 48000
CEILING = 10 ** (-1 / 20)


class Steady(Instrument):
    """Plays what it is told, and falls ill at a given block."""

    name = "Steady"
    parameters = ParameterTable([Parameter("level", "Level", "", -9.0, 9.0, 0.5, "The output.")])

    def __init__(self, illness=None, when=3):
        self.illness, self.when, self.resets = illness, when, 0

    def prepare(self, sample_rate, max_block):
        self.reset()

    def reset(self):
        self.blocks, self.resets = 0, self.resets + 1

    def process(self, values, events, block):
        self.blocks += 1
        block.fill(values[0])
        if self.blocks == self.when and self.illness is not None:
            if isinstance(self.illness, Exception):
                raise self.illness
            block[1, 5] = self.illness


def rack_of(instrument, max_block=512):
    rack = Rack(instrument)
    rack.prepare(RATE, max_block)
    return rack


def play(rack, blocks, value=0.5, playing=True, frames=512):
    """(blocks, 2, frames), without the rack's latency."""
    extra = -(-rack.latency // frames)
    out = np.zeros((blocks + extra, 2, frames), np.float32)
    for block in out:
        rack.process(np.array([value]), NO_EVENTS, playing, block)
    sound = out.transpose(1, 0, 2).reshape(2, -1)[:, rack.latency :][:, : blocks * frames]
    return sound.reshape(2, blocks, frames).transpose(1, 0, 2)


@pytest.mark.parametrize("illness", [np.nan, np.inf, -np.inf, 1e30, ZeroDivisionError()])
def test_an_ill_instrument_is_reset_and_nothing_of_it_is_heard(illness):
    rack = rack_of(Steady(illness))
    resets = rack.instrument.resets
    out = play(rack, 7)  # and one more, for the latency
    assert np.isfinite(out).all()
    assert np.abs(out).max() <= CEILING
    assert not out[2].any()
    assert rack.faults == 2
    assert rack.instrument.resets == resets + 1 + 2
    np.testing.assert_array_equal(out[3], 0.5)


def test_start_and_stop_fade_within_ten_milliseconds():
    rack = rack_of(Steady(), 64)
    start = play(rack, 20, frames=64)[:, 0].ravel()
    stop = play(rack, 20, playing=False, frames=64)[:, 1].ravel()
    for fade in (start, stop):
        assert np.abs(np.diff(fade)).max() < 0.5 * 1.1 / (0.01 * RATE)
    np.testing.assert_array_equal(start[480:], 0.5)
    np.testing.assert_array_equal(stop[481:], 0.0)


def test_playing_again_begins_with_the_first_sample():
    rack = rack_of(Chirplet())
    values = Chirplet.parameters.vector({"gamma": 8.0})
    takes = []
    for _ in range(2):
        out = np.zeros((40, 2, 512), np.float32)
        for i, block in enumerate(out):
            rack.process(values, NO_EVENTS, i < 30, block)
        takes.append(out)
    assert takes[0].any()
    np.testing.assert_array_equal(takes[0], takes[1])


def test_render_does_not_depend_on_the_block():
    values = {"gamma": 4.0, "period": 0.3}
    whole = render("chirplet", values, 1.0, block=4096)
    for block in (1000, 65):
        np.testing.assert_allclose(render("chirplet", values, 1.0, block=block), whole, atol=1e-6)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"instrument": "piano"}, "'piano'"),
        ({"values": {"f_x": 1.0}}, "'f_x'"),
        ({"seconds": 0.0}, "seconds=0.0"),
        ({"seconds": float("nan")}, "seconds=nan"),
        ({"block": 0}, "block=0"),
    ],
)
def test_render_refuses_the_impossible_in_a_sentence(arguments, sentence):
    with pytest.raises(ArgumentError, match=sentence):
        render(**{"instrument": "chirplet", "values": {}, "seconds": 1.0, **arguments})


def test_the_rack_allocates_no_arrays():
    rack, block = rack_of(Steady(), 8192), np.zeros((2, 8192), np.float32)
    peaks = []
    with tracing() as peak_of:
        for i in range(48):  # quiet, limited and stopped; fading in and out in between
            values = np.array([0.5 if i % 8 < 4 else 3.0])
            peaks.append(peak_of(rack.process, values, NO_EVENTS, i % 8 < 7, block))
    assert np.reshape(peaks, (-1, 8)).min(axis=0).max() < 4096  # views
