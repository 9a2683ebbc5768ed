"""Export of plots: pictures as PNG and SVG, numbers as CSV, one view or all of a match."""

import csv
import io
import json
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from PySide6.QtCore import QBuffer, QIODevice, QObject, QPoint, QRectF, QSize, Qt
from PySide6.QtGui import QCursor, QGuiApplication, QImage, QPainter
from PySide6.QtSvg import QSvgGenerator
from PySide6.QtWidgets import QApplication, QFileDialog, QMenu, QSpinBox, QWidget

from mesosynth import __version__
from mesosynth.audio.target import ANALYSIS_RATE
from mesosynth.errors import ArgumentError, MesosynthError
from mesosynth.session import Session
from mesosynth.system.atomic_file import write_atomically, writing

from .. import theme
from ..desk import Desk
from ..files import ask_save
from ..settings import Settings
from .plot import Plot, Table, add_row

KINDS = {"Picture": (".png",), "Drawing": (".svg",), "Numbers": (".csv",)}
"""What a view can be saved as."""

_INCH = 25.4  # mm


class ExportError(MesosynthError):
    """A view cannot be saved."""


# --------------------------------------------------------------------------------------------------
# A view as a picture on white paper, as a drawing, and as numbers.


@dataclass(frozen=True, slots=True)
class View:
    """A widget whose plots are saved as one, with the numbers that it shows."""

    name: str
    widget: QWidget
    table: Callable[[], Table]

    @property
    def file_name(self) -> str:
        """Name of its files, without ending: jtfs, pad."""
        return self.name.split(":")[0].lower().replace(" ", "-")

    @property
    def plots(self) -> list[Plot]:
        """Plots that are shown."""
        inside = [self.widget, *self.widget.findChildren(QWidget)]
        return [p for p in inside if isinstance(p, Plot) and p.isVisibleTo(self.widget)]

    @property
    def filled(self) -> bool:
        """Whether one of the plots shows something."""
        return any(not plot.empty for plot in self.plots)

    def paint(self, painter: QPainter, scale: float = 1.0) -> None:
        """Paint every plot on white paper, without playheads; lines and letters stay vectors."""
        with ExitStack() as papers:
            plots = self.plots
            for plot in plots:
                papers.enter_context(plot.printed(scale))
            for plot in plots:
                place = QRectF(plot.mapTo(self.widget, QPoint()), plot.size())
                painter.save()
                plot.render(painter, place, plot.viewport().rect())
                painter.restore()


class PictureSize:
    """Size of exported pictures: mm wide, at dots an inch; as high as on the screen."""

    def __init__(self) -> None:
        self.width, self.dpi = 160, 300

    def fill_menu(self, menu: QMenu) -> None:
        """Put fields for both into a menu."""
        fields = list[QSpinBox]()
        for name, unit, most, step in (("width", "mm wide", 1000, 10), ("dpi", "dpi", 1200, 50)):
            field = QSpinBox(minimum=step, maximum=most, singleStep=step)
            field.setValue(getattr(self, name))
            field.valueChanged.connect(partial(setattr, self, name))
            field.setSuffix(f" {unit}")
            theme.name(field, f"Picture, {unit}")
            fields.append(field)
        add_row(menu, *fields)


def picture(view: View, size: PictureSize) -> QImage:
    """A view on white paper, without playheads."""
    body = view.widget.size()
    scale = size.width / _INCH * size.dpi / max(body.width(), 1)
    pixels = QSize(round(body.width() * scale), round(body.height() * scale))
    image = QImage(pixels, QImage.Format.Format_RGB32)
    image.fill(Qt.GlobalColor.white)
    painter = QPainter(image)
    painter.scale(scale, scale)
    view.paint(painter, scale)
    painter.end()
    # Only now: what pyqtgraph has drawn before would be scaled by it as well.
    image.setDotsPerMeterX(round(size.dpi / _INCH * 1000))
    image.setDotsPerMeterY(round(size.dpi / _INCH * 1000))
    return image


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
        raise ExportError(f"{view.name} shows nothing yet; there is nothing to save.")
    if ending == ".csv":
        content = _csv(view.table(), ",").encode()
    else:
        buffer = QBuffer()
        buffer.open(QIODevice.OpenModeFlag.WriteOnly)
        if ending == ".png":
            picture(view, size or PictureSize()).save(buffer, "PNG")  # pyright: ignore[reportCallIssue,reportArgumentType] - takes devices too
        else:
            _draw(view, buffer)
        content = bytes(buffer.data().data())
    with writing(path, ExportError):
        write_atomically(path, content)


def _draw(view: View, buffer: QBuffer) -> None:
    # pyqtgraph 0.14's own SVG exporter fails on Qt 6.10 and later.
    generator = QSvgGenerator()
    generator.setOutputDevice(buffer)
    generator.setSize(view.widget.size())
    generator.setViewBox(view.widget.rect())
    generator.setResolution(96)
    generator.setTitle(view.name)
    painter = QPainter(generator)
    painter.fillRect(view.widget.rect(), Qt.GlobalColor.white)
    view.paint(painter)
    painter.end()


def _csv(table: Table, delimiter: str) -> str:
    """Rows of a table, numbers with seven digits."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n", delimiter=delimiter)
    writer.writerow(table.columns)
    writer.writerows([f"{v:.7g}" if isinstance(v, float) else v for v in r] for r in table.rows)
    return text.getvalue()


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
        "picture_rate_hz": match.picture_rate,
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
        data["result"] = {k: v for k, v in asdict(match.result).items() if k != "trajectory"}
    if session.layers.result is not None:
        data["layers"] = asdict(session.layers.result)
    return data


def save_all(views: Iterable[View], folder: Path, about: dict[str, object]) -> int:
    """Write all views that show something as picture, drawing and numbers, and metadata.json.

    Returns the number of files.

    Raises
    ------
    ExportError
        If a file cannot be written.
    """
    path = folder / "metadata.json"
    with writing(path, ExportError, make_folder=True):
        folder.mkdir(parents=True, exist_ok=True)
        content = json.dumps(about, indent=2, ensure_ascii=False, default=str)
        write_atomically(path, content.encode())
    shown = [view for view in views if view.filled]
    for view in shown:
        for (ending,) in KINDS.values():
            save_view(view, folder / f"{view.file_name}{ending}")
    return 1 + len(KINDS) * len(shown)


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
    desk : Desk
    settings : Settings
    """

    def __init__(
        self, window: QWidget, views: Sequence[View], desk: Desk, settings: Settings
    ) -> None:
        super().__init__(window)
        self._window, self._views, self._desk, self._settings = window, views, desk, settings
        self.size = PictureSize()
        for view in views:
            view.widget.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
            view.widget.customContextMenuRequested.connect(partial(self._show_menu, view))

    def menu(self, widget: QWidget, plot: Plot | None = None) -> QMenu:
        """The context menu of the view that a widget is in, and of a plot of it."""
        view = self._view_of(widget)
        menu = QMenu(self._window)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        if plot is not None:
            plot.fill_menu(menu)
            menu.addSeparator()
        for text, react in (
            ("Save picture as PNG…", partial(self._ask, view, "Picture")),
            ("Save drawing as SVG…", partial(self._ask, view, "Drawing")),
            ("Save numbers as CSV…", partial(self._ask, view, "Numbers")),
            ("Copy picture", partial(self.copy, widget)),
            ("Copy numbers", partial(self.copy_numbers, widget)),
            ("Export all of the match…", self._ask_all),
        ):
            menu.addAction(text, react).setEnabled(view.filled)
        self.size.fill_menu(menu.addMenu("Size of pictures"))
        return menu

    def _view_of(self, *widgets: QWidget | None) -> View:
        """The view that the first of some widgets is in; else the first view."""
        return next((
            view for widget in widgets for view in self._views
            if widget is not None and (widget is view.widget or view.widget.isAncestorOf(widget))
        ), self._views[0])  # fmt: skip

    def ask_in_hand(self) -> None:
        """Ask for a file name, and save the view under the mouse there, or that with the keys."""
        hand, keys = QApplication.widgetAt(QCursor.pos()), QApplication.focusWidget()
        self._ask(self._view_of(hand, keys), "Picture")

    def _ask(self, view: View, kind: str) -> None:
        ask_save(
            self._window, f"Save {view.name}", self._settings, KINDS,
            lambda path: self.save(view.widget, path),
            f"mesosynth-{view.file_name}{KINDS[kind][0]}", kind,
        )  # fmt: skip

    def save(self, widget: QWidget, path: Path) -> None:
        """Save the view that a widget is in; a message tells the result."""
        view = self._view_of(widget)
        with self._telling():
            save_view(view, path, self.size)
            self._desk.say(f"Saved {view.name} as {path}.")

    def _ask_all(self) -> None:
        dialog = QFileDialog(self._window, "Export all of the match into a folder")
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        theme.dress_file_dialog(dialog)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(lambda name: self.save_all(Path(name)))
        dialog.open()

    def save_all(self, folder: Path) -> None:
        """Save all views that show something, and what they are of; a message tells the result."""
        with self._telling():
            count = save_all(self._views, folder, metadata(self._desk.session))
            self._desk.say(f"Saved {count} files in {folder}.")

    def copy(self, widget: QWidget) -> None:
        """Put a view's picture on the clipboard."""
        view = self._view_of(widget)
        QGuiApplication.clipboard().setImage(picture(view, self.size))
        self._desk.say(f"Copied {view.name}.")

    def copy_numbers(self, widget: QWidget) -> None:
        """Put a view's numbers on the clipboard, as a spreadsheet takes them."""
        view = self._view_of(widget)
        QGuiApplication.clipboard().setText(_csv(view.table(), "\t"))
        self._desk.say(f"Copied the numbers of {view.name}.")

    @contextmanager
    def _telling(self) -> Generator[None]:
        try:
            yield
        except MesosynthError as error:
            self._desk.say(str(error), "error")

    def _show_menu(self, view: View, spot: QPoint) -> None:
        place = view.widget.mapToGlobal(spot)
        plots = (p for p in view.plots if p.rect().contains(p.mapFromGlobal(place)))
        self.menu(view.widget, next(plots, None)).popup(place)
