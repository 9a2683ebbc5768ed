"""Oscilloscope and spectrum of the output."""

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QLineF, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QLinearGradient, QMouseEvent, QPainter, QPen, QPolygonF
from typing_extensions import override

from mesosynth.units import amplitude_to_db

from .. import theme
from . import canvas as plot_painting
from .axes import Axis
from .canvas import Canvas
from .frame import Frame, Table

# --------------------------------------------------------------------------------------------------
# Spectrum of the output: levels in bands of a twelfth of an octave.


LOWEST, HIGHEST = 27.5, 18000.0
"""Hz; A0 is where pianos begin."""

FFT_SIZE = 8192
"""Samples: 6 Hz apart at 48 kHz, some six windows a second without overlap."""

_PER_OCTAVE = 12
_FLOOR = 1e-6  # -120 dB


def band_frequencies() -> NDArray[np.float64]:
    """Middles of the bands, Hz."""
    count = int(np.log2(HIGHEST / LOWEST) * _PER_OCTAVE)
    return LOWEST * 2.0 ** (np.arange(count) / _PER_OCTAVE)


def spectrum(samples: NDArray[np.float32], sample_rate: float) -> NDArray[np.float64]:
    """Level of the loudest partial in each band, dB below a sine of full scale.

    Parameters
    ----------
    samples : (n,) float32
        The last :data:`FFT_SIZE` of them count; with fewer all bands are silent.
    sample_rate : float
        Hz.
    """
    frequencies = band_frequencies()
    if len(samples) < FFT_SIZE:
        return np.full(len(frequencies), 20.0 * np.log10(_FLOOR))
    window = np.hanning(FFT_SIZE)
    amplitude = np.abs(np.fft.rfft(samples[-FFT_SIZE:] * window)) * (2.0 / window.sum())
    half = 2.0 ** (0.5 / _PER_OCTAVE)
    bins = FFT_SIZE / sample_rate
    first = np.floor(frequencies / half * bins).astype(int)
    last = np.maximum(np.ceil(frequencies * half * bins).astype(int), first + 1)
    last = np.minimum(last, len(amplitude))
    first = np.minimum(first, last - 1)
    # reduceat takes pairs: every other result is of the stretch between two bands
    pairs = np.stack([first, last], axis=1).ravel()
    loudest = np.maximum.reduceat(np.append(amplitude, 0.0), pairs)[::2]
    return 20.0 * np.log10(np.maximum(loudest, _FLOOR))


# --------------------------------------------------------------------------------------------------
# Oscilloscope: envelope or spectrum of the last seconds, and a level meter.


SECONDS = 2.0
"""Time that the scope looks back, s."""

_METER = 10
_FALL_DB = 0.5  # per tick: some 30 dB a second, slow enough to read a peak
_BOTTOM_DB = -60.0
_QUIETEST_DB = -90.0  # of the spectrum


def envelope(samples: NDArray[np.float32], columns: int) -> NDArray[np.float32]:
    """Minimum and maximum of each of `columns` equal stretches of samples, (2, columns).

    Parameters
    ----------
    samples : (n,) float32
        With fewer than `columns` the envelope is 0.
    columns : int
    """
    if len(samples) < columns:
        return np.zeros((2, columns), np.float32)
    stretches = samples[len(samples) % columns :].reshape(columns, -1)
    return np.stack([stretches.min(axis=1), stretches.max(axis=1)])


class Scope(Frame):
    """Oscilloscope: envelope or spectrum of the last seconds, with a peak meter.

    A click changes over.

    Signals
    -------
    spectrum_shown : bool
    """

    spectrum_shown = Signal(bool)

    def __init__(self) -> None:
        self._canvas = _Canvas()
        super().__init__("Output", self._canvas)
        self._canvas.clicked.connect(lambda: self.show_spectrum(not self.spectrum))

    @property
    def spectrum(self) -> bool:
        """Whether the spectrum is shown in place of the waveform."""
        return self._canvas.spectrum

    def show_spectrum(self, shown: bool) -> None:
        """Show the spectrum, or the waveform again."""
        if shown != self.spectrum:
            self._canvas.spectrum = shown
            self._canvas.refresh()
            self.title.setText("Spectrum" if shown else "Output")
            self.spectrum_shown.emit(shown)

    def show_samples(self, samples: NDArray[np.float32], sample_rate: float) -> None:
        """Draw samples; silence is drawn once.

        Parameters
        ----------
        samples : (n,) float32
            Mono; full scale is 1.
        sample_rate : float
            Hz.
        """
        latest = samples[-max(1, int(sample_rate * 0.05)) :]
        peak = float(np.abs(latest).max()) if len(latest) else 0.0
        level = self._canvas.draw(samples, sample_rate, amplitude_to_db(peak))
        self.note.setText(f"{level:.0f} dB" if level > _BOTTOM_DB else "−∞ dB")

    @override
    def table(self) -> Table:
        samples, rate = self._canvas.samples, self._canvas.sample_rate
        if self.spectrum:
            levels = spectrum(samples, rate)
            pairs = zip(band_frequencies().tolist(), levels.tolist(), strict=True)
            return Table(("frequency_hz", "level_db"), pairs)
        times = (np.arange(len(samples)) / rate).tolist()
        return Table(("time_s", "amplitude"), zip(times, samples.tolist(), strict=True))


class _Canvas(Canvas):
    clicked = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setMinimumSize(120, 40)
        self.samples = np.zeros(0, np.float32)
        self.sample_rate = 48000.0
        self._level = _BOTTOM_DB
        self._silent = self.spectrum = False
        self.setToolTip("Click: waveform or spectrum")

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self.clicked.emit()

    def draw(self, samples: NDArray[np.float32], sample_rate: float, level: float) -> float:
        silent = not len(samples) or not samples.any()
        self._level = max(level, self._level - _FALL_DB, _BOTTOM_DB)
        if not (silent and self._silent and self._level <= _BOTTOM_DB):
            self.samples, self.sample_rate = samples, sample_rate
            self.update()
        self._silent = silent
        return self._level

    @property
    def _area(self) -> QRectF:
        area = QRectF(self.rect()).adjusted(0, 0, -_METER - 8, 0)
        return area.adjusted(0, 0, 0, -1.3 * plot_painting.em()) if self.spectrum else area

    def paint_still(self, painter: QPainter) -> None:
        area = self._area
        plot_painting.paint_ground(painter, area)
        if self.spectrum:
            plot_painting.paint_x_axis(painter, area, _FREQUENCIES, grid=True)
            return
        painter.setPen(QPen(QColor(theme.GRID)))
        painter.drawLine(QLineF(area.left(), area.center().y(), area.right(), area.center().y()))

    def paint_moving(self, painter: QPainter) -> None:
        (self._paint_spectrum if self.spectrum else self._paint_envelope)(painter, self._area)
        self._paint_meter(painter, QRectF(self.width() - _METER, 2, _METER, self.height() - 4))

    def _paint_envelope(self, painter: QPainter, area: QRectF) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        low, high = envelope(self.samples, max(int(area.width()), 1))
        painter.setPen(QPen(theme.colour(theme.ACCENT, 0.85)))
        middle = area.center().y()
        scale = middle - 2.0
        painter.drawLines(
            [
                QLineF(x, middle - min(top, 1.0) * scale, x, middle - max(bottom, -1.0) * scale)
                for x, (bottom, top) in enumerate(zip(low.tolist(), high.tolist(), strict=True))
                if top > bottom
            ]
        )
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)

    def _paint_spectrum(self, painter: QPainter, area: QRectF) -> None:
        levels = np.clip(spectrum(self.samples, self.sample_rate), _QUIETEST_DB, 0.0)
        points = [
            QPointF(
                area.left() + _FREQUENCIES.share(frequency) * area.width(),
                area.bottom() - (1.0 - level / _QUIETEST_DB) * area.height(),
            )
            for frequency, level in zip(band_frequencies().tolist(), levels.tolist(), strict=True)
        ]
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.colour(theme.ACCENT, 0.25))
        painter.drawPolygon(QPolygonF([area.bottomLeft(), *points, area.bottomRight()]))
        painter.setPen(QPen(theme.colour(theme.ACCENT, 0.9), 1.2))
        painter.drawPolyline(QPolygonF(points))

    def _paint_meter(self, painter: QPainter, well: QRectF) -> None:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(theme.GRID))
        painter.drawRoundedRect(well, 2, 2)
        share = 1.0 - self._level / _BOTTOM_DB
        if share <= 0.0:
            return
        shade = QLinearGradient(well.bottomLeft(), well.topLeft())
        shade.setColorAt(0.0, theme.colour(theme.ACCENT, 0.5))
        shade.setColorAt(0.85, QColor(theme.ACCENT))
        shade.setColorAt(1.0, QColor(theme.ERROR))
        painter.setBrush(shade)
        painter.drawRoundedRect(well.adjusted(0, well.height() * (1.0 - share), 0, 0), 2, 2)


_FREQUENCIES = Axis(LOWEST, HIGHEST, "", "octaves")
