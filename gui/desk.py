"""The desk: the session of a window, once there is one, and sentences for the user."""

from collections.abc import Callable

from PySide6.QtCore import QObject, Qt, QTimer, Signal

from mesosynth.errors import MesosynthError
from mesosynth.plugins.parameters import ParameterTable
from mesosynth.session import Session

TICK_MS = 16
"""Time between two polls of the session, ms: some 60 pictures a second."""


class Desk(QObject):
    """The session of a window.

    The window is built before the session exists, so that it is on screen at once. Its parts
    connect to those of the session when :attr:`attached` is emitted.

    Parameters
    ----------
    table : ParameterTable
        Of the instrument that the session will play.

    Attributes
    ----------
    session : Session or None
        None until :meth:`attach`, and after :meth:`close`.

    Signals
    -------
    attached
        The session, which has just begun.
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

    def __init__(self, table: ParameterTable) -> None:
        super().__init__()
        self.session: Session | None = None
        self._table = table
        # A coarse timer strays by 5%, and a picture in twenty would come a screen's turn late.
        self._timer = QTimer(self, interval=TICK_MS, timerType=Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._poll)

    @property
    def table(self) -> ParameterTable:
        """Parameters of the instrument."""
        return (
            self._table if self.session is None else self.session.rack.instrument_plugin.parameters
        )

    @property
    def parameters(self) -> ParameterTable:
        """Parameters of the instrument and of all effects."""
        return self._table if self.session is None else self.session.sound.parameters

    @property
    def values(self) -> dict[str, float]:
        """Live values of all parameters, by id."""
        return self._table.defaults() if self.session is None else self.session.sound.values

    def attach(self, session: Session) -> None:
        """Begin with a session, which belongs to the desk from here on."""
        self.session = session
        session.messages.said.connect(self.say)
        self.attached.emit(session)
        self._timer.start()

    def close(self) -> None:
        """Close the session."""
        self._timer.stop()
        session, self.session = self.session, None
        if session is not None:
            session.close()

    def ask(self, request: Callable[[Session], object]) -> bool:
        """Ask something of the session; an error becomes a sentence.

        Returns
        -------
        bool
            False while there is no session, and after an error.
        """
        if self.session is None:
            return False
        try:
            request(self.session)
        except MesosynthError as error:
            self.say(str(error), "error")
            return False
        finally:
            self.asked.emit()
        return True

    def say(self, text: str, severity: str = "info") -> None:
        """Show a sentence in the status line.

        Parameters
        ----------
        text : str
        severity : {"info", "warning", "error"}
        """
        self.said.emit(text, severity)

    def _poll(self) -> None:
        try:
            if self.session is not None:
                self.session.poll()
        except MesosynthError as error:
            self.say(str(error), "error")
        finally:
            self.tick.emit()
