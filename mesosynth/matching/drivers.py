"""Which coefficients drive a match: residual × Jacobian, path by path."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from mesosynth.matching.analysis import Layout
from mesosynth.matching.loss_map import Checkpoint
from mesosynth.matching.operator import Operator
from mesosynth.matching.results import Drivers
from mesosynth.matching.unknowns import Unknowns


def drivers(
    operator: Operator,
    audio: NDArray[np.float32],
    values: Mapping[str, float],
    unknowns: tuple[str, ...],
    checkpoint: Checkpoint | None = None,
) -> Drivers:
    """What each second-order path would do to each unknown, see :class:`Drivers`.

    Parameters
    ----------
    operator : Operator
        Of "jtfs-global".
    audio : (ANALYSIS_SAMPLES,) float32
        The target.
    values : mapping
        Parameters by id: where the match would stand.
    unknowns : tuple of str
        Ids of what would be looked for.
    checkpoint : callable, optional
        As for :meth:`Operator.linearize`.

    Raises
    ------
    ArgumentError
        For an id that is not matchable, or for none at all.
    """
    model = operator.model
    free = Unknowns.named(unknowns, model=model).free
    at = operator.linearize(model.state_of(values), free, checkpoint)
    residual = at.S - operator.analyse(audio)
    layout = Layout.of(operator.jtfs)
    pull = [layout.summed(-residual * column) for column in at.J.T]
    return Drivers(
        unknowns=tuple(model.ids[place] for place in free),
        pull=np.array(pull, dtype=np.float32),
        loss=0.5 * float(residual @ residual),
        scales=layout.scales,
        rates=layout.rates,
    )
