"""The partials of a ripple, read off the spectrum of the whole window.

Along log-frequency they are the teeth of a comb, w / (PARTIALS - 1) octaves apart. So the Fourier
transform of the spectrum along that axis has a peak, whose place tells w to a ten-thousandth, even
where the highest partials are beyond what is heard, and whose phase tells where the teeth lie.
"""

import numpy as np
from numpy.typing import NDArray

from mesosynth.instruments.ripple_parameters import FADE_FROM, PARAMETERS, PARTIALS
from mesosynth.target import ANALYSIS_RATE

_HIGHEST = FADE_FROM * ANALYSIS_RATE
_OCTAVES, _BINS = 32, 1 << 18  # of the log-frequency axis; beyond the band it is empty
_NEIGHBOURS = np.linspace(-1.0, 1.0, 41) / _OCTAVES  # teeth an octave
_STANDS_OUT = 4.0  # times the median
_MARGIN = 1.05  # of a band that is roughly known
_TEETH = 4  # by which a rough f_0 may be off
_GAPS = PARTIALS - 1


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
