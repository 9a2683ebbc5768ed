"""The session's handle on the follower's process.

It is another one than the matcher's, which does one thing after another: a picture that is being
drawn there would be a lag here. It lives while something is followed.
"""

import contextlib
import multiprocessing
from collections.abc import Mapping
from typing import TYPE_CHECKING

from mesosynth.matching.results import Ear, Followed, Held
from mesosynth.matching.tracking_worker import follow
from mesosynth.system.spawning import bare_main, one_thread_each

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from multiprocessing.context import SpawnProcess


class FollowerProcess:
    """Follows a sound that comes to an ear. Not thread-safe: one thread holds it.

    Parameters
    ----------
    instrument : str
        A matchable instrument's name.
    unknowns : tuple of str
        Ids of what is followed.
    values : mapping
        Theta as it is now, by id.
    ear : Ear
        Can be handed to another process; nobody else reads that copy.
    sample_rate : int
        Of what comes there, Hz.
    """

    def __init__(
        self,
        instrument: str,
        unknowns: tuple[str, ...],
        values: Mapping[str, float],
        ear: Ear,
        sample_rate: int,
    ) -> None:
        context = multiprocessing.get_context("spawn")
        self._connection: Connection
        self._connection, theirs = context.Pipe()
        self._process: SpawnProcess | None = context.Process(
            target=follow,
            args=(instrument, unknowns, dict(values), ear, sample_rate, theirs),
            name="mesosynth follower",
            daemon=True,
        )
        with bare_main(), one_thread_each():
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

    def hold(self, values: Mapping[str, float]) -> None:
        """Let what is not followed stand at these values, by id."""
        with contextlib.suppress(OSError):  # it has ended, which is noticed by itself
            self._connection.send(Held(dict(values)))

    def poll(self) -> Followed | None:
        """The newest that it said since the last call. Never blocks."""
        newest: Followed | None = None
        with contextlib.suppress(EOFError, OSError):  # as above
            while self._connection.poll():
                newest = self._connection.recv()
        return newest

    def close(self) -> None:
        """End the process. A second call does nothing."""
        if self._process is None:
            return
        self._process.kill()
        self._process.join()
        self._process.close()
        self._process = None
        self._connection.close()
