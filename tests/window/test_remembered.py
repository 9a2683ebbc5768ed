"""Fears: what was set is forgotten; what is not seen has no name; a sheet is too high."""

import json

import pytest
from hands import told
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QAccessible, QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QFileDialog, QLineEdit, QWidget

from gui.plots.plot import Plot
from gui.settings import load_settings


def press(desk, keys):
    QTest.keySequence(desk, QKeySequence(keys))


def answer(desk, path):
    dialog = next(each for each in desk.findChildren(QFileDialog) if each.isVisible())
    line = dialog.findChild(QLineEdit, "fileNameEdit")
    line.setText(str(path))
    QTest.keyClick(line, Qt.Key.Key_Return)


@pytest.fixture
def other_window(desk):
    """A second window over the same settings; its engine never starts."""
    from gui.desk import Desk
    from gui.main_window import MainWindow
    from mesosynth.session import Session

    made = []

    def make():
        window = MainWindow(Desk(Session("silent", start=False)), load_settings()[0])
        made.append(window)
        window.show()
        assert QTest.qWaitForWindowExposed(window)
        window.build()
        return window

    yield make
    for window in made:
        window.deleteLater()


def test_axes_and_page_are_there_again(other_window):
    first = other_window()
    first.pad.set_axes(("f_c", "w"))
    first.drawer.turn_to("effects")
    first.close()
    second = other_window()
    assert second.pad.axes == ("f_c", "w")
    assert second.drawer.page == "effects"


def test_a_match_is_saved_and_taken_up_again(target, qtbot, tmp_path):
    desk = target
    with told(qtbot, desk.session.match.ended, timeout=60_000):
        desk.session.match.start()
    press(desk, "Ctrl+M")
    answer(desk, tmp_path / "mine")
    kept = tmp_path / "mine.run"
    qtbot.waitUntil(kept.exists, timeout=20_000)
    found = desk.session.match.result.theta
    with told(qtbot, desk.session.match.ended, timeout=60_000):
        press(desk, "Ctrl+Shift+M")
        answer(desk, kept)
    assert desk.session.match.result.theta == pytest.approx(found)
    broken = tmp_path / "broken.run"
    broken.write_text(json.dumps({"revision": 99}))
    desk.files.open_match(broken)
    assert "broken.run" in desk.status.message.text()


def test_the_sound_becomes_the_target_and_the_pad_marks_where_it_lies(
    desk, qtbot, monkeypatch, tmp_path
):
    monkeypatch.setattr("mesosynth.engine.capture.takes_folder", lambda: tmp_path)
    monkeypatch.setattr("mesosynth.session.target.takes_folder", lambda: tmp_path)
    desk.history.set_at_once({"f_m": 12.0, "gamma": 3.0}, "test")
    with told(qtbot, desk.session.target.loaded, timeout=30_000):
        press(desk, "Shift+T")
    assert desk.pad._known["f_m"] == 12.0
    where = desk.pad.pixel(12.0, 3.0).toPoint()
    desk.history.set_at_once({"f_m": 4.0, "gamma": 0.5}, "test")  # away with the handle
    image = desk.pad.grab().toImage()
    ring = [image.pixelColor(where + QPoint(x, 0)).lightness() for x in range(11, 15)]
    assert max(ring) > 150


def test_everything_that_can_be_reached_has_a_name(desk):
    nameless = []
    for widget in desk.findChildren(QWidget):
        reachable = widget.focusPolicy() != Qt.FocusPolicy.NoFocus or isinstance(widget, Plot)
        inner = widget.objectName().startswith("qt_") or widget.parent() is None
        if not reachable or inner or not widget.isVisibleTo(desk):
            continue
        interface = QAccessible.queryAccessibleInterface(widget)
        name = "" if interface is None else interface.text(QAccessible.Text.Name)
        if not (widget.accessibleName() or name):
            nameless.append(f"{type(widget).__name__} in {type(widget.parent()).__name__}")
    assert not nameless


def test_settings_that_cannot_be_written_are_told_at_the_end(
    other_window, monkeypatch, tmp_path, capsys
):
    (tmp_path / "file").write_text("")
    window = other_window()
    monkeypatch.setenv("MESOSYNTH_CONFIG_DIR", str(tmp_path / "file" / "folder"))
    window.close()
    assert "desk.json cannot be written" in capsys.readouterr().err
