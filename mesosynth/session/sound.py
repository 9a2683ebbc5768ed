"""The part of a session that plays: transport, sound device, and the process behind them."""

import numpy as np
from numpy.typing import NDArray

from mesosynth.engine.portaudio import check_settings
from mesosynth.engine.process import AudioStatus
from mesosynth.errors import DeviceError, SettingsError, WorkerError
from mesosynth.session.audio_settings import AudioSettings, save_audio_settings
from mesosynth.session.core import Core
from mesosynth.session.events import RackChanged, Transport

_OUT = "did not return, or crashed; it is out until it is saved anew or switched on again."


class Sound(Core):
    """Plays, on the device that was chosen or on the silent clock."""

    def __init__(
        self,
        device: str | None = None,
        instrument: str = "chirplet",
        sample_rate: int | None = None,
        block: int | None = None,
    ) -> None:
        super().__init__(device, instrument, sample_rate, block)
        self._rack_revision = 0
        self._audio_is_ready = False
        self._audio_message = ""
        self._device = self._good_device = AudioSettings(
            device=device, sample_rate=sample_rate, block=block
        )
        self._resume = False  # what a panic interrupted
        self._transport: Transport | None = None

    @property
    def playing(self) -> bool:
        """Whether the instrument plays."""
        return self._playing

    def play(self) -> None:
        """Start the instrument from the beginning of an arpeggio."""
        self._set_playing(True)

    def stop(self) -> None:
        """Fade the instrument out."""
        self._set_playing(False)

    def panic(self) -> None:
        """Silence everything at once: stop, let every plugin and every note be forgotten.

        Parameters stay. :meth:`unpanic` goes back to playing.
        """
        self._resume = self._playing or self._resume
        self._playing = False
        self._audio.panic()

    def unpanic(self) -> None:
        """Play again if a panic interrupted that; the arpeggio begins anew."""
        if self._resume:
            self.play()

    @property
    def device_settings(self) -> AudioSettings:
        """What the sound goes to, as it was asked for."""
        return self._device

    def set_device(
        self, device: str | None, sample_rate: int | None = None, block: int | None = None
    ) -> None:
        """Change over to another device, sample rate or block, with a fade.

        Where the device refuses, the session goes back to what last worked, and says so; what
        works is remembered for the next start (:mod:`mesosynth.session.audio_settings`).

        Parameters
        ----------
        device, sample_rate, block
            As in the constructor.

        Raises
        ------
        DeviceError
            If no device takes such a sample rate or block; the message names those that are legal.
        """
        check_settings(sample_rate, block)
        self._change_device(AudioSettings(device=device, sample_rate=sample_rate, block=block))

    def reset_meters(self) -> None:
        """Count underflows and the largest load and peaks anew.

        Raises
        ------
        WorkerError
            If the audio process does not answer.
        """
        self._audio.reset_meters()

    def scope(self, frames: int) -> NDArray[np.float32]:
        """The last `frames` samples that were sent to the device."""
        return self._audio.scope(frames)

    def audio_status(self) -> AudioStatus | None:
        """What the audio process last said of itself; None until it has spoken."""
        return self._audio.status() if self._audio_is_ready else None

    @property
    def audio_pid(self) -> int | None:
        """Process number of the audio process."""
        return self._audio.pid

    def _set_playing(self, playing: bool) -> None:
        self._playing, self._resume = playing, False
        self._audio.set_playing(playing)

    def _poll_audio(self) -> None:
        status = self._audio.status()
        if not self._audio_is_ready:
            try:
                self._audio_is_ready = self._audio.wait_ready(0.0)
                if self._audio_is_ready:
                    self._keep_device()
            except DeviceError as error:
                self._audio_is_ready = True  # on the silent clock
                self._leave_device(error)
        if not self._audio.alive:
            guilty = self._rack.disable(self._audio.culprit, _OUT)
            if guilty is not None:
                self._push_rack()
            self._audio.restart()
            self._audio_is_ready = False
            whose = f" without {guilty}" if guilty else ""
            self._say(f"The audio process had ended and was started again{whose}.", "warning")
            return
        if self._audio_is_ready and status.rack_revision != self._rack_revision:
            self._rack_revision = status.rack_revision
            self._hear_of_rack()
        if status.message != self._audio_message:
            self._audio_message = status.message
            if status.message:
                self._say(status.message, "warning")
        transport = Transport(self._playing, status.device, status.silent)
        if self._audio_is_ready and transport != self._transport:
            self._transport = transport
            self._events.append(transport)

    def _hear_of_rack(self) -> None:
        """Learn what became of the effects, and say what is wrong with them."""
        known = {plugin.uid: plugin.problem for plugin in (self._rack.instrument, *self.effects)}
        try:
            if self._rack.take_reports(self._audio.rack_reports()):
                self._push_rack()
        except WorkerError:
            return  # it has ended, which is noticed by itself
        self._events.append(RackChanged())
        for plugin in (self._rack.instrument, *self.effects):
            if plugin.problem and plugin.problem != known[plugin.uid]:
                self._say(plugin.problem, "error")

    def _change_device(self, settings: AudioSettings) -> None:
        self._device = settings
        self._audio.set_device(settings.device, settings.sample_rate, settings.block)
        self._audio_is_ready = False

    def _keep_device(self) -> None:
        """Remember what works, if it is not what worked before."""
        if self._device == self._good_device:
            return
        self._good_device = self._device
        try:
            save_audio_settings(self._device)
        except SettingsError as error:
            self._say(str(error), "warning")

    def _leave_device(self, error: DeviceError) -> None:
        """Go back to what worked, if it is not that which now fails."""
        if self._device == self._good_device:
            self._say(str(error), "error")
            return
        self._change_device(self._good_device)
        self._say(f"{error} Back to what worked before.", "error")
