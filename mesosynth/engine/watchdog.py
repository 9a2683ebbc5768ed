"""Watchdog of user plugins: interrupts one that does not return."""

import ctypes

import numpy as np

from mesosynth.engine.shared import SharedBlock
from mesosynth.engine.slot import WORDS, ActivePlugin, PluginHangs

PATIENCE = 0.25  # s for one call in the callback, and again after the exception
PREPARING = 8.0  # s to load or prepare, while the rack plays on; its trial has compiled its loops


class ActivePluginBlock(SharedBlock):
    """Shared memory of the :class:`ActivePlugin` record, for the audio process and the session.

    It outlives a process that is killed in the middle of a call.
    """

    def __init__(self, name: str | None = None) -> None:
        super().__init__(8 * WORDS, name)
        self.active = ActivePlugin(self._array("words", np.int64, WORDS, 0))

    def __reduce__(self) -> tuple[type["ActivePluginBlock"], tuple[str]]:
        return ActivePluginBlock, (self.name,)

    @property
    def number(self) -> int:
        """Number of the user plugin in the callback, or else of the one in preparation, or 0."""
        return self.active.in_callback[0] or self.active.in_preparation[0]


class Watchdog:
    """Notices a user plugin that does not return.

    A loop in Python can be interrupted: an exception is raised in its thread, and the rack treats
    it like any other. Machine code that does not return to the interpreter cannot; then the process
    must end, and start again without that plugin.

    Parameters
    ----------
    active : ActivePlugin
    """

    def __init__(self, active: ActivePlugin) -> None:
        self._active = active
        self._playing, self._preparing = _Call(PATIENCE), _Call(PREPARING)

    def look(self, blocks: int, now: float) -> bool:
        """Check the running plugins, about twenty times a second.

        Parameters
        ----------
        blocks : int
            Number of blocks played so far.
        now : float
            Present time, s.

        Returns
        -------
        bool
            Whether a plugin hangs that cannot be interrupted.
        """
        playing = self._playing.look(*self._active.in_callback, blocks, now)
        preparing = self._preparing.look(*self._active.in_preparation, 0, now)
        return playing or preparing


class _Call:
    """Duration of one call, and whether its thread was interrupted."""

    def __init__(self, patience: float) -> None:
        self._patience = patience
        self._seen = (0, 0)
        self._since = 0.0
        self._raised = False

    def look(self, number: int, thread: int, count: int, now: float) -> bool:
        """Whether the call cannot be interrupted; `count` grows from call to call."""
        seen = (number, count)
        if number == 0 or seen != self._seen:
            self._seen, self._since, self._raised = seen, now, False
            return False
        waited = now - self._since
        if waited > self._patience and not self._raised:
            self._raised = True
            ctypes.pythonapi.PyThreadState_SetAsyncExc(
                ctypes.c_ulong(thread), ctypes.py_object(PluginHangs)
            )
        return waited > self._patience + PATIENCE
