"""What following listens for: arpeggios that repeat, as one differentiable function of theta.

A match looks for one arpeggio in four seconds. The last second of a live sound may hold the ends of
many slow ones at once, or two short ones and a rest; so here the chirplet repeats, and its period
is one more entry of theta, after those of the chirplet itself. While gamma glides, arpeggios meet
more or less often than they started, which the period that is heard follows.
"""

from collections.abc import Sequence
from dataclasses import replace

import torch

from mesosynth.instruments.chirplet_parameters import PARAMETERS, SIGMA_0
from mesosynth.instruments.chirplet_state import VOICES
from mesosynth.instruments.chirplet_torch import ONSET, SCALES, chirplet, chirplet_and_tangents
from mesosynth.matching.model import CHIRPLET, RIPPLE, Model
from mesosynth.plugins.parameters import ParameterTable

PERIOD = ONSET
"""Place of the period in a repeating theta: it follows the chirplet's own; the onset comes next."""

_HEARD = 3.0  # standard deviations of the envelope: what lies beyond is below -39 dB


def repeated(theta: torch.Tensor, n: int, sample_rate: float, onset: float = 0.0) -> torch.Tensor:
    """Arpeggios of peak amplitude 1, one of them in the middle.

    Parameters
    ----------
    theta : (8,) tensor
        As for :func:`mesosynth.instruments.chirplet_torch.chirplet`, and the period, s.
    n : int
        Length, samples.
    sample_rate : float
        Hz.
    onset : float
        Where the middle of one of them lies, s after sample ``n // 2``.

    Returns
    -------
    (n,) tensor
    """
    places = _places(theta, n / sample_rate, onset)
    own, period = theta[:PERIOD], float(theta[PERIOD])
    return torch.stack(
        [chirplet(own, n, sample_rate, onset + place * period) for place in places]
    ).sum(0)


def repeated_and_tangents(
    theta: torch.Tensor, n: int, sample_rate: float, onset: float, free: Sequence[int]
) -> tuple[torch.Tensor, torch.Tensor]:
    """:func:`repeated` and its derivatives; places in theta, the onset after the period.

    The period moves arpeggios by how many periods they are away from that in the middle.
    """
    period = float(theta[PERIOD])
    of_one = [place if place < PERIOD else ONSET for place in free]
    x, dx = theta.new_zeros(n), theta.new_zeros((len(free), n))
    for place in _places(theta, n / sample_rate, onset):
        shift = onset + place * period
        one, d_one = chirplet_and_tangents(theta[:PERIOD], n, sample_rate, shift, of_one)
        x += one
        for i, of in enumerate(free):
            # The onset's derivative is in steps of its scale, the period's along its logarithm.
            dx[i] += d_one[i] * (place * period / SCALES["onset"] if of == PERIOD else 1.0)
    return x, dx


def _places(theta: torch.Tensor, seconds: float, onset: float) -> range:
    """Which arpeggios can be heard, counted from that at the onset; no more than can sound."""
    gamma, w, period = abs(float(theta[2])), float(theta[3]), float(theta[PERIOD])
    reach = 0.5 * seconds + _HEARD * SIGMA_0 * w / gamma
    first, last = (int(-(reach + onset) // period) + 1, int((reach - onset) // period))
    many = last - first + 1 - VOICES
    return range(first + max(many, 0) // 2, last + 1 - (max(many, 0) + 1) // 2) or range(1)


_TABLE = ParameterTable(
    [
        replace(parameter, matchable=parameter.matchable or parameter.id == "period")
        for parameter in PARAMETERS.values()
    ]
)

REPEATING = Model(
    name="chirplet",
    parameters=_TABLE,
    first=(*CHIRPLET.first, "period"),
    scales=SCALES,
    synthesize=repeated,
    with_tangents=repeated_and_tangents,
)
"""The chirplet that repeats; its theta ends with the period."""

FOLLOWED = {"chirplet": REPEATING, "ripple": RIPPLE}
"""What is listened for, by the instrument's name; a ripple sounds all the time as it is."""
