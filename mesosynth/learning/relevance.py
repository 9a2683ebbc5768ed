"""Relevance of scattering paths for the class of a sound: layer-wise relevance propagation.

After Bach et al. (2015) and, for playing techniques, Wang et al. (ICASSP 2023). Relevance R of the
outputs of a layer z_k = sum_j a_j w_jk goes to its inputs, from the predicted class, which has 1,
back to the paths:

- rule epsilon: R_j = sum_k a_j w_jk / (z_k + eps sign z_k) R_k;
- rule epsilon plus: in convolutions, only (a_j w_jk)+ in numerator and denominator;
- rule amplitude: as epsilon plus, and the first layer shares by S_j z_j+ in place of z_j+, with the
  coefficient S_j itself.

Normalisations of batches are folded into the layer before. A bias's share goes to all inputs of
its layer alike, so that the sum stays that of the start. With epsilon plus, the first layer shares
among paths with more energy than the mean of the training set and weights above 0: relevance lands
on what a sound has, not on what it lacks.

Logarithm and z-score make a faint harmonic of a modulation, or what it leaks into another octave,
count as much as the modulation itself, so that both published rules peak at whichever of them
tells the classes apart best: of vibrato at its double, of a trill at its harmonics. The rule
amplitude weighs paths as they sound, like the attribution of a match.
"""

import copy
from collections.abc import Callable
from functools import partial
from typing import Any, Literal, cast

import torch

from mesosynth.learning.classifier import Classifier, FrameMean, Gate
from mesosynth.learning.features import Array
from mesosynth.learning.maps import Relevance

Rule = Literal["amplitude", "epsilon plus", "epsilon"]
_EPSILON = 1e-12  # published: 1e-6; in float64 a smaller one keeps the sum

_NOTHING = 1e-9
"""Input that counts as one where there is none: relevance of silence is shared alike, not lost."""


def relevance(
    classifier: Classifier,
    audio: Array,
    sample_rate: float,
    rule: Rule = "amplitude",
    label: str | None = None,
) -> Relevance:
    """Relevance of the paths of a sound for its most likely class.

    Parameters
    ----------
    classifier : Classifier
    audio : (n,) array
    sample_rate : float
        Hz.
    rule : {"amplitude", "epsilon plus", "epsilon"}
        The last two are published. Dense layers of a net always have epsilon.
    label : str, optional
        Another class.

    Returns
    -------
    Relevance

    Raises
    ------
    KeyError
        If the classifier has no such class.
    """
    probabilities = classifier.probabilities(audio, sample_rate)
    label = label or next(iter(probabilities))
    S = classifier.extractor(audio, sample_rate)
    z = torch.from_numpy(classifier.scaling(S))[None].double()
    start = torch.zeros(1, len(classifier.labels), dtype=torch.float64)
    start[0, classifier.labels.index(label)] = 1.0
    R = propagate(classifier.net, z, start, rule, torch.from_numpy(S)[None].double())
    values = R[0].sum(dim=-1).numpy()
    return Relevance(label, probabilities[label], values, classifier.extractor.paths)


def propagate(
    net: torch.nn.Sequential,
    z: torch.Tensor,
    start: torch.Tensor,
    rule: Rule,
    S: torch.Tensor | None = None,
) -> torch.Tensor:
    """Relevance of a net's input.

    Parameters
    ----------
    net : Sequential
        Of :mod:`mesosynth.learning.classifier`, in eval mode.
    z : (batch, …) float64 tensor
        Its input.
    start : (batch, classes) float64 tensor
        Relevance of the scores.
    rule : {"amplitude", "epsilon plus", "epsilon"}
    S : (batch, …) float64 tensor, optional
        Feature before its scaling, for the rule amplitude.

    Returns
    -------
    (batch, …) float64 tensor
        Of the shape of `z`.
    """
    layers = list(cast("torch.nn.Sequential", _copy(net)))
    inputs, a = [], z
    with torch.no_grad():
        for layer in layers:
            inputs.append(a)
            a = layer(a)
        if rule == "amplitude":
            assert S is not None
            inputs[0] = S / S.amax().clamp_min(1e-30) * z.relu()
            if isinstance(layers[0], FrameMean):
                inputs[1] = layers[0](inputs[0])
            rule = "epsilon plus"
    R, gain, bias = start, None, None
    for place, (layer, a) in reversed([*enumerate(zip(layers, inputs, strict=True))]):
        match layer:
            case torch.nn.BatchNorm1d() | torch.nn.BatchNorm2d():
                deviation = torch.sqrt(cast("torch.Tensor", layer.running_var) + layer.eps)
                gain = (layer.weight / deviation).detach()
                bias = (layer.bias - cast("torch.Tensor", layer.running_mean) * gain).detach()
            case torch.nn.Conv1d() | torch.nn.Conv2d():
                shape = (-1, *[1] * (layer.weight.ndim - 1))
                weight = layer.weight.detach() * (1.0 if gain is None else gain.reshape(shape))
                b = torch.zeros(len(weight), dtype=z.dtype) if bias is None else bias
                convolve = torch.nn.functional.conv1d if a.ndim == 3 else torch.nn.functional.conv2d
                linear = partial(convolve, padding=cast("Any", layer.padding))
                b = b.reshape(-1, *[1] * (a.ndim - 2))
                if place == 0 and rule == "epsilon plus":
                    a, b = a.relu(), torch.full_like(b, _NOTHING)
                R = _through(linear, weight, b, a, R, rule)
                gain = bias = None
            case torch.nn.Linear():
                linear = torch.nn.functional.linear
                weight, b, dense = layer.weight.detach(), layer.bias.detach(), "epsilon"
                if place < 2 and rule == "epsilon plus":  # an SVM's, behind the mean
                    a, b, dense = a.relu(), torch.full_like(b, _NOTHING), rule
                R = _through(linear, weight, b, a, R, dense)
            case torch.nn.ReLU() | torch.nn.Dropout() | Gate():
                pass  # a gate's gain counts as a constant
            case _:
                R = _share(layer, [a + _NOTHING], R)
    return R


def _copy(net: torch.nn.Module) -> torch.nn.Module:
    """`net` in float64 and in eval mode; the original stays as it is."""
    return copy.deepcopy(net).double().eval()


def _through(
    linear: Callable[[torch.Tensor, torch.Tensor], torch.Tensor],
    weight: torch.Tensor, bias: torch.Tensor, a: torch.Tensor, R: torch.Tensor, rule: Rule,
) -> torch.Tensor:  # fmt: skip
    """Relevance of the input of a layer with weights; each input has the same share of a bias."""
    each = torch.ones_like(weight) / weight[0].numel()
    if rule == "epsilon":
        parts = [(a, weight)]
    else:
        parts = [
            (a.clamp_min(0.0), weight.clamp_min(0.0)),
            (a.clamp_max(0.0), weight.clamp_max(0.0)),
        ]
        bias = bias.relu()

    def layer(*inputs: torch.Tensor) -> torch.Tensor:
        z = bias * linear(inputs[-1], each)
        for x, (_, w) in zip(inputs, parts, strict=False):
            z = z + linear(x, w)
        return z

    return _share(layer, [*(x for x, _ in parts), torch.ones_like(a)], R)


def _share(
    layer: Callable[..., torch.Tensor], inputs: list[torch.Tensor], R: torch.Tensor
) -> torch.Tensor:
    """Relevance of a layer's inputs, in proportion to what each gives to each output."""
    inputs = [a.detach().requires_grad_() for a in inputs]
    z = layer(*inputs)
    small = _EPSILON * torch.where(z >= 0.0, 1.0, -1.0)
    slopes = torch.autograd.grad(z, inputs, (R / (z + small)).detach())
    return torch.stack([a.detach() * one for a, one in zip(inputs, slopes, strict=True)]).sum(0)
