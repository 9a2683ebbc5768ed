"""Fears: a user's plugin raises, hangs or crashes on stage, and takes the sound with it."""

import os
import re
import signal
import sys

import numpy as np
import pytest
from recorder import Recorder

from mesosynth.engine.plugin_registry import list_plugins, load_file, load_plugin, plugin_folder
from mesosynth.engine.plugin_sandbox import try_plugin
from mesosynth.errors import ArgumentError, PluginError
from mesosynth.presets.preset import load_preset
from mesosynth.session import Session

pytestmark = pytest.mark.usefixtures("real_time")

GUEST = """
import numpy as np
from mesosynth.plugins.parameters import Parameter, ParameterTable
from mesosynth.plugins.plugin import Effect

class Gain(Effect):
    name = "My gain"
    parameters = ParameterTable([Parameter("gain", "Gain", "", 0.0, 1.0, 0.5, "Level.")])

    def prepare(self, sample_rate, max_block):
        self.blocks = 0

    def reset(self):
        pass

    def process(self, values, events, block):
        self.blocks += 1
        if self.blocks > 100:
            {}
        block *= np.float32(values[0])
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    plugins = tmp_path / "plugins"
    plugins.mkdir()
    monkeypatch.setenv("MESOSYNTH_PLUGINS", str(plugins))
    return plugins


class Stage(Recorder):
    """A session that plays, whose signals are recorded."""

    def __init__(self):
        super().__init__(Session(device="silent"))
        self.session.sound.set({"gamma": 8.0, "period": 0.1})
        self.session.sound.play()

    def said(self, pattern):
        return any(re.search(pattern, text) for text in self.texts())

    def loudness(self):
        return np.abs(self.session.device.scope(4800)).max()


@pytest.fixture
def stage(folder):
    stage = Stage()
    stage.until(lambda: stage.loudness() > 0.1, 30, "sound")
    yield stage
    stage.session.close()


def test_plugins_are_listed_without_running_them(folder):
    (folder / "good.py").write_text(GUEST.format("pass") + "\nraise SystemExit('was run')\n")
    (folder / "torn.py").write_text("def (")
    (folder / "other.py").write_text("x = 1\n")
    (folder / "delay.py").write_text(GUEST.format("pass"))
    found = {info.name: info for info in list_plugins()}
    assert {"chirplet", "ripple", "filter", "delay", "reverb", "saturation"} <= set(found)
    assert (found["good"].title, found["good"].kind) == ("My gain", "effect")
    assert "torn.py, line 1: SyntaxError" in found["torn"].problem
    assert "no Instrument and no Effect" in found["other"].problem
    assert "built-in" in found["delay.py"].problem
    assert found["delay"].origin == "built-in"
    assert plugin_folder() == folder


def test_a_plugin_of_version_0_1_is_loaded_by_the_names_that_it_imports(folder):
    old = GUEST.replace("mesosynth.plugins.plugin", "mesosynth.plugin")
    old = old.replace("mesosynth.plugins.parameters", "mesosynth.parameters")
    assert "plugins" not in old
    (folder / "gain.py").write_text(
        old.replace("{}", "pass") + "\nfrom mesosynth import ramps, tempo\n"
    )
    assert load_plugin("gain").name == "My gain"


def test_a_package_offers_a_plugin_by_its_entry_point(folder, tmp_path, monkeypatch):
    site = tmp_path / "site"
    (site / "guest-1.0.dist-info").mkdir(parents=True)
    (site / "guest-1.0.dist-info" / "METADATA").write_text("Name: guest\nVersion: 1.0\n")
    (site / "guest-1.0.dist-info" / "entry_points.txt").write_text(
        "[mesosynth.plugins]\nboost = guest_module:Gain\nlost = guest_module:Nothing\n"
    )
    (site / "guest_module.py").write_text(GUEST.format("pass"))
    monkeypatch.syspath_prepend(str(site))
    found = {info.name: info for info in list_plugins()}
    assert found["boost"].origin == "package"
    assert "guest_module" not in sys.modules
    assert load_plugin("boost").name == "My gain"
    with pytest.raises(PluginError, match="lost: AttributeError"):
        load_plugin("lost")
    try_plugin("boost", 48000, 512)


def test_a_file_must_define_one_plugin(folder):
    file = folder / "p.py"
    for text, problem in (
        ("x = 1", "no complete Instrument or Effect"),
        (
            GUEST.format("pass") + GUEST.format("pass").replace("class Gain", "class Other"),
            "2 plug",
        ),
        (GUEST.format("pass").replace("ParameterTable([", "list(["), "must be a ParameterTable"),
        ("import nothing_like_this", r"p\.py, line 1: ModuleNotFoundError"),
        ("raise SystemExit", r"p\.py, line 1: SystemExit"),
    ):
        file.write_text(text)
        with pytest.raises(PluginError, match=problem):
            load_file(file)


def test_effects_are_heard_saved_and_loaded_again(stage, folder, tmp_path):
    session = stage.session
    (folder / "mine.py").write_text(GUEST.format("pass"))
    assert session.rack.add_effect("mine") == "mine"
    assert session.rack.add_effect("delay", 0) == "delay"
    assert session.rack.add_effect("delay") == "delay_2"
    stage.until(lambda: "mine.gain" in session.sound.parameters, 30, "the guest's table")
    assert [effect.uid for effect in session.rack.effects] == ["delay", "mine", "delay_2"]
    assert session.sound.parameters["mine.gain"].name == "My gain Gain"
    assert not any(id_.startswith("mine") for id_ in session.sound.parameters.matchable)
    loud = stage.loudness()
    session.sound.set({"mine.gain": 0.0, "delay.time": 0.25})
    stage.until(lambda: stage.loudness() < 0.01 * loud, 30, "the gain at 0")
    session.rack.bypass_effect("mine")
    stage.until(lambda: stage.loudness() > 0.5 * loud, 30, "the gain bypassed")
    session.rack.move_effect("mine", 0)
    session.rack.remove_effect("delay_2")
    session.presets.save(tmp_path / "p.json")
    preset = load_preset(tmp_path / "p.json")
    assert [effect.plugin for effect in preset.effects] == ["mine", "delay"]
    assert preset.effects[0].parameters == {"gain": 0.0}
    assert preset.effects[0].bypassed
    session.rack.remove_effect("mine")
    session.rack.remove_effect("delay")
    assert list(session.sound.values) == list(session.sound.parameters)
    session.presets.load(tmp_path / "p.json")
    stage.until(lambda: session.sound.values.get("mine.gain") == 0.0, 30, "the guest's value again")
    assert session.sound.values["delay.time"] == 0.25
    session.rack.bypass_effect("mine", False)
    stage.until(lambda: stage.loudness() < 0.01 * loud, 30, "the gain at 0 again")


def test_what_is_impossible_is_said(stage):
    with pytest.raises(PluginError, match="'kazoo' does not exist"):
        stage.session.rack.add_effect("kazoo")
    with pytest.raises(ArgumentError, match="is an instrument"):
        stage.session.rack.add_effect("ripple")
    with pytest.raises(ArgumentError, match="'delay' is not in the rack"):
        stage.session.rack.remove_effect("delay")
    for _ in range(14):
        stage.session.rack.add_effect("filter")
    with pytest.raises(ArgumentError, match="full"):
        stage.session.rack.add_effect("filter")


def test_a_plugin_that_raises_is_bypassed_and_comes_back_when_it_is_mended(stage, folder):
    file = folder / "mine.py"
    file.write_text(GUEST.format("raise ValueError('tired')"))
    stage.session.rack.add_effect("mine")
    stage.until(lambda: stage.said(r"mine\.py, line 19: ValueError: tired; it is bypassed"), 10,
                "the message")  # fmt: skip
    assert "ValueError: tired" in stage.session.rack.effects[0].traceback
    assert "in process" in (folder.parent / "plugins.log").read_text()
    stage.until(lambda: stage.loudness() > 0.1, 30, "the sound that goes on")
    stage.session.sound.set({"mine.gain": 0.0})
    file.write_text(GUEST.format("pass"))
    stage.until(lambda: not stage.session.rack.effects[0].problem, 30, "its return")
    stage.until(lambda: stage.loudness() < 0.001, 30, "what it does")


def test_a_loop_without_end_is_interrupted(stage, folder):
    (folder / "mine.py").write_text(GUEST.format("\n            while True: pass"))
    pid = stage.session.device.pid
    stage.session.rack.add_effect("mine")
    stage.until(lambda: stage.said("mine does not return from process; it is bypassed"), 12,
                "the message")  # fmt: skip
    blocks = stage.session.device.status().blocks
    stage.until(
        lambda: stage.session.device.status().blocks > blocks + 50, 30, "sound that goes on"
    )
    stage.until(lambda: stage.loudness() > 0.1, 30, "sound")
    assert stage.session.device.pid == pid


def test_a_reset_without_end_is_interrupted(stage, folder):
    text = GUEST.format("block.fill(np.nan)")
    endless = "reset(self):\n        while self.blocks > 100: pass"
    (folder / "mine.py").write_text(text.replace("reset(self):\n        pass", endless))
    pid = stage.session.device.pid
    stage.session.rack.add_effect("mine")
    stage.until(lambda: stage.said("mine does not return from reset; it is bypassed"), 12,
                "the message")  # fmt: skip
    stage.until(lambda: stage.loudness() > 0.1, 30, "the sound that goes on")
    assert stage.session.device.pid == pid


@pytest.mark.parametrize(
    "end",
    ["__import__('time').sleep(60)", "__import__('re').match(r'(a+)+$', 'a' * 60 + 'b')",
     "__import__('ctypes').string_at(0)"],
    ids=["asleep", "with-the-interpreter-locked", "crash"],
)  # fmt: skip
def test_what_cannot_be_interrupted_costs_a_second_and_its_place(stage, folder, end):
    (folder / "mine.py").write_text(GUEST.format(end))
    pid = stage.session.device.pid
    stage.session.rack.add_effect("mine")
    stage.session.rack.add_effect("reverb")
    stage.until(lambda: stage.session.device.pid not in (pid, None), 30, "another audio process")
    stage.until(lambda: stage.said("started again without mine"), 30, "the message")
    stage.until(lambda: stage.loudness() > 0.1, 30, "sound")
    stage.until(lambda: "crashed" in stage.session.rack.effects[0].problem, 30, "why it is out")
    assert stage.session.rack.effects[1].problem == ""


BEEP = """
import numpy as np
from mesosynth.plugins.parameters import Parameter, ParameterTable
from mesosynth.plugins.plugin import Instrument

class Beep(Instrument):
    name = "Beep"
    parameters = ParameterTable([Parameter("level", "Level", "", 0.0, 1.0, 0.6, "The output.")])

    def prepare(self, sample_rate, max_block):
        self.sign = 1.0

    def reset(self):
        pass

    def process(self, values, events, block):
        self.sign = -self.sign
        block.fill(self.sign * values[0])
"""


def test_a_users_instrument_plays_and_the_built_in_one_comes_back(stage, folder):
    session, before = stage.session, dict(stage.session.sound.values)
    (folder / "beep.py").write_text(BEEP)
    session.rack.set_instrument("beep")
    stage.until(lambda: session.sound.values == {"level": 0.6}, 30, "its table")
    stage.until(lambda: stage.loudness() == pytest.approx(0.6, abs=1e-3), 30, "its sound")
    session.sound.set({"level": 0.3})
    stage.until(lambda: stage.loudness() == pytest.approx(0.3, abs=1e-3), 30, "its parameter")
    pid = session.device.pid
    os.kill(pid, signal.SIGKILL)
    stage.until(lambda: session.device.pid not in (pid, None), 30, "another audio process")
    stage.until(lambda: stage.loudness() < 0.01, 30, "no sound of another instrument")
    stage.until(lambda: stage.loudness() == pytest.approx(0.3, abs=1e-3), 30, "the same sound")
    (folder / "beep.py").write_text("1 / 0")
    stage.until(lambda: stage.said("ZeroDivisionError"), 30, "the message")
    assert stage.loudness() == pytest.approx(0.3, abs=1e-3)
    session.rack.set_instrument("chirplet")
    assert list(session.sound.values) == list(before)
    stage.until(lambda: 0.0 < stage.loudness() < 0.29, 30, "the chirplet")
    with pytest.raises(ArgumentError, match="is an effect"):
        session.rack.set_instrument("delay")
    with pytest.raises(PluginError, match="does not exist"):
        session.rack.set_instrument("kazoo")
