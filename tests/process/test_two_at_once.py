"""Fears: two processes that write one file, and a cache that is taken for a document."""

import subprocess
import sys
from pathlib import Path

import pytest

from mesosynth.errors import MatchFileError
from mesosynth.matching.checkpoint import CHECKPOINT

DOCUMENTS = Path(__file__).parents[1] / "data" / "documents"

_HOLDS = """
import sys
from mesosynth.matching.checkpoint import CHECKPOINT
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
