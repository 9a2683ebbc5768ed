"""One audio process as its parent holds it: born, spoken to, and ended."""

import contextlib
import multiprocessing
from typing import TYPE_CHECKING

from mesosynth.engine import audio_loop
from mesosynth.engine.audio_loop import Blocks, Settings
from mesosynth.system.spawning import bare_main, one_thread_each

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

_POLITE = 2.5  # s that it may take to end when it is asked to


class AudioChild:
    """A process that begins to load at once.

    Parameters
    ----------
    blocks : Blocks
    settings : Settings or None
        What it shall play; None makes it an understudy, that waits to be sent them.
    """

    def __init__(self, blocks: Blocks, settings: Settings | None) -> None:
        context = multiprocessing.get_context("spawn")
        self.connection: Connection
        self.connection, theirs = context.Pipe()
        self.process = context.Process(
            target=audio_loop.main,
            args=(settings, blocks, theirs),
            name="mesosynth audio",
            daemon=True,
        )
        self._rehearsing = settings is None
        with bare_main(), one_thread_each():
            self.process.start()
        theirs.close()

    @property
    def alive(self) -> bool:
        """Whether it exists."""
        return self.process.is_alive()

    @property
    def rehearsing(self) -> bool:
        """Whether it is an understudy that still loads."""
        if self._rehearsing and self.connection.poll():
            self._rehearsing = False
            with contextlib.suppress(EOFError, OSError):  # it has ended
                self.connection.recv()
        return self._rehearsing

    def send(self, message: object) -> None:
        """Say something, to nobody if it has ended."""
        with contextlib.suppress(OSError):
            self.connection.send(message)

    def end(self, polite: bool) -> None:
        """End it, after a fade if `polite`."""
        if polite:
            self.send("close")
            self.process.join(_POLITE)
        self.process.kill()
        self.process.join()
        self.process.close()
        self.connection.close()
