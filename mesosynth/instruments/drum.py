"""Rectangular drum, live: two-pole resonators that are struck, one for each mode."""

import numpy as np
from numpy.typing import NDArray

from mesosynth.plugins.parameters import Parameter, ParameterTable
from mesosynth.plugins.tempo import DIVISIONS

# --------------------------------------------------------------------------------------------------
# Parameter table and modes, for the live and the offline form


PICK_UP = 0.4
"""Where the drum is heard, on both sides, in sides; where the authors strike it, too."""

FADE_FROM, FADE_TO = 0.45, 0.5
"""Of the sample rate: above the first a mode fades, and is silent from the second on."""

_HALF_NOTE = float(list(DIVISIONS).index("1/2"))

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
            "x_1", "Strike place", "", 0.01, 0.5, 0.4,
            "Where it is struck along the first side, from the edge (0) to the middle (0.5).",
        ),
        Parameter(
            "x_2", "Strike place 2", "", 0.01, 0.5, 0.4,
            "Where it is struck along the second side, from the edge (0) to the middle (0.5).",
        ),
        Parameter(
            "period", "Period", "s", 0.02, 16.0, 1.0,
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
            "How late every other strike is, in periods; a third is a triplet's swing.",
        ),
        Parameter(
            "humanise", "Humanise", "", 0.0, 1.0, 0.0,
            "How much time and level of each strike stray, always in the same way.",
        ),
        Parameter(
            "spread", "Spread", "", 0.0, 1.0, 0.0,
            "How far every other mode goes to the left and to the right.",
        ),
        Parameter("gain", "Gain", "dB", -60.0, 6.0, -9.0, "Level of the output."),
    ]
)  # fmt: skip

(
    P_F_C, P_TAU, P_P, P_D, P_ALPHA, P_X_1, P_X_2, P_PERIOD, P_SYNC, P_TEMPO, P_DIVISION, P_SWING,
    P_HUMANISE, P_SPREAD, P_GAIN,
) = range(len(PARAMETERS))  # fmt: skip
"""Indices in the vector."""

_SOUNDING = (1, 2, 3, 4, 6, 7, 8, 9)  # of 10: 5 and 10 have a node at PICK_UP


def mode_numbers() -> NDArray[np.float64]:
    """Half waves of each mode along the two sides, (2, 64): all up to 10 that sound."""
    return np.array([(mu_1, mu_2) for mu_1 in _SOUNDING for mu_2 in _SOUNDING], np.float64).T.copy()
