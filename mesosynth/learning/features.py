"""Features of sounds for classifiers and nearest neighbours, and their scaling.

A feature is an array of *paths* over *frames* of time, and in the kind "joint" with rows of
log-frequency between the two. The settings of "time" and "jtfs" are near those of Wang et al.
(ICASSP 2023) and of the Kymatio tutorial (ISMIR 2023), those of "joint" near Muradeli et al. (DAFx
2022). Scattering coefficients S are compressed and scaled path by path::

    L = log(1 + S / (c mu + 1e-8)),   z = (L - mean) / std,   c = 0.1

with the means of S (mu) and of L and the standard deviation of L in a training set.
"""

import hashlib
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

import msgspec
import numpy as np
import soxr
import torch
from numpy.typing import NDArray
from scipy.fft import dct

from mesosynth.errors import ArgumentError, MesosynthError
from mesosynth.learning.maps import Paths
from mesosynth.matching.similarity import mel_power
from mesosynth.scattering import JTFS
from mesosynth.scattering.filterbank import WaveletFilter, low_pass, padded_length, wavelets
from mesosynth.scattering.scale_rate import in_hertz, time_means
from mesosynth.scattering.time import (
    AveragingBlock,
    BandPass,
    average,
    averaging_blocks,
    band_pass,
    first_order_length,
    second_order_length,
)
from mesosynth.system.atomic_file import write_atomically, writing

FeatureKind = Literal["jtfs", "joint", "time", "mfcc", "strf"]

Array = NDArray[Any]


class FeatureSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Settings of a feature.

    Attributes
    ----------
    kind : {"jtfs", "joint", "time", "mfcc", "strf"}
        JTFS as a list of paths, or with its log-frequency axis; time scattering of orders 1 and 2;
        mel-frequency cepstral coefficients; spectro-temporal receptive fields.
    sample_rate : int
        Hz.
    samples : int
        Longer sounds are cut, shorter ones padded with silence.
    J, Q, Q2, J_fr, Q_fr, F : int
        As for :class:`~mesosynth.scattering.JTFS`, whose Q is (Q, Q2); F=0 does not average.
    T : int
        Support of the averaging, samples; 0 averages over the whole sound.
    coefficients : int
        Number of cepstral coefficients.
    keeps_level : bool
        False brings each sound to the standard deviation 1.
    """

    kind: FeatureKind = "jtfs"
    sample_rate: int = 22050
    samples: int = 65536
    J: int = 12
    Q: int = 12
    Q2: int = 2
    J_fr: int = 3
    Q_fr: int = 2
    F: int = 12
    T: int = 8192
    coefficients: int = 20
    keeps_level: bool = False


class FeatureExtractor:
    """Computes one feature; it builds its filters once, so keep it.

    Parameters
    ----------
    settings : FeatureSettings

    Attributes
    ----------
    paths : Paths
    shape : tuple of int
        Of a feature: (paths, frames) or (paths, rows, frames).

    Raises
    ------
    ArgumentError
        If there is no such feature, or one of its settings is out of range.
    """

    _TOLERANCE = 1e-3

    def __init__(self, settings: FeatureSettings) -> None:
        self.settings = settings
        match settings.kind:
            case "jtfs" | "joint":
                self._compute, self.paths = self._jtfs()
            case "time":
                scattering = TimeScattering(settings, self._TOLERANCE)
                self._compute, self.paths = scattering, scattering.paths
            case "mfcc":
                self._compute, self.paths = self._mfcc, _without_axes(settings.coefficients)
            case "strf":
                strf = Strf(settings.samples, settings.sample_rate)
                self._compute, self.paths = strf, strf.paths
            case _:
                kinds = ", ".join(get_args(FeatureKind))
                raise ArgumentError(f"kind={settings.kind!r} must be one of {kinds}.")
        self.shape = self(np.arange(settings.samples), settings.sample_rate).shape

    def __call__(self, audio: Array, sample_rate: float) -> NDArray[np.float32]:
        """Feature of a sound.

        Parameters
        ----------
        audio : (n,) array
        sample_rate : float
            Hz; another one than the settings' is converted.

        Returns
        -------
        array of :attr:`shape`
        """
        s = self.settings
        x = np.asarray(audio, np.float32)[: int(np.ceil(s.samples * sample_rate / s.sample_rate))]
        if sample_rate != s.sample_rate:
            x = soxr.resample(x, sample_rate, s.sample_rate)
        x = np.pad(x[: s.samples], (0, max(s.samples - len(x), 0)))
        if not s.keeps_level:
            x /= max(float(np.std(x)), 1e-30)
        with torch.no_grad():
            return self._compute(torch.from_numpy(x)).astype(np.float32)

    def _jtfs(self) -> tuple[Callable[[torch.Tensor], Array], Paths]:
        s = self.settings
        jtfs = JTFS(
            J=s.J, Q=(s.Q, s.Q2), J_fr=s.J_fr, Q_fr=s.Q_fr, F=s.F, T=s.T or "global",
            shape=s.samples, format="joint" if s.kind == "joint" else "time",
            boundary="reflect" if s.T else "periodic", tolerance=self._TOLERANCE,
        )  # fmt: skip
        meta = in_hertz(jtfs, s.sample_rate)
        kept = meta["order"] > 0
        rows = meta["row"][kept]
        carrier, rate = meta["frequency"][kept], meta["rate"][kept]
        scale = meta["scale"][kept] * meta["spin"][kept]
        if s.kind == "joint":
            ranges = [one for one, _ in meta["n"][kept]]
            count = jtfs(torch.zeros(s.samples)).shape[1]
            carrier = np.full((len(ranges), count), np.nan)
            for row, one in enumerate(ranges):
                carrier[row, : len(one)] = [jtfs.psi1[n1].xi * s.sample_rate for n1 in one]
            rate, scale = (np.repeat(axis[:, None], count, axis=1) for axis in (rate, scale))
        paths = Paths(carrier, rate, scale)
        if s.T:
            return lambda x: jtfs(x).numpy()[rows], paths
        return lambda x: time_means(jtfs, jtfs(x)).numpy()[rows, ..., None], paths

    def _mfcc(self, x: torch.Tensor) -> Array:
        power = mel_power(x, self.settings.sample_rate, 1024, 512).numpy()
        decibels = 10.0 * np.log10(np.maximum(power, 1e-8 * power.max() + 1e-20))
        return np.asarray(dct(decibels, axis=0, norm="ortho"))[: self.settings.coefficients]


def _without_axes(count: int) -> Paths:
    nothing = np.full(count, np.nan)
    return Paths(nothing, nothing, nothing)


class TimeScattering:
    """Time scattering of orders 1 and 2 (Andén and Mallat, IEEE Trans. Signal Processing, 2014).

    With ``U1 = |x * psi_n1|`` and ``U2 = |U1 * psi_n2|``, ``S1 = U1 * phi_T`` and
    ``S2 = U2 * phi_T``, by Kymatio 0.4's filters and border. Kymatio 0.3, the newest on PyPI,
    halves a coefficient for each octave of decimation, which the scaling of a classifier hides and
    a distance does not.

    Parameters
    ----------
    settings : FeatureSettings
    tolerance : float
        Relative error that may be made, more than 0.
    """

    def __init__(self, settings: FeatureSettings, tolerance: float) -> None:
        s, like, local = settings, torch.zeros(()), settings.T > 0
        N = padded_length(s.samples, s.T) if local else s.samples
        left = (N - s.samples) // 2
        self._padding = (left, N - s.samples - left)
        phi = low_pass(N, s.T or N)
        frames = (-(-left >> phi.j), -((-left - s.samples) >> phi.j))
        self._frames = frames[1] - frames[0] if local else 0
        first, second = wavelets(N, s.J, s.Q), wavelets(N, s.J, s.Q2)
        self._tree: list[tuple[BandPass, list[BandPass]]] = []
        self._averaging: dict[int, list[AveragingBlock]] = {}

        def filtered(psi: WaveletFilter, n_in: int, n_out: int) -> BandPass:
            if local and n_out not in self._averaging:
                self._averaging[n_out] = averaging_blocks(phi, n_out, frames, like)
            return band_pass(psi, n_in, n_out, like, exact=False)

        for one in first:
            n = first_order_length(one, phi, second, tolerance, local=local)
            branches = [
                filtered(two, n, second_order_length(two, phi, tolerance, local=local))
                for two in second
                if two.j > one.j
            ]
            self._tree.append((filtered(one, N, n), branches))
        pairs = [(one.xi, 0.0) for one in first]
        pairs += [(one.xi, two.xi) for one in first for two in second if two.j > one.j]
        carrier, rate = np.array(pairs).T * s.sample_rate
        self.paths = Paths(carrier, rate, np.full(len(rate), np.nan))

    def __call__(self, x: torch.Tensor) -> Array:
        """Coefficients of a sound, (paths, frames)."""
        first: list[torch.Tensor] = []
        second: list[torch.Tensor] = []
        padded = torch.nn.functional.pad(x[None], self._padding, mode="reflect")[0]
        x_hat = torch.fft.fft(padded)
        for psi1, branches in self._tree:
            U1 = psi1(x_hat).abs()
            U1_hat = torch.fft.fft(U1)
            first.append(self._average(U1))
            second += [self._average(psi2(U1_hat).abs()) for psi2 in branches]
        return torch.cat(first + second).numpy()

    def _average(self, U: torch.Tensor) -> torch.Tensor:
        if not self._frames:
            return U.mean().reshape(1, 1)
        return average(U[None], self._averaging[len(U)], self._frames)


class Strf:
    """Spectro-temporal receptive fields: a spectrogram filtered by rate, scale and direction.

    128 channels at 24 an octave up to 0.4 of the sample rate, at 250 frames a second, are filtered
    as in the NSL toolbox (Chi, Ru, Shamma, JASA 2005): along time with t^2 exp(-3.5 t) sin(2 pi t),
    t in periods of the rate, and along log-frequency with a Gaussian's second derivative. Each
    filter gives its root mean square over time, by Parseval's theorem; others take the mean of the
    modulus, which would cost an inverse transform per filter.

    Parameters
    ----------
    samples : int
    sample_rate : float
        Hz.
    """

    RATES = (0.25, 0.5, 1.0, 2.0, 4.0, 5.7, 8.0, 11.3, 16.0, 22.6, 32.0)  # Hz
    SCALES = (0.71, 1.0, 1.41, 2.0, 2.83, 4.0, 5.66, 8.0)  # cycles per octave
    CHANNELS, PER_OCTAVE = 128, 24
    FRAMES = 250.0
    """A second."""

    def __init__(self, samples: int, sample_rate: float) -> None:
        bank = wavelets(samples, max(int(np.log2(samples)) - 2, 1), self.PER_OCTAVE)
        bank = bank[: self.CHANNELS]
        self._psi = [(torch.from_numpy(psi.hat).float(), 2**psi.j) for psi in bank]
        self._frames = round(samples / sample_rate * self.FRAMES)
        omega = np.fft.fftfreq(self._frames, samples / sample_rate / self._frames)  # Hz
        t = np.arange(self._frames) / self.FRAMES
        response = [
            np.fft.fft((r * t) ** 2 * np.exp(-3.5 * r * t) * np.sin(2.0 * np.pi * r * t))
            for r in self.RATES
        ]
        power = [np.abs(one) ** 2 / (np.abs(one) ** 2).max() for one in response]
        # Channels go down in frequency: at positive quefrencies, positive frequencies of time rise.
        signed = [p * side for p in power for side in (omega > 0.0, omega < 0.0)]
        self._rates = torch.from_numpy(np.array(signed)).float()
        quefrency = np.fft.fftfreq(2 * len(bank), 1.0 / self.PER_OCTAVE)
        bumps = [(quefrency / s) ** 2 * np.exp(1.0 - (quefrency / s) ** 2) for s in self.SCALES]
        self._scales = torch.from_numpy(np.array(bumps) * (quefrency > 0.0)).float()
        carrier, rate, scale = np.meshgrid(
            [psi.xi * sample_rate for psi in bank], self.RATES,
            [sign * s for s in self.SCALES for sign in (1.0, -1.0)], indexing="ij",
        )  # fmt: skip
        first = np.array([psi.xi * sample_rate for psi in bank])
        self.paths = Paths(
            np.concatenate([first, carrier.ravel()]),
            np.concatenate([np.zeros(len(first)), rate.ravel()]),
            np.concatenate([np.full(len(first), np.nan), scale.ravel()]),
        )

    def __call__(self, x: torch.Tensor) -> Array:
        """Spectrum and receptive fields of a sound, (paths, 1)."""
        x_hat = torch.fft.fft(x)
        U = torch.stack([
            torch.nn.functional.adaptive_avg_pool1d(
                torch.fft.ifft((x_hat * psi).reshape(stride, -1).mean(dim=0)).abs()[None],
                self._frames,
            )[0]
            for psi, stride in self._psi
        ])  # fmt: skip
        channels = len(U)
        Y = torch.fft.fft(torch.fft.fft(U, dim=1), n=2 * channels, dim=0)
        fields: list[torch.Tensor] = []
        for scale in self._scales:
            energy = torch.fft.ifft(Y * scale[:, None], dim=0)[:channels].abs().square()
            fields.append(energy @ self._rates.T / self._frames**2)
        # (scales, channels, rates * sides) to (channels, rates, scales, sides)
        strf = torch.stack(fields).unflatten(2, (len(self.RATES), 2)).permute(1, 2, 0, 3)
        return torch.cat([U.mean(dim=1), strf.sqrt().flatten()])[:, None].numpy()


# --------------------------------------------------------------------------------------------------
# Scaling


C = 0.1
"""Share of a path's mean at which the logarithm begins to compress."""


@dataclass(frozen=True)
class Scaling:
    """Logarithm and z-score of a feature, by what a training set has.

    Attributes
    ----------
    mu, mean, std : float32 arrays of a feature's shape, with one frame
    log : bool
        False leaves out the logarithm: of features that are not magnitudes.
    """

    mu: NDArray[np.float32]
    mean: NDArray[np.float32]
    std: NDArray[np.float32]
    log: bool

    @classmethod
    def of(cls, features: "Iterable[Array]", log: bool) -> "Scaling":
        """Scaling of a training set.

        Parameters
        ----------
        features : iterable of arrays
            Is gone through twice.
        log : bool
        """
        count, mu = 0, np.zeros(())
        for S in features:
            count, mu = count + 1, mu + S.mean(axis=-1, keepdims=True, dtype=np.float64)
        plain = cls(
            (mu / count).astype(np.float32), np.zeros(1, np.float32), np.ones(1, np.float32), log
        )
        mean, square = np.zeros(()), np.zeros(())
        for S in features:
            L = plain(S).astype(np.float64)
            mean = mean + L.mean(axis=-1, keepdims=True)
            square = square + np.square(L).mean(axis=-1, keepdims=True)
        mean, square = mean / count, square / count
        std = np.sqrt(np.maximum(square - mean**2, 0.0))
        std[std <= 1e-6 * float(std.max())] = np.inf  # paths without energy stay out
        return cls(plain.mu, mean.astype(np.float32), std.astype(np.float32), log)

    def __call__(self, S: Array) -> NDArray[np.float32]:
        """Scaled feature, of the same shape."""
        L = np.log1p(S / (C * self.mu + 1e-8)) if self.log else S
        return ((L - self.mean) / self.std).astype(np.float32)


# --------------------------------------------------------------------------------------------------
# Table of features on disk


@dataclass
class FeatureTable:
    """Features of numbered sounds, in files of a folder: a computation that was stopped goes on.

    Attributes
    ----------
    folder : Path
    settings : FeatureSettings
    names : sequence of str
        One for each sound, which changes with it: its path, time and size.
    read : callable
        Takes a number; returns audio and its sample rate, Hz.
    broken : dict
        Sentence about each sound that could not be read, by its number.
    """

    folder: Path
    settings: FeatureSettings
    names: Sequence[str]
    read: Callable[[int], tuple[Array, float]]
    broken: dict[int, str] = field(default_factory=dict[int, str])
    _chunks: list[Array] = field(default_factory=list[Array])

    CHUNK = 32
    """Sounds in a file."""

    def compute(self, on_sound: Callable[[], None] = lambda: None) -> None:
        """Compute what is missing.

        Parameters
        ----------
        on_sound : callable
            Called after each sound.
        """
        for _ in self.steps():
            on_sound()

    def steps(self) -> Iterator[int]:
        """Compute what is missing, and yield the number of sounds so far after each."""
        text = repr((self.settings, [*self.names])).encode()
        stem = f"{self.settings.kind}-{hashlib.sha256(text).hexdigest()[:12]}"
        extractor: FeatureExtractor | None = None
        self._chunks.clear()
        for first in range(0, len(self.names), self.CHUNK):
            path = self.folder / f"{stem}-{first:05d}.npy"
            numbers = range(first, min(first + self.CHUNK, len(self.names)))
            chunk = self._kept(path, len(numbers))
            if chunk is not None:
                again = [n for n in numbers if np.isnan(chunk[n - first].ravel()[0])]
                for n in again:
                    self._read(n)
                yield from (n + 1 for n in numbers)
            else:
                extractor = extractor or FeatureExtractor(self.settings)
                chunk = np.full((len(numbers), *extractor.shape), np.nan, np.float32)
                for n in numbers:
                    if (sound := self._read(n)) is not None:
                        chunk[n - first] = extractor(*sound)
                    yield n + 1
                content = io.BytesIO()
                np.save(content, chunk)
                with writing(path, ArgumentError, make_folder=True):
                    write_atomically(path, content.getvalue())
                chunk = np.load(path, mmap_mode="r")
            self._chunks.append(chunk)

    @staticmethod
    def _kept(path: Path, sounds: int) -> Array | None:
        """Features of an earlier computation; None where there are none, or the file is broken."""
        try:
            chunk = np.load(path, mmap_mode="r")
        except (OSError, ValueError, EOFError):
            return None
        return chunk if chunk.ndim > 1 and len(chunk) == sounds else None

    def _read(self, n: int) -> tuple[Array, float] | None:
        try:
            return self.read(n)
        except MesosynthError as error:
            self.broken[n] = str(error)
            return None

    def __getitem__(self, n: int) -> Array:
        """Feature of a sound; NaN where it could not be read."""
        return self._chunks[n // self.CHUNK][n % self.CHUNK]

    def __len__(self) -> int:
        return len(self.names)
