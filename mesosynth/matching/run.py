"""One match: starts, rough descents, a closer look at the best, and what comes of it."""

import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from mesosynth.instruments.chirplet_torch import ONSET
from mesosynth.matching.descent import Iterate, descent_named
from mesosynth.matching.focus import Focus, correlation, focus_on, onset_of
from mesosynth.matching.initial_guess import initial_guesses
from mesosynth.matching.journal import Journal
from mesosynth.matching.measured import Measured
from mesosynth.matching.messages import Candidate, MatchResult, MatchSettings, MatchStep
from mesosynth.matching.noise_step import NOISES, noise_step
from mesosynth.matching.operator import Linearization, Operator
from mesosynth.matching.unknowns import (
    LEVEL,
    PAPERS,
    THETA,
    State,
    Unknowns,
    by_id,
    in_range,
    state_of,
)
from mesosynth.target import ANALYSIS_RATE, ANALYSIS_SAMPLES, Target

OnStep = Callable[[MatchStep], None]
ShouldStop = Callable[[], bool]

GOOD_LOSS = 3e-3
"""A start that comes below this has found its arpeggio; no other start is tried."""

_GOOD_FOCUSED_LOSS = 5e-4  # the same through a window, beside noise
_LIKE_NOISE = 3.0  # or this many times what the noise alone explains
_WORTH_MORE_UNKNOWNS = 0.9  # of the loss is what further unknowns must bring it down to
_HEARD = 0.3  # below this loss an arpeggio is there, if perhaps in noise
_CLEAN = 1e-4  # below this one there is no noise to speak of
_ROUGH, _NEAR, _FINE = 5e-2, 1.5e-2, 1e-4  # steps that end a descent
_SAME = 4e-2  # what two descents to one place may differ by
_STARTS = 3
_EVALUATIONS_FOR_MORE = 24
_FREED = (  # notes for one note, and values where gradients are not zero
    (2.0, {"am_shape": 0.8, "am_depth": 0.95, "brightness": -24.0}),
    (1.0, {"am_shape": 0.3, "am_depth": 0.9, "brightness": -18.0}),
)


class Stopped(Exception):
    """A match was stopped before it had any theta."""


@dataclass(frozen=True, eq=False)
class Hearing:
    """What is compared: the target's Φ, what may move, and the noise that is heard with both."""

    S: NDArray[np.float64]
    unknowns: Unknowns
    focus: Focus | None = None
    heard_whole: float | None = None  # the loss before, without the window

    @functools.cached_property
    def background(self) -> NDArray[np.float32] | None:
        """What is heard beside the model."""
        return None if self.focus is None else self.focus.background(0)


@dataclass(frozen=True)
class Found:
    """Where a descent ended, and what it had been looking for."""

    iterate: Iterate
    unknowns: Unknowns
    good_loss: float
    start: int
    heard_whole: float | None = None  # the loss before it was heard through a window

    @property
    def rank(self) -> float:
        """Loss of the whole target: what is heard through windows cannot be compared."""
        return self.loss if self.heard_whole is None else self.heard_whole

    @property
    def loss(self) -> float:
        """As it was last heard."""
        return self.iterate.loss

    @property
    def is_good(self) -> bool:
        """Whether this is the arpeggio: what ends at the edge of a range is a way out of a trap."""
        return self.loss < self.good_loss and not self.unknowns.at_edge(self.iterate.state)


@dataclass
class Run:
    """The state of one match."""

    listener: Operator  # whose Φ does not hear shifts: it finds the starts
    operator: Operator
    target: Target
    settings: MatchSettings
    on_step: OnStep | None
    should_stop: ShouldStop | None
    journal: Journal = field(default_factory=Journal)
    evaluations: int = 0
    trajectory: list[MatchStep] = field(default_factory=list[MatchStep])
    best: Found | None = None

    def __post_init__(self) -> None:
        self._descent = descent_named(self.settings.descent)
        heard = (ONSET,) if self.operator.hears_onset else ()
        everything = Unknowns.named(self.settings.unknowns, *heard)
        few = [id_ for id_ in self.settings.unknowns if id_ in PAPERS]
        S = self.operator.analyse(self.target.audio)
        self._all = Hearing(S, everything)
        self._few = Hearing(S, Unknowns.named(few, *heard) if few else everything)
        self._minima: list[State] = []
        self._ends: list[Found] = []  # of the starts' descents
        self._asked: tuple[object, ...] = ()
        self._measured: Measured | None = None
        self._linearized: dict[bytes, Linearization] = {}  # by the states of one descent

    def descend(self) -> None:
        """Try starts, nearest first, until one is good; then, perhaps, further unknowns."""
        for start, state in enumerate(self._starts()):
            self._descend_from_start(state, start)
            if self.best is not None and self.best.is_good:
                return
        if self.best is not None and self._few is not self._all:
            self._free_the_rest(self.best)

    def result(self, converged: bool) -> MatchResult:
        """The best theta, with onset and gain in the terms of the source."""
        if self.best is None:
            raise Stopped
        state = self.best.iterate.state
        x = self.operator.synthesize(state[:ONSET])
        onset = onset_of(self.listener.jtfs, self.target.audio, x)
        gain = np.abs(correlation(self.target.audio, x)).max() / np.square(x).sum()
        return MatchResult(
            theta=by_id(state),
            std=self.best.unknowns.std(state, self.best.iterate.std),
            loss=self.best.loss,
            evaluations=self.evaluations,
            seconds=self.journal.seconds,
            converged=converged and self.best.iterate.converged,
            onset=self.target.start + ANALYSIS_SAMPLES / ANALYSIS_RATE / 2 + onset,
            gain=float(gain) / self.target.scale,
            trajectory=self.trajectory,
            candidates=self._candidates(self.best),
        )

    def _candidates(self, best: Found) -> list[Candidate]:
        """The best, and where other starts led, best first."""
        others = [end for end in self._ends if end.iterate.state is not best.iterate.state]
        found = [best, *sorted(others, key=lambda end: end.rank)]
        return [
            Candidate(
                theta=by_id(each.iterate.state),
                std=each.unknowns.std(each.iterate.state, each.iterate.std),
                loss=each.loss,
                start=each.start,
            )
            for each in found
        ]

    def _starts(self) -> Iterator[State]:
        """States to start from; what is pinned stands where it is pinned."""
        pinned = self.settings.pinned
        if self.settings.start is not None:
            yield self._at_its_onset(in_range(state_of({**self.settings.start, **pinned})))
            return
        S = self._few.S
        if self.operator is not self.listener:
            S = self.listener.analyse(self.target.audio)
        for start in initial_guesses(self.listener, S, self.target.audio, _STARTS):
            found = dict(zip(PAPERS, map(float, start.theta), strict=True))
            yield self._at_its_onset(in_range(state_of({**found, **pinned})))

    def _at_its_onset(self, state: State) -> State:
        if self.operator.hears_onset:
            state[ONSET] = self._onset(state)
        return state

    def _onset(self, state: State) -> float:
        x = self.operator.synthesize(state[:ONSET])
        return onset_of(self.listener.jtfs, self.target.audio, x)

    def _descend_from_start(self, state: State, start: int) -> None:
        """Descend roughly, focus where only noise lies around what was found, then precisely."""
        evaluations = self.settings.max_evaluations
        rough = self._descend_from(self._few, state, start, evaluations, _ROUGH)
        if any(self._same(rough.iterate.state, other) for other in self._minima):
            return  # another start has been here
        self._minima.append(rough.iterate.state)
        found, focus = rough.iterate.state.copy(), None
        if _CLEAN < rough.loss < _HEARD:
            focus = focus_on(self.target.audio, found, self._onset(found), self.settings.seed)
        if focus is None:
            self._ends.append(self._descend_from(self._few, found, start, evaluations))
            return
        # Noise leads f_c astray, and the valley back is long: as the sound gave it, it was better.
        found[0] = state[0]
        self._descend_focused(focus, found, start, rough.loss)

    def _descend_focused(self, focus: Focus, state: State, start: int, heard_whole: float) -> None:
        """Go on from `state` with what is heard through a window around the arpeggio."""
        state = state.copy()
        state[ONSET] = focus.onset
        x = self.operator.synthesize(state[:ONSET], focus.onset)
        state[LEVEL] = np.abs(correlation(focus.audio, x)).max() / np.square(x).sum()
        unknowns = Unknowns((*self._few.unknowns.free, LEVEL))
        S = self.operator.analyse(focus.audio)
        hearing = Hearing(S, unknowns, focus, heard_whole)
        found = self._descend_from(hearing, state, start, self.settings.max_evaluations, _NEAR)
        found = self._averaged(found, hearing, focus)
        self._keep(found)
        self._ends.append(found)
        self._report(found.iterate, unknowns, start, (start + 1) / (_STARTS + 1))

    def _averaged(self, found: Found, hearing: Hearing, focus: Focus) -> Found:
        """Take the last step beside several noises, and see how far each would lead."""
        state, unknowns = found.iterate.state, hearing.unknowns
        beside: list[Linearization] = []
        for number in range(1, NOISES + 1):
            self.evaluations += 1
            noise = focus.background(number)
            beside.append(self.operator.linearize(state, unknowns.free, self._checkpoint, noise))
        last = noise_step(hearing.S, beside)
        return Found(
            Iterate(unknowns.moved(state, last.step), last.loss, last.std, converged=True),
            unknowns,
            good_loss=max(_GOOD_FOCUSED_LOSS, _LIKE_NOISE * last.noise_loss),
            start=found.start,
            heard_whole=hearing.heard_whole,
        )

    def _free_the_rest(self, before: Found) -> None:
        """Let depth, rests and brightness move too, and keep that if it explains much more.

        A half sine has as many events a second as a full sine of half its frequency, which is what
        was found if there are rests: so it is tried as well.
        """
        unknowns = self.settings.unknowns
        for notes, freed in _FREED:
            state = before.iterate.state.copy()
            state[1] *= notes if "f_m" in unknowns else 1.0
            for id_, value in freed.items():
                if id_ in unknowns:
                    state[THETA.index(id_)] = value
            self._descend_from(self._all, in_range(state), _STARTS, _EVALUATIONS_FOR_MORE)
        if self.best is None or self.best.rank > _WORTH_MORE_UNKNOWNS * before.rank:
            self.best = before

    def _descend_from(
        self,
        hearing: Hearing,
        state: State,
        start: int,
        max_evaluations: int,
        precision: float = _FINE,
    ) -> Found:
        """Descend, report each step, keep the best of all; where this descent ended."""
        before = self.evaluations
        self._linearized.clear()

        def evaluate(state: State) -> Measured:
            return self._measure(state, hearing)

        found: Found | None = None
        for iterate in self._descent(evaluate, state, hearing.unknowns, max_evaluations, precision):
            if found is None or iterate.loss <= found.loss:
                good_loss = GOOD_LOSS if hearing.focus is None else _GOOD_FOCUSED_LOSS
                found = Found(iterate, hearing.unknowns, good_loss, start, hearing.heard_whole)
                self._keep(found)
            share = (self.evaluations - before) / max_evaluations
            self._report(iterate, hearing.unknowns, start, (start + share) / (_STARTS + 1))
        if found is None:
            raise Stopped
        return found

    def _keep(self, found: Found) -> None:
        # Of two with the same rank, the later one goes on from the earlier one.
        if self.best is None or found.rank <= self.best.rank:
            self.best = found

    def _same(self, a: State, b: State) -> bool:
        """Whether two rough descents have come to one place."""
        if a[2] * b[2] < 0.0:
            return False
        step = self._few.unknowns.step_between(a, b)
        return bool(np.all(np.abs(step) < _SAME))

    def _measure(self, state: State, hearing: Hearing) -> Measured:
        asked = (state.tobytes(), id(hearing))
        if self._measured is None or asked != self._asked:
            self.evaluations += 1

            def compute() -> Measured:
                at = self._linearize(state, hearing)
                return Measured.of(at.S - hearing.S, at.J)

            self._measured = self.journal.measure(state, compute)
            self._asked = asked
        return self._measured  # a descent may go on from where another one ended

    def _linearize(self, state: State, hearing: Hearing) -> Linearization:
        """Φ and its Jacobian, if this descent did not come by there before."""
        key = state.tobytes()
        if key not in self._linearized:
            self._linearized[key] = self.operator.linearize(
                state, hearing.unknowns.free, self._checkpoint, hearing.background
            )
        return self._linearized[key]

    def _checkpoint(self) -> None:
        if self.should_stop is not None and self.should_stop():
            raise Stopped

    def _report(self, iterate: Iterate, unknowns: Unknowns, start: int, progress: float) -> None:
        step = MatchStep(
            theta=by_id(iterate.state),
            std=unknowns.std(iterate.state, iterate.std),
            loss=iterate.loss,
            evaluations=self.evaluations,
            seconds=self.journal.seconds,
            start=start,
            progress=progress,
        )
        self.trajectory.append(step)
        if self.on_step is not None:
            self.on_step(step)
