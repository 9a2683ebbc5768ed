"""`mesosynth similar`: presets of the library that sound like one."""

import logging
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from mesosynth.cli.options import Count, Json

_log = logging.getLogger(__name__)


def similar(
    preset: Annotated[Path, Parameter("PRESET")],
    /,
    *,
    number: Annotated[Count, Parameter("-n")] = 10,
    json: Json = False,
) -> dict[str, Any]:
    """List presets that sound like one, from near to far.

    Parameters
    ----------
    preset : Path
        A preset to compare with.
    number : int
        Number of presets to list.
    json : bool
        One JSON object on standard output.
    """
    from mesosynth.presets.preset import load_preset
    from mesosynth.presets.similarity import library_presets, read_index, sound_key, write_index

    compared = load_preset(preset)
    here = sound_key(compared)
    library = library_presets()
    presets = {here: compared, **library}
    index = read_index()
    if new := sum(key not in index for key in presets):
        from mesosynth.cli.progress import ProgressBar
        from mesosynth.presets.fingerprints import Fingerprinter, index_presets

        with ProgressBar("Listening to new sounds", new, counts=True) as bar:
            index = index_presets(presets, lambda done, _: bar.move(done))
        if here not in index:
            Fingerprinter().of_preset(compared)  # which raises, and says why
        try:
            write_index(index)  # so that each is listened to once
        except OSError as error:  # a cache that cannot be written costs time at the next call
            _log.info("fingerprints are not kept: %s", error)
    found = [
        {"preset": presets[key].name, "distance": round(away, 4)}
        for key, away in index.distances(here).items()
        if key in library
    ][:number]
    if not json:
        for one in found:
            print(f"{one['distance']:6.2f}  {one['preset']}")
    return {"preset": compared.name, "similar": found}
