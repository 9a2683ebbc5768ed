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
rounding error. The sample loops are in :mod:`mesosynth.instruments.chirplet_kernel`.

Without a key, arpeggios repeat at f_c. While a key is held they repeat at its pitch; they begin two
standard deviations before the middle, where they are audible, with a note of the modulation, so
that the key answers at once.
"""

import math

import numpy as np
from numpy.typing import NDArray

from mesosynth import units
from mesosynth.instruments.keyboard import GAIN, RELEASE, REPETITION, SPREAD, KeyboardInstrument
from mesosynth.plugins.parameters import Parameter, ParameterTable
from mesosynth.plugins.plugin import CHANNELS

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
        Parameter(
            "f_c", "Carrier", "Hz", 20.0, 8000.0, 512.0,
            "Frequency in the middle of the arpeggio; a key that is played takes its place.",
            curve="log", matchable=True,
        ),
        Parameter(
            "f_m", "Note rate", "Hz", 0.5, 64.0, 8.0,
            "Frequency of the amplitude modulation that cuts the sweep into notes.",
            curve="log", matchable=True,
        ),
        Parameter(
            "gamma", "Chirp rate", "oct/s", -16.0, 16.0, 1.5,
            "How fast the pitch sweeps; negative descends, and at 0 the pitch stands.",
            curve="asinh", smallest=SLOWEST, matchable=True,
        ),
        Parameter(
            "w", "Bandwidth", "oct", 0.02, 8.0, 2.0,
            "Octaves that one arpeggio sweeps; of one that hardly moves, its length in 8 s.",
            curve="log", matchable=True,
        ),
        Parameter(
            "am_shape", "Rests", "", 0.0, 1.0, 0.0,
            "From a full-sine modulation without rests (0) to the paper's half sine (1).",
            matchable=True,
        ),
        Parameter(
            "am_depth", "Depth", "", 0.0, 1.0, 1.0,
            "From one unbroken sweep (0) to separate notes (1).",
            matchable=True,
        ),
        Parameter(
            "brightness", "Brightness", "dB/oct", PURE, 0.0, PURE,
            "How slowly the carrier's harmonics fall off; at the lowest it is a pure sine.",
            matchable=True,
        ),
        *REPETITION,
        SPREAD,
        RELEASE,
        GAIN,
    ]
)  # fmt: skip

(
    P_F_C, P_F_M, P_GAMMA, P_W, P_AM_SHAPE, P_AM_DEPTH, P_BRIGHTNESS, P_PERIOD, P_SYNC, P_TEMPO,
    P_DIVISION, P_SWING, P_HUMANISE, P_SPREAD, P_RELEASE, P_GAIN,
) = range(len(PARAMETERS))  # fmt: skip
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
# The instrument: start, voice stealing and end of arpeggios


VOICES = 16
ROWS = 48  # for voices; those beyond VOICES fade
FADE_SECONDS = 0.02  # of a stolen voice; no longer than the shortest period
ATTACK_SECONDS = 0.005  # of a key's arpeggio, which begins inside the sweep
ENTRY = 2.0 * SIGMA_0  # of w: begin of a key's arpeggio before its middle
STRAY_SEMITONES = 0.25  # largest detuning of a fully humanised arpeggio, up or down
STRAY_DB = 6.0  # largest attenuation of a fully humanised arpeggio

_RELEASED = -2.0  # in place of a voice's key
_PREFERRED = 100.0  # octaves: further than any voice can be
_TINY = 1e-9  # octaves, or level: tolerance for rounding
_GOLDEN = 0.5 * (math.sqrt(5.0) - 1.0)


class Chirplet(KeyboardInstrument):
    """Chirplet arpeggiator: a chirp cut into notes, repeated by period or tempo, or played by keys.

    Parameters and gestures ramp linearly (in the quantities that a sample needs) from block to
    block; period, swing, humanise and spread apply from the next start. The first arpeggio starts
    with the first sample after :meth:`reset`.

    While frozen, voices stay at their place in the sweep and go on sounding; only keys start new
    ones, in the middle.

    Attributes
    ----------
    voices : int
        Number of voices, with those that fade.
    starts : int
        Arpeggios started since the reset.
    """

    name = "Chirplet"
    pitch = "f_c"
    parameters = PARAMETERS

    def prepare(self, sample_rate: float, max_block: int) -> None:
        """[control] Allocate everything for blocks of up to `max_block` frames, then reset."""
        from mesosynth.instruments import chirplet_kernel

        self._k = k = chirplet_kernel
        self._state = np.zeros((ROWS, k.FIELDS))
        self._ramps = np.zeros((3, k.RAMPS))
        self._mix = np.zeros((CHANNELS, max_block))
        self._fast = 1.0 / (FADE_SECONDS * sample_rate)
        super().prepare(sample_rate, max_block)

    def reset(self) -> None:
        """[control] Forget all sound, as if `prepare` had just returned."""
        super().reset()
        self.starts = 0

    def forget(self) -> None:
        """[audio] Drop all voices, and let the ramps of the next block stand at their targets."""
        self.voices = 0
        self._said: list[float] = []
        self._moving = self._was_frozen = False
        self._base = self._next_base = self._unit = self._width = self._half = 0.0

    # ------------------------------------------------------------------ ramps

    def begin_block(self) -> None:
        """[audio] Aim the ramps of a block at the knobs."""
        knobs = self.knobs
        fresh = not self._said
        still = knobs == self._said and self.frozen == self._was_frozen
        if still and not self._moving and not self.keyboard.moved:
            return
        self._moving, self._was_frozen, self._said = not still, self.frozen, knobs
        rate, w, k = self._sample_rate, knobs[P_W], self._k
        gamma = 0.0 if self.frozen else knobs[P_GAMMA]
        pace = 0.0 if self.frozen else math.copysign(max(abs(gamma), SLOWEST), gamma)
        self._unit = swept_time(gamma, 1.0 / rate)
        self._base, self._next_base = self._next_base, knobs[P_F_C] * self._unit
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
        if fresh:
            self._ramps[0] = self._ramps[1]
            self._base = self._next_base
        k.aim(self._state, 0, self.voices, self.keyboard.gestures, knobs[P_F_C], self._unit,
              knobs[P_BRIGHTNESS])  # fmt: skip
        self.keyboard.moved = False

    def render(self, block: NDArray[np.float32], begin: int, end: int) -> None:
        """[audio] Render a part of a block."""
        self.voices = self._k.render(
            self._state, self.voices, self._ramps, self._mix, block, begin, end
        )

    # ------------------------------------------------------------------ start and end

    def start(self, place: int) -> None:
        """[audio] Start an arpeggio, of the key at `place` or without one (-1).

        Without a key it starts at its window's edge, in step with the formula: sample n is the
        formula at ``t = n / sample_rate - sweep_seconds(w, gamma) / 2``. The
        edge is at 5 sigma (-108 dB): no click.
        """
        if not self._make_room(by_key=place >= 0):
            return
        k, knobs = self._k, self.knobs
        gamma = knobs[P_GAMMA]
        row = self._state[self.voices]
        row.fill(0.0)
        row[k.COMING] = row[k.GOING] = 1.0
        self._scatter(row, knobs[P_HUMANISE], knobs[P_SPREAD])
        row[k.KEY], distance = place, self._half
        if place >= 0:
            key = self.keyboard.keys[place]
            row[k.HERTZ], row[k.CHANNEL] = key.hertz, key.channel
            row[k.GAIN] *= key.gain
            row[k.COMING], row[k.RISE] = 0.0, 1.0 / (ATTACK_SECONDS * self._sample_rate)
            distance = 0.0 if self.frozen else ENTRY * knobs[P_W]
        t = -sweep_seconds(distance, gamma)
        row[k.OCTAVES], row[k.PLACE] = gamma * t, math.copysign(distance, -gamma)
        if place < 0:
            row[k.MODULATION] = knobs[P_F_M] * t % 1.0
        self.voices += 1
        k.aim(self._state, self.voices - 1, self.voices, self.keyboard.gestures, knobs[P_F_C],
              self._unit, knobs[P_BRIGHTNESS])  # fmt: skip
        hertz = float(row[k.STEP + k.NEXT]) / self._unit
        row[k.CARRIER] = hertz * swept_time(gamma, t) % 1.0
        row[k.STEP : k.STEP + k.NEXT] = row[k.STEP + k.NEXT :]
        if place < 0:  # the block's ramps may be under way already
            row[k.STEP] *= self._base / self._next_base

    def _scatter(self, row: NDArray[np.float64], humanise: float, spread: float) -> None:
        """Set a voice's panorama, and its random detuning and level."""
        k = self._k
        semitones = STRAY_SEMITONES * humanise * (2.0 * self.chance.random() - 1.0)
        row[k.DETUNE] = 2.0 ** (semitones / 12.0)
        row[k.GAIN] = units.db_to_amplitude(-STRAY_DB * humanise * self.chance.random())
        # Steps of the golden ratio: each place is far from the last ones, the first in the middle.
        side = spread * (2.0 * ((0.5 + _GOLDEN * self.starts) % 1.0) - 1.0)
        row[k.LEFT], row[k.RIGHT] = math.sqrt(1.0 - side), math.sqrt(1.0 + side)
        row[k.BORN] = self.starts
        self.starts += 1

    def release(self, place: int) -> None:
        """[audio] Release the voices of the key at `place`, or those without a key (-1)."""
        k = self._k
        for voice, key in enumerate(self._state[: self.voices, k.KEY].tolist()):
            if key == place:
                row = self._state[voice]
                row[k.KEY] = _RELEASED
                if row[k.FADE] == 0.0:
                    row[k.FADE] = fade = 1.0 / (self.knobs[P_RELEASE] * self._sample_rate)
                    if row[k.RISE] > 0.0:  # it begins after the attack
                        row[k.GOING] = 1.0 + fade * (1.0 - row[k.COMING]) / row[k.RISE]

    def silence(self) -> None:
        """[audio] Fade all voices at once."""
        for voice in range(self.voices):
            self._state[voice, self._k.KEY] = _RELEASED
            self._steal(voice)

    def _steal(self, voice: int) -> None:
        """Fade a voice within the shortest period."""
        k, row = self._k, self._state[voice]
        if row[k.FADE] < self._fast:
            row[k.GOING] = min(max(min(row[k.COMING], row[k.GOING]), 0.0), 1.0)
            row[k.FADE] = self._fast

    def _make_room(self, by_key: bool) -> bool:
        """Fade an old voice where there are too many; return whether a new one may start.

        A voice that is replaced at once would click, so the one furthest along its sweep, or a
        released one, fades within the shortest period. A start without a key spares voices before
        their middle, or else a long sweep would never be heard, and is left out where no voice can
        go. A key always sounds.
        """
        sounding, furthest = self._furthest(-math.inf if by_key else 0.0)
        if furthest >= 0 and sounding >= (VOICES if by_key else VOICES - 1):
            self._steal(furthest)
            sounding -= 1
        if self.voices == ROWS and by_key:
            quietest = min(range(ROWS), key=self._loudness)
            self.voices -= 1
            self._state[quietest] = self._state[self.voices]
        return by_key or (sounding < VOICES and self.voices < ROWS)

    def _furthest(self, travelled: float) -> tuple[int, int]:
        """Number of sounding voices, and the furthest one beyond `travelled` octaves, or -1."""
        k, direction = self._k, float(self._ramps[1, self._k.DIRECTION])
        state = self._state[: self.voices]
        columns = (state[:, field].tolist() for field in (k.PLACE, k.GOING, k.FADE, k.BORN))
        sounding, furthest, oldest = 0, -1, math.inf
        for voice, (place, level, fade, born) in enumerate(zip(*columns, strict=True)):
            far = direction * place
            if fade >= self._fast or level <= _TINY or far > self._half:  # soon to be removed
                continue
            sounding += 1
            if level < 1.0 - _TINY:
                far += _PREFERRED
            further = far - travelled
            if further > _TINY or (further > -_TINY and born < oldest):
                furthest, travelled, oldest = voice, far, born
        return sounding, furthest

    def _loudness(self, voice: int) -> tuple[float, float]:
        """Level of a voice, 0 to 1, and its number, for the choice of the voice to remove at once.

        The quietest goes first, and among equals the oldest.
        """
        k, row = self._k, self._state[voice]
        level = min(max(min(float(row[k.COMING]), float(row[k.GOING])), 0.0), 1.0)
        place = float(row[k.PLACE]) / (SIGMA_0 * self._width)
        return level * math.exp(-0.5 * place * place), float(row[k.BORN])
