"""Fears: something compiles while it plays, or nothing plays where no folder is writable."""

# pyright: basic, reportPrivateUsage=false

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numba
import numpy as np
import pytest

from mesosynth.effects import EFFECTS
from mesosynth.engine.rack import Rack
from mesosynth.engine.rack_updater import RackUpdater
from mesosynth.engine.slot import VECTOR, PluginSlot
from mesosynth.errors import PluginError
from mesosynth.instruments import INSTRUMENTS
from mesosynth.plugins.plugin import EVENT, EventKind
from mesosynth.system import kernels
from mesosynth.system.kernels import compilations, kernel, load_kernels

ROOT = Path(__file__).parents[2]
LOOP = """import numpy as np
from mesosynth.system.kernels import loop

@loop("f8(f8[::1])")
def total(x):
    out = 0.0
    for i in range(len(x)):
        out += {name}[i]
    return out
"""


def test_nothing_compiles_while_it_plays():
    load_kernels()
    with compilations() as names:
        numba.njit("f8(f8)")(lambda x: x + 1.0)
        assert len(names) == 1  # so that a compilation would be seen
        for name, instrument in INSTRUMENTS.items():
            play_everything(name, instrument)
    assert names[1:] == []


def play_everything(name, instrument):
    """Notes, moving parameters, and a change of the preset, through all effects."""
    slots = (
        PluginSlot("", name, 0, tuple(instrument.parameters)),
        *(PluginSlot(e, e, i, tuple(EFFECTS[e].parameters)) for i, e in enumerate(EFFECTS, 1)),
    )
    rack, rng = Rack(instrument()), np.random.default_rng(0)
    updater = RackUpdater(rack, slots[0])
    updater.prepare(lambda: rack.prepare(48000.0, 512), 48000.0, 512)
    for wanted in (slots, slots[:1], slots[:1] + slots[:2:-1]):
        updater.arrange(wanted)
        for number in range(60):
            vector = np.zeros(VECTOR)
            for slot in slots:
                table = {**INSTRUMENTS, **EFFECTS}[slot.plugin].parameters
                moved = {id_: p.from_unit(float(rng.random())) for id_, p in table.items()}
                vector[128 * slot.place :][: len(table)] = table.vector(moved)
            kind = EventKind.NOTE_ON if number % 2 else EventKind.NOTE_OFF
            events = np.array([(0, kind, 0, 60 + number % 5, 0.8)], EVENT)
            block = np.zeros((2, (128, 512, 1)[number % 3]), np.float32)
            rack.process(vector, events, number > 3, block)
    assert [slot.fault for slot in rack.slots if slot.faults] == []


def test_the_command_compiles_the_loops_of_instruments_and_effects_too():
    code = (
        "import runpy, sys; runpy.run_module('mesosynth.system.kernels', run_name='__main__');"
        "from mesosynth.system.kernels import _Loop;"
        "left = {name for name, module in sys.modules.items() if name.startswith('mesosynth.')"
        " and any(isinstance(value, _Loop) for value in vars(module).values())};"
        "print(); print(sorted(left), 'mesosynth.instruments.drum' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True,
                          env={**os.environ, "NUMBA_DISABLE_JIT": "1"})  # fmt: skip
    assert done.stdout.splitlines()[-1] == "[] True"


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package of two modules, of which one holds a sample loop."""
    (tmp_path / "looping").mkdir()
    (tmp_path / "looping" / "sums.py").write_text(LOOP.format(name="x"))
    (tmp_path / "looping" / "other.py").write_text("raise ImportError")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(kernels, "_PACKAGE", tmp_path / "looping")
    monkeypatch.setattr(kernels, "LOOP_FOLDERS", ("looping",))
    yield tmp_path
    sys.modules.pop("looping.sums", None)


def test_loops_are_found_and_only_the_first_start_compiles(package):
    told, seen = [], []
    for _ in range(2):
        sys.modules.pop("looping.sums", None)
        count = load_kernels(lambda i, of: seen.append((i, of)), lambda: told.append("once"))
        assert count == 1
        assert sys.modules["looping.sums"].total(np.ones(3)) == 3.0
    assert seen == [(1, 1), (1, 1)]
    assert told == ["once"]


def test_a_broken_file_of_the_cache_is_compiled_anew(package, caplog):
    load_kernels()
    for content in (b"", b"not what numba wrote"):
        for path in (package / "looping" / "__pycache__").glob("*.nbi"):
            path.write_bytes(content)
        sys.modules.pop("looping.sums", None)
        with caplog.at_level("INFO"):
            load_kernels()
        assert sys.modules["looping.sums"].total(np.ones(3)) == 3.0
        assert "total is compiled anew" in caplog.text
        caplog.clear()


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("y", r"sums\.py, line 4: .* total does not compile: NameError: name 'y' .*\."),
        (
            "np.zeros(9)",
            r"sums\.py, line 8: .* total does not compile: it allocates an array; .*\.",
        ),
        ("x.nothing", r"sums\.py, line 8: .* total does not compile: .*'nothing'.*\."),
    ],
)
def test_a_loop_that_does_not_compile_is_refused_by_its_line(package, name, sentence):
    (package / "looping" / "sums.py").write_text(LOOP.format(name=name))
    with pytest.raises(PluginError) as caught:
        load_kernels()
    assert re.fullmatch(sentence, str(caught.value))
    assert "Traceback" in caught.value.traceback


def test_a_constant_of_another_file_is_not_kept_from_last_time(package, monkeypatch):
    loop = package / "looping" / "sums.py"
    loop.write_text("from looping.scale import A\n" + LOOP.format(name="A * x"))
    for value in (2.0, 5.0):
        monkeypatch.setitem(sys.modules, "looping.scale", SimpleNamespace(A=value))
        sys.modules.pop("looping.sums", None)
        load_kernels()
        assert sys.modules["looping.sums"].total(np.ones(3)) == 3.0 * value


def test_arguments_of_other_types_do_not_compile_anew():
    @kernel("f8(f8[::1])")
    def first(x):
        return x[0]

    assert first(np.ones(2)) == 1.0
    with compilations() as names, pytest.raises(TypeError):
        first("text")
    assert names == []


def test_where_no_folder_is_writable_each_process_compiles_and_says_so(tmp_path):
    """The superuser may write anywhere, but not into a folder whose name is a file's."""
    copy = tmp_path / "mesosynth"
    shutil.copytree(ROOT / "mesosynth", copy, ignore=shutil.ignore_patterns("__pycache__"))
    for folder in ("effects", "system"):
        (copy / folder / "__pycache__").touch()
    for folder in (copy, *copy.rglob("*")):
        folder.chmod(0o555 if folder.is_dir() else 0o444)
    (tmp_path / "home").touch()
    hidden = {"NUMBA_CACHE_DIR", "XDG_CACHE_HOME", "PYTHONPATH"}
    unwritable = {k: v for k, v in os.environ.items() if k not in hidden}
    unwritable |= {"HOME": str(tmp_path / "home"), "PYTHONPATH": str(tmp_path)}
    code = (
        "import numpy as np; from mesosynth.effects import EFFECTS\n"
        "for name in ('saturation', 'filter'):\n"
        "    effect = EFFECTS[name](); effect.prepare(48000, 64)\n"
        "    block = np.ones((2, 64), np.float32)\n"
        "    effect.process(effect.parameters.vector({}), (), block)\n"
        "    assert abs(block).max() > 0.0 and (block != 1.0).any()\n"
        "from mesosynth.system.kernels import cache_folder; assert cache_folder() is None\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], env=unwritable, capture_output=True, text=True, cwd=tmp_path
    )
    for folder in (copy, *copy.rglob("*")):  # so that it can be removed
        folder.chmod(0o755)
    assert ran.returncode == 0, ran.stderr
    assert ran.stderr.count("compiled by each process") == 1
    assert not [*copy.rglob("*.nb?")]
