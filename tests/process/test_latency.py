"""The fear: a gesture that is heard late.

Frames are counted on JACK's own clock, from the call to the sample that the device hears. The
limiter's look-ahead is part of what is measured.
"""

import time

import numpy as np
import pytest
from servers import JackCapture

from mesosynth.engine.limiter import Limiter
from mesosynth.engine.process import AudioProcess
from mesosynth.instruments.chirplet import Chirplet
from mesosynth.plugins.plugin import EventKind

pytestmark = pytest.mark.usefixtures("real_time")

RATE, BLOCK, TIMES = 48000, 128, 20
LOOK_AHEAD = Limiter(RATE).latency
VECTOR = Chirplet.parameters.vector
HUM = {"f_c": 1500.0, "gamma": 1.0, "w": 4.0, "am_depth": 0.0, "period": 0.2}


@pytest.fixture
def stage(jack):
    """An audio process that JACK plays, an ear at JACK, and the device's own latency in frames."""
    with (
        JackCapture(60, on_clock=True) as ear,
        AudioProcess("chirplet", "system", block=BLOCK) as audio,
    ):
        assert audio.wait_ready(20)
        ear.connect()
        yield audio, ear, round(audio.status().latency * RATE) - LOOK_AHEAD


def delay_to(audio, ear, gesture, level):
    """Frames from `gesture()` on to the first sample louder than `level`.

    None where the machine was late with a cycle, or with us, or a block was missed in between: that
    has a bound of its own; and where it is loud already.
    """

    def missed():
        status = audio.status()
        return status.underflows, status.overruns

    gaps, before = missed(), ear.now()
    gesture()
    after = ear.now()
    deadline = time.monotonic() + 5.0
    while not len(loud := np.flatnonzero(np.abs(ear.samples[0, before:]) > level)):
        assert time.monotonic() < deadline, "nothing is heard"
        time.sleep(0.01)
    undisturbed = loud[0] and after - before < BLOCK // 8
    time.sleep(3 * BLOCK / RATE)  # a block that is missed is counted with the next
    in_time = missed() == gaps and ear.in_time(before - 2 * BLOCK, before + loud[0] + 2 * BLOCK)
    return loud[0] if undisturbed and in_time else None


def delays_of(trial):
    """Delays of the first `TIMES` trials that nothing disturbed, of at most five times as many."""
    delays = []
    for i in range(5 * TIMES):
        if (delay := trial(i)) is not None:
            delays.append(delay)
        if len(delays) == TIMES:
            break
    print(f"{np.percentile(delays, [0, 50, 90, 100])} frames in {len(delays)} of {i + 1} trials")
    assert len(delays) >= TIMES // 2, "the machine is too busy to tell"
    return delays


def longest_delay(trial, bound):
    """Longest delay of a round of trials, or the least of three: a block too many is in each."""
    longest = max(delays_of(trial))
    for _ in range(2):
        if longest > bound:
            longest = min(longest, max(delays_of(trial)))
    return longest


def test_a_knob_is_heard_within_a_block_and_the_devices_buffer(stage):
    audio, ear, device = stage
    audio.parameters.set_values(VECTOR({**HUM, "gain": -60.0}))
    audio.parameters.set_playing(True)
    time.sleep(2.0)

    def trial(i):
        still = np.abs(ear.samples[0, -2400:]).max()
        delay = delay_to(
            audio,
            ear,
            lambda: audio.parameters.set_values(VECTOR({**HUM, "gain": -6.0})),
            3.0 * still,
        )
        audio.parameters.set_values(VECTOR({**HUM, "gain": -60.0}))
        time.sleep(0.11 + 0.0007 * (i % TIMES))  # at another place of the block each time
        return delay

    assert longest_delay(trial, BLOCK + device) <= BLOCK + device


def test_a_note_is_heard_within_two_blocks_and_the_devices_buffer(stage):
    audio, ear, device = stage
    audio.parameters.set_values(VECTOR({"release": 0.02, "gain": 0.0}))
    time.sleep(0.3)

    def trial(i):
        delay = delay_to(audio, ear, lambda: audio.keys.push(EventKind.NOTE_ON, 0, 69, 1.0), 1e-5)
        audio.keys.push(EventKind.NOTE_OFF, 0, 69, 0.0)
        time.sleep(0.15 + 0.0007 * (i % TIMES))
        return delay

    assert longest_delay(trial, 2 * BLOCK + device) <= 2 * BLOCK + device
