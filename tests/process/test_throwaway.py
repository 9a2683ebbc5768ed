"""The fear: what the audio process asks of another process holds up its callback."""

import json
import os
import threading

import pytest

from mesosynth.engine.throwaway import run_throwaway
from mesosynth.system import cpu as cores

pytestmark = [
    pytest.mark.beside,
    pytest.mark.skipif(
        not hasattr(os, "sched_setscheduler"), reason="this system has no such priorities"
    ),
]
TELL = "import os; print([os.sched_getscheduler(0), *os.sched_getaffinity(0)])"


def with_priority(ask):
    """What `ask` returns in a thread that has the audio process's priority, and what it left."""
    answers = []

    def run():
        try:
            os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(10))
        except PermissionError:
            return
        answers.extend((ask(), os.sched_getscheduler(0), os.sched_getaffinity(0)))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if not answers:
        pytest.skip("no real-time priority here")
    return answers


@pytest.mark.skipif(cores.cores() < 2, reason="one core for all")
def test_it_has_no_priority_and_is_not_where_the_sound_plays():
    everywhere = os.sched_getaffinity(0)
    with cores.playing_apart():
        plays = os.sched_getaffinity(0)
    done, policy, kept = with_priority(lambda: run_throwaway(TELL, seconds=20.0))
    theirs, *computes = json.loads(done.stdout)
    assert theirs == os.SCHED_OTHER
    assert set(computes) == everywhere - plays
    assert (policy, kept) == (os.SCHED_FIFO, everywhere)  # who asks stays as it was
