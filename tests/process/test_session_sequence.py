"""The fears: a sequence that plays late, does not let go, or is lost with its process."""

import os
import signal
import time

import numpy as np
import pytest
from sequences import matched, moving, write_moving

from mesosynth.errors import ArgumentError
from mesosynth.matching.automation import AutomationMoved, SequenceChanged
from mesosynth.session import Session, events

pytestmark = pytest.mark.usefixtures("real_time")


@pytest.fixture(scope="module")
def session():
    session = Session(device="silent")
    deadline = time.monotonic() + 20.0
    while session.audio_status() is None:
        session.poll()
        assert time.monotonic() < deadline
        time.sleep(0.02)
    yield session
    session.close()


@pytest.fixture
def played(session):
    """A session with a sequence of four seconds."""
    session.stop_automation()
    session.set_parameters(session.parameters.defaults())
    session.sequence = matched(4.0, moving(4.0, rest=(2.0, 3.0)))
    session.automation_loops = False
    session.smooth_sequence(0.0)
    session.seek_automation(0.0)
    session.poll()
    return session


def poll_until(session, done, seconds=20.0):
    """What came until then."""
    deadline, seen = time.monotonic() + seconds, []
    while time.monotonic() < deadline:
        seen += session.poll()
        if done(seen):
            return seen
        time.sleep(0.005)
    raise AssertionError(f"it did not come within {seconds} s: {[*map(type, seen)]}")


def ended(seen):
    return any(isinstance(e, AutomationMoved) and not e.playing for e in seen)


def test_it_plays_in_time_and_gives_the_sound_back(played):
    before = {id_: played.values[id_] for id_ in ("period", "sync")}
    played.play_automation()
    seen = poll_until(played, ended)
    rate = played.audio_status().sample_rate
    audio = played.scope(round(5.5 * rate))
    moved = [e.values["f_c"] for e in seen if isinstance(e, events.ParametersChanged)]
    assert moved[-1] == pytest.approx(moving(4.0)[-1].theta["f_c"], rel=1e-6)
    assert {id_: played.values[id_] for id_ in before} == before
    assert not played.playing
    power = np.convolve(np.square(audio.astype(np.float64)), np.ones(200), "same")
    loud = np.flatnonzero(power > 0.05 * power.max())
    groups = np.split(loud, np.flatnonzero(np.diff(loud) > 0.3 * rate) + 1)
    middles = [np.average(group, weights=power[group]) / rate for group in groups]
    assert np.diff(middles) == pytest.approx([1.0, 2.0], abs=0.02)


def test_a_knob_that_is_moved_stays_in_the_hand(played):
    played.play_automation()
    poll_until(played, lambda seen: played.playing)
    played.set_parameters({"w": 5.0})
    seen = poll_until(played, lambda seen: played.automation_position > 1.2)
    assert any("took over Bandwidth" in e.text for e in seen if isinstance(e, events.Message))
    assert played.values["w"] == 5.0
    assert played.values["f_c"] != played.parameters["f_c"].default
    played.stop_automation()


def test_the_transport_ends_it_and_it_goes_on_from_there(played):
    played.play_automation()
    poll_until(played, lambda seen: played.automation_position > 1.0)
    played.stop()
    poll_until(played, ended)
    assert not played.automation_playing
    stood = played.automation_position
    assert 0.9 < stood < 1.6
    played.play_automation()
    assert played.automation_position == pytest.approx(stood, abs=0.1)
    played.stop_automation()


def test_a_loop_begins_anew_and_a_jump_is_heard_there(played):
    played.automation_loops = True
    played.play_automation()
    played.seek_automation(3.4)
    seen = poll_until(played, lambda seen: played.automation_position > 4.5)
    seen += poll_until(played, lambda seen: played.automation_position < 1.0)
    assert played.automation_playing
    positions = [e.position for e in seen if isinstance(e, AutomationMoved)]
    assert max(positions) > 4.5
    played.stop_automation()


def test_there_is_nothing_to_play_before_anything_was_found(played, tmp_path):
    played.sequence = None
    with pytest.raises(ArgumentError, match="no sequence"):
        played.play_automation()
    with pytest.raises(ArgumentError, match="no sequence"):
        played.export_sequence(tmp_path / "theta.csv")


def test_a_sequence_survives_the_death_of_its_process(session, tmp_path):
    sound = write_moving(tmp_path / "moving.wav", 5.0, moments=moving(5.0))
    run = tmp_path / "run"
    session.match_sequence(sound, run=run)
    found = lambda seen: session.sequence is not None and len(session.sequence.moments) >= 2  # noqa: E731
    poll_until(session, found, 100.0)
    os.kill(session._sequencer.pid, signal.SIGKILL)
    done = lambda seen: any(isinstance(e, SequenceChanged) and not e.running for e in seen)  # noqa: E731
    seen = poll_until(session, done)
    assert any("start it again" in e.text for e in seen if isinstance(e, events.Message))
    kept = list(session.sequence.moments)
    session.match_sequence(sound, run=run)
    poll_until(session, done, 100.0)
    assert session.sequence.finished
    assert session.sequence.moments[: len(kept)] == kept
    session.export_sequence(tmp_path / "theta.csv")
    wrote = lambda seen: any(isinstance(e, events.Message) and "Wrote" in e.text for e in seen)  # noqa: E731
    poll_until(session, wrote)
    assert len((tmp_path / "theta.csv").read_text().splitlines()) == 6
