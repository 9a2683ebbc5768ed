"""Where theta is and how fast it moves: a Kalman filter that hears through Φ.

Along each axis of the unknowns (logarithms mostly) a place and a speed; speeds wander by chance and
die away. What is heard is the residual of Φ, linear near the prediction, so that one update is a
Gauss-Newton step with the past as its prior: what a short window cannot tell stays where it was.
A window tells of its own middle, which is past; the speed carries theta from there to now.
"""

import math

import numpy as np
from numpy.typing import NDArray

_RESTLESS = 0.3  # 1/s³: power density of what drives the speeds, in units of the axes
_SPEED = 0.7  # 1/s: standard deviation of a speed that nothing is known of, one octave a second
_MEMORY = 3.0  # s in which a speed that nobody hears dies away
_LONGEST_STEP = 0.35  # nobody trusts a linearization further


class Glide:
    """Places and speeds along the axes, and how sure they are.

    Parameters
    ----------
    count : int
        Axes.
    spread : float
        Standard deviation of the places at the start, in units of the axes.

    Attributes
    ----------
    place, speed : (count,) float64
        Places count from where the filter began; speeds are per second.
    """

    def __init__(self, count: int, spread: float) -> None:
        self.place, self.speed = np.zeros(count), np.zeros(count)
        variances = np.repeat([spread**2, _SPEED**2], count)
        self._P = np.diag(variances)

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        count = len(self.place)
        self.place = self.ahead(seconds)
        decay, carried = _fade(seconds)
        self.speed = self.speed * decay
        eye = np.eye(count)
        F = np.block([[eye, carried * eye], [0.0 * eye, decay * eye]])
        drift = np.array([[seconds**3 / 3.0, seconds**2 / 2.0], [seconds**2 / 2.0, seconds]])
        self._P = F @ self._P @ F.T + _RESTLESS * np.kron(drift, eye)

    def ahead(self, seconds: float) -> NDArray[np.float64]:
        """Places in so many seconds, if nothing is heard until then."""
        return self.place + _fade(seconds)[1] * self.speed

    def hear(self, gradient: NDArray[np.float64], H: NDArray[np.float64], variance: float) -> None:
        """Learn from a residual r with Jacobian J at the present place.

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
        # (P⁻¹ + information)⁻¹ without inverting P, of which only places are heard.
        gain = np.linalg.solve((np.eye(count) + information @ PB[:count]).T, PB.T).T
        step = -gain @ (gradient / variance)
        step *= min(1.0, _LONGEST_STEP / max(float(np.abs(step[:count]).max()), 1e-12))
        P = self._P - gain @ information @ PB.T
        self._P = 0.5 * (P + P.T)
        self.place, self.speed = self.place + step[:count], self.speed + step[count:]

    def read(self, axis: int, residual: float, variance: float, ahead: float) -> None:
        """Learn from one place that was read off directly.

        Parameters
        ----------
        axis : int
            Whose place.
        residual : float
            What was read, less what is expected then.
        variance : float
            Of what was read.
        ahead : float
            How much later than the present place, s.
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
        """Stand at another place, where a range ends; what was moved into the wall stops."""
        self.speed = np.where(place == self.place, self.speed, 0.0)
        self.place = place

    @property
    def std(self) -> NDArray[np.float64]:
        """Standard deviations of the places, (count,)."""
        return np.sqrt(np.maximum(np.diag(self._P)[: len(self.place)], 0.0))


def _fade(seconds: float) -> tuple[float, float]:
    """What is left of a speed, and for how many seconds' worth of it one has moved."""
    decay = math.exp(-seconds / _MEMORY)
    return decay, _MEMORY * (1.0 - decay)
