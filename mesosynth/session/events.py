"""What :meth:`mesosynth.session.Session.poll` reports, as small frozen records."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mesosynth.audio.waveform_peaks import Overview
from mesosynth.matching.automation import AutomationMoved, SequenceChanged
from mesosynth.matching.results import (
    Analysis,
    Cell,
    Drivers,
    Hearing,
    LayersResult,
    LayersStep,
    MatchResult,
    MatchStep,
    Scores,
)
from mesosynth.presets.preset import Preset
from mesosynth.units import SILENCE_DB

Source = Literal["user", "preset", "match", "midi"]
"""Who moved the parameters."""

Heard = Literal["target", "match", "both"]
"""What is heard of the target and the match, while they are compared."""


@dataclass(frozen=True, slots=True)
class ParametersChanged:
    """The live parameters moved: `values` holds all of them by id."""

    values: dict[str, float]
    source: Source


@dataclass(frozen=True, slots=True)
class TargetLoaded:
    """A target is ready: its name and waveform, mono, as the matcher sees it.

    And where in its file the waveform begins, s, with the envelope of the whole file; None for a
    target that is no file.
    """

    name: str
    audio: NDArray[np.float32]
    sample_rate: float
    start: float = 0.0
    overview: Overview | None = None


@dataclass(frozen=True, slots=True)
class Analysed:
    """Pictures arrived, of the target or of the sound that the parameters make now."""

    what: Literal["target", "sound"]
    analysis: Analysis


@dataclass(frozen=True, slots=True)
class MatchStarted:
    """A match began."""


@dataclass(frozen=True, slots=True)
class MatchProgress:
    """A match took a step."""

    step: MatchStep


@dataclass(frozen=True, slots=True)
class MatchEnded:
    """A match ended, by itself or because it was stopped; None if it came to no theta at all."""

    result: MatchResult | None


@dataclass(frozen=True, slots=True)
class MatchJudged:
    """How alike a candidate of the last match is to the target is known; `result` says it."""

    result: MatchResult


@dataclass(frozen=True, slots=True)
class Auditioned:
    """Target and match are compared by ear, and this is heard; None: no longer."""

    what: Heard | None


@dataclass(frozen=True, slots=True)
class MatchPaused:
    """A match stands still until `Session.resume_match` or `stop_match`."""


@dataclass(frozen=True, slots=True)
class MatchResumed:
    """A match that stood still goes on, with the steps that it had not taken yet."""


@dataclass(frozen=True, slots=True)
class LayersStarted:
    """A match with layers began."""


@dataclass(frozen=True, slots=True)
class LayersProgress:
    """A match with layers took a step."""

    step: LayersStep


@dataclass(frozen=True, slots=True)
class LayersEnded:
    """A match with layers ended; None if it came to no layer at all."""

    result: LayersResult | None


@dataclass(frozen=True, slots=True)
class LayersChanged:
    """Layers came, went or moved, or something else is said of them: see `Session.layers`."""


@dataclass(frozen=True, slots=True)
class LayersJudged:
    """Each layer's share of what is heard, 0 to 1, and how alike the sum and the target are."""

    shares: tuple[float, ...]
    scores: Scores | None


@dataclass(frozen=True, slots=True)
class ExploreStarted:
    """A map of the loss begins, empty; without axes: there is no map any more.

    Attributes
    ----------
    axes : (str, str) or None
        Ids of the two parameters.
    x_values, y_values : (n,) float64
        Values on the first and on the second axis, in the table's units.
    """

    axes: tuple[str, str] | None
    x_values: NDArray[np.float64]
    y_values: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Explored:
    """Some cells of the map that began last, the nearest to the live point first."""

    axes: tuple[str, str]
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Transport:
    """Whether the instrument plays, and through what."""

    playing: bool
    device: str
    silent: bool


@dataclass(frozen=True, slots=True)
class Recording:
    """The state of a recording: seconds so far, the input's level in dBFS, and whether it runs."""

    running: bool
    seconds: float
    level: float


@dataclass(frozen=True, slots=True)
class Followed:
    """What following the input came to: whether it goes on, and what the newest look said.

    Attributes
    ----------
    running : bool
    hearing : {"listening", "following", "silent"}
        Whether theta is still being looked for, is followed, or there is nothing to hear.
    theta : dict
        What was heard, by id, as it should be now; empty until it is found.
    confidence : float
        0 (a guess) to 1 (as good as certain).
    lag : float
        Age of what that rests on, s: the middle of the sound that was heard, and all that came
        after it, the input's latency included.
    level : float
        Of the input, dBFS.
    frozen : bool
        Whether the sound stays as it is all the same.
    """

    running: bool
    hearing: Hearing = "listening"
    theta: dict[str, float] = field(default_factory=dict[str, float])
    confidence: float = 0.0
    lag: float = 0.0
    level: float = SILENCE_DB
    frozen: bool = False


@dataclass(frozen=True, slots=True)
class Capture:
    """The state of a capture of the output: whether it runs, seconds so far, and its file."""

    running: bool
    seconds: float
    path: Path


@dataclass(frozen=True, slots=True)
class SavedLast:
    """The last minutes are in a file; `recovered`: those of a session that was killed."""

    path: Path
    seconds: float
    recovered: bool


@dataclass(frozen=True, slots=True)
class RackChanged:
    """The effects, or what they can be asked, are others: see `Session.effects`, `.parameters`."""


@dataclass(frozen=True, slots=True)
class PresetLoaded:
    """The sound was taken from a preset; `path` is its file, or None."""

    preset: Preset
    path: Path | None


@dataclass(frozen=True, slots=True)
class ControlPorts:
    """The MIDI inputs there are, those that are heard, and the OSC port or None."""

    present: tuple[str, ...]
    heard: tuple[str, ...]
    osc: int | None


@dataclass(frozen=True, slots=True)
class MidiActivity:
    """So many MIDI and OSC messages arrived since the last poll."""

    messages: int


@dataclass(frozen=True, slots=True)
class ControllerLearned:
    """A MIDI controller moves a parameter from now on."""

    parameter: str
    channel: int
    controller: int


@dataclass(frozen=True, slots=True)
class ProgramChanged:
    """A MIDI program change arrived, for whoever keeps a bank of presets."""

    channel: int
    program: int


@dataclass(frozen=True, slots=True)
class Message:
    """One sentence for the user."""

    text: str
    severity: Literal["info", "warning", "error"]


Event = (
    ParametersChanged | TargetLoaded | Analysed | MatchStarted | MatchProgress | MatchEnded
    | Transport | Recording | Followed | Capture | SavedLast | RackChanged | Message | ControlPorts
    | MidiActivity | ControllerLearned | ProgramChanged | PresetLoaded
    | MatchJudged | Auditioned | MatchPaused | MatchResumed | ExploreStarted | Explored
    | SequenceChanged | AutomationMoved
    | Drivers | LayersStarted | LayersProgress | LayersEnded | LayersChanged | LayersJudged
)  # fmt: skip
