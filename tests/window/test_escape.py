"""Fears: Esc silences the room where it should cancel; letters are typed into numbers."""

import pytest
from hands import DEMO, LEFT, NONE, told
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

ESCAPE = Qt.Key.Key_Escape


def press(desk, keys):
    QTest.keySequence(desk, QKeySequence(keys))


def escape():
    QTest.keyClick(QApplication.focusWidget(), ESCAPE)


@pytest.fixture
def plays(desk, qtbot):
    desk.activateWindow()
    qtbot.waitUntil(desk.isActiveWindow, timeout=20_000)
    qtbot.wait(1100)  # an Esc of the test before counts no more
    assert desk.session.sound.playing
    yield desk
    if desk.sound.silenced:
        desk.sound.panic()
    desk.tour.end()


@pytest.fixture
def loaded(plays, qtbot):
    with told(qtbot, plays.session.target.loaded, timeout=30_000):
        plays.files.load_target(DEMO)
    yield plays
    plays.session.target.take(plays.session.target.sound)  # a match ends with its target


def test_esc_in_the_search_line_clears_it_and_then_leaves_it(plays):
    page = plays.library
    press(plays, "F2")
    page.line.setFocus()
    QTest.keyClicks(page.line, "bell")
    escape()
    assert page.line.text() == ""
    assert page.line.hasFocus()
    escape()
    assert plays.pad.hasFocus()
    assert plays.session.sound.playing
    assert not plays.sound.silenced


@pytest.mark.parametrize("there", ["on the card", "on the pad"])
def test_esc_closes_the_tour_and_the_match_goes_on(loaded, qtbot, there):
    with told(qtbot, loaded.session.match.started, timeout=20_000):
        press(loaded, "M")
    press(loaded, "Shift+F1")
    assert loaded.tour.isVisible()
    if there == "on the pad":
        loaded.pad.setFocus()
    escape()
    assert not loaded.tour.isVisible()
    assert loaded.session.match.running
    assert loaded.session.sound.playing


def test_a_wrong_value_stays_to_be_mended_and_esc_leaves_it(plays):
    knob = plays.knobs["w"]
    QTest.mouseClick(knob, LEFT, NONE, knob.value_box.center().toPoint())
    knob.editor.setText("loud")
    QTest.keyClick(knob.editor, Qt.Key.Key_Return)
    assert knob.editor.isVisible()
    escape()
    assert not knob.editor.isVisible()
    escape()  # from habit
    assert plays.session.sound.playing


def test_esc_once_says_what_twice_does_and_twice_silences(plays, qtbot):
    escape()
    assert plays.session.sound.playing
    assert "Esc once more silences" in plays.status.message.text()
    escape()
    assert plays.sound.silenced
    assert not plays.session.sound.playing
    escape()
    escape()  # a third and a fourth by a nervous hand
    assert plays.sound.silenced
    press(plays, "Space")
    assert plays.session.sound.playing


def test_two_slow_ones_are_no_panic(plays, qtbot):
    escape()
    qtbot.wait(1200)
    escape()
    assert not plays.sound.silenced


def test_esc_goes_back_to_the_device_before(plays):
    question = plays.sound.question
    refused = []
    question.refused.connect(lambda: refused.append(True))
    question.ask("Sound goes to nowhere")
    escape()
    assert refused == [True]
    assert not question.isVisible()
    assert plays.session.sound.playing


@pytest.mark.parametrize(("page", "keys"), [("layers", "F7"), ("sequence", "F8")])
def test_letters_in_a_number_are_shortcuts(plays, page, keys):
    press(plays, keys)
    box = plays.layers_page.count if page == "layers" else plays.sequence_page.hop
    box.setFocus()
    before, follow = box.value(), plays.session.match.follow
    QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_F)
    assert plays.session.match.follow != follow
    assert box.value() == before
    QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_F)


def test_l_after_f7_matches_with_layers(loaded, qtbot):
    press(loaded, "F7")
    with told(qtbot, loaded.session.layers.started, timeout=20_000):
        QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_L)


def test_a_click_in_a_number_types_digits(plays):
    press(plays, "F7")
    box = plays.layers_page.count
    box.setFocus()
    box.selectAll()
    QTest.mouseClick(box.lineEdit(), LEFT, NONE, QPoint(5, 5))
    box.selectAll()
    QTest.keyClick(box, Qt.Key.Key_3)
    assert box.value() == 3
