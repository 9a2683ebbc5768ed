"""Match with layers: greedy search on the residual, then joint refinement."""

import math
import time
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from mesosynth.audio.target import ANALYSIS_RATE, ANALYSIS_SAMPLES, Target, target_from_array
from mesosynth.instruments.chirplet import SIGMA_0, SLOWEST
from mesosynth.instruments.chirplet_torch import ONSET
from mesosynth.matching.layer_sound import (
    LEVEL,
    PERIOD,
    SIZE,
    TOLERANCE,
    LayerLoss,
    LayerObjective,
    States,
    in_range,
    layer_sound,
    moved,
    repetitions,
    sounding,
)
from mesosynth.matching.model import CHIRPLET
from mesosynth.matching.operator import shared_operator
from mesosynth.matching.results import Layer, LayersResult, LayersSettings, LayersStep
from mesosynth.matching.similarity import Similarity
from mesosynth.matching.starts import period_of
from mesosynth.system.steps import Evaluation, EvaluationCache, Steps, Stopped, result_of

R = TypeVar("R")

# --------------------------------------------------------------------------------------------------
# Layers of a result and states of the search: times in the source, and in the analysis window


_QUIET = 1e-3  # of the peak: what is below is not in the sound
_MIDDLE = ANALYSIS_SAMPLES / ANALYSIS_RATE / 2  # s


def layer_of(
    state: NDArray[np.float64], target: Target, span: tuple[float, float], share: float
) -> Layer:
    """Layer of a state, on the time axis and in the scale of the target's source.

    Parameters
    ----------
    state : (10,) float64
    target : Target
    span : (float, float)
        As :func:`span_of` gives it.
    share : float
        Share of the energy of all layers, 0 to 1.

    Returns
    -------
    Layer
    """
    onset, period, repeats = float(state[ONSET]), float(state[PERIOD]), 1
    if period:
        times = repetitions(onset, period, span)
        onset, repeats = float(times[0]), len(times)
    return Layer(
        theta={id_: float(value) for id_, value in zip(CHIRPLET.ids, state, strict=False)},
        onset=target.start + _MIDDLE + onset,
        level=float(state[LEVEL]) / target.scale,
        period=period,
        repeats=repeats,
        share=share,
    )


def state_of(layer: Layer, start: float, scale: float = 1.0) -> NDArray[np.float64]:
    """State of a layer in an analysis window.

    Parameters
    ----------
    layer : Layer
    start : float
        Begin of the window, s, on the time axis of the layer's onset.
    scale : float
        Factor of the amplitude.

    Returns
    -------
    (10,) float64
    """
    theta = [layer.theta[id_] for id_ in CHIRPLET.ids]
    return np.array([*theta, layer.onset - start - _MIDDLE, layer.level * scale, layer.period])


def span_of(audio: NDArray[np.float32]) -> tuple[float, float]:
    """Span of a target without the silence around it, s after the middle of the window."""
    active = np.flatnonzero(np.abs(audio) > _QUIET * np.abs(audio).max())
    first, last = float(active[0]), float(active[-1])
    return first / ANALYSIS_RATE - _MIDDLE, last / ANALYSIS_RATE - _MIDDLE


# --------------------------------------------------------------------------------------------------
# Start of a new layer, on the residual of the others
#
# The target's mel power that their sum does not reach says where and when something is missing. A
# candidate is an arpeggio there, at a time and pitch drawn by how much is, with rates and widths at
# random; in sounds that repeat, every other one repeats too. The one that brings the loss lowest
# when it joins the sum starts the layer.


_RANGES = {"f_m": (1.0, 50.0), "sigma": (0.02, 0.7), "w": (0.3, 6.0)}  # drawn in logarithms
_BRIGHTNESS = (-30.0, -2.0)  # dB/octave
_LEVELS = (0.5, 1.0)  # of what is left


def draw_start(
    objective: LayerObjective,
    left: NDArray[np.float64],
    period: float,
    span: tuple[float, float],
    rng: np.random.Generator,
) -> tuple[NDArray[np.float64], torch.Tensor]:
    """Draw one candidate and its sound.

    Parameters
    ----------
    objective : LayerObjective
    left : (bands, frames) float64
        As ``objective.left_over`` gives it.
    period : float
        Of its repetition, s; 0 for none.
    span : (float, float)
        As for :func:`mesosynth.matching.layer_sound.layer_sound`.
    rng : Generator

    Returns
    -------
    state : (10,) float64
    sound : (ANALYSIS_SAMPLES,) float64 tensor
    """
    amplitude = np.sqrt(left)
    place = rng.choice(amplitude.size, p=amplitude.ravel() / amplitude.sum())
    band, frame = np.unravel_index(place, amplitude.shape)
    f_m, sigma, w = (_between(rng, *ends) for ends in _RANGES.values())
    state = np.zeros(SIZE)
    gamma = rng.choice([-1.0, 1.0]) * max(SIGMA_0 * w / sigma, SLOWEST)
    state[:ONSET] = [
        objective.frequencies()[band], f_m, gamma, w,
        rng.uniform(), rng.uniform(0.2, 1.0), rng.uniform(*_BRIGHTNESS),
    ]  # fmt: skip
    state[ONSET] = objective.times(np.array([frame]))[0]
    state[LEVEL], state[PERIOD] = 1.0, period
    state = in_range(state[None])[0]
    x = layer_sound(state, span)
    missing = objective.energy * left.sum() / max(float(objective.whole), 1e-300)
    level = rng.choice(_LEVELS) * np.sqrt(missing / max(float(x.square().sum()), 1e-12))
    state[LEVEL] = level
    return state, level * x


def _between(rng: np.random.Generator, low: float, high: float) -> float:
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


# --------------------------------------------------------------------------------------------------
# Greedy search, second try of the weakest layer, joint refinement
#
# The rate of Adam falls to nothing over the steps or the time, whichever is over first; so an end
# by the clock is an end all the same. The clock that counts is that of the last evaluation, so that
# a search that is taken up again decides as it did before.


_CANDIDATES = 20  # for a new layer
_GROWING_STEPS = 40  # of Adam, for a new layer
_RETRIES = 2
_RETRIES_BY, _GROWN_BY = 0.55, 0.35  # of the time
_RATE, _LAST_RATE = 0.05, 0.02
_GOOD_LOSS = 0.02  # a loss that needs no further layer
_REPORT_PERIOD = 0.2  # s
_LEAST_SECONDS = 2.0  # for a search that goes on when its time is nearly over

LayerSteps = Generator[LayersStep | Evaluation | None, None, R]


@dataclass(frozen=True)
class _Mixture:
    """Layers, the loss of their sum, and the energies of the sum and of each of them."""

    states: States
    loss: LayerLoss
    energy: float = 0.0
    energies: tuple[float, ...] = ()


class LayerSearch:
    """Search for layers.

    Parameters
    ----------
    target : Target
    settings : LayersSettings
    cache : EvaluationCache
        Evaluations of the same search, as far as it came.
    """

    def __init__(self, target: Target, settings: LayersSettings, cache: EvaluationCache) -> None:
        self._target, self._settings, self._cache = target, settings, cache
        self._rng = np.random.default_rng(settings.seed)
        self._objective = LayerObjective(target.audio, shared_operator(tolerance=TOLERANCE))
        self._span = span_of(target.audio)
        self._period = period_of(shared_operator().jtfs, target.audio)
        self._similarity: Similarity | None = None
        self._before = settings.before
        self._seconds = settings.seconds
        if self._before is not None:
            self._seconds = max(self._seconds - self._before.seconds, _LEAST_SECONDS)
        self._evaluations = 0
        self._work = 0.0
        self._told = -math.inf  # when a step was told last, s
        self._given = len(settings.start)
        self._pinned = np.isin(np.arange(self._given), settings.pinned)
        self._planned = 1.0
        self._finished = False
        self._best: _Mixture | None = None

    # ------------------------------------------------------------------ the way

    def steps(self) -> Steps[LayersStep | Evaluation, LayersResult]:
        """Search; stopped, the result is the best so far."""
        try:
            yield from self._reserve_time()
            yield from self._begin()
            yield from self._run()
            self._finished = self._elapsed < 1.0
        except Stopped:
            pass
        return self._result()

    def _reserve_time(self) -> LayerSteps[None]:
        """Leave time for the scores at the end.

        They are part of the time, as is a step that is begun just before its end: on a busy machine
        that takes as long as they do. How long they take is evaluated once, and kept.
        """

        def measure() -> Steps[None, list[float]]:
            yield
            before = time.perf_counter()
            self._scores()
            return [time.perf_counter() - before]

        took = yield from self._cache.evaluate(np.zeros(0), measure(), 1)
        self._seconds = max(self._seconds - 3.0 * took[0], 0.5 * self._seconds)

    def _begin(self) -> LayerSteps[None]:
        """Go on from layers that are there."""
        if self._given:
            scale, start = self._target.scale, self._settings.start
            states = np.array([state_of(layer, self._target.start, scale) for layer in start])
            # Stopped before the first step, the search keeps what there was.
            self._best = yield from self._mixture(in_range(states))

    def _run(self) -> LayerSteps[None]:
        """Let layers join, give the weakest another try, refine."""
        planned, steps = self._settings.layers - self._given, self._settings.steps
        self._planned = planned * (_CANDIDATES / 3 + _GROWING_STEPS) + steps
        self._planned += _RETRIES * (_CANDIDATES / 3 + _GROWING_STEPS) if planned else 0.0
        for number in range(planned):
            more = yield from self._grow(until=_GROWN_BY * (number + 1) / planned)
            if not more:
                break
        for retry in range(_RETRIES if planned else 0):
            share = (retry + 1) / _RETRIES
            yield from self._retry(until=_GROWN_BY + (_RETRIES_BY - _GROWN_BY) * share)
        if self._best is not None:
            yield from self._refine(self._best, steps, until=1.0)

    def _grow(self, until: float) -> LayerSteps[bool]:
        """Let one more layer join; False if there is no need, or it was in vain."""
        before = self._best
        if before is not None and before.loss.value < _GOOD_LOSS:
            return False
        pinned, self._pinned = self._pinned, np.append(self._pinned, False)
        joined = yield from self._joined(before, until)
        found = yield from self._refine(joined, _GROWING_STEPS, until)
        if before is not None and found.loss.value >= before.loss.value:
            self._best, self._pinned = before, pinned
            return self._elapsed >= until  # more time might have been of use
        return True

    def _retry(self, until: float) -> LayerSteps[None]:
        """Put the layer that is missed least elsewhere, and keep that if it is better."""
        best = self._best
        removable = 0 if best is None else len(best.states) - self._given
        if best is None or removable < 1 or len(best.states) < 2 or self._elapsed >= until:
            return
        without: list[_Mixture] = []
        for place in range(self._given, len(best.states)):
            self._count(1.0 / 3.0)
            without += [(yield from self._mixture(np.delete(best.states, place, axis=0)))]
        rest = min(without, key=lambda found: found.loss.value)
        # None that is removable is pinned, so that the pins stay where they are.
        joined = yield from self._joined(rest, until)
        found = yield from self._refine(joined, _GROWING_STEPS, until)
        if found.loss.value >= best.loss.value:
            self._best = best

    def _joined(self, before: _Mixture | None, until: float) -> LayerSteps[_Mixture]:
        """The layers and the best of several candidates for a new one."""
        states, x = np.zeros((0, SIZE)), None
        if before is not None:
            states = (yield from self._levelled(before)).states
            x = self._sum(states)
        left = self._objective.left_over(x)
        best: _Mixture | None = None
        for number in range(_CANDIDATES if before is not None else 2 * _CANDIDATES):
            period = self._period if number % 2 else 0.0
            state, sound = draw_start(self._objective, left, period, self._span, self._rng)
            self._count(1.0 / 3.0)
            tried = np.vstack([states, state])
            found = yield from self._mixture(tried, sound if x is None else x + sound)
            if best is None or found.loss.value < best.loss.value:
                best = found
            if self._elapsed >= until:
                break
        assert best is not None
        return best

    def _refine(self, found: _Mixture, steps: int, until: float) -> LayerSteps[_Mixture]:
        """Adam from `found`, in at most so many steps and until so much of the time is over.

        A step that would end too late is not begun.
        """
        states, best = found.states, found
        free = ~self._pinned[:, None]
        mean, square = np.zeros((2, *states.shape))
        began = now = self._elapsed
        longest = 0.0
        for step in range(1, steps + 1):
            here, gradient = yield from self._gradient(states)
            if here.loss.value < best.loss.value:
                best = here
                yield from self._keep(best)
            before, now = now, self._elapsed
            longest = max(longest, now - before)
            done = max(step / steps, (now - began) / max(until - began, 1e-9))
            if done >= 1.0 or now + longest > until:
                break
            mean = 0.9 * mean + 0.1 * gradient
            square = 0.95 * square + 0.05 * gradient**2
            unit = (mean / (1 - 0.9**step)) / (np.sqrt(square / (1 - 0.95**step)) + 1e-9)
            rate = _RATE * min(1.0, 2.0 * (1.0 - done) + _LAST_RATE)
            states = np.where(free, moved(states, -rate * unit), states)
        best = yield from self._levelled(best)
        yield from self._keep(best)
        return best

    # ------------------------------------------------------------------ evaluations

    def _gradient(self, states: States) -> LayerSteps[tuple[_Mixture, States]]:
        """Loss and its derivatives along the axes of all layers, (layers, 10)."""

        def compute() -> Steps[None, list[float]]:
            yield
            layers = [sounding(state, self._span) for state in states]
            x = torch.stack([layer.x for layer in layers])
            loss, along = self._objective.gradient(x.sum(dim=0))
            gradient = [layer.along(along.double()) for layer in layers]
            return [*loss.numbers, *_energies(x), *np.concatenate(gradient).tolist()]

        self._count(1.0)
        count = len(states)
        size = LayerLoss.SIZE + 1 + count + states.size
        numbers = yield from self._cache.evaluate(states, compute(), size)
        loss, rest = LayerLoss(*numbers[: LayerLoss.SIZE]), numbers[LayerLoss.SIZE :]
        mixture = _Mixture(states, loss, rest[0], tuple(rest[1 : 1 + count]))
        return mixture, np.array(rest[1 + count :]).reshape(states.shape)

    def _mixture(self, states: States, x: torch.Tensor | None = None) -> LayerSteps[_Mixture]:
        """Loss of layers; `x` is their sum where it is known."""

        def compute() -> Steps[None, list[float]]:
            yield
            return self._objective.at(self._sum(states) if x is None else x).numbers

        numbers = yield from self._cache.evaluate(states, compute(), LayerLoss.SIZE)
        return _Mixture(states, LayerLoss(*numbers))

    def _levelled(self, found: _Mixture) -> LayerSteps[_Mixture]:
        """The same layers at the target's power."""

        def compute() -> Steps[None, list[float]]:
            yield
            return _energies(self._sounds(found.states))

        size = 1 + len(found.states)
        energy, *energies = yield from self._cache.evaluate(found.states, compute(), size)
        states, factor = found.states.copy(), self._to_level(energy)
        states[:, LEVEL] *= factor
        levelled = tuple(factor**2 * each for each in energies)
        return _Mixture(states, found.loss, factor**2 * energy, levelled)

    def _sum(self, states: States) -> torch.Tensor:
        return self._sounds(states).sum(dim=0)

    def _sounds(self, states: States) -> torch.Tensor:
        return torch.stack([layer_sound(state, self._span) for state in states])

    def _to_level(self, energy: float) -> float:
        """Factor that brings a sum of that energy to the target's power."""
        return math.sqrt(self._objective.energy / max(energy, 1e-300))

    def _count(self, work: float) -> None:
        self._evaluations += 1
        self._work += work

    @property
    def _elapsed(self) -> float:
        """Share of the time that was over at the last evaluation."""
        return self._cache.evaluated_at / self._seconds

    # ------------------------------------------------------------------ steps and result

    def _keep(self, found: _Mixture) -> Iterator[LayersStep]:
        """Keep layers that are better than those they come from, and yield a step now and then."""
        if self._best is None or found.loss.value <= self._best.loss.value:
            self._best = found
        seconds = self._cache.evaluated_at
        if seconds - self._told < _REPORT_PERIOD:
            return
        self._told = seconds
        step = LayersStep(
            layers=self._layers(found.states, found.energy, found.energies),
            loss=found.loss.value,
            jtfs=found.loss.jtfs,
            log_mel=found.loss.log_mel,
            evaluations=self._evaluations,
            seconds=seconds,
            progress=min(max(self._work / self._planned, self._elapsed), 1.0),
        )
        yield step if self._before is None else _after(self._before, step)

    def _result(self) -> LayersResult:
        """The best layers, in the terms of the sound that was given."""
        if self._best is None:
            raise Stopped
        sounds = self._sounds(self._best.states)
        energy, *energies = _energies(sounds)
        x = self._to_level(energy) * sounds.sum(dim=0)
        return LayersResult(
            layers=self._layers(self._best.states, energy, energies),
            scores=self._scores().of(x.float().numpy()),
            loss=self._best.loss.value,
            evaluations=self._evaluations,
            seconds=self._cache.seconds + (0.0 if self._before is None else self._before.seconds),
            converged=self._finished,
        )

    def _scores(self) -> Similarity:
        if self._similarity is None:
            self._similarity = Similarity(self._target.audio, ANALYSIS_RATE)
        return self._similarity

    def _layers(
        self, states: States, energy: float, energies: Sequence[float]
    ) -> tuple[Layer, ...]:
        """Layers at the target's power in the user's terms."""
        states, whole = states.copy(), max(sum(energies), 1e-300)
        states[:, LEVEL] *= self._to_level(energy)
        return tuple(
            layer_of(state, self._target, self._span, each / whole)
            for state, each in zip(states, energies, strict=True)
        )


def _energies(sounds: torch.Tensor) -> list[float]:
    """Energy of the sum of sounds (layers, n), and of each of them."""
    whole = float(sounds.sum(dim=0).square().sum())
    return [whole, *sounds.square().sum(dim=1).tolist()]


def _after(before: LayersStep, step: LayersStep) -> LayersStep:
    """A step of a search that goes on, counted from where it began for the first time."""
    return replace(
        step,
        evaluations=before.evaluations + step.evaluations,
        seconds=before.seconds + step.seconds,
        progress=before.progress + (1.0 - before.progress) * step.progress,
    )


# --------------------------------------------------------------------------------------------------
# Match of a sound with layers
#
# Matching pursuit, then all together. A layer joins where the others leave most of the target
# (:func:`draw_start`), and all that are there are refined by Adam on the loss of their sum
# (:class:`LayerObjective`). Then the layer that is missed least makes room for another try, twice,
# and what was better is refined to the end with a rate that falls to nothing.
#
# Measured on five recordings (a guitar's slide, a crow, a swoosh, a noisy sweep, a record rewound),
# four layers, one thread: the loss and its gradient along all forty unknowns cost some 0.1 s, a
# Jacobian of thirty-six directions 0.8 to 1.5 s; so gradients are followed. The scattering alone
# reaches cosines of 0.98, 0.91, 0.83, 0.81 and 0.88 from random starts, but with the events at the
# wrong times (log-mel 0.09, 0.01, 0.39, 0.55, 0.47). With the starts, and a fifth of log-mel in the
# loss, it is 0.97, 0.95, 0.90, 0.96 and 0.89 (log-mel 0.71, 0.91, 0.88, 0.97, 0.69). Layers that
# repeat fast are what makes noise: without them the sweep ends at 0.78 to 0.83.


def match_layers(
    audio: NDArray[np.floating], sample_rate: float, settings: LayersSettings | None = None
) -> LayersResult:
    """Find a few arpeggios whose sum sounds like `audio`.

    Parameters
    ----------
    audio : (n,) or (n, channels) array
        Any length from 50 ms; of a long sound the liveliest four seconds count.
    sample_rate : float
        Hz.
    settings : LayersSettings, optional

    Returns
    -------
    LayersResult
        With onsets counted from the start of `audio`, and levels in its own scale.

    Raises
    ------
    ArgumentError
        If `audio` is no array of numbers.
    TargetError
        If `audio` is silent, too short, or holds NaN.
    """
    target = target_from_array(np.asarray(audio), sample_rate, "audio")
    return result_of(layer_steps(target, settings or LayersSettings()))


def layer_steps(
    target: Target, settings: LayersSettings, cache: EvaluationCache | None = None
) -> Steps[LayersStep | Evaluation, LayersResult]:
    """Match a target with layers as a generator that can be stopped between any two evaluations.

    Parameters
    ----------
    target : Target
        The result's onsets and levels are those of the sound that it was taken from.
    settings : LayersSettings
    cache : EvaluationCache, optional
        Evaluations of the same search; it goes on from there.

    Yields
    ------
    None, Evaluation or LayersStep
        None every tenth of a second, each new evaluation, and steps as layers get better.

    Returns
    -------
    LayersResult
        If it is stopped, the best so far.

    Raises
    ------
    Stopped
        If it is stopped before there is a layer.
    """
    return (yield from LayerSearch(target, settings, cache or EvaluationCache()).steps())


def layer_sounds(layers: Sequence[Layer], start: float = 0.0) -> NDArray[np.float64]:
    """Each layer by itself in an analysis window, (layers, ANALYSIS_SAMPLES) at ANALYSIS_RATE.

    Parameters
    ----------
    layers : sequence of Layer
    start : float
        Time at which the window begins, s, on the clock of the layers' onsets.
    """
    sounds = np.zeros((len(layers), ANALYSIS_SAMPLES))
    for sound, layer in zip(sounds, layers, strict=True):
        state = state_of(layer, start)
        last = state[ONSET] + (layer.repeats - 1) * layer.period
        sound[:] = layer_sound(state, (float(state[ONSET]), float(last))).numpy()
    return sounds


def render_layers(layers: Sequence[Layer], start: float = 0.0) -> NDArray[np.float32]:
    """Sum of :func:`layer_sounds`.

    Parameters
    ----------
    layers : sequence of Layer
    start : float
        Begin of the window, s, on the time axis of the layers' onsets.

    Returns
    -------
    (ANALYSIS_SAMPLES,) float32
        At ANALYSIS_RATE.
    """
    return layer_sounds(layers, start).sum(axis=0).astype(np.float32)
