"""Transport: buttons of what is done most, and the snapshots beside the menus."""

from PySide6.QtCore import QCoreApplication, QEvent, QSize, Qt
from PySide6.QtGui import QContextMenuEvent, QResizeEvent
from PySide6.QtWidgets import QMenuBar, QToolButton, QWidget
from typing_extensions import override

from mesosynth.session.capture import CaptureState, TakeState

from .. import theme
from ..actions import Action, Actions
from ..undo import SLOTS
from .parts import column, row

_STYLE = Qt.ToolButtonStyle


class SnapshotRow(QWidget):
    """Buttons of the snapshots, pale while they are empty."""

    def __init__(self, actions: Actions) -> None:
        super().__init__()
        theme.name(self, "Snapshots")
        slots = (_Slot(actions[f"recall_{n}"], actions[f"store_{n}"]) for n in range(1, SLOTS + 1))
        column(row(*slots, spacing=2), inside=self)


class _Slot(theme.ToolButton):
    """Button of a snapshot: a click recalls it, or fills an empty one; so does a right click."""

    def __init__(self, recall: Action, store: Action) -> None:
        super().__init__()
        self.setObjectName("slot")
        self.setText(recall.iconText())
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
        theme.mark(self, "empty", empty)


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
        self._recorded, self._captured = theme.note(), theme.note()
        for note in (self._recorded, self._captured):
            note.hide()
        self._buttons = {id_: _button(actions[id_]) for group in _GROUPS for id_ in group}
        beside = {"record": self._recorded, "capture": self._captured}
        layout = row()
        for group in _GROUPS:
            for id_ in group:
                layout.addWidget(self._buttons[id_])
            for id_ in beside.keys() & set(group):
                layout.addWidget(beside[id_])
            layout.addSpacing(theme.GAP)
        layout.addStretch(1)
        self.setLayout(layout)

    def __getitem__(self, id_: str) -> QToolButton:
        return self._buttons[id_]

    @override
    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        """Show words beside as many icons as there is room for."""
        for button in self._buttons.values():
            button.setToolButtonStyle(_STYLE.ToolButtonTextBesideIcon)
        for id_ in _SHORT:
            if self.sizeHint().width() > self.width():
                self._buttons[id_].setToolButtonStyle(_STYLE.ToolButtonIconOnly)

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
        self._recorded.setText(f"{recording.seconds:.1f} s  {max(recording.level, -99):.0f} dBFS")
        self._recorded.setVisible(recording.running)

    def show_capture(self, capture: CaptureState) -> None:
        """Show how long the capture is; nothing when none runs."""
        self.capturing = capture.running
        minutes, seconds = divmod(int(capture.seconds), 60)
        self._captured.setText(f"{minutes}:{seconds:02}")
        self._captured.setVisible(capture.running)


class Corner(QWidget):
    """Row of buttons beside the menus: undo, redo, A and B, the snapshots, help."""

    def __init__(self, actions: Actions) -> None:
        super().__init__()
        self.setObjectName("corner")  # what the style sheet goes by
        self.snapshots = SnapshotRow(actions)
        undo, redo = (_button(actions[id_], _STYLE.ToolButtonIconOnly) for id_ in ("undo", "redo"))
        sides = _button(actions["compare"], _STYLE.ToolButtonTextOnly)
        buttons = row(undo, redo, sides, self.snapshots, _button(actions["shortcuts"]))
        column(buttons, inside=self).setContentsMargins(0, 3, theme.GAP, 1)

    @override
    def event(self, event: QEvent) -> bool:
        done, menus = super().event(event), self.parentWidget()
        if event.type() == QEvent.Type.LayoutRequest and isinstance(menus, QMenuBar):
            # A menu bar asks its corner how wide it is only when it is resized itself.
            QCoreApplication.sendEvent(menus, QResizeEvent(menus.size(), menus.size()))
        return done


def _button(
    action: Action, style: Qt.ToolButtonStyle = _STYLE.ToolButtonTextBesideIcon
) -> QToolButton:
    button = action.button(style, action.id, action.title)
    button.setIconSize(QSize(16, 16))
    return button
