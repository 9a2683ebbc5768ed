"""Export of a matched sequence: table (CSV), notes and controllers (MIDI), or sound (WAV)."""

import csv
import io
import math
from collections.abc import Iterator, Sequence
from pathlib import Path

import mido
import numpy as np
from numpy.typing import NDArray

from mesosynth.audio.file import wav_draft
from mesosynth.engine.rack import Rack
from mesosynth.engine.slot import VECTOR
from mesosynth.errors import ArgumentError
from mesosynth.instruments import instrument_class
from mesosynth.instruments.chirplet import PARAMETERS
from mesosynth.matching.automation import GIVEN, Automation, automation_of
from mesosynth.matching.results import MatchedSequence, Moment
from mesosynth.matching.smoothing import smoothed
from mesosynth.plugins.plugin import CHANNELS, EVENT, NO_EVENTS, EventKind, Events
from mesosynth.system.atomic_file import write_atomically, writing

KINDS = (".csv", ".mid", ".wav")
"""Suffixes of the formats."""

RATE = 48000  # Hz
_BLOCK = 256  # frames between two values of the parameters
_TAIL = 1.0  # s after the original's end

TICKS, TEMPO = 480, 500_000  # per quarter note; microseconds per quarter note: 120 a minute
_GRID = 0.05  # s between two values of a controller
FIRST_CONTROLLER = 20
"""Controller of f_c; the others follow in the table's order, with their fine halves 32 above. Gain
is volume, 7."""
BEND_RANGE = 2.0
"""Semitones of a full bend, the usual setting."""
_ENTRY = 2.0  # standard deviations from the begin of a key's arpeggio to its middle
_NOT_DRUMS = tuple(channel for channel in range(16) if channel != 9)


def export_sequence(path: Path, matched: MatchedSequence, smooth: float = 0.0) -> None:
    """Write a sequence, in the format of the file's suffix, whole or not at all.

    Parameters
    ----------
    path : Path
        With a suffix of :data:`KINDS`.
    matched : MatchedSequence
    smooth : float
        s, see :func:`mesosynth.matching.smoothing.smoothed`.

    Raises
    ------
    ArgumentError
        If the suffix is another, nothing was found, or the file cannot be written.
    """
    check_ending(path)
    moments = smoothed(matched, smooth)
    if not moments:
        raise ArgumentError(
            f"{path} was not written: no arpeggio was found in {matched.sound.name} so far."
        )
    kind = path.suffix.lower()
    automation = automation_of(moments, matched.sound.duration)
    with writing(path, ArgumentError):
        if kind == ".csv":
            write_atomically(path, _csv(moments).encode())
        elif kind == ".wav":
            _write_wav(path, automation)
        else:
            write_atomically(path, _midi(moments, automation))


def check_ending(path: Path) -> None:
    """Raise for a suffix that is not in :data:`KINDS`.

    Raises
    ------
    ArgumentError
        If it is another.
    """
    if path.suffix.lower() not in KINDS:
        raise ArgumentError(f"{path} must end in {', '.join(KINDS[:-1])} or {KINDS[-1]}.")


def _csv(moments: Sequence[Moment]) -> str:
    """One row per arpeggio; the errors of known parameters stay empty."""
    ids = PARAMETERS.matchable
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["time", *ids, *(f"std_{id_}" for id_ in ids), "gain", "loss"])
    for moment in moments:
        errors = [moment.std.get(id_, "") for id_ in ids]
        values = [moment.theta[id_] for id_ in ids]
        table.writerow([moment.onset, *values, *errors, moment.gain, moment.loss])
    return text.getvalue()


# ---------------------------------------------------------------------- MIDI


def _midi(moments: Sequence[Moment], automation: Automation) -> bytes:
    """Notes at f_c, with pitch bend, and a track of controllers for each parameter."""
    file = mido.MidiFile(ticks_per_beat=TICKS)
    file.tracks.append(_track("Notes", [*_notes(moments)], tempo=True))
    for place, id_ in enumerate(automation.ids):
        controller = 7 if id_ == "gain" else FIRST_CONTROLLER + place
        parameter = PARAMETERS[id_]
        name = (
            f"{parameter.name}: {parameter.text(parameter.minimum)} to "
            f"{parameter.text(parameter.maximum)}, controller {controller}"
        )
        file.tracks.append(_track(name, [*_controllers(automation, place, controller)]))
    content = io.BytesIO()
    file.save(file=content)
    return content.getvalue()


Timed = tuple[float, mido.Message | mido.MetaMessage]


def _track(name: str, messages: Sequence[Timed], tempo: bool = False) -> mido.MidiTrack:
    """Track of messages at times in seconds."""
    track = mido.MidiTrack([mido.MetaMessage("track_name", name=name)])
    if tempo:
        track.append(mido.MetaMessage("set_tempo", tempo=TEMPO))
    at = 0
    for time, message in sorted(messages, key=lambda each: each[0]):
        tick = max(at, round(mido.second2tick(max(time, 0.0), TICKS, TEMPO)))
        track.append(message.copy(time=tick - at))
        at = tick
    return track


def _notes(moments: Sequence[Moment]) -> Iterator[Timed]:
    """Notes of the audible part of each arpeggio; overlapping notes have different channels.

    A bend holds for all notes of its channel, so two notes at once need two channels.
    """
    loudest = max(moment.gain for moment in moments)
    free = dict.fromkeys(_NOT_DRUMS, -math.inf)  # when each channel's last note ends
    for moment in moments:
        begin, end = (moment.onset + way * _ENTRY * moment.sigma for way in (-1.0, 1.0))
        channel = next((c for c in free if free[c] <= begin), min(free, key=lambda c: free[c]))
        free[channel] = end
        key = 69.0 + 12.0 * math.log2(moment.theta["f_c"] / 440.0)
        note = min(max(round(key), 0), 127)
        bend = min(max(round((key - note) / BEND_RANGE * 8192), -8192), 8191)
        velocity = min(max(round(127 * moment.gain / loudest), 1), 127)
        yield begin, mido.Message("pitchwheel", channel=channel, pitch=bend)
        yield begin, mido.Message("note_on", channel=channel, note=note, velocity=velocity)
        yield end, mido.Message("note_off", channel=channel, note=note)


def _controllers(automation: Automation, place: int, controller: int) -> Iterator[Timed]:
    """One parameter's knob in 14 bits: its coarse half, and 32 above it the fine one."""
    last = -1
    grid = np.arange(0.0, automation.duration + _GRID, _GRID)
    travels = np.interp(grid, automation.times, automation.travels[:, place])
    for time, travel in zip(grid, travels, strict=True):
        value = round(16383 * float(travel))
        if value != last:
            last = value
            for number, half in ((controller, value >> 7), (controller + 32, value & 0x7F)):
                yield float(time), mido.Message("control_change", control=number, value=half)


# ---------------------------------------------------------------------- sound


def render_automation(
    automation: Automation, sample_rate: int = RATE
) -> Iterator[NDArray[np.float32]]:
    """Sound of the instrument, in blocks (2, frames), as long as the original and its tail.

    Parameters
    ----------
    automation : Automation
    sample_rate : int
        Hz.

    Yields
    ------
    (2, frames) float32
    """
    rack = Rack(instrument_class("chirplet")())
    rack.prepare(sample_rate, _BLOCK)
    late = rack.latency
    vector = np.zeros(VECTOR)
    block = np.zeros((CHANNELS, _BLOCK), np.float32)
    frames = late + round((automation.duration + _TAIL) * sample_rate)
    for begin in range(0, frames, _BLOCK):
        end = begin + _BLOCK
        values = {**GIVEN, **automation.at(end / sample_rate)}
        vector[: len(PARAMETERS)] = PARAMETERS.vector(values)
        rack.process(vector, _events(automation, begin, end, sample_rate), True, block)
        yield block[:, max(late - begin, 0) : frames - begin].copy()


def _events(automation: Automation, begin: int, end: int, sample_rate: int) -> Events:
    """Events of frames `begin` to `end`; before the first one, arpeggios do not repeat."""
    since = -math.inf if begin == 0 else begin / sample_rate
    found = automation.between(since, end / sample_rate)
    rows = [
        (max(0, min(round(time * sample_rate), end - 1) - begin), kind, 0, 0, 0.0)
        for time, kind in found
    ]
    if begin == 0:
        rows.insert(0, (0, EventKind.STOP, 0, 0, 0.0))
    return np.array(rows, EVENT) if rows else NO_EVENTS


def _write_wav(path: Path, automation: Automation) -> None:
    """Write 24 bits, block by block, since an hour would not fit into memory."""
    with wav_draft(path, RATE, CHANNELS, "PCM_24") as write:
        for block in render_automation(automation):
            write(block.T)
