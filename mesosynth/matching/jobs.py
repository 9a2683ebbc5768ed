"""Jobs of matching by name; torch comes in when one of them runs."""

from functools import partial
from pathlib import Path
from typing import Any

from mesosynth.audio.target import Target
from mesosynth.matching.checkpoint import Checkpoint, keep
from mesosynth.matching.results import LayersSettings, MatchSettings
from mesosynth.system.cpu import worker_threads
from mesosynth.system.jobs import JobKind, Jobs
from mesosynth.system.steps import EvaluationCache, Steps

_PICTURES = "mesosynth.matching.analysis"

KINDS = {
    "guess": JobKind("mesosynth.matching.encoder:guess_steps", 0, newest_only=True),
    "target picture": JobKind(f"{_PICTURES}:target_picture", 0, newest_only=True),
    # During a match, which pictures slow down, there are few; that of layers takes longer.
    "sound picture": JobKind(f"{_PICTURES}:sound_picture", 0, newest_only=True, rest=0.25),
    "layers picture": JobKind(f"{_PICTURES}:layers_picture", 0, newest_only=True, rest=1.5),
    "finer picture": JobKind(f"{_PICTURES}:finer_picture", 0, newest_only=True, rest=0.5),
    "attribution": JobKind(f"{_PICTURES}:attribution", 0, newest_only=True),
    "match": JobKind("mesosynth.matching.match:match_steps", 1, resumes=True),
    "layers": JobKind("mesosynth.matching.layers:layer_steps", 1, resumes=True),
    "scores": JobKind(f"{_PICTURES}:candidate_scores", 2),
    "loss map": JobKind("mesosynth.matching.loss_map:map_steps", 3),
    "sequence": JobKind("mesosynth.matching.sequence:sequence_steps"),
    "tracking": JobKind("mesosynth.matching.tracking:tracking_steps"),
}
"""By name."""


def matching_jobs() -> Jobs:
    """The jobs of a session around its target: matches, pictures and maps of the loss."""
    return Jobs(KINDS, _prepare(worker_threads()), name="mesosynth matcher")


def sequence_jobs() -> Jobs:
    """The jobs of a session that match long sounds; their process ends with the last of them."""
    return Jobs(KINDS, _prepare(worker_threads()), name="mesosynth sequence", stays=False)


def tracking_jobs() -> Jobs:
    """The jobs of a session that track its input.

    One thread, since a core stays free for audio and the matcher has work too; and a higher
    priority than the matcher's, since what is heard waits for this.
    """
    return Jobs(KINDS, _prepare(1), name="mesosynth tracking", nice=2, stays=False)


def _prepare(threads: int) -> partial[None]:
    return partial(prepare, threads)


def prepare(threads: int) -> None:
    """Import torch in a child and let it compute in so many threads."""
    import torch

    torch.set_num_threads(threads)


def search(checkpoint: Checkpoint, run: Path | None = None) -> Steps[Any, Any]:
    """Match, or match with layers, from where a checkpoint stands.

    Parameters
    ----------
    checkpoint : Checkpoint
        Of a match, with layers or without.
    run : Path, optional
        A file in which the search is kept as it goes.

    Yields
    ------
    None, Evaluation, MatchStep or LayersStep

    Returns
    -------
    MatchResult or LayersResult
    """
    from mesosynth.matching.layers import layer_steps
    from mesosynth.matching.match import match_steps

    target, settings = checkpoint.target, checkpoint.settings
    cache = EvaluationCache(checkpoint.evaluations)
    assert isinstance(target, Target)
    steps: Steps[Any, Any]
    if isinstance(settings, LayersSettings):
        steps = layer_steps(target, settings, cache)
    else:
        assert isinstance(settings, MatchSettings)
        steps = match_steps(target, checkpoint.instrument, settings, cache)
    return steps if run is None else keep(steps, run, checkpoint)
