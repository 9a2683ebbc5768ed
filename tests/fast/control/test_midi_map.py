"""Fears: a controller that makes a parameter jump, or moves another one, or forgets overnight."""

import json

import pytest

from mesosynth.control.midi_map import OWN, Binding, MidiMap
from mesosynth.errors import ArgumentError, SettingsError
from mesosynth.instruments.chirplet import PARAMETERS
from mesosynth.plugins.parameters import Parameter, ParameterTable

FIRST = (0, 21)


class Hand:
    """Turns controller 21, which moves f_c, of a session that follows at once."""

    def __init__(self):
        self.map = MidiMap(PARAMETERS)
        self.map.bind(*FIRST, "f_c")
        self.values = PARAMETERS.defaults()
        self.now = 0.0

    def turn(self, midi, seconds=0.05):
        self.now += seconds
        move = self.map.move(*FIRST, midi / 127.0, self.values.__getitem__, self.now)
        if move is not None:
            assert move[0] == "f_c"
            self.values["f_c"] = move[1]
        return None if move is None else round(127 * PARAMETERS["f_c"].to_unit(move[1]), 6)

    def set(self, midi):
        self.values["f_c"] = PARAMETERS["f_c"].from_unit(midi / 127.0)


def test_a_controller_moves_nothing_until_it_passes_where_the_parameter_is():
    hand = Hand()
    hand.set(60)
    assert [hand.turn(at) for at in (0, 20, 40, 55)] == [None] * 4
    assert hand.turn(65) == 65  # it passed 60
    assert hand.turn(10) == 10
    hand.set(90)  # somebody else turned it
    hand.now += 2 * OWN
    assert hand.turn(11) is None
    assert hand.turn(80) is None
    assert hand.turn(89) == 89  # near enough


def test_it_catches_from_above_as_well():
    hand = Hand()
    hand.set(60)
    assert [hand.turn(at) for at in (127, 80)] == [None, None]
    assert hand.turn(59) == 59


def test_a_first_touch_right_there_catches():
    hand = Hand()
    hand.set(60)
    assert hand.turn(61) == 61


def test_a_session_that_lags_does_not_shake_it_off():
    hand = Hand()
    hand.set(60)
    assert hand.turn(60) == 60
    values = []
    for at in range(61, 100):
        before = hand.values["f_c"]
        values.append(hand.turn(at, 0.01))
        if at % 4:
            hand.values["f_c"] = before  # the session has not heard of it yet
    assert values == list(range(61, 100))


def test_no_step_is_larger_than_the_controllers_own_however_it_is_played():
    hand = Hand()
    hand.set(100)
    last, previous = 100, 0
    for at in [0, 30, 90, 99, 101, 127, 90, 40, 0, 127]:
        moved = hand.turn(at)
        if moved is not None:
            assert abs(moved - last) <= max(abs(at - previous), 2)
            last = moved
        previous = at


def test_learning():
    map_ = MidiMap(PARAMETERS)
    assert map_.learned(0, 7) is None
    map_.learn("f_m")
    assert map_.learned(3, 7) == Binding(3, 7, "f_m")
    assert map_.learned(3, 8) is None  # once
    map_.learn("w")
    map_.learn(None)
    assert map_.learned(3, 9) is None
    with pytest.raises(ArgumentError, match="'volume'"):
        map_.learn("volume")


def test_one_controller_a_parameter_and_one_parameter_a_controller():
    map_ = MidiMap(PARAMETERS)
    map_.bind(0, 1, "f_c")
    map_.bind(0, 2, "f_c")
    map_.bind(0, 2, "w")
    assert map_.bindings == (Binding(0, 2, "w"),)
    map_.forget("w")
    assert map_.bindings == ()


def test_it_is_saved_and_read_back(tmp_path):
    path = tmp_path / "new" / "midi.json"
    map_ = MidiMap(PARAMETERS)
    map_.load(path)  # there is none yet
    map_.bind(0, 1, "f_c")
    map_.bind(5, 74, "w")
    map_.save(path)
    again = MidiMap(PARAMETERS)
    again.load(path)
    assert again.bindings == map_.bindings
    assert [p.name for p in path.parent.iterdir()] == ["midi.json"]


def test_keys_of_a_later_version_are_kept(tmp_path):
    path = tmp_path / "midi.json"
    binding = {"channel": 0, "controller": 1, "parameter": "w", "curve": {"later": [1]}}
    path.write_text(json.dumps({"revision": 1, "bindings": [binding], "groups": []}))
    map_ = MidiMap(PARAMETERS)
    map_.load(path)
    map_.bind(0, 2, "f_c")
    map_.save(path)
    saved = json.loads(path.read_text())
    assert saved["bindings"][0] == binding
    assert saved["groups"] == []


def test_a_binding_of_what_is_not_in_the_rack_waits_until_it_is(tmp_path):
    path = tmp_path / "midi.json"
    path.write_text(
        '{"revision": 1, "bindings": [{"channel": 0, "controller": 1, "parameter": "x"}]}'
    )
    map_ = MidiMap(PARAMETERS)
    map_.load(path)
    assert map_.move(0, 1, 0.5, lambda _: 0.5, 0.0) is None
    map_.use(ParameterTable([Parameter("x", "X", "", 0.0, 1.0, 0.5, "What came back.")]))
    assert map_.move(0, 1, 0.5, lambda _: 0.5, 0.0) == ("x", 0.5)


@pytest.mark.parametrize("text", ["", "nonsense", "[1]", '{"bindings": 3}', "\xff", "[" * 5000])
def test_a_broken_file_is_told_and_changes_nothing(tmp_path, text):
    path = tmp_path / "midi.json"
    path.write_text(text, encoding="latin-1")
    map_ = MidiMap(PARAMETERS)
    map_.bind(0, 1, "f_c")
    with pytest.raises(SettingsError, match=r"midi\.json is not a map"):
        map_.load(path)
    assert map_.bindings == (Binding(0, 1, "f_c"),)
    assert (tmp_path / "midi.json.broken").read_text(encoding="latin-1") == text
    map_.load(path)  # there is none any more
    with pytest.raises(SettingsError, match="cannot be read"):
        map_.load(tmp_path)


def test_a_folder_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingsError, match="cannot be written"):
        MidiMap(PARAMETERS).save(tmp_path / "file" / "midi.json")
