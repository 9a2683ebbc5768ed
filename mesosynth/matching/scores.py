"""How alike two sounds are, in three views at once, so that none of them can be flattered alone."""

from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Scores:
    """Cosines between two sounds, level-matched, 0 (nothing in common) to 1 (the same).

    Attributes
    ----------
    jtfs : float
        Of the joint time-frequency scattering averaged over all time: texture and melody, whenever
        they come.
    mss : float
        Of the multi-scale spectrogram: the waveform's magnitudes, when they come.
    log_mel : float
        Of decibels in mel bands above the target's noise, around their mean: what is faint counts
        as well, and when it comes.
    """

    jtfs: float
    mss: float
    log_mel: float

    def as_dict(self) -> dict[str, float]:
        """By name, for JSON and presets."""
        return asdict(self)

    @property
    def brief(self) -> str:
        """The three in the order above, where there is little room."""
        return f"alike {self.jtfs:.2f} {self.mss:.2f} {self.log_mel:.2f}"

    def __str__(self) -> str:
        return f"JTFS {self.jtfs:.3f}, MSS {self.mss:.3f}, log-mel {self.log_mel:.3f}"
