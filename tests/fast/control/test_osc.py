"""Fears: a datagram that crashes or hangs, a value out of range, a port that is taken."""

import logging
import math
import random
import socket
import struct
import time
from dataclasses import replace

import pytest
from pythonosc.osc_message_builder import OscMessageBuilder

from mesosynth.control.osc import FASTEST, OscReceiver, decode, obey
from mesosynth.effects.modulation import Modulation
from mesosynth.errors import DeviceError
from mesosynth.instruments.chirplet import PARAMETERS
from mesosynth.plugins.parameters import ParameterTable
from mesosynth.plugins.plugin import WHOLE_CHANNEL, EventKind

KINDS, WHOLE = EventKind, WHOLE_CHANNEL


class Listener:
    def __init__(self):
        self.said = []

    def event(self, kind, channel, note, value, stamp):
        assert 0 <= channel < 16
        assert 0 <= note < 128 or note == WHOLE
        assert math.isfinite(value)
        self.said.append((kind, channel, note, value))

    def move(self, parameter, value):
        if parameter in PARAMETERS:
            assert PARAMETERS[parameter].clamp(value) == value
        self.said.append((parameter, value))


@pytest.fixture
def quiet():
    """python-osc logs all that it cannot read, as the control process forbids it to."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def message(address, *arguments):
    builder = OscMessageBuilder(address)
    for argument in arguments:
        builder.add_arg(argument)
    return builder.build().dgram


def bundle(*contents):
    return b"#bundle\0" + bytes(8) + b"".join(struct.pack(">i", len(c)) + c for c in contents)


def said(address, *arguments):
    listener = Listener()
    obey(listener, PARAMETERS, address, arguments, 0.0)
    return listener.said


@pytest.mark.parametrize(
    ("words", "meaning"),
    [
        (("/param/f_c", 440), [("f_c", 440.0)]),
        (("/param/f_c", 1e9), [("f_c", 8000.0)]),
        (("/knob/f_c", 0.0), [("f_c", 20.0)]),
        (("/knob/gain", 1.0), [("gain", 6.0)]),
        (("/note/on", 60, 0.5), [(KINDS.NOTE_ON, 0, 60, 0.5)]),
        (("/note/on", 60, 127, 3), [(KINDS.NOTE_ON, 3, 60, 1.0)]),
        (("/note/on", 60), [(KINDS.NOTE_ON, 0, 60, 1.0)]),
        (("/note/on", 60, 0), [(KINDS.NOTE_OFF, 0, 60, 0.0)]),
        (("/note/off", 60.0, 2), [(KINDS.NOTE_OFF, 2, 60, 0.0)]),
        (("/bend", -1.5), [(KINDS.PITCH_BEND, 0, WHOLE, -1.5)]),
        (("/pressure", 7, 4), [(KINDS.PRESSURE, 4, WHOLE, 1.0)]),
        (("/wheel", 0.5), [(KINDS.WHEEL, 0, WHOLE, 0.5)]),
        (("/tempo", 1e9), [(KINDS.TEMPO, 0, WHOLE, FASTEST)]),
        (("/sustain", 0), [(KINDS.SUSTAIN, 0, WHOLE, 0.0)]),
        (("/freeze", True), [(KINDS.FREEZE, 0, WHOLE, 1.0)]),
        (("/start",), [(KINDS.START, 0, WHOLE, 1.0)]),
        (("/panic",), [(KINDS.ALL_OFF, 0, WHOLE, 1.0)]),
    ],
)
def test_words(words, meaning):
    assert said(*words) == meaning


@pytest.mark.parametrize("address", ["/start", "/stop", "/panic"])
def test_a_button_acts_when_it_is_pressed_and_not_when_it_is_let_go(address):
    for release in (0, 0.0, False, "off", math.nan, None, [1]):
        assert said(address, release) == []
    for press in (1, 1.0, True, "on"):
        assert len(said(address, press)) == 1


@pytest.mark.parametrize(
    ("position", "value"),
    [("on", 1.0), (" OFF ", 0.0), ("false", 0.0), (False, 0.0), (0.4, 0.0), (127, 1.0)],
)
def test_a_switch_stands_where_the_word_or_number_says(position, value):
    assert said("/sustain", position) == [(KINDS.SUSTAIN, 0, WHOLE, value)]
    for nonsense in (math.nan, math.inf, "perhaps", None, [0.0], b"on"):
        assert said("/sustain", nonsense) == []


def test_an_address_may_be_a_pattern():
    assert said("/param/f_?", 3.0) == [("f_c", 20.0), ("f_m", 3.0)]
    assert said("/param/{f_m,gain}", 2.0) == [("f_m", 2.0), ("gain", 2.0)]
    assert said("/sus*", 1) == [(KINDS.SUSTAIN, 0, WHOLE, 1.0)]
    assert said("/[!f-z]anic") == []
    assert said("/[o-q]anic") == [(KINDS.ALL_OFF, 0, WHOLE, 1.0)]
    moved = said("/knob/*", 0.5)
    assert len(moved) == len(PARAMETERS)
    for malformed in ("/param/[", "/param/{f_c", "/par*m*/*f*_*c*", "/[z-a]anic", "/" + "?" * 999):
        assert said(malformed, 1.0) == []


def test_strange_types_are_read_or_dropped_without_a_word(caplog):
    def datagram(tags, body):
        return b"/start\0\0," + tags.ljust(3, b"\0") + body

    assert decode(datagram(b"I", b"")) == [("/start", [True])]
    assert decode(datagram(b"S", b"on\0\0")) == [("/start", ["on"])]
    assert decode(datagram(b"c", struct.pack(">I", 65))) == [("/start", [65])]
    assert decode(datagram(b"xf", struct.pack(">f", 1.0))) == []
    assert caplog.text == ""


def test_mod_names_a_parameter_of_the_modulation():
    listener, modulation = Listener(), Modulation.parameters["depth1"]
    table = ParameterTable([replace(modulation, id="modulation.depth1")])
    obey(listener, table, "/mod/depth1", (-0.5,), 0.0)
    obey(listener, table, "/mod/depth9", (0.5,), 0.0)
    assert listener.said == [("modulation.depth1", -0.5)]


@pytest.mark.parametrize(
    "words",
    [
        ("",), ("/",), ("/param",), ("/param/",), ("/param/f_c",), ("/param/f_c", "440"),
        ("/param/f_c", math.nan), ("/param/f_c", math.inf), ("/param/volume", 1.0),
        ("/param/f_c/x", 1.0), ("/note/on",), ("/note/on", 128), ("/note/on", -1, 1.0),
        ("/note/on", 60, math.nan), ("/note/on", 60, 1.0, 16), ("/note/off", "C4"),
        ("/bend",), ("/bend", 1.0, -1), ("/tempo", 0), ("/tempo", -3), ("/param/f_c", 10**400),
        ("/xparam/f_c", 3.0), ("/note/on", [60]),
    ],
)  # fmt: skip
def test_nonsense_does_nothing(words):
    assert said(*words) == []


def test_bundles_are_unpacked_in_order():
    one, two = message("/start"), message("/param/f_c", 440.0)
    assert [m[0] for m in decode(bundle(one, bundle(two, one), two))] == [
        "/start", "/param/f_c", "/start", "/param/f_c",
    ]  # fmt: skip


def test_bundles_of_lies(quiet):
    """A negative length is what python-osc itself never comes back from."""
    head = b"#bundle\0" + bytes(8)
    for length in (-4, -(2**31), 0, 4, 2**31 - 1):
        assert decode(head + struct.pack(">i", length) + b"/x") == []
    nested = message("/start")
    for _ in range(1000):
        nested = bundle(nested)
    assert decode(nested) == []


@pytest.mark.parametrize("count", [100_000])
def test_random_messages(quiet, count):
    rng = random.Random(0)
    seeds = [
        message("/param/f_c", 440.0), message("/note/on", 60, 0.7, 3), message("/bend", [1, 2.0]),
        message("/tempo", "fast", 120), bundle(message("/start"), message("/param/w", 2.0)),
    ]  # fmt: skip
    listener = Listener()
    for i in range(count):
        seed = seeds[i % 5]
        at = rng.randrange(len(seed))
        datagram = seed[:at] + rng.randbytes(1 + i % 3) + seed[at + 1 + i % 3 :]
        if i % 7 == 0:
            datagram = b"/" + rng.randbytes(i % 40)
        for address, arguments in decode(datagram):
            obey(listener, PARAMETERS, address, arguments, 0.0)
        if i % 1000 == 0:
            listener.said.clear()
    assert said("/start")  # it has come back from all of them


def test_a_real_port(quiet):
    heard = []
    receiver = OscReceiver(0, lambda address, arguments, stamp: heard.append((address, stamp)))
    rng = random.Random(1)
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.connect(("127.0.0.1", receiver.port))
            for i in range(2000):
                sender.send(rng.randbytes(rng.randrange(2000)))
                if i % 50 == 0:
                    time.sleep(0.002)  # or the kernel drops what comes too fast
            sender.send(b"")
            begin = time.perf_counter()
            deadline = begin + 60.0
            while not heard and time.perf_counter() < deadline:
                sender.send(message("/start"))
                time.sleep(0.01)
    finally:
        receiver.close()
    assert heard
    assert heard[0][0] == "/start"
    assert begin < heard[0][1] < time.perf_counter()


def test_a_port_that_is_taken_or_impossible_is_told():
    receiver = OscReceiver(0, lambda *_: None)
    try:
        with pytest.raises(DeviceError, match=f"port {receiver.port} of 127.0.0.1"):
            OscReceiver(receiver.port, lambda *_: None)
    finally:
        receiver.close()
    with pytest.raises(DeviceError, match="port 99999"):
        OscReceiver(99999, lambda *_: None)
    OscReceiver(receiver.port, lambda *_: None).close()  # it was given back
