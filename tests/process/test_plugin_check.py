"""The fear: a plugin that passes its check and fails on stage."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from mesosynth.engine.plugin_check import QUICK, check_plugin
from mesosynth.engine.plugin_registry import BUILT_IN

pytestmark = pytest.mark.usefixtures("real_time")

ROOT = Path(__file__).parents[2]
PLUGIN = """
import time
import numpy as np
from mesosynth.plugins.parameters import Parameter, ParameterTable
from mesosynth.plugins.plugin import Effect

class Gain(Effect):
    name = "Gain"
    parameters = ParameterTable([Parameter("gain", "Gain", "", 0.0, 1.0, 0.5, "Level.")])

    def prepare(self, sample_rate, max_block):
        self.line = np.zeros(max_block, np.float32)
        self.reset()

    def reset(self):
        self.gain, self.kept, self.blocks = None, [], 0

    def process(self, values, events, block):
        frames, end = block.shape[1], float(values[0])
        self.blocks += 1
        line = self.line[:frames]
        line.fill(end)
        {}
        for channel in block:
            channel *= line
"""
RAMP = (
    "line[:] = np.linspace(end if self.gain is None else self.gain, end, frames); self.gain = end"
)
BAD = {
    "finite at every rate and block size": f"{RAMP}; block /= np.float32(frames != 17)",
    "the same at every block size": f"{RAMP}; block[:, 0] = 0",
    "finite at the ends of all ranges": f"{RAMP}; block /= np.float32(end != 1)",
    "no steps when a parameter jumps": "pass",
    "no array is allocated while it plays": "block[:] = block.astype(float) * 1.0",
    "memory does not grow": "self.kept.append(str(self.blocks) * 50)",
    "in time": "time.sleep(0.0015 * (frames == 128 and self.blocks > 150))",
    "silence is silent": "block += np.float32(1e-40)",
}


def findings(name):
    return {finding.check: finding for finding in check_plugin(str(name), QUICK)}


@pytest.mark.parametrize("name", BUILT_IN)
def test_what_is_built_in_passes(name):
    failed = [finding for finding in check_plugin(name, QUICK) if not finding.ok]
    assert not failed


@pytest.mark.parametrize("check", BAD)
def test_a_bad_plugin_fails_where_it_should(check, tmp_path):
    file = tmp_path / "bad.py"
    file.write_text(PLUGIN.format(BAD[check]))
    found = findings(file)
    assert not found[check].ok, found[check]
    assert found["it is loaded"].ok


@pytest.mark.parametrize(
    ("line", "check", "why"),
    [
        ("__import__('os').abort()", "finite at every rate", "crashes"),
        ("raise ValueError('no')", "finite at every rate", "ValueError: no"),
        ("self.nonsense += 1", "reset forgets", "AttributeError"),
    ],
)
def test_a_plugin_that_raises_or_crashes_is_told(line, check, why, tmp_path):
    file = tmp_path / "bad.py"
    file.write_text(PLUGIN.format(line))
    found = findings(file)
    (finding,) = [finding for name, finding in found.items() if name.startswith(check)]
    assert not finding.ok
    assert why in finding.found


def test_a_plugin_that_hangs_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr("mesosynth.engine.plugin_check.PATIENCE", 1.5)
    file = tmp_path / "bad.py"
    file.write_text(PLUGIN.format("\n        while True: pass"))
    *_, last = check_plugin(str(file), QUICK)
    assert (last.ok, last.found) == (False, "it hangs or crashes")


def mesosynth(*words, folder=None):
    environment = dict(os.environ, **({"MESOSYNTH_PLUGINS": str(folder)} if folder else {}))
    return subprocess.run([sys.executable, "-m", "mesosynth", *map(str, words)], cwd=ROOT,
                          capture_output=True, text=True, env=environment, check=False)  # fmt: skip


def test_the_guides_plugin_passes_and_is_listed(tmp_path):
    page = (ROOT / "docs" / "guide" / "plugins.md").read_text(encoding="utf-8")
    found = re.search(r"```python\n(.*?)```", page, re.DOTALL)
    assert found is not None
    (tmp_path / "tremolo.py").write_text(found[1])
    done = mesosynth("plugin", "check", tmp_path / "tremolo.py", "--quick", "--json")
    assert done.returncode == 0, done.stdout
    assert json.loads(done.stdout)["ok"]
    listed = json.loads(mesosynth("plugin", "list", "--json", folder=tmp_path).stdout)
    assert listed["folder"] == str(tmp_path)
    assert "Tremolo" in [plugin["title"] for plugin in listed["plugins"]]


def test_the_command_says_what_is_wrong_and_ends_with_one(tmp_path):
    file = tmp_path / "bad.py"
    file.write_text("def (")
    done = mesosynth("plugin", "check", file)
    assert done.returncode == 1
    assert "bad.py, line 1: SyntaxError" in done.stdout
    assert "1 of 1 checks fail." in done.stdout
    done = mesosynth("plugin", "check", tmp_path / "none.py")
    assert done.returncode == 2
    assert "neither a file nor a plugin" in done.stderr
