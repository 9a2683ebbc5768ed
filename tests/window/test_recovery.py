"""Fears: a crash loses what sounded; a broken autosave keeps the desk from starting."""

import functools
import json
import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from gui.sessions import KEPT

DESK = """
import sys
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from gui import theme
from gui.app import open_window
from mesosynth.session import Session

if __name__ == "__main__":
    application = QApplication([])
    theme.apply(application)
    window = open_window(Session("silent", start=False))
    window.show()
    while not window.session.started:
        QTest.qWait(10)
    exec(sys.argv[1])
    window.close()
"""
TOUCH = """
window.history.set_at_once({"f_m": 12.5}, "test")
window.history.step("test", lambda session: session.rack.add_effect("delay"))
window.comparisons.store(2)
window.sessions.autosave()
print("kept", flush=True)
QTest.qWait(60_000)
"""
UNDO = """
QTest.qWait(300)
for _ in range(2):
    window.actions_["undo"].trigger()
print(window.session.sound.values["f_m"], window.effects.order)
window.actions_["redo"].trigger()
print(window.session.sound.values["f_m"], window.history.stack.canRedo(), flush=True)
"""
LOOK = """
said = []
window.desk.said.connect(lambda text, _: said.append(text))
QTest.qWait(1700)
kept = [slot is not None for slot in window.comparisons.slots]
first = kept.index(True) if any(kept) else None
plays = window.session.sound.playing
print(window.session.sound.values["f_m"], window.effects.order, first, plays)
print(window.history.stack.count(), *said, flush=True)
"""


def start(folder, doing):
    """A desk of its own, with its settings in `folder`; its standard output is to be read."""
    script = folder / "desk.py"
    script.write_text(DESK)
    environment = {**os.environ, "MESOSYNTH_CONFIG_DIR": str(folder / "config")}
    environment["PYTHONPATH"] = str(Path(__file__).parents[2])
    return subprocess.Popen(
        [sys.executable, str(script), textwrap.dedent(doing)],
        stdout=subprocess.PIPE, text=True, env=environment,
    )  # fmt: skip


@pytest.fixture(scope="module")
def killed(display, tmp_path_factory):
    """What a desk leaves behind that was killed."""
    folder = tmp_path_factory.mktemp("killed")
    with start(folder, TOUCH) as process:
        assert process.stdout.readline() == "kept\n"
        process.kill()
    return folder / "config"


@pytest.fixture
def after_a_kill(killed, tmp_path):
    return shutil.copytree(killed, tmp_path / "config")


@pytest.fixture
def desk(display, tmp_path):
    """Start a desk of this test's that does what it is told."""
    return functools.partial(start, tmp_path)


def said(process):
    with process:
        return process.stdout.read().splitlines()


def test_a_killed_desk_is_found_again_as_it_was(after_a_kill, desk):
    sound, words = said(desk(LOOK))
    assert sound == "12.5 ['delay'] 2 False"  # as it was, and silent
    assert words.startswith("2 ")  # what could be undone still can be
    assert "ended unexpectedly" in words
    again = said(desk(LOOK))  # the second one ended as it should
    assert again[0] == sound
    assert "unexpectedly" not in again[1]


def test_undo_goes_on_in_the_next_window(after_a_kill, desk):
    before, after = said(desk(UNDO))
    assert before == "8.0 []"
    assert after == "12.5 True"


def test_a_half_written_autosave_is_put_beside_and_the_one_before_serves(after_a_kill, desk):
    folder = after_a_kill / "autosave"
    (good,) = folder.glob("desk *.json")
    newer = folder / "desk 000999 2001-01-01 00.00.00.json"  # whatever the clock said
    newer.write_text(good.read_text()[:200])
    sound, _words = said(desk(LOOK))
    assert sound.startswith("12.5")
    assert not newer.exists()
    assert newer.with_name(f"{newer.name}.broken").exists()


def test_a_session_of_a_later_version_is_left_alone_and_the_desk_starts(desk, tmp_path):
    folder = tmp_path / "config" / "autosave"
    folder.mkdir(parents=True)
    later = folder / "desk 000003 2999-01-01 00.00.00.json"
    later.write_text(json.dumps({"revision": 999}))
    sound, words = said(desk(LOOK))
    assert sound == "8.0 [] None False"
    assert "cannot be used" in words
    assert later.exists()
    assert not list(folder.glob("*.broken"))


def test_ten_rotate(only_window, monkeypatch, tmp_path):
    from gui import sessions as module

    monkeypatch.setattr(module, "YOUNG", -1.0)
    monkeypatch.setattr(module, "autosave_folder", lambda: tmp_path)
    for step in range(KEPT + 3):
        only_window.session.sound.set({"f_m": 2.0 + step})
        only_window.sessions.autosave()
    names = sorted(path.name for path in tmp_path.glob("*.json"))
    assert [name[:12] for name in names] == [f"desk {n:06} " for n in range(4, KEPT + 4)]
    only_window.sessions.autosave()  # nothing has changed
    assert sorted(path.name for path in tmp_path.glob("*.json")) == names
