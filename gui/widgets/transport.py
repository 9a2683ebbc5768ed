"""Transport: buttons of what is done most, and the snapshots beside the menus."""

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QContextMenuEvent, QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QToolButton, QWidget
from typing_extensions import override

from mesosynth.session.capture import CaptureState, TakeState

from .. import theme
from ..actions import Action, Actions
from ..undo import SLOTS

# --------------------------------------------------------------------------------------------------
# Snapshot buttons: a click recalls a snapshot, or fills an empty one; so does a right click.


class SnapshotRow(QWidget):
    """Buttons of the snapshots, pale while they are empty."""

    def __init__(self, actions: Actions) -> None:
        super().__init__()
        theme.name(self, "Snapshots")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        for slot in range(1, SLOTS + 1):
            layout.addWidget(_Slot(actions[f"recall_{slot}"], actions[f"store_{slot}"]))


class _Slot(QToolButton):
    """Button of a snapshot; never disabled, so that a click can fill an empty one."""

    def __init__(self, recall: Action, store: Action) -> None:
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


# --------------------------------------------------------------------------------------------------
# Transport: the row of buttons at the top.


_GROUPS = [
    ["play", "panic", "capture"],
    ["load", "demo", "record"],
    ["match", "stop_match", "follow"],
    ["open_preset", "save_preset"],
]
_SHORT = ("open_preset", "save_preset", "panic", "capture", "stop_match", "record")
"""Buttons that are icons alone in a narrow desk, the first to become so first."""


class Transport(QWidget):
    """Row of buttons, with the length of a capture, and length and level of a recording.

    Attributes
    ----------
    recording, capturing : bool
        Whether the input is recorded, and whether the output is captured.
    """

    def __init__(self, actions: Actions) -> None:
        super().__init__()
        self.recording = self.capturing = False
        self._buttons: dict[str, QToolButton] = {}
        self._recorded = theme.note()
        self._recorded.hide()
        self._captured = theme.note()
        self._captured.hide()
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        for group in _GROUPS:
            for id_ in group:
                layout.addWidget(self._button(actions, id_))
            if "record" in group:
                layout.addWidget(self._recorded)
            if "capture" in group:
                layout.addWidget(self._captured)
            layout.addWidget(_gap())
        layout.addStretch(1)

    def __getitem__(self, id_: str) -> QToolButton:
        return self._buttons[id_]

    @override
    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        """Show words beside as many icons as there is room for."""
        style = Qt.ToolButtonStyle
        for button in self._buttons.values():
            button.setToolButtonStyle(style.ToolButtonTextBesideIcon)
        for id_ in _SHORT:
            if self.sizeHint().width() > self.width():
                self._buttons[id_].setToolButtonStyle(style.ToolButtonIconOnly)

    @override
    def minimumSizeHint(self) -> QSize:
        return QSize(0, super().minimumSizeHint().height())  # some words may go

    def show_target(self) -> None:
        """There is a target: the button of the demo is needed no more."""
        self._buttons["demo"].hide()
        self._fit()

    def show_recording(self, recording: TakeState) -> None:
        """Show how long and how loud the recording is; nothing when none runs."""
        self.recording = recording.running
        level = max(recording.level, -99.0)
        text = f"{recording.seconds:.1f} s  {level:.0f} dBFS" if recording.running else ""
        self._recorded.setText(text)
        self._recorded.setVisible(recording.running)

    def show_capture(self, capture: CaptureState) -> None:
        """Show how long the capture is; nothing when none runs."""
        self.capturing = capture.running
        minutes, seconds = divmod(int(capture.seconds), 60)
        self._captured.setText(f"{minutes}:{seconds:02}")
        self._captured.setVisible(capture.running)

    def _button(self, actions: Actions, id_: str) -> QToolButton:
        self._buttons[id_] = button = _button(actions[id_])
        return button


class Corner(QWidget):
    """Row of buttons beside the menus: undo, redo, A and B, the snapshots, help."""

    def __init__(self, actions: Actions) -> None:
        super().__init__()
        style = Qt.ToolButtonStyle
        self.setObjectName("corner")  # what the style sheet goes by
        self.snapshots = SnapshotRow(actions)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 3, theme.GAP, 1)
        layout.setSpacing(4)
        layout.addWidget(_button(actions["undo"], style.ToolButtonIconOnly))
        layout.addWidget(_button(actions["redo"], style.ToolButtonIconOnly))
        layout.addWidget(_button(actions["compare"], style.ToolButtonTextOnly))
        layout.addWidget(self.snapshots)
        layout.addWidget(_button(actions["shortcuts"]))


def _button(
    action: Action, style: Qt.ToolButtonStyle = Qt.ToolButtonStyle.ToolButtonTextBesideIcon
) -> QToolButton:
    button = action.button(style, action.id, action.title)
    button.setIconSize(QSize(16, 16))
    return button


def _gap() -> QFrame:
    gap = QFrame()
    gap.setFixedWidth(theme.GAP)
    return gap
