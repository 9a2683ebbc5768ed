"""Sequence: a long sound matched as arpeggios, and its playback in time with the original."""

import time
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from mesosynth.engine.process import AudioProcess
from mesosynth.errors import ArgumentError, MesosynthError
from mesosynth.matching.automation import GIVEN, Automation, automation_of
from mesosynth.matching.checkpoint import cached_run
from mesosynth.matching.jobs import sequence_jobs
from mesosynth.matching.results import MatchedSequence, Moment, SequenceSettings
from mesosynth.matching.sequence_export import check_ending, export_sequence
from mesosynth.matching.smoothing import smoothed
from mesosynth.plugins.plugin import EventKind
from mesosynth.session.rack import Rack
from mesosynth.session.signals import Emitter, Messages, Signal
from mesosynth.session.sound import Sound, Source
from mesosynth.system.jobs import Done, Failed, Job, Restarted, Stepped

_AHEAD = 0.04  # s from sending a start to hearing it: longer than a poll
_PICTURES = 0.5  # s between two pictures of a moving sound
_TAIL = 1.0  # s after the original's end


class Sequence:
    """Matches a long sound in a process of its own, and plays the result.

    Attributes
    ----------
    matched : MatchedSequence or None
        Result so far; its moments grow while a match runs.
    smoothing : float
        s, see :meth:`smooth`.
    loops : bool
        Whether playback starts again at the end.
    """

    changed = Signal(object, bool)
    """:attr:`matched`, None while the sound is being read, and whether the match runs."""
    moved = Signal(bool, float)
    """Whether the sequence plays, and its position in the original, s."""

    def __init__(
        self, emit: Emitter, messages: Messages, audio: AudioProcess, sound: Sound, rack: Rack
    ) -> None:
        self.matched: MatchedSequence | None = None
        self.smoothing = 0.0
        self.loops = False
        self._emit, self._messages, self._audio = emit, messages, audio
        self._sound, self._rack = sound, rack
        self._jobs = sequence_jobs()
        self._job: Job | None = None
        self._path: Path | None = None  # of the sound that was matched last
        self._automation: Automation | None = None  # what plays
        self._zero = 0.0  # of the original, on the performance counter
        self._began: tuple[float, float] | None = None  # see _tune_clock
        self._sent_until = 0.0  # s of the original
        self._started = False  # whether the transport runs for the sequence
        self._stood_at = 0.0  # s of the original
        self._touched: set[str] = set()
        self._before: dict[str, float] = {}
        self._drawn_at = 0.0
        self._exporter = ThreadPoolExecutor(1, thread_name_prefix="mesosynth export")
        self._exports: list[tuple[Path, Future[None]]] = []

    @property
    def running(self) -> bool:
        """Whether a long sound is being matched."""
        return self._job is not None and self._job.running

    @property
    def pid(self) -> int | None:
        """Process number of the match; None while there is none."""
        return self._jobs.pid

    def start(
        self, path: Path, settings: SequenceSettings | None = None, run: Path | None = None
    ) -> None:
        """Match a sound file as a sequence.

        A stopped match of the same file and settings is continued. Problems with the file are
        messages.

        Parameters
        ----------
        path : Path
        settings : SequenceSettings, optional
        run : Path, optional
            File of the match; by default one in the user's cache.
        """
        settings = settings or SequenceSettings()
        self.stop_playing()
        self._jobs.cancel("sequence")
        self.matched, self._path = None, path
        run = run or cached_run(path, settings)
        self._job = self._jobs.begin("sequence", path, settings, run)
        self._emit(self.changed, None, True)
        self._messages.say(f"Matching all of {path.name} …")

    def take_target(self, path: Path | None) -> None:
        """Forget the sequence of another file, unless it runs or plays.

        Parameters
        ----------
        path : Path or None
            File of the new target.
        """
        if self.matched is not None and path != self._path and not self.running | self.playing:
            self.matched, self._stood_at = None, 0.0
            self._emit(self.changed, None, False)
            self._emit(self.moved, False, 0.0)

    def stop(self) -> None:
        """End the match; :meth:`start` continues it."""
        if self._job is not None:
            self._job.stop()

    def export(self, path: Path) -> None:
        """Write the smoothed sequence as .csv, .mid or .wav; a message follows when it is done.

        Raises
        ------
        ArgumentError
            If there is none, or the suffix is another.
        """
        check_ending(path)
        matched = self._found()
        frozen = MatchedSequence(matched.sound, matched.settings, list(matched.moments))
        export = self._exporter.submit(export_sequence, path, frozen, self.smoothing)
        self._exports.append((path, export))

    # ------------------------------------------------------------------ playing

    @property
    def playing(self) -> bool:
        """Whether the sequence moves the parameters."""
        return self._automation is not None

    @property
    def position(self) -> float:
        """Present position in the original, or the one to continue from, s."""
        return self._stood_at if self._automation is None else time.perf_counter() - self._zero

    def play(self) -> None:
        """Play the sequence from :attr:`position`; parameters that the user moves stay.

        Raises
        ------
        ArgumentError
            If nothing was found yet, or the present instrument is not the chirplet.
        """
        matched = self._found()
        if self._rack.instrument != "chirplet":
            raise ArgumentError(
                f"A sequence is of the chirplet, and {self._rack.plays}; choose the chirplet first."
            )
        duration = matched.sound.duration
        self._automation = automation_of(smoothed(matched, self.smoothing), duration)
        self._touched.clear()
        self._before = {id_: self._sound.values[id_] for id_ in GIVEN}
        self.seek(self._stood_at if self._stood_at < duration else 0.0)
        self._move(GIVEN)

    def stop_playing(self) -> None:
        """Stop and fade out; :meth:`play` continues from here."""
        if self._automation is None:
            return
        self._stood_at = max(self.position, 0.0)
        self._automation = None
        self._move(self._before)
        self._sound.stop()
        self._emit(self.moved, False, self._stood_at)

    def seek(self, position: float) -> None:
        """Move to a position in the original, s."""
        self._stood_at = max(position, 0.0)
        if self._automation is not None:
            if self._sound.playing:
                self._audio.keys.push(EventKind.STOP)
            self._begin_at(self._stood_at)
        self._emit(self.moved, self.playing, self._stood_at)

    def smooth(self, seconds: float) -> None:
        """Smooth playback and exports by some seconds; a running playback continues."""
        self.smoothing = seconds
        if self._automation is not None and self.matched is not None:
            moments = smoothed(self.matched, seconds)
            self._automation = automation_of(moments, self.matched.sound.duration)

    def release(self, values: Mapping[str, float], source: Source, _draw: bool) -> None:
        """Release parameters that the user has moved.

        Parameters
        ----------
        values : mapping
        source : str
            Of the change; "user" and "midi" count.
        _draw : bool
            Not used.
        """
        if self._automation is None or source not in ("user", "midi"):
            return
        new = {id_ for id_ in values if id_ in self._automation.ids} - self._touched
        if new:
            self._touched |= new
            names = ", ".join(self._sound.parameters[id_].name for id_ in sorted(new))
            self._messages.say(f"You took over {names}; the sequence moves the rest.")

    def poll(self) -> None:
        """Process the match's news, and move the parameters to the present position."""
        self._hear()
        self._hear_exports()
        if self._automation is not None:
            self._play_on(self._automation)

    def close(self) -> None:
        """End the process and the exporter's thread."""
        self._jobs.close()
        self._exporter.shutdown(wait=False, cancel_futures=True)

    def _play_on(self, automation: Automation) -> None:
        stopped = self._started and not self._sound.playing  # by the transport, or in a panic
        if stopped or self._rack.instrument != "chirplet":
            self.stop_playing()
            return
        position = self.position
        if position > automation.duration + _TAIL:
            if not self.loops:
                self.stop_playing()
                self._stood_at = 0.0
                return
            self._begin_at(0.0)
            position = 0.0
        self._tune_clock()
        self._send_starts(automation, position)
        moved = automation.at(self.position)
        self._move({id_: value for id_, value in moved.items() if id_ not in self._touched})
        self._emit(self.moved, True, max(position, 0.0))

    def _send_starts(self, automation: Automation, position: float) -> None:
        """Send the next starts to the instrument, each with its time."""
        until = position + _AHEAD
        for at, kind in automation.between(self._sent_until, until):
            if self._sound.playing:
                self._audio.keys.push(kind, stamp=self._zero + at)
            elif kind == EventKind.START:
                # The transport's start is an arpeggio's start, too: time counts from there.
                self._move(automation.at(at))
                self._began = at, self._audio.status().started
                self._sound.play()
                self._zero = time.perf_counter() - at
        self._started = self._started or self._sound.playing
        self._sent_until = max(until, self._sent_until)

    def _tune_clock(self) -> None:
        """Count time from when the transport's start is heard, once the audio process tells it."""
        if self._began is not None:
            at, before = self._began
            started = self._audio.status().started
            if started != before:
                self._zero, self._began = started - at, None

    def _begin_at(self, position: float) -> None:
        self._zero, self._began = time.perf_counter() - position, None
        self._sent_until = position
        self._started = self._sound.playing

    def _move(self, values: Mapping[str, float]) -> None:
        """Move parameters, with a picture now and then."""
        before = self._sound.values
        moved = {id_: value for id_, value in values.items() if before.get(id_, value) != value}
        if moved:
            now = time.perf_counter()
            draw = now - self._drawn_at > _PICTURES
            if draw:
                self._drawn_at = now
            self._sound.set(moved, "match", draw=draw)

    def _hear(self) -> None:
        for _, event in self._jobs.poll():
            match event:
                case Stepped(MatchedSequence() as matched):
                    self.matched = matched
                    self._emit(self.changed, matched, True)
                case Stepped(Moment() as moment) if self.matched is not None:
                    self.matched.moments.append(moment)
                    self._emit(self.changed, self.matched, True)
                case Done() | Failed():
                    self._emit(self.changed, self.matched, False)
                    self._tell_end(event.text if isinstance(event, Failed) else "")
                case Restarted():
                    text = "The match of the sequence had ended and was started again."
                    self._messages.say(text, "warning")
                case _:
                    pass

    def _tell_end(self, trouble: str) -> None:
        if trouble:
            self._messages.say(trouble, "error")
        elif self.matched is not None:
            name, found = self.matched.sound.name, len(smoothed(self.matched))
            how = "Matched" if self.matched.finished else "Stopped in"
            severity = "info" if found else "warning"
            self._messages.say(f"{how} {name}: {found} arpeggios.", severity)

    def _hear_exports(self) -> None:
        for path, export in [each for each in self._exports if each[1].done()]:
            self._exports.remove((path, export))
            try:
                export.result()
            except MesosynthError as error:
                self._messages.say(str(error), "error")
            else:
                self._messages.say(f"Wrote {path}.")

    def _found(self) -> MatchedSequence:
        if self.matched is None or not any(moment.found for moment in self.matched.moments):
            raise ArgumentError("There is no sequence to play; match a long sound as one first.")
        return self.matched
