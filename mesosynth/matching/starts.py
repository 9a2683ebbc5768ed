"""Starts of a match: a table of arpeggios, repetition, and the comb of a ripple."""

import functools
import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from mesosynth.audio.target import ANALYSIS_RATE, ANALYSIS_SAMPLES
from mesosynth.errors import WorkerError
from mesosynth.instruments.grains import PAGE
from mesosynth.instruments.oscillator import FADE_FROM
from mesosynth.instruments.ripple import PARAMETERS, PARTIALS, places
from mesosynth.matching.encoder import encoder_instruments, guess_window, shipped_encoder
from mesosynth.matching.operator import Operator
from mesosynth.matching.results import Guess
from mesosynth.scattering import JTFS
from mesosynth.system.atomic_file import draft_of
from mesosynth.system.paths import resource

# --------------------------------------------------------------------------------------------------
# Arpeggios: nearest neighbours in a table
#
# The second-order JTFS summed over log-frequency does not depend on f_c, so a table over f_m, gamma
# and w alone covers all arpeggios: the nearest entries are the starts, and f_c is the centre of the
# scalogram. A descending arpeggio is an ascending one backwards, which only swaps the spins, so the
# table has gamma > 0. ``python -m mesosynth.matching.starts`` makes the table again, in about a
# minute.


TABLE = "chirplet_table.npz"
VERSION = 1
"""Increase it when the operator's numbers change; a table of another version is refused."""

F_M = np.geomspace(2.0, 36.0, 14)
GAMMA = np.geomspace(0.25, 10.0, 13)
W = np.geomspace(0.7, 5.6, 4)
F_C = 512.0

_LOWEST_F_C = 20.0  # Hz

_SECONDS = ANALYSIS_SAMPLES / ANALYSIS_RATE


@dataclass(frozen=True)
class Start:
    """A theta to descend from.

    Attributes
    ----------
    theta : (n,) float64
        Of the model's first unknowns; for arpeggios f_c, f_m, gamma and w.
    similarity : float
        Cosine to the target, -1 to 1.
    known : mapping
        Relative standard deviations, by id, of values that are so exact that a descent could only
        make them worse.
    onset : float
        Of an event, s after the middle of the window.
    """

    theta: NDArray[np.float64]
    similarity: float
    known: Mapping[str, float] = field(default_factory=dict[str, float])
    onset: float = 0.0


@dataclass(frozen=True)
class _Table:
    thetas: NDArray[np.float64]  # (entries, 3): f_m, gamma, w
    features: NDArray[np.float32]  # (entries, 2, paths), of unit norm; spins of ascending sounds


def initial_guesses(
    operator: Operator, S: NDArray[np.float64], audio: NDArray[np.float32], count: int
) -> list[Start]:
    """Best starts for an arpeggio, best first, with a minimum distance.

    Parameters
    ----------
    operator : Operator
    S : (paths,) float64
        ``operator.analyse`` of the target.
    audio : (ANALYSIS_SAMPLES,) float32
        The target.
    count : int
        Most starts.

    Returns
    -------
    list of Start
    """
    table = _table()
    feature = _feature(operator, S)
    f_c = _center_frequency(operator, audio)
    similarity = {
        direction: np.einsum("nsp,sp->n", table.features, feature[::direction])
        for direction in (1, -1)
    }
    ranked = sorted(
        itertools.product((1, -1), range(len(table.thetas))),
        key=lambda entry: -similarity[entry[0]][entry[1]],
    )
    starts: list[Start] = []
    for direction, entry in ranked:
        f_m, gamma, w = table.thetas[entry]
        theta = np.array([f_c, f_m, direction * gamma, w])
        if all(_far_apart(theta, start.theta) for start in starts):
            starts.append(Start(theta, float(similarity[direction][entry])))
        if len(starts) == count:
            break
    return starts


def _far_apart(a: NDArray[np.float64], b: NDArray[np.float64]) -> bool:
    """Whether two thetas differ by more than neighbours in the table."""
    if a[2] * b[2] < 0.0:
        return True
    return bool(np.abs(np.log(a[1:3] / b[1:3])).max() > 0.5)


def _feature(operator: Operator, S: NDArray[np.float64]) -> NDArray[np.floating]:
    """Second-order features: (2 spins, n2 × |n_fr|), of unit norm."""
    layout = _layout(operator)
    sums = np.zeros((2, layout.width))
    for spin, (rows, columns) in enumerate(layout.spins):
        np.add.at(sums[spin], columns, S[rows])
    return sums / np.linalg.norm(sums)


@dataclass(frozen=True)
class _Layout:
    spins: list[tuple[NDArray[np.int64], NDArray[np.int64]]]  # rows of S and their columns
    width: int


@functools.lru_cache(maxsize=1)
def _layout(operator: Operator) -> _Layout:
    meta = operator.jtfs.meta()
    n_wavelets = len(operator.jtfs.frequency.psis) // 2  # of one spin
    second = meta["order"] == 2
    n2, n_fr = meta["n2"], meta["n_fr"]
    scale = np.where(n_fr > n_wavelets, n_fr - n_wavelets, n_fr)
    column = np.nan_to_num(n2 * (n_wavelets + 1) + scale).astype(np.int64)
    row = meta["row"].astype(np.int64)
    spins = []
    for spin in (1.0, -1.0):
        # Rows of spin 0 have no direction and go with both.
        chosen = second & ((meta["spin"] == spin) | (meta["spin"] == 0.0))
        spins.append((row[chosen], column[chosen]))
    return _Layout(spins, int(column.max()) + 1)


def _center_frequency(operator: Operator, audio: NDArray[np.float32]) -> float:
    """Centroid over log-frequency of the energy above each row's median level, Hz.

    An arpeggio is symmetric on that axis. Steady noise does not exceed its median level.
    """
    frequency = np.array([psi.xi for psi in operator.jtfs.psi1]) * ANALYSIS_RATE
    U_1 = operator.jtfs.scalogram(torch.from_numpy(audio)).numpy()
    event = np.maximum(U_1 - 2.0 * np.median(U_1, axis=1, keepdims=True), 0.0)
    energy = np.where(frequency >= _LOWEST_F_C, np.square(event).sum(axis=1), 0.0)
    # Squared once more, so that faint energy all over the spectrum does not count.
    return float(np.exp(np.average(np.log(frequency), weights=energy**2 + 1e-30)))


@functools.lru_cache(maxsize=1)
def _table() -> _Table:
    path = resource("assets", TABLE)
    try:
        with np.load(path) as stored:
            if int(stored["version"]) == VERSION:
                return _Table(
                    stored["thetas"].astype(np.float64), stored["features"].astype(np.float32)
                )
    except (OSError, ValueError, KeyError) as error:
        raise WorkerError(f"{path} cannot be read ({error}); reinstall mesosynth.") from error
    raise WorkerError(f"{path} is of another version; reinstall mesosynth.")


def build_table(path: Path) -> None:
    """Compute the table and write it to `path`."""
    from rich.progress import track

    operator = Operator()
    thetas = [
        (f_m, gamma, w)
        for f_m, gamma, w in itertools.product(F_M, GAMMA, W)
        # An arpeggio has to fit the window and to have a note.
        if w / gamma < 1.5 * _SECONDS and f_m * w / gamma > 0.8
    ]
    features = [
        _feature(operator, operator.analyse(operator.synthesize(np.array([F_C, *theta]))))
        for theta in track(thetas, "Table of arpeggios")
    ]
    with draft_of(path) as draft, draft.open("wb") as file:
        np.savez_compressed(
            file,
            version=VERSION,
            thetas=np.array(thetas),
            features=np.array(features, dtype=np.float16),
        )


if __name__ == "__main__":
    build_table(resource("assets", TABLE))


# --------------------------------------------------------------------------------------------------
# Period of a repeating sound
#
# The scalogram is correlated with itself. Where a whole phrase repeats, all its rows agree at the
# same lag; an arpeggio's own notes, each at another pitch, do not.


LIKE_ITSELF = 0.4
"""Least correlation of a repeating sound."""

_REPETITION_HOP = 64  # samples, 8 ms
_SHORTEST, _LONGEST = 0.1, 2.0  # s; twice the longest fits the window
_AS_GOOD = 0.85  # of the best: the shortest of these lags is the period, others its multiples


def period_of(jtfs: JTFS, audio: NDArray[np.float32]) -> float:
    """Period of a sound, s; 0 if it does not repeat.

    Parameters
    ----------
    jtfs : JTFS
    audio : (n,) float32
        At ANALYSIS_RATE.

    Returns
    -------
    float
        s.
    """
    U = jtfs.scalogram(torch.from_numpy(audio), _REPETITION_HOP).double().numpy()
    U = np.sqrt(U)  # so that loud rows do not dominate
    heard = U.sum(axis=0) > 0.02 * U.sum(axis=0).max()
    first, last = np.flatnonzero(heard)[[0, -1]]
    U = U[:, first : last + 1]
    correlation = _autocorrelation(U - U.mean(axis=1, keepdims=True))
    peaks = _peaks(correlation)
    if not len(peaks) or correlation[peaks].max() < LIKE_ITSELF:
        return 0.0
    lag = int(peaks[correlation[peaks] >= _AS_GOOD * correlation[peaks].max()][0])
    return (lag + peak_shift(correlation, lag)) * _REPETITION_HOP / ANALYSIS_RATE


def _autocorrelation(U: NDArray[np.float64]) -> NDArray[np.float64]:
    """Correlation of rows (rows, frames) with themselves, 1 at lag 0, for lags up to half."""
    frames = U.shape[1]
    power = np.abs(np.fft.rfft(U, 2 * frames, axis=1)) ** 2
    products = np.fft.irfft(power.sum(axis=0), 2 * frames)[: frames // 2 + 1]
    energy = np.cumsum(np.square(U).sum(axis=0))
    lags = np.arange(len(products))
    # Energy of both parts that overlap at this lag.
    early, late = energy[frames - 1 - lags], energy[-1] - np.concatenate([[0.0], energy])[lags]
    return products / np.sqrt(np.maximum(early * late, 1e-300))


def _peaks(correlation: NDArray[np.float64]) -> NDArray[np.int64]:
    """Lags of local maxima within the range of periods."""
    frames = ANALYSIS_RATE / _REPETITION_HOP
    middle = correlation[1:-1]
    (inner,) = np.nonzero((middle > correlation[:-2]) & (middle >= correlation[2:]))
    lags = inner + 1
    return lags[(lags >= _SHORTEST * frames) & (lags <= _LONGEST * frames)]


# --------------------------------------------------------------------------------------------------
# Ripples: partials in the spectrum of the whole window
#
# Along log-frequency the partials are a comb with teeth w / (PARTIALS - 1) octaves apart. The
# Fourier transform of the spectrum along that axis has a peak, whose place gives w to 1e-4, even
# where the highest partials are out of range, and whose phase gives the position of the teeth.


_COMB_HIGHEST = FADE_FROM * ANALYSIS_RATE
_OCTAVES, _BINS = 32, 1 << 18  # of the log-frequency axis; beyond the band it is empty
_NEIGHBOURS = np.linspace(-1.0, 1.0, 41) / _OCTAVES  # teeth per octave
_STANDS_OUT = 4.0  # least peak of a comb, times the median
_MARGIN = 1.05  # of a roughly known band
_TEETH = 4  # largest error of a rough f_0
_GAPS = PARTIALS - 1
_CLEAR = 0.8  # Hz; resolution of a window of four seconds
_FINELY = 16  # factor of zero padding
_FEWEST = 6  # least number of partials for the wave


def read_comb(
    audio: NDArray[np.float32], f_0: float, w: float, cut: float = _COMB_HIGHEST
) -> tuple[float, float] | None:
    """Exact f_0 (Hz) and w (octaves) from the partials.

    Parameters
    ----------
    audio : (n,) float32
        The target at ANALYSIS_RATE.
    f_0, w : float
        The band, Hz and octaves, known to some percent; if it reaches `cut`, w may be anything
        larger.
    cut : float
        Highest frequency to use, Hz.

    Returns
    -------
    (float, float) or None
        f_0, Hz, and w, octaves; None where there is no comb.
    """
    windowed = audio.astype(np.float64) * np.hanning(len(audio))
    spectrum = np.abs(np.fft.rfft(windowed, 2 * len(audio)))
    hertz = np.arange(len(spectrum), dtype=np.float64) * (ANALYSIS_RATE / (2 * len(audio)))
    top = f_0 * 2.0**w
    heard = (hertz > f_0 / _MARGIN) & (hertz < min(top * _MARGIN, cut))
    octaves = np.log2(hertz[heard] / f_0)
    # Along log-frequency bins get denser, while partials keep their distance and get weaker.
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
    """Teeth per octave of a clear comb, between `fewest` and `most`."""
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
    """Lowest tooth, Hz, of the partials of a ripple, near a rough one."""
    shifts = np.arange(-_TEETH, _TEETH + 1)
    first = tooth * 2.0 ** (shifts * w / _GAPS)
    partials = first[:, None] * 2.0 ** (w * np.arange(PARTIALS) / _GAPS)
    expected = np.where(partials[_TEETH] < cut, np.sqrt(1.0 / partials[_TEETH]), 0.0)
    found = np.interp(partials, hertz, spectrum)
    return float(first[int(np.argmax(found @ expected))])


def read_wave(
    audio: NDArray[np.float32], f_0: float, w: float, f_m: float, gamma: float
) -> tuple[float, float] | None:
    """Gamma and depth from the sidebands of the partials.

    A partial's sidebands are f_m above and below it; their phase is the delay of the wave there.

    Parameters
    ----------
    audio : (n,) float32
    f_0, w, f_m : float
        Exact values; Hz, octaves, Hz.
    gamma : float
        Rough value, octaves/s.

    Returns
    -------
    (float, float) or None
        Gamma, octaves/s, and depth, 0 to 1; None where too few partials are free of others.
    """
    octaves = w * np.arange(PARTIALS) / _GAPS
    hertz = f_0 * 2.0**octaves
    alone = (hertz < _COMB_HIGHEST - f_m) & _undisturbed(hertz, f_m)
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
    """Mask of partials whose line and sidebands do not coincide with others."""
    apart = np.abs(hertz[:, None] - hertz)
    np.fill_diagonal(apart, np.inf)
    near = [np.abs(apart - harmonic * f_m).min(axis=1) for harmonic in (0, 1, 2)]
    return np.min(near, axis=0) > _CLEAR


def _spectrum(audio: NDArray[np.float32]) -> NDArray[np.complex128]:
    """Spectrum of the window around its middle, so that phases are constant between the bins."""
    windowed = np.zeros(_FINELY * len(audio), np.float64)
    windowed[: len(audio)] = np.hanning(len(audio)) * audio.astype(np.float64)
    return np.fft.rfft(np.roll(windowed, -(len(audio) // 2)))


def _at(spectrum: NDArray[np.complex128], hertz: NDArray[np.float64]) -> NDArray[np.complex128]:
    """Spectrum at the bins nearest to some frequencies, (frequencies,)."""
    bins = 2 * (len(spectrum) - 1)
    return spectrum[np.round(hertz / ANALYSIS_RATE * bins).astype(np.int64)]


# --------------------------------------------------------------------------------------------------
# Ripples: band and wave in the scalogram
#
# A moving ripple is one wave across time and log-frequency, so it is one peak in the modulation
# spectrum, the two-dimensional Fourier transform of the scalogram: at the rate f_m and the density
# f_m / gamma. The rows with energy give f_0 and w roughly, and the partials give them exactly. So
# no table is needed.


_HOP = 64  # samples between the scalogram's frames; the fastest ripple has four frames a period
_PADDED = 4  # times the length, so that peaks between the bins are found
_DENSITIES = np.linspace(-4.0, 4.0, 160)  # waves per octave, not 0; an octave has eight rows
_LOWEST = np.geomspace(40.0, 2000.0, 96)  # f_0, Hz
_WIDTHS = np.geomspace(1.0, 7.0, 40)  # w, octaves
_FRAME_RATE = ANALYSIS_RATE / _HOP
# Relative standard deviations, measured on a hundred ripples, some in noise of -20 dB.
_READ = {"f_0": 3e-4, "f_m": 1e-3, "w": 3e-4}
_READ_WAVE = {"gamma": 3e-3, "depth": 1e-2}
_HIGHEST = FADE_FROM * ANALYSIS_RATE


def ripple_guesses(operator: Operator, audio: NDArray[np.float32], count: int) -> list[Start]:
    """Best starts for a ripple, best first.

    Parameters
    ----------
    operator : Operator
    audio : (ANALYSIS_SAMPLES,) float32
        The target.
    count : int
        Most starts.

    Returns
    -------
    list of Start
    """
    U = operator.jtfs.scalogram(torch.from_numpy(audio), _HOP).double().numpy()
    hertz = np.array([psi.xi for psi in operator.jtfs.psi1]) * ANALYSIS_RATE
    f_0, w, similarity = _band(operator, np.sqrt(np.square(U).mean(axis=1)))
    comb = read_comb(audio, f_0, w)
    f_0, w = comb or (f_0, w)
    sounding = (hertz >= f_0) & (hertz <= min(f_0 * 2.0**w, _HIGHEST))
    if np.count_nonzero(sounding) < 2:
        sounding[:] = True
    starts: list[Start] = []
    for f_m, density, depth in _waves(U[sounding], np.log2(hertz[sounding]), count):
        gamma, known = f_m / density, {} if comb is None else _READ
        wave = read_wave(audio, f_0, w, f_m, gamma) if known else None
        if wave is not None:
            (gamma, depth), known = wave, {**_READ, **_READ_WAVE}
        starts.append(Start(np.array([f_0, f_m, gamma, w, depth]), similarity, known))
    return starts


def _band(operator: Operator, heard: NDArray[np.float64]) -> tuple[float, float, float]:
    """F_0 (Hz) and w (octaves) of the profile nearest to `heard`, and the cosine."""
    profiles = _profiles(operator)
    similarity = profiles @ heard / max(float(np.linalg.norm(heard)), 1e-300)
    best = int(np.argmax(similarity))
    lowest, width = np.unravel_index(best, (len(_LOWEST), len(_WIDTHS)))
    return float(_LOWEST[lowest]), float(_WIDTHS[width]), float(similarity[best])


@functools.lru_cache(maxsize=1)
def _profiles(operator: Operator) -> NDArray[np.float64]:
    """Amplitudes of the rows for every f_0 and w: (pairs, rows), of unit norm."""
    responses = np.array([psi.hat for psi in operator.jtfs.psi1])
    bins = responses.shape[1]
    profiles: list[NDArray[np.float64]] = []
    for f_0, w in itertools.product(_LOWEST, _WIDTHS):
        hertz = f_0 * 2.0 ** (w * places())
        heard = hertz < _HIGHEST
        place = np.round(hertz[heard] / ANALYSIS_RATE * bins).astype(np.int64)
        # The power of a partial falls with its frequency.
        profiles.append(np.sqrt(np.square(responses[:, place]) @ (1.0 / hertz[heard])))
    matrix = np.array(profiles)
    return matrix / np.linalg.norm(matrix, axis=1, keepdims=True)


def _waves(
    U: NDArray[np.float64], octaves: NDArray[np.float64], count: int
) -> list[tuple[float, float, float]]:
    """Rate (Hz), density (waves per octave; negative descends) and depth of the strongest waves.

    Parameters
    ----------
    U : (rows, frames) float64
        The sounding rows of the scalogram.
    octaves : (rows,) float64
        Position of each row.
    count : int
        Most waves.
    """
    level = U.mean(axis=1, keepdims=True)
    window = np.hanning(U.shape[1])
    swing = (U / np.maximum(level, 1e-12) - 1.0) * window
    length = _PADDED * U.shape[1]
    rates = np.fft.rfftfreq(length, 1.0 / _FRAME_RATE)
    legal = (rates >= PARAMETERS["f_m"].minimum) & (rates <= PARAMETERS["f_m"].maximum)
    along_time = np.fft.rfft(swing, length, axis=1)[:, legal]
    rates = rates[legal]
    # Along log-frequency rows are few: a matrix. Where crests climb, higher rows lag.
    strength = np.abs(np.exp(2j * np.pi * _DENSITIES[:, None] * octaves) @ along_time)
    strength[np.abs(rates / _DENSITIES[:, None]) > PARAMETERS["gamma"].maximum] = 0.0
    strength *= 2.0 / (len(U) * window.sum())  # 1 for a wave of depth 1
    found: list[tuple[float, float, float]] = []
    span = float(np.ptp(octaves)) + 0.1
    while len(found) < count and strength.max() > 0.0:
        row, column = np.unravel_index(int(np.argmax(strength)), strength.shape)
        density = _peak(strength[:, column], _DENSITIES, int(row))
        rate = _peak(strength[row], rates, int(column))
        depth = float(np.clip(strength[row, column], 0.1, 1.0))
        found.append((rate, density, depth))
        # A peak is as wide as the window is short, on either axis.
        same = np.abs(_DENSITIES[:, None] - density) < 1.0 / span
        strength[same & (np.abs(rates - rate) < 4.0 * _FRAME_RATE / U.shape[1])] = 0.0
    return found


def _peak(strength: NDArray[np.floating], axis: NDArray[np.floating], at: int) -> float:
    """Position of a peak on an axis."""
    return float(axis[at] + peak_shift(strength, at) * (axis[1] - axis[0]))


def peak_shift(values: NDArray[np.floating], at: int) -> float:
    """Distance of a peak from its largest value, by a parabola through it and its neighbours.

    Parameters
    ----------
    values : (n,)
    at : int
        Index of the largest value; at either end the distance is 0.

    Returns
    -------
    float
        -0.5 to 0.5.
    """
    if not 0 < at < len(values) - 1:
        return 0.0
    before, here, after = values[at - 1 : at + 2]
    curvature = before - 2.0 * here + after
    return float(0.5 * (before - after) / curvature) if curvature < 0.0 else 0.0


# --------------------------------------------------------------------------------------------------
# Grains: density by how much of the scalogram is filled, slope by a small grid
#
# Sparse clouds have most of their energy in few cells of the scalogram, whatever their pitches. How
# the participation ratio of its cells grows with the density is learned from clouds of known theta,
# with an error of some hundredths, where a descent on Φ mostly fits the pitches that were drawn.


_LESSONS = 96  # clouds
_RIDGE = 0.3
_GRAIN_SLOPES = (0.05, 0.12, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.88, 0.95)
_STEEPEST = 0.95 * np.pi / 2.0
_USUAL = np.array([7.84, 7.19, 6.32, 5.32, 2.41])  # filling of clouds of any theta
_USUAL_SPREAD = np.array([0.72, 0.81, 0.80, 0.50, 0.51])


def grain_guesses(
    operator: Operator, S: NDArray[np.float64], audio: NDArray[np.float32], count: int
) -> list[Start]:
    """Best starts for a cloud of grains, best first.

    Parameters
    ----------
    operator : Operator
    S : (paths,) float64
        ``operator.analyse`` of the target.
    audio : (ANALYSIS_SAMPLES,) float32
        The target.
    count : int
        Most starts.

    Returns
    -------
    list of Start
    """
    filled = _filling(operator, audio)
    starts: list[Start] = []
    for page, slope in enumerate(_GRAIN_SLOPES):
        density, error = _density(operator, filled, slope)
        theta = np.array([density, slope])
        sound = operator.synthesize(theta, PAGE * page)
        known = {"density": error / max(density, error)}
        starts.append(Start(theta, float(operator.analyse(sound) @ S), known))
    return sorted(starts, key=lambda start: -start.similarity)[:count]


def _filling(operator: Operator, audio: NDArray[np.float32]) -> NDArray[np.float64]:
    """Logarithms of participation ratios of the scalogram, (5,): cells, times, frequencies."""
    U = operator.jtfs.scalogram(torch.from_numpy(audio), _HOP).double().numpy()
    U = U / max(float(U.max()), 1e-300)
    parts = (np.sqrt(U), U, U**2, (U**2).sum(axis=0), (U**2).sum(axis=1))
    ratios = [float(part.sum() ** 2 / np.square(part).sum()) for part in parts]
    return np.log(np.array(ratios))


def _density(operator: Operator, filled: NDArray[np.float64], slope: float) -> tuple[float, float]:
    """Density of a cloud by its filling, at a slope, and the standard deviation of its error."""
    weights, error = _lessons(operator)
    density = float(_quadratic(filled[None], np.array([slope]))[0] @ weights)
    return float(np.clip(density, 0.0, 1.0)), error


@functools.lru_cache(maxsize=1)
def _lessons(operator: Operator) -> tuple[NDArray[np.float64], float]:
    """Weights of a regression from the filling to the density, and the error of it."""
    rng = np.random.default_rng(0)
    thetas = rng.uniform(0.0, 1.0, (_LESSONS, 2))
    sounds = [operator.synthesize(theta, -PAGE * (1 + k)) for k, theta in enumerate(thetas)]
    A = _quadratic(np.array([_filling(operator, sound) for sound in sounds]), thetas[:, 1])
    weights = np.linalg.solve(A.T @ A + _RIDGE * np.eye(A.shape[1]), A.T @ thetas[:, 0])
    free = max(_LESSONS - A.shape[1], 1)
    return weights.astype(np.float64), float(
        np.sqrt(np.square(A @ weights - thetas[:, 0]).sum() / free)
    )


def _quadratic(filled: NDArray[np.float64], slope: NDArray[np.float64]) -> NDArray[np.float64]:
    """Terms up to the second order of the filling and of how steep the grains are."""
    steep = np.sqrt(np.abs(np.tan(_STEEPEST * (2.0 * slope - 1.0))))
    terms = np.column_stack([(filled - _USUAL) / _USUAL_SPREAD, steep])
    first, second = np.triu_indices(terms.shape[1])
    return np.column_stack([np.ones(len(terms)), terms, terms[:, first] * terms[:, second]])


# --------------------------------------------------------------------------------------------------
# Starts of every model


def starts_of(
    operator: Operator, S: NDArray[np.float64], audio: NDArray[np.float32], count: int
) -> list[Start]:
    """Best starts for a target, best first.

    Parameters
    ----------
    operator : Operator
        Of the model to match.
    S : (paths,) float64
        ``operator.analyse`` of the target.
    audio : (ANALYSIS_SAMPLES,) float32
        The target.
    count : int
        Most starts.

    Returns
    -------
    list of Start
    """
    name = operator.model.name
    guess = guess_window(audio, shipped_encoder(name)) if name in encoder_instruments() else None
    if name == "drum":  # of which pitch and decay are read off more exactly than guessed
        from mesosynth.matching.drum_starts import drum_guesses

        return drum_guesses(audio, count, guess)
    starts = _heard_starts(operator, S, audio, count)
    return starts if guess is None else _with_guess(operator, S, starts, guess)


def _with_guess(
    operator: Operator, S: NDArray[np.float64], starts: list[Start], guess: Guess
) -> list[Start]:
    """Starts, and before them a guess that sounds more like the target than the first."""
    model = operator.model

    def similarity(theta: NDArray[np.float64]) -> float:
        state = model.state_of(dict(zip(model.first, map(float, theta), strict=True)))
        return float(operator.analyse(operator.synthesize(state[: model.onset])) @ S)

    theta = np.array([guess.theta[id_] for id_ in model.first])
    guessed = Start(theta, similarity(theta))
    if starts and guessed.similarity <= similarity(starts[0].theta):
        return starts
    return [guessed, *starts]


def _heard_starts(
    operator: Operator, S: NDArray[np.float64], audio: NDArray[np.float32], count: int
) -> list[Start]:
    """Starts that are read off the sound, best first."""
    match operator.model.name:
        case "ripple":
            return ripple_guesses(operator, audio, count)
        case "strike":
            from mesosynth.matching.strike_starts import strike_guesses

            return strike_guesses(audio, count)
        case "grains":
            return grain_guesses(operator, S, audio, count)
        case _:
            return initial_guesses(operator, S, audio, count)
