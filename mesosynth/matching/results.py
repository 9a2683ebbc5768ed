"""What the matcher tells the session: small frozen records without torch."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mesosynth.instruments import ripple_parameters
from mesosynth.instruments.chirplet_parameters import PARAMETERS
from mesosynth.matching.scores import Scores
from mesosynth.plugins.parameters import ParameterTable

MATCHABLE: dict[str, ParameterTable] = {
    "chirplet": PARAMETERS,
    "ripple": ripple_parameters.PARAMETERS,
}
"""The instruments that can be matched, by name, and their parameters."""


def table_of(theta: Mapping[str, float]) -> ParameterTable:
    """The parameters of the instrument whose theta this is."""
    return next(table for table in MATCHABLE.values() if set(theta) <= set(table.matchable))


@dataclass(frozen=True, slots=True)
class Analysis:
    """Pictures of one sound of the analysis window's length.

    Attributes
    ----------
    scalogram : (n_frequencies, n_frames) float32
        U_1 averaged in short frames; rows from high to low frequency, amplitudes relative to the
        loudest, 0 to 1.
    frequencies : (n_frequencies,) float32
        Centre of each row, Hz, descending.
    duration : float
        Length of the picture, s; the frames share it equally.
    scale_rate : (2, n_scales, n_rates) float32
        Second-order JTFS averaged over time and log-frequency: falling patterns (spin -1) in row
        0, rising ones (spin +1) in row 1; of unit norm over all.
    scales : (n_scales,) float32
        Cycles per octave, ascending.
    rates : (n_rates,) float32
        Hz, ascending.
    """

    scalogram: NDArray[np.float32]
    frequencies: NDArray[np.float32]
    duration: float
    scale_rate: NDArray[np.float32]
    scales: NDArray[np.float32]
    rates: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class MatchStep:
    """One accepted step of a match.

    Attributes
    ----------
    theta : dict
        Matchable parameters by id, in the table's units.
    std : dict
        Standard deviation of each, same keys and units, from the residual and the Jacobian.
    loss : float
        Half the squared distance between unit-norm JTFS vectors, 0 (same) to 2.
    evaluations : int
        Evaluations of the JTFS so far, the starts' included.
    seconds : float
        Since the match was asked for.
    start : int
        Which start the descent came from, 0 for the nearest; a step of another start does not
        continue the line of the last.
    progress : float
        0 to 1, an estimate for progress bars.
    """

    theta: dict[str, float]
    std: dict[str, float]
    loss: float
    evaluations: int
    seconds: float
    start: int
    progress: float


@dataclass(frozen=True)
class Cell:
    """What a map of the loss holds at one place.

    Attributes
    ----------
    i, j : int
        Places on the first and on the second axis.
    values : (float, float)
        Of the two parameters, in the table's units.
    loss : float
        Half the squared distance to the target on the unit sphere, 0 to 2.
    gradient : (2,) float64
        Of the loss along the unknowns' axes: per unit of the natural logarithm of what moves in
        logarithms.
    """

    i: int
    j: int
    values: tuple[float, float]
    loss: float
    gradient: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Drivers:
    """Which coefficients drive the match: residual × Jacobian at one theta, path by path.

    Attributes
    ----------
    unknowns : tuple of str
        Ids of the parameters.
    pull : (unknowns, 2, n_scales, n_rates) float32
        The share of minus the loss's gradient along each unknown that the second-order paths of a
        spin, scale and rate have: what is positive wants the parameter (or its logarithm; of gamma
        that of its magnitude) to grow. Rows and columns as in :attr:`Analysis.scale_rate`.
    loss : float
        Half the squared distance to the target on the unit sphere, 0 to 2.
    scales : (n_scales,) float32
        Cycles per octave, ascending.
    rates : (n_rates,) float32
        Hz, ascending.
    """

    unknowns: tuple[str, ...]
    pull: NDArray[np.float32]
    loss: float
    scales: NDArray[np.float32]
    rates: NDArray[np.float32]


Phi = Literal["jtfs-global", "jtfs", "mss"]
"""Names of what sounds are compared by, see :mod:`mesosynth.matching.operator`."""

FOUND_LOSS = 0.3
"""Above it, little of a sound is explained by an arpeggio."""


@dataclass(frozen=True, slots=True)
class MatchSettings:
    """How to match.

    Attributes
    ----------
    unknowns : tuple of str
        Ids of what is looked for. The paper's four come first; depth, rests and brightness are
        tried where these leave much unexplained. The default stands for all that the instrument
        has. Onset and gain need no naming: they are found unless they are pinned.
    pinned : mapping
        Values by id of what is not looked for; what is missing stands at its default. Besides
        theta, "onset" (s after the start of the sound that is matched) and "gain" (amplitude in
        that sound, 1 is full scale) may be pinned; they are reported as given.
    phi : str
        "jtfs-global", "jtfs" or "mss".
    descent : str
        One of :data:`mesosynth.matching.descent.DESCENTS`.
    start : mapping, optional
        Theta to start from, by id; None looks in the table of arpeggios.
    max_evaluations : int
        From each start.
    seed : int
        Of the noises that the model is heard in, where the target is noisy.
    """

    unknowns: tuple[str, ...] = PARAMETERS.matchable
    pinned: Mapping[str, float] = field(default_factory=dict[str, float])
    phi: Phi = "jtfs-global"
    descent: str = "levenberg-marquardt"
    start: Mapping[str, float] | None = None
    max_evaluations: int = 16
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Candidate:
    """Where the descent from one start ended.

    Attributes
    ----------
    theta, std, loss, start
        As in :class:`MatchStep`.
    similarity : Scores or None
        How alike it is to the target; None until that has been worked out, after the match.
    """

    theta: dict[str, float]
    std: dict[str, float]
    loss: float
    start: int
    similarity: Scores | None = None


@dataclass(frozen=True, slots=True)
class MatchResult:
    """The end of a match.

    Attributes
    ----------
    theta, std, loss, evaluations, seconds
        As in :class:`MatchStep`, of the best step.
    converged : bool
        False when the match was stopped, or ran out of evaluations.
    onset : float
        Time of the arpeggio's middle within the audio that was given, s; of a ripple, which has
        none, when its wave at the lowest partial begins again for the first time.
    gain : float
        Amplitude of the arpeggio's peak, 1.0 is full scale; of a ripple, what it is amplified by.
    trajectory : list of MatchStep
        Every accepted step, the start first.
    candidates : list of Candidate
        What was found, best first; the first is this result itself.
    similarity : Scores or None
        As in :class:`Candidate`.
    """

    theta: dict[str, float]
    std: dict[str, float]
    loss: float
    evaluations: int
    seconds: float
    converged: bool
    onset: float
    gain: float
    trajectory: list[MatchStep] = field(default_factory=list)
    candidates: list[Candidate] = field(default_factory=list)
    similarity: Scores | None = None

    @property
    def found(self) -> bool:
        """Whether the sound has an arpeggio in it to speak of."""
        return self.loss < FOUND_LOSS

    def judged(self, place: int, scores: Scores) -> "MatchResult":
        """The same, with the similarity of the candidate at `place`."""
        candidates = list(self.candidates)
        candidates[place] = replace(candidates[place], similarity=scores)
        mine = scores if place == 0 else self.similarity
        return replace(self, candidates=candidates, similarity=mine)

    @property
    def remark(self) -> str:
        """What to say to the user of a result that explains little; "" otherwise."""
        if self.found:
            return ""
        return (
            f"No arpeggio was found: the best one explains {100 * (1 - self.loss):.0f}% of the "
            f"sound. Try a part of it that sweeps."
        )
