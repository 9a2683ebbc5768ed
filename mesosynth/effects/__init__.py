"""Effects: what changes a sound, block by block, in stereo.

Nothing here imports SciPy before it is prepared to play: the desk reads the tables from here.
"""

from mesosynth.effects.delay import Delay
from mesosynth.effects.filter import Filter
from mesosynth.effects.reverb import Reverb
from mesosynth.effects.saturation import Saturation
from mesosynth.plugins.plugin import Effect

EFFECTS: dict[str, type[Effect]] = {
    "saturation": Saturation,
    "filter": Filter,
    "delay": Delay,
    "reverb": Reverb,
}
"""The built-in effects by the name that presets use, in the order in which they are often put."""
