"""How a target is heard beside the instrument: as loud as that, and in step with it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mesosynth import units
from mesosynth.audio.file import stream_audio
from mesosynth.audio.target import ANALYSIS_RATE, ANALYSIS_SAMPLES, Target
from mesosynth.engine.audition import CAPACITY
from mesosynth.errors import MesosynthError
from mesosynth.instruments.layers import LAYERS, SILENT
from mesosynth.plugins.tempo import synced_period
from mesosynth.presets.preset import EffectState

_SECONDS = ANALYSIS_SAMPLES / ANALYSIS_RATE
_LISTENING_RATE, _LISTENING_BLOCK = 24000, 1024  # where the instrument is heard beforehand
_ALONE = -20.0  # LUFS of the target where the instrument cannot be heard
_INAUDIBLE = -50.0  # LUFS
_LOUDEST = 20.0  # dB that the target may be raised by
_EDGE = 0.005  # s; the target may begin and end in the middle of things


@dataclass(frozen=True, slots=True)
class Scene:
    """All that a plan depends on.

    Attributes
    ----------
    target : Target
        Which equality leaves out: whether it is the same is a question of identity.
    path : Path or None
        Its file, for all of its band; None where there is none.
    beat : float or None
        When the instrument begins in the target's window, if what was matched is to lie over it, s;
        None where that is not known.
    instrument : str
        Of which one that is a user's own is not heard beforehand.
    values : mapping
        The instrument's parameters by id.
    effects : tuple of EffectState
    sample_rate : int
        The device's, Hz.
    """

    target: Target = field(compare=False)
    path: Path | None
    beat: float | None
    instrument: str
    values: Mapping[str, float]
    effects: tuple[EffectState, ...]
    sample_rate: int

    def is_like(self, other: "Scene | None") -> bool:
        """Whether the same plan suits both."""
        return other is not None and self.target is other.target and self == other


@dataclass(frozen=True, eq=False)
class Plan:
    """How it is done.

    Attributes
    ----------
    scene : Scene
        What it is for.
    samples : (n,) float32
        The target at the device's rate.
    gain : float
        That makes it as loud as the instrument.
    period : int
        Frames from one beginning of it to the next, a whole number of arpeggios.
    start : int
        Frame of that period at which it begins, so that its arpeggio lies over the first live one.
    """

    scene: Scene
    samples: NDArray[np.float32]
    gain: float
    period: int
    start: int


def plan(scene: Scene, before: Plan | None = None) -> Plan:
    """Work it out, with what can be taken from the plan before; takes some tenths of a second."""
    rate = scene.sample_rate
    samples = before.samples if before is not None and _same_sound(before.scene, scene) else None
    if samples is None:
        samples = _sound(scene)
    seconds = _repetition(scene)
    begin = 0.0 if scene.beat is None else scene.beat % seconds
    return Plan(
        scene=scene,
        samples=samples,
        gain=_gain(samples, scene),
        period=max(round(seconds * rate), len(samples)),
        start=round(begin * rate),
    )


def _same_sound(one: Scene, other: Scene) -> bool:
    same = (one.path, one.sample_rate) == (other.path, other.sample_rate)
    return same and one.target is other.target


def _sound(scene: Scene) -> NDArray[np.float32]:
    """The target's window at the device's rate; of a file with all that the matcher leaves out."""
    import soxr

    rate = scene.sample_rate
    sound = _from_file(scene)
    audio, source_rate = (scene.target.audio, ANALYSIS_RATE) if sound is None else sound
    samples = soxr.resample(audio, source_rate, rate).astype(np.float32)[:CAPACITY]
    edge = round(_EDGE * rate)
    ramp = np.linspace(0.0, 1.0, edge, dtype=np.float32)
    samples[:edge] *= ramp
    samples[-edge:] *= ramp[::-1]
    return samples


def _from_file(scene: Scene) -> tuple[NDArray[np.float32], float] | None:
    """The window as the file has it, and the file's rate; None if that is no longer the sound."""
    if scene.path is None:
        return None
    target = scene.target
    try:
        stream = stream_audio(scene.path)
    except MesosynthError:
        return None
    if stream.sha256 != target.sha256:
        return None
    begin = round(target.start * stream.sample_rate)
    window = np.zeros(round(_SECONDS * stream.sample_rate), np.float32)
    at = 0
    for block in stream.blocks():
        first, last = max(begin, at), min(begin + len(window), at + len(block))
        if first < last:
            window[first - begin : last - begin] = block[first - at : last - at]
        at += len(block)
        if at >= begin + len(window):
            break
    return window * np.float32(target.scale), stream.sample_rate


def _repetition(scene: Scene) -> float:
    """From one beginning of the target to the next, s: as many periods as it takes."""
    period = _period(scene)
    # Not another period for less than is faded at its end.
    return period * np.ceil(_SECONDS / period - 1e-3)


def _period(scene: Scene) -> float:
    """Of the instrument, s; of layers that of the phrase, which is the longest."""
    values = scene.values
    if scene.instrument == "layers":
        heard = [n for n in range(1, LAYERS + 1) if values[f"level_{n}"] > SILENT]
        return max([values[f"period_{n}"] for n in heard], default=_SECONDS) / values["speed"]
    if values.get("sync", 0.0) >= 0.5 and {"tempo", "division"} <= set(values):
        return synced_period(values["tempo"], values["division"])
    return values.get("period", _SECONDS)


def _gain(samples: NDArray[np.float32], scene: Scene) -> float:
    from mesosynth.audio.loudness import largest_loudness

    both_sides = np.stack([samples, samples])
    target = largest_loudness(both_sides, scene.sample_rate)
    heard = _loudness_of_instrument(scene)
    if heard < _INAUDIBLE:
        heard = _ALONE
    return units.db_to_amplitude(min(heard - target, _LOUDEST))


def _loudness_of_instrument(scene: Scene) -> float:
    """Of what the instrument plays now, LUFS; users' plugins are left out."""
    from mesosynth.audio.loudness import largest_loudness
    from mesosynth.effects import EFFECTS
    from mesosynth.engine.rack import render
    from mesosynth.instruments import INSTRUMENTS

    if scene.instrument not in INSTRUMENTS:
        return _ALONE
    effects = [e for e in scene.effects if e.plugin in EFFECTS and not e.bypassed]
    sound = render(
        scene.instrument, scene.values, _SECONDS, _LISTENING_RATE, _LISTENING_BLOCK, effects
    )
    return largest_loudness(sound, _LISTENING_RATE)
