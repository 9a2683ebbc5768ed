"""An input that is tracked, where there is no microphone."""

import time

from mesosynth.matching.results import TrackedTheta
from mesosynth.system.jobs import Stepped


class HeardJobs:
    """Jobs that hear gamma at 4, in place of those that listen to an input."""

    pid = None

    def begin(self, *_):
        return self

    def poll(self):
        estimate = TrackedTheta(
            "following", {"gamma": 4.0}, {"gamma": 0.1}, 0.01, 0.9, 0.3, -20.0, time.monotonic()
        )
        return [(self, Stepped(estimate))]

    def send(self, values):
        pass

    def cancel(self, name):
        pass

    def close(self):
        pass


def let_it_be_heard(monkeypatch, session):
    """Give `session` an input with a sound in it."""
    monkeypatch.setattr(session.tracking, "_jobs", HeardJobs())
    monkeypatch.setattr(session._audio, "start_recording", lambda name=None: 48000)
    monkeypatch.setattr(session.tracking, "_input_is_gone", lambda: False)
