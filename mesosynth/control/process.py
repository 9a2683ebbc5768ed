"""The session's handle on the control process, which hears MIDI and OSC."""

from typing import Self

from mesosynth.control import loop as control_loop
from mesosynth.control.messages import (
    Command,
    ControlSettings,
    Forget,
    Learn,
    ParameterLayout,
    Ports,
    Problem,
    Report,
)
from mesosynth.engine.shared import EventQueue, ParameterBlock
from mesosynth.plugins.plugin import EventKind
from mesosynth.system.worker import Died, Worker

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
            control_loop.main, name="mesosynth control", threads=1, heartbeat=HEARTBEAT,
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
