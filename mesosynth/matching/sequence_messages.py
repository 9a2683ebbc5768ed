"""What a long sound is matched to: theta after theta, small frozen records without torch."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from mesosynth.errors import ArgumentError
from mesosynth.instruments.chirplet_parameters import PARAMETERS, SIGMA_0
from mesosynth.matching.results import FOUND_LOSS

SHORTEST_HOP, LONGEST_HOP = 0.05, 2.0
"""s; beyond the longest there would be sound in no window."""

_FIRST = ("f_c", "f_m", "gamma", "w")


@dataclass(frozen=True, slots=True)
class SequenceSettings:
    """How to match a long sound.

    Attributes
    ----------
    hop : float
        Seconds from one window's middle to the next one's, :data:`SHORTEST_HOP` to
        :data:`LONGEST_HOP`.
    unknowns : tuple of str
        Ids of what is looked for.
    pinned : mapping
        Values by id of what is not; what is missing stands at its default.

    Raises
    ------
    ArgumentError
        If the hop is out of range, or an id does not exist.
    """

    hop: float = 1.0
    unknowns: tuple[str, ...] = _FIRST
    pinned: Mapping[str, float] = field(default_factory=dict[str, float])

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
    """What was found around one window's middle.

    Attributes
    ----------
    time : float
        The window's middle, s of the sound.
    theta : dict
        By id, in the table's units; empty where there was silence.
    std : dict
        Standard deviations of what was looked for, by id, in the same units.
    loss : float
        Half the squared distance of unit-norm JTFS vectors, 0 to 2; 0 in silence.
    onset : float
        When the arpeggio is in its middle, s of the sound.
    gain : float
        Peak of its envelope; 1.0 is full scale.
    fresh : bool
        Whether it was looked for everywhere, rather than around the theta before.
    evaluations : int
        Of the JTFS.
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
        """Whether there was nothing to match."""
        return not self.theta

    @property
    def found(self) -> bool:
        """Whether an arpeggio explains what was there."""
        return bool(self.theta) and self.loss < FOUND_LOSS

    @property
    def sigma(self) -> float:
        """Standard deviation of the arpeggio's envelope, s."""
        return SIGMA_0 * self.theta["w"] / abs(self.theta["gamma"])


@dataclass(frozen=True, slots=True)
class LongSound:
    """What a sequence was matched of.

    Attributes
    ----------
    name : str
        The file's name.
    sha256 : str
        Of its bytes.
    duration : float
        s.
    """

    name: str
    sha256: str
    duration: float

    def windows(self, hop: float) -> int:
        """How many windows a hop, s, makes of it."""
        return max(1, -int(-self.duration // hop))


@dataclass(frozen=True, slots=True)
class MatchedSequence:
    """A long sound as far as it was matched.

    Attributes
    ----------
    sound : LongSound
    settings : SequenceSettings
    moments : list of Moment
        One a window, in order.
    """

    sound: LongSound
    settings: SequenceSettings
    moments: list[Moment] = field(default_factory=list[Moment])

    @property
    def finished(self) -> bool:
        """Whether all of it was matched."""
        return len(self.moments) >= self.sound.windows(self.settings.hop)

    @property
    def progress(self) -> float:
        """0 to 1."""
        return min(1.0, len(self.moments) / self.sound.windows(self.settings.hop))
