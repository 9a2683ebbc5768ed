"""Sampler: a recorded sound, played by keys at other speeds, once or as a loop.

A voice holds its place p in the sound, in samples of the file, and moves on by the ratio of its
pitch to that of the sound. Between samples it interpolates by a windowed sinc. So that nothing
aliases, copies of the sound with ever lower rates are made by soxr when it is loaded, half an
octave apart, and a voice reads the first one that it does not skip through. At a loop's end the
sound fades, by power, into what follows the loop's begin::

    y = x(p) cos(pi u / 2) + x(p - L) sin(pi u / 2),  u = (p - end + fade) / fade,
    L = end - begin - fade, by which p goes back at the end
"""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mesosynth import units
from mesosynth.errors import ArgumentError, MesosynthError
from mesosynth.instruments.keyboard import (
    GAIN,
    RELEASE,
    REPETITION,
    SPREAD,
    V_AMPLITUDE,
    V_FADE,
    V_GAIN,
    V_GOING,
    V_KEY,
    V_LEFT,
    V_RIGHT,
    V_STEP,
    VoiceInstrument,
)
from mesosynth.instruments.oscillator import sine
from mesosynth.instruments.strike import ATTACK_STEEPNESS
from mesosynth.plugins.parameters import Parameter, ParameterTable
from mesosynth.plugins.tuning import MIDDLE_C_HERTZ
from mesosynth.system.kernels import F4, F8, I8, compile_loops, loop
from mesosynth.system.paths import resource, text_path

LONGEST = 60.0
"""Part of a file that is played, s."""

PARAMETERS = ParameterTable(
    [
        Parameter("f_c", "Pitch", "Hz", 20.0, 12000.0, MIDDLE_C_HERTZ,
                  "Pitch without a key; at the sound's own, it plays at its own speed.",
                  curve="log"),
        Parameter("root", "Root", "Hz", 20.0, 12000.0, MIDDLE_C_HERTZ,
                  "Pitch of the sound itself; by default it is that of the middle C.",
                  curve="log"),
        Parameter("begin", "Begin", "", 0.0, 1.0, 0.0, "Where in the sound a key begins."),
        Parameter("loop", "Loop", "", 0.0, 1.0, 1.0,
                  "Whether it plays once, again by the period, or as a loop until the key goes.",
                  choices=("Once", "Loop")),
        Parameter("loop_begin", "Loop begin", "", 0.0, 1.0, 0.0,
                  "Where in the sound a loop begins."),
        Parameter("loop_end", "Loop end", "", 0.0, 1.0, 1.0, "Where in the sound a loop ends."),
        Parameter("fade", "Cross-fade", "s", 0.001, 4.0, 0.1,
                  "Time in which a loop's end fades into its begin.", curve="log"),
        Parameter("attack", "Attack", "s", 0.001, 8.0, 0.005, "Time in which the sound comes.",
                  curve="log"),
        Parameter("decay", "Decay", "s", 0.01, 10.0, 1.0,
                  "Time in which it falls towards the sustain, to 1/e.", curve="log"),
        Parameter("sustain", "Sustain", "", 0.0, 1.0, 1.0, "Level while the key is held."),
        *REPETITION, SPREAD, RELEASE, GAIN,
    ]
)  # fmt: skip

(
    P_ROOT, P_BEGIN, P_LOOP, P_LOOP_BEGIN, P_LOOP_END, P_FADE, P_ATTACK, P_DECAY, P_SUSTAIN, P_GAIN,
) = (
    PARAMETERS.index(id_)
    for id_ in ("root", "begin", "loop", "loop_begin", "loop_end", "fade", "attack", "decay",
                "sustain", "gain")
)  # fmt: skip

# --------------------------------------------------------------------------------------------------
# Sample loops


TAPS, PHASES = 16, 512  # of the interpolation; its error is below -90 dB
COPIES = 13  # of the sound: six octaves up
_HALF_OCTAVE = math.sqrt(0.5)
_SEMITONE = 2.0 ** (1.0 / 12.0)  # by which a voice may be too fast for its copy: a vibrato
_BETA = 8.0  # of the Kaiser window
_SHORTEST_LOOP = 64.0  # samples
_SILENT = 1e-5  # level of a voice that has ended, -100 dB

_NEXT = 3  # columns from the begin of a ramp to its end
_END = V_STEP + _NEXT
V_PLACE, V_REST, V_FALL, V_COPY, V_COPY_NEXT, _FIELDS = range(_END + _NEXT, _END + _NEXT + 6)
"""Columns of a voice: place in the sound in its samples, rest of the attack, and of the decay; copy
of the sound that is read before this block (below 0 for none yet), and from it on."""

(
    R_COMING,  # change of the rest of the attack per sample
    R_FALLING,  # of that of the decay
    R_SUSTAIN,
    R_LEVEL,
    R_LOOPS,  # whether voices loop; from here on, the values hold for the block
    R_LOOP_BEGIN,
    R_LOOP_END,
    R_FADE,
    _RAMPS,
) = range(9)
"""Columns of the ramps; places and the fade in samples of the sound."""


@loop("void(f4[:, ::1], f8[:, ::1], f8, f8[::1])")
def _read(samples: F4, sinc: F8, at: float, heard: F8) -> None:
    """Set `heard` to both channels at a place between samples."""
    whole = math.floor(at)
    x = (at - whole) * PHASES
    phase = int(x)
    x -= phase
    first = int(whole) - TAPS // 2 + 1
    left = right = 0.0
    for k in range(TAPS):
        weight = sinc[phase, k] + x * (sinc[phase + 1, k] - sinc[phase, k])
        left += weight * samples[0, first + k]
        right += weight * samples[1, first + k]
    heard[0], heard[1] = left, right


@loop("void(f8[::1], f8[:, ::1], f4[:, ::1], i8[::1], f8[:, ::1], f8[::1], f8[:, ::1], i8, i8, i8)")
def _voice(
    row: F8, ramps: F8, samples: F4, copies: I8, sinc: F8, heard: F8, mix: F8, begin: int, end: int,
    frames: int,
) -> None:  # fmt: skip
    """Add the samples of one voice to `mix`, and move it on."""
    now, then = ramps[0], ramps[1]
    length = float(copies[1] - copies[0] - 2 * TAPS)
    fastest, copy, ratio = max(row[V_STEP], row[V_STEP + _NEXT]), 0, 1.0
    while fastest * ratio > _SEMITONE and copy < COPIES - 1:
        copy += 1
        ratio *= _HALF_OCTAVE
    before = copy if row[V_COPY] < 0.0 else int(row[V_COPY])
    row[V_COPY_NEXT] = copy
    loops, last, fade = then[R_LOOPS] > 0.0, then[R_LOOP_END], then[R_FADE]
    back = last - then[R_LOOP_BEGIN] - fade
    place, rest, fall, going = row[V_PLACE], row[V_REST], row[V_FALL], row[V_GOING]
    for n in range(begin, end):
        i = (n + 1.0) / frames
        left = right = 0.0
        u = min((place - last) / fade + 1.0, 1.0)
        for which in (before, copy):  # which fade into each other in a block where they differ
            share = 1.0 if before == copy else (i if which == copy else 1.0 - i)
            ratio = _HALF_OCTAVE**which
            origin = float(copies[which] + TAPS)
            _read(samples, sinc, origin + place * ratio, heard)
            out = share * (sine(0.25 * (1.0 + u)) if loops and u > 0.0 else 1.0)
            left, right = left + out * heard[0], right + out * heard[1]
            if loops and u > 0.0:
                _read(samples, sinc, origin + (place - back) * ratio, heard)
                coming = share * sine(0.25 * u)
                left, right = left + coming * heard[0], right + coming * heard[1]
            if before == copy:
                break
        sustain = now[R_SUSTAIN] + (then[R_SUSTAIN] - now[R_SUSTAIN]) * i
        x = (1.0 - rest) * (sustain + (1.0 - sustain) * fall) * going * going
        x *= row[V_AMPLITUDE] + (row[V_AMPLITUDE + _NEXT] - row[V_AMPLITUDE]) * i
        mix[0, n] += row[V_LEFT] * x * left
        mix[1, n] += row[V_RIGHT] * x * right
        rest *= now[R_COMING] + (then[R_COMING] - now[R_COMING]) * i
        fall *= now[R_FALLING] + (then[R_FALLING] - now[R_FALLING]) * i
        going = max(going - row[V_FADE], 0.0)
        place += row[V_STEP] + (row[V_STEP + _NEXT] - row[V_STEP]) * i
        if loops and place >= last:
            place -= back * (1.0 + math.floor((place - last) / back))
        elif place >= length:
            place, going = length, 0.0
    row[V_PLACE], row[V_GOING] = place, going
    row[V_REST] = rest if rest > 1e-30 else 0.0  # before they are too small for fast arithmetic
    row[V_FALL] = fall if fall > 1e-30 else 0.0


@loop("i8(f8[:, ::1], i8, f8[:, ::1], f4[:, ::1], i8[::1], f8[:, ::1], f8[::1], f8[:, ::1], "
      "f4[:, :], i8, i8)")  # fmt: skip
def _render(
    voices: F8, count: int, ramps: F8, samples: F4, copies: I8, sinc: F8, heard: F8, mix: F8,
    block: F4, begin: int, end: int,
) -> int:  # fmt: skip
    """Overwrite frames `begin` to `end` of `block`; return how many voices are left.

    `samples`, (2, all), holds the copies of the sound one after another, each between zeros, from
    `copies` on; `heard`, (2,), and `mix`, (2, frames), are memory.
    """
    frames, now, then = block.shape[1], ramps[0], ramps[1]
    mix[:, begin:end] = 0.0
    for v in range(count):
        _voice(voices[v], ramps, samples, copies, sinc, heard, mix, begin, end, frames)
    for n in range(begin, end):
        level = now[R_LEVEL] + (then[R_LEVEL] - now[R_LEVEL]) * ((n + 1.0) / frames)
        block[0, n] = mix[0, n] * level
        block[1, n] = mix[1, n] * level
    if end < frames:
        return count
    now[:] = then
    left = 0
    for v in range(count):
        row = voices[v]
        row[V_STEP:_END] = row[_END : _END + _NEXT]
        row[V_COPY] = row[V_COPY_NEXT]
        fallen = then[R_SUSTAIN] + row[V_FALL] < _SILENT
        if row[V_GOING] > 0.0 and not fallen:
            if left < v:
                voices[left, :] = row
            left += 1
    return left


def sinc_table() -> NDArray[np.float64]:
    """Weights of TAPS samples around a place between two of them, (PHASES + 1, TAPS)."""
    t = np.arange(TAPS) - (TAPS // 2 - 1) - np.arange(PHASES + 1)[:, None] / PHASES
    window = np.i0(_BETA * np.sqrt(np.maximum(1.0 - (t / (TAPS / 2)) ** 2, 0.0)))
    weights = np.sinc(t) * window
    return weights / weights.sum(1, keepdims=True)


# --------------------------------------------------------------------------------------------------
# The instrument


class Sampler(VoiceInstrument):
    """Sampler: a sound that loops, or that keys or the clock start.

    A loop without a key begins with the transport and gives way to keys. While frozen, nothing
    starts but by keys. Loop points, begin and fade hold from the next block on. Without a sound of
    its own it plays the demonstration's.

    Attributes
    ----------
    sound : str
        Path of the file; the preset refers to it.
    """

    name = "Sampler"
    pitch = "f_c"
    parameters = PARAMETERS
    partials, fields, ramped = 1, _FIELDS, _RAMPS

    def __init__(self) -> None:
        super().__init__()
        self.sound = ""
        self._loaded: str | None = None

    def state(self) -> dict[str, Any]:
        """[control] Path of the sound, and what every keyboard instrument keeps."""
        return {**super().state(), **({"sound": self.sound} if self.sound else {})}

    def restore(self, state: Mapping[str, Any]) -> None:
        """[control] Take a sound, which is read by :meth:`prepare`.

        Parameters
        ----------
        state : mapping
            "sound", the path of a file, and as :class:`KeyboardInstrument`.

        Raises
        ------
        ArgumentError
            If one is not valid; all stays as it was.
        """
        sound: object = state.get("sound", "")
        if not isinstance(sound, str) or "\0" in sound:
            raise ArgumentError(f"sound={sound!r} must be the path of a sound file.")
        super().restore(state)
        self.sound = sound

    def prepare(self, sample_rate: float, max_block: int) -> None:
        """[control] Allocate everything for blocks of up to `max_block` frames, then reset.

        A sound that cannot be read is silence, and :attr:`problem` says why.
        """
        compile_loops(__name__)
        if self._loaded != self.sound:
            self._load()
        self._sinc, self._heard = sinc_table(), np.zeros(2)
        super().prepare(sample_rate, max_block)

    def _load(self) -> None:
        """Read the sound, and make its copies of lower rates."""
        import soxr

        from mesosynth.audio.file import read_channels

        self.problem, self._loaded = "", self.sound
        try:
            path = text_path(self.sound) if self.sound else resource("assets", "demo.wav")
            audio, self._rate = read_channels(path, seconds=LONGEST)
        except MesosynthError as error:
            self.problem = f"The sampler is silent: {error}"
            audio, self._rate = np.zeros((1, 1), np.float32), 48000
        if len(audio) != 2:
            audio = np.broadcast_to(audio.mean(0), (2, audio.shape[1]))
        if not np.isfinite(audio).all():
            audio = np.nan_to_num(audio, nan=0.0, posinf=0.0, neginf=0.0)
        self._length = audio.shape[1]
        pieces, begins = [], [0]
        copy = np.ascontiguousarray(audio.T, np.float32)
        for number in range(COPIES):
            if number:
                copy = soxr.resample(copy, 1.0, _HALF_OCTAVE)
            pieces.append(np.pad(copy, ((TAPS, TAPS), (0, 0))))
            begins.append(begins[-1] + len(pieces[-1]))
        tail = np.zeros((2 * TAPS, 2), np.float32)  # the last copies may be a sample too short
        self._samples = np.ascontiguousarray(np.concatenate([*pieces, tail]).T)
        self._copies = np.array(begins, np.int64)

    def aim_ramps(self) -> float:
        """[audio] Set the ends of the shared ramps; return the samples of the sound per hertz."""
        knobs, rate, length = self.knobs, self._sample_rate, self._length
        last = max(knobs[P_LOOP_END] * length, min(_SHORTEST_LOOP, length))
        first = max(min(knobs[P_LOOP_BEGIN] * length, last - _SHORTEST_LOOP), 0.0)
        targets = (
            math.exp(-ATTACK_STEEPNESS / (knobs[P_ATTACK] * rate)),
            math.exp(-1.0 / (knobs[P_DECAY] * rate)),
            knobs[P_SUSTAIN], units.db_to_amplitude(knobs[P_GAIN]), knobs[P_LOOP], first, last,
            min(knobs[P_FADE] * self._rate, 0.5 * (last - first)),
        )  # fmt: skip
        for column, target in enumerate(targets):
            self._ramps[1, column] = target
        return self._rate / (knobs[P_ROOT] * rate)

    def start(self, place: int) -> None:
        """[audio] Start a voice, of the key at `place` or without one (-1), unless it loops."""
        if self.knobs[P_LOOP] >= 0.5:
            if place in self._rows[: self.voices, V_KEY].tolist():
                return
            if place >= 0:
                self.release(-1)
        super().start(place)

    def _begin_voice(self, row: F8, place: int) -> None:
        """[audio] Begin with the attack."""
        row[V_PLACE] = self.knobs[P_BEGIN] * self._length
        row[V_REST] = row[V_FALL] = 1.0
        row[V_COPY] = -1.0

    def render(self, block: F4, begin: int, end: int) -> None:
        """[audio] Overwrite frames `begin` to `end` of `block`, (2, frames)."""
        self.voices = _render(
            self._rows, self.voices, self._ramps, self._samples, self._copies, self._sinc,
            self._heard, self._mix, block, begin, end,
        )  # fmt: skip

    def make_room(self, by_key: bool) -> bool:
        """[audio] Fade the quietest voice where there are too many."""
        return super().make_room(by_key=True)

    def loudness(self, row: F8) -> float:
        """[audio] Level of a voice, for the choice of one to end."""
        return float(row[V_GOING] * row[V_GAIN] * (1.0 - row[V_REST]))
