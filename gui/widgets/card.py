"""Cards in a list: moved by their titles, by buttons and by keys, and taken out."""

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QToolButton, QWidget
from typing_extensions import override

from .. import theme
from .elided_label import ElidedLabel
from .parts import Scrolled, row


class MovableCard(QFrame):
    """Card with a head of title and buttons, which subclasses fill.

    Drag its title up or down, or press Alt with an arrow key, to move it; Delete removes it.

    Parameters
    ----------
    place : int
        In the list, 0 for the first.
    tips : (str, str, str)
        Of the buttons that move it up and down, and take it out.

    Signals
    -------
    moved
        The place that it shall have.
    removed
    """

    moved = Signal(int)
    removed = Signal()

    def __init__(self, place: int, tips: tuple[str, str, str]) -> None:
        super().__init__()
        self.setObjectName("card")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.place, self._count = place, 1
        self._grabbed: float | None = None
        self.title = ElidedLabel()
        self.title.setObjectName("title")  # what the style sheet goes by
        self.title.setCursor(Qt.CursorShape.SizeVerCursor)
        icons = ("ph.caret-up", "ph.caret-down", "ph.x")
        self.up, self.down, self.out = map(bare_button, icons, tips)
        self.up.clicked.connect(lambda: self._move(self.place - 1))
        self.down.clicked.connect(lambda: self._move(self.place + 1))
        self.out.clicked.connect(self.removed)

    def show_place(self, place: int, count: int) -> None:
        """Show that the card is number `place` of `count`, from 0."""
        self.place, self._count = place, count
        self.up.setEnabled(place > 0)
        self.down.setEnabled(place < count - 1)

    def head(self, before: Sequence[QWidget], after: Sequence[QWidget]) -> QHBoxLayout:
        """Row of the title and all buttons, with others before it and after it."""
        return row(*before, (self.title, 1), *after, self.up, self.down, self.out, spacing=2)

    @override
    def keyPressEvent(self, event: QKeyEvent) -> None:
        alt = bool(event.modifiers() & Qt.KeyboardModifier.AltModifier)
        match event.key():
            case Qt.Key.Key_Up if alt:
                self._move(self.place - 1)
            case Qt.Key.Key_Down if alt:
                self._move(self.place + 1)
            case Qt.Key.Key_Delete | Qt.Key.Key_Backspace:
                self.removed.emit()
            case _:
                super().keyPressEvent(event)

    @override
    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._grabbed = event.position().y()
        super().mousePressEvent(event)

    @override
    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self._grabbed is not None:
            by = event.position().y() - self._grabbed
            self._grabbed = None
            # Half a card's height is enough for the next place.
            self._move(self.place + round(by / max(self.height(), 1)))

    def _move(self, place: int) -> None:
        place = min(max(place, 0), self._count - 1)
        if place != self.place:
            self.moved.emit(place)


class CardList(Scrolled):
    """List of cards that scrolls from top to bottom.

    Parameters
    ----------
    hint : str
        What it says while there are none.
    """

    def __init__(self, hint: str) -> None:
        self.hint = theme.note(hint, wrap=True)
        self._cards: list[QWidget] = []
        super().__init__(self.hint, 1)

    def show_cards(self, cards: Sequence[QWidget]) -> None:
        """Show these cards in this order; those that are gone are deleted."""
        for card in self._cards:
            if card not in cards:
                self.column.removeWidget(card)
                card.hide()
                card.deleteLater()
        self._cards = list(cards)
        for place, card in enumerate(cards):
            if self.column.indexOf(card) != place:
                self.column.insertWidget(place, card)
        self.hint.setVisible(not cards)


def bare_button(icon: str, tip: str) -> QToolButton:
    """Button without a frame, named by its tip up to the first bracket or colon."""
    named = tip.partition(" (")[0].partition(":")[0]
    return theme.tool_button("", tip, icon=icon, kind="bare", named=named)
