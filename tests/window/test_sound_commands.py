"""Fears: panic does not silence, or for good; captures are lost; no device can be chosen."""

import pytest
import soundfile
from hands import SHIFT
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from mesosynth.session.device import AudioSettings, load_audio_settings


def heard(desk):
    return desk.session.device.scope(2000).any()


@pytest.fixture
def loud(desk, qtbot):
    if not desk.session.sound.playing:
        QTest.keyClick(desk, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: heard(desk), timeout=20_000)
    return desk


def test_panic_silences_and_panic_again_goes_on(loud, qtbot):
    desk, values = loud, dict(loud.session.sound.values)
    QTest.keyClick(desk, Qt.Key.Key_Escape, SHIFT)
    qtbot.waitUntil(lambda: not heard(desk), timeout=20_000)
    assert desk.actions_["panic"].isChecked()
    assert not desk.actions_["play"].isChecked() or not desk.session.sound.playing
    QTest.keyClick(desk, Qt.Key.Key_Escape, SHIFT)
    qtbot.waitUntil(lambda: heard(desk), timeout=20_000)
    assert not desk.actions_["panic"].isChecked()
    assert desk.session.sound.values == values


def test_play_ends_a_panic_too(loud, qtbot):
    desk = loud
    QTest.keyClick(desk, Qt.Key.Key_Escape, SHIFT)
    qtbot.waitUntil(lambda: not desk.actions_["play"].isChecked(), timeout=20_000)
    QTest.keyClick(desk, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: not desk.actions_["panic"].isChecked(), timeout=20_000)
    assert desk.session.sound.playing


def test_a_capture_runs_and_is_told(loud, qtbot, tmp_path):
    desk, path = loud, tmp_path / "set.flac"
    capture = desk.actions_["capture"]
    desk.files.start_capture(path)
    qtbot.waitUntil(capture.isChecked, timeout=20_000)
    qtbot.waitUntil(lambda: desk.transport._captured.text() == "0:01", timeout=20_000)
    capture.trigger()
    qtbot.waitUntil(lambda: str(path) in desk.status.message.text(), timeout=20_000)
    qtbot.waitUntil(lambda: not capture.isChecked(), timeout=20_000)
    assert not desk.transport._captured.isVisible()
    assert soundfile.info(path).duration > 0.5
    desk.files.save_last(tmp_path / "last.wav")
    qtbot.waitUntil(lambda: "last.wav" in desk.status.message.text(), timeout=20_000)
    assert soundfile.info(tmp_path / "last.wav").duration > 0.5


def test_a_capture_that_cannot_be_is_told(loud, qtbot, tmp_path):
    loud.files.start_capture(tmp_path / "none" / "set.wav")
    assert "no folder" in loud.status.message.text()
    qtbot.wait(100)
    assert not loud.actions_["capture"].isChecked()


def test_the_device_is_chosen_in_a_dialog(loud, qtbot):
    desk = loud
    desk.actions_["device"].trigger()
    dialog = desk.sound.devices
    qtbot.waitUntil(lambda: "Looking" not in dialog.note.text(), timeout=20_000)
    assert dialog.note.text().startswith("Now: silent clock, 48000 Hz.")
    assert dialog.device.itemText(0) == "The system's default"
    dialog.device.setCurrentIndex(dialog.device.findData("silent"))
    dialog.block.setCurrentIndex(dialog.block.findData(64))
    with qtbot.waitSignal(dialog.chosen):
        QTest.mouseClick(dialog.apply, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: "kHz / 64" in desk.status.load.text(), timeout=20_000)
    assert load_audio_settings()[0] == AudioSettings(device="silent", block=64)
    qtbot.waitUntil(lambda: heard(desk), timeout=20_000)
    dialog.close()
