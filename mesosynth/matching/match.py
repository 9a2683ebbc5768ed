"""Match of one arpeggio: starts, rough descents, refinement, and the result."""

import functools
import itertools
import math
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mesosynth.audio.target import ANALYSIS_RATE, ANALYSIS_SAMPLES, Target, target_from_array
from mesosynth.errors import TargetError
from mesosynth.matching.descent import Iterate, NormalEquations, descent_named
from mesosynth.matching.model import Model, Pins, State, Unknowns, model_named
from mesosynth.matching.noise import (
    JACOBIANS,
    NOISES,
    WindowedTarget,
    correlation,
    linearize_at_onsets,
    noise_step,
    onset_of,
    stationary_gain,
    stationary_onset,
    windowed_target,
)
from mesosynth.matching.operator import Linearization, picture_operator, shared_operator
from mesosynth.matching.results import (
    FOUND_LOSS,
    Candidate,
    MatchResult,
    MatchSettings,
    MatchStep,
)
from mesosynth.matching.starts import starts_of
from mesosynth.scattering.ambient import neutral, neutral_steps
from mesosynth.scattering.jtfs import best_device
from mesosynth.system.steps import Evaluation, EvaluationCache, Steps, Stopped, result_of

# --------------------------------------------------------------------------------------------------
# Search for one theta: starts, rough descents, refinement, result


GOOD_LOSS = 3e-3
"""A start that comes below this has found its arpeggio; no other start is tried."""

_GOOD_WINDOWED_LOSS = 5e-4  # the same through a window, beside noise
_LIKE_NOISE = 3.0  # or this many times what the noise alone explains
_LESS_LOSS = 0.9  # share of the loss that further unknowns must bring it down to
_ARPEGGIO_LOSS = 0.3  # below this loss there is an arpeggio, perhaps in noise
_LOUD_NOISE_LOSS = 0.05  # above this loss, at 0 dB of noise, all noises need their Jacobian
_NOISELESS_LOSS = 1e-4  # below this loss there is no audible noise
_ROUGH_STEP, _NEAR_STEP, _FINE_STEP = 5e-2, 1.5e-2, 1e-3  # a shorter step is the last
_SAME_MINIMUM = 4e-2  # largest step between two descents that ended at one minimum
_CUT_OFF, _NEAR_THE_END, _MUCH = 0.01, 0.9, 0.1  # shares of energy, of the band, of energy
_STARTS = 3
_STATIONARY_STEPS = 2
_TIMED_STARTS, _TIMED_EVALUATIONS = 2, 16  # of an event whose course in time counts
_TIMED_ROUNDS = 2  # of tries near the best end
_TIMED_ROUGH, _TIMED_FINE = 1e-2, 1e-3  # steps that end its descents
_HEARD = 1e-2  # of the peak: where an event counts for its gain
_LARGEST_KEPT = 1 << 20  # elements of a Jacobian that is kept for a second look
_EVALUATIONS_FOR_MORE = 24
_MORE_STARTS = (  # factor of f_m, and values of further unknowns with a gradient
    (2.0, {"am_shape": 0.8, "am_depth": 0.95, "brightness": -24.0}),
    (1.0, {"am_shape": 0.3, "am_depth": 0.9, "brightness": -18.0}),
)


@dataclass(frozen=True, eq=False)
class Observation:
    """Target of a least-squares problem: its Φ, the unknowns, and the noise."""

    S: NDArray[np.float64]
    unknowns: Unknowns
    windowed: WindowedTarget | None = None
    loss_before: float | None = None  # of the whole target, before it was windowed

    @functools.cached_property
    def background(self) -> NDArray[np.float32] | None:
        """Noise that is added to the model."""
        return None if self.windowed is None else self.windowed.background(0)


@dataclass(frozen=True)
class DescentResult:
    """End of a descent, with its unknowns."""

    iterate: Iterate
    unknowns: Unknowns
    good_loss: float
    start: int
    loss_before: float | None = None  # of the whole target, before it was windowed

    @property
    def rank(self) -> float:
        """Loss of the whole target: losses through windows cannot be compared."""
        return self.loss if self.loss_before is None else self.loss_before

    @property
    def loss(self) -> float:
        """Loss of what was observed last."""
        return self.iterate.loss

    @property
    def is_good(self) -> bool:
        """Whether this is the arpeggio."""
        return self.loss < self.good_loss and not self.is_trapped

    @property
    def is_trapped(self) -> bool:
        """Whether this is at the edge of a range, or a trap of the model, such as a single note."""
        state = self.iterate.state
        return self.unknowns.model.trapped(state) or self.unknowns.at_edge(state)


MatchSteps = Generator[MatchStep | Evaluation | None, None, None]


@dataclass
class MatchSearch:
    """Search for one theta.

    Parameters
    ----------
    target : Target
    model : Model
        Of the instrument.
    settings : MatchSettings
    cache : EvaluationCache
        Evaluations of the same search, as far as it came.

    Raises
    ------
    ArgumentError
        If a setting names something that does not exist.
    """

    target: Target
    model: Model
    settings: MatchSettings
    cache: EvaluationCache = field(default_factory=EvaluationCache)
    evaluations: int = 0
    trajectory: list[MatchStep] = field(default_factory=list[MatchStep])
    best: DescentResult | None = None
    finished: bool = False

    def __post_init__(self) -> None:
        model = self.model
        if self.settings.unknowns == MatchSettings().unknowns:  # all, whatever the instrument has
            free = tuple(id_ for id_ in model.ids if id_ not in self.settings.pinned)
            self.settings = replace(self.settings, unknowns=free)
        if model.phi is not None and self.settings.phi == MatchSettings().phi:
            self.settings = replace(self.settings, phi=model.phi)
        self._descent = descent_named(self.settings.descent)
        # Invariant to time shifts, for the starts.
        self._listener = shared_operator().of(model)
        self.operator = shared_operator(self.settings.phi, filters=self.settings.filters).of(model)
        self.cache.start_clock()
        self._pins = Pins.of(self.settings.pinned, self.target)
        heard = self.operator.hears_onset and self._pins.onset is None
        also = (model.onset,) if heard else ()
        everything = Unknowns.named(self.settings.unknowns, *also, model=model)
        few = [id_ for id_ in self.settings.unknowns if id_ in model.first]
        S = self.operator.analyse(self.target.audio)
        self._all = Observation(S, everything)
        few_unknowns = Unknowns.named(few, *also, model=model) if few else everything
        self._few = Observation(S, few_unknowns)
        self._phase: Literal["arpeggio", "refinement"] = "arpeggio"
        self._minima: list[State] = []
        self._trapped: list[tuple[DescentResult, float]] = []  # rough descents, f_c of their start
        self._known: dict[str, float] = {}  # values of this start that are exact, relative errors
        self._ends: list[DescentResult] = []  # of the starts
        self._asked: tuple[object, ...] = ()
        self._equations: NormalEquations | None = None
        self._linearized: dict[bytes, Linearization] = {}  # by the states of one descent

    def steps(self) -> Steps[MatchStep | Evaluation, MatchResult]:
        """Search; stopped, the result is the best so far."""
        try:
            yield from self._descend()
            self.finished = True
        except Stopped:
            pass
        return self.result()

    def _descend(self) -> MatchSteps:
        """Try starts, nearest first, until one is good; then, perhaps, further unknowns."""
        if self.model.phi is not None:
            yield from self._descend_timed()
            return
        for start, state in enumerate(self._starts()):
            if self.model.stationary:
                yield from self._descend_stationary(state, start)
            else:
                yield from self._descend_from_start(state, start)
            if self.best is not None and self.best.is_good:
                return
        for rough, f_c in self._trapped:
            yield from self._refine(rough, f_c)
            if self.best is not None and self.best.is_good:
                return
        more = self._few.unknowns != self._all.unknowns
        if self.best is not None and more and not self.model.stationary:
            yield from self._free_the_rest(self.best)

    def result(self) -> MatchResult:
        """Best theta so far, with onset and gain in the terms of the source.

        Raises
        ------
        Stopped
            If there is none.
        """
        if self.best is None:
            raise Stopped
        state = self.best.iterate.state
        onset, level = self._onset_and_level(state)
        theta, std = self.model.by_id(state), self._std(self.best.iterate, self.best.unknowns)
        limits = self._limits(theta)
        if limits and self.best.loss < FOUND_LOSS:  # its errors are not those of noise
            std = {id_: max(value, abs(theta[id_])) for id_, value in std.items()}
        return MatchResult(
            theta=theta,
            std=std,
            limits=limits,
            loss=self.best.loss,
            evaluations=self.evaluations,
            seconds=self.cache.seconds,
            converged=self.finished and self.best.iterate.converged,
            onset=self.target.start + ANALYSIS_SAMPLES / ANALYSIS_RATE / 2 + onset,
            gain=level / self.target.scale,
            trajectory=self.trajectory,
            candidates=self._candidates(self.best),
        )

    def _limits(self, theta: Mapping[str, float]) -> tuple[str, ...]:
        """Sentences about energy above the analysed band, where the arpeggio or nothing is."""
        target, highest = self.target, ANALYSIS_RATE / 2
        above = target.unanalysed - target.left_out
        found = self.best is not None and self.best.loss < FOUND_LOSS
        top = theta.get("f_c", 0.0) * 2.0 ** (theta.get("w", 0.0) / 2.0)
        if found and above >= _CUT_OFF and top > _NEAR_THE_END * highest:
            return (
                f"It reaches beyond {highest:.0f} Hz, where nothing is analysed: theta is that of "
                "the lower part, and its errors are unknown.",
            )
        if not found and above >= _MUCH:
            return (
                f"{above:.0%} of its energy is above {highest:.0f} Hz or outside four seconds.",
            )
        return ()

    def _onset_and_level(self, state: State) -> tuple[float, float]:
        """Onset of the sound in the target, s after its middle, and its amplitude there."""
        x = self.operator.synthesize(state[: self.model.onset])
        audio, jtfs = self.target.audio, self._listener.jtfs
        if self.model.stationary:
            onset = stationary_onset(jtfs, audio, x, self.model.period(state))
            level = stationary_gain(audio, x)
        elif self.model.phi is not None and self.operator.hears_onset:
            onset = float(state[self.model.onset])
            x = self.operator.synthesize(state[: self.model.onset], onset)
            (heard,) = np.nonzero(np.abs(x) > _HEARD * np.abs(x).max())
            part = slice(int(heard[0]), int(heard[-1]) + 1)
            level = stationary_gain(audio[part], x[part])
        else:
            onset = onset_of(jtfs, audio, x)
            level = float(np.abs(correlation(audio, x)).max() / np.square(x).sum())
        return (
            onset if self._pins.onset is None else self._pins.onset,
            level if self._pins.level is None else self._pins.level,
        )

    def _candidates(self, best: DescentResult) -> list[Candidate]:
        """The best, and where other starts led, best first."""
        others = [end for end in self._ends if end.iterate.state is not best.iterate.state]
        found = [best, *sorted(others, key=lambda end: end.rank)]
        return [
            Candidate(
                theta=self.model.by_id(each.iterate.state),
                std=self._std(each.iterate, each.unknowns),
                loss=each.loss,
                start=each.start,
            )
            for each in found
        ]

    def _starts(self) -> Iterator[State]:
        """States to start from; what is pinned stands where it is pinned."""
        model, pinned = self.model, self._pins.theta
        if self.settings.start is not None:
            given = model.state_of({**self.settings.start, **pinned})
            yield self._at_its_onset(model.in_range(given))
            return
        S = self._few.S
        if (self.operator.phi, self.operator.filters) != (
            self._listener.phi,
            self._listener.filters,
        ):
            S = self._listener.analyse(self.target.audio)
        for start in starts_of(self._listener, S, self.target.audio, _STARTS):
            sought = self.settings.unknowns
            self._known = {id_: std for id_, std in start.known.items() if id_ in sought}
            found = dict(zip(model.first, map(float, start.theta), strict=True))
            state = model.state_of({**found, **pinned}, start.onset)
            yield self._at_its_onset(model.in_range(state))

    def _at_its_onset(self, state: State) -> State:
        given = self.model.phi is not None and state[self.model.onset] and self._pins.onset is None
        if self.operator.hears_onset and not given:
            state[self.model.onset] = self._onset(state)
        return state

    def _onset(self, state: State) -> float:
        if self._pins.onset is not None:
            return self._pins.onset
        x = self.operator.synthesize(state[: self.model.onset])
        return onset_of(self._listener.jtfs, self.target.audio, x)

    def _descend_from_start(self, state: State, start: int) -> MatchSteps:
        """Descend roughly, then precisely; from a trap only once all starts were tried."""
        self._phase = "arpeggio"
        evaluations = self.settings.max_evaluations
        rough = yield from self._descend_from(self._few, state, start, evaluations, _ROUGH_STEP)
        if any(self._same(rough.iterate.state, other) for other in self._minima):
            return  # another start has been here
        self._minima.append(rough.iterate.state)
        if rough.is_trapped:
            self._trapped.append((rough, float(state[0])))
        else:
            yield from self._refine(rough, float(state[0]))

    def _refine(self, rough: DescentResult, f_c: float) -> MatchSteps:
        """Go on precisely, with the target through a window where only noise lies around.

        Parameters
        ----------
        rough : DescentResult
        f_c : float
            Of the start, Hz.
        """
        start, evaluations = rough.start, self.settings.max_evaluations
        found, windowed = rough.iterate.state.copy(), None
        if _NOISELESS_LOSS < rough.loss < _ARPEGGIO_LOSS:
            audio, onset = self.target.audio, self._onset(found)
            windowed = windowed_target(audio, self.model.span(found), onset, self.settings.seed)
        if windowed is None:
            end = yield from self._descend_from(self._few, found, start, evaluations)
            self._ends.append(end)
            return
        # Noise leads f_c astray, and the valley back is long: as the sound gave it, it was better.
        found[0] = f_c
        yield from self._descend_windowed(windowed, found, start, rough.loss)

    def _descend_windowed(
        self, windowed: WindowedTarget, state: State, start: int, loss_before: float
    ) -> MatchSteps:
        """Go on from `state` with the target through a window around the arpeggio."""
        self._phase = "refinement"
        state, model, few = state.copy(), self.model, self._few.unknowns
        state[model.onset] = windowed.onset
        x = self.operator.synthesize(state[: model.onset], windowed.onset)
        state[model.level] = self._pins.level
        unknowns = few
        if self._pins.level is None:
            state[model.level] = np.abs(correlation(windowed.audio, x)).max() / np.square(x).sum()
            unknowns = Unknowns((*few.free, model.level), model)
        S = self.operator.analyse(windowed.audio)
        observed = Observation(S, unknowns, windowed, loss_before)
        evaluations = self.settings.max_evaluations
        found = yield from self._descend_from(observed, state, start, evaluations, _NEAR_STEP)
        found = yield from self._averaged(found, observed, windowed)
        self._keep(found)
        self._ends.append(found)
        yield self._step(found.iterate, unknowns, start, (start + 1) / (_STARTS + 1))

    def _descend_timed(self) -> MatchSteps:
        """Descend roughly from the best starts and from near where they ended, then precisely."""
        start = 0
        for start, state in enumerate(itertools.islice(self._starts(), _TIMED_STARTS)):
            yield from self._descend_roughly(state, start)
        if self.best is None:
            return
        for _ in range(_TIMED_ROUNDS):
            before = self.best.rank
            start = yield from self._descend_nearby(self.model.nearby, start)
            if self.best.rank > _LESS_LOSS * before:
                break  # a second round would be the same
        start = yield from self._descend_nearby(self.model.nearby_last, start)
        state, evaluations = self.best.iterate.state, self.settings.max_evaluations
        yield from self._descend_from(self._all, state, start + 1, evaluations, _TIMED_FINE)

    def _descend_nearby(
        self, proposals: Sequence[Callable[[State], Sequence[State]]], start: int
    ) -> Generator[MatchStep | Evaluation | None, None, int]:
        """Descend roughly from the likeliest of each kind of proposal near the best so far."""
        for nearby in proposals:
            assert self.best is not None
            here = self.best.iterate.state
            state = yield from self._likest(here, nearby(here))
            if state is not None:
                start += 1
                yield from self._descend_roughly(state, start)
        return start

    def _descend_roughly(self, state: State, start: int) -> MatchSteps:
        end = yield from self._descend_from(
            self._all, state, start, _TIMED_EVALUATIONS, _TIMED_ROUGH
        )
        self._ends.append(end)

    def _likest(self, here: State, states: Sequence[State]) -> Steps[None, State | None]:
        """The state most like the target, of those that differ from `here` in what is sought."""
        pinned = {self.model.ids.index(id_): value for id_, value in self._pins.theta.items()}
        moving = [place for place in range(self.model.onset) if place not in pinned]
        best, highest = None, -math.inf
        for there in states:
            yield
            for place, value in pinned.items():
                there[place] = value
            if np.array_equal(there[moving], here[moving]):
                continue
            x = self.operator.synthesize(there[: self.model.onset], float(there[self.model.onset]))
            similarity = float(self.operator.analyse(x) @ self._all.S)
            if similarity > highest:
                best, highest = there, similarity
        return best

    def _descend_stationary(self, state: State, start: int) -> MatchSteps:
        """Descend beside one onset; then step by what several of them say.

        How partials beat in four seconds is chance, and so is where a descent beside one onset
        ends. What was read off exactly stays.
        """
        S, unknowns = self._few.S, self._few.unknowns.without(self._known)
        evaluations = self.settings.max_evaluations if unknowns.free else 1
        observed = Observation(S, unknowns)
        found = yield from self._descend_from(observed, state, start, evaluations, _NEAR_STEP)
        for _ in range(_STATIONARY_STEPS if unknowns.free else 1):
            state = found.iterate.state
            self.evaluations += NOISES
            beside = yield from linearize_at_onsets(self.operator, state, unknowns.free)
            last = noise_step(S, beside)
            found = DescentResult(
                Iterate(unknowns.moved(state, last.step), last.loss, last.std, converged=True),
                unknowns,
                good_loss=max(GOOD_LOSS, _LIKE_NOISE * last.noise_loss),
                start=start,
            )
            self._keep(found)
            yield self._step(found.iterate, found.unknowns, start, (start + 1) / (_STARTS + 1))
        self._ends.append(found)

    def _std(self, at: Iterate, unknowns: Unknowns) -> dict[str, float]:
        """Standard deviations of all that is looked for, what was read off exactly included."""
        theta, found = self.model.by_id(at.state), unknowns.std(at.state, at.std)
        read = {id_: share * abs(theta[id_]) for id_, share in self._known.items()}
        found = {**read, **found}
        return {id_: found[id_] for id_ in self.model.ids if id_ in found}

    def _averaged(
        self, found: DescentResult, observed: Observation, windowed: WindowedTarget
    ) -> Steps[None, DescentResult]:
        """Take the last step beside several noises, and see how far each would lead.

        The first noise is that of the descent, which has its Jacobian there already.
        """
        iterate, unknowns = found.iterate, observed.unknowns
        state = iterate.state if iterate.evaluated is None else iterate.evaluated
        loud = (observed.loss_before or 0.0) > _LOUD_NOISE_LOSS
        beside, more = [(yield from self._linearize(state, observed))], list[NDArray[np.float64]]()
        for number in range(1, NOISES):
            self.evaluations += 1
            noise = windowed.background(number)
            if number < JACOBIANS or loud:
                at = yield from self.operator.linearize_steps(state, unknowns.free, noise)
                beside.append(at)
            else:
                yield
                more.append(self.operator.value(state, noise))
        last = noise_step(observed.S, beside, more)
        return DescentResult(
            Iterate(unknowns.moved(state, last.step), last.loss, last.std, converged=True),
            unknowns,
            good_loss=max(_GOOD_WINDOWED_LOSS, _LIKE_NOISE * last.noise_loss),
            start=found.start,
            loss_before=observed.loss_before,
        )

    def _free_the_rest(self, before: DescentResult) -> MatchSteps:
        """Let depth, rests and brightness move too, and keep that if it explains much more.

        A half sine has as many events a second as a full sine of half its frequency, which is what
        was found if there are rests: so it is tried as well.
        """
        unknowns = self.settings.unknowns
        for notes, freed in _MORE_STARTS:
            state = before.iterate.state.copy()
            state[1] *= notes if "f_m" in unknowns else 1.0
            for id_, value in freed.items():
                if id_ in unknowns:
                    state[self.model.ids.index(id_)] = value
            state = self.model.in_range(state)
            yield from self._descend_from(self._all, state, _STARTS, _EVALUATIONS_FOR_MORE)
        if self.best is None or self.best.rank > _LESS_LOSS * before.rank:
            self.best = before

    def _descend_from(
        self,
        observed: Observation,
        state: State,
        start: int,
        max_evaluations: int,
        precision: float = _FINE_STEP,
    ) -> Steps[MatchStep | Evaluation, DescentResult]:
        """Descend, yield each step, keep the best of all; where this descent ended."""
        before = self.evaluations
        self._linearized.clear()

        def evaluate(state: State) -> Steps[Evaluation, NormalEquations]:
            return self._evaluate(state, observed)

        found: DescentResult | None = None
        unknowns = observed.unknowns
        for news in self._descent(evaluate, state, unknowns, max_evaluations, precision):
            if not isinstance(news, Iterate):
                yield news
                continue
            if found is None or news.loss <= found.loss:
                good_loss = GOOD_LOSS if observed.windowed is None else _GOOD_WINDOWED_LOSS
                found = DescentResult(news, unknowns, good_loss, start, observed.loss_before)
                self._keep(found)
            share = (self.evaluations - before) / max_evaluations
            yield self._step(news, unknowns, start, (start + share) / (_STARTS + 1))
        if found is None:
            raise Stopped
        return found

    def _keep(self, found: DescentResult) -> None:
        # Of two with the same rank, the later one goes on from the earlier one.
        if self.best is None or found.rank <= self.best.rank:
            self.best = found

    def _same(self, a: State, b: State) -> bool:
        """Whether two rough descents have come to one place."""
        if a[2] * b[2] < 0.0:
            return False
        step = self._few.unknowns.step_between(a, b)
        return bool(np.all(np.abs(step) < _SAME_MINIMUM))

    def _evaluate(self, state: State, observed: Observation) -> Steps[Evaluation, NormalEquations]:
        asked = (state.tobytes(), id(observed))
        if self._equations is None or asked != self._asked:
            self.evaluations += 1
            compute, free = self._compute(state, observed), len(observed.unknowns.free)
            numbers = yield from self.cache.evaluate(state, compute, 2 + free + free**2)
            self._equations = NormalEquations.from_numbers(numbers)
            self._asked = asked
        return self._equations  # a descent may go on from where another one ended

    def _compute(self, state: State, observed: Observation) -> Steps[None, list[float]]:
        """Compute the numbers of the normal equations."""
        at = yield from self._linearize(state, observed)
        return at.towards(observed.S)

    def _linearize(self, state: State, observed: Observation) -> Steps[None, Linearization]:
        """Linearize Φ where this descent did not come by before."""
        key = state.tobytes()
        if key in self._linearized:
            return self._linearized[key]
        at = yield from self.operator.linearize_steps(
            state, observed.unknowns.free, observed.background
        )
        if at.tangents.numel() < _LARGEST_KEPT:
            self._linearized[key] = at
        return at

    def _step(self, iterate: Iterate, unknowns: Unknowns, start: int, progress: float) -> MatchStep:
        step = MatchStep(
            theta=self.model.by_id(iterate.state),
            std=self._std(iterate, unknowns),
            loss=iterate.loss,
            evaluations=self.evaluations,
            seconds=self.cache.seconds,
            start=start,
            progress=progress,
            phase=self._phase,
        )
        self.trajectory.append(step)
        return step


# --------------------------------------------------------------------------------------------------
# Matcher: theta from audio alone


def match(
    audio: NDArray[np.floating],
    sample_rate: float,
    instrument: str = "chirplet",
    settings: MatchSettings | None = None,
) -> MatchResult:
    """Find the theta whose arpeggio sounds like `audio`.

    Parameters
    ----------
    audio : (n,) or (n, channels) array
        Any length from 50 ms; of a long sound the liveliest four seconds count.
    sample_rate : float
        Hz.
    instrument : str
        "chirplet" or "ripple".
    settings : MatchSettings, optional
        Its `seed` is that of the noises that the model is heard in, where the target is noisy.

    Returns
    -------
    MatchResult
        With ``onset`` counted from the start of `audio`, and ``gain`` in its own scale.

    Raises
    ------
    ArgumentError
        If `instrument` has no differentiable form, `audio` is no array of numbers, or a setting
        names something that does not exist.
    TargetError
        If `audio` is silent, too short, or holds NaN.

    Examples
    --------
    >>> result = match(audio, 44100, settings=MatchSettings(seed=7))        # doctest: +SKIP
    >>> result.theta["f_c"]                                                 # doctest: +SKIP
    """
    return Matcher(instrument, settings).fit(audio, sample_rate)


class Matcher:
    """Matches sounds with an instrument.

    Parameters
    ----------
    instrument : str
        "chirplet" or "ripple".
    settings : MatchSettings, optional

    Raises
    ------
    ArgumentError
        If `instrument` cannot be matched.

    Examples
    --------
    >>> matcher = Matcher("ripple", MatchSettings(seed=7))                  # doctest: +SKIP
    >>> for step in matcher.iter_fit(audio, 44100):                         # doctest: +SKIP
    ...     print(step.loss, step.theta)
    >>> matcher.result.onset                                                # doctest: +SKIP
    """

    def __init__(self, instrument: str = "chirplet", settings: MatchSettings | None = None) -> None:
        self.model = model_named(instrument)
        self.settings = settings or MatchSettings()
        self._search: MatchSearch | None = None

    def fit(self, audio: NDArray[np.floating], sample_rate: float) -> MatchResult:
        """Match a sound to the end.

        Parameters
        ----------
        audio : (n,) or (n, channels) array
            Any length from 50 ms; of a long sound the liveliest four seconds count.
        sample_rate : float
            Hz.

        Returns
        -------
        MatchResult
            With the onset counted from the start of `audio`, and the gain in its own scale.

        Raises
        ------
        ArgumentError
            If `audio` is no array of numbers.
        TargetError
            If `audio` is silent, too short, or holds NaN.
        """
        return self.match(target_from_array(audio, sample_rate, "audio"))

    def iter_fit(self, audio: NDArray[np.floating], sample_rate: float) -> Iterator[MatchStep]:
        """Match a sound step by step.

        Parameters
        ----------
        audio : (n,) or (n, channels) array
            Any length from 50 ms; of a long sound the liveliest four seconds count.
        sample_rate : float
            Hz.

        Yields
        ------
        MatchStep
            All accepted steps. The loop may be left at any of them: :attr:`result` is the best so
            far.

        Raises
        ------
        ArgumentError
            If `audio` is no array of numbers.
        TargetError
            If `audio` is silent, too short, or holds NaN.
        """
        target = target_from_array(audio, sample_rate, "audio")
        return (step for step in self.steps(target) if isinstance(step, MatchStep))

    def fit_many(
        self, sounds: Iterable[tuple[NDArray[np.floating], float]]
    ) -> Iterator[MatchResult]:
        """Match sounds one after another; errors are those of :func:`match`.

        Parameters
        ----------
        sounds : iterable of (array, float)
            Each sound and its sample rate, Hz.

        Yields
        ------
        MatchResult
            Of each sound as soon as it is matched.
        """
        return (self.fit(audio, sample_rate) for audio, sample_rate in sounds)

    def match(self, target: Target) -> MatchResult:
        """Match a target; ``onset`` counts from the start of the sound that it was taken from."""
        return result_of(self.steps(target))

    def steps(
        self, target: Target, cache: EvaluationCache | None = None
    ) -> Steps[MatchStep | Evaluation, MatchResult]:
        """Match a target as a generator that can be stopped between any two evaluations.

        Parameters
        ----------
        target : Target
        cache : EvaluationCache, optional
            Evaluations of the same match; it goes on from there.

        Yields
        ------
        None, Evaluation or MatchStep
            None every few hundredths of a second, each new evaluation, and each accepted step.

        Returns
        -------
        MatchResult
            If it is stopped, the best so far.

        Raises
        ------
        Stopped
            If it is stopped before it has any theta.
        """
        device = best_device().type
        with neutral(device, kept=True):
            cache = cache or EvaluationCache()
            self._search = search = MatchSearch(target, self.model, self.settings, cache)
        return neutral_steps(search.steps(), device, kept=True)

    @property
    def result(self) -> MatchResult | None:
        """Result of the match that ran last, or runs; None where it has no theta so far."""
        search = self._search
        return None if search is None or search.best is None else search.result()


def render_match(
    values: Mapping[str, float], instrument: str = "chirplet", beside: Target | None = None,
    rate: int = ANALYSIS_RATE,
) -> NDArray[np.float32]:  # fmt: skip
    """One arpeggio in an analysis window of four seconds, of peak 1.

    Parameters
    ----------
    values : mapping
        The instrument's parameters by id; what is missing stands at its default.
    instrument : str
        "chirplet" or "ripple".
    beside : Target, optional
        Where this has its energy, the arpeggio lies; otherwise in the middle.
    rate : int
        One of PICTURE_RATES, Hz.
    """
    model, onset = model_named(instrument), 0.0
    theta = model.state_of(values)[: model.onset]
    if beside is not None:
        listener = shared_operator().of(model)
        onset = onset_of(listener.jtfs, beside.audio, listener.synthesize(theta))
    return picture_operator(rate).of(model).synthesize(theta, onset)


def match_steps(
    target: Target, instrument: str, settings: MatchSettings, cache: EvaluationCache
) -> Steps[MatchStep | Evaluation, MatchResult]:
    """Job of a match: :meth:`Matcher.steps`.

    Parameters
    ----------
    target : Target
    instrument : str
    settings : MatchSettings
    cache : EvaluationCache
        Evaluations of the same match, for one that is resumed.

    Yields
    ------
    None, Evaluation or MatchStep

    Returns
    -------
    MatchResult

    Raises
    ------
    TargetError
        If the target has nothing below half of ANALYSIS_RATE.
    """
    if not target.audio.any():
        raise TargetError(
            f"{target.name} has nothing below {ANALYSIS_RATE // 2} Hz, where one {instrument} is "
            "matched; match it with layers."
        )
    return (yield from Matcher(instrument, settings).steps(target, cache))
