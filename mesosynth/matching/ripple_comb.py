"""The partials of a ripple, read off the spectrum of the whole window.

Along log-frequency they are the teeth of a comb, w / (PARTIALS - 1) octaves apart. So the Fourier
transform of the spectrum along that axis has a peak, whose place tells w to a ten-thousandth, even
where the highest partials are beyond what is heard, and whose phase tells where the teeth lie.
"""

import numpy as np
from numpy.typing import NDArray

from mesosynth.audio.target import ANALYSIS_RATE
from mesosynth.instruments.ripple_parameters import FADE_FROM, PARAMETERS, PARTIALS

_HIGHEST = FADE_FROM * ANALYSIS_RATE
_OCTAVES, _BINS = 32, 1 << 18  # of the log-frequency axis; beyond the band it is empty
_NEIGHBOURS = np.linspace(-1.0, 1.0, 41) / _OCTAVES  # teeth an octave
_STANDS_OUT = 4.0  # times the median
_MARGIN = 1.05  # of a band that is roughly known
_TEETH = 4  # by which a rough f_0 may be off
_GAPS = PARTIALS - 1
_CLEAR = 0.8  # Hz; what the window of four seconds keeps apart
_FINELY = 16  # times as many bins as there need be
_FEWEST = 6  # partials that tell of the wave


def read_comb(
    audio: NDArray[np.float32], f_0: float, w: float, cut: float = _HIGHEST
) -> tuple[float, float] | None:
    """F_0 (Hz) and w (octaves), exactly; None where there is no comb.

    Parameters
    ----------
    audio : (n,) float32
        The target at ANALYSIS_RATE.
    f_0, w : float
        The band, known to some percent; if it reaches `cut`, Hz, w may be anything larger.
    cut : float
        The highest frequency that is listened to.
    """
    windowed = audio.astype(np.float64) * np.hanning(len(audio))
    spectrum = np.abs(np.fft.rfft(windowed, 2 * len(audio)))
    hertz = np.arange(len(spectrum), dtype=np.float64) * (ANALYSIS_RATE / (2 * len(audio)))
    top = f_0 * 2.0**w
    heard = (hertz > f_0 / _MARGIN) & (hertz < min(top * _MARGIN, cut))
    octaves = np.log2(hertz[heard] / f_0)
    # Bins grow denser along log-frequency, while partials keep their distance and grow weaker.
    weight = spectrum[heard] / np.sqrt(hertz[heard])
    widest = PARAMETERS["w"].maximum if top > cut / _MARGIN else w * 1.2
    narrowest = min(w, np.log2(max(cut / f_0, 2.0))) / 1.2
    density = _strongest(octaves, weight, _GAPS / widest, _GAPS / narrowest)
    if density is None:
        return None
    near = density + _NEIGHBOURS
    sums = np.exp(2j * np.pi * near[:, None] * octaves) @ weight
    best = int(np.argmax(np.abs(sums)))
    w = _GAPS / float(near[best])
    tooth = f_0 * 2.0 ** (float(np.angle(sums[best])) / (2.0 * np.pi) * w / _GAPS)
    return _lowest(spectrum, hertz, tooth, w, cut), w


def _strongest(
    octaves: NDArray[np.float64], weight: NDArray[np.float64], fewest: float, most: float
) -> float | None:
    """Teeth an octave of the comb that stands out, between `fewest` and `most`."""
    place = np.round((octaves - octaves.min()) / _OCTAVES * _BINS).astype(np.int64)
    sums = np.abs(np.fft.rfft(np.bincount(place, weight, _BINS)))
    first, last = int(fewest * _OCTAVES), int(np.ceil(most * _OCTAVES))
    window = sums[first : last + 1]
    if window.max() < _STANDS_OUT * np.median(window):
        return None
    return (first + int(np.argmax(window))) / _OCTAVES


def _lowest(
    spectrum: NDArray[np.floating], hertz: NDArray[np.float64], tooth: float, w: float, cut: float
) -> float:
    """The tooth, Hz, from which on the partials are like those of a ripple, near a rough one."""
    shifts = np.arange(-_TEETH, _TEETH + 1)
    first = tooth * 2.0 ** (shifts * w / _GAPS)
    partials = first[:, None] * 2.0 ** (w * np.arange(PARTIALS) / _GAPS)
    expected = np.where(partials[_TEETH] < cut, np.sqrt(1.0 / partials[_TEETH]), 0.0)
    found = np.interp(partials, hertz, spectrum)
    return float(first[int(np.argmax(found @ expected))])


def read_wave(
    audio: NDArray[np.float32], f_0: float, w: float, f_m: float, gamma: float
) -> tuple[float, float] | None:
    """Gamma (octaves/s) and depth, from the sidebands of partials; None where too few are free.

    A partial's sidebands lie f_m above and below it, turned by as much as the wave is late there.

    Parameters
    ----------
    audio : (n,) float32
    f_0, w, f_m : float
        Exactly; Hz, octaves, Hz.
    gamma : float
        Roughly.
    """
    octaves = w * np.arange(PARTIALS) / _GAPS
    hertz = f_0 * 2.0**octaves
    alone = (hertz < _HIGHEST - f_m) & _undisturbed(hertz, f_m)
    if np.count_nonzero(alone) < _FEWEST:
        return None
    hertz, octaves = hertz[alone], octaves[alone]
    spectrum = _spectrum(audio)
    middle, above, below = (_at(spectrum, hertz + shift) for shift in (0.0, f_m, -f_m))
    sides = above / middle + np.conj(below / middle)
    densities = f_m / gamma * np.linspace(0.8, 1.2, 801)
    sums = np.abs(np.exp(2j * np.pi * densities[:, None] * octaves) @ sides) / len(sides)
    best = int(np.argmax(sums))
    return f_m / float(densities[best]), float(np.clip(sums[best], 0.0, 1.0))


def _undisturbed(hertz: NDArray[np.float64], f_m: float) -> NDArray[np.bool_]:
    """Which partials have neither line nor sidebands where another has some."""
    apart = np.abs(hertz[:, None] - hertz)
    np.fill_diagonal(apart, np.inf)
    near = [np.abs(apart - harmonic * f_m).min(axis=1) for harmonic in (0, 1, 2)]
    return np.min(near, axis=0) > _CLEAR


def _spectrum(audio: NDArray[np.float32]) -> NDArray[np.complex128]:
    """Of the window around its middle, so that phases stand still between the bins."""
    windowed = np.zeros(_FINELY * len(audio), np.float64)
    windowed[: len(audio)] = np.hanning(len(audio)) * audio.astype(np.float64)
    return np.fft.rfft(np.roll(windowed, -(len(audio) // 2)))


def _at(spectrum: NDArray[np.complex128], hertz: NDArray[np.float64]) -> NDArray[np.complex128]:
    """The spectrum at the bins next to some frequencies, (frequencies,)."""
    bins = 2 * (len(spectrum) - 1)
    return spectrum[np.round(hertz / ANALYSIS_RATE * bins).astype(np.int64)]
