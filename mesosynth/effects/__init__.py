"""Effects: saturation, filter, delay and reverb, in stereo, and the modulation of parameters.

Nothing here imports numba before it is prepared to play: the desk reads the tables from here.
"""

from mesosynth.effects.delay import Delay
from mesosynth.effects.filter import Filter
from mesosynth.effects.modulation import Modulation
from mesosynth.effects.reverb import Reverb
from mesosynth.effects.saturation import Saturation
from mesosynth.plugins.plugin import Effect

EFFECTS: dict[str, type[Effect]] = {
    "saturation": Saturation,
    "filter": Filter,
    "delay": Delay,
    "reverb": Reverb,
    "modulation": Modulation,
}
"""Built-in effects by their name in presets, in the usual order in a rack."""
