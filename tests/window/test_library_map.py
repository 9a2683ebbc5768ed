"""The map of the library, by hand."""

import pytest
from hands import hover, told
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def page(desk, qtbot, tmp_path, monkeypatch):
    monkeypatch.setenv("MESOSYNTH_CACHE_DIR", str(tmp_path))
    desk.docks.open("map")
    qtbot.waitUntil(lambda: len(desk.map_page.map.places) >= 64, timeout=20_000)
    QTest.qWait(50)
    yield desk.map_page
    desk.session.sound.stop()
    desk.docks.hide_view("map")


def place_of(page, name):
    return next(place for place in page.map.places if place.entry.name == name)


def spot_of(page, name):
    return page.map.point(place_of(page, name)).toPoint()


def test_every_factory_sound_is_there_without_listening(page):
    assert {place.entry.name for place in page.map.places} >= {"Laser", "Crickets", "Aurora"}
    keys = page.chart._keys
    factory = {keys[entry_key] for entry_key in keys if entry_key.startswith("factory/")}
    assert len(factory) >= 64
    assert not factory & page.chart._tried  # others' tests may have saved sounds of their own
    inside = page.map.area.adjusted(-1, -1, 1, 1)
    assert all(inside.contains(page.map.point(place)) for place in page.map.places)


def test_a_click_plays_a_sound_and_undo_takes_it_back(desk, page, qtbot):
    before = dict(desk.session.sound.values)
    with told(qtbot, desk.session.presets.loaded, timeout=20_000) as loaded:
        QTest.mouseClick(page.map.viewport(), LEFT, pos=spot_of(page, "Laser"))
    near = loaded.args[0]
    assert near.name == "Laser"
    assert desk.session.sound.playing
    qtbot.waitUntil(
        lambda: desk.session.sound.values["gamma"] == near.values["gamma"], timeout=20_000
    )
    assert page.map.playing == place_of(page, "Laser").entry.key
    qtbot.waitUntil(lambda: desk.history.stack.canUndo(), timeout=20_000)
    desk.history.undo()
    qtbot.waitUntil(lambda: desk.session.sound.values["gamma"] == before["gamma"], timeout=20_000)


def test_the_mouse_over_a_point_tells_its_name(page, qtbot):
    hover(page.map.viewport(), spot_of(page, "Crickets"))
    qtbot.waitUntil(lambda: page.map.hovered is place_of(page, "Crickets"), timeout=20_000)
    assert page.map.viewport().cursor().shape() == Qt.CursorShape.PointingHandCursor
    hover(page.map.viewport(), QPoint(1, 1))
    qtbot.waitUntil(lambda: page.map.hovered is None, timeout=20_000)


def test_a_drag_blends_what_is_near_in_one_step(desk, page, qtbot):
    start, end = spot_of(page, "Sub drop"), spot_of(page, "Wooden bass")
    steps = desk.history.stack.count()
    QTest.mousePress(page.map.viewport(), LEFT, pos=start)
    for step in range(1, 9):
        QTest.mouseMove(page.map.viewport(), start + (end - start) * step / 8)
        QTest.qWait(25)
    mixed = desk.session.sound.values["f_c"]
    QTest.mouseRelease(page.map.viewport(), LEFT, pos=end)
    names = [place.entry.name for place, _ in page.map.mix]
    assert names[0] == "Wooden bass"
    assert sum(share for _, share in page.map.mix) == pytest.approx(1.0)
    assert mixed > 0.0
    goal = place_of(page, "Wooden bass").preset.values["f_c"]
    qtbot.waitUntil(
        lambda: desk.session.sound.values["f_c"] == pytest.approx(goal, rel=0.05),
        timeout=20_000,
    )
    assert desk.history.stack.count() == steps + 1
    assert desk.history.stack.undoText() == "move on the map"


def test_arrow_keys_go_from_sound_to_sound(desk, page, qtbot):
    with told(qtbot, desk.session.presets.loaded, timeout=20_000):
        QTest.mouseClick(page.map.viewport(), LEFT, pos=spot_of(page, "Aurora"))
    x = page.map.point(place_of(page, "Aurora")).x()
    page.map.setFocus()
    with told(qtbot, desk.session.presets.loaded, timeout=20_000) as loaded:
        QTest.keyClick(page.map, Qt.Key.Key_Right)
    assert page.map.point(place_of(page, loaded.args[0].name)).x() > x


def test_sounds_that_are_alike_are_named_and_heard(desk, page, qtbot):
    with told(qtbot, desk.session.presets.loaded, timeout=20_000):
        QTest.mouseClick(page.map.viewport(), LEFT, pos=spot_of(page, "Crickets"))
    names = [button.text() for button in page.similar]
    assert len(names) == 4
    assert "Crickets" not in names
    with told(qtbot, desk.session.presets.loaded, timeout=20_000) as loaded:
        QTest.mouseClick(page.similar[0], LEFT)
    assert loaded.args[0].name == names[0]
    assert names[0] not in [button.text() for button in page.similar]
