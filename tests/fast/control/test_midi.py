"""Fears: bytes that crash, a note that sticks, a bend of the wrong width, a tempo that jumps."""

import mido
import numpy as np
import pytest

from mesosynth.control.midi import TICKS, MidiClock, MidiDecoder
from mesosynth.plugins.plugin import WHOLE_CHANNEL, EventKind

KINDS = EventKind


class Listener:
    def __init__(self):
        self.events, self.controllers, self.programs = [], [], []

    def event(self, kind, channel, note, value, stamp):
        assert 0 <= channel < 16
        assert 0 <= note < 128 or note == WHOLE_CHANNEL
        assert np.isfinite(value)
        self.events.append((kind, channel, note, value))

    def controller(self, channel, number, position, stamp):
        assert 0.0 <= position <= 1.0
        self.controllers.append((channel, number, position))

    def program(self, channel, number):
        self.programs.append((channel, number))


@pytest.fixture
def port():
    return Port()


class Port:
    """A decoder and what it told."""

    def __init__(self):
        self.heard = Listener()
        self.decoder = MidiDecoder(self.heard)

    def send(self, type_, stamp=0.0, **fields):
        """Return the events of one message."""
        before = len(self.heard.events)
        self.decoder.feed(mido.Message(type_, **fields).bytes(), stamp)
        return self.heard.events[before:]

    def registered(self, channel, number, value):
        for control, data in ((101, number[0]), (100, number[1]), (6, value)):
            self.send("control_change", channel=channel, control=control, value=data)


def test_notes(port):
    assert port.send("note_on", channel=2, note=60, velocity=127) == [(KINDS.NOTE_ON, 2, 60, 1.0)]
    assert port.send("note_on", channel=2, note=60, velocity=0) == [(KINDS.NOTE_OFF, 2, 60, 0.0)]
    off = port.send("note_off", channel=2, note=61, velocity=64)
    assert off == [(KINDS.NOTE_OFF, 2, 61, pytest.approx(64 / 127))]


def test_gestures(port):
    whole = WHOLE_CHANNEL
    assert port.send("pitchwheel", pitch=-8192) == [(KINDS.PITCH_BEND, 0, whole, -2.0)]
    assert port.send("aftertouch", value=127) == [(KINDS.PRESSURE, 0, whole, 1.0)]
    assert port.send("polytouch", note=3, value=127) == [(KINDS.PRESSURE, 0, 3, 1.0)]
    assert port.send("control_change", control=64, value=64) == [(KINDS.SUSTAIN, 0, 0, 1.0)]
    assert port.send("control_change", control=64, value=63) == [(KINDS.SUSTAIN, 0, 0, 0.0)]
    assert port.send("control_change", control=123) == [(KINDS.ALL_OFF, 0, whole, 0.0)]
    assert port.send("program_change", channel=1, program=7) == []
    assert port.heard.programs == [(1, 7)]
    assert port.send("control_change", channel=3, control=21, value=127) == []
    assert port.heard.controllers == [(3, 21, 1.0)]


def test_the_wheel_moves_the_modulation_and_what_is_mapped_to_it(port):
    whole = WHOLE_CHANNEL
    assert port.send("control_change", channel=2, control=1, value=127) == [
        (KINDS.WHEEL, 2, whole, 1.0)
    ]
    assert port.heard.controllers == [(2, 1, 1.0)]
    reset = port.send("control_change", channel=2, control=121)
    assert (KINDS.WHEEL, 2, whole, 0.0) in reset


def test_reset_all_controllers(port):
    port.send("pitchwheel", pitch=4000)
    port.send("control_change", control=64, value=127)
    kinds = {(e[0], e[3]) for e in port.send("control_change", control=121)}
    gestures = (KINDS.SUSTAIN, KINDS.WHEEL, KINDS.PITCH_BEND, KINDS.PRESSURE)
    assert kinds == {(kind, 0.0) for kind in gestures}


def test_a_parameter_of_the_maker_is_not_the_registered_one_before_it(port):
    port.registered(0, (0, 0), 12)
    for number, value in ((99, 1), (98, 8), (6, 48)):  # NRPN, and its data
        port.send("control_change", control=number, value=value)
    assert port.send("pitchwheel", pitch=4096)[0][3] == pytest.approx(6.0)
    port.registered(0, (0, 0), 12)
    port.send("control_change", control=121)  # which also forgets what was chosen
    port.send("control_change", control=6, value=48)
    assert port.send("pitchwheel", pitch=4096)[0][3] == pytest.approx(6.0)


def test_all_notes_off_is_for_its_channel(port):
    for channel, note in ((0, 60), (0, 64), (1, 67)):
        port.send("note_on", channel=channel, note=note, velocity=1)
    assert port.send("control_change", channel=0, control=123) == [
        (KINDS.NOTE_OFF, 0, 60, 0.0), (KINDS.NOTE_OFF, 0, 64, 0.0),
    ]  # fmt: skip
    assert port.send("control_change", channel=5, control=123) == []
    port.decoder.release(0.0)
    assert port.heard.events[-1][:3] == (KINDS.NOTE_OFF, 1, 67)


def test_notes_that_another_channel_sustains_go_on(port):
    port.send("control_change", channel=1, control=64, value=127)
    port.send("note_on", channel=1, note=67, velocity=1)
    port.send("note_off", channel=1, note=67)
    assert port.send("control_change", channel=0, control=123) == []
    port.send("note_on", channel=0, note=60, velocity=1)
    assert port.send("control_change", channel=1, control=120) == [(KINDS.SUSTAIN, 1, 0, 0.0)]


def test_the_bend_range_is_registered_parameter_0(port):
    port.registered(0, (0, 0), 12)
    assert port.send("pitchwheel", pitch=4096)[0][3] == pytest.approx(6.0)
    assert port.send("pitchwheel", channel=1, pitch=4096)[0][3] == pytest.approx(1.0)
    port.registered(0, (127, 127), 5)  # no parameter is chosen: nothing to set
    assert port.send("pitchwheel", pitch=4096)[0][3] == pytest.approx(6.0)


def test_mpe_members_bend_alone_and_together_with_the_first_channel(port):
    port.registered(0, (0, 6), 4)  # members are channels 1 to 4
    assert port.send("pitchwheel", channel=2, pitch=4096) == [
        (KINDS.PITCH_BEND, 2, WHOLE_CHANNEL, pytest.approx(24.0))
    ]
    together = {e[1]: e[3] for e in port.send("pitchwheel", channel=0, pitch=-4096)}
    assert together == pytest.approx({0: -1.0, 1: -1.0, 2: 23.0, 3: -1.0, 4: -1.0})
    assert len(port.send("aftertouch", channel=3, value=9)) == 1
    assert len(port.send("aftertouch", channel=0, value=9)) == 5
    timbre = port.send("control_change", channel=1, control=74, value=127)
    assert timbre == [(KINDS.TIMBRE, 1, WHOLE_CHANNEL, 1.0)]
    assert port.send("control_change", channel=9, control=74, value=127) == []  # outside the zone
    assert port.heard.controllers == [(9, 74, 1.0)]
    port.registered(0, (0, 6), 0)
    assert port.send("pitchwheel", channel=2, pitch=4096)[0][3] == pytest.approx(1.0)


def test_mpe_has_an_upper_zone_too_and_what_both_want_goes_to_the_last_that_asked(port):
    port.registered(0, (0, 6), 7)
    port.registered(15, (0, 6), 7)  # members are channels 8 to 14
    together = {e[1]: e[3] for e in port.send("pitchwheel", channel=15, pitch=4096)}
    assert together == pytest.approx(dict.fromkeys(range(8, 16), 1.0))
    assert {e[1] for e in port.send("aftertouch", channel=0, value=9)} == set(range(8))
    port.registered(15, (0, 6), 10)  # takes channels 5, 6 and 7 from the lower zone
    assert {e[1] for e in port.send("aftertouch", channel=0, value=9)} == set(range(5))
    assert port.send("pitchwheel", channel=5, pitch=4096)[0][3] == pytest.approx(24.0 + 1.0)
    port.registered(0, (0, 6), 15)  # the last channel as well: there is no upper zone any more
    assert len(port.send("aftertouch", channel=0, value=9)) == 16
    assert len(port.send("aftertouch", channel=15, value=9)) == 1
    port.registered(0, (0, 6), 0)
    assert port.send("pitchwheel", channel=12, pitch=4096)[0][3] == pytest.approx(1.0)


def test_a_port_that_vanishes_lets_go_of_its_keys_and_pedal(port):
    port.send("note_on", note=60, velocity=9)
    port.send("note_on", note=64, velocity=9)
    port.send("note_off", note=60)
    port.send("control_change", control=64, value=127)
    before = len(port.heard.events)
    port.decoder.release(1.0)
    port.decoder.release(1.0)
    assert port.heard.events[before:] == [(KINDS.NOTE_OFF, 0, 64, 0.0), (KINDS.SUSTAIN, 0, 0, 0.0)]


def test_messages_may_come_in_pieces(port):
    for byte in (0x90, 60, 100, 0xF8, 0x90, 62, 100):
        port.decoder.feed([byte], 0.0)
    assert [e[:3] for e in port.heard.events] == [(KINDS.NOTE_ON, 0, 60), (KINDS.NOTE_ON, 0, 62)]


@pytest.mark.parametrize("count", [100_000])
def test_random_messages(port, count):
    """What is no message is left out; what is held at the end is let go of."""
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, count * 6 // 10, np.uint8)  # some tenth of the messages
    messages = rng.integers(0, 128, (count * 9 // 10, 3), np.uint8)
    messages[:, 0] = rng.choice([0x80, 0x90, 0xA0, 0xB0, 0xC0, 0xD0, 0xE0], len(messages))
    messages[:, 0] += rng.integers(0, 16, len(messages), np.uint8)
    held = set()

    def event(kind, channel, note, value, stamp):
        if kind == KINDS.NOTE_ON:
            held.add((channel, note))
        elif kind == KINDS.NOTE_OFF:
            held.discard((channel, note))
        elif kind == KINDS.ALL_OFF:
            held.clear()

    port.heard.event = event
    for bytes_ in (noise, messages.ravel()):
        for chunk in np.array_split(bytes_, 1000):
            port.decoder.feed(chunk.tolist(), 0.0)
    assert held
    port.decoder.release(0.0)
    assert not held


def ticks(bpm, seconds, jitter, rng):
    times = np.arange(0.0, seconds, 60.0 / bpm / TICKS)
    return times + rng.uniform(0.0, jitter, len(times))


@pytest.mark.parametrize("bpm", [40.0, 120.0, 174.0, 300.0])
def test_a_clock_with_jitter_gives_its_tempo_and_keeps_the_beat(bpm):
    clock, rng = MidiClock(), np.random.default_rng(3)
    beats = at = tempo = 0.0
    heard = []
    times = ticks(bpm, 60.0, 0.002, rng)
    for stamp in times:
        reported = clock.tick(float(stamp))
        if reported is not None:
            beats += (stamp - at) * tempo / 60.0 if tempo else (stamp - times[0]) * bpm / 60.0
            at, tempo = stamp, reported
            heard.append(reported)
    late = np.array(heard[len(heard) // 4 :])
    assert np.abs(late / bpm - 1.0).max() < 0.005
    # Counted by the tempo alone, the beat is still where the ticks are.
    assert beats == pytest.approx((at - times[0]) * bpm / 60.0, abs=0.02)


def test_a_change_of_tempo_is_followed_within_three_beats_and_the_beat_caught_up():
    clock, time = MidiClock(), 0.0

    def play(bpm, beats):
        nonlocal time
        heard = []
        for _ in range(beats * TICKS):
            time += 60.0 / bpm / TICKS
            heard.append(clock.tick(time))
        return [tempo for tempo in heard if tempo is not None]

    assert play(100.0, 20)[-1] == pytest.approx(100.0, rel=1e-4)
    assert play(130.0, 3)[-1] == pytest.approx(130.0, rel=0.03)
    assert play(130.0, 60)[-1] == pytest.approx(130.0, rel=1e-4)


def test_a_clock_that_pauses_starts_anew():
    clock = MidiClock()
    for stamp in ticks(120.0, 4.0, 0.0, np.random.default_rng(0)):
        clock.tick(float(stamp))
    again = [clock.tick(100.0 + float(s)) for s in ticks(60.0, 3.0, 0.0, np.random.default_rng(0))]
    assert next(t for t in again if t is not None) == pytest.approx(60.0, rel=0.001)


def test_start_stop_and_tempo_are_events(port):
    assert port.send("start") == [(KINDS.START, 0, 0, 0.0)]
    assert port.send("continue") == [(KINDS.START, 0, 0, 0.0)]
    assert port.send("stop") == [(KINDS.STOP, 0, 0, 0.0)]
    tempos = [e for i in range(25) for e in port.send("clock", stamp=i * 0.5 / TICKS)]
    assert tempos
    assert tempos[-1] == (KINDS.TEMPO, 0, 0, pytest.approx(120.0))
