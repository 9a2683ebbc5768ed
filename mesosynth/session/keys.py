"""Keys: notes and pedals, MIDI and OSC.

Notes and controllers go from the control process (or from here) through shared memory into the
audio callback. Their other effects are handled here.
"""

import time
from collections import deque
from typing import TYPE_CHECKING

from mesosynth.control.midi_map import MIDI_MAP, Binding, MidiBindings, map_path
from mesosynth.control.osc import FASTEST, SLOWEST
from mesosynth.control.process import (
    Activity,
    ControlProcess,
    ControlSettings,
    Held,
    Learned,
    Moved,
    Ports,
    Problem,
    Program,
    Transported,
)
from mesosynth.engine.process import AudioProcess
from mesosynth.plugins.plugin import WHOLE_CHANNEL, EventKind
from mesosynth.session.match import Match
from mesosynth.session.presets import Presets
from mesosynth.session.rack import Rack
from mesosynth.session.signals import Emitter, Messages, Signal
from mesosynth.session.sound import Sound

if TYPE_CHECKING:
    from collections.abc import Callable

LONGEST_TAP = 2.0
"""Longest interval between two taps of the tempo, s; after that a tap is a first one."""


class Keys:
    """Plays notes, and listens to MIDI and OSC on request."""

    ports_changed = Signal(Ports)
    active = Signal(int)
    """Number of MIDI and OSC messages that arrived."""
    learned = Signal(str, int, int)
    """A parameter, and the channel and number of the MIDI controller that was bound to it."""
    bindings_changed = Signal()
    """A controller was bound to a parameter, or forgotten."""
    held_changed = Signal(frozenset)
    """MIDI keys that are down, here and at MIDI and OSC."""
    program_changed = Signal(int, int)
    """Channel and program of a MIDI program change."""

    def __init__(
        self,
        emit: Emitter,
        messages: Messages,
        audio: AudioProcess,
        sound: Sound,
        rack: Rack,
        match: Match,
        presets: Presets,
    ) -> None:
        self._emit, self._messages = emit, messages
        self._sound, self._rack, self._match, self._presets = sound, rack, match, presets
        self._bindings: tuple[Binding, ...] | None = None
        self._push: Callable[..., object] = audio.keys.push
        self._held, self._held_outside = set[int](), frozenset[int]()
        self._taps: deque[float] = deque(maxlen=8)
        self._process = ControlProcess(rack.layout, audio.parameters, audio.controls)

    def listen(self, midi: str | None = "", osc: int | None = None) -> None:
        """Listen to MIDI and, if a port is given, to OSC.

        MIDI inputs may be connected and disconnected at any time.

        Parameters
        ----------
        midi : str, optional
            Part of the inputs' names, "" for all of them; None for none.
        osc : int, optional
            UDP port of this machine, 0 for any free one; None for none.
        """
        self._process.listen(ControlSettings(midi, osc, str(map_path())))

    @property
    def ports(self) -> Ports:
        """All MIDI inputs, the open ones, and the OSC port, at most a second old."""
        return self._process.ports

    @property
    def pid(self) -> int | None:
        """Process number of the control process; None before :meth:`listen`."""
        return self._process.pid

    def learn(self, parameter: str | None) -> None:
        """Bind the next MIDI controller that moves to a parameter; None cancels.

        :attr:`learned` follows, and the map is saved.

        Raises
        ------
        ArgumentError
            If there is no such parameter.
        """
        self._process.learn(parameter)
        if parameter is not None:
            name = self._sound.parameters[parameter].name
            self._messages.say(f"Move the MIDI controller for {name}.")

    def forget(self, parameter: str) -> None:
        """Unbind the MIDI controller of a parameter."""
        self._process.forget(parameter)
        self._bindings = tuple(each for each in self.bindings if each.parameter != parameter)
        self._emit(self.bindings_changed)

    @property
    def bindings(self) -> tuple[Binding, ...]:
        """MIDI controllers that are bound to parameters."""
        if self._bindings is None:
            found, _ = MIDI_MAP.load_own(map_path(), MidiBindings(), "no controller is bound")
            self._bindings = found.bindings
        return self._bindings

    def note_on(self, note: int, velocity: float = 0.8, channel: int = 0) -> None:
        """Press a key, from the next block on, also while the transport stands.

        Parameters
        ----------
        note : int
            MIDI key, 0 to 127; 60 is middle C.
        velocity : float
            0 to 1.
        channel : int
            0 to 15.
        """
        velocity = min(max(velocity, 0.0), 1.0)
        self._push(EventKind.NOTE_ON, channel & 0x0F, note & 0x7F, velocity)
        self._held.add(note & 0x7F)
        self._emit(self.held_changed, self._held_outside | self._held)

    def note_off(self, note: int, channel: int = 0) -> None:
        """Release a key.

        Parameters
        ----------
        note : int
            MIDI key, 0 to 127.
        channel : int
            0 to 15.
        """
        self._push(EventKind.NOTE_OFF, channel & 0x0F, note & 0x7F)
        self._held.discard(note & 0x7F)
        self._emit(self.held_changed, self._held_outside | self._held)

    def sustain(self, down: bool) -> None:
        """Press or release the sustain pedal."""
        self._push(EventKind.SUSTAIN, 0, WHOLE_CHANNEL, float(down))

    def freeze(self, frozen: bool) -> None:
        """Freeze the instrument in its present sound, or let it go on."""
        self._push(EventKind.FREEZE, 0, WHOLE_CHANNEL, float(frozen))

    def tap(self) -> float | None:
        """Tap the tempo: the mean interval of up to eight taps sets it from the second one on.

        Returns
        -------
        float or None
            Quarter notes a minute; None for a first tap, two seconds or more after the last.
        """
        now = time.monotonic()
        if self._taps and now - self._taps[-1] >= LONGEST_TAP:
            self._taps.clear()
        self._taps.append(now)
        if len(self._taps) < 2:
            self._messages.say("Tap again, in time, to set the tempo.")
            return None
        beats, seconds = len(self._taps) - 1, self._taps[-1] - self._taps[0]
        bpm = min(max(60.0 * beats / max(seconds, 1e-3), SLOWEST), FASTEST)
        if "tempo" in self._sound.parameters:
            bpm = self._sound.parameters["tempo"].clamp(bpm)
            self._sound.set({"tempo": bpm})
        else:
            self._push(EventKind.TEMPO, 0, WHOLE_CHANNEL, bpm)
        self._messages.say(f"Tempo {bpm:.1f} BPM.")
        return bpm

    def all_notes_off(self) -> None:
        """Release all keys and the pedal, of MIDI and OSC too."""
        self._push(EventKind.ALL_OFF, 0, WHOLE_CHANNEL, 0.0)
        self._held.clear()
        self._emit(self.held_changed, self._held_outside)

    def follow_rack(self) -> None:
        """Send the parameters of another rack to the control process."""
        self._process.use(self._rack.layout)

    def poll(self) -> None:
        """Process the reports of the control process."""
        for report in self._process.poll():
            match report:
                case Moved(values):
                    known = {id_: v for id_, v in values.items() if id_ in self._sound.parameters}
                    self._move(known)
                case Transported(playing):
                    self._sound.play() if playing else self._sound.stop()
                case Held(notes):
                    self._held_outside = notes
                    self._emit(self.held_changed, notes | self._held)
                case Learned(parameter, channel, controller):
                    kept = [each for each in self.bindings
                            if (each.channel, each.controller) != (channel, controller)
                            and each.parameter != parameter]  # fmt: skip
                    self._bindings = (*kept, Binding(channel, controller, parameter))
                    self._emit(self.bindings_changed)
                    self._emit(self.learned, parameter, channel, controller)
                    name = self._sound.parameters[parameter].name
                    self._messages.say(
                        f"Controller {controller} of channel {channel + 1} moves {name}."
                    )
                case Program(channel, program):
                    self._emit(self.program_changed, channel, program)
                    self._presets.change_program(program)
                case Ports():
                    self._emit(self.ports_changed, report)
                case Activity(messages):
                    self._emit(self.active, messages)
                case Problem(text):
                    self._messages.say(text, "warning")
                case _:
                    pass

    def close(self) -> None:
        """Stop listening."""
        self._process.close()

    def _move(self, values: dict[str, float]) -> None:
        """Move parameters; a controller of theta ends the match's control of the sound."""
        if self._match.drives(values):
            self._match.follow = False
            self._messages.say("You took over from the match.")
        self._sound.set(values, "midi")
