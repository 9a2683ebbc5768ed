"""Fears: text that is hard to read, boxes without a tick, icons and focus that are hidden."""

from itertools import pairwise, product

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QCheckBox, QFileDialog, QToolButton

from gui import theme

TEXT = ("TEXT", "DIM", "ACCENT", "MODULATED", "WARNING", "ERROR", "MATCH")
GROUNDS = ("WINDOW", "PANEL", "CARD", "FIELD", "WELL", "RAISED", "HOVER", "OFF", "CHECKED", "ALARM")
DISABLED = ("WINDOW", "PANEL", "CARD", "FIELD", "WELL", "OFF")
ICONS = theme._FILE_ICONS
LOOKS = {"dark": theme.DARK, "light": theme.LIGHT}


def contrast(one, other):
    """Contrast ratio of WCAG 2.1."""

    def luminance(name):
        colour = QColor(name)
        parts = (colour.redF(), colour.greenF(), colour.blueF())
        linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("look", LOOKS)
def test_all_text_has_contrast(look):
    colours = LOOKS[look]
    pairs = [*product(TEXT, GROUNDS), *product(["FAINT"], DISABLED), ("FIELD", "ACCENT")]
    poor = {pair: contrast(*(colours[name] for name in pair)) for pair in pairs}
    assert {pair: ratio for pair, ratio in poor.items() if ratio < 4.5} == {}


@pytest.mark.parametrize("look", LOOKS)
def test_louder_is_ever_further_from_the_ground(look):
    from gui.plots.picture import colour_map

    inks = [QColor(*ink).name() for ink in colour_map("level", look == "light").tolist()]
    ratios = [contrast(ink, LOOKS[look]["WELL"]) for ink in inks]
    assert ratios[0] < 1.3
    assert ratios[-1] > 14.0
    assert all(after > before - 0.02 for before, after in pairwise(ratios))


@pytest.mark.parametrize("look", LOOKS)
def test_a_checked_box_has_a_tick(qapp, qtbot, look):
    theme.apply(qapp, look)
    box = QCheckBox("Loop")
    qtbot.addWidget(box)
    box.setChecked(True)
    box.show()
    image = box.grab().toImage()
    ground = QColor(LOOKS[look]["ACCENT"])
    side = [image.pixelColor(x, y) for x in range(18) for y in range(image.height())]
    tick = [ink for ink in side if contrast(ink.name(), ground.name()) > 3.0]
    fill = [ink for ink in side if ink == ground]
    theme.apply(qapp)
    assert len(fill) > 60
    assert len([ink for ink in tick if ink == QColor(LOOKS[look]["FIELD"])]) > 3


@pytest.mark.parametrize("look", LOOKS)
def test_icons_of_a_file_dialog_are_seen(desk, look):
    desk.look.use(look)
    desk.actions_["load"].trigger()
    QTest.qWait(50)
    dialog = next(each for each in desk.findChildren(QFileDialog) if each.isVisible())
    buttons = [each for each in dialog.findChildren(QToolButton) if each.objectName() in ICONS]
    for button in buttons:
        button.setEnabled(True)
        image = button.grab().toImage()
        ground = image.pixelColor(3, image.height() // 2)
        across, down = range(4, image.width() - 4), range(4, image.height() - 4)
        inks = [image.pixelColor(x, y) for x in across for y in down]
        seen = [ink for ink in inks if contrast(ink.name(), ground.name()) > 2.5]
        assert len(seen) > 8, button.objectName()
    dialog.close()
    desk.look.use("dark")
    assert len(buttons) == len(ICONS)


def test_the_focus_is_seen_on_a_button(desk):
    button = desk.transport["play"]
    button.setFocus(Qt.FocusReason.TabFocusReason)
    QTest.qWait(20)
    edge = button.grab().toImage().pixelColor(button.width() // 2, 0)
    assert edge == QColor(theme.ACCENT)
