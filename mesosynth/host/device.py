"""The outside world as a seam: a sound card, or a clock that keeps time without one.

Both call ``render(block, underflow)`` for every block of mono float32 and know nothing of what it
plays. PortAudio is imported only when a card is asked for, because its library may be missing and
because its list of devices is frozen from then on.
"""

import contextlib
import os
import sys
import threading
import time
from collections.abc import Callable, Generator
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from mesosynth.errors import DeviceError
from mesosynth.host.device_list import find_device

Render = Callable[[NDArray[np.float32], bool], None]

SILENT = "silent"
SILENT_NAME = "silent clock"
MAX_BLOCK = 8192


class Device(Protocol):
    """What calls `render` in real time.

    Attributes
    ----------
    name : str
    silent : bool
    sample_rate : int
        Hz.
    latency : float
        s.
    ended : bool
        Whether it stopped by itself and will not call `render` again.
    """

    name: str
    silent: bool
    sample_rate: int
    latency: float
    ended: bool

    def start(self, render: Render) -> None:
        """[control] Begin to call `render`, from a thread of the device's own."""
        ...

    def close(self) -> None:
        """[control] Stop calling it."""
        ...


class SilentClock:
    """Calls `render` as often as a sound card would, and throws the sound away.

    Parameters
    ----------
    sample_rate : int
        Hz.
    block : int
        Frames in a block.
    """

    name = SILENT_NAME
    silent = True

    def __init__(self, sample_rate: int = 48000, block: int = 256) -> None:
        self.sample_rate = sample_rate
        self.latency = block / sample_rate
        self.ended = False
        self._block = np.zeros(block, np.float32)
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, render: Render) -> None:
        """[control] Begin to call `render`."""
        self._thread = threading.Thread(
            target=self._run, args=(render,), name="silent clock", daemon=True
        )
        self._thread.start()

    def _run(self, render: Render) -> None:
        # Every deadline counts from the start, so that no error adds up.
        start, blocks = time.monotonic(), 0
        seconds = len(self._block) / self.sample_rate
        while not self._closing.is_set():
            late = time.monotonic() - (start + blocks * seconds)
            if late < 0.0:
                self._closing.wait(-late)
                continue
            if late > 1.0:  # the machine was suspended: what was missed stays missed
                start += late
            render(self._block, late > 2.0 * seconds)
            blocks += 1

    def close(self) -> None:
        """[control] Stop the clock."""
        self._closing.set()
        if self._thread is not None:
            self._thread.join(1.0)


class SoundCard:
    """An output of PortAudio at its own sample rate; every channel gets the same sound.

    Parameters
    ----------
    name : str, optional
        Part of the name; None takes the default output.
    sample_rate, block : int, optional
        Hz and frames; None leaves the choice to the device.

    Raises
    ------
    DeviceError
        If there is none of that name, or it refuses the settings.
    """

    silent = False

    def __init__(
        self, name: str | None = None, sample_rate: int | None = None, block: int | None = None
    ) -> None:
        sounddevice = import_sounddevice()
        found = find_device(sounddevice, name, "output")
        self.name = found.name
        self.ended = False
        self._closed = False
        self._sounddevice = sounddevice
        rate = sample_rate or int(found.default_sample_rate)
        try:
            with quiet_drivers():
                self._stream = sounddevice.OutputStream(
                    samplerate=rate,
                    blocksize=block or 0,
                    device=found.index,
                    channels=min(found.outputs, 2),
                    dtype="float32",
                    latency="low",
                    callback=self._callback,
                    finished_callback=self._finished,
                )
        except sounddevice.PortAudioError as error:
            raise DeviceError(
                f"device {found.name!r} refuses sample_rate={rate} and block={block or 'any'} "
                f"({error}); its own rate is {found.default_sample_rate:.0f} Hz."
            ) from error
        self.sample_rate = int(self._stream.samplerate)
        self.latency = float(self._stream.latency)
        self._mono = np.zeros(MAX_BLOCK, np.float32)

    def start(self, render: Render) -> None:
        """[control] Begin to call `render`.

        Raises
        ------
        DeviceError
            If the device does not start.
        """
        self._render = render
        try:
            with quiet_drivers():
                self._stream.start()
        except self._sounddevice.PortAudioError as error:
            raise DeviceError(f"device {self.name!r} does not start ({error}).") from error
        self.latency = float(self._stream.latency)

    def _callback(
        self,
        outdata: NDArray[np.float32],
        frames: int,
        _time: Any,  # noqa: ANN401 - a C structure of PortAudio
        flags: Any,  # noqa: ANN401 - sounddevice.CallbackFlags
    ) -> None:
        """[audio] Fill `outdata`, (frames, channels) float32."""
        if self._closed:
            # Woken after it was given up: somebody else calls `render` by now.
            outdata.fill(0.0)
            return
        underflow = bool(flags) and bool(flags.output_underflow)
        for begin in range(0, frames, MAX_BLOCK):
            mono = self._mono[: min(frames - begin, MAX_BLOCK)]
            self._render(mono, underflow and begin == 0)
            np.copyto(outdata[begin : begin + MAX_BLOCK], mono[:, None])

    def _finished(self) -> None:
        self.ended = True

    def close(self) -> None:
        """[control] Stop calling `render` at once.

        A driver whose server died may never return from closing, so it closes in a thread.
        """
        self._closed = True
        closing = threading.Thread(target=self._stream.close, kwargs={"ignore_errors": True},
                                   name="close card", daemon=True)  # fmt: skip
        closing.start()
        closing.join(2.0)


def open_device(
    name: str | None, sample_rate: int | None = None, block: int | None = None
) -> Device:
    """Open the output called `name`, not started yet.

    Parameters
    ----------
    name : str, optional
        Part of a device's name; "silent" for the silent clock; None for the default output or,
        where there is none, the silent clock.
    sample_rate, block : int, optional
        Hz and frames; None leaves the choice to the device.

    Raises
    ------
    DeviceError
        If there is no device of that name, or it refuses the settings.
    """
    if name != SILENT:
        try:
            return SoundCard(name, sample_rate, block)
        except DeviceError:
            if name is not None:
                raise
    return SilentClock(sample_rate or 48000, block or 256)


def import_sounddevice() -> Any:  # noqa: ANN401 - the untyped module
    """Import and return sounddevice; PortAudio looks for devices only the first time.

    Raises
    ------
    DeviceError
        If the PortAudio library is not installed.
    """
    # A JACK server that nobody started would be started by the mere question for devices.
    os.environ.setdefault("JACK_NO_START_SERVER", "1")
    try:
        import sounddevice
    except OSError as error:
        raise DeviceError(
            "the PortAudio library is missing; install it (Debian: apt-get install libportaudio2)."
        ) from error
    return sounddevice


@contextlib.contextmanager
def quiet_drivers() -> Generator[None]:
    """Keep what ALSA, JACK and PortAudio write to standard error off the user's terminal.

    What went wrong is raised as well; their own lines only bury the sentence that says so.
    """
    sys.stderr.flush()
    terminal = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(terminal, 2)
        os.close(nowhere)
        os.close(terminal)
