"""The match of the target, which drives the sound, and the matcher's process behind it."""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from mesosynth.audio.target import Target
from mesosynth.errors import ArgumentError, MatchFileError, TargetError
from mesosynth.instruments.layers import LAYER_IDS
from mesosynth.matching import checkpoint
from mesosynth.matching import requests as matcher
from mesosynth.matching.checkpoint import SavedMatch
from mesosynth.matching.evaluation_cache import Evaluation
from mesosynth.matching.process import MatcherProcess
from mesosynth.matching.requests import LayersJob
from mesosynth.matching.results import (
    MATCHABLE,
    Drivers,
    MatchResult,
    MatchSettings,
    MatchStep,
    Scores,
)
from mesosynth.presets.matched import match_record
from mesosynth.presets.preset import MatchRecord
from mesosynth.session.rack import Rack
from mesosynth.session.signals import Emitter, Messages, Signal
from mesosynth.session.sound import Sound, Source
from mesosynth.session.target import CurrentTarget


@dataclass(frozen=True, slots=True)
class Wanted:
    """A match that begins as soon as its target is read and the match before it has ended.

    Attributes
    ----------
    begin : callable
        Begins it; with True it stands still once it is there.
    paused : bool
    layers : LayersJob or None
        Of a match with layers.
    """

    begin: Callable[[bool], None]
    paused: bool = False
    layers: LayersJob | None = None


class Match:
    """Starts, pauses and ends matches; plays their steps, their result and its candidates.

    Attributes
    ----------
    settings : MatchSettings
        Of the next match.
    result : MatchResult or None
        Of the last match of this target that came to something.
    instrument : str
        The instrument that is matched: the one that plays, or the last one that can be matched.
    wanted : Wanted or None
        A match that waits.
    on_want : tuple of callable
        Called when a match is asked for.
    """

    started = Signal()
    stepped = Signal(MatchStep)
    ended = Signal(object)
    """A MatchResult, or None if it came to no theta at all."""
    judged = Signal(MatchResult)
    """The result, with how alike another of its candidates is to the target."""
    paused = Signal()
    """A match, with layers or without, stands still until :meth:`resume` or :meth:`stop`."""
    resumed = Signal()
    follow_changed = Signal(bool)
    attributed = Signal(Drivers)
    """Which coefficients would drive a match from here, after :meth:`attribute`."""

    def __init__(
        self,
        emit: Emitter,
        messages: Messages,
        process: MatcherProcess,
        sound: Sound,
        rack: Rack,
        target: CurrentTarget,
    ) -> None:
        self.settings = MatchSettings()
        self.result: MatchResult | None = None
        self.instrument = rack.instrument
        self.wanted: Wanted | None = None
        self.on_want: tuple[Callable[[], None], ...] = ()
        self._emit, self._messages, self._process = emit, messages, process
        self._sound, self._rack, self._target = sound, rack, target
        self._follow = True
        self._matched_target: Target | None = None  # of the match that runs or ran last
        self._best_loss = math.inf
        self._before: dict[str, float] = {}  # theta before the match

    @property
    def running(self) -> bool:
        """Whether a match, with layers or without, runs, stands still, or waits to begin."""
        return self._process.matching or self.wanted is not None

    @property
    def running_layers(self) -> LayersJob | None:
        """The match that runs, stands still or waits, if it is one with layers."""
        if self.wanted is not None:
            return self.wanted.layers
        return self._process.layers if self._process.matching else None

    @property
    def is_paused(self) -> bool:
        """Whether the match stands still, or will in a moment."""
        return self._process.paused if self.wanted is None else self.wanted.paused

    @property
    def is_stale(self) -> bool:
        """Whether the match that runs, or ran last, is not of this target and instrument."""
        return self._matched_target is not self._target.sound

    @property
    def matched_target(self) -> Target | None:
        """The target of the match that runs, or ran last."""
        return self._matched_target

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
    def pid(self) -> int | None:
        """Process number of the matcher."""
        return self._process.pid

    def start(self) -> None:
        """Match the target by :attr:`settings`, anew if a match runs.

        Parameters that the settings do not look for stay at their live values.

        Raises
        ------
        TargetError
            If there is no target.
        """
        self.want(Wanted(partial(self._begin, None, ())))

    def stop(self) -> None:
        """End the match with the best theta so far."""
        self.wanted = None
        if self._process.matching:
            self._process.stop_match()

    def pause(self) -> None:
        """Let the match stand still; :attr:`paused` follows, or :attr:`ended`."""
        if self.wanted is None:
            self._process.pause_match()
        else:
            self.wanted = replace(self.wanted, paused=True)

    def resume(self) -> None:
        """Let a match go on that stands still, as if it had never paused."""
        if not self.is_paused:
            return
        if self.wanted is None:
            self._process.resume_match()
        else:
            self.wanted = replace(self.wanted, paused=False)
        self._emit(self.resumed)

    def save(self, path: Path) -> None:
        """Write the match that runs, stands still or ended last, with its target.

        Raises
        ------
        ArgumentError
            If there was no match of this target.
        MatchFileError
            If it cannot be written; what the file held before stays.
        """
        process, target = self._process, self._target.sound
        if target is None or self.is_stale or not process.evaluations:
            raise ArgumentError("There is no match to save; match a sound first.")
        saved = SavedMatch(
            instrument=self.instrument,
            settings=process.settings,
            target=target,
            evaluations=tuple(process.evaluations),
            finished=process.finished,
        )
        checkpoint.save_match(path, saved)
        self._messages.say(f"Saved the match as {path.name}.")

    def load(self, path: Path) -> None:
        """Take a match up from a file: its target, its settings, its steps so far.

        They are told again, and then :attr:`paused` where it stood, or :attr:`ended` if it had
        come to its end. :meth:`resume` goes on.

        Raises
        ------
        MatchFileError
            If it is no match, or one of another instrument; everything stays as it is.
        """
        saved = checkpoint.load_match(path)
        if saved.instrument != self.instrument:
            raise MatchFileError(
                f"{path} matches the {saved.instrument}, and the {self._rack.instrument} plays; "
                f"choose the {saved.instrument} first."
            )
        self.wanted = None
        self.settings = saved.settings
        self._target.take(saved.target)
        begin = partial(self._begin, saved.settings, saved.evaluations)
        self.want(Wanted(begin, paused=not saved.finished))

    def apply(self, place: int) -> None:
        """Play a candidate of the last match: `result.candidates[place]`, 0 for the best.

        Raises
        ------
        ArgumentError
            If there is none.
        """
        candidates = self.result.candidates if self.result is not None else []
        if not 0 <= place < len(candidates):
            raise ArgumentError(f"place={place} is no candidate; there are {len(candidates)}.")
        self.check_instrument()
        self._sound.set(candidates[place].theta, "match")

    def morph(self, amount: float) -> None:
        """Play a mixture of the sound before the match (0) and its result (1).

        Each parameter goes its own way, as its knob would: a frequency in octaves, a level in
        decibels.

        Raises
        ------
        ArgumentError
            If nothing was matched, or `amount` is not in 0 to 1.
        """
        if self.result is None or not self._before:
            raise ArgumentError("There is no match to morph to; match a sound first.")
        if not 0.0 <= amount <= 1.0:
            raise ArgumentError(f"amount={amount} must be 0 (before the match) to 1 (the match).")
        self.check_instrument()
        table = self._sound.parameters
        mixture: dict[str, float] = {}
        for id_, after in self.result.theta.items():
            before, parameter = self._before[id_], table[id_]
            start, end = parameter.to_unit(before), parameter.to_unit(after)
            mixture[id_] = parameter.from_unit(start + amount * (end - start))
        exact = {0.0: self._before, 1.0: self.result.theta}.get(amount, mixture)
        self._sound.set({id_: exact[id_] for id_ in mixture}, "match")

    def attribute(self) -> None:
        """Ask which coefficients would drive a match from here; :attr:`attributed` follows.

        Raises
        ------
        ArgumentError
            If another instrument plays than is matched.
        """
        self.check_instrument()
        self._process.ask_drivers(self.theta(), self.settings.unknowns)

    def drives(self, ids: Iterable[str]) -> bool:
        """Whether a match that runs moves one of these parameters."""
        if not self.running or not self._follow:
            return False
        if self.running_layers is None:
            return bool(set(ids) & set(self._sound.parameters.matchable))
        own = {id_.rpartition("_")[0] for id_ in ids}
        return self._rack.instrument == "layers" and bool(own & set(LAYER_IDS))

    def check_instrument(self) -> None:
        """Raise unless the instrument that plays is the one that is matched.

        Raises
        ------
        ArgumentError
            Naming both.
        """
        if self._rack.instrument != self.instrument:
            raise ArgumentError(
                f"The match is of the {self.instrument}, and the {self._rack.instrument} plays; "
                f"choose the {self.instrument} first."
            )

    def theta(self) -> dict[str, float]:
        """Theta as it is heard now; empty while another instrument plays than is matched."""
        if self._rack.instrument != self.instrument:
            return {}
        matchable = self._rack.instrument_plugin.parameters.matchable
        return {id_: self._sound.values[id_] for id_ in matchable}

    def onset(self) -> float | None:
        """When the instrument begins that plays the target, s in its window, if it is known."""
        result, target, values = self.result, self._target.sound, self._sound.values
        if result is None or target is None or self._rack.instrument != "chirplet":
            return None  # a ripple has no beginning
        window = values["w"] / abs(values["gamma"])  # its middle is the onset
        return result.onset - target.start - 0.5 * window

    def record(self) -> MatchRecord | None:
        """What a preset keeps of the match; None once the sound has moved on."""
        result, target, values = self.result, self._target.sound, self._sound.values
        if result is None or target is None or self._rack.instrument != self.instrument:
            return None
        table = self._sound.parameters
        if any(values[id_] != table[id_].clamp(value) for id_, value in result.theta.items()):
            return None
        return match_record(result, target.name, target.sha256, result.similarity)

    # ------------------------------------------------------------------ what other parts cause

    def draw(self, _values: Mapping[str, float], _source: Source, draw: bool) -> None:
        """Have the sound drawn whose parameters have just moved."""
        if draw and self._rack.instrument == self.instrument:
            self._process.draw_sound(self._sound.instrument_values)

    def aim(self) -> None:
        """Turn to the instrument that plays; if it cannot be matched, all stays as it is."""
        instrument = self._rack.instrument
        if instrument == self.instrument or instrument not in MATCHABLE:
            return
        if self._process.matching:
            self._process.drop_match()
        self.result = None
        self._matched_target = None  # so the other instrument's match is stale
        self.instrument = instrument
        unknowns = MATCHABLE[instrument].matchable
        self.settings = replace(self.settings, unknowns=unknowns, pinned={}, start=None)
        self._process.choose(instrument)

    def take_target(self, target: Target) -> None:
        """End the match of the target before, and begin the one that waited for this."""
        self.result = None
        if self._process.matching:
            self._process.drop_match()
        self._process.set_target(target)
        self.begin_wanted()

    def forget_wanted(self) -> None:
        """Begin no match: its target cannot be read."""
        self.wanted = None

    # ------------------------------------------------------------------ starting

    def want(self, wanted: Wanted) -> None:
        """Begin a match as soon as possible, in the place of the one that runs.

        Raises
        ------
        TargetError
            If there is no target.
        """
        if self._target.sound is None and not self._target.reading:
            raise TargetError("There is no target to match; load or record a sound first.")
        for react in self.on_want:
            react()
        self.wanted = wanted
        if self._process.matching:
            self._process.drop_match()
        self.begin_wanted()

    def begin_wanted(self) -> None:
        """Begin the match that waits, if nothing is in its way any more."""
        wanted = self.wanted
        if wanted is None or self._process.matching or self._target.reading:
            return
        self.wanted = None
        self._matched_target = self._target.sound
        wanted.begin(wanted.paused)

    def _begin(
        self, settings: MatchSettings | None, evaluations: tuple[Evaluation, ...], paused: bool
    ) -> None:
        self._best_loss = math.inf
        self._before = self.theta()
        self._process.start_match(settings or self._pinned_settings(), evaluations, paused)
        self._emit(self.started)

    def _pinned_settings(self) -> MatchSettings:
        """The settings, with live values of all parameters that they do not look for."""
        known = MATCHABLE[self.instrument].matchable
        # They may be older than the choice of instrument.
        unknowns = tuple(id_ for id_ in self.settings.unknowns if id_ in known) or known
        live = {id_: value for id_, value in self.theta().items() if id_ not in unknowns}
        pinned = {**self.settings.pinned, **live}
        return replace(self.settings, unknowns=unknowns, pinned=pinned)

    # ------------------------------------------------------------------ from the matcher

    def hear(self, reply: matcher.Reply) -> None:
        """Take a reply of the matcher's process; those of maps and layers are others' to take."""
        match reply:
            case matcher.Pictures(what, analysis):
                drawn = self._target.analysed if what == "target" else self._sound.analysed
                self._emit(drawn, analysis, newest="")
            case matcher.Stepped(step):
                self._take_step(step)
            case matcher.Ended(result):
                self._end(None if self.is_stale else result)
            case matcher.Judged(place, scores):
                self._take_scores(place, scores)
            case matcher.Paused():
                self._emit(self.paused)
            case Drivers():
                self._emit(self.attributed, reply)
            case matcher.Failed(text):
                self._messages.say(text, "error")
            case matcher.Restarted():
                self._messages.say("The matcher had ended and was started again.", "warning")
            case _:
                pass

    def _take_step(self, step: MatchStep) -> None:
        if self.is_stale:
            return
        self._emit(self.stepped, step)
        if step.loss <= self._best_loss:  # other starts need not be heard
            self._best_loss = step.loss
            self._drive(step.theta)

    def _end(self, result: MatchResult | None) -> None:
        if result is not None:
            self.result = result
            self._drive(result.theta)
            if not result.found:
                self._messages.say(result.remark, "warning")
        self._emit(self.ended, result)
        self.begin_wanted()

    def _take_scores(self, place: int, scores: Scores) -> None:
        if self.result is not None and not self.is_stale:
            self.result = self.result.judged(place, scores)
            self._emit(self.judged, self.result)

    def _drive(self, theta: Mapping[str, float]) -> None:
        if self._follow and self._rack.instrument == self.instrument:
            self._sound.set(theta, "match")
