"""Instruments: each live (NumPy, block by block) and offline (torch, differentiable in theta).

Nothing here imports torch: the audio process and the desk read the tables from here.
"""

from mesosynth.errors import ArgumentError
from mesosynth.instruments.chirplet import Chirplet
from mesosynth.instruments.drum import Drum
from mesosynth.instruments.grains import Grains
from mesosynth.instruments.layers import Layers
from mesosynth.instruments.ripple import Ripple
from mesosynth.instruments.sampler import Sampler
from mesosynth.instruments.strike import Strike
from mesosynth.plugins.plugin import Instrument

INSTRUMENTS: dict[str, type[Instrument]] = {
    "chirplet": Chirplet,
    "ripple": Ripple,
    "strike": Strike,
    "drum": Drum,
    "grains": Grains,
    "sampler": Sampler,
    "layers": Layers,
}
"""Built-in instruments by their name in presets."""


def instrument_class(name: str) -> type[Instrument]:
    """Look up an instrument by name.

    Raises
    ------
    ArgumentError
        If there is none of that name.
    """
    try:
        return INSTRUMENTS[name]
    except KeyError:
        raise ArgumentError(
            f"instrument={name!r} does not exist; there are {', '.join(INSTRUMENTS)}."
        ) from None
