import os
import subprocess
import sys
from pathlib import Path

import pytest

from mesosynth.cli import system_libraries
from mesosynth.cli.system_libraries import LIBRARIES, SystemLibrary, install_command, missing

PHANTOM = SystemLibrary("libphantom.so.7", "sound", "libphantom7", "phantom", "phantom-git")


def test_what_is_there_is_not_missing():
    assert SystemLibrary("libc.so.6", "sound", "libc6", "glibc", "glibc").is_present()
    assert SystemLibrary("sh", "test", "dash", "bash", "bash").is_present()
    assert not PHANTOM.is_present()


@pytest.mark.parametrize(
    ("installer", "command"),
    [
        ("apt-get", "apt-get install -y --no-install-recommends libphantom7"),
        ("dnf", "dnf install -y phantom"),
        ("pacman", "pacman -S --needed phantom-git"),
        ("brew", "install libphantom.so.7"),
    ],
)
def test_one_command_installs_what_is_missing(monkeypatch, tmp_path, installer, command):
    program = tmp_path / installer
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(system_libraries, "LIBRARIES", [PHANTOM, PHANTOM])
    assert install_command(missing(["sound"])) == command
    assert install_command(missing(["window"])) == ""


def test_every_purpose_has_libraries_with_names():
    assert {library.purpose for library in LIBRARIES} == {"sound", "window", "test"}
    assert all(library.debian and library.fedora and library.arch for library in LIBRARIES)


def test_it_runs_before_there_is_an_environment():
    done = subprocess.run(
        ["/usr/bin/env", "-i", f"PATH={os.environ['PATH']}", sys.executable, "-I", "-S",
         Path(system_libraries.__file__), "run"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout == f"{install_command(missing(['sound', 'window']))}\n"
