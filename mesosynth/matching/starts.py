"""Where a match starts, for every model."""

import numpy as np
from numpy.typing import NDArray

from mesosynth.matching.initial_guess import Start, initial_guesses
from mesosynth.matching.model import RIPPLE
from mesosynth.matching.operator import Operator
from mesosynth.matching.ripple_guess import ripple_guesses


def starts_of(
    operator: Operator, S: NDArray[np.float64], audio: NDArray[np.float32], count: int
) -> list[Start]:
    """The `count` best starts for a target, best first.

    Parameters
    ----------
    operator : Operator
        Of the model that is looked for.
    S : (paths,) float64
        ``operator.analyse`` of the target.
    audio : (ANALYSIS_SAMPLES,) float32
        The target.
    count : int
    """
    if operator.model is RIPPLE:
        return ripple_guesses(operator, audio, count)
    return initial_guesses(operator, S, audio, count)
