"""Fears: what is followed cannot be held, is lost with the microphone, or spoils a take."""

import contextlib
import os
import signal
import time

import pytest
from recorder import Recorder

from mesosynth.engine.process import AudioProcess
from mesosynth.errors import ArgumentError, DeviceError
from mesosynth.instruments.chirplet import Chirplet
from mesosynth.session import Session

pytestmark = pytest.mark.usefixtures("real_time")

TARGET = {"f_c": 700.0, "f_m": 11.0, "w": 2.0, "period": 0.4, "gain": 0.0}
PATIENCE = 40.0  # s; it takes some three where nobody else computes


@contextlib.contextmanager
def a_session_that_hears():
    """A session without a card, whose default input is what the target plays."""
    session = Session("silent")
    try:
        seen = Recorder(session)
        seen.wait("device.changed")
        with AudioProcess("chirplet", "vsink") as target:
            assert target.wait_ready(20)
            play(target, 4.0)
            target.parameters.set_playing(True)
            yield session, target, seen
    finally:
        session.close()


def play(target, gamma):
    target.parameters.set_values(Chirplet.parameters.vector({**TARGET, "gamma": gamma}))


def hears(seen, target, gamma):
    """Poll until theta has been found."""

    def found(state):
        target.status()  # brings its card back, if the machine stood still
        return (
            state.hearing == "following"
            and state.confidence > 0.5
            and state.theta.get("gamma") == pytest.approx(gamma, rel=0.15)
            # It is left out where the sound does not determine it for a moment.
            and state.theta.get("f_c") == pytest.approx(TARGET["f_c"], rel=0.15)
        )

    seen.wait("tracking.changed", PATIENCE, found)


def says(seen, words):
    """Poll until there is such a message."""
    seen.wait("messages.said", PATIENCE, lambda text, _: words in text)


def test_the_input_drives_the_sound_until_it_is_frozen_or_vanishes(pulse):
    with a_session_that_hears() as (session, target, seen):
        session.tracking.start()
        assert session.tracking.running
        hears(seen, target, 4.0)
        assert session.sound.values["gamma"] == pytest.approx(4.0, rel=0.15)
        assert session.sound.values["f_c"] == pytest.approx(TARGET["f_c"], rel=0.15)

        session.tracking.freeze(True)
        held = dict(session.sound.values)
        play(target, 8.0)
        hears(seen, target, 8.0)
        assert session.sound.values == held
        session.tracking.freeze(False)
        hears(seen, target, 8.0)
        assert session.sound.values["gamma"] == pytest.approx(8.0, rel=0.2)

        os.kill(session.tracking.pid, signal.SIGKILL)
        says(seen, "follower had ended")
        assert session.tracking.running

        held = dict(session.sound.values)
        pulse.kill()
        says(seen, "input has gone")
        assert not session.tracking.running
        assert session.sound.values == held
    told = seen.of("tracking.changed")
    assert [state.running for state in (told[0], told[-1])] == [True, False]
    assert all(0.0 < state.lag < 60.0 for state in told if state.hearing == "following")


def test_a_take_and_following_hear_the_same_input(pulse):
    with a_session_that_hears() as (session, _, seen):
        session.tracking.start()
        session.capture.start_take()
        time.sleep(1.0)
        session.poll()
        session.tracking.stop()
        time.sleep(0.5)
        session.poll()
        session.capture.stop_take()
        seen.wait("target.loaded", PATIENCE)
        assert session.target.sound is not None
        assert session.device.status().recording_rate == 0


def test_what_cannot_be_followed_is_refused_with_a_sentence(no_card):
    session = Session("silent")
    try:
        Recorder(session).wait("device.changed")
        with pytest.raises(ArgumentError, match="track the input first"):
            session.tracking.freeze(True)
        with pytest.raises(DeviceError, match="input"):
            session.tracking.start()
        assert not session.tracking.running
    finally:
        session.close()
