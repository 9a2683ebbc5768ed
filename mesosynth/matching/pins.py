"""What the user says instead of having it looked for: parts of theta, the onset, the gain."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from mesosynth.audio.target import ANALYSIS_RATE, ANALYSIS_SAMPLES, Target
from mesosynth.errors import ArgumentError
from mesosynth.matching.unknowns import BESIDE_THETA


@dataclass(frozen=True)
class Pins:
    """What is pinned, in the terms of the analysis window.

    Attributes
    ----------
    theta : dict
        Values by id.
    onset : float, optional
        Seconds after the window's middle.
    level : float, optional
        Amplitude in the window, whose peak is not the source's.
    """

    theta: dict[str, float]
    onset: float | None = None
    level: float | None = None

    @classmethod
    def of(cls, pinned: Mapping[str, float], target: Target) -> "Pins":
        """Pins as the user gives them: onset in seconds of the source, gain in its amplitude.

        Raises
        ------
        ArgumentError
            If the onset is not in the window that is listened to, or the gain is not positive.
        """
        theta = {id_: value for id_, value in pinned.items() if id_ not in BESIDE_THETA}
        onset, gain = pinned.get("onset"), pinned.get("gain")
        half = ANALYSIS_SAMPLES / ANALYSIS_RATE / 2
        if onset is not None:
            first, last = target.start, target.start + 2 * half
            if not first <= onset <= last:
                raise ArgumentError(
                    f"pinned onset={onset:g} s is not within the part of {target.name} that is "
                    f"listened to, {first:.2f} to {last:.2f} s."
                )
            onset = onset - target.start - half
        if gain is not None and not (math.isfinite(gain) and gain > 0.0):
            raise ArgumentError(f"pinned gain={gain:g} must be a positive amplitude, 1 is full.")
        return cls(theta, onset, None if gain is None else gain * target.scale)
