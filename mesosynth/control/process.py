"""The session's handle on the control process, which hears MIDI and OSC."""

import contextlib
import multiprocessing
import time
from typing import TYPE_CHECKING, Self

from mesosynth.control import loop as control_loop
from mesosynth.control.messages import (
    Close,
    Command,
    Forget,
    Layout,
    Learn,
    Ports,
    Problem,
    Report,
    Settings,
)
from mesosynth.engine.shared import EventQueue, ParameterBlock
from mesosynth.plugins.plugin import EventKind
from mesosynth.system.spawning import bare_main

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from multiprocessing.context import SpawnProcess

STUCK = 6.0  # s without a word after which the process is started anew


class ControlProcess:
    """MIDI and OSC in a process of their own, that is started anew whenever it ends.

    Not thread-safe: one thread holds it. The process begins with the first thing it is asked.

    Parameters
    ----------
    layout : Layout
        What can be moved.
    block : ParameterBlock
        Where the session writes their values.
    queue : EventQueue
        To the audio callback; this process becomes its writer.

    Attributes
    ----------
    ports : Ports
        What the process last said of its ports.
    """

    def __init__(self, layout: Layout, block: ParameterBlock, queue: EventQueue) -> None:
        self._layout = layout
        self._block = block
        self._queue = queue
        self._settings = Settings()
        self._process: SpawnProcess | None = None
        self._connection: Connection | None = None
        self._heard_at = 0.0
        self.ports = Ports((), (), None)

    def listen(self, settings: Settings) -> None:
        """Hear these ports from now on."""
        self._settings = settings
        if self._process is None:
            self._start()
        else:
            self._send(settings)

    def use(self, layout: Layout) -> None:
        """Take what can be moved from now on."""
        self._layout = layout
        self._send(layout)

    def learn(self, parameter: str | None) -> None:
        """Bind the next controller that moves to `parameter`; None thinks better of it.

        Raises
        ------
        ArgumentError
            If there is no such parameter.
        """
        if parameter is not None:
            self._layout.parameters.index(parameter)
        self._send(Learn(parameter))

    def forget(self, parameter: str) -> None:
        """Unbind whatever moves `parameter`."""
        self._send(Forget(parameter))

    def poll(self) -> list[Report]:
        """What happened since the last call; starts the process anew if it has ended or hangs."""
        if self._process is None:
            return []
        reports = self._receive()
        now = time.monotonic()
        if reports:
            self._heard_at = now
        if not self._process.is_alive() or now - self._heard_at > STUCK:
            self._end(polite=False)
            self._start()
            reports.append(Problem("The MIDI process had ended and was started again."))
        for report in reports:
            if isinstance(report, Ports):
                self.ports = report
        return reports

    @property
    def pid(self) -> int | None:
        """The process's number."""
        return None if self._process is None else self._process.pid

    def close(self) -> None:
        """End the process. A second call does nothing."""
        self._end(polite=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        # Whoever held keys when the last one ended can no longer let go of them.
        self._queue.resume()
        self._queue.push(EventKind.ALL_OFF)
        self._process = context.Process(
            target=control_loop.main,
            args=(self._settings, self._layout, self._block, self._queue, theirs),
            name="mesosynth control",
            daemon=True,
        )
        with bare_main():
            self._process.start()
        theirs.close()
        self._heard_at = time.monotonic()

    def _send(self, command: Command) -> None:
        if self._connection is not None:
            with contextlib.suppress(OSError):  # it has ended; poll starts it anew
                self._connection.send(command)

    def _receive(self) -> list[Report]:
        reports: list[Report] = []
        if self._connection is not None:
            with contextlib.suppress(EOFError, OSError):
                while self._connection.poll():
                    reports.append(self._connection.recv())
        return reports

    def _end(self, polite: bool) -> None:
        if self._process is None or self._connection is None:
            return
        if polite:
            self._send(Close())
            self._process.join(2.0)
        self._process.kill()
        self._process.join()
        self._process.close()
        self._connection.close()
        self._process = self._connection = None
        self.ports = Ports((), (), None)
