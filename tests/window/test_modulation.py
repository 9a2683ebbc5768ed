"""Modulation by menu, drag and Alt; each gesture can be undone, and knobs show what moves them."""

import pytest
from hands import LEFT
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from gui.widgets.knob import SOURCE_MIME, Knob

ALT = Qt.KeyboardModifier.AltModifier


@pytest.fixture
def rack(desk):
    """The open page, with no effects and the chirplet."""
    desk.drawer.turn_to("effects")
    yield desk
    for uid in [effect.uid for effect in desk.session.rack.effects]:
        desk.session.rack.remove_effect(uid)
    desk.drawer.turn_to("")
    desk.history.stack.clear()


def moved(desk):
    slots = desk.session.rack.modulations
    return [(slot.source, slot.target, round(slot.depth, 2)) for slot in slots if not slot.free]


def choose(knob: Knob, source: str):
    menu = next(a.menu() for a in knob.menu().actions() if a.text() == "Modulate by")
    next(action for action in menu.actions() if action.text() == source).trigger()


def drop(knob: Knob, source: str):
    data, middle = QMimeData(), knob.rect().center()
    data.setData(SOURCE_MIME, source.encode())
    words = (Qt.DropAction.LinkAction, data, LEFT, Qt.KeyboardModifier.NoModifier)
    enter = QDragEnterEvent(middle, *words)
    QApplication.sendEvent(knob, enter)
    if enter.isAccepted():
        QApplication.sendEvent(knob, QDropEvent(QPointF(middle), *words))
    return enter.isAccepted()


def pixels(knob: Knob):
    return bytes(knob.grab().toImage().constBits())


def test_the_menu_of_a_knob_moves_it_and_ends_it(rack, qtbot):
    desk, knob = rack, rack.knobs["f_c"]
    plain = pixels(knob)
    choose(knob, "LFO 1")
    assert moved(desk) == [("LFO 1", "f_c", 0.25)]
    qtbot.waitUntil(lambda: pixels(knob) != plain, timeout=20_000)
    card = desk.effects["modulation"]
    assert "Carrier" in card._targets[0].text()
    QTest.keySequence(desk, QKeySequence("Ctrl+Z"))
    assert moved(desk) == []
    QTest.keySequence(desk, QKeySequence("Ctrl+Shift+Z"))
    assert moved(desk) == [("LFO 1", "f_c", 0.25)]
    choose(knob, "Nothing")
    assert moved(desk) == []


def test_a_source_is_dragged_onto_a_knob_but_not_onto_the_modulations_own(rack, qtbot):
    desk = rack
    assert drop(desk.knobs["gain"], "velocity")
    assert moved(desk) == [("velocity", "gain", 0.25)]
    qtbot.waitUntil(lambda: "modulation" in desk.effects.order, timeout=20_000)
    card = desk.effects["modulation"]
    assert not drop(card.knobs["modulation.lfo1_rate"], "LFO 2")
    assert [chip.source for chip in card.chips][:2] == ["LFO 1", "LFO 2"]
    qtbot.waitUntil(card._free[0].isEnabled, timeout=20_000)
    QTest.mouseClick(card._free[0], LEFT)
    assert moved(desk) == []


def test_alt_and_drag_set_the_depth_in_one_step(rack, qtbot):
    desk, knob = rack, rack.knobs["w"]
    choose(knob, "LFO 2")
    qtbot.waitUntil(lambda: bool(knob._modulations), timeout=20_000)
    steps, before = desk.history.stack.count(), desk.session.sound.values["w"]
    start = knob.dial.center().toPoint()
    QTest.mousePress(knob, LEFT, ALT, start)
    for by in (15, 30, 45):
        QTest.mouseMove(knob, start - QPoint(0, by))
    QTest.mouseRelease(knob, LEFT, ALT, start - QPoint(0, 45))
    assert moved(desk) == [("LFO 2", "w", 0.5)]
    assert desk.session.sound.values["w"] == before
    assert desk.history.stack.count() == steps + 1
    QTest.keySequence(desk, QKeySequence("Ctrl+Z"))
    assert moved(desk) == [("LFO 2", "w", 0.25)]


def test_the_tempo_is_tapped(desk, qtbot):
    before = desk.session.sound.values["tempo"]
    for _ in range(4):
        QTest.keySequence(desk, QKeySequence("N"))
        qtbot.wait(250)
    assert 140.0 < desk.session.sound.values["tempo"] < 280.0
    desk.session.sound.set({"tempo": before})
