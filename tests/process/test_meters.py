"""Fears: a meter that lies, or that cannot be reset."""

# pyright: basic, reportAttributeAccessIssue=false

import time

import numpy as np
import pytest

from mesosynth.engine.callback import Engine
from mesosynth.engine.meters import FALL, REMEMBERED, Levels, Load, usual
from mesosynth.engine.process import AudioProcess
from mesosynth.engine.rack import Rack
from mesosynth.engine.shared import ParameterBlock, SoundRing
from mesosynth.engine.slot import VECTOR
from mesosynth.engine.status import AudioStatus, StatusBlock
from mesosynth.instruments.chirplet import Chirplet

RATE = 48000


def measured(sound, block=128):
    levels = Levels()
    levels.prepare(RATE)
    for begin in range(0, sound.shape[1], block):
        levels.measure(sound[:, begin : begin + block], 0.0)
    return levels


@pytest.mark.parametrize("block", [16, 128, 4800])
def test_rms_and_peak_of_a_sine_and_of_silence(block):
    t = np.arange(2 * RATE) / RATE
    sine = np.sin(2 * np.pi * 440 * t)
    levels = measured(np.stack([0.5 * sine, 0.0 * t]).astype(np.float32), block)
    assert levels.peak == pytest.approx([0.5, 0.0], rel=0.02)
    assert levels.rms == pytest.approx([0.5 / np.sqrt(2), 0.0], rel=0.02)


def test_a_peak_is_shown_at_once_and_falls_slowly():
    sound = np.zeros((2, RATE), np.float32)
    sound[0, 10] = 1.0
    assert measured(sound[:, :128]).peak[0] == 1.0
    fallen = 20 * np.log10(measured(sound).peak[0])
    assert fallen == pytest.approx(-FALL, rel=0.01)  # in one second


def test_a_block_that_computed_too_long_is_told_from_one_that_waited():
    load = Load()
    clock = [(10.0, 1.0), (10.004, 1.0035), (10.010, 1.005), (10.013, 1.0206), (10.03, 0.5)]
    seen = []
    for now, busy in clock:
        load.note_processor(now, busy, 0.003)
        seen.append(load.heavy)
    # The second computed; the third waited; then the clock ticked, then it is another thread's.
    assert seen == [0, 1, 1, 1, 1]
    load.reset()
    assert load.heavy == 0


def compute(seconds):
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass


def test_load_tells_the_median_of_late_and_the_longest_of_all():
    load = Load()
    assert usual(load.times, load.noted) == (0.0, 0.0)
    load.note(0.5, 0.9)
    assert usual(load.times, load.noted) == (0.5, 0.9)
    for _ in range(REMEMBERED):
        load.note(0.001, 0.25)
    assert usual(load.times, load.noted) == (0.001, 0.25)
    assert (load.longest, load.largest) == (0.5, 0.9)
    load.note(0.003, 1.1)
    assert load.overruns == 1
    load.reset()
    load.note(0.002, 0.5)
    assert usual(load.times, load.noted) == (0.002, 0.5)
    assert (load.longest, load.largest, load.overruns) == (0.002, 0.5, 0)


def test_underflows_and_peaks_are_counted_anew_when_asked():
    with (
        ParameterBlock(VECTOR) as said,
        ParameterBlock(VECTOR, said.name) as heard,
        SoundRing() as output,
    ):
        engine = Engine(Rack(Chirplet()), heard, output)
        engine.prepare(RATE, 128)
        vector = np.zeros(VECTOR)
        vector[: len(Chirplet.parameters)] = Chirplet.parameters.vector({"gain": 0.0})
        said.write(vector, playing=True)
        block = np.zeros((2, 128), np.float32)
        for i in range(400):
            engine.render(block, underflow=i % 100 == 0)
        assert engine.underflows == 4
        assert 0.1 < engine.rack.peak <= engine.levels.true_peak * 1.001
        assert engine.load.largest > 0.0
        engine.reset_meters()
        assert engine.underflows == 0
        assert (engine.rack.peak, engine.levels.true_peak) == (0.0, 0.0)
        assert engine.blocks == 400


@pytest.mark.parametrize(("passes", "computed"), [(time.sleep, 0), (compute, 1)])
def test_a_block_that_waited_too_long_is_told_from_one_that_had_too_much_to_do(passes, computed):
    with ParameterBlock(VECTOR) as heard, SoundRing() as output:
        engine = Engine(Rack(Chirplet()), heard, output)
        engine.prepare(RATE, 128)
        engine.fade.process = lambda block: passes(0.01)
        for _ in range(9):
            engine.render(np.zeros((2, 128), np.float32), False)
        assert engine.load.overruns == 9
        assert engine.load.heavy >= computed
        assert computed or not engine.load.heavy
        del engine


def test_what_the_callback_counts_is_read_under_its_own_name():
    with ParameterBlock(VECTOR) as heard, SoundRing() as output, StatusBlock() as status:
        rack = Rack(Chirplet())
        engine = Engine(rack, heard, output, status=status)
        engine.prepare(RATE, 128)
        block = np.zeros((2, 128), np.float32)
        engine.render(block, False)
        engine.blocks, engine.underflows = 20, 30
        engine.load.overruns, engine.load.heavy = 40, 35
        rack.peak, engine.levels.true_peak = 0.1, 0.2
        engine.levels.peak, engine.levels.rms = [0.3, 0.4], [0.5, 0.6]
        engine.load.longest, engine.load.largest, engine.load.noted = 0.7, 0.8, 0
        engine._tell()
        assert status.read() == AudioStatus(
            block=128, blocks=20, underflows=30, overruns=40, heavy=35,
            callback_ms_max=700.0, load_max=0.8, peak=0.1, true_peak=0.2, peak_left=0.3,
            peak_right=0.4, rms_left=0.5, rms_right=0.6,
        )  # fmt: skip
        del engine


def test_the_session_resets_and_reads_them(until):
    with AudioProcess("chirplet", "silent") as audio:
        assert audio.wait_ready(20)
        audio.parameters.set_values(Chirplet.parameters.vector({"gain": 0.0, "period": 0.2}))
        audio.parameters.set_playing(True)
        until(lambda: audio.status().true_peak > 0.3, 30, "a true peak")
        status = audio.status()
        assert 0.0 < status.rms_left <= status.peak_left <= 1.0
        assert 0.0 < status.load <= status.load_max
        audio.parameters.set_playing(False)
        until(lambda: not audio.scope(4800).any(), 10, "silence")
        audio.reset_meters()
        assert audio.status().true_peak == 0.0
