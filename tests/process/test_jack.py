"""Fears: the device hears something else than the voice plays, or runs dry, or dies."""

import multiprocessing
import os
import time

import numpy as np
import pytest
from servers import JackCapture

from mesosynth.engine.limiter import Limiter
from mesosynth.engine.portaudio import list_devices
from mesosynth.engine.process import AudioProcess
from mesosynth.engine.rack import render
from mesosynth.errors import DeviceError
from mesosynth.instruments.chirplet import Chirplet

pytestmark = pytest.mark.usefixtures("real_time")

SECONDS = 4
RATE = 48000


def keep_busy(seconds):
    """What a matcher does to the machine: one thread of matrix products, politely."""
    os.nice(10)
    end, matrix = time.monotonic() + seconds, np.ones((300, 300))
    while time.monotonic() < end:
        matrix @ matrix


def test_what_jack_captures_is_what_the_voice_renders(jack, until):
    values = {"gamma": 3.0, "period": 0.4, "gain": 0.0}
    load = multiprocessing.get_context("spawn").Process(target=keep_busy, args=(SECONDS + 1,))
    load.start()
    # It also hears how long the audio process takes to start.
    with JackCapture(SECONDS + 40) as ear, AudioProcess("chirplet", "system", block=128) as audio:
        assert audio.wait_ready(20)
        audio.parameters.set_values(Chirplet.parameters.vector(values))
        ear.connect()
        before = ear.xruns
        audio.parameters.set_playing(True)
        time.sleep(SECONDS)
        status, captured, xruns = audio.status(), ear.samples.copy(), ear.xruns - before
    load.join()
    assert (status.device, status.sample_rate, status.block) == ("system", 48000, 128)
    assert status.underflows < 0.5 * status.blocks
    rendered = render("chirplet", values, SECONDS + 2, RATE, 128)
    begin = np.flatnonzero(captured[0])[0] - np.flatnonzero(rendered[0])[0]
    assert begin % 128 == Limiter(RATE).latency
    for channel, voice in zip(captured[:, begin:], rendered, strict=True):
        blocks, same = blocks_in_order(channel, voice)
        assert blocks > (SECONDS - 1) * RATE / 128
        # Every block, bit by bit. Where the machine is so busy that JACK reports a block that came
        # too late, or gives up a cycle of its own, that one may be missing, and no other.
        assert same >= blocks - 4 * (1 + status.underflows) - xruns, (blocks - same, xruns)


def blocks_in_order(captured, rendered):
    """How many blocks were captured, and how many of them are the next ones of the rendered."""
    pieces = captured[: len(captured) // 128 * 128].reshape(-1, 128)
    expected, place, same = rendered[: len(rendered) // 128 * 128].reshape(-1, 128), 0, 0
    for piece in pieces:
        for lost, candidate in enumerate(expected[place : place + 64]):
            if np.array_equal(piece, candidate):
                place, same = place + lost + 1, same + 1
                break
    return len(pieces), same


def test_every_callback_is_in_the_books(jack):
    with AudioProcess("chirplet", block=128) as audio:
        assert audio.wait_ready(20)
        books = []
        for _ in range(12):
            books.append((time.monotonic(), audio.status().blocks))
            time.sleep(0.25)
        status = audio.status()
    seconds, blocks = np.diff(books, axis=0).T
    # JACK leaves blocks out where the machine is late, least in the best quarter of a second.
    assert 0.7 < max(blocks / seconds) / (RATE / 128) < 1.05
    assert 0 < status.callback_ms_median < 1000 * 128 / RATE
    assert 0 < status.latency < 0.1


def test_devices_are_listed_and_a_wrong_name_lists_them_too(jack):
    device, *_ = list_devices()
    assert (device.name, device.outputs, device.inputs) == ("system", 2, 2)
    assert device.default_output
    assert "JACK" in device.host_api
    with AudioProcess("chirplet", "loudspeaker") as audio:
        with pytest.raises(DeviceError, match="'system'"):
            audio.wait_ready(20)
        assert audio.status().silent


def test_a_refused_sample_rate_is_told_with_the_devices_own(jack):
    audio = AudioProcess("chirplet", "system", sample_rate=12345)
    with audio, pytest.raises(DeviceError, match=r"12345.*48000"):
        audio.wait_ready(20)


def test_a_killed_server_leaves_the_silent_clock(jack, until):
    with AudioProcess("chirplet", "SYS") as audio:
        assert audio.wait_ready(20)
        audio.parameters.set_playing(True)
        assert not audio.status().silent
        jack.kill()
        until(lambda: audio.status().silent, 10, "the silent clock")
        assert "'system'" in audio.status().message
        blocks = audio.status().blocks
        until(lambda: audio.status().blocks > blocks + 200, 30, "sound that goes on")
        assert audio.alive  # PortAudio aborts the process if the dead stream is closed
