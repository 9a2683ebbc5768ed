"""Rectangular drum, live: two-pole resonators that are struck, one for each mode.

Formulas as in :mod:`mesosynth.instruments.drum_torch` (Han, Lostanlen and Lagrange, TASLP 2024).
Each mode m of a membrane is a complex state s_m and a pole z_m::

    z_m  = exp((i omega_m - sigma_m) / sample_rate)
    y[n] = sum_m Im s_m,  s_m <- z_m s_m

A strike adds A_m to the states, so strikes add up. Where theta moves, the poles ramp and the states
stay. Modes below AUDIBLE are dropped, on a grid of the membrane's own samples, so that the sound
does not depend on the size of the blocks. Each key strikes a membrane of its own.
"""

import math

import numpy as np
from numpy.typing import NDArray

from mesosynth import units
from mesosynth.instruments.keyboard import BEND, GAIN, REPETITION, KeyboardInstrument
from mesosynth.instruments.oscillator import below_nyquist
from mesosynth.plugins.parameters import Parameter, ParameterTable
from mesosynth.plugins.plugin import CHANNELS
from mesosynth.system.kernels import F4, F8, compile_loops, loop

# --------------------------------------------------------------------------------------------------
# Parameter table and modes, for the live and the offline form


PICK_UP = 0.4
"""Pick-up position along both sides, 0 to 1 of a side; also the strike position of the authors."""

PARAMETERS = ParameterTable(
    [
        Parameter("f_c", "Pitch", "Hz", 20.0, 4000.0, 110.0,
                  "Frequency of the lowest mode; a key that is played takes its place.",
                  curve="log", matchable=True),
        Parameter("tau", "Decay", "s", 0.01, 8.0, 0.5,
                  "Time in which the lowest mode falls to 37%.", curve="log", matchable=True),
        Parameter("p", "Damping", "", 1e-5, 0.2, 0.01,
                  "How much faster the higher modes decay.", curve="log", matchable=True),
        Parameter("D", "Stiffness", "", 1e-5, 0.3, 0.02,
                  "How far the higher modes are spread, from a membrane to a plate.",
                  curve="log", matchable=True),
        Parameter("alpha", "Side ratio", "", 0.001, 1.0, 0.7,
                  "From a long, narrow drum (0) to a square one (1).", matchable=True),
        Parameter("x1", "Strike place", "", 0.01, 0.5, 0.4,
                  "Where it is struck along the first side, from edge (0) to middle (0.5)."),
        Parameter("x2", "Strike place 2", "", 0.01, 0.5, 0.4,
                  "Where it is struck along the second side, from edge (0) to middle (0.5)."),
        *REPETITION,
        Parameter("spread", "Spread", "", 0.0, 1.0, 0.0,
                  "How far every other mode goes to the left and to the right."),
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
# Sample loops


MODES, HALF = 64, 32
RE, IM, POLE_RE, POLE_IM, STEP_RE, STEP_IM, AIM_RE, AIM_IM, RATIO, GATE = range(10)
"""Rows of a membrane: states, poles, what ramping poles gain in each sample, where they end, and of
a strike f_c over the mode's frequency and the fade near the Nyquist frequency."""

M_ENERGY, M_SAMPLES, M_CHOKE, M_MOVING = range(4)
"""Entries of a membrane's record: squared state of its loudest mode, samples that it has sounded,
the factor of each sample that fades it, and whether it has new aims (2) or had them in the last
block (1)."""

L_GAIN, L_SPREAD = range(2)
"""Lines of the output, from their value at the end of the last block to that of this one."""

AUDIBLE = 1e-5  # of a full strike, -100 dB
_GRID = 64  # samples
_ABOVE = 1000.0  # 1/s, decay of what rings above the Nyquist frequency
_SIDE = mode_numbers().sum(axis=0) % 2.0  # those with an even sum go to the left
_MU_1, _MU_2 = np.ascontiguousarray(mode_numbers()[:, np.argsort(_SIDE, kind="stable")])
_PICKED = np.sin(_MU_1 * (math.pi * PICK_UP)) * np.sin(_MU_2 * (math.pi * PICK_UP))


@loop("void(f8[:, ::1], f8, f8, f8, f8, f8, f8)")
def _aim(
    membrane: F8, f_c: float, tau: float, p: float, D: float, alpha: float, rate: float
) -> None:
    """Set the poles that the membrane shall have at the end of the block; tau may be infinite."""
    omega_1, B = 2.0 * math.pi * f_c, alpha + 1.0 / alpha
    loss = (1.0 - p * B) / tau
    for m in range(MODES):
        above = alpha * (_MU_1[m] ** 2 - 1.0) + (_MU_2[m] ** 2 - 1.0) / alpha
        u = above / B
        sigma = (1.0 + p * above) / tau
        omega = math.sqrt(omega_1**2 * (1.0 + u) * (1.0 + D**2 * B * above) + u * loss**2)
        membrane[RATIO, m] = omega_1 / omega
        membrane[GATE, m] = below_nyquist(omega / (2.0 * math.pi * rate))
        if membrane[GATE, m] == 0.0:
            sigma += _ABOVE
        radius, angle = math.exp(-sigma / rate), min(omega / rate, math.pi)
        membrane[AIM_RE, m] = radius * math.cos(angle)
        membrane[AIM_IM, m] = radius * math.sin(angle)


@loop("void(f8[:, ::1], i8)")
def _ramp(membrane: F8, frames: int) -> None:
    """Let the poles reach their aims in some samples; 0: at once."""
    for m in range(MODES):
        for row in (POLE_RE, POLE_IM):
            way = membrane[row + AIM_RE - POLE_RE, m] - membrane[row, m]
            if frames == 0 or way == 0.0:
                membrane[row, m] += way
                membrane[row + STEP_RE - POLE_RE, m] = 0.0
            else:
                membrane[row + STEP_RE - POLE_RE, m] = way / frames


@loop("void(f8[:, ::1], f8[::1], f8, f8, f8)")
def _strike(membrane: F8, record: F8, x_1: float, x_2: float, velocity: float) -> None:
    """Add a strike at (x_1, x_2), in sides, to the states: ``A_m = velocity K_m / sum |K|``."""
    total = 0.0
    for m in range(MODES):
        K = math.sin(_MU_1[m] * (math.pi * x_1)) * math.sin(_MU_2[m] * (math.pi * x_2)) * _PICKED[m]
        total += abs(K * membrane[RATIO, m])
    for m in range(MODES):
        K = math.sin(_MU_1[m] * (math.pi * x_1)) * math.sin(_MU_2[m] * (math.pi * x_2)) * _PICKED[m]
        membrane[RE, m] += velocity / total * K * membrane[RATIO, m] * membrane[GATE, m]
        power = membrane[RE, m] ** 2 + membrane[IM, m] ** 2
        record[M_ENERGY] = max(record[M_ENERGY], power)


@loop("void(f8[:, ::1], f8[:, ::1], i8, i8, f8, i8, i8)")
def _resonate(part: F8, mix: F8, left: int, count: int, choke: float, begin: int, end: int) -> None:
    """Run `count` resonators from frame `begin` to `end`; the first `left` go to the left.

    Sums of two, and a loop over modes that do not depend on each other, are quick on any processor.
    """
    for n in range(begin, end):
        even = odd = 0.0
        for m in range(0, left, 2):
            even += part[IM, m]
            odd += part[IM, m + 1]
        mix[0, n] += even + odd
        even = odd = 0.0
        for m in range(left, count, 2):
            even += part[IM, m]
            odd += part[IM, m + 1]
        mix[1, n] += even + odd
        for m in range(count):
            re, im = part[RE, m], part[IM, m]
            part[POLE_RE, m] += part[STEP_RE, m]
            part[POLE_IM, m] += part[STEP_IM, m]
            z_re, z_im = choke * part[POLE_RE, m], choke * part[POLE_IM, m]
            part[RE, m] = z_re * re - z_im * im
            part[IM, m] = z_re * im + z_im * re


@loop("void(f8[:, ::1], f8[::1], f8[:, ::1], f8[:, ::1], i8, i8)")
def _ring_membrane(membrane: F8, record: F8, part: F8, mix: F8, begin: int, end: int) -> None:
    """Add one membrane to the mix, at most up to the next point of its grid."""
    left = count = 0
    for side in range(2):
        for m in range(side * HALF, (side + 1) * HALF):
            if membrane[RE, m] != 0.0 or membrane[IM, m] != 0.0:
                for row in range(6):
                    part[row, count] = membrane[row, m]
                count += 1
        if count % 2:  # a silent one makes it even
            part[:, count] = 0.0
            count += 1
        if side == 0:
            left = count
    _resonate(part, mix, left, count, record[M_CHOKE], begin, end)
    record[M_SAMPLES] += end - begin
    on_grid = int(record[M_SAMPLES]) % _GRID == 0
    if on_grid:
        record[M_ENERGY] = 0.0
    count = 0
    for m in range(MODES):
        for row in (POLE_RE, POLE_IM):
            membrane[row, m] += (end - begin) * membrane[row + STEP_RE - POLE_RE, m]
        if m == HALF:
            count = left
        if membrane[RE, m] != 0.0 or membrane[IM, m] != 0.0:
            membrane[RE, m], membrane[IM, m] = part[RE, count], part[IM, count]
            count += 1
            power = membrane[RE, m] ** 2 + membrane[IM, m] ** 2
            if on_grid and power < AUDIBLE**2:
                membrane[RE, m] = membrane[IM, m] = 0.0
            else:
                record[M_ENERGY] = max(record[M_ENERGY], power)


@loop("void(f8[:, :, ::1], f8[:, ::1], f8[:, ::1], f8[:, ::1], f8[:, ::1], f4[:, :], i8, i8)")
def _ring(
    membranes: F8, records: F8, lines: F8, part: F8, mix: F8,
    block: F4, begin: int, end: int,
) -> None:  # fmt: skip
    """Write frames `begin` to `end` of `block`, (2, frames), and advance all membranes.

    `part`, (6, 64), holds the sounding modes of one membrane side by side; `mix`, (2, frames), the
    sums of the modes that the spread moves to the left, and to the right.
    """
    frames = block.shape[1]
    mix[:, begin:end] = 0.0
    for v in range(len(membranes)):
        if begin == 0 and records[v, M_MOVING] > 0.0:
            _ramp(membranes[v], frames if records[v, M_MOVING] == 2.0 else 0)
            records[v, M_MOVING] -= 1.0
        now = begin
        while now < end and records[v, M_ENERGY] > 0.0:
            until = min(end, now + _GRID - int(records[v, M_SAMPLES]) % _GRID)
            _ring_membrane(membranes[v], records[v], part, mix, now, until)
            now = until
    for n in range(begin, end):
        x = (n + 1.0) / frames
        gain = lines[L_GAIN, 0] + x * (lines[L_GAIN, 1] - lines[L_GAIN, 0])
        spread = lines[L_SPREAD, 0] + x * (lines[L_SPREAD, 1] - lines[L_SPREAD, 0])
        here, there = gain * (1.0 + spread), gain * (1.0 - spread)
        block[0, n] = here * mix[0, n] + there * mix[1, n]
        block[1, n] = there * mix[0, n] + here * mix[1, n]


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
        compile_loops(__name__)
        self._membranes, self._records = np.zeros((MEMBRANES, 10, MODES)), np.zeros((MEMBRANES, 4))
        self._lines, self._part = np.zeros((2, 2)), np.zeros((6, MODES))
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
        lines[L_GAIN, 1] = units.db_to_amplitude(knobs[P_GAIN])
        lines[L_SPREAD, 1] = knobs[P_SPREAD]
        if not self._aimed:
            lines[:, 0] = lines[:, 1]
        theta = knobs[: P_ALPHA + 1]
        still = theta == self._aimed and self.frozen == self._was_frozen
        if still and not self.keyboard.moved:
            return
        self._aimed, self._was_frozen, self.keyboard.moved = theta, self.frozen, False
        for place in range(MEMBRANES):
            if self._records[place, M_ENERGY] > 0.0:
                self._aim(place)
                self._records[place, M_MOVING] = 2.0

    def start(self, place: int) -> None:
        """[audio] Strike with the key at `place`, or without a key (-1)."""
        knobs = self.knobs
        key = self.keyboard.keys[place]
        owner = _NO_KEY if place < 0 else (key.channel, key.note)
        hertz = 0.0 if place < 0 else key.hertz
        struck = self._membrane_of(owner)
        membrane, record = self._membranes[struck], self._records[struck]
        fresh = record[M_ENERGY] == 0.0 or hertz != self._hertz[struck]
        self._keys[struck], self._hertz[struck] = owner, hertz
        if fresh:
            self._aim(struck)
            _ramp(membrane, 0)
            record[M_MOVING] = 0.0
        record[M_CHOKE] = 1.0
        stray = knobs[P_HUMANISE]
        level = 1.0 - _STRAY_LEVEL * stray * self.chance.random()
        inward = 1.0 - _STRAY_PLACE * stray * self.chance.random()
        velocity = level * (1.0 if place < 0 else key.gain)
        _strike(membrane, record, inward * knobs[P_X_1], inward * knobs[P_X_2], velocity)

    def release(self, place: int) -> None:
        """[audio] Let it ring on."""

    def silence(self) -> None:
        """[audio] Fade all membranes at once."""
        self._records[:, M_CHOKE] = math.exp(-1.0 / (_SILENCED * self._sample_rate))

    def render(self, block: F4, begin: int, end: int) -> None:
        """[audio] Render a part of a block."""
        _ring(self._membranes, self._records, self._lines, self._part, self._mix, block, begin, end)

    def _membrane_of(self, owner: tuple[int, int]) -> int:
        """Membrane that the key strikes: its own if it rings, else the quietest."""
        quietest, least = 0, math.inf
        for place in range(MEMBRANES):
            energy = float(self._records[place, M_ENERGY])
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
        _aim(self._membranes[place], f_c, tau, p, D, alpha, self._sample_rate)
