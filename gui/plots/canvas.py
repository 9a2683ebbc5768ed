"""A widget in two layers: what stands still is painted once, what moves is painted over it.

At sixty pictures a second only the second layer costs anything.
"""

from PySide6.QtCore import QEvent
from PySide6.QtGui import QPainter, QPaintEvent, QPixmap, QResizeEvent
from PySide6.QtWidgets import QWidget
from typing_extensions import override

from gui import theme


class Canvas(QWidget):
    """Implement :meth:`paint_still` and :meth:`paint_moving`; call :meth:`refresh` or `update`."""

    def __init__(self) -> None:
        super().__init__()
        self._still: QPixmap | None = None

    def paint_still(self, painter: QPainter) -> None:
        """Paint what only changes with :meth:`refresh`, over the ground of a panel."""

    def paint_moving(self, painter: QPainter) -> None:
        """Paint what changes with every `update`."""

    def refresh(self) -> None:
        """Paint both layers again."""
        self._still = None
        self.update()

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.drawPixmap(0, 0, self._still_layer())
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self.paint_moving(painter)

    @override
    def resizeEvent(self, event: QResizeEvent) -> None:
        self._still = None

    @override
    def changeEvent(self, event: QEvent) -> None:
        kinds = QEvent.Type
        if event.type() in (kinds.PaletteChange, kinds.StyleChange, kinds.FontChange):
            self.refresh()
        super().changeEvent(event)

    def _still_layer(self) -> QPixmap:
        ratio = self.devicePixelRatioF()  # another one when the window moves to another screen
        if self._still is None or self._still.devicePixelRatio() != ratio:
            self._still = QPixmap(self.size() * ratio)
            self._still.setDevicePixelRatio(ratio)
            self._still.fill(theme.colour(theme.PANEL))
            painter = QPainter(self._still)
            self.paint_still(painter)
            painter.end()
        return self._still
