"""Fears: a file half written, one that others may suddenly read, a link that became a file."""

import os
import stat
import threading
from pathlib import Path

import pytest

from mesosynth.errors import ArgumentError
from mesosynth.system.atomic_file import (
    check_outputs,
    draft_of,
    sweep_drafts,
    unused,
    write_atomically,
    write_new,
    writing,
)


def rights(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_a_file_keeps_its_rights_and_a_new_one_has_the_usual_ones(tmp_path):
    path, usual = tmp_path / "f", tmp_path / "usual"
    usual.touch()
    write_atomically(path, b"1")
    assert rights(path) == rights(usual)
    path.chmod(0o640)
    write_atomically(path, b"2")
    assert (path.read_bytes(), rights(path)) == (b"2", 0o640)


@pytest.mark.parametrize("leads", ["to a file", "nowhere yet"])
def test_a_link_stays_a_link_and_leads_to_what_was_written(tmp_path, leads):
    (tmp_path / "there").mkdir()
    (tmp_path / "here").mkdir()
    file, link = tmp_path / "there" / "f", tmp_path / "here" / "l"
    link.symlink_to("../there/f")
    if leads == "to a file":
        file.write_bytes(b"1")
    write_atomically(link, b"2")
    assert link.is_symlink()
    assert file.read_bytes() == link.read_bytes() == b"2"
    assert os.listdir(tmp_path / "here") == ["l"]
    assert os.listdir(tmp_path / "there") == ["f"]


@pytest.mark.parametrize("name", ["x" * 255, "ü" * 127, ".hidden", "a b"])
def test_a_name_may_be_as_long_as_the_system_takes(tmp_path, name):
    write_atomically(tmp_path / name, b"1")
    write_new(tmp_path / f"{name[:-1]}y", b"2")
    assert len(os.listdir(tmp_path)) == 2


def test_what_fails_on_its_way_leaves_nothing(tmp_path):
    path = tmp_path / "f"
    write_atomically(path, b"1")

    def fail():
        with draft_of(path) as draft:
            draft.write_bytes(b"2")
            assert path.read_bytes() == b"1"
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert path.read_bytes() == b"1"
    assert os.listdir(tmp_path) == ["f"]
    with pytest.raises(FileExistsError):
        write_new(path, b"2")
    with pytest.raises(IsADirectoryError):
        write_atomically(tmp_path, b"2")
    assert os.listdir(tmp_path) == ["f"]


def test_of_many_that_take_a_new_name_at_once_one_gets_it(tmp_path):
    path, got = tmp_path / "f", []

    def take(number):
        try:
            write_new(path, str(number).encode())
        except FileExistsError:
            return
        got.append(number)

    threads = [threading.Thread(target=take, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [path.read_bytes()] == [str(number).encode() for number in got]
    assert os.listdir(tmp_path) == ["f"]


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("nowhere/f", "{} cannot be written: No such file or directory; make its folder first."),
        ("x" * 300, "{} cannot be written: File name too long; choose a shorter name."),
        ("a\0b", "{!r} cannot be written: no system takes such a name."),
        ("a\ud800b", "{!r} cannot be written: no system takes such a name."),
    ],
)
def test_the_systems_errors_are_one_sentence(tmp_path, name, says):
    path = tmp_path / name
    with pytest.raises(ArgumentError) as raised, writing(path, ArgumentError):
        write_atomically(path, b"1")
    assert str(raised.value) == says.format(str(path))


def test_an_error_of_ours_stays_what_it_is(tmp_path):
    with pytest.raises(ArgumentError, match=r"^mine\.$"), writing(tmp_path, ArgumentError):
        raise ArgumentError("mine.")


def test_only_old_drafts_are_swept(tmp_path):
    old, new, other = tmp_path / ".f.1.part", tmp_path / ".f.2.part", tmp_path / "f.part"
    for path in (old, new, other):
        path.touch()
    os.utime(old, (0, 0))
    os.utime(other, (0, 0))
    assert sweep_drafts(tmp_path) == 1
    assert sorted(Path(name).name for name in os.listdir(tmp_path)) == [new.name, other.name]


def test_a_free_name(tmp_path):
    path = tmp_path / "a.b.wav"
    assert unused(path) == path
    path.touch()
    assert unused(path).name == "a.b (2).wav"
    unused(path).touch()
    assert unused(path).name == "a.b (3).wav"


def test_what_is_no_plain_file_or_not_ours_to_write_stays(tmp_path):
    pipe, kept = tmp_path / "pipe", tmp_path / "kept"
    os.mkfifo(pipe)
    kept.write_bytes(b"1")
    with pytest.raises(ArgumentError, match="pipe cannot be written: it is a pipe"):
        check_outputs([pipe], ArgumentError)
    with pytest.raises(OSError, match="it is a pipe"):
        write_atomically(pipe, b"2")
    with pytest.raises(OSError, match="it is a device"):
        write_atomically(Path("/dev/null"), b"2")
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    for name in ("", ".", "..", "/"):
        with pytest.raises(ArgumentError, match="it is a folder"):
            check_outputs([Path(name)], ArgumentError)
    with pytest.raises(ArgumentError, match="name too long; choose a shorter"):
        check_outputs([tmp_path / ("x" * 300)], ArgumentError)
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(ArgumentError, match="loop cannot be written"):
        check_outputs([tmp_path / "loop"], ArgumentError)
    assert sorted(os.listdir(tmp_path)) == ["kept", "loop", "pipe"]


def test_two_outputs_are_two_files_and_no_input(tmp_path):
    one, new = tmp_path / "one", tmp_path / "new"
    one.write_bytes(b"1")
    (tmp_path / "link").symlink_to("one")
    check_outputs([one, new], ArgumentError)
    with pytest.raises(ArgumentError, match=r"new cannot be written: it is also .*new, which"):
        check_outputs([new, tmp_path / "." / "new"], ArgumentError)
    with pytest.raises(ArgumentError, match=r"link cannot be written: it is also .*one"):
        check_outputs([tmp_path / "link"], ArgumentError, [one])


@pytest.mark.skipif(not hasattr(os, "chown") or os.getuid() != 0, reason="only root may give away")
def test_a_file_keeps_its_owner(tmp_path):
    path = tmp_path / "f"
    path.write_bytes(b"1")
    os.chown(path, 12345, 12346)
    path.chmod(0o600)
    write_atomically(path, b"2")
    status = path.stat()
    assert (status.st_uid, status.st_gid, rights(path)) == (12345, 12346, 0o600)
