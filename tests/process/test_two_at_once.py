"""Fears: two processes that write one file, and a cache that is taken for a document."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from mesosynth.errors import MatchFileError
from mesosynth.matching.checkpoint import CHECKPOINT, cached_run, sequence_path
from mesosynth.matching.results import SequenceSettings
from mesosynth.presets.library import Library
from mesosynth.presets.preset import Preset, save_preset
from mesosynth.system.paths import in_order, numbered_path

DOCUMENTS = Path(__file__).parents[1] / "data" / "documents"

_HOLDS = """
import sys
from mesosynth.matching.checkpoint import CHECKPOINT, cached_run, sequence_path
from mesosynth.matching.results import SequenceSettings
from mesosynth.presets.library import Library
from mesosynth.presets.preset import Preset, save_preset
from mesosynth.system.paths import in_order, numbered_path
writer = CHECKPOINT.go_on(__import__("pathlib").Path(sys.argv[1]))
print("holds", flush=True)
sys.stdin.read()
"""


def test_of_two_processes_one_writes_a_run(tmp_path):
    path = tmp_path / "run.jsonl"
    path.write_bytes((DOCUMENTS / "checkpoint-1-sequence.jsonl").read_bytes())
    with subprocess.Popen(
        [sys.executable, "-c", _HOLDS, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout.readline() == b"holds\n"
        head, lines = CHECKPOINT.load(path)  # reading is free
        for write in (lambda: CHECKPOINT.begin(path, head, lines), lambda: CHECKPOINT.go_on(path)):
            with pytest.raises(MatchFileError, match="is being written by another mesosynth"):
                write()
        other.kill()  # whatever ends it, the lock goes with it
        other.wait()
    CHECKPOINT.begin(path, head, lines).close()
    assert CHECKPOINT.load(path) == (head, lines)


def test_a_broken_file_of_the_cache_is_started_anew_without_a_word(tmp_path, monkeypatch, caplog):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    sound, settings = tmp_path / "x.wav", SequenceSettings()
    sound.write_bytes(b"any")
    run = sequence_path(sound, settings)
    for content in (b"", b"{", b'{"kind": "checkpoint", "revision": 99}\n'):
        run.parent.mkdir(parents=True, exist_ok=True)
        run.write_bytes(content)
        with caplog.at_level("INFO"):
            assert cached_run(sound, settings) == run
        assert not run.exists()
        assert f"{run} is started anew" in caplog.text
    run.parent.rmdir()
    run.parent.write_bytes(b"no folder")
    assert cached_run(sound, settings) is None


def test_marks_of_two_desks_are_both_kept(tmp_path):
    entries = []
    for name in ("a", "b"):
        save_preset(tmp_path / "user" / f"{name}.json", Preset(name=name), make_folder=True)
    one, two = (Library(user=tmp_path / "user", cache=tmp_path / n) for n in ("1", "2"))
    for library, name in ((one, "a"), (two, "b")):
        library.refresh()
        entries += [entry for entry in library.entries if entry.name == name]
        library.set_favourite(entries[-1], True)
    one.rate(entries[0], 3)
    kept = Library(user=tmp_path / "user", cache=tmp_path / "3").marks
    assert set(kept.favourites) == {entry.key for entry in entries}
    assert kept.ratings == {entries[0].key: 3}


def test_what_was_written_last_is_the_newest_whatever_the_clock_says(tmp_path, monkeypatch):
    (tmp_path / "take 2099-01-01 00.00.00.wav").touch()  # without a number, of an older version
    made = []
    for zone in ("Pacific/Kiritimati", "Pacific/Pago_Pago", "UTC"):
        monkeypatch.setenv("TZ", zone)
        time.tzset()
        made.append(numbered_path(tmp_path, "take", ".wav"))
        made[-1].touch()
    monkeypatch.undo()
    time.tzset()
    assert in_order(tmp_path, "take", ".wav")[1:] == made
