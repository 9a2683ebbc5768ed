"""Every view as a file: a picture as PNG or SVG, its numbers as CSV."""

import csv
import io
from pathlib import Path

from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QPoint
from PySide6.QtGui import QImage, QPainter
from PySide6.QtSvg import QSvgGenerator
from PySide6.QtWidgets import QWidget

from gui import theme
from gui.plots.canvas import Canvas
from gui.plots.frame import Frame
from mesosynth.errors import ArgumentError, MesosynthError

KINDS = {
    ".png": "Picture (*.png)",
    ".svg": "Drawing (*.svg)",
    ".csv": "Numbers (*.csv)",
}
"""What a view can be saved as: the ending, and how a file dialog calls it."""

_SHARPNESS = 2  # pixels of a PNG for one on screen


class ExportError(MesosynthError):
    """A view cannot be saved."""


def save_view(frame: Frame, path: Path) -> None:
    """Write what a view shows; the ending of `path` tells how.

    Raises
    ------
    ArgumentError
        If the ending is none of :data:`KINDS`.
    ExportError
        If the view shows nothing yet, or the file cannot be written.
    """
    write = _WRITERS.get(path.suffix.lower())
    if write is None:
        raise ArgumentError(f"{path}: end its name with {', '.join(_WRITERS)}.")
    if not frame.filled:
        raise ExportError(f"{frame.title.text()} shows nothing yet; there is nothing to save.")
    content = write(frame)
    draft = path.with_name(f".{path.name}.part")
    try:
        draft.write_bytes(content)
        draft.replace(path)
    except OSError as error:
        raise ExportError(f"{path} cannot be written ({error.strerror}).") from None


def _png(frame: Frame) -> bytes:
    body = frame.body
    image = QImage(body.size() * _SHARPNESS, QImage.Format.Format_RGB32)
    image.fill(theme.colour(theme.PANEL))
    painter = QPainter(image)
    painter.scale(_SHARPNESS, _SHARPNESS)
    _paint(body, painter)
    painter.end()
    content = QByteArray()
    buffer = QBuffer(content)
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    image.save(buffer, "PNG")  # pyright: ignore[reportCallIssue,reportArgumentType] - takes devices too
    return bytes(content.data())


def _svg(frame: Frame) -> bytes:
    body = frame.body
    content = QByteArray()
    buffer = QBuffer(content)
    generator = QSvgGenerator()
    generator.setOutputDevice(buffer)
    generator.setSize(body.size())
    generator.setViewBox(body.rect())
    generator.setResolution(96)
    generator.setTitle(frame.title.text())
    painter = QPainter(generator)
    painter.fillRect(body.rect(), theme.colour(theme.PANEL))
    _paint(body, painter)
    painter.end()
    return bytes(content.data())


def _csv(frame: Frame) -> bytes:
    table = frame.table()
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(table.columns)
    writer.writerows([_short(value) for value in row] for row in table.rows)
    return text.getvalue().encode()


_WRITERS = {".png": _png, ".svg": _svg, ".csv": _csv}


def _paint(body: QWidget, painter: QPainter) -> None:
    """Paint every canvas of a view anew, so that lines and letters stay what they are."""
    canvases = body.findChildren(Canvas)
    for canvas in [body, *canvases] if isinstance(body, Canvas) else canvases:
        if canvas.isVisibleTo(body):
            painter.save()
            painter.translate(canvas.mapTo(body, QPoint()))
            painter.setClipRect(canvas.rect())
            canvas.paint_still(painter)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            canvas.paint_moving(painter)
            painter.restore()


def _short(value: float | str) -> float | str:
    """Seven digits are more than a picture's numbers have."""
    return f"{value:.7g}" if isinstance(value, float) else value
