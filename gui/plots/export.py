"""Export of a plot as PNG, SVG or CSV."""

import csv
import io
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QObject, QPoint, Qt
from PySide6.QtGui import QCursor, QGuiApplication, QImage, QPainter
from PySide6.QtSvg import QSvgGenerator
from PySide6.QtWidgets import QApplication, QMenu, QWidget

from mesosynth.errors import ArgumentError, MesosynthError
from mesosynth.system.atomic_file import write_atomically, writing

from .. import theme
from ..desk import Desk
from ..files import ask_save
from ..settings import Settings
from .canvas import Canvas
from .frame import Frame

# --------------------------------------------------------------------------------------------------
# Export of a view: a picture as PNG or SVG, its numbers as CSV.


KINDS = {"Picture": (".png",), "Drawing": (".svg",), "Numbers": (".csv",)}
"""What a view can be saved as."""

_SHARPNESS = 2  # pixels of a PNG for one on screen


class ExportError(MesosynthError):
    """A view cannot be saved."""


def save_view(frame: Frame, path: Path) -> None:
    """Write a view to a file.

    Parameters
    ----------
    frame : Frame
    path : Path
        Its ending says how: .png, .svg or .csv.

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
    with writing(path, ExportError):
        write_atomically(path, content)


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
    """Paint every canvas of a view anew, so that lines and letters stay vectors."""
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
    """Seven digits of a number."""
    return f"{value:.7g}" if isinstance(value, float) else value


# --------------------------------------------------------------------------------------------------
# Context menus of the views, to save and to copy them.


class Exporter(QObject):
    """Context menus of the views, and the view in hand.

    Parameters
    ----------
    window : QWidget
        Parent of the file dialog.
    views : sequence of Frame
        The first is saved where neither the mouse nor the keyboard says which.
    """

    def __init__(
        self,
        window: QWidget,
        views: Sequence[Frame],
        desk: Desk,
        settings: Settings,
    ) -> None:
        super().__init__(window)
        self._window, self._views, self._desk = window, views, desk
        self._settings = settings
        for view in views:
            view.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
            view.customContextMenuRequested.connect(partial(self._show_menu, view))

    def menu(self, view: Frame) -> QMenu:
        """The context menu of a view."""
        menu = QMenu(view)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.addAction("Save picture as PNG…").triggered.connect(lambda: self.ask(view, "Picture"))
        menu.addAction("Save drawing as SVG…").triggered.connect(lambda: self.ask(view, "Drawing"))
        menu.addAction("Save numbers as CSV…").triggered.connect(lambda: self.ask(view, "Numbers"))
        menu.addSeparator()
        menu.addAction("Copy picture").triggered.connect(lambda: self.copy(view))
        for action in menu.actions():
            action.setEnabled(view.filled)
        return menu

    def view_in_hand(self) -> Frame:
        """The view under the mouse, else the one with the keyboard, else the first."""
        for widget in (QApplication.widgetAt(QCursor.pos()), QApplication.focusWidget()):
            for view in self._views:
                if widget is not None and (widget is view or view.isAncestorOf(widget)):
                    return view
        return self._views[0]

    def ask_in_hand(self) -> None:
        """Ask for a file name, and save the view in hand there."""
        self.ask(self.view_in_hand())

    def ask(self, view: Frame, kind: str = "Picture") -> None:
        """Ask for a file name, and save a view there, as one of :data:`KINDS` at first.

        Parameters
        ----------
        view : Frame
        kind : str
            Of :data:`KINDS`.
        """
        name = view.title.text().split(":")[0].lower().replace(" ", "-")
        ask_save(
            self._window, f"Save {view.title.text()}", self._settings, KINDS,
            lambda path: self.save(view, path), f"mesosynth-{name}{KINDS[kind][0]}", kind,
        )  # fmt: skip

    def save(self, view: Frame, path: Path) -> None:
        """Save a view; a message tells the result.

        Parameters
        ----------
        view : Frame
        path : Path
        """
        try:
            save_view(view, path)
        except MesosynthError as error:
            self._desk.say(str(error), "error")
            return
        self._desk.say(f"Saved {view.title.text()} as {path}.")

    def copy(self, view: Frame) -> None:
        """Put a view's picture on the clipboard."""
        QGuiApplication.clipboard().setPixmap(view.body.grab())
        self._desk.say(f"Copied {view.title.text()}.")

    def _show_menu(self, view: Frame, spot: QPoint) -> None:
        self.menu(view).popup(view.mapToGlobal(spot))
