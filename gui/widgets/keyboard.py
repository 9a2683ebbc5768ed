"""Keyboard: a piano to click; keys that are held are lit, whoever holds them."""

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget
from typing_extensions import override

from mesosynth.session import Session

from .. import theme
from ..desk import Desk

NOTES = range(36, 97)
"""MIDI keys that are drawn, C2 to C7."""

_INK = "#20242c"


def _is_black(note: int) -> bool:
    return note % 12 in (1, 3, 6, 8, 10)


_WHITES = [note for note in NOTES if not _is_black(note)]
_NAMES = ("C", "C♯", "D", "D♯", "E", "F", "F♯", "G", "G♯", "A", "A♯", "B")


class PianoKeyboard(QWidget):
    """Piano keys; a click plays, harder towards the front edge.

    Attributes
    ----------
    held : frozenset of int
        MIDI keys that are down: here, on the computer's keyboard, by MIDI or OSC.
    """

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self._desk = desk
        self.held = frozenset[int]()
        self._pressed: int | None = None
        self.setMinimumSize(240, 48)
        self.setToolTip("Click: play a note\nCtrl+K: play by the computer keyboard")
        theme.name(self, "Keyboard", "Lit keys are held")
        desk.attached.connect(self._attach)

    @override
    def sizeHint(self) -> QSize:
        return theme.size(700, 84)

    def key_area(self, note: int) -> QRectF:
        """Rectangle of a key, px."""
        width = self.width() / len(_WHITES)
        if _is_black(note):
            middle = (_WHITES.index(note - 1) + 1) * width
            return QRectF(middle - 0.3 * width, 0.0, 0.6 * width, 0.6 * self.height())
        return QRectF(_WHITES.index(note) * width, 0.0, width, self.height())

    def _attach(self, session: Session) -> None:
        session.keys.held_changed.connect(self._show)

    def _show(self, held: frozenset[int]) -> None:
        self.held = held
        names = ", ".join(f"{_NAMES[n % 12]}{n // 12 - 1}" for n in sorted(held))
        self.setAccessibleDescription(names or "no key is held")
        self.update()

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setFont(theme.font(7.5))
        for note in sorted(NOTES, key=_is_black):
            area = self.key_area(note)
            ground = _INK if _is_black(note) else "#f1f3f6"
            painter.setPen(QPen(theme.colour(_INK), 1))
            painter.setBrush(theme.colour(theme.ACCENT if note in self.held else ground))
            painter.drawRect(area.adjusted(0.5, 0.5, -0.5, -0.5))
            if note % 12 == 0:
                side = Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignBottom
                painter.drawText(area.adjusted(0, 0, 0, -2), side, f"C{note // 12 - 1}")

    @override
    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._play(event)

    @override
    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._pressed is not None and self._at(event) != self._pressed:
            self._let_go()
            self._play(event)

    @override
    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._let_go()

    def _at(self, event: QMouseEvent) -> int | None:
        under = (n for n in NOTES if self.key_area(n).contains(event.position()))
        return max(under, key=_is_black, default=None)

    def _play(self, event: QMouseEvent) -> None:
        note = self._at(event)
        if note is not None:
            share = event.position().y() / self.key_area(note).height()
            self._pressed = note
            self._desk.ask(lambda session: session.keys.note_on(note, 0.3 + 0.7 * share))

    def _let_go(self) -> None:
        note, self._pressed = self._pressed, None
        if note is not None:
            self._desk.ask(lambda session: session.keys.note_off(note))
