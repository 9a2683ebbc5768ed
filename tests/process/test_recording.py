"""Fears: what was played is lost to a full disk or a killed program, or has a hole in it."""

import os
import signal
import time

import numpy as np
import pytest
import soundfile
from recorder import Recorder

from mesosynth.audio.file import load_target
from mesosynth.engine import replay_buffer as last_minutes
from mesosynth.engine.capture import CaptureWriter, SavedReplay, SplitWriter
from mesosynth.engine.replay_buffer import ReplayBuffer, recover
from mesosynth.engine.shared import SOUND_FRAMES, Ring, SoundRing
from mesosynth.engine.sound_writer import SoundWriter
from mesosynth.errors import ArgumentError, AudioFileError
from mesosynth.session import Session

pytestmark = pytest.mark.usefixtures("real_time")

RATE = 48000
STEP = 2.0**-23  # of 24 bits


def ramp(begin, end):
    """(n, 2) whose values say which frame it is, exactly so in 24 bits."""
    left = np.arange(begin, end) % 2**20 * STEP * 4
    return np.stack([left, -left], axis=1).astype(np.float32)


@pytest.fixture
def ring():
    with SoundRing() as ring:
        ring.begin(RATE)
        yield ring


@pytest.fixture
def capture_writer(ring, tmp_path):
    with Ring(2**16) as recording:
        capture_writer = CaptureWriter(ring, recording, tmp_path / "cache", tmp_path / "takes")
        capture_writer.start()
        yield capture_writer
        capture_writer.close()


@pytest.fixture
def home(tmp_path, monkeypatch):
    for variable in ("XDG_DATA_HOME", "XDG_CACHE_HOME"):
        monkeypatch.setenv(variable, str(tmp_path / variable))
    return tmp_path


def news_of(capture_writer, kind, seconds=5.0):
    deadline, seen = time.monotonic() + seconds, []
    while time.monotonic() < deadline:
        seen += capture_writer.news()
        for news in seen:
            if isinstance(news, kind):
                return news
        time.sleep(0.02)
    raise AssertionError(f"no {kind.__name__} in {seen}")


@pytest.mark.parametrize("suffix", [".wav", ".flac"])
def test_a_capture_has_every_frame_in_24_bits(ring, capture_writer, tmp_path, suffix):
    ring.write(ramp(0, 1000).T)  # before it begins
    path = tmp_path / f"capture{suffix}"
    capture_writer.start_capture(path)
    for i in range(1000, 30000, 100):
        ring.write(ramp(i, i + 100).T)
        if i % 5000 == 0:
            time.sleep(0.05)
    assert capture_writer.stop_capture().seconds == pytest.approx(29000 / RATE)
    ring.write(ramp(0, 1000).T)  # after it has ended
    sound, rate = soundfile.read(path, dtype="float32")
    assert rate == RATE
    assert soundfile.info(path).subtype == "PCM_24"
    np.testing.assert_array_equal(sound, ramp(1000, 30000))


@pytest.mark.parametrize("suffix", [".wav", ".flac"])
def test_a_killed_writer_leaves_a_file_that_can_be_read(script, tmp_path, suffix):
    path = tmp_path / f"killed{suffix}"
    process = script(
        "import os, signal\nfrom pathlib import Path\nimport numpy as np\n"
        "from mesosynth.engine.sound_writer import SoundWriter\n"
        f"writer = SoundWriter(Path({str(path)!r}), {RATE}, 2)\n"
        "noise = np.random.default_rng(0).uniform(-0.5, 0.5, (4800, 2)).astype(np.float32)\n"
        "for _ in range(50): writer.write(noise)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    process.communicate(timeout=20)
    header = path.read_bytes()[:64]
    if suffix == ".wav":  # libsndfile reads it with any header, other programs do not
        assert int.from_bytes(header[40:44], "little") > 4 * RATE * 6
    assert 4 * RATE < soundfile.info(path).frames <= 5 * RATE
    sound, _ = soundfile.read(path)
    assert len(sound) > 4 * RATE
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, (4800, 2))
    np.testing.assert_allclose(sound[:4800], noise, atol=STEP)
    assert load_target(path).audio.any()


@pytest.mark.parametrize("suffix", [".wav", ".flac"])
def test_a_full_disk_is_told_and_what_was_written_can_be_read(script, tmp_path, suffix):
    path = tmp_path / f"full{suffix}"
    process = script(
        "import resource, time\nfrom pathlib import Path\nimport numpy as np\n"
        "from mesosynth.engine.shared import Ring\n"
        "from mesosynth.engine.shared import SoundRing\n"
        "from mesosynth.engine.capture import CaptureWriter\n"
        "noise = np.random.default_rng(0).uniform(-0.5, 0.5, (2, 4800)).astype(np.float32)\n"
        f"folder = Path({str(tmp_path)!r})\n"
        "with SoundRing() as ring, Ring(1000) as recording:\n"
        f"    ring.begin({RATE})\n"
        "    resource.setrlimit(resource.RLIMIT_FSIZE, (600_000, 600_000))\n"
        "    capture_writer = CaptureWriter(ring, recording, folder / 'cache', folder / 'takes')\n"
        "    capture_writer.start()\n"
        f"    capture_writer.start_capture(Path({str(path)!r}))\n"
        "    for _ in range(60):\n        ring.write(noise)\n        time.sleep(0.01)\n"
        "    time.sleep(0.3)\n"
        "    for news in capture_writer.news(): print(news.text)\n"
        "    print(capture_writer.capture)\n"
        "    capture_writer.close()\n"
    )
    out, err = process.communicate(timeout=30)
    assert err == ""
    captured, minutes, capture = sorted(out.splitlines(), key=len, reverse=True)
    assert str(path) in captured
    assert "cannot be written: the system refuses to write more. The recording ends" in captured
    assert "The last minutes are not kept" in minutes
    assert capture == "None"
    sound, _ = soundfile.read(path)
    assert len(sound) * 6 > 0.8 * 600_000
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, (2, 4800)).T
    np.testing.assert_allclose(sound[:4800], noise, atol=STEP)
    np.testing.assert_allclose(sound[9600:14400], noise, atol=STEP)


def test_the_last_minutes_come_after_the_fact(ring, capture_writer, tmp_path):
    with pytest.raises(AudioFileError, match="no sound yet"):
        capture_writer.save_last(1.0, tmp_path / "last.wav")
    for i in range(0, 3 * RATE, 4800):
        ring.write(ramp(i, i + 4800).T)
    time.sleep(0.3)
    for refused, error in [("last.ogg", "must end in"), ("none/last.wav", "no folder")]:
        with pytest.raises(AudioFileError, match=error):
            capture_writer.save_last(1.0, tmp_path / refused)
    with pytest.raises(ArgumentError, match="minutes=0"):
        capture_writer.save_last(0, tmp_path / "last.wav")
    capture_writer.save_last(1 / 60, tmp_path / "last.flac")
    kept = news_of(capture_writer, SavedReplay)
    assert (kept.path, kept.seconds, kept.recovered) == (tmp_path / "last.flac", 1.0, False)
    sound, _ = soundfile.read(kept.path, dtype="float32")
    np.testing.assert_array_equal(sound, ramp(2 * RATE, 3 * RATE))
    capture_writer.close()
    assert not list((tmp_path / "cache").iterdir())


def test_the_ring_goes_round_and_keeps_no_long_pauses(tmp_path, monkeypatch):
    monkeypatch.setattr(last_minutes, "MINUTES", 0.1)
    monkeypatch.setattr(last_minutes, "SPARE", 1.0)
    last = ReplayBuffer(tmp_path / "a.ring", 1000)
    for i in range(0, 20000, 70):
        last.append(ramp(i, i + 70))
    assert last.save(60.0, tmp_path / "all.wav") == 6.0  # the bound
    end = last.written
    sound, _ = soundfile.read(tmp_path / "all.wav", dtype="float32")
    np.testing.assert_array_equal(sound, ramp(end - 6000, end))
    assert (tmp_path / "a.ring").stat().st_size <= 4096 + 8 * 7000
    for _ in range(100):
        last.append(np.zeros((100, 2), np.float32))
    assert 2000 <= last.written - end <= 2200
    last.close()


def test_only_a_ring_that_nobody_uses_is_recovered(tmp_path):
    used, other = ReplayBuffer(tmp_path / "a.ring", 1000), tmp_path / "b.ring"
    used.append(ramp(0, 500))
    assert recover(used.path, tmp_path / "a.wav") == 0.0
    assert used.path.exists()
    other.write_bytes(b"no ring")
    assert recover(other, tmp_path / "b.wav") == 0.0
    assert not other.exists()
    torn = tmp_path / "c.ring"  # its header tells more than there is
    torn.write_bytes(used.path.read_bytes()[:-1001])
    assert recover(torn, tmp_path / "c.wav") == 374 / 1000
    sound, _ = soundfile.read(tmp_path / "c.wav", dtype="float32")
    np.testing.assert_array_equal(sound, ramp(0, 374))
    used.close()


def test_frames_that_were_read_too_late_are_counted(ring):
    reader = SoundRing(ring.name)
    for i in range(0, SOUND_FRAMES + 5000, 5000):
        ring.write(ramp(i, i + 5000).T)
    (stretch,) = reader.read_new()
    assert stretch.lost == ring.written - SOUND_FRAMES
    assert len(stretch.frames) == SOUND_FRAMES
    reader.close()


def test_another_sample_rate_begins_another_file(ring, capture_writer, tmp_path):
    capture_writer.start_capture(tmp_path / "set.wav")
    ring.write(ramp(0, 5000).T)
    ring.begin(44100)
    ring.write(ramp(5000, 7000).T)
    writer = capture_writer.stop_capture()
    assert writer.seconds == pytest.approx(5000 / RATE + 2000 / 44100)
    for name, rate, span in [("set.wav", RATE, (0, 5000)), ("set (2).wav", 44100, (5000, 7000))]:
        sound, found = soundfile.read(tmp_path / name, dtype="float32")
        assert found == rate
        np.testing.assert_array_equal(sound, ramp(*span))


def test_a_wav_file_that_is_full_goes_on_in_the_next(tmp_path, monkeypatch):
    monkeypatch.setattr("mesosynth.engine.sound_writer.LONGEST_WAV", 6 * 1500)
    writer = SplitWriter(tmp_path / "long.wav", 2)
    for i in range(0, 4000, 400):
        writer.write(RATE, ramp(i, i + 400))
    writer.close()
    parts = [soundfile.read(tmp_path / f"long{n}.wav", dtype="float32")[0]
             for n in ("", " (2)", " (3)")]  # fmt: skip
    assert [len(part) for part in parts] == [1500, 1500, 1000]
    np.testing.assert_array_equal(np.concatenate(parts), ramp(0, 4000))


def test_a_folder_that_refuses_is_told(tmp_path):
    with pytest.raises(AudioFileError, match="no folder"):
        SoundWriter(tmp_path / "none" / "a.wav", RATE, 2)
    (tmp_path / "a.wav").mkdir()
    with pytest.raises(AudioFileError, match=r"a\.wav. cannot be written"):
        SoundWriter(tmp_path / "a.wav", RATE, 2)


def test_a_capture_outlives_the_audio_process(home):
    session = Session(device="silent")
    try:
        seen = Recorder(session)
        seen.wait("device.changed")
        session.sound.play()
        session.capture.start(home / "set.flac")
        seen.wait("capture.changed", where=lambda capture: capture.seconds > 0.5)
        os.kill(session.device.pid, signal.SIGKILL)
        seen.wait("capture.changed", where=lambda capture: capture.seconds > 1.5)
        session.capture.stop()
        ended = seen.wait("capture.changed", where=lambda capture: not capture.running)
    finally:
        session.close()
    sound, _ = soundfile.read(home / "set.flac")
    assert len(sound) / RATE == pytest.approx(ended.seconds, abs=0.3)
    assert np.abs(sound[: RATE // 2]).max() > 0.01
    assert np.abs(sound[-RATE // 2 :]).max() > 0.01


def test_a_killed_session_offers_its_last_minutes_to_the_next(home, script):
    process = script(
        "import time\nfrom mesosynth.session import Session\n"
        "session = Session(device='silent')\nsession.sound.play()\n"
        "while session.device.status() is None or session.device.status().blocks < 500:\n"
        "    session.poll()\n    time.sleep(0.02)\n"
        "print('played', flush=True)\ntime.sleep(60)\n"
    )
    assert process.stdout.readline() == "played\n"
    killed = time.time()
    process.kill()
    process.wait()
    session = Session(device="silent")
    try:
        path, _, recovered = Recorder(session).wait("capture.saved", 15.0)
    finally:
        session.close()
    assert recovered
    assert path.parent == home / "XDG_DATA_HOME" / "mesosynth" / "takes"
    sound, rate = soundfile.read(path)
    assert np.abs(sound).max() > 0.01
    assert len(sound) / rate > 500 * 256 / RATE - 1.0  # at most the last second is lost
    assert time.time() > killed
    assert not list((home / "XDG_CACHE_HOME" / "mesosynth").iterdir())
