"""Number boxes: fields for a number, in which letters remain shortcuts."""

from typing import TypeVar

from PySide6.QtCore import QEvent, QObject
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QDoubleSpinBox, QSpinBox
from typing_extensions import override

from .. import theme

_Box = TypeVar("_Box", QSpinBox, QDoubleSpinBox)


class _LettersAreShortcuts(QObject):
    """Event filter that keeps a box from taking letters, which mean nothing in a number."""

    @override
    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() != QEvent.Type.ShortcutOverride or not isinstance(event, QKeyEvent):
            return False
        if not event.text().isalpha():
            return False
        event.ignore()
        return True


def integer_box(least: int, most: int, value: int, name: str) -> QSpinBox:
    """Box for a whole number.

    Parameters
    ----------
    least, most, value : int
        Range, and the number at first.
    name : str
        What screen readers call it.
    """
    box = QSpinBox()
    box.setRange(least, most)
    box.setValue(value)
    return _dressed(box, name)


def decimal_box(least: float, most: float, value: float, name: str) -> QDoubleSpinBox:
    """Box for a number with two decimals.

    Parameters
    ----------
    least, most, value : float
        Range, and the number at first.
    name : str
        What screen readers call it.
    """
    box = QDoubleSpinBox()
    box.setRange(least, most)
    box.setValue(value)
    return _dressed(box, name)


def _dressed(box: _Box, name: str) -> _Box:
    box.installEventFilter(_LettersAreShortcuts(box))
    theme.name(box, name)
    return box
