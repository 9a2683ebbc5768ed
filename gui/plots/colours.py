"""Colour maps of the plots, even to the eye and to colour-blind eyes."""

from functools import cache

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QColor

_STOPS = {
    # Matplotlib's magma (CC0) in sixteenths.
    "magma": (
        "#000004 #0a0822 #1c1044 #331067 #51127c #691c81 #842681 #9c2e7f #b73779 #d1426f #e75263 "
        "#f56c5c #fc8961 #feaa74 #feca8d #fce9aa #fcfdbf"
    ),
    # Blue where the sound lacks energy, red where it has too much, the ground where nothing
    # differs.
    "difference": "#8ec5ff #5598e6 #2f6fd0 #1a4078 #0d0f13 #78272a #d0453a #ee7e6c #ffb3a1",
    "difference light": "#0b3c7d #2f6fd0 #6ea3ea #bcd6f8 #ffffff #f8cdc4 #ec8877 #d0453a #8b1a14",
    # Ever darker towards high losses, and never so bright that a line on it would not read.
    "loss": "#6cc0ae #4a9fa3 #3a7f99 #31628a #2c4a74 #26375b #202a45 #1b2236",
    "loss light": "#3f9c8b #5fb0b0 #86c3c9 #a9d3dc #c6e1ea #dcedf3 #ebf4f8 #f5f9fb",
}


@cache
def colour_map(name: str, light: bool = False) -> NDArray[np.uint8]:
    """256 colours of "magma", "difference" or "loss", (256, 3) uint8, also for a light ground."""
    stops = _STOPS[f"{name} light"] if light and f"{name} light" in _STOPS else _STOPS[name]
    colours = [QColor(stop) for stop in stops.split()]
    ends = np.array([(c.red(), c.green(), c.blue()) for c in colours])
    places = np.linspace(0.0, len(ends) - 1.0, 256)
    channels = [np.interp(places, np.arange(len(ends)), ends[:, i]) for i in range(3)]
    return np.round(np.stack(channels, axis=1)).astype(np.uint8)
