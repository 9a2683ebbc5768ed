"""The protocol's targets: arpeggios whose theta is known, by family, level and index.

Each is drawn from a generator of its own, so that any one can be made again without the others.
The same index is the same arpeggio at every level of a family.
"""

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mesosynth.audio.target import ANALYSIS_RATE, ANALYSIS_SAMPLES
from mesosynth.errors import ArgumentError
from mesosynth.instruments.chirplet import PARAMETERS, SIGMA_0

Theta = dict[str, float]

UNKNOWNS = ("f_c", "f_m", "gamma", "w")
"""The parameters that a target is judged by."""

PAPERS = {"f_c": 512.0, "f_m": 8.297, "gamma": 1.494, "w": 2.0}
"""The paper's target."""

RANGES = {"f_c": (400.0, 700.0), "f_m": (4.0, 16.0), "gamma": (0.5, 4.0), "w": (1.0, 3.0)}
"""From where thetas are drawn, log-uniformly."""

PEAK = 0.3

_LARGEST_SHIFT = 12  # log2 of samples
_WHOLE = 4.0  # standard deviations of the envelope on either side that a shift must not cut off
_LOWEST_NOISE = 20.0  # Hz; below, pink noise would hold much of its power where nothing is heard


@dataclass(frozen=True)
class TargetSound:
    """One target.

    Attributes
    ----------
    audio : (n,) or (n, channels) float32
    sample_rate : float
        Hz.
    theta : dict, optional
        The truth, of :data:`UNKNOWNS` or, for ripples, with f_0 for f_c; None where there is none.
    instrument : str
        What it is matched with.
    """

    audio: NDArray[np.float32]
    sample_rate: float
    theta: Theta | None
    instrument: str = "chirplet"


@dataclass(frozen=True)
class Family:
    """Targets of one kind.

    Attributes
    ----------
    title : str
        One line that says what they are.
    levels : sequence of str
        What is done to its arpeggios; one empty string where nothing is.
    make : callable
        (seed, level's number, index) to a :class:`TargetSound`.
    size : int, optional
        How many targets there are at each level, where not any number.
    """

    title: str
    levels: Sequence[str]
    make: Callable[[int, int, int], TargetSound]
    size: int | None = None


def families(recordings: str = "") -> dict[str, Family]:
    """The protocol's families by their letters; "I" only with a folder of `recordings`.

    Raises
    ------
    ArgumentError
        If that folder holds no FLAC or WAV file.
    """
    known = dict(_FAMILIES)
    if recordings:
        found = Path(recordings).glob("*")
        paths = sorted(path for path in found if path.suffix in (".flac", ".wav"))
        if not paths:
            raise ArgumentError(f"--recordings {recordings} holds no .flac or .wav file.")
        make = functools.partial(_recording, paths)
        known["I"] = Family("recordings", [path.stem for path in paths], make, size=1)
    return known


def draw_theta(seed: int, *key: int) -> Theta:
    """A theta drawn log-uniformly from :data:`RANGES`."""
    return _drawn(_generator(seed, *key), RANGES)


def _generator(seed: int, *key: int) -> np.random.Generator:
    return np.random.default_rng([seed, *key])


def _drawn(generator: np.random.Generator, ranges: dict[str, tuple[float, float]]) -> Theta:
    logs = {id_: generator.uniform(*np.log(ends)) for id_, ends in ranges.items()}
    return {id_: float(np.exp(value)) for id_, value in logs.items()}


def _arpeggio(theta: Theta, onset: float = 0.0, am_shape: float = 0.0) -> NDArray[np.float64]:
    """An arpeggio of peak PEAK (ANALYSIS_SAMPLES,); `onset` in s after the window's middle."""
    import torch

    from mesosynth.instruments.chirplet_torch import chirplet

    values = PARAMETERS.complete({**theta, "am_shape": am_shape})
    vector = torch.tensor([values[id_] for id_ in PARAMETERS.matchable], dtype=torch.float64)
    x = chirplet(vector, ANALYSIS_SAMPLES, ANALYSIS_RATE, onset).numpy()
    return x * (PEAK / np.abs(x).max())


def _sound(audio: NDArray[np.floating], theta: Theta | None) -> TargetSound:
    return TargetSound(audio.astype(np.float32), ANALYSIS_RATE, theta)


def _papers(seed: int, level: int, index: int) -> TargetSound:
    import torch

    from mesosynth.instruments.chirplet_torch import authors_chirplet

    theta = torch.tensor(list(PAPERS.values()), dtype=torch.float32)
    return _sound(authors_chirplet(theta, ANALYSIS_SAMPLES, ANALYSIS_RATE).numpy(), PAPERS)


def _off_grid(seed: int, level: int, index: int) -> TargetSound:
    theta = draw_theta(seed, ord("B"), index)
    return _sound(_arpeggio(theta), theta)


_SHIFTS = [sign * 2**j for j in range(_LARGEST_SHIFT + 1) for sign in (1, -1)]


def _shifted(seed: int, level: int, index: int) -> TargetSound:
    generator = _generator(seed, ord("C"), index)
    room = (ANALYSIS_SAMPLES / 2 - 2**_LARGEST_SHIFT) / ANALYSIS_RATE
    while True:
        theta = _drawn(generator, RANGES)
        if _WHOLE * SIGMA_0 * theta["w"] / theta["gamma"] < room:
            return _sound(_arpeggio(theta, _SHIFTS[level] / ANALYSIS_RATE), theta)


_NOISES = [(db, colour) for colour in ("white", "pink") for db in (40, 30, 20, 10, 0)]


def _noisy(seed: int, level: int, index: int) -> TargetSound:
    """An arpeggio and noise: powers are means over the whole window, silence included."""
    theta = draw_theta(seed, ord("D"), index)
    x = _arpeggio(theta)
    db, colour = _NOISES[level]
    noise = _generator(seed, ord("D"), index, level).standard_normal(ANALYSIS_SAMPLES)
    if colour == "pink":
        noise = _pink(noise)
    power = np.mean(x**2) / 10.0 ** (db / 10.0)
    return _sound(x + noise * np.sqrt(power / np.mean(noise**2)), theta)


def _pink(white: NDArray[np.float64]) -> NDArray[np.float64]:
    """Noise whose power falls as 1 / frequency, from 20 Hz on."""
    frequencies = np.fft.rfftfreq(len(white), 1.0 / ANALYSIS_RATE)
    heard = frequencies >= _LOWEST_NOISE
    gains = np.where(heard, 1.0 / np.sqrt(np.maximum(frequencies, _LOWEST_NOISE)), 0.0)
    return np.fft.irfft(np.fft.rfft(white) * gains, len(white))


_GAINS = (-20.0, 20.0)  # dB


def _louder(seed: int, level: int, index: int) -> TargetSound:
    theta = draw_theta(seed, ord("E"), index)
    return _sound(_arpeggio(theta) * 10.0 ** (_GAINS[level] / 20.0), theta)


def _wide(seed: int, level: int, index: int) -> TargetSound:
    theta = _drawn(_generator(seed, ord("F"), index), {**RANGES, "f_c": (256.0, 1024.0)})
    return _sound(_arpeggio(theta), theta)


def _descending(seed: int, level: int, index: int) -> TargetSound:
    theta = draw_theta(seed, ord("G"), index)
    theta["gamma"] *= -1.0
    return _sound(_arpeggio(theta), theta)


def _out_of_model(seed: int, level: int, index: int) -> TargetSound:
    theta = draw_theta(seed, ord("H"), index)
    if level == 0:
        return _sound(_arpeggio(theta, am_shape=1.0), theta)
    import torch

    from mesosynth.instruments.ripple_torch import ripple

    vector = torch.tensor(list(theta.values()), dtype=torch.float64)
    # What a ripple calls f_c and w is not the chirplet's: there is no truth.
    return _sound(PEAK * ripple(vector, ANALYSIS_SAMPLES, ANALYSIS_RATE).numpy(), None)


_RIPPLES = {"f_0": (80.0, 400.0), "f_m": (2.0, 12.0), "density": (0.5, 3.0), "w": (2.0, 4.5)}


def _ripple(seed: int, level: int, index: int) -> TargetSound:
    """A ripple at any moment of its course; density is its waves per octave, f_m / gamma."""
    import torch

    from mesosynth.instruments.ripple_torch import ripple

    generator = _generator(seed, ord("R"), index)
    drawn = _drawn(generator, _RIPPLES)
    gamma = min(drawn["f_m"] / drawn["density"], 16.0) * generator.choice([-1.0, 1.0])
    theta = {"f_0": drawn["f_0"], "f_m": drawn["f_m"], "gamma": gamma, "w": drawn["w"]}
    vector = torch.tensor([*theta.values(), generator.uniform(0.5, 1.0)], dtype=torch.float64)
    start = generator.uniform(0.0, 60.0)
    x = ripple(vector, ANALYSIS_SAMPLES, ANALYSIS_RATE, start).numpy()
    return replace(_sound(x * (PEAK / np.abs(x).max()), theta), instrument="ripple")


_DRUMS = {
    "omega": (10.0**2.4, 10.0**3.8), "tau": (0.07, 0.8), "p": (1e-5, 10.0**-0.7),
    "D": (1e-5, 10.0**-0.523), "alpha": (1e-3, 1.0),
}  # fmt: skip
_LINEAR = ("tau", "alpha")
_STRUCK = -1.5  # s, time of the strike after the window's middle


def _drum(seed: int, level: int, index: int) -> TargetSound:
    """A drum of the PNP papers' data set, in white noise of -20 dB; all its parameters unknown."""
    import torch

    from mesosynth.instruments.drum_torch import drum

    generator = _generator(seed, ord("K"), index)
    omega, tau, p, D, alpha = (
        generator.uniform(*ends) if id_ in _LINEAR else np.exp(generator.uniform(*np.log(ends)))
        for id_, ends in _DRUMS.items()
    )
    theta = torch.tensor([omega / (2.0 * np.pi), tau, p, D, alpha], dtype=torch.float64)
    x = drum(theta, ANALYSIS_SAMPLES, ANALYSIS_RATE, _STRUCK).numpy()
    x *= PEAK / np.abs(x).max()
    noise = generator.standard_normal(ANALYSIS_SAMPLES)
    x = x + noise * np.sqrt(np.mean(x**2) / 100.0 / np.mean(noise**2))
    truth = {"f_c": float(theta[0]), "tau": float(theta[1])}
    return replace(_sound(x, truth), instrument="drum")


_STRIKES = {
    "f_c": (80.0, 1500.0), "attack": (1e-3, 0.08), "decay": (0.05, 1.2), "air_width": (0.3, 3.0),
    "tremolo_rate": (3.0, 12.0),
}  # fmt: skip


def _strike(seed: int, level: int, index: int) -> TargetSound:
    """A struck or blown sound in white noise of -20 dB; all its parameters unknown.

    Every other one glides on average, by up to 4 octaves a second.
    """
    import torch

    from mesosynth.instruments.strike import PARAMETERS as STRIKES
    from mesosynth.instruments.strike_torch import strike

    generator = _generator(seed, ord("S"), index)
    theta = _drawn(generator, _STRIKES)
    glide = 0.25 * np.sinh(generator.uniform(-1.0, 1.0) * np.arcsinh(16.0))
    theta["gamma"] = float(generator.choice([0.0, 1.0]) * glide)
    theta["brightness"] = generator.uniform(-24.0, 0.0)
    theta["inharmonicity"] = float(1e-3 * np.sinh(generator.uniform(0.0, 1.0) * np.arcsinh(50.0)))
    theta["damping"] = generator.uniform(0.0, 1.0)
    theta["air"] = generator.uniform(0.0, 0.6)
    theta["tremolo_depth"] = generator.uniform(0.0, 0.8)
    onset = generator.uniform(-1.8, -0.5)
    vector = torch.tensor([theta[id_] for id_ in STRIKES.matchable], dtype=torch.float64)
    x = strike(vector, ANALYSIS_SAMPLES, ANALYSIS_RATE, onset).numpy()
    x *= PEAK / np.abs(x).max()
    x = x + generator.standard_normal(ANALYSIS_SAMPLES) * np.sqrt(np.mean(x**2) / 100.0)
    truth = {"f_c": theta["f_c"], "decay": theta["decay"]}
    return replace(_sound(x, truth), instrument="strike")


def _recording(paths: list[Path], seed: int, level: int, index: int) -> TargetSound:
    from mesosynth.audio.file import read_audio

    sound = read_audio(paths[level])
    return TargetSound(sound.audio, sound.sample_rate, None)


_FAMILIES = {
    "A": Family("the paper's target, as its authors' code makes it", [""], _papers, size=1),
    "B": Family("off the grid in f_c, f_m, gamma and w", [""], _off_grid),
    "C": Family("shifted, samples", [f"{shift:+d}" for shift in _SHIFTS], _shifted),
    "D": Family("in noise", [f"{db} dB {colour}" for db, colour in _NOISES], _noisy),
    "E": Family("softer and louder", [f"{gain:+g} dB" for gain in _GAINS], _louder),
    "F": Family("f_c from 256 to 1024 Hz", [""], _wide),
    "G": Family("descending", [""], _descending),
    "H": Family("out of the model", ["half sine", "ripple"], _out_of_model),
    "K": Family("drums in white noise of -20 dB, judged by pitch and decay", [""], _drum),
    "R": Family("ripples, by the ripple's own model", [""], _ripple),
    "S": Family("strikes in white noise of -20 dB, judged by pitch and decay", [""], _strike),
}
