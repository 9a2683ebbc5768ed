"""The part of a session that records: takes from the input, and what is heard."""

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
from mesosynth.errors import AudioFileError, MesosynthError, TargetError
from mesosynth.session.events import Capture, Recording, SavedLast
from mesosynth.session.input import Input

_LONGEST_TAKE = 600.0  # s


class Recordings(Input):
    """Takes from the input become targets; what is heard goes to files."""

    def __init__(
        self,
        device: str | None = None,
        instrument: str = "chirplet",
        sample_rate: int | None = None,
        block: int | None = None,
    ) -> None:
        super().__init__(device, instrument, sample_rate, block)
        self._capture_writer = CaptureWriter(
            self._audio.output, self._audio.recording, replay_folder(), takes_folder()
        )
        self._capture: Capture | None = None
        self._recording = False

    def start_recording(self) -> None:
        """Record a take from the input; it is on disk as it is recorded.

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
        sample_rate = self._open_input()
        try:
            self._capture_writer.start_take(path, sample_rate)
        except AudioFileError:
            self._close_input()
            raise
        self._recording = True
        self._events.append(Recording(running=True, seconds=0.0, level=units.SILENCE_DB))

    def stop_recording(self) -> None:
        """End the recording, and make the take the target.

        Raises
        ------
        TargetError
            If nothing can be heard in it.
        AudioFileError
            If it cannot be written.
        """
        if not self._recording:
            return
        self._end_recording()
        take = self._capture_writer.stop_take()
        if take is None or take.seconds == 0.0:
            raise TargetError("Nothing was recorded; choose an input in the system's settings.")
        self._say(f"Kept the take as {take.path}.")
        self.load_target(take.path)

    @property
    def recording(self) -> bool:
        """Whether a take is being recorded."""
        return self._recording

    def start_capture(self, path: Path) -> None:
        """Write what is heard to a WAV or FLAC file of 24 bits; `poll` reports Capture.

        Raises
        ------
        AudioFileError
            If it cannot be written.
        """
        self._capture_writer.start_capture(path)

    def stop_capture(self) -> None:
        """Finish the file that :meth:`start_capture` began.

        Raises
        ------
        AudioFileError
            If it cannot be finished; what was written can be read.
        """
        self._capture_writer.stop_capture()

    def save_last(self, minutes: float, path: Path) -> None:
        """Write what was heard in the last `minutes`, ten at most, to a WAV or FLAC file.

        Pauses of more than two seconds are left out. `poll` reports SavedLast when it is done.

        Raises
        ------
        ArgumentError
            If `minutes` is not more than 0.
        AudioFileError
            If nothing has been heard yet, or the file cannot be written.
        """
        self._capture_writer.save_last(minutes, path)

    def _poll_capture(self) -> None:
        for news in self._capture_writer.news():
            match news:
                case CaptureProblem(text):
                    self._say(text, "error")
                case SavedReplay(path, seconds, recovered):
                    self._events.append(SavedLast(path, seconds, recovered))
                    whose = "of a session that was killed " if recovered else ""
                    self._say(f"The last {seconds:.0f} seconds {whose}are in {path}.")
        writer, before = self._capture_writer.capture, self._capture
        self._capture = Capture(True, writer.seconds, writer.path) if writer is not None else None
        if self._capture is None and before is not None:
            self._events.append(Capture(False, before.seconds, before.path))
        elif self._capture is not None and self._capture != before:
            self._events.append(self._capture)

    def _poll_recording(self) -> None:
        if not self._recording:
            return
        take = self._capture_writer.take
        if take is None:  # it could not be written on, which was reported
            self._end_recording()
            return
        if take.peak > 0.0:
            level, take.peak = units.amplitude_to_db(take.peak), 0.0
            self._events.append(Recording(running=True, seconds=take.seconds, level=level))
        if self._audio.recording_rate == 0:
            self._say("The input has gone; the take ends.", "warning")
        elif take.seconds > _LONGEST_TAKE:
            self._say(f"A take ends after {_LONGEST_TAKE / 60:.0f} minutes.", "warning")
        else:
            return
        try:
            self.stop_recording()
        except MesosynthError as error:
            self._say(str(error), "error")

    def _end_recording(self) -> None:
        self._recording = False
        self._close_input()
        self._events.append(Recording(running=False, seconds=0.0, level=units.SILENCE_DB))
