"""Lag of the tracked sound behind a sound that glides.

Two chirplets play on one JACK server with the dummy driver. The first is the target: its gamma
stands still, then glides one octave a second for five seconds. What it plays is the input of a
session, which follows; gamma there, read sixty times a second, is held against the target's at the
same moment. An octave of difference is a second of lag.

With --silences N, no JACK is needed: N times one chirplet plays, then a rest, then another one; a
tracker hears that look by look, so the machine's speed does not count. The time until the other one
is found, with the encoder's guesses and without, is the answer.

With --json, one object::

    schema        6; grows with any change that a reader of an older one would notice
    machine       see :meth:`benchmarks.harness.Environment.record`
    direction     "falling" (from 16 to 0.5 octaves a second) or "rising"
    period        of the target's arpeggios, s
    found_s       from the question until gamma was right and drove the sound; null if it never was
    lag_s         {median, p90, worst, settled}: over the glide, absolute; settled is the worst
                  from a second after it began, which nobody can know beforehand
    told_lag_s    median of the age that the session told
    confidence    median over the glide
    blocks, underflows, before
                  of the session's sound during the glide; and underflows in the seconds before
    cpu           share of a core that the follower took over the glide; null where unknown
    silences      {"with guesses", "without"}: found_s (a list, null where not within six seconds)
                  and look_seconds (CPU of a look); with --silences, beside schema and machine alone
"""

import argparse
import contextlib
import sys
import time
from typing import Literal
from unittest import mock

import numpy as np
from numpy.typing import NDArray

import mesosynth as ms
from benchmarks.harness import (
    Answer,
    Environment,
    Narration,
    at_least,
    console,
    cpu_seconds,
    program,
    show_machine,
)
from benchmarks.jack import JackPlayer, jack_dummy, jack_player
from benchmarks.stage import PlayedSession
from mesosynth.audio.target import ANALYSIS_RATE
from mesosynth.errors import ArgumentError
from mesosynth.matching import tracking
from mesosynth.session.tracking import SURE, TrackingState

SCHEMA = 6
RATE = 48000
SLOWEST, OCTAVES = 0.5, 5.0  # octaves a second, and by how many octaves that glides
SPEED = 1.0  # octaves of gamma a second
TICK = 1.0 / 60.0  # s
SETTLING = 1.0  # s of a glide in which the follower finds out that it has begun
STILL = 3.0  # s that theta is followed before it glides
PATIENCE = 60.0  # s until theta must have been found
TARGET = {"f_c": 512.0, "f_m": 8.0, "w": 2.0, "gain": -6.0}

Direction = Literal["falling", "rising"]


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add this benchmark's options to `parser`."""
    parser.add_argument("--direction", choices=("falling", "rising"), default="falling")
    parser.add_argument("--period", metavar="S", type=float, default=0.4, help="of the target")
    parser.add_argument("--block", metavar="N", type=int, default=256, help="frames")
    parser.add_argument(
        "--silences", metavar="N", type=at_least(0), default=0, help="sounds after a silence"
    )


def run(arguments: argparse.Namespace) -> Answer:
    """Measure; return the object that --json prints."""
    if not 0.1 <= arguments.period <= 16.0:
        raise ArgumentError(f"--period {arguments.period:g} must be 0.1 to 16.")
    with Narration() as say:
        if arguments.silences:
            return track_after_silence(arguments.silences, say)
        return track_a_glide(arguments.direction, arguments.period, arguments.block, say)


def track_a_glide(
    direction: Direction, period: float, block: int, say: Narration | None = None
) -> Answer:
    """Track one glide; return the object that --json prints.

    Parameters
    ----------
    direction : {"falling", "rising"}
    period : float
        Of the target's arpeggios, s.
    block : int
        Frames.
    say : Narration, optional

    Raises
    ------
    DeviceError
        If JACK is not installed, or does not start.
    WorkerError
        If the sound does not start.
    """
    with contextlib.ExitStack() as stack:
        stack.enter_context(jack_dummy(RATE, block))
        played = stack.enter_context(PlayedSession("system", block, RATE))
        target = stack.enter_context(jack_player(RATE, block))
        played.session.sound.play()
        played.session.tracking.start()
        target.plug_in()
        return _Glide(played, target, direction, period).run(say or Narration())


class _Glide:
    """One glide and its record."""

    def __init__(
        self, played: PlayedSession, target: JackPlayer, direction: Direction, period: float
    ) -> None:
        self._played, self._session, self._target = played, played.session, target
        self._direction: Direction = direction
        self._values = {**TARGET, "period": period}
        self._heard: list[TrackingState] = []
        self._session.tracking.changed.connect(self._heard.append)

    def run(self, say: Narration) -> Answer:
        environment = Environment()
        say("waiting until the target is found")
        self._move(0.0)
        asked = time.monotonic()
        found = self._wait_until_found(asked)
        still = self._played.status
        self._play_for(STILL, glides=False)
        say(f"gamma glides for {OCTAVES / SPEED:.0f} s")
        first, busy = self._played.status, cpu_seconds(self._session.tracking.pid)
        self._heard.clear()
        began = time.monotonic()
        lags = self._play_for(OCTAVES / SPEED, glides=True)
        last, took = self._played.status, time.monotonic() - began
        told = [heard.lag for heard in self._heard]
        return {
            "schema": SCHEMA,
            "machine": environment.record(),
            "direction": self._direction,
            "period": self._values["period"],
            "found_s": found,
            "lag_s": {
                "median": float(np.median(lags)),
                "p90": float(np.quantile(lags, 0.9)),
                "worst": float(np.max(lags)),
                "settled": float(np.max(lags[round(SETTLING / OCTAVES * SPEED * len(lags)) :])),
            },
            "told_lag_s": float(np.median(told)) if told else None,
            "confidence": float(np.median([heard.confidence for heard in self._heard] or [0.0])),
            "blocks": last.blocks - first.blocks,
            "underflows": last.underflows - first.underflows,
            "before": first.underflows - still.underflows,
            "cpu": None if not busy else (cpu_seconds(self._session.tracking.pid) - busy) / took,
        }

    def _wait_until_found(self, asked: float) -> float | None:
        while time.monotonic() < asked + PATIENCE:
            self._tick(0.0)
            heard = self._heard[-1] if self._heard else None
            error = abs(np.log2(abs(self._session.sound.values["gamma"] / self._gamma(0.0))))
            if heard is not None and heard.confidence >= SURE and error < 0.2:
                return time.monotonic() - asked
        return None

    def _play_for(self, seconds: float, glides: bool) -> list[float]:
        """Lags over so many seconds."""
        lags: list[float] = []
        began = time.monotonic()
        while (passed := time.monotonic() - began) < seconds:
            self._tick(passed if glides else 0.0)
            gamma = self._session.sound.values["gamma"]
            # The wrong way round is as wrong as can be.
            octaves = abs(np.log2(gamma / self._gamma(passed))) if gamma > 0.0 else OCTAVES
            lags.append(float(octaves) / SPEED)
        return lags

    def _tick(self, passed: float) -> None:
        self._move(passed)
        self._session.poll()
        time.sleep(TICK)

    def _move(self, passed: float) -> None:
        self._target.play({**self._values, "gamma": self._gamma(passed)})

    def _gamma(self, passed: float) -> float:
        """Of the target, so long after the glide began."""
        octaves = min(SPEED * passed, OCTAVES)
        return float(
            SLOWEST * 2.0 ** (octaves if self._direction == "rising" else OCTAVES - octaves)
        )


# --------------------------------------------------------------------------------------------------
# Another sound after a silence


BEFORE, REST, AFTER = 3.0, 1.5, 6.0  # s
LOOK = ANALYSIS_RATE // 8  # samples
SURE_FOR = 0.5  # s, for which it must stay found
WITHIN = {"f_c": 0.05, "f_m": 0.15, "gamma": 0.15}  # as logarithms


def track_after_silence(count: int, say: Narration) -> Answer:
    """Time until a sound after a silence is found; return the object that --json prints.

    Parameters
    ----------
    count : int
        Pairs of sounds.
    say : Narration
    """
    import torch

    torch.set_num_threads(1)
    environment = Environment(1)
    silences: Answer = {}
    for name, encoders in (("with guesses", tracking.encoder_instruments), ("without", list)):
        found: list[float | None] = []
        began, looks = time.process_time(), 0
        with mock.patch.object(tracking, "encoder_instruments", encoders):
            for pair in range(count):
                say(f"{name}: {pair + 1} of {count}")
                seconds, heard = _found_after_silence(*_pair(pair))
                found.append(seconds)
                looks += heard
        took = (time.process_time() - began) / looks
        silences[name] = {"found_s": found, "look_seconds": took}
    return {"schema": SCHEMA, "machine": environment.record(), "silences": silences}


def _pair(number: int) -> tuple[dict[str, float], dict[str, float], NDArray[np.float32]]:
    """Two thetas, and what they play with a rest between them, in noise of -40 dB."""
    rng = np.random.default_rng([77, number])
    low = {"f_c": 512.0, "f_m": 4.0, "gamma": 0.7, "w": 1.5, "period": 0.4}
    high = {"f_c": 1024.0, "f_m": 16.0, "gamma": 4.0, "w": 2.5, "period": 1.2}
    one, other = (
        {id_: float(low[id_] * (high[id_] / low[id_]) ** rng.random()) for id_ in low}
        for _ in range(2)
    )
    before, after = (
        ms.render("chirplet", theta, seconds=seconds, sample_rate=ANALYSIS_RATE).mean(axis=0)
        for theta, seconds in ((one, BEFORE), (other, AFTER))
    )
    heard = np.concatenate([before, np.zeros(round(REST * ANALYSIS_RATE), np.float32), after])
    noise = 10.0 ** (-40.0 / 20.0) * after.std() * rng.standard_normal(len(heard))
    return one, other, (heard + noise).astype(np.float32)


def _found_after_silence(
    one: dict[str, float], other: dict[str, float], audio: NDArray[np.float32]
) -> tuple[float | None, int]:
    """Seconds until the other theta is told and stays, and the number of looks."""
    tracker, since, looks = tracking.Tracker(values=one), None, 0
    for looks in range(1, len(audio) // LOOK + 1):
        tracker.push(audio[(looks - 1) * LOOK : looks * LOOK])
        for _ in tracker.look():
            pass
        told, now = tracker.tell(), looks * LOOK / ANALYSIS_RATE - BEFORE - REST
        right = told.confidence >= SURE and all(
            told.theta.get(id_, 0.0) > 0.0 and abs(np.log(told.theta[id_] / other[id_])) < within
            for id_, within in WITHIN.items()
        )
        since = (now if since is None else since) if right and now > 0.0 else None
        if since is not None and now - since >= SURE_FOR:
            break
    return since, looks


def show(answer: Answer) -> None:
    """Print the figures as tables."""
    show_machine(answer["machine"])
    for name, row in answer.get("silences", {}).items():
        seconds = [AFTER if each is None else each for each in row["found_s"]]
        console().print(
            f"{name}: after a silence found after {np.median(seconds):.2f} s (median), "
            f"{np.mean(seconds):.2f} s (mean), {row['found_s'].count(None)} of {len(seconds)} not "
            f"within {AFTER:g} s; {1000.0 * row['look_seconds']:.0f} ms of CPU a look"
        )
    if "silences" in answer:
        return
    lag, found = answer["lag_s"], answer["found_s"]
    console().print(
        f"{answer['direction']}, arpeggios every {answer['period']:g} s: "
        + (f"found after {found:.1f} s" if found is not None else "not found")
    )
    console().print(
        f"lag over the glide: median {lag['median']:.2f} s, nine in ten below {lag['p90']:.2f} s, "
        f"worst {lag['worst']:.2f} s, after the first second {lag['settled']:.2f} s; "
        f"confidence {answer['confidence']:.2f}"
    )
    cpu = "" if answer["cpu"] is None else f"; the follower took {answer['cpu']:.0%} of a core"
    console().print(f"{answer['underflows']} of {answer['blocks']} blocks missed{cpu}")


if __name__ == "__main__":
    sys.exit(program("tracking", __doc__, add_options, run, show))
