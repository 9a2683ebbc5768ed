"""Three buttons that say whether the target, the match or both are heard."""

from typing import get_args

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QToolButton, QWidget

from gui import theme
from mesosynth.session.events import Heard

HEARD: tuple[Heard, ...] = get_args(Heard)
TEXTS: dict[Heard, str] = {"target": "Target", "match": "Match", "both": "Both"}
"""What the desk calls them."""

_TIPS: dict[Heard, str] = {
    "target": "Hear the target alone",
    "match": "Hear what the instrument plays, as loud as the target",
    "both": "Hear both at once, in step",
}


class AuditionButtons(QWidget):
    """At most one of the three is on; a click on that one ends it.

    Signals
    -------
    asked
        What shall be heard: "target", "match" or "both"; None for nothing of it any more.
    """

    asked = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self._buttons = {what: self._button(what) for what in HEARD}
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        for button in self._buttons.values():
            layout.addWidget(button)

    def __getitem__(self, what: Heard) -> QToolButton:
        return self._buttons[what]

    def show_heard(self, heard: Heard | None) -> None:
        """Show what is heard."""
        for what, button in self._buttons.items():
            button.setChecked(what == heard)

    def _button(self, what: Heard) -> QToolButton:
        button = QToolButton()
        button.setObjectName("small")
        button.setCheckable(True)
        button.setText(TEXTS[what])
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)  # Space plays, and is not the button's
        button.setToolTip(f"{_TIPS[what]}; a second click ends it.  (T)")
        theme.name(button, f"Hear {TEXTS[what].lower()}", _TIPS[what])
        button.clicked.connect(lambda on: self.asked.emit(what if on else None))
        return button
