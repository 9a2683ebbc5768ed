"""Fears: a VST3 that hangs takes the sound with it; one that is mono plays on one side only."""

import numpy as np
import pytest
import torch

from mesosynth.engine import plugin_sandbox as plugin_trial
from mesosynth.engine.plugin_registry import find_plugin, list_plugins, load_plugin
from mesosynth.engine.plugin_sandbox import try_plugin
from mesosynth.engine.rack import render
from mesosynth.errors import PluginError
from mesosynth.plugins.plugin import NO_EVENTS
from mesosynth.presets.preset import EffectState

RATE = 48000


@pytest.fixture(autouse=True)
def own_folder(monkeypatch):
    """Those that `apt-get install zam-plugins` brings."""
    monkeypatch.delenv("VST3_PATH", raising=False)
    names = {info.name for info in list_plugins() if info.origin == "vst3"}
    assert {"vst3:ZamDelay", "vst3:ZamCompX2", "vst3:ZamVerb"} <= names, "install zam-plugins"
    yield
    # They flush subnormal numbers to zero and leave it so, which other tests in this process feel.
    torch.set_flush_denormal(False)


def test_a_mono_delay_echoes_on_both_sides():
    kind = load_plugin("vst3:ZamDelay")
    effect = kind()
    effect.prepare(RATE, 512)
    values = kind.parameters.vector(
        {"dry_wet": 1.0, "time_ms": 0.0124, "feedback": 0.0, "lpf_hz": 1.0}
    )  # fmt: skip; about 100 ms
    sound = np.zeros((2, RATE), np.float32)
    sound[:, 100] = 0.9, -0.45
    for begin in range(0, RATE, 500):
        effect.process(values, NO_EVENTS, sound[:, begin : begin + 500])
    late = np.abs(sound[:, 2000:]).argmax(axis=1) + 2000 - 100
    assert late[0] == late[1]
    assert late[0] / RATE == pytest.approx(0.1, abs=0.02)
    np.testing.assert_allclose(sound[1], -0.5 * sound[0], atol=1e-5)


def test_a_stereo_one_is_rendered_with_a_preset():
    try_plugin("vst3:ZamCompX2", RATE, 512)
    assert find_plugin("vst3:ZamCompX2").kind == ""
    squeeze = EffectState(plugin="vst3:ZamCompX2", parameters={"threshold_db": 0.0, "ratio": 1.0})
    dry = render("ripple", {}, 0.5)
    wet = render("ripple", {}, 0.5, effects=[squeeze])
    assert 0.0 < np.abs(wet[:, 9600:]).max() < 0.3 * np.abs(dry[:, 9600:]).max()


def test_one_that_hangs_while_it_is_loaded_is_given_up(monkeypatch):
    monkeypatch.setattr(plugin_trial, "TIME_LIMIT", 2.0)
    with pytest.raises(PluginError, match="within 2 seconds"):
        try_plugin("vst3:ZamVerb", RATE, 512)


def test_what_is_no_vst3_says_so(tmp_path, monkeypatch):
    (tmp_path / "Torn.vst3").write_bytes(b"not a library")
    monkeypatch.setenv("VST3_PATH", str(tmp_path))
    with pytest.raises(PluginError, match=r"Torn\.vst3 cannot be loaded"):
        load_plugin("vst3:Torn")
