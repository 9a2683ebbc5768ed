"""Colours for numbers: maps that are even to the eye and to colour-blind eyes, and images in them.

An image holds one byte a pixel and its map beside it, so that another range of levels costs little.
"""

from functools import cache

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QColor, QImage

_STOPS = {
    # Matplotlib's magma (CC0) in sixteenths.
    "magma": (
        "#000004 #0a0822 #1c1044 #331067 #51127c #691c81 #842681 #9c2e7f #b73779 #d1426f #e75263 "
        "#f56c5c #fc8961 #feaa74 #feca8d #fce9aa #fcfdbf"
    ),
    # Blue where the sound lacks energy, red where it has too much, dark where nothing differs.
    "difference": "#8ec5ff #5598e6 #2f6fd0 #1a4078 #0d0f13 #78272a #d0453a #ee7e6c #ffb3a1",
    # Ever darker towards high losses, and never so bright that a line on it would not read.
    "loss": "#6cc0ae #4a9fa3 #3a7f99 #31628a #2c4a74 #26375b #202a45 #1b2236",
}


@cache
def colour_table(name: str) -> list[int]:
    """256 colours, 0xAARRGGBB, of "magma", "difference" or "loss"."""
    colours = [QColor(stop) for stop in _STOPS[name].split()]
    stops = np.array([(c.red(), c.green(), c.blue()) for c in colours])
    places = np.linspace(0.0, len(stops) - 1.0, 256)
    channels = [np.interp(places, np.arange(len(stops)), stops[:, i]) for i in range(3)]
    red, green, blue = np.round(channels).astype(np.int64)
    return [int(c) for c in (0xFF << 24) | (red << 16) | (green << 8) | blue]


def indexed_image(
    picture: NDArray[np.float32], levels: tuple[float, float], colours: str
) -> QImage:
    """An image of numbers, the first row at the bottom; `levels` are the map's two ends."""
    low, high = levels
    share = (picture[::-1] - low) / max(high - low, 1e-9)
    indices = np.clip(share * 255.0 + 0.5, 0.0, 255.0).astype(np.uint8)
    height, width = indices.shape
    image = QImage(indices.tobytes(), width, height, width, QImage.Format.Format_Indexed8)
    image.setColorTable(colour_table(colours))
    return image.copy()  # Qt does not keep the bytes alive
