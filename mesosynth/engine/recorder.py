"""Record from an input into a ring, mixed to mono, at the input's own sample rate."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mesosynth.engine.device_list import find_device
from mesosynth.engine.portaudio import import_sounddevice, quiet_drivers
from mesosynth.engine.shared import Ring
from mesosynth.engine.sound_card import MAX_BLOCK
from mesosynth.errors import DeviceError


class Recorder:
    """A running recording.

    Parameters
    ----------
    ring : Ring
        Where the samples go.
    name : str, optional
        Part of the input's name; None takes the default input.

    Attributes
    ----------
    sample_rate : int
        Hz.
    latency : float
        As the input reports it, s.

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

    def close(self) -> None:
        """End the recording."""
        self._stream.close(ignore_errors=True)
