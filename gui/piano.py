"""The computer keyboard as a piano: the A row is white keys, the row above it black ones."""

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QAction, QKeyEvent
from PySide6.QtWidgets import QApplication, QLineEdit
from typing_extensions import override

from .bridge import Bridge

_ROW = "AWSEDFTGYHUJKOLP;"
"""Keys from C to the E of the next octave."""

_DOWN, _UP = "Z", "X"
_LOWEST, _HIGHEST = 0, 9
_MIDDLE = 4  # the octave that begins with middle C

_KEYS = {ord(letter): semitone for semitone, letter in enumerate(_ROW)}
_OCTAVES = {ord(_DOWN): -1, ord(_UP): 1}


class Piano(QObject):
    """Plays notes by letter keys while its action is ticked; Z and X change the octave.

    Meanwhile these letters are no shortcuts. Where text is typed they are letters.

    Parameters
    ----------
    bridge : Bridge
    action : QAction
        Switches it on and off.

    Attributes
    ----------
    octave : int
        0 to 9; 4 begins with middle C.
    """

    def __init__(self, bridge: Bridge, action: QAction) -> None:
        super().__init__(action)
        self.octave = _MIDDLE
        self._bridge = bridge
        self._held: dict[int, int] = {}  # notes by the keys that hold them
        action.toggled.connect(self._switch)

    @override
    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        kind = event.type()
        if kind == QEvent.Type.ApplicationDeactivate:
            self._let_go()
        if not isinstance(event, QKeyEvent) or isinstance(QApplication.focusWidget(), QLineEdit):
            return False
        key = event.key()
        if key not in _KEYS and key not in _OCTAVES:
            return False
        if kind == QEvent.Type.KeyRelease and not event.isAutoRepeat():
            self._release(key)
            return True
        if event.modifiers() & ~Qt.KeyboardModifier.ShiftModifier:
            return False
        if kind == QEvent.Type.KeyPress and not event.isAutoRepeat():
            self._press(key)
        event.accept()  # a shortcut that is overridden comes back as a key press
        return True

    def _press(self, key: int) -> None:
        if key in _OCTAVES:
            self.octave = min(max(self.octave + _OCTAVES[key], _LOWEST), _HIGHEST)
            self._bridge.say(f"The keyboard begins with C{self.octave}.")
            return
        note = 12 * (self.octave + 1) + _KEYS[key]
        if note < 128 and key not in self._held:
            self._held[key] = note
            self._bridge.play_note(note, True)

    def _release(self, key: int) -> None:
        note = self._held.pop(key, None)
        if note is not None:
            self._bridge.play_note(note, False)

    def _let_go(self) -> None:
        for key in list(self._held):
            self._release(key)

    def _switch(self, on: bool) -> None:
        application = QApplication.instance()
        if application is None:
            return
        self._let_go()
        if on:
            application.installEventFilter(self)
            self._bridge.say(
                f"A to {_ROW[-1]} play notes from C{self.octave}; Z and X change that."
            )
        else:
            application.removeEventFilter(self)
