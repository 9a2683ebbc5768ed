"""Training of an encoder on a data set, by one of four losses.

With nu~ the encoder's output, nu the truth, g the instrument and d = nu~ - nu (Han, Lostanlen and
Lagrange, TASLP 2024)::

    p      mean d^2
    pnp    mean sqrt(eps^2 d^T (M^-1 + eps^2 I)^-1 d),  M = J^T J of Phi o g at nu
    jtfs   1/2 mean |Phi(g(nu~)) - Phi(g(nu))|^2
    mss    mean |MSS(g(nu~)) - MSS(g(nu))|_1

The papers' PNP, mean d^T (M + lambda I) d, is the third to the second order, at a hundredth of its
cost. But M's eigenvalues span eight decades, and its tangent plane holds for errors of a hundredth,
which no encoder reaches: beyond, Phi hardly moves any more, and the form says thousands. Then a few
sounds are all of the loss, and with lambda that falls after the best epochs, as in the papers, it
ended above the loss of parameters. So M is trusted within an error eps: an eigenvalue counts up to
1 / eps^2, and what is inaudible counts little, whatever eps is. eps falls from 1, where all that is
audible counts alike, to `trust`. The root makes it a mean distance, as it is judged.

Sounds are moved in the window and get noise, since the recordings to be matched are not in place
and not clean. Random numbers come from the seed and the epoch's number, so that a run that goes on
from its checkpoint has the same digits.
"""

import csv
import dataclasses
import io
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import torch
from numpy.typing import NDArray

from mesosynth.audio.target import ANALYSIS_RATE, ANALYSIS_SAMPLES
from mesosynth.errors import ArgumentError, LearningError, check_number
from mesosynth.learning.dataset import Dataset
from mesosynth.learning.perception import perception
from mesosynth.matching.cqt import FRAMES, HOP, ROWS, as_input, cqt
from mesosynth.matching.encoder import Encoder, Network, TrainedEncoder
from mesosynth.scattering.loss import MSSLoss
from mesosynth.system.atomic_file import write_atomically, writing
from mesosynth.system.cpu import keep_heap
from mesosynth.system.steps import Steps

Loss = Literal["pnp", "p", "mss", "jtfs"]

VERSION = 2
"""Of a checkpoint."""

_NOISE = (20.0, 60.0)  # dB below the sound, in training
_HEARD_NOISE = 30.0  # dB, where it is judged
_NOISES = 8
_LARGEST_GRADIENT = 3.0
_SMOOTH = 1e-6  # beside the form, where the root has no derivative
_FALLING = 0.6  # of the epochs, while eps falls
_FEWEST = 8  # sounds to train on, and at least one to judge by

Places = NDArray[np.int64]


@dataclass(frozen=True)
class TrainingSettings:
    """Settings of a training.

    Attributes
    ----------
    loss : str
        "pnp", "p", "mss" or "jtfs".
    epochs : int
        Most passes over the data.
    batch : int
        Sounds in a step.
    rate : float
        Learning rate of Adam at the beginning; it falls to 0 along half a cosine.
    patience : int
        Epochs without a better one, after which it ends.
    trust : float
        Error of nu, at the end, within which PNP trusts the metric.
    seed : int
    network : str
        "small" or "efficientnet-b0".
    steps : int, optional
        Most steps of an epoch; None takes all the data.

    Raises
    ------
    ArgumentError
        If one of them is out of range.
    """

    loss: Loss = "pnp"
    epochs: int = 60
    batch: int = 64
    rate: float = 2e-3
    patience: int = 15
    trust: float = 0.1
    seed: int = 0
    network: Network = "small"
    steps: int | None = None

    def __post_init__(self) -> None:
        if self.loss not in get_args(Loss):
            raise ArgumentError(f"loss={self.loss!r} must be {', '.join(get_args(Loss))}.")
        for name in ("epochs", "batch", "patience"):
            check_number(name, getattr(self, name), 1)
        if not 0.0 < self.trust <= 1.0:
            raise ArgumentError(f"trust={self.trust:g} must be more than 0, and 1 at most.")
        if not 0.0 < self.rate < math.inf:
            raise ArgumentError(f"rate={self.rate:g} must be a positive number.")
        check_number("seed", self.seed, 0, 2**63 - 1)


@dataclass(frozen=True)
class Epoch:
    """Record of one pass over the data, a line of the log.

    Attributes
    ----------
    epoch : int
        From 1 up.
    seconds : float
        Of all epochs so far.
    loss : float
        Mean over the steps.
    p, pnp : float
        Mean square error of nu, and mean distance that M tells within `trust`, on the sounds for
        validation in noise.
    damping : float
        eps^2 of this epoch.
    best : bool
        Whether it is the best so far, by `p` for the losses p and mss, by `pnp` for the others.
    """

    epoch: int
    seconds: float
    loss: float
    p: float
    pnp: float
    damping: float
    best: bool


class Inputs:
    """Magnitudes of ``|CQT|`` of all sounds, and powers of noise to add to theirs.

    Parameters
    ----------
    dataset : Dataset
    show : callable
        Called with the share that is rendered.
    """

    def __init__(
        self, dataset: Dataset, show: Callable[[float], None] = lambda share: None
    ) -> None:
        self.shifts = dataset.settings.domain.shifts
        count = len(dataset.numbers)
        # One array from the beginning: small ones between CQT's large ones would keep the heap
        # from being used again, 7 MB a sound.
        self.magnitudes = torch.empty(count, ROWS, FRAMES, dtype=torch.float16)
        rms: list[float] = []
        for place in range(count):
            x = sound(dataset, place).float()
            magnitude = cqt(x).abs()
            loudest = magnitude.amax()
            self.magnitudes[place] = magnitude / loudest
            rms.append(float(x.square().mean().sqrt() / loudest))
            show((place + 1) / count)
        self.rms = np.array(rms)
        generator = torch.Generator().manual_seed(0)
        noises = torch.randn(_NOISES, ANALYSIS_SAMPLES, generator=generator)
        self.noises = cqt(noises).abs().square()  # powers add, as the phases are unrelated

    def draw(
        self, places: Places, rng: np.random.Generator, noise: tuple[float, float] = _NOISE
    ) -> torch.Tensor:
        """Inputs of some sounds, each moved in the window and in noise.

        Parameters
        ----------
        places : (batch,) int64
        rng : Generator
        noise : (float, float)
            Range of its level, dB below the sound.

        Returns
        -------
        (batch, ROWS, FRAMES) tensor
        """
        frames = self.magnitudes.shape[-1]
        moves = np.round(rng.uniform(*self.shifts, len(places)) * ANALYSIS_RATE / HOP).astype(int)
        levels = 10.0 ** (-rng.uniform(*noise, len(places)) / 20.0) * self.rms[places]
        chosen = rng.integers(_NOISES, size=len(places))
        noises = self.noises.roll(int(rng.integers(frames)), -1)
        heard = torch.empty(len(places), ROWS, frames)
        # One sound after another, which stays in the cache: half the time of all at once.
        for x, place, move, level, kind in zip(heard, places, moves, levels, chosen, strict=True):
            first, last = max(move, 0), frames + min(move, 0)  # what leaves the window is not heard
            torch.mul(noises[kind], level**2, out=x)
            moved = self.magnitudes[place, :, first - move : last - move].float()
            x[:, first:last].addcmul_(moved, moved)
            x.copy_(as_input(x.sqrt_()))
        return heard


def sound(dataset: Dataset, place: int) -> torch.Tensor:
    """Sound of a data set.

    Parameters
    ----------
    dataset : Dataset
    place : int
        Its place in the data set's arrays.

    Returns
    -------
    (ANALYSIS_SAMPLES,) float64 tensor
    """
    domain = dataset.settings.domain
    state = domain.state(dataset.values[place], int(dataset.seeds[place]))
    theta, onset = torch.from_numpy(state[: domain.model.onset]), state[domain.model.onset]
    return domain.model.synthesize(theta, ANALYSIS_SAMPLES, ANALYSIS_RATE, float(onset))


class SpectralLoss:
    """Loss of what the guesses sound like: JTFS or MSS through the instrument.

    Parameters
    ----------
    dataset : Dataset
    loss : {"jtfs", "mss"}
    """

    def __init__(self, dataset: Dataset, loss: Loss) -> None:
        self.dataset, self.domain = dataset, dataset.settings.domain
        self.loss = loss
        self.mss = MSSLoss(ANALYSIS_SAMPLES) if loss == "mss" else None

    def __call__(self, nu: torch.Tensor, places: Places) -> torch.Tensor:
        """Mean loss of guesses; sounds are made one after another, which bounds the memory.

        Parameters
        ----------
        nu : (batch, d) tensor
        places : (batch,) int64

        Returns
        -------
        () tensor
            With the gradient of the mean.
        """
        losses: list[torch.Tensor] = []
        gradients: list[torch.Tensor] = []
        for row, place in zip(nu, places, strict=True):
            leaf = row.detach().double().requires_grad_()
            loss = self.of(leaf, int(place))
            gradients += torch.autograd.grad(loss, leaf)
            losses.append(loss.detach())
        value = torch.stack(losses).mean()
        along = (nu.double() * torch.stack(gradients)).sum() / len(nu)
        return along + (value - along).detach()

    def of(self, nu: torch.Tensor, place: int) -> torch.Tensor:
        """Loss of one guess, differentiable.

        Parameters
        ----------
        nu : (d,) float64 tensor
        place : int
            Of the sound in the data set.

        Returns
        -------
        () float64 tensor
        """
        domain, dataset = self.domain, self.dataset
        onset = float(domain.state(dataset.values[place], int(dataset.seeds[place]))[-2])
        theta = domain.theta(domain.values(nu))
        x = domain.model.synthesize(theta, ANALYSIS_SAMPLES, ANALYSIS_RATE, onset).float()
        if self.mss is None:
            wanted = torch.from_numpy(dataset.Phi[place])
            return 0.5 * (perception()(x) - wanted).square().sum()
        wanted = sound(dataset, place).float()
        both = (y / y.square().mean().sqrt() for y in (x, wanted))
        return self.mss(*(y[None, None] for y in both)).double()


def quadratic(d: torch.Tensor, M: torch.Tensor) -> torch.Tensor:
    """The papers' ``max(0, d^T M d)``, float64.

    Parameters
    ----------
    d : (batch, d) tensor
    M : (batch, d, d) float64 tensor

    Returns
    -------
    (batch,) tensor
    """
    d = d.double()
    return torch.einsum("bi,bij,bj->b", d, M, d).clamp_min(0.0)


def damped(M: torch.Tensor, damping: float) -> torch.Tensor:
    """Metric within an error: ``(M^-1 + damping I)^-1``, whose eigenvalues are below 1 / damping.

    Parameters
    ----------
    M : (n, d, d) float64 tensor
    damping : float
        eps^2.

    Returns
    -------
    (n, d, d) float64 tensor
    """
    values, vectors = torch.linalg.eigh(M)
    values = values.clamp_min(0.0)
    return (vectors * (values / (1.0 + damping * values))[:, None]) @ vectors.mT


def distance(d: torch.Tensor, M: torch.Tensor) -> torch.Tensor:
    """Mean of ``sqrt(d^T M d)``.

    Parameters
    ----------
    d : (batch, d) tensor
    M : (batch, d, d) float64 tensor

    Returns
    -------
    () tensor
    """
    return (quadratic(d, M) + _SMOOTH).sqrt().mean()


# --------------------------------------------------------------------------------------------------
# Training


def train(
    dataset: Dataset,
    settings: TrainingSettings,
    run: Path | None = None,
    show: Callable[[float], None] = lambda share: None,
    inputs: Inputs | None = None,
) -> Steps[Epoch, TrainedEncoder]:
    """Train an encoder as a generator that can be left after any epoch.

    Parameters
    ----------
    dataset : Dataset
    settings : TrainingSettings
    run : Path, optional
        File that the training is kept in; where it is there, it goes on.
    show : callable
        Called with the share of the sounds that are rendered.
    inputs : Inputs, optional
        Of that data set, where they are there already.

    Yields
    ------
    Epoch
        Those of an earlier run first.

    Returns
    -------
    TrainedEncoder
        Of the best epoch.

    Raises
    ------
    LearningError
        If there are too few sounds, or `run` is of another training.
    """
    training, judged, tested = dataset.split()
    if len(training) < _FEWEST or not len(judged):
        raise LearningError(
            f"{len(training)} sounds to train on and {len(judged)} to judge by are too few: it "
            f"takes {_FEWEST} and 1; make the data set again with more --cells."
        )
    tested = tested if len(tested) else judged
    inputs = inputs or Inputs(dataset, show)
    nu, M = torch.from_numpy(dataset.nu), torch.from_numpy(dataset.M)
    trusted = damped(M[judged], settings.trust**2)
    spectral = SpectralLoss(dataset, settings.loss) if settings.loss in ("mss", "jtfs") else None
    with torch.random.fork_rng([]):
        torch.manual_seed(settings.seed)
        encoder = Encoder(len(dataset.settings.domain.ids), settings.network)
    keep_heap()
    optimiser = torch.optim.Adam(encoder.parameters(), settings.rate, fused=True)
    state = _State()
    if run is not None and run.exists():
        _resume(run, dataset, settings, state, encoder, optimiser)
        yield from state.log
    while len(state.log) < settings.epochs and state.stale < settings.patience:
        began, epoch = time.perf_counter(), len(state.log)
        for group in optimiser.param_groups:
            group["lr"] = settings.rate * 0.5 * (1.0 + math.cos(math.pi * epoch / settings.epochs))
        rng = np.random.default_rng([settings.seed, epoch])
        damping = settings.trust ** (2.0 * min(1.0, epoch / (_FALLING * settings.epochs)))
        within = damping * damped(M, damping)

        def loss_of(d: torch.Tensor, places: Places, within: torch.Tensor = within) -> torch.Tensor:
            if settings.loss == "p":
                return d.square().mean()
            return distance(d, within[places])

        losses: list[float] = []
        encoder.train()
        for places in _batches(training, settings, rng):
            found = encoder(inputs.draw(places, rng))
            loss = spectral(found, places) if spectral else loss_of(found - nu[places], places)
            optimiser.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(encoder.parameters(), _LARGEST_GRADIENT)
            optimiser.step()
            losses.append(loss.item())
        d = judge(encoder, inputs, nu, judged)
        p, pnp = d.square().mean().item(), distance(d, trusted).item()
        figure = p if settings.loss in ("p", "mss") else pnp
        best = figure < state.figure
        seconds = state.seconds + time.perf_counter() - began
        mean = float(np.mean(losses))
        if not math.isfinite(mean + figure):
            raise LearningError(f"The training diverges; take a rate below {settings.rate:g}.")
        state.log.append(Epoch(epoch + 1, seconds, mean, p, pnp, damping, best))
        state.seconds, state.stale = seconds, 0 if best else state.stale + 1
        if best:
            state.figure = figure
            state.best = {name: value.clone() for name, value in encoder.state_dict().items()}
        if run is not None:
            _keep(run, dataset, settings, state, encoder, optimiser)
        yield state.log[-1]
    encoder.load_state_dict(state.best)
    d = judge(encoder, inputs, nu, tested)
    about = {
        **dataclasses.asdict(settings),
        "data": dataclasses.asdict(dataset.settings),
        "sounds": len(dataset.numbers),
        "sha256": dataset.sha256,
        "trained": len(state.log),
        "seconds": round(state.seconds),
        "test_p": d.square().mean().item(),
        "test_pnp": distance(d, damped(M[tested], settings.trust**2)).item(),
    }
    spread = d.square().mean(dim=0).sqrt().numpy()
    return TrainedEncoder(dataset.settings.instrument, encoder.eval(), spread, about)


def _batches(
    training: Places, settings: TrainingSettings, rng: np.random.Generator
) -> Iterator[Places]:
    order = rng.permutation(training)
    parts = max(1, len(order) // settings.batch)
    yield from np.array_split(order, parts)[: settings.steps]


def judge(encoder: Encoder, inputs: Inputs, nu: torch.Tensor, places: Places) -> torch.Tensor:
    """Errors of nu for some sounds in noise of -30 dB.

    Parameters
    ----------
    encoder : Encoder
    inputs : Inputs
    nu : (n, d) float64 tensor
        Of all sounds.
    places : (m,) int64

    Returns
    -------
    (m, d) float64 tensor
    """
    rng = np.random.default_rng(0)
    encoder.eval()
    with torch.inference_mode():
        parts = [
            encoder(inputs.draw(part, rng, (_HEARD_NOISE, _HEARD_NOISE))).double() - nu[part]
            for part in np.array_split(places, max(1, len(places) // 64))
        ]
    return torch.cat(parts)


def log_text(log: list[Epoch]) -> str:
    """Log as CSV, a line for each epoch."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([field.name for field in dataclasses.fields(Epoch)])
    writer.writerows(dataclasses.astuple(epoch) for epoch in log)
    return text.getvalue()


# --------------------------------------------------------------------------------------------------
# Checkpoints


@dataclass
class _State:
    """Everything that a training knows beside its weights."""

    figure: float = math.inf
    stale: int = 0
    seconds: float = 0.0
    best: dict[str, torch.Tensor] = dataclasses.field(default_factory=dict[str, torch.Tensor])
    log: list[Epoch] = dataclasses.field(default_factory=list[Epoch])


def _identity(dataset: Dataset, settings: TrainingSettings) -> dict[str, Any]:
    return {
        "version": VERSION,
        "instrument": dataset.settings.instrument,
        **dataclasses.asdict(settings),
        "data": dataset.sha256,
    }


def _keep(
    run: Path, dataset: Dataset, settings: TrainingSettings, state: _State, encoder: Encoder,
    optimiser: torch.optim.Optimizer,
) -> None:  # fmt: skip
    file = io.BytesIO()
    torch.save(
        {
            "of": _identity(dataset, settings),
            "state": {**vars(state), "log": [dataclasses.astuple(epoch) for epoch in state.log]},
            "weights": encoder.state_dict(),
            "optimiser": optimiser.state_dict(),
        },
        file,
    )
    with writing(run, LearningError):
        write_atomically(run, file.getvalue())


def _resume(
    run: Path, dataset: Dataset, settings: TrainingSettings, state: _State, encoder: Encoder,
    optimiser: torch.optim.Optimizer,
) -> None:  # fmt: skip
    """Take up a training where its file leaves it."""
    try:
        stored: dict[str, Any] = torch.load(run, map_location="cpu", weights_only=True)
        there, values = stored["of"], stored["state"]
        log = [Epoch(*epoch) for epoch in values["log"]]
    except Exception as error:  # noqa: BLE001 - torch raises errors of many kinds
        raise LearningError(f"{run} is no training that can be gone on with: {error}") from None
    for name, value in _identity(dataset, settings).items():
        if there.get(name) != value:
            raise LearningError(
                f"{run} is of another training: its {name} is {there.get(name)!r}, not {value!r}; "
                "take the same settings, or remove it."
            )
    vars(state).update({**values, "log": log})
    encoder.load_state_dict(stored["weights"])
    optimiser.load_state_dict(stored["optimiser"])
