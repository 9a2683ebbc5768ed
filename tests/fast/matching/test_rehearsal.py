"""Rehearsal of a GPU: no mix of devices, nothing read in an evaluation, one copy in a step."""

from collections.abc import Iterator

import numpy as np
import pytest
import torch

from benchmarks.rehearsal import GPU, Rehearsal
from mesosynth.audio.target import ANALYSIS_SAMPLES
from mesosynth.matching.descent import Iterate, NormalEquations, levenberg_marquardt
from mesosynth.matching.model import (
    CHIRPLET,
    DRUM,
    RIPPLE,
    STRIKE,
    Model,
    State,
    Unknowns,
)
from mesosynth.matching.operator import Operator
from mesosynth.scattering.loss import JTFSLoss
from mesosynth.system.steps import Evaluation, Steps

FREE = (0, 1, 2, 3)
NOISE = np.zeros(ANALYSIS_SAMPLES, np.float32)


def answer(shape: torch.Size) -> torch.Tensor:
    """Ones, and normal equations that a step can be taken from."""
    free = len(FREE)
    if shape != (2 + free + free**2,):
        return torch.ones(shape)
    equations = NormalEquations(0.1, np.full(free, 0.01), np.eye(free), 1e-3)
    return torch.tensor(equations.numbers)


@pytest.fixture
def rehearsal() -> Iterator[Rehearsal]:
    with Rehearsal(answer) as rehearsal:
        yield rehearsal


@pytest.fixture(scope="module")
def operator() -> Operator:
    with Rehearsal(answer):
        return Operator(tolerance=1e-2, device=GPU)


def test_a_value_waits_for_nothing(rehearsal, operator):
    operator.coefficients(torch.empty(ANALYSIS_SAMPLES, device=GPU))
    assert rehearsal.operations.kernels > 100
    assert rehearsal.reads == 0


@pytest.mark.parametrize("model", [CHIRPLET, RIPPLE, DRUM, STRIKE], ids=lambda model: model.name)
@pytest.mark.parametrize("background", [None, NOISE], ids=["alone", "in noise"])
def test_tangents_wait_for_nothing(rehearsal, operator, model: Model, background):
    free = FREE if background is None else (*FREE, model.level)
    at = operator.of(model).linearize(model.state_of({}), free, background)
    assert at.tangents.shape == (len(free), len(at.value))
    assert at.value.device == GPU
    assert rehearsal.reads == 0


@pytest.mark.parametrize("model", [DRUM, STRIKE], ids=lambda model: model.name)
def test_an_event_that_is_matched_with_its_onset_waits_for_nothing(rehearsal, model: Model):
    of_model = Operator(model.phi or "jtfs", device=GPU, model=model)
    free = (*range(len(model.first)), model.onset)
    rehearsal.reset()
    at = of_model.linearize(model.state_of({}), free)
    assert at.tangents.shape == (len(free), len(at.value))
    assert rehearsal.reads == 0


def test_reverse_mode_waits_for_nothing(rehearsal, operator):
    x = torch.empty(ANALYSIS_SAMPLES, device=GPU, requires_grad=True)
    (gradient,) = torch.autograd.grad(operator.coefficients(x).sum(), x)
    assert gradient.device == GPU
    assert rehearsal.reads == 0


def test_a_loss_of_mirrored_sounds_and_its_gradient_wait_for_nothing(rehearsal):
    loss = JTFSLoss(shape=8192, J=9, J_fr=5, Q_fr=2, F=8)
    x, target = torch.empty(2, 2, 1, 8192, device=GPU)
    loss(x, target)  # which makes the filters
    rehearsal.reset()
    x.requires_grad_()
    (gradient,) = torch.autograd.grad(loss(x, target), x)
    assert gradient.device == GPU
    assert rehearsal.reads == 0


@pytest.mark.parametrize("model", [CHIRPLET, DRUM, STRIKE], ids=lambda model: model.name)
def test_a_step_of_levenberg_marquardt_reads_once(rehearsal, operator, model: Model):
    operator = operator.of(model)
    target = torch.empty(ANALYSIS_SAMPLES, device=GPU)
    S = operator.coefficients(target).cpu().numpy()
    rehearsal.reset()
    evaluations: list[State] = []

    def evaluate(state: State) -> Steps[Evaluation, NormalEquations]:
        evaluations.append(state)
        at = yield from operator.linearize_steps(state, FREE)
        return NormalEquations.from_numbers(at.towards(S))

    start = model.state_of({})
    unknowns = Unknowns(FREE, model=model)
    descent = levenberg_marquardt(evaluate, start, unknowns, 2, 1e-4)
    iterates = [news for news in descent if isinstance(news, Iterate)]
    assert len(evaluations) == 2
    assert iterates[0].loss == pytest.approx(0.1)
    assert not np.array_equal(evaluations[0], evaluations[1])
    assert rehearsal.reads == 2


@pytest.mark.parametrize(
    "read",
    [torch.Tensor.item, bool, float, torch.Tensor.tolist, torch.Tensor.cpu],
    ids=["item", "bool", "float", "tolist", "cpu"],
)
def test_whatever_is_read_is_seen(rehearsal, read):
    read(torch.ones(1, device=GPU).sum())
    assert rehearsal.reads == 1


def test_a_mix_of_devices_is_refused(rehearsal):
    with pytest.raises(RuntimeError, match="on one device"):
        torch.add(torch.ones(3), torch.ones(3, device=GPU))
    mixed = torch.add(torch.ones(()), torch.ones(3, device=GPU))  # a single number may come
    assert mixed.device == GPU
    torch.ones(3).to(GPU)
    assert rehearsal.uploads == 1
