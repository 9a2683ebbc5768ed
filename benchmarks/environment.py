"""The virtual environment in which the peers run: Kymatio 0.4, which no index has, and SCRAPL.

It lies in the user's cache folder and is made once. Torch is not installed again: the environment
looks for it where this program has it, after its own packages, so that both sides run the very same
build and gigabytes are not downloaded twice. NumPy and SciPy are its own, because Kymatio needs a
SciPy older than 1.15 (``sph_harm``).
"""

import importlib.util
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path

from platformdirs import user_cache_path

from mesosynth.errors import WorkerError

REQUIREMENTS = ("numpy<2.3", "scipy>=1.11,<1.15", "appdirs", "configparser", "packaging")
"""What the peers import, besides torch and what torch brings."""

PEERS = ("scrapl-loss==0.1.0",)
"""Installed without dependencies, or torch would be installed with them."""

_NEWEST_PYTHON = (3, 13)  # that SciPy 1.14 has wheels for
_COMPLETE = "complete.txt"


def peers_python(say: Callable[[str], None]) -> Path:
    """The interpreter of the peers' environment, which is made where it is not there yet.

    Parameters
    ----------
    say : callable
        Told what goes on, a line at a time.

    Raises
    ------
    WorkerError
        Where it cannot be made, with pip's last word.
    """
    if sys.version_info[:2] > _NEWEST_PYTHON:
        newest = ".".join(map(str, _NEWEST_PYTHON))
        raise WorkerError(
            f"--peers needs Python {newest} or older, for which SciPy 1.14 has wheels; "
            f"this is {sys.version_info.major}.{sys.version_info.minor}."
        )
    folder = environment_folder()
    python = _python(folder)
    if not is_complete(folder):
        _make(folder, python, say)
    _borrow_torch(folder)
    return python


def environment_folder() -> Path:
    """Where the environment lies: one for each version of Python."""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    return user_cache_path("mesosynth", appauthor=False) / f"peers-python{version}"


def is_complete(folder: Path) -> bool:
    """Whether an environment was made to its end, of what is asked for today."""
    note = folder / _COMPLETE
    return _python(folder).exists() and note.is_file() and note.read_text() == _contents()


def _make(folder: Path, python: Path, say: Callable[[str], None]) -> None:
    say(f"making {folder}")
    shutil.rmtree(folder, ignore_errors=True)
    _run([sys.executable, "-m", "venv", str(folder)], say)
    # Wheels alone: a build from source would take minutes, and compilers that may be missing.
    install = [str(python), "-m", "pip", "install", "--only-binary=:all:"]
    _run([*install, *REQUIREMENTS], say)
    _run([*install, "--no-deps", *PEERS], say)
    (folder / _COMPLETE).write_text(_contents())


def _run(command: list[str], say: Callable[[str], None]) -> None:
    try:
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
    except OSError as error:
        raise WorkerError(f"{command[0]} cannot be started: {error.strerror}.") from error
    last = "it said nothing"
    with process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.strip():
                last = line.strip()
                say(last)
    if process.returncode:
        raise WorkerError(
            f"The peers' environment cannot be made; {' '.join(command[1:4])} said: {last}"
        )


def _borrow_torch(folder: Path) -> None:
    """Let the environment find our torch, after its own packages."""
    torch = importlib.util.find_spec("torch")
    if torch is None or torch.origin is None:
        raise WorkerError("torch is not installed here; install mesosynth with its dependencies.")
    home = Path(torch.origin).parents[1]
    site = sysconfig.get_path("purelib", "venv", vars={"base": str(folder)})
    (Path(site) / "mesosynth-torch.pth").write_text(f"{home}\n")


def _python(folder: Path) -> Path:
    return folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def _contents() -> str:
    return "\n".join((*REQUIREMENTS, *PEERS))
