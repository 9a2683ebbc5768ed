"""Held keys and gestures: pedal, bend, pressure and slide."""

from mesosynth.plugins.plugin import WHOLE_CHANNEL, EventKind
from mesosynth.plugins.tempo import Pulse

KEYS = 16
"""Keys held at once; a further key replaces the one that was pressed first."""

MIDI_CHANNELS = 16


class Key:
    """One held key; its arpeggio repeats while it is `active`.

    Attributes
    ----------
    active : bool
        Whether it is held, by finger or pedal.
    down : bool
        Whether it is held by finger.
    note, channel : int
        MIDI note (0 to 127) and channel (0 to 15).
    hertz : float
        Pitch, Hz.
    gain : float
        Amplitude from the velocity.
    pressure : float
        Pressure of this key alone, 0 to 1.
    pressed : int
        Number of the key press, counted from the reset.
    pulse : Pulse
        Clock of its arpeggio.
    seen : float
        Time on the keyboard's clock to which `pulse` is advanced, periods.
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
        Whether any key is held, by finger or pedal.
    clock : float
        Periods that have passed while not frozen.
    bend : list of float
        Of each channel, semitones.
    pressure, timbre : list of float
        Of each channel, 0 to 1.
    late : float
        Delay of the arpeggios of each key, periods.
    moved : bool
        Whether a gesture changed the sound of the voices; the reader clears it.
    """

    def __init__(self) -> None:
        self.keys = [Key() for _ in range(KEYS)]
        self.bend = [0.0] * MIDI_CHANNELS
        self.pressure = [0.0] * MIDI_CHANNELS
        self.timbre = [0.0] * MIDI_CHANNELS
        self.late = self.clock = 0.0
        self.reset()

    def reset(self) -> None:
        """Release all keys and centre all gestures."""
        self.let_go()
        for channel in range(MIDI_CHANNELS):
            self.bend[channel] = self.pressure[channel] = self.timbre[channel] = 0.0
        self._presses = 0
        self.moved = True

    def pulse(self, place: int) -> Pulse:
        """[audio] Clock of the arpeggio of the key at `place`, advanced to now."""
        key = self.keys[place]
        key.pulse.advance(self.clock - key.seen)
        key.seen = self.clock
        return key.pulse

    def press(self, channel: int, note: int, velocity: float, hertz: float) -> int:
        """[audio] Hold a key; voices of an older press of the same key are no longer its own.

        Parameters
        ----------
        channel : int
            0 to 15.
        note : int
            0 to 127.
        velocity : float
            0 to 1; the gain is its square.
        hertz : float
            Pitch of the key, Hz.

        Returns
        -------
        int
            Index in `keys`.
        """
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
        """[audio] Release a key.

        Parameters
        ----------
        channel : int
            0 to 15.
        note : int
            0 to 127.

        Returns
        -------
        int
            Index in `keys` if it is not held by the pedal, else -1.
        """
        place = self._find(channel, note)
        if place < 0:
            return -1
        key = self.keys[place]
        key.down = False
        key.active = self._pedal
        self._look()
        return -1 if key.active else place

    def set_pedal(self, down: bool) -> None:
        """[audio] Press the sustain pedal, or release it and the keys that only it holds."""
        self._pedal = down
        if not down:
            for key in self.keys:
                key.active = key.active and key.down
            self._look()

    def let_go(self) -> None:
        """[audio] Release all keys and the pedal."""
        self._pedal = False
        self.held = False
        for key in self.keys:
            key.active = key.down = False

    def gesture(self, kind: int, channel: int, note: int, value: float) -> None:
        """[audio] Apply a bend, pressure or slide.

        Parameters
        ----------
        kind : int
            PITCH_BEND, PRESSURE or TIMBRE of :class:`EventKind`.
        channel : int
            0 to 15.
        note : int
            0 to 127, or WHOLE_CHANNEL; only for pressure.
        value : float
            Semitones of a bend; else 0 to 1.
        """
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
