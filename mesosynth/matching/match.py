"""One match: starts, rough descents, a closer look at the best, and what comes of it."""

import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from mesosynth.audio.target import ANALYSIS_RATE, ANALYSIS_SAMPLES, Target
from mesosynth.matching.descent import Iterate, descent_named
from mesosynth.matching.journal import Journal
from mesosynth.matching.measured import Measured
from mesosynth.matching.model import State
from mesosynth.matching.noise import Focus, correlation, focus_on, onset_of
from mesosynth.matching.noise_step import NOISES, noise_step
from mesosynth.matching.operator import Linearization, Operator
from mesosynth.matching.pins import Pins
from mesosynth.matching.results import Candidate, MatchResult, MatchSettings, MatchStep
from mesosynth.matching.starts import starts_of
from mesosynth.matching.steady import heard_elsewhere, steady_gain, steady_onset
from mesosynth.matching.unknowns import Unknowns

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
_FEWEST_NOTES = 1.2  # in an arpeggio that needs no further start
_STEADY_STEPS = 2
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
        """Whether this is the arpeggio, and no trap.

        What ends at the edge of a range is none; and a single note can pass for a few.
        """
        state = self.iterate.state
        notes = state[1] * state[3] / abs(state[2])
        trapped = notes < _FEWEST_NOTES or self.unknowns.at_edge(state)
        return self.loss < self.good_loss and not trapped


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
        self._model = model = self.operator.model
        self._pins = Pins.of(self.settings.pinned, self.target)
        heard = self.operator.hears_onset and self._pins.onset is None
        also = (model.onset,) if heard else ()
        everything = Unknowns.named(self.settings.unknowns, *also, model=model)
        few = [id_ for id_ in self.settings.unknowns if id_ in model.first]
        S = self.operator.analyse(self.target.audio)
        self._all = Hearing(S, everything)
        self._few = Hearing(S, Unknowns.named(few, *also, model=model) if few else everything)
        self._minima: list[State] = []
        self._known: dict[str, float] = {}  # what this start read off exactly, relative errors
        self._ends: list[Found] = []  # of the starts' descents
        self._asked: tuple[object, ...] = ()
        self._measured: Measured | None = None
        self._linearized: dict[bytes, Linearization] = {}  # by the states of one descent

    def descend(self) -> None:
        """Try starts, nearest first, until one is good; then, perhaps, further unknowns."""
        for start, state in enumerate(self._starts()):
            if self._model.steady:
                self._descend_steady(state, start)
            else:
                self._descend_from_start(state, start)
            if self.best is not None and self.best.is_good:
                return
        more = self._few.unknowns != self._all.unknowns
        if self.best is not None and more and not self._model.steady:
            self._free_the_rest(self.best)

    def result(self, converged: bool) -> MatchResult:
        """The best theta, with onset and gain in the terms of the source."""
        if self.best is None:
            raise Stopped
        state = self.best.iterate.state
        onset, level = self._onset_and_level(state)
        return MatchResult(
            theta=self._model.by_id(state),
            std=self._std(self.best.iterate, self.best.unknowns),
            loss=self.best.loss,
            evaluations=self.evaluations,
            seconds=self.journal.seconds,
            converged=converged and self.best.iterate.converged,
            onset=self.target.start + ANALYSIS_SAMPLES / ANALYSIS_RATE / 2 + onset,
            gain=level / self.target.scale,
            trajectory=self.trajectory,
            candidates=self._candidates(self.best),
        )

    def _onset_and_level(self, state: State) -> tuple[float, float]:
        """Where the sound lies in the target, s after its middle, and its amplitude there."""
        x = self.operator.synthesize(state[: self._model.onset])
        audio, jtfs = self.target.audio, self.listener.jtfs
        if self._model.steady:
            onset, level = steady_onset(jtfs, audio, x, float(state[1])), steady_gain(audio, x)
        else:
            onset = onset_of(jtfs, audio, x)
            level = float(np.abs(correlation(audio, x)).max() / np.square(x).sum())
        return (
            onset if self._pins.onset is None else self._pins.onset,
            level if self._pins.level is None else self._pins.level,
        )

    def _candidates(self, best: Found) -> list[Candidate]:
        """The best, and where other starts led, best first."""
        others = [end for end in self._ends if end.iterate.state is not best.iterate.state]
        found = [best, *sorted(others, key=lambda end: end.rank)]
        return [
            Candidate(
                theta=self._model.by_id(each.iterate.state),
                std=self._std(each.iterate, each.unknowns),
                loss=each.loss,
                start=each.start,
            )
            for each in found
        ]

    def _starts(self) -> Iterator[State]:
        """States to start from; what is pinned stands where it is pinned."""
        model, pinned = self._model, self._pins.theta
        if self.settings.start is not None:
            given = model.state_of({**self.settings.start, **pinned})
            yield self._at_its_onset(model.in_range(given))
            return
        S = self._few.S
        if self.operator is not self.listener:
            S = self.listener.analyse(self.target.audio)
        for start in starts_of(self.listener, S, self.target.audio, _STARTS):
            sought = self.settings.unknowns
            self._known = {id_: std for id_, std in start.known.items() if id_ in sought}
            found = dict(zip(model.first, map(float, start.theta), strict=True))
            yield self._at_its_onset(model.in_range(model.state_of({**found, **pinned})))

    def _at_its_onset(self, state: State) -> State:
        if self.operator.hears_onset:
            state[self._model.onset] = self._onset(state)
        return state

    def _onset(self, state: State) -> float:
        if self._pins.onset is not None:
            return self._pins.onset
        x = self.operator.synthesize(state[: self._model.onset])
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
        state, model, few = state.copy(), self._model, self._few.unknowns
        state[model.onset] = focus.onset
        x = self.operator.synthesize(state[: model.onset], focus.onset)
        state[model.level] = self._pins.level
        unknowns = few
        if self._pins.level is None:
            state[model.level] = np.abs(correlation(focus.audio, x)).max() / np.square(x).sum()
            unknowns = Unknowns((*few.free, model.level), model)
        S = self.operator.analyse(focus.audio)
        hearing = Hearing(S, unknowns, focus, heard_whole)
        found = self._descend_from(hearing, state, start, self.settings.max_evaluations, _NEAR)
        found = self._averaged(found, hearing, focus)
        self._keep(found)
        self._ends.append(found)
        self._report(found.iterate, unknowns, start, (start + 1) / (_STARTS + 1))

    def _descend_steady(self, state: State, start: int) -> None:
        """Descend beside one onset; then step by what several of them say.

        How partials beat in four seconds is chance, and so is where a descent beside one onset
        ends. What was read off exactly stays.
        """
        S, unknowns = self._few.S, self._few.unknowns.without(self._known)
        evaluations = self.settings.max_evaluations if unknowns.free else 1
        found = self._descend_from(Hearing(S, unknowns), state, start, evaluations, _NEAR)
        for _ in range(_STEADY_STEPS if unknowns.free else 1):
            state = found.iterate.state
            self.evaluations += NOISES
            beside = heard_elsewhere(self.operator, state, unknowns.free, self._checkpoint)
            last = noise_step(S, beside)
            found = Found(
                Iterate(unknowns.moved(state, last.step), last.loss, last.std, converged=True),
                unknowns,
                good_loss=max(GOOD_LOSS, _LIKE_NOISE * last.noise_loss),
                start=start,
            )
            self._keep(found)
            self._report(found.iterate, found.unknowns, start, (start + 1) / (_STARTS + 1))
        self._ends.append(found)

    def _std(self, at: Iterate, unknowns: Unknowns) -> dict[str, float]:
        """Standard deviations of all that is looked for, what was read off exactly included."""
        theta, found = self._model.by_id(at.state), unknowns.std(at.state, at.std)
        read = {id_: share * abs(theta[id_]) for id_, share in self._known.items()}
        found = {**read, **found}
        return {id_: found[id_] for id_ in self._model.ids if id_ in found}

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
                    state[self._model.ids.index(id_)] = value
            state = self._model.in_range(state)
            self._descend_from(self._all, state, _STARTS, _EVALUATIONS_FOR_MORE)
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
            theta=self._model.by_id(iterate.state),
            std=self._std(iterate, unknowns),
            loss=iterate.loss,
            evaluations=self.evaluations,
            seconds=self.journal.seconds,
            start=start,
            progress=progress,
        )
        self.trajectory.append(step)
        if self.on_step is not None:
            self.on_step(step)
