"""How alike what a match found is to its target: worked out once the match has ended.

The scores of a candidate take as long as several steps of a descent, and nobody should wait for
them; so they come afterwards, the best candidate's first.
"""

from collections.abc import Iterator

from mesosynth.audio.target import Target
from mesosynth.matching.match import render_match
from mesosynth.matching.operator import Operator
from mesosynth.matching.requests import Judged
from mesosynth.matching.results import MatchResult
from mesosynth.matching.similarity import Similarity


def judgements(operator: Operator, target: Target, result: MatchResult) -> Iterator[Judged]:
    """Score the candidates of `result`, a match of `target`, one with each step, best first."""
    similarity = Similarity(target.audio, operator)
    for place, candidate in enumerate(result.candidates):
        yield Judged(
            place, similarity.of(render_match(candidate.theta, operator.model.name, target))
        )
