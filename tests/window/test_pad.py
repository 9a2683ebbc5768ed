"""The pad under a hand."""

import math

import pytest
from hands import LEFT, SHIFT, drag, wheel, xdotool
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest


def test_drag_moves_note_rate_and_chirp_rate_on_log_axes(desk):
    before = dict(desk.session.sound.values)
    way = desk.pad.pixel(2.0 * before["f_m"], 2.0 * before["gamma"]) - desk.pad.handle
    drag(desk.pad.viewport(), desk.pad.handle, (round(way.x()), round(way.y())))
    values = desk.session.sound.values
    assert values["f_m"] == pytest.approx(2.0 * before["f_m"], rel=0.02)
    assert values["gamma"] == pytest.approx(2.0 * before["gamma"], rel=0.03)
    assert values["w"] == before["w"]
    assert desk.knobs["f_m"].value == values["f_m"]


def test_drag_by_a_real_x_pointer(desk, qtbot):
    start = desk.pad.mapToGlobal(desk.pad.handle).toPoint()
    xdotool("mousemove", start.x(), start.y(), "mousedown", 1)
    for step in range(1, 6):
        xdotool("mousemove", start.x() + 16 * step, start.y() + 10 * step)
        qtbot.wait(15)
    xdotool("mouseup", 1)
    f_m, gamma = desk.pad.values_at(desk.pad.mapFromGlobal(start + QPoint(80, 50)).toPointF())
    qtbot.waitUntil(
        lambda: desk.session.sound.values["f_m"] == pytest.approx(f_m, rel=0.03),
        timeout=20_000,
    )
    assert desk.session.sound.values["gamma"] == pytest.approx(gamma, rel=0.03)
    qtbot.waitUntil(lambda: desk.history.stack.count() == 1, timeout=20_000)


def test_rising_crosses_to_falling_through_zero(desk):
    """The axis of the chirp rate is signed: up rises, down falls, the middle stands."""
    pad = desk.pad
    for gamma in (0.25, 0.0, -2.0):
        way = pad.pixel(desk.session.sound.values["f_m"], gamma) - pad.handle
        drag(pad.viewport(), pad.handle, (round(way.x()), round(way.y())))
        assert desk.session.sound.values["gamma"] == pytest.approx(gamma, abs=0.06)


def test_shift_drag_is_ten_times_finer(desk):
    start = desk.session.sound.values["f_m"]
    drag(desk.pad.viewport(), desk.pad.handle, (80, 0))
    coarse = math.log2(desk.session.sound.values["f_m"] / start)
    desk.history.undo()
    drag(desk.pad.viewport(), desk.pad.handle, (80, 0), SHIFT)
    fine = math.log2(desk.session.sound.values["f_m"] / start)
    assert fine == pytest.approx(coarse / 10.0, rel=0.02)


def test_a_press_far_from_the_point_moves_nothing(desk):
    before = dict(desk.session.sound.values)
    drag(desk.pad.viewport(), desk.pad.handle + QPoint(80, 80), (40, 40))
    assert desk.session.sound.values == before


def test_double_click_sets_the_point_there(desk):
    spot = QPoint(200, 300)
    QTest.mouseDClick(desk.pad.viewport(), LEFT, Qt.KeyboardModifier.NoModifier, spot)
    f_m, gamma = desk.pad.values_at(spot.toPointF())
    assert desk.session.sound.values["f_m"] == pytest.approx(f_m)
    assert desk.session.sound.values["gamma"] == pytest.approx(gamma)
    assert desk.history.stack.count() == 1


def test_the_point_stays_within_the_range_however_far_one_drags(desk):
    drag(desk.pad.viewport(), desk.pad.handle, (3000, 3000))
    assert desk.session.sound.values["f_m"] == 64.0
    assert desk.session.sound.values["gamma"] == -16.0


def test_wheel_and_arrows_nudge(desk):
    wheel(desk.pad.viewport(), desk.pad.handle, 3)
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
    drag(desk.pad.viewport(), desk.pad.handle, (60, -40))
    moved = dict(desk.session.sound.values)
    drag(desk.pad.viewport(), desk.pad.handle, (-90, 20))
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
    qtbot.waitUntil(lambda: desk.pad.axes != ("f_c", "w"), timeout=20_000)
    desk.session.rack.set_instrument("chirplet")
    qtbot.waitUntil(lambda: desk.pad.axes == ("f_c", "w"), timeout=20_000)


def test_the_value_under_the_mouse_is_read_and_the_loss_has_a_bar_and_contours(desk):
    import numpy as np

    from mesosynth.matching.results import Cell

    pad = desk.pad
    x, y = (axis.at((np.arange(12) + 0.5) / 12) for axis in (pad.x_axis, pad.y_axis))
    pad.start_map(pad.axes, x, y)
    assert pad.bar.isVisible()
    cells = [
        Cell(
            i, j, (x[i], y[j]), 10.0 ** (-4.0 + abs(i - 6) / 2.0 + abs(j - 6) / 2.0), np.zeros(2)
        )
        for i in range(12) for j in range(12)
    ]  # fmt: skip
    pad.add_cells(pad.axes, cells[:-1])
    assert not len(pad._contours.x)  # not before all of it is known
    pad.add_cells(pad.axes, cells)
    assert np.isnan(pad._contours.x).sum() > 4  # each line ends with a gap
    said = pad.read(float(x[6]), float(y[6]))
    assert said.splitlines()[0].startswith("Note rate")
    assert float(said.rpartition(" ")[2]) == pytest.approx(1e-4, rel=0.3)
    pad.start_map(None, np.zeros(0), np.zeros(0))
    assert not pad.bar.isVisible()


def test_another_layer_brings_its_parameters(desk, qtbot):
    desk.session.rack.set_instrument("layers")
    qtbot.waitUntil(lambda: desk.pad.axes == ("f_m_1", "gamma_1"), timeout=20_000)
    desk.knobs.pages.turn_to(2)
    assert desk.pad.axes == ("f_m_2", "gamma_2")
    drag(desk.pad.viewport(), desk.pad.handle, (40, 0))
    assert desk.session.sound.values["f_m_2"] > desk.session.sound.parameters["f_m_2"].default
    desk.session.rack.set_instrument("chirplet")
    qtbot.waitUntil(lambda: desk.pad.axes == ("f_m", "gamma"), timeout=20_000)


def test_each_layer_has_its_map_of_the_loss(target, qtbot):
    desk, layers = target, target.session.layers

    def mapped(axes):
        pad = desk.pad
        return pad.axes == pad.map.axes == axes and pad.map.known > 0.0 and pad.bar.isVisible()

    layers.add("chirplet", {"f_c": 300.0})
    try:
        assert desk.session.rack.instrument == "layers"
        qtbot.waitUntil(lambda: mapped(("f_m_1", "gamma_1")), timeout=90_000)
        desk.knobs.pages.turn_to(2)
        qtbot.waitUntil(lambda: mapped(("f_m_2", "gamma_2")), timeout=90_000)
    finally:
        desk.session.rack.set_instrument("chirplet")
        qtbot.waitUntil(lambda: desk.pad.axes == ("f_m", "gamma"), timeout=20_000)
