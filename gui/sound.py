"""Sound of the desk: panic, choice of device, and the computer keyboard as a piano."""

from typing import Protocol, runtime_checkable

from PySide6.QtCore import QEasingCurve, QEvent, QObject, Qt, QTimer, QVariantAnimation
from PySide6.QtGui import QKeyEvent, QKeySequence, QShortcut
from PySide6.QtWidgets import QApplication, QLineEdit, QWidget
from typing_extensions import override

from mesosynth.session import Session

from .desk import Desk
from .dialogs import ConfirmBar
from .pages.setup import DeviceForm

# --------------------------------------------------------------------------------------------------
# Esc: cancels what is open; twice in a row where nothing is, it is a panic.

TWICE_MS = 1000
"""Longest time between the two, ms."""


@runtime_checkable
class Cancels(Protocol):
    """Widget that Esc cancels or closes."""

    def take_escape(self) -> bool:
        """Cancel; return False where there is nothing to cancel."""
        ...


class Escape(QObject):
    """Gives Esc to what has the focus, to what is around it, or else to a card that is open.

    Parameters
    ----------
    window : QWidget
    control : SoundControl
    """

    def __init__(self, window: QWidget, control: "SoundControl") -> None:
        super().__init__(window)
        self._window, self._control = window, control
        self._again = QTimer(self, singleShot=True, interval=TWICE_MS)
        key = QShortcut(QKeySequence(Qt.Key.Key_Escape), window, autoRepeat=False)
        key.activated.connect(self._press)

    def _press(self) -> None:
        focus: QObject | None = QApplication.focusWidget()
        around: list[QObject] = []
        while focus is not None:
            around.append(focus)
            focus = focus.parent()
        for widget in (*around, *self._window.findChildren(QWidget)):
            shown = isinstance(widget, QWidget) and widget.isVisible()
            if shown and isinstance(widget, Cancels) and widget.take_escape():
                self._again.stop()
                return
        if self._control.silenced:
            return
        if self._again.isActive():
            self._again.stop()
            self._control.panic()
        else:
            self._again.start()
            self._control.say_how_to_panic()


# --------------------------------------------------------------------------------------------------
# Panic, and the change of device with its way back.


class SoundControl(QObject):
    """Silences everything, and changes the device.

    Parameters
    ----------
    window : QWidget
        Parent of the dialog.
    desk : Desk

    Attributes
    ----------
    silenced : bool
        Whether a panic silenced everything, and nothing was played since.
    devices : DeviceForm
    question : ConfirmBar
    escape : Escape
    """

    def __init__(self, window: QWidget, desk: Desk) -> None:
        super().__init__(window)
        self.silenced = False
        self._desk = desk
        self.devices = DeviceForm()
        self.devices.chosen.connect(self._try_device)
        self.question = ConfirmBar()
        self.question.refused.connect(self._go_back)
        self._before: tuple[str | None, int | None, int | None] = (None, None, None)
        self._fade: QVariantAnimation | None = None
        self._faded = 0.0  # level that it set last, dB
        desk.attached.connect(self._attach)
        self.escape = Escape(window, self)

    def play_or_stop(self) -> None:
        """Play, which ends a panic too, or stop."""
        self._desk.ask(lambda s: s.sound.stop() if s.sound.playing else s.sound.play())

    def fade_in(self, seconds: float = 4.0) -> None:
        """Play, from silence to the present level in so many seconds, unless a hand sets it."""
        level, least = self._desk.values["gain"], self._desk.parameters["gain"].minimum
        self._fade = fade = QVariantAnimation(self, startValue=least, endValue=level)
        fade.setDuration(round(1000.0 * seconds))
        fade.setEasingCurve(QEasingCurve.Type.OutCubic)
        self._faded = least
        fade.valueChanged.connect(self._on_fade)
        self._desk.ask(lambda session: session.sound.set({"gain": least}))
        self._desk.ask(lambda session: session.sound.play())
        fade.start()

    def end_fade(self) -> None:
        """Be at the level at which :meth:`fade_in` ends."""
        if self._fade is not None and self._fade.state() == QVariantAnimation.State.Running:
            self._fade.setCurrentTime(self._fade.duration())

    def _on_fade(self, level: float) -> None:
        if self._fade is None or self._desk.values.get("gain") != self._faded:
            self._fade = None  # a hand was there
        else:
            self._faded = level
            self._desk.ask(lambda session: session.sound.set({"gain": level}), by_itself=True)

    def panic(self) -> None:
        """Silence everything; the second time, go on."""
        self.silenced = not self.silenced
        if self.silenced:
            self._desk.ask(lambda session: session.match.stop())
            self._desk.ask(lambda session: session.sound.panic())
            self._desk.say("Silenced. Shift+Esc or Space goes on.", "warning")
        else:
            self._desk.ask(lambda session: session.sound.unpanic())
            self._desk.say("On again.")

    def say_how_to_panic(self) -> None:
        """Say what a second Esc does."""
        self._desk.say("Esc once more silences everything; Shift+Esc does at once.")

    def _try_device(self, device: str | None, rate: int | None, block: int | None) -> None:
        """Change over, and go back by itself unless the user says that it works."""
        before = self._desk.session.device.settings
        if self._desk.ask(lambda session: session.device.set(device, rate, block)):
            if not self.question.isVisible():  # else what was not kept is no way back
                self._before = (before.device, before.sample_rate, before.block)
            self.question.ask(f"Sound goes to {device or 'the system’s default'}")

    def _go_back(self) -> None:
        if self._desk.ask(lambda session: session.device.set(*self._before)):
            self._desk.say("Back to the sound settings before.")

    def _attach(self, session: Session) -> None:
        session.sound.playing_changed.connect(self._on_playing)

    def _on_playing(self, playing: bool) -> None:
        if playing:
            self.silenced = False


# --------------------------------------------------------------------------------------------------
# The computer keyboard as a piano: the A row is white keys, the row above it black ones.

_ROW = "AWSEDFTGYHUJKOLP;"
"""Keys from C to the E of the next octave."""

_DOWN, _UP = "Z", "X"
_LOWEST, _HIGHEST = 0, 9
_MIDDLE = 4  # the octave that begins with middle C

_KEYS = {ord(letter): semitone for semitone, letter in enumerate(_ROW)}
_OCTAVES = {ord(_DOWN): -1, ord(_UP): 1}


class Piano(QObject):
    """Plays notes by letter keys while it is on; Z and X change the octave.

    Meanwhile these letters are no shortcuts. Where text is typed they are letters.

    Parameters
    ----------
    parent : QObject
    desk : Desk

    Attributes
    ----------
    on : bool
    octave : int
        0 to 9; 4 begins with middle C.
    """

    def __init__(self, parent: QObject, desk: Desk) -> None:
        super().__init__(parent)
        self.on = False
        self.octave = _MIDDLE
        self._desk = desk
        self._held: dict[int, int] = {}  # notes by the keys that hold them

    def toggle(self) -> None:
        """Switch it on, or off."""
        application = QApplication.instance()
        if application is None:
            return
        self._let_go()
        self.on = not self.on
        if self.on:
            application.installEventFilter(self)
            self._desk.say(f"A to {_ROW[-1]} play notes from C{self.octave}; Z and X change that.")
        else:
            application.removeEventFilter(self)

    @override
    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        kind = event.type()
        if kind == QEvent.Type.ApplicationDeactivate:
            self._let_go()
        if not isinstance(event, QKeyEvent):
            return False
        key = event.key()
        if kind == QEvent.Type.KeyRelease and not event.isAutoRepeat() and key in self._held:
            self._release(key)  # wherever text is typed by now
            return True
        if isinstance(QApplication.focusWidget(), QLineEdit):
            return False
        if key not in _KEYS and key not in _OCTAVES:
            return False
        if event.modifiers() & ~Qt.KeyboardModifier.ShiftModifier:
            return False
        if kind == QEvent.Type.KeyPress and not event.isAutoRepeat():
            self._press(key)
        event.accept()  # a shortcut that is overridden comes back as a key press
        return True

    def _press(self, key: int) -> None:
        if key in _OCTAVES:
            self.octave = min(max(self.octave + _OCTAVES[key], _LOWEST), _HIGHEST)
            self._desk.say(f"The keyboard begins with C{self.octave}.")
            return
        note = 12 * (self.octave + 1) + _KEYS[key]
        if note < 128 and key not in self._held:
            self._held[key] = note
            self._desk.ask(lambda session: session.keys.note_on(note))

    def _release(self, key: int) -> None:
        note = self._held.pop(key)
        self._desk.ask(lambda session: session.keys.note_off(note))

    def _let_go(self) -> None:
        for key in list(self._held):
            self._release(key)
