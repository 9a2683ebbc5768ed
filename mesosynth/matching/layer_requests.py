"""What is asked of the matcher's process around layers, and what it answers: frozen records."""

from dataclasses import dataclass, replace

from mesosynth.matching.layer_messages import Layer, LayersResult, LayersStep
from mesosynth.matching.scores import Scores

# ---------------------------------------------------------------------- requests


@dataclass(frozen=True, slots=True)
class LayersSettings:
    """How to match with layers.

    Attributes
    ----------
    layers : int
        How many at most, 1 to 8.
    seconds : float
        Time after which the match ends with the best so far.
    """

    layers: int = 4
    seconds: float = 60.0


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
