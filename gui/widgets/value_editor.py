"""The line that opens over a knob's value to type another."""

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent
from PySide6.QtWidgets import QLineEdit, QWidget
from typing_extensions import override

from gui import theme


class ValueEditor(QLineEdit):
    """Return accepts, Esc or a click elsewhere leaves everything as it was."""

    accepted = Signal(str)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._owner = parent
        self.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.setFont(theme.font(8.5))
        self.setAccessibleName("Value")
        self.returnPressed.connect(self._accept)
        self.hide()

    def open(self, text: str) -> None:
        """Appear with `text` selected."""
        self.setText(text)
        self.show()
        self.selectAll()
        self.setFocus()

    @override
    def event(self, event: QEvent) -> bool:
        # Esc is also the shortcut of panic; while one types it only closes the line.
        if (
            event.type() == QEvent.Type.ShortcutOverride
            and isinstance(event, QKeyEvent)
            and event.key() == Qt.Key.Key_Escape
        ):
            event.accept()
            return True
        return super().event(event)

    @override
    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self._close()
        else:
            super().keyPressEvent(event)
            # QLineEdit lets Return through, and the knob behind would open the line again.
            event.accept()

    @override
    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.hide()

    def _accept(self) -> None:
        text = self.text()
        self._close()
        self.accepted.emit(text)

    def _close(self) -> None:
        self.hide()
        self._owner.setFocus()
