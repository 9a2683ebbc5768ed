"""The pad under a hand."""

import math

import pytest
from hands import LEFT, SHIFT, drag, wheel, xdotool
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest


def test_drag_moves_note_rate_and_chirp_rate_on_log_axes(desk):
    before = dict(desk.session.sound.values)
    octave = desk.pad.plane.area.width() / 7.0
    drag(desk.pad, desk.pad.handle, (round(octave), -round(desk.pad.plane.area.height() / 7.0)))
    values = desk.session.sound.values
    assert values["f_m"] == pytest.approx(2.0 * before["f_m"], rel=0.02)
    assert values["gamma"] == pytest.approx(2.0 * before["gamma"], rel=0.02)
    assert values["w"] == before["w"]
    assert desk.knobs["f_m"].value == values["f_m"]


def test_drag_by_a_real_x_pointer(desk, qtbot):
    start = desk.pad.mapToGlobal(desk.pad.handle).toPoint()
    xdotool("mousemove", start.x(), start.y(), "mousedown", 1)
    for step in range(1, 6):
        xdotool("mousemove", start.x() + 16 * step, start.y() + 10 * step)
        qtbot.wait(15)
    xdotool("mouseup", 1)
    f_m, gamma = desk.pad.plane.values(desk.pad.mapFromGlobal(start + QPoint(80, 50)).toPointF())
    qtbot.waitUntil(
        lambda: desk.session.sound.values["f_m"] == pytest.approx(f_m, rel=0.03),
        timeout=5_000,
    )
    assert desk.session.sound.values["gamma"] == pytest.approx(gamma, rel=0.03)
    qtbot.waitUntil(lambda: desk.history.stack.count() == 1, timeout=2_000)


def test_falling_arpeggios_stay_falling(desk):
    desk.history.change({"gamma": -2.0})
    drag(desk.pad, desk.pad.handle, (20, -40))
    assert desk.session.sound.values["gamma"] < -2.5


def test_shift_drag_is_ten_times_finer(desk):
    start = desk.session.sound.values["f_m"]
    drag(desk.pad, desk.pad.handle, (80, 0))
    coarse = math.log2(desk.session.sound.values["f_m"] / start)
    desk.history.undo()
    drag(desk.pad, desk.pad.handle, (80, 0), SHIFT)
    fine = math.log2(desk.session.sound.values["f_m"] / start)
    assert fine == pytest.approx(coarse / 10.0, rel=0.02)


def test_a_press_far_from_the_point_moves_nothing(desk):
    before = dict(desk.session.sound.values)
    drag(desk.pad, desk.pad.handle + QPoint(80, 80), (40, 40))
    assert desk.session.sound.values == before


def test_double_click_sets_the_point_there(desk):
    spot = QPoint(200, 300)
    QTest.mouseDClick(desk.pad, LEFT, Qt.KeyboardModifier.NoModifier, spot)
    f_m, gamma = desk.pad.plane.values(spot.toPointF())
    assert desk.session.sound.values["f_m"] == pytest.approx(f_m)
    assert desk.session.sound.values["gamma"] == pytest.approx(gamma)
    assert desk.history.stack.count() == 1


def test_the_point_stays_within_the_range_however_far_one_drags(desk):
    drag(desk.pad, desk.pad.handle, (3000, 3000))
    assert desk.session.sound.values["f_m"] == 64.0
    assert desk.session.sound.values["gamma"] == 0.125


def test_wheel_and_arrows_nudge(desk):
    wheel(desk.pad, desk.pad.handle, 3)
    after_wheel = dict(desk.session.sound.values)
    assert 1.5 < after_wheel["gamma"] < 2.0
    assert after_wheel["f_m"] == pytest.approx(8.0)
    QTest.keyClick(desk.pad, Qt.Key.Key_Right)
    QTest.keyClick(desk.pad, Qt.Key.Key_Right)
    assert desk.session.sound.values["f_m"] > 8.2
    desk.history.end()
    assert desk.history.stack.count() == 1  # in quick succession: one step


def test_the_whole_drag_is_one_step_of_undo(desk):
    before = dict(desk.session.sound.values)
    drag(desk.pad, desk.pad.handle, (60, -40))
    moved = dict(desk.session.sound.values)
    drag(desk.pad, desk.pad.handle, (-90, 20))
    assert desk.history.stack.count() == 2
    desk.actions_["undo"].trigger()
    assert desk.session.sound.values == pytest.approx(moved)
    desk.actions_["undo"].trigger()
    assert desk.session.sound.values == pytest.approx(before)
    desk.actions_["redo"].trigger()
    assert desk.session.sound.values == pytest.approx(moved)


def test_the_axes_come_back_with_the_instrument_that_has_them(desk, qtbot):
    desk.pad.set_axes(("f_c", "w"))
    desk.session.rack.set_instrument("layers")
    qtbot.waitUntil(lambda: desk.pad.axes != ("f_c", "w"), timeout=5_000)
    desk.session.rack.set_instrument("chirplet")
    qtbot.waitUntil(lambda: desk.pad.axes == ("f_c", "w"), timeout=5_000)
