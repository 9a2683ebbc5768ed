"""A mouse for tests: gestures made of the events that Qt gets from a real one."""

import subprocess

from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog, QLineEdit

from mesosynth.system.paths import resource

DEMO = resource("assets", "demo.wav")
LEFT = Qt.MouseButton.LeftButton
NONE = Qt.KeyboardModifier.NoModifier
SHIFT = Qt.KeyboardModifier.ShiftModifier


def drag(widget, start, by, modifiers=NONE, steps=8):
    start = QPointF(start).toPoint()
    QTest.mousePress(widget, LEFT, modifiers, start)
    for step in range(1, steps + 1):
        spot = start + QPoint(by[0] * step // steps, by[1] * step // steps)
        _move(widget, spot, modifiers)
    QTest.mouseRelease(widget, LEFT, modifiers, start + QPoint(*by))


def _move(widget, spot, modifiers):
    # QTest.mouseMove knows no buttons and no modifiers.
    from PySide6.QtCore import QEvent
    from PySide6.QtGui import QMouseEvent

    place = QPointF(spot)
    event = QMouseEvent(
        QEvent.Type.MouseMove, place, widget.mapToGlobal(place), LEFT, LEFT, modifiers
    )
    QApplication.sendEvent(widget, event)


def hover(widget, spot):
    _move(widget, QPointF(spot).toPoint(), NONE)


def wheel(widget, spot, notches, modifiers=NONE):
    place = QPointF(spot)
    event = QWheelEvent(
        place, widget.mapToGlobal(place), QPoint(), QPoint(0, 120 * notches),
        Qt.MouseButton.NoButton, modifiers, Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(widget, event)


def drop(window, path):
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path))])
    copy, buttons = Qt.DropAction.CopyAction, LEFT
    enter = QDragEnterEvent(QPoint(50, 50), copy, data, buttons, NONE)
    QApplication.sendEvent(window, enter)
    assert enter.isAccepted()
    QApplication.sendEvent(window, QDropEvent(QPointF(50, 50), copy, data, buttons, NONE))


def xdotool(*arguments):
    try:
        subprocess.run(["xdotool", *map(str, arguments)], check=True, timeout=20)
    except FileNotFoundError:
        raise AssertionError(
            "xdotool is missing; install it with: apt-get install xvfb xdotool"
        ) from None


def answer(qtbot, desk, path):
    """Type a path into the file dialog that is open, as a user does."""
    qtbot.waitUntil(lambda: bool(open_dialogs(desk)), timeout=20_000)
    line = open_dialogs(desk)[0].findChild(QLineEdit, "fileNameEdit")
    line.setText(str(path))
    QTest.keyClick(line, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: not open_dialogs(desk), timeout=20_000)


def open_dialogs(desk):
    return [dialog for dialog in desk.findChildren(QFileDialog) if dialog.isVisible()]


class told:
    """Waits until each of a session's signals was emitted within the block, or soon after it.

    `args` is what the first of them told at last, and `news` everything by signal.
    """

    def __init__(self, qtbot, *signals, timeout=20_000):
        self._qtbot, self._signals, self._timeout = qtbot, signals, timeout
        self.news = [[] for _ in signals]
        self._listeners = [lambda *args, news=news: news.append(args) for news in self.news]

    def __enter__(self):
        for signal, listener in zip(self._signals, self._listeners, strict=True):
            signal.connect(listener, check_nargs=False)
        return self

    def __exit__(self, kind, *_):
        try:
            if kind is None:
                self._qtbot.waitUntil(lambda: all(self.news), timeout=self._timeout)
        finally:
            for signal, listener in zip(self._signals, self._listeners, strict=True):
                signal.disconnect(listener)

    @property
    def args(self):
        return self.news[0][-1]
