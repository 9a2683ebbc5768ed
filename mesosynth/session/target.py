"""Target of a match: a file, a take, or the instrument's own sound."""

from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as StillReading
from pathlib import Path

import msgspec

from mesosynth.audio.file import load_target, read_waveform_peaks, write_wav
from mesosynth.audio.target import ANALYSIS_RATE, ANALYSIS_SAMPLES, Target
from mesosynth.audio.waveform_peaks import WaveformPeaks
from mesosynth.engine.capture import new_take, takes_folder
from mesosynth.engine.rack import render
from mesosynth.errors import ArgumentError, MesosynthError, PresetError
from mesosynth.matching.results import Analysis
from mesosynth.presets.preset import Preset, load_preset, save_preset
from mesosynth.session.rack import Rack
from mesosynth.session.signals import Emitter, Messages, Signal

RENDERED_SECONDS = 6.0
"""Length of a preset that becomes the target, s: the window's four, and room to move it."""

_PATIENCE = 0.3  # s: longest wait of the caller for a target to be read
_RENDERED_RATE = 48000


class CurrentTarget:
    """The present target; long files are read and presets are rendered in the background.

    Attributes
    ----------
    sound : Target or None
    path : Path or None
        Its file.
    start, seconds : float or None
        Window that was chosen in its file, s; None for the liveliest part, and for its own length.
    on_taken, on_failed : tuple of callable
        Called with a new target, before any signal; called when reading one failed.
    """

    loaded = Signal(Target, object)
    """The new target, and the peaks of its whole file, None without a file."""
    analysed = Signal(Analysis)
    """Pictures of the target."""

    def __init__(self, emit: Emitter, messages: Messages, rack: Rack) -> None:
        self.sound: Target | None = None
        self.path: Path | None = None
        self.start: float | None = None
        self.seconds: float | None = None
        self.on_taken: tuple[Callable[[Target], None], ...] = ()
        self.on_failed: tuple[Callable[[], None], ...] = ()
        self._emit, self._messages, self._rack = emit, messages, rack
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="mesosynth reader")
        self._reading: _Reading | None = None

    @property
    def reading(self) -> bool:
        """Whether a target is being read in the background."""
        return self._reading is not None

    def load(self, path: Path, start: float | None = None, seconds: float | None = None) -> None:
        """Read a sound file; :attr:`loaded` follows, and its pictures later.

        A long file is read in the background; then its errors are messages.

        Parameters
        ----------
        path : Path
        start : float, optional
            Begin of the analysis window in a longer file, s; None for its liveliest part.
        seconds : float, optional
            Length of the window, s, 0.05 to 10; None for all of the file up to ten seconds.

        Raises
        ------
        AudioFileError, TargetError
            The old target stays.
        """
        reading = self._reader.submit(_read, path, start, seconds)
        self._reading = path, reading, start, seconds
        try:
            target, peaks = reading.result(timeout=_PATIENCE)
        except StillReading:
            self._messages.say(f"Reading {path.name} …")
            return
        except MesosynthError:
            self._reading = None
            raise
        self.take(target, path, peaks, start, seconds)
        self._tell(target)

    def _tell(self, target: Target) -> None:
        """Say what is missing of a target's file."""
        if target.remark:
            self._messages.say(target.remark, "warning")

    def move_window(self, start: float) -> None:
        """Match another part of the file, as long as the present one, from `start`, s.

        Raises as :meth:`choose_window`.
        """
        self.choose_window(start, self.seconds)

    def choose_window(self, start: float | None, seconds: float | None) -> None:
        """Match another part of the file.

        Parameters
        ----------
        start : float or None
            Begin of the part, s; None for the liveliest one.
        seconds : float or None
            Length of the part, s, 0.05 to 10; None for all of the file, up to ten seconds.

        Raises
        ------
        ArgumentError
            If the target has no file.
        AudioFileError, TargetError
            The old target stays.
        """
        if self.path is None:
            raise ArgumentError("The target is no file; open or record a sound first.")
        self.load(self.path, start, seconds)

    def render(self, preset: Preset) -> None:
        """Make the sound of a preset the target.

        It is rendered in the background, and saved as a take with a preset of the same name.

        Raises
        ------
        AudioFileError, PresetError
            If these files cannot be written.
        """
        path = new_take()
        preset = msgspec.structs.replace(preset, name=path.stem)
        save_preset(path.with_suffix(".json"), preset)
        self._reading = path, self._reader.submit(_render, preset, path), None, None
        self._messages.say("Rendering this sound as the target …")

    @property
    def known_values(self) -> Mapping[str, float] | None:
        """Parameters of a target that :meth:`render` made; None for others."""
        if self.path is None or self.path.absolute().parent != takes_folder().absolute():
            return None
        try:
            preset = load_preset(self.path.with_suffix(".json"))
        except PresetError:  # a take from the input has none
            return None
        return preset.values if preset.instrument == self._rack.instrument else None

    def take(
        self,
        target: Target,
        path: Path | None = None,
        peaks: WaveformPeaks | None = None,
        start: float | None = None,
        seconds: float | None = None,
    ) -> None:
        """Make `target` the target; a file that is being read is dropped.

        Parameters
        ----------
        target : Target
        path : Path, optional
            Its file.
        peaks : WaveformPeaks, optional
            Of the whole file.
        start, seconds : float, optional
            Window that was chosen in it, s.
        """
        self._reading = None
        self.start, self.seconds = start, seconds
        with self._emit.held():
            self.sound, self.path = target, path
            self._emit(self.loaded, target, peaks)
            for react in self.on_taken:
                react(target)
        if target.remarks:
            self._messages.say(" ".join(target.remarks))
            self._messages.say(f"The target is {target.name}, {_part(target, peaks)}.")

    def poll(self) -> None:
        """Use a target that has been read."""
        if self._reading is None or not self._reading[1].done():
            return
        (path, reading, start, seconds), self._reading = self._reading, None
        try:
            target, peaks = reading.result()
        except MesosynthError as error:
            for react in self.on_failed:
                react()
            self._messages.say(str(error), "error")
        else:
            self.take(target, path, peaks, start, seconds)
            self._tell(target)

    def close(self) -> None:
        """End the reader's thread."""
        self._reader.shutdown(wait=False, cancel_futures=True)


_Reading = tuple[Path, Future[tuple[Target, WaveformPeaks]], float | None, float | None]


def _read(path: Path, start: float | None, seconds: float | None) -> tuple[Target, WaveformPeaks]:
    return load_target(path, start, seconds), read_waveform_peaks(path)


def _render(preset: Preset, path: Path) -> tuple[Target, WaveformPeaks]:
    audio = render(
        preset.instrument, preset.values, RENDERED_SECONDS, _RENDERED_RATE,
        effects=preset.effects, state=preset.state,
    )  # fmt: skip
    write_wav(path, audio, _RENDERED_RATE)
    return load_target(path), read_waveform_peaks(path)


def _part(target: Target, peaks: WaveformPeaks | None) -> str:
    """Part of the file that is analysed, in words."""
    recording = target.recording
    duration = min(ANALYSIS_SAMPLES / ANALYSIS_RATE, recording.duration)
    if peaks is None or peaks.duration <= duration:
        return f"{duration:g} s" if peaks is None else f"{peaks.duration:.3g} s"
    start = max(target.start, recording.start)
    return f"{start:.2f} s to {start + duration:.2f} s of {peaks.duration:.1f} s"
