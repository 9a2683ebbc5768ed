"""Times of audio blocks, offline on one core; for :mod:`benchmarks.before_after`.

It prints {scene: [microseconds of each block]} of the scenes of :data:`SCENES`.
"""

import json
import sys
import time

import numpy as np

from benchmarks.engine_adapter import Player

RATE, BLOCK = 48000, 128
WARM_UP, SECONDS = 2.0, 3.0  # of sound

SCENES: dict[str, tuple[dict[str, float], tuple[str, ...]]] = {
    "1 voice": ({"gamma": 0.8, "w": 2.0, "period": 2.0}, ()),
    "16 voices, all effects": (
        {"f_c": 300.0, "gamma": 0.5, "w": 2.0, "period": 0.1},
        ("saturation", "filter", "delay", "reverb"),
    ),
}


def measure(values: dict[str, float], effects: tuple[str, ...]) -> list[float]:
    """Processor's time of each block, microseconds."""
    player = Player("chirplet", effects, RATE, BLOCK)
    for id_, value in values.items():
        player.move(0, id_, value)
    nothing, block = player.events([]), np.zeros((2, BLOCK), np.float32)
    for _ in range(round(WARM_UP * RATE / BLOCK)):
        player.play(block, nothing)
    took: list[float] = []
    for _ in range(round(SECONDS * RATE / BLOCK)):
        began = time.thread_time_ns()
        player.play(block, nothing)
        took.append((time.thread_time_ns() - began) / 1e3)
    return took


if __name__ == "__main__":
    json.dump({name: measure(*scene) for name, scene in SCENES.items()}, sys.stdout)
