"""The hands of a session: keys, MIDI and OSC, and what comes of them.

Notes and controllers take the short way, from their process (or from here) through shared memory
into the audio callback. What the session needs to know of them, it hears here.
"""

from typing import TYPE_CHECKING

from mesosynth.control.messages import (
    Activity,
    Layout,
    Learned,
    Moved,
    Ports,
    Problem,
    Program,
    Report,
    Settings,
    Transported,
)
from mesosynth.control.midi_map import map_path
from mesosynth.control.process import ControlProcess
from mesosynth.engine.process import AudioProcess
from mesosynth.plugins.plugin import WHOLE_CHANNEL, EventKind
from mesosynth.session.events import (
    ControllerLearned,
    ControlPorts,
    Event,
    Message,
    MidiActivity,
    ProgramChanged,
)

if TYPE_CHECKING:
    from mesosynth.engine.shared import EventQueue


class Controls:
    """Notes of the session's own, and MIDI and OSC by way of the control process.

    Nothing is heard from outside, and no process runs, before :meth:`listen`.

    Parameters
    ----------
    audio : AudioProcess
    layout : Layout
        What can be moved.
    """

    def __init__(self, audio: AudioProcess, layout: Layout) -> None:
        self._keys: EventQueue = audio.keys
        self._process = ControlProcess(layout, audio.parameters, audio.controls)
        self._settings = Settings(map_path=str(map_path()))

    def note_on(self, note: int, velocity: float, channel: int) -> None:
        """Press a key."""
        self._keys.push(
            EventKind.NOTE_ON, channel & 0x0F, note & 0x7F, min(max(velocity, 0.0), 1.0)
        )

    def note_off(self, note: int, channel: int) -> None:
        """Let go of a key."""
        self._keys.push(EventKind.NOTE_OFF, channel & 0x0F, note & 0x7F)

    def gesture(self, kind: EventKind, value: float, channel: int = 0) -> None:
        """Bend, press, tread the pedal, freeze."""
        self._keys.push(kind, channel & 0x0F, WHOLE_CHANNEL, value)

    def listen(self, midi: str | None, osc: int | None) -> None:
        """Hear the MIDI inputs that contain `midi`, and the UDP port `osc`; None: none."""
        self._settings = Settings(midi, osc, self._settings.map_path)
        self._process.listen(self._settings)

    def use(self, layout: Layout) -> None:
        """Take what can be moved from now on."""
        self._process.use(layout)

    @property
    def ports(self) -> ControlPorts:
        """The ports there are, and those that are heard."""
        return _ports(self._process.ports)

    def learn(self, parameter: str | None) -> None:
        """Bind the next controller that moves to `parameter`; None thinks better of it."""
        self._process.learn(parameter)

    def forget(self, parameter: str) -> None:
        """Unbind whatever moves `parameter`."""
        self._process.forget(parameter)

    def poll(self) -> list[Event | Moved | Transported]:
        """What happened since the last call; what moved the session has to make its own."""
        news = [_news(report) for report in self._process.poll()]
        return [event for event in news if event is not None]

    @property
    def pid(self) -> int | None:
        """Process number of the control process; None while nothing is listened to."""
        return self._process.pid

    def close(self) -> None:
        """Hear nothing any more."""
        self._process.close()


def _news(report: Report) -> Event | Moved | Transported | None:
    match report:
        case Moved() | Transported():
            return report
        case Ports():
            return _ports(report)
        case Activity(messages):
            return MidiActivity(messages)
        case Learned(parameter, channel, controller):
            return ControllerLearned(parameter, channel, controller)
        case Program(channel, program):
            return ProgramChanged(channel, program)
        case Problem(text):
            return Message(text, "warning")
        case _:
            return None


def _ports(ports: Ports) -> ControlPorts:
    return ControlPorts(ports.present, ports.heard, ports.osc)
