"""`mesosynth similar`: presets of the library that sound like one."""

from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from mesosynth.cli.options import Json, positive_number


def similar(
    preset: Annotated[Path, Parameter("PRESET")],
    /,
    *,
    number: Annotated[int, Parameter("-n", metavar="N", converter=positive_number)] = 10,
    json: Json = False,
) -> dict[str, Any]:
    """Tell which presets sound like one, from near to far.

    Parameters
    ----------
    preset : Path
        What the others are compared with.
    number : int
        How many.
    json : bool
        One JSON object on standard output.
    """
    from mesosynth.presets.preset import load_preset
    from mesosynth.presets.similarity import library_presets, read_survey, sound_key, write_survey

    compared = load_preset(preset)
    here = sound_key(compared)
    library = library_presets()
    presets = {here: compared, **library}
    survey = read_survey()
    if new := sum(key not in survey for key in presets):
        from mesosynth.cli.progress import ProgressBar
        from mesosynth.presets.fingerprints import survey_presets

        with ProgressBar("Listening to new sounds", new, counts=True) as bar:
            survey = survey_presets(presets, lambda done, _: bar.move(done))
        write_survey(survey)  # so that each is listened to once
    found = [
        {"preset": presets[key].name, "distance": round(away, 4)}
        for key, away in survey.distances(here).items()
        if key in library
    ][:number]
    if not json:
        for one in found:
            print(f"{one['distance']:6.2f}  {one['preset']}")
    return {"preset": compared.name, "similar": found}
