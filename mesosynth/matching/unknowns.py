"""What is looked for: which entries of a state descent may move, and how it moves them."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mesosynth.errors import ArgumentError
from mesosynth.matching.model import CHIRPLET, Model, State

THETA = CHIRPLET.ids
"""The ids of the chirplet's theta: f_c, f_m, gamma, w, am_shape, am_depth, brightness."""

PAPERS = CHIRPLET.first
"""The unknowns that every arpeggio has; the paper knows f_c and w."""

LEVEL = CHIRPLET.level
"""Place of the level in a chirplet's state."""

state_of, by_id, in_range = CHIRPLET.state_of, CHIRPLET.by_id, CHIRPLET.in_range

BESIDE_THETA = ("onset", "gain")
"""What may be pinned beside theta: in seconds of the sound that was given, and in its amplitude."""


@dataclass(frozen=True)
class Unknowns:
    """Which entries of a state descent may move.

    Attributes
    ----------
    free : tuple of int
        Their places.
    model : Model
    """

    free: tuple[int, ...]
    model: Model = CHIRPLET

    @classmethod
    def named(cls, ids: Iterable[str], *also: int, model: Model = CHIRPLET) -> "Unknowns":
        """Unknowns of these ids, and those at the places `also`.

        Onset and gain may be named, but that changes nothing: they are looked for where they
        count.

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
        """The state after a `step`, (free,), along the axes, kept within the table's ranges."""
        model = self.model
        whole = np.zeros(len(state))
        whole[list(self.free)] = step
        logarithmic = state * np.exp(np.where(model.logarithmic, whole, 0.0))
        return model.in_range(np.where(model.logarithmic, logarithmic, state + model.scale * whole))

    def step_between(self, before: State, after: State) -> NDArray[np.float64]:
        """The step, (free,), that leads from one state to another whose signs are the same."""
        model = self.model
        ratio = after / np.where(model.logarithmic, before, 1.0)
        logarithm = np.log(np.where(model.logarithmic, ratio, 1.0))
        whole = np.where(model.logarithmic, logarithm, (after - before) / model.scale)
        return whole[list(self.free)]

    def at_edge(self, state: State) -> bool:
        """Whether anything that is looked for stands at an edge of its range.

        Where theta does not move in logarithms, an edge is a place like any other: a full depth.
        """
        model = self.model
        magnitude = np.where(model.logarithmic, np.abs(state), state)
        edge = (magnitude <= model.minimum) | (magnitude >= model.maximum)
        edge[: model.onset] &= model.logarithmic[: model.onset]
        return bool(edge[list(self.free)].any())

    def std(self, state: State, along: NDArray[np.float64]) -> dict[str, float]:
        """Standard deviations in the table's units, by id, of what is looked for."""
        model = self.model
        units = np.where(model.logarithmic, np.abs(state), model.scale)
        return {
            model.ids[place]: float(std * units[place])
            for place, std in zip(self.free, along, strict=True)
            if place < model.onset
        }
