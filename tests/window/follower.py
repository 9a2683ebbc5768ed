"""Somebody to follow, where there is no microphone."""

import time

from mesosynth.matching.results import Followed


class Follower:
    """Hears gamma at 4, in place of the process that listens to an input."""

    alive, pid = True, None

    def __init__(self, *_):
        pass

    def poll(self):
        return Followed(
            "following", {"gamma": 4.0}, {"gamma": 0.1}, 0.01, 0.9, 0.3, -20.0, time.monotonic()
        )

    def hold(self, values):
        pass

    def close(self):
        pass


def let_it_be_heard(monkeypatch, session):
    """Give `session` an input that somebody plays into."""
    monkeypatch.setattr("mesosynth.session.tracking.FollowerProcess", Follower)
    monkeypatch.setattr(session._audio, "start_recording", lambda: 48000)
    monkeypatch.setattr(session.tracking, "_input_is_gone", lambda: False)
