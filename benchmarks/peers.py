"""Kymatio 0.4 and SCRAPL beside this program: the same input, threads and torch, in the same run.

Each program lives in a process for the whole comparison, and they work in turn: in every round,
each rival's case runs right after those of ours that it is compared with, so that whatever else the
machine does hits both. A ratio is the median of the rounds' ratios.

What --json shows under "peers"::

    rounds, gradient_rounds     asked for; a gradient for which memory became short was left out
    ours        a list of {name, seconds {median, low, high, least}}; "cases" tell the memory
    theirs      the same, and peak_mb; SCRAPL's seconds are those of a path drawn at random,
                estimated in each round by the mean over paths that divide its list evenly
    ratios      a list of
        ours, theirs    names
        ratio           {median, low, high, least}: their seconds over ours
        rounds
        error           |ours - theirs| / |theirs|, of the coefficients or of the gradient along
                        (f_m, gamma) of their norm; null where the two do not compute the same

SCRAPL does not take F=0 and runs with its own default F=None; but for the form "scrapl", the
setting of its authors: forward and reverse of a batch, its one path against all of ours.

The peers run in a virtual environment of their own: Kymatio 0.4, which no index has, and SCRAPL.
Unless --peers-python names one, it lies in the user's cache folder and is made once. Torch is not
installed again: the environment looks for it where this program has it, after its own packages, so
that both sides run the very same build and gigabytes are not downloaded twice. NumPy and SciPy are
its own, because Kymatio needs a SciPy older than 1.15 (``sph_harm``).
"""

import importlib.util
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from platformdirs import user_cache_path

from benchmarks.child import Child, Measured
from benchmarks.harness import Narration, memory_bytes, spread
from benchmarks.jtfs_case import FORMS, PAPER, SAMPLES, SCRAPL_BATCH, Case, Form, Work
from mesosynth.errors import WorkerError

GRADIENT_BYTES = 16e9
"""Memory that Kymatio's gradient takes on the paper's problem."""

_OUR_REPEATS = 3
_PATHS = 8
SCRIPT = Path(__file__).parent / "children" / "peers.py"


@dataclass(frozen=True)
class Rival:
    """One case of a peer, and our case that it is compared with.

    Attributes
    ----------
    program : {"kymatio", "scrapl"}
    form : {"frames", "global", "scrapl"}
    work : {"value", "gradient"}
    against : tuple of works
        Of every form of ours that averages as `form` does.
    """

    program: str
    form: Form
    work: str
    against: tuple[Work, ...]

    @property
    def name(self) -> str:
        """program/form/work."""
        return f"{self.program}/{self.form}/{self.work}"

    @property
    def is_heavy(self) -> bool:
        """Whether this case takes a minute and GRADIENT_BYTES."""
        return self.program == "kymatio" and self.work == "gradient"

    def meets(self, case: Case) -> bool:
        """Whether `case` is compared with this."""
        return FORMS[case.form]["T"] == FORMS[self.form]["T"] and case.work in self.against

    def cases(self, sound: str, round_: int) -> list[dict[str, Any]]:
        """Cases for the peers' child in a round."""
        own = {key: value for key, value in FORMS[self.form].items() if key != "boundary"}
        case = {
            "program": self.program, "work": self.work, "shape": SAMPLES, **PAPER, **own,
            "sound": sound,
        }  # fmt: skip
        if self.program == "kymatio":
            return [case]
        case["F"] = case["F"] or None
        first = (round_ + 1) * 0.618 % 1.0  # other paths in each round
        return [{**case, "path": (i + first) / _PATHS} for i in range(_PATHS)]


RIVALS = (
    Rival("kymatio", "frames", "value", ("value",)),
    Rival("kymatio", "global", "value", ("value",)),
    Rival("scrapl", "frames", "gradient", ("jvp2", "jvp4")),
    Rival("scrapl", "global", "gradient", ("jvp2", "jvp4")),
    Rival("scrapl", "scrapl", "gradient", ("reverse",)),
    Rival("kymatio", "frames", "gradient", ("jvp2", "jvp4", "reverse")),
    Rival("kymatio", "global", "gradient", ("jvp2", "jvp4", "reverse")),
)
"""In the order of a round: the largest comes last, as some memory is never given back."""


def check_memory() -> None:
    """Refuse cases that need more memory than there is.

    Raises
    ------
    WorkerError
        Where less is free than Kymatio's gradient takes.
    """
    free = memory_bytes()[1]
    if not is_enough(free):
        raise WorkerError(
            f"Kymatio's gradient takes about {GRADIENT_BYTES / 1e9:.0f} GB of memory and "
            f"{(free or 0) / 1e9:.1f} GB are free; end other programs, or leave it out with "
            f"--gradients 0."
        )


def is_enough(free: int | None) -> bool:
    """Whether Kymatio's gradient fits in so much memory; True if the amount is unknown."""
    return free is None or free >= GRADIENT_BYTES


def measure_peers(
    python: Path,
    cases: list[Case],
    threads: int,
    rounds: int,
    gradient_rounds: int,
    say: Narration,
    clock: str = "wall",
) -> dict[str, Any]:
    """The entry "peers": RIVALS, under the interpreter `python`, against `cases` on the CPU.

    Parameters
    ----------
    python : Path
        The interpreter of the peers' environment.
    cases : list of Case
        Of ours.
    threads : int
    rounds, gradient_rounds : int
        In all, and of them with Kymatio's gradient.
    say : Narration
    clock : {"wall", "cpu"}
        What the seconds are.
    """
    command = peers_command(python, threads, clock)
    with (
        tempfile.TemporaryDirectory() as folder,
        Child.of_mesosynth(threads, clock) as ours,
        Child("Kymatio", command, threads) as kymatio,
        Child("SCRAPL", command, threads) as scrapl,
    ):
        theirs = {"kymatio": kymatio, "scrapl": scrapl}
        contest = _Contest(ours, theirs, folder, [c for c in cases if c.device == "cpu"])
        for round_ in range(rounds):
            for rival in RIVALS:
                if rival.is_heavy:
                    free = memory_bytes()[1]
                    # What their process keeps of an earlier gradient serves the next.
                    reusable = None if free is None else free + kymatio.resident()
                    if round_ >= gradient_rounds or not is_enough(reusable):
                        continue
                say(f"round {round_ + 1} of {rounds}: {rival.name}")
                contest.meet(rival, round_)
        return {
            "rounds": rounds,
            "gradient_rounds": gradient_rounds,
            **contest.outcome(),
        }


def peers_command(python: Path, threads: int, clock: str = "wall") -> list[str]:
    """Command of the peers' child.

    Parameters
    ----------
    python : Path
        The interpreter of the peers' environment.
    threads : int
    clock : {"wall", "cpu"}
    """
    return [str(python), "-E", "-s", str(SCRIPT), str(threads), clock]


class _Contest:
    """Runs rivals against our cases, and keeps the score."""

    def __init__(
        self, ours: Child, theirs: dict[str, Child], folder: str, cases: list[Case]
    ) -> None:
        self._ours, self._theirs, self._cases = ours, theirs, cases
        self._folder = Path(folder)
        self._sound = str(self._folder / "sound.npz")
        self._batch = str(self._folder / "batch.npz")
        self._prepared: set[str] = set()
        self._seconds: dict[str, list[float]] = {}
        self._peaks: dict[str, float | None] = {}
        self._ratios: dict[tuple[str, str], list[float]] = {}
        for path, batch in ((self._sound, 1), (self._batch, SCRAPL_BATCH)):
            if cases:
                signal = Case("frames", "jvp2", "exact", sound=cases[0].sound, batch=batch)
                ours.prepare("signal", {"signal": signal.as_json()})
                ours.run("signal", 1)
                ours.save("signal", path)

    def meet(self, rival: Rival, round_: int) -> None:
        """One round of a rival and of ours that it is compared with, ours first."""
        met = [case for case in self._cases if rival.meets(case)]
        if not met:
            return
        own = {case.name: self._run_ours(case) for case in met}
        sound = self._batch if rival.form == "scrapl" else self._sound
        measured = [self._run_theirs(rival.name, case) for case in rival.cases(sound, round_)]
        seconds = float(np.mean([np.median(m.seconds) for m in measured]))
        self._seconds.setdefault(rival.name, []).append(seconds)
        if rival.name not in self._peaks:  # later ones hold what larger runs left behind
            known = [m.megabytes for m in measured if m.megabytes is not None]
            self._peaks[rival.name] = max(known, default=None)
        for name, ours in own.items():
            self._seconds.setdefault(name, []).extend(ours.seconds)
            ratio = seconds / float(np.median(ours.seconds))
            self._ratios.setdefault((name, rival.name), []).append(ratio)

    def outcome(self) -> dict[str, Any]:
        """Entries "ours", "theirs" and "ratios"."""
        rivals = {rival.name: rival for rival in RIVALS}
        rows = {name: spread(seconds) for name, seconds in self._seconds.items()}
        return {
            "ours": [
                {"name": name, "seconds": seconds}
                for name, seconds in rows.items() if name not in rivals
            ],
            "theirs": [
                {"name": name, "seconds": seconds, "peak_mb": self._peaks[name]}
                for name, seconds in rows.items() if name in rivals
            ],
            "ratios": [
                {
                    "ours": name, "theirs": rival, "ratio": spread(ratios), "rounds": len(ratios),
                    "error": self._error(name, rivals[rival]),
                }
                for (name, rival), ratios in self._ratios.items()
            ],
        }  # fmt: skip

    def _run_ours(self, case: Case) -> Measured:
        if case.name not in self._prepared:
            self._ours.prepare(case.name, {"run": case.as_json()})
            self._ours.run(case.name, 2)
            self._prepared.add(case.name)
        return self._ours.run(case.name, _OUR_REPEATS)

    def _run_theirs(self, name: str, case: dict[str, Any]) -> Measured:
        first = name not in self._prepared
        child = self._theirs[case["program"]]
        child.prepare(name, case)
        if case["program"] == "scrapl" or (first and case["work"] == "value"):
            child.run(name, 1)  # a minute's gradient needs no warming up
        self._prepared.add(name)
        return child.run(name, 3 if case["program"] == "scrapl" else 1)

    def _error(self, name: str, rival: Rival) -> float | None:
        """How far our last result is from theirs."""
        (case,) = (case for case in self._cases if case.name == name)
        if rival.program != "kymatio" or case.form != rival.form or case.work not in _COMPARABLE:
            return None
        key = _COMPARABLE[case.work]
        own = self._saved(self._ours, name)
        other = self._saved(self._theirs[rival.program], rival.name)
        if key == "gradient":
            S, dS = (own[part].astype(np.float64) for part in ("S", "dS"))
            own = {"gradient": np.tensordot(dS, S, axes=S.ndim) / np.linalg.norm(S)}
        difference = np.linalg.norm(
            own[key].astype(np.float64) - other[key].reshape(own[key].shape)
        )
        return float(difference / np.linalg.norm(other[key]))

    def _saved(self, child: Child, name: str) -> dict[str, np.ndarray[Any, Any]]:
        path = self._folder / "result.npz"
        child.save(name, str(path))
        with np.load(path) as stored:
            return {key: stored[key] for key in stored.files}


_COMPARABLE: dict[Work, str] = {"value": "S", "jvp2": "gradient"}


# ---------------------------------------------------------------------- their environment

REQUIREMENTS = ("numpy<2.3", "scipy>=1.11,<1.15", "appdirs", "configparser", "packaging")
"""Packages of the peers' environment, besides torch and its dependencies."""

PEERS = ("scrapl-loss==0.1.0",)
"""Installed without dependencies, or torch would be installed with them."""

_NEWEST_PYTHON = (3, 13)  # that SciPy 1.14 has wheels for
_COMPLETE = "complete.txt"


def peers_python(say: Callable[[str], None], given: Path | None = None) -> Path:
    """The interpreter of the peers' environment, which is made where it is not there yet.

    Parameters
    ----------
    say : callable
        Told what goes on, a line at a time.
    given : Path, optional
        Interpreter of an environment that holds the peers and torch.

    Raises
    ------
    WorkerError
        Where it cannot be made, with pip's last word, or what is given is not there.
    """
    if given is not None:
        if not given.is_file():
            raise WorkerError(f"--peers-python {given} is no file; name a Python interpreter.")
        return given
    if sys.version_info[:2] > _NEWEST_PYTHON:
        newest = ".".join(map(str, _NEWEST_PYTHON))
        raise WorkerError(
            f"--peers needs Python {newest} or older, for which SciPy 1.14 has wheels; "
            f"this is {sys.version_info.major}.{sys.version_info.minor}."
        )
    folder = environment_folder()
    python = _python(folder)
    if not is_complete(folder):
        _make_environment(folder, python, say)
    _borrow_torch(folder)
    return python


def environment_folder() -> Path:
    """Folder of the environment: one for each version of Python."""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    return user_cache_path("mesosynth", appauthor=False) / f"peers-python{version}"


def is_complete(folder: Path) -> bool:
    """Whether an environment is complete and has today's requirements."""
    note = folder / _COMPLETE
    return _python(folder).exists() and note.is_file() and note.read_text() == _contents()


def _make_environment(folder: Path, python: Path, say: Callable[[str], None]) -> None:
    say(f"making {folder}")
    shutil.rmtree(folder, ignore_errors=True)
    _run_command([sys.executable, "-m", "venv", str(folder)], say)
    # Wheels alone: a build from source would take minutes, and compilers that may be missing.
    install = [str(python), "-m", "pip", "install", "--only-binary=:all:"]
    _run_command([*install, *REQUIREMENTS], say)
    _run_command([*install, "--no-deps", *PEERS], say)
    (folder / _COMPLETE).write_text(_contents())


def _run_command(command: list[str], say: Callable[[str], None]) -> None:
    try:
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
    except OSError as error:
        raise WorkerError(f"{command[0]} cannot be started: {error.strerror}.") from error
    last = "it said nothing"
    with process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.strip():
                last = line.strip()
                say(last)
    if process.returncode:
        raise WorkerError(
            f"The peers' environment cannot be made; {' '.join(command[1:4])} said: {last}"
        )


def _borrow_torch(folder: Path) -> None:
    """Let the environment find our torch, after its own packages."""
    torch = importlib.util.find_spec("torch")
    if torch is None or torch.origin is None:
        raise WorkerError("torch is not installed here; install mesosynth with its dependencies.")
    home = Path(torch.origin).parents[1]
    site = sysconfig.get_path("purelib", "venv", vars={"base": str(folder)})
    (Path(site) / "mesosynth-torch.pth").write_text(f"{home}\n")


def _python(folder: Path) -> Path:
    return folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def _contents() -> str:
    return "\n".join((*REQUIREMENTS, *PEERS))
