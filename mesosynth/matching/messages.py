"""What the matcher tells the session: small frozen records without torch."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray


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
        Time of the arpeggio's middle within the audio that was given, s.
    gain : float
        Amplitude of the arpeggio's peak, 1.0 is full scale.
    trajectory : list of MatchStep
        Every accepted step, the start first.
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
