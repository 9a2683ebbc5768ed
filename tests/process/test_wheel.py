"""The fears: a wheel without presets or desk, or one that leaves a package called gui behind."""

import json
import os
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import psutil
import pytest
import soundfile
from process_group import assert_gone

from mesosynth import __version__
from mesosynth.system.paths import factory_presets

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    pip("wheel", "--no-deps", "--no-build-isolation", "-w", folder, ROOT)
    (built,) = folder.iterdir()
    return built


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """Folder with what the wheel installs; the libraries are those of the tests."""
    folder = tmp_path_factory.mktemp("installed")
    pip("install", "--no-deps", "--no-index", "--target", folder, wheel)
    return folder


def pip(*words):
    subprocess.run(
        [sys.executable, "-m", "pip", "--disable-pip-version-check", "-q", *map(str, words)],
        check=True, cwd=ROOT, capture_output=True,
    )  # fmt: skip


def environment(installed, **more):
    """As on a machine that has only the wheel: no checkout on the path, and no display."""
    hidden = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM", "PYTHONPATH")
    clean = {name: value for name, value in os.environ.items() if name not in hidden}
    return {**clean, "PYTHONPATH": str(installed), **more}


def mesosynth(installed, folder, *words):
    """Run the installed console script in another folder."""
    return subprocess.run(
        [sys.executable, installed / "bin" / "mesosynth", *map(str, words)],
        cwd=folder, env=environment(installed), capture_output=True, text=True, timeout=280,
        check=True,
    )  # fmt: skip


def test_the_wheel_holds_both_packages_and_their_files_and_nothing_else(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    info = f"mesosynth-{__version__}.dist-info"
    assert {name.partition("/")[0] for name in names} == {"mesosynth", "mesosynth_gui", info}
    assert {"mesosynth/py.typed", "mesosynth_gui/app.py", "mesosynth_gui/pad/pad.py"} <= set(names)
    pages = {f"mesosynth/data/guide/{page.name}" for page in (ROOT / "docs/guide").glob("*.md")}
    assert len(pages) > 15
    assert pages <= set(names)  # help shows them
    sources = {
        f"mesosynth{'_gui' if package == 'gui' else ''}/{path.relative_to(ROOT / package)}"
        for package in ("mesosynth", "gui")
        for path in (ROOT / package).rglob("*.py")
    }
    assert {name for name in names if name.endswith(".py")} == sources
    data = {name.removeprefix("mesosynth/data/") for name in names if "/data/" in name}
    assert {f"presets/{path.name}" for path in factory_presets()} <= data
    assert {"assets/demo.wav", "assets/chirplet_table.npz", "assets/sound_map.npz"} <= data
    assert not [name for name in names if name.endswith(".png")]


def test_the_command_line_runs_in_another_folder(installed, tmp_path):
    assert mesosynth(installed, tmp_path, "--version").stdout == f"mesosynth {__version__}\n"
    checks = json.loads(mesosynth(installed, tmp_path, "doctor", "--json").stdout)["checks"]
    assert {"Python", "Display", "torch"} <= {check["name"] for check in checks}
    preset = installed / "mesosynth" / "data" / "presets" / "bird.json"
    mesosynth(installed, tmp_path, "render", preset, "bird.wav", "--seconds", "0.5")
    assert soundfile.info(tmp_path / "bird.wav").frames == 24000
    alike = json.loads(
        mesosynth(installed, tmp_path, "similar", preset, "-n", "3", "--json").stdout
    )
    assert len(alike["similar"]) == 3  # of the factory presets, whose sounds are known


def test_the_desk_opens_from_the_wheel_alone(installed, tmp_path):
    said = tmp_path / "stderr"
    with said.open("w") as file:
        running = subprocess.Popen(
            [sys.executable, installed / "bin" / "mesosynth", "--device", "silent"],
            cwd=tmp_path, stderr=file, start_new_session=True,
            env=environment(
                installed, QT_QPA_PLATFORM="offscreen", MESOSYNTH_CONFIG_DIR=str(tmp_path),
                PYTHONPROFILEIMPORTTIME="1",
            ),
        )  # fmt: skip
    desk = psutil.Process(running.pid)
    patience = time.monotonic() + 150.0
    while len(desk.children()) < 2:  # the session starts them once the window is painted
        assert running.poll() is None, said.read_text()[-2000:]
        assert time.monotonic() < patience, "no session came"
        time.sleep(0.1)
    time.sleep(2.0)  # the demo is loaded, played and matched meanwhile
    running.send_signal(signal.SIGTERM)
    assert running.wait(timeout=100) == 143
    err = said.read_text()
    assert "Traceback" not in err
    imported = {line.rpartition("|")[2].strip() for line in err.splitlines()}
    assert "mesosynth_gui.main_window" in imported
    assert not {name for name in imported if name.partition(".")[0] == "gui"}
    assert_gone(running.pid)
