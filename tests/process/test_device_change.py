"""Fears: a setting that bricks the next start, a change that clicks, no way back to the sound."""

import json
import subprocess
import sys
import time

import numpy as np
import pytest
import soundfile
from recorder import Recorder
from servers import JackCapture

from mesosynth.engine import process
from mesosynth.engine.process import AudioProcess
from mesosynth.errors import DeviceError, SettingsError
from mesosynth.session import Session
from mesosynth.session.device import (
    AudioSettings,
    load_audio_settings,
    save_audio_settings,
    settings_path,
)

pytestmark = pytest.mark.usefixtures("real_time")

LOUD = {"f_c": 500.0, "f_m": 2.0, "gamma": 0.5, "w": 1.0, "period": 0.5, "gain": -6.0}


@pytest.fixture(autouse=True)
def config(tmp_path, monkeypatch):
    monkeypatch.setenv("MESOSYNTH_CONFIG_DIR", str(tmp_path / "config"))
    return tmp_path / "config"


class Player(Recorder):
    """A session whose signals are recorded."""

    def __init__(self, *arguments):
        super().__init__(Session(*arguments))

    def until_heard(self, seconds=10.0):
        """Until this audio process, not one before it, has filled the scope with sound."""
        session = self.session

        def heard():
            status = session.device.status()
            filled = status and status.blocks * status.block > 4800
            return filled and np.abs(session.device.scope(4800)).max() > 0.3

        self.until(heard, seconds, "sound")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.session.close()


def test_settings_come_back_as_they_were_saved(config):
    assert load_audio_settings() == (AudioSettings(), "")
    chosen = AudioSettings(device="Bässe", sample_rate=44100, block=64)
    save_audio_settings(chosen)
    assert load_audio_settings() == (chosen, "")
    assert [path.name for path in config.iterdir()] == ["audio.json"]


@pytest.mark.parametrize(
    "text",
    [b"", b"{", b"[]", b'{"audio": {"block": "many"}}', b"\xff"],
)
def test_broken_settings_are_put_beside_and_said(config, text):
    for name in ("audio.json.broken", "audio.json (2).broken"):
        config.mkdir(exist_ok=True)
        settings_path().write_bytes(text)
        settings, trouble = load_audio_settings()
        assert settings == AudioSettings()
        assert trouble.startswith(str(settings_path()))
        assert f"it is now {name}" in trouble
        assert (config / name).read_bytes() == text
        assert load_audio_settings() == (AudioSettings(), "")


def test_settings_of_a_later_version_are_said_and_left_alone(config):
    config.mkdir(exist_ok=True)
    text = b'{"audio": {}, "revision": 3}'
    settings_path().write_bytes(text)
    settings, trouble = load_audio_settings()
    assert settings == AudioSettings()
    assert trouble.startswith(str(settings_path()))
    with pytest.raises(SettingsError):
        save_audio_settings(AudioSettings(block=64))
    assert [path.name for path in config.iterdir()] == ["audio.json"]
    assert settings_path().read_bytes() == text


def test_settings_that_cannot_be_saved_are_told(config):
    config.write_text("a file, where a folder should be")
    with pytest.raises(SettingsError, match=r"audio\.json cannot be written"):
        save_audio_settings(AudioSettings())


def test_a_device_is_changed_while_it_plays_and_a_refusal_leads_back(jack):
    with Player("silent") as player, JackCapture(60) as ear:
        session = player.session
        session.sound.set(LOUD)
        session.sound.play()
        player.until_heard()
        session.device.set("system", block=128)
        player.wait("device.changed", where=lambda name, _: name == "system")
        ear.connect()
        player.until_heard()
        status = session.device.status()
        assert (status.block, status.sample_rate) == (128, 48000)
        assert load_audio_settings()[0] == AudioSettings(device="system", block=128)

        session.device.set("system", sample_rate=12345)
        refused, _ = player.wait("messages.said", where=lambda _, severity: severity == "error")
        assert "12345; it takes 48000 Hz. Back to what worked" in refused
        player.until_heard()
        assert session.device.status().device == "system"
        assert load_audio_settings()[0] == AudioSettings(device="system", block=128)
        captured = ear.samples.copy()
    for channel in captured:
        # The last 2 ms of 10 in which it fades. Blocks that a busy machine misses are elsewhere.
        end = np.flatnonzero(channel)[-1]
        loudest = np.abs(channel).max()
        assert loudest > 0.3
        assert np.abs(channel[end - 96 : end + 1]).max() < 0.35 * loudest


@pytest.mark.parametrize(
    ("setting", "sentence"),
    [
        ({"sample_rate": 100}, "sample_rate=100 must be 8000 to 384000 Hz; usual are 22050"),
        ({"block": 0}, "block=0 must be 1 to 8192 frames"),
        ({"block": 10**6}, "block=1000000"),
    ],
)
def test_what_no_device_takes_is_refused_before_the_sound_stops(setting, sentence):
    with Player("silent") as player, pytest.raises(DeviceError, match=sentence):
        player.session.device.set("silent", **setting)


def test_a_change_of_device_makes_no_step_anywhere_in_what_is_sent(tmp_path):
    """As the engine sent it: what a busy machine misses on the way is not in it."""
    with Player("silent", "chirplet", 48000, 256) as player:
        session, path = player.session, tmp_path / "change.wav"
        session.sound.set(LOUD)
        session.sound.play()
        player.until_heard()
        session.capture.start(path)
        for block in (128, 512):
            session.device.set("silent", 48000, block)
            player.until_heard()
            player.until(lambda: (s := session.device.status()) and s.block == block, 10.0)  # noqa: B023
            player.until_heard()
        session.capture.stop()
    sound, _ = soundfile.read(path)
    loudest = np.abs(sound).max()
    highest = LOUD["f_c"] * 2.0 ** (0.5 * LOUD["w"])  # Hz, at the end of a sweep
    slope = 2.0 * np.pi * highest / 48000  # per sample, of the amplitude
    fade = 1.0 / 480
    assert loudest > 0.3
    assert np.abs(np.diff(sound, axis=0)).max() < 1.2 * (slope + fade) * loudest


@pytest.mark.parametrize("name", ["vsink", None])
def test_a_card_that_comes_after_the_start_is_taken(pulse, until, name):
    pulse.kill()
    with AudioProcess("chirplet", name) as audio:
        if name is None:
            assert audio.wait_ready(20)
        else:
            with pytest.raises(DeviceError, match="'vsink'"):
                audio.wait_ready(20)
        assert audio.status().silent
        pulse.start()
        until(lambda: audio.status().running and not audio.status().silent, 30, "the card")


def test_panic_silences_everything_without_a_click_and_can_be_undone(tmp_path):
    with Player("silent") as player:
        session = player.session
        session.sound.set(LOUD)
        session.rack.add_effect("reverb")  # whose tail would last
        session.sound.play()
        player.wait("rack.changed")
        player.until_heard()
        session.capture.start(tmp_path / "panic.wav")
        player.wait("capture.changed", where=lambda capture: capture.seconds > 0.5)
        session.sound.panic()
        assert not session.sound.playing
        time.sleep(0.1)
        assert not session.device.scope(2000).any()
        values = dict(session.sound.values)
        session.sound.unpanic()
        assert session.sound.playing
        player.until_heard()
        assert session.sound.values == values
        session.capture.stop()
        session.sound.stop()
        session.sound.panic()
        session.sound.unpanic()
        assert not session.sound.playing  # nothing was interrupted
    sound, _ = soundfile.read(tmp_path / "panic.wav")
    assert np.abs(sound).max() > 0.3
    assert np.abs(np.diff(sound, axis=0)).max() < 0.1


def test_a_driver_that_hangs_in_the_audio_process_is_given_up(tmp_path, monkeypatch, until):
    (tmp_path / "sounddevice.py").write_text("import time; time.sleep(60)")
    monkeypatch.syspath_prepend(str(tmp_path))  # spawned processes get it, too
    monkeypatch.setattr(process, "START", 4.0)
    with AudioProcess("chirplet", "speakers") as audio:
        hung = audio.pid
        until(lambda: audio.status().running, 30, "the silent clock")
        assert audio.pid != hung
        with pytest.raises(DeviceError, match="did not answer within 4 seconds"):
            audio.wait_ready(5)
        assert audio.status().silent
        assert audio.wait_ready(5)


def test_safe_audio_starts_whatever_was_saved(config, no_card):
    save_audio_settings(AudioSettings(device="Gone with the tour bus", block=64))

    def play(*words):
        return subprocess.run(
            [sys.executable, "-m", "mesosynth", "play", "--seconds", "0.3", "--json", *words],
            capture_output=True, text=True, check=True,
        )  # fmt: skip

    safe = play("--safe-audio")
    assert json.loads(safe.stdout)["device"] == "silent clock"
    assert safe.stderr == ""
    usual = play()
    assert json.loads(usual.stdout)["silent"]
    assert "'Gone with the tour bus' does not exist" in usual.stderr
