"""Sound device: its settings, kept where they worked, and the audio process behind it."""

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from mesosynth.engine.portaudio import check_settings
from mesosynth.engine.process import AudioProcess, AudioStatus
from mesosynth.errors import DeviceError, SettingsError
from mesosynth.session.capture import AudioInput
from mesosynth.session.rack import Rack
from mesosynth.session.signals import Emitter, Messages, Signal
from mesosynth.system import file_kinds
from mesosynth.system.documents import Document, Object
from mesosynth.system.paths import config_folder

# --------------------------------------------------------------------------------------------------
# Settings: the last working device, sample rate and block, in the configuration folder
#
# Only settings that worked are saved, so that none can prevent the next start; and a start without
# the sound card is always possible.


class AudioSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Devices, sample rate and block; None leaves the choice to the device.

    Attributes
    ----------
    device : str or None
        Part of a device's name, or "silent".
    sample_rate : int or None
        Hz.
    block : int or None
        Frames.
    input : str or None
        Part of the name of the device that is recorded; None for that of `device`.
    extra : dict
        Keys of later versions.
    """

    device: str | None = None
    sample_rate: int | None = None
    block: int | None = None
    input: str | None = None
    extra: dict[str, Any] = {}


DEFAULT_AUDIO = AudioSettings()
"""The system's default device and its own settings."""


def _flatten(raw: Object) -> None:
    """Move the settings out of the object `audio` of revision 1."""
    raw.update(raw.pop("audio"))


AUDIO_SETTINGS = Document(
    AudioSettings, file_kinds.AUDIO_SETTINGS, SettingsError,
    revision=2, migrations=[_flatten], numbered=False, largest=2**16,
)  # fmt: skip


def settings_path() -> Path:
    """File of the settings, which may not exist yet."""
    return config_folder() / "audio.json"


def load_audio_settings() -> tuple[AudioSettings, str]:
    """Read the last working settings.

    Returns
    -------
    settings : AudioSettings
        Defaults, if there are none yet or they cannot be used.
    trouble : str
        Message for the user, or "". A broken file, or one of a later version, is renamed, and
        nothing of it is lost.
    """
    instead = "the start is with the system's own device"
    return AUDIO_SETTINGS.load_own(settings_path(), DEFAULT_AUDIO, instead)


def save_audio_settings(settings: AudioSettings) -> None:
    """Write the settings, whole or not at all.

    Raises
    ------
    SettingsError
        If they cannot be written.
    """
    AUDIO_SETTINGS.save(settings_path(), settings, make_folder=True)


# --------------------------------------------------------------------------------------------------
# The device of a session


class Device:
    """Choice of the device, or the silent clock; restarts an audio process that ended."""

    changed = Signal(str, bool)
    """Name of the device, and whether it is the silent clock."""

    def __init__(
        self,
        emit: Emitter,
        messages: Messages,
        audio: AudioProcess,
        audio_input: AudioInput,
        rack: Rack,
        settings: AudioSettings,
    ) -> None:
        self._input = audio_input
        audio_input.name = settings.input
        self._emit, self._messages, self._audio, self._rack = emit, messages, audio, rack
        self._settings = self._good_settings = settings
        self._ready = False
        self._rack_revision = 0
        self._said = ""  # last message of the audio process
        self._told: tuple[str, bool] | None = None

    @property
    def settings(self) -> AudioSettings:
        """Requested device, sample rate and block."""
        return self._settings

    def set(
        self, device: str | None, sample_rate: int | None = None, block: int | None = None
    ) -> None:
        """Change device, sample rate or block, with a fade.

        If the device refuses, the session returns to the last settings that worked, with a message;
        settings that work are used at the next start.

        Parameters
        ----------
        device : str, optional
            Name (or part of it) of the output device; None takes the system's default, "silent"
            the silent clock.
        sample_rate : int, optional
            Hz; None leaves the choice to the device.
        block : int, optional
            Frames; None leaves the choice to the device.

        Raises
        ------
        DeviceError
            If no device has such a sample rate or block; the message names the legal ones.
        """
        check_settings(sample_rate, block)
        self._change(replace(self._settings, device=device, sample_rate=sample_rate, block=block))

    def set_input(self, name: str | None) -> None:
        """Record from another input from now on, also after the next start.

        Parameters
        ----------
        name : str or None
            Part of the device's name; None takes the input of the output's card, or the default.

        Raises
        ------
        DeviceError
            If there is no such input, it does not open, or it is in use; the old one stays.
        """
        self._input.use(name)
        self._settings = replace(self._settings, input=name)
        self._save(replace(self._good_settings, input=name))

    def status(self) -> AudioStatus | None:
        """Last status of the audio process; None before its first report."""
        return self._audio.status() if self._ready else None

    def scope(self, frames: int) -> NDArray[np.float32]:
        """The last `frames` samples of the output, mono."""
        return self._audio.scope(frames)

    def reset_meters(self) -> None:
        """Reset underflows, and the largest load and peaks.

        Raises
        ------
        WorkerError
            If the audio process does not answer.
        """
        self._audio.reset_meters()

    @property
    def name(self) -> tuple[str, bool] | None:
        """The device and whether it is the silent clock, as :attr:`changed` emitted them."""
        return self._told

    @property
    def pid(self) -> int | None:
        """Process number of the audio process."""
        return self._audio.pid

    def poll(self) -> None:
        """Check the audio process, and emit its reports."""
        status = self._audio.status()
        if not self._ready:
            try:
                self._ready = self._audio.wait_ready(0.0)
                if self._ready:
                    self._keep_settings()
            except DeviceError as error:
                self._ready = True  # on the silent clock
                self._go_back(error)
        if not self._audio.alive:
            guilty = self._rack.disable_culprit()
            self._audio.restart()
            self._ready = False
            whose = f" without {guilty}" if guilty else ""
            text = f"The audio process had ended and was started again{whose}."
            self._messages.say(text, "warning")
            return
        if self._ready and status.rack_revision != self._rack_revision:
            self._rack_revision = status.rack_revision
            self._rack.take_reports()
        if status.message != self._said:
            self._said = status.message
            if status.message:
                self._messages.say(status.message, "warning")
        if self._ready and self._told != (status.device, status.silent):
            self._told = status.device, status.silent
            self._emit(self.changed, *self._told)

    def _change(self, settings: AudioSettings) -> None:
        self._settings = settings
        self._audio.set_device(settings.device, settings.sample_rate, settings.block)
        self._ready = False

    def _keep_settings(self) -> None:
        """Save settings that work, if they are new."""
        if self._settings == self._good_settings:
            return
        self._save(self._settings)

    def _save(self, settings: AudioSettings) -> None:
        self._good_settings = settings
        try:
            save_audio_settings(settings)
        except SettingsError as error:
            self._messages.say(str(error), "warning")

    def _go_back(self, error: DeviceError) -> None:
        """Return to the settings that worked, if these are others."""
        if self._settings == self._good_settings:
            self._messages.say(str(error), "error")
            return
        self._change(self._good_settings)
        self._messages.say(f"{error} Back to what worked before.", "error")
