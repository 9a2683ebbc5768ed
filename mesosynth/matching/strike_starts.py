"""Starts of a strike: onset, glide, pitch, partials, air, envelope and tremolo, one by one.

The onset is where the power leaves the noise. On a time axis that is warped by the right chirp rate
a glide becomes a line, as in the fan-chirp transform (:mod:`mesosynth.matching.fan_chirp`); a grid
of rates, 0 among them, finds the sharpest spectrum. Its strongest peak is the pitch, peaks above it
give inharmonicity and brightness, and what lies between them air. A line through the level in
decibels gives the decay, and the swing around it the tremolo.
"""

import math

import numpy as np
from numpy.typing import NDArray

from mesosynth.audio.target import ANALYSIS_RATE, ANALYSIS_SAMPLES
from mesosynth.instruments.strike import PARAMETERS, PARTIALS, STD_PER_WIDTH
from mesosynth.instruments.strike_torch import KNEES
from mesosynth.matching.drum_starts import decay_of_level
from mesosynth.matching.model import STRIKE
from mesosynth.matching.operator import Operator, shared_operator
from mesosynth.matching.starts import Start, peak_shift

Array = NDArray[np.float64]
Theta = dict[str, float]

_HOP, _FRAME = 16, 96  # samples, of the level: 2 ms, 12 ms
_RISEN = 0.03  # of the way from the noise to the loudest, in power
_ABOVE_NOISE = 8.0  # power, times the noise's
_JUMP = 10  # frames between which the level jumps at a second onset
_SEEN = 0.5  # s of sound whose spectrum is read, at most
_LEAST_SEEN = 0.06
_SHORT = 0.017  # s, decay of a sound of a few frames
_FALLEN = 12.0  # dB: the spectrum is read until the level has fallen so far
_FEWEST_FRAMES = 32  # of a level that may have a tremolo
_SHALLOW = 0.05  # depth of a tremolo that is not there, but could be
_PADDED = 1 << 15
_RATES = 61  # of the grid of glides
_SAME_GLIDE = 0.02  # octaves/s, and share
_KEPT = 2  # readings whose air is tried at other widths
_AIRLESS = 0.05
_WIDTHS = (0.4, 1.0, 2.5)  # octaves
_LOWEST = 25.0  # Hz
_LINE = 4  # half the width of a partial's line, in bins of the window
_STIFFNESS = np.concatenate([[0.0], np.geomspace(1e-5, 1.0, 61)])
_OCTAVE_DB = 20.0 * math.log10(2.0)


def strike_guesses(audio: NDArray[np.float32], count: int) -> list[Start]:
    """Best starts for a strike, best first.

    What is read off in several ways is compared with the target: first glide and tremolo, then the
    width of the air.

    Parameters
    ----------
    audio : (ANALYSIS_SAMPLES,) float32
        The target.
    count : int
        Most starts.

    Returns
    -------
    list of Start
    """
    operator, x = shared_operator("mss").of(STRIKE), audio.astype(np.float64)
    S = operator.analyse(audio)
    power = _level(x)
    noise = float(np.quantile(power, 0.1))
    starts: list[Start] = []
    for frame in _onsets(power, noise):
        onset = (frame * _HOP - ANALYSIS_SAMPLES // 2) / ANALYSIS_RATE
        read = _compared(operator, S, _readings(x, power, noise, frame), onset)[:_KEPT]
        wider = [
            {**theta, "air_width": width}
            for theta in read
            for width in _WIDTHS
            if theta["air"] > _AIRLESS
        ]
        thetas = [*read, *wider]
        for theta, similarity in zip(
            thetas, _similarities(operator, S, thetas, onset), strict=True
        ):
            starts.append(Start(np.array([*theta.values()]), similarity, onset=onset))
    return sorted(starts, key=lambda start: -start.similarity)[:count]


def _compared(operator: Operator, S: Array, thetas: list[Theta], onset: float) -> list[Theta]:
    """Thetas, the one most like the target first."""
    similarity = _similarities(operator, S, thetas, onset)
    return [thetas[i] for i in np.argsort(similarity)[::-1]]


def _similarities(operator: Operator, S: Array, thetas: list[Theta], onset: float) -> list[float]:
    """Cosine of each theta's sound to the target."""
    return [
        float(operator.analyse(operator.synthesize(np.array([*theta.values()]), onset)) @ S)
        for theta in thetas
    ]


def _level(x: Array) -> Array:
    """Power around every hop, (frames,)."""
    window = np.hanning(_FRAME + 2)[1:-1]
    smooth = np.convolve(np.square(x), window / window.sum(), "same")
    return smooth[::_HOP] + 1e-20


def _onsets(power: Array, noise: float) -> list[int]:
    """Frames where a sound begins: the first that leaves the noise, and the largest jump."""
    loudest = float(power.max())
    threshold = max(noise + _RISEN * (loudest - noise), min(_ABOVE_NOISE * noise, 0.5 * loudest))
    first = int(np.argmax(power > threshold))
    later = power[_JUMP:] - 4.0 * power[:-_JUMP]
    jump = int(np.argmax(later)) + _JUMP // 2
    return [first] if abs(jump - first) < 3 * _JUMP else [first, jump]


def _readings(x: Array, power: Array, noise: float, frame: int) -> list[Theta]:
    """Thetas of the sound that begins at a frame: for several glides, with and without tremolo."""
    after = np.maximum(power[frame:] - noise, 1e-3 * noise + 1e-20)
    decibels = 10.0 * np.log10(after)
    attack, decay, rate, depth = _envelope(decibels, 10.0 * math.log10(noise + 1e-20))
    peak = int(np.argmax(decibels[: max(len(decibels) // 2, 2)]))
    fallen = np.flatnonzero(decibels[peak:] < decibels[peak] - _FALLEN)
    seconds = (peak + (int(fallen[0]) if len(fallen) else len(decibels))) * _HOP / ANALYSIS_RATE
    samples = round(min(max(seconds, _LEAST_SEEN), _SEEN) * ANALYSIS_RATE)
    part = x[frame * _HOP : frame * _HOP + samples]
    part = np.pad(part, (0, max(64 - len(part), 0)))
    read: list[Theta] = []
    for gamma, spectrum in _glides(part):
        f_c, B, brightness, tonal = _partials(spectrum, len(part))
        air, width = _air(spectrum, f_c, tonal)
        for swing in sorted({depth, _SHALLOW}):
            theta = {
                "f_c": f_c, "gamma": gamma, "attack": attack, "decay": decay,
                "brightness": brightness, "inharmonicity": B, "damping": 0.5, "air": air,
                "air_width": width, "tremolo_rate": rate, "tremolo_depth": swing,
            }  # fmt: skip
            read.append({id_: PARAMETERS[id_].clamp(value) for id_, value in theta.items()})
    return read


# --------------------------------------------------------------------------------------------------
# Envelope


def _envelope(decibels: Array, noise: float) -> tuple[float, float, float, float]:
    """Attack (s), decay (s), tremolo rate (Hz) and depth of a level since its onset."""
    frame = _HOP / ANALYSIS_RATE
    top = float(decibels.max())
    usable = max(noise + 3.0, top - 40.0)
    beyond = np.flatnonzero(decibels > usable)
    end = int(beyond[-1]) + 1 if len(beyond) else len(decibels)
    line = decibels[:end]
    peak = int(np.argmax(line))
    rise = int(np.argmax(line > top - 3.0))  # the first frame of that level
    decay = decay_of_level(line[rise:], frame) if end - rise > 4 else _SHORT
    attack = max(min(rise, peak) - 2, 0.5) * frame * 1.1
    rate, depth = _tremolo(line[rise:]) if end - rise > _FEWEST_FRAMES else (6.0, _SHALLOW)
    return attack, decay, rate, depth


def _tremolo(decibels: Array) -> tuple[float, float]:
    """Rate (Hz) and depth of the swing of a level around a parabola."""
    frame, count = _HOP / ANALYSIS_RATE, len(decibels)
    t = np.arange(count)
    swing = decibels - np.polyval(np.polyfit(t, decibels, 2), t)
    level = np.minimum(10.0 ** (swing / 20.0), 2.0)
    spectrum = np.abs(np.fft.rfft((level - level.mean()) * np.hanning(count), 8192))
    rates = np.fft.rfftfreq(8192, frame)
    heard = (rates > max(1.2 / (count * frame), 0.5)) & (rates < 40.0)
    best = int(np.argmax(np.where(heard, spectrum, 0.0)))
    share = 4.0 * float(spectrum[best]) / count / float(level.mean())
    return float(rates[best]), max(min(2.0 * share / (1.0 + share), 0.9), _SHALLOW)


# --------------------------------------------------------------------------------------------------
# Glide, partials and air


def _glides(part: Array) -> list[tuple[float, Array]]:
    """Chirp rates, octaves/s, and the spectrum on the time axis of each, (_PADDED // 2 + 1,).

    0, the rate with the sharpest spectrum, and the one that is sharp for the length of its sound.
    """
    window = np.hanning(2 * len(part))[len(part) :]
    t = np.arange(len(part)) / ANALYSIS_RATE
    axis = np.linspace(-1.0, 1.0, _RATES) * math.asinh(16.0 / KNEES["gamma"])
    seen = [_warped(part, window, t, KNEES["gamma"] * math.sinh(place)) for place in axis]
    of_spectrum = np.array([_sparsity(np.square(spectrum)) for spectrum, _ in seen])
    of_sound = np.array([_sparsity(np.square(y)) for _, y in seen])
    gammas = [0.0]
    for sharpness in (of_spectrum, of_spectrum * of_sound):
        best = int(np.argmax(sharpness))
        place = axis[best] + peak_shift(sharpness, best) * (axis[1] - axis[0])
        gamma = KNEES["gamma"] * math.sinh(place)
        if all(abs(gamma - other) > _SAME_GLIDE * (1.0 + abs(other)) for other in gammas):
            gammas.append(gamma)
    return [(gamma, _warped(part, window, t, gamma)[0]) for gamma in gammas]


def _warped(part: Array, window: Array, t: Array, gamma: float) -> tuple[Array, Array]:
    """Magnitude spectrum of a sound on the time axis of its glide, and the sound there."""
    x = part * window
    k = gamma * math.log(2.0)
    if abs(k) * t[-1] > 1e-4:
        # As many points as the fastest part of the sound needs.
        tau = np.linspace(0.0, math.expm1(k * t[-1]) / k, len(t))
        at = np.log1p(k * tau) / k
        step = tau[1] * ANALYSIS_RATE
        x = np.interp(at, t, x) * np.sqrt(np.maximum(step / (1.0 + k * tau), 0.0))
        spectrum = np.abs(np.fft.rfft(x, _PADDED))
        bins = np.arange(len(spectrum)) * step  # of the true frequency
        return np.interp(bins, np.arange(len(spectrum)), spectrum, right=0.0), x
    return np.abs(np.fft.rfft(x, _PADDED)), x


def _sparsity(energy: Array) -> float:
    """One over the number of places with energy, as in the fan-chirp transform."""
    return float(np.square(energy).sum() / max(energy.sum() ** 2, 1e-300))


def _partials(spectrum: Array, samples: int) -> tuple[float, float, float, float]:
    """Pitch (Hz), inharmonicity, brightness (dB/octave) and the share of power in the lines."""
    hertz = ANALYSIS_RATE / _PADDED
    heard = spectrum.copy()
    heard[: int(_LOWEST / hertz)] = 0.0
    best = int(np.argmax(heard))
    f_c = (best + peak_shift(np.log(heard + 1e-12), best)) * hertz
    half = _LINE * _PADDED / samples / 2.0
    k = np.arange(1.0, PARTIALS + 1.0)
    ratios = k * np.sqrt((1.0 + _STIFFNESS[:, None] * k**2) / (1.0 + _STIFFNESS[:, None]))
    places = ratios * f_c / hertz
    inside = places < 0.9 * len(spectrum)
    levels = np.where(inside, np.interp(places, np.arange(len(spectrum)), heard), 0.0)
    above = np.sqrt(levels[:, 1:]).sum(axis=1)  # so that the weaker ones count
    choice = int(np.argmax(above))
    if above[choice] < 1.15 * above[0]:
        choice = 0
    level, count = levels[choice], int(inside[choice].sum())
    brightness = -24.0
    if count > 1:
        decibels = 20.0 * np.log10(level[:count] / level[0] + 1e-3)
        x = np.log2(k[1:count])
        brightness = float((decibels[1:] @ (x / k[1:count])) / (x @ (x / k[1:count])))
    power = np.square(heard)
    line = np.zeros(len(power), bool)
    for place in places[choice][:count]:
        line[max(int(place - half), 0) : int(place + half) + 1] = True
    total = max(float(power.sum()), 1e-30)
    return f_c, float(_STIFFNESS[choice]), brightness, float(power[line].sum()) / total


def _air(spectrum: Array, f_c: float, tonal: float) -> tuple[float, float]:
    """Share and width (octaves) of the noise."""
    share = min(max(1.0 - tonal, 0.0), 1.0)
    air = 2.0 / math.pi * math.asin(math.sqrt(share))
    octaves = np.log2(np.arange(1, len(spectrum)) * (ANALYSIS_RATE / _PADDED) / f_c)
    power = np.square(spectrum[1:])
    near = np.abs(octaves) < 3.0
    std = math.sqrt(float(np.average(octaves[near] ** 2, weights=power[near] + 1e-30)))
    return air, min(max(std / STD_PER_WIDTH, 0.3), 3.0)
