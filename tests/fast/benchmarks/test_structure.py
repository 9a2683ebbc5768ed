"""The counts of the code's structure, on a small program whose numbers are known."""

import sys
import threading
from argparse import ArgumentTypeError
from pathlib import Path

import pytest

from benchmarks import structure
from benchmarks.children import path_tracer

FILES = {
    "mesosynth/__init__.py": "",
    "mesosynth/units.py": "class Level: ...\n" * 2,
    "mesosynth/engine/__init__.py": "",
    "mesosynth/engine/rack.py": (
        "from mesosynth import units\nfrom . import slot\nclass Rack: ...\n"
    ),
    "mesosynth/engine/slot.py": "class Rack:\n    class Inner: ...\n",
    "mesosynth/engine/large.py": "x = 1\n" * structure.SMALL,
    "mesosynth/session.py": (
        "import mesosynth.units\nclass Part: ...\nclass Session(Part): ...\n"
        "def f():\n    from mesosynth.engine.large import x\n"
    ),
    "gui/__init__.py": "",
    "gui/knob.py": "",
}


@pytest.fixture
def program(tmp_path):
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


def test_counts_of_a_small_program(program):
    answer = structure.structure(program, paths=False)
    assert answer["modules"] == len(FILES)
    assert answer["lines"] == sum(len(text.splitlines()) for text in FILES.values())
    assert answer["folders"]["mesosynth/engine"] == {
        "modules": 4, "lines": structure.SMALL + 5,
    }  # fmt: skip
    # units has two importers, large has one and is not small.
    assert [(row["module"], row["importer"]) for row in answer["small"]] == [
        ("mesosynth/engine/slot.py", "mesosynth/engine/rack.py")
    ]
    assert sorted(answer["class_names"]) == ["Level", "Rack"]
    assert answer["session_mro"] == ["Session", "Part", "object"]
    assert len(answer["top_level"]) == 3


def test_limits_that_are_passed_are_named(program, monkeypatch):
    monkeypatch.setitem(structure.LIMITS, "modules", len(FILES) - 1)
    answer = structure.structure(program, paths=False)
    assert answer["beyond"] == ["modules"]


def test_a_number_is_followed_through_calls_returns_and_records(tmp_path):
    source = tmp_path / "mesosynth" / "instruments" / "way.py"
    source.parent.mkdir(parents=True)
    source.write_text(
        "from dataclasses import dataclass\n"
        "@dataclass\n"
        "class Record:\n    value: float\n"
        "def made(value):\n    return Record(value)\n"
        "def other(text):\n    return text\n"
        "def play(value):\n    other('x')\n    record = made(value)\n    loop(record)\n"
        "def loop(record): ...\n"
        "def silent(value): ...\n"
    )
    functions = {}
    exec(compile(source.read_text(), str(source), "exec"), functions)
    before = sys.getprofile()
    tracer = path_tracer.Tracer(str(tmp_path), tmp_path, "")
    path_tracer.Control(tmp_path / path_tracer.CONTROL).arm(path_tracer.RECORD, 0.7371)

    def run():
        sys.setprofile(tracer.profile)
        functions["play"](0.7371)
        functions["silent"](0.7372)
        sys.setprofile(None)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert sys.getprofile() is before
    events = [e for path in tmp_path.glob("*.jsonl") for e in structure.read_events(path)]
    stacks = {tuple(name for _, name in e["stack"]): e for e in events if e["way"] == "instrument"}
    assert set(stacks) == {("play",), ("made", "play"), ("loop", "play")}
    given = {name for _, name, _ in stacks["loop", "play"]["giving"]}
    assert "made" in given
    assert "other" not in given


def test_a_checkout_is_refused_that_is_none(tmp_path):
    from benchmarks.checkouts import checkout

    with pytest.raises(ArgumentTypeError, match="not a checkout"):
        checkout(str(tmp_path))
    assert checkout(str(Path(structure.__file__).parents[1]))
