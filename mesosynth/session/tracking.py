"""Tracking: the input drives the sound, by a process that estimates theta from it."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from mesosynth.engine.process import AudioProcess
from mesosynth.errors import ArgumentError
from mesosynth.matching.results import MATCHABLE, Followed, Hearing
from mesosynth.matching.tracking_process import FollowerProcess
from mesosynth.session.capture import AudioInput
from mesosynth.session.match import Match
from mesosynth.session.rack import Rack
from mesosynth.session.signals import Emitter, Messages, Signal
from mesosynth.session.sound import Sound
from mesosynth.units import SILENCE_DB

_DEAF = 1.0  # s without a sample after which the input counts as gone
_REPORT = 0.12  # s between two reports, which people read; theta moves more often
_DRAW = 0.5  # s between two pictures of a sound that moves all the time
SURE = 0.1
"""Confidence from which theta drives the sound; of recordings little is explained."""


@dataclass(frozen=True, slots=True)
class TrackingState:
    """Whether the input is tracked, and the newest estimate.

    Attributes
    ----------
    running : bool
    hearing : {"listening", "following", "silent"}
        Whether theta is still being looked for, is tracked, or there is nothing to hear.
    theta : dict
        The estimate, by id, as it should be now; empty until it is found.
    confidence : float
        0 (a guess) to 1 (as good as certain).
    lag : float
        Age of the estimate, s: from the middle of the sound that it is of, the input's latency
        included.
    level : float
        Of the input, dBFS.
    frozen : bool
        Whether the sound stays as it is all the same.
    """

    running: bool
    hearing: Hearing = "listening"
    theta: dict[str, float] = field(default_factory=dict[str, float])
    confidence: float = 0.0
    lag: float = 0.0
    level: float = SILENCE_DB
    frozen: bool = False


class Tracking:
    """Hands the input to the process that tracks it, and the estimate to the sound."""

    changed = Signal(TrackingState)
    """At the start, at the end, and some eight times a second in between."""

    def __init__(
        self,
        emit: Emitter,
        messages: Messages,
        audio: AudioProcess,
        audio_input: AudioInput,
        sound: Sound,
        rack: Rack,
        match: Match,
    ) -> None:
        self._emit, self._messages, self._audio = emit, messages, audio
        self._input, self._sound, self._rack, self._match = audio_input, sound, rack, match
        self._process: FollowerProcess | None = None
        self._frozen = False
        self._instrument = ""
        self._tracked: tuple[str, ...] = ()  # ids
        self._held: dict[str, float] = {}  # theta that is not tracked, as the process has it
        self._rate = 0  # of the input, Hz
        self._written = 0  # samples that had come from the input when it was last looked at,
        self._written_at = 0.0  # and when there were more than before
        self._reported_at = self._drawn_at = 0.0

    @property
    def running(self) -> bool:
        """Whether the input is tracked."""
        return self._process is not None

    @property
    def frozen(self) -> bool:
        """Whether the sound stays as it is while the input is tracked."""
        return self._frozen

    @property
    def pid(self) -> int | None:
        """Number of the process that tracks; None while there is none."""
        return None if self._process is None else self._process.pid

    def start(self) -> None:
        """Let the input drive theta, as far as a match may look for it.

        Some seconds go by until the process is there and knows where to begin.

        Raises
        ------
        ArgumentError
            If the instrument that plays cannot be matched, or a match drives the sound.
        DeviceError
            If there is no input.
        WorkerError
            If the audio process does not answer.
        """
        if self._process is not None:
            return
        instrument = self._rack.instrument
        if instrument not in MATCHABLE:
            raise ArgumentError(
                f"The {instrument} cannot follow a sound; choose {' or '.join(MATCHABLE)}."
            )
        if self._match.running:
            raise ArgumentError("A match drives the sound; stop it before the input is followed.")
        self._rate = self._input.open()
        self._frozen = False
        self._written, self._written_at = self._audio.recording.written, time.monotonic()
        self._start_process()
        self._emit(self.changed, TrackingState(running=True))

    def stop(self) -> None:
        """End it; the sound stays as it is."""
        if self._process is None:
            return
        self._process.close()
        self._process, self._frozen = None, False
        self._input.close()
        self._sound.set({}, "match")  # draws where it ended
        self._emit(self.changed, TrackingState(running=False))

    def freeze(self, frozen: bool) -> None:
        """Let the sound stay as it is while the input goes on being heard, or let it go on.

        Raises
        ------
        ArgumentError
            If nothing is tracked.
        """
        if self._process is None:
            raise ArgumentError("Nothing is followed that could be frozen; follow the input first.")
        self._frozen = frozen

    def give_way(self) -> None:
        """End it, for a match begins: two cannot drive one sound."""
        if self._process is not None:
            self.stop()
            self._messages.say("The match drives the sound now; the input is no longer followed.")

    def _start_process(self) -> None:
        """Start the process; it tracks the part of theta that a match would look for."""
        theta = self._rack.instrument_plugin.parameters.matchable
        wanted = tuple(id_ for id_ in theta if id_ in self._match.settings.unknowns)
        self._instrument, self._tracked = self._rack.instrument, wanted or theta
        values = {id_: self._sound.values[id_] for id_ in theta}
        self._held = self._theta_held()
        self._process = FollowerProcess(
            self._instrument, self._tracked, values, self._audio.recording, self._rate
        )

    def _theta_held(self) -> dict[str, float]:
        theta = self._rack.instrument_plugin.parameters.matchable
        return {id_: self._sound.values[id_] for id_ in theta if id_ not in self._tracked}

    # ------------------------------------------------------------------ from the process

    def poll(self) -> None:
        """Move the sound to the newest estimate."""
        process = self._process
        if process is None:
            return
        if self._input_is_gone():
            self.stop()
            text = "The input has gone; the last sound is held. Follow again when it is back."
            self._messages.say(text, "warning")
        elif self._rack.instrument != self._instrument:
            self._change_instrument(process)
        elif not process.alive:
            process.close()
            self._start_process()
            self._messages.say("The follower had ended and was started again.", "warning")
        else:
            held = self._theta_held()
            if held != self._held:
                self._held = held
                process.hold(held)
            estimate = process.poll()
            if estimate is not None:
                self._take(estimate)

    def _input_is_gone(self) -> bool:
        written, now = self._audio.recording.written, time.monotonic()
        if written != self._written:
            self._written, self._written_at = written, now
        return now - self._written_at > _DEAF

    def _change_instrument(self, process: FollowerProcess) -> None:
        """Track with the instrument that plays now, if it can be matched."""
        if self._rack.instrument in MATCHABLE:
            process.close()
            self._start_process()
        else:
            self.stop()
            text = f"The {self._rack.instrument} cannot follow a sound; following ends."
            self._messages.say(text, "warning")

    def _take(self, estimate: Followed) -> None:
        late = time.monotonic() - estimate.heard_at + self._audio.status().latency_in
        sure = estimate.hearing == "following" and estimate.confidence >= SURE
        if sure and not self._frozen:
            self._drive(estimate.theta)
        now = time.monotonic()
        if now - self._reported_at < _REPORT:
            return
        self._reported_at = now
        self._emit(
            self.changed,
            TrackingState(
                running=True,
                hearing=estimate.hearing,
                theta=dict(estimate.theta),
                confidence=estimate.confidence,
                lag=estimate.age + late,
                level=estimate.level,
                frozen=self._frozen,
            ),
        )

    def _drive(self, theta: Mapping[str, float]) -> None:
        """Move theta at once; a picture for each move would take the matcher's whole time."""
        now = time.monotonic()
        draw = now - self._drawn_at > _DRAW
        if draw:
            self._drawn_at = now
        self._sound.set(theta, "match", draw=draw)
