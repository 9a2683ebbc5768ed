"""Bar: a share of 0 to 1 with its name and number."""

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QFontMetricsF, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget
from typing_extensions import override

from .. import theme

_THICK = 3.0  # px
_CHIP = 8.0  # px


class Bar(QWidget):
    """Bar of a share, 0 to 1, below its name and its number.

    Parameters
    ----------
    name : str
    meaning : str
        Sentences of the tooltip.
    text : callable
        The number as a text.

    Attributes
    ----------
    colour : str
        "#rrggbb", also of a chip before the name; "" for the accent and no chip.
    pale : bool
        Whether it counts less now.
    """

    def __init__(self, name: str, meaning: str, form: str = ".2f") -> None:
        super().__init__()
        self._name, self._meaning, self._form = name, meaning, form
        self.colour, self.pale = "", False
        self._share: float | None = None
        self._words = ""
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.show_share(None)

    @property
    def text(self) -> str:
        """The number, or the words that stand for it, as shown."""
        return self._words or ("–" if self._share is None else f"{self._share:{self._form}}")

    def show_share(self, share: float | None, words: str = "") -> None:
        """Show a share, 0 to 1, or that it is not known; `words` stand in place of the number."""
        self._share, self._words = share, words
        self.setToolTip(f"{self._name} {self.text}. {self._meaning}")
        theme.name(self, f"{self._name}: {self.text}", self._meaning)
        self.update()

    @override
    def sizeHint(self) -> QSize:
        return theme.size(66, 20)

    @override
    def minimumSizeHint(self) -> QSize:
        return theme.size(40, 20)

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        thick, chip = _THICK * theme.zoom, _CHIP * theme.zoom if self.colour else 0.0
        font, words = theme.font(8), f"{self._name}  {self.text}"
        room, width = self.width() - 1.6 * chip, QFontMetricsF(font).horizontalAdvance(words)
        painter.setFont(theme.font(8 * min(room / width, 1.0)))
        above = QRectF(0.0, 0.0, self.width(), self.height() - thick - 1.0)
        colour = theme.colour(self.colour or theme.ACCENT, 0.35 if self.pale else 1.0)
        middle = Qt.AlignmentFlag.AlignVCenter
        if chip:
            painter.fillRect(QRectF(0.0, above.center().y() - 0.5 * chip, chip, chip), colour)
        painter.setPen(theme.colour(theme.DIM))
        place = above.adjusted(1.6 * chip, 0.0, 0.0, 0.0)
        painter.drawText(place, Qt.AlignmentFlag.AlignLeft | middle, self._name)
        known = self._share is not None and not self.pale
        painter.setPen(theme.colour(theme.TEXT if known else theme.FAINT))
        painter.drawText(above, Qt.AlignmentFlag.AlignRight | middle, self.text)
        below = QRectF(0.0, self.height() - thick, self.width(), thick)
        painter.fillRect(below, theme.colour(theme.LINE))
        below.setWidth(self.width() * (self._share or 0.0))
        painter.fillRect(below, colour)
