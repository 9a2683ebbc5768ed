"""Strike, live: one struck, blown or standing event, played by keys or repeated by a clock."""

import math

import numpy as np
from numpy.typing import NDArray

from mesosynth.plugins.parameters import Parameter, ParameterTable
from mesosynth.plugins.tempo import DIVISIONS

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

_HALF_NOTE = float(list(DIVISIONS).index("1/2"))

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
        Parameter(
            "period", "Period", "s", 0.1, 16.0, 1.5,
            "Time from one strike to the next, unless it keeps the tempo.", curve="log",
        ),
        Parameter(
            "sync", "Sync", "", 0.0, 1.0, 0.0,
            "Whether strikes repeat by the period or by tempo and note value.",
            choices=("Period", "Tempo"),
        ),
        Parameter("tempo", "Tempo", "BPM", 20.0, 300.0, 120.0, "Quarter notes a minute."),
        Parameter(
            "division", "Note value", "", 0.0, len(DIVISIONS) - 1.0, _HALF_NOTE,
            "Note value by which strikes repeat when they keep the tempo.",
            choices=tuple(DIVISIONS),
        ),
        Parameter(
            "swing", "Swing", "", 0.0, 0.6, 0.0,
            "How late every other strike starts, in periods; a third is a triplet's swing.",
        ),
        Parameter(
            "humanise", "Humanise", "", 0.0, 1.0, 0.0,
            "How much onset, pitch, level and noise of each strike stray, always in the same way.",
        ),
        Parameter(
            "spread", "Spread", "", 0.0, 1.0, 0.0,
            "How far strikes lie from the middle, to the left and to the right.",
        ),
        Parameter(
            "release", "Release", "s", 0.02, 8.0, 1.0,
            "Time in which a strike fades once its key is let go.", curve="log",
        ),
        Parameter("gain", "Gain", "dB", -60.0, 6.0, -9.0, "Level of the output."),
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
