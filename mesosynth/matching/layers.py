"""Match with layers: up to twelve sounds of several kinds whose sum is a recording.

Greedy search on expected band pictures, joint refinement, second tries of the layers that are
missed least, and a last refinement beside the waveform itself. Any of it can be stopped.
"""

import functools
import math
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, TypeVar

import numpy as np
import soxr
import torch
from numpy.typing import NDArray

from mesosynth import units
from mesosynth.audio.target import Recording, Target, target_from_array
from mesosynth.engine.limiter import Limiter
from mesosynth.instruments.layers import PARAMETERS
from mesosynth.matching.band_pictures import RATE, RESOLUTIONS, BandPictures, Pictures
from mesosynth.matching.layer_models import (
    KINDS,
    LEVEL,
    ONSET,
    ONSET_STEP,
    PERIOD,
    SHORTEST_PERIOD,
    SIZE,
    LayerModel,
    Rows,
    layer_model,
    layer_of,
    layer_sounds,
    partials_of,
    row_of,
)
from mesosynth.matching.layer_starts import LayerStart, LayerStarts
from mesosynth.matching.results import (
    MOST_LAYERS,
    STATIONARY,
    Layer,
    LayersCandidate,
    LayersResult,
    LayersSettings,
    LayersStep,
    layer_table,
)
from mesosynth.matching.similarity import Similarity, local_coefficients
from mesosynth.plugins.plugin import CHANNELS
from mesosynth.presets.matched import layers_beside
from mesosynth.system.steps import Evaluation, EvaluationCache, Steps, Stopped, result_of

R = TypeVar("R")

# --------------------------------------------------------------------------------------------------
# Mixture: layers of several kinds in a search


@dataclass(frozen=True, eq=False)
class Mixture:
    """Layers of a search.

    Attributes
    ----------
    kinds : tuple of str
    rows : (layers, SIZE) float64
        Along the axes of :mod:`mesosynth.matching.layer_models`.
    held : (layers,) bool
        Layers that stay as they are.
    """

    kinds: tuple[str, ...]
    rows: Rows
    held: NDArray[np.bool_]

    def joined(self, kind: str, row: NDArray[np.float64]) -> "Mixture":
        """These layers and one more.

        Parameters
        ----------
        kind : str
        row : (SIZE,) float64

        Returns
        -------
        Mixture
        """
        rows = np.concatenate([self.rows, row[None]])
        return Mixture((*self.kinds, kind), rows, np.append(self.held, False))

    def without(self, place: int) -> "Mixture":
        """All layers but one."""
        kinds = self.kinds[:place] + self.kinds[place + 1 :]
        return Mixture(kinds, np.delete(self.rows, place, axis=0), np.delete(self.held, place))

    def moved(self, rows: Rows) -> "Mixture":
        """The same layers with other rows."""
        return replace(self, rows=rows)

    def __len__(self) -> int:
        return len(self.kinds)


_NO_LAYERS = Mixture((), np.zeros((0, SIZE)), np.zeros(0, np.bool_))


def mixture_pictures(pictures: BandPictures, kinds: Sequence[str], rows: torch.Tensor) -> Pictures:
    """Expected pictures of layers of several kinds, with their repetitions.

    Parameters
    ----------
    pictures : BandPictures
    kinds : sequence of str
    rows : (layers, SIZE) float32 tensor

    Returns
    -------
    list of (layers, frames, bands) tensor
        Differentiable along the rows.
    """
    found: list[tuple[list[int], Pictures]] = []
    for kind in KINDS:
        places = [place for place, name in enumerate(kinds) if name == kind]
        if places:
            own = rows[places]
            partials = partials_of(kind, own, pictures.times)
            powers = pictures.of_partials(*partials)
            if bool((own[:, PERIOD] > 0.0).any()):
                powers = [
                    _repeated(p, own, r.hop) for p, r in zip(powers, RESOLUTIONS, strict=True)
                ]
            found.append((places, powers))
    order = torch.tensor([place for places, _ in found for place in places]).argsort()
    return [torch.cat([powers[i] for _, powers in found])[order] for i in range(len(RESOLUTIONS))]


def _repeated(power: torch.Tensor, rows: torch.Tensor, hop: int) -> torch.Tensor:
    """Sum of a picture and its copies, a period apart each."""
    frames = power.shape[1]
    repeated: list[torch.Tensor] = []
    for picture, row in zip(power, rows, strict=True):
        onset, seconds = float(row[ONSET].detach()) * ONSET_STEP, float(row[PERIOD].detach())
        whole = picture
        if seconds > 0.0:
            steps = row[PERIOD] * (RATE / hop)  # frames
            count = int((frames * hop / RATE - onset) / max(seconds, SHORTEST_PERIOD))
            for number in range(1, count + 1):
                shift = number * steps
                least = int(shift.detach())
                if least + 1 >= frames:
                    break
                x = shift - least
                later = torch.nn.functional.pad(picture, (0, 0, least, 0))[:frames]
                latest = torch.nn.functional.pad(picture, (0, 0, least + 1, 0))[:frames]
                whole = whole + (1.0 - x) * later + x * latest
        repeated.append(whole)
    return torch.stack(repeated)


# --------------------------------------------------------------------------------------------------
# Loss
#
# With the decibels D above -60 of the peak and the amplitudes A of each of three pictures, and D'
# and A' of the target::
#
#     loss = sum_r W_r (mean (D - D')^2 / var D' + 0.3 mean |D - D'| / std D' + 0.5 |A - A'| / |A'|)
#            + W mean H(D - D')^2 / var H D'
#
# The first is one minus a correlation, near to it; the second is not led by what is far away; the
# third, spectral convergence, hears what is loud. The last is of the middle resolution alone: H
# takes the mean of the neighbourhood away, so that strokes, partials and glides count beside the
# large shape that most of the variance is in, as they do in a scattering transform.


_WEIGHTS = (1.0, 1.0, 0.7)
_ABSOLUTE, _CONVERGENCE = 0.3, 0.5
_DETAIL, _NEIGHBOURS = 0.3, (9, 5)  # weight; frames and bands
_FLOOR = 1e-6  # of the loudest
_MIDDLE = 1  # resolution
_STEADY = 1.0  # dB^2, for pictures without variance


class PictureLoss:
    """Loss of pictures beside those of a target.

    Parameters
    ----------
    target : list of (frames, bands) tensor
    """

    def __init__(self, target: Pictures) -> None:
        self.target = target
        self.loudest = [float(P.max()) for P in target]
        self._decibels = [self._in_decibels(P, i) for i, P in enumerate(target)]
        self._variance = [float(D.var(correction=0)) + _STEADY for D in self._decibels]
        self._detail = float(_details(self._decibels[_MIDDLE]).square().mean()) + _STEADY
        self._amplitude = [P.sqrt() for P in target]
        self._norm = [float(A.norm()) for A in self._amplitude]

    def of(self, pictures: Pictures) -> torch.Tensor:
        """Loss of pictures (..., frames, bands), of the shape (...)."""
        total = torch.zeros(())
        for i, P in enumerate(pictures):
            D = self._in_decibels(P, i) - self._decibels[i]
            square = D.square().mean(dim=(-2, -1)) / self._variance[i]
            absolute = (D.square() + 1.0).sqrt().mean(dim=(-2, -1)) / math.sqrt(self._variance[i])
            A = (P + 1e-3 * _FLOOR * self.loudest[i]).sqrt() - self._amplitude[i]
            away = A.square().sum(dim=(-2, -1)).sqrt() / self._norm[i]
            total = total + _WEIGHTS[i] * (square + _ABSOLUTE * absolute + _CONVERGENCE * away)
            if i == _MIDDLE:
                detail = _details(D).square().mean(dim=(-2, -1))
                total = total + _DETAIL / self._detail * detail
        return total

    def correlation(self, pictures: Pictures) -> float:
        """Correlation of decibels at the middle resolution."""
        a, b = self._in_decibels(pictures[_MIDDLE], _MIDDLE), self._decibels[_MIDDLE]
        a, b = a - a.mean(), b - b.mean()
        return float((a * b).sum() / (a.norm() * b.norm()).clamp_min(1e-12))

    def _in_decibels(self, P: torch.Tensor, place: int) -> torch.Tensor:
        return 10.0 * torch.log10(P / self.loudest[place] + _FLOOR)


def _details(D: torch.Tensor) -> torch.Tensor:
    """Pictures (..., frames, bands) without the mean of each neighbourhood."""
    return D - _smooth(D)


def _smooth(P: torch.Tensor) -> torch.Tensor:
    """Mean of each neighbourhood of pictures (..., frames, bands)."""
    flat = P.reshape(-1, *P.shape[-2:])
    half = [size // 2 for size in _NEIGHBOURS]
    mean = torch.nn.functional.avg_pool2d(
        flat, _NEIGHBOURS, stride=1, padding=half, count_include_pad=False
    )
    return mean.reshape(P.shape)


# --------------------------------------------------------------------------------------------------
# Search
#
# A layer joins where the others leave most of the target, and all are refined together by Adam.
# Then the layers that are missed least make room for others, and what was no gain is forgotten. A
# layer whose waveform alone is louder than the target, by a click at its onset for instance, is
# removed or made milder. At the end the expected pictures are multiplied by what the waveform's own
# have more or less, for beats between partials and the chance in noise.
#
# Each stage is one evaluation of the cache: a function of its number and of the layers before it,
# so that a search that is taken up again comes to the same digits. The clock decides between
# stages.


_PEAK = 0.5  # of the sound that is analysed
_LOUDEST_LAYER = units.db_to_amplitude(PARAMETERS["level_1"].maximum)
_ROOM = 0.25  # factor by which single layers are rendered softer, so that none is limited
_CANDIDATES, _FINALISTS = 56, 4  # for a new layer
_FIRST = (16, 1)  # the same, for the first one, which is heard as soon as possible
_AT_ONCE = 12  # candidates
_LEVELS = (-6.0, -2.0, 1.0, 4.0)  # dB around the median of what is missing
_LONE_STEPS, _GROWING_STEPS, _SWAP_STEPS, _LAST_STEPS = 12, 15, 30, 80
_TRIES = 4  # of the layers, in the order of what is missed least, one after another
_PATIENCE = 24  # tries without a gain
_GAIN = 5e-4  # share of the loss by which a try must be better
_GROWN_BY, _SWAPPED_BY = 0.6, 0.75  # of the time
_NOT_MISSED = 2e-3  # share of the loss that a layer must be worth
_ROUNDS, _BESIDE_BY = 3, 0.85  # of refinement beside the waveform; of the time
_STRAYS = 4  # layers at most that are removed or softened
_CHANCE = 6.0  # dB by which noise is above other noise
_EXCESS, _STRAY = 2.0, 0.02  # loss per dB, in the mean of all cells; that of a stray
_ATTACKS, _EARLIER = (0.005, 0.02, 0.08), 0.02  # s: longer attacks; nearest earlier onset
_SOFTER = (-3.0, -4.0, -6.0)  # dB, one after another
_LOWEST_MODE = -60.0  # dB/octave, for a strike in place of a drum
_VARIATIONS = 16  # of one stage
_VARIED_PATIENCE, _VARIED_GAIN = 5, 2e-3  # stages without a gain, share of the loss
_JTFS = 2.0  # weight of the local JTFS beside the pictures
_FARTHEST = 4.0  # factor of power by which a waveform's picture may differ from the expected one
_LEAST_SECONDS = 2.0  # for a search that goes on when its time is nearly over
_RESULT_SECONDS, _RESULT_SHARE = 0.5, 0.6  # s, and share of the sound's length: for the scores
_ASIDE = -1.0  # slack of a stage whose layers are no answer but a candidate
_REPORT_PERIOD = 0.2  # s
_SMALL = 1e-5  # of the loudest: power that is silence
_MEMORY = (0.85, 0.95)  # of Adam, for mean and square
_PERIOD_RATE = 0.003  # share of the period that a step moves it
_NEPER_DB = 10.0 / math.log(10.0)  # of power
_HEARD = 0.05  # of a candidate's loudest cell: there its level is measured

LayerSteps = Generator[LayersStep | Evaluation | None, None, R]


@dataclass(frozen=True, eq=False)
class _State:
    """Layers and their loss."""

    SIZE: ClassVar[int] = 2 + MOST_LAYERS * (2 + SIZE)

    mixture: Mixture
    loss: float

    @property
    def numbers(self) -> list[float]:
        """All of it in a list of SIZE numbers."""
        mixture, numbers = self.mixture, np.zeros(_State.SIZE)
        numbers[:2] = self.loss, len(mixture)
        rows = numbers[2:].reshape(MOST_LAYERS, 2 + SIZE)[: len(mixture)]
        rows[:, 0] = [KINDS.index(kind) for kind in mixture.kinds]
        rows[:, 1], rows[:, 2:] = mixture.held, mixture.rows
        return numbers.tolist()

    @classmethod
    def from_numbers(cls, numbers: list[float]) -> "_State":
        """State of :attr:`numbers`."""
        rows = np.array(numbers[2:]).reshape(MOST_LAYERS, 2 + SIZE)[: round(numbers[1])]
        kinds = tuple(KINDS[round(kind)] for kind in rows[:, 0])
        return cls(Mixture(kinds, rows[:, 2:], rows[:, 1] > 0.5), numbers[0])


class LayerSearch:
    """Search for layers.

    Parameters
    ----------
    target : Target
    settings : LayersSettings
    cache : EvaluationCache
        Stages of the same search, as far as it came.
    """

    def __init__(self, target: Target, settings: LayersSettings, cache: EvaluationCache) -> None:
        self._settings, self._cache = settings, cache
        self._recording = recording = target.recording
        self._scale = _PEAK / max(float(np.abs(recording.audio).max()), 1e-30)
        x = _resampled(recording) * np.float32(self._scale)
        sound = torch.from_numpy(x)
        self._sound, self._samples = x, len(x)
        self._pictures = BandPictures(len(x))
        pictures = self._pictures.of_sound(sound)
        self._loss = PictureLoss(pictures)
        self._starts = LayerStarts(sound, self._pictures, pictures)
        self._before = settings.before
        seconds = settings.seconds
        if self._before is not None:
            seconds = max(seconds - self._before.seconds, _LEAST_SECONDS)
        result = _RESULT_SECONDS + _RESULT_SHARE * recording.duration
        self._seconds = max(seconds - result, 0.5 * seconds)
        self._given = len(settings.start)
        self._state = _State(_NO_LAYERS, math.inf)
        self._number = 0
        self._best: dict[tuple[str, ...], _State] = {}  # of each mix of kinds
        self._told = -math.inf  # when a step was told last, s
        self._finished = False

    # ------------------------------------------------------------------ the way

    def steps(self) -> Steps[LayersStep | Evaluation, LayersResult]:
        """Search; stopped, the result is the best so far."""
        try:
            yield from self._run()
            self._finished = self._elapsed < 1.0
        except Stopped:
            pass
        return self._result()

    def loss_of(self, layers: Sequence[Layer]) -> float:
        """Loss of layers, as other searches would have it: of their expected pictures."""
        with torch.no_grad():
            return float(self._loss.of(self._sum(self._mixture(layers))))

    def _run(self) -> LayerSteps[None]:
        """Grow, try the weakest again, remove what is not missed, refine beside the waveform."""
        if self._given:
            yield from self._stage(
                self._refined(self._mixture(self._settings.start, self._settings.pinned), 0)
            )
        while self._count < self._settings.layers:
            # Even the shortest time leaves room for one layer.
            if self._count > max(self._given, 0) and self._elapsed > _GROWN_BY:
                break
            yield from self._stage(self._grown())
        if self._elapsed < 1.0:
            yield from self._stage(self._refined(self._state.mixture, _LAST_STEPS))
        failures = 0
        while self._count > self._given and failures < _PATIENCE and self._elapsed < _SWAPPED_BY:
            before = self._state.loss
            yield from self._stage(self._swapped(failures % _TRIES))
            failures = 0 if self._state.loss < before * (1.0 - _GAIN) else failures + 1
        if self._count > max(self._given, 1) and self._elapsed < 1.0:
            yield from self._stage(self._pruned(), slack=_NOT_MISSED)
        if self._count > self._given and self._elapsed < 1.0:
            yield from self._stage(self._cleared(), slack=_STRAYS * _NOT_MISSED)
        for _ in range(_ROUNDS):
            if self._elapsed < _BESIDE_BY:
                yield from self._stage(self._beside_waveform())
        failures = 0
        while failures < _VARIED_PATIENCE and self._elapsed < 1.0:
            before = self._state.loss
            yield from self._stage(self._varied())
            failures = 0 if self._state.loss < before * (1.0 - _VARIED_GAIN) else failures + 1
        for other in self._chosen()[1:]:
            if self._elapsed < 1.0:
                yield from self._stage(self._refined(other.mixture, _SWAP_STEPS), slack=_ASIDE)
        yield from self._tell(last=True)

    def _stage(self, compute: Steps[None, _State], slack: float = 0.0) -> LayerSteps[None]:
        """Run a stage, or take its result from the cache; keep layers that are better."""

        def numbers() -> Steps[None, list[float]]:
            return (yield from compute).numbers

        before = self._state.loss if self._count else 0.0
        at = np.array([float(self._number), before])
        numbers_of = yield from self._cache.evaluate(at, numbers(), _State.SIZE)
        self._number += 1
        state = _State.from_numbers(numbers_of)
        mix = tuple(sorted(state.mixture.kinds))
        if mix not in self._best or state.loss < self._best[mix].loss:
            self._best[mix] = state
        grown = len(state.mixture) > self._count
        if state.loss <= self._state.loss * (1.0 + slack) or (grown and not self._count):
            self._state = state
            yield from self._tell()

    # ------------------------------------------------------------------ stages

    def _mixture(self, layers: Sequence[Layer], held: Sequence[int] = ()) -> Mixture:
        """Layers in the terms of the search; `held` ones stay as they are."""
        start, scale = self._recording.start, self._scale
        moved = [replace(one, onset=one.onset - start, level=one.level * scale) for one in layers]
        rows = np.array([row_of(layer) for layer in moved])
        kinds = tuple(layer.instrument for layer in layers)
        return Mixture(kinds, rows, np.isin(np.arange(len(layers)), held))

    def _grown(self) -> Steps[None, _State]:
        """The layers, and one more."""
        return (yield from self._joined(self._state.mixture, _GROWING_STEPS))

    def _swapped(self, place: int) -> Steps[None, _State]:
        """The layers, and another one for one of those that are missed least."""
        mixture = self._state.mixture
        worth = self._worth(mixture)
        yield
        order = self._given + np.argsort(worth[self._given :])
        rest = mixture.without(int(order[min(place, len(order) - 1)]))
        return (yield from self._joined(rest, _SWAP_STEPS))

    def _pruned(self) -> Steps[None, _State]:
        """The layers without those that are not missed."""
        state = self._state
        while len(state.mixture) > max(self._given, 1) and not self._late:
            worth = self._worth(state.mixture)[self._given :]
            place = self._given + int(np.argmin(worth))
            if float(worth.min()) > state.loss * (1.0 + 2.0 * _NOT_MISSED):
                break
            tried = yield from self._refined(state.mixture.without(place), _SWAP_STEPS)
            if tried.loss > state.loss * (1.0 + _NOT_MISSED):
                break
            state = tried
        return state

    def _cleared(self) -> Steps[None, _State]:
        """The layers without strays: those that alone are louder than the target.

        A stray is removed where it is not missed, or begins earlier, comes slower, or is softer.
        The expected pictures lack the click of a sudden onset, which is heard in pauses and below
        the lowest partial of a steady sound, and the beats of a drum's modes near to each other.
        """
        mixture = self._state.mixture
        kinds, rows, sounds = list(mixture.kinds), mixture.rows.copy(), self._sounds(mixture)
        over = [self._overshoot(x) for x in sounds]
        before = least = self._heard_loss(sounds.sum(axis=0)) + sum(over)
        yield
        gone: list[int] = []
        order = sorted(range(self._given, len(over)), key=lambda place: -over[place])
        for place in order[:_STRAYS]:
            if over[place] < _STRAY or self._late:
                break
            others = sum(over) - over[place]
            rest = np.delete(sounds, place, axis=0).sum(axis=0)
            without = self._heard_loss(rest) + others
            yield
            for kind, row in self._milder(kinds[place], rows[place]):
                x = self._sounds(Mixture((kind,), row[None], np.zeros(1, np.bool_)))[0]
                own = self._overshoot(x)
                loss = self._heard_loss(rest + x) + others + own
                if loss < least:
                    kinds[place], rows[place], sounds[place] = kind, row, x
                    over[place], least = own, loss
                yield
                if self._late:
                    break
            for step in _SOFTER:
                x = sounds[place] * np.float32(units.db_to_amplitude(step))
                own = self._overshoot(x)
                loss = self._heard_loss(rest + x) + others + own
                yield
                if loss >= least:
                    break
                rows[place, LEVEL] += step / (2.0 * _NEPER_DB)
                sounds[place], over[place], least = x, own, loss
            if without < least * (1.0 + _NOT_MISSED) and len(gone) + 1 < len(kinds):
                gone.append(place)
                sounds[place], over[place], least = 0.0, 0.0, without
        left = [place for place in range(len(kinds)) if place not in gone]
        cleared = Mixture(tuple(kinds[i] for i in left), rows[left], mixture.held[left])
        return _State(cleared, self._state.loss * least / before)

    def _milder(self, kind: str, row: NDArray[np.float64]) -> list[tuple[str, NDArray[np.float64]]]:
        """A layer with longer attacks, and from earlier onsets of the target, as loud as it was.

        A drum, which has no attack, is tried as a strike of its lowest mode.
        """
        layer = layer_of(kind, row, 1.0)
        fall = layer.theta.get("decay", layer.theta.get("tau", math.inf))
        onsets = {0.0, *self._starts.onsets} if not layer.period else set[float]()
        before = [onset for onset in sorted(onsets) if onset < layer.onset - _EARLIER][-2:]
        milder = [
            replace(layer, onset=onset, level=layer.level * math.exp((layer.onset - onset) / fall))
            for onset in before
        ]
        if kind == "drum" and "strike" in self._settings.kinds:
            values = {"f_c": layer.theta["f_c"], "decay": layer.theta["tau"]}
            theta = layer_table("strike").complete({**values, "brightness": _LOWEST_MODE})
            layer = replace(layer, instrument="strike", theta=theta)
        if "attack" in layer.theta:
            milder += [
                replace(layer, theta={**layer.theta, "attack": attack})
                for attack in _ATTACKS
                if attack > layer.theta["attack"]
            ]
        high = math.log(_LOUDEST_LAYER * self._scale)
        rows = [row_of(one) for one in milder]
        for milder_row in rows:
            milder_row[LEVEL] = min(milder_row[LEVEL], high)
        return [(one.instrument, own) for one, own in zip(milder, rows, strict=True)]

    def _overshoot(self, x: NDArray[np.float32]) -> float:
        """Cost of the decibels by which a sound is louder than the target, beyond chance."""
        pictures = self._pictures.of_sound(torch.from_numpy(x)), self._loss.target
        power, target = (_smooth(P[_MIDDLE]) for P in pictures)
        floor = _FLOOR * self._loss.loudest[_MIDDLE]
        decibels = 10.0 * torch.log10((power + floor) / (target + floor))
        return _EXCESS * float((decibels - _CHANCE).clamp_min(0.0).mean())

    def _beside_waveform(self) -> Steps[None, _State]:
        """The layers, refined beside the pictures of their waveform."""
        state = self._state
        real, strays = self._real_pictures(state.mixture)
        yield
        with torch.no_grad():
            expected = self._sum(state.mixture)
            correction = [
                ((P + _SMALL * loudest) / (Q + _SMALL * loudest)).clamp(1.0 / _FARTHEST, _FARTHEST)
                for P, Q, loudest in zip(real, expected, self._loss.loudest, strict=True)
            ]
        before = float(self._loss.of(real)) + strays
        found = yield from self._refined(state.mixture, _SWAP_STEPS, correction)
        real, strays = self._real_pictures(found.mixture)
        after = float(self._loss.of(real)) + strays
        yield
        if after >= before:
            return state
        # The loss of expected pictures goes on, so that losses of one search compare.
        return _State(found.mixture, state.loss * after / before)

    def _varied(self) -> Steps[None, _State]:
        """The layers after small random changes that bring the sound itself nearer.

        Noise of another pitch is another noise, so that its chance can be chosen, too. No other
        stage hears the JTFS, with its texture and repetition.
        """
        rng = np.random.default_rng([self._settings.seed, self._number])
        mixture = self._state.mixture
        free = np.flatnonzero(~mixture.held)
        rows, sounds = mixture.rows.copy(), self._sounds(mixture)
        over = [self._overshoot(x) for x in sounds]
        before = least = self._heard_loss(sounds.sum(axis=0)) + sum(over)
        yield
        for _ in range(_VARIATIONS if len(free) else 0):
            place = int(rng.choice(free))
            model = layer_model(mixture.kinds[place])
            row = rows[place] + self._change(mixture.kinds[place], rows[place], rng)
            tensor = torch.from_numpy(row).float()[None]
            high = self._highest(model, tensor)
            row = torch.minimum(torch.maximum(tensor, model.low), high)[0].double().numpy()
            one = Mixture((mixture.kinds[place],), row[None], mixture.held[:1])
            tried = sounds.copy()
            tried[place] = self._sounds(one)[0]
            own = self._overshoot(tried[place])
            loss = self._heard_loss(tried.sum(axis=0)) + sum(over) - over[place] + own
            if loss < least:
                least, sounds, rows[place], over[place] = loss, tried, row, own
            yield
            if self._late:
                break
        return _State(mixture.moved(rows), self._state.loss * least / before)

    # ------------------------------------------------------------------ their parts

    @staticmethod
    def _change(
        kind: str, row: NDArray[np.float64], rng: np.random.Generator
    ) -> NDArray[np.float64]:
        """Small random change of a row."""
        rates = layer_model(kind).rates.numpy().astype(np.float64)
        change = np.zeros(SIZE)
        match int(rng.integers(3)):
            case 0:  # pitch, and with it the noise
                change[0] = rng.normal() * 0.5 * rates[0]
            case 1:  # one of the others
                place = int(rng.choice(np.flatnonzero(rates)))
                change[place] = rng.normal() * 2.0 * rates[place]
            case _:
                change = rng.normal(size=SIZE) * 0.5 * rates
        if row[PERIOD]:
            change[PERIOD] = rng.normal() * _PERIOD_RATE * row[PERIOD]
        return change

    def _heard_loss(self, x: NDArray[np.float32]) -> float:
        """Loss of a sum of layers as it is heard: of its pictures, and of its local JTFS."""
        x = self._limited(x)
        with torch.no_grad():
            pictures = float(self._loss.of(self._pictures.of_sound(torch.from_numpy(x))))
        S = local_coefficients(x, RATE)
        cosine = float(S @ self._S / max(float(np.linalg.norm(S)), 1e-30))
        return pictures + _JTFS * (1.0 - cosine)

    @functools.cached_property
    def _S(self) -> NDArray[np.float32]:
        """Local JTFS of the target, of unit norm."""
        S = local_coefficients(self._sound, RATE)
        return S / max(float(np.linalg.norm(S)), 1e-30)

    def _joined(self, mixture: Mixture, steps: int) -> Steps[None, _State]:
        """Layers and the best of several starts for a new one, refined."""
        rng = np.random.default_rng([self._settings.seed, self._number])
        base = self._sum(mixture) if len(mixture) else None
        present = None if base is None else base[1]
        layers = [LayerStart(*layer) for layer in zip(mixture.kinds, mixture.rows, strict=True)]
        kinds, (count, finalists) = self._settings.kinds, (_CANDIDATES, _FINALISTS)
        if not layers:  # the first one is heard soon, and the JTFS of ripples takes a while
            kinds = [kind for kind in kinds if kind not in STATIONARY] or kinds
            count, finalists = _FIRST
        starts = self._starts.propose(present, layers, count, rng, kinds)
        tried: list[tuple[float, str, torch.Tensor]] = []
        for kind in KINDS:
            rows = [start.row for start in starts if start.kind == kind]
            for first in range(0, len(rows), _AT_ONCE):
                some = torch.tensor(np.array(rows[first : first + _AT_ONCE])).float()
                tried += self._levelled(kind, some, base)
                yield
                if self._late:
                    break
        tried.sort(key=lambda one: one[0])
        best: tuple[float, str, torch.Tensor] | None = None
        for _, kind, row in tried[:finalists]:
            held = torch.zeros(1, dtype=torch.bool)
            loss, rows = yield from self._descent((kind,), row[None], held, _LONE_STEPS, base)
            if best is None or loss < best[0]:
                best = loss, kind, rows[0]
        assert best is not None
        row = best[2].double().numpy()
        return (yield from self._refined(mixture.joined(best[1], row), steps))

    def _levelled(
        self, kind: str, rows: torch.Tensor, base: Pictures | None
    ) -> list[tuple[float, str, torch.Tensor]]:
        """Loss of each candidate of a kind at the best of a few levels, with its row."""
        with torch.no_grad():
            pictures = mixture_pictures(self._pictures, [kind] * len(rows), rows)
            target, picture = self._loss.target[1], pictures[1]
            least = 1e-2 * _SMALL * self._loss.loudest[1]
            missing = (target if base is None else target - base[1]).clamp_min(least)
            ratio = (missing / picture.clamp_min(1e-30)).log()
            loud = picture > _HEARD * picture.amax(dim=(1, 2), keepdim=True)
            middle = torch.where(loud, ratio, torch.nan).flatten(1).nanmedian(dim=1).values
            middle = middle.nan_to_num()
            losses: list[torch.Tensor] = []
            for level in _LEVELS:
                gain = torch.exp(middle + level / _NEPER_DB)[:, None, None]
                sums = [gain * P if base is None else base[i] + gain * P
                        for i, P in enumerate(pictures)]  # fmt: skip
                losses.append(self._loss.of(sums))
            best, places = torch.stack(losses).min(dim=0)
            model = layer_model(kind)
            levels = torch.tensor(_LEVELS)[places]
            rows[:, LEVEL] = 0.5 * (middle + levels / _NEPER_DB)
            rows = torch.minimum(torch.maximum(rows, model.low), self._highest(model, rows))
        return [(float(loss), kind, row) for loss, row in zip(best, rows, strict=True)]

    def _refined(
        self, mixture: Mixture, steps: int, correction: Pictures | None = None
    ) -> Steps[None, _State]:
        """Layers after so many steps of Adam together."""
        rows, held = torch.from_numpy(mixture.rows).float(), torch.from_numpy(mixture.held)
        descent = self._descent(mixture.kinds, rows, held, steps, None, correction)
        loss, rows = yield from descent
        return _State(mixture.moved(rows.double().numpy()), loss)

    def _descent(
        self, kinds: tuple[str, ...], rows: torch.Tensor, held: torch.Tensor, steps: int,
        base: Pictures | None, correction: Pictures | None = None,
    ) -> Steps[None, tuple[float, torch.Tensor]]:  # fmt: skip
        """Adam from some rows; the least loss and its rows."""
        models = [layer_model(kind) for kind in kinds]
        rates, plain, doubt, low = (
            torch.stack([getattr(model, name) for model in models])
            for name in ("rates", "plain", "doubt", "low")
        )
        rates = torch.where(held[:, None], 0.0, rates)
        rates[:, PERIOD] = torch.where(rows[:, PERIOD] > 0.0, _PERIOD_RATE * rows[:, PERIOD], 0.0)
        rates = torch.where(held[:, None], 0.0, rates)
        high = torch.cat(
            [self._highest(model, row[None]) for model, row in zip(models, rows, strict=True)]
        )
        low = torch.where(held[:, None], rows, low)
        high = torch.where(held[:, None], rows, high)
        best, at = math.inf, rows
        mean, square = torch.zeros_like(rows), torch.zeros_like(rows)
        for step in range(steps + 1):
            here = rows.clone().requires_grad_(True)
            pictures = [P.sum(dim=0) for P in mixture_pictures(self._pictures, kinds, here)]
            if base is not None:
                pictures = [P + Q for P, Q in zip(pictures, base, strict=True)]
            if correction is not None:
                pictures = [P * C for P, C in zip(pictures, correction, strict=True)]
            loss = self._loss.of(pictures) + (doubt * (here - plain).square()).sum()
            if float(loss.detach()) < best:
                best, at = float(loss.detach()), rows
            yield
            if step == steps or self._late:
                break
            (gradient,) = torch.autograd.grad(loss, here)
            gradient = gradient.nan_to_num() * rates
            mean = _MEMORY[0] * mean + (1.0 - _MEMORY[0]) * gradient
            square = _MEMORY[1] * square + (1.0 - _MEMORY[1]) * gradient.square()
            unit = (mean / (1.0 - _MEMORY[0] ** (step + 1))) / (
                (square / (1.0 - _MEMORY[1] ** (step + 1))).sqrt() + 1e-8
            )
            pace = min(1.0, 2.0 * (1.0 - step / steps) + 0.03) * (2.0 if base is not None else 1.0)
            rows = torch.minimum(torch.maximum(rows - pace * rates * unit, low), high)
        return best, at

    def _highest(self, model: LayerModel, rows: torch.Tensor) -> torch.Tensor:
        """Upper ends for rows of a kind, (layers, SIZE), with the level that a layer can have."""
        high = model.high_of(rows, self._samples / RATE)
        high[:, LEVEL] = high[:, LEVEL].clamp_max(math.log(_LOUDEST_LAYER * self._scale))
        return high

    def _worth(self, mixture: Mixture) -> NDArray[np.float64]:
        """Loss without each layer."""
        pictures = self._separate(mixture)
        whole = [P.sum(dim=0) for P in pictures]
        without = [W - P for W, P in zip(whole, pictures, strict=True)]
        return self._loss.of([P.clamp_min(0.0) for P in without]).double().numpy()

    def _separate(self, mixture: Mixture) -> Pictures:
        """Expected pictures of each layer."""
        with torch.no_grad():
            rows = torch.from_numpy(mixture.rows).float()
            return mixture_pictures(self._pictures, mixture.kinds, rows)

    def _sum(self, mixture: Mixture) -> Pictures:
        """Expected pictures of all layers together."""
        return [P.sum(dim=0) for P in self._separate(mixture)]

    def _real_pictures(self, mixture: Mixture) -> tuple[Pictures, float]:
        """Pictures of the waveform of layers, and the cost of their overshoots."""
        sounds = self._sounds(mixture)
        x = self._limited(sounds.sum(axis=0))
        pictures = self._pictures.of_sound(torch.from_numpy(x))
        return pictures, sum(self._overshoot(x) for x in sounds)

    def _sounds(self, mixture: Mixture) -> NDArray[np.float32]:
        """Sound of each layer, as the instrument plays it below the limiter, (layers, samples)."""
        layers = self._layers(mixture, [1.0] * len(mixture), 1.0 / _ROOM, 0.0)
        soft = np.float32(_ROOM * self._scale) * self._recording.audio
        whole = replace(self._recording, audio=soft, start=0.0)
        sounds = [layers_beside([layer], whole) for layer in layers]
        return np.array([_resampled(replace(whole, audio=sound)) for sound in sounds]) / _ROOM

    def _limited(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        """A sum of layers behind the limiter, at the level of the recording."""
        limiter = Limiter(RATE)
        block = np.zeros((CHANNELS, len(x) + limiter.latency), np.float32)
        block[:, : len(x)] = x / self._scale
        limiter.process(block)
        return block[0, limiter.latency :] * np.float32(self._scale)

    @property
    def _count(self) -> int:
        return len(self._state.mixture)

    @property
    def _elapsed(self) -> float:
        """Share of the time that was over at the last evaluation."""
        return self._cache.evaluated_at / self._seconds

    @property
    def _late(self) -> bool:
        """Whether the time is over now, within a stage: it is left with the best so far."""
        return self._cache.seconds >= self._seconds

    # ------------------------------------------------------------------ steps and result

    def _tell(self, last: bool = False) -> Iterator[LayersStep]:
        """Yield a step now and then."""
        seconds = self._cache.evaluated_at
        if not last and seconds - self._told < _REPORT_PERIOD:
            return
        self._told = seconds
        mixture = self._state.mixture
        pictures = self._separate(mixture)
        energy = pictures[1].sum(dim=(1, 2)).double().numpy()
        planned = 4.0 * self._settings.layers
        step = LayersStep(
            layers=self._layers(mixture, energy.tolist(), self._scale, self._recording.start),
            loss=self._state.loss,
            picture=self._loss.correlation([P.sum(dim=0) for P in pictures]),
            evaluations=self._number,
            seconds=seconds,
            progress=1.0 if last else min(max(self._number / planned, self._elapsed), 0.99),
        )
        yield step if self._before is None else _after(self._before, step)

    def _result(self) -> LayersResult:
        """The best layers, in the terms of the sound that was given."""
        if not self._count:
            raise Stopped
        judge = Similarity(self._recording.audio, self._recording.sample_rate)
        candidates = tuple(self._judged(state, judge) for state in self._chosen())
        return LayersResult(
            layers=candidates[0].layers,
            scores=candidates[0].scores,
            loss=self._state.loss,
            evaluations=self._number,
            seconds=self._cache.seconds + (0.0 if self._before is None else self._before.seconds),
            converged=self._finished,
            candidates=candidates,
        )

    def _chosen(self) -> list[_State]:
        """The best, and beside it other kinds, half as many, and a quarter as many layers."""
        chosen, count = [self._state], self._count
        mixes = [tuple(sorted(self._state.mixture.kinds))]
        for most in (count, count // 2, count // 4):
            others = [mix for mix in self._best if mix not in mixes and len(mix) <= most]
            if others:
                mixes.append(min(others, key=lambda mix: self._best[mix].loss))
                chosen.append(self._best[mixes[-1]])
        return chosen

    def _judged(self, state: _State, judge: Similarity) -> LayersCandidate:
        """Layers in the terms of the sound that was given, scored by what the instrument plays."""
        energies = [float(P.sum()) for P in self._separate(state.mixture)[1]]
        layers = self._layers(state.mixture, energies, self._scale, self._recording.start)
        return LayersCandidate(layers, state.loss, judge.of(layers_beside(layers, self._recording)))

    def _layers(
        self, mixture: Mixture, energies: Sequence[float], scale: float, start: float
    ) -> tuple[Layer, ...]:
        """Layers of a sound that was multiplied by `scale`, and begins at `start`."""
        whole = max(sum(energies), 1e-300)
        layers = [
            layer_of(kind, row, self._samples / RATE, energy / whole)
            for kind, row, energy in zip(mixture.kinds, mixture.rows, energies, strict=True)
        ]
        return tuple(
            replace(layer, onset=layer.onset + start, level=layer.level / scale) for layer in layers
        )


def _resampled(recording: Recording) -> NDArray[np.float32]:
    """A recording at :data:`RATE`."""
    audio = recording.audio
    if recording.sample_rate != RATE:
        audio = soxr.resample(audio, recording.sample_rate, RATE)
    return np.ascontiguousarray(audio, np.float32)


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


def match_layers(
    audio: NDArray[np.floating], sample_rate: float, settings: LayersSettings | None = None
) -> LayersResult:
    """Find a few sounds of several kinds whose sum sounds like `audio`.

    Parameters
    ----------
    audio : (n,) or (n, channels) array
        Any length from 50 ms; of a long sound the liveliest ten seconds count.
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
    """Match a target with layers as a generator that can be stopped between any two steps.

    Parameters
    ----------
    target : Target
        The result's onsets and levels are those of the sound that it was taken from.
    settings : LayersSettings
    cache : EvaluationCache, optional
        Stages of the same search; it goes on from there.

    Yields
    ------
    None, Evaluation or LayersStep
        None many times a second, each new stage, and steps as layers get better.

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


def render_layers(
    layers: Sequence[Layer], samples: int, sample_rate: float, start: float = 0.0
) -> NDArray[np.float32]:
    """Sum of layers, as the instrument "layers" plays them once.

    Parameters
    ----------
    layers : sequence of Layer
    samples : int
        Length.
    sample_rate : float
        Hz.
    start : float
        Time of the first sample, s, on the time axis of the layers' onsets.

    Returns
    -------
    (samples,) float32
    """
    moved = [replace(layer, onset=layer.onset - start) for layer in layers]
    return layer_sounds(moved, samples, sample_rate).sum(axis=0).astype(np.float32)
