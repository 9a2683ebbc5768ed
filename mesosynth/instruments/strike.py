"""Strike, live: one struck, blown or standing event, played by keys or repeated by a clock."""

import math

import numpy as np
from numpy.typing import NDArray

from mesosynth import units
from mesosynth.instruments.keyboard import GAIN, RELEASE, REPETITION, SPREAD, KeyboardInstrument
from mesosynth.plugins.parameters import Parameter, ParameterTable
from mesosynth.plugins.plugin import CHANNELS

# --------------------------------------------------------------------------------------------------
# Parameter table, partials and bands of noise, for the live and the offline form


PARTIALS = 8
"""Number of partials of the tone, with the fundamental."""

FADE_FROM, FADE_TO = 0.45, 0.5
"""Of the sample rate: above the first a partial fades, and is silent from the second on."""

LOW_FROM, LOW_TO = 16.0, 8.0
"""Hz: below the first a partial fades, and is silent from the second on; a glide ends there."""

MOST_OCTAVES = 20.0
"""Octaves at which a glide stops, up or down; every partial is silent long before."""

ATTACK_STEEPNESS = 3.0
"""Time constants in an attack, after which it has reached 0.9 (-0.9 dB)."""

PARAMETERS = ParameterTable(
    [
        Parameter(
            "f_c", "Pitch", "Hz", 20.0, 12000.0, 220.0,
            "Frequency at the onset; a key that is played takes its place.",
            curve="log", matchable=True,
        ),
        Parameter(
            "gamma", "Glide", "oct/s", -16.0, 16.0, 0.0,
            "How fast the pitch glides; negative descends, 0 stands.",
            curve="asinh", smallest=0.25, matchable=True,
        ),
        Parameter(
            "attack", "Attack", "s", 0.001, 2.0, 0.002,
            "Time in which the sound comes.", curve="log", matchable=True,
        ),
        Parameter(
            "decay", "Decay", "s", 0.01, 10.0, 0.4,
            "Time in which the sound falls by 8.7 dB (to 1/e).", curve="log", matchable=True,
        ),
        Parameter(
            "brightness", "Brightness", "dB/oct", -60.0, 6.0, -9.0,
            "How slowly the partials fall off; a softer key makes it less.", matchable=True,
        ),
        Parameter(
            "inharmonicity", "Inharmonicity", "", 0.0, 1.0, 0.0,
            "How far the partials lie above the harmonics: a string has little, a bar is near 1.",
            curve="asinh", smallest=0.001, matchable=True,
        ),
        Parameter(
            "damping", "Damping", "", 0.0, 2.0, 0.5,
            "How much sooner the higher partials decay: not at all (0), in proportion (1).",
            matchable=True,
        ),
        Parameter(
            "air", "Air", "", 0.0, 1.0, 0.0,
            "Share of noise, from a pure tone (0) to noise alone (1).", matchable=True,
        ),
        Parameter(
            "air_width", "Air width", "oct", 0.05, 6.0, 1.0,
            "Width of the noise around the pitch.", curve="log", matchable=True,
        ),
        Parameter(
            "tremolo_rate", "Tremolo rate", "Hz", 0.5, 64.0, 6.0,
            "How often the level dips.", curve="log", matchable=True,
        ),
        Parameter(
            "tremolo_depth", "Tremolo depth", "", 0.0, 1.0, 0.0,
            "From an even level (0) to dips into silence (1).", matchable=True,
        ),
        *REPETITION,
        SPREAD,
        RELEASE,
        GAIN,
    ]
)  # fmt: skip

(
    P_F_C, P_GAMMA, P_ATTACK, P_DECAY, P_BRIGHTNESS, P_INHARMONICITY, P_DAMPING, P_AIR, P_AIR_WIDTH,
    P_TREMOLO_RATE, P_TREMOLO_DEPTH, P_PERIOD, P_SYNC, P_TEMPO, P_DIVISION, P_SWING, P_HUMANISE,
    P_SPREAD, P_RELEASE, P_GAIN,
) = range(len(PARAMETERS))  # fmt: skip
"""Indices in the vector."""

# Air is noise in bands around the pitch, so many standard deviations of its width away from it.
# Each band is Gaussian noise of its own time, which runs with the band's phase::
#
#     Re(M(o_j + RATE s p_j) exp(2 pi i p_j)),   M(u) = sum_m Z_m B(u - m)
#
# p_j are the cycles since the onset, Z complex white noise of a fixed seed, B the cubic B-spline
# and s the standard deviation of the whole in octaves. M's spectrum is that of B, nearly a
# Gaussian, and is as wide as the band's frequency times s: a band of constant Q, which glides with
# the pitch. So air is one formula of theta like the partials, smooth in all of it, and the same
# sample by sample in both forms, yet it is noise: nothing in it repeats within seconds. A sum of
# sinusoids at fixed frequencies rings and beats instead, unless there are thousands; a recursive
# filter over white noise has no derivative but through all samples before.

BANDS = 8
BAND_PLACES = 0.6 * (np.arange(float(BANDS)) - 0.5 * (BANDS - 1))
"""Distance of each band from the pitch, (BANDS,), in standard deviations of the air."""

_BAND_STD = 0.45  # of the air's; bands overlap, and together are even to 0.1 dB
_SPLINE_STD = 0.195  # of the B-spline's power spectrum, cycles per grid point
_SPLINE_POWER = 151.0 / 315.0  # mean of the sum of squares of its values at distances of 1

BAND_RATE = math.log(2.0) * _BAND_STD / _SPLINE_STD
"""Points of the noise per cycle of a band, and per octave of the air's standard deviation."""

STD_PER_WIDTH = 1.0 / (2.0 * math.sqrt(2.0 * math.log(2.0)))
"""Standard deviation of a Gaussian whose width, at half its power, is 1."""

NOISE_POINTS = 1 << 16
"""Length of the table of noise, a power of two; it goes around."""

_SEED = 20261130


def band_levels() -> NDArray[np.float64]:
    """Amplitude of each band of noise, (BANDS,), of unit norm.

    They fall like a Gaussian that makes the variance of the whole 1 in :data:`BAND_PLACES`' unit.
    """
    spread = np.square(BAND_PLACES)
    low, high = 0.1, 10.0
    for _ in range(60):  # bisection for the variance of the bands' centres
        middle = math.sqrt(low * high)
        power = np.exp(-0.5 * spread / middle)
        wide = float(power @ spread / power.sum()) > 1.0 - _BAND_STD**2
        low, high = (low, middle) if wide else (middle, high)
    power = np.exp(-0.5 * spread / high)
    return np.sqrt(power / power.sum())


def band_offsets() -> NDArray[np.float64]:
    """First point of each band in the table of noise, (BANDS,)."""
    return np.arange(0.0, NOISE_POINTS, NOISE_POINTS / BANDS)


def noise_table() -> NDArray[np.float64]:
    """Complex white Gaussian noise of a fixed seed: (NOISE_POINTS, 2), real and imaginary part.

    Its scale makes the mean square of ``|M|`` 1.
    """
    Z = np.random.default_rng(_SEED).standard_normal((NOISE_POINTS, 2))
    Z /= math.sqrt(2.0 * _SPLINE_POWER)
    return Z


# --------------------------------------------------------------------------------------------------
# The instrument: start, voice stealing and release of strikes


VOICES = 16
ROWS = 32  # for voices; those beyond VOICES fade
FADE_SECONDS = 0.02  # of a stolen voice; no longer than the shortest period
STRAY_SEMITONES = 0.25  # largest detuning of a fully humanised strike, up or down
STRAY_DB = 6.0  # largest attenuation of a fully humanised strike
SOFTNESS = 12.0
"""Brightness that the softest key loses, dB/octave; the loudest plays the parameter's value."""

_RELEASED = -2.0  # in place of a voice's key
_GOLDEN = 0.5 * (math.sqrt(5.0) - 1.0)


class Strike(KeyboardInstrument):
    """Strike: one struck, blown or standing event, repeated by period or tempo, or played by keys.

    Parameters and gestures ramp linearly (in the quantities that a sample needs) from block to
    block; humanise and spread apply from the next start. A soft key has less brightness, by
    :data:`SOFTNESS`, and the square of its velocity as amplitude. Humanised strikes begin at other
    places in the noise; the others all have the same noise, that of the offline form.

    While frozen, nothing decays or glides.

    Attributes
    ----------
    voices : int
        Number of voices, with those that fade.
    starts : int
        Strikes since the reset.
    """

    name = "Strike"
    pitch = "f_c"
    parameters = PARAMETERS

    def prepare(self, sample_rate: float, max_block: int) -> None:
        """[control] Allocate everything for blocks of up to `max_block` frames, then reset."""
        from mesosynth.instruments import strike_kernel

        self._k = k = strike_kernel
        self._state = np.zeros((ROWS, k.FIELDS))
        self._ramps = np.zeros((3, k.RAMPS))
        self._theta = np.zeros(P_TREMOLO_DEPTH + 1)
        self._mix = np.zeros((CHANNELS, max_block))
        self._noise, self._bands = noise_table(), band_levels()
        self._offsets = band_offsets()
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
        self._was_frozen = False
        self._base = self._next_base = 0.0

    # ------------------------------------------------------------------ ramps

    def begin_block(self) -> None:
        """[audio] Aim the ramps of a block at the knobs."""
        knobs = self.knobs
        self._base = self._next_base
        still = knobs == self._said and self.frozen == self._was_frozen
        if still and not self.keyboard.moved:
            return
        fresh = not self._said
        self._was_frozen, self._said = self.frozen, knobs
        self._next_base = knobs[P_F_C]
        for column in range(len(self._theta)):
            self._theta[column] = knobs[column]
        k = self._k
        k.aim_ramps(self._ramps[1], self._theta, self._sample_rate, self.frozen)
        self._ramps[1, k.LEVEL] = units.db_to_amplitude(knobs[P_GAIN])
        if fresh:
            self._ramps[0] = self._ramps[1]
            self._base = self._next_base
        self._aim(0)
        self.keyboard.moved = False

    def _aim(self, first: int) -> None:
        """Aim the ramps of all voices from `first` on."""
        self._k.aim_voices(
            self._state, first, self.voices, self.keyboard.gestures, self.knobs[P_F_C],
            self._sample_rate, self.knobs[P_BRIGHTNESS],
        )  # fmt: skip

    def render(self, block: NDArray[np.float32], begin: int, end: int) -> None:
        """[audio] Overwrite frames `begin` to `end` of `block`, (2, frames)."""
        self.voices = self._k.render(
            self._state, self.voices, self._ramps, self._noise, self._bands, self._sample_rate,
            self._mix, block, begin, end,
        )  # fmt: skip

    # ------------------------------------------------------------------ start and end

    def start(self, place: int) -> None:
        """[audio] Start a strike, of the key at `place` or without one (-1)."""
        self._make_room()
        k, row = self._k, self._state[self.voices]
        row.fill(0.0)
        row[k.SWEEP] = row[k.REST] = row[k.GOING] = 1.0
        row[k.FALL : k.FALL + PARTIALS] = 1.0
        row[k.POINT : k.POINT + BANDS] = self._offsets
        self._scatter(row, self.knobs[P_HUMANISE], self.knobs[P_SPREAD])
        row[k.KEY], row[k.SCALE] = place, 1.0 / self._ramps[1, k.PEAK]
        if place >= 0:
            key = self.keyboard.keys[place]
            row[k.HERTZ], row[k.CHANNEL] = key.hertz, key.channel
            row[k.GAIN] *= key.gain
            row[k.SOFTNESS] = SOFTNESS * (1.0 - key.velocity)
        self.voices += 1
        self._aim(self.voices - 1)
        row[k.STEP : k.STEP + k.NEXT] = row[k.STEP + k.NEXT :]
        if place < 0:  # the block's ramps may be under way already
            row[k.STEP] *= self._base / self._next_base

    def _scatter(self, row: NDArray[np.float64], humanise: float, spread: float) -> None:
        """Set a strike's panorama, and its random detuning, level and place in the noise."""
        k = self._k
        semitones = STRAY_SEMITONES * humanise * (2.0 * self.chance.random() - 1.0)
        row[k.DETUNE] = 2.0 ** (semitones / 12.0)
        row[k.GAIN] = units.db_to_amplitude(-STRAY_DB * humanise * self.chance.random())
        if humanise > 0.0:
            row[k.POINT : k.POINT + BANDS] += self.chance.random() * (NOISE_POINTS // BANDS)
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
                    row[k.FADE] = 1.0 / (self.knobs[P_RELEASE] * self._sample_rate)

    def silence(self) -> None:
        """[audio] Fade all voices at once."""
        for row in self._state[: self.voices]:
            row[self._k.KEY] = _RELEASED
            row[self._k.FADE] = max(row[self._k.FADE], self._fast)

    def _make_room(self) -> None:
        """Fade the quietest voice where there are too many, and drop one where no row is left.

        A voice that is replaced at once would click.
        """
        k, state = self._k, self._state
        sounding = [v for v in range(self.voices) if state[v, k.FADE] < self._fast]
        if len(sounding) >= VOICES:
            state[min(sounding, key=self._loudness), k.FADE] = self._fast
        if self.voices == ROWS:
            self.voices -= 1
            state[min(range(ROWS), key=self._loudness)] = state[self.voices]

    def _loudness(self, voice: int) -> tuple[float, float]:
        """Level of a voice and its number: of equals, the oldest goes first."""
        k, row = self._k, self._state[voice]
        return float(row[k.GOING] * row[k.GAIN] * row[k.FALL]), float(row[k.BORN])
