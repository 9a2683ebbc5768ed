"""Match of the target, which drives the sound."""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Literal

import msgspec

from mesosynth.audio.target import Target
from mesosynth.errors import ArgumentError, MatchFileError, TargetError
from mesosynth.instruments.chirplet import sweep_seconds
from mesosynth.instruments.layers import LAYER_IDS
from mesosynth.matching.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from mesosynth.matching.results import (
    MATCHABLE,
    PICTURE_RATES,
    STATIONARY,
    Attribution,
    Guess,
    LayersSettings,
    Magnified,
    MatchResult,
    MatchSettings,
    MatchStep,
    Section,
)
from mesosynth.presets.matched import match_record, matched_preset
from mesosynth.presets.preset import MatchRecord
from mesosynth.session.rack import Rack
from mesosynth.session.signals import Emitter, Messages, Signal
from mesosynth.session.sound import Sound, Source
from mesosynth.session.target import CurrentTarget
from mesosynth.system.jobs import Done, Failed, Job, JobEvent, Jobs, Paused, Stepped
from mesosynth.system.steps import Evaluation


@dataclass(frozen=True, slots=True)
class Wanted:
    """A match that begins as soon as its target is read.

    Attributes
    ----------
    begin : callable
        Starts it; with True it is paused at once.
    paused : bool
    layers : bool
        Whether it is one with layers.
    """

    begin: Callable[[bool], None]
    paused: bool = False
    layers: bool = False


class Match:
    """Starts, pauses and ends matches; plays their steps, their result and its candidates.

    Attributes
    ----------
    settings : MatchSettings
        Of the next match.
    result : MatchResult or None
        Of the last match of this target with a result.
    guess : Guess or None
        By the encoder of the instrument, as soon as a target is there; None without an encoder.
    instrument : str
        Instrument of the match: the present one, or the last one that can be matched.
    picture_rate : int
        Sample rate at which sounds are drawn, Hz; see :meth:`draw_at`.
    wanted : Wanted or None
        A match that waits.
    on_want : tuple of callable
        Called when a match is asked for.
    on_layers_cancelled : tuple of callable
        Called when a match with layers ends before it has a result.
    on_layers_loaded : tuple of callable
        Called with the checkpoint of a match with layers that is taken up from a file, and whether
        it stands still.
    """

    started = Signal()
    stepped = Signal(MatchStep)
    ended = Signal(object)
    """A MatchResult, or None without a result."""
    judged = Signal(MatchResult)
    """The result, with the similarity of one more of its candidates."""
    forgotten = Signal()
    """What was found is of no use any more: the target, or the instrument, is another one."""
    paused = Signal()
    """A match, with or without layers, is paused until :meth:`resume` or :meth:`stop`."""
    resumed = Signal()
    follow_changed = Signal(bool)
    guessed = Signal(object)
    """The instant :class:`Guess` of a new target, at once and again with its loss, or None."""
    attributed = Signal(Attribution)
    """Coefficients that would drive a match from here, after :meth:`attribute`."""
    magnified = Signal(Magnified)
    """A section of the scalograms, after :meth:`magnify`."""

    def __init__(
        self,
        emit: Emitter,
        messages: Messages,
        jobs: Jobs,
        sound: Sound,
        rack: Rack,
        target: CurrentTarget,
    ) -> None:
        self.settings = MatchSettings()
        self.result: MatchResult | None = None
        self.guess: Guess | None = None
        self.instrument = rack.instrument
        self.wanted: Wanted | None = None
        self.on_want: tuple[Callable[[], None], ...] = ()
        self.on_layers_cancelled: tuple[Callable[[], None], ...] = ()
        self.on_layers_loaded: tuple[Callable[[Checkpoint, bool], None], ...] = ()
        self._emit, self._messages, self._jobs = emit, messages, jobs
        self._sound, self._rack, self._target = sound, rack, target
        self._follow = True
        self.picture_rate = PICTURE_RATES[0]
        self._job: Job | None = None  # the last match of this target, with layers or without
        self._checkpoint: Checkpoint | None = None  # of it, without its steps
        self._finished = False  # whether it has come to its end by itself
        self._best_loss = math.inf
        self._before: dict[str, float] = {}  # theta before the match
        self._alone = False  # whether the match has played without effects since the last preset

    @property
    def running(self) -> bool:
        """Whether a match, with or without layers, runs, is paused, or waits."""
        return self.wanted is not None or (self._job is not None and self._job.running)

    @property
    def running_layers(self) -> bool:
        """Whether a match with layers runs, is paused, or waits."""
        if self.wanted is not None:
            return self.wanted.layers
        return self._job is not None and self._job.running and self._job.name == "layers"

    @property
    def is_layered(self) -> bool:
        """Whether the last match of this target was one with layers."""
        return self._job is not None and self._job.name == "layers"

    @property
    def is_paused(self) -> bool:
        """Whether the match is paused, or will be in a moment."""
        if self.wanted is not None:
            return self.wanted.paused
        return self._job is not None and self._job.running and self._job.paused

    @property
    def follow(self) -> bool:
        """Whether the match drives the sound."""
        return self._follow

    @follow.setter
    def follow(self, follow: bool) -> None:
        if follow != self._follow:
            self._follow = follow
            self._emit(self.follow_changed, follow)

    @property
    def target_name(self) -> str:
        """Name of the target that was matched; "" without a result."""
        target = self._target.sound
        return "" if self.result is None or target is None else target.name

    @property
    def pid(self) -> int | None:
        """Process number of the matcher."""
        return self._jobs.pid

    def start(self) -> None:
        """Match the target by :attr:`settings`; a running match is replaced.

        Parameters that are not unknowns of the settings stay at their live values.

        Raises
        ------
        TargetError
            If there is no target.
        """
        self.want(Wanted(partial(self._begin, None, ())))

    def stop(self) -> None:
        """End the match with the best theta so far."""
        self.wanted = None
        if self._job is not None:
            self._job.stop()

    def pause(self) -> None:
        """Pause the match; :attr:`paused` follows, or :attr:`ended`."""
        if self.wanted is not None:
            self.wanted = replace(self.wanted, paused=True)
        elif self._job is not None and self._job.running:
            self._job.pause()

    def resume(self) -> None:
        """Resume a paused match, with the same results as without the pause."""
        if not self.is_paused:
            return
        if self.wanted is not None:
            self.wanted = replace(self.wanted, paused=False)
        elif self._job is not None:
            self._job.resume()
        self._emit(self.resumed)

    def save(self, path: Path) -> None:
        """Write the present or last match to a file, with its target.

        Raises
        ------
        ArgumentError
            If there was no match of this target.
        MatchFileError
            If it cannot be written; the old file stays.
        """
        if self._job is None or self._checkpoint is None or not self._job.evaluations:
            raise ArgumentError("There is no match to save; match a sound first.")
        steps, finished = tuple(self._job.evaluations), self._finished
        so_far = msgspec.structs.replace(self._checkpoint, steps=steps, finished=finished)
        save_checkpoint(path, so_far)
        self._messages.say(f"Saved the match as {path.name}.")

    def load(self, path: Path) -> None:
        """Restore a match from a file: its target, its settings, and its steps so far.

        The steps are emitted again, and then :attr:`paused`, or :attr:`ended` if it had ended.
        :meth:`resume` continues it.

        Raises
        ------
        MatchFileError
            If it is not a match, or one of another instrument; everything stays as it is.
        """
        saved = load_checkpoint(path, "match", "layers")
        target, settings = saved.target, saved.settings
        assert isinstance(target, Target)
        paused = not saved.finished
        if isinstance(settings, MatchSettings):
            if saved.instrument != self.instrument:
                raise MatchFileError(
                    f"{path} matches the {saved.instrument}, and {self._rack.plays}; "
                    f"choose the {saved.instrument} first."
                )
            self.settings = settings
        self.wanted = None
        self._target.take(target)
        if isinstance(settings, MatchSettings):
            begin = partial(self._begin, settings, saved.evaluations)
            self.want(Wanted(begin, paused))
        else:
            for react in self.on_layers_loaded:
                react(saved, paused)
        if self._checkpoint is not None:  # of the match that has just begun
            self._checkpoint = msgspec.structs.replace(self._checkpoint, extra=saved.extra)

    def apply(self, place: int = 0) -> None:
        """Play a candidate of the last match, with the instrument of the match.

        Parameters
        ----------
        place : int, default 0
            Index in `result.candidates`; 0 for the best, the result itself.

        Raises
        ------
        ArgumentError
            If there is none.
        """
        thetas = [] if self.result is None else [one.theta for one in self.result.candidates]
        if self.result is not None:
            thetas[:1] = [self.result.theta]
        if not 0 <= place < len(thetas):
            raise ArgumentError(f"place={place} is no candidate; there are {len(thetas)}.")
        if self.running:
            self.follow = False
        self._play(thetas[place])

    def apply_guess(self) -> None:
        """Play the instant guess, with the instrument of the match.

        Raises
        ------
        ArgumentError
            If there is none.
        """
        if self.guess is None:
            raise ArgumentError(
                "There is no guess; open a sound, with an instrument that has an encoder."
            )
        if self.running:
            self.follow = False
        self._play(self.guess.theta)

    def morph(self, amount: float) -> None:
        """Play a mixture of the sound before the match (0) and its result (1).

        Each parameter moves along its knob's curve: a frequency in octaves, a level in decibels.

        Raises
        ------
        ArgumentError
            If nothing was matched, or `amount` is not in 0 to 1.
        """
        if self.result is None or not self._before:
            raise ArgumentError("There is no match to morph to; match a sound first.")
        if not 0.0 <= amount <= 1.0:
            raise ArgumentError(f"amount={amount} must be 0 (before the match) to 1 (the match).")
        table = MATCHABLE[self.instrument]
        mixture: dict[str, float] = {}
        for id_, after in self.result.theta.items():
            before, parameter = self._before[id_], table[id_]
            start, end = parameter.to_unit(before), parameter.to_unit(after)
            mixture[id_] = parameter.from_unit(start + amount * (end - start))
        exact = {0.0: self._before, 1.0: self.result.theta}.get(amount, mixture)
        self._play({id_: exact[id_] for id_ in mixture})

    def _play(self, theta: Mapping[str, float]) -> None:
        """Play theta with the instrument of the match.

        It plays alone, except with effects that were switched on since that was so first: these are
        the user's wish.
        """
        if self._alone and self._rack.instrument == self.instrument:
            self._sound.set(theta, "match")
        else:
            self._rack.play_alone(self.instrument, theta)
            self._alone = True

    def attribute(self) -> None:
        """Request the coefficients that would drive a match from here; :attr:`attributed` follows.

        Raises
        ------
        ArgumentError
            If the present instrument is not that of the match.
        """
        self.check_instrument()
        if self._target.sound is not None:
            unknowns = self.settings.unknowns
            self._jobs.begin(
                "attribution", self._target.sound, self.instrument, self.theta(), unknowns
            )

    def drives(self, ids: Iterable[str]) -> bool:
        """Whether a running match moves one of these parameters."""
        if not self.running or not self._follow:
            return False
        if not self.running_layers:
            return bool(set(ids) & set(self._sound.parameters.matchable))
        own = {id_.rpartition("_")[0] for id_ in ids}
        return self._rack.instrument == "layers" and bool(own & set(LAYER_IDS))

    def check_instrument(self) -> None:
        """Raise unless the present instrument is that of the match.

        Raises
        ------
        ArgumentError
            The message names both.
        """
        if self._rack.instrument != self.instrument:
            raise ArgumentError(
                f"The match is of the {self.instrument}, and {self._rack.plays}; "
                f"choose the {self.instrument} first."
            )

    def theta(self) -> dict[str, float]:
        """Live theta; empty if the present instrument is not that of the match."""
        if self._rack.instrument != self.instrument:
            return {}
        matchable = self._rack.instrument_plugin.parameters.matchable
        return {id_: self._sound.values[id_] for id_ in matchable}

    def onset(self) -> float | None:
        """Start of the instrument in time with the target, s in its recording, if known."""
        result, target, values = self.result, self._target.sound, self._sound.values
        instrument = self._rack.instrument
        if result is None or target is None or instrument != self.instrument:
            return None
        if instrument in STATIONARY:
            return None
        window = 0.0
        if instrument == "chirplet":
            window = sweep_seconds(values["w"], values["gamma"])  # s; its middle is the onset
        # Its first event comes after the delay that is in its state.
        delay = float(self._rack.state.get("delay", 0.0))
        return result.onset - target.recording.start - 0.5 * window - delay

    def record(self) -> MatchRecord | None:
        """Record of the match for a preset; None if the sound has changed since."""
        result, target, values = self.result, self._target.sound, self._sound.values
        if result is None or target is None or self._rack.instrument != self.instrument:
            return None
        table = self._sound.parameters
        if any(values[id_] != table[id_].clamp(value) for id_, value in result.theta.items()):
            return None
        return match_record(result, target.name, target.sha256, result.similarity)

    def draw(self, _values: Mapping[str, float], source: Source, draw: bool) -> None:
        """Request pictures of the sound after a change of its parameters.

        Parameters
        ----------
        _values
            Of the change, not used.
        source : {"user", "preset", "match", "midi"}
        draw : bool
            Whether pictures are wanted.
        """
        if source == "preset":
            self._alone = False
        if draw and self._rack.instrument == self.instrument:
            values = dict(self._sound.instrument_values)
            effects, state = self._rack.preset_effects, self._rack.state
            target = self._target.sound
            rate = self.picture_rate
            self._jobs.begin("sound picture", values, self.instrument, target, effects, state, rate)

    def magnify(self, section: Section) -> None:
        """Request a section of the scalograms of target and sound; :attr:`magnified` follows."""
        plays = self._rack.instrument == self.instrument
        values = dict(self._sound.instrument_values) if plays else None
        target, rate = self._target.sound, self.picture_rate
        self._jobs.begin("finer picture", values, self.instrument, target, section, rate)

    def draw_at(self, rate: int) -> None:
        """Draw the target and all sounds at another sample rate, Hz, one of PICTURE_RATES."""
        self.picture_rate = rate
        if self._target.sound is not None:
            self._jobs.begin("target picture", self._target.sound, self.instrument, rate)
        self._sound.set({})

    def aim(self) -> None:
        """Change to the present instrument, if it can be matched."""
        instrument = self._rack.instrument
        if instrument == self.instrument or instrument not in MATCHABLE:
            return
        self._forget()
        for name in ("sound picture", "layers picture", "finer picture", "attribution"):
            self._jobs.cancel(name)
        self.instrument = instrument
        unknowns = MATCHABLE[instrument].matchable
        self.settings = replace(self.settings, unknowns=unknowns, pinned={}, start=None)
        if self._target.sound is not None:
            self._jobs.begin("guess", self._target.sound, instrument)

    def take_target(self, target: Target) -> None:
        """End the match of the old target, and start the one that waited for this one."""
        self._forget()
        self._jobs.begin("guess", target, self.instrument)
        self._jobs.begin("target picture", target, self.instrument, self.picture_rate)
        self._begin_wanted()

    def forget_wanted(self) -> None:
        """Drop the waiting match, since its target cannot be read."""
        self.wanted = None

    def want(self, wanted: Wanted) -> None:
        """Start a match as soon as possible, in place of the present one.

        Raises
        ------
        TargetError
            If there is no target.
        """
        if self._target.sound is None and not self._target.reading:
            raise TargetError("There is no target to match; open or record a sound first.")
        for react in self.on_want:
            react()
        self._cancel()
        self.wanted = wanted
        self._begin_wanted()

    def _begin_wanted(self) -> None:
        """Begin the match that waits, if its target has been read."""
        wanted = self.wanted
        if wanted is not None and not self._target.reading:
            self.wanted = None
            wanted.begin(wanted.paused)

    def _cancel(self) -> None:
        """End the match that runs, whatever it has."""
        if self._job is None or not self._job.running:
            return
        self._job.cancel()
        if self._job.name == "match":
            self._emit(self.ended, None)
        else:
            for react in self.on_layers_cancelled:
                react()

    def _forget(self) -> None:
        """End the match that runs, and forget what was found: it is of no use any more."""
        self._cancel()
        for name in ("scores", "guess"):
            self._jobs.cancel(name)
        self._job = self._checkpoint = self.result = self.guess = None
        self._emit(self.forgotten)

    def _begin(
        self, settings: MatchSettings | None, evaluations: Iterable[Evaluation], paused: bool
    ) -> None:
        self._best_loss = math.inf
        self._before = self.theta() or MATCHABLE[self.instrument].defaults()
        self._alone = False
        settings = settings or self._pinned_settings()
        self.begin_job("match", settings, (self.instrument, settings), evaluations, paused)
        self._emit(self.started)

    def begin_job(
        self,
        name: Literal["match", "layers"],
        settings: MatchSettings | LayersSettings,
        args: tuple[object, ...],
        evaluations: Iterable[Evaluation] = (),
        paused: bool = False,
    ) -> None:
        """Begin a match of the target, in the place of the one that runs.

        Parameters
        ----------
        name : {"match", "layers"}
        settings : MatchSettings or LayersSettings
        args : tuple
            Of the job, after the target.
        evaluations : iterable of Evaluation
            Of an earlier run of it.
        paused : bool
            Whether it stands still once it is where these lead.
        """
        target = self._target.sound
        assert target is not None
        if self._job is not None and self._job.running:
            self._job.cancel()
        self._jobs.cancel("scores")
        self._finished = False
        self._checkpoint = Checkpoint(name, settings, target, self.instrument)
        self._job = self._jobs.begin(name, target, *args, evaluations=evaluations, paused=paused)

    def _pinned_settings(self) -> MatchSettings:
        """Settings with the live values of all parameters that are not unknowns."""
        known = MATCHABLE[self.instrument].matchable
        # They may be older than the choice of instrument.
        unknowns = tuple(id_ for id_ in self.settings.unknowns if id_ in known) or known
        live = {id_: value for id_, value in self.theta().items() if id_ not in unknowns}
        pinned = {**self.settings.pinned, **live}
        return replace(self.settings, unknowns=unknowns, pinned=pinned)

    # ------------------------------------------------------------------ from the jobs

    def take(self, job: Job, event: JobEvent) -> None:
        """Process an event of a match, of scores, of attribution, or of a picture.

        Parameters
        ----------
        job : Job
        event : JobEvent
        """
        match job.name, event:
            case "guess", (Stepped(guess) | Done(guess)):
                self.guess = guess
                self._emit(self.guessed, guess)
            case "target picture", Done(picture):
                self._emit(self._target.analysed, picture, newest="")
            case "sound picture", Done(picture):
                self._emit(self._sound.analysed, picture, newest="")
            case "finer picture", Done(magnified):
                self._emit(self.magnified, magnified)
            case "attribution", Done(attribution):
                self._emit(self.attributed, attribution)
            case "scores", Stepped((place, scores)) if self.result is not None:
                self.result = self.result.judged(place, scores)
                self._emit(self.judged, self.result)
            case (("match" | "layers"), Paused()):
                self._emit(self.paused)
            case "match", Stepped(step):
                self._take_step(step)
            case "match", (Done() | Failed()):
                self._take_end(event)
            case "layers", Done():
                self._finished = not event.stopped
            case _:
                pass

    def _take_end(self, event: Done | Failed) -> None:
        result: MatchResult | None = None
        if isinstance(event, Done):
            self._finished, result = not event.stopped, event.result
        if result is not None:
            self._jobs.begin("scores", self._target.sound, self.instrument, result)
        self._end(result)

    def _take_step(self, step: MatchStep) -> None:
        self._emit(self.stepped, step)
        if step.loss <= self._best_loss:  # worse starts are not played
            self._best_loss = step.loss
            self._drive(step.theta)

    def _end(self, result: MatchResult | None) -> None:
        if result is not None:
            self.result = result
            self._drive(result.theta)
            self._repeat_with_recording(result)
            if result.remark:
                self._messages.say(result.remark, "warning")
        self._emit(self.ended, result)

    def _repeat_with_recording(self, result: MatchResult) -> None:
        """Begin with the recording, and repeat when it is over: what plays is what was matched."""
        target = self._target.sound
        if target is None or not self._follow or self._rack.instrument != self.instrument:
            return
        preset = matched_preset(
            result, target.name, target.sha256, self.instrument, recording=target.recording
        )
        if "period" in preset.values:
            self._sound.set({"period": preset.values["period"]}, "match")
            self._rack.set_state({**self._rack.state, **preset.state})

    def _drive(self, theta: Mapping[str, float]) -> None:
        if self._follow and self._rack.instrument == self.instrument:
            self._play(theta)
