"""System libraries that wheels do not carry, and the command that installs missing ones.

Standard library only, and runnable as a file: ``make`` asks it before a virtual environment exists
(``python3 -I mesosynth/cli/system_libraries.py run``), ``mesosynth doctor`` asks it afterwards.
"""

import ctypes
import glob
import shutil
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Purpose = Literal["sound", "window", "test"]

PURPOSES: dict[str, tuple[Purpose, ...]] = {
    "run": ("sound", "window"),
    "test": ("sound", "window", "test"),
}
"""Purposes of each of make's two commands."""

_INSTALLERS = {
    "apt-get": "apt-get install -y --no-install-recommends",
    "dnf": "dnf install -y",
    "pacman": "pacman -S --needed",
}


@dataclass(frozen=True, slots=True)
class SystemLibrary:
    """Library, program or file of the operating system.

    Attributes
    ----------
    probe : str
        Soname of a shared object, name of a program, or file pattern.
    purpose : Purpose
    debian, fedora, arch : str
        Package that holds it.
    """

    probe: str
    purpose: Purpose
    debian: str
    fedora: str
    arch: str

    def is_present(self) -> bool:
        """Whether this machine has it; a shared object counts when it loads."""
        if self.probe.startswith("/"):
            return bool(glob.glob(self.probe))
        if ".so" not in self.probe:
            return shutil.which(self.probe) is not None
        try:
            ctypes.CDLL(self.probe)
        except OSError:
            return False
        return True

    def package(self, installer: str) -> str:
        """Name of the package for one of apt-get, dnf and pacman."""
        return {"apt-get": self.debian, "dnf": self.fedora, "pacman": self.arch}[installer]


_TABLE: list[tuple[str, Purpose, str, str, str]] = [
    ("libportaudio.so.2", "sound", "libportaudio2", "portaudio", "portaudio"),
    ("libGL.so.1", "window", "libgl1", "libglvnd-glx", "libglvnd"),
    ("libEGL.so.1", "window", "libegl1", "libglvnd-egl", "libglvnd"),
    ("libglib-2.0.so.0", "window", "libglib2.0-0", "glib2", "glib2"),
    ("libfontconfig.so.1", "window", "libfontconfig1", "fontconfig", "fontconfig"),
    ("libxkbcommon.so.0", "window", "libxkbcommon0", "libxkbcommon", "libxkbcommon"),
    ("libdbus-1.so.3", "window", "libdbus-1-3", "dbus-libs", "dbus"),
    ("libxcb-cursor.so.0", "window", "libxcb-cursor0", "xcb-util-cursor", "xcb-util-cursor"),
    ("libxcb-icccm.so.4", "window", "libxcb-icccm4", "xcb-util-wm", "xcb-util-wm"),
    ("libxcb-image.so.0", "window", "libxcb-image0", "xcb-util-image", "xcb-util-image"),
    ("libxcb-keysyms.so.1", "window", "libxcb-keysyms1", "xcb-util-keysyms",
     "xcb-util-keysyms"),
    ("libxcb-render-util.so.0", "window", "libxcb-render-util0", "xcb-util-renderutil",
     "xcb-util-renderutil"),
    ("libxcb-shape.so.0", "window", "libxcb-shape0", "libxcb", "libxcb"),
    ("libxcb-xkb.so.1", "window", "libxcb-xkb1", "libxcb", "libxcb"),
    ("libxkbcommon-x11.so.0", "window", "libxkbcommon-x11-0", "libxkbcommon-x11",
     "libxkbcommon-x11"),
    ("jackd", "test", "jackd2", "jack-audio-connection-kit", "jack2"),
    ("cyclictest", "test", "rt-tests", "realtime-tests", "rt-tests"),
    ("pulseaudio", "test", "pulseaudio", "pulseaudio", "pulseaudio"),
    ("pactl", "test", "pulseaudio-utils", "pulseaudio-utils", "libpulse"),
    ("libatomic.so.1", "test", "libatomic1", "libatomic", "gcc-libs"),  # of pedalboard's wheel
    ("/usr/lib*/*/alsa-lib/libasound_module_pcm_pulse.so", "test", "libasound2-plugins",
     "alsa-plugins-pulseaudio", "alsa-plugins"),
    ("/usr/lib*/vst3/ZamDelay.vst3", "test", "zam-plugins", "zam-plugins-vst3", "zam-plugins-vst3"),
    ("Xvfb", "test", "xvfb", "xorg-x11-server-Xvfb", "xorg-server-xvfb"),
    ("xdotool", "test", "xdotool", "xdotool", "xdotool"),
]  # fmt: skip

LIBRARIES = [SystemLibrary(*row) for row in _TABLE]
"""Everything outside Python that the program (sound, window) and its tests need on Linux."""


def missing(purposes: Iterable[Purpose]) -> list[SystemLibrary]:
    """Libraries for `purposes` that this machine lacks; none outside Linux, where wheels do."""
    if sys.platform != "linux":
        return []
    wanted = set(purposes)
    return [lib for lib in LIBRARIES if lib.purpose in wanted and not lib.is_present()]


def install_command(libraries: Iterable[SystemLibrary]) -> str:
    """One line for a root shell that installs `libraries`, or "" if there are none.

    On a Linux that has none of apt-get, dnf and pacman the line names what is missing instead.
    """
    wanted = list(libraries)
    if not wanted:
        return ""
    for installer, command in _INSTALLERS.items():
        if shutil.which(installer):
            packages = dict.fromkeys(library.package(installer) for library in wanted)
            return f"{command} {' '.join(packages)}"
    return f"install {' '.join(dict.fromkeys(library.probe for library in wanted))}"


if __name__ == "__main__":
    print(install_command(missing(PURPOSES[sys.argv[1]])))
