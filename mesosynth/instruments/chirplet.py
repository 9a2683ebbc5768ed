"""Chirplet arpeggiator, live: the offline formula with state, so that every parameter may move.

One arpeggio is, with ``t = 0`` in its middle (Vahidi et al., JAES 2023, eq. 4-8)::

    x(t) = c(2 pi f_c / (gamma ln 2) (2^(gamma t) - 1)) m(t) exp(-t^2 / (2 (SIGMA_0 w / gamma)^2))

    s(t) = sin(2 pi f_m t)
    m(t) = 1 - am_depth + am_depth (s(t) - am_shape min(s(t), 0))
    c(x) = sum_k a_k sin(k x),  a_k = k^(brightness / (20 log10 2)) / n,  k = 1 ... HARMONICS

where n is the root of the sum of squares of those powers, and a_k = 0 for k > 1 where brightness is
PURE. By default am_depth = 1, am_shape = 0 and brightness = PURE, so m is s and c is the sine.

A chirp slower than SLOWEST lasts as long as one of that rate: a standing tone at ``gamma = 0``.

A voice holds its position ``o = gamma t`` in octaves, its place in the envelope, its carrier phase
and its AM phase in cycles, and integrates them from sample to sample. The carrier's step is the
exact integral of ``f_c 2^o`` over one sample, so that with still parameters the two forms agree to
rounding error. In those positions, o and e, with phases p and m, sample by sample::

    x  = sum_k a_k sin(2 pi k p) (1 - depth + depth (s - rest min(s, 0))) 2^-((width e)^2)
    s  = sin(2 pi m)
    p += 2^o c, where c is the integral of f_c 2^(gamma t) over one sample from o = 0
    m += f_m / sample_rate
    o += gamma / sample_rate, and e likewise, but never slower than SLOWEST

All of a block's ramps are straight lines that end with its last sample.

Without a key, arpeggios repeat at f_c. While a key is held they repeat at its pitch; they begin two
standard deviations before the middle, where they are audible, with a note of the modulation, so
that the key answers at once.
"""

import math

from mesosynth import units
from mesosynth.instruments.keyboard import (
    GAIN,
    RELEASE,
    REPETITION,
    SPREAD,
    V_AMPLITUDE,
    V_BORN,
    V_COMING,
    V_FADE,
    V_GOING,
    V_LEFT,
    V_PARTIAL,
    V_RIGHT,
    V_RISE,
    V_STEP,
    VoiceInstrument,
)  # fmt: skip
from mesosynth.instruments.oscillator import FADE_FROM, below_nyquist, sine
from mesosynth.plugins.parameters import Parameter, ParameterTable
from mesosynth.system.kernels import F4, F8, compile_loops, loop

# --------------------------------------------------------------------------------------------------
# Parameter table, for the live and the offline form


SIGMA_0 = 0.1
"""Standard deviation of the Gaussian envelope, in w; ``sigma0`` of the authors' code."""

HARMONICS = 6
"""Number of partials of the carrier, with the fundamental."""

PURE = -60.0
"""Brightness of a carrier without harmonics, dB/octave."""

SLOWEST = 0.125
"""Chirp rate below which an arpeggio gets no longer, octaves/s.

In the formula above, the time w / gamma grows without bound as gamma nears 0. Here it is
``w / max(|gamma|, SLOWEST)``, so that a standing tone lasts w times 8 s, and the sound is
continuous in gamma."""

PARAMETERS = ParameterTable(
    [
        Parameter("f_c", "Carrier", "Hz", 20.0, 8000.0, 512.0,
                  "Frequency in the middle of the arpeggio; a key that is played takes its place.",
                  curve="log", matchable=True),
        Parameter("f_m", "Note rate", "Hz", 0.5, 64.0, 8.0,
                  "Frequency of the amplitude modulation that cuts the sweep into notes.",
                  curve="log", matchable=True),
        Parameter("gamma", "Chirp rate", "oct/s", -16.0, 16.0, 1.5,
                  "How fast the pitch sweeps; negative descends, and at 0 the pitch stands.",
                  curve="asinh", smallest=SLOWEST, matchable=True),
        Parameter("w", "Bandwidth", "oct", 0.02, 8.0, 2.0,
                  "Octaves that one arpeggio sweeps; of one that hardly moves, its length in 8 s.",
                  curve="log", matchable=True),
        Parameter("am_shape", "AM shape", "", 0.0, 1.0, 0.0,
                  "From a full-sine modulation without rests (0) to the paper's half sine (1).",
                  matchable=True),
        Parameter("am_depth", "AM depth", "", 0.0, 1.0, 1.0,
                  "From one unbroken sweep (0) to separate notes (1).", matchable=True),
        Parameter("brightness", "Brightness", "dB/oct", PURE, 0.0, PURE,
                  "How slowly the carrier's harmonics fall off; at the lowest it is a pure sine.",
                  matchable=True),
        *REPETITION, SPREAD, RELEASE, GAIN,
    ]
)  # fmt: skip

P_F_C, P_F_M, P_GAMMA, P_W, P_AM_SHAPE, P_AM_DEPTH = range(6)
P_GAIN = PARAMETERS.index("gain")
"""Indices in the vector."""


def swept_time(gamma: float, t: float) -> float:
    """Integral of ``2^(gamma t)`` from 0 to t, s: ``(2^(gamma t) - 1) / (gamma ln 2)``.

    Parameters
    ----------
    gamma : float
        Octaves/s; as it nears 0, the integral nears t.
    t : float
        s.

    Returns
    -------
    float
        s.
    """
    x = math.log(2.0) * gamma * t
    return t * (math.expm1(x) / x if x else 1.0)


def sweep_seconds(w: float, gamma: float) -> float:
    """Time of an arpeggio from edge to edge, s: ``w / |gamma|``, but w / SLOWEST at most.

    Parameters
    ----------
    w : float
        Octaves.
    gamma : float
        Octaves/s.

    Returns
    -------
    float
        s.
    """
    return w / max(abs(gamma), SLOWEST)


# --------------------------------------------------------------------------------------------------
# Sample loops


_NEXT = 2 + HARMONICS  # columns from the begin of a ramp to its end

_END = V_STEP + _NEXT
V_OCTAVES, V_PLACE, V_CARRIER, V_MODULATION, _FIELDS = range(_END + _NEXT, _END + _NEXT + 5)
"""Columns of a voice: its place in the sweep, 0 in the middle, and in the envelope, octaves of a
sweep at SLOWEST or faster; phases of carrier and modulation, cycles."""

(
    R_OCTAVES, R_PLACE, R_MODULATION, R_WIDTH, R_REST, R_DEPTH, R_LEVEL, R_DIRECTION, R_HALF,
    _RAMPS,
) = range(10)  # fmt: skip
"""Columns of the ramps; the last two hold for the block."""


@loop("f8(f8[::1], f8, f8, f8)")
def _harmonics(row: F8, carrier: float, cycles: float, fraction: float) -> float:
    """Sum of the partials, by ``sin((k + 1) x) = 2 cos(x) sin(k x) - sin((k - 1) x)``."""
    twice = 2.0 * sine(carrier + 0.25)
    partial, before, total = sine(carrier), 0.0, 0.0
    for k in range(HARMONICS):
        a = row[V_PARTIAL + k]
        a += (row[V_PARTIAL + k + _NEXT] - a) * fraction
        total += a * partial * below_nyquist(cycles * (k + 1))
        partial, before = twice * partial - before, partial
    return total


@loop("void(f8[::1], f8[::1], f8[::1], f8[:, ::1], i8, i8, i8)")
def _voice(row: F8, now: F8, way: F8, mix: F8, begin: int, end: int, frames: int) -> None:
    """Add the samples of one voice to `mix`, and move it on."""
    octaves, place = row[V_OCTAVES], row[V_PLACE]
    carrier, modulation = row[V_CARRIER], row[V_MODULATION]
    coming, going, rise, fade = row[V_COMING], row[V_GOING], row[V_RISE], row[V_FADE]
    step, amplitude = row[V_STEP], row[V_AMPLITUDE]
    d_step = (row[V_STEP + _NEXT] - step) / frames
    d_amplitude = (row[V_AMPLITUDE + _NEXT] - amplitude) / frames
    bright = False
    for k in range(1, HARMONICS):
        bright = bright or row[V_PARTIAL + k] + row[V_PARTIAL + k + _NEXT] > 0.0
    for n in range(begin, end):
        i = n + 1.0
        cycles = 2.0**octaves * (step + d_step * i)
        if bright:
            x = _harmonics(row, carrier, cycles, i / frames)
        else:
            x = sine(carrier)
            if cycles > FADE_FROM:
                x *= below_nyquist(cycles)
        s = sine(modulation)
        s -= (now[R_REST] + way[R_REST] * i) * min(s, 0.0)
        x *= 1.0 + (now[R_DEPTH] + way[R_DEPTH] * i) * (s - 1.0)
        e = place * (now[R_WIDTH] + way[R_WIDTH] * i)
        coming += rise
        going -= fade
        level = max(min(coming, going, 1.0), 0.0) * (amplitude + d_amplitude * i)
        x *= level * 2.0 ** (-e * e)
        mix[0, n] += row[V_LEFT] * x
        mix[1, n] += row[V_RIGHT] * x
        carrier += cycles
        modulation += now[R_MODULATION] + way[R_MODULATION] * i
        octaves += now[R_OCTAVES] + way[R_OCTAVES] * i
        place += now[R_PLACE] + way[R_PLACE] * i
    row[V_OCTAVES], row[V_PLACE] = octaves, place
    row[V_CARRIER] = carrier - math.floor(carrier)
    row[V_MODULATION] = modulation - math.floor(modulation)
    row[V_COMING], row[V_GOING] = min(coming, 1.0), going


@loop("i8(f8[:, ::1], i8, f8[:, ::1], f8[:, ::1], f4[:, :], i8, i8)")
def _render(voices: F8, count: int, ramps: F8, mix: F8, block: F4, begin: int, end: int) -> int:
    """Overwrite frames `begin` to `end` of the block; return the number of voices left.

    `ramps` holds the values at the block's begin and end, `mix` is memory for a block.
    """
    frames = block.shape[1]
    now, way = ramps[0], ramps[2]
    for i in range(R_LEVEL + 1):
        way[i] = (ramps[1, i] - now[i]) / frames
    mix[:, begin:end] = 0.0
    for v in range(count):
        _voice(voices[v], now, way, mix, begin, end, frames)
    for n in range(begin, end):
        level = now[R_LEVEL] + way[R_LEVEL] * (n + 1)
        block[0, n] = mix[0, n] * level
        block[1, n] = mix[1, n] * level
    for v in range(count - 1, -1, -1):
        row = voices[v]
        if row[V_GOING] <= 0.0 or row[V_PLACE] * ramps[1, R_DIRECTION] > ramps[1, R_HALF]:
            count -= 1
            row[:] = voices[count]
    if end == frames:
        now[:] = ramps[1]
        for v in range(count):
            voices[v, V_STEP:_END] = voices[v, _END : _END + _NEXT]
    return count


# --------------------------------------------------------------------------------------------------
# The instrument


ATTACK_SECONDS = 0.005  # of a key's arpeggio, which begins inside the sweep
ENTRY = 2.0 * SIGMA_0  # of w: begin of a key's arpeggio before its middle

_PREFERRED = 100.0  # octaves: further than any voice can be
_TINY = 1e-9  # octaves, or level: tolerance for rounding


class Chirplet(VoiceInstrument):
    """Chirplet arpeggiator: a chirp cut into notes, repeated by period or tempo, or played by keys.

    Parameters and gestures ramp linearly (in the quantities that a sample needs) from block to
    block; period, swing, humanise and spread apply from the next start. The first arpeggio starts
    with the first sample after :meth:`reset`.

    While frozen, voices stay at their place in the sweep and go on sounding; only keys start new
    ones, in the middle.
    """

    name = "Chirplet"
    pitch = "f_c"
    parameters = PARAMETERS
    partials, fields, ramped, pure = HARMONICS, _FIELDS, _RAMPS, PURE

    def prepare(self, sample_rate: float, max_block: int) -> None:
        """[control] Allocate everything for blocks of up to `max_block` frames, then reset."""
        compile_loops(__name__)
        super().prepare(sample_rate, max_block)

    def forget(self) -> None:
        """[audio] Drop all voices, and let the ramps of the next block stand at their targets."""
        super().forget()
        self._width = self._half = 0.0

    def aim_ramps(self) -> float:
        """[audio] Set the ends of the shared ramps; return the cycles per sample of 1 Hz."""
        knobs, rate = self.knobs, self._sample_rate
        w, gamma = knobs[P_W], 0.0 if self.frozen else knobs[P_GAMMA]
        pace = 0.0 if self.frozen else math.copysign(max(abs(gamma), SLOWEST), gamma)
        # The wider of the two ends of the ramp, so that a start is always at 5 sigma or beyond.
        self._half = 0.5 * max(self._width, w)
        self._width = w
        targets = (
            gamma / rate, pace / rate, knobs[P_F_M] / rate,
            1.0 / (math.sqrt(2.0 * math.log(2.0)) * SIGMA_0 * w), knobs[P_AM_SHAPE],
            knobs[P_AM_DEPTH], units.db_to_amplitude(knobs[P_GAIN]),
            math.copysign(1.0, knobs[P_GAMMA]), self._half,
        )  # fmt: skip
        for column, target in enumerate(targets):
            self._ramps[1, column] = target
        return swept_time(gamma, 1.0 / rate)

    def render(self, block: F4, begin: int, end: int) -> None:
        """[audio] Render a part of a block."""
        self.voices = _render(self._rows, self.voices, self._ramps, self._mix, block, begin, end)

    def _begin_voice(self, row: F8, place: int) -> None:
        """[audio] Begin an arpeggio at its place in the sweep.

        Without a key that is its window's edge, in step with the formula: sample n is the formula
        at ``t = n / sample_rate - sweep_seconds(w, gamma) / 2``. The edge is at 5 sigma
        (-108 dB): no click. The first one may be under way already when the repetition begins.
        """
        knobs, distance = self.knobs, self._half
        gamma = knobs[P_GAMMA]
        missed = self.missed if place < 0 else 0.0
        if place >= 0 or missed:
            row[V_COMING], row[V_RISE] = 0.0, 1.0 / (ATTACK_SECONDS * self._sample_rate)
        if place >= 0:
            distance = 0.0 if self.frozen else ENTRY * knobs[P_W]
        t = missed - sweep_seconds(distance, gamma)
        row[V_OCTAVES] = gamma * t
        row[V_PLACE] = math.copysign(max(abs(gamma), SLOWEST), gamma) * t
        if place < 0:
            row[V_MODULATION] = knobs[P_F_M] * t % 1.0
        hertz = float(row[V_STEP + _NEXT]) / self._unit
        row[V_CARRIER] = hertz * swept_time(gamma, t) % 1.0

    # ------------------------------------------------------------------ voices that give way

    def sounding(self) -> list[int]:
        """[audio] Voices that are not about to end."""
        direction = float(self._ramps[1, R_DIRECTION])
        state = self._rows[: self.voices]
        columns = (state[:, field].tolist() for field in (V_PLACE, V_GOING, V_FADE))
        return [
            voice
            for voice, (place, level, fade) in enumerate(zip(*columns, strict=True))
            if fade < self._fast and level > _TINY and direction * place <= self._half
        ]

    def _dispensable(self, sounding: list[int], by_key: bool) -> int:
        """[audio] Voice that gives way to a new one, or -1: released, or furthest in its sweep.

        A start without a key spares voices before their middle, or else a long sweep would never
        be heard.
        """
        direction, rows = float(self._ramps[1, R_DIRECTION]), self._rows
        furthest, travelled, oldest = -1, -math.inf if by_key else 0.0, math.inf
        for voice in sounding:
            far, born = direction * float(rows[voice, V_PLACE]), float(rows[voice, V_BORN])
            if rows[voice, V_GOING] < 1.0 - _TINY:
                far += _PREFERRED
            further = far - travelled
            if further > _TINY or (further > -_TINY and born < oldest):
                furthest, travelled, oldest = voice, far, born
        return furthest

    def loudness(self, row: F8) -> float:
        """[audio] Level of a voice, for the choice of one to end."""
        place = float(row[V_PLACE]) / (SIGMA_0 * self._width)
        return self.level(row) * math.exp(-0.5 * place * place)
