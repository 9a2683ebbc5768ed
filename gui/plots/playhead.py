"""Where in its arpeggio the sound is, told from the sound itself."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from mesosynth.plugins.tempo import synced_period

_GRAIN = 0.004  # s in which the energy is summed
_SILENT = 1e-6  # energy of a sample, -60 dB


def repetition(values: Mapping[str, float]) -> float | None:
    """Time from one arpeggio to the next, s; None for an instrument that does not repeat."""
    if values.get("sync", 0.0) >= 0.5 and {"tempo", "division"} <= set(values):
        return synced_period(values["tempo"], values["division"])
    return values.get("period")


def time_from_middle(
    samples: NDArray[np.float32], sample_rate: float, period: float
) -> float | None:
    """Time of the last sample from the middle of its arpeggio, s, within half a period.

    The middle of a sound that repeats is where its energy points on a circle of one period:
    ``arg sum e(t) exp(2 pi i t / period)``.

    Returns
    -------
    float or None
        None when there is less than a period of sound, or silence.
    """
    grain = max(round(_GRAIN * sample_rate), 1)
    grains = round(period * sample_rate) // grain
    if grains < 4 or len(samples) < grains * grain:
        return None
    energy = np.square(samples[len(samples) - grains * grain :]).reshape(grains, grain).sum(axis=1)
    total = float(energy.sum())
    if not total > _SILENT * grains * grain:
        return None
    turns = (np.arange(grains) + 0.5) / grains - 1.0  # of a circle, before now
    direction = complex(np.dot(energy, np.exp(2j * np.pi * turns)))
    if abs(direction) < 0.05 * total:  # as loud everywhere: there is no middle
        return None
    return -float(np.angle(direction)) / (2.0 * np.pi) * period
