"""The library's list: its rows as a model, and how one of them looks."""

from collections.abc import Sequence
from typing import cast

from PySide6.QtCore import (
    QAbstractListModel,
    QModelIndex,
    QPersistentModelIndex,
    QPointF,
    QRect,
    QSize,
    Qt,
)
from PySide6.QtGui import QPainter, QPolygonF
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem
from typing_extensions import override

from gui import theme
from mesosynth.presets.entry import Entry
from mesosynth.presets.marks import Marks

ROW_HEIGHT = 38
STAR_WIDTH = 24
BELOW = 17
"""Height of a row, the width at its left that the star has, and the height of a name, px."""

ENTRY = Qt.ItemDataRole.UserRole

_Index = QModelIndex | QPersistentModelIndex
_NOWHERE = QModelIndex()


class LibraryRows(QAbstractListModel):
    """What was found, and below it what cannot be loaded.

    Parameters
    ----------
    marks : Marks
        Whose favourites have stars.
    """

    def __init__(self, marks: Marks) -> None:
        super().__init__()
        self.marks = marks
        self.rows: Sequence[Entry] = ()
        self.playing = ""  # key of what sounds

    def show(self, found: Sequence[Entry], problems: Sequence[Entry]) -> None:
        """Show other rows."""
        self.beginResetModel()
        self.rows = [*found, *problems]
        self.endResetModel()

    def repaint(self) -> None:
        """Show the same rows with other stars."""
        if self.rows:
            self.dataChanged.emit(self.index(0), self.index(len(self.rows) - 1))

    def row_of(self, key: str) -> int:
        """Where a preset stands, or -1."""
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
    """A star, the name, and below it what kind of sound it is."""

    @override
    def sizeHint(self, option: QStyleOptionViewItem, index: _Index) -> QSize:
        return QSize(100, ROW_HEIGHT)

    @override
    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _Index) -> None:
        entry = cast("Entry", index.data(ENTRY))
        rows = cast("LibraryRows", index.model())
        box, state = option.rect, option.state
        sounds = entry.key == rows.playing
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if state & QStyle.StateFlag.State_Selected:
            painter.fillRect(box, theme.colour(theme.RAISED))
        elif state & QStyle.StateFlag.State_MouseOver:
            painter.fillRect(box, theme.colour(theme.CARD))
        if sounds:
            painter.fillRect(
                QRect(box.left(), box.top(), 3, box.height()), theme.colour(theme.ACCENT)
            )
        if not entry.problem:
            _star(painter, box, entry.key in rows.marks.favourites)
        text = box.adjusted(STAR_WIDTH + 4, 4, -8, 0)
        self._write(painter, text, entry, rows.marks.ratings.get(entry.key, 0), sounds)
        painter.restore()

    def _write(self, painter: QPainter, box: QRect, entry: Entry, stars: int, sounds: bool) -> None:
        ink = theme.ERROR if entry.problem else theme.ACCENT if sounds else theme.TEXT
        painter.setFont(theme.font(9.0, bold=sounds))
        painter.setPen(theme.colour(ink))
        rating = "★" * stars
        wide = painter.fontMetrics().horizontalAdvance(rating)
        name = painter.fontMetrics().elidedText(
            entry.name, Qt.TextElideMode.ElideRight, box.width() - wide - 6
        )
        top = Qt.AlignmentFlag.AlignTop
        painter.drawText(box, top, name)
        painter.setFont(theme.font(7.5))
        painter.setPen(theme.colour(theme.DIM))
        painter.drawText(box, top | Qt.AlignmentFlag.AlignRight, rating)
        below = entry.problem or " · ".join(entry.tags) or entry.instrument
        below = painter.fontMetrics().elidedText(below, Qt.TextElideMode.ElideRight, box.width())
        painter.drawText(box.adjusted(0, BELOW, 0, 0), top, below)


def _star(painter: QPainter, box: QRect, full: bool) -> None:
    """Outline where it could be given, filled where it is."""
    centre = QPointF(box.left() + 6 + STAR_WIDTH / 2 - 3, box.top() + ROW_HEIGHT / 2)
    star = QPolygonF([centre + point for point in _STAR])
    painter.setPen(theme.colour(theme.ACCENT if full else theme.FAINT))
    painter.setBrush(theme.colour(theme.ACCENT) if full else Qt.BrushStyle.NoBrush)
    painter.drawPolygon(star)


_STAR = [
    QPointF(0.0, -6.0), QPointF(1.5, -2.0), QPointF(5.7, -1.9), QPointF(2.4, 0.8),
    QPointF(3.5, 4.9), QPointF(0.0, 2.5), QPointF(-3.5, 4.9), QPointF(-2.4, 0.8),
    QPointF(-5.7, -1.9), QPointF(-1.5, -2.0),
]  # fmt: skip


def _tip(entry: Entry) -> str:
    if entry.problem:
        return entry.problem
    by = f"by {entry.author}" if entry.author else ""
    where = "came with mesosynth" if entry.factory else entry.file
    lines = [entry.name, entry.comment, ", ".join(entry.tags), by, f"{entry.instrument}, {where}"]
    return "\n".join(line for line in lines if line)
