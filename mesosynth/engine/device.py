"""Output device: a sound card, or a silent clock where there is none.

Both call ``render(block, underflow)`` for every block, (2, frames) float32, and know nothing else
of the engine.
"""

from collections.abc import Callable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from mesosynth.engine.portaudio import DeviceInfo, list_devices
from mesosynth.engine.silent_clock import SilentClock
from mesosynth.engine.sound_card import SoundCard
from mesosynth.errors import DeviceError

Render = Callable[[NDArray[np.float32], bool], None]

SILENT = "silent"

__all__ = ["SILENT", "DeviceInfo", "OutputDevice", "Render", "list_devices", "open_device"]


class OutputDevice(Protocol):
    """Device that calls `render` in real time.

    Attributes
    ----------
    name : str
    silent : bool
        Whether it is the silent clock.
    sample_rate : int
        Hz.
    latency : float
        s.
    reason : str
        Why the silent clock replaces a card, one sentence, or "".
    ended : bool
        Whether it stopped by itself and will not call `render` again.
    """

    name: str
    silent: bool
    sample_rate: int
    latency: float
    reason: str
    ended: bool

    def start(self, render: Render) -> None:
        """[control] Begin to call `render`, from a thread of the device."""
        ...

    def close(self) -> None:
        """[control] Stop calling `render`."""
        ...

    def abandon(self) -> None:
        """[control] Stop calling `render` at once, without calling a driver that may be dead."""
        ...


def open_device(
    name: str | None, sample_rate: int | None = None, block: int | None = None
) -> OutputDevice:
    """Open an output device, not started yet.

    Parameters
    ----------
    name : str, optional
        Part of a device's name; "silent" for the silent clock; None for the default output or,
        where there is none, the silent clock.
    sample_rate : int, optional
        Hz; None leaves the choice to the device.
    block : int, optional
        Frames; None leaves the choice to the device.

    Returns
    -------
    OutputDevice

    Raises
    ------
    DeviceError
        If there is no device of that name, or it refuses the settings.
    """
    reason = ""
    if name != SILENT:
        try:
            return SoundCard(name, sample_rate, block)
        except DeviceError as error:
            if name is not None:
                raise
            reason = str(error)
    return SilentClock(sample_rate or 48000, block or 256, reason)
