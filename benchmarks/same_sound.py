"""Comparison of the sound of this checkout with that of an earlier one, sample by sample.

``python -m benchmarks.same_sound --before CHECKOUT [--tolerance-db DB]``

Renders the factory presets of the earlier one, four seconds each with their effects, and twenty
scripts of keys and knobs through the rack and four through the whole engine, in both checkouts, and
compares every sample. The scripts are drawn with a fixed seed: notes, velocities, bends, pressure,
sustain, freeze, tempo, transport, panic, bypass and parameters that move from block to block, in
blocks of 32 to 1024 frames, for every instrument, with effects in varying order, some so loud that
the limiter works. Two checkouts sound the same where no sample differs by more than -100 dB of full
scale, or the tolerance that is given: compiled mathematics may differ in the last bit of a float32,
-144 dB. The exit status is 1 where a case differs.

Beside commit 985e2db some scripts differ on purpose: a knob that moved while nothing played, or
while its effect was bypassed, counts since then; in blocks of more than 10 ms a damping moves over
the whole block; and the delay's crossfade lasts its 50 ms, where rounding made it a block longer.
Without these moves all differ by less than -100 dB, but for drives of more than 40 dB, which
amplify the last bits.
"""

import argparse
import json
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks import checkouts, engine_adapter

RATE = 48000  # Hz
SECONDS = 4.0  # of a preset
SCRIPTS, ENGINE_SCRIPTS = 20, 4
SCRIPT_SECONDS = 5.0
SEED = 985
TOLERANCE_DB = -100.0  # of full scale
BLOCKS = (32, 64, 128, 256, 512, 1024)
TUNING = {"tuning": {"name": "five equal steps", "cents": [240.0, 480.0, 720.0, 960.0, 1200.0]}}


def main() -> int:
    """Compare, and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.same_sound", description=__doc__)
    parser.add_argument("--before", metavar="CHECKOUT", type=checkouts.checkout)
    parser.add_argument(
        "--only", metavar="PATTERN", default="*", help="cases to compare: 'script*', 'preset bird'"
    )
    parser.add_argument(
        "--tolerance-db", metavar="DB", type=float, default=TOLERANCE_DB,
        help="largest difference of a sample, of full scale (default: %(default)g)",
    )  # fmt: skip
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")
    parser.add_argument("--child", nargs=2, metavar=("WORK", "FOLDER"), help=argparse.SUPPRESS)
    parser.add_argument("--gain-db", type=float, default=0.0, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        work, folder = arguments.child
        _child(work, Path(folder), arguments.gain_db)
        return 0
    if arguments.before is None:
        parser.error("--before CHECKOUT is missing; for example a git worktree of 985e2db.")
    answer = compare(
        arguments.before, checkouts.HERE, arguments.only, arguments.gain_db, arguments.tolerance_db
    )
    if arguments.json:
        print(json.dumps(answer))
    else:
        _show(answer)
    return 0 if answer["same"] else 1


def compare(
    before: Path, after: Path, only: str = "*", gain_db: float = 0.0,
    tolerance_db: float = TOLERANCE_DB,
) -> dict[str, Any]:  # fmt: skip
    """Render in both checkouts and compare.

    Parameters
    ----------
    before, after : Path
        Checkouts.
    only : str
        Shell pattern of the cases' names.
    gain_db : float
        Gain of what `after` plays, to see that a difference is found.
    tolerance_db : float
        Largest difference of a sample, dB of full scale.

    Returns
    -------
    dict
        same (bool), worst_db, tolerance_db, cases (list of dict).
    """
    with tempfile.TemporaryDirectory() as scratch:
        sides = {"before": Path(scratch) / "before", "after": Path(scratch) / "after"}
        for folder in sides.values():
            folder.mkdir()
        module = "benchmarks.same_sound"
        checkouts.output(before, [module, "--child", "write", scratch])
        names = _choose(Path(scratch) / "scripts.json", before, only)
        gains = {"before": 0.0, "after": gain_db}

        def render(side: str) -> None:
            folder = before if side == "before" else after
            work = ["--child", "render", str(sides[side]), "--gain-db", str(gains[side])]
            checkouts.output(folder, [module, *work])

        with ThreadPoolExecutor() as pool:
            list(pool.map(render, sides))
        cases = [
            _compare_case(name, sides["before"], sides["after"], tolerance_db) for name in names
        ]
    worst = max(case["difference_db"] for case in cases)
    return {
        "same": all(case["same"] for case in cases),
        "worst_db": worst,
        "tolerance_db": tolerance_db,
        "cases": cases,
    }


def _choose(path: Path, before: Path, only: str) -> list[str]:
    """Names of the cases; both sides' lists of them are written beside the scripts."""
    scripts = json.loads(path.read_text())
    presets = sorted(path.stem for path in (before / "presets").glob("*.json"))
    cases = [{"name": f"preset {stem}", "preset": stem} for stem in presets]
    cases = [case for case in [*cases, *scripts] if fnmatch(case["name"], only)]
    if not cases:
        raise SystemExit(f"--only {only!r} chooses none of the cases.")
    path.write_text(json.dumps(cases))
    return [case["name"] for case in cases]


def _compare_case(name: str, before: Path, after: Path, tolerance_db: float) -> dict[str, Any]:
    one, other = (_load(folder / f"{name}.npy") for folder in (before, after))
    faults = [json.loads((f / f"{name}.json").read_text()) for f in (before, after)]
    if one is None or other is None or one.shape != other.shape:
        difference = np.inf
    else:
        # NaN in both is no agreement: `fmax` would overlook it.
        difference = float(np.abs(one.astype(np.float64) - other).max())
    level = 20.0 * np.log10(difference) if difference > 0.0 else -np.inf
    peak = 0.0 if one is None else float(np.abs(one).max())
    same = level <= tolerance_db and faults[0] == faults[1]
    return {
        "name": name, "same": bool(same), "difference_db": _finite(float(level)),
        "identical": difference == 0.0, "peak_db": _finite(20.0 * np.log10(max(peak, 1e-30))),
        "before": faults[0], "after": faults[1],
    }  # fmt: skip


def _load(path: Path) -> NDArray[np.float32] | None:
    return np.load(path) if path.exists() else None


def _finite(decibels: float) -> float:
    """JSON knows no infinities: 999 is a case that cannot be compared, -999 no difference."""
    return float(np.clip(np.nan_to_num(decibels, nan=999.0), -999.0, 999.0))


def _show(answer: dict[str, Any]) -> None:
    print(f"{'case':<42} {'peak dBFS':>9} {'difference dBFS':>16}")
    for case in answer["cases"]:
        difference = "identical" if case["identical"] else f"{case['difference_db']:.1f}"
        note = "" if case["same"] else "  DIFFERS"
        if case["before"] != case["after"]:
            note += f" before: {case['before']}, after: {case['after']}"
        print(f"{case['name']:<42} {case['peak_db']:>9.1f} {difference:>16}{note}")
    identical = sum(case["identical"] for case in answer["cases"])
    differs = sum(not case["same"] for case in answer["cases"])
    print(
        f"{len(answer['cases'])} cases, {identical} identical, {differs} differ; the worst "
        f"difference is {answer['worst_db']:.1f} dBFS "
        f"(limit {answer['tolerance_db']:.0f}; -999 is none)"
    )


def _child(work: str, folder: Path, gain_db: float) -> None:
    """Render all cases with the packages of one checkout."""
    if work == "write":
        (folder / "scripts.json").write_text(json.dumps(write_scripts()))
        return
    gain = np.float32(10.0 ** (gain_db / 20.0))
    for case in json.loads((folder.parent / "scripts.json").read_text()):
        report: dict[str, Any] = {}
        try:
            if "preset" in case:
                path = Path("presets") / f"{case['preset']}.json"
                sound = engine_adapter.render_preset(path, SECONDS, RATE)
            else:
                sound, report["faults"] = play_script(case)
            np.save(folder / f"{case['name']}.npy", gain * sound if gain != 1.0 else sound)
        except ImportError:
            raise
        except Exception as error:  # noqa: BLE001 - one case that fails is a line of the table
            report["error"] = f"{type(error).__name__}: {error}"
        (folder / f"{case['name']}.json").write_text(json.dumps(report))


def play_script(script: dict[str, Any]) -> tuple[NDArray[np.float32], int]:
    """Sound of a script, (2, frames) float32, and the blocks that a plugin spoiled."""
    kind = engine_adapter.EnginePlayer if script["engine"] else engine_adapter.Player
    player = kind(script["instrument"], script["effects"], RATE, max(BLOCKS), script["state"])
    out = np.zeros((2, sum(block["frames"] for block in script["blocks"])), np.float32)
    begin = 0
    for block in script["blocks"]:
        for place, id_, value in block["moves"]:
            player.move(place, id_, value)
        if isinstance(player, engine_adapter.EnginePlayer):
            for place, id_, value in block["controls"]:
                player.control(place, id_, value)
            player.fade(block["open"])
        for place, bypassed in block["bypass"]:
            player.bypass(place, bypassed)
        if block["panic"]:
            player.panic()
        frames = block["frames"]
        events = player.events(block["events"])
        player.play(out[:, begin : begin + frames], events, block["playing"])
        begin += frames
    player.close()
    return out, player.faults


def write_scripts() -> list[dict[str, Any]]:
    """Scripts of keys and knobs, the same for the same parameter tables."""
    scripts = [_script(number) for number in range(SCRIPTS)]
    for number in range(SCRIPTS, SCRIPTS + ENGINE_SCRIPTS):
        script = _script(number)
        random = np.random.default_rng([SEED, number, 1])
        opened = True
        for block in script["blocks"]:  # every other move comes from a controller
            block["moves"], block["controls"] = block["moves"][::2], block["moves"][1::2]
            if random.random() < (0.3 if opened else 3.0) * block["frames"] / RATE:
                opened = not opened
            block["open"] = opened
        name = script["name"].replace("script", "engine")
        scripts.append({**script, "name": name, "engine": True})
    return scripts


def _script(number: int) -> dict[str, Any]:
    random = np.random.default_rng([SEED, number])
    tables = engine_adapter.tables()
    names = sorted(engine_adapter.engine("INSTRUMENTS"))
    instrument = names[number % len(names)]
    effects = [str(name) for name in random.permutation(sorted(engine_adapter.engine("EFFECTS")))]
    if number % 4 == 3:  # the others have them all
        effects = effects[: int(random.integers(0, len(effects)))]
    plugins = [tables[instrument], *(tables[effect] for effect in effects)]
    sizes = BLOCKS if number % 2 else (BLOCKS[number // 2 % len(BLOCKS)],)
    moving = (0.05, 0.3, 1.0)[number % 3]  # knobs per block of 128 frames
    keys = _Keys(random, rate=(3.0, 12.0, 40.0)[number // 3 % 3])
    blocks: list[dict[str, Any]] = []
    frames_left, playing = round(SCRIPT_SECONDS * RATE), bool(number % 5)
    levels = [id_ for id_ in plugins[0] if id_.startswith("level_")]  # of the layers
    first = [[0, id_, plugins[0][id_].from_unit(0.8)] for id_ in levels[: 2 + number % 7]]
    if number % 4 == 0:
        first.append([0, "gain", plugins[0]["gain"].maximum])
    while frames_left > 0:
        frames = min(int(random.choice(sizes)), frames_left)
        frames_left -= frames
        moves = first + [
            _move(random, plugins) for _ in range(random.poisson(moving * frames / 128))
        ]
        first = []
        seconds = frames / RATE
        if random.random() < (0.4 if playing else 2.0) * seconds:
            playing = not playing
        bypass = []
        if effects and random.random() < 0.8 * seconds:
            bypass = [[int(random.integers(1, len(plugins))), bool(random.random() < 0.5)]]
        blocks.append(
            {
                "frames": frames, "moves": moves, "bypass": bypass, "playing": playing,
                "panic": bool(random.random() < 0.2 * seconds), "events": keys.block(frames),
            }
        )  # fmt: skip
    return {
        "name": f"script {number:02} {instrument}, {len(effects)} effects",
        "instrument": instrument, "effects": effects, "engine": False,
        "state": TUNING if instrument == "chirplet" and number % 2 else {}, "blocks": blocks,
    }  # fmt: skip


def _move(random: np.random.Generator, plugins: list[Any]) -> list[Any]:
    place = int(random.integers(len(plugins)))
    id_ = str(random.choice(list(plugins[place])))
    position = float(random.random())
    if id_ == "gain" or id_.startswith("level"):  # or else most scripts soon fall silent
        position = 0.6 + 0.4 * position
    return [place, id_, plugins[place][id_].from_unit(position)]


class _Keys:
    """Random hands on a keyboard, its wheels and its pedals.

    Parameters
    ----------
    random : numpy.random.Generator
    rate : float
        Events per second.
    """

    _KINDS = (
        "NOTE_ON", "NOTE_OFF", "PITCH_BEND", "PRESSURE", "SUSTAIN", "TIMBRE", "FREEZE", "TEMPO",
        "ALL_OFF", "START", "STOP",
    )  # fmt: skip
    _SHARES = (0.42, 0.30, 0.07, 0.07, 0.04, 0.03, 0.02, 0.02, 0.01, 0.01, 0.01)

    def __init__(self, random: np.random.Generator, rate: float) -> None:
        self._random, self._rate = random, rate
        self._held: list[tuple[int, int]] = []

    def block(self, frames: int) -> list[list[Any]]:
        """Events of a block, sorted by frame: frame, kind, channel, note, value."""
        count = self._random.poisson(self._rate * frames / RATE)
        at = sorted(int(frame) for frame in self._random.integers(0, frames, count))
        return [[frame, *self._event()] for frame in at]

    def _event(self) -> list[Any]:
        random = self._random
        kind = str(random.choice(self._KINDS, p=self._SHARES))
        channel, note = int(random.integers(16)), int(random.integers(24, 109))
        value = float(random.random())
        match kind:
            case "NOTE_ON":
                self._held.append((channel, note))
            case "NOTE_OFF" if self._held:
                channel, note = self._held.pop(int(random.integers(len(self._held))))
            case "PRESSURE":
                if self._held and random.random() < 0.5:
                    channel, note = self._held[-1]
                else:
                    note = 255
            case "PITCH_BEND":
                value, note = float(random.choice([0.0, 2.0, -2.0, 48.0 * (value - 0.5)])), 255
            case "SUSTAIN" | "FREEZE":
                value = float(random.random() < 0.5)
            case "TEMPO":
                value = 40.0 + 200.0 * value
            case _:
                pass
        return [kind, channel, note, value]


if __name__ == "__main__":
    sys.exit(main())
