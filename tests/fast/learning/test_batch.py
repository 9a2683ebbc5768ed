"""Fears: a broken file that ends the work, matches made again, and a table that differs."""

import json
import shutil

import pytest
from pyarrow import parquet

from mesosynth.cli.main import main
from mesosynth.system.paths import resource


@pytest.fixture(scope="module")
def recordings(tmp_path_factory):
    folder = tmp_path_factory.mktemp("recordings")
    (folder / "more").mkdir()
    shutil.copy(resource("assets", "demo.wav"), folder / "more" / "demo.wav")
    (folder / "broken.wav").write_bytes(b"RIFF nothing")
    (folder / "notes.txt").write_text("no sound")
    return folder


def test_every_file_is_matched_once_and_the_broken_are_told(recordings, tmp_path, capsys):
    words = ["batch", str(recordings), "--out", str(tmp_path), "--workers", "1", "--json"]
    assert main(words) == 0
    first = json.loads(capsys.readouterr().out)
    assert (first["sounds"], first["matched"]) == (2, 1)
    assert list(first["failed"]) == ["broken.wav"]
    found = json.loads((tmp_path / "more" / "demo.wav.json").read_text())
    assert found["instrument"] == "chirplet"
    table = (tmp_path / "matches.parquet").read_bytes()
    (row,) = parquet.read_table(tmp_path / "matches.parquet").to_pylist()
    assert row["file"] == "more/demo.wav"
    assert row["f_c"] == found["theta"]["f_c"]
    assert row["f_c_std"] == found["std"]["f_c"]
    when = (tmp_path / "more" / "demo.wav.json").stat().st_mtime_ns
    assert main(words) == 0
    assert (tmp_path / "more" / "demo.wav.json").stat().st_mtime_ns == when
    assert (tmp_path / "matches.parquet").read_bytes() == table
    capsys.readouterr()
    assert main(["batch", str(tmp_path / "more"), "--out", str(tmp_path)]) == 2
    assert "holds no sound" in capsys.readouterr().err


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
