"""Every kind of sound file that cannot be matched, made for real."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import soundfile

RATE = 8192


def tone(seconds: float = 1.0, rate: int = RATE) -> np.ndarray:
    t = np.arange(round(seconds * rate)) / rate
    return (0.3 * np.sin(2 * np.pi * 440.0 * t)).astype(np.float32)


def _missing(path: Path) -> None:
    pass


def _folder(path: Path) -> None:
    path.mkdir()


def _empty(path: Path) -> None:
    path.touch()


def _text(path: Path) -> None:
    path.write_text("I am a letter, not a sound.\n" * 50)


def _truncated_header(path: Path) -> None:
    soundfile.write(path, tone(), RATE)
    path.write_bytes(path.read_bytes()[:30])


def _truncated_ogg(path: Path) -> None:
    soundfile.write(path, tone(4.0), RATE, format="OGG")
    path.write_bytes(path.read_bytes()[:200])


def _silent(path: Path) -> None:
    soundfile.write(path, np.zeros(RATE), RATE)


def _constant(path: Path) -> None:
    soundfile.write(path, np.full(RATE, 0.5), RATE)


def _nearly_silent(path: Path) -> None:
    soundfile.write(path, 1e-6 / 0.3 * 1.001 * tone(), RATE, subtype="FLOAT")


def _short(path: Path) -> None:
    soundfile.write(path, tone(0.049, 44100), 44100)


def _no_samples(path: Path) -> None:
    soundfile.write(path, np.zeros(0), RATE)


def _nan(path: Path) -> None:
    audio = tone()
    audio[[100, 200, 300]] = np.nan, np.inf, -np.inf
    soundfile.write(path, audio, RATE, subtype="FLOAT")


BAD_SOUNDS: dict[str, tuple[Callable[[Path], None], str]] = {
    "missing": (_missing, "does not exist"),
    "folder": (_folder, "is a folder"),
    "empty": (_empty, "is empty"),
    "text": (_text, "is not a sound file"),
    "truncated_header": (_truncated_header, "is not a sound file"),
    "truncated_ogg": (_truncated_ogg, "is not a sound file"),
    "silent": (_silent, "is silent"),
    "constant": (_constant, "is silent"),
    "nearly_silent": (_nearly_silent, r"is nearly silent \(-120 dBFS\); make it louder"),
    "short": (_short, "lasts 49 ms"),
    "no_samples": (_no_samples, "lasts 0 ms"),
    "nan": (_nan, r"holds 3 samples \(of 8192\) that are not finite"),
}
"""How to make each, and what is said about it."""
