"""Keys that are held, and what a hand does to them: pedal, bend, pressure, slide."""

from mesosynth.plugins.plugin import WHOLE_CHANNEL, EventKind
from mesosynth.plugins.tempo import Pulse

KEYS = 16
"""Held at once; a further one takes the place of the one that was pressed first."""

MIDI_CHANNELS = 16


class Key:
    """One key: while `active`, its arpeggio repeats.

    Attributes
    ----------
    active : bool
        Whether it is held, by the finger or by the pedal.
    down : bool
        Whether by the finger.
    note, channel : int
    hertz : float
    gain : float
        Amplitude, by its velocity.
    pressure : float
        Of this key alone, 0 to 1.
    pressed : int
        The how manyth key press it was.
    pulse : Pulse
    seen : float
        Periods on the keyboard's clock up to which time has passed for the pulse.
    """

    __slots__ = (
        "active", "channel", "down", "gain", "hertz", "note", "pressed", "pressure", "pulse",
        "seen",
    )  # fmt: skip

    def __init__(self) -> None:
        self.active = self.down = False
        self.note = self.channel = self.pressed = 0
        self.hertz = self.gain = self.pressure = self.seen = 0.0
        self.pulse = Pulse()


class Keyboard:
    """All held keys and the state of each MIDI channel.

    Attributes
    ----------
    keys : list of Key
        KEYS of them, active or not.
    held : bool
        Whether any of them is, by finger or pedal.
    clock : float
        Periods that have passed while time did not stand still.
    bend : list of float
        Of each channel, semitones.
    pressure, timbre : list of float
        Of each channel, 0 to 1.
    late : float
        By how many periods the arpeggios of each key come late.
    moved : bool
        Whether a gesture changed what voices shall sound like; whoever obeys it clears it.
    """

    def __init__(self) -> None:
        self.keys = [Key() for _ in range(KEYS)]
        self.bend = [0.0] * MIDI_CHANNELS
        self.pressure = [0.0] * MIDI_CHANNELS
        self.timbre = [0.0] * MIDI_CHANNELS
        self.late = self.clock = 0.0
        self.reset()

    def reset(self) -> None:
        """Let go of everything."""
        self.let_go()
        for channel in range(MIDI_CHANNELS):
            self.bend[channel] = self.pressure[channel] = self.timbre[channel] = 0.0
        self._presses = 0
        self.moved = True

    def pulse(self, place: int) -> Pulse:
        """[audio] What says when the arpeggio of the key at `place` is due, by now."""
        key = self.keys[place]
        key.pulse.advance(self.clock - key.seen)
        key.seen = self.clock
        return key.pulse

    def press(self, channel: int, note: int, velocity: float, hertz: float) -> int:
        """[audio] Hold a key and return its place; its voices, if it had any, are orphans now."""
        place = self._find(channel, note)
        if place < 0:
            free = [i for i in range(KEYS) if not self.keys[i].active]
            place = free[0] if free else min(range(KEYS), key=self._pressed)
        self._presses += 1
        key = self.keys[place]
        key.active = key.down = True
        key.channel, key.note, key.hertz = channel, note, hertz
        key.gain, key.pressure, key.pressed = velocity * velocity, 0.0, self._presses
        key.pulse.restart(self.late)
        key.seen, self.held = self.clock, True
        return place

    def release(self, channel: int, note: int) -> int:
        """[audio] Let go of a key; its place if it sounds no longer, else -1."""
        place = self._find(channel, note)
        if place < 0:
            return -1
        key = self.keys[place]
        key.down = False
        key.active = self._pedal
        self._look()
        return -1 if key.active else place

    def set_pedal(self, down: bool) -> None:
        """[audio] Keep keys that are let go of, or let go of those that were kept."""
        self._pedal = down
        if not down:
            for key in self.keys:
                key.active = key.active and key.down
            self._look()

    def let_go(self) -> None:
        """[audio] Let go of all keys and the pedal."""
        self._pedal = False
        self.held = False
        for key in self.keys:
            key.active = key.down = False

    def gesture(self, kind: int, channel: int, note: int, value: float) -> None:
        """[audio] Take a bend, pressure or slide."""
        if kind == EventKind.PITCH_BEND:
            self.bend[channel] = value
        elif kind == EventKind.TIMBRE:
            self.timbre[channel] = value
        elif kind == EventKind.PRESSURE and note == WHOLE_CHANNEL:
            self.pressure[channel] = value
        elif kind == EventKind.PRESSURE:
            place = self._find(channel, note)
            if place >= 0:
                self.keys[place].pressure = value
        self.moved = True

    def _find(self, channel: int, note: int) -> int:
        for place, key in enumerate(self.keys):
            if key.active and key.note == note and key.channel == channel:
                return place
        return -1

    def _look(self) -> None:
        self.held = any(key.active for key in self.keys)

    def _pressed(self, place: int) -> int:
        return self.keys[place].pressed
