"""
Render a preset with other parameters
=====================================

Any preset, any of its parameters, into an array or a file.
"""

import tempfile
from pathlib import Path

import soundfile
from IPython.display import Audio

import mesosynth as ms
from mesosynth.system.paths import resource

bird = ms.load_preset(resource("presets", "bird.json"))
print(bird.instrument, dict(bird.parameters))
sound = ms.render(bird, {"f_c": 1200.0}, seconds=3.0)
soundfile.write(Path(tempfile.mkdtemp(), "bird.flac"), sound.T, 48000)
Audio(sound, rate=48000)
