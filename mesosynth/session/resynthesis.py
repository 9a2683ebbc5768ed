"""Resynthesis: descent on the waveform of the target's file, heard while it changes."""

import contextlib
import hashlib
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
import platformdirs
from numpy.typing import NDArray

from mesosynth import units
from mesosynth.audio.decoder import Decoder
from mesosynth.audio.file import read_channels, write_wav
from mesosynth.engine.audition import CAPACITY, AuditionRequest
from mesosynth.engine.capture import new_take
from mesosynth.engine.process import AudioProcess
from mesosynth.errors import ArgumentError, TargetError
from mesosynth.matching.jobs import prepare
from mesosynth.matching.results import Analysis
from mesosynth.presets.preset import Preset
from mesosynth.resynthesis.results import (
    Blend,
    ResynthesisResult,
    ResynthesisSettings,
    ResynthesisStep,
    Variation,
)
from mesosynth.session.presets import Presets
from mesosynth.session.signals import Emitter, Messages, Signal
from mesosynth.session.target import CurrentTarget
from mesosynth.system.cpu import worker_threads
from mesosynth.system.jobs import Done, Failed, Job, JobKind, Jobs, Restarted, Stepped
from mesosynth.system.paths import path_text

if TYPE_CHECKING:
    from collections.abc import Callable

Heard = Literal["original", "result"]
_Version = tuple[Heard, int, int]  # of a loop: what, number of the result, Hz

_KINDS = {
    "original": JobKind("mesosynth.resynthesis.pictures:picture_steps", 0, newest_only=True),
    "result": JobKind("mesosynth.resynthesis.pictures:picture_steps", 0, newest_only=True, rest=1),
    "descent": JobKind("mesosynth.resynthesis.descent:resynthesis_steps", 1),
}
_KEPT_RUNS = 3  # files of descents in the cache, which take some MB a second of sound
_APART = 0.3  # s between two versions of the loop: longer than its crossfade
_SERIALS = 2**40  # from which its auditions count, apart from those of the comparison


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """Settings of a resynthesis, and the sounds that it is of.

    Attributes
    ----------
    settings : ResynthesisSettings
    seconds : float
        Of the target's file, from the analysis window on, at most.
    blend : Path or None
        A second sound to go towards.
    amount : float
        How far, 0 to 1.
    """

    settings: ResynthesisSettings = field(default_factory=ResynthesisSettings)
    seconds: float = 4.0
    blend: Path | None = None
    amount: float = 0.5


@dataclass(frozen=True, slots=True)
class Original:
    """Part of a sound file, `audio` (channels, n), that begins at `begin`, s."""

    path: Path
    begin: float
    audio: NDArray[np.float32] = field(repr=False)
    sample_rate: int


class Resynthesis:
    """Resynthesises the target's file in a process of its own, and loops what it finds.

    Attributes
    ----------
    original : Original or None
        As it was taken last.
    settings : ResynthesisSettings
        Of the descent that runs, or ran last.
    errors : list of float
        Relative errors, one an iteration from the start on; NaN where they are not known.
    result : (channels, n) float32 or None
        The sound so far.
    variations : list of Variation
        What the last descent ended with.
    endless : bool
        Whether another seed follows when a descent has ended, until it is stopped.
    heard : {"original", "result"} or None
        What loops.
    on_hear : tuple of callable
        Called before a loop begins.
    """

    changed = Signal()
    """The original, the result, what runs or what is heard has changed."""
    stepped = Signal(ResynthesisStep)
    analysed = Signal(str, Analysis)
    """"original" or "result", and its pictures; the original's scale-rate picture is edited."""

    def __init__(
        self, emit: Emitter, messages: Messages, audio: AudioProcess, target: CurrentTarget,
        presets: Presets,
    ) -> None:  # fmt: skip
        self.original: Original | None = None
        self.settings = ResynthesisSettings()
        self.errors: list[float] = []
        self.result: NDArray[np.float32] | None = None
        self.variations: list[Variation] = []
        self.endless = False
        self.heard: Heard | None = None
        self.on_hear: tuple[Callable[[], None], ...] = ()
        self._emit, self._messages, self._audio = emit, messages, audio
        self._target, self._presets = target, presets
        self._jobs = Jobs(_KINDS, partial(prepare, worker_threads()), name="mesosynth resynthesis")
        self._job: Job | None = None
        self._blend: Blend | None = None
        self._part = 0  # of the last step
        self._kept: Path | None = None  # the result as a take
        self._looper = ThreadPoolExecutor(1, thread_name_prefix="mesosynth loop")
        self._looping: tuple[_Version, Future[NDArray[np.float32]]] | None = None
        self._made: dict[Heard, tuple[_Version, NDArray[np.float32]]] = {}
        self._loop: _Version | None = None  # what plays
        self._takes = self._frames = self._half = 0  # results so far; of the loop; of the clip
        self._sent_at, self._serial = 0.0, _SERIALS

    @property
    def running(self) -> bool:
        """Whether a descent runs or stands still."""
        return self._job is not None and self._job.running

    @property
    def paused(self) -> bool:
        """Whether the descent stands still."""
        return self._job is not None and self._job.running and self._job.paused

    @property
    def pid(self) -> int | None:
        """Process number of the descent; None while there is none."""
        return self._jobs.pid

    # ------------------------------------------------------------------ descent

    def look(self, recipe: Recipe) -> None:
        """Ask for the pictures of the original as it is edited; :attr:`analysed` follows."""
        original, blend = self._read(recipe)
        audio, rate = original.audio, original.sample_rate
        self._jobs.begin("original", audio, rate, recipe.settings, blend)

    def start(self, recipe: Recipe) -> None:
        """Go down from noise; a descent that was stopped or killed goes on where it stood."""
        if self._job is not None:
            self._job.cancel()
        _, self._blend = self._read(recipe)
        self._begin(recipe.settings)

    def _read(self, recipe: Recipe) -> tuple[Original, Blend | None]:
        """The original, which is read anew where it is another one, and the second sound."""
        path, sound, known = self._target.path, self._target.sound, self.original
        if path is None or sound is None:
            raise TargetError("There is no sound to resynthesise; open or record one first.")
        if known is None or not (self.running or path == self._kept):
            decoder = Decoder(path)
            end = decoder.frames / decoder.sample_rate
            begin = max(min(sound.start, end - recipe.seconds), 0.0)
            audio, rate = read_channels(path, begin, recipe.seconds)
            if known is None or not np.array_equal(known.audio, audio):
                self._forget()
                self.original = known = Original(path, begin, audio, rate)
                self._emit(self.changed)
        if recipe.blend is None:
            return known, None
        return known, Blend(read_channels(recipe.blend, rate=known.sample_rate)[0], recipe.amount)

    def _begin(self, settings: ResynthesisSettings) -> None:
        original = self.original
        assert original is not None
        self._jobs.cancel("descent")
        self.settings, self.errors, self.variations, self._part = settings, [], [], 0
        run = _run_file(original, settings, self._blend)
        audio, rate = original.audio, original.sample_rate
        self._job = self._jobs.begin("descent", audio, rate, settings, self._blend, run)
        self._emit(self.changed)

    def pause(self) -> None:
        """Let the descent stand still after this iteration, or go on."""
        if self._job is not None and self._job.running:
            (self._job.resume if self._job.paused else self._job.pause)()
            self._emit(self.changed)

    def stop(self) -> None:
        """End the descent after this iteration; :meth:`start` goes on with it."""
        if self._job is not None:
            self.endless = False
            self._job.stop()

    def take_target(self) -> None:
        """Forget the original of another target, unless a descent runs."""
        if self.original is not None and not self.running and self._target.path != self._kept:
            self._forget()

    def _forget(self) -> None:
        self.silence()
        self._jobs.cancel("descent")
        self._job = self.original = self.result = None
        self.errors, self.variations = [], []
        self._looping = None
        self._made.clear()
        self._emit(self.changed)

    # ------------------------------------------------------------------ use

    def save(self, path: Path) -> None:
        """Write the result to a WAV file."""
        write_wav(path, self._found(), self._rate)
        self._messages.say(f"Wrote {path}.")

    def keep(self) -> Path:
        """Keep the result as a take."""
        found, path = self._found(), new_take()
        write_wav(path, found, self._rate)
        self._messages.say(f"Kept as {path.name}; the File menu has it among the takes.")
        return path

    def as_target(self) -> None:
        """Keep the result and make it the target of the match."""
        self._kept = self.keep()
        self._target.load(self._kept)

    def as_instrument(self) -> None:
        """Keep the result and let the sampler play it."""
        path = self.keep()
        self.silence()
        sound = {"sound": path_text(path)}
        self._presets.play(Preset(name=path.stem, instrument="sampler", state=sound))

    def choose(self, place: int) -> None:
        """Make one of :attr:`variations` the result."""
        self._take(self.variations[place].audio)
        self._emit(self.changed)

    @property
    def _rate(self) -> int:
        return 0 if self.original is None else self.original.sample_rate

    def _found(self) -> NDArray[np.float32]:
        if self.result is None:
            raise ArgumentError("There is no result yet; start a resynthesis first.")
        return self.result

    # ------------------------------------------------------------------ sound

    def hear(self, what: Heard | None) -> None:
        """Loop the original, or the result as it changes, equally loud; or end that: None."""
        if what == "result":
            self._found()
        elif what == "original" and self.original is None:
            raise ArgumentError("There is no original yet; open a sound first.")
        if what == self.heard:
            return
        for react in self.on_hear if self.heard is None else ():
            react()
        self.heard = what
        if what is None:
            self._loop = None
            self._audio.audition(None)
        self._emit(self.changed)

    def silence(self) -> None:
        """End the loop."""
        self.hear(None)

    def rest(self) -> None:
        """End the loop, and the process unless a descent runs in it."""
        self.silence()
        if not self.running:
            self._jobs.close()

    def _follow_sound(self) -> None:
        """Bring the newest version of what is heard into the loop."""
        rate, now = self._audio.status().sample_rate, time.monotonic()
        original = self.original
        if self.heard is None or original is None or not rate:
            return
        if self._looping is not None and self._looping[1].done():
            version, loop = self._looping
            self._looping, self._made[version[0]] = None, (version, loop.result())
        audio = original.audio if self.heard == "original" else self.result
        newest: _Version = self.heard, 0 if self.heard == "original" else self._takes, rate
        ready, due = self._made.get(self.heard), now - self._sent_at > _APART
        if ready is not None and due and ready[0] != self._loop and ready[0][2] == rate:
            self._sent_at = now
            self._send(*ready)
        if (ready is None or ready[0] != newest) and self._looping is None and audio is not None:
            made = self._looper.submit(loop_of, audio, original.sample_rate, rate)
            self._looping = newest, made

    def _send(self, version: _Version, loop: NDArray[np.float32]) -> None:
        frames = loop.shape[1]
        if self._loop is None or (self._loop[2], self._frames) != (version[2], frames):
            self._serial += 1  # it begins anew
        self._loop, self._frames, self._half = version, frames, 1 - self._half
        self._audio.clip.half(self._half)[:, :frames] = loop
        self._audio.audition(
            AuditionRequest(
                serial=self._serial, half=self._half, frames=frames, sample_rate=version[2],
                period=frames, sound_gain=1.0, instrument_gain=0.0,
            )
        )  # fmt: skip

    # ------------------------------------------------------------------ news

    def poll(self) -> None:
        """Process the news of the process, and let the newest result be heard."""
        for job, event in self._jobs.poll():
            match event:
                case Done(Analysis() as analysis) if job is not None:
                    self._emit(self.analysed, job.name, analysis)
                case Stepped(ResynthesisStep() as step):
                    known = self.errors if step.part == self._part else []
                    unknown = [np.nan] * (step.iteration - len(known))  # of an earlier run
                    self.errors = [*known[: step.iteration], *unknown, step.error]
                    self._part = step.part
                    self._take(step.audio)
                    self._emit(self.stepped, step)
                case Done(result):
                    self._end(result, event.stopped)
                case Failed(text):
                    self._messages.say(text, "error")
                case Restarted():
                    text = "The resynthesis had ended and was started again."
                    self._messages.say(text, "warning")
                case _:
                    pass
            if not isinstance(event, Stepped):
                self._emit(self.changed)
        self._follow_sound()

    def _take(self, audio: NDArray[np.float32]) -> None:
        self.result, self._takes = audio, self._takes + 1
        self._jobs.begin("result", audio, self._rate, replace(self.settings, edits=()))

    def _end(self, result: ResynthesisResult | None, stopped: bool) -> None:
        if result is None:
            self._messages.say("The resynthesis ended before its first step.", "warning")
            return
        self.variations, last = result.variations, result.variations[-1]
        self.errors = last.errors
        self._take(last.audio)
        self._messages.say(
            f"{'Stopped' if stopped else 'Done'} after {result.seconds:.0f} s: "
            f"error {100 * result.error:.2f} % ({result.decibels:.1f} dB)."
        )
        if not stopped and self.endless:
            self._begin(replace(self.settings, seed=(last.seed + 1) % 2**32))

    def close(self) -> None:
        """End the process and the thread."""
        self._jobs.close()
        self._looper.shutdown(wait=False, cancel_futures=True)


# --------------------------------------------------------------------------------------------------
# Loop: a sound at the device's rate whose end runs into its beginning


_SEAM = 0.05  # s
_LEVEL = -20.0  # LUFS
_LOUDEST = 40.0  # dB of gain
_LEAST = 0.4  # s of a sound whose loudness can be measured


def loop_of(audio: NDArray[np.float32], sample_rate: int, rate: int) -> NDArray[np.float32]:
    """A sound as a stereo loop of a fixed loudness.

    Parameters
    ----------
    audio : (channels, n) float32
        More than two channels are mixed.
    sample_rate : int
        Of the sound, Hz.
    rate : int
        Of the loop, Hz.

    Returns
    -------
    (2, frames) float32
        Its end is faded into its beginning, by power, as textures have no phase in common.
    """
    import soxr

    from mesosynth.audio.loudness import largest_loudness

    sides = audio[[0, -1]] if len(audio) <= 2 else np.tile(audio.mean(0), (2, 1))
    x = soxr.resample(sides.T, sample_rate, rate).T.astype(np.float32)[:, :CAPACITY]
    edge = min(round(_SEAM * rate), x.shape[1] // 4)
    coming = np.sin(0.5 * np.pi * (np.arange(edge) + 0.5) / edge)
    seam = x[:, :edge] * coming + x[:, x.shape[1] - edge :] * coming[::-1]
    loop = np.hstack([seam, x[:, edge : x.shape[1] - edge]])
    least = max(round(_LEAST * rate) - loop.shape[1], 0)
    loud = largest_loudness(np.pad(loop, ((0, 0), (0, least))), rate)
    return (loop * units.db_to_amplitude(min(_LEVEL - loud, _LOUDEST))).astype(np.float32)


def _run_file(
    original: Original, settings: ResynthesisSettings, blend: Blend | None
) -> Path | None:
    """File in the user's cache in which a descent is kept; None if it cannot be written there."""
    digest = hashlib.sha256(original.audio.tobytes())
    digest.update(repr((original.sample_rate, replace(settings, iterations=1))).encode())
    if blend is not None:
        digest.update(blend.audio.tobytes() + repr(blend.amount).encode())
    folder = platformdirs.user_cache_path("mesosynth", appauthor=False) / "resyntheses"
    run = folder / f"{original.path.stem[:40]}-{digest.hexdigest()[:12]}.run"
    with contextlib.suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        others = sorted(set(folder.glob("*.run")) - {run}, key=lambda each: each.stat().st_mtime)
        for old in others[: 1 - _KEPT_RUNS]:
            old.unlink()
        return run
    return None
