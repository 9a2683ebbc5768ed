"""Settings, steps and results of matching: frozen records without torch."""

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from mesosynth.errors import ArgumentError, check_number
from mesosynth.instruments import drum as drum_parameters
from mesosynth.instruments import grains as grains_parameters
from mesosynth.instruments import instrument_class
from mesosynth.instruments import ripple as ripple_parameters
from mesosynth.instruments import strike as strike_parameters
from mesosynth.instruments.chirplet import PARAMETERS, SIGMA_0, sweep_seconds
from mesosynth.instruments.envelope import enveloped_table
from mesosynth.plugins.parameters import ParameterTable

# --------------------------------------------------------------------------------------------------
# Similarity of two sounds by three representations, since a match can overfit one of them


MATCHED = 0.6
"""Score from which on a listener recognises a sound."""


@dataclass(frozen=True, slots=True)
class Scores:
    """Similarity of two sounds in time and at full band, 0 (nothing in common) to 1 (the same).

    Attributes
    ----------
    picture : float
        Correlation of the auditory pictures: decibels in 64 bands of the ear, in steps of 10 ms.
    jtfs : float
        Cosine of the joint time-frequency scattering averaged over a quarter of a second: texture,
        melody and repetition.
    log_mel : float
        Correlation of the log-mel spectrograms up to half the sample rate.
    """

    picture: float
    jtfs: float
    log_mel: float

    @property
    def score(self) -> float:
        """The worst of the three, which is what a person is told."""
        return min(self.picture, self.jtfs, self.log_mel)

    @property
    def matched(self) -> bool:
        """Whether a listener recognises the one sound in the other."""
        return self.score >= MATCHED

    def as_dict(self) -> dict[str, float]:
        """The score and the three by name, for JSON and presets."""
        return {"score": self.score, **asdict(self)}

    @property
    def brief(self) -> str:
        """The score in words, where there is little room."""
        return f"{self.score:.0%} like" if self.matched else "not matched"

    def __str__(self) -> str:
        three = f"picture {self.picture:.2f}, JTFS {self.jtfs:.2f}, log-mel {self.log_mel:.2f}"
        verdict = f"{self.score:.2f}" if self.matched else f"not matched ({self.score:.2f})"
        return f"{verdict}, the worst of {three}"


# --------------------------------------------------------------------------------------------------
# Match of one arpeggio


MATCHABLE: dict[str, ParameterTable] = {
    "chirplet": PARAMETERS,
    "ripple": ripple_parameters.PARAMETERS,
    "drum": drum_parameters.PARAMETERS,
    "strike": strike_parameters.PARAMETERS,
    "grains": grains_parameters.PARAMETERS,
}
"""The instruments that can be matched, by name, and their parameters."""

TRACKING = ("chirplet", "ripple")
"""The instruments that can follow the input."""

STATIONARY = ("ripple", "grains")
"""The instruments without an event, whose onset in the target means nothing."""


def table_of(theta: Mapping[str, float]) -> ParameterTable:
    """The parameters of the instrument whose theta this is."""
    return next(table for table in MATCHABLE.values() if set(theta) <= set(table.matchable))


@dataclass(frozen=True, slots=True)
class Analysis:
    """Pictures of one sound of the analysis window's length.

    Attributes
    ----------
    scalogram : (n_frequencies, n_frames) float32
        U_1 averaged in short frames; rows from high to low frequency, amplitudes relative to the
        loudest, 0 to 1.
    frequencies : (n_frequencies,) float32
        Centre of each row, Hz, descending.
    duration : float
        Length of the picture, s; the frames share it equally.
    scale_rate : (2, n_scales, n_rates) float32
        Second-order JTFS averaged over time and log-frequency: falling patterns (spin -1) in row
        0, rising ones (spin +1) in row 1; of unit norm over all.
    scales : (n_scales,) float32
        Cycles per octave, ascending.
    rates : (n_rates,) float32
        Hz, ascending.
    """

    scalogram: NDArray[np.float32]
    frequencies: NDArray[np.float32]
    duration: float
    scale_rate: NDArray[np.float32]
    scales: NDArray[np.float32]
    rates: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class MatchStep:
    """One accepted step of a match.

    Attributes
    ----------
    theta : dict
        Matchable parameters by id, in the table's units.
    std : dict
        Standard deviation of each, same keys and units, from the residual and the Jacobian.
    loss : float
        Half the squared distance between unit-norm JTFS vectors, 0 (same) to 2.
    evaluations : int
        Evaluations of the JTFS so far, the starts' included.
    seconds : float
        Since the match was asked for.
    start : int
        Which start the descent came from, 0 for the nearest; a step of another start does not
        continue the line of the last.
    progress : float
        0 to 1, an estimate for progress bars.
    phase : {"arpeggio", "refinement", "layers"}
        Descent to the whole target, to the part around the arpeggio without the noise, or match
        with layers: each has a loss of its own, which cannot be compared with the others'.
    """

    theta: dict[str, float]
    std: dict[str, float]
    loss: float
    evaluations: int
    seconds: float
    start: int
    progress: float
    phase: Literal["arpeggio", "refinement", "layers"] = "arpeggio"


@dataclass(frozen=True)
class Cell:
    """One cell of a map of the loss.

    Attributes
    ----------
    i, j : int
        Indices on the first and on the second axis.
    values : (float, float)
        Values of the two parameters, in the table's units.
    loss : float
        Half the squared distance to the target on the unit sphere, 0 to 2.
    gradient : (2,) float64
        Gradient of the loss along the two axes; on a logarithmic axis per unit of the natural
        logarithm.
    """

    i: int
    j: int
    values: tuple[float, float]
    loss: float
    gradient: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Section:
    """Part of a scalogram, and how fine it is wanted.

    Attributes
    ----------
    begin, end : float
        s after the start of the analysis window.
    low, high : float
        Hz.
    rows, columns : int
        Even in log-frequency and in time.
    """

    begin: float
    end: float
    low: float
    high: float
    rows: int
    columns: int


@dataclass(frozen=True)
class Magnified:
    """A section of the scalograms of target and sound, finer than :class:`Analysis` has it.

    Attributes
    ----------
    section : Section
    target, sound : (rows, columns) float32 or None
        Rows from low to high frequency, amplitudes relative to the loudest of the whole scalogram;
        None where there is no such sound.
    """

    section: Section
    target: NDArray[np.float32] | None
    sound: NDArray[np.float32] | None


@dataclass(frozen=True, slots=True)
class Attribution:
    """Which coefficients drive the match: residual × Jacobian at one theta, path by path.

    Attributes
    ----------
    unknowns : tuple of str
        Ids of the parameters.
    pull : (unknowns, 2, n_scales, n_rates) float32
        The share of minus the loss's gradient along each unknown that the second-order paths of a
        spin, scale and rate have: what is positive wants the parameter (or its logarithm; of gamma
        that of its magnitude) to grow. Rows and columns as in :attr:`Analysis.scale_rate`.
    loss : float
        Half the squared distance to the target on the unit sphere, 0 to 2.
    scales : (n_scales,) float32
        Cycles per octave, ascending.
    rates : (n_rates,) float32
        Hz, ascending.
    """

    unknowns: tuple[str, ...]
    pull: NDArray[np.float32]
    loss: float
    scales: NDArray[np.float32]
    rates: NDArray[np.float32]


Phi = Literal["jtfs-global", "jtfs", "mss"]
"""Names of what sounds are compared by, see :mod:`mesosynth.matching.operator`."""

Ranges = tuple[tuple[float, float], tuple[float, float]]
"""First and last value on each of two axes."""


@dataclass(frozen=True, slots=True)
class Filters:
    """Wavelets of the JTFS in which a match compares, and along what it averages.

    Attributes
    ----------
    J : int
        Number of octaves of the wavelets along time, 6 to 14: the slowest rate is
        ANALYSIS_RATE / 2^J Hz.
    Q : int
        Wavelets an octave along time, of the scalogram, 2 to 16.
    J_fr : int
        Number of octaves of the wavelets along log-frequency, 1 to 6.
    Q_fr : int
        Wavelets an octave along log-frequency, 1 to 4.
    F : int
        Averaging along log-frequency over 2^F wavelets of the scalogram, 0 to 3; 0 for none.

    Raises
    ------
    ArgumentError
        If one of them is out of range.
    """

    J: int = 12
    Q: int = 8
    J_fr: int = 5
    Q_fr: int = 2
    F: int = 0

    def __post_init__(self) -> None:
        for id_, (least, most) in FILTER_RANGES.items():
            check_number(id_, getattr(self, id_), least, most)


PICTURE_RATES = (8192, 16384, 32768)
"""Sample rates at which sounds can be drawn, Hz; the first is that of matches."""

FILTER_RANGES = {"J": (6, 14), "Q": (2, 16), "J_fr": (1, 6), "Q_fr": (1, 4), "F": (0, 3)}
"""Least and largest value of each of :class:`Filters`."""


@dataclass(frozen=True, slots=True)
class MapSettings:
    """Settings of a map of the loss over two parameters.

    Attributes
    ----------
    axes : (str, str)
        Ids of two matchable parameters.
    values : mapping
        Live values by id: the nearest cells come first, and the other parameters are fixed here.
    grid : (int, int)
        Number of values on each axis, at least 2.
    ranges : pair of (float, float), optional
        First and last value on each axis; None takes the parameters' own ranges, on the side of
        zero of the live point.
    phi : str
        Representation of the loss.
    filters : Filters
    layers : tuple of Layer
        First the one that moves, without its theta and from its begin on, then those beside it.
    """

    axes: tuple[str, str]
    values: Mapping[str, float]
    grid: tuple[int, int] = (24, 24)
    ranges: Ranges | None = None
    phi: Phi = "jtfs-global"
    filters: Filters = Filters()
    layers: "tuple[Layer, ...]" = ()

    def whole_ranges(self, instrument: str) -> Ranges:
        """The ranges, or those of an instrument's parameters."""
        if self.ranges is not None:
            return self.ranges
        ranges: list[tuple[float, float]] = []
        table = layer_table(instrument) if self.layers else MATCHABLE[instrument]
        for id_ in self.axes:
            parameter = table[id_]
            if parameter.smallest:
                sign = math.copysign(1.0, self.values.get(id_, parameter.default))
                ranges.append((sign * parameter.smallest, sign * parameter.maximum))
            else:
                ranges.append((parameter.minimum, parameter.maximum))
        return ranges[0], ranges[1]

    def is_same_map(self, other: "MapSettings", instrument: str) -> bool:
        """Whether other settings differ at most in the live point on the map.

        Parameters
        ----------
        other : MapSettings
        instrument : str

        Returns
        -------
        bool
        """
        still, others_still = (
            {id_: value for id_, value in each.values.items() if id_ not in each.axes}
            for each in (self, other)
        )
        return (
            (self.axes, self.grid, self.phi, self.filters, self.layers)
            == (other.axes, other.grid, other.phi, other.filters, other.layers)
            and self.whole_ranges(instrument) == other.whole_ranges(instrument)
            and still == others_still
        )


@dataclass(frozen=True, slots=True)
class MapAxes:
    """Begin of an empty map of the loss: its two parameters, and (n,) values on each axis."""

    axes: tuple[str, str]
    x_values: NDArray[np.float64]
    y_values: NDArray[np.float64]


FOUND_LOSS = 0.3
"""Above it, little of a sound is explained by an arpeggio."""


@dataclass(frozen=True, slots=True)
class Guess:
    """Theta by an encoder, in milliseconds.

    Attributes
    ----------
    instrument : str
    theta : dict
        Parameters by id, in their own units; those that the encoder does not hear have the value
        that it was trained with.
    std : dict
        Spread of those that it hears: its usual error, and how far it moves with the sound's place
        in the window.
    loss : float or None
        Half the squared distance of its sound from the target, as of a match; None where they were
        not compared.
    """

    instrument: str
    theta: dict[str, float]
    std: dict[str, float]
    loss: float | None = None


@dataclass(frozen=True, slots=True)
class MatchSettings:
    """Settings of a match.

    Attributes
    ----------
    unknowns : tuple of str
        Ids of the parameters to find. The paper's four are searched first; depth, rests and
        brightness are added if these leave a large loss. The default means all parameters of the
        instrument. Onset and gain are always found unless they are pinned.
    pinned : mapping
        Fixed values by id; parameters that are neither unknown nor pinned have their defaults.
        Besides theta, "onset" (s after the start of the target's source) and "gain" (amplitude in
        that source, 1.0 is full scale) may be pinned; they are reported as given.
    phi : str
        Representation of the loss: "jtfs-global", "jtfs" or "mss".
    filters : Filters
        Of the JTFS in the loss; starts and pictures use the default ones.
    descent : str
        One of :data:`mesosynth.matching.descent.DESCENTS`.
    start : mapping, optional
        Start theta by id; None searches the table of arpeggios.
    max_evaluations : int
        Largest number of evaluations from each start.
    seed : int
        Seed of the noise that is added to the model where the target is noisy.
    extra : dict
        Keys of later versions.
    """

    unknowns: tuple[str, ...] = PARAMETERS.matchable
    pinned: Mapping[str, float] = field(default_factory=dict[str, float])
    phi: Phi = "jtfs-global"
    filters: Filters = Filters()
    descent: str = "levenberg-marquardt"
    start: Mapping[str, float] | None = None
    max_evaluations: int = 16
    seed: int = 0
    extra: dict[str, Any] = field(default_factory=dict[str, Any])

    def __post_init__(self) -> None:
        check_number("seed", self.seed, 0)


@dataclass(frozen=True, slots=True)
class Candidate:
    """End of the descent from one start.

    Attributes
    ----------
    theta, std, loss, start
        As in :class:`MatchStep`.
    similarity : Scores or None
        Similarity to the target; None until it is computed, after the match.
    """

    theta: dict[str, float]
    std: dict[str, float]
    loss: float
    start: int
    similarity: Scores | None = None


@dataclass(frozen=True, slots=True)
class MatchResult:
    """Result of a match.

    Attributes
    ----------
    theta, std, loss, evaluations, seconds
        As in :class:`MatchStep`, of the best step.
    converged : bool
        False if the match was stopped or reached its limit of evaluations.
    onset : float
        Time of the arpeggio's middle in the given audio, s. Of a ripple, the first time at which
        its wave starts again at the lowest partial.
    gain : float
        Amplitude of the arpeggio's peak, 1.0 is full scale; of a ripple, the factor of its
        amplitude.
    trajectory : list of MatchStep
        All accepted steps, the start first.
    candidates : list of Candidate
        Ends of the descents, best first; the first is this result itself.
    similarity : Scores or None
        As in :class:`Candidate`.
    limits : tuple of str
        Sentences about what the analysis does not hear of this sound, and theta therefore lacks.
    """

    theta: dict[str, float]
    std: dict[str, float]
    loss: float
    evaluations: int
    seconds: float
    converged: bool
    onset: float
    gain: float
    trajectory: list[MatchStep] = field(default_factory=list)
    candidates: list[Candidate] = field(default_factory=list)
    similarity: Scores | None = None
    limits: tuple[str, ...] = ()

    @property
    def found(self) -> bool:
        """Whether the loss is low enough for an arpeggio to be in the sound."""
        return self.loss < FOUND_LOSS

    def judged(self, place: int, scores: Scores) -> "MatchResult":
        """Result with the similarity of one candidate.

        Parameters
        ----------
        place : int
            Index of the candidate.
        scores : Scores

        Returns
        -------
        MatchResult
        """
        candidates = list(self.candidates)
        candidates[place] = replace(candidates[place], similarity=scores)
        mine = scores if place == 0 else self.similarity
        return replace(self, candidates=candidates, similarity=mine)

    @property
    def remark(self) -> str:
        """Message for the user about a high loss, or what the analysis left out; else ""."""
        said: list[str] = []
        if not self.found and "f_m" in self.theta:
            said = ["No arpeggio was found. Try a part of it that sweeps, or match it with layers."]
        elif not self.found:
            said = ["Little was found. Try another part of it, another instrument, or layers."]
        return " ".join([*said, *self.limits])


# --------------------------------------------------------------------------------------------------
# Match with layers


@dataclass(frozen=True, slots=True)
class Layer:
    """One of several sounds whose sum is matched to a target.

    Attributes
    ----------
    theta : dict
        The matchable parameters of :func:`layer_table` by id, in the table's units.
    onset : float
        Time of its onset in the given sound, s; of an arpeggio's middle; of the first one if it
        repeats.
    level : float
        Amplitude of its peak in that sound, 1.0 is full scale.
    period : float
        Time from one repetition to the next, s; 0 without repetition.
    repeats : int
        Number of its occurrences in that sound.
    share : float
        Share of the energy of all layers, 0 to 1.
    instrument : str
        Which theta it is of.
    """

    theta: dict[str, float]
    onset: float
    level: float
    period: float = 0.0
    repeats: int = 1
    share: float = 1.0
    instrument: str = "chirplet"


@dataclass(frozen=True, slots=True)
class LayersStep:
    """Progress of a match with layers.

    Attributes
    ----------
    layers : tuple of Layer
        The present layers.
    loss : float
        Minimised loss, 0 (the same sound) upwards.
    picture : float
        Correlation of their picture and the target's, in decibels, up to 1.
    evaluations : int
        Number of stages of the search.
    seconds : float
        Time since the match began, s.
    progress : float
        0 to 1.
    """

    layers: tuple[Layer, ...]
    loss: float
    picture: float
    evaluations: int
    seconds: float
    progress: float


MOST_LAYERS = 12

LAYERED = ("strike", "chirplet", "drum", "ripple", "grains")
"""Instruments that a match with layers may use."""


def layer_table(instrument: str) -> ParameterTable:
    """Parameters of an instrument as a layer; those of a ripple or grains have an envelope."""
    return enveloped_table(instrument_class(instrument))


@dataclass(frozen=True, slots=True)
class LayersSettings:
    """Settings of a match with layers.

    Attributes
    ----------
    layers : int
        Largest number of layers, 1 to :data:`MOST_LAYERS`; fewer if more do not lower the loss.
    seconds : float
        Time limit, s, with the scores at the end; the match ends with the best layers so far.
    seed : int
        Seed of the random starts.
    start : tuple of Layer
        Layers to continue from, as in a result.
    pinned : tuple of int
        Indices of the layers in `start` that stay as they are.
    kinds : tuple of str
        Instruments of new layers, of :data:`LAYERED`.
    before : LayersStep or None
        Progress of the same match before the user changed its layers, which are in `start`:
        seconds, evaluations and progress continue from there.
    extra : dict
        Keys of later versions.

    Raises
    ------
    ArgumentError
        If a setting is out of range.
    """

    layers: int = MOST_LAYERS
    seconds: float = 60.0
    seed: int = 0
    start: tuple[Layer, ...] = ()
    pinned: tuple[int, ...] = ()
    kinds: tuple[str, ...] = LAYERED
    before: LayersStep | None = None
    extra: dict[str, Any] = field(default_factory=dict[str, Any])

    def __post_init__(self) -> None:
        layers, start = self.layers, self.start
        check_number("seed", self.seed, 0)
        if not 1 <= layers <= MOST_LAYERS:
            raise ArgumentError(f"layers={layers} must be 1 to {MOST_LAYERS}.")
        if not (math.isfinite(self.seconds) and self.seconds > 0.0):
            raise ArgumentError(f"seconds={self.seconds} must be a positive number.")
        if not self.kinds or set(self.kinds) - set(LAYERED):
            raise ArgumentError(f"kinds={self.kinds} must be some of {', '.join(LAYERED)}.")
        if len(start) > layers:
            raise ArgumentError(f"start holds {len(start)} layers, more than layers={layers}.")
        for place in self.pinned:
            if not 0 <= place < len(start):
                raise ArgumentError(f"pinned holds {place}, but start has {len(start)} layers.")


@dataclass(frozen=True, slots=True)
class LayersCandidate:
    """One answer of a match with layers.

    Attributes
    ----------
    layers : tuple of Layer
    loss : float
        As in :class:`LayersStep`.
    scores : Scores
        Similarity of what they play to the target.
    """

    layers: tuple[Layer, ...]
    loss: float
    scores: Scores

    def difference(self, other: "LayersCandidate") -> str:
        """How these layers differ from others, by number and instrument: "4 strikes fewer"."""
        own, others = (Counter(one.instrument for one in each.layers) for each in (self, other))
        words: list[str] = []
        for kind in LAYERED:
            if count := own[kind] - others[kind]:
                plural = "" if abs(count) == 1 or kind == "grains" else "s"
                words.append(f"{abs(count)} {kind}{plural} {'more' if count > 0 else 'fewer'}")
        return ", ".join(words) or "the same kinds"


@dataclass(frozen=True, slots=True)
class LayersResult:
    """Result of a match with layers.

    Attributes
    ----------
    layers : tuple of Layer
        In the order in which they were found, after those of the start.
    scores : Scores
        Similarity of what they play to the target.
    loss, evaluations, seconds
        As in :class:`LayersStep`.
    converged : bool
        False if the match was stopped or reached its time limit.
    candidates : tuple of LayersCandidate
        This answer, and others with fewer layers or other kinds, from many layers to few.
    """

    layers: tuple[Layer, ...]
    scores: Scores
    loss: float
    evaluations: int
    seconds: float
    converged: bool
    candidates: tuple[LayersCandidate, ...] = ()


# --------------------------------------------------------------------------------------------------
# Match of a long sound


SHORTEST_HOP, LONGEST_HOP = 0.05, 2.0
"""s; beyond the longest there would be sound in no window."""

_FIRST = ("f_c", "f_m", "gamma", "w")


@dataclass(frozen=True, slots=True)
class SequenceSettings:
    """Settings of the match of a long sound.

    Attributes
    ----------
    hop : float
        Time from one window's middle to the next one's, s, :data:`SHORTEST_HOP` to
        :data:`LONGEST_HOP`.
    unknowns : tuple of str
        Ids of the parameters to find.
    pinned : mapping
        Fixed values by id; the other parameters have their defaults.
    extra : dict
        Keys of later versions.

    Raises
    ------
    ArgumentError
        If the hop is out of range, or an id does not exist.
    """

    hop: float = 1.0
    unknowns: tuple[str, ...] = _FIRST
    pinned: Mapping[str, float] = field(default_factory=dict[str, float])
    extra: dict[str, Any] = field(default_factory=dict[str, Any])

    def __post_init__(self) -> None:
        if not SHORTEST_HOP <= self.hop <= LONGEST_HOP:
            raise ArgumentError(
                f"hop={self.hop:g} must be {SHORTEST_HOP:g} to {LONGEST_HOP:g} seconds."
            )
        for id_ in (*self.unknowns, *self.pinned):
            if id_ not in PARAMETERS.matchable:
                raise ArgumentError(
                    f"{id_!r} cannot be matched; choose of {', '.join(PARAMETERS.matchable)}."
                )


@dataclass(frozen=True, slots=True)
class Moment:
    """Result of one window of a long sound.

    Attributes
    ----------
    time : float
        Middle of the window, s of the sound.
    theta : dict
        By id, in the table's units; empty in silence.
    std : dict
        Standard deviations of the unknowns, by id, in the same units.
    loss : float
        Half the squared distance of unit-norm JTFS vectors, 0 to 2; 0 in silence.
    onset : float
        Time of the arpeggio's middle, s of the sound.
    gain : float
        Peak of its envelope; 1.0 is full scale.
    fresh : bool
        Whether the search started from the table rather than from the theta before.
    evaluations : int
        Number of evaluations of the JTFS.
    """

    time: float
    theta: dict[str, float] = field(default_factory=dict[str, float])
    std: dict[str, float] = field(default_factory=dict[str, float])
    loss: float = 0.0
    onset: float = 0.0
    gain: float = 0.0
    fresh: bool = False
    evaluations: int = 0

    @property
    def silent(self) -> bool:
        """Whether the window was silent."""
        return not self.theta

    @property
    def found(self) -> bool:
        """Whether the loss is low enough for an arpeggio to be in the window."""
        return bool(self.theta) and self.loss < FOUND_LOSS

    @property
    def sigma(self) -> float:
        """Standard deviation of the arpeggio's envelope, s."""
        return SIGMA_0 * sweep_seconds(self.theta["w"], self.theta["gamma"])


@dataclass(frozen=True, slots=True)
class LongSound:
    """Source of a sequence.

    Attributes
    ----------
    name : str
        File name.
    sha256 : str
        Of its bytes.
    duration : float
        s.
    remark : str
        A sentence about what is missing of the file, or ""; not kept in files.
    """

    name: str
    sha256: str
    duration: float
    remark: str = ""

    def windows(self, hop: float) -> int:
        """Number of windows for a hop, s."""
        return max(1, -int(-self.duration // hop))


@dataclass(frozen=True, slots=True)
class MatchedSequence:
    """Match of a long sound, complete or in progress.

    Attributes
    ----------
    sound : LongSound
    settings : SequenceSettings
    moments : list of Moment
        One per window, in order.
    """

    sound: LongSound
    settings: SequenceSettings
    moments: list[Moment] = field(default_factory=list[Moment])

    @property
    def finished(self) -> bool:
        """Whether all windows were matched."""
        return len(self.moments) >= self.sound.windows(self.settings.hop)

    @property
    def progress(self) -> float:
        """0 to 1."""
        return min(1.0, len(self.moments) / self.sound.windows(self.settings.hop))


# --------------------------------------------------------------------------------------------------
# Tracking


TrackingPhase = Literal["listening", "following", "silent"]
"""Whether theta is still being looked for, is followed, or there is nothing to hear."""


class Ear(Protocol):
    """Source of the sound to track; it is sent to another process."""

    def read_new(self) -> NDArray[np.float32]:
        """Samples since the last call, mono."""
        ...

    def skip(self) -> None:
        """Discard what has come; the next :meth:`read_new` begins here."""
        ...


@dataclass(frozen=True, slots=True)
class TrackedTheta:
    """Result of tracking for the newest window.

    Attributes
    ----------
    hearing : str
    theta : dict
        Tracked parameters by id, in the table's units, smoothed for listening; without parameters
        that the sound does not determine at present; empty until theta is found.
    std : dict
        Standard deviations, same keys and units.
    loss : float
        Half the squared distance between the unit vectors of window and model, 0 (same) to 2.
    confidence : float
        0 (a guess) to 1 (certain), from the loss and the standard deviations.
    age : float
        Age of the middle of the sound in the window, s before the newest sample.
    level : float
        Level of the window, dBFS.
    heard_at : float
        Time of the newest sample, s of the monotonic clock.
    """

    hearing: TrackingPhase
    theta: Mapping[str, float]
    std: Mapping[str, float]
    loss: float
    confidence: float
    age: float
    level: float
    heard_at: float = 0.0
