"""The layers' parameter table: ten parameters for each of eight layers, and some for all."""

from dataclasses import replace

from mesosynth.instruments.chirplet_parameters import PARAMETERS as CHIRPLET
from mesosynth.plugins.parameters import Parameter, ParameterTable

LAYERS = 8

SILENT = -60.0
"""dB: the level at which a layer does not sound at all."""

LAYER_IDS = (
    "f_c", "f_m", "gamma", "w", "am_shape", "am_depth", "brightness", "period", "delay", "level",
)  # fmt: skip
"""What each layer has, in order; layer k has them with the suffix ``_k``, 1 to LAYERS."""

_LOUD = -9.0  # dB, of the first layer: it is there when nothing was said

_OF_A_LAYER = [
    *(
        replace(CHIRPLET[id_], matchable=False)
        for id_ in ("f_c", "f_m", "gamma", "w", "am_shape", "am_depth", "brightness")
    ),
    replace(CHIRPLET["period"], default=4.0, description="Time from one start to the next."),
    Parameter(
        "delay", "Delay", "s", 0.0, 16.0, 0.0, "How late within its period the arpeggio starts."
    ),
    Parameter(
        "level", "Level", "dB", SILENT, 6.0, SILENT, "Of this layer; at the lowest it is silent."
    ),
]


def _layer(number: int) -> list[Parameter]:
    return [
        replace(
            parameter,
            id=f"{parameter.id}_{number}",
            name=f"{parameter.name} {number}",
            default=_LOUD if (parameter.id, number) == ("level", 1) else parameter.default,
        )
        for parameter in _OF_A_LAYER
    ]


PARAMETERS = ParameterTable(
    [
        *(parameter for number in range(1, LAYERS + 1) for parameter in _layer(number)),
        Parameter(
            "transpose", "Transpose", "semitones", -36.0, 36.0, 0.0, "Shifts all layers' pitch."
        ),
        Parameter(
            "speed", "Speed", "", 0.25, 4.0, 1.0,
            "How fast everything runs: sweeps, notes, and the time between starts.", curve="log",
        ),
        CHIRPLET["spread"],
        CHIRPLET["release"],
        replace(CHIRPLET["gain"], default=0.0),
    ]
)  # fmt: skip

P_ALL_TRANSPOSE, P_ALL_SPEED, P_ALL_SPREAD, P_ALL_RELEASE, P_ALL_GAIN = range(
    LAYERS * len(LAYER_IDS), LAYERS * len(LAYER_IDS) + 5
)
"""Places in the vector of what all layers share."""
