"""`mesosynth doctor`: missing parts of the system, and the command that repairs each."""

import importlib.metadata
import os
import platform
import socket
import sys
from dataclasses import asdict, dataclass
from typing import Any

from mesosynth import __version__
from mesosynth.cli.options import Json
from mesosynth.cli.system_libraries import Purpose, install_command, missing
from mesosynth.errors import WorkerError
from mesosynth.system.kernels import cache_folder
from mesosynth.system.worker import call

_LIBRARIES = (
    "PySide6-Essentials", "pyqtgraph", "numpy", "scipy", "numba", "sounddevice", "rtmidi2",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Check:
    """Result of one check.

    Attributes
    ----------
    name : str
    ok : bool
        Whether all is there; if not, mesosynth still runs with less.
    found : str
        Description of what is there or missing.
    mend : str
        Command or step that repairs it, or "".
    """

    name: str
    ok: bool
    found: str
    mend: str = ""


def doctor(*, json: Json = False) -> dict[str, Any]:
    """List missing parts of the system, with the command that repairs each."""
    checks = examine()
    if not json:
        for check in checks:
            print(f"{'✓' if check.ok else '✗'} {check.name}: {check.found}")
            if check.mend:
                print(f"    {check.mend}")
    return {"ok": all(check.ok for check in checks), "checks": [asdict(check) for check in checks]}


def examine() -> list[Check]:
    """Run all checks, which takes some seconds; a failed one raises nothing."""
    return [
        _versions(), _python(), _libraries("Sound library", "sound"), _sound_card(),
        _libraries("Window libraries", "window"), _display(), _torch(), _sample_loops(),
        _real_time(),
    ]  # fmt: skip


def display_problem() -> str:
    """Reason why no window can open here, or "" if one can."""
    platform = os.environ.get("QT_QPA_PLATFORM", "").partition(":")[0].partition(";")[0]
    if sys.platform != "linux" or platform not in ("", "xcb", "wayland", "wayland-egl"):
        return ""
    wayland, display = os.environ.get("WAYLAND_DISPLAY"), os.environ.get("DISPLAY")
    if platform == "xcb" or not wayland:
        problem = _x_problem(display)
    elif _wayland_answers(wayland):
        problem = ""
    elif platform or _x_problem(display):
        problem = f"the Wayland display {wayland!r} does not answer"
    else:  # that of a session that is gone: Qt would end the process rather than take the other
        del os.environ["WAYLAND_DISPLAY"]
        problem = ""
    if problem:
        return problem
    if libraries := missing(["window"]):
        return f"libraries for windows are missing (as root: {install_command(libraries)})"
    return ""


def _x_problem(display: str | None) -> str:
    if not display:
        return "there is no display"
    return "" if _x_answers(display) else f"the display {display!r} does not answer"


def _wayland_answers(name: str) -> bool:
    """Whether a Wayland compositor listens."""
    path = os.path.join(os.environ.get("XDG_RUNTIME_DIR", ""), name)
    try:
        with socket.socket(socket.AF_UNIX) as server:
            server.connect(path)
    except OSError:
        return False
    return True


def _x_answers(display: str) -> bool:
    """Whether an X server listens; Qt ends the whole process when none does."""
    host, _, number = display.rpartition(":")
    screen = number.partition(".")[0]
    if not screen.isdecimal():
        return False
    try:
        if host and not host.startswith(("/", "unix")):
            socket.create_connection((host, 6000 + int(screen)), timeout=2.0).close()
            return True
        with socket.socket(socket.AF_UNIX) as server:
            server.connect(f"/tmp/.X11-unix/X{screen}")
    except OSError:
        return False
    return True


def _versions() -> Check:
    """Versions that a report of a fault needs; torch has a check of its own."""
    found = [f"{name} {_version(name)}" for name in _LIBRARIES]
    return Check("mesosynth", True, ", ".join([__version__, *found]))


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "missing"


def _python() -> Check:
    return Check("Python", True, f"{platform.python_version()} on {platform.platform(terse=True)}")


def _libraries(name: str, purpose: Purpose) -> Check:
    libraries = missing([purpose])
    if not libraries:
        return Check(name, True, "all there")
    found = f"missing: {', '.join(library.probe for library in libraries)}"
    return Check(name, False, found, install_command(libraries))


def _sound_card() -> Check:
    from mesosynth.engine.portaudio import look_for_devices

    looked = look_for_devices()
    outputs = [device.name for device in looked.devices if device.outputs]
    if outputs:
        return Check("Sound card", True, ", ".join(outputs))
    found = looked.problem or "no output device; the silent clock takes its place"
    return Check("Sound card", False, found, "connect a sound card, or start the sound server")


def _display() -> Check:
    if problem := display_problem():
        found = f"{problem}; mesosynth runs in the terminal"
        return Check("Display", False, found, "log in to a desktop, or connect with ssh -X")
    return Check(
        "Display", True, os.environ.get("WAYLAND_DISPLAY") or os.environ.get("DISPLAY", "native")
    )


def _torch() -> Check:
    """Start torch in a child process: it takes its time, and a broken driver may crash it."""
    try:
        importlib.metadata.version("torch")
        return Check("torch", True, call(_describe_torch, timeout=60.0))
    except importlib.metadata.PackageNotFoundError:
        return Check("torch", False, "not installed", f"{sys.executable} -m pip install torch")
    except WorkerError as error:
        return Check(
            "torch", False, f"does not start ({error})",
            f"{sys.executable} -m pip install --force-reinstall torch",
        )  # fmt: skip


def _describe_torch() -> str:
    """[child] Version of torch and where it computes."""
    import torch

    accelerator = (
        torch.accelerator.current_accelerator() if torch.accelerator.is_available() else None
    )
    return f"{torch.__version__} on {accelerator or 'the CPU'}"


def _sample_loops() -> Check:
    """Find where the machine code of the sound's loops is kept."""
    folder = cache_folder()
    if folder is None:
        return Check(
            "Sample loops", False, "compiled at every start, as no folder for them is writable",
            "export NUMBA_CACHE_DIR= with a folder that you may write to",
        )  # fmt: skip
    return Check("Sample loops", True, f"compiled once, kept in folders such as {folder}")


def _real_time() -> Check:
    """Try it, for a moment: limits, capabilities and containers all have a say."""
    name = "Real-time sound"
    if sys.platform != "linux":
        return Check(name, True, "left to the system")
    policy, parameters = os.sched_getscheduler(0), os.sched_getparam(0)
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(10))
        os.sched_setscheduler(0, policy, parameters)
    except OSError:
        return Check(
            name, False, "not permitted; sound may drop out under load",
            "echo '@audio - rtprio 95' | sudo tee /etc/security/limits.d/audio.conf && "
            "sudo usermod -aG audio $USER, then log in again",
        )  # fmt: skip
    return Check(name, True, "permitted")
