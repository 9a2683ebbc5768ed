"""Eight small buttons: a click recalls a snapshot, a right click keeps the sound in it."""

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QContextMenuEvent
from PySide6.QtWidgets import QHBoxLayout, QToolButton, QWidget

from gui import theme
from gui.actions import SLOTS, Actions


class SnapshotRow(QWidget):
    """One button a slot, grey while it is empty."""

    def __init__(self, actions: Actions) -> None:
        super().__init__()
        theme.name(self, "Snapshots")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        for slot in range(1, SLOTS + 1):
            layout.addWidget(_Slot(actions[f"recall_{slot}"], actions[f"store_{slot}"]))


class _Slot(QToolButton):
    def __init__(self, recall: QAction, store: QAction) -> None:
        super().__init__()
        self.setObjectName("slot")
        self.setDefaultAction(recall)
        self.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextOnly)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._store = store
        tip = f"{recall.toolTip()}\nRight click: {store.toolTip()}"
        self.setToolTip(tip)
        theme.name(self, recall.text(), tip)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        self._store.trigger()
        event.accept()
