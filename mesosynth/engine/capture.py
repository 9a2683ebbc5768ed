"""Capture: takes of the input, recordings of the output, and the last minutes, written to disk."""

import contextlib
import os
import threading
import time
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import platformdirs
from numpy.typing import NDArray

from mesosynth.engine.replay_buffer import ReplayBuffer, recover
from mesosynth.engine.shared import Ring, SoundRing, Stretch
from mesosynth.engine.sound_writer import SoundWriter, check_path
from mesosynth.errors import ArgumentError, AudioFileError
from mesosynth.plugins.plugin import CHANNELS
from mesosynth.system.atomic_file import unused

# --------------------------------------------------------------------------------------------------
# A recording that runs: one sound file after the other, where one is not enough.


class SplitWriter:
    """A recording that runs: one file or, where its rate changes or the format ends, several.

    Parameters
    ----------
    path : Path
        Of the first file.
    channels : int

    Attributes
    ----------
    path : Path
        Of the file that is being written.
    seconds : float
        Of all files.
    peak : float
        Largest magnitude since it was last set to 0.
    """

    def __init__(self, path: Path, channels: int) -> None:
        self.path, self.seconds, self.peak = path, 0.0, 0.0
        self._first, self._channels = path, channels
        self._writer: SoundWriter | None = None

    def open(self, sample_rate: int) -> None:
        """Let what follows have this sample rate, Hz.

        Raises
        ------
        AudioFileError
            If the file cannot be written.
        """
        if self._writer is not None:
            self._writer.close()
            self.path = unused(self._first)
        self._writer = SoundWriter(self.path, sample_rate, self._channels)

    def write(self, sample_rate: int, frames: NDArray[np.float32]) -> None:
        """Append `frames`, (n, channels) float32.

        Raises
        ------
        AudioFileError
            If the file cannot be written.
        """
        while len(frames):
            writer = self._writer
            if writer is None or writer.full or writer.sample_rate != sample_rate:
                self.open(sample_rate)
                continue
            before = writer.frames
            writer.write(frames)
            written, frames = np.split(frames, [writer.frames - before])
            self.seconds += len(written) / sample_rate
            self.peak = max(self.peak, float(np.abs(written).max()))

    def close(self) -> None:
        """Finish the file.

        Raises
        ------
        AudioFileError
            If it cannot be written; what is there can be read.
        """
        if self._writer is not None:
            self._writer.close()

    def abandon(self) -> None:
        """Let go of a file that could not be written on; what is there can be read."""
        with contextlib.suppress(AudioFileError):  # said before
            self.close()


def open_split_writer(path: Path, channels: int, sample_rate: int) -> SplitWriter:
    """Begin a recording; its file is opened at once if the sample rate is known, that is, not 0.

    Raises
    ------
    AudioFileError
        If it cannot be written.
    """
    check_path(path)
    writer = SplitWriter(path, channels)
    if sample_rate:
        writer.open(sample_rate)
    return writer


# --------------------------------------------------------------------------------------------------
# Where recordings are kept: takes from the input, and what a killed session left behind.


def takes_folder() -> Path:
    """The user's folder of recordings."""
    return platformdirs.user_data_path("mesosynth", appauthor=False) / "takes"


def replay_folder() -> Path:
    """Where each session keeps its last minutes while it runs."""
    return platformdirs.user_cache_path("mesosynth", appauthor=False)


def new_take() -> Path:
    """Name a WAV file after the date and time, in the folder of recordings, which is made.

    Raises
    ------
    AudioFileError
        If there can be no such folder.
    """
    folder = takes_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise AudioFileError(f"{folder} cannot be made: {error.strerror}.") from error
    return unused(folder / f"take {time.strftime('%Y-%m-%d %H.%M.%S')}.wav")


# --------------------------------------------------------------------------------------------------
# Writes down what goes to the device and what comes from the input, while it sounds.
#
# A thread of the session's process: it outlives the audio process, and the callback knows nothing
# of it. Every tenth of a second it takes what is new in the rings that both processes see and
# writes it to the file of the last minutes, to the capture, and to the take.


PERIOD = 0.1  # s between two looks at the rings
AGAIN = 5.0  # s until a disk that was full is tried again


@dataclass(frozen=True, slots=True)
class CaptureProblem:
    """Something could not be written: one sentence."""

    text: str


@dataclass(frozen=True, slots=True)
class SavedReplay:
    """The last minutes were written to a file; `recovered`: those of a session that was killed."""

    path: Path
    seconds: float
    recovered: bool


CaptureNews = CaptureProblem | SavedReplay


class CaptureWriter:
    """Everything that a session writes down.

    Another sample rate begins the last minutes anew, and another file of the capture.

    Parameters
    ----------
    output : SoundRing
        All that goes to the device; read through an attachment of its own.
    recording : Ring
        What comes from the input; nobody else reads it.
    cache, rescue : Path
        Folders for the last minutes, and for those of a session that was killed.

    Attributes
    ----------
    capture, take : SplitWriter or None
        What is being written of the output, and of the input.
    """

    def __init__(self, output: SoundRing, recording: Ring, cache: Path, rescue: Path) -> None:
        self._output = SoundRing(output.name)
        self._recording = recording
        self._cache, self._rescue = cache, rescue
        self.capture: SplitWriter | None = None
        self.take: SplitWriter | None = None
        self._take_rate = 0
        self._last: ReplayBuffer | None = None
        self._refused_until = 0.0
        self._news: list[CaptureNews] = []
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._errands: list[threading.Thread] = []
        self._thread = threading.Thread(target=self._run, name="mesosynth capture", daemon=True)

    def start(self) -> None:
        """Begin to write, and recover what a killed session left behind."""
        self._thread.start()
        # A session that nobody closes: the rings go at exit, and the thread must not read on.
        weakref.finalize(self, _stop, self._closing, self._thread)
        self._send(self._recover)

    def news(self) -> list[CaptureNews]:
        """What happened since the last call."""
        with self._lock:
            news, self._news = self._news, []
        return news

    def start_capture(self, path: Path) -> None:
        """Write the output to a WAV or FLAC file from here on.

        Raises
        ------
        AudioFileError
            If it cannot be written.
        """
        self.stop_capture()
        self._pump()  # what has been until now does not belong to it
        writer = open_split_writer(path, CHANNELS, self._output.sample_rate)
        with self._lock:
            self.capture = writer

    def stop_capture(self) -> SplitWriter | None:
        """Finish the file, with all that sounded up to now; None if there was none.

        Raises
        ------
        AudioFileError
            If it cannot be finished; what is there can be read.
        """
        self._pump()
        with self._lock:
            writer, self.capture = self.capture, None
        if writer is not None:
            writer.close()
        return writer

    def start_take(self, path: Path, sample_rate: int) -> None:
        """Write the input, mono, to a WAV or FLAC file from here on.

        Raises
        ------
        AudioFileError
            If it cannot be written.
        """
        writer = open_split_writer(path, 1, sample_rate)
        with self._lock:
            self.take, self._take_rate = writer, sample_rate

    def stop_take(self) -> SplitWriter | None:
        """Finish the take; None if there was none. Raises as :meth:`stop_capture` does."""
        self._pump()
        with self._lock:
            writer, self.take = self.take, None
        if writer is not None:
            writer.close()
        return writer

    def save_last(self, minutes: float, path: Path) -> None:
        """Write the last minutes to a WAV or FLAC file, in the background.

        Raises
        ------
        ArgumentError
            If `minutes` is not more than 0.
        AudioFileError
            If there was no sound yet, or it is clear that the file cannot be written.
        """
        check_path(path)
        if not minutes > 0.0:
            raise ArgumentError(f"minutes={minutes} must be more than 0.")
        last = self._last
        if last is None or not last.written:
            raise AudioFileError(f"{path} was not written: there has been no sound yet.")
        self._send(lambda: SavedReplay(path, last.save(60.0 * minutes, path), recovered=False))

    def close(self) -> None:
        """Finish every file; the last minutes are gone with the session. May be called twice."""
        if self._closing.is_set():
            return
        self._closing.set()
        self._thread.join()
        for stop in (self.stop_capture, self.stop_take):
            try:
                stop()
            except AudioFileError as error:
                self._tell(CaptureProblem(str(error)))
        for errand in self._errands:
            errand.join()
        if self._last is not None:
            self._last.close()
        self._output.close()

    # ------------------------------------------------------------------ the thread

    def _run(self) -> None:
        while not self._closing.wait(PERIOD):
            self._pump()

    def _pump(self) -> None:
        with self._lock:
            for stretch in self._output.read_new():
                self._keep(stretch)
                self.capture = self._write(self.capture, stretch.sample_rate, stretch.frames)
            if self.take is not None:
                frames = self._recording.read_new()[:, None]
                self.take = self._write(self.take, self._take_rate, frames)

    def _write(
        self, writer: SplitWriter | None, sample_rate: int, frames: NDArray[np.float32]
    ) -> SplitWriter | None:
        """Append to the writer; None, and a sentence, where that is impossible."""
        if writer is None:
            return None
        try:
            writer.write(sample_rate, frames)
        except AudioFileError as error:
            self._news.append(
                CaptureProblem(
                    f"{error} The recording ends after {writer.seconds:.1f} s, which are kept."
                )
            )
            writer.abandon()
            return None
        return writer

    def _keep(self, stretch: Stretch) -> None:
        if time.monotonic() < self._refused_until:
            return
        try:
            last = self._last
            if last is None or last.sample_rate != stretch.sample_rate:
                if last is not None:
                    last.close()
                path = unused(self._cache / f"last minutes {os.getpid()}.ring")
                last = self._last = ReplayBuffer(path, stretch.sample_rate)
            last.append(stretch.frames)
        except OSError as error:
            if not self._refused_until:
                self._news.append(
                    CaptureProblem(
                        f"The last minutes are not kept in {self._cache}: {error.strerror}."
                    )
                )
            self._refused_until = time.monotonic() + AGAIN
        else:
            self._refused_until = 0.0

    # ------------------------------------------------------------------ what takes longer

    def _send(self, errand: Callable[[], CaptureNews | None]) -> None:
        """Run `errand` in a thread that the process waits for, and keep its news."""

        def run() -> None:
            try:
                news = errand()
            except (AudioFileError, OSError) as error:
                news = CaptureProblem(str(error))
            if news is not None:
                self._tell(news)

        thread = threading.Thread(target=run, name="mesosynth errand")
        self._errands = [old for old in self._errands if old.is_alive()] + [thread]
        thread.start()

    def _recover(self) -> None:
        for ring in sorted(self._cache.glob("*.ring")):
            self._rescue.mkdir(parents=True, exist_ok=True)
            day = time.strftime("%Y-%m-%d %H.%M.%S", time.localtime(ring.stat().st_mtime))
            path = unused(self._rescue / f"recovered {day}.flac")
            if seconds := recover(ring, path):
                self._tell(SavedReplay(path, seconds, recovered=True))

    def _tell(self, news: CaptureNews) -> None:
        with self._lock:
            self._news.append(news)


def _stop(closing: threading.Event, thread: threading.Thread) -> None:
    closing.set()
    thread.join()
