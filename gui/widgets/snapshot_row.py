"""Eight small buttons: a click recalls a snapshot, or fills an empty one as a right click does."""

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QContextMenuEvent
from PySide6.QtWidgets import QHBoxLayout, QToolButton, QWidget

from gui import theme
from gui.actions import SLOTS, Actions


class SnapshotRow(QWidget):
    """One button a slot, pale while it is empty."""

    def __init__(self, actions: Actions) -> None:
        super().__init__()
        theme.name(self, "Snapshots")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        for slot in range(1, SLOTS + 1):
            layout.addWidget(_Slot(actions[f"recall_{slot}"], actions[f"store_{slot}"]))


class _Slot(QToolButton):
    """Never grey, or an empty one could not be filled by the mouse."""

    def __init__(self, recall: QAction, store: QAction) -> None:
        super().__init__()
        self.setObjectName("slot")
        self.setText(recall.iconText())
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._recall, self._store = recall, store
        self.clicked.connect(self._press)
        recall.changed.connect(self._refresh)
        self._refresh()

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        self._store.trigger()
        event.accept()

    def _press(self) -> None:
        (self._recall if self._recall.isEnabled() else self._store).trigger()

    def _refresh(self) -> None:
        empty = not self._recall.isEnabled()
        does = self._store if empty else self._recall
        tip = does.toolTip() + ("" if empty else f"\nRight click: {self._store.toolTip()}")
        self.setToolTip(tip)
        theme.name(self, does.text(), tip)
        self.setProperty("empty", empty)
        self.style().polish(self)
