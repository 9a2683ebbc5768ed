"""Descent on a waveform: its samples are the parameters, and the error is that of its JTFS.

The relative error of a sound x whose coefficients shall be S* is::

    E(x) = ||S(x) - S*|| / ||S*||

over all windows and channels of a sound. Reverse mode gives its gradient. Three ways go down:

- "bold driver": x <- x - eta grad E with eta_0 = 100. Where E fell, eta grows by 1.1; where it
  rose, the step is taken back, and eta shrinks by 0.55 (Muradeli et al., DAFx 2022).
- "momentum": u <- 0.9 u + eta grad E, x <- x - u, with eta_0 = 0.1, 1.1 and 0.5, and the brake on u
  too; after more than three failures in a row eta begins anew (scattering.m; Andén, Lostanlen,
  Mallat, IEEE TSP 2019).
- "l-bfgs": of E squared, by :class:`torch.optim.LBFGS`. It needs the fewest evaluations.
"""

import hashlib
import io
import math
import pickle
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from mesosynth.audio.target import LARGEST, samples_of
from mesosynth.errors import ArgumentError, TargetError
from mesosynth.resynthesis.edits import PathTable, blended, parse_edit
from mesosynth.resynthesis.results import (
    LONGEST,
    SHORTEST,
    Blend,
    Method,
    ResynthesisResult,
    ResynthesisSettings,
    ResynthesisStep,
    Variation,
)
from mesosynth.scattering.ambient import neutral
from mesosynth.scattering.jtfs import JTFS
from mesosynth.system.atomic_file import write_atomically, writing
from mesosynth.system.steps import Steps, Stopped, result_of

_WINDOW = 2**17  # samples; a longer sound has several, which overlap by half
_SILENCE = 1e-4  # level of a start in silence, as a share of the target's: at 0 there is no slope
_FAINT = 1e-6  # rms below which a target counts as silent
_DEFAULTS = ResynthesisSettings()
_MEMORY = 20  # steps that L-BFGS remembers
_MOST_FAILURES = 3  # in a row, until the rate of momentum begins anew
_FIXED = ("_first", "_up", "_down", "_keep")  # what no iteration of a bold driver changes
_SAVE_EVERY = 5.0  # s from one state of the descent on the disk to the next, or 20 times as it took
_UNREADABLE = (
    OSError, RuntimeError, ValueError, LookupError, TypeError, EOFError, pickle.UnpicklingError,
)  # fmt: skip


class WindowedJTFS:
    """JTFS of a sound of any length, in windows that overlap by half.

    Windows are faded by a sine, so that the energies of two that overlap add up to that of the
    sound. All belong to one descent: where they overlap they agree, and nothing is cross-faded
    afterwards. A sound of up to 2**17 samples is one window, without a fade.

    Parameters
    ----------
    frames : int
        Of the sound.
    sample_rate : float
        Hz.
    average : float
        Time over which coefficients are averaged, s.
    Q : int
        Wavelets an octave.
    tolerance : float
        Of the transform.

    Attributes
    ----------
    jtfs : JTFS
        Of one window.
    paths : PathTable
        Of its coefficients.
    """

    def __init__(
        self, frames: int, sample_rate: float, average: float = 0.37, Q: int = 8,
        tolerance: float = 0.0,
    ) -> None:  # fmt: skip
        self._frames, single = frames, frames <= _WINDOW
        self._n = frames if single else _WINDOW
        self._hop = self._n // 2
        count = 1 if single else math.ceil(frames / self._hop) + 1
        before = 0 if single else self._hop
        self._padding = (before, (count - 1) * self._hop + self._n - frames - before)
        fade = torch.sin(torch.pi * (torch.arange(self._n) + 0.5) / self._n)
        self._fade = torch.ones(self._n) if single else fade
        J = min(max(4, round(math.log2(average * sample_rate))), int(math.log2(self._n)) - 1)
        J_fr = max(1, int(math.log2(J * Q)))
        self.jtfs = JTFS(J, J_fr, (Q, 1), self._n, F=0, tolerance=tolerance)
        self.paths = PathTable(self.jtfs, sample_rate)

    def _windows(self, x: torch.Tensor) -> torch.Tensor:
        """Windows (windows, channels, n) of a sound (channels, frames), faded."""
        padded = torch.nn.functional.pad(x, self._padding)
        return padded.unfold(-1, self._n, self._hop).transpose(0, 1) * self._fade

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """Coefficients (windows, channels, paths, frames) of a sound (channels, frames)."""
        with torch.no_grad():
            return torch.stack([self.jtfs(window) for window in self._windows(x)])

    def error_steps(
        self, x: torch.Tensor, wanted: torch.Tensor
    ) -> Steps[None, tuple[float, torch.Tensor]]:
        """Relative error E and its gradient, as a generator that can be left between windows.

        Parameters
        ----------
        x : (channels, frames) tensor
        wanted : (windows, channels, paths, frames) tensor
            Coefficients.

        Returns
        -------
        float, (channels, frames) tensor
            Result of the generator.
        """
        squares, gradient = 0.0, torch.zeros(len(x), sum(self._padding) + self._frames)
        for number, window in enumerate(self._windows(x)):
            window = window.detach().requires_grad_()
            part = (self.jtfs(window) - wanted[number]).square().sum()
            (slope,) = torch.autograd.grad(part, window)
            squares += float(part.detach())
            gradient[:, number * self._hop :][:, : self._n] += slope * self._fade
            yield None
        norm = float(wanted.norm())
        error = math.sqrt(squares) / norm
        before = self._padding[0]
        inner = gradient[:, before : before + self._frames]
        return error, inner / max(2.0 * error * norm**2, 1e-30)


def noise(
    target: NDArray[np.float32], sample_rate: float, settings: ResynthesisSettings
) -> NDArray[np.float32]:
    """Sound that a descent begins with.

    Parameters
    ----------
    target : (channels, n) float32
    sample_rate : float
        Hz.
    settings : ResynthesisSettings
        Its `start`, `seed` and `average`.

    Returns
    -------
    (channels, n) float32
        "shaped" and "spectrum" keep the phases between channels, and with them the stereo image.
    """
    chance = np.random.default_rng(settings.seed)
    n = target.shape[1]
    if settings.start == "spectrum":
        spectrum = np.fft.rfft(target.astype(np.float64))
        turned = spectrum * np.exp(2j * np.pi * chance.random(spectrum.shape[1]))
        return np.fft.irfft(turned, n).astype(np.float32)
    white = chance.standard_normal(n)
    if settings.start == "shaped":
        return _shaped(target, white, settings.average * sample_rate)
    rms = float(np.sqrt(np.mean(np.square(target, dtype=np.float64))))
    level = rms * (_SILENCE if settings.start == "silence" else 1.0)
    return np.tile((level * white).astype(np.float32), (len(target), 1))


def _shaped(
    target: NDArray[np.float32], white: NDArray[np.float64], average: float
) -> NDArray[np.float32]:
    """White noise times the target's magnitude in time and frequency.

    The window is a quarter of the averaging time, in samples. A mean over all of that time begins
    at nearly three times the error, and takes five times as many steps down to 2 %.
    """
    n = target.shape[1]
    length = max(32, 2 ** int(math.log2(min(average / 4.0, n / 4.0))))
    hop, window = length // 4, torch.hann_window(length, dtype=torch.float64)

    def stft(x: NDArray[np.floating]) -> torch.Tensor:
        signals = torch.from_numpy(x.astype(np.float64))
        return torch.stft(signals, length, hop, window=window, return_complex=True)

    X, N = stft(target), stft(white)
    magnitude = X.abs() / N.abs().square().mean().sqrt()
    between = torch.polar(torch.ones_like(magnitude), torch.angle(X) - torch.angle(X[:1]))
    shaped = torch.istft(N * magnitude * between, length, hop, window=window, length=n)
    return shaped.numpy().astype(np.float32)


# --------------------------------------------------------------------------------------------------
# Ways down. Each holds x, its error, and what the next iteration needs.

Evaluate = Callable[[torch.Tensor], Steps[None, tuple[float, torch.Tensor]]]
"""Relative error and gradient at a sound, in steps."""


class BoldDriver:
    """Gradient descent whose rate grows while the error falls, with or without momentum.

    Parameters
    ----------
    x : (channels, frames) tensor
    momentum : bool

    Attributes
    ----------
    x : (channels, frames) tensor
        The best so far.
    error : float
        Its error; infinite before the first iteration.
    """

    def __init__(self, x: torch.Tensor, *, momentum: bool) -> None:
        self.x, self.error = x, math.inf
        self._first, self._up, self._down = (0.1, 1.1, 0.5) if momentum else (100.0, 1.1, 0.55)
        self._keep = 0.9 if momentum else 0.0
        self._rate, self._failures = self._first, 0
        self._gradient = self._velocity = torch.zeros_like(x)

    def iterate(self, evaluate: Evaluate) -> Steps[None, None]:
        """Evaluate the start, or take one step and keep it if the error falls."""
        if math.isinf(self.error):
            self.error, self._gradient = yield from evaluate(self.x)
            return
        velocity = self._keep * self._velocity + self._rate * self._gradient
        error, gradient = yield from evaluate(self.x - velocity)
        if error < self.error:
            self.x, self.error, self._gradient = self.x - velocity, error, gradient
            self._velocity, self._failures = velocity, 0
            self._rate *= self._up
            return
        self._rate *= self._down
        self._velocity = self._velocity * self._down
        self._failures += 1
        if self._keep and self._failures > _MOST_FAILURES:
            self._rate, self._failures = self._first, 0

    def state(self) -> dict[str, Any]:
        """All that the next iteration needs, of tensors and numbers."""
        return {name: value for name, value in vars(self).items() if name not in _FIXED}

    def restore(self, state: dict[str, Any]) -> None:
        """Stand where another one stood."""
        vars(self).update(state)


class LBFGS:
    """L-BFGS of the squared error, with a line search after the strong Wolfe conditions.

    Parameters
    ----------
    x : (channels, frames) tensor

    Attributes
    ----------
    x : (channels, frames) tensor
    error : float
        Infinite before the first iteration.
    """

    def __init__(self, x: torch.Tensor) -> None:
        self.x, self.error = x.clone().requires_grad_(), math.inf
        self._optimizer = torch.optim.LBFGS(
            [self.x], max_iter=1, max_eval=20, history_size=_MEMORY, tolerance_grad=0.0,
            tolerance_change=0.0, line_search_fn="strong_wolfe",
        )  # fmt: skip
        self._known: list[tuple[torch.Tensor, float, torch.Tensor]] = []

    def iterate(self, evaluate: Evaluate) -> Steps[None, None]:
        """Evaluate the start, or take one step; its evaluations cannot be left on the way."""
        if math.isinf(self.error):
            self.error, gradient = yield from evaluate(self.x.detach())
            self._known = [(self.x.detach().clone(), self.error, gradient)]
            return
        yield None  # before the step: what is stopped here has taken none

        def squared_error() -> float:
            x = self.x.detach()
            error, gradient = self._evaluated(x) or result_of(evaluate(x))
            self._known.append((x.clone(), error, gradient))
            self.x.grad = 2.0 * error * gradient
            return error**2

        self._optimizer.step(squared_error)  # pyright: ignore[reportArgumentType] - a float will do
        found = self._evaluated(self.x.detach())
        assert found is not None, "the line search ends where it has been"
        self.error = found[0]
        self._known = [(self.x.detach().clone(), *found)]

    def _evaluated(self, x: torch.Tensor) -> tuple[float, torch.Tensor] | None:
        """Error and gradient where this iteration has been already."""
        for place, error, gradient in self._known:
            if torch.equal(place, x):
                return error, gradient
        return None

    def state(self) -> dict[str, Any]:
        """All that the next iteration needs, of tensors and numbers."""
        x, optimizer = self.x.detach().clone(), self._optimizer.state_dict()
        return {"x": x, "error": self.error, "known": self._known, "optimizer": optimizer}

    def restore(self, state: dict[str, Any]) -> None:
        """Stand where another one stood."""
        self.x.data.copy_(state["x"])
        self.error, self._known = state["error"], state["known"]
        self._optimizer.load_state_dict(state["optimizer"])


def _way_down(method: Method, x: torch.Tensor) -> BoldDriver | LBFGS:
    return LBFGS(x) if method == "l-bfgs" else BoldDriver(x, momentum=method == "momentum")


# --------------------------------------------------------------------------------------------------
# Resynthesis


def resynthesis_steps(
    audio: NDArray[np.float32],
    sample_rate: int,
    settings: ResynthesisSettings = _DEFAULTS,
    blend: Blend | None = None,
    run: Path | None = None,
) -> Steps[ResynthesisStep, ResynthesisResult]:
    """Find a waveform that has a sound's coefficients, or edited ones.

    Parameters
    ----------
    audio : (n,) or (channels, n) float32
        The sound, 50 ms to 30 s.
    sample_rate : int
        Hz.
    settings : ResynthesisSettings
    blend : Blend, optional
        A second sound to go towards, before the edits.
    run : Path, optional
        File in which the descent is kept as it goes. If it exists, of the same sound and settings,
        the descent goes on from there and comes to the digits that it would have come to.

    Yields
    ------
    None or ResynthesisStep

    Returns
    -------
    ResynthesisResult
        So far, if it is stopped.

    Raises
    ------
    TargetError
        If the sound is silent, too short or too long.
    ArgumentError
        If `run` is of another sound or other settings.
    """
    target = _checked(audio, sample_rate)
    frames = target.shape[1]
    exact = WindowedJTFS(frames, sample_rate, settings.average, settings.Q)
    near = exact
    if settings.tolerance:
        near = WindowedJTFS(frames, sample_rate, settings.average, settings.Q, settings.tolerance)
    wanted_near, wanted = (
        wanted_coefficients(jtfs, target, settings, blend) for jtfs in (near, exact)
    )
    chain = Chain(frames, sample_rate, settings)
    parts = chain.windows * settings.variations
    keeper = _Keeper(run, target, sample_rate, settings, blend, parts)
    done, state, errors, before = keeper.load()
    began = time.perf_counter()

    def seconds() -> float:
        return before + time.perf_counter() - began

    def evaluate(x: torch.Tensor) -> Steps[None, tuple[float, torch.Tensor]]:
        return near.error_steps(x, wanted_near)

    def ended(x: torch.Tensor, errors: list[float]) -> Variation:
        error = float((exact(x) - wanted).norm() / wanted.norm())
        return Variation(_samples(x), seed(), error, errors)

    def seed() -> int:
        return (settings.seed + len(done)) % 2**32

    def begin() -> BoldDriver | LBFGS:
        start = noise(target, sample_rate, replace(settings, seed=seed()))
        return _way_down(settings.method, torch.from_numpy(start))

    way = begin()
    if state is not None:
        way.restore(state)
    try:
        while True:
            while len(errors) <= settings.iterations:
                yield from way.iterate(evaluate)
                errors.append(way.error)
                keeper.save(done, way, errors, seconds())
                share = len(errors) / (settings.iterations + 1)
                yield ResynthesisStep(
                    len(errors) - 1, way.error, seconds(), (len(done) + share) / parts,
                    _samples(way.x), len(done),
                )  # fmt: skip
            done.append(ended(way.x.detach(), errors))
            errors = []
            if len(done) == parts:
                break
            way = begin()
    except Stopped:
        if errors:
            keeper.save(done, way, errors, seconds(), now=True)
            done.append(ended(way.x.detach(), errors))
        if not done:
            raise
    return ResynthesisResult(chain.joined(done), sample_rate, seconds())


class Chain:
    """Windows that make a texture longer than its target, or the one window that is long enough.

    Parameters
    ----------
    frames : int
        Of a window.
    sample_rate : float
        Hz.
    settings : ResynthesisSettings
        Its `length` and `average`.

    Attributes
    ----------
    windows : int
        Of a variation.
    """

    def __init__(self, frames: int, sample_rate: float, settings: ResynthesisSettings) -> None:
        wanted = settings.length
        self._frames = frames if wanted is None else round(wanted * sample_rate)
        self._overlap = min(frames // 4, round(2.0 * settings.average * sample_rate))
        more = max(self._frames - frames, 0)
        self.windows = 1 + math.ceil(more / (frames - self._overlap))

    def joined(self, parts: list[Variation]) -> list[Variation]:
        """Variations from all windows, of which the last may be missing."""
        begins = range(0, len(parts), self.windows)
        return [self._joined(parts[begin : begin + self.windows]) for begin in begins]

    def _joined(self, parts: list[Variation]) -> Variation:
        """Windows one after another; noises of two seeds add up by their power."""
        audio, overlap = parts[0].audio, self._overlap
        coming = np.sin(0.5 * np.pi * (np.arange(overlap) + 0.5) / overlap)
        for part in parts[1:]:
            both = audio[:, -overlap:] * coming[::-1] + part.audio[:, :overlap] * coming
            pieces = audio[:, :-overlap], both, part.audio[:, overlap:]
            audio = np.concatenate(pieces, axis=1, dtype=np.float32)
        worst = max(parts, key=lambda part: part.error)
        return replace(worst, audio=audio[:, : self._frames], seed=parts[0].seed)


def resynthesise(
    audio: NDArray[np.floating],
    sample_rate: int,
    settings: ResynthesisSettings = _DEFAULTS,
    blend: Blend | None = None,
) -> ResynthesisResult:
    """Waveform that has a sound's scattering coefficients, or edited ones.

    Parameters
    ----------
    audio : (n,), (channels, n) or (n, channels) array of numbers, list or tensor
        The sound, 50 ms to 30 s; the longer axis is that of time.
    sample_rate : int
        Hz.
    settings : ResynthesisSettings
    blend : Blend, optional
        A second sound to go towards.

    Raises
    ------
    ArgumentError
        If `audio` has other dimensions or `sample_rate` is not a positive number.
    TargetError
        If the sound is silent, too short or too long, or its samples are no usable numbers.
    """
    samples = samples_of(audio, sample_rate).T
    with neutral(kept=True), torch.enable_grad():
        return result_of(resynthesis_steps(samples, sample_rate, settings, blend))


def _samples(x: torch.Tensor) -> NDArray[np.float32]:
    return x.detach().numpy().astype(np.float32)


def _checked(audio: NDArray[np.float32], sample_rate: int) -> NDArray[np.float32]:
    """The sound as (channels, n), if it can be resynthesised."""
    target = np.ascontiguousarray(np.atleast_2d(audio), np.float32)
    seconds = target.shape[1] / sample_rate
    if not SHORTEST <= seconds <= LONGEST:
        raise TargetError(
            f"the sound lasts {seconds:.3g} s; {SHORTEST:g} to {LONGEST:g} s can be resynthesised."
        )
    if not np.isfinite(target).all():
        raise TargetError("the sound holds NaN or infinite samples; remove them first.")
    if np.abs(target).max() > LARGEST:
        raise TargetError(f"the sound has samples above {LARGEST:g}; scale it down.")
    if np.sqrt(np.mean(np.square(target, dtype=np.float64))) < _FAINT:
        raise TargetError("the sound is silent; choose a part in which something is heard.")
    return target


def wanted_coefficients(
    jtfs: WindowedJTFS, target: NDArray[np.float32], settings: ResynthesisSettings,
    blend: Blend | None = None,
) -> torch.Tensor:  # fmt: skip
    """Coefficients that the sound shall have: the target's, blended and edited.

    Parameters
    ----------
    jtfs : WindowedJTFS
    target : (channels, n) float32
    settings : ResynthesisSettings
        Its `edits`.
    blend : Blend, optional

    Returns
    -------
    (windows, channels, paths, frames) tensor

    Raises
    ------
    TargetError
        If nothing is left of the sound.
    """
    S = jtfs(torch.from_numpy(target))
    if blend is not None:
        other = np.zeros_like(target)
        given = np.atleast_2d(blend.audio)[:, : target.shape[1]]
        other[:, : given.shape[1]] = given if len(given) == len(target) else given.mean(0)
        S = blended(S, jtfs(torch.from_numpy(other)), blend.amount)
    for words in settings.edits:
        S = parse_edit(words)(S, jtfs.paths)
    if float(S.norm()) == 0.0:
        raise TargetError(f"nothing is left of the sound after {', '.join(settings.edits)}.")
    return S


class _Keeper:
    """File of a descent as far as it came."""

    def __init__(
        self, path: Path | None, target: NDArray[np.float32], sample_rate: int,
        settings: ResynthesisSettings, blend: Blend | None, parts: int,
    ) -> None:  # fmt: skip
        self._path, self._saved, self._took = path, -math.inf, 0.0
        digest = hashlib.sha256(target.tobytes())
        if blend is not None:
            digest.update(blend.audio.tobytes() + repr(blend.amount).encode())
        if parts == 1:  # one descent may go on for longer
            settings = replace(settings, iterations=1)
        self._what = {
            "kind": "resynthesis", "revision": 2, "sample_rate": sample_rate,
            "sound": digest.hexdigest(), "settings": repr(settings),
        }  # fmt: skip

    def load(self) -> tuple[list[Variation], dict[str, Any] | None, list[float], float]:
        """Finished descents; state and errors of the one that was under way; seconds so far."""
        if self._path is None or not self._path.exists():
            return [], None, [], 0.0
        try:
            kept = torch.load(self._path, weights_only=True)
            what, state, errors, seconds = (
                kept[name] for name in ("what", "state", "errors", "seconds")
            )
            done = [Variation(one.pop("audio").numpy(), **one) for one in kept["done"]]
        except _UNREADABLE as error:
            raise ArgumentError(
                f"run={self._path} holds no resynthesis; name another file, or remove it."
            ) from error
        if what != self._what:
            raise ArgumentError(
                f"run={self._path} is of another sound or other settings; name another file."
            )
        return done, state, errors, seconds

    def save(
        self, done: list[Variation], way: BoldDriver | LBFGS, errors: list[float], seconds: float,
        *, now: bool = False,
    ) -> None:  # fmt: skip
        """Write the file, if the last time was long enough ago."""
        began = time.perf_counter()
        if self._path is None or not (now or began - self._saved > _SAVE_EVERY + 20.0 * self._took):
            return
        finished = [{**asdict(one), "audio": torch.from_numpy(one.audio)} for one in done]
        kept = {
            "what": self._what, "done": finished, "state": way.state(), "errors": errors,
            "seconds": seconds,
        }  # fmt: skip
        content = io.BytesIO()
        torch.save(kept, content)
        with writing(self._path, ArgumentError):
            write_atomically(self._path, content.getvalue())
        self._saved = time.perf_counter()
        self._took = self._saved - began
