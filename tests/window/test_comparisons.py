"""A and B, and snapshots."""

import pytest
from hands import LEFT
from PySide6.QtCore import Qt
from PySide6.QtGui import QContextMenuEvent, QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QToolButton

from gui.undo import SLOTS


def press(desk, keys):
    QTest.keySequence(desk, QKeySequence(keys))


@pytest.fixture(autouse=True)
def fresh(desk):
    desk.comparisons.restore([])
    desk.comparisons.side, desk.comparisons._other = "A", None
    yield
    desk.comparisons.restore([])


def test_c_changes_between_two_sounds_with_their_racks(desk):
    session = desk.session
    press(desk, "C")
    desk.history.set_at_once({"f_m": 20.0}, "test")
    desk.history.step("test", lambda session: session.rack.add_effect("delay"))
    press(desk, "C")
    assert desk.comparisons.side == "A"
    assert session.sound.values["f_m"] == 8.0
    assert session.rack.effects == []
    press(desk, "C")
    assert session.sound.values["f_m"] == 20.0
    assert [effect.uid for effect in session.rack.effects] == ["delay"]
    press(desk, "Ctrl+Z")
    assert session.sound.values["f_m"] == 8.0


def test_a_snapshot_is_kept_and_recalled_by_keys_and_by_mouse(desk):
    session = desk.session
    desk.resize(1500, 800)
    assert not desk.actions_["recall_3"].isEnabled()
    desk.history.set_at_once({"f_m": 20.0}, "test")
    press(desk, "Ctrl+3")
    desk.history.set_at_once({"f_m": 5.0}, "test")
    press(desk, "3")
    assert session.sound.values["f_m"] == 20.0
    press(desk, "Ctrl+Z")
    assert session.sound.values["f_m"] == 5.0
    slots = desk.beside_menus.snapshots.findChildren(QToolButton)
    assert len(slots) == SLOTS
    middle = slots[3].rect().center()
    QApplication.sendEvent(
        slots[3],
        QContextMenuEvent(QContextMenuEvent.Reason.Mouse, middle, slots[3].mapToGlobal(middle)),
    )
    desk.history.set_at_once({"f_m": 6.0}, "test")
    QTest.mouseClick(slots[3], LEFT, Qt.KeyboardModifier.NoModifier, middle)
    assert session.sound.values["f_m"] == 5.0
