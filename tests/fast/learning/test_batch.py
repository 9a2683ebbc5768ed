"""Fears: a broken file that ends the work, matches made again, and a table that differs."""

import json
import os

import pytest
from pyarrow import parquet

from mesosynth.cli.main import main
from mesosynth.system.paths import resource

NAME = os.fsdecode(b"d\xe9mo.wav")  # is not UTF-8


@pytest.fixture(scope="module")
def recordings(tmp_path_factory):
    folder = tmp_path_factory.mktemp("recordings")
    (folder / "more").mkdir()
    (folder / "folder.wav").mkdir()
    os.mkfifo(folder / "pipe.wav")
    whole = resource("assets", "demo.wav").read_bytes()
    (folder / "more" / NAME).write_bytes(whole[:-1000])
    (folder / "broken.wav").write_bytes(b"RIFF nothing")
    (folder / "notes.txt").write_text("no sound")
    return folder


def test_every_file_is_matched_once_and_the_broken_are_told(recordings, tmp_path, capsys):
    words = ["batch", str(recordings), "--out", str(tmp_path), "--workers", "1", "--json"]
    assert main(words) == 0
    first = json.loads(capsys.readouterr().out)
    assert (first["sounds"], first["matched"]) == (2, 1)
    assert list(first["failed"]) == ["broken.wav"]
    result = tmp_path / "more" / f"{NAME}.json"
    found = json.loads(result.read_text())
    assert found["remarks"][0].startswith("d\ufffdmo.wav is cut short")
    assert found["instrument"] == "chirplet"
    table = (tmp_path / "matches.parquet").read_bytes()
    (row,) = parquet.read_table(tmp_path / "matches.parquet").to_pylist()
    assert row["file"] == "more/d\ufffdmo.wav"
    assert row["remarks"] == " ".join(found["remarks"])
    assert row["f_c"] == found["theta"]["f_c"]
    assert row["f_c_std"] == found["std"]["f_c"]
    when = result.stat().st_mtime_ns
    assert main(words) == 0
    assert result.stat().st_mtime_ns == when
    assert (tmp_path / "matches.parquet").read_bytes() == table
    capsys.readouterr()
    assert main(["batch", str(tmp_path / "more"), "--out", str(tmp_path)]) == 2
    assert "holds no sound" in capsys.readouterr().err


def test_what_cannot_be_written_is_told_before_the_work(recordings, tmp_path, capsys):
    (tmp_path / "file").write_text("mine")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "dataset.json").write_text("{}")
    encoder = ["train", "encoder", "--data", str(tmp_path / "data"), "-o"]
    for words, said in (
        (["batch", str(recordings), "--out", str(tmp_path / "file")],
         "File exists; choose another name"),
        (["batch", str(recordings), "--out", str(tmp_path / "out"), "--workers", "9999"],
         "workers=9999 must be 1 to 256"),
        ([*encoder, str(tmp_path / "data" / "dataset.json")], "which would be lost"),
        ([*encoder, str(tmp_path)], "it is a folder"),
    ):  # fmt: skip
        assert main(words) == 2
        assert said in capsys.readouterr().err
    assert (tmp_path / "file").read_text() == "mine"
    assert (tmp_path / "data" / "dataset.json").read_text() == "{}"


def test_words_that_miss_something_are_told(tmp_path, capsys):
    for words, said in (
        (["data"], "name a command, make"),
        (["train"], "name a command, encoder"),
        (["data", "make", "ripple", "--out", "x"], "invalid choice: 'ripple'"),
        (["train", "encoder", "--data", str(tmp_path), "-o", str(tmp_path / "x.pt")],
         "holds no data set"),
    ):  # fmt: skip
        assert main(words) == 2
        assert said in capsys.readouterr().err
