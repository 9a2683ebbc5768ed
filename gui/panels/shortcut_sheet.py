"""The sheet that F1 shows: every shortcut and every way to use the mouse."""

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QDialog, QGridLayout, QLabel, QWidget

from gui import theme
from gui.actions import ACTIONS, SLOTS

_MOUSE = [
    ("Drag the pad's point", "Note rate and chirp rate"),
    ("Double-click the pad", "Set the point there"),
    ("Wheel, Alt-wheel on the pad", "Chirp rate, note rate"),
    ("Drag a knob, wheel", "Turn it"),
    ("Double-click a knob", "Its default"),
    ("Click a knob's value, Return", "Type a value: 440, 1.2k, A4"),
    ("Right click on a knob", "MIDI, pin for matching, copy, paste"),
    ("Right click on a snapshot", "Keep the sound in it"),
    ("Drag an effect's title, Alt+Up", "Move it in the rack"),
    ("B, Delete on an effect", "Bypass it, take it out"),
    ("Arrow keys", "Move the pad's point or a knob"),
    ("Shift", "Ten times finer"),
]


class ShortcutSheet(QDialog):
    """A window beside the desk; it never takes the desk's keys for itself."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle("Keyboard and mouse")
        self.setObjectName("sheet")
        self.setModal(False)
        grid = QGridLayout(self)
        grid.setContentsMargins(20, 16, 20, 20)
        grid.setHorizontalSpacing(18)
        grid.setVerticalSpacing(6)
        native = QKeySequence.SequenceFormat.NativeText
        slots = ("recall_", "store_")  # eight alike, which have a line together
        keys = [
            (QKeySequence(a.keys).toString(native), a.text.rstrip("…"))
            for a in ACTIONS
            if not a.id.startswith(slots)
        ]
        keys += [(f"1 … {SLOTS}", "Recall a snapshot"), (f"Ctrl+1 … {SLOTS}", "Keep a snapshot")]
        for column, (title, rows) in enumerate([("Keyboard", keys), ("Mouse", _MOUSE)]):
            grid.addWidget(theme.title(title), 0, 3 * column, 1, 2)
            for row, (left, right) in enumerate(rows, start=1):
                key = QLabel(left)
                key.setStyleSheet(f"color: {theme.ACCENT};")
                grid.addWidget(key, row, 3 * column)
                grid.addWidget(QLabel(right), row, 3 * column + 1, Qt.AlignmentFlag.AlignLeft)
        grid.setColumnMinimumWidth(2, 20)
