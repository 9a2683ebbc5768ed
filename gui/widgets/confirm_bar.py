"""A strip over the status line that asks whether new sound settings shall stay, for ten seconds."""

from PySide6.QtCore import QTimer, Signal, SignalInstance
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton

from .. import theme

SECONDS = 10
"""Time to answer; silence means that the settings did not work."""


class KeepQuestion(QFrame):
    """Hidden until :meth:`ask`; whoever cannot hear or see any more gets the old settings back.

    Signals
    -------
    kept
    refused
        By the button, or because nobody answered in time.
    """

    kept = Signal()
    refused = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("card")
        self._left = 0
        self._what = ""
        self.text = theme.title()
        self.keep = QPushButton("Keep")
        self.back = QPushButton("Go back")
        theme.name(self.keep, "Keep the sound settings")
        theme.name(self.back, "Go back to the sound settings before")
        self.keep.clicked.connect(lambda: self._answer(self.kept))
        self.back.clicked.connect(lambda: self._answer(self.refused))
        self._timer = QTimer(self, interval=1000)
        self._timer.timeout.connect(self._count)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(theme.GAP, 4, theme.GAP, 4)
        layout.addWidget(self.text, 1)
        layout.addWidget(self.keep)
        layout.addWidget(self.back)
        self.hide()

    def ask(self, what: str) -> None:
        """Ask anew, for example "Sound goes to hw:0"."""
        self._what, self._left = what, SECONDS
        self._show()
        self.show()
        self._timer.start()

    def _count(self) -> None:
        self._left -= 1
        if self._left <= 0:
            self._answer(self.refused)
        else:
            self._show()

    def _show(self) -> None:
        self.text.setText(f"{self._what}. Keep these settings? Back in {self._left} s")

    def _answer(self, signal: SignalInstance) -> None:
        self._timer.stop()
        self.hide()
        signal.emit()
