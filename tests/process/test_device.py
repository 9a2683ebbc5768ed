"""Fears: the silent clock drifts, a missing library or a hanging driver stops everything."""

import sys
import time

import pytest

from mesosynth.engine import portaudio as device_list
from mesosynth.engine.device import open_device
from mesosynth.engine.portaudio import import_sounddevice
from mesosynth.engine.silent_clock import SilentClock
from mesosynth.errors import DeviceError

pytestmark = pytest.mark.usefixtures("real_time")


def test_the_silent_clock_keeps_time_whatever_a_block_takes(until):
    clock, calls = SilentClock(48000, 480), []

    def render(block, underflow):
        time.sleep(0.004)
        calls.append((block.shape, time.monotonic()))

    clock.start(render)
    until(lambda: len(calls) > 150, 5, "150 blocks of 10 ms")
    clock.close()
    shapes, times = zip(*calls, strict=True)
    assert set(shapes) == {(2, 480)}
    assert times[150] - times[0] == pytest.approx(1.5, abs=0.03)
    count = len(calls)
    time.sleep(0.05)
    assert len(calls) == count


def test_without_a_card_the_silent_clock_takes_its_place(no_card, script):
    process = script(
        "from mesosynth.engine.device import open_device\n"
        "device = open_device(None, sample_rate=44100, block=64)\n"
        "print(device.silent, device.sample_rate, device.latency == 64 / 44100)\n"
    )
    assert process.communicate(timeout=20)[0].split() == ["True", "44100", "True"]


@pytest.fixture
def fake_sounddevice(tmp_path, monkeypatch):
    """Another module in sounddevice's place, here and in the child process."""

    def write(text):
        (tmp_path / "sounddevice.py").write_text(text)
        monkeypatch.syspath_prepend(str(tmp_path))
        monkeypatch.delitem(sys.modules, "sounddevice", raising=False)

    yield write
    sys.modules.pop("sounddevice", None)


def test_without_portaudio_everything_but_the_card_works(fake_sounddevice):
    fake_sounddevice("raise OSError('PortAudio library not found')")
    found = device_list.look_for_devices()
    assert found.devices == []
    assert "libportaudio2" in found.problem
    with pytest.raises(DeviceError, match="libportaudio2"):
        import_sounddevice()
    assert open_device(None).silent
    with pytest.raises(DeviceError, match="libportaudio2"):
        open_device("speakers")


def test_a_hanging_driver_is_left_alone_after_a_while(fake_sounddevice, monkeypatch):
    fake_sounddevice("import time; time.sleep(60)")
    monkeypatch.setattr(device_list, "TIME_LIMIT", 1.0)
    found = device_list.look_for_devices()
    assert found.devices == []
    assert "did not answer" in found.problem


def test_a_crashing_driver_is_told(fake_sounddevice):
    fake_sounddevice("import os; os.abort()")
    assert "failed" in device_list.look_for_devices().problem
