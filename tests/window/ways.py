"""Two ways to an action: its keys, and the mouse in its menu."""

from hands import LEFT, NONE
from PySide6.QtGui import QKeySequence
from PySide6.QtTest import QTest


def by_keys(desk, id_):
    QTest.keySequence(desk, QKeySequence(desk.actions_[id_].keys))


def by_menu(desk, id_):
    bar = desk.menuBar()
    title = next(entry for entry in bar.actions() if entry.text() == desk.actions_[id_].menu_title)
    QTest.mouseClick(bar, LEFT, NONE, bar.actionGeometry(title).center())
    menu = title.menu()
    assert menu.isVisible()
    QTest.mouseClick(menu, LEFT, NONE, menu.actionGeometry(desk.actions_[id_]).center())


WAYS = [by_keys, by_menu]
