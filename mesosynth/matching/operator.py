"""Operator (Φ ∘ g)(θ) and its Jacobian, on the unit sphere.

g is the sound of a model, an arpeggio or a ripple. Φ is, by name:

"jtfs-global"
    the JTFS averaged over all time of a periodic signal, which does not change with a shift: the
    onset need not be known. Paths are weighted to be means over time rather than Kymatio's sums.
"jtfs"
    the same in eight frames, as in the paper.
"mss"
    the multi-scale spectrogram of the paper's eq. 18.

The vector is scaled to unit norm, so that the level of the target does not matter. The last two
depend on time, so that the onset is one more unknown for them. Stationary sounds are faded at the
window's ends, target and model alike: where the period begins again, such a sound jumps, and that
click would dominate its pitch.
"""

import copy
import functools
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from mesosynth.audio.target import ANALYSIS_RATE, ANALYSIS_SAMPLES
from mesosynth.errors import ArgumentError
from mesosynth.matching.model import CHIRPLET, Model, State
from mesosynth.matching.results import Filters, Phi
from mesosynth.scattering import JTFS
from mesosynth.scattering.cuda_graph import GraphedFunction
from mesosynth.scattering.jtfs import best_device
from mesosynth.scattering.mss import MultiScaleSpectrogram
from mesosynth.system.steps import Steps, result_of

PHIS: tuple[Phi, ...] = ("jtfs-global", "jtfs", "mss")

DEFAULT_FILTERS = Filters()
"""Filters of starts, pictures and scores."""

TOLERANCE = 1e-3
"""Tolerance of the JTFS: far below the noise of any recording."""

_FADE = 0.25  # s, at each end of the window


@dataclass(frozen=True, eq=False)
class Linearization:
    """Φ and its Jacobian at one theta.

    A GPU has them before it has computed them; to read anything waits for it.

    Attributes
    ----------
    value : (paths,) float64 tensor
        Of unit norm, on the operator's device.
    tangents : (free, paths) float64 tensor
        Derivatives along the axes of :class:`mesosynth.matching.model.Unknowns`.
    """

    value: torch.Tensor
    tangents: torch.Tensor

    @functools.cached_property
    def S(self) -> NDArray[np.float64]:
        """Φ, (paths,)."""
        return self.value.cpu().numpy()

    @functools.cached_property
    def J(self) -> NDArray[np.float64]:
        """Jacobian, (paths, free)."""
        return self.tangents.cpu().numpy().T

    def towards(self, S: NDArray[np.float64]) -> list[float]:
        """Normal equations of the distance to a target, in one copy from the device.

        Parameters
        ----------
        S : (paths,) float64
            Φ of the target.

        Returns
        -------
        list of float
            As :attr:`mesosynth.matching.descent.NormalEquations.numbers`.
        """
        residual = self.value - torch.as_tensor(S).to(self.value)
        square = residual.square()
        numbers = [
            torch.stack([0.5 * square.sum(), square @ square]),
            self.tangents @ residual,
            (self.tangents @ self.tangents.T).flatten(),
        ]
        return torch.cat(numbers).tolist()


class Operator:
    """Operator (Φ ∘ g): theta to a unit vector of coefficients.

    Builds its filters once, in about a second; keep it.

    Parameters
    ----------
    phi : str
        One of :data:`PHIS`.
    tolerance : float
        Of the JTFS; 0 for the exact one.
    device : torch.device, optional
        None takes a GPU where there is one.
    model : Model
    samples : int
        Length of the window, a power of two.
    filters : Filters
        Of the JTFS.
    rate : int
        Sample rate of the sounds, Hz.

    Raises
    ------
    ArgumentError
        If there is no Φ of that name.
    """

    def __init__(
        self,
        phi: Phi = "jtfs-global",
        tolerance: float = TOLERANCE,
        device: torch.device | None = None,
        model: Model = CHIRPLET,
        samples: int = ANALYSIS_SAMPLES,
        filters: Filters = DEFAULT_FILTERS,
        rate: int = ANALYSIS_RATE,
    ) -> None:
        if phi not in PHIS:
            raise ArgumentError(f"phi={phi!r} does not exist; choose of {', '.join(PHIS)}.")
        self.phi: Phi = phi
        self.filters = filters
        self.model = model
        self.device = device or best_device()
        self.samples, self.rate = samples, rate
        self.jtfs = JTFS(
            J=filters.J, J_fr=filters.J_fr, Q=(filters.Q, 2), Q_fr=filters.Q_fr, shape=samples,
            F=filters.F, format="time", T=None if phi == "jtfs" else "global", tolerance=tolerance,
            # Kymatio's mirrored padding would make rising and falling arpeggios look the same.
            boundary="periodic",
        )  # fmt: skip
        self._transform = MultiScaleSpectrogram(samples) if phi == "mss" else self.jtfs
        self._weights = None if phi == "mss" else mean_weights(self.jtfs).to(self.device)
        self._window = _window(samples, round(_FADE * rate), self.device)
        self._graphed = GraphedFunction(self._transform.jvp) if self.device.type == "cuda" else None

    def of(self, model: Model) -> "Operator":
        """Operator of another model, with the same filters."""
        if model is self.model:
            return self
        other = copy.copy(self)
        other.model = model
        return other

    @property
    def hears_onset(self) -> bool:
        """Whether a shift of the sound changes Φ."""
        return self.phi != "jtfs-global"

    def analyse(self, audio: NDArray[np.floating]) -> NDArray[np.float64]:
        """Φ of a waveform (samples,): (paths,) of unit norm."""
        x = torch.from_numpy(np.ascontiguousarray(audio, dtype=np.float32)).to(self.device)
        return self.coefficients(x).cpu().numpy()

    def coefficients(self, x: torch.Tensor) -> torch.Tensor:
        """:meth:`analyse` of a tensor on the operator's device; autograd gives its gradients."""
        S = self._weighted(self._transform(self._heard(x)))
        return S / S.norm()

    def linearize(
        self,
        state: State,
        free: Sequence[int] = (0, 1, 2, 3),
        background: NDArray[np.float32] | None = None,
    ) -> Linearization:
        """Φ ∘ g and its Jacobian.

        Parameters
        ----------
        state : (theta + 2,) float64
            Theta, onset and level.
        free : sequence of int
            Indices in the state of the directions; the level last.
        background : (samples,) float32, optional
            Noise that is added to the sound. Without it, the level does not matter.

        Returns
        -------
        Linearization
        """
        return result_of(self.linearize_steps(state, free, background))

    def linearize_steps(
        self,
        state: State,
        free: Sequence[int],
        background: NDArray[np.float32] | None = None,
    ) -> Steps[None, Linearization]:
        """:meth:`linearize` as a generator that can be left every few hundredths of a second.

        Parameters
        ----------
        state : (theta + 2,) float64
        free : sequence of int
        background : (samples,) float32, optional
            As for :meth:`linearize`.

        Returns
        -------
        Linearization
            Result of the generator.
        """
        model = self.model
        theta = torch.from_numpy(state[: model.onset]).to(self.device)
        onset, level = float(state[model.onset]), state[model.level]
        of_sound = [place for place in free if place != model.level]
        x, dx = model.with_tangents(theta, self.samples, self.rate, onset, of_sound)
        if background is not None:
            x, dx = level * x, level * dx
            dx = torch.cat([dx, x[None]]) if model.level in free else dx
            x = x + torch.from_numpy(background).to(x)
        x, dx = self._heard(x.float()), self._heard(dx.float())
        if self._graphed is None:
            both = yield from self._transform.jvp_steps(x, dx)
        else:
            both = self._graphed(x, dx)
        S, dS = (self._weighted(coefficients) for coefficients in both)
        norm = S.norm()
        S = S / norm
        dS = dS / norm
        dS = dS - (dS @ S)[:, None] * S  # the sphere's tangent plane
        return Linearization(S, dS)

    def value(self, state: State, background: NDArray[np.float32]) -> NDArray[np.float64]:
        """Φ ∘ g beside noise, without its Jacobian.

        Parameters
        ----------
        state : (theta + 2,) float64
        background : (samples,) float32
            As for :meth:`linearize`.

        Returns
        -------
        (paths,) float64
            Of unit norm.
        """
        model = self.model
        x = self.synthesize(state[: model.onset], float(state[model.onset]))
        return self.analyse(state[model.level] * x + background)

    def synthesize(self, theta: NDArray[np.float64], onset: float = 0.0) -> NDArray[np.float32]:
        """Sound g(theta).

        Parameters
        ----------
        theta : (4,) float64, or complete
        onset : float
            s after the middle of the window.

        Returns
        -------
        (samples,) float32
        """
        x = self.model.synthesize(torch.from_numpy(theta), self.samples, self.rate, onset)
        return x.to(torch.float32).numpy()

    def _heard(self, x: torch.Tensor) -> torch.Tensor:
        """Waveforms (..., samples) through the window of stationary sounds."""
        return x * self._window if self.model.stationary else x

    def _weighted(self, S: torch.Tensor) -> torch.Tensor:
        """Coefficients (..., rows, frames) as vectors (..., paths), in double precision."""
        if self._weights is None:
            return S.double()
        return (S.double() * self._weights[:, None]).flatten(-2)


def shared_operator(
    phi: Phi = "jtfs-global", tolerance: float = TOLERANCE, filters: Filters = DEFAULT_FILTERS
) -> Operator:
    """Operator of the chirplet, built once in a process.

    Parameters
    ----------
    phi : str
        One of :data:`PHIS`.
    tolerance : float
        Of the JTFS.
    filters : Filters
        Of the JTFS.

    Returns
    -------
    Operator

    Raises
    ------
    ArgumentError
        If there is no Φ of that name.
    """
    return _operator(phi, tolerance, filters)


@functools.lru_cache(maxsize=8)  # who tries filters out leaves some tens of MB with each
def _operator(phi: Phi, tolerance: float, filters: Filters) -> Operator:
    return Operator(phi, tolerance, filters=filters)


@functools.lru_cache(maxsize=2)
def picture_operator(rate: int) -> Operator:
    """Operator of pictures at one of PICTURE_RATES, built once; its slowest rate is the same."""
    octaves = (rate // ANALYSIS_RATE).bit_length() - 1
    if not octaves:
        return shared_operator()
    filters = replace(DEFAULT_FILTERS, J=DEFAULT_FILTERS.J + octaves)
    return Operator(samples=ANALYSIS_SAMPLES << octaves, filters=filters, rate=rate)


def _window(samples: int, fade: int, device: torch.device) -> torch.Tensor:
    """Ones, with a ramp of `fade` samples at both ends along a squared sine."""
    ramp = torch.sin(torch.linspace(0.0, torch.pi / 2, fade, device=device)) ** 2
    return torch.cat([ramp, torch.ones(samples - 2 * fade, device=device), ramp.flip(0)])


def mean_weights(jtfs: JTFS) -> torch.Tensor:
    """Weights from sums over decimated time to means, without the zeroth order (the mean of x)."""
    meta = jtfs.meta()
    row = meta["row"].astype(np.int64)
    j = np.where(meta["order"] == 1, jtfs.log2_stride, meta["j"][:, 1])
    of_sums = 2.0 ** np.nan_to_num(j) / jtfs.N if jtfs.T == "global" else np.ones(len(row))
    weights = np.zeros(len(row))
    weights[row] = np.where(meta["order"] == 0, 0.0, of_sums)
    return torch.from_numpy(weights)
