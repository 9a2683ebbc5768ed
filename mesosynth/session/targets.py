"""The part of a session that reads targets."""

from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as StillReading
from pathlib import Path

from mesosynth.audio.file import load_target, read_overview
from mesosynth.audio.target import ANALYSIS_RATE, Target
from mesosynth.audio.waveform_peaks import Overview
from mesosynth.errors import ArgumentError, MesosynthError
from mesosynth.session.core import Core
from mesosynth.session.events import TargetLoaded

_PATIENCE = 0.3  # s that reading a target may hold up the caller


class Targets(Core):
    """Holds the target; reads long files in the background."""

    def __init__(
        self,
        device: str | None = None,
        instrument: str = "chirplet",
        sample_rate: int | None = None,
        block: int | None = None,
    ) -> None:
        super().__init__(device, instrument, sample_rate, block)
        self.target: Target | None = None
        self.target_path: Path | None = None
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="mesosynth reader")
        self._reading: Future[tuple[Target, Overview]] | None = None
        self._overview: Overview | None = None
        self._reading_path: Path | None = None

    def load_target(self, path: Path, start: float | None = None) -> None:
        """Read a sound file as the target; `poll` reports TargetLoaded, and its pictures later.

        A long file is read in the background; then its errors come as messages. Of a file that is
        longer than the analysis window, the window begins at `start`, s; with None it is the
        liveliest part.

        Raises
        ------
        AudioFileError, TargetError
            And the target that was there stays.
        """
        self._reading, self._reading_path = self._reader.submit(_read, path, start), path
        try:
            target, overview = self._reading.result(timeout=_PATIENCE)
        except StillReading:
            self._say(f"Reading {path.name} …")
            return
        except MesosynthError:
            self._reading = None
            raise
        self._reading, self._overview = None, overview
        self._take_target(target, path)

    def move_window(self, start: float) -> None:
        """Match another part of the target's file, the four seconds from `start`, s.

        Raises
        ------
        ArgumentError
            If the target is no file.
        AudioFileError, TargetError
            And the target that was there stays.
        """
        if self.target_path is None:
            raise ArgumentError("The target is no file; load or record a sound first.")
        self.load_target(self.target_path, start)

    def _poll_reading(self) -> None:
        if self._reading is None or not self._reading.done():
            return
        reading, self._reading = self._reading, None
        try:
            target, self._overview = reading.result()
            self._take_target(target, self._reading_path)
        except MesosynthError as error:
            self._give_up_target(error)

    def _take_target(self, target: Target, path: Path | None) -> None:
        self.target, self.target_path = target, path
        self._matcher.set_target(target)
        overview = None if path is None else self._overview
        self._events.append(
            TargetLoaded(target.name, target.audio, ANALYSIS_RATE, target.start, overview)
        )

    def _give_up_target(self, error: MesosynthError) -> None:
        self._say(str(error), "error")


def _read(path: Path, start: float | None) -> tuple[Target, Overview]:
    return load_target(path, start), read_overview(path)
