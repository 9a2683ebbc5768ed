"""Match of one arpeggio: starts, rough descents, refinement, and the result."""

import functools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from mesosynth.audio.target import ANALYSIS_RATE, ANALYSIS_SAMPLES, Target, target_from_array
from mesosynth.matching.checkpoint import Entry, Journal, SavedMatch, save_match
from mesosynth.matching.descent import Iterate, Measured, descent_named
from mesosynth.matching.model import Pins, State, Unknowns, model_named
from mesosynth.matching.noise import (
    NOISES,
    Focus,
    correlation,
    focus_on,
    heard_elsewhere,
    noise_step,
    onset_of,
    steady_gain,
    steady_onset,
)
from mesosynth.matching.operator import Linearization, Operator
from mesosynth.matching.results import Candidate, MatchResult, MatchSettings, MatchStep, Phi
from mesosynth.matching.starts import starts_of

# --------------------------------------------------------------------------------------------------
# One match: starts, rough descents, a closer look at the best, and what comes of it.


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


# --------------------------------------------------------------------------------------------------
# The matcher: from audio to theta, with no knowledge but the audio.


def match(
    audio: NDArray[np.floating],
    sample_rate: float,
    instrument: str = "chirplet",
    seed: int = 0,
    on_step: OnStep | None = None,
    should_stop: ShouldStop | None = None,
    settings: MatchSettings | None = None,
    journal: Journal | None = None,
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
    seed : int
        Of the noises that the model is heard in, where the target is noisy.
    on_step : callable, optional
        Called with every accepted step.
    should_stop : callable, optional
        Asked every few hundredths of a second; True ends the match with the best theta so far.
    settings : MatchSettings, optional
    journal : Journal, optional
        What the same match has measured before; the match goes on from there.

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
    Stopped
        If `should_stop` ended it before it had any theta.
    """
    target = target_from_array(np.asarray(audio), sample_rate, "audio")
    settings = replace(settings or MatchSettings(), seed=seed)
    return Matcher(instrument).match(target, on_step, should_stop, settings, journal)


class Matcher:
    """Matches one target after another with filters that are built once.

    Parameters
    ----------
    instrument : str
        "chirplet" or "ripple".

    Raises
    ------
    ArgumentError
        If it cannot be matched.
    """

    def __init__(self, instrument: str = "chirplet") -> None:
        self.operator = Operator(model=model_named(instrument))
        self._operators: dict[str, Operator] = {self.operator.phi: self.operator}

    def choose(self, instrument: str) -> None:
        """Match another instrument from now on, with the same filters.

        Raises
        ------
        ArgumentError
            If it cannot be matched; all stays as it was.
        """
        model = model_named(instrument)
        self._operators = {phi: each.of(model) for phi, each in self._operators.items()}
        self.operator = self._operators[self.operator.phi]

    def render(
        self, values: Mapping[str, float], beside: Target | None = None
    ) -> NDArray[np.float32]:
        """One arpeggio in an analysis window, (ANALYSIS_SAMPLES,), of peak 1.

        Parameters
        ----------
        values : mapping
            The instrument's parameters by id; what is missing stands at its default.
        beside : Target, optional
            Where this has its energy, the arpeggio lies; otherwise in the middle.
        """
        model = self.operator.model
        theta = model.state_of(values)[: model.onset]
        x = self.operator.synthesize(theta)
        if beside is None:
            return x
        return self.operator.synthesize(theta, onset_of(self.operator.jtfs, beside.audio, x))

    def match(
        self,
        target: Target,
        on_step: OnStep | None = None,
        should_stop: ShouldStop | None = None,
        settings: MatchSettings | None = None,
        journal: Journal | None = None,
    ) -> MatchResult:
        """Match `target`; parameters and result as in :func:`match`.

        ``onset`` counts from the start of the sound that the target was taken from.
        """
        settings = settings or MatchSettings()
        if settings.unknowns == MatchSettings().unknowns:  # all, whatever the instrument has
            free = (id_ for id_ in self.operator.model.ids if id_ not in settings.pinned)
            settings = replace(settings, unknowns=tuple(free))
        operator = self.operator_for(settings.phi)
        run = Run(
            self.operator, operator, target, settings, on_step, should_stop, journal or Journal()
        )
        try:
            run.descend()
        except Stopped:
            return run.result(converged=False)
        return run.result(converged=True)

    def operator_for(self, phi: Phi) -> Operator:
        """The operator of that Φ, built when it is first asked for."""
        if phi not in self._operators:
            self._operators[phi] = Operator(phi, model=self.operator.model)
        return self._operators[phi]


# --------------------------------------------------------------------------------------------------
# A match that is written to a file as it goes, so that whatever ends it costs one measurement.


def run_and_keep(
    matcher: Matcher, saved: SavedMatch, path: Path | None, on_step: OnStep | None = None
) -> MatchResult:
    """Match, or go on with a match, and keep it in a file.

    Parameters
    ----------
    matcher : Matcher
        Of the instrument of `saved`.
    saved : SavedMatch
        With entries if it is an older match.
    path : Path, optional
        The file, which holds all that was measured at any moment; None keeps nothing.
    on_step : callable, optional
        Called with every accepted step, those of an older match included.

    Raises
    ------
    ArgumentError
        If a setting does not exist.
    MatchFileError
        If the file cannot be written.
    """
    entries = list(saved.entries)

    def keep(finished: bool = False) -> None:
        if path is not None:
            so_far = msgspec.structs.replace(saved, entries=tuple(entries), finished=finished)
            save_match(path, so_far)

    def on_entry(place: int, entry: Entry) -> None:
        entries[place:] = [entry]
        keep()

    keep()
    journal = Journal(saved.entries, on_entry)
    result = matcher.match(saved.target, on_step, settings=saved.settings, journal=journal)
    keep(finished=True)
    return result
