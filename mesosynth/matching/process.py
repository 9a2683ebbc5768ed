"""The session's handle on the matcher's process.

Torch lives in that process alone. It may be killed at any moment: :meth:`MatcherProcess.poll`
starts it again and hands it what it was working on.
"""

import contextlib
import multiprocessing
import os
import queue
import signal
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from mesosynth.errors import MesosynthError
from mesosynth.matching.messages import Analysis, MatchResult, MatchStep
from mesosynth.spawning import bare_main, worker_threads
from mesosynth.target import Target

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from multiprocessing.context import SpawnProcess
    from multiprocessing.queues import Queue
    from multiprocessing.synchronize import Event as StopEvent

    from mesosynth.matching.matcher import Matcher

_PICTURE_INTERVAL = 0.25  # s between pictures during a match, which they slow down


@dataclass(frozen=True, slots=True)
class Ready:
    """The process has built its filters."""


@dataclass(frozen=True, slots=True)
class Restarted:
    """The process had ended by itself and was started again."""


@dataclass(frozen=True, slots=True)
class Pictures:
    """Pictures that were asked for."""

    what: Literal["target", "sound"]
    analysis: Analysis


@dataclass(frozen=True, slots=True)
class Stepped:
    """The match took a step."""

    step: MatchStep


@dataclass(frozen=True, slots=True)
class Ended:
    """The match ended; None if it was stopped before it had any theta."""

    result: MatchResult | None


@dataclass(frozen=True, slots=True)
class Failed:
    """Something was asked that cannot be done: one sentence."""

    text: str


Reply = Ready | Restarted | Pictures | Stepped | Ended | Failed


@dataclass(frozen=True, slots=True)
class _SetTarget:
    target: Target


@dataclass(frozen=True, slots=True)
class _DrawSound:
    values: dict[str, float]


@dataclass(frozen=True, slots=True)
class _Match:
    number: int


_Command = _SetTarget | _DrawSound | _Match


class MatcherProcess:
    """Matching and pictures in a process of low priority.

    Not thread-safe: one thread holds it and calls :meth:`poll` often.

    Parameters
    ----------
    instrument : str
        A matchable instrument's name.
    """

    def __init__(self, instrument: str = "chirplet") -> None:
        self._instrument = instrument
        self._context = multiprocessing.get_context("spawn")
        self._process: SpawnProcess | None = None
        self._target: Target | None = None
        self._values: dict[str, float] | None = None
        self._number = 0
        self.matching = False

    def start(self) -> None:
        """Start the process and return at once; it needs some seconds for torch."""
        self._commands: Queue[_Command] = self._context.Queue()
        self._stop: StopEvent = self._context.Event()
        self._replies: Connection
        self._replies, theirs = self._context.Pipe(duplex=False)
        self._process = self._context.Process(
            target=_main,
            args=(self._instrument, self._commands, theirs, self._stop),
            name="mesosynth matcher",
            daemon=True,
        )
        with bare_main():
            self._process.start()
        theirs.close()

    @property
    def pid(self) -> int | None:
        """The process's number."""
        return None if self._process is None else self._process.pid

    @property
    def alive(self) -> bool:
        """Whether the process exists."""
        return self._process is not None and self._process.is_alive()

    def set_target(self, target: Target) -> None:
        """Take `target` for the next match, and draw it."""
        self._target = target
        self._commands.put(_SetTarget(target))

    def draw_sound(self, values: dict[str, float]) -> None:
        """Draw the sound that the parameters `values` make; only the last request counts."""
        self._values = values
        self._commands.put(_DrawSound(values))

    def start_match(self) -> None:
        """Match the target."""
        self._number += 1
        self.matching = True
        self._stop.clear()
        self._commands.put(_Match(self._number))

    def stop_match(self) -> None:
        """Ask the match to end with the best it has; :class:`Ended` follows."""
        self._stop.set()

    def poll(self) -> list[Reply]:
        """What came back since the last call; starts a process that died again. Never blocks."""
        replies: list[Reply] = []
        try:
            while self._replies.poll():
                number, reply = self._replies.recv()
                if isinstance(reply, Stepped | Ended) and number != self._number:
                    continue  # of a match that was given up
                if isinstance(reply, Ended):
                    self.matching = False
                replies.append(reply)
        except (EOFError, OSError):
            self._revive()
            replies.append(Restarted())
        return replies

    def close(self) -> None:
        """End the process. A second call does nothing."""
        if self._process is None:
            return
        self._process.kill()
        self._process.join()
        self._process.close()
        self._process = None
        self._replies.close()
        self._commands.close()
        self._commands.cancel_join_thread()

    def _revive(self) -> None:
        stopped = self._stop.is_set()
        self.close()
        self.start()
        if self._target is not None:
            self.set_target(self._target)
        if self._values is not None:
            self.draw_sound(self._values)
        if self.matching:
            self.start_match()
            if stopped:
                self.stop_match()


# ---------------------------------------------------------------------- in the process


def _main(
    instrument: str, commands: "Queue[_Command]", replies: "Connection", stop: "StopEvent"
) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the session ends this process, not Ctrl-C
    with contextlib.suppress(OSError, AttributeError):
        os.nice(10)
    import torch

    torch.set_num_threads(worker_threads())
    from mesosynth.matching.matcher import Matcher

    worker = _Worker(Matcher(instrument), commands, replies, stop)
    with contextlib.suppress(BrokenPipeError):  # the session is gone
        worker.run()


class _Worker:
    """Does one thing after another; of the sounds to draw only the last."""

    def __init__(
        self,
        matcher: "Matcher",
        commands: "Queue[_Command]",
        replies: "Connection",
        stop: "StopEvent",
    ) -> None:
        self._matcher = matcher
        self._commands = commands
        self._replies = replies
        self._stop = stop
        self._target: Target | None = None
        self._sound: dict[str, float] | None = None
        self._match_number = 0  # of the match to do next, 0 for none
        self._drawn = 0.0

    def run(self) -> None:
        self._reply(Ready())
        while _session_lives():
            self._take_commands(wait=0.5)
            self._draw_sound()
            if self._match_number:
                self._match()

    def _reply(self, reply: Reply, number: int = 0) -> None:
        self._replies.send((number, reply))

    def _take_commands(self, wait: float) -> None:
        """Take all commands that are there, or the first that comes within `wait` seconds."""
        with contextlib.suppress(queue.Empty):
            while True:
                command = self._commands.get(timeout=wait) if wait else self._commands.get_nowait()
                wait = 0.0
                if isinstance(command, _SetTarget):
                    self._target = command.target
                    self._draw("target", command.target.audio)
                elif isinstance(command, _DrawSound):
                    self._sound = command.values
                else:
                    self._match_number = command.number

    def _draw_sound(self) -> None:
        if self._sound is None:
            return
        values, self._sound = self._sound, None
        self._drawn = time.monotonic()
        self._draw("sound", self._matcher.render(values, beside=self._target))

    def _draw(self, what: Literal["target", "sound"], audio: NDArray[np.float32]) -> None:
        from mesosynth.matching.pictures import analysis

        self._reply(Pictures(what, analysis(self._matcher.operator, audio)))

    def _match(self) -> None:
        from mesosynth.matching.run import Stopped

        number, self._match_number = self._match_number, 0
        if self._target is None:
            self._reply(Failed("There is no target to match; load or record a sound first."))
            self._reply(Ended(None), number)
            return

        def on_step(step: MatchStep) -> None:
            self._reply(Stepped(step), number)
            self._take_commands(wait=0.0)
            if time.monotonic() - self._drawn > _PICTURE_INTERVAL:
                self._draw_sound()

        def should_stop() -> bool:
            return self._stop.is_set() or not _session_lives()

        try:
            result = self._matcher.match(self._target, on_step, should_stop)
        except Stopped:
            result = None
        except MesosynthError as error:
            self._reply(Failed(str(error)))
            result = None
        self._reply(Ended(result), number)


def _session_lives() -> bool:
    parent = multiprocessing.parent_process()
    return parent is not None and parent.is_alive()
