"""A titled image on axes, with a hint in its middle until there is something to show."""

from typing import Any

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import QRectF
from PySide6.QtGui import QColor, QLinearGradient, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QWidget

from gui import theme
from gui.views.axes import quiet

_LEFT = 44  # px for the labels of the first picture's vertical axis
_GAP = 10  # px between pictures
_BARE = 4  # px for the axis of the others, which share them


class Pictures(pg.GraphicsLayoutWidget):
    """A row of pictures of equal width that share the vertical axis of the first."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self.setBackground(theme.PANEL)
        self.setMinimumSize(200, 60)
        self._count = count
        self._grid: Any = self.ci.layout
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(_GAP)

    def resizeEvent(self, ev: QResizeEvent | None) -> None:  # noqa: D102 - Qt's hook
        # Plots ask for different widths; left to itself the grid would give them.
        super().resizeEvent(ev)
        if ev is not None:
            axes = _LEFT + (self._count - 1) * (_BARE + _GAP)
            for column in range(self._count):
                axis = _LEFT if column == 0 else _BARE
                width = axis + max((self.width() - axes) / self._count, 20.0)
                self._grid.setColumnFixedWidth(column, width)


class Picture:
    """One picture of a row.

    Parameters
    ----------
    row : Pictures
    column : int
    title, hint : str
    colours : ColorMap
    axes : dict, optional
        Axis items by side, for axes other than plain numbers.
    """

    def __init__(
        self,
        row: Pictures,
        column: int,
        title: str,
        hint: str,
        colours: pg.ColorMap,
        axes: dict[str, pg.AxisItem] | None = None,
    ) -> None:
        self.plot = quiet(row.ci.addPlot(row=0, column=column, axisItems=axes or {}))
        left = self.plot.getAxis("left")
        left.setWidth(_LEFT if column == 0 else _BARE)
        left.setStyle(showValues=column == 0)
        self.title(title)
        self._image = pg.ImageItem()
        self._image.setColorMap(colours)
        self.plot.addItem(self._image)
        self._hint = pg.TextItem(hint, color=theme.DIM, anchor=(0.5, 0.5))
        self._hint.setFont(theme.font(9.0))
        self.plot.addItem(self._hint, ignoreBounds=True)
        self.plot.getViewBox().sigRangeChanged.connect(self._centre_hint)
        self.plot.setRange(xRange=(0, 1), yRange=(0, 1), padding=0.0)

    @property
    def shown(self) -> bool:
        """Whether there is a picture."""
        return not self._hint.isVisible()

    def title(self, text: str) -> None:
        """Write `text` over the picture."""
        self.plot.setTitle(text, color=theme.TEXT, size="8pt")
        self.plot.titleLabel.setMaximumHeight(18)
        self.plot.layout.setRowFixedHeight(0, 18)

    def show(
        self, picture: NDArray[np.float32], rectangle: QRectF, levels: tuple[float, float]
    ) -> None:
        """Show an image, first row at the bottom, over `rectangle` of the axes."""
        self._hint.setVisible(False)
        self._image.setImage(picture, autoLevels=False, levels=levels)
        self._image.setRect(rectangle)

    def _centre_hint(self) -> None:
        (left, right), (low, high) = self.plot.viewRange()
        self._hint.setPos((left + right) / 2.0, (low + high) / 2.0)


class ColourBar(QWidget):
    """A strip that shows a colour map from its lowest to its highest level."""

    def __init__(self, colours: pg.ColorMap) -> None:
        super().__init__()
        self.setFixedSize(64, 8)
        self._gradient = QLinearGradient(0, 0, self.width(), 0)
        for position in np.linspace(0.0, 1.0, 17):
            self._gradient.setColorAt(
                float(position), QColor(colours.map(position, mode=pg.ColorMap.QCOLOR))
            )

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: D102 - Qt's hook
        painter = QPainter(self)
        painter.fillRect(self.rect(), self._gradient)
