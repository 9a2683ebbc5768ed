"""Cases of the JTFS benchmark: forms of the paper's transform, and values or derivatives."""

import itertools
from dataclasses import asdict, dataclass
from typing import Any, Literal

Form = Literal["frames", "global", "periodic"]
Work = Literal["value", "jvp2", "jvp4", "reverse"]
Mode = Literal["exact", "lean"]

SAMPLES = 32768
SAMPLE_RATE = 8192

PAPER: dict[str, Any] = {"J": 12, "Q": (8, 2), "J_fr": 5, "Q_fr": 2, "F": 0}
"""The paper's transform, for signals of SAMPLES at SAMPLE_RATE."""

FORMS: dict[Form, dict[str, Any]] = {
    "frames": {"T": None, "boundary": "reflect"},
    "global": {"T": "global", "boundary": "reflect"},
    "periodic": {"T": "global", "boundary": "periodic"},
}
"""Averaged to frames of 2**12 samples (eight); averaged over all time; the matcher's form."""

DIRECTIONS: dict[Work, slice] = {
    "value": slice(0, 0), "jvp2": slice(1, 3), "jvp4": slice(0, 4), "reverse": slice(0, 0),
}  # fmt: skip
"""Which derivatives of the arpeggio along (f_c, f_m, gamma, w) ride along: the paper's two, or all.
"reverse" is the gradient of the norm of S with respect to the waveform."""

TOLERANCE: dict[Mode, float] = {"exact": 0.0, "lean": 1e-3}


@dataclass(frozen=True)
class Case:
    """One measurement.

    Attributes
    ----------
    form, work, mode
        Keys of FORMS, DIRECTIONS and TOLERANCE.
    device : str
        What torch calls it.
    sound : {"arpeggio", "noise"}
        The paper's target, again and again where `samples` hold more than one; or white noise, in
        which nothing can be left out.
    samples, sample_rate : int
    J, J_fr : int
        The paper's, unless a test wants something small.
    """

    form: Form
    work: Work
    mode: Mode
    device: str = "cpu"
    sound: Literal["arpeggio", "noise"] = "arpeggio"
    samples: int = SAMPLES
    sample_rate: int = SAMPLE_RATE
    J: int = PAPER["J"]
    J_fr: int = PAPER["J_fr"]

    @property
    def name(self) -> str:
        """The case in a word: form/work/mode, and the device unless it is the CPU."""
        words = [self.form, self.work, self.mode]
        return "/".join(words if self.device == "cpu" else [*words, self.device])

    @property
    def transform(self) -> dict[str, Any]:
        """Arguments of JTFS."""
        arguments = {**PAPER, "J": self.J, "J_fr": self.J_fr, **FORMS[self.form]}
        return {"shape": self.samples, **arguments, "tolerance": TOLERANCE[self.mode]}

    def as_json(self) -> dict[str, Any]:
        """Arguments of this class."""
        return asdict(self)


def paper_cases(devices: list[str], sound: Literal["arpeggio", "noise"]) -> list[Case]:
    """Every form, work and mode of the paper's transform on the devices.

    Parameters
    ----------
    devices : list of str
        As torch calls them.
    sound : {"arpeggio", "noise"}
    """
    return [
        Case(form, work, mode, device, sound)
        for device, form, mode, work in itertools.product(devices, FORMS, TOLERANCE, DIRECTIONS)
    ]


LENGTHS: list[tuple[float, int]] = [
    *((seconds, SAMPLE_RATE) for seconds in (0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 60.0)),
    (4.0, 44100),
]
"""Seconds and sample rates over which the cost is followed."""


def length_cases(device: str) -> list[Case]:
    """The transform in frames with four tangents, exact and lean, on signals of LENGTHS."""
    return [
        Case("frames", "jvp4", mode, device, samples=round(seconds * rate), sample_rate=rate)
        for mode in TOLERANCE
        for seconds, rate in LENGTHS
    ]
