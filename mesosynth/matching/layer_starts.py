"""Starts of layers, proposed by kind where the others leave most of a sound.

A place is drawn by the decibels, or by the amplitude, that are missing in the picture of middle
resolution. Around it, the course of the missing power in time gives onset, attack and decay (a line
fit in decibels), and the rate of a tremolo or of notes (the peak of its modulation spectrum); the
spectrum's peak gives the pitch, and the slope of the picture there, or the fan-chirp transform, the
glide. A ripple takes rate, scale and spin from the local JTFS, and its phase from the picture;
grains come where a cloud of them would lie on what stands out. Onsets snap to peaks of the spectral
flux. Some are copies of layers that are there, at another onset: what was fitted once is tried
again where the sound repeats.
"""

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import soxr
import torch
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from mesosynth.audio.target import ANALYSIS_RATE
from mesosynth.instruments.grains import GRAINS, SWEEP, draw
from mesosynth.matching.band_pictures import (
    RATE,
    RESOLUTIONS,
    BandPictures,
    Pictures,
    band_centres,
)
from mesosynth.matching.fan_chirp import SPAN, ChirpRate
from mesosynth.matching.layer_models import (
    KINDS,
    LEVEL,
    MOST_GRAINS,
    ONSET,
    ONSET_STEP,
    PERIOD,
    SHORTEST_PERIOD,
    SIZE,
    layer_model,
)
from mesosynth.matching.similarity import LOCAL_T, local_coefficients, local_jtfs
from mesosynth.scattering.scale_rate import in_hertz

_FINE, _MIDDLE = 0, 1  # resolutions
_HOP = RESOLUTIONS[_MIDDLE].hop / RATE  # s
_FLOOR = 60.0  # dB below the loudest
_SNAP = 0.04  # s
_REPEATS, _NEARLY = 0.25, 0.6  # autocorrelation of a sound that repeats; of its shortest period
_NEPER_DB = 20.0 / math.log(10.0)

_SHARES = {
    "tone": 0.3, "air": 0.17, "wide": 0.13, "arpeggio": 0.13, "drum": 0.1, "ripple": 0.13,
    "grains": 0.04,
}  # fmt: skip
"""Of the candidates: a strike that rings, one of coloured or of broadband air, ..."""

_KINDS = {"tone": "strike", "air": "strike", "wide": "strike", "arpeggio": "chirplet"}
"""Instrument of a way to propose, where it has another name."""

_HEAD = 0.05  # s: a second reading of the chirp rate is a little before the first
_COPIES, _TREMOLOS, _GLIDING = 0.3, 0.2, 0.5  # share of candidates
_SLOWEST, _FASTEST = 2.0, 40.0  # Hz, of a modulation
_AROUND = (3.0, 1.5)  # frames and bands over which a glide is measured
_STEEP = 30.0  # dB an octave, below which a picture has no glide

_REACH = {  # bands around the place
    "tone": 1, "air": 2, "wide": 5, "arpeggio": 1, "drum": 2, "ripple": 8, "grains": 5,
}  # fmt: skip
_RIPPLE_STD, _RIPPLE_WIDTHS = 1.0, (1.0, 1.5, 2.0, 3.0, 4.0)  # octaves
_CLOUDS, _AROUND_GRAINS = 8192, (20.0, 8.0)  # tries; frames and bands
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
        self._x, self._loudest = x, float(self._power.max())
        self._decibels = self._above_floor(self._power)
        rises = np.diff(self._decibels, axis=0, prepend=0.0).clip(min=0.0).sum(axis=1)
        self._glides = _glides(self._decibels)
        near = [rises[max(0, i - 4) : i + 5].max() for i in range(len(rises))]
        peaks = np.flatnonzero((rises == near) & (rises > 0.15 * rises.max()))
        self.onsets: list[float] = (peaks * _HOP).tolist()
        self.period = _period(rises)
        self._chirp_rates: dict[int, float | None] = {}

    def propose(
        self,
        present: torch.Tensor | None,
        layers: Sequence[LayerStart],
        count: int,
        rng: np.random.Generator,
        kinds: Sequence[str] = KINDS,
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
        kinds : sequence of str
            Instruments to choose from.

        Returns
        -------
        list of LayerStart
        """
        shares = {way: x for way, x in _SHARES.items() if _KINDS.get(way, way) in kinds}
        layers = [layer for layer in layers if layer.kind in kinds]
        there = np.zeros_like(self._power) if present is None else present.numpy()
        missing = np.maximum(self._power - there, 0.0)
        decibels = (self._decibels - self._above_floor(there)).clip(min=0.0)
        faint, loud = decibels**2 * self._decibels, np.sqrt(missing)
        places = [weights.ravel() / max(float(weights.sum()), 1e-30) for weights in (faint, loud)]
        ways = rng.choice(list(shares), size=count, p=_shares(np.array([*shares.values()])))
        starts: list[LayerStart] = []
        for way in ways:
            weights = places[int(rng.random() < 0.4)]
            place = rng.choice(weights.size, p=_shares(weights))
            frame, band = divmod(int(place), self._power.shape[1])
            if layers and rng.random() < _COPIES:
                starts.append(self._copy(layers[int(rng.integers(len(layers)))], frame, rng))
            else:
                starts.append(self._start(str(way), frame, band, missing, rng))
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
            case "ripple":
                return self._ripple(frame, band, onset, [attack, decay], rng)
            case "grains":
                slope = float(rng.choice([0.5, 0.5 + math.atan(glide / SWEEP) / (0.95 * math.pi)]))
                onset, cloud = self._cloud(f_c, onset, decay, rng)
                theta = [cloud[0], slope, *cloud[1:], attack, decay]
                return self._row("grains", theta, onset, rng)
            case _:
                gamma, air, width, brightness = 0.0, 1.0, 0.3, -20.0
                if rng.random() < _GLIDING:
                    read = self._chirp_rate(onset) if way == "tone" else None
                    gammas = [glide, glide if read is None else read, rng.normal() * 1.5]
                    gamma = float(rng.choice(gammas))
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

    def _chirp_rate(self, onset: float) -> float | None:
        """Chirp rate after an onset by the fan-chirp transform, octaves/s; None of no clear one."""
        place = round(onset / _HOP)
        if place not in self._chirp_rates:
            begin = round(onset * ANALYSIS_RATE)
            audio = self._slow[begin : begin + round((SPAN + _HEAD) * ANALYSIS_RATE)]
            audio = np.pad(audio, (0, round((SPAN + _HEAD) * ANALYSIS_RATE) - len(audio)))
            reading = self._reader.read(audio)
            self._chirp_rates[place] = None if reading is None else reading.gamma
        return self._chirp_rates[place]

    @functools.cached_property
    def _slow(self) -> NDArray[np.float32]:
        """The sound at ANALYSIS_RATE."""
        return soxr.resample(self._x.numpy(), RATE, ANALYSIS_RATE)

    @functools.cached_property
    def _reader(self) -> ChirpRate:
        return ChirpRate()

    def _ripple(
        self, frame: int, band: int, onset: float, envelope: list[float], rng: np.random.Generator
    ) -> LayerStart:
        """Ripple by a path of the local JTFS around a place, with the picture's phase."""
        S, rates, speeds, octaves = self._ripples
        middle = math.log2(float(band_centres(_MIDDLE)[band]))
        column = min(int(frame * _HOP * ANALYSIS_RATE / LOCAL_T), S.shape[1] - 1)
        weights = S[:, column] ** 2 * np.exp(-0.5 * ((octaves - middle) / _RIPPLE_STD) ** 2)
        path = rng.choice(len(S), p=_shares(weights))
        f_m, gamma = float(rates[path]), float(speeds[path])
        w = float(rng.choice(_RIPPLE_WIDTHS))
        x_0 = middle - 0.5 * w
        # With D = cos(2 pi f_m (t - x / gamma) + phi) the crests of the ripple, which begin at the
        # onset and the lowest partial, are those of D for x_0 = gamma (onset + (phi + pi/2) / 2 pi
        # f_m), and one distance of crests, gamma / f_m, higher or lower.
        first = round(onset / _HOP)
        D = self._decibels[first : first + max(round(2.0 * envelope[1] / _HOP), 8)]
        x = np.log2(band_centres(_MIDDLE))
        inside = np.abs(x - middle) < 0.5 * w + 0.01
        t = onset + np.arange(len(D)) * _HOP
        wave = np.exp(-2j * math.pi * f_m * (t[:, None] - x[inside] / gamma))
        z = complex(((D[:, inside] - D[:, inside].mean(axis=0)) * wave).sum())
        at = gamma * (onset + (np.angle(z) + 0.5 * math.pi) / (2.0 * math.pi * f_m))
        x_0 = at + round((x_0 - at) * f_m / gamma) * gamma / f_m
        theta = [2.0**x_0, f_m, gamma, w, rng.uniform(0.6, 1.0), *envelope]
        return self._row("ripple", theta, onset, rng)

    @functools.cached_property
    def _ripples(self) -> tuple[NDArray[np.floating], ...]:
        """Second order of the local JTFS, (paths, frames); rate, speed and octave of each path."""
        sound = self._x.numpy()
        jtfs = local_jtfs(round(len(sound) * ANALYSIS_RATE / RATE))
        table, columns = layer_model("ripple").model.parameters, in_hertz(jtfs, ANALYSIS_RATE)
        rippling = (columns["order"] == 2) & (columns["spin"] != 0.0)
        row, rate, scale, spin, hertz = (
            columns[name][rippling] for name in ("row", "rate", "scale", "spin", "frequency")
        )
        speed = spin * rate / scale
        slow, fast = (getattr(table["gamma"], end) for end in ("smallest", "maximum"))
        usable = (rate >= table["f_m"].minimum) & (rate <= table["f_m"].maximum)
        usable &= (np.abs(speed) >= slow) & (np.abs(speed) <= fast)
        S = local_coefficients(sound, RATE).reshape(len(jtfs.meta()["order"]) - 1, -1)
        # The zeroth order is left out of S.
        return S[row[usable] - 1], rate[usable], speed[usable], np.log2(hertz[usable])

    def _cloud(
        self, f_c: float, onset: float, decay: float, rng: np.random.Generator
    ) -> tuple[float, list[float]]:
        """Onset, density, range of pitches, length and rate of grains around a pitch and an onset.

        Grains are always drawn in the same way, so that a cloud is a pattern of places: of many,
        the one is taken whose grains lie where the picture stands out of its neighbourhood.
        """
        D, centres = self._standing_out, np.log2(band_centres(_MIDDLE))
        most = max(MOST_GRAINS * RATE / len(self._x), 4.0)
        density, rate, octaves, share, early, length = rng.uniform(size=(6, _CLOUDS, 1))
        density, rate, octaves = 0.05 + 0.95 * density, 2.0 * (0.5 * most) ** rate, 4.0 * octaves
        length = np.minimum(np.exp(math.log(0.02) + math.log(20.0) * length), GRAINS / rate)
        begin = np.maximum(onset - early * np.minimum(0.5 * GRAINS / rate, decay), 0.0)
        pitch, at, _ = draw(0, 0)
        low = math.log2(f_c) - share * octaves
        t = begin + at * GRAINS / rate + 0.5 * length
        i, middle = np.arange(GRAINS), GRAINS * (0.25 * density + 0.75 * density**2)
        weight = np.exp(np.minimum(onset - t, 0.0) / decay)
        weight /= 1.0 + np.exp(np.minimum(2.0 * (1.0 - density) * (i - middle), 50.0))
        frame = np.round(t / _HOP).astype(int)
        band = np.searchsorted(centres, low + pitch * octaves)
        weight *= (frame < len(D)) & (band < len(centres))
        there = D[np.minimum(frame, len(D) - 1), np.minimum(band, len(centres) - 1)]
        score = (weight * there).sum(axis=1) / (np.sqrt((weight**2).sum(axis=1)) + 0.3)
        best = int(score.argmax())
        ends = 2.0 ** low[best, 0], 2.0 ** (low[best, 0] + octaves[best, 0])
        return float(begin[best, 0]), [
            float(x) for x in (density[best, 0], *ends, length[best, 0], rate[best, 0])
        ]

    @functools.cached_property
    def _standing_out(self) -> NDArray[np.floating]:
        """Decibels beside the mean of their neighbourhood."""
        return self._decibels - gaussian_filter(self._decibels, _AROUND_GRAINS)

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


def _shares(weights: NDArray[np.floating]) -> NDArray[np.float64]:
    """Weights whose sum is 1; even ones of nothing."""
    total = float(weights.sum())
    return np.asarray(weights / total if total > 0.0 else np.full(weights.size, 1.0 / weights.size))


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
