"""The fear: what was found for one instrument is judged by another, and the matcher dies of it."""

import time

from mesosynth.audio.file import load_target
from mesosynth.matching.process import MatcherProcess
from mesosynth.matching.requests import Ended, Stepped
from mesosynth.system.paths import resource


def wait_for(process, kind):
    deadline = time.monotonic() + 120.0
    while not any(isinstance(reply, kind) for reply in process.poll()):
        assert time.monotonic() < deadline, kind
        time.sleep(0.002)


def test_another_instrument_during_a_match_does_not_cost_the_process():
    process = MatcherProcess()
    process.start()
    try:
        process.set_target(load_target(resource("assets", "demo.wav")))
        process.start_match()
        wait_for(process, Stepped)
        process.choose("ripple")  # and the match goes on to its end
        wait_for(process, Ended)
        pid, deadline = process.pid, time.monotonic() + 2.0
        while time.monotonic() < deadline:
            process.poll()
            assert process.pid == pid
            time.sleep(0.02)
    finally:
        process.close()
