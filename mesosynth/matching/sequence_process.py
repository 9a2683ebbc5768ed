"""The session's handle on the process that matches a long sound.

It is a process of its own, of low priority, so that the matcher stays free for what is asked of it
meanwhile. All it finds goes to a file first, so it may be killed at any moment: whoever starts it
again goes on where it stood.
"""

import contextlib
import multiprocessing
import os
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mesosynth.errors import MesosynthError
from mesosynth.matching.results import LongSound, Moment, SequenceSettings
from mesosynth.matching.sequence_file import run_of
from mesosynth.system.cpu import compute_apart
from mesosynth.system.spawning import bare_main, end_with_parent, one_thread_each

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from multiprocessing.context import SpawnProcess
    from multiprocessing.synchronize import Event as Flag

    from mesosynth.matching.results import MatchedSequence


@dataclass(frozen=True, slots=True)
class Began:
    """What was found before, all of it."""

    sound: LongSound
    moments: tuple[Moment, ...]


@dataclass(frozen=True, slots=True)
class Heard:
    """A moment more."""

    moment: Moment


@dataclass(frozen=True, slots=True)
class Done:
    """It ended, or stopped; `trouble` is why it could not go on, one sentence, or ""."""

    trouble: str = ""


News = Began | Heard | Done


class SequenceProcess:
    """Matches a long sound beside everything else.

    Not thread-safe: one thread holds it and calls :meth:`poll` often.
    """

    def __init__(self) -> None:
        self._context = multiprocessing.get_context("spawn")
        self._process: SpawnProcess | None = None
        self._replies: Connection | None = None
        self._stop: Flag = self._context.Event()

    @property
    def running(self) -> bool:
        """Whether a sound is being matched."""
        return self._process is not None

    @property
    def pid(self) -> int | None:
        """The process's number."""
        return None if self._process is None else self._process.pid

    def start(self, path: Path, settings: SequenceSettings, run: Path | None = None) -> None:
        """Match a file, or go on with it where `run` stands; whatever was under way ends.

        Without `run`, it is kept where :func:`mesosynth.matching.sequence_file.run_of` says.
        """
        self.close()
        self._stop = self._context.Event()
        self._replies, theirs = self._context.Pipe(duplex=False)
        self._process = self._context.Process(
            target=work,
            args=(path, settings, run, theirs, self._stop),
            name="mesosynth sequence",
            daemon=True,
        )
        with bare_main(), one_thread_each():
            self._process.start()
        theirs.close()

    def stop(self) -> None:
        """Ask it to end after the window that is under way; :class:`Done` follows."""
        self._stop.set()

    def poll(self) -> list[News]:
        """What came since the last call; never blocks. After :class:`Done` it is not running."""
        news: list[News] = []
        try:
            while self._replies is not None and self._replies.poll():
                news.append(self._replies.recv())
                if isinstance(news[-1], Done):
                    self.close()
        except (EOFError, OSError):
            self.close()
            news.append(Done("What matched the sequence had ended; start it again to go on."))
        return news

    def close(self) -> None:
        """End the process at once. A second call does nothing."""
        if self._process is not None and self._replies is not None:
            self._process.kill()
            self._process.join()
            self._process.close()
            self._replies.close()
        self._process = self._replies = None


def work(
    path: Path, settings: SequenceSettings, run: Path | None, replies: "Connection", stop: "Flag"
) -> None:
    """Match until the end, or until told to stop; the process's main function."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end_with_parent()
    with contextlib.suppress(OSError, AttributeError):
        os.nice(10)
    threads = compute_apart()
    import torch

    torch.set_num_threads(threads)
    from mesosynth.matching.sequence import match_sequence

    told = False

    def tell(moment: Moment, matched: "MatchedSequence") -> None:
        nonlocal told
        if told:
            replies.send(Heard(moment))
        else:
            told = True
            replies.send(Began(matched.sound, tuple(matched.moments)))

    with contextlib.suppress(BrokenPipeError):  # the session is gone
        try:
            match_sequence(path, settings, run or run_of(path, settings), tell, stop.is_set)
        except MesosynthError as error:
            replies.send(Done(str(error)))
        else:
            replies.send(Done())
