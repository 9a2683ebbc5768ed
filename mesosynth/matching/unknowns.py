"""What is looked for: matchable parameters, some of them pinned, and the axes they move on.

Descent needs axes on which a step means the same everywhere. Frequencies, rates and bandwidths move
in logarithms; depth, rests and brightness, which may be zero, in units of their own. The onset is
no parameter of the instrument, but where Φ hears it, it is looked for like one; so is the level of
the arpeggio where there is noise beside it. A *state* is theta, onset and level, nine numbers.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mesosynth.errors import ArgumentError
from mesosynth.instruments.chirplet_parameters import PARAMETERS
from mesosynth.instruments.chirplet_torch import ONSET, SCALES
from mesosynth.target import ANALYSIS_RATE, ANALYSIS_SAMPLES

State = NDArray[np.float64]
"""(9,): theta, the onset in seconds after the middle of the analysis window, and the level: the
amplitude of the arpeggio's peak in the target."""

LEVEL = ONSET + 1
"""Place of the level in a state."""

THETA = PARAMETERS.matchable
"""The ids of theta's entries, in order: f_c, f_m, gamma, w, am_shape, am_depth, brightness."""

PAPERS = ("f_c", "f_m", "gamma", "w")
"""The unknowns that every arpeggio has; the paper knows f_c and w."""

_LONGEST_ONSET = ANALYSIS_SAMPLES / ANALYSIS_RATE / 2
_AXES = (*THETA, "onset", "level")
_LOGARITHMIC = np.array([id_ not in SCALES for id_ in _AXES])
_SCALE = np.array([SCALES.get(id_, 1.0) for id_ in _AXES])
_RANGES = [PARAMETERS[id_] for id_ in THETA]
_MINIMUM = np.array([*(p.smallest or p.minimum for p in _RANGES), -_LONGEST_ONSET, 1e-6])
_MAXIMUM = np.array([*(p.maximum for p in _RANGES), _LONGEST_ONSET, 1e3])


@dataclass(frozen=True)
class Unknowns:
    """Which entries of a state descent may move.

    Attributes
    ----------
    free : tuple of int
        Their places.
    """

    free: tuple[int, ...]

    @classmethod
    def named(cls, ids: Iterable[str], *also: int) -> "Unknowns":
        """Unknowns of these ids, and those at the places `also`.

        Raises
        ------
        ArgumentError
            For an id that is not matchable, or for none at all.
        """
        wanted = set(ids)
        for id_ in wanted - set(THETA):
            raise ArgumentError(f"unknown {id_!r} cannot be matched; choose of {', '.join(THETA)}.")
        if not wanted:
            raise ArgumentError(f"unknowns: name at least one of {', '.join(THETA)}.")
        free = tuple(i for i, id_ in enumerate(THETA) if id_ in wanted)
        return cls((*free, *also))

    def moved(self, state: State, step: NDArray[np.float64]) -> State:
        """The state after a `step`, (free,), along the axes, kept within the table's ranges."""
        whole = np.zeros(len(_AXES))
        whole[list(self.free)] = step
        logarithmic = state * np.exp(np.where(_LOGARITHMIC, whole, 0.0))
        return in_range(np.where(_LOGARITHMIC, logarithmic, state + _SCALE * whole))

    def step_between(self, before: State, after: State) -> NDArray[np.float64]:
        """The step, (free,), that leads from one state to another whose signs are the same."""
        ratio = after / np.where(_LOGARITHMIC, before, 1.0)
        logarithm = np.log(np.where(_LOGARITHMIC, ratio, 1.0))
        whole = np.where(_LOGARITHMIC, logarithm, (after - before) / _SCALE)
        return whole[list(self.free)]

    def at_edge(self, state: State) -> bool:
        """Whether anything that is looked for stands at an edge of its range."""
        magnitude = np.where(_LOGARITHMIC, np.abs(state), state)
        edge = (magnitude <= _MINIMUM) | (magnitude >= _MAXIMUM)
        return bool(edge[list(self.free)].any())

    def std(self, state: State, along: NDArray[np.float64]) -> dict[str, float]:
        """Standard deviations in the table's units, by id, of what is looked for."""
        units = np.where(_LOGARITHMIC, np.abs(state), _SCALE)
        return {
            THETA[place]: float(std * units[place])
            for place, std in zip(self.free, along, strict=True)
            if place < ONSET
        }


def in_range(state: State) -> State:
    """The state within the table's ranges; signs stay."""
    magnitude = np.clip(np.abs(state), _MINIMUM, _MAXIMUM)
    inside = np.clip(state, _MINIMUM, _MAXIMUM)
    return np.where(_LOGARITHMIC, np.copysign(magnitude, state), inside)


def by_id(state: State) -> dict[str, float]:
    """Theta of a state as a dict."""
    return {id_: float(value) for id_, value in zip(THETA, state, strict=False)}


def state_of(values: Mapping[str, float], onset: float = 0.0, level: float = 1.0) -> State:
    """The state of parameters by id; what is missing stands at its default."""
    complete = PARAMETERS.complete(values)
    return np.array([*(complete[id_] for id_ in THETA), onset, level])
