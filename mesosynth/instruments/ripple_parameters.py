"""The ripple's parameter table and partials, shared by its live and its offline form."""

import numpy as np
from numpy.typing import NDArray

from mesosynth.plugins.parameters import Parameter, ParameterTable

PARTIALS = 64

FADE_FROM, FADE_TO = 0.45, 0.5
"""Of the sample rate: above the first a partial fades, and is silent from the second on."""

LEVEL = 0.3
"""Root mean square of the partials without a ripple, both channels alike, at 0 dB."""

PARAMETERS = ParameterTable(
    [
        Parameter(
            "f_0", "Lowest", "Hz", 20.0, 4000.0, 256.0,
            "Frequency of the lowest partial; a held note takes its place.",
            curve="log", matchable=True,
        ),
        Parameter(
            "f_m", "Ripple rate", "Hz", 0.25, 32.0, 4.0,
            "How often a crest of the ripple passes each partial.", curve="log", matchable=True,
        ),
        Parameter(
            "gamma", "Ripple speed", "oct/s", -16.0, 16.0, 2.0,
            "How fast the crests climb through the partials; negative descends.",
            curve="signed_log", smallest=0.125, matchable=True,
        ),
        Parameter(
            "w", "Bandwidth", "oct", 1.0, 8.0, 4.0,
            "Octaves from the lowest partial to the highest.", curve="log", matchable=True,
        ),
        Parameter(
            "depth", "Depth", "", 0.0, 1.0, 1.0, "From steady partials (0) to a full ripple (1).",
            matchable=True,
        ),
        Parameter(
            "spread", "Spread", "", 0.0, 1.0, 0.5,
            "How far every other partial goes to the left and to the right.",
        ),
        Parameter("gain", "Gain", "dB", -60.0, 6.0, -9.0, "Level of the output."),
    ]
)  # fmt: skip


def places() -> NDArray[np.float64]:
    """Where each partial lies, (PARTIALS,): 0 for the lowest to 1 for the highest."""
    return np.linspace(0.0, 1.0, PARTIALS)


def first_phases() -> NDArray[np.float64]:
    """Each partial's phase at time 0, (PARTIALS,), in cycles.

    The authors start all at 0, which makes a loud click of the first moment; steps of the golden
    ratio times the square spread the energy about as evenly as chance does, and always alike.
    """
    return np.arange(PARTIALS) ** 2 * (np.sqrt(5.0) - 1.0) / 2.0 % 1.0
