"""List of the library page: rows, delegates, keys and tag chips."""

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import cast

from PySide6.QtCore import (
    QAbstractListModel,
    QModelIndex,
    QPersistentModelIndex,
    QRect,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QFocusEvent, QKeyEvent, QMouseEvent, QPainter, QResizeEvent
from PySide6.QtWidgets import (
    QFrame,
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QToolButton,
    QWidget,
)
from typing_extensions import override

from mesosynth.presets.library import Library
from mesosynth.presets.search import Entry, Marks

from .. import theme

HEIGHT, GAP, LINES = 22, 4, 2
_MOST = 24  # nobody reads more


class Chips(QWidget):
    """Chips of tags in two lines: buttons that are on or off; those that do not fit are left out.

    Signals
    -------
    toggled
        The word of the button that was clicked, and whether it is on now.
    """

    toggled = Signal(str, bool)

    def __init__(self) -> None:
        super().__init__()
        self._chips: list[QToolButton] = []
        theme.name(self, "Tags")
        self.setFixedHeight(LINES * HEIGHT + (LINES - 1) * GAP)

    def show_words(self, words: Sequence[str]) -> None:
        """Show a button for each of `words`."""
        words = list(words[:_MOST])
        if words == [chip.text() for chip in self._chips]:
            return
        on = {chip.text() for chip in self._chips if chip.isChecked()}
        for chip in self._chips:
            chip.hide()
            chip.deleteLater()
        self._chips = [self._chip(word, word in on) for word in words]
        self._arrange()

    def set_on(self, words: set[str]) -> None:
        """Let the buttons of `words` be on and all others off; nothing is signalled."""
        for chip in self._chips:
            chip.setChecked(chip.text().casefold() in words)

    @override
    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange()

    @override
    def sizeHint(self) -> QSize:
        return QSize(200, self.height())

    def _chip(self, word: str, on: bool) -> QToolButton:
        tip = f"Show only what is tagged {word}."
        chip = theme.tool_button(word, tip, kind="tag", named=f"Tag {word}")
        chip.setParent(self)
        chip.setCheckable(True)
        chip.setChecked(on)
        chip.clicked.connect(lambda checked: self.toggled.emit(word, checked))
        return chip

    def _arrange(self) -> None:
        x = y = 0
        high, gap = round(HEIGHT * theme.zoom), round(GAP * theme.zoom)
        for chip in self._chips:
            chip.ensurePolished()
            width = min(chip.sizeHint().width(), self.width())
            if x + width > self.width():
                x, y = 0, y + high + gap
            chip.setGeometry(x, y, width, high)
            chip.setVisible(y + high <= self.height())
            x += width + gap


ROW_HEIGHT, STAR_WIDTH, BELOW = 38, 24, 17
"""Height of a row, the width at its left that the star has, and the height of a name, px."""

ENTRY = Qt.ItemDataRole.UserRole

_Index = QModelIndex | QPersistentModelIndex
_NOWHERE = QModelIndex()
_TOP, _RIGHT = Qt.AlignmentFlag.AlignTop, Qt.AlignmentFlag.AlignRight


class LibraryRows(QAbstractListModel):
    """Rows of the list: presets that were found, then broken ones.

    Parameters
    ----------
    library : Library
        Whose favourites have stars.
    """

    def __init__(self, library: Library) -> None:
        super().__init__()
        self._library = library
        self.rows: Sequence[Entry] = ()
        self.playing = ""  # key of what sounds

    @property
    def marks(self) -> Marks:
        """Stars and favourites; the library reads them anew where another desk has changed them."""
        return self._library.marks

    def show(self, found: Sequence[Entry], problems: Sequence[Entry]) -> None:
        """Show presets that can be loaded, and those that cannot."""
        self.beginResetModel()
        self.rows = [*found, *problems]
        self.endResetModel()

    def repaint(self) -> None:
        """Show the same rows with other stars."""
        if self.rows:
            self.dataChanged.emit(self.index(0), self.index(len(self.rows) - 1))

    def row_of(self, key: str) -> int:
        """Row of a preset, or -1."""
        return next((row for row, entry in enumerate(self.rows) if entry.key == key), -1)

    @override
    def rowCount(self, parent: _Index = _NOWHERE) -> int:
        return 0 if parent.isValid() else len(self.rows)

    @override
    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not index.isValid():
            return None
        entry = self.rows[index.row()]
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return entry.name
            case Qt.ItemDataRole.ToolTipRole:
                return _tip(entry)
            case Qt.ItemDataRole.AccessibleTextRole:
                favourite = ", favourite" if entry.key in self.marks.favourites else ""
                return f"{entry.name}{favourite}. {entry.problem or ', '.join(entry.tags)}"
            case _:
                return entry if role == ENTRY else None


class LibraryRow(QStyledItemDelegate):
    """Painting of a row: star, name, rating, tags."""

    @override
    def sizeHint(self, option: QStyleOptionViewItem, index: _Index) -> QSize:
        return theme.size(100, ROW_HEIGHT)

    @override
    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _Index) -> None:
        entry, rows = cast("Entry", index.data(ENTRY)), cast("LibraryRows", index.model())
        box, zoom = option.rect, theme.zoom
        sounds, favourite = entry.key == rows.playing, entry.key in rows.marks.favourites
        painter.save()
        for state, ground in (
            (QStyle.StateFlag.State_MouseOver, theme.CARD),
            (QStyle.StateFlag.State_Selected, theme.RAISED),
        ):
            if option.state & state:
                painter.fillRect(box, theme.colour(ground))
        if sounds:
            bar = QRect(box.left(), box.top(), 3, box.height())
            painter.fillRect(bar, theme.colour(theme.ACCENT))

        def write(text: str, place: QRect, ink: str, flags: Qt.AlignmentFlag = _TOP) -> None:
            painter.setPen(theme.colour(ink))
            mode, room = Qt.TextElideMode.ElideRight, place.width()
            painter.drawText(place, flags, painter.fontMetrics().elidedText(text, mode, room))

        star = box.adjusted(round(8 * zoom), 0, 0, 0)
        painter.setFont(theme.font(11.0))
        if not entry.problem:
            ink = theme.ACCENT if favourite else theme.FAINT
            write("★" if favourite else "☆", star, ink, Qt.AlignmentFlag.AlignVCenter)
        text = box.adjusted(round((STAR_WIDTH + 4) * zoom), round(4 * zoom), -8, 0)
        rating = "★" * rows.marks.ratings.get(entry.key, 0)
        painter.setFont(theme.font(7.5))
        write(rating, text, theme.DIM, _TOP | _RIGHT)
        below = entry.problem or " · ".join(entry.tags) or entry.instrument
        write(below, text.adjusted(0, round(BELOW * zoom), 0, 0), theme.DIM)
        wide = painter.fontMetrics().horizontalAdvance(rating) + 6
        painter.setFont(theme.font(9.0, bold=sounds))
        ink = theme.ERROR if entry.problem else theme.ACCENT if sounds else theme.TEXT
        write(entry.name, text.adjusted(0, 0, -wide, 0), ink)
        painter.restore()


def _tip(entry: Entry) -> str:
    if entry.problem:
        return entry.problem
    by = f"by {entry.author}" if entry.author else ""
    where = "came with mesosynth" if entry.factory else entry.file
    lines = [entry.name, entry.comment, ", ".join(entry.tags), by, f"{entry.instrument}, {where}"]
    return "\n".join(line for line in lines if line)


class LibraryList(QListView):
    """List of presets; Enter chooses, Delete removes, a click on the star marks.

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
        Whether a change of the current row is not played.
    """

    chosen = Signal()
    unwanted = Signal()

    def __init__(self, rows: LibraryRows) -> None:
        super().__init__(uniformItemSizes=True)
        self.on_star = self.is_quiet = False
        self.setMouseTracking(True)
        self.setModel(rows)
        self.setItemDelegate(LibraryRow(self))
        self.setObjectName("library")
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        theme.name(self, "Presets")

    @contextmanager
    def quiet(self) -> Generator[None]:
        """While the current row changes in here, nothing is heard."""
        before, self.is_quiet = self.is_quiet, True
        try:
            yield
        finally:
            self.is_quiet = before

    @override
    def focusInEvent(self, event: QFocusEvent) -> None:
        # Else Qt would choose the first row, and its preset would replace the sound that plays.
        chosen = self.currentIndex().isValid()
        with self.quiet():
            super().focusInEvent(event)
            if not chosen:
                self.selectionModel().clearCurrentIndex()

    @override
    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.on_star = event.position().x() < STAR_WIDTH * theme.zoom
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
