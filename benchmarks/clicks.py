"""Clicks in what was heard: steps from one sample to the next that stand alone.

A sound by itself has a largest step. Where several sounds follow one another, a step beyond those
of all that may be heard then is suspicious; keys that play a sound higher, and two sounds at once,
make such steps too, but those come and go with a swell. What towers above the steps right beside
it is a click.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mesosynth.engine.rack import render
from mesosynth.presets.preset import Preset

ALONE_SECONDS = 4.0
"""How long a preset is looked at by itself, s."""

NEAR = 4
"""Intervals before and after, whose sounds may be heard: echoes go on, and switches are late."""

CLICK, AROUND = 4, 1200
"""Samples that a click has, and that are looked at on both sides of it: a period of 40 Hz, for the
edge of a low and saturated wave is steep, and comes back."""

MARGIN, FLOOR = 1.5, 0.01
"""Of the bound: phases meet by chance; and the step that nobody hears as a click."""


@dataclass(frozen=True, slots=True)
class Clicks:
    """What was found.

    Attributes
    ----------
    times : tuple of float
        Of every click, s.
    worst_step : float
        The largest step over its bound, whether it stands alone or not.
    """

    times: tuple[float, ...]
    worst_step: float


def largest_step(preset: Preset, sample_rate: int) -> float:
    """From one sample to the next, in the first seconds that a preset plays by itself."""
    sound = render(
        preset.instrument, preset.values, ALONE_SECONDS, sample_rate, effects=preset.effects
    )
    return float(np.abs(np.diff(sound)).max())


def find_clicks(
    sound: NDArray[np.float32], sample_rate: int, alone: Sequence[float], interval: float
) -> Clicks:
    """Hold every step of a sound against those of what was playing then.

    Parameters
    ----------
    sound : (frames, channels)
    sample_rate : int
        Hz.
    alone : sequence of float
        The largest step of each preset by itself, in the order in which they are played, again and
        again.
    interval : float
        Time from one preset to the next, s.
    """
    steps = np.abs(np.diff(sound, axis=0)).max(axis=1)
    frames = round(interval * sample_rate)
    largest = np.array(alone)
    times: list[float] = []
    worst = 0.0
    for number, begin in enumerate(range(0, len(steps), frames)):
        near = [(number + off) % len(largest) for off in range(-NEAR, NEAR + 1)]
        bound = MARGIN * float(largest[near].max()) + FLOOR
        here = steps[begin : begin + frames]
        beyond = begin + np.flatnonzero(here > bound)
        times += [float(frame / sample_rate) for frame in beyond if stands_alone(steps, int(frame))]
        worst = max(worst, float(here.max()) / bound)
    return Clicks(tuple(times), worst)


def stands_alone(steps: NDArray[np.float32], frame: int) -> bool:
    """Whether a step is twice as large as any on one side of it, and on the other."""
    before = steps[max(frame - AROUND, 0) : max(frame - CLICK, 0)]
    after = steps[frame + CLICK : frame + AROUND]
    beside = max(float(before.max(initial=0.0)), float(after.max(initial=0.0)))
    return float(steps[frame]) > 2.0 * beside
