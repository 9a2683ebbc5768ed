"""Fears: an effect that comes, goes, moves or is saved anew clicks, hangs or plays wrong values."""

import itertools
import re
import threading
import time

import numpy as np
import pytest
from steady_rack import RATE, Player, Tone, slots_of, updater_of

from mesosynth.effects import EFFECTS
from mesosynth.engine import watchdog as hang_watch
from mesosynth.engine.rack import Rack
from mesosynth.engine.slot import FADE_SECONDS, PLACE, VECTOR, PluginSlot
from mesosynth.engine.watchdog import Watchdog
from mesosynth.system.kernels import compilations

pytestmark = pytest.mark.usefixtures("real_time")

HALF = """
import numpy as np
from mesosynth.plugins.parameters import ParameterTable
from mesosynth.plugins.plugin import Effect

class Half(Effect):
    name = "Half"
    parameters = ParameterTable([])
    def prepare(self, sample_rate, max_block): pass
    def reset(self): pass
    def process(self, values, events, block):
        block *= np.float32(0.5)
"""


LOOP = """
from mesosynth.plugins import Effect, ParameterTable, kernel

@kernel("void(f4[:, :])")
def half(block):
    for i in range(block.shape[1]):
        block[0, i] *= 0.5
        block[1, i] *= 0.5

class Half(Effect):
    name = "Half"
    parameters = ParameterTable([])
    def prepare(self, sample_rate, max_block): pass
    def reset(self): pass
    def process(self, values, events, block):
        half(block)
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("MESOSYNTH_PLUGINS", str(tmp_path))
    return tmp_path


def assert_no_click(sound):
    """Nothing changed faster than the fades of the rack change it."""
    assert np.abs(np.diff(sound)).max() < 1.6 * 0.25 / (FADE_SECONDS * RATE)
    assert sound.min() > 0.05


def test_effects_come_go_move_and_are_bypassed_without_a_click(folder):
    (folder / "half.py").write_text(HALF)
    rack = Rack(Tone())
    updater = updater_of(rack)
    vector = np.zeros(VECTOR)
    vector[0] = 0.25
    filters = PluginSlot("filter", "filter", 1, tuple(EFFECTS["filter"].parameters))
    vector[PLACE : PLACE + 4] = EFFECTS["filter"].parameters.vector({})
    half = PluginSlot("half", "half", 2)
    heard = []
    with Player(rack, vector) as player:
        for slots in (
            (), (half,), (filters, half), (half, filters),
            (PluginSlot("half", "half", 2, (), True),), (half,), (),
        ):  # fmt: skip
            updater.arrange(slots_of(*slots))
            player.play(40)
            heard.append(round(float(player.blocks[-1][0, -1]), 3))
    assert heard == [0.25, 0.125, 0.125, 0.125, 0.25, 0.125, 0.25]
    assert_no_click(player.sound[0])


def test_a_saved_file_is_swapped_in_with_a_crossfade_and_a_bad_one_is_not(folder):
    file = folder / "half.py"
    file.write_text(HALF)
    rack = Rack(Tone())
    updater = updater_of(rack)
    vector = np.zeros(VECTOR)
    vector[0] = 0.25
    with Player(rack, vector) as player:
        updater.arrange(slots_of(PluginSlot("half", "half", 1)))
        player.play(40)
        file.write_text(HALF.replace("0.5", "0.8"))
        updater.look()
        player.play(40)
        assert player.blocks[-1][0, -1] == pytest.approx(0.2, abs=1e-4)
        for bad, problem in (
            (HALF.replace("block *=", "block *= *"), r"half\.py, line 12: SyntaxError"),
            (HALF.replace("0.5", "nan"), "NameError"),
            (HALF.replace("0.5", "np.nan"), "not finite"),
            (HALF.replace("(Effect)", ""), "must define one"),
        ):
            file.write_text(bad)
            updater.look()
            assert re.search(problem, updater.reports[-1].problem), updater.reports[-1]
            assert player.blocks[-1][0, -1] == pytest.approx(0.2, abs=1e-4)
        file.write_text(HALF)
        updater.look()
        player.play(40)
        assert player.blocks[-1][0, -1] == pytest.approx(0.125, abs=1e-4)
        assert updater.reports[-1].problem == ""
    assert_no_click(player.sound[0])


def test_a_sample_loop_is_compiled_before_it_is_heard_and_a_bad_one_is_told_by_its_line(folder):
    file = folder / "half.py"
    file.write_text(LOOP)
    rack = Rack(Tone())
    updater = updater_of(rack)
    vector = np.zeros(VECTOR)
    vector[0] = 0.25
    with Player(rack, vector) as player, compilations() as compiled:
        updater.arrange(slots_of(PluginSlot("half", "half", 1)))
        player.play(40)
        assert player.blocks[-1][0, -1] == pytest.approx(0.125, abs=1e-4)
        for changed, level, problem in (
            (LOOP.replace("0.5", "0.8"), 0.2, ""),
            (
                LOOP.replace("0, i] *= 0.5", "0, i] *= block.none"),
                0.2,
                "half.py, line 7: the sample",
            ),
            (LOOP.replace("  half(block)", "  half(block[0])"), 0.2, "half.py, line 16: TypeError"),
        ):
            file.write_text(changed)
            updater.look()
            player.play(40)
            assert updater.reports[-1].problem.startswith(problem), updater.reports[-1]
            assert player.blocks[-1][0, -1] == pytest.approx(level, abs=1e-4)
        assert compiled == []  # the trial did, in another process
    assert rack.faults == 0
    assert_no_click(player.sound[0])


@pytest.mark.parametrize("where", ["max_block): pass", "reset(self): pass"])
def test_a_guest_that_hangs_while_it_is_prepared_or_reset_beside_the_sound(
    folder, where, monkeypatch
):
    """Its trial, in another process, it passes."""
    monkeypatch.setattr(hang_watch, "PREPARING", 0.3)
    endless = (
        "\n        import sys\n        while 'mesosynth.engine.rack_updater' in sys.modules: pass"
    )
    bad = HALF.replace(where, where.replace(" pass", endless))
    (folder / "half.py").write_text(HALF)
    (folder / "bad.py").write_text(bad)
    rack = Rack(Tone())
    updater, ended = updater_of(rack), threading.Event()
    watchdog, helpless = Watchdog(rack.active), []

    def look():
        while not ended.wait(0.03):
            helpless.append(watchdog.look(0, time.monotonic()))

    vector = np.zeros(VECTOR)
    vector[0] = 0.25
    threading.Thread(target=look, daemon=True).start()
    with Player(rack, vector) as player:
        updater.arrange(
            slots_of(PluginSlot("half", "half", 1), PluginSlot("bad", "bad", 2, (), True))
        )
        updater.arrange(slots_of(PluginSlot("half", "half", 1), PluginSlot("bad", "bad", 2)))
        updater.look()
        player.play(40)
        told = f"bad does not return from {where.split('(')[0].split(')')[0]}"
        assert updater.reports[-1].problem.startswith(told.replace("max_block", "prepare"))
        assert player.blocks[-1][0, -1] == pytest.approx(0.125, abs=1e-4)
        if "max_block" in where:
            (folder / "half.py").write_text(bad)
            updater.look()
            assert "half does not return from prepare; the version before" in (
                updater.reports[1].problem
            )
            assert player.blocks[-1][0, -1] == pytest.approx(0.125, abs=1e-4)
    ended.set()
    assert not any(helpless)
    assert_no_click(player.sound[0])


def test_the_story_of_a_failure_is_in_the_log(folder):
    plugins = folder / "plugins"
    plugins.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MESOSYNTH_PLUGINS", str(plugins))
        (plugins / "half.py").write_text(HALF.replace("block *=", "1 / 0; block *="))
        updater = updater_of(Rack(Tone()))
        updater.arrange(slots_of(PluginSlot("half", "half", 1)))
    assert "half.py, line 12: ZeroDivisionError: division by zero." in updater.reports[-1].problem
    assert "in process" in updater.reports[-1].traceback
    assert "Traceback" in (folder / "plugins.log").read_text()


def test_a_new_table_finds_its_values_by_their_ids(folder):
    """A version with other parameters must not play with its neighbour's values."""
    text = HALF.replace("np.float32(0.5)", "np.float32(values[{}])").replace(
        "ParameterTable([])",
        "ParameterTable([Parameter(i, i, '', 0.0, 1.0, 0.5, '') for i in {!r}])",
    ).replace("import ParameterTable", "import Parameter, ParameterTable")  # fmt: skip
    (folder / "half.py").write_text(text.format("ab", 1))
    rack = Rack(Tone())
    updater = updater_of(rack)
    vector = np.zeros(VECTOR)
    vector[0], vector[PLACE], vector[PLACE + 1] = 0.25, 0.4, 0.8
    with Player(rack, vector) as player:
        updater.arrange(slots_of(PluginSlot("half", "half", 1, ("a", "b"))))
        player.play(40)
        assert player.blocks[-1][0, -1] == pytest.approx(0.2, abs=1e-3)
        (folder / "half.py").write_text(text.format("bxa", 0))
        updater.look()
        player.play(40)
        assert player.blocks[-1][0, -1] == pytest.approx(0.2, abs=1e-3)
        (folder / "half.py").write_text(text.format("bxa", 1))
        updater.look()
        player.play(40)
        assert player.blocks[-1][0, -1] == pytest.approx(0.125, abs=1e-3)  # x at its default
    assert [*updater.reports[-1].table] == ["b", "x", "a"]


def test_any_order_can_be_reached_from_any_other():
    rack = Rack(Tone())
    updater = updater_of(rack)
    slots = [PluginSlot(name, name, i) for i, name in enumerate(EFFECTS, 1)]
    with Player(rack, np.zeros(VECTOR)):
        for order in list(itertools.permutations(slots[:3]))[::2]:
            updater.arrange(slots_of(*order))
            assert [slot.uid for slot in rack.slots] == ["", *(slot.uid for slot in order)]
