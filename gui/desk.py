"""The desk: the session of a window, and sentences for the user."""

from collections.abc import Callable

from PySide6.QtCore import QObject, Qt, QTimer, Signal

from mesosynth.errors import MesosynthError
from mesosynth.plugins.parameters import ParameterTable
from mesosynth.session import Session

TICK_MS = 16
"""Time between two polls of the session, ms: some 60 pictures a second."""


class Desk(QObject):
    """The session of a window, and the timer that polls it.

    The window is built before the session's processes start, so that it is on screen at once. Its
    parts connect to those of the session when :attr:`attached` is emitted.

    Parameters
    ----------
    session : Session
        Not started yet; it belongs to the desk from here on.

    Attributes
    ----------
    session : Session

    Signals
    -------
    attached
        The session, which has just been started.
    said
        A sentence for the user, and how serious it is: "info", "warning" or "error".
    asked
        Something was asked of the session, with whatever success.
    tick
        After each poll of the session.
    """

    attached = Signal(Session)
    said = Signal(str, str)
    asked = Signal()
    tick = Signal()

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self._refused = False  # whether the last sentence is the error of a request
        session.messages.said.connect(self.say)
        # A coarse timer strays by 5%, and a picture in twenty would come a screen's turn late.
        self._timer = QTimer(self, interval=TICK_MS, timerType=Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._poll)

    @property
    def table(self) -> ParameterTable:
        """Parameters of the instrument."""
        return self.session.rack.instrument_plugin.parameters

    @property
    def parameters(self) -> ParameterTable:
        """Parameters of the instrument and of all effects."""
        return self.session.sound.parameters

    @property
    def values(self) -> dict[str, float]:
        """Live values of all parameters, by id."""
        return self.session.sound.values

    def begin(self) -> None:
        """Start the session.

        Raises
        ------
        MesosynthError
            If its processes cannot be started.
        """
        self.session.start()
        self.attached.emit(self.session)
        self._timer.start()

    def close(self) -> None:
        """Close the session."""
        self._timer.stop()
        self.session.close()

    def ask(self, request: Callable[[Session], object], by_itself: bool = False) -> bool:
        """Ask something of the session; an error becomes a sentence, until a request succeeds.

        Parameters
        ----------
        request : callable
        by_itself : bool
            Whether no hand asked for it; then the last error stays on screen.

        Returns
        -------
        bool
            False while the session is not started, and after an error.
        """
        if not self.session.started:
            return False
        try:
            request(self.session)
        except MesosynthError as error:
            self.say(str(error), "error")
            self._refused = True
            return False
        finally:
            self.asked.emit()
        if self._refused and not by_itself:
            self.say("")
        return True

    def hear(self, request: Callable[[Session], object]) -> None:
        """Ask for another sound, and play it if nothing plays."""
        if self.ask(request):
            self.ask(lambda session: session.sound.playing or session.sound.play())

    def say(self, text: str, severity: str = "info") -> None:
        """Show a sentence in the status line.

        Parameters
        ----------
        text : str
        severity : {"info", "warning", "error"}
        """
        self._refused = False
        self.said.emit(text, severity)

    def _poll(self) -> None:
        try:
            self.session.poll()
        except MesosynthError as error:
            self.say(str(error), "error")
        finally:
            self.tick.emit()
