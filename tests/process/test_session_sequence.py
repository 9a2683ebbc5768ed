"""The fears: a sequence that plays late, does not let go, or is lost with its process."""

import contextlib
import os
import signal
import threading
import time

import numpy as np
import pytest
from recorder import Recorder
from sequences import matched, moving, write_moving

from mesosynth.errors import ArgumentError
from mesosynth.session import Session

pytestmark = pytest.mark.usefixtures("real_time")


@pytest.fixture(scope="module")
def session():
    session = Session(device="silent")
    deadline = time.monotonic() + 20.0
    while session.device.status() is None:
        session.poll()
        assert time.monotonic() < deadline
        time.sleep(0.02)
    yield session
    session.close()


@pytest.fixture
def played(session):
    """A session with a sequence of four seconds."""
    session.sequence.stop_playing()
    session.sound.set(session.sound.parameters.defaults())
    session.sequence.matched = matched(4.0, moving(4.0, rest=(2.0, 3.0)))
    session.sequence.loops = False
    session.sequence.smooth(0.0)
    session.sequence.seek(0.0)
    session.poll()
    return session


def poll_until(session, done, seconds=20.0):
    """What came until then."""
    seen = Recorder(session)
    seen.until(lambda: done(seen), seconds)
    return seen


@contextlib.contextmanager
def standing_still(pid, seconds=0.04, every=0.16):
    """A process that is stopped for a moment, again and again, as by a busy machine."""
    done = threading.Event()

    def stop():
        while not done.wait(every):
            os.kill(pid, signal.SIGSTOP)
            time.sleep(seconds)
            os.kill(pid, signal.SIGCONT)

    thread = threading.Thread(target=stop)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def ended(seen):
    return any(not playing for playing, _ in seen.of("sequence.moved"))


def test_it_plays_in_time_and_gives_the_sound_back(played):
    before = {id_: played.sound.values[id_] for id_ in ("period", "sync")}
    played.sequence.play()
    with standing_still(played.device.pid):
        seen = poll_until(played, ended)
    rate = played.device.status().sample_rate
    audio = played.device.scope(round(5.5 * rate))
    moved = [values["f_c"] for values, _ in seen.of("sound.changed")]
    assert moved[-1] == pytest.approx(moving(4.0)[-1].theta["f_c"], rel=1e-6)
    assert {id_: played.sound.values[id_] for id_ in before} == before
    assert not played.sound.playing
    power = np.convolve(np.square(audio.astype(np.float64)), np.ones(200), "same")
    loud = np.flatnonzero(power > 0.05 * power.max())
    groups = np.split(loud, np.flatnonzero(np.diff(loud) > 0.3 * rate) + 1)
    middles = [np.average(group, weights=power[group]) / rate for group in groups]
    assert np.diff(middles) == pytest.approx([1.0, 2.0], abs=0.02)


def test_a_knob_that_is_moved_stays_in_the_hand(played):
    seen = Recorder(played)
    played.sequence.play()
    poll_until(played, lambda seen: played.sound.playing)
    played.sound.set({"w": 5.0})
    poll_until(played, lambda seen: played.sequence.position > 1.2)
    assert any("took over Bandwidth" in text for text in seen.texts())
    assert played.sound.values["w"] == 5.0
    assert played.sound.values["f_c"] != played.sound.parameters["f_c"].default
    played.sequence.stop_playing()


def test_the_transport_ends_it_and_it_goes_on_from_there(played):
    played.sequence.play()
    poll_until(played, lambda seen: played.sequence.position > 1.0)
    played.sound.stop()
    poll_until(played, ended)
    assert not played.sequence.playing
    stood = played.sequence.position
    assert 0.9 < stood < 1.6
    played.sequence.play()
    assert played.sequence.position == pytest.approx(stood, abs=0.1)
    played.sequence.stop_playing()


def test_a_loop_begins_anew_and_a_jump_is_heard_there(played):
    played.sequence.loops = True
    played.sequence.play()
    played.sequence.seek(3.4)
    seen = poll_until(played, lambda seen: played.sequence.position > 4.5)
    seen += poll_until(played, lambda seen: played.sequence.position < 1.0)
    assert played.sequence.playing
    positions = [position for _, position in seen.of("sequence.moved")]
    assert max(positions) > 4.5
    played.sequence.stop_playing()


def test_there_is_nothing_to_play_before_anything_was_found(played, tmp_path):
    played.sequence.matched = None
    with pytest.raises(ArgumentError, match="no sequence"):
        played.sequence.play()
    with pytest.raises(ArgumentError, match="no sequence"):
        played.sequence.export(tmp_path / "theta.csv")


def test_a_sequence_survives_the_death_of_its_process(session, tmp_path):
    sound = write_moving(tmp_path / "moving.wav", 5.0, moments=moving(5.0))
    run = tmp_path / "run"
    session.sequence.start(sound, run=run)
    sequence = session.sequence
    found = lambda _: sequence.matched is not None and len(sequence.matched.moments) >= 2  # noqa: E731
    poll_until(session, found, 100.0)
    os.kill(session.sequence.pid, signal.SIGKILL)
    kept = list(session.sequence.matched.moments)
    done = lambda seen: any(not running for _, running in seen.of("sequence.changed"))  # noqa: E731
    seen = poll_until(session, done, 100.0)
    assert any("started again" in text for text in seen.texts())
    assert session.sequence.matched.finished
    assert session.sequence.matched.moments[: len(kept)] == kept
    session.sequence.export(tmp_path / "theta.csv")
    wrote = lambda seen: any("Wrote" in text for text in seen.texts())  # noqa: E731
    poll_until(session, wrote)
    assert len((tmp_path / "theta.csv").read_text().splitlines()) == 6
