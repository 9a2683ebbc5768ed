"""A match as a preset: what it found becomes a sound that can be saved, mailed and played."""

from pathlib import PurePath

from mesosynth import units
from mesosynth.instruments import instrument_class
from mesosynth.matching.results import MatchResult
from mesosynth.matching.scores import Scores
from mesosynth.presets.preset import MatchRecord, Preset, Tags


def matched_preset(
    result: MatchResult,
    target: str,
    sha256: str,
    instrument: str = "chirplet",
    scores: Scores | None = None,
) -> Preset:
    """Make a preset that plays `result`, of an arpeggio again and again.

    Parameters
    ----------
    result : MatchResult
    target : str
        Name of the sound that was matched.
    sha256 : str
        Of its bytes.
    instrument : str
        The one that was matched.
    scores : Scores, optional
        How alike the two sound, where that was measured.
    """
    table = instrument_class(instrument).parameters
    values = {**result.theta, "gain": units.amplitude_to_db(abs(result.gain))}
    if "period" in table:  # arpeggios come one after another; a ripple sounds all the time
        values["period"] = result.theta["w"] / abs(result.theta["gamma"])
    return Preset(
        name=PurePath(target).stem,
        instrument=instrument,
        parameters=table.complete(values),
        comment=f"Matched to {target}.",
        tags=Tags(category="matched"),
        match=match_record(result, target, sha256, scores),
    )


def match_record(
    result: MatchResult, target: str, sha256: str, scores: Scores | None = None
) -> MatchRecord:
    """What a preset says of the match that it comes from; arguments as above."""
    return MatchRecord(
        target=target,
        sha256=sha256,
        loss=result.loss,
        std=result.std,
        evaluations=result.evaluations,
        onset=result.onset,
        gain=result.gain,
        similarity={} if scores is None else scores.as_dict(),
    )
