"""Fears: code in the README or the documentation that does not run, and links that lead nowhere.

Blocks of `python` run page by page, and commands of `sh` line by line: in this process, where torch
is imported already, but for lines of a shell, which find `mesosynth` on the path. Blocks of
`sh by-hand` open windows or take long, `text` is for machines that are not set up yet, and
`sh repository` runs in the repository.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
import soundfile
from sequences import write_moving
from test_cli import main_called

ROOT = Path(__file__).parents[2]
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md")),
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / "docs").glob("[!_]*/*.md")),
]
BLOCK = re.compile(r"^```(\w+)([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)\)")
MADE = re.compile(r"(gallery/\w+/\w\d_\w+)\.rst")
SHELL_TOOLS = {"jq"}
FOR_TIME = {"--seconds 30": "--seconds 4", "--iterations 20": "--iterations 4"}

pytestmark = pytest.mark.timeout(600)


def blocks(page, language, kind=""):
    text = page.read_text(encoding="utf-8")
    return [code for what, more, code in BLOCK.findall(text)
            if (what, more.strip()) == (language, kind)]  # fmt: skip


def name(page):
    return page.stem if page.parent != ROOT else "the README"


COMMANDS = [
    pytest.param(page, block, id=f"{name(page)} {number}")
    for page in PAGES
    for number, block in enumerate(blocks(page, "sh"), 1)
]


@pytest.fixture(scope="module")
def desktop(tmp_path_factory):
    """A folder with the files that the examples speak of, and `mesosynth` on the path."""
    folder = tmp_path_factory.mktemp("desktop")
    audio, rate = soundfile.read(ROOT / "assets" / "demo.wav")
    soundfile.write(folder / "crow.flac", audio, rate)
    write_moving(folder / "dawn.flac", 5.0)
    (folder / "presets").mkdir()
    shutil.copy(ROOT / "presets" / "bird.json", folder / "presets")
    (plugin,) = blocks(ROOT / "docs" / "guide" / "plugins.md", "python")
    (folder / "tremolo.py").write_text(plugin)
    binaries = folder / "bin"
    binaries.mkdir()
    program = binaries / "mesosynth"
    program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m mesosynth "$@"\n')
    program.chmod(0o755)
    return folder


@pytest.fixture
def environment(desktop):
    own = {f"MESOSYNTH_{what}": str(desktop / what.lower()) for what in ("PLUGINS", "PRESETS")}
    own["XDG_DATA_HOME"] = str(desktop / "share")
    path = os.pathsep.join([str(desktop / "bin"), os.environ["PATH"]])
    python = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    return {**os.environ, **own, "PATH": path, "PYTHONPATH": python}


def run(command, folder, environment):
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True,
                          check=False, timeout=300)  # fmt: skip


def go_there(folder, environment, monkeypatch):
    monkeypatch.chdir(folder)
    for variable, value in environment.items():
        monkeypatch.setenv(variable, value)


def run_line(line, folder, environment, monkeypatch):
    """Run a line of a shell; a command of ours by itself in this process, where torch is loaded."""
    if not line.startswith("mesosynth ") or set(line) & set("|<>&;$`*"):
        return run(["bash", "-e", "-o", "pipefail", "-c", line], folder, environment)
    go_there(folder, environment, monkeypatch)
    return main_called(*shlex.split(line, comments=True)[1:])


@pytest.fixture(scope="module")
def worked():
    """Lines that worked; they stand on several pages."""
    return set()


@pytest.mark.parametrize(("page", "block"), COMMANDS)
def test_commands_work(page, block, desktop, environment, worked, monkeypatch):
    for line in [line for line in block.splitlines() if line not in worked]:
        missing = [tool for tool in SHELL_TOOLS if f"| {tool} " in line and not shutil.which(tool)]
        if missing:
            line = line.partition("|")[0]
        less = line
        for much, little in FOR_TIME.items():
            less = less.replace(much, little)
        done = run_line(less, desktop, environment, monkeypatch)
        assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"
        worked.add(line)


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page, "python")], ids=name)
def test_python_works(page, desktop, environment, monkeypatch):
    go_there(desktop, environment, monkeypatch)
    exec("\n".join(blocks(page, "python")), {"__name__": "__main__"})


def test_commands_of_the_repository_work(environment):
    commands = [block.strip() for page in PAGES for block in blocks(page, "sh", "repository")]
    assert commands
    for command in commands:
        words = command.split()
        assert words[0] == "python"
        done = run([sys.executable, *words[1:]], ROOT, environment)
        assert done.returncode == 0, f"{command}\n{done.stderr}"


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_benchmarks_exist(page):
    text = page.read_text(encoding="utf-8")
    for module in set(re.findall(r"\bbenchmarks\.(?!md)(\w+)", text)):
        assert (ROOT / "benchmarks" / f"{module}.py").is_file(), module


@cache
def help_of(command):
    """Help of a command, which several lines may be of."""
    done = main_called(*command, "--help")
    assert done.returncode == 0, f"{command}\n{done.stderr}"
    return done.stdout


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_commands_in_the_text_have_known_options(page):
    """Every `mesosynth …` in the running text names a command and options that its help lists."""
    text = BLOCK.sub("", page.read_text(encoding="utf-8"))
    by_hand = [line for block in blocks(page, "sh", "by-hand") for line in block.splitlines()]
    for line in [*re.findall(r"`(mesosynth [^`]+)`", text), *by_hand]:
        words = shlex.split(line, comments=True)[1:]
        command = words[:1] if words and re.fullmatch("[a-z]+", words[0]) else []
        if command and "─ Commands ─" in help_of(tuple(command)):
            command = words[:2]  # a command of commands, such as plugin
        text_of_help = help_of(tuple(command))
        for option in [word for word in words if re.fullmatch("--?[a-z-]+", word)]:
            assert option in text_of_help or option == "--help", line


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_lead_somewhere(page):
    for link in LINK.findall(page.read_text(encoding="utf-8")):
        if "://" in link:
            continue
        file, _, anchor = link.partition("#")
        file = MADE.sub(r"\1.py", file).replace("gallery/", "")  # of which the site makes a page
        target = (page.parent / file).resolve() if file else page
        assert target.exists(), link
        if anchor:
            titles = re.findall(r"^#+ (.*)$", target.read_text(encoding="utf-8"), re.MULTILINE)
            slugs = {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}
            assert anchor in slugs, link


def test_the_readme_is_short():
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 125
