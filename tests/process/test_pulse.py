"""Fears: a user hears nothing, records nothing, or loses the card for good."""

import contextlib
import os
import signal
import subprocess
import time

import numpy as np
import pytest
from servers import program

from mesosynth.engine.process import AudioProcess
from mesosynth.instruments.chirplet import Chirplet

pytestmark = pytest.mark.usefixtures("real_time")

VALUES = Chirplet.parameters.vector({"gamma": 8.0, "period": 0.1, "gain": 0.0})


@contextlib.contextmanager
def monitor():
    """What comes out of the null sink; the list is filled at the end."""
    parec = program("parec", "pulseaudio-utils")
    command = [parec, "--device=vsink.monitor", "--format=float32le", "--rate=48000",
               "--channels=1", "--raw"]  # fmt: skip
    heard = []
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        yield heard
        process.terminate()
        heard.append(np.frombuffer(process.stdout.read(), np.float32))


def test_a_user_hears_and_records_it(pulse, until):
    with AudioProcess("chirplet") as audio:
        assert audio.wait_ready(20)
        audio.parameters.set_values(VALUES)
        audio.parameters.set_playing(True)
        with monitor() as heard:
            audio.start_recording()
            assert audio.recording_rate > 0
            time.sleep(1.5)
            assert 0.0 < audio.status().latency_in < 1.0
            audio.stop_recording()
        recorded = audio.read_recording()
        status = audio.status()
    assert not status.silent
    assert status.latency_in == 0.0
    assert 0.5 < np.abs(heard[0]).max() < 1.0
    assert len(recorded) > 24000
    assert 0.5 < np.abs(recorded).max() < 1.0


def test_a_machine_that_stands_still_for_a_second_keeps_its_card(pulse, until):
    with AudioProcess("chirplet", "vsink") as audio:
        assert audio.wait_ready(20)
        for what, pid, seconds in (
            (signal.SIGSTOP, pulse.pid, 0.3), (signal.SIGSTOP, audio.pid, 1.0),
            (signal.SIGCONT, audio.pid, 0.1), (signal.SIGCONT, pulse.pid, 0.3),
        ):  # fmt: skip
            os.kill(pid, what)
            time.sleep(seconds)
        status = audio.status()
        until(lambda: audio.status().blocks > status.blocks, 30, "sound")
        assert not status.silent, status


def test_a_killed_server_is_survived_and_comes_back(pulse, until):
    with AudioProcess("chirplet", "vsink") as audio:
        assert audio.wait_ready(20)
        audio.parameters.set_values(VALUES)
        audio.parameters.set_playing(True)
        until(lambda: audio.status().peak > 0.5, 30, "sound")
        pulse.kill()
        until(lambda: audio.status().silent and audio.alive, 10, "the silent clock")
        assert "'vsink'" in audio.status().message
        until(lambda: np.abs(audio.scope(4800)).max() > 0.5, 30, "sound that goes on")
        pulse.start()
        until(lambda: audio.status().running and not audio.status().silent, 30, "the card")
        with monitor() as heard:
            time.sleep(1.0)
    assert np.abs(heard[0]).max() > 0.5
