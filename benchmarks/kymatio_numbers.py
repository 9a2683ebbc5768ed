"""Our coefficients beside Kymatio's, on transforms with drawn arguments.

Kymatio's NumPy frontend computes in float64; ours in float64 and in float32. The input is white
noise. An error is that of all coefficients together, relative to their norm. Arguments that Kymatio
refuses are drawn anew.
"""

import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.child import Child
from benchmarks.children.meta_numbers import numbers_of_meta
from benchmarks.harness import Narration
from benchmarks.peers import peers_command
from mesosynth.errors import WorkerError

COUNT = 60
DEFAULTS = 10
"""Drawn transforms; the first of them have Kymatio's default arguments."""

_MOST_DRAWS = 10 * COUNT


def draw(rng: np.random.Generator, *, by_default: bool) -> dict[str, Any]:
    """Arguments of one transform.

    Parameters
    ----------
    rng : Generator
    by_default : bool
        Whether the arguments that have a default are left out.

    Returns
    -------
    dict
    """
    J = int(rng.integers(5, 10))
    shape = int(rng.integers(2**J, 4097))
    config: dict[str, Any] = {
        "J": J, "J_fr": int(rng.integers(1, 5)), "shape": shape,
        "Q": [int(rng.integers(1, 13)), int(rng.integers(1, 3))],
    }  # fmt: skip
    if by_default:
        return config
    config["Q_fr"] = int(rng.integers(1, 3))
    config["T"] = (None, "global", int(rng.integers(2, 2**J)))[rng.integers(3)]
    config["F"] = (None, "global", 0, int(rng.integers(2, 2 ** config["J_fr"] + 1)))[
        rng.integers(4)
    ]
    config["format"] = "time" if config["F"] == 0 or rng.random() < 0.7 else "joint"
    return config


def compare(python: Path, threads: int, say: Narration, count: int = COUNT) -> dict[str, Any]:
    """Errors of drawn transforms.

    Parameters
    ----------
    python : Path
        The interpreter of the peers' environment.
    threads : int
    say : Narration
    count : int
        Transforms.

    Returns
    -------
    dict
        count; refused, draws that Kymatio refuses; float32, float64, the largest error; meta, how
        many differ in their meta; worst, the arguments with the largest error in float32
    """
    from mesosynth.scattering import JTFS

    rng = np.random.default_rng(60)
    errors: list[tuple[float, float]] = []
    configs: list[dict[str, Any]] = []
    refused = meta = 0
    with (
        tempfile.TemporaryDirectory() as folder,
        Child("Kymatio", peers_command(python, threads), threads) as child,
    ):
        path = str(Path(folder) / "result.npz")
        for seed in range(_MOST_DRAWS):
            if len(configs) == count:
                break
            config = draw(rng, by_default=len(configs) < DEFAULTS)
            say(f"numbers {len(configs) + 1} of {count}: {config}")
            child.prepare("numbers", {"numbers": config, "seed": seed})
            try:
                child.run("numbers", 1)
            except WorkerError:
                refused += 1
                continue
            child.save("numbers", path)
            with np.load(path) as stored:
                theirs = {key: stored[key] for key in stored.files}
            arguments: dict[str, Any] = {**config, "Q": tuple(config["Q"])}
            jtfs = JTFS(**arguments)
            x = np.random.default_rng(seed).standard_normal(config["shape"])
            configs.append(config)
            wanted = theirs.pop("S")
            found = (jtfs(y).reshape(wanted.shape) for y in (x.astype(np.float32), x))
            norm = np.linalg.norm(wanted)
            single, double = (float(np.linalg.norm(S - wanted) / norm) for S in found)
            errors.append((single, double))
            own = numbers_of_meta(jtfs.meta())
            meta += not all(
                own[k].shape == column.shape and np.allclose(own[k], column, rtol=1e-9, atol=1e-12)
                for k, column in theirs.items()
            )
    if len(configs) < count:
        raise WorkerError(f"Kymatio refused {refused} of {_MOST_DRAWS} drawn transforms.")
    worst = int(np.argmax([single for single, _ in errors]))
    return {
        "count": len(configs), "refused": refused, "meta": meta,
        "float32": max(single for single, _ in errors),
        "float64": max(double for _, double in errors), "worst": configs[worst],
    }  # fmt: skip
