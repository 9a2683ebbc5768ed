"""The operator (Φ ∘ g)(θ) and its Jacobian, on the unit sphere.

g is the chirplet, Φ the JTFS averaged over all time of a periodic signal, which does not notice a
shift at all: the onset needs no finding. Paths are weighted to be means over time rather than
Kymatio's sums, and the vector is scaled to unit norm, so that the loudness of the target does not
matter. θ moves in logarithms: its gradients differ a hundredfold in scale otherwise.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from mesosynth.instruments.chirplet_parameters import PARAMETERS
from mesosynth.instruments.chirplet_torch import chirplet, chirplet_and_tangents
from mesosynth.scattering import JTFS
from mesosynth.scattering.jtfs import Checkpoint
from mesosynth.target import ANALYSIS_RATE, ANALYSIS_SAMPLES

THETA = PARAMETERS.matchable
"""The ids of theta's entries, in order: f_c, f_m, gamma, w."""


@dataclass(frozen=True)
class Linearization:
    """Φ and its Jacobian at one theta.

    Attributes
    ----------
    S : (paths,) float64
        Of unit norm.
    J : (paths, 4) float64
        Derivatives along the logarithms of |theta|.
    """

    S: NDArray[np.float64]
    J: NDArray[np.float64]


class Operator:
    """(Φ ∘ g): theta to a unit vector of time-averaged scattering coefficients.

    Builds its filters once, in about a second; keep it.
    """

    def __init__(self) -> None:
        self.jtfs = JTFS(
            ANALYSIS_SAMPLES, J=12, Q=(8, 2), J_fr=5, Q_fr=2, T="global", F=0, format="time",
            # Kymatio's mirrored padding would make rising and falling arpeggios look the same.
            boundary="periodic",
        )  # fmt: skip
        self._weights = _mean_weights(self.jtfs)

    def analyse(self, audio: NDArray[np.floating]) -> NDArray[np.float64]:
        """Φ of a waveform (ANALYSIS_SAMPLES,) at ANALYSIS_RATE: (paths,) of unit norm."""
        x = torch.from_numpy(np.ascontiguousarray(audio, dtype=np.float32))
        S = self._weights * self.jtfs(x)[:, 0].double()
        return (S / S.norm()).numpy()

    def linearize(
        self,
        theta: NDArray[np.float64],
        checkpoint: Checkpoint | None = None,
    ) -> Linearization:
        """Φ ∘ g and its Jacobian.

        Parameters
        ----------
        theta : (4,) float64
        checkpoint : callable, optional
            Called every few hundredths of a second; what it raises ends the computation.
        """
        x, dx = (
            y.float()
            for y in chirplet_and_tangents(torch.from_numpy(theta), ANALYSIS_SAMPLES, ANALYSIS_RATE)
        )
        S, dS = (c[..., 0].double() * self._weights for c in self.jtfs.jvp(x, dx, checkpoint))
        norm = S.norm()
        S = S / norm
        dS = dS / norm
        dS = dS - (dS @ S)[:, None] * S  # the sphere's tangent plane
        return Linearization(S=S.numpy(), J=dS.T.numpy())

    def synthesize(
        self, theta: NDArray[np.float64], onset: float = 0.0, am_shape: float = 0.0
    ) -> NDArray[np.float32]:
        """g(theta), (ANALYSIS_SAMPLES,) at ANALYSIS_RATE, of peak amplitude 1."""
        x = chirplet(torch.from_numpy(theta), ANALYSIS_SAMPLES, ANALYSIS_RATE, onset, am_shape)
        return x.to(torch.float32).numpy()


def _mean_weights(jtfs: JTFS) -> torch.Tensor:
    """Turn sums over decimated time into means, and leave out the zeroth order (the mean of x)."""
    meta = jtfs.meta()
    row = meta["row"].astype(np.int64)
    j = np.where(meta["order"] == 1, jtfs.log2_stride, meta["j"][:, 1])
    weights = np.zeros(len(row))
    weights[row] = np.where(meta["order"] == 0, 0.0, 2.0 ** np.nan_to_num(j) / jtfs.N)
    return torch.from_numpy(weights)
