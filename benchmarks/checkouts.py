"""Child processes that import `mesosynth` from another checkout.

Such a child sees the other checkout's `mesosynth` and `gui`, and this folder's `benchmarks`: the
same measuring code runs on both sides of a comparison.
"""

import argparse
import contextlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Generator, Mapping, Sequence
from pathlib import Path

HERE = Path(__file__).resolve().parents[1]
"""The checkout that this file belongs to."""


def checkout(text: str) -> Path:
    """Path of a checkout, from the command line.

    Raises
    ------
    argparse.ArgumentTypeError
        If there is no `mesosynth` package in it.
    """
    path = Path(text).resolve()
    if not (path / "mesosynth" / "__init__.py").is_file():
        raise argparse.ArgumentTypeError(
            f"{text} is not a checkout of mesosynth; make one with git worktree."
        )
    return path


@contextlib.contextmanager
def started(
    folder: Path,
    arguments: Sequence[str],
    variables: Mapping[str, str] | None = None,
    first: Sequence[Path] = (),
) -> Generator[subprocess.Popen[str]]:
    """Run ``python -m ARGUMENTS`` with the packages of a checkout.

    Numerical libraries get one thread. Leaving the context ends the process.

    Parameters
    ----------
    folder : Path
        The checkout.
    arguments : sequence of str
        A module of this package, and what follows it on the command line.
    variables : mapping of str to str, optional
        Environment variables to add.
    first : sequence of Path
        Folders whose modules come before all others.

    Yields
    ------
    subprocess.Popen
        With standard output as a pipe of text.
    """
    with tempfile.TemporaryDirectory() as links:
        (Path(links) / "benchmarks").symlink_to(HERE / "benchmarks")
        environment = {
            **os.environ,
            "OMP_NUM_THREADS": "1",
            "OPENBLAS_NUM_THREADS": "1",
            "MKL_NUM_THREADS": "1",
            **(variables or {}),
            # A child's children read PYTHONPATH as well; -P keeps the current folder out.
            # `links` comes first because a later commit has benchmarks of its own.
            "PYTHONPATH": os.pathsep.join([*map(str, first), links, str(folder)]),
            "PYTHONSAFEPATH": "1",
        }
        command = [sys.executable, "-m", *arguments]
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, text=True, env=environment, cwd=folder
        )
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()
            process.wait()
            assert process.stdout is not None
            process.stdout.close()


def output(
    folder: Path,
    arguments: Sequence[str],
    variables: Mapping[str, str] | None = None,
    first: Sequence[Path] = (),
) -> str:
    """Standard output of ``python -m ARGUMENTS`` with the packages of a checkout.

    Parameters
    ----------
    folder : Path
        The checkout.
    arguments : sequence of str
    variables : mapping of str to str, optional
        Environment variables to add.
    first : sequence of Path
        Folders whose modules come before all others.

    Raises
    ------
    subprocess.CalledProcessError
        If it fails; what it wrote to standard error was shown already.
    """
    with started(folder, arguments, variables, first) as process:
        text, _ = process.communicate()
        if process.returncode:
            raise subprocess.CalledProcessError(process.returncode, list(arguments))
    return text


def apart(folder: Path) -> dict[str, str]:
    """Environment variables by which a program keeps its files in `folder`, not in the user's."""
    return {
        "MESOSYNTH_CONFIG_DIR": str(folder / "settings"),
        **{
            f"XDG_{kind}_HOME": str(folder / kind.lower())
            for kind in ("CONFIG", "DATA", "CACHE", "STATE")
        },
    }


def display() -> dict[str, str]:
    """Environment variables for a window: Qt's offscreen platform where there is no display."""
    if {"DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"} & set(os.environ):
        return {}
    return {"QT_QPA_PLATFORM": "offscreen"}
