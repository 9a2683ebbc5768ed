"""The matcher: from audio to theta, with no knowledge but the audio."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from mesosynth.audio.target import Target, target_from_array
from mesosynth.matching.journal import Journal
from mesosynth.matching.match import OnStep, Run, ShouldStop, Stopped
from mesosynth.matching.model import model_named
from mesosynth.matching.noise import onset_of
from mesosynth.matching.operator import Operator
from mesosynth.matching.results import MatchResult, MatchSettings, Phi


def match(
    audio: NDArray[np.floating],
    sample_rate: float,
    instrument: str = "chirplet",
    seed: int = 0,
    on_step: OnStep | None = None,
    should_stop: ShouldStop | None = None,
    settings: MatchSettings | None = None,
    journal: Journal | None = None,
) -> MatchResult:
    """Find the theta whose arpeggio sounds like `audio`.

    Parameters
    ----------
    audio : (n,) or (n, channels) array
        Any length from 50 ms; of a long sound the liveliest four seconds count.
    sample_rate : float
        Hz.
    instrument : str
        "chirplet" or "ripple".
    seed : int
        Of the noises that the model is heard in, where the target is noisy.
    on_step : callable, optional
        Called with every accepted step.
    should_stop : callable, optional
        Asked every few hundredths of a second; True ends the match with the best theta so far.
    settings : MatchSettings, optional
    journal : Journal, optional
        What the same match has measured before; the match goes on from there.

    Returns
    -------
    MatchResult
        With ``onset`` counted from the start of `audio`, and ``gain`` in its own scale.

    Raises
    ------
    ArgumentError
        If `instrument` has no differentiable form, `audio` is no array of numbers, or a setting
        names something that does not exist.
    TargetError
        If `audio` is silent, too short, or holds NaN.
    Stopped
        If `should_stop` ended it before it had any theta.
    """
    target = target_from_array(np.asarray(audio), sample_rate, "audio")
    settings = replace(settings or MatchSettings(), seed=seed)
    return Matcher(instrument).match(target, on_step, should_stop, settings, journal)


class Matcher:
    """Matches one target after another with filters that are built once.

    Parameters
    ----------
    instrument : str
        "chirplet" or "ripple".

    Raises
    ------
    ArgumentError
        If it cannot be matched.
    """

    def __init__(self, instrument: str = "chirplet") -> None:
        self.operator = Operator(model=model_named(instrument))
        self._operators: dict[str, Operator] = {self.operator.phi: self.operator}

    def choose(self, instrument: str) -> None:
        """Match another instrument from now on, with the same filters.

        Raises
        ------
        ArgumentError
            If it cannot be matched; all stays as it was.
        """
        model = model_named(instrument)
        self._operators = {phi: each.of(model) for phi, each in self._operators.items()}
        self.operator = self._operators[self.operator.phi]

    def render(
        self, values: Mapping[str, float], beside: Target | None = None
    ) -> NDArray[np.float32]:
        """One arpeggio in an analysis window, (ANALYSIS_SAMPLES,), of peak 1.

        Parameters
        ----------
        values : mapping
            The instrument's parameters by id; what is missing stands at its default.
        beside : Target, optional
            Where this has its energy, the arpeggio lies; otherwise in the middle.
        """
        model = self.operator.model
        theta = model.state_of(values)[: model.onset]
        x = self.operator.synthesize(theta)
        if beside is None:
            return x
        return self.operator.synthesize(theta, onset_of(self.operator.jtfs, beside.audio, x))

    def match(
        self,
        target: Target,
        on_step: OnStep | None = None,
        should_stop: ShouldStop | None = None,
        settings: MatchSettings | None = None,
        journal: Journal | None = None,
    ) -> MatchResult:
        """Match `target`; parameters and result as in :func:`match`.

        ``onset`` counts from the start of the sound that the target was taken from.
        """
        settings = settings or MatchSettings()
        if settings.unknowns == MatchSettings().unknowns:  # all, whatever the instrument has
            free = (id_ for id_ in self.operator.model.ids if id_ not in settings.pinned)
            settings = replace(settings, unknowns=tuple(free))
        operator = self.operator_for(settings.phi)
        run = Run(
            self.operator, operator, target, settings, on_step, should_stop, journal or Journal()
        )
        try:
            run.descend()
        except Stopped:
            return run.result(converged=False)
        return run.result(converged=True)

    def operator_for(self, phi: Phi) -> Operator:
        """The operator of that Φ, built when it is first asked for."""
        if phi not in self._operators:
            self._operators[phi] = Operator(phi, model=self.operator.model)
        return self._operators[phi]
