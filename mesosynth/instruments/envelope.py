"""Envelope: events of an instrument that sounds all the time, such as a ripple or grains.

Each start, by the clock or by a key, lets the instrument begin anew under the envelope of a strike
(see :mod:`mesosynth.instruments.strike`), with t the time since the start::

    e(t) = (1 - exp(-t / a))^2 exp(-t / decay) / P,   a = attack / ATTACK_STEEPNESS

where P makes its peak 1. There is one voice: a start takes the place of what still sounds, whose
last sample falls to silence in two milliseconds, so that nothing clicks.
"""

import functools
import math
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from mesosynth.instruments.keyboard import BEND, RELEASE, REPETITION, KeyboardInstrument
from mesosynth.instruments.strike import ATTACK_STEEPNESS, SILENT
from mesosynth.instruments.strike import PARAMETERS as STRIKE
from mesosynth.plugins.parameters import ParameterTable
from mesosynth.plugins.plugin import NO_EVENTS, Instrument
from mesosynth.system.kernels import F4, F8, compile_loops, loop

# --------------------------------------------------------------------------------------------------
# Parameter table


_ENVELOPE = ("attack", "decay")
_OF_THE_OUTPUT = ("spread", "gain")
_PITCHES = {"f_0": ("f_0",), "f_low": ("f_low", "f_high")}
"""Parameters that a key transposes, by the first of them."""


@functools.cache
def enveloped_table(kind: type[Instrument]) -> ParameterTable:
    """Parameters of an instrument's events: its own, matchable but for the output; the envelope.

    Parameters
    ----------
    kind : type
        Class of an instrument. One that has events anyway keeps its own table.

    Returns
    -------
    ParameterTable
    """
    if issubclass(kind, KeyboardInstrument) or not set(_PITCHES) & set(kind.parameters):
        return kind.parameters
    own = [
        # A speed that is never 0 passes through it here, as that of other layers does.
        replace(p, matchable=p.id not in _OF_THE_OUTPUT,
                curve="asinh" if p.curve == "signed_log" else p.curve)
        for p in kind.parameters.values()
    ]  # fmt: skip
    return ParameterTable([*own, *(STRIKE[id_] for id_ in _ENVELOPE), *REPETITION, RELEASE])


# --------------------------------------------------------------------------------------------------
# Sample loop


(
    E_REST,  # v of the attack: exp(-t / a)
    E_FALL,  # exp(-t / decay)
    E_GOING,  # release level
    E_COMING,  # change of v per sample
    E_FALLING,  # change of the fall per sample
    E_FADE,  # loss of the release level per sample
    E_SCALE,  # gain of the key over P
    E_LEFT,  # last sample of each side, which falls after a new start
    E_RIGHT,
    E_CLICKLESS,  # factor of that fall per sample
    E_LAST_LEFT,  # last samples of the block before
    E_LAST_RIGHT,
    _FIELDS,
) = range(13)

_CLICK_SECONDS = 5e-4  # time constant


@loop("void(f4[:, :], f8[::1], b1)")
def _shape(part: F4, e: F8, frozen: bool) -> None:
    """Multiply a part of a block, (2, frames), by the envelope."""
    for n in range(part.shape[1]):
        gain = e[E_SCALE] * (1.0 - e[E_REST]) ** 2 * e[E_FALL] * e[E_GOING] ** 2
        if not frozen:
            e[E_REST] *= e[E_COMING]
            e[E_FALL] *= e[E_FALLING]
        e[E_GOING] = max(e[E_GOING] - e[E_FADE], 0.0)
        part[0, n] = gain * part[0, n] + e[E_LEFT]
        part[1, n] = gain * part[1, n] + e[E_RIGHT]
        e[E_LEFT] *= e[E_CLICKLESS]
        e[E_RIGHT] *= e[E_CLICKLESS]
        e[E_LAST_LEFT], e[E_LAST_RIGHT] = part[0, n], part[1, n]
    for place in (E_REST, E_LEFT, E_RIGHT):
        if abs(e[place]) < 1e-12:  # before it is too small for fast arithmetic
            e[place] = 0.0


# --------------------------------------------------------------------------------------------------
# The instrument


class Enveloped(KeyboardInstrument):
    """Events of an instrument that sounds all the time, repeated by a clock or played by keys.

    Parameters
    ----------
    inner : Instrument
        The instrument, which begins anew at each start.
    values : mapping
        Parameters by id; they keep the ratio of the highest pitch of grains to the lowest.
    """

    name = "Enveloped"

    def __init__(self, inner: Instrument, values: Mapping[str, float]) -> None:
        self._inner = inner
        self.parameters = enveloped_table(type(inner))  # pyright: ignore[reportAttributeAccessIssue]
        self.pitch = next(id_ for id_ in _PITCHES if id_ in self.parameters)  # pyright: ignore[reportAttributeAccessIssue]
        super().__init__()
        table, first = inner.parameters, _PITCHES[self.pitch][0]
        complete = table.complete({id_: x for id_, x in values.items() if id_ in table})
        self._pitched = [(table.index(id_), complete[id_] / complete[first])
                         for id_ in _PITCHES[self.pitch]]  # fmt: skip
        self._table, self._own = [*table.values()], table.vector(complete)
        self._attack_at, self._decay_at, self._release_at = (
            self.parameters.index(id_) for id_ in (*_ENVELOPE, "release")
        )

    def prepare(self, sample_rate: float, max_block: int) -> None:
        """[control] Allocate everything for blocks of up to `max_block` frames, then reset."""
        compile_loops(__name__)
        self._inner.prepare(sample_rate, max_block)
        self._envelope = np.zeros(_FIELDS)
        super().prepare(sample_rate, max_block)

    def forget(self) -> None:
        """[audio] Drop all sound."""
        self._envelope.fill(0.0)
        self._envelope[E_CLICKLESS] = math.exp(-1.0 / (_CLICK_SECONDS * self._sample_rate))
        self._place, self._hertz = -1, 0.0  # key of the event, and its pitch; 0: the parameter's

    def begin_block(self) -> None:
        """[audio] Hand the knobs on to the instrument."""
        own = self._own
        for place, parameter in enumerate(self._table):
            own[place] = parameter.clamp(self.knobs[place])
        channel = self.keyboard.keys[self._place].channel if self._place >= 0 else 0
        hertz = self._hertz or self.knobs[self._pitch_at]
        hertz *= 2.0 ** (float(self.keyboard.gestures[BEND, channel]) / 12.0)
        for place, ratio in self._pitched:
            own[place] = self._table[place].clamp(hertz * ratio)

    def start(self, place: int) -> None:
        """[audio] Begin anew with the key at `place`, or without a key (-1)."""
        knobs, e, rate = self.knobs, self._envelope, self._sample_rate
        key = self.keyboard.keys[place]
        self._place, self._hertz = place, key.hertz if place >= 0 else 0.0
        self.begin_block()
        self._inner.reset()
        a, decay = knobs[self._attack_at] / ATTACK_STEEPNESS, knobs[self._decay_at]
        r = a / decay
        peak = (2.0 / (2.0 + r)) ** 2 * (r / (2.0 + r)) ** r
        e[E_REST] = e[E_FALL] = e[E_GOING] = 1.0
        e[E_COMING], e[E_FALLING] = math.exp(-1.0 / (a * rate)), math.exp(-1.0 / (decay * rate))
        e[E_FADE] = 0.0
        e[E_SCALE] = (key.gain if place >= 0 else 1.0) / peak
        e[E_LEFT], e[E_RIGHT] = e[E_LAST_LEFT], e[E_LAST_RIGHT]

    def release(self, place: int) -> None:
        """[audio] Fade the event of the key at `place`, or that without one (-1)."""
        if place == self._place:
            self._envelope[E_FADE] = 1.0 / (self.knobs[self._release_at] * self._sample_rate)

    def silence(self) -> None:
        """[audio] Fade at once."""
        self._envelope[E_FADE] = 1.0 / (0.02 * self._sample_rate)

    def render(self, block: F4, begin: int, end: int) -> None:
        """[audio] Render a part of a block."""
        e, part = self._envelope, block[:, begin:end]
        if e[E_FALL] * e[E_SCALE] * e[E_GOING] < SILENT and abs(e[E_LEFT]) + abs(e[E_RIGHT]) == 0.0:
            part.fill(0.0)
            e[E_LAST_LEFT] = e[E_LAST_RIGHT] = 0.0
            return
        self._inner.process(self._own, NO_EVENTS, part)
        _shape(part, e, self.frozen)
