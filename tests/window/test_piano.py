"""The computer keyboard as a piano, and MIDI controllers by the right button."""

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QContextMenuEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMenu

Key = Qt.Key


@pytest.fixture
def piano(desk):
    desk.actions_["piano"].trigger()
    yield desk
    if desk.actions_["piano"].isChecked():
        desk.actions_["piano"].trigger()


@pytest.fixture
def notes(piano, monkeypatch):
    """What the session was asked to play, and is played as well."""
    session, played = piano.session, []
    note_on, note_off = session.keys.note_on, session.keys.note_off
    monkeypatch.setattr(session.keys, "note_on", lambda note: (played.append(note), note_on(note)))
    monkeypatch.setattr(
        session.keys, "note_off", lambda note: (played.append(-note), note_off(note))
    )
    return played


def test_letters_are_notes_and_no_shortcuts(piano, notes):
    gamma = piano.session.sound.values["gamma"]
    for key in (Key.Key_A, Key.Key_W, Key.Key_D, Key.Key_K):
        QTest.keyClick(piano, key)
    assert notes == [60, -60, 61, -61, 64, -64, 72, -72]
    assert piano.session.sound.values["gamma"] == gamma  # D is not "flip direction" meanwhile
    piano.actions_["piano"].trigger()
    QTest.keyClick(piano, Key.Key_D)
    assert piano.session.sound.values["gamma"] == -gamma
    assert len(notes) == 8


def test_a_chord_octaves_and_leaving_the_window(piano, notes):
    QTest.keyPress(piano, Key.Key_A)
    QTest.keyPress(piano, Key.Key_D)
    QTest.keyClick(piano, Key.Key_X)
    QTest.keyPress(piano, Key.Key_U, Qt.KeyboardModifier.ControlModifier)
    QTest.keyRelease(piano, Key.Key_D)
    assert notes == [60, 64, -64]
    piano.actions_["piano"].trigger()
    assert notes == [60, 64, -64, -60]
    piano.actions_["piano"].trigger()
    QTest.keyClick(piano, Key.Key_A)
    assert notes[-2:] == [72, -72]
    QTest.keyClick(piano, Key.Key_Z)
    assert piano.piano.octave == 4


def test_a_key_is_heard_while_the_transport_stands(piano, qtbot):
    session = piano.session
    session.sound.stop()
    qtbot.waitUntil(lambda: not session.device.scope(4800).any(), timeout=20_000)
    QTest.keyPress(piano, Key.Key_H)
    qtbot.waitUntil(lambda: np.abs(session.device.scope(4800)).max() > 0.01, timeout=20_000)
    QTest.keyRelease(piano, Key.Key_H)
    session.keys.all_notes_off()


def test_where_text_is_typed_letters_are_letters(piano, notes):
    knob = piano.knobs["division"]
    QTest.keyPress(piano, Key.Key_D)
    knob.type_value()
    assert QApplication.focusWidget() is knob.editor
    QTest.keyClicks(knob.editor, "a")
    QTest.keyRelease(knob.editor, Key.Key_D)
    assert notes == [64, -64]  # what was held is let go
    assert "a" in knob.editor.text().lower()
    QTest.keyClick(knob.editor, Key.Key_Escape)


def test_the_right_button_asks_for_a_controller(desk, qtbot, monkeypatch):
    asked = []
    monkeypatch.setattr(desk.session.keys, "learn", asked.append)
    monkeypatch.setattr(desk.session.keys, "forget", lambda id_: asked.append(-1))
    knob = desk.knobs["f_m"]
    centre = QPoint(20, 50)
    event = QContextMenuEvent(QContextMenuEvent.Reason.Mouse, centre, knob.mapToGlobal(centre))
    QApplication.sendEvent(knob, event)
    (menu,) = knob.findChildren(QMenu, options=Qt.FindChildOption.FindDirectChildrenOnly)
    learn, forget, *_others = menu.actions()
    learn.trigger()
    forget.trigger()
    menu.close()
    assert asked == ["f_m", -1]
