"""The part of a session that is played: keys, pedals, MIDI and OSC."""

from collections.abc import Mapping

from mesosynth.control.messages import Moved, Transported
from mesosynth.plugins.plugin import EventKind
from mesosynth.session.events import ControllerLearned, ControlPorts, ProgramChanged
from mesosynth.session.presets import Presets
from mesosynth.session.sound import Sound


class Keys(Sound, Presets):
    """Hears hands: on the computer, by MIDI and by OSC. They take over from a match."""

    def listen(self, midi: str | None = "", osc: int | None = None) -> None:
        """Be played from outside: by MIDI and, where a port is given, by OSC.

        Ports come and go as they please; `poll` reports ControlPorts, MidiActivity and Messages.

        Parameters
        ----------
        midi : str, optional
            Part of the inputs' names, "" for all of them; None for none.
        osc : int, optional
            UDP port of this machine, 0 for any that is free; None for none.
        """
        self._controls.listen(midi, osc)

    def midi_ports(self) -> tuple[str, ...]:
        """Names of the MIDI inputs there are, as of a second ago; none before :meth:`listen`."""
        return self._controls.ports.present

    @property
    def control_ports(self) -> ControlPorts:
        """The ports there are and those that are heard."""
        return self._controls.ports

    def learn(self, parameter: str | None) -> None:
        """Bind the next MIDI controller that moves to a parameter; None thinks better of it.

        `poll` reports ControllerLearned; the map is kept for the next time.

        Raises
        ------
        ArgumentError
            If there is no such parameter.
        """
        self._controls.learn(parameter)
        if parameter is not None:
            self._say(f"Move the MIDI controller for {self.parameters[parameter].name}.")

    def forget_controller(self, parameter: str) -> None:
        """Unbind the MIDI controller that moves a parameter, if one does."""
        self._controls.forget(parameter)

    def note_on(self, note: int, velocity: float = 0.8, channel: int = 0) -> None:
        """Press a key, heard at the next block, also while the transport stands.

        Parameters
        ----------
        note : int
            MIDI key, 0 to 127; 60 is middle C.
        velocity : float
            0 to 1.
        channel : int
            0 to 15.
        """
        self._controls.note_on(note, velocity, channel)

    def note_off(self, note: int, channel: int = 0) -> None:
        """Let go of a key."""
        self._controls.note_off(note, channel)

    def sustain(self, down: bool) -> None:
        """Tread the sustain pedal, or let go of it."""
        self._controls.gesture(EventKind.SUSTAIN, float(down))

    def freeze(self, frozen: bool) -> None:
        """Let the instrument stand still in the sound of this moment, or go on."""
        self._controls.gesture(EventKind.FREEZE, float(frozen))

    def all_notes_off(self) -> None:
        """Let go of all keys and the pedal, whoever holds them."""
        self._controls.gesture(EventKind.ALL_OFF, 0.0)

    def _poll_controls(self) -> None:
        for event in self._controls.poll():
            match event:
                case Moved(values):
                    known = {id_: v for id_, v in values.items() if id_ in self.parameters}
                    self._take_over(known)
                    self.set_parameters(known, "midi")
                case Transported(playing):
                    self._set_playing(playing)
                case ControllerLearned(parameter, channel, controller):
                    self._events.append(event)
                    name = self.parameters[parameter].name
                    self._say(f"Controller {controller} of channel {channel + 1} moves {name}.")
                case ProgramChanged(_, program):
                    self._events.append(event)
                    self._change_program(program)
                case _:
                    self._events.append(event)

    def _take_over(self, values: Mapping[str, float]) -> None:
        """A hand on theta ends that the match drives it."""
        if self.drives(values):
            self.follow = False
            self._say("You took over from the match.")
