"""Requests to the matcher's process and its replies: frozen records."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mesosynth.audio.target import Target
from mesosynth.matching.evaluation_cache import Evaluation
from mesosynth.matching.results import (
    Analysis,
    Cell,
    Drivers,
    Layer,
    LayersResult,
    LayersSettings,
    LayersStep,
    MatchResult,
    MatchSettings,
    MatchStep,
    Phi,
    Scores,
)

# --------------------------------------------------------------------------------------------------
# What is asked of the matcher's process around layers, and what it answers: frozen records.


# ---------------------------------------------------------------------- requests


@dataclass(frozen=True, slots=True)
class LayersJob:
    """A match with layers, as far as it came.

    Attributes
    ----------
    settings : LayersSettings
    start : tuple of Layer
        What to go on from, in the terms of the sound that is matched.
    pinned : tuple of int
        Places of those in `start` that stay as they are.
    done : LayersStep or None
        How far an earlier run of this job came, which left `start`.
    """

    settings: LayersSettings
    start: tuple[Layer, ...] = ()
    pinned: tuple[int, ...] = ()
    done: LayersStep | None = None

    def after(self, step: LayersStep) -> "LayersJob":
        """The job as `step` leaves it: to go on from, should its process end here."""
        done = self.done
        if done is None or step.loss <= done.loss:
            return replace(self, start=step.layers, done=step)
        return replace(self, done=replace(done, seconds=step.seconds, progress=step.progress))


@dataclass(frozen=True, slots=True)
class MatchLayers:
    """Match the target with layers, or go on where the job stands."""

    number: int
    job: LayersJob


@dataclass(frozen=True, slots=True)
class DrawLayers:
    """Draw the sum of layers beside the target, and tell how alike the two are."""

    layers: tuple[Layer, ...]


# ---------------------------------------------------------------------- answers


@dataclass(frozen=True, slots=True)
class LayersStepped:
    """A match with layers took a step."""

    step: LayersStep


@dataclass(frozen=True, slots=True)
class LayersDone:
    """A match with layers ended; None if it was stopped before there was a layer."""

    result: LayersResult | None


@dataclass(frozen=True, slots=True)
class LayersHeard:
    """What is to be said of layers that were drawn.

    Attributes
    ----------
    layers : tuple of Layer
        Those, with each one's share of the energy of all, 0 to 1.
    scores : Scores or None
        How alike their sum and the target are; None without a target.
    """

    layers: tuple[Layer, ...]
    scores: Scores | None


# --------------------------------------------------------------------------------------------------
# What is asked of the matcher's process, and what it answers: small frozen records.


# ---------------------------------------------------------------------- requests


@dataclass(frozen=True, slots=True)
class SetTarget:
    """Draw this target; match it next."""

    target: Target


@dataclass(frozen=True, slots=True)
class ChooseInstrument:
    """Match and draw this instrument from now on."""

    name: str


@dataclass(frozen=True, slots=True)
class DrawSound:
    """Draw the sound that these parameters make."""

    values: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Match:
    """Match the target, or go on where the evaluations end."""

    number: int
    settings: MatchSettings
    evaluations: tuple[Evaluation, ...]


@dataclass(frozen=True, slots=True)
class Explore:
    """A map of the loss, to be filled in while nothing else is asked.

    Attributes
    ----------
    axes : (str, str)
        Ids of two matchable parameters.
    values : mapping
        The live point: its nearest cells come first, and what the axes do not move stands here.
    grid : (int, int)
        Values on each axis, at least 2.
    ranges : pair of (float, float), optional
        First and last value on each axis; None takes the parameters' own ranges, on the side of
        zero that the point is on.
    phi : str
        What sounds are compared by.
    """

    axes: tuple[str, str]
    values: Mapping[str, float]
    grid: tuple[int, int] = (24, 24)
    ranges: tuple[tuple[float, float], tuple[float, float]] | None = None
    phi: Phi = "jtfs-global"


@dataclass(frozen=True, slots=True)
class SetMap:
    """Explore this, or nothing any more."""

    wanted: Explore | None


@dataclass(frozen=True, slots=True)
class AskDrivers:
    """Tell which coefficients would drive a match from these values."""

    values: Mapping[str, float]
    unknowns: tuple[str, ...]


Request = (
    SetTarget | ChooseInstrument | DrawSound | DrawLayers | Match | MatchLayers | SetMap
    | AskDrivers
)  # fmt: skip

# ---------------------------------------------------------------------- answers


@dataclass(frozen=True, slots=True)
class Ready:
    """The process has built its filters."""


@dataclass(frozen=True, slots=True)
class Restarted:
    """The process had ended by itself and was started again."""


@dataclass(frozen=True, slots=True)
class Pictures:
    """Pictures that were asked for."""

    what: Literal["target", "sound"]
    analysis: Analysis


@dataclass(frozen=True, slots=True)
class Drawn:
    """The sound that was to be drawn is; another may be asked for."""


@dataclass(frozen=True, slots=True)
class Stepped:
    """The match took a step."""

    step: MatchStep


@dataclass(frozen=True, slots=True)
class Noted:
    """The match evaluated something."""

    evaluation: Evaluation


@dataclass(frozen=True, slots=True)
class Paused:
    """The match stands still."""


@dataclass(frozen=True, slots=True)
class Ended:
    """The match ended; None if it was stopped before it had any theta."""

    result: MatchResult | None


@dataclass(frozen=True, slots=True)
class Judged:
    """How alike a candidate of the match that ended last is to its target; 0 for the best."""

    place: int
    scores: Scores


@dataclass(frozen=True, slots=True)
class MapStarted:
    """A map begins, empty; the values on its axes."""

    axes: tuple[str, str]
    x_values: NDArray[np.float64]
    y_values: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class MapCell:
    """One more cell of the map that began last."""

    axes: tuple[str, str]
    cell: Cell


@dataclass(frozen=True, slots=True)
class Failed:
    """Something was asked that cannot be done: one sentence."""

    text: str


LayersReply = LayersStepped | LayersDone | LayersHeard

Reply = (
    Ready | Restarted | Pictures | Drawn | Stepped | Noted | Paused | Ended
    | Judged | LayersReply | MapStarted | MapCell | Drivers | Failed
)  # fmt: skip
