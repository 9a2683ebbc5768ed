"""Knob travel of parameters that may be 0 and span decades, and their axes in a descent."""

# pyright: basic, reportPrivateUsage=false

import numpy as np
import pytest

from mesosynth.instruments.ripple import PARAMETERS as RIPPLES
from mesosynth.matching.model import RIPPLE, Unknowns
from mesosynth.plugins.parameters import Parameter, ParameterTable
from mesosynth.presets import morph

SIGNED = Parameter("g", "G", "", -16.0, 16.0, 0.0, "G.", curve="asinh", smallest=0.25)
POSITIVE = Parameter("b", "B", "", 0.0, 1.0, 0.0, "B.", curve="asinh", smallest=1e-3)


@pytest.mark.parametrize("parameter", [SIGNED, POSITIVE])
def test_an_asinh_knob_reaches_both_ends_and_zero(parameter: Parameter):
    assert parameter.from_unit(0.0) == pytest.approx(parameter.minimum)
    assert parameter.from_unit(1.0) == pytest.approx(parameter.maximum)
    travel = np.linspace(0.0, 1.0, 33)
    values = [parameter.from_unit(position) for position in travel]
    assert np.all(np.diff(values) > 0.0)
    assert [parameter.to_unit(value) for value in values] == pytest.approx(travel.tolist())
    assert parameter.from_unit(parameter.to_unit(0.0)) == pytest.approx(0.0, abs=1e-12)


def test_a_blend_of_opposite_rates_stands_still():
    assert morph._between(SIGNED, [(-4.0, 1.0), (4.0, 1.0)]) == pytest.approx(0.0, abs=1e-12)


def test_a_step_along_asinh_passes_zero_and_comes_back():
    model = type(RIPPLE)(
        name="r", parameters=ParameterTable([*RIPPLES.values()]), first=RIPPLE.first,
        scales={"depth": 1.0, "onset": 0.05}, synthesize=RIPPLE.synthesize,
        with_tangents=RIPPLE.with_tangents, knees={"w": 0.5},
    )  # fmt: skip
    unknowns = Unknowns.named(["f_m", "w"], model=model)
    state = model.state_of({"w": 3.0})
    there = unknowns.moved(state, np.array([0.1, -0.8]))
    assert there[3] == pytest.approx(0.5 * np.sinh(np.arcsinh(6.0) - 0.8))
    assert unknowns.step_between(state, there) == pytest.approx([0.1, -0.8])
    assert unknowns.std(state, np.array([0.01, 0.02]))["w"] == pytest.approx(
        0.02 * np.hypot(3.0, 0.5)
    )
