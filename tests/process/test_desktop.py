"""Fears: a menu entry that starts nothing, a file type without a program, traces after removal."""

import configparser
import json
import os
import shlex
import subprocess
import sys
import xml.etree.ElementTree as ET

import pytest

from mesosynth.system.paths import resource


@pytest.fixture
def desktop(tmp_path):
    """Run `mesosynth desktop` with a data folder of its own; return the files there."""

    def run(*words):
        done = subprocess.run(
            [sys.executable, "-m", "mesosynth", "desktop", "--json", *words],
            env={**os.environ, "XDG_DATA_HOME": str(tmp_path)}, capture_output=True, text=True,
            check=True,
        )  # fmt: skip
        return [tmp_path / path for path in next(iter(json.loads(done.stdout).values()))]

    return run


def test_the_entry_starts_the_program_with_the_files_that_it_opens(desktop, tmp_path):
    files = {path.suffix: path for path in desktop()}
    assert all(path.is_file() and path.is_relative_to(tmp_path) for path in files.values())
    parser = configparser.ConfigParser(interpolation=None)
    parser.optionxform = str
    parser.read(files[".desktop"])
    entry = parser["Desktop Entry"]
    *command, file = shlex.split(entry["Exec"])
    assert file == "%f"
    done = subprocess.run([*command, "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("mesosynth ")
    assert (files[".svg"].stem, "icons/hicolor") == (
        entry["Icon"], str(files[".svg"].relative_to(tmp_path).parents[2]),
    )  # fmt: skip
    types = {kind.get("type") for kind in ET.parse(files[".xml"]).getroot()}
    assert len(types) == 2
    assert types <= set(entry["MimeType"].split(";"))


def test_removal_leaves_no_file(desktop, tmp_path):
    desktop()
    assert not [path for path in desktop("--remove") if path.exists()]
    assert desktop("--remove")  # a second time is no error


def test_the_icon_is_a_picture():
    ET.parse(resource("assets", "desktop/mesosynth.svg"))
