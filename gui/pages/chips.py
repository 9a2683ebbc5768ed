"""Tags to click: as many as fit into two lines."""

from collections.abc import Sequence

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QToolButton, QWidget
from typing_extensions import override

from gui import theme

HEIGHT = 22
GAP = 4
LINES = 2
_MOST = 24  # nobody reads more


class Chips(QWidget):
    """Buttons that can be on or off, one for each word.

    Signals
    -------
    toggled
        The word of the button that was clicked, and whether it is on now.
    """

    toggled = Signal(str, bool)

    def __init__(self) -> None:
        super().__init__()
        self._chips: list[QToolButton] = []
        theme.name(self, "Tags")
        self.setFixedHeight(LINES * HEIGHT + (LINES - 1) * GAP)

    def show_words(self, words: Sequence[str]) -> None:
        """Show a button for each of `words`, those that do not fit left out."""
        words = list(words[:_MOST])
        if words == [chip.text() for chip in self._chips]:
            return
        on = {chip.text() for chip in self._chips if chip.isChecked()}
        for chip in self._chips:
            chip.hide()
            chip.deleteLater()
        self._chips = [self._chip(word, word in on) for word in words]
        self._arrange()

    def set_on(self, words: set[str]) -> None:
        """Let the buttons of `words` be on and all others off; nothing is signalled."""
        for chip in self._chips:
            chip.setChecked(chip.text().casefold() in words)

    @override
    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange()

    @override
    def sizeHint(self) -> QSize:
        return QSize(200, self.height())

    def _chip(self, word: str, on: bool) -> QToolButton:
        chip = QToolButton(self)
        chip.setText(word)
        chip.setCheckable(True)
        chip.setChecked(on)
        chip.setObjectName("small")
        chip.setFont(theme.font(7.5))
        chip.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        chip.setToolTip(f"Show only what is tagged {word}.")
        theme.name(chip, f"Tag {word}")
        chip.clicked.connect(lambda checked: self.toggled.emit(word, checked))
        return chip

    def _arrange(self) -> None:
        x = y = 0
        for chip in self._chips:
            width = min(chip.sizeHint().width(), self.width())
            if x + width > self.width():
                x, y = 0, y + HEIGHT + GAP
            chip.setGeometry(x, y, width, HEIGHT)
            chip.setVisible(y + HEIGHT <= self.height())
            x += width + GAP
