"""Fears: a descent that is lost with its process, cannot be paused, or is not as loud as it was."""

import os
import signal
import time

import numpy as np
import pytest
from recorder import Recorder

from mesosynth.audio.file import read_channels, write_wav
from mesosynth.audio.loudness import largest_loudness
from mesosynth.errors import ArgumentError, TargetError
from mesosynth.resynthesis.results import ResynthesisSettings
from mesosynth.session import Session
from mesosynth.session.resynthesis import Recipe, loop_of

pytestmark = pytest.mark.usefixtures("real_time")

RATE = 8192


def recipe(iterations=6, **settings):
    return Recipe(settings=ResynthesisSettings(iterations=iterations, **settings), seconds=0.5)


@pytest.fixture(scope="module")
def seen():
    """A session on the silent clock, and what it tells."""
    session = Session(device="silent")
    seen = Recorder(session)
    seen.until(lambda: session.device.status() is not None)
    yield seen
    session.close()


@pytest.fixture
def loaded(seen, tmp_path):
    """The session with half a second of a trill as its target, and no descent."""
    t = np.arange(RATE // 2) / RATE
    sound = 0.2 * np.sin(2 * np.pi * 700 * t + 8.0 * np.sin(2 * np.pi * 12 * t))
    write_wav(tmp_path / "trill.wav", np.stack([sound, 0.5 * sound]), RATE)
    seen.session.resynthesis.take_target()
    seen.session.target.load(tmp_path / "trill.wav")
    seen.clear()
    yield seen
    seen.session.resynthesis._forget()


def done(seen):
    """Poll until the descent has ended; the result."""
    part = seen.session.resynthesis
    seen.until(lambda: part._job is not None and not part.running, 60.0)
    return part.result


def test_it_goes_down_is_heard_and_is_kept(loaded, tmp_path):
    session, part = loaded.session, loaded.session.resynthesis
    with pytest.raises(ArgumentError, match="no result yet"):
        part.hear("result")
    part.start(recipe(variations=2))
    loaded.wait("resynthesis.stepped")
    part.hear("result")
    loaded.until(lambda: not part.running and len(part.variations) == 2, 60.0)
    assert len(part.errors) == 7
    assert part.errors[-1] < 0.5 * part.errors[0]
    first, second = part.variations
    assert (first.seed, second.seed) == (0, 1)
    assert np.abs(first.audio - second.audio).max() > 0.01
    assert first.audio.shape == (2, RATE // 2)
    names = {name for name, _ in loaded.of("resynthesis.analysed")}
    loaded.until(lambda: "result" in names or "result" in
                 {name for name, _ in loaded.of("resynthesis.analysed")})  # fmt: skip
    assert session.device.status().audition >= 0.0
    loaded.until(lambda: part._looping is None and part._loop[1] == part._takes)
    time.sleep(0.3)
    heard = session.device.scope(round(0.4 * session.device.status().sample_rate))
    assert 0.02 < np.sqrt(np.mean(np.square(heard))) < 0.3
    part.choose(0)
    np.testing.assert_array_equal(part.result, first.audio)
    part.save(tmp_path / "again.wav")
    np.testing.assert_array_equal(read_channels(tmp_path / "again.wav")[0], first.audio)
    part.as_target()
    assert session.target.path == part._kept
    assert part.original.path.name == "trill.wav"  # what is resynthesised stays


def test_the_loop_gives_way_to_the_transport_and_to_the_comparison(loaded):
    session, part = loaded.session, loaded.session.resynthesis
    part.look(recipe())
    part.hear("original")
    loaded.until(lambda: session.device.status().audition >= 0.0)
    session.sound.play()
    assert part.heard is None
    part.hear("original")
    session.comparison.hear("target")
    assert part.heard is None
    part.hear("original")
    assert session.comparison.heard is None
    part.silence()
    session.sound.stop()


def test_a_pause_another_target_and_a_stop_lose_nothing(loaded, tmp_path):
    part = loaded.session.resynthesis
    part.start(recipe(200))
    loaded.wait("resynthesis.stepped")
    part.pause()
    assert part.paused
    loaded.until(lambda: part._job.stands)
    stood = len(part.errors)
    time.sleep(0.2)
    loaded.session.poll()
    assert len(part.errors) == stood
    part.pause()
    loaded.wait("resynthesis.stepped")
    other = tmp_path / "other.wav"
    write_wav(other, np.random.default_rng(0).standard_normal(RATE), RATE)
    loaded.session.target.load(other)
    part.look(recipe())  # as the desk does for each target
    assert part.running
    assert part.original.path.name == "trill.wav"
    loaded.session.target.load(tmp_path / "trill.wav")
    part.stop()
    done(loaded)
    before = list(part.errors)
    part.start(recipe(len(before)))  # one iteration more
    assert done(loaded) is not None
    assert part.errors[: len(before)] == before
    assert len(part.errors) == len(before) + 1


def test_a_killed_process_goes_on_to_the_same_samples(loaded):
    part = loaded.session.resynthesis
    part.start(recipe(12))
    undisturbed = done(loaded)
    part._job.args[-1].unlink()
    part.start(recipe(12))
    loaded.until(lambda: len(part.errors) > 3, 60.0)
    os.kill(part.pid, signal.SIGKILL)
    np.testing.assert_array_equal(done(loaded), undisturbed)
    assert any("started again" in text for text in loaded.texts())
    assert len(part.errors) == 13


def test_original_and_result_loop_equally_loud_without_a_seam():
    noise = np.random.default_rng(0).standard_normal((1, RATE)).astype(np.float32)
    quiet, loud = (loop_of(gain * noise, RATE, 48000) for gain in (0.001, 0.5))
    np.testing.assert_allclose(quiet, loud, rtol=1e-3, atol=1e-4)
    assert largest_loudness(loud, 48000) == pytest.approx(-20.0, abs=0.1)
    tone = np.sin(2 * np.pi * 100 * np.arange(RATE) / RATE)[None].astype(np.float32)
    loop = loop_of(tone, RATE, 48000)
    ends = np.hstack([loop[:, -3:], loop[:, :3]])
    assert np.abs(np.diff(ends)).max() < 1.5 * np.abs(np.diff(loop)).max()
    assert loop_of(np.tile(noise, (8, 1)), RATE, 48000).shape[0] == 2


def test_what_cannot_be_resynthesised_is_a_sentence(loaded, tmp_path):
    session, part = loaded.session, loaded.session.resynthesis
    part.start(recipe(3, edits=("keep-rates=9000:9001", "remove-scales=0:99")))
    done(loaded)
    part.start(Recipe(settings=ResynthesisSettings(iterations=1), seconds=0.01))
    loaded.until(lambda: any("lasts" in text for text in loaded.texts("error")))
    path, session.target.path = session.target.path, None
    with pytest.raises(TargetError, match="open or record"):
        part.start(recipe())
    session.target.path = path
