"""Capture: takes of the input, recordings of the output, and its last minutes."""

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from mesosynth import units
from mesosynth.engine.capture import (
    CaptureProblem,
    CaptureWriter,
    SavedReplay,
    new_take,
    replay_folder,
    takes_folder,
)
from mesosynth.engine.process import AudioProcess
from mesosynth.errors import AudioFileError, DeviceError, MesosynthError, TargetError
from mesosynth.session.signals import Emitter, Messages, Signal
from mesosynth.session.target import CurrentTarget

_LONGEST_TAKE = 600.0  # s


@dataclass(frozen=True, slots=True)
class TakeState:
    """State of a take: whether it runs, its length, s, and the input's level, dBFS."""

    running: bool
    seconds: float = 0.0
    level: float = units.SILENCE_DB


@dataclass(frozen=True, slots=True)
class CaptureState:
    """State of a recording of the output: whether it runs, its length, s, and its file."""

    running: bool
    seconds: float
    path: Path


class AudioInput:
    """The input, open as long as a take, tracking or the modulation uses it.

    Attributes
    ----------
    name : str or None
        Part of its device's name; None for the input of the output's card, or else the default.
    """

    def __init__(self, audio: AudioProcess) -> None:
        self._audio = audio
        self.name: str | None = None
        self._listeners = 0
        self._modulates = False

    def open(self) -> int:
        """Open the input; return its sample rate, Hz.

        Raises
        ------
        DeviceError
            If there is no input, or it does not start.
        WorkerError
            If the audio process does not answer.
        """
        rate = self._audio.recording_rate if self._listeners else 0
        if rate:
            self._audio.recording.skip()  # a take begins with new samples
        else:
            rate = self._audio.start_recording(self.name)
        self._listeners += 1
        return rate

    def use(self, name: str | None) -> None:
        """Change to another device, once it has been opened.

        Raises
        ------
        DeviceError
            If it does not open, or a take or the tracking uses the input; the old one stays.
        """
        if self._listeners > self._modulates:
            raise DeviceError("The input is in use; end the take or the tracking first.")
        before, self.name = self.name, name
        try:
            self._audio.start_recording(name)
        except MesosynthError:
            self.name = before
            raise
        finally:
            if self._modulates:
                with suppress(MesosynthError):
                    self._audio.start_recording(self.name)
            else:
                self._audio.stop_recording()

    def modulate(self, wanted: bool) -> None:
        """Keep the input open for the modulation, or no longer.

        Raises
        ------
        DeviceError
            If there is no input; the modulation then has silence.
        """
        if wanted == self._modulates:
            return
        self._modulates = wanted
        if not wanted:
            self.close()
            return
        try:
            self.open()
        except MesosynthError:
            self._listeners += 1  # so that `close` counts right
            raise

    def close(self) -> None:
        """Close the input, if it has no other user."""
        self._listeners -= 1
        if not self._listeners:
            self._audio.stop_recording()


class Capture:
    """Records takes, which become targets, and the output."""

    take_changed = Signal(TakeState)
    changed = Signal(CaptureState)
    saved = Signal(Path, float, bool)
    """The last minutes were saved: path, length, s, and whether they are of a killed session."""

    def __init__(
        self,
        emit: Emitter,
        messages: Messages,
        audio: AudioProcess,
        audio_input: AudioInput,
        target: CurrentTarget,
    ) -> None:
        self._emit, self._messages, self._audio = emit, messages, audio
        self._input, self._target = audio_input, target
        self._writer = CaptureWriter(audio.output, audio.recording, replay_folder(), takes_folder())
        self._state: CaptureState | None = None
        self._recording = False

    def run(self) -> None:
        """Start to keep the last minutes of the output."""
        self._writer.start()

    @property
    def recording(self) -> bool:
        """Whether a take is being recorded."""
        return self._recording

    def start_take(self) -> None:
        """Record a take of the input; it is written to disk meanwhile.

        Raises
        ------
        DeviceError
            If there is no input.
        AudioFileError
            If it cannot be written.
        """
        if self._recording:
            return
        path = new_take()
        sample_rate = self._input.open()
        try:
            self._writer.start_take(path, sample_rate)
        except AudioFileError:
            self._input.close()
            raise
        self._recording = True
        self._emit(self.take_changed, TakeState(running=True))

    def stop_take(self) -> None:
        """End the take, and make it the target.

        Raises
        ------
        TargetError
            If it is silent.
        AudioFileError
            If it cannot be written.
        """
        if not self._recording:
            return
        self._end_take()
        take = self._writer.stop_take()
        if take is None or take.seconds == 0.0:
            raise TargetError("Nothing was recorded; choose another input: Ctrl+D, Input.")
        self._messages.say(f"Kept the take as {take.path}.")
        self._target.load(take.path)

    def start(self, path: Path) -> None:
        """Record the output to a WAV or FLAC file of 24 bits.

        Raises
        ------
        AudioFileError
            If it cannot be written.
        """
        self._writer.start_capture(path)

    def stop(self) -> None:
        """End the recording of the output.

        Raises
        ------
        AudioFileError
            If it cannot be finished; what was written can be read.
        """
        self._writer.stop_capture()

    def save_last(self, minutes: float, path: Path) -> None:
        """Save the last minutes of the output to a file; :attr:`saved` follows when it is done.

        Parameters
        ----------
        minutes : float
            Ten at most. Pauses of more than two seconds are left out.
        path : Path
            A WAV or FLAC file.

        Raises
        ------
        ArgumentError
            If `minutes` is not more than 0.
        AudioFileError
            If there was no sound yet, or the file cannot be written.
        """
        self._writer.save_last(minutes, path)

    def poll(self) -> None:
        """Emit the state of captures and takes."""
        for news in self._writer.news():
            match news:
                case CaptureProblem(text):
                    self._messages.say(text, "error")
                case SavedReplay(path, seconds, recovered):
                    self._emit(self.saved, path, seconds, recovered)
                    whose = "of a session that was killed " if recovered else ""
                    self._messages.say(f"The last {seconds:.0f} seconds {whose}are in {path}.")
        file, before = self._writer.capture, self._state
        self._state = CaptureState(True, file.seconds, file.path) if file is not None else None
        if self._state is None and before is not None:
            self._emit(self.changed, CaptureState(False, before.seconds, before.path))
        elif self._state is not None and self._state != before:
            self._emit(self.changed, self._state)
        if self._recording:
            self._poll_take()

    def close(self) -> None:
        """End the writer's thread; running recordings are finished."""
        self._writer.close()

    def _poll_take(self) -> None:
        take = self._writer.take
        if take is None:  # it could not be written, which was reported
            self._end_take()
            return
        if take.peak > 0.0:
            level, take.peak = units.amplitude_to_db(take.peak), 0.0
            self._emit(self.take_changed, TakeState(True, take.seconds, level))
        if self._audio.recording_rate == 0:
            self._messages.say("The input has gone; the take ends.", "warning")
        elif take.seconds > _LONGEST_TAKE:
            self._messages.say(f"A take ends after {_LONGEST_TAKE / 60:.0f} minutes.", "warning")
        else:
            return
        try:
            self.stop_take()
        except MesosynthError as error:
            self._messages.say(str(error), "error")

    def _end_take(self) -> None:
        self._recording = False
        self._input.close()
        self._emit(self.take_changed, TakeState(running=False))
