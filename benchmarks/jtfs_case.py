"""Cases of the JTFS benchmark: forms of the paper's transform, and values or derivatives."""

import itertools
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

Form = Literal["frames", "global", "periodic", "scrapl"]
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
    "scrapl": {"T": 4096, "J_fr": 3, "F": 8, "boundary": "reflect"},
}
"""Averaged to frames of 2**12 samples (eight); averaged over all time; the matcher's form; and the
setting of SCRAPL's authors, which averages along log-frequency too."""

PAPERS: tuple[Form, ...] = ("frames", "global", "periodic")
"""Forms of the paper's transform."""

SCRAPL_BATCH = 4
"""Signals in a batch of SCRAPL's authors."""

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
        The paper's, unless a test wants something small or the form has its own.
    batch : int
        Signals at once.
    is_apart : bool
        Whether the signals of the batch are computed one by one.
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
    batch: int = 1
    is_apart: bool = False

    @property
    def name(self) -> str:
        """The case in a word: form/work/mode, the device unless it is the CPU, and the batch."""
        words = [self.form, self.work, self.mode]
        if self.device != "cpu":
            words.append(self.device)
        if self.batch > 1:
            words.append(f"{self.batch} singles" if self.is_apart else f"batch of {self.batch}")
        return "/".join(words)

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
        for device, form, mode, work in itertools.product(devices, PAPERS, TOLERANCE, DIRECTIONS)
    ]


def scrapl_cases(sound: Literal["arpeggio", "noise"]) -> list[Case]:
    """Reverse mode in the setting of SCRAPL's authors, exact and lean.

    Parameters
    ----------
    sound : {"arpeggio", "noise"}
    """
    return [Case("scrapl", "reverse", mode, sound=sound, batch=SCRAPL_BATCH) for mode in TOLERANCE]


BATCH = 16
"""Signals of the batches that are compared with single calls."""


def batch_cases(sound: Literal["arpeggio", "noise"]) -> list[tuple[Case, Case]]:
    """Lean works on a batch, each with the same signals one by one.

    Parameters
    ----------
    sound : {"arpeggio", "noise"}
    """
    works: tuple[Work, ...] = ("value", "jvp4", "reverse")
    together = [Case("periodic", work, "lean", sound=sound, batch=BATCH) for work in works]
    return [(case, replace(case, is_apart=True)) for case in together]


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
