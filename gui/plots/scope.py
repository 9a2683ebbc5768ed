"""Oscilloscope and spectrum of the output."""

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QProgressBar, QSizePolicy, QWidget

from mesosynth.units import amplitude_to_db

from .. import theme
from .axes import Axis
from .frame import Frame
from .parts import Curve
from .plot import Plot, Table

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

    The last :data:`FFT_SIZE` of (n,) samples count; with fewer all bands are silent.
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


_FALL_DB = 0.5  # per tick: some 30 dB a second, slow enough to read a peak
_BOTTOM_DB = -60.0
_QUIETEST_DB = -90.0  # of the spectrum
_TIME = Axis(-2.0, 0.0, "Time before now (s)")
_AMPLITUDE = Axis(-1.0, 1.0, "Amplitude")
_FREQUENCY = Axis(LOWEST, HIGHEST, "Frequency (Hz)", "octaves")
_LEVEL = Axis(_QUIETEST_DB, 0.0, "Level (dB)")


def envelope(samples: NDArray[np.float32], columns: int) -> NDArray[np.float32]:
    """Minimum and maximum of each of `columns` equal stretches of (n,) samples, (2, columns).

    With fewer samples than columns the envelope is 0.
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
    seconds = 2.0  # that it looks back

    def __init__(self) -> None:
        self.trace = Plot(
            "Output", _TIME, _AMPLITUDE, "Click: waveform or spectrum", read=self._read
        )
        self.samples = np.zeros(0, np.float32)
        self.sample_rate = 48000.0
        self.spectrum = self._silent = False
        self._level = _BOTTOM_DB
        self._envelope = Curve(self.trace, "ACCENT", width=1.0, connect="pairs")
        self._levels = Curve(self.trace, "ACCENT", width=1.2, fill=_QUIETEST_DB)
        self._meter = QProgressBar(orientation=Qt.Orientation.Vertical, textVisible=False)
        self._meter.setRange(round(_BOTTOM_DB), 0)
        self._meter.setFixedWidth(10)
        self._meter.setMinimumHeight(20)
        self._meter.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Ignored)
        theme.name(self._meter, "Peak level of the output, dB below full scale")
        body = QWidget()
        row = QHBoxLayout(body)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(4)
        row.addWidget(self.trace, 1)
        row.addWidget(self._meter)
        super().__init__("Output", body)
        self.trace.clicked.connect(lambda: self.show_spectrum(not self.spectrum))
        self.trace.looked.connect(self._draw)

    def show_spectrum(self, shown: bool) -> None:
        """Show the spectrum, or the waveform again."""
        if shown != self.spectrum:
            self.spectrum = shown
            self.trace.set_axes(*((_FREQUENCY, _LEVEL) if shown else (_TIME, _AMPLITUDE)))
            self.trace.reset()
            self.title.setText("Spectrum" if shown else "Output")
            self._draw()
            self.spectrum_shown.emit(shown)

    def show_samples(self, samples: NDArray[np.float32], sample_rate: float) -> None:
        """Draw samples; silence is drawn once."""
        latest = samples[-max(1, int(sample_rate * 0.05)) :]
        peak = float(np.abs(latest).max()) if len(latest) else 0.0
        level = max(amplitude_to_db(peak), self._level - _FALL_DB, _BOTTOM_DB)
        silent = not len(samples) or not samples.any()
        if not (silent and self._silent and level <= _BOTTOM_DB):
            self.samples, self.sample_rate, self._level = samples, sample_rate, level
            text = f"{level:.0f} dB".replace("-", "−") if level > _BOTTOM_DB else "−∞ dB"
            if text != self.note.text():
                self.note.setText(text)
            self._meter.setUpdatesEnabled(False)  # else Qt paints it at once, on its own
            self._meter.setValue(round(level))
            self._meter.setUpdatesEnabled(True)
            self._draw()
        self._silent = silent

    def table(self) -> Table:
        """Levels of the spectrum's bands, or the samples."""
        samples, rate = self.samples, self.sample_rate
        if self.spectrum:
            pairs = np.stack([band_frequencies(), spectrum(samples, rate)], axis=1)
            return Table(("frequency_hz", "level_db"), pairs.tolist())
        pairs = np.stack([np.arange(len(samples)) / rate, samples], axis=1)
        return Table(("time_s", "amplitude"), pairs.tolist())

    def _read(self, x: float, _y: float) -> str:
        if self.spectrum:
            band = int(np.abs(np.log(band_frequencies() / x)).argmin())
            level = float(spectrum(self.samples, self.sample_rate)[band])
            text = f"{band_frequencies()[band]:.0f} Hz · {level:.0f} dB below full scale"
            return text.replace("-", "").replace("· 0 dB below", "· 0 dB, ")
        place = len(self.samples) + int(x * self.sample_rate)
        value = f" · {self.samples[place]:.3f}" if 0 <= place < len(self.samples) else ""
        return f"{x:.3f} s{value}".replace("-", "−")

    def _draw(self) -> None:
        if not self.trace.isVisible():
            return
        if self.spectrum:
            levels = np.clip(spectrum(self.samples, self.sample_rate), _QUIETEST_DB, 0.0)
            self._levels.show(band_frequencies(), levels)
            self._envelope.show()
            return
        left, right, *_ = self.trace.sight
        count, rate = len(self.samples), self.sample_rate
        first, last = max(count + int(left * rate), 0), min(count + int(right * rate) + 1, count)
        seen = self.samples[first:last]
        columns = min(max(int(self.trace.area.width()), 1), max(len(seen), 1))
        low, high = np.clip(envelope(seen, columns), -1.0, 1.0)
        times = (first - count + (np.arange(columns) + 0.5) / columns * len(seen)) / rate
        if columns == len(seen):  # each sample is seen: neighbours are joined
            low, high = seen, np.append(seen[1:], seen[-1:])
            times = np.stack([times, np.append(times[1:], times[-1:])], axis=1).ravel()
        else:
            times = np.repeat(times, 2)
        self._envelope.show(times, np.stack([low, high], axis=1).ravel())
        self._levels.show()
