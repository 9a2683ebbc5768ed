"""Status of the audio process, in shared memory."""

import struct
from dataclasses import asdict, astuple, dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mesosynth.engine.meters import REMEMBERED, usual
from mesosynth.engine.shared import SharedBlock


@dataclass(frozen=True, slots=True)
class AudioReport:
    """The part of the status that seldom changes, written by the loop of the audio process.

    Attributes
    ----------
    device : str
        Name of the output device.
    silent : bool
        Whether that is the silent clock.
    running : bool
        Whether blocks are played and the process reported within the last two seconds.
    sample_rate : int
        Hz.
    latency : float
        From a parameter's change to the device's output, s: latency reported by the device, and
        the limiter's look-ahead.
    latency_in : float
        Of the input as it reports it, s; 0 when it is closed.
    faults : int
        Number of blocks that were silenced because the instrument failed or was not finite.
    rack_revision : int
        Grows with every change of the slots' reports.
    message : str
        One sentence for the user, or "".
    recording_rate : int
        Sample rate of the input, Hz; 0 when it is closed.
    """

    device: str = ""
    silent: bool = True
    running: bool = False
    sample_rate: int = 0
    latency: float = 0.0
    latency_in: float = 0.0
    faults: int = 0
    rack_revision: int = 0
    message: str = ""
    recording_rate: int = 0


@dataclass(frozen=True, slots=True)
class AudioStatus(AudioReport):
    """Status of the audio process: its report, and the counts of its callback.

    Attributes
    ----------
    block : int
        Frames in the last block.
    blocks, underflows : int
        Blocks played, and times the device ran dry, since the process started; underflows,
        overruns, heavy blocks, the longest and the largest peaks also since the meters were last
        reset.
    overruns : int
        Blocks that took longer to compute than they last. Where the device ran dry without one, the
        callback was late: the machine, the sound server or Python's interpreter delayed it.
    heavy : int
        Blocks that kept a processor busy for three quarters of their time or more: too much work,
        or too slow a core. In other overruns another program, or Python's interpreter lock, had the
        core.
    callback_ms_median, callback_ms_max : float
        Time to compute a block, ms: median of the last 1024, longest so far.
    load, load_max : float
        The same as a share of the block's time; 1.0 is all of it.
    peak, true_peak : float
        Largest magnitude so far, at and between the samples; 1.0 is full scale.
    peak_left, peak_right, rms_left, rms_right : float
        Present levels: a peak falls by 20 dB in 1.7 s, the RMS is over 0.3 s.
    started : float
        Time stamp of an event that is heard with the transport's last start, of the performance
        counter, s; 0 before.
    heartbeat : float
        `time.monotonic()` of the last sign of life of the process's loop, s.
    audition : float
        Position of the audition's sound, s; -1 while it is silent.
    """

    block: int = 0
    blocks: int = 0
    underflows: int = 0
    overruns: int = 0
    heavy: int = 0
    callback_ms_median: float = 0.0
    callback_ms_max: float = 0.0
    load: float = 0.0
    load_max: float = 0.0
    peak: float = 0.0
    true_peak: float = 0.0
    peak_left: float = 0.0
    peak_right: float = 0.0
    rms_left: float = 0.0
    rms_right: float = 0.0
    started: float = 0.0
    heartbeat: float = 0.0
    audition: float = -1.0


COUNTED = (
    "blocks", "block", "underflows", "overruns", "heavy", "noted", "longest", "load_max",
    "peak", "true_peak", "peak_left", "peak_right", "rms_left", "rms_right", "started", "audition",
)  # fmt: skip
"""Numbers that change with every block, in the order in which the callback writes them."""

_FORMATS = {str: "S1024", bool: "?", int: "i8", float: "f8"}
_TOLD = np.dtype([(field.name, _FORMATS[field.type]) for field in fields(AudioReport)])  # pyright: ignore[reportArgumentType] - field.type is the class itself here
_NUMBERS = struct.Struct(f"{len(COUNTED)}d")
_WHOLE = ("blocks", "block", "underflows", "overruns", "heavy")
_NOTHING = (0.0,) * (len(COUNTED) - 1) + (-1.0,)


class StatusBlock(SharedBlock):
    """The latest :class:`AudioStatus`, from the audio process to the session.

    The callback writes its own numbers. A loop beside it once wrote them, thirty times a second, in
    half a millisecond of Python; as the interpreter runs one thread at a time, 4 of 100 callbacks
    met the loop and took 0.6 ms longer.

    Parameters
    ----------
    name : str, optional
        Of an existing block, to attach to it; None creates one.

    Attributes
    ----------
    times : (2, REMEMBERED) float64
        For :class:`mesosynth.engine.meters.Load`.
    """

    def __init__(self, name: str | None = None) -> None:
        words = 2 + len(COUNTED) + 2 * REMEMBERED
        super().__init__(8 * words + _TOLD.itemsize, name)
        self._array("version", np.int64, 1, 0)
        self._array("heartbeat", np.float64, 1, 8)
        self._array("counted", np.float64, len(COUNTED), 16)
        times = self._array("times", np.float64, 2 * REMEMBERED, 8 * (2 + len(COUNTED)))
        self._arrays["times"] = times.reshape(2, REMEMBERED)
        self._array("report", _TOLD, 1, 8 * words)
        self._report, self._row = AudioReport(), np.zeros(len(COUNTED))
        if name is None:
            self.publish(self._report)
            self.count(*_NOTHING)

    def __reduce__(self) -> tuple[type["StatusBlock"], tuple[str]]:
        return StatusBlock, (self.name,)

    @property
    def times(self) -> NDArray[np.float64]:
        """Times of the last blocks, (2, REMEMBERED)."""
        return self._arrays["times"]

    def count(self, *numbers: float) -> None:
        """[audio] Write the numbers of :data:`COUNTED`, at once."""
        # Not into the shared numbers themselves: that fills them with zeros first, which are read.
        _NUMBERS.pack_into(self._row, 0, *numbers)  # pyright: ignore[reportArgumentType] - an array is a buffer
        self._arrays["counted"][:] = self._row

    def beat(self, now: float) -> None:
        """Write the time of a sign of life, of the monotonic clock, s; 0 for not yet."""
        self._arrays["heartbeat"][0] = now

    def publish(self, report: AudioReport) -> None:
        """Write `report`; the version is odd meanwhile."""
        version = self._arrays["version"]
        version[0] = int(version[0]) | 1
        row = tuple(v.encode() if isinstance(v, str) else v for v in astuple(report))
        self._arrays["report"][0] = row
        version[0] += 1

    def report(self) -> AudioReport:
        """Last report; the one before if it is just being written."""
        version = int(self._arrays["version"][0])
        row = self._arrays["report"][0].item()
        if version % 2 == 0 and version == int(self._arrays["version"][0]):
            values: list[Any] = [
                v.decode(errors="replace") if isinstance(v, bytes) else v for v in row
            ]
            self._report = AudioReport(*values)
        return self._report

    def read(self) -> AudioStatus:
        """Present status."""
        counted: dict[str, Any] = dict(zip(COUNTED, self._arrays["counted"].tolist(), strict=True))
        counted |= {name: int(counted[name]) for name in _WHOLE}
        seconds, load = usual(self.times, int(counted.pop("noted")))
        longest = counted.pop("longest")
        return AudioStatus(
            **asdict(self.report()),
            **counted,
            callback_ms_median=1000.0 * seconds,
            callback_ms_max=1000.0 * longest,
            load=load,
            heartbeat=float(self._arrays["heartbeat"][0]),
        )
