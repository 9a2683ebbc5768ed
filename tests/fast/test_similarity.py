import json
import time
from dataclasses import replace

import msgspec
import numpy as np
import psutil
import pytest

from mesosynth.cli.main import main
from mesosynth.errors import ArgumentError
from mesosynth.presets import fingerprints
from mesosynth.presets.fingerprints import RATE, Fingerprinter, index_presets, sound_map
from mesosynth.presets.library import FOLDER_VARIABLE, Library
from mesosynth.presets.preset import Preset, load_preset, save_preset
from mesosynth.presets.similarity import (
    FILE,
    FingerprintIndex,
    SoundMap,
    distances,
    read_index,
    sound_key,
    weights,
    write_index,
)
from mesosynth.system.paths import factory_presets

NEAREST = 0.11
"""JTFS distance below which two factory presets would be one too many."""

_KNOWN = ({"Init", "Paper target"}, {"Crow", "Northern lights, indoors"})


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    folder = tmp_path / "cache"
    monkeypatch.setenv("MESOSYNTH_CACHE_DIR", str(folder))
    return folder


@pytest.fixture(scope="module")
def fingerprinter():
    return Fingerprinter()


@pytest.fixture(scope="module")
def factory():
    presets = [load_preset(path) for path in factory_presets()]
    return {sound_key(preset): preset for preset in presets}


def test_a_key_is_about_sound_alone():
    one = Preset(name="One", parameters={"f_m": 8.0})
    assert sound_key(one) == sound_key(msgspec.structs.replace(one, name="Two", comment="!"))
    assert sound_key(one) == sound_key(Preset(name="One"))  # 8 Hz is the default
    assert sound_key(one) != sound_key(Preset(name="One", parameters={"f_m": 8.1}))
    assert sound_key(one) != sound_key(Preset(name="One", instrument="ripple"))


def test_the_shipped_index_knows_every_factory_preset(factory):
    index = read_index()
    missing = [preset.name for key, preset in factory.items() if key not in index]
    assert not missing, "python -m mesosynth.presets.fingerprints says how to index them"
    assert index.positions.min() >= 0.0
    assert index.positions.max() <= 1.0


def test_no_two_factory_presets_are_alike(factory):
    index = read_index()
    apart = distances(index.fingerprints, index.fingerprints)
    names = [factory[key].name for key in index.keys if key in factory]
    near = [
        (names[i], names[j], round(float(apart[i, j]), 3))
        for i in range(len(names))
        for j in range(i)
        # Where every knob starts is the paper's sound, nearly, and a crow is what it is.
        if apart[i, j] < NEAREST and {names[i], names[j]} not in _KNOWN
    ]
    assert not near


def test_shipped_fingerprints_are_those_of_the_sounds(factory, fingerprinter):
    index = read_index()
    for key in index.keys[::40]:
        now = fingerprinter.of_preset(factory[key])
        then = index.fingerprints[index.keys.index(key)]
        assert np.linalg.norm(now - then) < 0.02, factory[key].name


def test_distance_hears_direction_and_not_loudness(fingerprinter):
    rising, falling, quiet = (
        fingerprinter.of_preset(Preset(name="x", parameters=values))
        for values in ({"gamma": 3.0}, {"gamma": -3.0}, {"gamma": 3.0, "gain": -30.0})
    )
    assert np.linalg.norm(rising - quiet) < 0.01
    assert np.linalg.norm(rising - falling) > 0.1
    assert not fingerprinter.of_sound(np.zeros(RATE)).any()


def test_similar_sounds_come_from_near_to_far(factory):
    index = read_index()
    by_name = {preset.name: key for key, preset in factory.items()}
    near = index.distances(by_name["Crickets"])
    assert len(near) == len(index.keys) - 1
    assert list(near.values()) == sorted(near.values())
    categories = [factory[key].tags.category for key in list(near)[:3]]
    assert set(categories) <= {"animal", "water"}
    with pytest.raises(ArgumentError, match="index the library"):
        index.distances("nobody")


def test_the_command_names_the_nearest(capsys):
    path = next(path for path in factory_presets() if path.stem == "crickets")
    assert main(["similar", str(path), "-n", "3", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["preset"] == "Crickets"
    away = [one["distance"] for one in answer["similar"]]
    assert len(away) == 3
    assert NEAREST < away[0] <= away[1] <= away[2]
    assert main(["similar", str(path), "-n", "0"]) == 2
    assert "0 must be 1 or more" in capsys.readouterr().err


def test_the_map_is_the_same_each_time():
    random = np.random.default_rng(3)
    points = random.random((40, 2))
    high = np.concatenate([points, points @ random.random((2, 30))], axis=1)
    first = sound_map(high, points[:, 0], points[:, 1])
    assert np.array_equal(first, sound_map(high, points[:, 0], points[:, 1]))
    assert np.corrcoef(first[:, 0], points[:, 0])[0, 1] > 0.3
    assert sound_map(high[:2], points[:2, 0], points[:2, 1]).shape == (2, 2)
    assert sound_map(high[:0], points[:0, 0], points[:0, 1]).shape == (0, 2)


def test_islands_are_no_trouble():
    islands = np.concatenate([np.eye(12) * 1e-3, np.eye(12) * 1e-3 + 5.0])
    found = sound_map(islands, islands[:, 0], islands[:, 1])
    assert np.isfinite(found).all()


def test_weights_are_the_nearest_sounds():
    positions = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0], [9.0, 9.0]])
    assert weights((1.0, 0.0), positions) == {1: 1.0}
    shares = weights((0.25, 0.0), positions, nearest=2)
    assert list(shares) == [0, 1]
    assert shares[0] == pytest.approx(0.9)
    assert sum(weights((0.4, 0.3), positions).values()) == pytest.approx(1.0)


def test_an_index_is_kept_and_a_damaged_one_is_not_trusted(cache):
    shipped = read_index()
    mine = FingerprintIndex(("a", "b"), np.eye(2, dtype=np.float16), np.zeros((2, 2), np.float32))
    write_index(mine)
    assert read_index().keys == ("a", "b")
    whole = (cache / FILE).read_bytes()
    bad = replace(mine, positions=np.full((2, 2), np.nan, np.float32))
    write_index(bad)
    assert read_index().keys == shipped.keys
    for content in (b"", b"PK", whole[:-30], whole[: len(whole) // 2], b"\x93NUMPY" + whole):
        (cache / FILE).write_bytes(content)
        assert read_index().keys == shipped.keys


def test_what_cannot_be_played_is_left_out_and_what_was_heard_is_not_heard_again():
    effect = {"name": "Odd", "effects": [{"plugin": "nobody's"}]}
    odd = msgspec.convert(effect, Preset)
    plain = load_preset(factory_presets()[0])
    heard = []
    presets = {sound_key(odd): odd, sound_key(plain): plain}
    index = index_presets(presets, lambda done, total: heard.append((done, total)))
    assert index.keys == (sound_key(plain),)
    assert heard == [(1, 1)]  # the other one came with mesosynth


def test_the_desks_helper_indexes_a_folder(tmp_path, monkeypatch, capfd):
    folder = tmp_path / "mine"
    folder.mkdir()
    new = Preset(name="New", parameters={"f_c": 333.0, "gamma": -2.5})
    save_preset(folder / "new.json", new)
    (folder / "bad.json").write_text("{")
    monkeypatch.setattr("sys.argv", ["fingerprints", str(folder)])
    fingerprints.main()  # in this process, which has torch already; below it has its own
    assert capfd.readouterr() == ("1 1\n", "")
    assert sound_key(new) in read_index()


@pytest.fixture
def new_sound(tmp_path, monkeypatch):
    """A library that holds one sound that nobody has listened to."""
    folder = tmp_path / "user"
    folder.mkdir()
    monkeypatch.setenv(FOLDER_VARIABLE, str(folder))
    save_preset(folder / "mine.json", Preset(name="Mine", parameters={"f_c": 271.0}))
    factory = tmp_path / "factory"
    factory.mkdir()
    library = Library(factory, folder, tmp_path)
    library.refresh()
    return library


def test_a_new_sound_comes_onto_the_chart(new_sound):
    chart = SoundMap()
    chart.show(new_sound.entries)
    assert chart.wait(150.0)  # the helper is nice to others
    assert [place.entry.name for place in chart.places] == ["Mine"]
    assert (chart.left, chart.trouble) == (0, "")
    chart.show([])
    assert chart.wait(60.0)
    assert chart.places == ()
    chart.close()


def test_a_chart_that_closes_takes_its_helper_along(new_sound):
    chart = SoundMap()
    chart.show(new_sound.entries)
    patience = time.monotonic() + 100.0
    while (pid := chart._worker.pid) is None:
        assert time.monotonic() < patience
        time.sleep(0.01)
    assert psutil.pid_exists(pid)
    chart.close()
    assert not psutil.pid_exists(pid)
    assert chart.trouble == ""


def test_an_index_that_fails_says_why(new_sound, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("where a folder should be")
    monkeypatch.setenv("MESOSYNTH_CACHE_DIR", str(tmp_path / "file"))
    chart = SoundMap()
    chart.show(new_sound.entries)
    assert chart.wait(150.0)
    assert "listening to them failed" in chart.trouble
    assert str(tmp_path / "file") in chart.trouble
    assert chart.places == ()
    chart.close()
