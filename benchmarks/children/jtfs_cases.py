"""Child that measures our JTFS: ``python -m benchmarks.children.jtfs_cases THREADS [CLOCK]``.

Its tasks are {"run": a Case}, {"count": a Case}, {"signal": a Case} and {"rates": device}.
"""

import sys
from typing import Any

import torch

from benchmarks.children.serving import Memory, Run, serve

_memory = Memory()  # before anything else of ours: the interpreter with torch

from benchmarks.jtfs_case import DIRECTIONS, SAMPLE_RATE, SAMPLES, Case  # noqa: E402 - see above
from benchmarks.operations import count_operations, measure_rates  # noqa: E402 - see above
from mesosynth.instruments.chirplet_torch import chirplet_and_tangents  # noqa: E402 - see above
from mesosynth.scattering import JTFS  # noqa: E402 - see above

_transforms: dict[str, JTFS] = {}


def prepare(task: dict[str, Any]) -> Run:
    """Function that carries a task out."""
    ((what, subject),) = task.items()
    if what == "rates":
        return lambda: measure_rates(subject)
    if what == "signal":
        return lambda: dict(zip(("x", "dx"), signal(Case(**subject)), strict=True))
    case = Case(**subject)
    evaluate = evaluation(case)
    if what == "run":
        return evaluate
    return lambda: {
        **count_operations(evaluate).as_json(),
        "padded": transform(case).N,
        "device_megabytes": _device_megabytes(case.device),
    }


def transform(case: Case) -> JTFS:
    """The case's transform, built once for all works."""
    key = repr(case.transform)
    if key not in _transforms:
        _transforms[key] = JTFS(**case.transform)
    return _transforms[key]


def evaluation(case: Case) -> Run:
    """One evaluation of the transform on the case's device, complete when it returns."""
    S = transform(case)
    x, dx = (y.to(case.device) for y in signal(case))

    def value(x: torch.Tensor, dx: torch.Tensor) -> dict[str, Any]:
        del dx
        return {"S": S(x)}

    def jvp(x: torch.Tensor, dx: torch.Tensor) -> dict[str, Any]:
        return dict(zip(("S", "dS"), S.jvp(x, dx), strict=True))

    def reverse(x: torch.Tensor, dx: torch.Tensor) -> dict[str, Any]:
        del dx
        waveform = x.clone().requires_grad_()
        S(waveform).norm().backward()
        return {"gradient": waveform.grad}

    work = {"value": value, "reverse": reverse}.get(case.work, jvp)

    def evaluate() -> dict[str, Any]:
        if case.is_apart:
            return [work(x[i], dx[:, i]) for i in range(len(x))][-1]
        return work(x, dx)

    if case.device == "cpu":
        return evaluate

    def evaluate_on_gpu() -> dict[str, Any]:
        results = evaluate()
        torch.cuda.synchronize(case.device)
        return results

    return evaluate_on_gpu


def signal(case: Case) -> tuple[torch.Tensor, torch.Tensor]:
    """The case's sound (n,) and the tangents (p, n) that its work wants, float32.

    A batch of sounds (batch, n) with tangents (p, batch, n) are delayed by other times each.
    """
    x, dx = _one_signal(case)
    if case.batch == 1:
        return x, dx
    delays = [case.samples * i // case.batch for i in range(case.batch)]
    signals, tangents = ([y.roll(delay, -1) for delay in delays] for y in (x, dx))
    return torch.stack(signals), torch.stack(tangents, dim=1)


def _one_signal(case: Case) -> tuple[torch.Tensor, torch.Tensor]:
    directions = DIRECTIONS[case.work]
    if case.sound == "noise":
        noise = torch.randn(5, case.samples, generator=torch.Generator().manual_seed(0))
        return noise[0], noise[1:][directions]
    theta = torch.tensor([512.0, 8.29, 1.49, 2.0], dtype=torch.float64)
    period = min(case.samples, SAMPLES * case.sample_rate // SAMPLE_RATE)
    x, dx = chirplet_and_tangents(theta, period, case.sample_rate)
    again = torch.arange(case.samples) % period
    return x[again].float(), dx[directions][:, again].float()


def _device_megabytes(device: str) -> float | None:
    """Peak memory of a GPU since this process began, megabytes."""
    return None if device == "cpu" else torch.cuda.max_memory_allocated(device) / 1e6


if __name__ == "__main__":
    torch.set_num_threads(int(sys.argv[1]))
    serve(prepare, _memory, *sys.argv[2:])
