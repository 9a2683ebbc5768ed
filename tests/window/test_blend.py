"""The page of blends, by hand."""

import pytest
from hands import LEFT, drag
from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtTest import QTest


@pytest.fixture
def page(desk):
    QTest.keySequence(desk, QKeySequence("F6"))
    QTest.qWait(50)
    yield desk.blend_page
    desk.session.sound.stop()
    desk.docks.hide_view("blend")


def keep(desk, page, corner, f_m):
    desk.history.set_at_once({"f_m": f_m}, "test")
    QTest.mouseClick(page.keepers[corner], LEFT)


def test_a_drag_between_corners_is_heard_between_them_and_is_one_step(desk, page):
    session = desk.session
    for corner, f_m in ((0, 4.0), (1, 16.0), (2, 4.0), (3, 16.0)):
        keep(desk, page, corner, f_m)
    desk.history.set_at_once({"f_m": 5.0}, "test")
    before = desk.history.stack.count()
    square = page.square
    start, end = square.point(0.5, 0.5), square.point(1.0, 0.5)
    drag(square.viewport(), start, (int(end.x() - start.x()) + 40, 0))
    assert square.across == 1.0
    assert session.sound.values["f_m"] == pytest.approx(16.0)
    assert desk.history.stack.count() == before + 1
    drag(square.viewport(), square.point(1.0, 0.5), (int(start.x() - end.x()), 0))
    assert session.sound.values["f_m"] == pytest.approx(8.0, rel=0.02)  # the middle, by ratios
    QTest.keySequence(desk, QKeySequence("Ctrl+Z"))
    assert session.sound.values["f_m"] == pytest.approx(16.0)


def test_arrow_keys_move_the_point(desk, page):
    session = desk.session
    keep(desk, page, 0, 4.0)
    keep(desk, page, 1, 16.0)
    page._presets[2] = page._presets[3] = None  # empty corners have no say
    drag(page.square.viewport(), page.square.point(0.5, 0.5), (-400, 400))
    assert session.sound.values["f_m"] == pytest.approx(4.0)
    QTest.keyClick(page.square, Qt.Key.Key_Right)
    assert session.sound.values["f_m"] == pytest.approx(4.0 * 4.0**0.02)


def test_chance_moves_the_sound_but_neither_level_nor_what_is_pinned(desk, page):
    session = desk.session
    settings = session.match.settings
    unknowns = tuple(id_ for id_ in settings.unknowns if id_ != "f_c")
    desk.session.match.settings = type(settings)(unknowns=unknowns)
    page.amount.setValue(60)
    before = dict(session.sound.values)
    QTest.mouseClick(page.vary, LEFT)
    moved = {id_ for id_ in before if session.sound.values[id_] != before[id_]}
    assert {"f_m", "gamma", "w"} <= moved
    assert not {"f_c", "gain", "tempo", "sync"} & moved
    QTest.keySequence(desk, QKeySequence("Ctrl+Z"))
    assert session.sound.values == before
    desk.session.match.settings = settings
