"""Granular synthesizer, live: an endless cloud of sweeping grains.

The formula is that of :mod:`mesosynth.instruments.grains_torch`, the loop that of
:mod:`mesosynth.instruments.grains_kernel`. Time is divided into pages of GRAINS grains, each with a
pitch and a place in its page by :func:`draw`; page 0 is the offline cloud of the same seed.
"""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mesosynth import units
from mesosynth.instruments.keyboard import BEND, GAIN, KEYS, MIDI_CHANNELS, MIDI_KEYS, Keyboard
from mesosynth.plugins.parameters import Parameter, ParameterTable
from mesosynth.plugins.plugin import CHANNELS, EventKind, Events, Instrument
from mesosynth.plugins.tuning import KeyTuning

# --------------------------------------------------------------------------------------------------
# Parameter table and draw, for the live and the offline form


GRAINS = 64
"""Grains of a page; the density says how many of them are heard."""

PAGE = 3.5
"""Length of the authors' cloud without its last grain, s."""

LOWEST, HIGHEST = 256.0, 2048.0
"""Pitches in the middle of the authors' grains, Hz."""

LENGTH = 0.5
"""Length of the authors' grains, s."""

SWEEP = 8192.0 / (4.0 * 12.0 * 256.0)
"""Chirp rate of slopes 1/2 +- 0.26, octaves/s; the authors' rate over 4 Q hop."""

LEVEL = 0.334
"""RMS of the live cloud of default range and length, at 0 dB, whatever its density."""

PARAMETERS = ParameterTable(
    [
        Parameter(
            "density", "Density", "", 0.0, 1.0, 0.5,
            "How many grains are heard, from one a page (0) to all (1).", matchable=True,
        ),
        Parameter(
            "slope", "Slope", "", 0.0, 1.0, 0.5,
            "How grains sweep: they fall below a half, and climb above.", matchable=True,
        ),
        Parameter(
            "f_low", "Lowest", "Hz", 20.0, 8000.0, LOWEST,
            "Pitch of the lowest grains; a key transposes the middle of the range to its own.",
            curve="log",
        ),
        Parameter(
            "f_high", "Highest", "Hz", 20.0, 8000.0, HIGHEST, "Pitch of the highest grains.",
            curve="log",
        ),
        Parameter(
            "length", "Length", "s", 0.01, 2.0, LENGTH,
            "Length of a grain; at most 64 sound at once, so it ends there.", curve="log",
        ),
        Parameter(
            "rate", "Rate", "Hz", 2.0, 256.0, GRAINS / PAGE,
            "Grains a second, heard or not.", curve="log",
        ),
        Parameter(
            "spread", "Spread", "", 0.0, 1.0, 0.0,
            "How far grains lie from the middle, to the left and to the right.",
        ),
        GAIN,
    ]
)  # fmt: skip

P_DENSITY, P_SLOPE, P_LOW, P_HIGH, P_LENGTH, P_RATE, P_SPREAD, P_GAIN = range(len(PARAMETERS))

_GOLDEN = 0x9E3779B97F4A7C15


def draw(seed: int, page: int) -> NDArray[np.float64]:
    """Random numbers of a page: pitch, place and side of each grain, (3, GRAINS), 0 to 1.

    SplitMix64 of a counter, which the kernel computes as well, without a generator's state.

    Parameters
    ----------
    seed, page : int
        Not negative.

    Returns
    -------
    (3, GRAINS) float64
    """
    number = np.arange(3 * GRAINS, dtype=np.uint64) + np.uint64(3 * GRAINS * page)
    z = (number + np.uint64(seed << 32) + np.uint64(1)) * np.uint64(_GOLDEN)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z = z ^ (z >> np.uint64(31))
    return (z >> np.uint64(11)).astype(np.float64).reshape(3, GRAINS) * 2.0**-53


# --------------------------------------------------------------------------------------------------
# The instrument


class Grains(Instrument):
    """Cloud of grains; held keys give the pitches and the levels of those that begin.

    With several keys, each grain takes one by chance. While frozen, grains do not sweep.
    """

    name = "Grains"
    parameters = PARAMETERS
    seed = 0

    def __init__(self) -> None:
        self._tuning = KeyTuning()
        self._keyboard = Keyboard()

    def prepare(self, sample_rate: float, max_block: int) -> None:
        """[control] Allocate everything for blocks of up to `max_block` frames, then reset."""
        from mesosynth.instruments import grains_kernel

        self._kernel = grains_kernel
        self._rate = float(sample_rate)
        self._grains = np.zeros((2 * GRAINS, grains_kernel.FIELDS))
        self._cloud = np.zeros(grains_kernel.CLOUD)
        self._ramps = np.zeros((2, grains_kernel.RAMPS))
        self._held = np.zeros((KEYS, 2))
        self._mix = np.zeros((CHANNELS, max_block))
        self.reset()

    def reset(self) -> None:
        """[control] Forget all sound, as if `prepare` had just returned."""
        self._keyboard.reset()
        self._grains.fill(0.0)
        self._cloud.fill(0.0)
        self._count = 0  # of held keys
        self._fresh, self._frozen = True, False

    def state(self) -> dict[str, Any]:
        """[control] Scale of the keys, if it is not the equal temperament."""
        return self._tuning.state()

    def restore(self, state: Mapping[str, Any]) -> None:
        """[control] Tune the keys, as :meth:`mesosynth.plugins.tuning.KeyTuning.restore`.

        Raises
        ------
        ArgumentError
            If it is not a scale; the keys stay as they were.
        """
        self._tuning.restore(state)

    def process(
        self, values: NDArray[np.float64], events: Events, block: NDArray[np.float32]
    ) -> None:
        """[audio] Overwrite `block`, (2, frames) float32, with the next samples."""
        knobs: list[float] = values.tolist()
        begin, frames = 0, block.shape[1]
        if len(events):
            for event in events.tolist():  # gestures ramp over the block
                if event[1] in (EventKind.PITCH_BEND, EventKind.FREEZE):
                    self._hear(*event[1:])
        self._aim(knobs)
        if len(events):
            for event in events.tolist():
                if event[1] in (EventKind.PITCH_BEND, EventKind.FREEZE):
                    continue
                if event[0] > begin:
                    self._render(block, begin, event[0])
                    begin = event[0]
                self._hear(*event[1:])
        self._render(block, begin, frames)

    def _render(self, block: NDArray[np.float32], begin: int, end: int) -> None:
        self._kernel.render(
            self._grains, self._cloud, self._ramps, self._held, self._count, self.seed, self._mix,
            block, begin, end,
        )  # fmt: skip

    def _aim(self, knobs: list[float]) -> None:
        """Set the ends of the ramps of a block."""
        kernel, ramps = self._kernel, self._ramps
        slope = 0.5 if self._frozen else knobs[P_SLOPE]
        gamma = SWEEP * math.tan(0.95 * (2.0 * slope - 1.0) * math.pi / 2.0)
        length = min(knobs[P_LENGTH], GRAINS / knobs[P_RATE]) * self._rate
        ramps[0] = ramps[1]
        ramps[1, kernel.RATIO] = 2.0 ** (gamma / self._rate)
        ramps[1, kernel.UNIT] = 2.0 ** (self._bend() / 12.0) / self._rate
        ramps[1, kernel.SPREAD] = knobs[P_SPREAD]
        ramps[1, kernel.GAIN] = units.db_to_amplitude(knobs[P_GAIN])
        kernel.aim(ramps, knobs[P_DENSITY], length * knobs[P_RATE] / self._rate / GRAINS)
        if self._fresh:
            ramps[0], self._fresh = ramps[1], False
        cloud = self._cloud
        cloud[kernel.LOW] = knobs[P_LOW]
        cloud[kernel.HIGH] = max(knobs[P_HIGH], knobs[P_LOW])
        cloud[kernel.LENGTH] = max(round(length), 2)
        cloud[kernel.GAMMA] = gamma / self._rate
        kernel.turn(cloud, GRAINS / knobs[P_RATE] * self._rate)

    def _bend(self) -> float:
        """Bend of the channel of the newest key, semitones."""
        held = [key for key in self._keyboard.keys if key.active]
        channel = max(held, key=lambda key: key.pressed).channel if held else 0
        return float(self._keyboard.gestures[BEND, channel])

    def _hear(self, kind: int, channel: int, note: int, value: float) -> None:
        """Apply an event."""
        keyboard, channel, note = self._keyboard, channel % MIDI_CHANNELS, note % MIDI_KEYS
        if kind == EventKind.NOTE_ON and value > 0.0:
            keyboard.press(channel, note, min(value, 1.0), float(self._tuning.hertz[note]))
        elif kind in (EventKind.NOTE_ON, EventKind.NOTE_OFF):
            keyboard.release(channel, note)
        elif kind == EventKind.SUSTAIN:
            keyboard.set_pedal(value >= 0.5)
        elif kind == EventKind.ALL_OFF:
            keyboard.let_go()
        elif kind == EventKind.FREEZE:
            self._frozen = value >= 0.5
        elif kind == EventKind.PITCH_BEND:
            keyboard.gesture(kind, channel, note, value)
        self._count = 0
        for key in keyboard.keys:
            if key.active:
                self._held[self._count, 0], self._held[self._count, 1] = key.hertz, key.gain
                self._count += 1
