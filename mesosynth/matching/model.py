"""Models of the matchable instruments: states, units, and the unknowns of a descent."""

import itertools
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from mesosynth.audio.target import ANALYSIS_RATE, ANALYSIS_SAMPLES, Target
from mesosynth.errors import ArgumentError
from mesosynth.instruments import (
    chirplet,
    chirplet_torch,
    drum,
    drum_torch,
    grains,
    grains_torch,
    strike,
    strike_torch,
)
from mesosynth.instruments import ripple as ripple_parameters
from mesosynth.instruments import ripple_torch as ripples
from mesosynth.matching.results import Phi
from mesosynth.plugins.parameters import ParameterTable

# --------------------------------------------------------------------------------------------------
# Models: theta of an instrument, the axes of a descent, and the sound
#
# A descent needs axes on which a step has the same effect everywhere. Frequencies, rates and
# bandwidths move in logarithms; depth, rests and brightness, which may be zero, in units of their
# own; what may be zero and spans decades, along asinh, which is linear near zero and logarithmic
# beyond its knee. A *state* is theta, then the onset and the level, which are not parameters of an
# instrument but unknowns, too.


State = NDArray[np.float64]
"""(theta + 2,): theta, the onset in seconds after the middle of the analysis window, and the level,
the amplitude of the sound in the target."""

_LONGEST_ONSET = ANALYSIS_SAMPLES / ANALYSIS_RATE / 2
_SOFTEST, _LOUDEST = 1e-6, 1e3  # level
_FEWEST_NOTES = 1.2
_GRAINS_SEED, _PAGES = 1, 1 << 16  # of the matcher's clouds, which are never that of the target


class Synthesize(Protocol):
    """Sound of a theta."""

    def __call__(
        self, theta: torch.Tensor, n: int, sample_rate: float, onset: float, /
    ) -> torch.Tensor:
        """Sound, (n,) samples; `onset` is in seconds after the middle."""
        ...


class WithTangents(Protocol):
    """Sound of a theta and its derivatives."""

    def __call__(
        self, theta: torch.Tensor, n: int, sample_rate: float, onset: float, free: Sequence[int], /
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Sound, (n,), and its derivatives, (len(free), n), along the model's axes."""
        ...


@dataclass(frozen=True)
class Span:
    """Time in which an event is heard, around its onset.

    Attributes
    ----------
    before, after : float
        Time before and after the onset, s.
    edge : float
        Length of the fade of a window around it, s.
    """

    before: float
    after: float
    edge: float


def _no_span(state: State) -> Span:
    return Span(math.inf, math.inf, 1.0)


def _one_second(state: State) -> float:
    return 1.0


def _never(state: State) -> bool:
    return False


@dataclass(frozen=True, eq=False)
class Model:
    """Model of an instrument for the matcher.

    Attributes
    ----------
    name : str
        Name of the instrument.
    parameters : ParameterTable
        Its matchable parameters are theta.
    first : tuple of str
        Ids of the first unknowns, in theta's order and at its beginning: pitch, rate, speed and
        bandwidth at least.
    scales : mapping
        Unit step by id of entries that move linearly; also of the onset, s.
    synthesize, with_tangents : callable
        Its sound as a function of theta.
    stationary : bool
        Whether it never stops, rather than being an event with silence around it.
    knees : mapping
        By id of entries that may be 0 and span decades: they move along ``asinh(value / knee)``.
    span : callable
        Time in which the event of a state is heard; all the window by default.
    period : callable
        Of a stationary sound: time after which another part of it is as good, s.
    trapped : callable
        Whether a state with a small loss is a trap; never by default.
    phi : str, optional
        Φ of its matches where the settings have the default; one that hears the onset, for an event
        whose course in time counts, such as its decay.
    nearby : tuple of callable
        States near the end of a descent that may lead further, where minima lie close together; the
        likest of each is tried, one after another.
    nearby_last : tuple of callable
        The same, tried once where the others lead no further.
    """

    name: str
    parameters: ParameterTable
    first: tuple[str, ...]
    scales: Mapping[str, float]
    synthesize: Synthesize
    with_tangents: WithTangents
    stationary: bool = False
    knees: Mapping[str, float] = field(default_factory=dict[str, float])
    span: Callable[[State], Span] = _no_span
    period: Callable[[State], float] = _one_second
    trapped: Callable[[State], bool] = _never
    phi: Phi | None = None
    nearby: tuple[Callable[[State], list[State]], ...] = ()
    nearby_last: tuple[Callable[[State], list[State]], ...] = ()

    @cached_property
    def ids(self) -> tuple[str, ...]:
        """Ids of theta's entries, in order."""
        return self.parameters.matchable

    @property
    def onset(self) -> int:
        """Index of the onset in a state: it follows theta."""
        return len(self.ids)

    @property
    def level(self) -> int:
        """Index of the level in a state."""
        return len(self.ids) + 1

    @cached_property
    def logarithmic(self) -> NDArray[np.bool_]:
        """Mask of a state's entries that move in logarithms."""
        others = {*self.scales, *self.knees}
        return np.array([id_ not in others for id_ in (*self.ids, "onset", "level")])

    @cached_property
    def knee(self) -> NDArray[np.float64]:
        """Knee of each entry; 0 for those that do not move along asinh."""
        return np.array([self.knees.get(id_, 0.0) for id_ in (*self.ids, "onset", "level")])

    @cached_property
    def scale(self) -> NDArray[np.float64]:
        """Unit step of each entry; 1 for those that do not move linearly."""
        return np.array([self.scales.get(id_, 1.0) for id_ in (*self.ids, "onset", "level")])

    @cached_property
    def minimum(self) -> NDArray[np.float64]:
        """Least legal values, or magnitudes of entries that move in logarithms."""
        table = (self.parameters[id_] for id_ in self.ids)
        least = (p.minimum if p.curve == "asinh" else p.smallest or p.minimum for p in table)
        return np.array([*least, -_LONGEST_ONSET, _SOFTEST])

    @cached_property
    def maximum(self) -> NDArray[np.float64]:
        """Largest legal values."""
        table = (self.parameters[id_] for id_ in self.ids)
        return np.array([*(p.maximum for p in table), _LONGEST_ONSET, _LOUDEST])

    def along(self, states: State, step: NDArray[np.float64]) -> State:
        """States after a step along the axes, whether in range or not.

        Parameters
        ----------
        states, step : (..., theta + 2) float64

        Returns
        -------
        (..., theta + 2) float64
        """
        factor = np.exp(np.where(self.logarithmic, step, 0.0))
        moved = np.where(self.logarithmic, states * factor, states + self.scale * step)
        bent, knee = self.knee > 0.0, self.knee[self.knee > 0.0]
        moved[..., bent] = knee * np.sinh(np.arcsinh(states[..., bent] / knee) + step[..., bent])
        return moved

    def in_range(self, state: State) -> State:
        """State within the table's ranges; signs stay."""
        magnitude = np.clip(np.abs(state), self.minimum, self.maximum)
        inside = np.clip(state, self.minimum, self.maximum)
        return np.where(self.logarithmic, np.copysign(magnitude, state), inside)

    def by_id(self, state: State) -> dict[str, float]:
        """Theta of a state as a dict."""
        return {id_: float(value) for id_, value in zip(self.ids, state, strict=False)}

    def state_of(
        self, values: Mapping[str, float], onset: float = 0.0, level: float = 1.0
    ) -> State:
        """State of parameters by id; missing ones have their defaults.

        Parameters
        ----------
        values : mapping of str to float
            In the table's units.
        onset : float
            s after the middle of the window.
        level : float
            Amplitude.

        Returns
        -------
        (theta + 2,) float64

        Raises
        ------
        ArgumentError
            If `values` names a parameter that the instrument does not have.
        """
        complete = self.parameters.complete(values)
        return np.array([*(complete[id_] for id_ in self.ids), onset, level])


def model_named(name: str) -> Model:
    """Model of an instrument.

    Raises
    ------
    ArgumentError
        If that instrument cannot be matched.
    """
    if name not in MODELS:
        raise ArgumentError(
            f"instrument={name!r} cannot be matched; choose of {', '.join(MODELS)}."
        )
    return MODELS[name]


def _start(n: int, sample_rate: float, onset: float) -> float:
    """Time of a ripple's first sample, s, for a time 0 that is `onset` after the middle."""
    return -(n // 2) / sample_rate - onset


def _ripple(theta: torch.Tensor, n: int, sample_rate: float, onset: float, /) -> torch.Tensor:
    return ripples.ripple(theta, n, sample_rate, _start(n, sample_rate, onset))


def _ripple_with_tangents(
    theta: torch.Tensor, n: int, sample_rate: float, onset: float, free: Sequence[int], /
) -> tuple[torch.Tensor, torch.Tensor]:
    start = _start(n, sample_rate, onset)
    return ripples.ripple_and_tangents(theta, n, sample_rate, start, free)


def _sweep(state: State) -> Span:
    """Four standard deviations of the envelope of an arpeggio."""
    sigma = chirplet.SIGMA_0 * chirplet.sweep_seconds(float(state[3]), float(state[2]))
    return Span(4.0 * sigma, 4.0 * sigma, sigma)


def _ripple_period(state: State) -> float:
    return float(1.0 / state[1])


def _page_length(state: State) -> float:
    return grains.PAGE


def _has_few_notes(state: State) -> bool:
    """Whether an arpeggio is a single note, which can pass for a few."""
    seconds = chirplet.sweep_seconds(float(state[3]), float(state[2]))
    return bool(state[1] * seconds < _FEWEST_NOTES)


def _page(onset: float) -> int:
    """Page of the endless cloud whose begin is nearest to the onset."""
    return round(onset / grains.PAGE) % _PAGES


def _grains(theta: torch.Tensor, n: int, sample_rate: float, onset: float, /) -> torch.Tensor:
    x = grains_torch.grains(theta, n, sample_rate, _GRAINS_SEED, _page(onset))
    return x * (grains.LEVEL * math.sqrt(n))  # of the live cloud's level


def _grains_with_tangents(
    theta: torch.Tensor, n: int, sample_rate: float, onset: float, free: Sequence[int], /
) -> tuple[torch.Tensor, torch.Tensor]:
    page, scale = _page(onset), grains.LEVEL * math.sqrt(n)
    x, dx = grains_torch.grains_and_tangents(theta, n, sample_rate, _GRAINS_SEED, page, free)
    return x * scale, dx * scale


CHIRPLET = Model(
    name="chirplet",
    parameters=chirplet.PARAMETERS,
    first=("f_c", "f_m", "gamma", "w"),
    scales=chirplet_torch.SCALES,
    knees=chirplet_torch.KNEES,
    synthesize=chirplet_torch.chirplet,
    with_tangents=chirplet_torch.chirplet_and_tangents,
    span=_sweep,
    trapped=_has_few_notes,
)

RIPPLE = Model(
    name="ripple",
    parameters=ripple_parameters.PARAMETERS,
    first=("f_0", "f_m", "gamma", "w", "depth"),
    scales=ripples.SCALES,
    synthesize=_ripple,
    with_tangents=_ripple_with_tangents,
    stationary=True,
    period=_ripple_period,
    trapped=_has_few_notes,
)


def _ringing(state: State) -> Span:
    """A drum from its strike until it has fallen by 60 dB."""
    return Span(0.02, 3.0 * math.log(10.0) * float(state[1]), 0.1)


DRUM = Model(
    name="drum",
    parameters=drum.PARAMETERS,
    first=drum.PARAMETERS.matchable,
    scales=drum_torch.SCALES,
    knees=drum_torch.KNEES,
    synthesize=drum_torch.drum,
    with_tangents=drum_torch.drum_and_tangents,
    span=_ringing,
)

GRAINS = Model(
    name="grains",
    parameters=grains.PARAMETERS,
    first=grains.PARAMETERS.matchable,
    scales=grains_torch.SCALES,
    synthesize=_grains,
    with_tangents=_grains_with_tangents,
    stationary=True,
    period=_page_length,
)

_GLIDES = (-0.5, -0.3, -0.15, 0.15, 0.3, 0.5)  # octaves/s beside the one found
_CERTAIN = 0.08  # s after the onset: there the pitch is known best
_WIDTHS = np.geomspace(0.25, 4.5, 25)  # octaves
_AUDIBLE_AIR = 0.15
_ATTACKS = (0.6, 1.4, 1.9)  # shares of the attack found
_TREMOLO_RATES, _TREMOLO_DEPTHS = (2.5, 4.0, 6.0, 9.0, 13.0), (0.15, 0.3, 0.5)  # Hz, depth
_LATER = 0.22  # of what the attack is shorter, by which the onset seems later


def _other_glides(state: State) -> list[State]:
    """Strikes that glide otherwise through nearly the same pitches."""
    f_c, gamma = STRIKE.ids.index("f_c"), STRIKE.ids.index("gamma")
    states: list[State] = []
    for more in _GLIDES:
        there = state.copy()
        there[f_c] *= 2.0 ** (-more * _CERTAIN)
        there[gamma] += more
        states.append(STRIKE.in_range(there))
    return states


def _other_widths(state: State) -> list[State]:
    """Strikes with air of other widths: its noise is that of the target at one width alone."""
    air, width = STRIKE.ids.index("air"), STRIKE.ids.index("air_width")
    states: list[State] = []
    for other in _WIDTHS:
        there = state.copy()
        there[air], there[width] = max(float(state[air]), _AUDIBLE_AIR), other
        states.append(there)
    return states


def _other_attacks(state: State) -> list[State]:
    """Strikes with other attacks, and with the onsets that go with them."""
    attack = STRIKE.ids.index("attack")
    states: list[State] = []
    for share in _ATTACKS:
        there = state.copy()
        there[attack] *= share
        there[STRIKE.onset] -= _LATER * (share - 1.0) * state[attack]
        states.append(STRIKE.in_range(there))
    return states


def _other_tremolos(state: State) -> list[State]:
    """Strikes with other tremolos, and with the decays that fall as far in one decay time.

    Of a short sound a slow tremolo cannot be read: its dip looks like a faster decay.
    """
    decay, rate, depth = (
        STRIKE.ids.index(id_) for id_ in ("decay", "tremolo_rate", "tremolo_depth")
    )
    t = float(state[decay])

    def dip(hertz: float, deep: float) -> float:
        return math.log(max(1.0 - deep * math.sin(math.pi * hertz * t) ** 2, 0.1))

    before = dip(float(state[rate]), float(state[depth]))
    states: list[State] = []
    for hertz, deep in itertools.product(_TREMOLO_RATES, _TREMOLO_DEPTHS):
        there = state.copy()
        there[rate], there[depth] = hertz, deep
        there[decay] = t / max(1.0 + dip(hertz, deep) - before, 0.4)
        states.append(STRIKE.in_range(there))
    return states


STRIKE = Model(
    name="strike",
    parameters=strike.PARAMETERS,
    first=strike.PARAMETERS.matchable,
    scales=strike_torch.SCALES,
    knees=strike_torch.KNEES,
    synthesize=strike_torch.strike,
    with_tangents=strike_torch.strike_and_tangents,
    phi="mss",
    nearby=(_other_glides, _other_widths, _other_attacks),
    nearby_last=(_other_tremolos, _other_tremolos),
)

MODELS = {model.name: model for model in (CHIRPLET, RIPPLE, DRUM, GRAINS, STRIKE)}
"""By the instrument's name."""


# --------------------------------------------------------------------------------------------------
# Unknowns: the entries of a state that a descent moves


THETA = CHIRPLET.ids
"""Ids of the chirplet's theta: f_c, f_m, gamma, w, am_shape, am_depth, brightness."""

PAPERS = CHIRPLET.first
"""Unknowns of every arpeggio; in the paper, f_c and w are known."""

LEVEL = CHIRPLET.level
"""Index of the level in a chirplet's state."""

state_of, by_id, in_range = CHIRPLET.state_of, CHIRPLET.by_id, CHIRPLET.in_range

BESIDE_THETA = ("onset", "gain")
"""Values that may be pinned beside theta: in seconds of the given sound, and in its amplitude."""


@dataclass(frozen=True)
class Unknowns:
    """Entries of a state that a descent may move.

    Attributes
    ----------
    free : tuple of int
        Their indices.
    model : Model
    """

    free: tuple[int, ...]
    model: Model = CHIRPLET

    @classmethod
    def named(cls, ids: Iterable[str], *also: int, model: Model = CHIRPLET) -> "Unknowns":
        """Unknowns by id.

        Onset and gain may be named, but that changes nothing: they are unknowns where they count.

        Parameters
        ----------
        ids : iterable of str
        *also : int
            Indices of more entries of the state.
        model : Model

        Returns
        -------
        Unknowns

        Raises
        ------
        ArgumentError
            For an id that is not matchable, or for none at all.
        """
        wanted = set(ids) - set(BESIDE_THETA)
        for id_ in wanted - set(model.ids):
            raise ArgumentError(
                f"unknown {id_!r} cannot be matched; choose of {', '.join(model.ids)}."
            )
        if not wanted:
            raise ArgumentError(f"unknowns: name at least one of {', '.join(model.ids)}.")
        free = tuple(i for i, id_ in enumerate(model.ids) if id_ in wanted)
        return cls((*free, *also), model)

    def without(self, ids: Iterable[str]) -> "Unknowns":
        """These, but for some parts of theta."""
        places = {self.model.ids.index(id_) for id_ in ids}
        return Unknowns(tuple(place for place in self.free if place not in places), self.model)

    def moved(self, state: State, step: NDArray[np.float64]) -> State:
        """State after a step, within the table's ranges.

        Parameters
        ----------
        state : (theta + 2,) float64
        step : (free,) float64
            Along the axes.

        Returns
        -------
        (theta + 2,) float64
        """
        model = self.model
        whole = np.zeros(len(state))
        whole[list(self.free)] = step
        return model.in_range(model.along(state, whole))

    def step_between(self, before: State, after: State) -> NDArray[np.float64]:
        """Step from one state to another whose signs are the same.

        Parameters
        ----------
        before, after : (theta + 2,) float64

        Returns
        -------
        (free,) float64
            Along the axes.
        """
        model = self.model
        ratio = after / np.where(model.logarithmic, before, 1.0)
        logarithm = np.log(np.where(model.logarithmic, ratio, 1.0))
        whole = np.where(model.logarithmic, logarithm, (after - before) / model.scale)
        bent = model.knee > 0.0
        knee = model.knee[bent]
        whole[bent] = np.arcsinh(after[bent] / knee) - np.arcsinh(before[bent] / knee)
        return whole[list(self.free)]

    def at_edge(self, state: State) -> bool:
        """Whether an unknown is at an edge of its range.

        Where theta does not move in logarithms, an edge is a usual value, such as full depth.
        """
        model = self.model
        magnitude = np.where(model.logarithmic, np.abs(state), state)
        edge = (magnitude <= model.minimum) | (magnitude >= model.maximum)
        bent = model.knee > 0.0
        edge[bent] = np.abs(state[bent]) >= model.maximum[bent]
        edge[: model.onset] &= (model.logarithmic | bent)[: model.onset]
        return bool(edge[list(self.free)].any())

    def std(self, state: State, along: NDArray[np.float64]) -> dict[str, float]:
        """Standard deviations of the unknowns, by id.

        Parameters
        ----------
        state : (theta + 2,) float64
        along : (free,) float64
            Standard deviations along the axes.

        Returns
        -------
        dict of str to float
            In the table's units.
        """
        model = self.model
        units = np.where(model.logarithmic, np.abs(state), model.scale)
        units = np.where(model.knee > 0.0, np.hypot(state, model.knee), units)
        return {
            model.ids[place]: float(std * units[place])
            for place, std in zip(self.free, along, strict=True)
            if place < model.onset
        }


# --------------------------------------------------------------------------------------------------
# Pins: values that the user gives: parts of theta, the onset, the gain


@dataclass(frozen=True)
class Pins:
    """Pinned values, relative to the analysis window.

    Attributes
    ----------
    theta : dict
        Values by id.
    onset : float, optional
        s after the window's middle.
    level : float, optional
        Amplitude in the window, whose peak is not the source's.
    """

    theta: dict[str, float]
    onset: float | None = None
    level: float | None = None

    @classmethod
    def of(cls, pinned: Mapping[str, float], target: Target) -> "Pins":
        """Pins of the user's values: onset in seconds of the source, gain in its amplitude.

        Parameters
        ----------
        pinned : mapping of str to float
        target : Target

        Returns
        -------
        Pins

        Raises
        ------
        ArgumentError
            If the onset is not in the analysis window, or the gain is not positive.
        """
        theta = {id_: value for id_, value in pinned.items() if id_ not in BESIDE_THETA}
        onset, gain = pinned.get("onset"), pinned.get("gain")
        half = ANALYSIS_SAMPLES / ANALYSIS_RATE / 2
        if onset is not None:
            first, last = target.start, target.start + 2 * half
            if not first <= onset <= last:
                raise ArgumentError(
                    f"pinned onset={onset:g} s is not within the part of {target.name} that is "
                    f"listened to, {first:.2f} to {last:.2f} s."
                )
            onset = onset - target.start - half
        if gain is not None and not (math.isfinite(gain) and gain > 0.0):
            raise ArgumentError(f"pinned gain={gain:g} must be a positive amplitude, 1 is full.")
        return cls(theta, onset, None if gain is None else gain * target.scale)
