"""The fear: the sound shares a core with what computes, and so its caches."""

import contextlib
import os

import pytest

from mesosynth.session import Session
from mesosynth.system import cpu as cores

pytestmark = [
    pytest.mark.skipif(
        not hasattr(os, "sched_getaffinity"), reason="this system does not let us choose cores"
    ),
    pytest.mark.usefixtures("real_time"),
]


@pytest.mark.parametrize(
    ("allowed", "plays", "computes"),
    [
        ({0, 1}, {1}, {0}),
        ({2, 5, 7}, {5}, {2, 7}),
        (set(range(16)), {1, 2}, {0, *range(3, 16)}),
        ({3}, {3}, {3}),
    ],
)
def test_the_sound_has_cores_of_its_own_where_there_are_enough(
    monkeypatch, allowed, plays, computes
):
    kept = []
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: allowed)
    monkeypatch.setattr(os, "sched_setaffinity", lambda _, to: kept.append(to))
    with cores.playing_apart():
        assert kept == [plays]
    assert cores.worker_threads() == len(computes)
    with cores.computing_apart():
        assert kept == [plays, allowed, computes]


def test_where_the_system_refuses_or_has_no_such_thing_all_goes_on(monkeypatch):
    def refuse(*_):
        raise PermissionError

    monkeypatch.setattr(os, "sched_setaffinity", refuse)
    with cores.playing_apart():
        pass
    monkeypatch.delattr(os, "sched_getaffinity")
    with cores.playing_apart(), cores.computing_apart():
        assert cores.worker_threads() >= 1


@pytest.mark.skipif(cores.cores() < 2, reason="one core for all")
def test_the_callback_and_the_matcher_are_apart_and_the_rest_goes_where_it_likes(no_card, until):
    everywhere = os.sched_getaffinity(0)
    with contextlib.closing(Session("silent")) as session:
        until(lambda: session.poll() or session.device.status(), 30, "sound")

        def threads(pid):
            return [os.sched_getaffinity(int(tid)) for tid in os.listdir(f"/proc/{pid}/task")]

        (callback,) = (kept for kept in threads(session.device.pid) if kept != everywhere)
        assert os.sched_getaffinity(session.device.pid) == everywhere  # its main thread
        # Torch tries one core after the other while it is imported.
        until(lambda: not callback & os.sched_getaffinity(session.match.pid), 30, "kept apart")
    assert os.sched_getaffinity(0) == everywhere
