"""Conversions between decibels and amplitude, and between note names and hertz."""

import math
import re

SILENCE_DB = -120.0
"""The level below which a sound counts as silent, in dB of full scale."""

_SEMITONES = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_NOTE = re.compile(r"^([A-Ga-g])([#b♯♭]?)(-?\d+)$")


def db_to_amplitude(level: float) -> float:
    """Amplitude (1.0 is full scale) of a level in decibels."""
    return float(10.0 ** (level / 20.0))


def amplitude_to_db(amplitude: float) -> float:
    """Level in decibels of an amplitude, at least :data:`SILENCE_DB`."""
    return max(SILENCE_DB, 20.0 * math.log10(amplitude)) if amplitude > 0.0 else SILENCE_DB


def note_to_hertz(note: str) -> float | None:
    """Frequency in hertz of a note in scientific pitch ("A4" is 440 Hz), or None for other text."""
    found = _NOTE.match(note.strip())
    if found is None:
        return None
    letter, accidental, octave = found.groups()
    shift = {"": 0, "#": 1, "♯": 1, "b": -1, "♭": -1}[accidental]
    semitones = _SEMITONES[letter.upper()] + shift + 12 * (int(octave) - 4) - 9
    return 440.0 * 2.0 ** (semitones / 12.0)
