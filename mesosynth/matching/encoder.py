"""Encoders: small convolutional networks from ``|CQT|`` to nu, and their guess of theta.

After Han, Lostanlen and Lagrange (TASLP 2024), with a network of 0.13 million weights in place of
EfficientNet-B0, which is there as an option where torchvision is.
"""

import functools
import io
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from mesosynth.audio.target import Target, target_from_array
from mesosynth.errors import ArgumentError, LearningError
from mesosynth.matching.cqt import ROWS, as_input, cqt
from mesosynth.matching.domain import domain_named
from mesosynth.matching.model import model_named
from mesosynth.matching.operator import shared_operator
from mesosynth.matching.results import Guess
from mesosynth.scattering.ambient import neutral
from mesosynth.system.atomic_file import write_atomically, writing
from mesosynth.system.paths import resource
from mesosynth.system.steps import Steps

VERSION = 2
"""Increase it when the input or the network changes; files of another version are refused."""

Network = Literal["small", "efficientnet-b0"]
NETWORKS: tuple[Network, ...] = ("small", "efficientnet-b0")

_CHANNELS = (8, 16, 32, 64)
_HIDDEN = 128
_SHIFTS = (-3, 0, 3)  # frames: the guess is the mean over these places of the sound


class Encoder(nn.Module):
    """Network from ``|CQT|`` to nu.

    Parameters
    ----------
    outputs : int
        Number of parameters.
    network : str
        One of :data:`NETWORKS`.

    Raises
    ------
    ArgumentError
        If there is no such network, or torchvision is missing.
    """

    def __init__(self, outputs: int, network: Network = "small") -> None:
        super().__init__()
        if network not in NETWORKS:
            raise ArgumentError(f"network={network!r} must be {' or '.join(NETWORKS)}.")
        self.network: Network = network
        self.outputs = outputs
        body = _small(outputs) if network == "small" else _efficientnet(outputs)
        # A quarter faster on a CPU; the overload for memory formats is untyped.
        self.body: nn.Module = body.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
        self.last = nn.BatchNorm1d(outputs)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Nu of inputs.

        Parameters
        ----------
        x : (batch, ROWS, FRAMES) tensor
            Of :func:`~mesosynth.matching.cqt.as_input`.

        Returns
        -------
        (batch, outputs) tensor
            -1 to 1.
        """
        centred = (3.0 * x[:, None]).sub_(1.0)
        return torch.tanh(self.last(self.body(centred)) * math.sqrt(0.5))


class _OverTime(nn.Module):
    """Mean and maximum over time of (batch, channels, rows, frames), as one vector each."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cat([x.mean(dim=-1), x.amax(dim=-1)], dim=1).flatten(1)


def _small(outputs: int) -> nn.Module:
    # Without a normalisation of the input, the first layer needs no gradient along it.
    layers: list[nn.Module] = []
    before, rows = 1, ROWS
    for channels in _CHANNELS:
        # The scalogram has fine detail along time, which the first layer may still see.
        size, stride = (7, (4, 2)) if before == 1 else (3, (2, 2))
        layers += [
            nn.Conv2d(before, channels, size, stride, size // 2, bias=False),
            nn.BatchNorm2d(channels),
            nn.ReLU(inplace=True),
        ]
        before, rows = channels, -(-rows // stride[0])
    layers += [
        _OverTime(), nn.Linear(2 * before * rows, _HIDDEN), nn.ReLU(), nn.Linear(_HIDDEN, outputs)
    ]  # fmt: skip
    return nn.Sequential(*layers)


def _efficientnet(outputs: int) -> nn.Module:
    try:
        from torchvision.models import efficientnet_b0  # pyright: ignore[reportMissingImports] - optional
    except (ImportError, RuntimeError, OSError) as error:  # of another version of torch, too
        raise ArgumentError(
            f"network='efficientnet-b0' needs the torchvision that belongs to torch "
            f"{torch.__version__} ({error}); install it, or take 'small'."
        ) from None
    return nn.Sequential(
        nn.BatchNorm2d(1), nn.Conv2d(1, 3, 3, padding=1), efficientnet_b0(num_classes=outputs)
    )


# --------------------------------------------------------------------------------------------------
# Files


@dataclass(frozen=True, eq=False)
class TrainedEncoder:
    """Encoder with what is known about it.

    Attributes
    ----------
    instrument : str
    encoder : Encoder
    spread : (d,) float64
        Root mean square error of nu on sounds that it was not trained on, in noise.
    about : mapping
        Plain values: loss, data set, epochs, figures.
    """

    instrument: str
    encoder: Encoder
    spread: NDArray[np.float64]
    about: Mapping[str, Any]


def save_encoder(path: Path, trained: TrainedEncoder) -> None:
    """Write an encoder.

    Parameters
    ----------
    path : Path
        Its folder must be there.
    trained : TrainedEncoder

    Raises
    ------
    LearningError
        If it cannot be written.
    """
    domain = domain_named(trained.instrument)
    encoder = trained.encoder
    file = io.BytesIO()
    torch.save(
        {
            "version": VERSION,
            "instrument": trained.instrument,
            "ranges": {id_: list(ends) for id_, ends in domain.ranges.items()},
            "network": encoder.network,
            "spread": trained.spread.tolist(),
            "about": dict(trained.about),
            "weights": encoder.state_dict(),
        },
        file,
    )
    with writing(path, LearningError):
        write_atomically(path, file.getvalue())


def load_encoder(path: Path, instrument: str) -> TrainedEncoder:
    """Read an encoder; the file can run no code.

    Parameters
    ----------
    path : Path
    instrument : str
        Of which it must be.

    Returns
    -------
    TrainedEncoder
        Ready to guess.

    Raises
    ------
    LearningError
        If it is missing, broken, of another instrument, version or range of parameters.
    """
    domain = domain_named(instrument)
    try:
        stored: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        version, of = stored["version"], stored["instrument"]
        same_box = stored["ranges"] == {id_: list(ends) for id_, ends in domain.ranges.items()}
    except Exception as error:  # noqa: BLE001 - torch raises errors of many kinds
        raise LearningError(f"{path} is no encoder that can be read: {error}") from None
    if of != instrument:
        raise LearningError(f"{path} is an encoder of {of}, not of {instrument}.")
    if version != VERSION or not same_box:
        raise LearningError(
            f"{path} is an encoder of another version ({version}; this is {VERSION}): train it "
            "again with mesosynth train encoder."
        )
    try:
        with neutral(kept=True):
            encoder = Encoder(len(domain.ids), stored["network"])
            encoder.load_state_dict(stored["weights"])
        spread = np.array(stored["spread"], np.float64)
        return TrainedEncoder(instrument, encoder.eval(), spread, stored["about"])
    except (RuntimeError, LookupError, TypeError, ValueError) as error:
        raise LearningError(f"{path} is no encoder that can be read: {error}") from None


# --------------------------------------------------------------------------------------------------
# Guesses


def encoder_instruments() -> list[str]:
    """Instruments that an encoder is shipped for."""
    return sorted(path.stem for path in resource("assets", "encoders").glob("*.pt"))


@functools.lru_cache(maxsize=8)
def shipped_encoder(instrument: str) -> TrainedEncoder:
    """Encoder that mesosynth brings.

    Raises
    ------
    ArgumentError
        If there is none for that instrument.
    """
    if instrument not in encoder_instruments():
        raise ArgumentError(
            f"instrument={instrument!r} has no encoder; there are "
            f"{', '.join(encoder_instruments())}."
        )
    return load_encoder(resource("assets", "encoders") / f"{instrument}.pt", instrument)


def guess(
    audio: NDArray[np.floating],
    sample_rate: float,
    instrument: str = "drum",
    encoder: Path | None = None,
) -> Guess:
    """Guess theta at once, without a descent.

    Parameters
    ----------
    audio : (n,) or (n, channels) array
        Any length from 50 ms; of a long sound the liveliest four seconds count.
    sample_rate : float
        Hz.
    instrument : str
        "drum" or "chirplet".
    encoder : Path, optional
        File of an encoder that you have trained; None takes that of mesosynth.

    Returns
    -------
    Guess

    Raises
    ------
    ArgumentError
        If there is no encoder for `instrument`, or `audio` is no array of numbers.
    TargetError
        If `audio` is silent, too short, or holds NaN.
    LearningError
        If `encoder` cannot be read, or is of another instrument or version.

    Examples
    --------
    >>> import mesosynth as ms
    >>> tone = ms.render("drum", {"f_c": 200.0}, seconds=1.0)[0]
    >>> sorted(ms.guess(tone, 48000, "drum").theta)
    ['D', 'alpha', 'f_c', 'p', 'tau']
    """
    trained = shipped_encoder(instrument) if encoder is None else load_encoder(encoder, instrument)
    return guess_window(target_from_array(audio, sample_rate, "audio").audio, trained)


def guess_window(audio: NDArray[np.float32], trained: TrainedEncoder) -> Guess:
    """Guess theta of an analysis window.

    Parameters
    ----------
    audio : (ANALYSIS_SAMPLES,) float32
        At ANALYSIS_RATE.
    trained : TrainedEncoder

    Returns
    -------
    Guess
    """
    domain = domain_named(trained.instrument)
    with neutral(), torch.inference_mode():
        heard = as_input(cqt(torch.from_numpy(audio)).abs())
        nus = trained.encoder(torch.stack([heard.roll(frames, -1) for frames in _SHIFTS])).double()
        values = domain.values(nus.mean(dim=0)).numpy()
        std = np.hypot(trained.spread, nus.std(dim=0).numpy()) * domain.slope(values)
    by_id = dict(zip(domain.ids, map(float, values), strict=True))
    return Guess(
        trained.instrument,
        {**domain.fixed, **by_id},
        dict(zip(domain.ids, map(float, std), strict=True)),
    )


def guess_steps(target: Target, instrument: str) -> Steps[Guess, Guess | None]:
    """Job of an instant guess: at once, and then with the loss of what it sounds like.

    Parameters
    ----------
    target : Target
    instrument : str

    Yields
    ------
    Guess
        Without its loss.

    Returns
    -------
    Guess or None
        None where the instrument has no encoder, or the target nothing that one hears.
    """
    if instrument not in encoder_instruments() or not target.audio.any():
        return None
    found = guess_window(target.audio, shipped_encoder(instrument))
    yield found
    operator = shared_operator().of(model_named(instrument))
    theta = operator.model.state_of(found.theta)[: operator.model.onset]
    S = operator.analyse(target.audio)
    yield None
    return replace(found, loss=1.0 - float(operator.analyse(operator.synthesize(theta)) @ S))
