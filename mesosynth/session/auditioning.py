"""The part of a session that lets what a match found be heard, whole or in part."""

from mesosynth.errors import ArgumentError
from mesosynth.session.matching import Matching


class Auditioning(Matching):
    """Plays candidates, and what lies between the sound before the match and its result."""

    def apply_candidate(self, place: int) -> None:
        """Play a candidate of the last match: `result.candidates[place]`, 0 for the best.

        Raises
        ------
        ArgumentError
            If there is none.
        """
        candidates = self.result.candidates if self.result is not None else []
        if not 0 <= place < len(candidates):
            raise ArgumentError(f"place={place} is no candidate; there are {len(candidates)}.")
        self._play_theta(candidates[place].theta)

    def morph_to_match(self, amount: float) -> None:
        """Play what lies between the sound before the match (0) and its result (1).

        Each parameter goes its own way, as its knob would: a frequency in octaves, a level in
        decibels.

        Raises
        ------
        ArgumentError
            If nothing was matched, or `amount` is not in 0 to 1.
        """
        if self.result is None or not self._before_match:
            raise ArgumentError("There is no match to morph to; match a sound first.")
        if not 0.0 <= amount <= 1.0:
            raise ArgumentError(f"amount={amount} must be 0 (before the match) to 1 (the match).")
        self.check_matched()
        self._play_theta({id_: self._between(id_, amount) for id_ in self.result.theta})

    def _between(self, id_: str, amount: float) -> float:
        assert self.result is not None
        parameter = self._rack.instrument.parameters[id_]
        before, after = self._before_match[id_], self.result.theta[id_]
        if amount in (0.0, 1.0):
            return after if amount else before  # to the last digit
        start, end = parameter.to_unit(before), parameter.to_unit(after)
        return parameter.from_unit(start + amount * (end - start))

    def _play_theta(self, theta: dict[str, float]) -> None:
        self.check_matched()
        self.set_parameters(theta, "match")
