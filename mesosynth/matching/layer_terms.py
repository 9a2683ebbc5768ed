"""A layer in the user's terms and as a state: times in the sound, and in the analysis window."""

import numpy as np
from numpy.typing import NDArray

from mesosynth.audio.target import ANALYSIS_RATE, ANALYSIS_SAMPLES, Target
from mesosynth.instruments.chirplet_torch import ONSET
from mesosynth.matching.layer_messages import Layer
from mesosynth.matching.layer_sound import LEVEL, PERIOD, repetitions
from mesosynth.matching.model import CHIRPLET

_QUIET = 1e-3  # of the peak: what is below is not in the sound
_MIDDLE = ANALYSIS_SAMPLES / ANALYSIS_RATE / 2  # s


def layer_of(
    state: NDArray[np.float64], target: Target, span: tuple[float, float], share: float
) -> Layer:
    """Layer of a state, (10,), in the terms of the sound that the target was taken from."""
    onset, period, repeats = float(state[ONSET]), float(state[PERIOD]), 1
    if period:
        times = repetitions(onset, period, span)
        onset, repeats = float(times[0]), len(times)
    return Layer(
        theta={id_: float(value) for id_, value in zip(CHIRPLET.ids, state, strict=False)},
        onset=target.start + _MIDDLE + onset,
        level=float(state[LEVEL]) / target.scale,
        period=period,
        repeats=repeats,
        share=share,
    )


def state_of(layer: Layer, start: float, scale: float = 1.0) -> NDArray[np.float64]:
    """State of a layer, (10,), in a window that begins at `start` and is scaled by `scale`."""
    theta = [layer.theta[id_] for id_ in CHIRPLET.ids]
    return np.array([*theta, layer.onset - start - _MIDDLE, layer.level * scale, layer.period])


def span_of(audio: NDArray[np.float32]) -> tuple[float, float]:
    """Where a target sounds, s after the middle of the window."""
    active = np.flatnonzero(np.abs(audio) > _QUIET * np.abs(audio).max())
    first, last = float(active[0]), float(active[-1])
    return first / ANALYSIS_RATE - _MIDDLE, last / ANALYSIS_RATE - _MIDDLE
