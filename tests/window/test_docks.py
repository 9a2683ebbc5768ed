"""Views move, stack, detach, hide and fill the desk, by mouse and keys; layouts remember it."""

import pytest
from hands import LEFT, NONE, xdotool
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QInputDialog, QLineEdit, QTabBar

from gui.docks import LAYOUTS


@pytest.fixture
def docks(desk, qtbot):
    yield desk.docks
    for id_ in desk.docks:
        desk.docks[id_].setFloating(False)
    for name in [*LAYOUTS, *desk.layouts.own]:
        desk.settings.layouts.pop(name, None)
    desk.settings.layout = "Design"
    desk.layouts.reset()
    desk.activateWindow()
    desk.pad.setFocus()


def press(desk, keys):
    QTest.keySequence(desk, QKeySequence(keys))
    QTest.qWait(50)  # Qt lays the views out in the next turns of the event loop


def shown(docks):
    return {id_ for id_ in docks if docks.front(id_)}


def spot(docks, id_):
    """A spot of a title without a button."""
    bar = docks[id_].titleBarWidget()
    return bar, QPoint(4, bar.height() // 2)


def drag_title(docks, qtbot, id_, to):
    """Move a view with a real X pointer, from its title to a point of the screen."""
    bar, place = spot(docks, id_)
    start = bar.mapToGlobal(place)
    xdotool("mousemove", start.x(), start.y(), "mousedown", 1)
    for step in range(1, 13):
        way = start + (to - start) * step / 12
        xdotool("mousemove", way.x(), way.y())
        qtbot.wait(15)
    qtbot.wait(250)  # the others make room in an animation
    xdotool("mouseup", 1)
    xdotool("mousemove", 1690, 1090)  # or it would hover over the next test
    qtbot.wait(200)


def middle(widget):
    return widget.mapToGlobal(widget.rect().center())


def test_a_title_that_is_dragged_onto_another_view_stacks_them(docks, qtbot):
    drag_title(docks, qtbot, "loss", middle(docks["match"]))
    assert docks["match"] in docks.tabifiedDockWidgets(docks["loss"])
    assert docks.front("loss") != docks.front("match")
    behind = "match" if docks.front("loss") else "loss"
    bar, tab = next(
        (bar, i) for bar in docks.findChildren(QTabBar) if bar.isVisible()
        for i in range(bar.count()) if bar.tabText(i) == docks[behind].windowTitle()
    )  # fmt: skip
    QTest.mouseClick(bar, LEFT, NONE, bar.tabRect(tab).center())
    qtbot.wait(50)
    assert docks.front(behind)


def test_a_title_that_is_dragged_aside_moves_the_view(docks, qtbot):
    before = docks["output"].mapTo(docks, QPoint(0, 0))
    pad = docks["pad"]
    drag_title(docks, qtbot, "output", pad.mapToGlobal(QPoint(pad.width() // 2, 12)))
    after = docks["output"].mapTo(docks, QPoint(0, 0))
    assert not docks["output"].isFloating()
    assert after.y() < before.y() - 100


def test_a_double_click_on_a_title_gives_the_view_the_desk_and_the_next_gives_it_back(docks):
    before, size = shown(docks), docks["scalograms"].size()
    bar, place = spot(docks, "scalograms")
    QTest.mouseDClick(bar, LEFT, NONE, place)
    QTest.qWait(50)
    assert shown(docks) == {"scalograms"}
    assert docks["scalograms"].width() >= docks.width() - 2
    QTest.mouseDClick(bar, LEFT, NONE, place)
    QTest.qWait(50)
    assert shown(docks) == before
    assert abs(docks["scalograms"].height() - size.height()) <= 2


def test_a_view_is_detached_put_back_and_hidden_by_keys(desk, docks, qtbot):
    desk.pad.setFocus()
    press(desk, "Ctrl+Shift+Return")
    qtbot.waitUntil(lambda: docks["pad"].isFloating() and docks["pad"].isVisible())
    assert docks["pad"].isWindow()
    assert docks["pad"].screen().availableGeometry().contains(docks["pad"].geometry())
    docks.toggle_detached("pad")
    assert not docks["pad"].isFloating()
    desk.activateWindow()
    qtbot.waitUntil(desk.isActiveWindow)
    press(desk, "Alt+3")
    assert "scale_rate" not in shown(docks)
    press(desk, "Alt+3")
    assert "scale_rate" in shown(docks)
    assert docks.isAncestorOf(QApplication.focusWidget())


def test_keys_go_from_view_to_view_and_give_them_room(desk, docks):
    seen = set()
    for _ in range(6):
        press(desk, "Ctrl+Tab")
        seen.add(docks.current)
    assert seen == shown(docks)
    desk.pad.setFocus()
    width, height = docks["pad"].width(), docks["pad"].height()
    press(desk, "Ctrl+Alt+Left")
    assert docks["pad"].width() < width
    press(desk, "Ctrl+Alt+Down")
    assert docks["pad"].height() < height
    docks["pad"].more.setFocus()
    menu = docks.menu("pad")
    assert [action.text() for action in menu.actions()] == [
        "Full size", "Detach", "Hide", "What is this?", "Stack with", "Move to",
    ]  # fmt: skip
    stack = menu.actions()[4].menu()
    next(action for action in stack.actions() if action.text() == "Loss").trigger()
    assert docks["loss"] in docks.tabifiedDockWidgets(docks["pad"])


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_layout_is_there_again_after_a_restart(desk, docks, qtbot, name):
    from gui.desk import Desk
    from gui.main_window import MainWindow
    from gui.settings import load_settings, save_settings
    from mesosynth.session import Session

    press(desk, LAYOUT_KEYS[name])
    assert desk.layouts.name == name
    first = next(id_ for id_ in docks if docks.front(id_) and id_ not in ("pad", "loss"))
    docks.hide_view(first)
    docks.open("blend")
    one = "loss" if name == "Study" else "blend"
    docks.stretch(one, 60, Qt.Orientation.Horizontal)
    desk.drawer.turn_to("effects")
    qtbot.wait(50)
    left, size = shown(docks), docks[one].width()
    press(desk, LAYOUT_KEYS["Study" if name != "Study" else "Play"])  # kept as it is left, too
    press(desk, LAYOUT_KEYS[name])
    assert shown(docks) == left
    desk.layouts.keep()
    desk.settings.geometry = bytes(desk.saveGeometry().toBase64().data()).decode()
    assert not save_settings(desk.settings)
    other = MainWindow(Desk(Session("silent", start=False)), load_settings()[0])
    other.show()
    assert QTest.qWaitForWindowExposed(other)
    other.build()
    qtbot.wait(50)
    assert other.layouts.name == name
    assert shown(other.docks) == left
    assert other.drawer.page == "effects"
    assert abs(other.docks[one].width() - size) <= 4
    other.layouts.reset()
    qtbot.wait(50)
    assert other.docks.front(first)
    assert not other.docks.front("blend")
    other.deleteLater()


LAYOUT_KEYS = {"Play": "Ctrl+F1", "Design": "Ctrl+F2", "Study": "Ctrl+F3"}


def test_a_layout_of_ones_own_has_a_name_and_goes_again(desk, docks):
    docks.hide_view("scale_rate")
    press(desk, "Ctrl+Shift+F1")
    dialog = next(each for each in desk.findChildren(QInputDialog) if each.isVisible())
    QTest.keyClicks(dialog.findChild(QLineEdit), "Mine")
    QTest.keyClick(dialog, Qt.Key.Key_Return)
    assert desk.layouts.own == ["Mine"]
    desk.activateWindow()
    QTest.qWait(50)
    press(desk, "Ctrl+F2")
    press(desk, "Ctrl+0")
    assert docks.front("scale_rate")
    desk.layouts.use("Mine")
    QTest.qWait(50)
    assert not docks.front("scale_rate")
    desk.layouts.remove("Mine")
    assert desk.layouts.own == []
    assert desk.layouts.name == "Design"


def test_f11_takes_the_whole_screen_and_gives_it_back(desk, docks, qtbot):
    press(desk, "F11")
    assert desk.isFullScreen()
    press(desk, "F11")
    assert not desk.isFullScreen()
    desk.resize(1280, 800)


def test_the_stage_view_has_large_letters_over_the_pad_and_goes_again(desk, docks, qtbot):
    before = shown(docks)
    press(desk, "Shift+F11")
    qtbot.waitUntil(lambda: "BPM" in desk.stage.tempo.text(), timeout=20_000)
    assert shown(docks) == {"pad"}
    assert desk.stage.name.text()
    assert desk.stage.name.font().pixelSize() >= 40  # 1 cm at 96 dpi: read from two metres
    assert not desk.transport.isVisible()
    assert not desk.menuBar().isVisible()
    press(desk, "Shift+F11")
    assert shown(docks) == before
    assert desk.transport.isVisible()
    assert desk.knobs.isVisible()


def test_the_stage_shows_one_view_also_right_after_a_layout(docks, desk, qtbot):
    desk.resize(1280, 800)
    desk.layouts.use("Play")
    docks._want(docks._row)  # as when the drawer has just closed: sizes wait to be set
    docks._narrow = not docks._narrow
    desk.toggle_stage()
    qtbot.wait(150)
    assert shown(docks) == {"pad"}
    desk.toggle_stage()
    qtbot.wait(50)
