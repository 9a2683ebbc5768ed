"""Listen to presets: fingerprints of those that are new, and the map of all.

Brings torch and scikit-learn in, so the desk has a process of its own do it
(``python -m mesosynth.finding``).
"""

from collections.abc import Callable, Mapping

import numpy as np

from mesosynth.errors import MesosynthError
from mesosynth.presets.fingerprints import Fingerprinter
from mesosynth.presets.preset import Preset
from mesosynth.presets.similarity import Survey, empty_survey, known_fingerprints
from mesosynth.presets.sound_map import sound_map


def survey_presets(
    presets: Mapping[str, Preset],
    on_progress: Callable[[int, int], None] | None = None,
) -> Survey:
    """Survey sounds; those that were ever heard here are not played again.

    Parameters
    ----------
    presets : mapping of str to Preset
        By :func:`~mesosynth.presets.sound_key.sound_key`. What cannot be played here, because a
        plugin is missing, is left out.
    on_progress : callable, optional
        Gets how many of how many new sounds were heard.
    """
    known = known_fingerprints()
    fingerprinter = Fingerprinter()
    new = [key for key in presets if not _fits(known.get(key), fingerprinter.length)]
    for count, key in enumerate(new, 1):
        try:
            known[key] = fingerprinter.of_preset(presets[key]).astype(np.float16)
        except MesosynthError:
            known.pop(key, None)
        if on_progress is not None:
            on_progress(count, len(new))
    keys = tuple(sorted(key for key in presets if key in known))  # the map's order
    if not keys:
        return empty_survey()
    fingerprints = np.stack([known[key] for key in keys])
    height, speed = fingerprinter.height(fingerprints), fingerprinter.speed(fingerprints)
    return Survey(keys, fingerprints, sound_map(fingerprints, height, speed))


def _fits(fingerprint: np.ndarray | None, length: int) -> bool:
    return fingerprint is not None and fingerprint.shape == (length,)
