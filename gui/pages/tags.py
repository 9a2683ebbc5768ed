"""Suggested tags: list of what presets and takes sound like, to accept or dismiss."""

from typing import cast

from PySide6.QtCore import QItemSelectionModel, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QAbstractItemView, QFrame, QListWidget, QListWidgetItem
from typing_extensions import override

from mesosynth.learning.tags import Suggestion
from mesosynth.session import Session

from .. import theme
from ..desk import Desk
from ..widgets.parts import column, row
from .library_actions import LibraryActions

_ROWS = 6


class SuggestionList(QListWidget):
    """Suggestions, the most likely first; Return accepts those that are chosen, Delete dismisses.

    Signals
    -------
    accepted, dismissed
    """

    accepted, dismissed = Signal(), Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        theme.name(self, "Suggested tags", "Return accepts, Delete dismisses, a click plays.")
        self.setMaximumHeight(_ROWS * 24)
        self._shown: list[Suggestion] = []

    def show_suggestions(self, suggestions: list[Suggestion]) -> None:
        """Show these, and leave chosen what was."""
        if suggestions == self._shown:
            return
        chosen, place = self.chosen, self.currentRow()
        self._shown = list(suggestions)
        self.clear()
        for one in suggestions:
            item = QListWidgetItem(str(one))
            item.setToolTip(str(one.path))
            item.setData(Qt.ItemDataRole.UserRole, one)
            self.addItem(item)
            item.setSelected(one in chosen)
        row = min(max(place, 0), self.count() - 1)
        self.setCurrentRow(row, QItemSelectionModel.SelectionFlag.NoUpdate)

    @property
    def chosen(self) -> list[Suggestion]:
        """Suggestions that are selected."""
        items = sorted(self.selectedItems(), key=self.row)
        return [cast("Suggestion", item.data(Qt.ItemDataRole.UserRole)) for item in items]

    @override
    def keyPressEvent(self, event: QKeyEvent) -> None:
        match event.key():
            case Qt.Key.Key_Return | Qt.Key.Key_Enter:
                self.accepted.emit()
            case Qt.Key.Key_Delete | Qt.Key.Key_Backspace:
                self.dismissed.emit()
            case _:
                super().keyPressEvent(event)


class TagsPanel(QFrame):
    """Panel of suggested tags, visible while there are some or a classifier is at work.

    Parameters
    ----------
    desk : Desk
    edits : LibraryActions
        Write tags, which can be undone.
    """

    def __init__(self, desk: Desk, edits: LibraryActions) -> None:
        super().__init__()
        self.setObjectName("card")
        self._desk, self._edits = desk, edits
        self.words, self.list = theme.note(), SuggestionList()
        self.stop = theme.tool_button("Stop", "End the search for tags, or the training.", kind="")
        tip = "Add the chosen tags to presets and takes (Return)."
        self.accept = theme.tool_button("Accept", tip, kind="")
        self.dismiss = theme.tool_button("Dismiss", "Drop the chosen ones (Delete).", kind="")
        self.all = theme.tool_button("All", "Choose all that are listed.", kind="")
        layout = column(
            row(theme.title("Suggested tags"), (self.words, 1), self.stop), self.list,
            row(self.all, 1, self.dismiss, self.accept), inside=self,
        )  # fmt: skip
        layout.setContentsMargins(theme.GAP, theme.GAP, theme.GAP, theme.GAP)
        self.hide()
        self.stop.clicked.connect(lambda: desk.ask(lambda session: session.classification.stop()))
        self.all.clicked.connect(self.list.selectAll)
        for signal in (self.accept.clicked, self.list.accepted):
            signal.connect(self._accept)
        for signal in (self.dismiss.clicked, self.list.dismissed):
            signal.connect(lambda: self._drop(self.list.chosen))
        self.list.itemClicked.connect(self._hear)
        self.list.itemSelectionChanged.connect(self._look)
        desk.attached.connect(self._attach)

    def _attach(self, session: Session) -> None:
        session.classification.changed.connect(self._refresh)

    def _refresh(self) -> None:
        part = self._desk.session.classification
        step, training = part.progress, part.training
        name = part.path.parent.name if part.path is not None else ""
        if step is None:
            self.words.setText(f"by {name}" if name else "")
        elif not step.total:
            self.words.setText("Starting …")
        else:
            verb = "Training: " if training else ""
            self.words.setText(f"{verb}{step.done} of {step.total} sounds")
        self.stop.setVisible(step is not None)
        for widget in (self.list, self.all, self.dismiss, self.accept):
            widget.setVisible(not training)
        self.list.show_suggestions(part.suggestions)
        self.setVisible(step is not None or bool(part.suggestions))
        self._look()

    def _look(self) -> None:
        for button in (self.accept, self.dismiss):
            button.setEnabled(bool(self.list.chosen))

    def _accept(self) -> None:
        self._drop(self._edits.accept(self.list.chosen))

    def _drop(self, suggestions: list[Suggestion]) -> None:
        for one in suggestions:
            self._desk.ask(lambda session, one=one: session.classification.drop(one), True)

    def _hear(self) -> None:
        for one in self.list.chosen[:1]:
            if one.is_preset:
                self._desk.hear(lambda session, one=one: session.presets.load(one.path))
