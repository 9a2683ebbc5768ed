"""Rectangular drum, live: two-pole resonators that are struck, one for each mode.

The formula is that of :mod:`mesosynth.instruments.drum_torch`, the loop that of
:mod:`mesosynth.instruments.drum_kernel`. Strikes on a membrane add up, as on a real drum, and its
parameters may move while it rings. Each key strikes a membrane of its own.
"""

import math

import numpy as np
from numpy.typing import NDArray

from mesosynth import units
from mesosynth.instruments.keyboard import BEND, GAIN, REPETITION, KeyboardInstrument
from mesosynth.plugins.parameters import Parameter, ParameterTable
from mesosynth.plugins.plugin import CHANNELS

# --------------------------------------------------------------------------------------------------
# Parameter table and modes, for the live and the offline form


PICK_UP = 0.4
"""Pick-up position along both sides, 0 to 1 of a side; also the strike position of the authors."""

FADE_FROM, FADE_TO = 0.45, 0.5
"""Of the sample rate: above the first a mode fades, and is silent from the second on."""

PARAMETERS = ParameterTable(
    [
        Parameter(
            "f_c", "Pitch", "Hz", 20.0, 4000.0, 110.0,
            "Frequency of the lowest mode; a key that is played takes its place.",
            curve="log", matchable=True,
        ),
        Parameter(
            "tau", "Decay", "s", 0.01, 8.0, 0.5,
            "Time in which the lowest mode falls to 37%.", curve="log", matchable=True,
        ),
        Parameter(
            "p", "Damping", "", 1e-5, 0.2, 0.01,
            "How much faster the higher modes decay.", curve="log", matchable=True,
        ),
        Parameter(
            "D", "Stiffness", "", 1e-5, 0.3, 0.02,
            "How far the higher modes are spread, from a membrane to a plate.",
            curve="log", matchable=True,
        ),
        Parameter(
            "alpha", "Side ratio", "", 0.001, 1.0, 0.7,
            "From a long, narrow drum (0) to a square one (1).", matchable=True,
        ),
        Parameter(
            "x1", "Strike place", "", 0.01, 0.5, 0.4,
            "Where it is struck along the first side, from the edge (0) to the middle (0.5).",
        ),
        Parameter(
            "x2", "Strike place 2", "", 0.01, 0.5, 0.4,
            "Where it is struck along the second side, from the edge (0) to the middle (0.5).",
        ),
        *REPETITION,
        Parameter(
            "spread", "Spread", "", 0.0, 1.0, 0.0,
            "How far every other mode goes to the left and to the right.",
        ),
        GAIN,
    ]
)  # fmt: skip

P_F_C, P_TAU, P_P, P_D, P_ALPHA, P_X_1, P_X_2 = range(7)
P_HUMANISE, P_SPREAD, P_GAIN = (PARAMETERS.index(id_) for id_ in ("humanise", "spread", "gain"))

_SOUNDING = (1, 2, 3, 4, 6, 7, 8, 9)  # of 10: 5 and 10 have a node at PICK_UP


def mode_numbers() -> NDArray[np.float64]:
    """Half waves of each mode along the two sides, (2, 64): all up to 10 that sound."""
    return np.array([(mu_1, mu_2) for mu_1 in _SOUNDING for mu_2 in _SOUNDING], np.float64).T.copy()


# --------------------------------------------------------------------------------------------------
# The instrument


MEMBRANES = 8
"""Keys that ring at once; a further one strikes the quietest membrane, with a new pitch."""

_ENDLESS = 1e9  # s, decay while frozen
_SILENCED = 0.005  # s, decay when all sound shall end
_STRAY_LEVEL, _STRAY_PLACE = 0.5, 0.5  # shares, by humanise
_NO_KEY: tuple[int, int] = (-1, -1)


class Drum(KeyboardInstrument):
    """Rectangular drum, struck by period or tempo, or by keys.

    A key's strike rings on when the key is let go. While frozen, nothing decays.
    """

    name = "Drum"
    parameters = PARAMETERS
    pitch = "f_c"

    def prepare(self, sample_rate: float, max_block: int) -> None:
        """[control] Allocate everything for blocks of up to `max_block` frames, then reset."""
        from mesosynth.instruments import drum_kernel

        self._kernel = drum_kernel
        self._membranes = np.zeros((MEMBRANES, 10, drum_kernel.MODES))
        self._records = np.zeros((MEMBRANES, 4))
        self._lines = np.zeros((2, 2))
        self._part = np.zeros((6, drum_kernel.MODES))
        self._mix = np.zeros((CHANNELS, max_block))
        super().prepare(sample_rate, max_block)

    def forget(self) -> None:
        """[audio] Drop all sound, and let the ramps of the next block stand at their targets."""
        self._membranes.fill(0.0)
        self._records.fill(0.0)
        self._keys: list[tuple[int, int]] = [_NO_KEY] * MEMBRANES  # channel and note
        self._hertz = [0.0] * MEMBRANES  # of the key; 0 follows the parameter
        self._aimed: list[float] = []
        self._was_frozen = False

    def begin_block(self) -> None:
        """[audio] Aim the ramps of a block at the knobs."""
        knobs, lines = self.knobs, self._lines
        lines[:, 0] = lines[:, 1]
        lines[self._kernel.GAIN, 1] = units.db_to_amplitude(knobs[P_GAIN])
        lines[self._kernel.SPREAD, 1] = knobs[P_SPREAD]
        if not self._aimed:
            lines[:, 0] = lines[:, 1]
        theta = knobs[: P_ALPHA + 1]
        still = theta == self._aimed and self.frozen == self._was_frozen
        if still and not self.keyboard.moved:
            return
        self._aimed, self._was_frozen, self.keyboard.moved = theta, self.frozen, False
        for place in range(MEMBRANES):
            if self._records[place, self._kernel.ENERGY] > 0.0:
                self._aim(place)
                self._records[place, self._kernel.MOVING] = 2.0

    def start(self, place: int) -> None:
        """[audio] Strike with the key at `place`, or without a key (-1)."""
        kernel, knobs = self._kernel, self.knobs
        key = self.keyboard.keys[place]
        owner = _NO_KEY if place < 0 else (key.channel, key.note)
        hertz = 0.0 if place < 0 else key.hertz
        struck = self._membrane_of(owner)
        membrane, record = self._membranes[struck], self._records[struck]
        fresh = record[kernel.ENERGY] == 0.0 or hertz != self._hertz[struck]
        self._keys[struck], self._hertz[struck] = owner, hertz
        if fresh:
            self._aim(struck)
            kernel.ramp(membrane, 0)
            record[kernel.MOVING] = 0.0
        record[kernel.CHOKE] = 1.0
        stray = knobs[P_HUMANISE]
        level = 1.0 - _STRAY_LEVEL * stray * self.chance.random()
        inward = 1.0 - _STRAY_PLACE * stray * self.chance.random()
        velocity = level * (1.0 if place < 0 else key.gain)
        kernel.strike(membrane, record, inward * knobs[P_X_1], inward * knobs[P_X_2], velocity)

    def release(self, place: int) -> None:
        """[audio] Let it ring on."""

    def silence(self) -> None:
        """[audio] Fade all membranes at once."""
        self._records[:, self._kernel.CHOKE] = math.exp(-1.0 / (_SILENCED * self._sample_rate))

    def render(self, block: NDArray[np.float32], begin: int, end: int) -> None:
        """[audio] Render a part of a block."""
        self._kernel.ring(
            self._membranes, self._records, self._lines, self._part, self._mix, block, begin, end
        )

    def _membrane_of(self, owner: tuple[int, int]) -> int:
        """Membrane that the key strikes: its own if it rings, else the quietest."""
        quietest, least = 0, math.inf
        for place in range(MEMBRANES):
            energy = float(self._records[place, self._kernel.ENERGY])
            if energy > 0.0 and self._keys[place] == owner:
                return place
            if energy < least:
                quietest, least = place, energy
        return quietest

    def _aim(self, place: int) -> None:
        """Compute the poles of a membrane at the end of the block."""
        f_c, tau, p, D, alpha = self.knobs[: P_ALPHA + 1]
        if self._hertz[place] > 0.0:
            bend = float(self.keyboard.gestures[BEND, self._keys[place][0]])
            f_c = self._hertz[place] * 2.0 ** (bend / 12.0)
        tau = _ENDLESS if self.frozen else tau
        self._kernel.aim(self._membranes[place], f_c, tau, p, D, alpha, self._sample_rate)
