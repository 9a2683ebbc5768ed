"""Canvas of a plot: cached painting, hover, and the painter's helpers."""

from PySide6.QtCore import QEvent, QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPaintEvent, QPen, QPixmap, QResizeEvent
from PySide6.QtWidgets import QWidget
from typing_extensions import override

from .. import theme
from .axes import Axis

# --------------------------------------------------------------------------------------------------
# Widget in two layers: the still one is painted once, the moving one over it.
#
# At sixty pictures a second only the second layer costs anything.


class Canvas(QWidget):
    """Widget painted in two layers.

    Implement :meth:`paint_still` and :meth:`paint_moving`; call :meth:`refresh` or `update`.
    """

    def __init__(self) -> None:
        super().__init__()
        self._still: QPixmap | None = None

    def paint_still(self, painter: QPainter) -> None:
        """Paint the still layer, which only changes with :meth:`refresh`."""

    def paint_moving(self, painter: QPainter) -> None:
        """Paint the moving layer, which changes with every `update`."""

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


# --------------------------------------------------------------------------------------------------
# Painting that all plots share: ground, ticks, labels and hints.


_MIDDLE = Qt.AlignmentFlag.AlignCenter
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


def em() -> float:
    """Height of a line of tick labels, px: the unit of the margins."""
    return QFontMetricsF(theme.font(7.5)).height()


def left_margin() -> float:
    """Room for the vertical axis, px."""
    return 4.0 * em()


def bottom_margin(written: bool = True) -> float:
    """Room for the horizontal axis, and for its label where that is `written`, px."""
    return (2.5 if written else 1.4) * em()


def title_margin() -> float:
    """Room for a title, px."""
    return 1.5 * em()


def paint_ground(painter: QPainter, area: QRectF) -> None:
    """Fill the background of a plot.

    Parameters
    ----------
    painter : QPainter
    area : QRectF
        px.
    """
    painter.fillRect(area, QColor(theme.WELL))


def paint_title(painter: QPainter, area: QRectF, text: str) -> None:
    """Paint the title over a plot.

    Parameters
    ----------
    painter : QPainter
    area : QRectF
        Rectangle of the plot, px.
    text : str
    """
    painter.setFont(theme.font(8.0))
    painter.setPen(QColor(theme.TEXT))
    box = QRectF(area.left(), area.top() - title_margin(), area.width(), title_margin())
    metrics = QFontMetricsF(painter.font())
    text = metrics.elidedText(text, Qt.TextElideMode.ElideRight, box.width())
    painter.drawText(box, _MIDDLE, text)


def paint_x_axis(
    painter: QPainter, area: QRectF, axis: Axis, grid: bool = False, written: bool = True
) -> None:
    """Paint the ticks of the horizontal axis, and its label below.

    Parameters
    ----------
    painter : QPainter
    area : QRectF
        Rectangle of the plot, px.
    axis : Axis
    grid : bool
        Whether ticks cross the plot.
    written : bool
        Whether to paint the label.
    """
    line = em()
    painter.setFont(theme.font(7.5))
    free = -1e9  # from where on there is room for another label
    for value, text in axis.ticks(int(area.width() // (3.4 * line))):
        x = area.left() + axis.share(value) * area.width()
        painter.setPen(QPen(QColor(theme.GRID if grid else theme.LINE)))
        painter.drawLine(QLineF(x, area.top() if grid else area.bottom(), x, area.bottom() + 3))
        width = painter.fontMetrics().horizontalAdvance(text) + 2.0
        # Nothing is painted beyond the widget's edges.
        left = max(min(x - width / 2, area.right() + 1 - width), area.left() - 5)
        if left >= free:
            painter.setPen(QColor(theme.DIM))
            painter.drawText(QRectF(left, area.bottom() + 3, width, line), _MIDDLE, text)
            free = left + width + 2.0
    painter.setPen(QColor(theme.DIM))
    if written:
        below = QRectF(area.left(), area.bottom() + 1.25 * line, area.width(), 1.2 * line)
        painter.drawText(below, _MIDDLE, _fitting(painter, axis, below.width()))


def paint_y_axis(
    painter: QPainter, area: QRectF, axis: Axis, grid: bool = False, written: bool = True
) -> None:
    """Paint the ticks of the vertical axis, and its labels at the left.

    Parameters
    ----------
    painter : QPainter
    area : QRectF
        Rectangle of the plot, px.
    axis : Axis
    grid : bool
        Whether ticks cross the plot.
    written : bool
        Whether to paint labels.
    """
    line = em()
    painter.setFont(theme.font(7.5))
    for value, text in axis.ticks(max(2, int(area.height() // (1.8 * line)))):
        y = area.bottom() - axis.share(value) * area.height()
        painter.setPen(QPen(QColor(theme.GRID if grid else theme.LINE)))
        painter.drawLine(QLineF(area.left() - 3, y, area.right() if grid else area.left(), y))
        if written:
            painter.setPen(QColor(theme.DIM))
            box = QRectF(area.left() - 3.0 * line, y - line / 2, 3.0 * line - 5, line)
            painter.drawText(box, _RIGHT, text)
    if written:
        painter.setPen(QColor(theme.DIM))
        painter.save()
        painter.translate(area.left() - left_margin() + 0.55 * line, area.center().y())
        painter.rotate(-90)
        half = area.height() / 2 + line
        label = _fitting(painter, axis, 2 * half)
        painter.drawText(QRectF(-half, -line / 2, 2 * half, line), _MIDDLE, label)
        painter.restore()


def _fitting(painter: QPainter, axis: Axis, room: float) -> str:
    """Longest label of an axis that fits into `room` px."""
    width = painter.fontMetrics().horizontalAdvance
    return next(label for label in axis.labels if width(label) <= room)


def paint_hint(painter: QPainter, area: QRectF, text: str) -> None:
    """Paint a hint in the middle of an empty plot.

    Parameters
    ----------
    painter : QPainter
    area : QRectF
        Rectangle of the plot, px.
    text : str
    """
    painter.setFont(theme.font(9.0))
    painter.setPen(QColor(theme.DIM))
    painter.drawText(area, int(_MIDDLE | Qt.TextFlag.TextWordWrap), text)


def paint_readout(painter: QPainter, area: QRectF, spot: QPointF, text: str) -> None:
    """Paint a value beside the mouse, inside the plot.

    Parameters
    ----------
    painter : QPainter
    area : QRectF
        Rectangle of the plot, px.
    spot : QPointF
        Position of the mouse, px.
    text : str
    """
    painter.setFont(theme.font(8.0))
    size = QFontMetricsF(painter.font()).size(0, text)
    box = QRectF(spot.x() + 12, spot.y() + 12, size.width() + 12, size.height() + 6)
    if box.right() > area.right():
        box.moveRight(max(spot.x() - 8, area.left() + box.width()))
    if box.bottom() > area.bottom():
        box.moveBottom(spot.y() - 6)
    painter.setPen(QPen(QColor(theme.LINE)))
    painter.setBrush(theme.colour(theme.RAISED, 0.94))
    painter.drawRoundedRect(box, 3, 3)
    painter.setPen(QColor(theme.TEXT))
    painter.drawText(box, int(_MIDDLE), text)
