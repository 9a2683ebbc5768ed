"""MIDI inputs as they come and go, by way of RtMidi.

RtMidi tells nobody of a port that came or went, so somebody has to look every second. And some of
its failures end the process: only a process that may end should hold this.
"""

import contextlib
import os
import sys
import time
from collections.abc import Callable
from typing import Any

from mesosynth.control.jack_watch import JackWatch, load_jack
from mesosynth.engine.portaudio import quiet_drivers
from mesosynth.errors import DeviceError

CLIENT = "mesosynth"

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
        # Before RtMidi, which then uses the system's library.
        self._jack = JackWatch(load_jack() if sys.platform == "linux" else None)
        self._rtmidi = import_rtmidi()
        self._wanted = None if wanted is None else wanted.lower()
        self._receive = receive
        self._gone = gone
        self._open: dict[str, Any] = {}
        self._scout: Any = None
        self._api: int | None = None
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
            self._jack.close()

    def _wants(self, name: str) -> bool:
        return self._wanted is not None and self._wanted in name.lower()

    def _list(self) -> tuple[str, ...]:
        if self._api == self._rtmidi.API_UNIX_JACK and not self._jack.alive:
            self._scout = None
            return ()
        if self._scout is None:
            self._scout = self._choose()
        names = () if self._scout is None else tuple(str(name) for name in self._scout.ports)
        # Two keyboards of one make may share a name; the second one gets a number.
        return tuple(
            name if (n := names[:i].count(name)) == 0 else f"{name} ({n + 1})"
            for i, name in enumerate(names)
        )

    def _choose(self) -> Any:  # noqa: ANN401 - an untyped class
        """Take the system's MIDI: on Linux ALSA's or, where there is none, that of JACK."""
        rtmidi = self._rtmidi
        if sys.platform != "linux":
            self._api = rtmidi.API_UNSPECIFIED
            return self._input("scout")
        self._api = rtmidi.API_LINUX_ALSA
        with contextlib.suppress(RuntimeError):
            return self._input("scout")
        self._api = rtmidi.API_UNIX_JACK
        return self._input("scout") if self._jack.alive else None

    def _input(self, purpose: str) -> Any:  # noqa: ANN401 - an untyped class
        return self._rtmidi.MidiIn(f"{CLIENT} {purpose}", api=self._api)

    def _start(self, index: int, name: str) -> None:
        try:
            port = self._input("in")
        except RuntimeError:
            return  # the next look tries once more
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
