"""What a window has painted as text, and where: painters are watched while they write."""

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QFontMetricsF, QImage, QPainter, QPicture
from PySide6.QtWidgets import QLabel

import gui.widgets.knob
from gui import theme
from gui.plots.plot import FONT, Plot
from gui.widgets.elided_label import ElidedLabel
from gui.widgets.knob import Knob

SLACK = 0.75  # px that letters may share: their boxes are a little larger than their ink

_written = []  # (text, rectangle that it takes, rectangle that it may take), px of the device


class Watched(QPainter):
    """A painter that notes every text with its rectangle, and where it would be cut off."""

    def drawText(self, *arguments):
        place, text = arguments[0], arguments[-1]
        room = QRectF(self.viewport())
        to_device = self.combinedTransform().mapRect
        if isinstance(place, QPointF):
            box = QFontMetricsF(self.font()).boundingRect(text).translated(place)
        else:
            box = self.boundingRect(QRectF(place), int(arguments[1]), text)
            room &= to_device(QRectF(place).adjusted(-SLACK, -SLACK, SLACK, SLACK))
        if self.hasClipping():
            room &= to_device(self.clipBoundingRect())
        if text:
            _written.append((text, to_device(box), room))
        super().drawText(*arguments)


def texts_of(widget):
    """The texts that a widget paints itself: (text, rectangle, rectangle that it may take)."""
    _written.clear()
    if widget.size().isEmpty():
        return []
    gui.widgets.knob.QPainter = Watched
    try:
        image = QImage(widget.size(), QImage.Format.Format_ARGB32)
        widget.render(image)
    finally:
        gui.widgets.knob.QPainter = QPainter
    return list(_written)


def plot_texts(plot):
    """The texts of a plot's title and axes: (text, rectangle, rectangle that it may take)."""
    title = plot._title
    if title.text:
        room = title.sceneBoundingRect()
        high = QFontMetricsF(theme.font(FONT)).ascent()
        box = QRectF(room.left() + 1, room.center().y() - high / 2, room.width() - 2, high)
        yield title.text, box, room
    for axis in (plot.left, plot.bottom):
        picture = QPicture()
        painter = QPainter(picture)
        specs = axis.generateDrawSpecs(painter)
        painter.end()
        if specs is None or not axis.isVisible():
            continue
        for rect, _, text in specs[2]:
            yield text, axis.mapRectToScene(rect), QRectF(plot.rect())
        label = axis.label
        if label.isVisible() and label.toPlainText():
            box = label.mapRectToScene(label.boundingRect())
            yield label.toPlainText(), box, QRectF(plot.rect())


def painted_troubles(widget):
    """What is wrong with the texts that a widget paints: cut off, or one over another."""
    texts = plot_texts(widget) if isinstance(widget, Plot) else texts_of(widget)
    written = [
        (text, box.adjusted(SLACK, SLACK, -SLACK, -SLACK), room) for text, box, room in texts
    ]
    for place, (text, box, room) in enumerate(written):
        if not room.contains(box):
            yield f"{text!r} is cut off"
        for other, other_box, _ in written[place + 1 :]:
            if box.intersects(other_box):
                yield f"{text!r} lies on {other!r}"


def label_troubles(label):
    """What is wrong with one label: too little room for its text, or an end in …."""
    room, text = label.contentsRect(), QLabel.text(label)
    if isinstance(label, ElidedLabel) and text not in (label.text(), *label.shorter):
        yield f"{label.text()!r} ends as {text!r}"
    if not text:
        return
    if label.wordWrap():
        if label.heightForWidth(room.width()) > room.height() + 1:
            yield f"{text!r} is cut off"
    elif max(map(label.fontMetrics().horizontalAdvance, text.splitlines())) > room.width() + 1:
        yield f"{text!r} is cut off"


def text_troubles(window, may_end_early=()):
    """Every trouble with text in a window; labels in `may_end_early` may end in …."""
    for widget in [w for kind in (Plot, Knob) for w in window.findChildren(kind)]:
        if not widget.visibleRegion().isEmpty():  # nor behind another view of its stack
            name = widget.accessibleName() or type(widget).__name__
            yield from (f"{name}: {trouble}" for trouble in painted_troubles(widget))
    for label in window.findChildren(QLabel):
        if not label.visibleRegion().isEmpty() and label not in may_end_early:
            yield from label_troubles(label)
