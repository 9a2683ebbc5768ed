"""Export of plots: pictures as PNG and SVG, numbers as CSV, one view or all of a match."""

import csv
import io
import json
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QObject, QPoint, QRectF, QSize, Qt
from PySide6.QtGui import QCursor, QGuiApplication, QImage, QPainter
from PySide6.QtSvg import QSvgGenerator
from PySide6.QtWidgets import (
    QApplication,
    QFileDialog,
    QHBoxLayout,
    QMenu,
    QSpinBox,
    QWidget,
    QWidgetAction,
)

from mesosynth import __version__
from mesosynth.audio.target import ANALYSIS_RATE
from mesosynth.errors import ArgumentError, MesosynthError
from mesosynth.session import Session
from mesosynth.system.atomic_file import write_atomically, writing

from .. import theme
from ..desk import Desk
from ..files import ask_save
from ..settings import Settings
from .frame import Frame, Later, Table

if TYPE_CHECKING:
    from .plot import Plot

# --------------------------------------------------------------------------------------------------
# A view as a picture on white paper, as a drawing, and as numbers.


KINDS = {"Picture": (".png",), "Drawing": (".svg",), "Numbers": (".csv",)}
"""What a view can be saved as."""

_INCH = 25.4  # mm


class ExportError(MesosynthError):
    """A view cannot be saved."""


View = Frame | Later[Any]
"""Source of an export: a frame, or the place of a plot."""


class PictureSize:
    """Size of exported pictures: mm wide, at dots an inch; as high as on the screen."""

    def __init__(self) -> None:
        self.width, self.dpi = 160, 300

    def scale(self, body: QWidget) -> float:
        """Pixels of the picture for one on the screen."""
        return self.width / _INCH * self.dpi / max(body.width(), 1)

    def fill_menu(self, menu: QMenu) -> None:
        """Put fields for both into a menu."""
        row = QWidget()
        layout = QHBoxLayout(row)
        layout.setContentsMargins(12, 2, 12, 4)
        for name, unit, most, step in (("width", "mm wide", 1000, 10), ("dpi", "dpi", 1200, 50)):
            field = QSpinBox(minimum=step, maximum=most, singleStep=step)
            field.setValue(getattr(self, name))
            field.valueChanged.connect(partial(setattr, self, name))
            field.setSuffix(f" {unit}")
            theme.name(field, f"Picture, {unit}")
            layout.addWidget(field)
        action = QWidgetAction(menu)
        action.setDefaultWidget(row)
        menu.addAction(action)


def save_view(view: View, path: Path, size: PictureSize | None = None) -> None:
    """Write a view to a file; its ending says how: .png (of that size), .svg or .csv.

    Raises
    ------
    ArgumentError
        For another ending.
    ExportError
        If the view shows nothing yet, or the file cannot be written.
    """
    ending = path.suffix.lower()
    if ending not in (".png", ".svg", ".csv"):
        raise ArgumentError(f"{path}: end its name with .png, .svg, .csv.")
    if not view.filled:
        raise ExportError(f"{view.caption} shows nothing yet; there is nothing to save.")
    if ending == ".png":
        content = _png(view, size or PictureSize())
    else:
        content = _svg(view) if ending == ".svg" else _csv(view.table(), ",").encode()
    with writing(path, ExportError):
        write_atomically(path, content)


def picture(view: View, size: PictureSize) -> QImage:
    """A view on white paper, without playheads."""
    body, scale = view.body, size.scale(view.body)
    image = QImage(
        QSize(round(body.width() * scale), round(body.height() * scale)),
        QImage.Format.Format_RGB32,
    )
    image.fill(Qt.GlobalColor.white)
    painter = QPainter(image)
    painter.scale(scale, scale)
    _paint(body, painter, scale)
    painter.end()
    # Only now: what pyqtgraph has drawn before would be scaled by it as well.
    image.setDotsPerMeterX(round(size.dpi / _INCH * 1000))
    image.setDotsPerMeterY(round(size.dpi / _INCH * 1000))
    return image


def _png(view: View, size: PictureSize) -> bytes:
    content = QByteArray()
    buffer = QBuffer(content)
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    picture(view, size).save(buffer, "PNG")  # pyright: ignore[reportCallIssue,reportArgumentType] - takes devices too
    return bytes(content.data())


def _svg(view: View) -> bytes:
    # pyqtgraph 0.14's own SVG exporter fails on Qt 6.10 and later.
    content = QByteArray()
    buffer = QBuffer(content)
    generator = QSvgGenerator()
    generator.setOutputDevice(buffer)
    generator.setSize(view.body.size())
    generator.setViewBox(view.body.rect())
    generator.setResolution(96)
    generator.setTitle(view.caption)
    painter = QPainter(generator)
    painter.fillRect(view.body.rect(), Qt.GlobalColor.white)
    _paint(view.body, painter, 1.0)
    painter.end()
    return bytes(content.data())


def _csv(table: Table, delimiter: str) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n", delimiter=delimiter)
    writer.writerow(table.columns)
    writer.writerows([_short(value) for value in row] for row in table.rows)
    return text.getvalue()


def _short(value: float | str) -> float | str:
    """Seven digits of a number."""
    return f"{value:.7g}" if isinstance(value, float) else value


def _paint(body: QWidget, painter: QPainter, scale: float) -> None:
    """Paint every plot of a view, so that lines and letters stay vectors."""
    from .plot import Plot

    plots = [each for each in [body, *body.findChildren(QWidget)] if isinstance(each, Plot)]
    shown = [plot for plot in plots if plot.isVisibleTo(body)]
    with ExitStack() as papers:
        for plot in shown:
            papers.enter_context(plot.printed(scale))
        for plot in shown:
            place = QRectF(plot.mapTo(body, QPoint()), plot.size())
            painter.save()
            plot.render(painter, place, plot.viewport().rect())
            painter.restore()


# --------------------------------------------------------------------------------------------------
# All of a match, with what it was made of.


def metadata(session: Session) -> dict[str, object]:
    """Metadata of a match's pictures, for JSON: file, part, settings, result, version."""
    target, match = session.target.sound, session.match
    data: dict[str, object] = {
        "mesosynth": __version__,
        "written": datetime.now(UTC).isoformat(timespec="seconds"),
        "instrument": session.rack.instrument,
        "parameters": dict(session.sound.values),
        "settings": asdict(match.settings),
    }
    if target is not None:
        data["target"] = {
            "name": target.name,
            "file": "" if session.target.path is None else str(session.target.path),
            "sha256": target.sha256,
            "start_s": target.start,
            "seconds": len(target.audio) / ANALYSIS_RATE,
            "analysis_rate_hz": ANALYSIS_RATE,
        }
    if match.result is not None:
        result = asdict(match.result)
        result.pop("trajectory")
        data["result"] = result
    if session.layers.result is not None:
        data["layers"] = asdict(session.layers.result)
    return data


def save_all(views: Iterable[View], folder: Path, about: dict[str, object]) -> list[Path]:
    """Write all views that show something as picture, drawing and numbers, and metadata.json.

    Raises
    ------
    ExportError
        If a file cannot be written.
    """
    written: list[Path] = []
    for view in views:
        for (ending,) in KINDS.values():
            if view.filled:
                path = folder / f"{file_name(view)}{ending}"
                with writing(path, ExportError, make_folder=True):
                    path.parent.mkdir(parents=True, exist_ok=True)
                save_view(view, path)
                written.append(path)
    path = folder / "metadata.json"
    with writing(path, ExportError, make_folder=True):
        content = json.dumps(about, indent=2, ensure_ascii=False, default=str)
        write_atomically(path, content.encode())
    return [*written, path]


def file_name(view: View) -> str:
    """Name of a view's file, without ending: jtfs, pad."""
    return view.caption.split(":")[0].lower().replace(" ", "-")


# --------------------------------------------------------------------------------------------------
# Context menus of the views, to save and to copy them.


class Exporter(QObject):
    """Context menus of the views, and the view in hand.

    Parameters
    ----------
    window : QWidget
        Parent of the file dialog.
    views : sequence of View
        The first is saved where neither the mouse nor the keyboard says which.
    """

    def __init__(
        self,
        window: QWidget,
        views: Sequence[View],
        desk: Desk,
        settings: Settings,
    ) -> None:
        super().__init__(window)
        self._window, self._views, self._desk = window, views, desk
        self._settings = settings
        self.size = PictureSize()
        for view in views:
            view.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
            view.customContextMenuRequested.connect(partial(self._show_menu, view))

    def menu(self, view: View, plot: "Plot | None" = None) -> QMenu:
        """The context menu of a view."""
        menu = QMenu(self._window)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        if plot is not None:
            plot.fill_menu(menu)
            menu.addSeparator()
        ways: list[tuple[str, Callable[[], object]]] = [
            ("Save picture as PNG…", lambda: self.ask(view, "Picture")),
            ("Save drawing as SVG…", lambda: self.ask(view, "Drawing")),
            ("Save numbers as CSV…", lambda: self.ask(view, "Numbers")),
            ("Copy picture", lambda: self.copy(view)),
            ("Copy numbers", lambda: self.copy_numbers(view)),
            ("Export all of the match…", self.ask_all),
        ]
        for text, react in ways:
            action = menu.addAction(text)
            action.triggered.connect(react)
            action.setEnabled(view.filled)
        self.size.fill_menu(menu.addMenu("Size of pictures"))
        return menu

    def view_in_hand(self) -> View:
        """The view under the mouse, else the one with the keyboard, else the first."""
        for widget in (QApplication.widgetAt(QCursor.pos()), QApplication.focusWidget()):
            for view in self._views:
                if widget is not None and (widget is view or view.isAncestorOf(widget)):
                    return view
        return self._views[0]

    def ask_in_hand(self) -> None:
        """Ask for a file name, and save the view in hand there."""
        self.ask(self.view_in_hand())

    def ask(self, view: View, kind: str = "Picture") -> None:
        """Ask for a file name, and save a view there, as one of :data:`KINDS` at first."""
        ask_save(
            self._window, f"Save {view.caption}", self._settings, KINDS,
            lambda path: self.save(view, path),
            f"mesosynth-{file_name(view)}{KINDS[kind][0]}", kind,
        )  # fmt: skip

    def save(self, view: View, path: Path) -> None:
        """Save a view; a message tells the result."""
        with self._telling():
            save_view(view, path, self.size)
            self._desk.say(f"Saved {view.caption} as {path}.")

    def ask_all(self) -> None:
        """Ask for a folder, and save all views of the match there."""
        dialog = QFileDialog(self._window, "Export all of the match into a folder")
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        theme.dress_file_dialog(dialog)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(lambda name: self.save_all(Path(name)))
        dialog.open()

    def save_all(self, folder: Path) -> None:
        """Save all views that show something, and what they are of; a message tells the result."""
        with self._telling():
            written = save_all(self._views, folder, metadata(self._desk.session))
            self._desk.say(f"Saved {len(written)} files in {folder}.")

    def copy(self, view: View) -> None:
        """Put a view's picture on the clipboard."""
        QGuiApplication.clipboard().setImage(picture(view, self.size))
        self._desk.say(f"Copied {view.caption}.")

    def copy_numbers(self, view: View) -> None:
        """Put a view's numbers on the clipboard, as a spreadsheet takes them."""
        QGuiApplication.clipboard().setText(_csv(view.table(), "\t"))
        self._desk.say(f"Copied the numbers of {view.caption}.")

    @contextmanager
    def _telling(self) -> Generator[None]:
        try:
            yield
        except MesosynthError as error:
            self._desk.say(str(error), "error")

    def _show_menu(self, view: View, spot: QPoint) -> None:
        from .plot import Plot

        widget: QWidget | None = view.childAt(spot)
        while widget is not None and widget is not view and not isinstance(widget, Plot):
            widget = widget.parentWidget()
        plot = widget if isinstance(widget, Plot) else None
        self.menu(view, plot).popup(view.mapToGlobal(spot))
