"""The fears: a sound is lost, overwritten, or not found; a bad file takes the library with it."""

import json
import os
import threading
import time

import msgspec
import pytest

from mesosynth.errors import PresetError
from mesosynth.presets.library import Library
from mesosynth.presets.preset import EffectState, Preset, Tags, load_preset, save_preset
from mesosynth.system.paths import factory_presets

BELL = Preset(name="Glass bell", author="Ada", comment="Thin as ice.", tags=Tags(
    category="Bells", character=("bright",), features=("long sweep",)))  # fmt: skip
DRONE = Preset(name="Drone", author="Bob", instrument="ripple", tags=Tags(category="Drones"))
CLOUD = Preset(name="Bell cloud", tags=Tags(category="Clouds", character=("soft",)))


@pytest.fixture
def folders(tmp_path):
    for name in ("factory", "user"):
        (tmp_path / name).mkdir()
    return tmp_path


def open_library(folders):
    library = Library(folders / "factory", folders / "user", folders / "cache")
    library.refresh()
    return library


@pytest.fixture
def library(folders):
    save_preset(folders / "factory" / "bell.json", BELL)
    save_preset(folders / "factory" / "drone.json", DRONE)
    save_preset(folders / "user" / "cloud.json", CLOUD)
    return open_library(folders)


def names(entries):
    return [entry.name for entry in entries]


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("", ["Bell cloud", "Drone", "Glass bell"]),
        ("bell", ["Bell cloud", "Glass bell"]),
        ("BELL gl", ["Glass bell"]),
        ("ice", ["Glass bell"]),
        ("tag:bell", ["Glass bell"]),
        ('tag:"long sweep"', ["Glass bell"]),
        ('tag:"long', ["Glass bell"]),
        ("-tag:bell", ["Bell cloud", "Drone"]),
        ("author:ada", ["Glass bell"]),
        ("author:a bell", ["Glass bell"]),
        ("instrument:ripple", ["Drone"]),
        ("is:user", ["Bell cloud"]),
        ("is:factory", ["Drone", "Glass bell"]),
        ("fav:", []),
        ("rating:3", []),
        ("rating:x", []),
        ("no:such", []),
        ("zzz", []),
        ("-", ["Bell cloud", "Drone", "Glass bell"]),
        ("::", []),
    ],
)
def test_a_line_finds_what_it_asks_for(library, line, found):
    assert names(library.search(line)) == found


def test_names_that_begin_with_the_word_come_first(folders):
    for name in ("A bird", "Bird", "Flock", "Zebra"):
        comment = "birds" if name == "Flock" else ""
        save_preset(folders / "user" / f"{name}.json", Preset(name=name, comment=comment))
    assert names(open_library(folders).search("bird")) == ["Bird", "A bird", "Flock"]


def test_marks_are_kept_found_and_follow_nobody_else(library, folders):
    cloud, drone, bell = library.search()
    library.set_favourite(drone, True)
    library.set_favourite(cloud, True)
    library.rate(bell, 4)
    for entry in (bell, drone, bell):
        library.note_played(entry)
    again = open_library(folders)
    assert names(again.search("fav:")) == ["Bell cloud", "Drone"]
    assert names(again.search("rating:4")) == ["Glass bell"]
    assert names(again.search("rating:5")) == []
    assert names(again.recent) == ["Glass bell", "Drone"]
    assert again.bank == [drone.path, cloud.path]  # in their order
    again.set_favourite(drone, False)
    again.set_favourite(cloud, False)
    again.rate(bell, 0)
    assert again.bank == [cloud.path, drone.path, bell.path]
    assert names(open_library(folders).search("fav:")) == []


@pytest.mark.parametrize("text", ["", "{", "[]", '{"ratings": 3}'])
def test_broken_marks_are_put_aside_and_told_of(folders, text):
    path = folders / "user" / ".marks.json"
    path.write_text(text)
    library = open_library(folders)
    assert f"{path} is not the library's file of favourites" in library.trouble
    assert "it is now .marks.json.broken, and the library starts without" in library.trouble
    assert (folders / "user" / ".marks.json.broken").read_text() == text
    assert library.marks.favourites == {}
    assert open_library(folders).trouble == ""


def test_a_name_that_is_taken_never_overwrites(library, folders):
    paths = [library.save(CLOUD) for _ in range(2)]
    assert [path.name for path in paths] == ["Bell cloud.json", "Bell cloud 2.json"] or [
        path.name for path in paths] == ["Bell cloud 2.json", "Bell cloud 3.json"]  # fmt: skip
    assert load_preset(folders / "user" / "cloud.json") == CLOUD
    assert names(library.search("bell cloud")) == ["Bell cloud", "Bell cloud 2", "Bell cloud 3"]
    (folders / "user" / "new.json").write_text("not even a preset")
    assert library.save(Preset(name="NEW")).name == "NEW 2.json"
    assert (folders / "user" / "new.json").read_text() == "not even a preset"


def test_two_who_save_at_once_get_two_files(folders):
    libraries = [open_library(folders) for _ in range(8)]
    start = threading.Barrier(8)

    def save(library):
        start.wait()
        library.save(Preset(name="Same", author=str(id(library))))

    threads = [threading.Thread(target=save, args=(library,)) for library in libraries]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    library = open_library(folders)
    assert len(library.entries) == 8
    assert len({entry.author for entry in library.entries}) == 8


def test_only_the_users_own_is_replaced(library, folders):
    (cloud,) = library.search("is:user")
    assert library.save(Preset(name="Bell cloud", author="Eve"), over=cloud.path) == cloud.path
    assert library.search("is:user")[0].author == "Eve"
    with pytest.raises(PresetError, match="save it under a new name"):
        library.save(BELL, over=folders / "factory" / "bell.json")
    with pytest.raises(PresetError, match="came with mesosynth"):
        library.remove(library.search("glass")[0])
    away = library.remove(library.search("is:user")[0])
    assert load_preset(away).author == "Eve"
    assert library.search("is:user") == []


@pytest.mark.parametrize(
    "name", ["", "  ", "..", "../../x", "a/b\\c:d*e?", "CON", "nul.txt", "x" * 500, "é\u0000\n",
             ".hidden", "\ud800"]
)  # fmt: skip
def test_whatever_a_preset_is_called_its_file_is_in_the_folder(library, folders, name):
    if name == "\ud800":
        with pytest.raises(PresetError, match="cannot be written"):
            library.save(Preset(name=name))
        return
    path = library.save(Preset(name=name))
    assert path.parent == folders / "user"
    assert not path.name.startswith(".")
    assert load_preset(path).name == (name.strip() or "Preset")


def test_bad_files_are_listed_with_their_reasons(library, folders):
    (folders / "user" / "empty.json").write_bytes(b"")
    (folders / "user" / "later.json").write_text(json.dumps({"revision": 99, "name": "x"}))
    (folders / "user" / "folder.json").mkdir()
    (folders / "user" / ".draft.json.123.part").write_text("{")
    (folders / "user" / "notes.txt").write_text("hello")
    (folders / "user" / "dangling.json").symlink_to("nowhere")
    assert library.refresh()
    assert [entry.name for entry in library.problems] == ["empty", "folder", "later"]
    assert all(entry.problem.endswith(".") for entry in library.problems)
    assert len(library.entries) == 3


def test_files_that_come_change_and_go_are_noticed(library, folders):
    library.watch()
    try:
        deep = folders / "user" / "live" / "set one"
        deep.mkdir(parents=True)
        save_preset(deep / "new.json", Preset(name="New"))
        wait(lambda: names(library.search("new")) == ["New"])
        save_preset(deep / "new.json", Preset(name="Newer"))
        wait(lambda: names(library.search("new")) == ["Newer"])
        (deep / "new.json").unlink()
        wait(lambda: library.search("new") == [])
        revision = library.revision
        assert not library.refresh()
        assert library.revision == revision
    finally:
        library.close()


def wait(true, seconds=100.0):
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_what_is_known_is_not_read_again(library, folders, monkeypatch):
    read = []
    monkeypatch.setattr("mesosynth.presets.library.read_entry", lambda *a: read.append(a))
    again = open_library(folders)
    assert names(again.entries) == names(library.entries)
    assert read == []
    monkeypatch.undo()
    for content in (b"", b"\x00" * 100, b"\xc1"):
        (folders / "cache" / "library.msgpack").write_bytes(content)
        assert names(open_library(folders).entries) == names(library.entries)


def test_what_was_there_is_listed_at_once_and_then_made_sure_of(library, folders):
    (folders / "user" / "cloud.json").unlink()
    again = Library(folders / "factory", folders / "user", folders / "cache")
    again.recall()
    assert names(again.entries) == names(library.entries)
    assert again.refresh()
    assert names(again.entries) == ["Drone", "Glass bell"]
    again.recall()
    assert names(again.entries) == ["Drone", "Glass bell"]


def test_a_plugin_that_takes_other_values_makes_all_be_read_again(library, folders, monkeypatch):
    monkeypatch.setattr("mesosynth.presets.library._stamp", lambda: "other")
    read = []
    monkeypatch.setattr(
        "mesosynth.presets.library.read_entry", lambda *a: read.append(a) or library.entries[0]
    )
    open_library(folders)
    assert len(read) == 3


def test_a_library_without_folders_is_empty(tmp_path):
    library = open_library(tmp_path)
    assert (list(library.entries), library.bank, library.tags) == ([], [], [])
    assert library.save(Preset(name="First")).exists()
    assert names(library.entries) == ["First"]


def test_tags_come_by_how_often_they_are_used(library):
    library.save(Preset(name="x", tags=Tags(character=("soft",))))
    assert library.tags[0] == "soft"


def test_all_factory_presets_are_in_the_library(tmp_path):
    library = Library(user=tmp_path / "user", cache=tmp_path / "cache")
    library.refresh()
    assert not library.problems
    assert {entry.path for entry in library.entries} == set(factory_presets())
    assert library.find(factory_presets()[0]) in library.entries


def test_a_preset_with_an_effect_that_is_not_here_is_listed(library):
    library.save(Preset(name="Odd", effects=(EffectState(plugin="mine"),)))
    assert names(library.search("odd")) == ["Odd"]


def test_what_killed_processes_had_begun_is_swept_when_it_is_old(folders):
    deep = folders / "user" / "live"
    deep.mkdir()
    old, young = deep / ".a.json.1.2.part", folders / "user" / ".b.json.3.4.part"
    other = folders / "user" / "song.part"
    for file in (old, young, other):
        file.write_text("{")
    os.utime(old, (0.0, 0.0))
    os.utime(other, (0.0, 0.0))
    library = open_library(folders)
    library.watch()
    try:
        wait(lambda: not old.exists())
    finally:
        library.close()
    assert young.exists()
    assert other.exists()


def test_a_new_name_takes_file_and_marks_along(library, folders):
    (cloud,) = library.search("is:user")
    library.set_favourite(cloud, True)
    library.rate(cloud, 5)
    renamed = msgspec.structs.replace(CLOUD, name="Fog", comment="Thick.")
    path = library.edit(cloud, renamed)
    assert path == folders / "user" / "Fog.json"
    assert not cloud.path.exists()
    assert names(library.search("fav: rating:5 thick")) == ["Fog"]
    assert names(open_library(folders).search("fav: rating:5")) == ["Fog"]
    fog = library.find(path)
    same = library.edit(fog, msgspec.structs.replace(renamed, comment="Thin."))
    assert same == path
    assert load_preset(path).comment == "Thin."
    again = library.edit(library.find(path), msgspec.structs.replace(renamed, name="FOG"))
    assert again == path
    assert names(library.search("is:user")) == ["FOG"]


def test_a_new_name_that_is_taken_overwrites_nothing(library, folders):
    library.save(Preset(name="Fog", author="Ada"))
    (cloud,) = library.search("bell cloud")
    path = library.edit(cloud, msgspec.structs.replace(CLOUD, name="Fog"))
    assert load_preset(path).name == "Fog 2"
    assert load_preset(folders / "user" / "Fog.json").author == "Ada"
    with pytest.raises(PresetError, match="save it under a new name"):
        library.edit(library.search("glass")[0], BELL)


def test_what_was_removed_comes_back_with_its_marks(library, folders):
    (cloud,) = library.search("is:user")
    library.set_favourite(cloud, True)
    away = library.remove(cloud)
    assert library.search("is:user") == []
    assert library.restore(away, cloud.path) == cloud.path
    assert names(library.search("fav:")) == ["Bell cloud"]
    away = library.remove(library.search("is:user")[0])
    save_preset(cloud.path, DRONE)
    back = library.restore(away, cloud.path)
    assert back == folders / "user" / "cloud 2.json"
    assert load_preset(cloud.path) == DRONE
    with pytest.raises(PresetError, match="cannot be put back"):
        library.restore(away, cloud.path)


def test_a_new_sound_has_no_stars_of_one_that_was_called_so_before(library):
    path = library.save(Preset(name="Mine"))
    mine = library.find(path)
    library.set_favourite(mine, True)
    library.rate(mine, 3)
    library.remove(mine)
    assert library.save(Preset(name="Mine")) == path
    assert library.search("mine fav:") == []
    assert library.search("mine rating:1") == []


def test_marks_do_not_wait_for_a_look_at_the_folders(library):
    (cloud,) = library.search("is:user")
    with library._lock:  # as a look has it
        thread = threading.Thread(target=lambda: library.set_favourite(cloud, True))
        thread.start()
        thread.join(5.0)
        assert not thread.is_alive()
