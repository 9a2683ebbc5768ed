"""Fears: a click when one changes over, a target out of step, an instrument that stays silent."""

import numpy as np
import pytest
from allocation import tracing

from mesosynth.engine.audition import (
    CROSSFADE_SECONDS,
    FADE_SECONDS,
    REQUEST_WORDS,
    Audition,
    AuditionRequest,
    Clip,
    request_vector,
)
from mesosynth.engine.callback import Engine
from mesosynth.engine.rack import Rack
from mesosynth.engine.shared import ParameterBlock, SoundRing
from mesosynth.engine.slot import VECTOR
from mesosynth.plugins.parameters import ParameterTable
from mesosynth.plugins.plugin import Instrument

RATE, BLOCK = 48000, 128
FADE = round(FADE_SECONDS * RATE)


class Clock(Instrument):
    """Plays how many samples it has played since it was reset, so that any step is seen."""

    name = "Clock"
    parameters = ParameterTable([])

    def prepare(self, sample_rate, max_block):
        self.ticks = 1e-6 * np.arange(1 << 17, dtype=np.float32)
        self.reset()

    def reset(self):
        self.at = 0

    def process(self, values, events, block):
        block[:] = self.ticks[self.at : self.at + block.shape[1]]
        self.at += block.shape[1]


class Studio:
    """An engine without a device, the memory that it shares, and a hand on both."""

    def __init__(self):
        self.parameters, self.requests = ParameterBlock(VECTOR), ParameterBlock(REQUEST_WORDS)
        self.clip, self.output = Clip(), SoundRing()
        # As the audio process attaches to them.
        self.heard = ParameterBlock(VECTOR, self.parameters.name)
        self.obeyed = ParameterBlock(REQUEST_WORDS, self.requests.name)
        self.audition = Audition(self.obeyed, self.clip)
        self.engine = Engine(Rack(Clock(), audition=self.audition), self.heard, self.output)
        self.engine.prepare(RATE, 4096)
        self.latency = self.engine.rack.latency

    def play(self, playing):
        self.parameters.write(np.zeros(VECTOR), playing)

    def request(self, **request):
        sound = {"serial": 1, "frames": 4800, "period": 9600, "sample_rate": RATE, **request}
        self.requests.write(request_vector(AuditionRequest(**sound)), True)

    def leave(self):
        self.requests.write(request_vector(AuditionRequest()), False)

    def render(self, frames, block=BLOCK):
        """The next samples of both sides, (2, frames)."""
        out = np.zeros((2, -(-frames // block) * block), np.float32)
        for begin in range(0, out.shape[1], block):
            self.engine.render(out[:, begin : begin + block], False)
        return out

    def close(self):
        for memory in (
            self.heard,
            self.obeyed,
            self.parameters,
            self.requests,
            self.clip,
            self.output,
        ):
            memory.close()


@pytest.fixture
def studio():
    studio = Studio()
    studio.clip.half(0)[:, :4800] = 0.25
    studio.clip.half(1)[:, :4800] = -0.25
    yield studio
    studio.close()


def largest_step(sound):
    return np.abs(np.diff(sound, axis=1)).max()


@pytest.mark.parametrize("block", [64, 128, 1000, 4096])
def test_sound_and_instrument_begin_anew_in_the_same_sample(studio, block):
    studio.play(True)
    studio.render(9000, block)
    studio.clip.half(0)[:, :9600] = -1e-6 * np.arange(9600)  # the instrument upside down
    studio.request(frames=9600, start=1200, sound_gain=1.0, instrument_gain=1.0)
    out = studio.render(7000, block)
    assert 0 < studio.engine.rack.instrument.at < 9000  # anew
    np.testing.assert_allclose(out[:, -100:], -1e-6 * 1200, atol=1e-8)


def test_to_change_over_is_seamless_and_nobody_loses_the_place(studio):
    studio.play(True)
    studio.request(frames=9600, sound_gain=1.0, instrument_gain=0.0)
    studio.clip.half(0)[:, :9600] = 0.25
    target = studio.render(4800)
    np.testing.assert_allclose(target[:, -100:], 0.25, rtol=1e-5)  # the instrument is silent
    at = studio.engine.rack.instrument.at
    studio.request(frames=9600, sound_gain=0.0, instrument_gain=1.0)
    match = studio.render(2400)
    assert studio.engine.rack.instrument.at == at + match.shape[1]  # not begun anew
    assert match[:, -100:].max() < 0.02
    studio.request(frames=9600, sound_gain=0.7, instrument_gain=0.7)
    both = studio.render(2400)
    assert both[:, -100:].min() > 0.7 * 0.25
    assert largest_step(np.hstack([target[:, 2000:], match, both])) < 1.2 * 0.25 / FADE


def test_the_sound_repeats_with_its_period(studio):
    studio.request(sound_gain=1.0, instrument_gain=0.0)
    out = studio.render(3 * 9600 + 2000)[0, 2000 : 2000 + 2 * 9600]
    heard = out > 0.2
    assert heard.mean() == pytest.approx(0.5, abs=1e-3)
    np.testing.assert_array_equal(heard[:9600], heard[9600:])
    assert 0.0 <= studio.audition.seconds < 0.2


def test_another_sound_takes_the_place_of_the_first_without_a_step(studio):
    for half in (0, 1):  # one that never pauses
        studio.clip.half(half)[:, :9600] = 0.25 * (1 - 2 * half)
    studio.request(frames=9600, sound_gain=1.0, instrument_gain=0.0)
    first = studio.render(4800)
    studio.request(serial=2, half=1, frames=9600, sound_gain=1.0, instrument_gain=0.0)
    second = studio.render(4800)
    np.testing.assert_allclose(second[:, -100:], -0.25, rtol=1e-5)
    assert largest_step(np.hstack([first, second])) < 1.2 * 0.25 / FADE


def test_another_version_is_crossfaded_to_where_the_first_one_is(studio):
    ramp = 1e-6 * np.arange(9600, dtype=np.float32)
    studio.clip.half(0)[:, :9600] = [0.25 + ramp, 0.125 + ramp]  # in stereo
    studio.clip.half(1)[:, :9600] = [-0.25 + ramp, -0.125 + ramp]
    sound = {"frames": 9600, "period": 9600, "sound_gain": 1.0, "instrument_gain": 0.0}
    studio.request(**sound)
    before = studio.render(4800)
    at = round(studio.audition.seconds * RATE)
    studio.request(**sound, half=1)
    during = studio.render(7680)
    place = round(studio.audition.seconds * RATE)
    assert place == (at + 7680) % 9600  # not begun anew
    heard = during[:, -1 : -1 - BLOCK : -1]
    wanted = ramp[(place - studio.latency - 1 - np.arange(BLOCK)) % 9600]
    np.testing.assert_allclose(heard, [wanted - 0.25, wanted - 0.125], atol=1e-6)
    steps = largest_step(np.hstack([before[:, 2000:], during]))
    assert steps < 1.2 * 0.5 / (CROSSFADE_SECONDS * RATE) + 0.0096  # and the loop's own step


@pytest.mark.parametrize("playing", [False, True])
def test_afterwards_the_transport_is_as_it_was(studio, playing):
    studio.play(playing)
    studio.clip.half(0)[:, :9600] = 0.25
    studio.request(frames=9600, sound_gain=1.0, instrument_gain=0.0)
    before = studio.render(4800)
    studio.leave()
    after = studio.render(4800)
    assert (after[:, -100:].max() > 0.003) == playing
    assert after[:, -100:].max() < 0.02
    assert studio.audition.seconds == -1.0
    assert largest_step(np.hstack([before[:, 2000:], after])) < 1.2 * 0.25 / FADE
    if not playing:
        assert np.abs(after[:, FADE + 2 * BLOCK + studio.latency :]).max() == 0.0


def test_a_sound_for_another_rate_is_not_heard(studio):
    studio.request(sample_rate=44100, sound_gain=1.0, instrument_gain=0.0)
    assert not studio.render(4800).any()
    studio.play(True)
    assert studio.render(4800)[:, -1].max() > 0.003


def test_loud_sounds_pass_the_limiter(studio):
    studio.request(sound_gain=8.0, instrument_gain=1.0)
    assert np.abs(studio.render(9600)).max() < 0.9


def test_nothing_is_allocated(studio):
    studio.play(True)
    block, peaks = np.zeros((2, 4096), np.float32), []
    with tracing() as peak_of:
        for i in range(40):
            if i % 5 == 0:
                studio.request(serial=1 + i // 10, sound_gain=float(i % 2), instrument_gain=0.5)
            studio.engine.fade.open = i % 3 > 0
            peaks.append(peak_of(studio.engine.render, block, False))
    assert np.reshape(peaks, (-1, 10)).min(axis=0).max() < 8192  # views; a row of samples has 16384
