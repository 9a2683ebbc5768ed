"""The list of the library's page: what a click, a key and the wheel mean there."""

from collections.abc import Generator
from contextlib import contextmanager

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent
from PySide6.QtWidgets import QFrame, QListView
from typing_extensions import override

from gui import theme
from gui.pages.library_rows import STAR_WIDTH, LibraryRow, LibraryRows


class LibraryList(QListView):
    """The list; Enter chooses, Delete removes, and a click tells whether it was on the star.

    Signals
    -------
    chosen
        Enter was pressed.
    unwanted
        Delete was pressed.

    Attributes
    ----------
    on_star : bool
        Whether the last click was on a star.
    is_quiet : bool
        Whether a change of the current row is to be heard by nobody.
    """

    chosen = Signal()
    unwanted = Signal()

    def __init__(self, rows: LibraryRows) -> None:
        super().__init__()
        self.on_star = self.is_quiet = False
        self.setModel(rows)
        self.setItemDelegate(LibraryRow(self))
        self.setUniformItemSizes(True)
        self.setMouseTracking(True)
        self.setObjectName("library")
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        theme.name(self, "Presets")

    @contextmanager
    def quiet(self) -> Generator[None]:
        """While the current row changes in here, nothing is heard."""
        self.is_quiet = True
        try:
            yield
        finally:
            self.is_quiet = False

    @override
    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.on_star = event.position().x() < STAR_WIDTH
        # The click decides: on a star the row must not be heard, elsewhere not twice.
        with self.quiet():
            super().mousePressEvent(event)

    @override
    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.chosen.emit()
        elif event.key() == Qt.Key.Key_Delete:
            self.unwanted.emit()
        else:
            super().keyPressEvent(event)
