"""Ripple, live: a sum of partials modulated along time and log-frequency.

The second synthesizer of Vahidi et al. (JAES 2023, after the authors' ``ripple``), after the
stimuli of hearing research, with crests that climb by `gamma` octaves a second and pass each
partial `f_m` times a second::

    x(t) = sum_i g_i (1 + depth sin(2 pi f_m (t - x_i / gamma))) sin(2 pi f_i t + phi_i)

where partial i lies ``x_i = w i / (PARTIALS - 1)`` octaves above f_0 and g_i falls with the
square root of its frequency. With ``a = 2 pi f_m t`` and the lag ``b_i = 2 pi f_m x_i / gamma``
each channel is

    x(t) = level sum_i g_i (1 + depth (sin(a) cos(b_i) - cos(a) sin(b_i))) sin(2 pi f_i t + phi_i)

All frequencies, weights, depth and level ramp in straight lines that end with the last sample, so
sample n of N has the phase ``p + n s + n (n + 1) / (2 N) ds`` for a step s that changes by ds.
"""

import math

import numpy as np
from numpy.typing import NDArray

from mesosynth import units
from mesosynth.instruments.keyboard import GAIN, TunedInstrument
from mesosynth.instruments.oscillator import FADE_TO, below_nyquist, sine
from mesosynth.plugins.parameters import Parameter, ParameterTable
from mesosynth.plugins.plugin import EventKind, Events
from mesosynth.plugins.tuning import MIDDLE_C_HERTZ
from mesosynth.system.kernels import F4, F8, compile_loops, loop

# --------------------------------------------------------------------------------------------------
# Parameter table and partials, for the live and the offline form


PARTIALS = 64

LEVEL = 0.3
"""RMS of the partials without a ripple, in each channel, at 0 dB."""

PARAMETERS = ParameterTable(
    [
        Parameter("f_0", "Lowest", "Hz", 20.0, 4000.0, 256.0,
                  "Frequency of the lowest partial; a held note takes its place.",
                  curve="log", matchable=True),
        Parameter("f_m", "Ripple rate", "Hz", 0.25, 32.0, 4.0,
                  "How often a crest of the ripple passes each partial.", curve="log",
                  matchable=True),
        Parameter("gamma", "Ripple speed", "oct/s", -16.0, 16.0, 2.0,
                  "How fast the crests climb through the partials; negative descends.",
                  curve="signed_log", smallest=0.125, matchable=True),
        Parameter("w", "Bandwidth", "oct", 1.0, 8.0, 4.0,
                  "Octaves from the lowest partial to the highest.", curve="log", matchable=True),
        Parameter("depth", "Depth", "", 0.0, 1.0, 1.0,
                  "From steady partials (0) to a full ripple (1).", matchable=True),
        Parameter("spread", "Spread", "", 0.0, 1.0, 0.5,
                  "How far every other partial goes to the left and to the right."),
        GAIN,
    ]
)  # fmt: skip

P_GAMMA = PARAMETERS.index("gamma")


def places() -> NDArray[np.float64]:
    """Position of each partial, (PARTIALS,): 0 for the lowest to 1 for the highest."""
    return np.linspace(0.0, 1.0, PARTIALS)


def first_phases() -> NDArray[np.float64]:
    """Phase of each partial at time 0, (PARTIALS,), cycles.

    The authors' partials all start at 0, which makes a loud click at the start; steps of the golden
    ratio times the square spread the energy about as evenly as random phases, and are always the
    same.
    """
    return np.arange(PARTIALS) ** 2 * (np.sqrt(5.0) - 1.0) / 2.0 % 1.0


# --------------------------------------------------------------------------------------------------
# Sample loops


I_PHASE, I_STEP, I_WEIGHTS = range(3)
"""Columns of a partial: cycles, cycles per sample, and six weights, three of each channel."""

_NEXT = 7
"""Distance from a column that ramps to its value at the end."""

_COLUMNS = I_STEP + 2 * _NEXT

R_TURN, R_TURN_STEP, R_DEPTH, R_LEVEL, _RIPPLE = 0, 1, 2, 3, 7
"""Columns of the ripple: cycles, cycles per sample, and its depth and level; then those three at
the end. _RIPPLE is their number."""


@loop("void(f8[:, ::1], f8, f8, f8, f8, f8)")
def _aim(partials: F8, step: float, f_m: float, gamma: float, w: float, spread: float) -> None:
    """Set the ends of the partials' ramps; `step` is the lowest frequency, cycles per sample.

    Gains fall with the square root of the frequency, and their squares sum to 2 before the fade.
    """
    count = len(partials)
    power = 0.0
    for i in range(count):
        power += 2.0 ** (-w * i / (count - 1))
    for i in range(count):
        octaves = w * i / (count - 1)
        hertz = step * 2.0**octaves
        gain = math.sqrt(2.0 / power * 2.0**-octaves) * below_nyquist(hertz)
        lag = f_m * octaves / gamma
        row = partials[i]
        row[I_STEP + _NEXT] = min(hertz, FADE_TO)  # silent there; keeps phases small
        for channel in range(2):
            side = 1.0 + (spread if i % 2 == channel else -spread)
            weights = row[I_WEIGHTS + _NEXT + 3 * channel :]
            weights[0] = gain * side
            weights[1] = weights[0] * sine(lag + 0.25)
            weights[2] = weights[0] * sine(lag)


@loop("void(f8[:, ::1], f8[::1], f8[:, ::1], f4[:, :])")
def _render(partials: F8, ripple: F8, lines: F8, block: F4) -> None:
    """Overwrite the block; `lines`, (4, frames) or longer, is memory."""
    frames = block.shape[1]
    sines, cosines, left, right = lines[0], lines[1], lines[2], lines[3]
    turn, step, depth, level = ripple[R_TURN], ripple[R_TURN_STEP], ripple[R_DEPTH], ripple[R_LEVEL]
    d_step = (ripple[R_TURN_STEP + 3] - step) / frames
    d_depth, d_level = (
        (ripple[R_DEPTH + 3] - depth) / frames,
        (ripple[R_LEVEL + 3] - level) / frames,
    )
    for n in range(frames):
        angle = turn + n * (step + 0.5 * (n + 1) * d_step)
        sines[n] = (depth + (n + 1) * d_depth) * sine(angle)
        cosines[n] = (depth + (n + 1) * d_depth) * sine(angle + 0.25)
        left[n] = right[n] = 0.0
    ripple[R_TURN] = (turn + frames * (step + 0.5 * (frames + 1) * d_step)) % 1.0
    ripple[R_TURN_STEP : R_TURN_STEP + 3] = ripple[R_TURN_STEP + 3 :]
    for i in range(len(partials)):
        row = partials[i]
        a, b, c, d, e, f = row[2], row[3], row[4], row[5], row[6], row[7]
        da, db, dc = (row[9] - a) / frames, (row[10] - b) / frames, (row[11] - c) / frames
        dd, de, df = (row[12] - d) / frames, (row[13] - e) / frames, (row[14] - f) / frames
        phase, step = row[I_PHASE], row[I_STEP]
        d_step = (row[I_STEP + _NEXT] - step) / frames
        for n in range(frames):
            x, m = sine(phase + n * (step + 0.5 * (n + 1) * d_step)), n + 1.0
            left[n] += x * (a + da * m + (b + db * m) * sines[n] - (c + dc * m) * cosines[n])
            right[n] += x * (d + dd * m + (e + de * m) * sines[n] - (f + df * m) * cosines[n])
        row[I_PHASE] = (phase + frames * (step + 0.5 * (frames + 1) * d_step)) % 1.0
        row[I_STEP : I_STEP + _NEXT] = row[I_STEP + _NEXT :]
    for n in range(frames):
        block[0, n] = left[n] * (level + (n + 1) * d_level)
        block[1, n] = right[n] * (level + (n + 1) * d_level)


# --------------------------------------------------------------------------------------------------
# The instrument


class Ripple(TunedInstrument):
    """Partials under a moving ripple; a held note sets the lowest partial."""

    name = "Ripple"
    pitch = "f_0"
    parameters = PARAMETERS

    def prepare(self, sample_rate: float, max_block: int) -> None:
        """[control] Allocate everything for blocks of up to `max_block` frames, then reset."""
        compile_loops(__name__)
        self._sample_rate = float(sample_rate)
        self._partials, self._phases = np.zeros((PARTIALS, _COLUMNS)), first_phases()
        self._ripple = np.zeros(_RIPPLE)
        self._lines = np.zeros((4, max_block))
        self.reset()

    def reset(self) -> None:
        """[audio] Forget all sound, as if `prepare` had just returned."""
        self._partials[:, I_PHASE] = self._phases
        self._ripple.fill(0.0)
        self._knobs: list[float] = []
        self._notes: list[int] = []
        self._bend = 0.0  # semitones

    def process(self, values: F8, events: Events, block: F4) -> None:
        """[audio] Overwrite `block`, (2, frames) float32; `values` are in the table's order."""
        frames, begin, jumps = block.shape[1], 0, not self._knobs
        knobs: list[float] = values.tolist()
        before = self._knobs or knobs
        for frame, kind, _, note, value in events.tolist() if len(events) else ():
            if frame > begin:
                share = frame / frames
                between = [a + (b - a) * share for a, b in zip(before, knobs, strict=True)]
                if knobs[P_GAMMA] * before[P_GAMMA] < 0.0:
                    between[P_GAMMA] = knobs[P_GAMMA]  # 0 oct/s is not legal, so the sign jumps
                self._play(between, jumps, block[:, begin:frame])
                begin, jumps = frame, False
            jumps = self._hear(kind, note, value) or jumps  # a note begins at once, not by a glide
        self._play(knobs, jumps, block[:, begin:])

    def _hear(self, kind: int, note: int, value: float) -> bool:
        """Apply an event; return whether the pitch jumps."""
        notes = self._notes
        match kind:
            case EventKind.NOTE_ON:
                notes.append(note)
            case EventKind.NOTE_OFF if note in notes:
                notes.remove(note)
            case EventKind.ALL_OFF:
                notes.clear()
                self._bend = 0.0
            case EventKind.PITCH_BEND:
                self._bend = value
            case _:
                return False
        return True

    def _play(self, knobs: list[float], jumps: bool, part: F4) -> None:
        """Render a part of a block to whose end the knobs ramp, or jump."""
        ripple, partials = self._ripple, self._partials
        if jumps or knobs != self._knobs:
            f_0, f_m, gamma, w, depth, spread, gain = knobs
            if self._notes:
                hertz = float(self.tuning.hertz[self._notes[-1]])
                f_0 = f_0 * hertz / MIDDLE_C_HERTZ if self.relative else hertz
            step = f_0 * 2.0 ** (self._bend / 12.0) / self._sample_rate
            _aim(partials, step, f_m, gamma, w, spread)
            ripple[R_TURN_STEP + 3], ripple[R_DEPTH + 3] = f_m / self._sample_rate, depth
            ripple[R_LEVEL + 3] = LEVEL * units.db_to_amplitude(gain)
            if jumps:
                partials[:, I_STEP : I_STEP + _NEXT] = partials[:, I_STEP + _NEXT :]
                ripple[R_TURN_STEP] = ripple[R_TURN_STEP + 3]
            if not self._knobs:
                ripple[R_DEPTH : R_LEVEL + 1] = ripple[R_DEPTH + 3 :]
            self._knobs = knobs
        _render(partials, ripple, self._lines, part)
