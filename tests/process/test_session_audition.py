"""Fears: a target that is louder than its match, out of step, or lost with the audio process."""

import os
import signal

import numpy as np
import pytest
from recorder import Recorder

from mesosynth.audio.file import load_target, write_wav
from mesosynth.audio.loudness import largest_loudness
from mesosynth.audio.target import ANALYSIS_RATE, target_from_array
from mesosynth.engine.rack import render
from mesosynth.errors import TargetError
from mesosynth.instruments.layers import PARAMETERS as LAYERS_PARAMETERS
from mesosynth.session import Session
from mesosynth.session.comparison import Scene, plan
from mesosynth.system.paths import resource

pytestmark = pytest.mark.usefixtures("real_time")

DEMO = resource("assets", "demo.wav")
VALUES = {"f_c": 700.0, "f_m": 9.0, "gamma": 4.0, "w": 2.0, "gain": -24.0, "period": 1.1}
BEAT = 0.75
RATE = 44100


@pytest.fixture(scope="module")
def scene():
    """An arpeggio that is in the target as it is played, much louder, 0.75 s from its start.

    It is heard once in the four seconds, and live over and over.
    """
    audio = np.zeros(4 * ANALYSIS_RATE, np.float32)
    once = render("chirplet", {**VALUES, "period": 16.0}, 1.0, ANALYSIS_RATE)[0]
    begin = round(BEAT * ANALYSIS_RATE)
    audio[begin : begin + len(once)] = 10.0 * once
    target = target_from_array(audio, ANALYSIS_RATE)
    return Scene(target, None, BEAT, "chirplet", VALUES, (), RATE)


def test_target_and_instrument_are_equally_loud(scene):
    planned = plan(scene)
    played = render("chirplet", VALUES, 4.4, RATE)
    heard = np.stack([planned.gain * planned.samples] * 2)
    assert largest_loudness(heard, RATE) == pytest.approx(largest_loudness(played, RATE), abs=0.2)


def test_their_arpeggios_lie_over_each_other_again_and_again(scene):
    planned = plan(scene)
    assert planned.period == pytest.approx(4 * 1.1 * RATE, abs=1)
    loop = np.zeros(planned.period)
    loop[: len(planned.samples)] = planned.gain * planned.samples
    heard = np.tile(np.roll(loop, -planned.start), 2)
    played = render("chirplet", VALUES, 8.8, RATE)[0]
    there = np.abs(heard) > 0.5 * np.abs(heard).max()
    assert 1 <= np.count_nonzero(np.diff(np.flatnonzero(there)) > RATE) + 1 <= 3
    np.testing.assert_allclose(heard[there], played[there], atol=0.1 * np.abs(played).max())


def test_with_layers_the_target_comes_once_a_phrase_or_two(scene):
    levels = {"level_1": -6.0, "period_1": 0.5, "level_2": -9.0, "period_2": 2.5, "period_3": 9.0}
    values = LAYERS_PARAMETERS.complete(levels)
    planned = plan(Scene(scene.target, None, 0.3, "layers", values, (), RATE))
    assert planned.period == pytest.approx(5.0 * RATE, abs=1)
    assert planned.start == pytest.approx(0.3 * RATE, abs=1)


def test_what_cannot_be_heard_is_no_reason_to_be_silent(scene):
    silent = Scene(scene.target, None, None, "chirplet", {**VALUES, "gain": -60.0}, (), RATE)
    heard = plan(silent)
    assert largest_loudness(np.stack([heard.gain * heard.samples] * 2), RATE) == pytest.approx(
        -20, abs=0.2
    )


def test_a_short_sound_comes_again_as_soon_as_it_is_over():
    t = np.arange(round(0.48 * RATE)) / RATE
    crow = (0.3 * np.sin(2 * np.pi * 900.0 * t) * np.exp(-t / 0.1)).astype(np.float32)
    target = target_from_array(crow, RATE)
    values = LAYERS_PARAMETERS.complete({"level_1": -6.0, "period_1": 0.6, "period_2": 4.2})
    planned = plan(Scene(target, None, 0.0, "layers", values, (), RATE))
    assert planned.period == pytest.approx(0.6 * RATE, abs=1)
    assert len(planned.samples) == len(crow)


def test_of_a_file_all_is_heard_that_the_matcher_leaves_out(tmp_path):
    path = tmp_path / "long.wav"
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, 6 * RATE).astype(np.float32)
    write_wav(path, noise, RATE)
    heard = plan(Scene(load_target(path, 1.5), path, None, "chirplet", VALUES, (), RATE)).samples
    assert len(heard) == 6 * RATE
    assert np.corrcoef(heard, noise)[0, 1] > 0.999  # all of its band and time


class Listener(Recorder):
    """A session, and what can be heard of it."""

    def __init__(self):
        super().__init__(Session(device="silent"))

    def hears(self):
        status = self.session.device.status()
        loud = np.abs(self.session.device.scope(4800)).max() > 0.01
        return status is not None and status.running and status.audition >= 0.0 and loud

    def hears_nothing(self):
        return not self.session.device.scope(4800).any()


@pytest.fixture(scope="module")
def listener():
    listener = Listener()
    yield listener
    listener.session.close()


def test_without_a_target_there_is_nothing_to_hear(listener):
    with pytest.raises(TargetError, match="open or record"):
        listener.session.comparison.hear("target")
    assert listener.session.comparison.heard is None


def test_the_target_is_heard_though_nothing_plays_and_panic_ends_it(listener):
    session = listener.session
    session.target.load(DEMO)
    listener.until(lambda: session.target.sound is not None, 30, "its being read")
    session.comparison.hear("target")
    listener.until(listener.hears, 30, "the target")
    assert "target" in listener.of("comparison.changed")
    assert not session.sound.playing
    session.sound.panic()
    listener.until(listener.hears_nothing, 10, "silence")
    listener.until(lambda: None in listener.of("comparison.changed"), 30, "the end")


def test_the_match_is_heard_and_then_the_transport_is_as_it_was(listener):
    session = listener.session
    session.comparison.hear("match")
    listener.until(listener.hears, 30, "the instrument")
    session.comparison.hear(None)
    listener.until(listener.hears_nothing, 10, "silence")


@pytest.mark.parametrize("change", ["another rate", "kill -9"])
def test_it_is_heard_again_whatever_becomes_of_the_audio_process(listener, change):
    session = listener.session
    session.comparison.hear("target")
    listener.until(listener.hears, 30, "the target")
    pid = session.device.pid
    if change == "kill -9":
        os.kill(pid, signal.SIGKILL)
    else:
        session.device.set("silent", 44100, 256)
    listener.until(lambda: session.device.pid != pid, 30, "another process")
    listener.until(listener.hears, 30, "the target again")
    session.comparison.hear(None)


def test_a_knob_that_moves_is_followed_without_beginning_anew(listener):
    session = listener.session
    session.comparison.hear("target")
    listener.until(listener.hears, 30, "the target")
    before = np.abs(session.device.scope(96000)).max()
    session.sound.set({"gain": session.sound.values["gain"] - 20.0})
    listener.until(
        lambda: 0 < np.abs(session.device.scope(48000)).max() < 0.3 * before, 30, "a softer one"
    )
    session.sound.set({"gain": session.sound.parameters["gain"].default})
    session.comparison.hear(None)
