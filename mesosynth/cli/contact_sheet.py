"""Contact sheet: the scalograms of many sounds on one picture, which shows alike and dull ones."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from numpy.typing import NDArray
from PIL import Image

from mesosynth.errors import ArgumentError
from mesosynth.system.atomic_file import draft_of, writing

COLUMNS = 256
"""Width of a thumbnail, which is its whole duration."""

LOWEST, HIGHEST = 40.0, 12000.0
"""Range of thumbnails, Hz."""

BANDS_PER_OCTAVE = 10
FLOOR_DB = -50.0

_ACROSS = 8  # pictures in a row
_WIDTH, _HEIGHT = 2.0, 1.45  # inches of one
_DPI = 80
_COLOURS = 64
_GROUND, _TEXT, _DIM = "#121419", "#d7dce4", "#8b95a5"


@dataclass(frozen=True)
class Thumbnail:
    """One sound on the sheet.

    Attributes
    ----------
    name : str
    note : str
        Stands under the name.
    picture : (bands, COLUMNS) float32
        Level, dB below its loudest, from low to high frequency.
    """

    name: str
    note: str
    picture: NDArray[np.float32]


def thumbnail(name: str, note: str, audio: NDArray[np.floating], sample_rate: float) -> Thumbnail:
    """Scalogram of a sound in decibels below its loudest.

    Parameters
    ----------
    name, note : str
        As in :class:`Thumbnail`.
    audio : (frames,) or (channels, frames) array
    sample_rate : float
        Hz.
    """
    levels = scalogram(np.atleast_2d(audio).mean(axis=0), sample_rate)
    loudest = max(float(levels.max()), 1e-12)
    picture = 20.0 * np.log10(np.maximum(levels / loudest, 10.0 ** (FLOOR_DB / 20.0)))
    return Thumbnail(name, note, picture.astype(np.float32))


def scalogram(audio: NDArray[np.floating], sample_rate: float) -> NDArray[np.float64]:
    """Mean amplitude in bands of equal width in octaves, (bands, COLUMNS), from low to high.

    Each band is a Gaussian around its frequency, cut out of the spectrum and transformed back at
    the rate that its width needs.

    Parameters
    ----------
    audio : (frames,) array
    sample_rate : float
        Hz.

    Raises
    ------
    ArgumentError
        If there are fewer samples than columns.
    """
    frames = len(audio)
    if frames < COLUMNS:
        raise ArgumentError(f"audio of {frames} samples is too short for {COLUMNS} columns.")
    spectrum = np.fft.rfft(audio)
    highest = min(HIGHEST, 0.45 * sample_rate)
    bands = round(math.log2(highest / LOWEST) * BANDS_PER_OCTAVE)
    rows: list[NDArray[np.float64]] = []
    for centre in np.geomspace(LOWEST, highest, bands) * frames / sample_rate:
        sigma = 0.5 * centre / BANDS_PER_OCTAVE
        first, end = max(int(centre - 4 * sigma), 1), int(centre + 4 * sigma) + 1
        part = spectrum[first:end]
        part = part * np.exp(-0.5 * ((np.arange(first, first + len(part)) - centre) / sigma) ** 2)
        samples = max(2 ** math.ceil(math.log2(len(part))), COLUMNS)
        wave = np.fft.ifft(part, samples) * (2.0 * samples / frames)
        rows.append(np.abs(wave).reshape(COLUMNS, -1).mean(axis=1))
    return np.stack(rows)


def draw_contact_sheet(path: Path, thumbnails: Sequence[Thumbnail], seconds: float | None) -> None:
    """Write a contact sheet as PNG.

    Parameters
    ----------
    path : Path
    thumbnails : sequence of Thumbnail
        One or more.
    seconds : float or None
        Length of each; None where they differ.

    Raises
    ------
    ArgumentError
        If `path` cannot be written.
    """
    down = math.ceil(len(thumbnails) / _ACROSS)
    across = min(_ACROSS, len(thumbnails))
    figure = Figure(
        figsize=(_WIDTH * across, _HEIGHT * down + 0.4), facecolor=_GROUND,
        layout=ConstrainedLayoutEngine(w_pad=0.04, h_pad=0.03),
    )  # fmt: skip
    FigureCanvasAgg(figure)
    octaves = f"{LOWEST:g} Hz to {HIGHEST / 1000:g} kHz"
    width = "the whole sound" if seconds is None else f"{seconds:g} s"
    figure.supxlabel(
        f"{width} across, {octaves} up, {-FLOOR_DB:g} dB from bright to dark",
        x=0.008, ha="left", size=8, color=_DIM,
    )  # fmt: skip
    for place, one in enumerate(thumbnails):
        _draw(figure.add_subplot(down, across, place + 1), one)
    picture = BytesIO()
    figure.savefig(picture, dpi=_DPI)
    # A palette makes a third of the file, and nobody sees it.
    palette = Image.open(picture).convert("RGB").quantize(_COLOURS)
    with writing(path, ArgumentError), draft_of(path) as draft:
        palette.save(draft, "PNG", optimize=True)


def _draw(axes: Axes, one: Thumbnail) -> None:
    axes.imshow(
        one.picture, origin="lower", aspect="auto", cmap="magma", vmin=FLOOR_DB, vmax=0.0,
        interpolation="nearest",
    )  # fmt: skip
    axes.set_title(one.name, size=8.5, loc="left", color=_TEXT, pad=2.5)
    axes.set_title(one.note, size=6.5, loc="right", color=_DIM, pad=2.5)
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_visible(False)
