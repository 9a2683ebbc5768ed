"""The chirplet arpeggiator's parameter table, shared by its live and its offline form."""

from mesosynth.parameters import Parameter, ParameterTable

SIGMA_0 = 0.1
"""Standard deviation of the Gaussian envelope as a share of w; the authors' ``sigma0``."""

PARAMETERS = ParameterTable(
    [
        Parameter(
            "f_c", "Carrier", "Hz", 20.0, 8000.0, 512.0,
            "Frequency in the middle of the arpeggio.", curve="log", matchable=True,
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
        ),
        Parameter(
            "period", "Period", "s", 0.1, 16.0, 1.5,
            "Time from one arpeggio's start to the next.", curve="log",
        ),
        Parameter("gain", "Gain", "dB", -60.0, 6.0, -9.0, "Level of the output."),
    ]
)  # fmt: skip
