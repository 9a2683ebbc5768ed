"""The control process: MIDI inputs and an OSC port, decoded into events, in a child process.

Its events reach the audio callback through shared memory, as they would from the audio process or
the desk; but a driver that hangs or ends the process, a flood of messages, and the interpreter's
lock leave the sound alone.
"""

import logging
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from mesosynth.control.midi import MidiDecoder
from mesosynth.control.midi_map import MidiMap
from mesosynth.control.midi_ports import MidiPorts
from mesosynth.control.osc import OscReceiver, obey
from mesosynth.engine.shared import MOVED, EventQueue, ParameterBlock
from mesosynth.errors import MesosynthError
from mesosynth.plugins.parameters import ParameterTable
from mesosynth.plugins.plugin import EventKind
from mesosynth.system.worker import Channel, Died, Worker

# --------------------------------------------------------------------------------------------------
# Messages between the control process and the session


@dataclass(frozen=True, slots=True)
class ControlSettings:
    """Inputs of the control process.

    Attributes
    ----------
    midi : str or None
        Part of the MIDI inputs' names, "" for all; None for none.
    osc : int or None
        UDP port; None for none.
    map_path : str
        File of the MIDI map.
    """

    midi: str | None = None
    osc: int | None = None
    map_path: str = ""


@dataclass(frozen=True, slots=True)
class ParameterLayout:
    """All parameters of the rack, and their indices in the vector."""

    parameters: ParameterTable
    places: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Learn:
    """Bind the next controller that moves to this parameter; None cancels."""

    parameter: str | None


@dataclass(frozen=True, slots=True)
class Forget:
    """Unbind this parameter."""

    parameter: str


@dataclass(frozen=True, slots=True)
class Moved:
    """Parameters moved by controllers or OSC; they sound already."""

    values: dict[str, float]


@dataclass(frozen=True, slots=True)
class Ports:
    """All MIDI inputs, the open ones, and the OSC port or None."""

    present: tuple[str, ...]
    heard: tuple[str, ...]
    osc: int | None


@dataclass(frozen=True, slots=True)
class Activity:
    """Number of messages since the last report."""

    messages: int


@dataclass(frozen=True, slots=True)
class Held:
    """MIDI keys that are down."""

    notes: frozenset[int]


@dataclass(frozen=True, slots=True)
class Learned:
    """A controller was bound to a parameter, and the map is saved."""

    parameter: str
    channel: int
    controller: int


@dataclass(frozen=True, slots=True)
class Program:
    """A program change arrived."""

    channel: int
    program: int


@dataclass(frozen=True, slots=True)
class Transported:
    """A clock or a button started or stopped the transport."""

    playing: bool


@dataclass(frozen=True, slots=True)
class Problem:
    """One sentence for the user."""

    text: str


@dataclass(frozen=True, slots=True)
class Alive:
    """No news, but the process runs."""


Command = ControlSettings | ParameterLayout | Learn | Forget
Report = Moved | Ports | Activity | Held | Learned | Program | Transported | Problem | Alive


# --------------------------------------------------------------------------------------------------
# In the child


TICK = 0.02  # s between two reports to the session
LOOK = 1.0  # s between two looks for ports
PATIENCE = 0.05  # s that a full queue may hold up a driver's thread


def main(
    channel: Channel,
    settings: ControlSettings,
    layout: ParameterLayout,
    block: ParameterBlock,
    queue: EventQueue,
) -> None:
    """Run the control process until it is told to end.

    Parameters
    ----------
    channel : Channel
        Takes the commands and gives the reports of the messages above.
    settings, layout, block, queue
        As in :class:`ControlProcess`.
    """
    sys.setswitchinterval(0.0005)
    logging.disable(logging.CRITICAL)  # python-osc logs whatever garbage the network sends
    ControlLoop(channel, settings, layout, block, queue).run()


class ControlLoop:
    """Loop of the control process: events at once to the audio callback, reports to the session.

    Parameters
    ----------
    channel, settings, layout, block, queue
        As in :func:`main`.
    """

    def __init__(
        self,
        channel: Channel,
        settings: ControlSettings,
        layout: ParameterLayout,
        block: ParameterBlock,
        queue: EventQueue,
    ) -> None:
        self._settings = ControlSettings()
        self._layout = layout
        self._block = block
        self._queue = queue
        self._channel = channel
        # Shared by the drivers' threads and the loop.
        self._lock = threading.Lock()
        self._moved: dict[str, float] = {}
        self._reports: list[Report] = []
        self._messages = 0
        self._decoders: dict[str, MidiDecoder] = {}
        self._map = MidiMap(layout.parameters)
        self._midi: MidiPorts | None = None
        self._osc: OscReceiver | None = None
        self._held, self._told_held = set[int](), frozenset[int]()
        self._patient = True
        self._apply(settings)

    def run(self) -> None:
        """Listen until told to end."""
        looked = said = -LOOK
        while not self._channel.stopping:
            now = time.monotonic()
            if self._midi is not None and now - looked >= LOOK:
                looked = now
                self._look()
            if self._say(now - said >= LOOK):
                said = now
            command = self._channel.receive(TICK)
            if command is not None:
                self._obey(command)
        self._close()

    # ------------------------------------------------------------------ from the drivers' threads

    def event(self, kind: EventKind, channel: int, note: int, value: float, stamp: float) -> None:
        """[driver] Hand an event to the audio callback.

        Parameters
        ----------
        kind : EventKind
        channel, note : int
            0 to 15, and 0 to 127.
        value : float
            As the kind has it.
        stamp : float
            Time of arrival, s of `time.perf_counter`.
        """
        self._push(kind, channel, note, value, stamp)
        with self._lock:
            if kind == EventKind.NOTE_ON:
                self._held.add(note)
            elif kind == EventKind.NOTE_OFF:
                self._held.discard(note)
            elif kind == EventKind.ALL_OFF:
                self._held.clear()
        parameters = self._layout.parameters
        if kind == EventKind.TEMPO and "tempo" in parameters:
            self.move("tempo", parameters["tempo"].clamp(value))
        elif kind in (EventKind.START, EventKind.STOP):
            self._report(Transported(kind == EventKind.START))

    def controller(self, channel: int, number: int, position: float, stamp: float) -> None:
        """[driver] Move the parameter of a controller, or learn which it is.

        Parameters
        ----------
        channel, number : int
            0 to 15, and 0 to 127.
        position : float
            0 to 1.
        stamp : float
            Time of arrival, s of `time.perf_counter`.
        """
        with self._lock:
            learned = self._map.learned(channel, number)
            move = self._map.move(channel, number, position, self._value_of, stamp)
        if learned is not None:
            self._keep_map()
            self._report(Learned(learned.parameter, channel, number))
        if move is not None:
            self.move(*move)

    def program(self, channel: int, number: int) -> None:
        """[driver] Report a program change.

        Parameters
        ----------
        channel, number : int
            0 to 15, and 0 to 127.
        """
        self._report(Program(channel, number))

    def move(self, parameter: str, value: float) -> None:
        """[driver] Move a parameter with the next block, and report that.

        Parameters
        ----------
        parameter : str
        value : float
            In its unit.
        """
        place = self._layout.places[parameter]
        self._push(MOVED, place >> 8, place & 0xFF, value, time.perf_counter())
        with self._lock:
            self._moved[parameter] = value

    def _receive_midi(self, port: str, message: Sequence[int], stamp: float) -> None:
        with self._lock:
            self._messages += 1
            decoder = self._decoders.setdefault(port, MidiDecoder(self))
        decoder.feed(message, stamp)

    def _receive_osc(self, address: str, arguments: Sequence[object], stamp: float) -> None:
        with self._lock:
            self._messages += 1
        obey(self, self._layout.parameters, address, arguments, stamp)

    def _push(self, kind: int, channel: int, note: int, value: float, stamp: float) -> None:
        deadline = time.monotonic() + PATIENCE
        while self._patient and self._queue.full:
            if time.monotonic() > deadline:  # the callback has stopped; do not wait again
                self._patient = False
                break
            time.sleep(0.001)
        self._patient = self._queue.push(kind, channel, note, value, stamp)

    def _value_of(self, parameter: str) -> float:
        return float(self._block.read()[0][self._layout.places[parameter]])

    def _report(self, report: Report) -> None:
        with self._lock:
            self._reports.append(report)

    # ------------------------------------------------------------------ the loop's own

    def _say(self, overdue: bool) -> bool:
        """Send what is new, or if `overdue` a sign of life; return whether anything was sent."""
        with self._lock:
            reports, self._reports = self._reports, []
            moved, self._moved = self._moved, {}
            messages, self._messages = self._messages, 0
            held = frozenset(self._held)
        if moved:
            reports.append(Moved(moved))
        if messages:
            reports.append(Activity(messages))
        if held != self._told_held:
            self._told_held = held
            reports.append(Held(held))
        if overdue and not reports:
            reports.append(Alive())
        for report in reports:
            self._channel.send(report)
        return bool(reports)

    def _obey(self, command: object) -> None:
        """Carry out a command of the session."""
        try:
            match command:
                case ControlSettings():
                    self._apply(command)
                case ParameterLayout():
                    with self._lock:
                        self._layout = command
                        self._map.use(command.parameters)
                case Learn(parameter):
                    with self._lock:
                        self._map.learn(parameter)
                case Forget(parameter):
                    with self._lock:
                        self._map.forget(parameter)
                    self._keep_map()
                case _:
                    pass
        except MesosynthError as error:
            self._report(Problem(str(error)))

    def _apply(self, settings: ControlSettings) -> None:
        before, self._settings = self._settings, settings
        if settings.map_path != before.map_path:
            self._try(self._load_map)
        if settings.midi != before.midi:
            self._try(self._open_midi)
        if settings.osc != before.osc:
            self._try(self._open_osc)
        self._report_ports()

    def _try(self, step: Callable[[], None]) -> None:
        try:
            step()
        except MesosynthError as error:
            self._report(Problem(str(error)))

    def _load_map(self) -> None:
        with self._lock:
            self._map.load(Path(self._settings.map_path))

    def _keep_map(self) -> None:
        if self._settings.map_path:
            self._try(lambda: self._map.save(Path(self._settings.map_path)))

    def _open_midi(self) -> None:
        if self._midi is not None:
            self._midi.close()
            self._midi = None
            for name in list(self._decoders):
                self._gone(name)
        if self._settings.midi is not None:
            self._midi = MidiPorts(self._settings.midi, self._receive_midi, self._gone)
            self._midi.look()

    def _open_osc(self) -> None:
        if self._osc is not None:
            self._osc.close()
            self._osc = None
        if self._settings.osc is not None:
            self._osc = OscReceiver(self._settings.osc, self._receive_osc)

    def _look(self) -> None:
        if self._midi is not None and self._midi.look():
            self._report_ports()

    def _gone(self, port: str) -> None:
        """End the notes of a port that vanished."""
        with self._lock:
            decoder = self._decoders.pop(port, None)
        if decoder is not None:
            decoder.release(time.perf_counter())

    def _report_ports(self) -> None:
        midi, osc = self._midi, self._osc
        present = midi.names if midi is not None else ()
        heard = midi.open_names if midi is not None else ()
        self._report(Ports(present, heard, None if osc is None else osc.port))

    def _close(self) -> None:
        if self._midi is not None:
            self._midi.close()
        for name in list(self._decoders):
            self._gone(name)
        if self._osc is not None:
            self._osc.close()


# --------------------------------------------------------------------------------------------------
# The session's handle


HEARTBEAT = 6.0  # s without a report after which the process is started anew


class ControlProcess:
    """MIDI and OSC in a child process, which is restarted whenever it ends.

    Not thread-safe: one thread holds it. The process begins with the first :meth:`listen`.

    Parameters
    ----------
    layout : ParameterLayout
        What can be moved.
    block : ParameterBlock
        Where the session writes their values.
    queue : EventQueue
        To the audio callback; this process becomes its writer.

    Attributes
    ----------
    ports : Ports
        The ports of the last report.
    """

    def __init__(self, layout: ParameterLayout, block: ParameterBlock, queue: EventQueue) -> None:
        self._layout = layout
        self._block = block
        self._queue = queue
        self._settings = ControlSettings()
        self._worker = Worker(
            main, name="mesosynth control", threads=1, heartbeat=HEARTBEAT,
            restart=True,
        )  # fmt: skip
        self.ports = Ports((), (), None)

    def listen(self, settings: ControlSettings) -> None:
        """Hear these ports from now on."""
        self._settings = settings
        if self._worker.alive:
            self._change(settings)
        else:
            self._prepare()
            self._worker.start()

    def use(self, layout: ParameterLayout) -> None:
        """Take what can be moved from now on."""
        self._layout = layout
        self._change(layout)

    def learn(self, parameter: str | None) -> None:
        """Bind the next controller that moves to `parameter`; None cancels.

        Raises
        ------
        ArgumentError
            If there is no such parameter.
        """
        if parameter is not None:
            self._layout.parameters.index(parameter)
        self._worker.send(Learn(parameter))

    def forget(self, parameter: str) -> None:
        """Unbind the controller of `parameter`."""
        self._worker.send(Forget(parameter))

    def poll(self) -> list[Report]:
        """Reports since the last call; restarts the process if it has ended or hangs."""
        reports: list[Report] = []
        for event in self._worker.poll():
            if isinstance(event, Died):
                self._prepare()
                reports.append(Problem("The MIDI process had ended and was started again."))
            elif isinstance(event, Report):
                reports.append(event)
            if isinstance(event, Ports):
                self.ports = event
        return reports

    @property
    def pid(self) -> int | None:
        """The process's number."""
        return self._worker.pid

    def close(self) -> None:
        """End the process. A second call does nothing."""
        self._worker.stop(2.0)
        self.ports = Ports((), (), None)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _prepare(self) -> None:
        """Put things in order before the next process writes to the queue."""
        self.ports = Ports((), (), None)
        self._queue.resume()
        self._queue.push(EventKind.ALL_OFF)  # keys that were held when the last one ended
        self._change()

    def _change(self, *commands: Command) -> None:
        """Send what has changed, now and to every process that is started later."""
        self._worker.args = (self._settings, self._layout, self._block, self._queue)
        for command in commands:
            self._worker.send(command)
