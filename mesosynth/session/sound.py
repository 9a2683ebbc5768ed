"""Live sound: values of all parameters, and the transport."""

from collections.abc import Callable, Mapping
from typing import Literal

from mesosynth.engine.process import AudioProcess
from mesosynth.matching.results import Analysis
from mesosynth.plugins.parameters import ParameterTable
from mesosynth.session.rack_model import RackModel
from mesosynth.session.signals import Emitter, Signal

Source = Literal["user", "preset", "match", "midi"]
"""Origin of a change of parameters."""


class Sound:
    """Live values and transport.

    :meth:`set` is the only writer of the values: of knobs, presets, undo, matches, MIDI, changes of
    the rack, and tracking sixty times a second.

    Attributes
    ----------
    values : dict
        All parameters by id. Read only; :meth:`set` replaces it.
    on_set : tuple of callable
        Called by :meth:`set` with its values, source and `draw`, before any signal.
    on_transport : tuple of callable
        Called before the transport starts or stops.
    """

    changed = Signal(dict, str)
    """All live values by id, and the origin of the change, a :data:`Source`."""
    playing_changed = Signal(bool)
    analysed = Signal(Analysis)
    """Pictures of the live sound."""

    def __init__(self, emit: Emitter, audio: AudioProcess, model: RackModel) -> None:
        self.values = model.parameters.defaults()
        self.on_set: tuple[Callable[[Mapping[str, float], Source, bool], None], ...] = ()
        self.on_transport: tuple[Callable[[], None], ...] = ()
        self._emit, self._audio, self._model = emit, audio, model
        self._playing = False
        self._resumes = False  # whether it played before a panic

    @property
    def parameters(self) -> ParameterTable:
        """Parameters of the instrument, and those of the effects as "delay.time"."""
        return self._model.parameters

    @property
    def instrument_values(self) -> dict[str, float]:
        """Live values of the instrument alone."""
        return {id_: self.values[id_] for id_ in self._model.instrument.parameters}

    def set(
        self,
        values: Mapping[str, float],
        source: Source = "user",
        *,
        whole: bool = False,
        draw: bool = True,
    ) -> None:
        """Move live parameters, from the next block on.

        Parameters
        ----------
        values : mapping
            By id, in the table's units; values out of range move to the nearest end.
        source : {"user", "preset", "match", "midi"}
        whole : bool
            Whether this is the whole sound: parameters that are not in `values` go to their
            defaults, and ids without a parameter are ignored.
        draw : bool
            Whether pictures are drawn. Not at a high rate: they take the matcher's time.

        Raises
        ------
        ArgumentError
            If a parameter does not exist, except with `whole`.
        """
        table = self.parameters
        if whole:
            known = {id_: value for id_, value in values.items() if id_ in table}
            # What waits to be told is of another rack.
            if table.keys() != self.values.keys() and "preset" in self._emit.drop(self.changed):
                source = "preset"
            self._write(table.complete(known))
        else:
            self._write(table.complete({**self.values, **values}))
        for react in self.on_set:
            react(values, source, draw)
        self._emit(self.changed, dict(self.values), source, newest=source)

    def _write(self, values: dict[str, float]) -> None:
        self.values = values
        self._audio.parameters.set_values(self._model.vector(values))

    # ------------------------------------------------------------------ transport

    @property
    def playing(self) -> bool:
        """Whether the instrument plays."""
        return self._playing

    def play(self) -> None:
        """Start the instrument at the beginning of an arpeggio."""
        self._set_playing(True)

    def stop(self) -> None:
        """Fade the instrument out."""
        self._set_playing(False)

    def panic(self) -> None:
        """Silence everything at once: stop, and reset all plugins and notes.

        Parameters stay. :meth:`unpanic` plays again.
        """
        self._before_transport()
        resumes = self._playing or self._resumes
        self._tell_playing(False)
        self._resumes = resumes
        self._audio.panic()

    def unpanic(self) -> None:
        """Play again after a panic, if it played before; the arpeggio starts from its beginning."""
        if self._resumes:
            self.play()

    def _set_playing(self, playing: bool) -> None:
        self._before_transport()
        self._audio.parameters.set_playing(playing)
        self._tell_playing(playing)

    def _before_transport(self) -> None:
        for react in self.on_transport:
            react()

    def _tell_playing(self, playing: bool) -> None:
        was, self._playing, self._resumes = self._playing, playing, False
        if was != playing:
            self._emit(self.playing_changed, playing)
