"""Buttons, menus and shortcuts."""

import json

import pytest
from hands import DEMO, told
from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QFileDialog, QLineEdit


def answer(qtbot, desk, path):
    """Type a path into the file dialog that is open, as a user does."""
    qtbot.waitUntil(lambda: bool(open_dialogs(desk)), timeout=20_000)
    dialog = open_dialogs(desk)[0]
    line = dialog.findChild(QLineEdit, "fileNameEdit")
    line.setText(str(path))
    QTest.keyClick(line, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: not open_dialogs(desk), timeout=20_000)


def open_dialogs(desk):
    return [dialog for dialog in desk.findChildren(QFileDialog) if dialog.isVisible()]


def press(desk, keys):
    QTest.keySequence(desk, QKeySequence(keys))


def test_every_action_has_a_shortcut_of_its_own_that_its_tooltip_names(desk):
    keys = [action.keys for action in desk.actions_]
    assert all(keys)
    assert len(set(keys)) == len(keys)
    for action in desk.actions_:
        native = action.shortcut().toString(QKeySequence.SequenceFormat.NativeText)
        assert native in action.toolTip()
        assert not action.icon().isNull()


def test_every_action_is_in_a_menu(desk):
    menus = [action.menu() for action in desk.menuBar().actions()]
    there = {action.objectName() for menu in menus for action in menu.actions()}
    assert {action.id for action in desk.actions_} <= there


def test_space_plays_and_stops(desk, qtbot):
    playing = desk.session.sound.playing
    for expected in (not playing, playing):
        press(desk, "Space")
        assert desk.session.sound.playing == expected
        assert desk.actions_["play"].isChecked() == expected


def test_what_plays_is_on_the_scope(desk, qtbot):
    if not desk.session.sound.playing:
        press(desk, "Space")
    qtbot.waitUntil(lambda: bool(desk.session.device.scope(4800).any()), timeout=20_000)
    qtbot.waitUntil(lambda: "∞" not in desk.scope.note.text(), timeout=20_000)


def test_load_by_the_keyboard(desk, qtbot):
    with told(qtbot, desk.session.target.loaded, timeout=20_000) as loaded:
        press(desk, "Ctrl+O")
        answer(qtbot, desk, DEMO)
    assert loaded.args[0].name.startswith("demo")
    qtbot.waitUntil(lambda: "target" in desk.scalograms.shown, timeout=30_000)


def test_save_and_open_a_preset_by_the_keyboard(desk, qtbot, tmp_path):
    desk.history.set_at_once({"f_m": 12.5, "gamma": -3.0}, "test")
    press(desk, "Ctrl+S")
    answer(qtbot, desk, tmp_path / "mine")
    saved = tmp_path / "mine.mesopreset.json"
    qtbot.waitUntil(saved.exists, timeout=20_000)
    assert json.loads(saved.read_text())["parameters"]["f_m"] == 12.5
    desk.history.set_at_once({"f_m": 2.0, "gamma": 1.0}, "test")
    steps = desk.history.stack.count()
    with told(qtbot, desk.session.sound.changed, timeout=20_000):
        press(desk, "Ctrl+P")
        answer(qtbot, desk, saved)
    qtbot.waitUntil(lambda: desk.session.sound.values["f_m"] == 12.5, timeout=20_000)
    assert desk.session.sound.values["gamma"] == -3.0
    assert desk.history.stack.count() == steps + 1
    press(desk, "Ctrl+Z")
    assert desk.session.sound.values["f_m"] == 2.0


def test_d_flips_the_direction(desk):
    press(desk, "D")
    assert desk.session.sound.values["gamma"] == -1.5
    press(desk, "Ctrl+Z")
    assert desk.session.sound.values["gamma"] == 1.5


def test_f_switches_follow(desk):
    press(desk, "F")
    assert not desk.session.match.follow
    press(desk, "F")
    assert desk.session.match.follow
    assert desk.actions_["follow"].isChecked()


def test_f1_shows_a_sheet_that_leaves_the_desk_usable(desk, qtbot):
    press(desk, "F1")
    qtbot.waitUntil(desk.help.isVisible, timeout=20_000)
    assert not desk.help.isModal()
    desk.actions_["shortcuts"].trigger()
    assert not desk.help.isVisible()


def test_recording_without_an_input_is_one_message(desk, qtbot, monkeypatch):
    from mesosynth.errors import DeviceError

    def refuse():
        raise DeviceError("There is no input; connect a microphone.")

    monkeypatch.setattr(desk.session.capture, "start_take", refuse)
    press(desk, "R")
    assert "no input" in desk.status.message.text()
    assert not desk.actions_["record"].isChecked()


def test_a_recording_shows_seconds_and_level(desk, qtbot):
    from mesosynth.session.capture import TakeState

    desk.session.capture.take_changed.emit(TakeState(True, 2.34, -17.6))
    qtbot.waitUntil(desk.actions_["record"].isChecked, timeout=20_000)
    labels = [label.text() for label in desk.transport.children() if hasattr(label, "text")]
    assert "2.3 s  -18 dBFS" in labels
    desk.session.capture.take_changed.emit(TakeState(False, 0.0, -120.0))
    qtbot.waitUntil(lambda: not desk.actions_["record"].isChecked(), timeout=20_000)


@pytest.mark.parametrize("id_", ["match", "stop_match", "apply"])
def test_match_actions_are_grey_when_they_cannot_act(desk, id_):
    possible = {
        "match": desk.session.target.sound is not None,
        "stop_match": False,
        "apply": desk.session.match.result is not None,
    }
    assert desk.actions_[id_].isEnabled() == possible[id_]
