"""Norms from squared entries against the moved vector itself."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import liegroup_teleport as lt
from liegroup_teleport.groups import GeneralLinear, HiddenIndex, PositiveRescaling
from liegroup_teleport.losses import MLP
from liegroup_teleport.orbit import landscape
from liegroup_teleport.orbit._landscape import LinearNorm


def field(seed, widths, bias, objective, dtype=np.float64, size=1.0):
    rng = np.random.default_rng(seed)
    X, Y = rng.standard_normal((7, widths[0])), rng.standard_normal((7, widths[-1]))
    net = MLP(list(widths), activation="relu", inputs=X, targets=Y, bias=bias)
    w = net.init(rng, dtype=dtype)
    gradient = {n: (size * a).astype(dtype) for n, a in net.gradient(w).items()}
    return landscape(net, net.symmetry(), objective, w, gradient)


def moved(norm, g):
    """The logarithm and the slope from the vector at ``g``, in units of its size at the start."""
    v = norm.move(g)
    total = sum(float(np.sum(np.square(a))) for a in v.values())
    mu = norm.group.moment_map(v) * (-2.0 if norm.dual else 2.0)
    return np.log(total), mu / total


@given(seed=st.integers(0, 10**6), bias=st.booleans(), scale=st.floats(0, 20),
       widths=st.sampled_from([(3, 4, 2), (3, 4, 5, 2), (1, 1, 1), (2, 3, 1, 4, 2)]),
       objective=st.sampled_from([lt.GradientNorm(), lt.ParameterNorm()]))  # fmt: skip
@settings(deadline=None, max_examples=60)
def test_is_the_moved_vector(seed, bias, scale, widths, objective):
    norm = field(seed, widths, bias, objective)
    assert isinstance(norm, LinearNorm)
    assert norm.squares is not None
    g = norm.group.random_element(np.random.default_rng(seed), scale)
    value, slope = norm.relative(g)
    if norm.size == 0:  # dead units: no gradient
        assert value == -np.inf
        assert not slope.any()
        return
    expected, expected_slope = moved(norm, g)
    assert np.isclose(value, expected, rtol=1e-12, atol=1e-12)
    assert np.allclose(slope, expected_slope, rtol=1e-10, atol=1e-12)


def test_scales_whose_squares_overflow_take_the_vector():
    norm = field(0, (3, 4, 5, 2), True, lt.GradientNorm())
    for log_scale in (-200.0, 200.0):
        g = np.full(norm.group.dim, np.exp(log_scale))
        value, slope = norm.relative(g)
        assert np.isfinite(value)
        assert value > 0  # what is written shrinks and what is read grows, or the other way round
        assert np.all(np.isfinite(slope))
    assert norm.squares.logarithm(np.full(norm.group.dim, 1e-200)) is None


@pytest.mark.parametrize("size", [1e-150, 1e150])
def test_size_of_the_vector_makes_no_difference(size):
    g = np.exp(np.random.default_rng(0).standard_normal(9))
    plain = field(0, (3, 4, 5, 2), False, lt.GradientNorm()).relative(g)
    other = field(0, (3, 4, 5, 2), False, lt.GradientNorm(), size=size).relative(g)
    assert np.isclose(plain[0], other[0], rtol=1e-12)
    assert np.allclose(plain[1], other[1], rtol=1e-12)


def test_others_have_none():
    from liegroup_teleport.orbit._squares import Squares

    index = HiddenIndex(2, written=[("A", 0)], read=[("B", 1)])
    small = {"A": np.ones((2, 1)), "B": np.ones((1, 2))}
    assert Squares.of(GeneralLinear([index]), small, True) is None
    assert Squares.of(PositiveRescaling([index]), small, True) is not None
    three = PositiveRescaling(
        [HiddenIndex(2, written=[("A", i)], read=[(f"B{i}", 0)]) for i in range(3)]
    )
    cube = {"A": np.ones((2, 2, 2)), **{f"B{i}": np.ones(2) for i in range(3)}}
    assert Squares.of(three, cube, True) is None
