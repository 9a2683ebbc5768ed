"""What a match with layers tells: small frozen records without torch."""

from dataclasses import dataclass

from mesosynth.matching.scores import Scores


@dataclass(frozen=True, slots=True)
class Layer:
    """One of the arpeggios that together sound like a target.

    Attributes
    ----------
    theta : dict
        The chirplet's matchable parameters by id, in the table's units.
    onset : float
        Time of the arpeggio's middle in the sound that was given, s; of the first of them where
        they repeat.
    level : float
        Amplitude of its peak in that sound, 1.0 is full scale.
    period : float
        Time from one repetition to the next, s; 0 for an arpeggio that comes once.
    repeats : int
        How often it comes in that sound.
    share : float
        Of the energy of all layers, 0 to 1.
    """

    theta: dict[str, float]
    onset: float
    level: float
    period: float = 0.0
    repeats: int = 1
    share: float = 1.0


@dataclass(frozen=True, slots=True)
class LayersStep:
    """How far a match with layers is.

    Attributes
    ----------
    layers : tuple of Layer
        As they are now.
    loss : float
        Of what is minimised: 0 (the same sound) upwards.
    jtfs, log_mel : float
        The two cosines in it, 0 to 1.
    evaluations : int
        Of the loss.
    seconds : float
        Since the match began.
    progress : float
        0 to 1.
    """

    layers: tuple[Layer, ...]
    loss: float
    jtfs: float
    log_mel: float
    evaluations: int
    seconds: float
    progress: float


@dataclass(frozen=True, slots=True)
class LayersResult:
    """The end of a match with layers.

    Attributes
    ----------
    layers : tuple of Layer
        In the order in which they joined, after those that were given.
    scores : Scores
        How alike their sum and the target are.
    loss, evaluations, seconds
        As in :class:`LayersStep`.
    converged : bool
        False when the match was stopped or ran out of time.
    """

    layers: tuple[Layer, ...]
    scores: Scores
    loss: float
    evaluations: int
    seconds: float
    converged: bool
