"""What all parts of a session stand on: the parameters, the rack, and who is told of changes."""

from collections.abc import Mapping
from typing import Literal

from mesosynth.control.messages import Layout
from mesosynth.engine.process import AudioProcess
from mesosynth.matching.process import MatcherProcess
from mesosynth.plugins.parameters import ParameterTable
from mesosynth.session.controls import Controls
from mesosynth.session.events import Event, Message, ParametersChanged, RackChanged, Source
from mesosynth.session.rack_model import RackedPlugin, RackModel


class Core:
    """The live parameters, and the processes that play and match them.

    Every part of a session is a class of this kind with one task; :class:`Session` is all of them.
    Constructor and attributes are told of there.
    """

    def __init__(
        self,
        device: str | None = None,
        instrument: str = "chirplet",
        sample_rate: int | None = None,
        block: int | None = None,
    ) -> None:
        self.instrument = instrument
        self._rack = RackModel(instrument)
        self._matched_instrument = instrument  # what the matcher knows
        self.values = self.parameters.defaults()
        self._playing = False
        self._events: list[Event] = []
        self._audio = AudioProcess(instrument, device, sample_rate, block)
        self._matcher = MatcherProcess(instrument)
        self._controls = Controls(self._audio, self._layout())

    @property
    def parameters(self) -> ParameterTable:
        """The instrument's parameters, and those of the effects as "delay.time"."""
        return self._rack.parameters

    @property
    def effects(self) -> list[RackedPlugin]:
        """The effects that the sound goes through, in order."""
        return self._rack.effects

    @property
    def instrument_plugin(self) -> RackedPlugin:
        """The instrument, as :attr:`effects` tells of those."""
        return self._rack.instrument

    def set_parameters(self, values: Mapping[str, float], source: Source = "user") -> None:
        """Move live parameters; heard at the next block, `poll` reports ParametersChanged.

        Raises
        ------
        ArgumentError
            If a parameter does not exist; a value out of range moves to the nearest end.
        """
        self.values = self.parameters.complete({**self.values, **values})
        self._push_values()
        self._events.append(ParametersChanged(dict(self.values), source))

    def _push_values(self) -> None:
        self._audio.set_values(self._rack.vector(self.values))
        if self.instrument == self._matched_instrument:
            self._matcher.draw_sound(self._instrument_values())

    def _instrument_values(self) -> dict[str, float]:
        return {id_: self.values[id_] for id_ in self._rack.instrument.parameters}

    def _push_rack(self) -> None:
        """Tell the audio process what is in the rack; its values lie there before it looks."""
        values = {**self.values, **self._rack.take_pending()}
        known = {id_: value for id_, value in values.items() if id_ in self.parameters}
        self.values = self.parameters.complete(known)
        self._push_values()
        self._audio.set_rack(self._rack.slots)
        self._controls.use(self._layout())
        self._events.append(RackChanged())

    def _say(self, text: str, severity: Literal["info", "warning", "error"] = "info") -> None:
        self._events.append(Message(text, severity))

    def _layout(self) -> Layout:
        return Layout(self.parameters, {id_: self._rack.index(id_) for id_ in self.parameters})
