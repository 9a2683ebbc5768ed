"""Fears: following cannot be ended by hand, or what it did to the sound cannot be undone."""

import pytest
from follower import let_it_be_heard
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from mesosynth.session.tracking import TrackingState


@pytest.fixture
def heard(desk, qtbot):
    """Let the session report what following heard, and wait until the desk shows it."""

    def tell(**said):
        desk.session.tracking.changed.emit(TrackingState(**{"running": True, **said}))
        qtbot.waitUntil(lambda: desk.tracking_strip.isVisible() == said.get("running", True))

    yield tell
    tell(running=False)


def test_without_an_input_a_sentence_says_so_and_nothing_is_followed(desk, qtbot, monkeypatch):
    monkeypatch.setattr(desk.session._audio, "start_recording", _no_input)
    QTest.keyClick(desk, Qt.Key.Key_I)
    qtbot.waitUntil(lambda: "input" in desk.status.message.text())
    assert not desk.actions_["follow_input"].isChecked()
    assert not desk.actions_["freeze_following"].isEnabled()
    assert not desk.tracking_strip.isVisible()


def _no_input(name=None):
    from mesosynth.errors import DeviceError

    raise DeviceError("there is no input device.")


def test_the_strip_tells_level_confidence_and_lag(desk, heard, qtbot):
    heard(hearing="following", confidence=0.87, lag=0.41, level=-18.0)
    strip = desk.tracking_strip
    assert strip.words.text() == "Tracking"
    assert strip.confidence_text.text() == "Confidence 87%"
    assert strip.lag_text.text() == "Lag 0.41 s"
    assert strip.level_text.text() == "Input -18 dBFS"
    heard(hearing="silent", confidence=0.87, lag=3.0, level=-120.0)
    qtbot.waitUntil(lambda: "held" in strip.words.text())
    assert strip.lag_text.text() == "Lag –"


def test_all_that_the_input_did_is_one_step_of_undo(desk, heard, qtbot):
    before = desk.session.sound.values["gamma"]
    heard(hearing="listening")
    for gamma in (3.0, 4.0, 5.0):
        desk.session.sound.set({"gamma": gamma}, "match")
        qtbot.waitUntil(lambda gamma=gamma: desk.session.sound.values["gamma"] == gamma)
        heard(hearing="following", theta={"gamma": gamma}, confidence=0.9)
    heard(running=False)
    assert desk.history.stack.undoText() == "following the input"
    QTest.keyClick(desk, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert desk.session.sound.values["gamma"] == pytest.approx(before)
    QTest.keyClick(
        desk, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier
    )
    assert desk.session.sound.values["gamma"] == pytest.approx(5.0)


def test_keys_follow_freeze_and_end_and_a_hand_takes_over(desk, qtbot, monkeypatch):
    session = desk.session
    let_it_be_heard(monkeypatch, session)
    QTest.keyClick(desk, Qt.Key.Key_I)
    qtbot.waitUntil(lambda: desk.session.sound.values["gamma"] == 4.0)
    assert desk.actions_["follow_input"].isChecked()
    assert desk.tracking_strip.words.text() == "Tracking"

    QTest.keyClick(desk, Qt.Key.Key_H)
    assert session.tracking.frozen
    qtbot.waitUntil(lambda: "Frozen" in desk.tracking_strip.words.text())
    desk.history.set_at_once({"gamma": 2.0}, "test")
    QTest.qWait(100)
    assert desk.session.sound.values["gamma"] == 2.0
    QTest.mouseClick(desk.tracking_strip.freeze_button, Qt.MouseButton.LeftButton)
    assert not session.tracking.frozen
    qtbot.waitUntil(lambda: desk.session.sound.values["gamma"] == 4.0)

    desk.history.set_at_once({"gamma": -3.0}, "test")
    assert session.tracking.frozen
    assert "took over" in desk.status.message.text()
    qtbot.waitUntil(desk.actions_["freeze_following"].isChecked, timeout=20_000)
    QTest.mouseClick(desk.tracking_strip.end_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: not desk.tracking_strip.isVisible())
    assert not session.tracking.running
    assert desk.session.sound.values["gamma"] == -3.0
