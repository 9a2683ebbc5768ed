"""Capture: recordings of the output, takes of the input, and the last minutes, written to disk."""

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
from mesosynth.system.paths import numbered_path

# --------------------------------------------------------------------------------------------------
# Recording in one file or several


class SplitWriter:
    """A running recording: one file, or several where the rate changes or the format is full.

    Parameters
    ----------
    path : Path
        Of the first file.
    channels : int

    Attributes
    ----------
    path : Path
        Of the present file.
    seconds : float
        Length of all files, s.
    peak : float
        Largest magnitude since it was last set to 0.
    """

    def __init__(self, path: Path, channels: int) -> None:
        self.path, self.seconds, self.peak = path, 0.0, 0.0
        self._first, self._channels = path, channels
        self._writer: SoundWriter | None = None

    def open(self, sample_rate: int) -> None:
        """Continue at a sample rate, Hz.

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
        """Append sound.

        Parameters
        ----------
        sample_rate : int
            Hz.
        frames : (n, channels) float32

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
            If it cannot be written; what was written can be read.
        """
        if self._writer is not None:
            self._writer.close()

    def abandon(self) -> None:
        """Close a file that could not be written; what was written can be read."""
        with contextlib.suppress(AudioFileError):  # said before
            self.close()


def open_split_writer(path: Path, channels: int, sample_rate: int) -> SplitWriter:
    """Begin a recording.

    Parameters
    ----------
    path : Path
    channels : int
    sample_rate : int
        Hz; 0 if not known yet, then the file is opened with the first sound.

    Returns
    -------
    SplitWriter

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
# Folders of recordings


def takes_folder() -> Path:
    """The user's folder of takes."""
    return platformdirs.user_data_path("mesosynth", appauthor=False) / "takes"


def replay_folder() -> Path:
    """Folder of the replay buffers of running sessions."""
    return platformdirs.user_cache_path("mesosynth", appauthor=False)


def new_take() -> Path:
    """Path of a WAV file named by number, date and time, in the folder of takes, which is created.

    Raises
    ------
    AudioFileError
        If the folder cannot be created.
    """
    folder = takes_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise AudioFileError(f"{folder} cannot be made: {error.strerror}.") from error
    return numbered_path(folder, "take", ".wav")


# --------------------------------------------------------------------------------------------------
# Thread that writes the output and the input to disk
#
# It runs in the session's process, so it outlives the audio process, and the callback is not
# involved. Every tenth of a second it reads the new samples of the shared rings and writes them to
# the replay buffer, to the capture, and to the take.


PERIOD = 0.1  # s between two reads of the rings
AGAIN = 5.0  # s until a full disk is tried again


@dataclass(frozen=True, slots=True)
class CaptureProblem:
    """A file could not be written: one sentence."""

    text: str


@dataclass(frozen=True, slots=True)
class SavedReplay:
    """The last minutes were saved to a file; `recovered` marks those of a killed session."""

    path: Path
    seconds: float
    recovered: bool


CaptureNews = CaptureProblem | SavedReplay


class CaptureWriter:
    """Thread that writes all recordings of a session.

    Another sample rate begins a new replay buffer, and another file of the capture.

    Parameters
    ----------
    output : SoundRing
        Output of the device, read through an attachment of its own.
    recording : Ring
        Input; it has no other reader.
    cache, rescue : Path
        Folders of the replay buffer, and of recordings recovered from killed sessions.

    Attributes
    ----------
    capture, take : SplitWriter or None
        Running recordings of the output and of the input.
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
        """Begin to write, and recover the replay buffers of killed sessions."""
        self._thread.start()
        # A session that is not closed: the rings go at exit, and the thread must stop before.
        weakref.finalize(self, _stop, self._closing, self._thread)
        self._send(self._recover)

    def news(self) -> list[CaptureNews]:
        """Events since the last call."""
        with self._lock:
            news, self._news = self._news, []
        return news

    def start_capture(self, path: Path) -> None:
        """Record the output to a WAV or FLAC file from now on.

        Raises
        ------
        AudioFileError
            If it cannot be written.
        """
        self.stop_capture()
        self._pump()  # older sound does not belong to it
        writer = open_split_writer(path, CHANNELS, self._output.sample_rate)
        with self._lock:
            self.capture = writer

    def stop_capture(self) -> SplitWriter | None:
        """Finish the capture, with all output up to now; None if there was none.

        Raises
        ------
        AudioFileError
            If it cannot be finished; what was written can be read.
        """
        self._pump()
        with self._lock:
            writer, self.capture = self.capture, None
        if writer is not None:
            writer.close()
        return writer

    def start_take(self, path: Path, sample_rate: int) -> None:
        """Record the input, mono, to a WAV or FLAC file from now on.

        Parameters
        ----------
        path : Path
            Ends in ``.wav`` or ``.flac``.
        sample_rate : int
            Of the input, Hz.

        Raises
        ------
        AudioFileError
            If it cannot be written.
        """
        writer = open_split_writer(path, 1, sample_rate)
        with self._lock:
            self.take, self._take_rate = writer, sample_rate

    def stop_take(self) -> SplitWriter | None:
        """Finish the take; None if there was none. Raises as :meth:`stop_capture`."""
        self._pump()
        with self._lock:
            writer, self.take = self.take, None
        if writer is not None:
            writer.close()
        return writer

    def save_last(self, minutes: float, path: Path) -> None:
        """Save the last minutes to a WAV or FLAC file, in the background.

        :meth:`news` has a :class:`SavedReplay` when it is done.

        Parameters
        ----------
        minutes : float
            More than 0.
        path : Path
            Ends in ``.wav`` or ``.flac``.

        Raises
        ------
        ArgumentError
            If `minutes` is not more than 0.
        AudioFileError
            If there was no sound yet, or the file cannot be written.
        """
        check_path(path)
        if not minutes > 0.0:
            raise ArgumentError(f"minutes={minutes} must be more than 0.")
        last = self._last
        if last is None or not last.written:
            raise AudioFileError(f"{path} was not written: there has been no sound yet.")
        self._send(lambda: SavedReplay(path, last.save(60.0 * minutes, path), recovered=False))

    def close(self) -> None:
        """Finish every file and remove the replay buffer. May be called twice."""
        if self._closing.is_set():
            return
        self._closing.set()
        if self._thread.ident is not None:
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
        """Append to the writer; return None, and report it, where that is impossible."""
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

    def _send(self, errand: Callable[[], CaptureNews | None]) -> None:
        """Run `errand` in a thread that the process waits for, and report its result."""

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
