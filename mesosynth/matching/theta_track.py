"""Kalman track of theta, and its glide from one look to the next."""

import copy
import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from mesosynth.audio.target import ANALYSIS_RATE
from mesosynth.matching.descent import NormalEquations
from mesosynth.matching.fan_chirp import STD, Reading
from mesosynth.matching.model import CHIRPLET, Model, State, Unknowns
from mesosynth.matching.noise import onset_of
from mesosynth.matching.operator import Operator

# --------------------------------------------------------------------------------------------------
# Kalman filter of theta and its speed, which measures through Φ
#
# The state is a place and a speed along each axis of the unknowns (logarithms mostly); speeds vary
# at random and decay. The measurement is the residual of Φ, linear near the prediction, so that one
# update is a Gauss-Newton step with the past as its prior: parameters that a short window does not
# determine stay as they are. A window measures theta at its own middle, which is past; the speed
# extrapolates theta to now.


_RESTLESS = 0.3  # 1/s³: power density of the noise that drives the speeds, in units of the axes
_SPEED = 0.7  # 1/s: standard deviation of an unknown speed, one octave a second
_MEMORY = 3.0  # s: time constant of the decay of a speed
_LONGEST_STEP = 0.35  # a linearization is not valid further


class Glide:
    """Places and speeds along the axes, with their covariance.

    Parameters
    ----------
    count : int
        Number of axes.
    spread : float
        Standard deviation of the places at the start, in units of the axes.

    Attributes
    ----------
    place, speed : (count,) float64
        Places relative to the start; speeds per second.
    """

    def __init__(self, count: int, spread: float) -> None:
        self.place, self.speed = np.zeros(count), np.zeros(count)
        variances = np.repeat([spread**2, _SPEED**2], count)
        self._P = np.diag(variances)

    def advance(self, seconds: float) -> None:
        """Predict the state after some seconds."""
        count = len(self.place)
        self.place = self.ahead(seconds)
        decay, carried = _fade(seconds)
        self.speed = self.speed * decay
        eye = np.eye(count)
        F = np.block([[eye, carried * eye], [0.0 * eye, decay * eye]])
        drift = np.array([[seconds**3 / 3.0, seconds**2 / 2.0], [seconds**2 / 2.0, seconds]])
        self._P = F @ self._P @ F.T + _RESTLESS * np.kron(drift, eye)

    def ahead(self, seconds: float) -> NDArray[np.float64]:
        """Places after some seconds without a measurement."""
        return self.place + _fade(seconds)[1] * self.speed

    def hear(self, gradient: NDArray[np.float64], H: NDArray[np.float64], variance: float) -> None:
        """Update by a residual r with Jacobian J at the present place.

        Parameters
        ----------
        gradient : (count,) float64
            Jᵀr.
        H : (count, count) float64
            JᵀJ.
        variance : float
            Of one path of the residual.
        """
        count = len(self.place)
        information = H / variance
        PB = self._P[:, :count]
        # (P⁻¹ + information)⁻¹ without inverting P, of which only places are measured.
        gain = np.linalg.solve((np.eye(count) + information @ PB[:count]).T, PB.T).T
        step = -gain @ (gradient / variance)
        step *= min(1.0, _LONGEST_STEP / max(float(np.abs(step[:count]).max()), 1e-12))
        P = self._P - gain @ information @ PB.T
        self._P = 0.5 * (P + P.T)
        self.place, self.speed = self.place + step[:count], self.speed + step[count:]

    def read(self, axis: int, residual: float, variance: float, ahead: float) -> None:
        """Update by one place that was measured directly.

        Parameters
        ----------
        axis : int
            Index of the axis.
        residual : float
            Measured less predicted place.
        variance : float
            Of the measurement.
        ahead : float
            Time of the measurement after the present place, s.
        """
        count = len(self.place)
        h = np.zeros(2 * count)
        h[axis], h[count + axis] = 1.0, _fade(ahead)[1]
        Ph = self._P @ h
        gain = Ph / (h @ Ph + variance)
        self._P -= np.outer(gain, Ph)
        self.place = self.place + gain[:count] * residual
        self.speed = self.speed + gain[count:] * residual

    def move_to(self, place: NDArray[np.float64]) -> None:
        """Set the places at the end of a range; speeds into the end become zero."""
        self.speed = np.where(place == self.place, self.speed, 0.0)
        self.place = place

    @property
    def std(self) -> NDArray[np.float64]:
        """Standard deviations of the places, (count,)."""
        return np.sqrt(np.maximum(np.diag(self._P)[: len(self.place)], 0.0))


def _fade(seconds: float) -> tuple[float, float]:
    """Decay of a speed, and seconds at the initial speed that give the same distance."""
    decay = math.exp(-seconds / _MEMORY)
    return decay, _MEMORY * (1.0 - decay)


# --------------------------------------------------------------------------------------------------
# Track: one hypothesis of a running sound, theta along time and its loss
#
# A track is updated by Φ of the newest second, for all unknowns, and by the chirp rate, for gamma
# alone, which is newer and has no doubles. If a clear chirp rate disagrees more than once, the
# track has followed a double, and starts again with that gamma.


WINDOW = 8192
"""Samples of a look, 1 s."""

BEGINNING = 2 * WINDOW
"""Samples that are kept, and searched for starts."""

_RISE, _FALL = 0.6, 0.05  # s: ramps of the window
_TOLERANCE = 1e-2  # of the JTFS: less than the effect of glides within the window
_OVERLAP = 8.0  # factor of the variance, since consecutive windows overlap
_LEAST_ENERGY = 1e-3  # of a residual: the model is never exact
_READINGS_OVERLAP = 2.0  # factor of the variance, since spans of the chirp rate overlap
_FALSE = 0.5  # a chirp rate with this difference, as a logarithm, is another gamma,
_TWICE = 2  # if it is read twice; once may be where one arpeggio ends and another begins
_UNCERTAIN = 0.3  # standard deviation of the other unknowns then, in units of the axes
_GAMMA = CHIRPLET.ids.index("gamma")
_NEWEST = 0.3  # weight of the newest look in the loss


class Recent(Operator):
    """(Φ ∘ g) of the newest second, through a window that weighs the newest samples most."""

    def __init__(self, model: Model) -> None:
        super().__init__(tolerance=_TOLERANCE, model=model, samples=WINDOW)
        self.window = _window()
        self._window = torch.from_numpy(self.window).to(self.device)

    def measure(self, S: NDArray[np.float64], state: State, unknowns: Unknowns) -> NormalEquations:
        """Normal equations at a state.

        Parameters
        ----------
        S : (paths,) float64
            Φ of the target.
        state : (theta + 2,) float64
        unknowns : Unknowns

        Returns
        -------
        NormalEquations
        """
        at = self.linearize(state, unknowns.free)
        return NormalEquations.from_numbers(at.towards(S))

    def laid(self, state: State, window: NDArray[np.float32]) -> State:
        """State with its onset moved to that of a window.

        Parameters
        ----------
        state : (theta + 2,) float64
        window : (WINDOW,) float32

        Returns
        -------
        (theta + 2,) float64
        """
        state = state.copy()
        x = self.synthesize(state[: self.model.onset])
        state[self.model.onset] = onset_of(self.jtfs, window, x)
        return state

    def _heard(self, x: torch.Tensor) -> torch.Tensor:
        return x * self._window


@dataclass(frozen=True)
class InputWindow:
    """Sound of one look.

    Attributes
    ----------
    S : (paths,) float64
        Φ of the window.
    audio : (BEGINNING,) float32
        The newest samples.
    window : (WINDOW,) float32
        The newest second of them, faded.
    reading : Reading or None
        The newest clear chirp rate since the last look.
    now : float
        Time of the newest sample, s.
    centre : float
        Time of the window's centre, see :func:`age_of`, s.
    """

    S: NDArray[np.float64]
    audio: NDArray[np.float32]
    window: NDArray[np.float32]
    reading: Reading | None
    now: float
    centre: float


class Track:
    """Theta as it glides, from one start on.

    Parameters
    ----------
    recent : Recent
    unknowns : Unknowns
        Entries that glide.
    state : (theta + 2,) float64
        The start.
    spread : float
        Standard deviation of the start, in units of the axes.

    Attributes
    ----------
    loss : float
        Mean of the last looks.
    looks : int
        Number of looks.
    """

    def __init__(self, recent: Recent, unknowns: Unknowns, state: State, spread: float) -> None:
        self._recent, self._unknowns, self._origin = recent, unknowns, state.copy()
        self._glide = Glide(len(unknowns.free), spread)
        self.loss, self.looks = 1.0, 0
        self._contradicted = 0  # times in a row

    def advance(self, seconds: float) -> None:
        """Predict the state after some seconds."""
        self._glide.advance(seconds)

    def hear(self, heard: InputWindow) -> Iterator[None]:
        """Update by a look; a generator that yields once on the way."""
        state = self._recent.laid(self.state(), heard.window)
        yield
        measured = self._recent.measure(heard.S, state, self._unknowns)
        energy = max(2.0 * measured.loss, _LEAST_ENERGY)
        # Effective number of paths, as in NormalEquations.std.
        effective = max((2.0 * measured.loss) ** 2 / max(measured.quartic, 1e-300), 1.0)
        self._glide.hear(measured.gradient, measured.H, _OVERLAP * energy / effective)
        self._keep_in_range()
        self.loss += (_NEWEST if self.looks else 1.0) * (measured.loss - self.loss)
        self.looks += 1
        if heard.reading is None or _GAMMA not in self._unknowns.free:
            return
        if self.read(heard.reading, heard.reading.at - heard.centre):
            self._contradicted = 0
            return
        self._contradicted += 1
        if self._contradicted == _TWICE:
            self._begin_anew(heard.reading.gamma)

    def read(self, reading: Reading, ahead: float) -> bool:
        """Update by a chirp rate.

        Parameters
        ----------
        reading : Reading
        ahead : float
            Its time after the present state, s.

        Returns
        -------
        bool
            False where it differs too much to be used.
        """
        knee = CHIRPLET.knees["gamma"]
        difference = math.asinh(reading.gamma / knee)
        difference -= math.asinh(float(self.state(ahead)[_GAMMA]) / knee)
        if abs(difference) > _FALSE:
            return False
        variance = _READINGS_OVERLAP * STD**2
        self._glide.read(self._unknowns.free.index(_GAMMA), difference, variance, ahead)
        self._keep_in_range()
        return True

    def copy(self) -> "Track":
        """A copy, independent of this one."""
        other = copy.copy(self)
        other._glide = copy.deepcopy(self._glide)
        return other

    def _begin_anew(self, gamma: float) -> None:
        state = self.state()
        state[_GAMMA] = gamma
        self._origin = self._recent.model.in_range(state)
        self._glide = Glide(len(self._unknowns.free), _UNCERTAIN)
        self._contradicted = 0

    def hold(self, place: int, value: float) -> None:
        """Fix an entry of theta that does not glide.

        Parameters
        ----------
        place : int
            Index in theta.
        value : float
        """
        self._origin[place] = value

    def state(self, ahead: float = 0.0) -> State:
        """State, now or after some seconds."""
        return self._unknowns.moved(self._origin, self._glide.ahead(ahead))

    @property
    def std(self) -> NDArray[np.float64]:
        """Standard deviations along the axes, (free,)."""
        return self._glide.std

    def _keep_in_range(self) -> None:
        place = self._glide.place
        inside = self._unknowns.step_between(self._origin, self.state())
        self._glide.move_to(np.where(np.abs(inside - place) > 1e-9, inside, place))


def age_of(window: NDArray[np.float32]) -> float:
    """Time from the centre of a window's sound to the window's end, s."""
    weight = np.abs(window).astype(np.float64)
    total = float(weight.sum())
    if not total:
        return 0.5 * WINDOW / ANALYSIS_RATE
    middle = float(np.arange(WINDOW) @ weight) / total
    return (WINDOW - 1 - middle) / ANALYSIS_RATE


def _window() -> NDArray[np.float32]:
    """Window with a slow rise and a fast fall, along squared sines."""
    window = np.ones(WINDOW, np.float32)
    rise, fall = round(_RISE * ANALYSIS_RATE), round(_FALL * ANALYSIS_RATE)
    window[:rise] = np.sin(np.linspace(0.0, np.pi / 2, rise)) ** 2
    window[-fall:] = np.cos(np.linspace(0.0, np.pi / 2, fall)) ** 2
    return window
