"""Starts of layers, proposed by kind where the others leave most of a sound.

A place is drawn by the decibels, or by the amplitude, that are missing in the picture of middle
resolution. Around it, the course of the missing power in time gives onset, attack and decay (a line
fit in decibels), and the rate of a tremolo or of notes (the peak of its modulation spectrum); the
spectrum's peak gives the pitch, and the slope of the picture there the glide. Onsets snap to peaks
of the spectral flux. Some are copies of layers that are there, at another onset: what was fitted
once is tried again where the sound repeats.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from mesosynth.matching.band_pictures import (
    RATE,
    RESOLUTIONS,
    BandPictures,
    Pictures,
    band_centres,
)
from mesosynth.matching.layer_models import (
    LEVEL,
    ONSET,
    ONSET_STEP,
    PERIOD,
    SHORTEST_PERIOD,
    SIZE,
    layer_model,
)

_FINE, _MIDDLE = 0, 1  # resolutions
_HOP = RESOLUTIONS[_MIDDLE].hop / RATE  # s
_FLOOR = 60.0  # dB below the loudest
_SNAP = 0.04  # s
_REPEATS, _NEARLY = 0.25, 0.6  # autocorrelation of a sound that repeats; of its shortest period
_NEPER_DB = 20.0 / math.log(10.0)

_SHARES = {"tone": 0.36, "air": 0.2, "wide": 0.16, "arpeggio": 0.16, "drum": 0.12}
"""Of the candidates: a strike that rings, one of coloured or of broadband air, ..."""

_COPIES, _TREMOLOS, _GLIDING = 0.3, 0.2, 0.5  # share of candidates
_SLOWEST, _FASTEST = 2.0, 40.0  # Hz, of a modulation
_AROUND = (3.0, 1.5)  # frames and bands over which a glide is measured
_STEEP = 30.0  # dB an octave, below which a picture has no glide

_REACH = {"tone": 1, "air": 2, "wide": 5, "arpeggio": 1, "drum": 2}  # bands around the place
_BRIGHTNESS = (-60.0, -24.0, -12.0, -6.0)  # dB/octave


@dataclass(frozen=True)
class LayerStart:
    """Start of one layer.

    Attributes
    ----------
    kind : str
        Its instrument.
    row : (SIZE,) float64
        With the level 1.
    """

    kind: str
    row: NDArray[np.float64]


class LayerStarts:
    """Proposals of layers for one sound.

    Parameters
    ----------
    x : (n,) float32 tensor
        At :data:`RATE`.
    pictures : BandPictures
        For its length.
    target : list of tensor
        Its pictures.

    Attributes
    ----------
    onsets : list of float
        Peaks of the spectral flux, s.
    period : float
        Of its repetition, s; 0 of a sound that does not repeat.
    """

    def __init__(self, x: torch.Tensor, pictures: BandPictures, target: Pictures) -> None:
        z = torch.fft.rfft(pictures.frames(x, _FINE, RESOLUTIONS[_MIDDLE].hop))
        self._spectra = (z.real.square() + z.imag.square()).numpy()
        self._bin = RATE / RESOLUTIONS[_FINE].window  # Hz
        self._power = target[_MIDDLE].numpy()
        self._loudest = float(self._power.max())
        self._decibels = self._above_floor(self._power)
        rises = np.diff(self._decibels, axis=0, prepend=0.0).clip(min=0.0).sum(axis=1)
        self._glides = _glides(self._decibels)
        near = [rises[max(0, i - 4) : i + 5].max() for i in range(len(rises))]
        peaks = np.flatnonzero((rises == near) & (rises > 0.15 * rises.max()))
        self.onsets: list[float] = (peaks * _HOP).tolist()
        self.period = _period(rises)

    def propose(
        self,
        present: torch.Tensor | None,
        layers: Sequence[LayerStart],
        count: int,
        rng: np.random.Generator,
    ) -> list[LayerStart]:
        """Draw starts beside the layers that are there.

        Parameters
        ----------
        present : (frames, bands) tensor or None
            Their picture of middle resolution.
        layers : sequence of LayerStart
            The layers.
        count : int
        rng : Generator

        Returns
        -------
        list of LayerStart
        """
        there = np.zeros_like(self._power) if present is None else present.numpy()
        missing = np.maximum(self._power - there, 0.0)
        decibels = (self._decibels - self._above_floor(there)).clip(min=0.0)
        faint, loud = decibels**2 * self._decibels, np.sqrt(missing)
        places = [weights.ravel() / max(float(weights.sum()), 1e-30) for weights in (faint, loud)]
        kinds = rng.choice(list(_SHARES), size=count, p=list(_SHARES.values()))
        starts: list[LayerStart] = []
        for kind in kinds:
            weights = places[int(rng.random() < 0.4)]
            if not weights.any():
                weights = np.full(weights.size, 1.0 / weights.size)
            place = rng.choice(weights.size, p=weights / weights.sum())
            frame, band = divmod(int(place), self._power.shape[1])
            if layers and rng.random() < _COPIES:
                starts.append(self._copy(layers[int(rng.integers(len(layers)))], frame, rng))
            else:
                starts.append(self._start(str(kind), frame, band, missing, rng))
        return starts

    def _copy(self, layer: LayerStart, frame: int, rng: np.random.Generator) -> LayerStart:
        """A layer that is there, once more at another time."""
        row, model = layer.row.copy(), layer_model(layer.kind)
        onset = max(frame * _HOP - rng.uniform(0.0, 0.1), 0.0)
        if self.onsets and rng.random() < 0.7:
            before = [time for time in self.onsets if time <= frame * _HOP + _SNAP]
            onset = before[-1] if before else self.onsets[0]
        row[ONSET], row[LEVEL], row[PERIOD] = onset / ONSET_STEP, 0.0, 0.0
        row[0] += rng.choice([0.0, 0.0, rng.normal() * 0.1])
        return LayerStart(layer.kind, np.clip(row, model.low.numpy(), model.high.numpy()))

    def _start(
        self, way: str, frame: int, band: int, missing: NDArray[np.float32],
        rng: np.random.Generator,
    ) -> LayerStart:  # fmt: skip
        reach = _REACH[way]
        course = missing[:, max(0, band - reach) : band + reach + 1].sum(axis=1)
        level = 10.0 * np.log10(course / self._loudest + 1e-6)
        first, top, slope = _event(level, frame)
        onset = max(first - 1, 0) * _HOP
        near = [time for time in self.onsets if abs(time - onset) < _SNAP]
        if near and rng.random() < 0.7:
            onset = min(near, key=lambda time: abs(time - onset))
        attack = float(np.clip((top - first) * _HOP, 0.002, 1.5))
        decay = float(np.clip(_NEPER_DB / max(-slope, 0.5), 0.01, 6.0))
        centres = band_centres(_MIDDLE)
        f_c = float(centres[band])
        glide = float(self._glides[min(top + 2, len(self._glides) - 1), band])
        if way in ("tone", "arpeggio", "drum"):
            f_c = self._peak(top + 2, band)
        match way:
            case "arpeggio":
                sigma = float(np.clip((top - first) * _HOP + 0.5 * decay, 0.01, 1.5))
                gamma = float(rng.choice([0.0, glide, rng.normal() * 4.0]))
                w = max(abs(gamma), 0.125) * sigma / 0.1
                theta = [
                    f_c, _modulation(level, top, rng), gamma, w,
                    rng.uniform(), float(rng.choice([0.0, rng.uniform(0.3, 1.0)])),
                    float(rng.choice(_BRIGHTNESS)),
                ]  # fmt: skip
                return self._row("chirplet", theta, top * _HOP, rng)
            case "drum":
                theta = [
                    f_c, 2.0 * decay, float(rng.choice([1e-4, 5e-3, 0.03])),
                    float(np.exp(rng.uniform(math.log(1e-3), math.log(0.25)))),
                    rng.uniform(0.05, 1.0),
                ]  # fmt: skip
                return self._row("drum", theta, onset, rng)
            case _:
                gamma, air, width, brightness = 0.0, 1.0, 0.3, -20.0
                if rng.random() < _GLIDING:
                    gamma = float(rng.choice([glide, glide, rng.normal() * 1.5]))
                if way == "tone":
                    air, brightness = (float(rng.choice(x)) for x in ((0, 0, 0.15), _BRIGHTNESS))
                else:
                    low, high = (0.1, 0.8) if way == "air" else (0.8, 4.0)
                    width = float(np.exp(rng.uniform(math.log(low), math.log(high))))
                rate, depth = 6.0, 0.0
                if rng.random() < _TREMOLOS:
                    rate = _modulation(level, top, rng)
                    depth = float(rng.uniform(0.4, 0.9))
                theta = [
                    f_c, gamma, attack, decay, brightness, 0.0, 0.5, air, width, rate, depth
                ]  # fmt: skip
                return self._row("strike", theta, onset, rng)

    def _row(
        self, kind: str, theta: list[float], onset: float, rng: np.random.Generator
    ) -> LayerStart:
        row = np.zeros(SIZE)
        model = layer_model(kind)
        row[: len(theta)] = model.axes(np.array(theta))
        row[ONSET], row[LEVEL] = onset / ONSET_STEP, 0.0
        row = np.clip(row, model.low.numpy(), model.high.numpy())
        if self.period and rng.random() < 0.35:
            multiple = float(rng.choice([1.0, 1.0, 2.0, 0.5]))
            row[PERIOD] = max(multiple * self.period, SHORTEST_PERIOD)
            row[ONSET] = (row[ONSET] * ONSET_STEP) % row[PERIOD] / ONSET_STEP
        return LayerStart(kind, row)

    def _peak(self, frame: int, band: int) -> float:
        """Frequency of the highest peak of the spectrum around a band, Hz."""
        centres = band_centres(_MIDDLE)
        spectrum = self._spectra[min(frame, len(self._spectra) - 1)]
        low = math.floor((centres[max(band - 1, 0)] - self._bin) / self._bin)
        high = math.ceil((centres[min(band + 1, len(centres) - 1)] + self._bin) / self._bin)
        low = max(low, 1)
        high = min(max(high, low + 3), len(spectrum) - 1)
        top = low + int(np.argmax(spectrum[low:high]))
        before, here, after = np.log(spectrum[top - 1 : top + 2] + 1e-20)
        curve = before - 2.0 * here + after
        fraction = 0.5 * (before - after) / curve if curve < -1e-9 else 0.0
        return (top + float(np.clip(fraction, -0.5, 0.5))) * self._bin

    def _above_floor(self, power: NDArray[np.float32]) -> NDArray[np.float32]:
        """Decibels above the floor, 0 and more."""
        return 10.0 * np.log10(power / self._loudest + 10.0 ** (-_FLOOR / 10.0)) + _FLOOR


def _glides(decibels: NDArray[np.floating]) -> NDArray[np.float64]:
    """Glide at each place of a picture D, octaves/s: gamma that moves what is seen there.

    ``gamma = -<D_t D_x> / <D_x^2>`` is least squares of ``D_t + gamma D_x = 0`` around a place,
    with x in octaves (Lucas and Kanade 1981, along one axis).
    """
    along_t = np.gradient(decibels, _HOP, axis=0)
    along_x = np.gradient(decibels, np.log2(band_centres(_MIDDLE)), axis=1)
    both, square = (gaussian_filter(x, _AROUND) for x in (along_t * along_x, along_x**2))
    return -both / (square + _STEEP**2)


def _modulation(level: NDArray[np.floating], frame: int, rng: np.random.Generator) -> float:
    """Rate of a modulation of a level (dB) from a frame on, Hz: a peak of its spectrum, or any."""
    x = np.diff(level[max(frame - 8, 0) : frame + 56].clip(min=-_FLOOR))
    rates = np.fft.rfftfreq(4 * len(x) + 8, _HOP)
    power = np.abs(np.fft.rfft(x * np.hanning(len(x)), 4 * len(x) + 8)) ** 2
    power[(rates < _SLOWEST) | (rates > _FASTEST)] = 0.0
    if rng.random() < 0.3 or not power.any():
        return float(np.exp(rng.uniform(math.log(_SLOWEST), math.log(_FASTEST))))
    return float(rng.choice(rates, p=power**2 / (power**2).sum()))


def _event(level: NDArray[np.floating], frame: int) -> tuple[int, int, float]:
    """First and loudest frame of the event around a frame, and its slope after that, dB/s."""
    begin = frame
    while begin > 0 and frame - begin < 40 and level[begin - 1] > level[frame] - 15.0:
        if level[begin - 1] < level[begin] - 1.5 and level[max(begin - 2, 0)] < level[begin] - 1.5:
            break
        begin -= 1
    top = begin + int(np.argmax(level[begin : frame + 7]))
    first = top
    while first > 0 and level[top] - 18.0 < level[first - 1] <= level[first] + 2.0:
        first -= 1
    end = top
    while end < len(level) - 1 and level[end + 1] > max(level[top] - 40.0, -58.0):
        end += 1
    if end - top < 3:
        return first, top, -300.0
    line = np.polyfit(np.arange(end - top + 1) * _HOP, level[top : end + 1], 1)
    return first, top, float(line[0])


def _period(rises: NDArray[np.floating]) -> float:
    """Period of the spectral flux by its autocorrelation, s; 0 without one."""
    x = rises - rises.mean()
    energy = float(x @ x)
    shortest, longest = math.ceil(SHORTEST_PERIOD / _HOP), len(x) // 2
    if energy <= 0.0 or longest <= shortest + 2:
        return 0.0
    lags = np.arange(shortest, longest)
    strength = np.array([x[lag:] @ x[:-lag] * len(x) / (len(x) - lag) for lag in lags]) / energy
    # Multiples of a period are periods, too: the first that is nearly as good is it.
    peaks = [i for i in range(1, len(lags) - 1) if strength[i] == strength[i - 1 : i + 2].max()]
    most = max((strength[i] for i in peaks), default=0.0)
    if most < _REPEATS:
        return 0.0
    first = next(i for i in peaks if strength[i] > _NEARLY * most)
    return float(lags[first] * _HOP)
