"""MIDI inputs as they come and go, by way of RtMidi.

RtMidi tells nobody of a port that came or went, so somebody has to look every second. And some of
its failures end the process: only a process that may end should hold this.
"""

import contextlib
import ctypes
import os
import sys
import time
from collections.abc import Callable
from typing import Any

from mesosynth.errors import DeviceError
from mesosynth.host.portaudio import quiet_drivers

CLIENT = "mesosynth"
BLIND = 5.0
"""s without any port in sight after which RtMidi is asked anew: its server may have been restarted
or come up only now."""

Receive = Callable[[str, list[int], float], None]
"""Takes a port's name, a message's bytes and its time, s of `time.perf_counter`."""


def import_rtmidi() -> Any:  # noqa: ANN401 - the untyped module
    """Import and return rtmidi2.

    Raises
    ------
    DeviceError
        If it cannot be loaded here.
    """
    os.environ.setdefault("JACK_NO_START_SERVER", "1")
    # The wheel brings a libjack that speaks an older protocol than most servers; symbols of the
    # system's own library, loaded before, take precedence.
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            ctypes.CDLL("libjack.so.0", ctypes.RTLD_GLOBAL)
    try:
        import rtmidi2
    except ImportError as error:
        raise DeviceError(f"MIDI cannot be used here ({error}); reinstall rtmidi2.") from error
    return rtmidi2


class MidiPorts:
    """All inputs whose name contains `wanted`, opened and closed as they come and go.

    Parameters
    ----------
    wanted : str or None
        Part of a name, in any case; "" for all inputs, None to open none.
    receive : callable
        Called from RtMidi's threads, one a port.
    gone : callable
        Called by :meth:`look` with the name of a port that vanished.

    Attributes
    ----------
    names : tuple of str
        All inputs there were at the last look.

    Raises
    ------
    DeviceError
        If RtMidi cannot be loaded.
    """

    def __init__(self, wanted: str | None, receive: Receive, gone: Callable[[str], None]) -> None:
        self._rtmidi = import_rtmidi()
        self._wanted = None if wanted is None else wanted.lower()
        self._receive = receive
        self._gone = gone
        self._open: dict[str, Any] = {}
        self._scout: Any = None
        self._saw_at = 0.0
        self.names: tuple[str, ...] = ()

    @property
    def open_names(self) -> tuple[str, ...]:
        """The inputs that are being heard."""
        return tuple(self._open)

    def look(self) -> bool:
        """Open what has come, close what has gone; return whether anything did."""
        with quiet_drivers():
            names = self._list()
            for name in [name for name in self._open if name not in names]:
                self._close(name)
                self._gone(name)
            for index, name in enumerate(names):
                if self._wants(name) and name not in self._open:
                    self._start(index, name)
        changed = names != self.names
        self.names = names
        return changed

    def close(self) -> None:
        """Close all of them."""
        with quiet_drivers():
            for name in list(self._open):
                self._close(name)
            self._scout = None

    def _wants(self, name: str) -> bool:
        return self._wanted is not None and self._wanted in name.lower()

    def _list(self) -> tuple[str, ...]:
        now = time.monotonic()
        if self._scout is None or now - self._saw_at > BLIND:
            self._scout, self._saw_at = self._input("scout"), now
        names = () if self._scout is None else tuple(str(name) for name in self._scout.ports)
        own = f"{CLIENT} "
        names = tuple(name for name in names if not name.startswith(own))
        if names:
            self._saw_at = now
        # Two keyboards of one make may share a name; the second one gets a number.
        return tuple(
            name if (n := names[:i].count(name)) == 0 else f"{name} ({n + 1})"
            for i, name in enumerate(names)
        )

    def _input(self, purpose: str) -> Any:  # noqa: ANN401 - an untyped class
        """Make an input of the system's MIDI; on Linux ALSA's, or JACK's where there is none."""
        rtmidi = self._rtmidi
        linux = (rtmidi.API_LINUX_ALSA, rtmidi.API_UNIX_JACK)
        for api in linux if sys.platform == "linux" else (rtmidi.API_UNSPECIFIED,):
            with contextlib.suppress(RuntimeError):
                return rtmidi.MidiIn(f"{CLIENT} {purpose}", api=api)
        return None

    def _start(self, index: int, name: str) -> None:
        port = self._input("in")
        if port is None:
            return
        # Clock is wanted; system exclusive and active sensing are not.
        port.ignore_types(midi_sysex=True, midi_time=False, midi_sense=True)

        def receive(message: list[int], _delta: float) -> None:
            self._receive(name, message, time.perf_counter())

        port.callback = receive
        try:
            port.open_port(index)
        except (RuntimeError, ValueError, IndexError):
            return  # gone again, or held by another program: the next look tries once more
        self._open[name] = port

    def _close(self, name: str) -> None:
        port = self._open.pop(name)
        port.callback = None
        port.close_port()


def list_ports() -> tuple[str, ...]:
    """Names of all MIDI inputs there are now.

    Raises
    ------
    DeviceError
        If RtMidi cannot be loaded.
    """
    ports = MidiPorts(None, _nobody, _nobody)
    ports.look()
    ports.close()
    return ports.names


def _nobody(*_: object) -> None:
    """Take whatever comes and do nothing."""
