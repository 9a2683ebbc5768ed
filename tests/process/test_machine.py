"""Fears: a full disk, a closed stream, a dead terminal, an output that is no plain file."""

import contextlib
import json
import os
import resource
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from process_group import assert_gone, wait_until_it_answers
from test_cli import DEMO

import mesosynth
from mesosynth.cli.main import main
from mesosynth.errors import PluginError
from mesosynth.presets.preset import load_preset
from mesosynth.system.paths import factory_presets

PRESET = str(factory_presets()[0])


def shell(line, folder, **environment):
    """Run a line of a shell in which $MESO is the command."""
    return subprocess.run(
        ["sh", "-c", line], cwd=folder, capture_output=True, text=True, timeout=280,
        env={**os.environ, "MESO": f"{sys.executable} -m mesosynth", **environment,
             "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
    )  # fmt: skip


def test_a_disk_that_fills_up_keeps_what_was_there_without_assertions_too(tmp_path):
    (tmp_path / "a.wav").write_text("precious")
    code = (
        "import numpy; from mesosynth.audio.file import write_wav; "
        "write_wav('a.wav', numpy.zeros(48000), 48000)"
    )
    done = subprocess.run(
        [sys.executable, "-O", "-c", code], cwd=tmp_path, capture_output=True, text=True,
        timeout=280, env={**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000)),
    )  # fmt: skip
    assert "AudioFileError: a.wav cannot be written" in done.stderr
    assert os.listdir(tmp_path) == ["a.wav"]
    assert (tmp_path / "a.wav").read_text() == "precious"


@pytest.mark.parametrize(
    ("line", "cause"),
    [
        ("match s.wav -o s.wav", "also s.wav"),
        ("match s.wav -o same.wav", "also s.wav"),
        ("match s.wav --save r.jsonl -o r.jsonl", "also r.jsonl"),
        ("match s.wav -o ''", "it is a folder"),
        ("match s.wav -o /dev/null", "it is a device"),
        ("sequence s.wav -o link.csv", "also s.wav"),
        ("sequence s.wav --run pipe.wav", "it is a pipe"),
        ("render p.json p.json", "also p.json"),
        ("render p.json pipe.wav", "it is a pipe"),
        ("render --all . out.wav", "also out.wav"),
    ],
)
def test_an_output_is_never_an_input_a_device_or_a_pipe(line, cause, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for name, origin in (("s.wav", DEMO), ("p.json", PRESET)):
        Path(name).write_bytes(Path(origin).read_bytes())
    Path("same.wav").hardlink_to("s.wav")
    Path("link.csv").symlink_to("s.wav")
    Path("out.wav").mkdir()
    Path("out.wav/p.wav").symlink_to("../p.json")
    os.mkfifo("pipe.wav")
    cause = cause.replace("also out.wav", "also p.json")
    before = {path: path.lstat() for path in tmp_path.rglob("*")}
    assert main(shlex.split(line)) == 2
    said = capsys.readouterr().err
    assert cause in said
    assert said.count("\n") == 1
    for path, status in before.items():
        assert (path.lstat().st_ino, path.lstat().st_mtime) == (status.st_ino, status.st_mtime)
    assert set(tmp_path.rglob("*")) == set(before)


@pytest.mark.parametrize(
    ("line", "code", "out", "err"),
    [
        ("$MESO --version >&-", 0, "", ""),
        ("$MESO --version >/dev/full", 2, "", "standard output cannot be used: No space"),
        ("$MESO similar none.json --json 2>&-", 2, "none.json does not exist", ""),
        ("$MESO similar none.json --json 2>/dev/full", 2, "none.json does not exist", ""),
        ("$MESO similar none.json >&- 2>&-", 2, "", ""),
    ],
)
def test_a_stream_that_is_closed_or_full_changes_nothing_else(line, code, out, err, tmp_path):
    done = shell(line, tmp_path)
    assert done.returncode == code
    assert err in done.stderr
    assert "Traceback" not in done.stderr
    assert "Exception" not in done.stderr
    assert out in (json.loads(done.stdout)["error"] if out else done.stdout)


def test_a_console_without_our_signs_gets_them_spelled(tmp_path):
    code = (
        "import sys; from mesosynth.cli.streams import prepare_streams as p; p();"
        "[print('✓ 3 ± 1 … é\\udce9', file=f) for f in (sys.stdout, sys.stderr)]"
    )
    done = shell(f'{sys.executable} -c "{code}"', tmp_path, PYTHONIOENCODING="ascii")
    assert done.stdout == done.stderr == "+ 3 +- 1 ... \\xe9\\xe9\n"


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM])
def test_a_closed_terminal_leaves_nothing_in_shared_memory(number, tmp_path):
    running = subprocess.Popen(
        [sys.executable, "-m", "mesosynth", "play", "--seconds", "60", "--device", "silent"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)},
        preexec_fn=lambda: signal.signal(number, signal.SIG_DFL),  # also where nohup runs the tests
    )  # fmt: skip
    wait_until_it_answers(running)
    end = time.monotonic() + 100.0
    while len(made := shared_memory_of(running.pid)) < 3:
        assert running.poll() is None
        assert time.monotonic() < end
        time.sleep(0.05)
    time.sleep(0.5)
    os.killpg(running.pid, number)  # as the end of a terminal does: to all at once
    out, err = running.communicate(timeout=100)
    assert (running.returncode, out) == (128 + number, "")
    assert "Traceback" not in err
    assert_gone(running.pid)
    assert not [path for path in made if path.exists()]


def shared_memory_of(pid):
    """Files of the shared memory that a process holds; other tests make some at the same time."""
    opened = []
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # it is closed by now
            opened.append(descriptor.readlink())
    return [path for path in opened if path.is_relative_to("/dev/shm")]


BOOM = """
from mesosynth.plugins import Effect, ParameterTable


class Boom(Effect):
    name = "Boom"
    parameters = ParameterTable([])

    def prepare(self, sample_rate, max_block): ...

    def reset(self): ...

    def process(self, values, events, block):
        raise RuntimeError("boom")
"""


def test_a_plugin_that_fails_or_is_missing_is_told(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("MESOSYNTH_PLUGINS", str(tmp_path / "plugins"))
    monkeypatch.chdir(tmp_path)
    Path("plugins").mkdir()
    Path("plugins/boom.py").write_text(BOOM)
    effects = [{"plugin": "boom"}, {"plugin": "nosuch"}]
    for name, count in (("b.json", 1), ("n.json", 2)):
        text = {"revision": 2, "name": "b", "effects": effects[:count]}
        Path(name).write_text(json.dumps(text))
    assert main(["render", "b.json", "b.wav", "--seconds", "0.1", "--json"]) == 0
    out, err = capsys.readouterr()
    assert "boom.py, line 14: RuntimeError: boom; its sound is missing in 10 of 10 blocks" in err
    (fault,) = json.loads(out)["faults"]
    assert fault in err
    with pytest.raises(PluginError, match="RuntimeError: boom"):
        mesosynth.render(load_preset("b.json"), seconds=0.1)
    assert main(["play", "n.json", "--seconds", "0.2", "--device", "silent", "--json"]) == 0
    out, err = capsys.readouterr()
    assert len(json.loads(out)["faults"]) == 2
    for cause in ("RuntimeError: boom", "nosuch"):
        assert cause in err
