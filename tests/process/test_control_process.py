"""Fears: a port that is not heard or not let go of, a killed process, a knob that jumps."""

import json
import os
import signal
import socket
import subprocess
import sys
import time

import pytest
from midi_hands import JackKeyboard
from pythonosc.osc_message_builder import OscMessageBuilder

from mesosynth.control.process import (
    Activity,
    ControlProcess,
    ControlSettings,
    Learned,
    Moved,
    ParameterLayout,
    Ports,
    Problem,
    Program,
    Transported,
)
from mesosynth.engine.shared import MOVED, EventQueue, ParameterBlock
from mesosynth.errors import ArgumentError
from mesosynth.instruments.chirplet import PARAMETERS
from mesosynth.plugins.plugin import EventKind

pytestmark = pytest.mark.usefixtures("real_time")

KINDS = EventKind


class Desk:
    """What a session does with a control process, and all that it heard."""

    def __init__(self, tmp_path):
        self.queue, self.block = EventQueue(), ParameterBlock(len(PARAMETERS))
        self.block.write(PARAMETERS.vector({}), False)
        places = {id_: i for i, id_ in enumerate(PARAMETERS)}
        self.control = ControlProcess(ParameterLayout(PARAMETERS, places), self.block, self.queue)
        self.map = tmp_path / "midi.json"
        self.events, self.reports = [], []

    def listen(self, midi=None, osc=None):
        self.control.listen(ControlSettings(midi, osc, str(self.map)))

    def poll(self):
        self.reports += self.control.poll()
        while (record := self.queue.peek()) is not None:
            self.queue.take()
            self.events.append(record)

    def wait(self, condition, what, seconds=10.0):
        deadline = time.monotonic() + seconds
        while not (found := condition()):
            assert time.monotonic() < deadline, f"not within {seconds} s: {what}; {self.reports}"
            time.sleep(0.005)
            self.poll()
        return found

    def event(self, kind, **fields):
        """The first event of that kind, with note or channel, or None."""
        for _, value, _, k, channel, note in self.events:
            given = {"channel": channel, "note": note, "value": value}
            if k == kind and all(given[name] == fields[name] for name in fields):
                return given
        return None

    def report(self, kind):
        return next((r for r in self.reports if isinstance(r, kind)), None)

    def close(self):
        self.control.close()
        self.queue.close()
        self.block.close()


@pytest.fixture
def desk(tmp_path):
    made = Desk(tmp_path)
    yield made
    made.close()


def command_line():
    command = [sys.executable, "-m", "mesosynth", "midi", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert done.stderr == ""
    return json.loads(done.stdout)


def test_the_command_line_lists_the_inputs_and_there_may_be_none(no_card):
    assert command_line() == {"ports": []}


def heard(desk):
    return desk.control.ports.heard


def test_midi_on_a_real_port_and_a_port_that_comes_and_goes(jack, desk):
    desk.listen(midi="keys")
    desk.wait(lambda: desk.report(Ports), "the first word")
    assert desk.control.ports.present == ()
    with JackKeyboard() as keys, JackKeyboard("other"):
        desk.wait(lambda: heard(desk) == ("keys:out",), "the port")
        both = {"keys:out", "other:out"}
        desk.wait(lambda: set(desk.control.ports.present) == both, "the other port")
        assert set(command_line()["ports"]) == both
        begin = time.perf_counter()
        keys.send((0x90, 60, 127), (0x90, 64, 1), (0xB0, 64, 127), (0xC3, 5))
        desk.wait(lambda: desk.event(KINDS.NOTE_ON, note=64), "the note")
        assert desk.event(KINDS.NOTE_ON, note=60)["value"] == 1.0
        stamp = next(r[0] for r in desk.events if r[3] == KINDS.NOTE_ON)
        assert begin < stamp < time.perf_counter()
        desk.wait(lambda: desk.report(Activity) and desk.report(Program), "the news")
        assert desk.report(Program) == Program(3, 5)
        assert desk.event(KINDS.NOTE_OFF) is None
    desk.wait(lambda: heard(desk) == (), "the port's end")
    desk.wait(lambda: desk.event(KINDS.NOTE_OFF, note=64), "the note's end")
    assert desk.event(KINDS.NOTE_OFF, note=60)
    assert desk.event(KINDS.SUSTAIN, value=0.0)
    desk.events.clear()
    with JackKeyboard() as keys:
        desk.wait(lambda: heard(desk) == ("keys:out",), "the port again")
        keys.send((0x90, 61, 127))
        desk.wait(lambda: desk.event(KINDS.NOTE_ON, note=61), "a note again")


def test_a_controller_is_learned_saved_caught_and_heard(jack, desk):
    with JackKeyboard() as keys:
        desk.listen(midi="")
        desk.wait(lambda: heard(desk), "the port")
        desk.control.learn("f_c")
        with pytest.raises(ArgumentError, match="'volume'"):
            desk.control.learn("volume")
        at = round(127 * PARAMETERS["f_c"].to_unit(512.0))
        time.sleep(0.1)
        keys.send((0xB2, 21, 0))
        assert desk.wait(lambda: desk.report(Learned), "the learning") == Learned("f_c", 2, 21)
        assert b'"f_c"' in desk.map.read_bytes()
        keys.send((0xB2, 21, 20))
        time.sleep(0.1)
        desk.poll()
        assert desk.report(Moved) is None  # it stands elsewhere, and moves nothing yet
        keys.send((0xB2, 21, at), (0xB2, 21, at + 5))
        desk.wait(lambda: desk.report(Moved), "the knob's word to the session")
        value = PARAMETERS["f_c"].from_unit((at + 5) / 127)
        assert desk.event(MOVED, note=PARAMETERS.index("f_c"), value=value)
        desk.wait(lambda: Moved({"f_c": value}) in desk.reports, "the value itself")
    desk.control.close()
    desk.reports.clear()
    desk.events.clear()
    with JackKeyboard() as keys:  # the next day
        desk.listen(midi="")
        desk.wait(lambda: heard(desk), "the port")
        keys.send((0xB2, 21, at))
        desk.wait(lambda: desk.report(Moved), "the learned knob")


def test_killed_it_ends_all_notes_and_hears_again(jack, desk):
    with JackKeyboard() as keys:
        desk.listen(midi="")
        desk.wait(lambda: heard(desk), "the port")
        keys.send((0x90, 60, 127))
        desk.wait(lambda: desk.event(KINDS.NOTE_ON, note=60), "the note")
        desk.events.clear()
        os.kill(desk.control.pid, signal.SIGKILL)
        desk.wait(lambda: desk.report(Problem), "the message")
        desk.wait(lambda: desk.event(KINDS.ALL_OFF), "the notes' end")
        desk.reports.clear()
        desk.wait(lambda: desk.report(Ports) and heard(desk), "the port again")
        keys.send((0x90, 62, 127))
        desk.wait(lambda: desk.event(KINDS.NOTE_ON, note=62), "a note again")


def test_a_killed_midi_server_is_taken_back(jack, desk):
    keys = JackKeyboard()
    desk.listen(midi="")
    desk.wait(lambda: heard(desk), "the port")
    keys.send((0x90, 60, 127))
    desk.wait(lambda: desk.event(KINDS.NOTE_ON, note=60), "the note")
    jack.kill()
    keys.close()
    desk.wait(
        lambda: desk.event(KINDS.NOTE_OFF, note=60) or desk.event(KINDS.ALL_OFF), "the note's end"
    )
    jack.start()
    again = JackKeyboard("again")
    desk.wait(lambda: any("again" in name for name in heard(desk)), "a port of the new server", 15)
    again.send((0x90, 65, 127))
    desk.wait(lambda: desk.event(KINDS.NOTE_ON, note=65), "a note again")
    again.close()


def test_osc_on_a_real_port(no_card, desk):
    desk.listen(osc=0)
    port = desk.wait(lambda: desk.report(Ports), "the port").osc

    def send(address, *arguments):
        builder = OscMessageBuilder(address)
        for argument in arguments:
            builder.add_arg(argument)
        sender.send(builder.build().dgram)

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.connect(("127.0.0.1", port))
        for length in range(500):
            sender.send(os.urandom(length))
            if length % 20 == 0:
                time.sleep(0.005)  # or the kernel drops what comes too fast
        send("/param/w", 3.0)
        send("/note/on", 72, 0.5)
        send("/start")
        send("/tempo", 90.0)
    desk.wait(lambda: desk.event(KINDS.TEMPO, value=90.0), "all of it")
    assert desk.event(MOVED, note=PARAMETERS.index("w"), value=3.0)
    assert desk.event(MOVED, note=PARAMETERS.index("tempo"), value=90.0)
    assert desk.event(KINDS.NOTE_ON, note=72, value=0.5)
    desk.wait(lambda: desk.report(Moved) and desk.report(Transported), "the news")
    assert desk.report(Transported).playing
    moved = {k: v for r in desk.reports if isinstance(r, Moved) for k, v in r.values.items()}
    assert moved == {"w": 3.0, "tempo": 90.0}


def test_what_cannot_be_opened_is_told_and_the_rest_goes_on(no_card, desk):
    desk.map.write_text("nonsense")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        desk.listen(midi="", osc=taken.getsockname()[1])
        desk.wait(lambda: len(desk.reports) >= 3, "the words")
    texts = " ".join(r.text for r in desk.reports if isinstance(r, Problem))
    assert "is not a map" in texts
    assert "choose another" in texts
    assert desk.control.ports.osc is None
    desk.listen(midi=None, osc=0)
    desk.wait(lambda: desk.control.ports.osc, "another port")


def test_a_flood_that_nobody_reads_ends_in_silence_and_not_in_a_stuck_note(no_card, desk):
    desk.listen(osc=0)
    port = desk.wait(lambda: desk.report(Ports), "the port").osc
    note = OscMessageBuilder("/note/on")
    note.add_arg(60)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.connect(("127.0.0.1", port))
        for i in range(6000):
            sender.send(note.build().dgram)
            if i % 100 == 0:
                time.sleep(0.005)
        time.sleep(0.3)
        desk.poll()
        sender.send(note.build().dgram)
        desk.wait(lambda: desk.event(KINDS.ALL_OFF), "the end of all notes")
    last = [r[3] for r in desk.events]
    assert last.index(KINDS.ALL_OFF) < len(last) - 1  # and then the new one
