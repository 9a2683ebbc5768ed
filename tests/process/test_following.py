"""Fears: what is followed cannot be held, is lost with the microphone, or spoils a take."""

import contextlib
import os
import signal
import time

import pytest

from mesosynth.engine.process import AudioProcess
from mesosynth.errors import ArgumentError, DeviceError
from mesosynth.instruments.chirplet import Chirplet
from mesosynth.session import Session, events

pytestmark = pytest.mark.usefixtures("real_time")

TARGET = {"f_c": 700.0, "f_m": 11.0, "w": 2.0, "period": 0.4, "gain": 0.0}
PATIENCE = 40.0  # s; it takes some three where nobody else computes


@contextlib.contextmanager
def a_session_that_hears():
    """A session without a card, whose default input is what the target plays."""
    session = Session("silent")
    try:
        poll_until(session, lambda event: isinstance(event, events.Transport), [])
        with AudioProcess("chirplet", "vsink") as target:
            assert target.wait_ready(20)
            play(target, 4.0)
            target.set_playing(True)
            yield session, target
    finally:
        session.close()


def play(target, gamma):
    target.set_values(Chirplet.parameters.vector({**TARGET, "gamma": gamma}))


def poll_until(session, condition, log):
    deadline = time.monotonic() + PATIENCE
    while True:
        new = session.poll()
        log += new
        if any(condition(event) for event in new):
            return
        assert time.monotonic() < deadline, [e for e in log if isinstance(e, events.Message)]
        time.sleep(0.02)


def hears(gamma):
    def heard(event):
        return (
            isinstance(event, events.Followed)
            and event.hearing == "following"
            and event.confidence > 0.5
            and event.theta["gamma"] == pytest.approx(gamma, rel=0.15)
            and event.theta["f_c"] == pytest.approx(TARGET["f_c"], rel=0.15)
        )

    return heard


def says(words):
    return lambda event: isinstance(event, events.Message) and words in event.text


def test_the_input_drives_the_sound_until_it_is_frozen_or_vanishes(pulse):
    log = []
    with a_session_that_hears() as (session, target):
        session.start_following()
        assert session.following
        poll_until(session, hears(4.0), log)
        assert session.values["gamma"] == pytest.approx(4.0, rel=0.15)
        assert session.values["f_c"] == pytest.approx(TARGET["f_c"], rel=0.15)

        session.freeze_following(True)
        held = dict(session.values)
        play(target, 8.0)
        poll_until(session, hears(8.0), log)
        assert session.values == held
        session.freeze_following(False)
        poll_until(session, hears(8.0), log)
        assert session.values["gamma"] == pytest.approx(8.0, rel=0.2)

        os.kill(session.follower_pid, signal.SIGKILL)
        poll_until(session, says("follower had ended"), log)
        assert session.following

        held = dict(session.values)
        pulse.kill()
        poll_until(session, says("input has gone"), log)
        assert not session.following
        assert session.values == held
    told = [event for event in log if isinstance(event, events.Followed)]
    assert [event.running for event in (told[0], told[-1])] == [True, False]
    assert all(0.0 < event.lag < 60.0 for event in told if event.hearing == "following")


def test_a_take_and_following_hear_the_same_input(pulse):
    log = []
    with a_session_that_hears() as (session, _):
        session.start_following()
        session.start_recording()
        time.sleep(1.0)
        session.poll()
        session.stop_following()
        time.sleep(0.5)
        session.poll()
        session.stop_recording()
        poll_until(session, lambda event: isinstance(event, events.TargetLoaded), log)
        assert session.target is not None
        assert session.audio_status().recording_rate == 0


def test_what_cannot_be_followed_is_refused_with_a_sentence(no_card):
    session = Session("silent")
    try:
        poll_until(session, lambda event: isinstance(event, events.Transport), [])
        with pytest.raises(ArgumentError, match="follow the input first"):
            session.freeze_following(True)
        with pytest.raises(DeviceError, match="input"):
            session.start_following()
        assert not session.following
    finally:
        session.close()
