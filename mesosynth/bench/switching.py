"""`mesosynth bench switching`: whether the sound stays clean while presets change all the time.

A session plays on a device, by default JACK's dummy driver in blocks of 128 frames, goes through
all factory presets ten times a second while keys are pressed and let go, and what is heard is
captured. Then every moment of it is held against the presets that were playing then: a step from
one sample to the next that none of them makes by itself, and that stands alone, is a click.

With --json, one object::

    schema        1; grows with any change that a reader of an older one would notice
    machine       facts, see :func:`mesosynth.bench.machine.machine_facts`
    device, sample_rate, block, seconds
                  what it was played through; Hz, frames, s
    presets       how many there are
    switches      that were made
    switch_ms     {median, longest}: what one took the caller
    blocks, underflows
                  played, and times the device ran dry
    not_finite    samples that are no finite numbers
    peak_db       of what was heard, dBFS
    clicks        steps beyond the bound that stand alone
    worst_step    the largest step over its bound
    faults, restarts
                  blocks that a plugin spoiled, and processes that had to be started anew
    messages      all warnings and errors of the session
"""

import argparse
import contextlib
import random
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import soundfile

from mesosynth import units
from mesosynth.bench.jack_dummy import jack_dummy
from mesosynth.bench.machine import machine_facts
from mesosynth.bench.narration import Narration
from mesosynth.bench.soak import wait_for_sound
from mesosynth.errors import ArgumentError, WorkerError
from mesosynth.events import Message
from mesosynth.host.rack import render
from mesosynth.presets import Preset, load_preset
from mesosynth.resources import factory_presets
from mesosynth.session import Session

if TYPE_CHECKING:
    from numpy.typing import NDArray

SCHEMA = 1
RATE = 48000
INTERVAL = 0.1  # s from one preset to the next
ALONE_SECONDS = 4.0
NEAR = 4  # presets before and after that may be heard
CLICK, AROUND = 4, 200  # samples that a click has, and that are looked at on both sides
MARGIN, FLOOR = 1.5, 0.01  # of the bound: phases meet by chance; and what nobody hears as a click


def add_options(parser: argparse.ArgumentParser) -> None:
    """Options of `mesosynth bench switching`."""
    parser.add_argument("--seconds", metavar="S", type=float, default=60.0)
    parser.add_argument(
        "--device", metavar="NAME", help="part of an output's name (default: JACK's dummy driver)"
    )
    parser.add_argument("--block", metavar="N", type=int, default=128, help="frames")


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """Measure, print figures unless JSON is wanted, and return what --json shows."""
    if not 1.0 <= arguments.seconds <= 3600.0:
        raise ArgumentError(f"--seconds {arguments.seconds:g} must be 1 to 3600.")
    with Narration() as say:
        answer = switching(arguments.seconds, arguments.device, arguments.block, say)
    if not arguments.json:
        _show(answer)
    return answer


def switching(
    seconds: float,
    device: str | None = None,
    block: int = 128,
    say: Narration | None = None,
    paths: Sequence[Path] | None = None,
) -> dict[str, Any]:
    """Switch for that long; see the module. `paths` are others than the factory's presets.

    Raises
    ------
    DeviceError
        If there is no device to play on.
    WorkerError
        If the sound does not start.
    """
    say = say or Narration()
    say("measuring every preset by itself")
    # From the smoothest to the roughest and back: neighbours are alike, and the bound is tight.
    steps = {path: _largest_step(load_preset(path)) for path in paths or factory_presets()}
    order = sorted(steps, key=lambda path: steps[path])
    order += order[-2:0:-1]
    with contextlib.ExitStack() as stack:
        if device is None:
            stack.enter_context(jack_dummy(RATE, block))
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        session = Session("system" if device is None else device, sample_rate=RATE, block=block)
        stack.callback(session.close)
        wait_for_sound(session)
        say(f"switching through {len(steps)} presets for {seconds:g} s")
        heard = Path(folder) / "heard.wav"
        played = _switch(session, order, seconds, heard)
        say("looking for clicks")
        return {**played, "presets": len(steps), **_clicks(heard, order, steps)}


def _largest_step(preset: Preset) -> float:
    """From one sample to the next, in the first seconds that a preset plays by itself."""
    sound = render(preset.instrument, preset.values, ALONE_SECONDS, RATE, effects=preset.effects)
    return float(np.abs(np.diff(sound)).max())


def _switch(session: Session, order: Sequence[Path], seconds: float, heard: Path) -> dict[str, Any]:
    chance, held = random.Random(0), list[int]()
    switch_ms: list[float] = []
    messages: list[str] = []
    not_finite = 0
    session.load_preset(order[0])
    session.play()
    time.sleep(0.5)
    session.reset_meters()
    session.start_capture(heard)
    first, began = session.audio_status(), time.monotonic()
    for count in range(round(seconds / INTERVAL)):
        begin = time.perf_counter()
        session.load_preset(order[count % len(order)])
        switch_ms.append(1e3 * (time.perf_counter() - begin))
        if held:
            session.note_off(held.pop())
        else:
            held.append(chance.randint(48, 72))
            session.note_on(held[0], 0.5)
        not_finite += int(np.count_nonzero(~np.isfinite(session.scope(round(INTERVAL * RATE)))))
        messages += [
            event.text for event in session.poll()
            if isinstance(event, Message) and event.severity != "info"
        ]  # fmt: skip
        time.sleep(max(0.0, began + (count + 1) * INTERVAL - time.monotonic()))
    last = session.audio_status()
    session.stop_capture()
    if first is None or last is None:
        raise WorkerError("the audio process has ended while presets were switched.")
    return {
        "schema": SCHEMA,
        "machine": machine_facts(1),
        "device": last.device,
        "sample_rate": last.sample_rate,
        "block": last.block,
        "seconds": time.monotonic() - began,
        "switches": len(switch_ms),
        "switch_ms": {"median": statistics.median(switch_ms), "longest": max(switch_ms)},
        "blocks": last.blocks - first.blocks,
        "underflows": last.underflows,
        "not_finite": not_finite,
        "faults": last.faults,
        "restarts": sum("started again" in text for text in messages),
        "messages": messages,
    }


def _clicks(heard: Path, order: Sequence[Path], steps: dict[Path, float]) -> dict[str, Any]:
    sound = np.asarray(soundfile.read(heard, dtype="float32", always_2d=True)[0])
    found = np.abs(np.diff(sound, axis=0)).max(axis=1)
    frames = round(INTERVAL * RATE)
    alone = np.array([steps[path] for path in order])
    ratios: list[float] = []
    clicks = 0
    for number, begin in enumerate(range(0, len(found), frames)):
        # Nobody knows the very block in which a preset was heard first, and echoes go on.
        near = [(number + off) % len(order) for off in range(-NEAR, NEAR + 1)]
        bound = MARGIN * float(alone[near].max()) + FLOOR
        here = found[begin : begin + frames]
        beyond = begin + np.flatnonzero(here > bound)
        clicks += sum(_stands_alone(found, int(frame)) for frame in beyond)
        ratios.append(float(here.max()) / bound)
    peak = float(np.abs(sound).max())
    return {"peak_db": units.amplitude_to_db(peak), "clicks": clicks, "worst_step": max(ratios)}


def _stands_alone(steps: "NDArray[np.float32]", frame: int) -> bool:
    """Whether a step is a click: what sounds makes steps as large on both sides of it.

    Keys play a preset higher than it plays by itself, and two sounds at once have larger steps
    than either; those come and go with a swell.
    """
    before = steps[max(frame - AROUND, 0) : max(frame - CLICK, 0)]
    after = steps[frame + CLICK : frame + AROUND]
    beside = max(float(before.max(initial=0.0)), float(after.max(initial=0.0)))
    return float(steps[frame]) > 2.0 * beside


def _show(answer: dict[str, Any]) -> None:
    ms = answer["switch_ms"]
    print(
        f"{answer['switches']} switches through {answer['presets']} presets in "
        f"{answer['seconds']:.0f} s on {answer['device']!r}; one takes {ms['median']:.1f} ms, "
        f"at the longest {ms['longest']:.1f} ms"
    )
    print(
        f"{answer['clicks']} clicks (the largest step is {answer['worst_step']:.2f} of its bound), "
        f"{answer['not_finite']} samples not finite, peak {answer['peak_db']:.2f} dBFS"
    )
    print(
        f"{answer['underflows']} of {answer['blocks']} blocks missed, {answer['faults']} spoiled, "
        f"{answer['restarts']} restarts"
    )
    for text in dict.fromkeys(answer["messages"]):
        print(text)
