"""Fears: eighty knobs in one row, or a layer's knobs that cannot be reached."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QToolButton

from gui.widgets.knob import Knobs
from mesosynth.instruments import INSTRUMENTS


@pytest.fixture
def knobs(qtbot):
    knobs = Knobs(INSTRUMENTS["layers"].parameters)
    qtbot.addWidget(knobs)
    knobs.show()
    return knobs


def shown(knobs):
    return [id_ for id_ in INSTRUMENTS["layers"].parameters if knobs[id_].isVisible()]


def test_the_knobs_of_one_layer_and_of_all_are_on_show(knobs, qtbot):
    assert len(shown(knobs)) == 15
    assert shown(knobs)[0] == "f_c_1"
    third = next(b for b in knobs.findChildren(QToolButton) if b.text() == "3")
    qtbot.mouseClick(third, Qt.MouseButton.LeftButton)
    assert shown(knobs)[0] == "f_c_3"
    assert "f_c_1" not in shown(knobs)
    assert shown(knobs)[-1] == "gain"


def test_an_instrument_without_layers_has_no_pages(knobs):
    ripple = INSTRUMENTS["ripple"].parameters
    knobs.set_table(ripple)
    assert not knobs.pages.isVisible()
    assert all(knobs[id_].isVisible() for id_ in ripple)
