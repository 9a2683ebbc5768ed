"""Comparison by ear of target and match: equally loud, and in step.

The audio process plays the target beside the instrument. A :class:`Plan` has its samples, its gain,
and its start, for a :class:`Scene`.
"""

import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from mesosynth import units
from mesosynth.audio.target import Target
from mesosynth.engine.audition import CAPACITY, AuditionRequest
from mesosynth.engine.process import AudioProcess
from mesosynth.errors import TargetError
from mesosynth.instruments.layers import LAYERS, SILENT
from mesosynth.plugins.tempo import synced_period
from mesosynth.presets.matched import PAUSE
from mesosynth.presets.preset import EffectState
from mesosynth.session.layers import INSTRUMENT, Layers
from mesosynth.session.match import Match
from mesosynth.session.rack import Rack
from mesosynth.session.signals import Emitter, Signal
from mesosynth.session.sound import Sound
from mesosynth.session.target import CurrentTarget

AuditionChoice = Literal["target", "match", "both"]
"""Audible part of target and match during a comparison."""

_REST = 0.3  # s without a change, before the loudness is measured again
_TOGETHER = 0.5**0.5  # gain of each when both are heard


class Comparison:
    """Plays the target beside the instrument, in the same audio process, equally loud.

    Attributes
    ----------
    on_hear : tuple of callable
        Called before a comparison begins.
    """

    changed = Signal(object)
    """The audible part: "target", "match" or "both"; None when it ends. It is told twice: when it
    is asked for, and when it is :attr:`ready`."""

    def __init__(
        self,
        emit: Emitter,
        audio: AudioProcess,
        sound: Sound,
        rack: Rack,
        target: CurrentTarget,
        match: Match,
        layers: Layers,
    ) -> None:
        self._emit, self._audio, self._sound, self._rack = emit, audio, sound, rack
        self._target, self._match, self._layers = target, match, layers
        self.on_hear: tuple[Callable[[], None], ...] = ()
        self._heard: AuditionChoice | None = None
        self._planner = ThreadPoolExecutor(1, thread_name_prefix="mesosynth audition")
        self._planning: Future[Plan] | None = None
        self._plan: Plan | None = None
        self._scene: Scene | None = None  # at the last look
        self._asked: Scene | None = None  # of the last requested plan
        self._scene_since = 0.0
        self._serial = 0

    @property
    def heard(self) -> AuditionChoice | None:
        """The audible part; None without a comparison."""
        return self._heard

    @property
    def ready(self) -> bool:
        """Whether the comparison is audible; its loudness is measured first."""
        return self._plan is not None

    def hear(self, what: AuditionChoice | None) -> None:
        """Play the target, the match or both.

        The match is the instrument as it sounds now; while another instrument plays than the one
        that was matched, the result is applied first. Both start together and repeat; a change
        between them changes only what is audible. Play, stop and panic end the comparison.

        Parameters
        ----------
        what : {"target", "match", "both"} or None
            None ends it, and the transport is as it was before.

        Raises
        ------
        TargetError
            If there is no target.
        """
        if what is not None and self._target.sound is None:
            raise TargetError("There is no target to hear; open or record a sound first.")
        if what == self._heard:
            return
        if what in ("match", "both"):
            self._play_result()
        begins = self._heard is None
        for react in self.on_hear if begins else ():
            react()
        self._heard = what
        self._emit(self.changed, what)
        if what is None:
            self._planning = self._plan = self._asked = self._scene = None
            self._audio.audition(None)
        elif begins:
            self._scene = self._look_around()
            self._scene_since = time.monotonic() - _REST
            self.poll()
        else:
            self._wish()

    def _play_result(self) -> None:
        """Apply the result of the match where the present instrument plays none."""
        if self._rack.instrument == INSTRUMENT and self._layers.result is not None:
            return
        if self._rack.instrument != self._match.instrument and self._match.result is not None:
            self._match.apply()

    def end(self) -> None:
        """End the comparison."""
        self.hear(None)

    def poll(self) -> None:
        """Use a plan that is ready, and request another one after a change."""
        if self._heard is None:
            return
        if self._planning is not None and self._planning.done():
            done, self._planning = self._planning, None
            self._take_plan(done.result())
        scene, now = self._look_around(), time.monotonic()
        if scene is None:
            return
        if not scene.is_like(self._scene):
            self._scene, self._scene_since = scene, now
        elif scene.is_like(self._asked) or self._planning is not None:
            return
        elif now - self._scene_since >= _REST:
            self._asked = scene
            self._planning = self._planner.submit(plan, scene, self._plan)

    def close(self) -> None:
        """End the planner's thread."""
        self._planner.shutdown(wait=False, cancel_futures=True)

    def _look_around(self) -> "Scene | None":
        """Scene of a plan for now; None without a sound device, or without a target."""
        rate, target = self._audio.status().sample_rate, self._target.sound
        if target is None or not rate:
            return None
        matched = self._layers if self._rack.instrument == INSTRUMENT else self._match
        return Scene(
            target=target,
            path=self._target.path,
            onset=matched.onset(),
            instrument=self._rack.instrument,
            values=self._sound.instrument_values,
            effects=self._rack.preset_effects,
            sample_rate=rate,
            state=self._rack.state,
        )

    def _take_plan(self, new: "Plan") -> None:
        """Play a plan; from the beginning, unless only its level is new."""
        old, self._plan = self._plan, new
        if old is None:
            self._emit(self.changed, self._heard)
        if old is None or not _same_course(old, new):
            self._serial += 1
            self._audio.clip.half(self._serial % 2)[:, : len(new.samples)] = new.samples
        self._wish()

    def _wish(self) -> None:
        new = self._plan
        if new is None:
            return  # it will be ready in a moment
        share = _TOGETHER if self._heard == "both" else 1.0
        self._audio.audition(
            AuditionRequest(
                serial=self._serial,
                half=self._serial % 2,
                frames=len(new.samples),
                sample_rate=new.scene.sample_rate,
                period=new.period,
                start=new.start,
                sound_gain=0.0 if self._heard == "match" else share * new.gain,
                instrument_gain=0.0 if self._heard == "target" else share,
            )
        )


# --------------------------------------------------------------------------------------------------
# Plans, computed in a thread


_SECONDS = 4.0  # of the instrument, whose loudness is measured
_LEAST_SECONDS = 0.4  # of a sound, to measure its loudness
_LISTENING_RATE, _LISTENING_BLOCK = 24000, 1024  # Hz and frames, to measure the instrument
_ALONE = -20.0  # LUFS of the target where the instrument is inaudible
_INAUDIBLE = -50.0  # LUFS
_LOUDEST = 20.0  # dB: largest gain of the target
_EDGE = 0.005  # s: fades of the target, which may begin and end inside a sound


@dataclass(frozen=True, slots=True)
class Scene:
    """State that a plan depends on.

    Attributes
    ----------
    target : Target
        Not part of the equality: the same target is the identical one.
    path : Path or None
        Its file, with its whole bandwidth; None without a file.
    onset : float or None
        Start of the instrument for a sound in time with the target, s in its recording; None
        if unknown.
    instrument : str
        The loudness of a user plugin is not measured.
    values : mapping
        The instrument's parameters by id.
    effects : tuple of EffectState
    sample_rate : int
        Of the device, Hz.
    state : mapping
        What the instrument keeps beside its parameters.
    """

    target: Target = field(compare=False)
    path: Path | None
    onset: float | None
    instrument: str
    values: Mapping[str, float]
    effects: tuple[EffectState, ...]
    sample_rate: int
    state: Mapping[str, Any] = field(default_factory=dict[str, Any])

    def is_like(self, other: "Scene | None") -> bool:
        """Whether the same plan is valid for both."""
        return other is not None and self.target is other.target and self == other


@dataclass(frozen=True, eq=False)
class Plan:
    """Samples, gain and times of the target.

    Attributes
    ----------
    scene : Scene
        The plan is valid for it.
    samples : (n,) float32
        The target at the device's rate.
    gain : float
        Gain for the loudness of the instrument.
    period : int
        Frames from one start to the next, a whole number of arpeggios.
    start : int
        Frame of that period at which it starts, so that its arpeggio is in time with the first
        live one.
    """

    scene: Scene
    samples: NDArray[np.float32]
    gain: float
    period: int
    start: int


def plan(scene: Scene, before: Plan | None = None) -> Plan:
    """Plan for a scene, in some tenths of a second.

    Parameters
    ----------
    scene : Scene
    before : Plan, optional
        Last plan, for parts that stay.

    Returns
    -------
    Plan
    """
    rate = scene.sample_rate
    samples = before.samples if before is not None and _same_sound(before.scene, scene) else None
    if samples is None:
        samples = _sound(scene)
    seconds = _repetition(scene)
    begin = 0.0 if scene.onset is None else scene.onset % seconds
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
    """The target's recording at the device's rate."""
    import soxr

    rate = scene.sample_rate
    recording = scene.target.recording
    audio = recording.audio * np.float32(scene.target.scale)
    samples = soxr.resample(audio, recording.sample_rate, rate).astype(np.float32)[:CAPACITY]
    edge = min(round(_EDGE * rate), len(samples))
    ramp = np.linspace(0.0, 1.0, edge, dtype=np.float32)
    samples[:edge] *= ramp
    samples[-edge:] *= ramp[::-1]
    return samples


def _repetition(scene: Scene) -> float:
    """Time from one start of the target to the next, s: the least sufficient number of periods."""
    period = _period(scene)
    # Not one more period for a part that is shorter than the fade.
    return period * np.ceil(scene.target.recording.duration / period - 1e-3)


def _period(scene: Scene) -> float:
    """Period of the instrument, s; of layers the longest one, that of the phrase."""
    values = scene.values
    if scene.instrument == "layers":
        heard = [n for n in range(1, LAYERS + 1) if values[f"level_{n}"] > SILENT]
        shortest = scene.target.recording.duration + PAUSE
        return max([values[f"period_{n}"] for n in heard], default=shortest) / values["speed"]
    if values.get("sync", 0.0) >= 0.5 and {"tempo", "division"} <= set(values):
        return synced_period(values["tempo"], values["division"])
    return values.get("period", scene.target.recording.duration + PAUSE)


def _gain(samples: NDArray[np.float32], scene: Scene) -> float:
    from mesosynth.audio.loudness import largest_loudness

    least = max(round(_LEAST_SECONDS * scene.sample_rate) - len(samples), 0)
    both_sides = np.stack([np.pad(samples, (0, least))] * 2)
    target = largest_loudness(both_sides, scene.sample_rate)
    heard = _loudness_of_instrument(scene)
    if heard < _INAUDIBLE:
        heard = _ALONE
    return units.db_to_amplitude(min(heard - target, _LOUDEST))


def _loudness_of_instrument(scene: Scene) -> float:
    """Loudness of the present sound, LUFS, without user plugins."""
    from mesosynth.audio.loudness import largest_loudness
    from mesosynth.effects import EFFECTS
    from mesosynth.engine.rack import render
    from mesosynth.instruments import INSTRUMENTS

    if scene.instrument not in INSTRUMENTS:
        return _ALONE
    effects = [e for e in scene.effects if e.plugin in EFFECTS and not e.bypassed]
    sound = render(
        scene.instrument, scene.values, _SECONDS, _LISTENING_RATE, _LISTENING_BLOCK, effects,
        scene.state,
    )  # fmt: skip
    return largest_loudness(sound, _LISTENING_RATE)


def _same_course(old: Plan, new: Plan) -> bool:
    """Whether two plans have the same samples at the same times."""
    course = (old.period, old.start) == (new.period, new.start)
    return course and old.samples is new.samples
