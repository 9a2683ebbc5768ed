# pyright: reportMissingImports=false, reportAttributeAccessIssue=false
# Kymatio 0.4 and SCRAPL are installed where this script runs, not where it is checked.
"""The script that measures Kymatio 0.4 and SCRAPL, in the environment that holds them.

    python peers.py THREADS [CLOCK]

Its cases are {"program": "kymatio" or "scrapl", "work": "value" or "gradient", "T": null or
"global", "F": 0 or null, "shape", "J", "Q", "J_fr", "Q_fr", "sound": an .npz with x (n,) and dx (p,
n)}, and for SCRAPL "path", a fraction of the way through its list of paths. A gradient is that of
the norm of the coefficients along the tangents dx: one reverse pass to the waveform, and a product.
With "distance" for "work" it is that of the distance to the coefficients of "target" (n,), which
the .npz holds as well, and the answer is {"loss", "gradient"} in numbers. x may be a batch (k, n).

Besides, {"numbers": arguments of Kymatio's transform, "seed"}: its coefficients of white noise, by
its NumPy frontend in float64, and what its ``meta()`` says, as :func:`numbers_of_meta` writes it.
"""

import importlib.util
import os
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from meta_numbers import numbers_of_meta
from serving import Memory, Run, serve

_memory = Memory()  # before anything of theirs: the interpreter with torch

Coefficients = Callable[[torch.Tensor], torch.Tensor]
_transforms: dict[str, Any] = {}


def prepare(case: dict[str, Any]) -> Run:
    """Function that runs a case."""
    if "numbers" in case:
        return lambda: numbers(case["numbers"], case["seed"])
    with np.load(case["sound"]) as sound:
        x, dx = (torch.from_numpy(sound[name]) for name in ("x", "dx"))
        target = torch.from_numpy(sound["target"]) if "target" in sound else x
    coefficients = {"kymatio": kymatio, "scrapl": scrapl}[case["program"]](case)

    def value() -> dict[str, Any]:
        with torch.no_grad():
            return {"S": coefficients(x)}

    def gradient() -> dict[str, Any]:
        waveform = x.clone().requires_grad_()
        S = coefficients(waveform)
        (slope,) = torch.autograd.grad(S.norm(), waveform)
        return {"S": S, "gradient": dx.flatten(1) @ slope.flatten()}

    def distance() -> dict[str, Any]:
        with torch.no_grad():
            wanted = coefficients(target)
        waveform = x.clone().requires_grad_()
        loss = (coefficients(waveform) - wanted).norm()
        (slope,) = torch.autograd.grad(loss, waveform)
        return {"loss": float(loss), "gradient": (dx @ slope).tolist()}

    return {"value": value, "gradient": gradient, "distance": distance}[case["work"]]


def kymatio(case: dict[str, Any]) -> Coefficients:
    """All coefficients, (paths, frames)."""
    from kymatio.torch import TimeFrequencyScattering

    return _built(TimeFrequencyScattering, case, format="time")


def scrapl(case: dict[str, Any]) -> Coefficients:
    """The coefficients of one path, as SCRAPL's loss computes them."""
    from scrapl.single_path_jtfs import TimeFrequencyScrapl

    S = _built(TimeFrequencyScrapl, case)
    paths = [key for key in S.meta()["key"] if len(key) == 2]
    n2, n_fr = paths[int(case["path"] * len(paths))]
    return lambda x: S.scattering_singlepath(x.view(-1, 1, x.shape[-1]), n2, n_fr)["coef"]


def numbers(arguments: dict[str, Any], seed: int) -> dict[str, Any]:
    """Coefficients of white noise, and the numbers of their meta."""
    from kymatio.numpy import TimeFrequencyScattering

    S = TimeFrequencyScattering(**{**arguments, "Q": tuple(arguments["Q"])})
    x = np.random.default_rng(seed).standard_normal(arguments["shape"])
    columns = numbers_of_meta(S.meta())
    return {"S": torch.from_numpy(S(x)), **{k: torch.from_numpy(v) for k, v in columns.items()}}


def _built(kind: Callable[..., Any], case: dict[str, Any], **more: str) -> Any:  # noqa: ANN401 - theirs
    """A transform, made once for each set of arguments."""
    arguments = {name: case[name] for name in ("J", "J_fr", "Q_fr", "T", "F")}
    arguments.update(shape=(case["shape"],), Q=tuple(case["Q"]), **more)
    key = f"{kind} {arguments}"
    if key not in _transforms:
        _transforms[key] = kind(**arguments)
    return _transforms[key]


def _prefer_kymatio_of_scrapl() -> None:
    """SCRAPL brings Kymatio 0.4 along at the end of the path, where another may come first."""
    package = importlib.util.find_spec("scrapl")
    assert package is not None
    assert package.origin is not None
    sys.path.insert(0, os.path.join(os.path.dirname(package.origin), "kymatio"))


if __name__ == "__main__":
    _prefer_kymatio_of_scrapl()
    torch.set_num_threads(int(sys.argv[1]))
    serve(prepare, _memory, *sys.argv[2:])
