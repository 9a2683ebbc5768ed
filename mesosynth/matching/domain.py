"""Domains: the box of theta that a data set covers, and its scaling to nu in [-1, 1].

After Han, Lostanlen and Lagrange (TASLP 2024): parameters that span decades by their logarithm, the
rest as they are, then from the box to [-1, 1]::

    nu = 2 (s(theta) - s(low)) / (s(high) - s(low)) - 1,    s = log or identity
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray

from mesosynth.audio.target import ANALYSIS_RATE, ANALYSIS_SAMPLES
from mesosynth.errors import ArgumentError
from mesosynth.instruments.grains import PAGE
from mesosynth.matching.model import Model, State, model_named

_HALF = ANALYSIS_SAMPLES / ANALYSIS_RATE / 2


@dataclass(frozen=True, eq=False)
class Domain:
    """Domain of an instrument.

    Attributes
    ----------
    instrument : str
    ranges : mapping of str to (float, float)
        Least and largest value of each parameter that varies, in the table's units.
    linear : tuple of str
        Ids of those that are scaled as they are; the others by their logarithm.
    fixed : mapping of str to float
        Values of further parameters.
    onset : float
        Onset of the sound, s after the middle of the window.
    shifts : (float, float)
        By how much an encoder's training moves the onset, s.
    """

    instrument: str
    ranges: Mapping[str, tuple[float, float]]
    linear: tuple[str, ...] = ()
    fixed: Mapping[str, float] = field(default_factory=dict[str, float])
    onset: float = 0.0
    shifts: tuple[float, float] = (0.0, 0.0)

    @property
    def ids(self) -> tuple[str, ...]:
        """Ids of the parameters that vary, in order."""
        return tuple(self.ranges)

    @cached_property
    def model(self) -> Model:
        """Model of the instrument."""
        return model_named(self.instrument)

    @cached_property
    def free(self) -> tuple[int, ...]:
        """Their indices in theta."""
        return tuple(self.model.ids.index(id_) for id_ in self.ids)

    @cached_property
    def _log(self) -> NDArray[np.bool_]:
        return np.array([id_ not in self.linear for id_ in self.ids])

    @cached_property
    def _ends(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Ends of the box on the scale on which it is cut into cells."""
        low, high = np.array(list(self.ranges.values())).T
        tiny = np.finfo(np.float64).tiny  # for the ends 0 of linear ones, whose logarithm is unused
        scaled = (np.where(self._log, np.log(np.maximum(end, tiny)), end) for end in (low, high))
        return next(scaled), next(scaled)

    def values(self, nu: torch.Tensor) -> torch.Tensor:
        """Parameters of nu, differentiable.

        Parameters
        ----------
        nu : (..., d) tensor

        Returns
        -------
        (..., d) tensor
            In the table's units.
        """
        low, high = (torch.as_tensor(end).to(nu) for end in self._ends)
        scaled = low + 0.5 * (nu + 1.0) * (high - low)
        return torch.where(torch.as_tensor(self._log), scaled.exp(), scaled)

    def nu(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Nu of parameters, (..., d), the inverse of :meth:`values`."""
        low, high = self._ends
        scaled = np.where(self._log, np.log(np.where(self._log, values, 1.0)), values)
        return 2.0 * (scaled - low) / (high - low) - 1.0

    def slope(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Derivative of the parameters, (..., d), with respect to nu."""
        low, high = self._ends
        return 0.5 * (high - low) * np.where(self._log, values, 1.0)

    def theta(self, values: torch.Tensor) -> torch.Tensor:
        """All of theta, with the parameters (d,) at their places."""
        default = self.model.state_of(self.fixed)[: self.model.onset]
        theta = torch.as_tensor(default).to(values)
        return theta.index_put((torch.tensor(self.free),), values)

    def state(self, values: NDArray[np.float64], seed: int = 0) -> State:
        """State of the parameters (d,), at the domain's onset or at the page of a seed.

        Parameters
        ----------
        values : (d,) float64
        seed : int
            Of the audio; other than by grains, it is not heard.

        Returns
        -------
        (theta + 2,) float64
        """
        onset = seed * PAGE if self.model.stationary else self.onset
        theta = self.theta(torch.from_numpy(values)).numpy()
        return np.array([*theta, onset, 1.0])

    def along_nu(self, state: State) -> NDArray[np.float64]:
        """Factors (d,) from the tangents of the model's axes to those of nu."""
        model, places = self.model, list(self.free)
        unit = np.where(model.logarithmic, np.abs(state), model.scale)
        unit = np.where(model.knee > 0.0, np.hypot(state, model.knee), unit)
        return self.slope(state[places]) / unit[places]


DOMAINS = {
    domain.instrument: domain
    for domain in (
        Domain(  # the PNP papers' 100,000 drums; their lowest alpha is that of the knob here
            "drum",
            {
                "f_c": (10.0**2.4 / (2.0 * np.pi), 10.0**3.8 / (2.0 * np.pi)),
                "tau": (0.07, 0.8),
                "p": (1e-5, 10.0**-0.7),
                "D": (1e-5, 10.0**-0.523),
                "alpha": (0.001, 1.0),
            },
            linear=("tau", "alpha"),
            onset=0.05 - _HALF,
            shifts=(0.0, 2.0),
        ),
        Domain(  # their 27,000 AM/FM chirplets
            "chirplet",
            {"f_c": (512.0, 1024.0), "f_m": (4.0, 16.0), "gamma": (0.5, 4.0)},
            fixed={"w": 2.0},
            shifts=(-0.5, 0.5),
        ),
        Domain(
            "strike",
            {
                "f_c": (80.0, 1500.0),
                "attack": (0.001, 0.08),
                "decay": (0.05, 1.2),
                "brightness": (-24.0, 0.0),
                "air": (0.0, 0.6),
            },
            linear=("brightness", "air"),
            fixed={"gamma": 0.0, "inharmonicity": 0.0, "tremolo_depth": 0.0},
            onset=0.05 - _HALF,
            shifts=(0.0, 1.5),
        ),
        Domain(
            "grains",
            {"density": (0.0, 1.0), "slope": (0.0, 1.0)},
            linear=("density", "slope"),
        ),
    )
}
"""By instrument."""


def domain_named(instrument: str) -> Domain:
    """Domain of an instrument.

    Raises
    ------
    ArgumentError
        If there is none.
    """
    if instrument not in DOMAINS:
        raise ArgumentError(
            f"instrument={instrument!r} has no data sets; choose of {', '.join(DOMAINS)}."
        )
    return DOMAINS[instrument]
