"""Settings and results of a resynthesis; torch is not needed to read them."""

import math
from dataclasses import dataclass, field
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from mesosynth.errors import ArgumentError, check_number
from mesosynth.resynthesis.edits import parse_edit

Method = Literal["l-bfgs", "momentum", "bold driver"]
Start = Literal["shaped", "spectrum", "white", "silence"]

LONGEST = 30.0
"""s of sound that are resynthesised."""

LONGEST_TEXTURE = 600.0
"""s of a texture, which is a chain of resyntheses."""

MOST_VARIATIONS = 64
"""Resyntheses of one sound at once."""

SHORTEST = 0.05
"""s."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ResynthesisSettings:
    """Settings of a resynthesis.

    Attributes
    ----------
    iterations : int
        Steps down, 1 or more.
    method : {"l-bfgs", "momentum", "bold driver"}
        How to go down.
    start : {"shaped", "spectrum", "white", "silence"}
        Begin with noise that is as loud as the target in each band, at each time, to a quarter of
        the averaging time; with noise of its spectrum, white noise, or nearly nothing.
    seed : int
        Seed of the noise; another one gives another sound with the same coefficients.
    edits : tuple of str
        Edits of the coefficients in their order: "reverse-spin", "transpose=-1".
    average : float
        Time over which coefficients are averaged, s; what happens within it may come elsewhere.
    Q : int
        Wavelets an octave.
    tolerance : float
        Of the transform while it goes down; the error that is told at the end is exact.
    variations : int
        Number of sounds to find, each with a noise of its own: the seeds count on from `seed`.
    length : float, optional
        Length of each, s, if it is not the target's: a longer one is a chain of resyntheses, each
        of its own seed, which are cross-faded.
    """

    iterations: int = 100
    method: Method = "l-bfgs"
    start: Start = "shaped"
    seed: int = 0
    edits: tuple[str, ...] = ()
    average: float = 0.37
    Q: int = 8
    tolerance: float = 1e-3
    variations: int = 1
    length: float | None = None

    def __post_init__(self) -> None:
        check_number("iterations", self.iterations, 1)
        if self.method not in get_args(Method):
            raise ArgumentError(f"method={self.method!r} must be of {', '.join(get_args(Method))}.")
        if self.start not in get_args(Start):
            raise ArgumentError(f"start={self.start!r} must be of {', '.join(get_args(Start))}.")
        check_number("seed", self.seed, 0, 2**32 - 1)
        check_number("average", self.average, 0.001, 10.0, "s")
        check_number("variations", self.variations, 1, MOST_VARIATIONS)
        if self.length is not None:
            check_number("length", self.length, SHORTEST, LONGEST_TEXTURE, "s")
        for words in self.edits:
            parse_edit(words)


@dataclass(frozen=True, slots=True)
class ResynthesisStep:
    """Step down.

    Attributes
    ----------
    iteration : int
        From 0, the start.
    error : float
        Relative error E: 0.01 is 1 %.
    seconds : float
        Since the descent began.
    progress : float
        0 to 1.
    audio : (channels, n) float32
        The sound so far.
    part : int
        Number of the resynthesis, from 0, where there are several: variations one after another,
        and of each the windows of its length.
    """

    iteration: int
    error: float
    seconds: float
    progress: float
    audio: NDArray[np.float32] = field(repr=False)
    part: int = 0

    @property
    def decibels(self) -> float:
        """Relative error in dB."""
        return decibels(self.error)


@dataclass(frozen=True, slots=True)
class Variation:
    """Sound that a descent ended with, or a chain of such.

    Attributes
    ----------
    audio : (channels, n) float32
    seed : int
        Of its noise; of a chain, of the first window's.
    error : float
        Relative error, without the transform's tolerance; of a chain, the largest.
    errors : list of float
        After each iteration, from the start on; of a chain, of the window with that error.
    """

    audio: NDArray[np.float32] = field(repr=False)
    seed: int
    error: float
    errors: list[float]


@dataclass(frozen=True, slots=True)
class ResynthesisResult:
    """Sounds that descents ended with.

    Attributes
    ----------
    variations : list of Variation
        At least one.
    sample_rate : int
        Hz.
    seconds : float
        Time that it took.
    """

    variations: list[Variation]
    sample_rate: int
    seconds: float

    @property
    def audio(self) -> NDArray[np.float32]:
        """The first sound, (channels, n) float32."""
        return self.variations[0].audio

    @property
    def error(self) -> float:
        """Largest relative error of the sounds."""
        return max(one.error for one in self.variations)

    @property
    def errors(self) -> list[float]:
        """Relative errors of the first sound after each iteration, from the start on."""
        return self.variations[0].errors

    @property
    def iterations(self) -> int:
        """Steps down to the first sound."""
        return len(self.errors) - 1

    @property
    def decibels(self) -> float:
        """Largest relative error in dB."""
        return decibels(self.error)


def decibels(error: float) -> float:
    """A relative error in dB."""
    return 20.0 * math.log10(max(error, 1e-12))


@dataclass(frozen=True, slots=True)
class Blend:
    """Second sound, whose coefficients come into the first's.

    Attributes
    ----------
    audio : (channels or 1, n) float32
        At the same sample rate; it is cut, or lengthened by silence.
    amount : float
        Share of its coefficients, 0 to 1.
    """

    audio: NDArray[np.float32] = field(repr=False)
    amount: float = 0.5
