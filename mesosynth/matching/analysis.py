"""Pictures of a sound (scalogram, scale-rate) and the coefficients that drive a match."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from mesosynth.audio.target import ANALYSIS_RATE, ANALYSIS_SAMPLES
from mesosynth.matching.model import Unknowns
from mesosynth.matching.operator import Operator
from mesosynth.matching.results import Analysis, Drivers
from mesosynth.scattering import JTFS

# --------------------------------------------------------------------------------------------------
# Pictures of a sound: scalogram, and JTFS as scale × rate × spin


_LOWEST_FREQUENCY = 30.0  # Hz; wavelets below are spaced evenly, not logarithmically
_FASTEST_RATE = 300.0  # Hz; above, only few rows of the scalogram have a rate


def analysis(operator: Operator, audio: NDArray[np.float32]) -> Analysis:
    """Pictures of a waveform.

    Parameters
    ----------
    operator : Operator
    audio : (ANALYSIS_SAMPLES,) float32
        At ANALYSIS_RATE.

    Returns
    -------
    Analysis
    """
    frequencies = np.array([psi.xi for psi in operator.jtfs.psi1]) * ANALYSIS_RATE
    audible = frequencies >= _LOWEST_FREQUENCY
    scalogram = operator.jtfs.scalogram(torch.from_numpy(audio)).numpy()[audible]
    layout = Layout.of(operator.jtfs)
    scale_rate = np.sqrt(layout.summed(operator.analyse(audio) ** 2))
    return Analysis(
        scalogram=(scalogram / max(float(scalogram.max()), 1e-12)).astype(np.float32),
        frequencies=frequencies[audible].astype(np.float32),
        duration=ANALYSIS_SAMPLES / ANALYSIS_RATE,
        scale_rate=_of_unit_norm(scale_rate),
        scales=layout.scales,
        rates=layout.rates,
    )


@dataclass(frozen=True)
class Layout:
    """Positions of the second-order paths of a JTFS in a picture of spin × scale × rate.

    Attributes
    ----------
    scales : (n_scales,) float32
        Cycles per octave, ascending.
    rates : (n_rates,) float32
        Hz, ascending.
    """

    scales: NDArray[np.float32]
    rates: NDArray[np.float32]
    _rows: NDArray[np.int64]  # of S
    _places: tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]

    @classmethod
    def of(cls, jtfs: JTFS) -> "Layout":
        """Layout of a transform that averages over all time and not along log-frequency."""
        meta = jtfs.meta()
        n_scales = len(jtfs.frequency.psis) // 2
        rate = meta["xi"][:, 1] * ANALYSIS_RATE
        second = (meta["order"] == 2) & (meta["n_fr"] > 0) & (rate <= _FASTEST_RATE)
        n2 = meta["n2"][second].astype(np.int64)
        n_fr = meta["n_fr"][second].astype(np.int64) - 1  # without the low-pass
        slowest = int(n2.max())
        scales = [psi.xi * jtfs.Q[0] for psi in jtfs.frequency.psis[1 : 1 + n_scales]]
        rates = [jtfs.psi2[n].xi * ANALYSIS_RATE for n in range(slowest, int(n2.min()) - 1, -1)]
        return cls(
            np.array(scales[::-1], dtype=np.float32),
            np.array(rates, dtype=np.float32),
            meta["row"].astype(np.int64)[second],
            # The frequency axis is descending, so the positive spin, which comes first, rises;
            # scales and rates are descending.
            (1 - n_fr // n_scales, n_scales - 1 - n_fr % n_scales, slowest - n2),
        )

    def summed(self, of_paths: NDArray[np.float64]) -> NDArray[np.float64]:
        """Sum over log-frequency of a quantity of each path, (paths,): (2, n_scales, n_rates)."""
        picture = np.zeros((2, len(self.scales), len(self.rates)))
        np.add.at(picture, self._places, of_paths[self._rows])
        return picture


def _of_unit_norm(picture: NDArray[np.float64]) -> NDArray[np.float32]:
    return (picture / max(float(np.linalg.norm(picture)), 1e-12)).astype(np.float32)


# --------------------------------------------------------------------------------------------------
# Attribution: residual × Jacobian of each path


def drivers(
    operator: Operator,
    audio: NDArray[np.float32],
    values: Mapping[str, float],
    unknowns: tuple[str, ...],
) -> Drivers:
    """Pull of each second-order path on each unknown, see :class:`Drivers`.

    Parameters
    ----------
    operator : Operator
        Of "jtfs-global".
    audio : (ANALYSIS_SAMPLES,) float32
        The target.
    values : mapping
        Parameters by id, the point of the match.
    unknowns : tuple of str
        Ids of the unknowns.

    Returns
    -------
    Drivers

    Raises
    ------
    ArgumentError
        For an id that is not matchable, or for none at all.
    """
    model = operator.model
    free = Unknowns.named(unknowns, model=model).free
    at = operator.linearize(model.state_of(values), free)
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
