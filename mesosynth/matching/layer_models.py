"""Layers as partials: state, axes, expected power and sound of each kind of layer.

A layer is an instrument with a theta, an onset, a level and a period. In a search it is one row of
numbers along the axes of :mod:`mesosynth.matching.model`, where a step has the same effect
everywhere: theta, padded to the longest one; then the onset in units of ONSET_STEP, the logarithm
of the level, and the period in seconds, 0 of what comes once.
"""

import functools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from mesosynth.instruments import grains as cloud
from mesosynth.instruments.chirplet import HARMONICS, SIGMA_0, SLOWEST
from mesosynth.instruments.drum_torch import drum_modes
from mesosynth.instruments.layers import PARAMETERS, LayerVoice
from mesosynth.instruments.ripple import LEVEL as RIPPLE_LEVEL
from mesosynth.instruments.ripple import places
from mesosynth.instruments.strike import ATTACK_STEEPNESS, MOST_OCTAVES, PARTIALS, STD_PER_WIDTH
from mesosynth.matching.band_pictures import LOWEST, RATE
from mesosynth.matching.model import MODELS, Model
from mesosynth.matching.results import LAYERED, STATIONARY, Layer, layer_table
from mesosynth.plugins.plugin import CHANNELS, NO_EVENTS

KINDS = LAYERED
"""Instruments of layers that are searched for."""

ONSET, LEVEL, PERIOD = 11, 12, 13
SIZE = PERIOD + 1
"""Length of a row."""

ONSET_STEP = 0.05
"""Unit of the onset along its axis, s."""

SHORTEST_PERIOD = PARAMETERS["period_1"].minimum

Rows = NDArray[np.float64]
"""(layers, SIZE)."""

_SOFTEST, _LOUDEST = -11.0, 2.0  # logarithm of the level
_LATEST = PARAMETERS["delay_1"].maximum
_OCTAVE_DB = 20.0 * math.log10(2.0)
_BLUR = 0.0015  # s, by which cells blur an attack; without it the onset has no derivative

Partials = tuple[torch.Tensor, torch.Tensor, torch.Tensor]
"""Power, octaves and std, as :meth:`BandPictures.of_partials` takes them."""


@dataclass(frozen=True, eq=False)
class LayerModel:
    """Model of one kind of layer.

    Attributes
    ----------
    model : Model
        Its instrument.
    partials : callable
        Partials of thetas (layers, theta), at times (layers, cells) after the onsets, s, of unit
        level.
    rates : (SIZE,) float32 tensor
        Step of a descent along each axis.
    low, high : (SIZE,) float32 tensor
        Ranges along the axes, within those of the instrument "layers".
    plain : (SIZE,) float32 tensor
        Values that a person would dial.
    doubt : (SIZE,) float32 tensor
        Cost of the distance to them.
    """

    model: Model
    partials: Callable[[torch.Tensor, torch.Tensor], Partials]
    rates: torch.Tensor
    low: torch.Tensor
    high: torch.Tensor
    plain: torch.Tensor
    doubt: torch.Tensor

    def theta(self, rows: torch.Tensor) -> torch.Tensor:
        """Theta of rows along the axes, (layers, theta)."""
        model, count = self.model, self.model.onset
        axes = rows[:, :count]
        scale, knee = (torch.as_tensor(x[:count]).to(rows) for x in (model.scale, model.knee))
        logarithmic = torch.from_numpy(model.logarithmic[:count])
        bent = torch.sinh(axes) * knee
        straight = torch.where(knee > 0.0, bent, axes * scale)
        return torch.where(logarithmic, axes.exp(), straight)

    def high_of(self, rows: torch.Tensor, seconds: float = math.inf) -> torch.Tensor:
        """Upper ends for some rows: their onsets lie within the sound, or their own period.

        Parameters
        ----------
        rows : (layers, SIZE) tensor
        seconds : float
            Length of the sound, s.

        Returns
        -------
        (layers, SIZE) tensor
        """
        high = self.high.expand_as(rows).clone()
        high[:, PERIOD] = _LATEST
        last = torch.where(rows[:, PERIOD] > 0.0, rows[:, PERIOD], min(seconds, _LATEST))
        high[:, ONSET] = last / ONSET_STEP
        if "rate" in self.model.ids:
            most = math.log(max(MOST_GRAINS / min(seconds, _LATEST), 2.0))
            high[:, self.model.ids.index("rate")].clamp_(max=most)
        return high

    def axes(self, theta: NDArray[np.float64]) -> NDArray[np.float64]:
        """Theta (theta,) along the axes."""
        model, count = self.model, self.model.onset
        knee = np.where(model.knee[:count] > 0.0, model.knee[:count], 1.0)
        straight = np.where(
            model.knee[:count] > 0.0, np.arcsinh(theta / knee), theta / model.scale[:count]
        )
        logarithmic = model.logarithmic[:count]
        return np.where(logarithmic, np.log(np.where(logarithmic, theta, 1.0)), straight)


# --------------------------------------------------------------------------------------------------
# Partials of each kind


def _struck(attack: torch.Tensor, decay: torch.Tensor, since: torch.Tensor) -> torch.Tensor:
    """Mean square of a sinusoid under the envelope of a strike."""
    t = since.clamp_min(0.0)
    a = (attack + _BLUR) / ATTACK_STEEPNESS
    r = a / decay
    peak = (2.0 / (2.0 + r)) ** 2 * (r / (2.0 + r)) ** r
    envelope = torch.expm1(-t / a) ** 2 * torch.exp(-t / decay) / peak
    return 0.5 * envelope**2 * (since > 0.0)


def _strike_partials(theta: torch.Tensor, since: torch.Tensor) -> Partials:
    """Those of :mod:`mesosynth.instruments.strike_torch`, and its noise as one band."""
    f_c, gamma, attack, decay, brightness, B, damping, air, width, rate, depth = (
        column[:, None, None] for column in theta.unbind(1)
    )
    t = since.clamp_min(0.0)[:, None]
    k = torch.arange(1.0, PARTIALS + 1.0)[None, :, None]
    tremolo = 1.0 - depth * torch.sin(math.pi * rate * t) ** 2
    power = _struck(attack, decay, since[:, None]) * tremolo**2
    amplitude = 2.0 ** (torch.log2(k) * (2.0 * brightness / _OCTAVE_DB))
    amplitude = amplitude / amplitude.sum(dim=1, keepdim=True)
    fall = torch.exp(-2.0 * t * (k**damping - 1.0) / decay)
    tone = torch.cos(0.5 * math.pi * air) ** 2 * amplitude * fall
    noise = torch.sin(0.5 * math.pi * air) ** 2
    octaves = torch.log2(f_c / LOWEST) + (gamma * t).clamp(-MOST_OCTAVES, MOST_OCTAVES)
    ratio = torch.log2(k) + 0.5 * torch.log2((1.0 + B * k**2) / (1.0 + B))
    std = torch.cat([torch.zeros(len(theta), PARTIALS), width[:, :, 0] * STD_PER_WIDTH], dim=1)
    powers = torch.cat([power * tone, power * noise], dim=1)
    return powers, torch.cat([octaves + ratio, octaves], dim=1), std


def _chirplet_partials(theta: torch.Tensor, since: torch.Tensor) -> Partials:
    """Those of :mod:`mesosynth.instruments.chirplet_torch`."""
    f_c, f_m, gamma, w, shape, depth, brightness = (
        column[:, None, None] for column in theta.unbind(1)
    )
    t = since[:, None]
    k = torch.arange(1.0, HARMONICS + 1.0)[None, :, None]
    sine = torch.sin(2.0 * math.pi * f_m * t)
    am = 1.0 - depth + depth * (sine - shape * sine.clamp_max(0.0))
    spread = gamma.abs().clamp_min(SLOWEST) * t / (SIGMA_0 * w)
    power = 0.5 * am**2 * torch.exp(-(spread**2))
    amplitude = 2.0 ** (torch.log2(k) * (2.0 * brightness / _OCTAVE_DB))
    amplitude = amplitude / amplitude.sum(dim=1, keepdim=True)
    octaves = torch.log2(f_c / LOWEST) + gamma * t
    return power * amplitude, octaves + torch.log2(k), torch.zeros(len(theta), HARMONICS)


def _drum_partials(theta: torch.Tensor, since: torch.Tensor) -> Partials:
    """Modes of :mod:`mesosynth.instruments.drum_torch`."""
    modes = [drum_modes(row, 2.0 * RATE) for row in theta]
    level = torch.stack([each.amplitude for each in modes]).float()[:, :, None]
    sigma = torch.stack([each.sigma for each in modes]).float()[:, :, None]
    omega = torch.stack([each.omega for each in modes]).float()[:, :, None]
    t = since[:, None].clamp_min(0.0)
    rise = torch.expm1(-t / (_BLUR / ATTACK_STEEPNESS)) ** 2
    power = 0.5 * level**2 * rise * torch.exp(-2.0 * sigma * t)
    octaves = torch.log2(omega / (2.0 * math.pi * LOWEST)).expand_as(power)
    return power, octaves, torch.zeros(level.shape[:2])


def _ripple_partials(theta: torch.Tensor, since: torch.Tensor) -> Partials:
    """Those of :mod:`mesosynth.instruments.ripple_torch`, from the onset on, under an envelope."""
    f_0, f_m, gamma, w, depth, attack, decay = (column[:, None, None] for column in theta.unbind(1))
    slowest = layer_table("ripple")["gamma"].smallest
    gamma = torch.where(gamma < 0.0, gamma.clamp_max(-slowest), gamma.clamp_min(slowest))
    t = since[:, None]
    x = w * torch.from_numpy(places()).to(theta)[:, None]
    share = torch.exp2(-x) / torch.exp2(-x).sum(dim=1, keepdim=True)
    crests = 1.0 + depth * torch.sin(2.0 * math.pi * f_m * (t - x / gamma))
    power = _struck(attack, decay, t) * 2.0 * RIPPLE_LEVEL**2 * share * crests**2
    octaves = (torch.log2(f_0 / LOWEST) + x).expand_as(power)
    return power, octaves, torch.zeros(power.shape[:2])


_HEARD_GRAIN = 1e-2  # of the loudest grain
MOST_GRAINS = 256
"""Grains of one layer in a sound, heard or not; its rate is no higher."""


def _grains_partials(theta: torch.Tensor, since: torch.Tensor) -> Partials:
    """The very grains that :mod:`mesosynth.instruments.grains` plays from the onset on."""
    density, slope, f_low, f_high, length, rate, attack, decay = (
        column[:, None, None] for column in theta.unbind(1)
    )
    i = torch.arange(float(cloud.GRAINS))[:, None]
    middle = cloud.GRAINS * (0.25 * density + 0.75 * density**2)
    a = torch.sigmoid(-2.0 * (1.0 - density) * (i - middle))
    a = a / a[:, :1]
    length = torch.minimum(length, cloud.GRAINS / rate)
    overlap = length * rate / cloud.GRAINS
    a = a * (cloud.LOUDNESS / (overlap * a.square().sum(dim=1, keepdim=True)).sqrt()).clamp_max(1.0)
    heard = int((a > _HEARD_GRAIN * a[:, :1]).sum(dim=1).max())
    last = float((since[:, -1:, None] * rate).detach().max())
    pages = max(math.ceil(min(last, 2.0 * MOST_GRAINS) / cloud.GRAINS), 1)
    drawn = np.stack([cloud.draw(cloud.Grains.seed, page)[:, :heard] for page in range(pages)])
    pitch, at = (torch.from_numpy(drawn[:, row]).to(theta).reshape(-1, 1) for row in (0, 1))
    page = torch.arange(float(pages)).repeat_interleave(heard)[:, None]
    begin = (page + at) * (cloud.GRAINS / rate)
    hertz = f_low * (torch.maximum(f_high, f_low) / f_low) ** pitch
    t = since[:, None] - begin  # since the grain's begin
    window = torch.sin(math.pi * (t / length).clamp(0.0, 1.0)) ** 2
    loud = a[:, :heard].repeat(1, pages, 1) * (cloud.MIDDLE / hertz).sqrt()
    power = _struck(attack, decay, since[:, None]) * (loud * window) ** 2
    gamma = cloud.SWEEP * torch.tan(0.95 * (2.0 * slope - 1.0) * math.pi / 2.0)
    octaves = torch.log2(hertz / LOWEST) + gamma * (t - 0.5 * length)
    return power, octaves, torch.zeros(power.shape[:2])


_RATES = {
    "strike": (0.014, 0.05, 0.08, 0.08, 0.05, 0.05, 0.05, 0.04, 0.06, 0.03, 0.05),
    "chirplet": (0.014, 0.03, 0.05, 0.05, 0.05, 0.05, 0.05),
    "drum": (0.014, 0.06, 0.1, 0.1, 0.1),
    "ripple": (0.014, 0.03, 0.05, 0.03, 0.05, 0.08, 0.08),
    "grains": (0.1, 0.05, 0.03, 0.03, 0.05, 0.03, 0.08, 0.08),
}
_PLAIN = {"strike": {1: (0.0, 1.3e-4), 5: (0.0, 8e-5), 6: (0.5, 1.2e-3), 10: (0.0, 1.2e-3)}}
_PARTIALS = {
    "strike": _strike_partials,
    "chirplet": _chirplet_partials,
    "drum": _drum_partials,
    "ripple": _ripple_partials,
    "grains": _grains_partials,
}
_KNEES = {"ripple": {"gamma": 0.125}}


@functools.cache
def layer_model(kind: str) -> LayerModel:
    """Model of a kind of layer."""
    model = MODELS[kind]
    if kind in STATIONARY:
        model = replace(model, parameters=layer_table(kind), knees=_KNEES.get(kind, {}))
    count = model.onset
    rates, low, high, plain, doubt = torch.zeros(5, SIZE).unbind()
    rates[:count] = torch.tensor(_RATES[kind])
    rates[ONSET], rates[LEVEL] = 0.1, 0.08
    unbounded = LayerModel(model, _PARTIALS[kind], rates, low, high, plain, doubt)
    least, most = model.minimum[:count].copy(), model.maximum[:count].copy()
    for place, id_ in enumerate(model.ids):  # knobs of layers, which are the chirplet's
        knob = "f_c_1" if id_ in ("f_0", "f_low") else f"{id_}_1"
        if knob in PARAMETERS:
            least[place] = max(least[place], PARAMETERS[knob].minimum)
            most[place] = min(most[place], PARAMETERS[knob].maximum)
    low[:count], high[:count] = (
        torch.from_numpy(unbounded.axes(ends).astype(np.float32)) for ends in (least, most)
    )
    low[LEVEL], high[LEVEL] = _SOFTEST, _LOUDEST
    high[ONSET], high[PERIOD] = _LATEST / ONSET_STEP, _LATEST
    for place, (usual, cost) in _PLAIN.get(kind, {}).items():
        plain[place], doubt[place] = usual, cost
    return unbounded


# --------------------------------------------------------------------------------------------------
# Rows and layers


def row_of(layer: Layer) -> NDArray[np.float64]:
    """Row of a layer, (SIZE,)."""
    model = layer_model(layer.instrument)
    row = np.zeros(SIZE)
    theta = np.array([layer.theta[id_] for id_ in model.model.ids])
    row[: len(theta)] = model.axes(theta)
    row[ONSET], row[PERIOD] = layer.onset / ONSET_STEP, layer.period
    row[LEVEL] = math.log(max(layer.level, 1e-9))
    return row


def layer_of(kind: str, row: NDArray[np.float64], seconds: float, share: float = 1.0) -> Layer:
    """Layer of a row.

    Parameters
    ----------
    kind : str
    row : (SIZE,) float64
    seconds : float
        Length of the sound, in which a repeating layer comes again.
    share : float
        Share of the energy of all layers, 0 to 1.

    Returns
    -------
    Layer
    """
    model = layer_model(kind)
    values = model.theta(torch.from_numpy(row)[None])[0].tolist()
    theta = {
        id_: model.model.parameters[id_].clamp(value)
        for id_, value in zip(model.model.ids, values, strict=True)
    }
    onset, period = float(row[ONSET]) * ONSET_STEP, float(row[PERIOD])
    repeats = max(1, math.ceil((seconds - onset) / period)) if period else 1
    level = math.exp(float(row[LEVEL]))
    return Layer(theta, onset, level, period, repeats, share, instrument=kind)


def partials_of(kind: str, rows: torch.Tensor, times: torch.Tensor) -> Partials:
    """Partials of layers of one kind, at their onsets and levels, once.

    Parameters
    ----------
    kind : str
    rows : (layers, SIZE) float32 tensor
    times : (cells,) float32 tensor
        s.

    Returns
    -------
    power, octaves : (layers, partials, cells) tensor
    std : (layers, partials) tensor
    """
    model = layer_model(kind)
    since = times - ONSET_STEP * rows[:, ONSET, None]
    power, octaves, std = model.partials(model.theta(rows), since)
    return power * torch.exp(2.0 * rows[:, LEVEL])[:, None, None], octaves, std


# --------------------------------------------------------------------------------------------------
# Sound


_MARGIN = 64  # samples before an onset, and after its end
_SILENT = 11.5  # time constants: -100 dB


def layer_sounds(layers: Sequence[Layer], samples: int, sample_rate: float) -> NDArray[np.float64]:
    """Each layer by itself, as the instrument "layers" plays it, (layers, samples).

    Parameters
    ----------
    layers : sequence of Layer
    samples : int
        Length; time 0 is the first one.
    sample_rate : float
        Hz.

    Returns
    -------
    (layers, samples) float64
    """
    sounds = np.zeros((len(layers), samples))
    for sound, layer in zip(sounds, layers, strict=True):
        if not layer.level:
            continue
        times = [layer.onset]
        if layer.period:
            before, after = _heard(layer)
            end = samples / sample_rate
            first = math.ceil(-(layer.onset + after) / layer.period) if layer.repeats > 1 else 0
            numbers = range(max(first, 0), layer.repeats)
            times = [layer.onset + n * layer.period for n in numbers]
            times = [time for time in times if time - before < end]
        for time in times:
            _add(sound, layer, time, sample_rate)
    return sounds


def _add(sound: NDArray[np.float64], layer: Layer, time: float, sample_rate: float) -> None:
    """Add one occurrence of a layer at a time."""
    before, after = _heard(layer)
    begin = max(math.floor((time - before) * sample_rate) - _MARGIN, 0)
    end = min(math.ceil((time + after) * sample_rate) + _MARGIN, len(sound))
    n = end - begin
    if n <= 0:
        return
    if layer.instrument in STATIONARY:
        first = max(math.ceil(time * sample_rate), 0)
        sound[first:end] += layer.level * _played(layer, end - first, sample_rate)
        return
    model = MODELS[layer.instrument]
    theta = torch.tensor([layer.theta[id_] for id_ in model.ids], dtype=torch.float64)
    middle = (begin + n // 2) / sample_rate
    sound[begin:end] += layer.level * model.synthesize(theta, n, sample_rate, time - middle).numpy()


def _played(layer: Layer, n: int, sample_rate: float) -> NDArray[np.float64]:
    """First samples of an event of a ripple or grains, as the instrument plays it, (n,)."""
    voice = LayerVoice(
        layer.instrument, {**layer.theta, "gain": 0.0, "spread": 0.0, "period": 16.0}
    )
    voice.instrument.prepare(sample_rate, n)
    block = np.zeros((CHANNELS, n), np.float32)
    voice.instrument.process(voice.values, NO_EVENTS, block)
    return block[0].astype(np.float64)


def _heard(layer: Layer) -> tuple[float, float]:
    """Time in which a layer is heard, before and after its onset, s."""
    theta = layer.theta
    match layer.instrument:
        case "chirplet":
            half = 6.0 * SIGMA_0 * theta["w"] / max(abs(theta["gamma"]), SLOWEST)
            return half, half
        case "strike" | "ripple" | "grains":
            return 0.0, theta["attack"] + _SILENT * theta["decay"]
        case "drum":
            return 0.0, _SILENT * theta["tau"]
        case _:
            return math.inf, math.inf
