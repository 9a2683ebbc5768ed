"""The fears: a bank that comes by mail writes where it should not, fills the disk, or is lost."""

import io
import random
import stat
import zipfile

import pytest

from mesosynth.errors import PresetError
from mesosynth.presets.bank import MOST_BYTES, read_bank
from mesosynth.presets.library import Library
from mesosynth.presets.preset import PRESET, Preset

BIRD = Preset(name="Bird", parameters={"f_c": 3000.0})


@pytest.fixture
def library(tmp_path):
    library = Library(tmp_path / "factory", tmp_path / "user", tmp_path / "cache")
    library.refresh()
    return library


def zipped(path, files, packed=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", packed) as bank:
        for name, content in files:
            bank.writestr(name, content)
    return path


def text(preset):
    return PRESET.format(preset, "x")


def test_a_bank_travels(library, tmp_path):
    presets = [BIRD, Preset(name="bird", comment="2"), Preset(name="a/b"), Preset(name="a:b")]
    for preset in presets:
        library.save(preset)
    path = tmp_path / "bank.zip"
    library.export_bank(library.entries, path)
    other = Library(tmp_path / "nothing", tmp_path / "other", tmp_path / "cache2")
    other.refresh()
    imported = other.import_bank(path)
    assert (len(imported.files), list(imported.left_out)) == (4, [])
    assert [e.name for e in other.entries] == [e.name for e in library.entries]
    again = other.import_bank(path)
    assert (list(again.files), len(again.left_out)) == ([], 4)
    first = path.read_bytes()
    library.export_bank(library.entries, path)
    assert path.read_bytes() == first


def test_the_same_name_gets_a_number_and_the_same_sound_is_not_taken_twice(library, tmp_path):
    library.save(BIRD)
    path = zipped(tmp_path / "b.zip", [
        ("one.json", text(Preset(name="Bird", comment="another"))), ("deep/two.json", text(BIRD)),
    ])  # fmt: skip
    imported = library.import_bank(path)
    assert [file.name for file in imported.files] == ["Bird 2.json"]
    assert list(imported.left_out) == ["Bird is there already."]
    assert [entry.name for entry in library.entries] == ["Bird", "Bird 2"]


def test_what_is_no_preset_is_told_of_and_the_rest_taken(library, tmp_path):
    path = zipped(tmp_path / "b.zip", [
        ("good.json", text(BIRD)), ("bad.json", b"{"), ("readme.txt", b"hello"), ("empty/", b""),
        ("large.json", b" " * (PRESET.largest + 1)),
    ])  # fmt: skip
    imported = library.import_bank(path)
    assert [file.name for file in imported.files] == ["Bird.json"]
    assert len(imported.left_out) == 3
    assert all(sentence.endswith(".") for sentence in imported.left_out)


@pytest.mark.parametrize(
    "name", ["../evil.json", "/evil.json", "a/../../evil.json", "C:\\evil.json", "..\\evil.json",
             "\\\\host\\evil.json"]
)  # fmt: skip
def test_a_path_out_of_its_folder_is_refused_whole(library, tmp_path, name):
    path = zipped(tmp_path / "b.zip", [("good.json", text(BIRD)), (name, text(BIRD))])
    with pytest.raises(PresetError, match="leads out of its folder"):
        library.import_bank(path)
    assert not library.entries
    assert not list(tmp_path.rglob("evil*"))


def test_a_link_is_refused(library, tmp_path):
    link = zipfile.ZipInfo("link.json")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    path = zipped(tmp_path / "b.zip", [(link, "/etc/passwd")])
    with pytest.raises(PresetError, match="is a link"):
        library.import_bank(path)


def test_bombs_are_refused(library, tmp_path):
    content = b" " * 900_000
    path = zipped(tmp_path / "b.zip", [(f"{n}.json", content) for n in range(120)])
    assert path.stat().st_size < MOST_BYTES / 100
    with pytest.raises(PresetError, match="unpacks to more than"):
        library.import_bank(path)
    many = zipped(tmp_path / "m.zip", [(f"{n}.json", b"") for n in range(10_001)])
    with pytest.raises(PresetError, match="more than 10000 files"):
        library.import_bank(many)


def test_a_bomb_that_lies_about_its_size_is_not_believed(tmp_path):
    path = zipped(tmp_path / "b.zip", [("x.json", b" " * 50_000_000)])
    content = path.read_bytes().replace((50_000_000).to_bytes(4, "little"), b"\x10\0\0\0")
    path.write_bytes(content)
    with pytest.raises(PresetError, match="is not a bank"):
        read_bank(path)


def test_a_bank_cut_or_spoiled_anywhere_is_refused_or_whole(tmp_path):
    content = io.BytesIO()
    zipped(content, [("x.json", text(BIRD))])
    whole, path, dice = content.getvalue(), tmp_path / "b.zip", random.Random(0)
    for cut in range(0, len(whole), 3):
        path.write_bytes(whole[:cut])
        with pytest.raises(PresetError, match=r"b\.zip"):
            read_bank(path)
    for _ in range(300):
        spoiled = bytearray(whole)
        spoiled[dice.randrange(len(whole))] = dice.randrange(256)
        path.write_bytes(spoiled)
        try:
            bank = read_bank(path)
        except PresetError:
            continue
        assert list(bank.presets) == [BIRD] or not bank.presets or bank.presets[0].name


@pytest.mark.parametrize("content", [b"", b"PK", random.Random(2).randbytes(1_000_000)])
def test_what_is_no_zip_file_is_refused(tmp_path, content):
    path = tmp_path / "b.zip"
    path.write_bytes(content)
    with pytest.raises(PresetError, match="is not a bank"):
        read_bank(path)


def test_places_that_hold_no_bank(library, tmp_path):
    with pytest.raises(PresetError, match="cannot be read"):
        read_bank(tmp_path / "none.zip")
    with pytest.raises(PresetError, match="cannot be written"):
        library.export_bank([], tmp_path / "nowhere" / "b.zip")


def test_an_import_tells_how_far_it_is_and_can_be_ended(library, tmp_path):
    library.save(BIRD)
    bank = [(f"{n}.json", text(Preset(name=f"New {n}"))) for n in range(10)]
    path = zipped(tmp_path / "b.zip", bank)
    seen = []

    def until_five(done, total):
        seen.append((done, total))
        return done < 6

    imported = library.import_bank(path, until_five)
    assert imported.cancelled
    assert seen == [(done, 11) for done in range(7)]  # those that are there count, too
    assert [entry.name for entry in library.entries] == ["Bird"]
    assert [file.name for file in library.user.iterdir()] == ["Bird.json"]
    assert len(library.import_bank(path).files) == 10


def test_an_import_that_fails_half_way_leaves_nothing(library, tmp_path, monkeypatch):
    bank = [(f"{n}.json", text(Preset(name=f"New {n}"))) for n in range(5)]
    path = zipped(tmp_path / "b.zip", bank)

    def full(file, _content):
        if file.name == "New 3.json":
            raise OSError(28, "No space left on device")
        file.write_bytes(_content)

    monkeypatch.setattr("mesosynth.system.documents.write_new", full)
    with pytest.raises(PresetError, match="No space left"):
        library.import_bank(path)
    assert list(library.user.iterdir()) == []


def test_an_export_that_is_ended_writes_nothing(library, tmp_path):
    library.save(BIRD)
    path = tmp_path / "b.zip"
    assert not library.export_bank(library.entries, path, lambda *_: False)
    assert not path.exists()
    assert library.export_bank(library.entries, path)
