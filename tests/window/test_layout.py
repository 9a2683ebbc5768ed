"""Nothing clipped, nothing overlapping, no empty panel, at the sizes that people have."""

import pytest
from PySide6.QtCore import QRect
from PySide6.QtWidgets import QLabel, QToolButton

from gui.widgets.elided_label import ElidedLabel

SIZES = [(1024, 700), (1280, 800), (1600, 1000)]


def place(window, widget):
    return QRect(widget.mapTo(window, widget.rect().topLeft()), widget.size())


@pytest.mark.parametrize("size", SIZES)
def test_panels_fit_side_by_side(target, qtbot, size):
    desk = target
    qtbot.wait(50)
    desk.resize(*size)
    qtbot.wait(150)
    assert (desk.width(), desk.height()) == size
    views = [desk.docks[id_] for id_ in desk.docks if desk.docks.front(id_)]
    assert len(views) == 6
    panels = [desk.beside_menus, desk.transport, *views, desk.knobs, desk.status]
    places = [place(desk, panel) for panel in panels]
    for i, one in enumerate(places):
        assert desk.rect().contains(one)
        assert not any(one.intersects(other) for other in places[i + 1 :])
    for child in [*desk.findChildren(QLabel), *desk.findChildren(QToolButton)]:
        seen = child.isVisible() and not child.visibleRegion().isEmpty()
        if seen and not isinstance(child, ElidedLabel):
            assert child.width() >= child.sizeHint().width() - 1, child.text()
            assert desk.rect().contains(place(desk, child)), child.text()


@pytest.mark.parametrize("size", SIZES)
def test_every_picture_shows_something(target, qtbot, size):
    desk = target
    qtbot.waitUntil(lambda: len(desk.scalograms.shown) == 3, timeout=30_000)
    qtbot.waitUntil(lambda: len(desk.scale_rate.shown) == 3, timeout=30_000)
    desk.resize(*size)
    qtbot.wait(150)
    for view, fewest in [(desk.pad, 12), (desk.scalograms, 60), (desk.scale_rate, 60)]:
        image = view.parentWidget().grab().toImage()  # the dock, with its title
        assert image.height() > 100
        colours = {
            image.pixel(x, y)
            for x in range(0, image.width(), 3)
            for y in range(0, image.height(), 3)
        }
        assert len(colours) > fewest


def test_no_sound_card_is_evident(desk):
    assert desk.status.device.text() == "No sound card: silent clock"
    assert desk.status.device.isVisible()


def test_a_sound_card_is_named(desk):
    try:
        desk.session.device.changed.emit("Scarlett 2i2", False)
        assert desk.status.device.text() == "Sound: Scarlett 2i2"
    finally:
        desk.session.device.changed.emit("", True)


def test_long_messages_end_in_dots_and_do_not_widen_the_window(desk, qtbot):
    width = desk.width()
    desk.desk.say("A very long sentence about nothing. " * 30, "warning")
    qtbot.wait(50)
    assert desk.width() == width
    assert desk.status.message.toolTip().startswith("A very long")
