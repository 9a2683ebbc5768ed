"""Session in the terminal: a progress bar, and at the end a preset, a sound and a picture."""

import os
import sys
import time
from functools import partial
from itertools import chain, count
from pathlib import Path

from mesosynth.audio.file import write_wav
from mesosynth.cli.match import step_text
from mesosynth.cli.progress import ProgressBar
from mesosynth.engine.rack import render
from mesosynth.errors import ArgumentError, WorkerError
from mesosynth.matching.results import Analysis, MatchResult, MatchStep
from mesosynth.presets.matched import matched_preset
from mesosynth.presets.preset import save_preset
from mesosynth.session import Session
from mesosynth.session.device import DEFAULT_AUDIO, AudioSettings
from mesosynth.system.atomic_file import check_outputs

POLL = 1 / 30  # s
ENCORE = 3.0  # s that the match is heard once it is found
PICTURE_TIMEOUT = 60.0  # s
SAMPLE_RATE = 48000
SECONDS = 4.0
_SUFFIXES = ("json", "wav", "png")


def run(
    target: Path, out: Path, preset: Path | None = None, audio: AudioSettings = DEFAULT_AUDIO
) -> MatchResult:
    """Play and match `target`, then write `match.json`, `match.wav` and `match.png` to `out`.

    Parameters
    ----------
    target : Path
        A sound file.
    out : Path
        A folder; it is made where there is none. Where a file has that name, a number is added.
    preset : Path, optional
        Parameters to start with.
    audio : AudioSettings, optional
        Device, sample rate and block.

    Raises
    ------
    MesosynthError
        If the target or the preset cannot be read, or the match came to nothing.
    """
    out = free_folder(out)
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ArgumentError(f"{out} cannot hold the results: {error.strerror}.") from error
    given = [target] if preset is None else [target, preset]
    check_outputs([out / f"match.{suffix}" for suffix in _SUFFIXES], ArgumentError, given)
    session = Session(audio.device, sample_rate=audio.sample_rate, block=audio.block)
    try:
        heard = _Listener(session, target.name)
        if preset is not None:
            session.presets.load(preset)
        session.target.load(target)
        session.sound.play()
        session.match.start()
        heard.until_matched()
        heard.encore()
        return _write(session, heard, out)
    finally:
        session.close()


def free_folder(folder: Path) -> Path:
    """Folder of a name, or where something else has it, of that name with a number: out-2."""
    names = chain([folder], (folder.with_name(f"{folder.name}-{n}") for n in count(2)))
    return next(name for name in names if name.is_dir() or not os.path.lexists(name))


class _Listener:
    """Result and pictures of a session, kept for the files."""

    def __init__(self, session: Session, name: str) -> None:
        self.session = session
        self.bar = ProgressBar(name, state="listening …")
        self.pictures: dict[str, Analysis] = {}
        self.result: MatchResult | None = None
        self.ended = False
        self.silent = True
        self._drawn = 0.0
        session.target.analysed.connect(partial(self._keep_picture, "target"))
        session.sound.analysed.connect(partial(self._keep_picture, "sound"))
        session.match.stepped.connect(self._show_step)
        session.match.ended.connect(self._end)
        session.device.changed.connect(self._show_device)
        session.messages.said.connect(self._say)

    def until_matched(self) -> None:
        with self.bar:
            while not self.ended:
                self._poll()

    def encore(self) -> None:
        """Play the match for a while, until the picture of its sound has settled too."""
        began = time.monotonic()
        while (now := time.monotonic()) < began + PICTURE_TIMEOUT:
            settled = "target" in self.pictures and now > self._drawn + 1.0 and self._drawn > began
            if settled and (self.silent or now > began + ENCORE):
                return
            self._poll()

    def _poll(self) -> None:
        self.session.poll()
        time.sleep(POLL)

    def _keep_picture(self, what: str, analysis: Analysis) -> None:
        self.pictures[what] = analysis
        self._drawn = time.monotonic()

    def _show_step(self, step: MatchStep) -> None:
        self.bar.move(step.progress, step_text(step))

    def _end(self, result: MatchResult | None) -> None:
        self.result, self.ended = result, True

    def _show_device(self, device: str, silent: bool) -> None:
        self.silent = silent
        through = "the silent clock: nothing is heard" if silent else device
        self.bar.say(f"Playing through {through}.")

    def _say(self, text: str, severity: str) -> None:
        self.bar.say(text)
        if severity == "error" and not self.session.match.running:
            self.ended = True


def _write(session: Session, heard: _Listener, out: Path) -> MatchResult:
    from mesosynth.cli.report import save_report

    target, result = session.target.sound, heard.result
    if target is None or result is None:
        raise WorkerError("the match came to nothing; try another sound.")
    if not {"target", "sound"} <= heard.pictures.keys():
        raise WorkerError(f"no pictures came within {PICTURE_TIMEOUT:g} s; run it again.")
    preset = matched_preset(result, target.name, target.sha256, session.rack.instrument)
    save_preset(out / "match.json", preset)
    audio = render(session.rack.instrument, preset.values, SECONDS, SAMPLE_RATE)
    write_wav(out / "match.wav", audio, SAMPLE_RATE)
    save_report(
        out / "match.png", target.name, result, heard.pictures["target"], heard.pictures["sound"]
    )
    names = ", ".join(str(out / f"match.{suffix}") for suffix in _SUFFIXES)
    print(f"Wrote {names}.", file=sys.stderr)
    return result
