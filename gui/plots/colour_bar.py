"""Colour maps and the colour bar that sets their range."""

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFontMetricsF,
    QImage,
    QLinearGradient,
    QMouseEvent,
    QPainter,
    QPen,
)
from PySide6.QtWidgets import QSizePolicy
from typing_extensions import override

from .. import theme
from . import canvas as plot_painting
from .canvas import Canvas
from .colours import colour_table

# --------------------------------------------------------------------------------------------------
# Colour maps, even to the eye and to colour-blind eyes, and images in them.
#
# An image holds one byte a pixel and its map beside it, so that another range of levels costs
# little.


def indexed_image(
    picture: NDArray[np.float32], levels: tuple[float, float], colours: str
) -> QImage:
    """Image of numbers in the colours of a map.

    Parameters
    ----------
    picture : (rows, columns) float32
        The first row is the bottom.
    levels : (float, float)
        Values of the map's two ends.
    colours : str
        A map of :func:`colour_table`.
    """
    low, high = levels
    share = (picture[::-1] - low) / max(high - low, 1e-9)
    indices = np.clip(share * 255.0 + 0.5, 0.0, 255.0).astype(np.uint8)
    height, width = indices.shape
    image = QImage(indices.tobytes(), width, height, width, QImage.Format.Format_Indexed8)
    image.setColorTable(colour_table(colours))
    return image.copy()  # Qt does not keep the bytes alive


# --------------------------------------------------------------------------------------------------
# Colour bar: drag its ends to set the range of levels.


_STRIP = 72.0  # px
_NARROWEST = 3.0  # dB between the ends


class ColourBar(Canvas):
    """Strip of a colour map with its lowest and highest level.

    Drag near an end to move that level, a double-click brings both back. A `mirrored` bar is one of
    differences: its ends stay opposite.

    Parameters
    ----------
    name : str
        What it is called, for screen readers.
    colours : str
        A map of :mod:`gui.plots.colour_bar`.
    levels : (float, float)
        At the ends, dB.
    limits : (float, float)
        How far the ends can be dragged, dB.
    mirrored : bool

    Signals
    -------
    changed : (float, float)
        Both levels.
    """

    changed = Signal(float, float)

    def __init__(
        self,
        name: str,
        colours: str,
        levels: tuple[float, float],
        limits: tuple[float, float],
        mirrored: bool = False,
    ) -> None:
        super().__init__()
        self._default = self.levels = levels
        self._limits, self._colours, self._mirrored = limits, colours, mirrored
        self._grip: tuple[int, float, float] | None = None  # which end, mouse, level at the press
        metrics = QFontMetricsF(theme.font(7.5))
        self._side = metrics.horizontalAdvance("−88 dB") + 4.0
        self.setFixedSize(round(_STRIP + 2 * self._side), round(1.4 * plot_painting.em()))
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setCursor(Qt.CursorShape.SizeHorCursor)
        self.setToolTip(f"{name}\nDrag an end: range of levels\nDouble-click: as it was")
        theme.name(self, name)

    def set_levels(self, low: float, high: float) -> None:
        """Set both levels, within the limits and apart from each other.

        Parameters
        ----------
        low, high : float
            dB.
        """
        least, most = self._limits
        if self._mirrored:
            high = min(max(high, _NARROWEST), most)
            low = -high
        else:
            low = min(max(low, least), most - _NARROWEST)
            high = max(min(high, most), low + _NARROWEST)
        if (low, high) != self.levels:
            self.levels = low, high
            self.refresh()
            self.changed.emit(low, high)

    @override
    def paint_still(self, painter: QPainter) -> None:
        strip = self._strip()
        gradient = QLinearGradient(strip.topLeft(), strip.topRight())
        table = colour_table(self._colours)
        for place in range(0, 256, 15):
            gradient.setColorAt(place / 255.0, QColor(table[place]))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(theme.LINE)))
        painter.setBrush(gradient)
        painter.drawRoundedRect(strip, 2, 2)
        painter.setFont(theme.font(7.5))
        painter.setPen(QColor(theme.DIM))
        low, high = self.levels
        left = QRectF(0, 0, self._side - 4, self.height())
        right = QRectF(strip.right() + 4, 0, self._side - 4, self.height())
        middle = Qt.AlignmentFlag.AlignVCenter
        painter.drawText(left, int(middle | Qt.AlignmentFlag.AlignRight), _decibels(low, False))
        painter.drawText(right, int(middle | Qt.AlignmentFlag.AlignLeft), _decibels(high, True))

    @override
    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            x = event.position().x()
            end = int(x > self.width() / 2.0)
            self._grip = (end, x, self.levels[end])

    @override
    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._grip is None:
            return
        end, x, level = self._grip
        least, most = self._limits
        level += (event.position().x() - x) * (most - least) / (2.0 * _STRIP)
        if self._mirrored:
            self.set_levels(-abs(level), abs(level))
        elif end:
            self.set_levels(self.levels[0], level)
        else:
            self.set_levels(min(level, self.levels[1] - _NARROWEST), self.levels[1])

    @override
    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._grip = None

    @override
    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self.set_levels(*self._default)

    def _strip(self) -> QRectF:
        height = 0.62 * plot_painting.em()
        return QRectF(
            QPointF(self._side, (self.height() - height) / 2.0),
            QPointF(self._side + _STRIP, (self.height() + height) / 2.0),
        )


def _decibels(level: float, unit: bool) -> str:
    return f"{level:.0f}".replace("-", "−") + (" dB" if unit else "")
