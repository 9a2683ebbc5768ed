"""Fears: a listener that raises takes others or the session with it; one that hears too early."""

import gc
from pathlib import Path

import pytest
from psygnal import EmitLoopError
from recorder import Recorder

import mesosynth.session
from mesosynth.session import Session
from mesosynth.session.signals import Emitter, Messages, Signal


class Part:
    changed = Signal(int)
    ended = Signal()

    def __init__(self, emit):
        self.emit = emit


@pytest.fixture
def part():
    return Part(Emitter())


def test_all_hear_though_one_raises_and_the_error_is_raised_later(part):
    heard = []

    def fail(number):
        raise ValueError(f"number {number}")

    part.changed.connect(fail)
    part.changed.connect(heard.append)
    part.emit(part.changed, 1)
    part.emit(part.changed, 2)
    assert heard == [1, 2]
    with pytest.raises(EmitLoopError, match="number 1") as raised:
        part.emit.raise_error()
    assert isinstance(raised.value.__cause__, ValueError)
    assert raised.value.__notes__ == ["1 more listeners raised an error."]
    part.emit.raise_error()  # once is enough


def test_what_a_listener_causes_is_heard_after_what_it_listened_to(part):
    heard = []
    part.changed.connect(lambda number: number and part.emit(part.changed, 0))
    part.changed.connect(lambda number: part.emit(part.ended) if number == 0 else None)
    part.changed.connect(heard.append)
    part.ended.connect(lambda: heard.append("ended"))
    part.emit(part.changed, 1)
    assert heard == [1, 0, "ended"]


def test_nothing_is_heard_before_the_end_of_what_belongs_together(part):
    heard = []
    part.changed.connect(heard.append)

    def fail():
        with part.emit.held():
            part.emit(part.changed, 1)
            with part.emit.held():
                part.emit(part.changed, 2)
            assert heard == []
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert heard == [1, 2]


def test_of_what_waits_only_the_newest_is_heard_where_that_is_wanted(part):
    heard = []
    part.changed.connect(heard.append)
    with part.emit.held():
        part.emit(part.changed, 1, newest="match")
        part.emit(part.changed, 2, newest="midi")
        part.emit(part.changed, 3)
        part.emit(part.changed, 4, newest="match")
    part.emit(part.changed, 5, newest="match")
    assert heard == [2, 3, 4, 5]


def test_what_is_dropped_is_not_heard(part):
    heard = []
    part.changed.connect(heard.append)
    part.ended.connect(lambda: heard.append("ended"))
    with part.emit.held():
        part.emit(part.changed, 1, newest="match")
        part.emit(part.changed, 2)
        part.emit(part.ended)
        assert part.emit.drop(part.changed) == {"match"}
        part.emit(part.changed, 3, newest="match")
    assert heard == ["ended", 3]


def test_a_listener_that_is_gone_and_a_session_that_is_closed_are_silent(part):
    class Listener:
        def hear(self, number):
            heard.append(number)

    heard, listener = [], Listener()
    part.changed.connect(listener.hear)
    part.emit(part.changed, 1)
    del listener
    gc.collect()
    part.emit(part.changed, 2)
    part.changed.connect(heard.append)
    part.emit.close()
    part.emit(part.changed, 3)
    assert heard == [1]


def test_messages_tell_how_serious_they_are():
    messages, heard = Messages(Emitter()), []
    messages.said.connect(lambda *said: heard.append(said))
    messages.say("All is well.")
    messages.say("It burns.", "error")
    assert heard == [("All is well.", "info"), ("It burns.", "error")]


def test_a_session_has_its_parts_and_inherits_none():
    assert len(Session.__mro__) <= 3


def test_live_values_are_written_in_one_place():
    files = Path(mesosynth.session.__file__).parent.glob("*.py")
    assert [file.name for file in files if ".set_values(" in file.read_text()] == ["sound.py"]


@pytest.fixture
def session(real_time):
    session = Session("silent")
    yield session
    session.close()


def test_a_listener_that_raises_breaks_no_session(session):
    heard = []

    def fail(*_):
        raise ValueError("no")

    session.sound.changed.connect(fail)
    session.sound.changed.connect(lambda values, _: heard.append(values["f_c"]))
    session.sound.set({"f_c": 500.0})
    assert session.sound.values["f_c"] == 500.0
    assert heard == [500.0]
    with pytest.raises(EmitLoopError, match="no"):
        session.poll()
    session.poll()


def test_a_session_is_there_before_its_processes(real_time):
    session = Session("silent", start=False)
    seen = Recorder(session)
    assert not session.started
    assert session.sound.values == session.rack.instrument_plugin.parameters.defaults()
    assert session.saved().sound.instrument == "chirplet"
    assert session.device.pid is session.device.status() is session.match.pid is None
    session.close()
    assert seen == []
    another = Session("silent", start=False)
    seen = Recorder(another)
    try:
        another.start()
        assert another.started
        assert seen.wait("device.changed")
    finally:
        another.close()


def test_values_of_a_rack_that_is_no_more_are_not_told(session):
    seen = Recorder(session)
    with session._emit.held():
        session.sound.set({"f_c": 500.0}, "match")
        session.rack.set_instrument("ripple")
    ((values, source),) = seen.of("sound.changed")
    assert list(values) == list(session.sound.parameters)
    assert source == "user"
    names = [name for name, _ in seen]
    assert names.index("rack.changed") < names.index("sound.changed")
