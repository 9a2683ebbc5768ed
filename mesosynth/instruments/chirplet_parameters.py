"""Parameter table of the chirplet arpeggiator, for its live and its offline form."""

from mesosynth.plugins.parameters import Parameter, ParameterTable
from mesosynth.plugins.tempo import DIVISIONS

SIGMA_0 = 0.1
"""Standard deviation of the Gaussian envelope, in w; ``sigma0`` of the authors' code."""

HARMONICS = 6
"""Number of partials of the carrier, with the fundamental."""

PURE = -60.0
"""Brightness of a carrier without harmonics, dB/octave."""

_HALF_NOTE = float(list(DIVISIONS).index("1/2"))

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
            "How fast the pitch sweeps; negative descends.",
            curve="signed_log", smallest=0.125, matchable=True,
        ),
        Parameter(
            "w", "Bandwidth", "oct", 0.25, 8.0, 2.0,
            "Octaves that one arpeggio sweeps.", curve="log", matchable=True,
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
        Parameter(
            "period", "Period", "s", 0.1, 16.0, 1.5,
            "Time from one arpeggio's start to the next, unless it keeps the tempo.", curve="log",
        ),
        Parameter(
            "sync", "Sync", "", 0.0, 1.0, 0.0,
            "Whether arpeggios repeat by the period or by tempo and note value.",
            choices=("Period", "Tempo"),
        ),
        Parameter("tempo", "Tempo", "BPM", 20.0, 300.0, 120.0, "Quarter notes a minute."),
        Parameter(
            "division", "Note value", "", 0.0, len(DIVISIONS) - 1.0, _HALF_NOTE,
            "Note value by which arpeggios repeat when they keep the tempo.",
            choices=tuple(DIVISIONS),
        ),
        Parameter(
            "swing", "Swing", "", 0.0, 0.6, 0.0,
            "How late every other arpeggio starts, in periods; a third is a triplet's swing.",
        ),
        Parameter(
            "humanise", "Humanise", "", 0.0, 1.0, 0.0,
            "How much onset, pitch and level of each arpeggio stray, always in the same way.",
        ),
        Parameter(
            "spread", "Spread", "", 0.0, 1.0, 0.0,
            "How far arpeggios lie from the middle, to the left and to the right.",
        ),
        Parameter(
            "release", "Release", "s", 0.02, 8.0, 1.0,
            "Time in which an arpeggio fades once its key is let go.", curve="log",
        ),
        Parameter("gain", "Gain", "dB", -60.0, 6.0, -9.0, "Level of the output."),
    ]
)  # fmt: skip

(
    P_F_C, P_F_M, P_GAMMA, P_W, P_AM_SHAPE, P_AM_DEPTH, P_BRIGHTNESS, P_PERIOD, P_SYNC, P_TEMPO,
    P_DIVISION, P_SWING, P_HUMANISE, P_SPREAD, P_RELEASE, P_GAIN,
) = range(len(PARAMETERS))  # fmt: skip
"""Indices in the vector."""
