"""The part of a session that matches the target, and lets the match drive the sound."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from mesosynth.audio.target import Target
from mesosynth.errors import ArgumentError, MesosynthError, TargetError
from mesosynth.matching import requests as matcher
from mesosynth.matching.evaluation_cache import Evaluation
from mesosynth.matching.requests import LayersJob
from mesosynth.matching.results import (
    MATCHABLE,
    Cell,
    Drivers,
    MatchResult,
    MatchSettings,
    MatchStep,
    Scores,
)
from mesosynth.session.events import (
    Analysed,
    Explored,
    ExploreStarted,
    MatchEnded,
    MatchJudged,
    MatchPaused,
    MatchProgress,
    MatchResumed,
    MatchStarted,
)
from mesosynth.session.targets import Targets


@dataclass(frozen=True, slots=True)
class Wanted:
    """A match to be started, or to go on from evaluations; paused, it stands still then."""

    settings: MatchSettings | None = None
    evaluations: tuple[Evaluation, ...] = ()
    paused: bool = False
    layers: LayersJob | None = None  # then it is one with layers


class Matching(Targets):
    """Starts, pauses and ends matches, and hears what the matcher has to tell."""

    def __init__(
        self,
        device: str | None = None,
        instrument: str = "chirplet",
        sample_rate: int | None = None,
        block: int | None = None,
    ) -> None:
        super().__init__(device, instrument, sample_rate, block)
        self.follow = True
        self.result: MatchResult | None = None
        self.match_settings = MatchSettings()
        self._wanted: Wanted | None = None  # as soon as there is a target and no other match
        self._matched_target: Target | None = None  # of the match that runs or ran last
        self._best_loss = math.inf
        self._before_match: dict[str, float] = {}

    @property
    def matching(self) -> bool:
        """Whether a match runs, stands still, or waits for its target to be read."""
        return self._matcher.matching or self._wanted is not None

    @property
    def match_paused(self) -> bool:
        """Whether the match stands still, or will in a moment."""
        return self._matcher.paused if self._wanted is None else self._wanted.paused

    def start_match(self) -> None:
        """Match the target by `match_settings`, anew if a match runs.

        What of theta these do not look for stands at its live value.

        Raises
        ------
        TargetError
            If there is no target.
        """
        if self.target is None and self._reading is None:
            raise TargetError("There is no target to match; load or record a sound first.")
        self._want_match(Wanted())

    def stop_match(self) -> None:
        """End the match with the best theta so far."""
        self._wanted = None
        if self._matcher.matching:
            self._matcher.stop_match()

    def pause_match(self) -> None:
        """Let the match stand still; `poll` reports MatchPaused, or that it has just ended."""
        if self._wanted is None:
            self._matcher.pause_match()
        else:
            self._wanted = replace(self._wanted, paused=True)

    def resume_match(self) -> None:
        """Let a match go on that stands still, as if it had never paused."""
        if not self.match_paused:
            return
        if self._wanted is None:
            self._matcher.resume_match()
        else:
            self._wanted = replace(self._wanted, paused=False)
        self._events.append(MatchResumed())

    def check_matched(self) -> None:
        """Raise unless the instrument that plays is the one that is matched.

        Raises
        ------
        ArgumentError
            Naming both.
        """
        if self.instrument != self._matched_instrument:
            raise ArgumentError(
                f"The match is of the {self._matched_instrument}, and the {self.instrument} plays; "
                f"choose the {self._matched_instrument} first."
            )

    def drives(self, ids: Iterable[str]) -> bool:
        """Whether a match that runs moves one of these parameters."""
        return self.matching and self.follow and bool(set(ids) & set(self.parameters.matchable))

    @property
    def matcher_pid(self) -> int | None:
        """Process number of the matcher."""
        return self._matcher.pid

    # ------------------------------------------------------------------ what is matched

    def _push_rack(self) -> None:
        self._match_what_plays()
        super()._push_rack()

    def _match_what_plays(self) -> None:
        """Turn the matcher to the instrument that plays; if it cannot be matched, it stays."""
        if self.instrument == self._matched_instrument or self.instrument not in MATCHABLE:
            return
        if self._matcher.matching:
            self._matcher.drop_match()
        self.result = None
        self._matched_target = None  # what comes of the other instrument's match is stale
        self._matched_instrument = self.instrument
        table = MATCHABLE[self.instrument]
        self.match_settings = replace(
            self.match_settings, unknowns=table.matchable, pinned={}, start=None
        )
        self._matcher.choose(self.instrument)

    # ------------------------------------------------------------------ starting

    def _take_target(self, target: Target, path: Path | None) -> None:
        self.result = None
        if self._matcher.matching:
            self._matcher.drop_match()  # it is of the old target
        super()._take_target(target, path)
        self._start_wanted_match()

    def _give_up_target(self, error: MesosynthError) -> None:
        self._wanted = None
        super()._give_up_target(error)

    def _want_match(self, wanted: Wanted) -> None:
        self._wanted = wanted
        if self._matcher.matching:
            self._matcher.drop_match()
        self._start_wanted_match()

    def _start_wanted_match(self) -> None:
        wanted = self._wanted
        if wanted is None or self._matcher.matching or self._reading is not None:
            return
        self._wanted = None
        self._matched_target = self.target
        self._best_loss = math.inf
        self._before_match = self._matchable_values()
        if wanted.layers is not None:
            self._start_layers(wanted.layers, wanted.paused)
            return
        settings = wanted.settings or self._pinned_here(self.match_settings)
        self._matcher.start_match(settings, wanted.evaluations, wanted.paused)
        self._events.append(MatchStarted())

    def _start_layers(self, job: LayersJob, paused: bool) -> None:
        self._matcher.start_layers(job, paused)

    def _hear_layers(self, reply: matcher.LayersReply) -> None:
        """Hear of layers, which another part of the session knows of."""

    def _pinned_here(self, settings: MatchSettings) -> MatchSettings:
        here = self._matchable_values().items()
        known = MATCHABLE[self._matched_instrument].matchable
        sought = tuple(id_ for id_ in settings.unknowns if id_ in known)
        # Settings may be older than the choice of instrument.
        settings = replace(settings, unknowns=sought or known)
        live = {id_: value for id_, value in here if id_ not in settings.unknowns}
        return replace(settings, pinned={**settings.pinned, **live})

    def _matchable_values(self) -> dict[str, float]:
        """Theta as it is heard now; nothing while another instrument plays than is matched."""
        if self.instrument != self._matched_instrument:
            return {}
        return {id_: self.values[id_] for id_ in self._rack.instrument.parameters.matchable}

    # ------------------------------------------------------------------ what comes back

    def _poll_matcher(self) -> None:
        for reply in self._matcher.poll():
            match reply:
                case matcher.Pictures(what, analysis):
                    self._events.append(Analysed(what, analysis))
                case matcher.Stepped(step):
                    self._hear_step(step)
                case matcher.Ended(result):
                    self._end_match(None if self._is_stale else result)
                case matcher.Judged(place, scores):
                    self._hear_scores(place, scores)
                case matcher.Paused():
                    self._events.append(MatchPaused())
                case matcher.MapStarted(axes, x_values, y_values):
                    self._events.append(ExploreStarted(axes, x_values, y_values))
                case matcher.MapCell(axes, cell):
                    self._hear_cell(axes, cell)
                case Drivers():
                    self._events.append(reply)
                case matcher.Failed(text):
                    self._say(text, "error")
                case matcher.Restarted():
                    self._say("The matcher had ended and was started again.", "warning")
                case matcher.LayersStepped() | matcher.LayersDone() | matcher.LayersHeard():
                    self._hear_layers(reply)
                case matcher.Ready() | matcher.Noted() | matcher.Drawn():
                    pass

    @property
    def _is_stale(self) -> bool:
        """Whether the match that runs, or ran last, is not of this target and instrument."""
        return self._matched_target is not self.target

    def _hear_step(self, step: MatchStep) -> None:
        if self._is_stale:
            return
        self._events.append(MatchProgress(step))
        if step.loss <= self._best_loss:  # other starts need not be heard
            self._best_loss = step.loss
            self._follow(step.theta)

    def _hear_cell(self, axes: tuple[str, str], cell: Cell) -> None:
        """Report a cell, together with those that came just before."""
        last = self._events[-1] if self._events else None
        if isinstance(last, Explored) and last.axes == axes:
            self._events[-1] = Explored(axes, (*last.cells, cell))
        else:
            self._events.append(Explored(axes, (cell,)))

    def _end_match(self, result: MatchResult | None) -> None:
        if result is not None:
            self.result = result
            self._follow(result.theta)
            if not result.found:
                self._say(result.remark, "warning")
        self._events.append(MatchEnded(result))
        self._start_wanted_match()

    def _beat_in_target(self) -> float | None:
        """When the instrument begins that plays the target, s in its window; None: nobody knows."""
        result, target = self.result, self.target
        if result is None or target is None or self.instrument != "chirplet":
            return None  # a ripple has no beginning
        window = self.values["w"] / abs(self.values["gamma"])  # its middle is the onset
        return result.onset - target.start - 0.5 * window

    def _hear_scores(self, place: int, scores: Scores) -> None:
        if self.result is not None and not self._is_stale:
            self.result = self.result.judged(place, scores)
            self._events.append(MatchJudged(self.result))

    def _follow(self, theta: Mapping[str, float]) -> None:
        if self.follow and self.instrument == self._matched_instrument:
            self.set_parameters(theta, "match")
