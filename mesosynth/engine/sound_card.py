"""Sound card through PortAudio: the output stream, and the recorder of the input."""

import threading
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mesosynth.engine.portaudio import (
    find_device,
    import_sounddevice,
    legal_rates,
    quiet_drivers,
    refusal,
)
from mesosynth.engine.shared import Ring
from mesosynth.errors import DeviceError
from mesosynth.plugins.plugin import CHANNELS

if TYPE_CHECKING:
    from mesosynth.engine.device import Render


# --------------------------------------------------------------------------------------------------
# Output


MAX_BLOCK = 8192  # frames rendered at once; larger blocks are rendered in parts


class SoundCard:
    """An output of PortAudio in stereo, or in mono where it has only one channel.

    Parameters
    ----------
    name : str, optional
        Part of the name; None takes the default output.
    sample_rate : int, optional
        Hz; None leaves the choice to the device.
    block : int, optional
        Frames; None leaves the choice to the device.

    Raises
    ------
    DeviceError
        If there is no device of that name, or it refuses the settings.
    """

    silent = False
    reason = ""

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
        channels = min(found.outputs, CHANNELS)
        try:
            with quiet_drivers():
                self._stream = sounddevice.OutputStream(
                    samplerate=rate,
                    blocksize=block or 0,
                    device=found.index,
                    channels=channels,
                    dtype="float32",
                    latency="low",
                    callback=self._callback,
                    finished_callback=self._finished,
                )
        except sounddevice.PortAudioError as error:
            legal = legal_rates(sounddevice, found.index, channels)
            raise DeviceError(refusal(found, rate, block, legal, error)) from error
        self.sample_rate = int(self._stream.samplerate)
        self.latency = float(self._stream.latency)
        self._planar = np.zeros((CHANNELS, MAX_BLOCK), np.float32)

    def start(self, render: "Render") -> None:
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
            # It was abandoned: another device calls `render` now.
            outdata.fill(0.0)
            return
        underflow = bool(flags) and bool(flags.output_underflow)
        for begin in range(0, frames, MAX_BLOCK):
            planar = self._planar[:, : min(frames - begin, MAX_BLOCK)]
            self._render(planar, underflow and begin == 0)
            out = outdata[begin : begin + MAX_BLOCK]
            if out.shape[1] == 1:
                np.add(planar[0], planar[1], out=out[:, 0])
                np.multiply(out, 0.5, out=out)
            else:
                np.copyto(out, planar.T)

    def _finished(self) -> None:
        self.ended = True

    def close(self) -> None:
        """[control] Stop calling `render` at once.

        A driver whose server died may never return from closing, so it is closed in a thread.
        """
        self._closed = True
        closing = threading.Thread(target=self._stream.close, kwargs={"ignore_errors": True},
                                   name="close card", daemon=True)  # fmt: skip
        closing.start()
        closing.join(0.3)

    def abandon(self) -> None:
        """[control] Stop calling `render` at once, and leave the stream open.

        PortAudio aborts the whole process when it closes a stream of a dead JACK server.
        """
        self._closed = True


# --------------------------------------------------------------------------------------------------
# Input, mixed to mono, at its own sample rate


class Recorder:
    """A running recording of an input.

    Parameters
    ----------
    ring : Ring
        Buffer for the samples.
    name : str, optional
        Part of the input's name; None takes the default input.

    Attributes
    ----------
    sample_rate : int
        Hz.
    latency : float
        As reported by the input, s.
    peak : float
        Largest magnitude of its last block, 0 to 1.

    Raises
    ------
    DeviceError
        If there is no such input, or it does not start.
    """

    def __init__(self, ring: Ring, name: str | None = None) -> None:
        sounddevice = import_sounddevice()
        found = find_device(sounddevice, name, "input")
        self.sample_rate = int(found.default_sample_rate)
        self._ring = ring
        self.peak = 0.0
        ring.touch()
        self._mono = np.zeros(MAX_BLOCK, np.float32)
        try:
            with quiet_drivers():
                self._stream = sounddevice.InputStream(
                    samplerate=self.sample_rate,
                    device=found.index,
                    channels=min(found.inputs, 2),
                    dtype="float32",
                    callback=self._callback,
                )
                self._stream.start()
        except sounddevice.PortAudioError as error:
            raise DeviceError(f"input {found.name!r} does not record ({error}).") from error
        self.latency = float(self._stream.latency)

    def _callback(
        self,
        indata: NDArray[np.float32],
        frames: int,
        _time: Any,  # noqa: ANN401 - a C structure of PortAudio
        _flags: Any,  # noqa: ANN401 - sounddevice.CallbackFlags
    ) -> None:
        """[audio] Mix `indata`, (frames, channels) float32, to mono."""
        for begin in range(0, frames, MAX_BLOCK):
            part = indata[begin : begin + MAX_BLOCK]
            mono = self._mono[: len(part)]
            np.add.reduce(part, axis=1, out=mono)
            np.multiply(mono, 1.0 / part.shape[1], out=mono)
            self._ring.write(mono)
            self.peak = min(max(float(mono.max()), -float(mono.min())), 1.0)

    @property
    def active(self) -> bool:
        """Whether the stream runs; not once its device has gone."""
        return bool(self._stream.active)

    def close(self) -> None:
        """End the recording."""
        self._stream.close(ignore_errors=True)
