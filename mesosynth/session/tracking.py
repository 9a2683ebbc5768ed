"""Tracking: the input drives the sound, by a process that estimates theta from it."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from mesosynth.engine.process import AudioProcess
from mesosynth.errors import ArgumentError
from mesosynth.matching.jobs import tracking_jobs
from mesosynth.matching.results import TRACKING, TrackedTheta, TrackingPhase
from mesosynth.session.capture import AudioInput
from mesosynth.session.match import Match
from mesosynth.session.rack import Rack
from mesosynth.session.signals import Emitter, Messages, Signal
from mesosynth.session.sound import Sound
from mesosynth.system.jobs import Failed, Job, Restarted, Stepped
from mesosynth.units import SILENCE_DB

_DEAF = 2.0  # s of polling without a sample, after which the input counts as gone
_POLL = 0.1  # s between two polls at most; in a longer gap the machine stood still
_REPORT = 0.12  # s between two reports for display; theta moves more often
_DRAW = 0.5  # s between two pictures of a moving sound
SURE = 0.1
"""Least confidence for driving the sound; for recordings it is often low."""


@dataclass(frozen=True, slots=True)
class TrackingState:
    """State of the tracking, and the newest estimate.

    Attributes
    ----------
    running : bool
    hearing : {"listening", "following", "silent"}
        Whether theta is searched for, is tracked, or the input is silent.
    theta : dict
        The estimate by id, predicted for now; empty until it is found.
    confidence : float
        0 (a guess) to 1 (certain).
    lag : float
        Age of the estimate, s: from the centre of the analysed sound, with the input's latency.
    level : float
        Of the input, dBFS.
    frozen : bool
        Whether the sound stays as it is.
    """

    running: bool
    hearing: TrackingPhase = "listening"
    theta: dict[str, float] = field(default_factory=dict[str, float])
    confidence: float = 0.0
    lag: float = 0.0
    level: float = SILENCE_DB
    frozen: bool = False


class Tracking:
    """Connects the input with the tracking process, and its estimate with the sound."""

    changed = Signal(TrackingState)
    """At the start, at the end, and about eight times a second in between."""

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
        self._jobs = tracking_jobs()
        self._job: Job | None = None
        self._frozen = False
        self._instrument = ""
        self._tracked: tuple[str, ...] = ()  # ids
        self._held: dict[str, float] = {}  # the process's values of theta that is not tracked
        self._rate = 0  # of the input, Hz
        self._written = 0  # samples of the input at the last look,
        self._looked_at = self._deaf = 0.0  # its time, and the time without new ones, s
        self._reported_at = self._drawn_at = 0.0

    @property
    def running(self) -> bool:
        """Whether the input is tracked."""
        return self._job is not None

    @property
    def frozen(self) -> bool:
        """Whether the sound stays as it is during tracking."""
        return self._frozen

    @property
    def pid(self) -> int | None:
        """Process number of the tracking process; None while there is none."""
        return self._jobs.pid

    def start(self) -> None:
        """Let the input drive the unknowns of the match settings.

        It takes some seconds until the process has started and found a start.

        Raises
        ------
        ArgumentError
            If the present instrument cannot be matched, or a match drives the sound.
        DeviceError
            If there is no input.
        WorkerError
            If the audio process does not answer.
        """
        if self._job is not None:
            return
        instrument = self._rack.instrument
        if instrument not in TRACKING:
            raise ArgumentError(
                f"The {instrument} cannot track a sound; choose {' or '.join(TRACKING)}."
            )
        if self._match.running:
            raise ArgumentError("A match drives the sound; stop it before the input is tracked.")
        self._rate = self._input.open()
        self._frozen = False
        self._looked_at, self._deaf = time.monotonic(), 0.0
        self._begin()
        self._emit(self.changed, TrackingState(running=True))

    def stop(self) -> None:
        """End tracking; the sound stays as it is."""
        if self._job is None:
            return
        self._jobs.close()
        self._job, self._frozen = None, False
        self._input.close()
        self._sound.set({}, "match")  # draws the last sound
        self._emit(self.changed, TrackingState(running=False))

    def freeze(self, frozen: bool) -> None:
        """Freeze the sound during tracking, or let it go on.

        Raises
        ------
        ArgumentError
            If nothing is tracked.
        """
        if self._job is None:
            raise ArgumentError("Nothing is tracked that could be frozen; track the input first.")
        self._frozen = frozen

    def give_way(self) -> None:
        """End tracking for a match, which drives the sound."""
        if self._job is not None:
            self.stop()
            self._messages.say("The match drives the sound now; the input is no longer tracked.")

    def _begin(self) -> None:
        """Track the part of theta that a match would look for."""
        theta = self._rack.instrument_plugin.parameters.matchable
        wanted = tuple(id_ for id_ in theta if id_ in self._match.settings.unknowns)
        self._instrument, self._tracked = self._rack.instrument, wanted or theta
        values = {id_: self._sound.values[id_] for id_ in theta}
        self._held = self._theta_held()
        self._jobs.cancel("tracking")
        self._job = self._jobs.begin(
            "tracking", self._instrument, self._tracked, values, self._audio.recording, self._rate
        )

    def _theta_held(self) -> dict[str, float]:
        theta = self._rack.instrument_plugin.parameters.matchable
        return {id_: self._sound.values[id_] for id_ in theta if id_ not in self._tracked}

    def poll(self) -> None:
        """Move the sound to the newest estimate."""
        job = self._job
        if job is None:
            return
        if self._input_is_gone():
            self.stop()
            text = "The input has gone; the last sound is held. Track it again when it is back."
            self._messages.say(text, "warning")
        elif self._rack.instrument != self._instrument:
            self._change_instrument()
        else:
            held = self._theta_held()
            if held != self._held:
                self._held = held
                job.send(held)
            self._hear()

    def _hear(self) -> None:
        newest: TrackedTheta | None = None
        for _, event in self._jobs.poll():
            match event:
                case Stepped(estimate):
                    newest = estimate
                case Restarted():
                    self._begin()  # from where theta is now
                    text = "The follower had ended and was started again."
                    self._messages.say(text, "warning")
                case Failed(text):
                    self.stop()
                    self._messages.say(text, "error")
                    return
                case _:
                    pass
        if newest is not None:
            self._take(newest)

    def _input_is_gone(self) -> bool:
        written, now = self._audio.recording.written, time.monotonic()
        self._deaf += min(now - self._looked_at, _POLL)
        if written != self._written:
            self._written, self._deaf = written, 0.0
        self._looked_at = now
        return self._deaf > _DEAF

    def _change_instrument(self) -> None:
        """Track with the present instrument, if it can be matched."""
        if self._rack.instrument in TRACKING:
            self._begin()
        else:
            self.stop()
            text = f"The {self._rack.instrument} cannot follow a sound; following ends."
            self._messages.say(text, "warning")

    def _take(self, estimate: TrackedTheta) -> None:
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
        """Move theta at once; a picture for each move would take all of the matcher's time."""
        now = time.monotonic()
        draw = now - self._drawn_at > _DRAW
        if draw:
            self._drawn_at = now
        self._sound.set(theta, "match", draw=draw)
