"""Elided label: a line of text that says less where it is too narrow."""

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QSizePolicy
from superqt.elidable import QElidingLabel
from typing_extensions import override

from ..text import plain_text


class ElidedLabel(QElidingLabel):
    """One line that never asks for more room; where none of its texts fits, the last ends in ….

    Attributes
    ----------
    shorter : tuple of str
        What may stand in place of the text, the longest first; "" for nothing.
    """

    def __init__(self) -> None:
        super().__init__()
        self.setTextFormat(Qt.TextFormat.PlainText)  # names may hold what looks like HTML
        self.shorter: tuple[str, ...] = ()
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)

    def say(self, text: str, *shorter: str) -> None:
        """Show a text, or the first shorter one that fits.

        Parameters
        ----------
        text : str
            Also the tooltip.
        *shorter : str
            Longest first.
        """
        self.shorter = shorter
        self.setText(text)
        self.setToolTip(plain_text(text))

    @override
    def minimumSizeHint(self) -> QSize:
        return QSize(0, super().minimumSizeHint().height())

    @override
    def setText(self, txt: str) -> None:
        super().setText(txt)
        self.setAccessibleDescription(txt)  # screen readers get the whole of it

    @override
    def _elidedText(self) -> str:  # what superqt asks for when text or size have changed
        metrics, texts = self.fontMetrics(), (self.text(), *self.shorter)
        fitting = (text for text in texts if metrics.horizontalAdvance(text) <= self.width())
        return metrics.elidedText(next(fitting, texts[-1]), self.elideMode(), self.width())
