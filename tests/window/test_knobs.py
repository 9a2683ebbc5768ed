"""Knobs under a hand."""

import pytest
from hands import LEFT, SHIFT, drag, wheel
from PySide6.QtCore import QPointF, Qt
from PySide6.QtTest import QTest

NONE = Qt.KeyboardModifier.NoModifier


def type_into(knob, text, key=Qt.Key.Key_Return):
    QTest.mouseClick(knob, LEFT, NONE, knob.value_box.center().toPoint())
    assert knob.editor.isVisible()
    QTest.keyClicks(knob.editor, text)
    QTest.keyClick(knob.editor, key)
    if knob.editor.isVisible():  # it cannot be used
        QTest.keyClick(knob.editor, Qt.Key.Key_Escape)
    assert not knob.editor.isVisible()


def test_there_is_a_knob_for_every_parameter(desk):
    assert [knob.parameter.id for knob in desk.knobs.all()] == list(desk.session.sound.parameters)
    for knob in desk.knobs.all():
        assert knob.accessibleName() == knob.parameter.name
        assert knob.parameter.text(knob.value) == knob.accessibleDescription()


def test_drag_up_turns_up_and_shift_is_fine(desk):
    knob = desk.knobs["f_c"]
    start = knob.parameter.to_unit(knob.value)
    drag(knob, knob.dial.center(), (0, -45))
    assert knob.parameter.to_unit(knob.value) == pytest.approx(start + 0.25, abs=0.01)
    desk.history.undo()
    drag(knob, knob.dial.center(), (0, -45), SHIFT)
    assert knob.parameter.to_unit(knob.value) == pytest.approx(start + 0.025, abs=0.002)
    assert desk.session.sound.values["f_c"] == knob.value


def test_gamma_goes_through_the_middle_to_falling(desk):
    knob = desk.knobs["gamma"]
    drag(knob, knob.dial.center(), (0, 140))
    assert desk.session.sound.values["gamma"] < 0.0
    assert "falling" in desk.pad_frame.note.text()


def test_double_click_takes_the_default(desk):
    knob = desk.knobs["w"]
    desk.history.change({"w": 5.0})
    QTest.mouseDClick(knob, LEFT, NONE, knob.dial.center().toPoint())
    assert desk.session.sound.values["w"] == knob.parameter.default


def test_typed_values(desk):
    type_into(desk.knobs["f_c"], "A4")
    assert desk.session.sound.values["f_c"] == pytest.approx(440.0)
    type_into(desk.knobs["f_c"], "1.2k")
    assert desk.session.sound.values["f_c"] == pytest.approx(1200.0)
    assert desk.history.stack.count() == 2


def test_a_value_that_makes_no_sense_is_a_message_and_changes_nothing(desk):
    type_into(desk.knobs["f_m"], "loud")
    assert desk.session.sound.values["f_m"] == 8.0
    assert "'loud' is not a value" in desk.status.message.text()
    type_into(desk.knobs["f_m"], "1000")
    assert desk.session.sound.values["f_m"] == 8.0
    assert "outside 0.5 Hz to 64 Hz" in desk.status.message.text()


def test_esc_closes_the_line_and_keeps_the_value(desk):
    type_into(desk.knobs["w"], "7", Qt.Key.Key_Escape)
    assert desk.session.sound.values["w"] == 2.0


def test_letters_typed_into_a_knob_are_no_shortcuts(desk):
    follow = desk.session.match.follow
    type_into(desk.knobs["w"], "f", Qt.Key.Key_Escape)
    assert desk.session.match.follow == follow


def test_wheel_and_arrow_keys(desk):
    knob = desk.knobs["gain"]
    wheel(knob, QPointF(20, 40), -2)
    low = desk.session.sound.values["gain"]
    assert low < -10.0
    knob.setFocus()
    QTest.keyClick(knob, Qt.Key.Key_Up)
    assert low < desk.session.sound.values["gain"] < -9.0
    QTest.keyClick(knob, Qt.Key.Key_End)
    assert desk.session.sound.values["gain"] == 6.0
    desk.history.end()
    assert desk.history.stack.count() == 1


def test_a_press_without_a_turn_leaves_nothing_to_undo(desk):
    knob = desk.knobs["w"]
    QTest.mouseClick(knob, LEFT, NONE, knob.dial.center().toPoint())
    assert desk.history.stack.count() == 0
    assert not desk.actions_["undo"].isEnabled()


def test_a_choice_is_turned_notch_by_notch_and_typed_by_name(desk):
    knob = desk.knobs["division"]
    at = knob.value
    wheel(knob, knob.dial.center(), 1)
    assert desk.session.sound.values["division"] == at + 1
    wheel(knob, knob.dial.center(), -1, SHIFT)  # there is nothing finer
    assert desk.session.sound.values["division"] == at
    type_into(knob, "1/8t")
    assert knob.parameter.text(knob.value) == "1/8T"
