"""A label that says less where it is too narrow, and never asks for more room."""

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QLabel, QSizePolicy
from typing_extensions import override


class ElidedLabel(QLabel):
    """One line; where none of its texts fits, the last one ends in ….

    Attributes
    ----------
    shorter : tuple of str
        What may stand in place of the text, the longest first; "" for nothing.
    """

    def __init__(self) -> None:
        super().__init__()
        self.shorter: tuple[str, ...] = ()
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)

    def say(self, text: str, *shorter: str) -> None:
        """Show a text, or the first of the shorter ones that fits; the tooltip has the whole."""
        self.shorter = shorter
        self.setText(text)
        self.setToolTip(text)

    @override
    def minimumSizeHint(self) -> QSize:
        return QSize(0, super().minimumSizeHint().height())

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setPen(self.palette().windowText().color())
        painter.drawText(self.rect(), self.alignment(), self._fitting())

    def _fitting(self) -> str:
        metrics, texts = self.fontMetrics(), (self.text(), *self.shorter)
        for text in texts:
            if metrics.horizontalAdvance(text) <= self.width():
                return text
        return metrics.elidedText(texts[-1], Qt.TextElideMode.ElideRight, self.width())
