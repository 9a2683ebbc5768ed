"""JTFS as scale by rate, both spins mirrored: falling patterns on the left, rising on the right."""

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import QRectF

from gui import theme
from gui.views.frame import Frame
from gui.views.picture import ColourBar, Picture, Pictures
from mesosynth.matching.messages import Analysis


def mirrored(analysis: Analysis) -> NDArray[np.float32]:
    """Both spins in one picture.

    Returns
    -------
    picture : (n_scales, 2 * n_rates) float32
        Falling patterns (spin -1) from the fastest to the slowest rate, then rising ones (spin +1)
        from the slowest to the fastest.
    """
    falling, rising = analysis.scale_rate
    return np.concatenate([falling[:, ::-1], rising], axis=1)


def even_indices(count: int, most: int) -> list[int]:
    """At most `most` indices of `count`, evenly spread, away from both ends."""
    step = max(1, -(-count // max(most, 1)))
    return list(range((count - 1) % step // 2 + step // 4, count, step))


class ScaleRate(Frame):
    """Target, sound and difference on one colour range."""

    def __init__(self) -> None:
        row = Pictures(3)
        super().__init__("JTFS: scale × rate", row)
        magma, diverging = theme.picture_map(), theme.difference_map()
        self._pictures = {
            "target": _Spins(row, 0, "Target", "No target yet", magma),
            "sound": _Spins(row, 1, "Sound now", "Listening…", magma),
            "difference": _Spins(row, 2, "Sound − target", "Needs both", diverging),
        }
        self._analyses: dict[str, Analysis] = {}
        self.note.setText("◂ falling | rising ▸")
        for colours, text in ((magma, "energy"), (diverging, "difference")):
            self.header.addWidget(ColourBar(colours))
            self.header.addWidget(theme.note(text))

    @property
    def shown(self) -> list[str]:
        """Which pictures there are: "target", "sound", "difference"."""
        return [name for name, spins in self._pictures.items() if spins.shown]

    def set_target(self, analysis: Analysis) -> None:
        """Show the target and its difference from the sound."""
        self._show("target", analysis)

    def set_sound(self, analysis: Analysis) -> None:
        """Show the sound and its difference from the target."""
        self._show("sound", analysis)

    def _show(self, what: str, analysis: Analysis) -> None:
        self._analyses[what] = analysis
        images = {name: mirrored(a) for name, a in self._analyses.items()}
        top = max(float(image.max()) for image in images.values()) or 1.0
        for name, image in images.items():
            self._pictures[name].show_spins(image, self._analyses[name], (0.0, top))
        if len(images) == 2 and images["sound"].shape == images["target"].shape:
            difference = images["sound"] - images["target"]
            self._pictures["difference"].show_spins(difference, analysis, (-top, top))


class _Spins(Picture):
    def __init__(
        self, row: Pictures, column: int, title: str, hint: str, colours: pg.ColorMap
    ) -> None:
        super().__init__(row, column, title, hint, colours)
        self.plot.getAxis("bottom").setLabel("Rate (Hz)")
        self.plot.getAxis("bottom").setTicks([[]])
        self.plot.getAxis("left").setTicks([[]])
        if column == 0:
            self.plot.getAxis("left").setLabel("Scale (c/oct)")
        self._middle = pg.InfiniteLine(angle=90, pen=pg.mkPen(theme.DIM, width=1))
        self._middle.setVisible(False)
        self.plot.addItem(self._middle)

    def show_spins(
        self, image: NDArray[np.float32], analysis: Analysis, levels: tuple[float, float]
    ) -> None:
        # One cell a filter: the filters stand evenly in log rate and log scale, bar the lowest.
        n_scales, n_columns = image.shape
        self.show(image, QRectF(0, 0, n_columns, n_scales), levels)
        self.plot.setRange(xRange=(0, n_columns), yRange=(0, n_scales), padding=0.0)
        n_rates = n_columns // 2
        self._middle.setValue(n_rates)
        self._middle.setVisible(True)
        kept = even_indices(n_rates, 3)
        rising = [(n_rates + i + 0.5, f"{analysis.rates[i]:.2g}") for i in kept]
        falling = [(n_rates - i - 0.5, f"−{analysis.rates[i]:.2g}") for i in kept]
        self.plot.getAxis("bottom").setTicks([falling + rising])
        scales = [(i + 0.5, f"{analysis.scales[i]:.2g}") for i in even_indices(n_scales, 4)]
        self.plot.getAxis("left").setTicks([scales])
