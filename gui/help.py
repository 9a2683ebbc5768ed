"""Help: the guide's pages, every shortcut by group, and versions; a window beside the desk."""

import platform
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version

from PySide6.QtCore import QSignalBlocker, QSize, Qt, QUrl
from PySide6.QtGui import QDesktopServices, QTextCursor
from PySide6.QtWidgets import (
    QDialog,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QTabWidget,
    QTextBrowser,
    QTreeWidget,
    QTreeWidgetItem,
    QWidget,
)
from typing_extensions import override

from mesosynth.system.paths import resource

from . import theme
from .actions import MENUS, Action
from .undo import SLOTS
from .widgets.parts import column, row

MOUSE = [
    ("Drag the pad's point", "Two parameters at once"),
    ("Double-click the pad", "Set the point there"),
    ("Wheel, Alt-wheel on the pad", "Its vertical, its horizontal parameter"),
    ("Drag a knob, wheel", "Turn it"),
    ("Double-click a knob", "Its default"),
    ("Click a knob's value, Return", "Type a value: 440, 1.2k, A4"),
    ("Right click on a knob", "MIDI, pin for matching, copy, paste"),
    ("Right click on a snapshot", "Keep the sound in it"),
    ("Drag an effect's title, Alt+Up", "Move it in the rack"),
    ("B, Delete on an effect", "Bypass it, take it out"),
    ("Drag a view's title", "Move it, stack it, detach it"),
    ("Double-click a view's title", "Full size, and back"),
    ("Right click on a view's title", "Detach, hide, stack, move; what it is"),
    ("Drag the edge between two views", "More room for one of them"),
    ("Drag in a picture, wheel", "Zoom into a box, zoom (Shift: sideways)"),
    ("Drag in the resynthesis' rates", "Select a region (Shift+arrows: by hand)"),
    ("Drag an end of a colour bar", "Range of levels"),
    ("Right click in a picture", "Axes, copy, save as picture, drawing or numbers"),
    ("Arrow keys", "Move the pad's point or a knob; a picture"),
    ("Shift", "Ten times finer"),
]
"""Mouse gestures and their effects."""

PACKAGES = ("PySide6-Essentials", "pyqtgraph", "numpy", "torch", "numba", "sounddevice", "rtmidi2")
"""Libraries whose versions a report of a fault needs."""


class GuidePages(QWidget):
    """The guide: its contents at the left, a page at the right; links and headings are followed."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = resource("guide")
        self.names = QListWidget()
        self.names.setFixedWidth(190)
        theme.name(self.names, "Pages of the guide")
        self.line = QLineEdit(placeholderText="Search the guide", clearButtonEnabled=True)
        theme.name(self.line, "Search the guide", "Lists the pages that have the words")
        self.text = QTextBrowser()
        self.text.setOpenLinks(False)
        self.text.setSearchPaths([str(self.folder)])
        theme.name(self.text, "Page of the guide")
        self.text.anchorClicked.connect(self._follow)
        self.names.currentItemChanged.connect(self._on_chosen)
        self.line.textChanged.connect(self._search)
        self._pages = {
            path.name: path.read_text(encoding="utf-8") for path in self.folder.glob("*.md")
        }
        self._search("")
        column(row(column(self.line, (self.names, 1)), (self.text, 1)), inside=self)

    def show_page(self, name: str, heading: str = "") -> None:
        """Show a page by its file, from a heading on: as in links, "scale--rate", or as written."""
        for place in range(self.names.count()):
            if self.names.item(place).data(Qt.ItemDataRole.UserRole) == name:
                with QSignalBlocker(self.names):
                    self.names.setCurrentRow(place)
        self.text.setMarkdown(self._pages.get(name, ""))
        block = self.text.document().begin()
        while block.isValid() and heading:
            if block.blockFormat().headingLevel() and slug(block.text()) == slug(heading):
                self.text.moveCursor(QTextCursor.MoveOperation.End)  # so that it comes to the top
                self.text.setTextCursor(QTextCursor(block))
                return
            block = block.next()
        self.text.moveCursor(QTextCursor.MoveOperation.Start)

    def _search(self, words: str) -> None:
        """List the pages that have all words, the contents first."""
        self.names.clear()
        order = [name for _, name in _links(self._pages.get("README.md", ""))]
        names = ["README.md", *dict.fromkeys([*order, *sorted(self._pages)])]
        for name in dict.fromkeys(name for name in names if name in self._pages):
            text = self._pages[name]
            if all(word in text.casefold() for word in words.casefold().split()):
                title = text.partition("\n")[0].lstrip("# ")
                item = QListWidgetItem("Contents" if name == "README.md" else title)
                item.setData(Qt.ItemDataRole.UserRole, name)
                self.names.addItem(item)
        self.names.setCurrentRow(0)

    def _on_chosen(self, item: QListWidgetItem | None) -> None:
        if item is not None:
            self.show_page(item.data(Qt.ItemDataRole.UserRole))
            word = (self.line.text().split() or [""])[0]
            if word:
                self.text.find(word)

    def _follow(self, url: QUrl) -> None:
        if url.fileName() in self._pages:
            self.show_page(url.fileName(), url.fragment())
        elif url.scheme() in ("http", "https"):
            QDesktopServices.openUrl(url)


class Shortcuts(QWidget):
    """Every shortcut by menu, and what the mouse does; a line to search both."""

    def __init__(self, actions: Iterable[Action]) -> None:
        super().__init__()
        self.line = QLineEdit(placeholderText="Search keys and words", clearButtonEnabled=True)
        theme.name(self.line, "Search the shortcuts")
        self.rows = QTreeWidget(columnCount=2)
        self._groups: list[tuple[QTreeWidgetItem, list[QTreeWidgetItem]]] = []
        self.rows.setHeaderLabels(["Keys", "What they do"])
        theme.name(self.rows, "Shortcuts")
        actions = list(actions)
        for menu in MENUS:
            self._add(menu, [
                (action.native_keys, action.title) for action in actions
                if action.menu_title == menu and not action.id.startswith(("recall_", "store_"))
            ])  # fmt: skip
        self._add("Everywhere", [
            ("Esc", "Cancel; twice in a row: panic"),
            (f"1 … {SLOTS}", "Recall a snapshot"), (f"Ctrl+1 … {SLOTS}", "Keep a snapshot"),
            ("Tab, Shift+Tab", "To the next part of the desk, to the one before"),
        ])  # fmt: skip
        self._add("Mouse", MOUSE)
        self.rows.expandAll()
        self.rows.resizeColumnToContents(0)
        self.line.textChanged.connect(self._search)
        column(self.line, (self.rows, 1), inside=self)

    def _add(self, title: str, rows: list[tuple[str, str]]) -> None:
        if rows:
            group = QTreeWidgetItem(self.rows, [title])
            group.setFirstColumnSpanned(True)
            items = [QTreeWidgetItem(group, [keys, text]) for keys, text in rows]
            self._groups.append((group, items))

    @property
    def shown(self) -> list[tuple[str, str]]:
        """Rows that the search leaves."""
        lines = [line for _, lines in self._groups for line in lines]
        return [(line.text(0), line.text(1)) for line in lines if not line.isHidden()]

    def _search(self, words: str) -> None:
        for group, lines in self._groups:
            for line in lines:
                text = f"{group.text(0)} {line.text(0)} {line.text(1)}".casefold()
                line.setHidden(not all(word in text for word in words.casefold().split()))
            group.setHidden(all(line.isHidden() for line in lines))


class Help(QDialog):
    """Window of help: guide, shortcuts, about. It does not block the desk.

    Parameters
    ----------
    parent : QWidget
    actions : iterable of Action
    """

    def __init__(self, parent: QWidget, actions: Iterable[Action]) -> None:
        super().__init__(parent)
        self.setWindowTitle("Help")
        self.setModal(False)
        self.tabs = QTabWidget()
        self.shortcuts = Shortcuts(actions)
        self.guide = GuidePages()
        self.about = QTextBrowser()
        self.about.setMarkdown(about())
        theme.name(self.about, "About mesosynth")
        for name, page in (
            ("Guide", self.guide), ("Shortcuts", self.shortcuts), ("About", self.about)
        ):  # fmt: skip
            self.tabs.addTab(page, name)
        column(self.tabs, inside=self)

    @override
    def sizeHint(self) -> QSize:
        window = self.parentWidget()
        room = QSize(900, 700) if window is None else window.size() - QSize(80, 80)
        return QSize(820, 660).boundedTo(room)

    def toggle(self, page: QWidget) -> None:
        """Show one of the pages, or close the window if it shows that one."""
        if self.isVisible() and self.tabs.currentWidget() is page:
            self.close()
            return
        self.tabs.setCurrentWidget(page)
        self.show()
        self.raise_()
        page.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def explain(self, heading: str) -> None:
        """Say what a view is: a heading of the guide's page of views."""
        self.tabs.setCurrentWidget(self.guide)
        self.show()
        self.raise_()
        self.guide.show_page("views.md", heading)


def about() -> str:
    """Versions and licence, in Markdown."""
    rows = [f"| mesosynth | {_version('mesosynth')} |", f"| Python | {platform.python_version()} |"]
    rows += [f"| {name} | {_version(name)} |" for name in PACKAGES]
    rows.append(f"| system | {platform.system()} {platform.release()}, {platform.machine()} |")
    return "\n".join(
        ["# mesosynth", "", "Match a sound's mesostructure and play it.", "", "| | version |",
         "|---|---|", *rows, "", "MIT licence; the icons are Phosphor's, by way of qtawesome."]
    )  # fmt: skip


def slug(heading: str) -> str:
    """Anchor of a heading, as links name it.

    >>> slug("JTFS: scale × rate")
    'jtfs-scale--rate'
    """
    kept = "".join(c for c in heading.casefold() if c.isalnum() or c in " -_")
    return kept.replace(" ", "-")


def _links(text: str) -> list[tuple[str, str]]:
    """Titles and files of the links of a list."""
    parts = [line.partition("](") for line in text.splitlines() if line.startswith("- [")]
    return [(title[3:], rest.partition(")")[0]) for title, _, rest in parts]


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
