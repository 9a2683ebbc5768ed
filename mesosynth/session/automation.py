"""The part of a session that matches long sounds, and plays what was found in time with them."""

import time
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from mesosynth.errors import ArgumentError, MesosynthError
from mesosynth.matching.automation import (
    GIVEN,
    Automation,
    AutomationMoved,
    SequenceChanged,
    automation_of,
)
from mesosynth.matching.results import MatchedSequence, SequenceSettings
from mesosynth.matching.sequence_export import check_ending, export_sequence
from mesosynth.matching.sequence_process import Began, Done, Heard, SequenceProcess
from mesosynth.matching.smoothing import smoothed
from mesosynth.plugins.plugin import EventKind
from mesosynth.session.events import ParametersChanged, Source
from mesosynth.session.sound import Sound

_AHEAD = 0.04  # s by which starts are told before they are heard: more than a poll takes
_PICTURES = 0.5  # s between two pictures of a sound that moves all the time
_TAIL = 1.0  # s after the original's end


class Automating(Sound):
    """Has long sounds matched in a process of their own, and moves the parameters as they say."""

    def __init__(
        self,
        device: str | None = None,
        instrument: str = "chirplet",
        sample_rate: int | None = None,
        block: int | None = None,
    ) -> None:
        super().__init__(device, instrument, sample_rate, block)
        self.sequence: MatchedSequence | None = None
        self.sequence_smoothing = 0.0
        self.automation_loops = False
        self._sequencer = SequenceProcess()
        self._sequence_settings = SequenceSettings()
        self._automation: Automation | None = None  # what plays
        self._zero = 0.0  # of the original, on the performance counter
        self._told_until = 0.0  # s of the original
        self._started = False  # whether the transport runs for the sequence
        self._stood_at = 0.0  # s of the original
        self._touched: set[str] = set()
        self._before_automation: dict[str, float] = {}
        self._drawn_at = 0.0
        self._exporter = ThreadPoolExecutor(1, thread_name_prefix="mesosynth export")
        self._exports: list[tuple[Path, Future[None]]] = []

    # ------------------------------------------------------------------ matching

    @property
    def sequence_running(self) -> bool:
        """Whether a long sound is being matched."""
        return self._sequencer.running

    def match_sequence(
        self, path: Path, settings: SequenceSettings | None = None, run: Path | None = None
    ) -> None:
        """Match a sound file as a sequence; `poll` reports SequenceChanged.

        The same file by the same settings goes on where it was stopped, today or last week. What
        is wrong with it comes as a message.

        Parameters
        ----------
        path : Path
        settings : SequenceSettings, optional
        run : Path, optional
            The file that it is kept in; one in the user's cache otherwise.
        """
        settings = settings or SequenceSettings()
        self.stop_automation()
        self.sequence, self._sequence_settings = None, settings
        self._sequencer.start(path, settings, run)
        self._events.append(SequenceChanged(None, running=True))
        self._say(f"Matching all of {path.name} …")

    def stop_sequence(self) -> None:
        """End the match of a sequence with what it has; asked for again, it goes on from there."""
        self._sequencer.stop()

    def export_sequence(self, path: Path) -> None:
        """Write the sequence, smoothed, as .csv, .mid or .wav; a message says when it is done.

        Raises
        ------
        ArgumentError
            If there is none, or the ending is another.
        """
        check_ending(path)
        sequence = self._found_sequence()
        frozen = MatchedSequence(sequence.sound, sequence.settings, list(sequence.moments))
        export = self._exporter.submit(export_sequence, path, frozen, self.sequence_smoothing)
        self._exports.append((path, export))

    # ------------------------------------------------------------------ playing

    @property
    def automation_playing(self) -> bool:
        """Whether the sequence moves the parameters."""
        return self._automation is not None

    @property
    def automation_position(self) -> float:
        """Where in the original the sequence is, or would go on, s."""
        if self._automation is None:
            return self._stood_at
        return time.perf_counter() - self._zero

    def play_automation(self) -> None:
        """Play what was found so far, from where it stood; a knob that is moved stays in the hand.

        Raises
        ------
        ArgumentError
            If nothing was found yet, or another instrument than the chirplet plays.
        """
        sequence = self._found_sequence()
        if self.instrument != "chirplet":
            raise ArgumentError(
                f"A sequence is of the chirplet, and the {self.instrument} plays; choose the "
                "chirplet first."
            )
        moments = smoothed(sequence, self.sequence_smoothing)
        self._automation = automation_of(moments, sequence.sound.duration)
        self._touched.clear()
        self._before_automation = {id_: self.values[id_] for id_ in GIVEN}
        if self._stood_at >= sequence.sound.duration:
            self._stood_at = 0.0
        if self._playing:
            self._audio.keys.push(EventKind.STOP)
        self._begin_at(self._stood_at)
        self._move(GIVEN)

    def stop_automation(self) -> None:
        """Let go of the parameters, and fade out; :meth:`play_automation` goes on from here."""
        if self._automation is None:
            return
        self._stood_at = max(self.automation_position, 0.0)
        self._automation = None
        self._move(self._before_automation)
        self._set_playing(False)
        self._events.append(AutomationMoved(playing=False, position=self._stood_at))

    def seek_automation(self, position: float) -> None:
        """Go to a second of the original."""
        self._stood_at = max(position, 0.0)
        if self._automation is not None:
            self._audio.keys.push(EventKind.STOP)
            self._begin_at(self._stood_at)
        self._events.append(AutomationMoved(self.automation_playing, self._stood_at))

    def smooth_sequence(self, seconds: float) -> None:
        """Smooth what is played and written; what plays, plays on from where it is."""
        self.sequence_smoothing = seconds
        if self._automation is not None and self.sequence is not None:
            moments = smoothed(self.sequence, seconds)
            self._automation = automation_of(moments, self.sequence.sound.duration)

    def set_parameters(self, values: Mapping[str, float], source: Source = "user") -> None:
        """Move live parameters, as in every part; what a hand moves, a sequence leaves alone."""
        if self._automation is not None and source in ("user", "midi"):
            new = {id_ for id_ in values if id_ in self._automation.ids} - self._touched
            if new:
                self._touched |= new
                names = ", ".join(self.parameters[id_].name for id_ in sorted(new))
                self._say(f"You took over {names}; the sequence moves the rest.")
        super().set_parameters(values, source)

    # ------------------------------------------------------------------ as time goes by

    def _poll_automation(self) -> None:
        self._hear_sequence()
        self._hear_exports()
        if self._automation is not None:
            self._play_on(self._automation)

    def _close_automation(self) -> None:
        self._sequencer.close()
        self._exporter.shutdown(wait=False, cancel_futures=True)

    def _play_on(self, automation: Automation) -> None:
        stopped = self._started and not self._playing  # by the transport, or in a panic
        if stopped or self.instrument != "chirplet":
            self.stop_automation()
            return
        position = self.automation_position
        if position > automation.duration + _TAIL:
            if not self.automation_loops:
                self.stop_automation()
                self._stood_at = 0.0
                return
            self._begin_at(0.0)
            position = 0.0
        self._tell(automation, position)
        moved = automation.at(self.automation_position)
        self._move({id_: value for id_, value in moved.items() if id_ not in self._touched})
        self._events.append(AutomationMoved(playing=True, position=max(position, 0.0)))

    def _tell(self, automation: Automation, position: float) -> None:
        """Tell the instrument of the starts that are next, each with its time."""
        until = position + _AHEAD
        for at, kind in automation.between(self._told_until, until):
            if self._playing:
                self._audio.keys.push(kind, stamp=self._zero + at)
            elif kind == EventKind.START:
                # The transport's start is one of its own: time is counted from there.
                self._move(automation.at(at))
                self._set_playing(True)
                self._zero = time.perf_counter() - at
        self._started = self._started or self._playing
        self._told_until = max(until, self._told_until)

    def _begin_at(self, position: float) -> None:
        self._zero = time.perf_counter() - position
        self._told_until = position
        self._started = self._playing

    def _move(self, values: Mapping[str, float]) -> None:
        """Move parameters; the pictures follow now and then."""
        known = {id_: value for id_, value in values.items() if id_ in self.parameters}
        moved = self.parameters.complete({**self.values, **known})
        if moved == self.values:
            return
        self.values = moved
        self._audio.set_values(self._rack.vector(self.values))
        self._events.append(ParametersChanged(dict(self.values), "match"))
        now = time.perf_counter()
        if now - self._drawn_at > _PICTURES:
            self._drawn_at = now
            self._push_values()

    def _hear_sequence(self) -> None:
        for news in self._sequencer.poll():
            match news:
                case Began(sound, moments):
                    self.sequence = MatchedSequence(sound, self._sequence_settings, list(moments))
                    self._events.append(SequenceChanged(self.sequence, running=True))
                case Heard(moment):
                    if self.sequence is not None:
                        self.sequence.moments.append(moment)
                        self._events.append(SequenceChanged(self.sequence, running=True))
                case Done(trouble):
                    self._events.append(SequenceChanged(self.sequence, running=False))
                    self._tell_end(trouble)

    def _tell_end(self, trouble: str) -> None:
        if trouble:
            self._say(trouble, "error")
        elif self.sequence is not None:
            name, found = self.sequence.sound.name, len(smoothed(self.sequence))
            how = "Matched" if self.sequence.finished else "Stopped in"
            self._say(f"{how} {name}: {found} arpeggios.", "info" if found else "warning")

    def _hear_exports(self) -> None:
        for path, export in [each for each in self._exports if each[1].done()]:
            self._exports.remove((path, export))
            try:
                export.result()
            except MesosynthError as error:
                self._say(str(error), "error")
            else:
                self._say(f"Wrote {path}.")

    def _found_sequence(self) -> MatchedSequence:
        if self.sequence is None or not any(moment.found for moment in self.sequence.moments):
            raise ArgumentError("There is no sequence to play; match a long sound as one first.")
        return self.sequence
