"""What to do about a guest that does not return: raise in its thread, and else give up."""

import ctypes

import numpy as np

from mesosynth.host.node import PluginHangs
from mesosynth.host.shared_memory import SharedBlock

PATIENCE = 0.25  # s in one call; and once more after the exception


class WatchBlock(SharedBlock):
    """Which guest is at work in the audio callback, for this process and the session's.

    It outlives a process that is killed in the middle of a call.
    """

    def __init__(self, name: str | None = None) -> None:
        super().__init__(16, name)
        self.watch = self._array("watch", np.int64, 2, 0)

    def __reduce__(self) -> tuple[type["WatchBlock"], tuple[str]]:
        return WatchBlock, (self.name,)

    @property
    def guest(self) -> int:
        """Number of the guest at work, or 0."""
        return int(self.watch[0])

    def clear(self) -> None:
        """Forget a guest whose process is gone."""
        self.watch.fill(0)


class HangWatch:
    """Notices a guest that does not return.

    A loop in Python can be interrupted: an exception is raised in its thread, which the rack
    treats like any other. Code that never comes back to Python's interpreter cannot; then the
    process has to end, and start again without that guest.

    Parameters
    ----------
    block : WatchBlock
    """

    def __init__(self, block: WatchBlock) -> None:
        self._block = block
        self._seen = (0, 0)
        self._since = 0.0
        self._raised = False

    def look(self, blocks: int, now: float) -> bool:
        """Look some thirty times a second; return whether nothing helps.

        Parameters
        ----------
        blocks : int
            Played so far.
        now : float
            s.
        """
        seen = (self._block.guest, blocks)
        if seen[0] == 0 or seen != self._seen:
            self._seen, self._since, self._raised = seen, now, False
            return False
        waited = now - self._since
        if waited > PATIENCE and not self._raised:
            self._raised = True
            thread = ctypes.c_ulong(int(self._block.watch[1]))
            ctypes.pythonapi.PyThreadState_SetAsyncExc(thread, ctypes.py_object(PluginHangs))
        return waited > 2.0 * PATIENCE
