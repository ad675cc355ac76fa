"""The largest norm over one hidden index: against every corner, and against dense searches."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from liegroup_teleport import (
    GradientNorm,
    LineSearchDecrease,
    ParameterNorm,
    PredictedDecrease,
    teleport,
)
from liegroup_teleport.groups import DirectProduct, GeneralLinear, HiddenIndex, PositiveRescaling
from liegroup_teleport.losses import MLP
from tests.groups.all_groups import BY_NAME


def problem(seed, units=4, samples=5, bias=True):
    rng = np.random.default_rng(seed)
    loss = MLP(
        (3, units, 2),
        activation="relu",
        inputs=rng.normal(size=(samples, 3)),
        targets=rng.normal(size=(samples, 2)),
        bias=bias,
    )
    w = {n: a * np.exp(rng.normal()) for n, a in loss.init(rng).items()}
    return loss, loss.symmetry(), w


def norm_at(loss, group, w, objective, x):
    g = group.exp(x)
    if isinstance(objective, ParameterNorm):
        moved = group.act(g, w)
    else:
        moved = group.act_cotangent(g, w, loss.gradient(w))
    return sum(float(np.sum(a * a)) for a in moved.values())


@given(seed=st.integers(0, 10**6), box=st.floats(1e-3, 5.0))
@pytest.mark.parametrize("objective", [GradientNorm(), ParameterNorm()])
def test_the_box_against_every_corner(objective, seed, box):
    loss, group, w = problem(seed)
    result = teleport(loss, group, w, objective, sense="max", box=box)
    corners = itertools.product([-box, box], repeat=group.dim)
    best = max(norm_at(loss, group, w, objective, np.array(c)) for c in corners)
    assert result.objective_after == pytest.approx(best, rel=1e-9)
    if result.status != "identity":
        assert result.status == "optimal"
        assert result.bound == pytest.approx(best, rel=1e-9)
        assert np.max(np.abs(np.log(result.element))) <= box * (1 + 1e-12)


@given(seed=st.integers(0, 10**6), exponent=st.floats(-17.0, 0.5), single=st.booleans())
def test_a_box_of_any_size_is_kept_and_its_bound_not_exceeded(seed, exponent, single):
    loss, group, w = problem(seed)
    box = 10.0**exponent
    if single:
        w = {name: a.astype(np.float32) for name, a in w.items()}
    result = teleport(loss, group, w, GradientNorm(), box=box)
    assert np.max(np.abs(np.log(result.element))) <= box
    assert result.bound is None or result.objective_after <= result.bound
    assert result.bound is not None or result.status == "identity"  # nothing is that near to one


@given(seed=st.integers(0, 10**6), radius=st.floats(1e-2, 4.0))
@pytest.mark.parametrize("objective", [GradientNorm(), ParameterNorm()])
def test_no_point_of_the_ball_is_above_the_bound(objective, seed, radius):
    loss, group, w = problem(seed)
    result = teleport(loss, group, w, objective, sense="max", radius=radius)
    x = np.random.default_rng(seed).normal(size=(100, group.dim))
    x *= radius / np.linalg.norm(x, axis=1, keepdims=True)
    x = np.concatenate([x, radius * np.eye(group.dim), -radius * np.eye(group.dim)])
    values = [norm_at(loss, group, w, objective, a) for a in x]
    assert max(values) <= result.bound * (1 + 1e-12)
    assert max(values) <= result.objective_after * (1 + 1e-9)
    assert result.objective_after <= result.bound * (1 + 1e-12)
    assert group.distance(result.element) <= radius * (1 + 1e-9)


@pytest.mark.parametrize("units", [1, 2])
def test_a_ball_of_one_or_two_scales_against_a_dense_circle(units):
    for seed in range(4):
        loss, group, w = problem(seed, units)
        result = teleport(loss, group, w, GradientNorm(), radius=1.5)
        angles = np.linspace(0, 2 * np.pi, 4001 if units == 2 else 3)
        circle = np.stack([np.cos(angles), np.sin(angles)], axis=1)[:, :units] * 1.5
        if units == 1:
            circle = np.array([[-1.5], [1.5]])
        best = max(norm_at(loss, group, w, GradientNorm(), x) for x in circle)
        assert result.objective_after == pytest.approx(best, rel=1e-6)


def test_the_bound_is_tight_where_many_units_share_the_radius():
    loss, group, w = problem(3, units=200, samples=50)
    result = teleport(loss, group, w, GradientNorm(), radius=2.0)
    assert result.status == "boundary"
    assert result.objective_after <= result.bound <= result.objective_after * 1.01
    assert "proved bound" in result.message


@pytest.mark.parametrize("objective", [LineSearchDecrease(), PredictedDecrease(1e-3)])
def test_other_objectives_stay_in_the_box(objective):
    loss, group, w = problem(5, units=6)
    result = teleport(loss, group, w, objective, box=0.3, stability=None)
    assert np.max(np.abs(np.log(result.element))) <= 0.3 * (1 + 1e-12)
    assert result.objective_after > result.objective_before
    assert "box" in result.message or result.status == "converged"


def test_a_minimum_beyond_the_box_is_on_it_and_one_inside_is_optimal():
    loss, group, w = problem(7)
    inside = teleport(loss, group, w, ParameterNorm(), box=10.0)
    assert inside.status == "optimal"
    narrow = teleport(loss, group, w, ParameterNorm(), box=0.05)
    assert narrow.status == "boundary"
    assert inside.objective_after < narrow.objective_after < narrow.objective_before


def test_dead_units_and_zero_vectors():
    loss, group, w = problem(9)
    dead = {n: np.zeros_like(a) for n, a in w.items()}
    assert teleport(loss, group, dead, ParameterNorm(), sense="max", box=1.0).status == "identity"
    assert (
        teleport(loss, group, dead, ParameterNorm(), sense="max", radius=1.0).status == "identity"
    )


def test_bad_boxes():
    loss, group, w = problem(1)
    with pytest.raises(ValueError, match="box is -1"):
        teleport(loss, group, w, GradientNorm(), box=-1)
    with pytest.raises(ValueError, match="at most one"):
        teleport(loss, group, w, GradientNorm(), box=1.0, radius=1.0)
    matrices = GeneralLinear([HiddenIndex(4, [("W1", 0), ("b1", 0)], [("W2", 1)])])
    with pytest.raises(ValueError, match="got GeneralLinear: give radius"):
        teleport(loss, matrices, w, GradientNorm(), box=1.0)
    # coordinates along any directions are no log-scales
    case = BY_NAME["generated-diagonal"]
    with pytest.raises(ValueError, match="got DiagonalGroup: give radius"):
        teleport(case.loss, case.group, case.start(), GradientNorm(), box=1.0)


def test_a_product_of_rescalings_takes_a_box():
    loss, w = BY_NAME["rescaling-relu"].loss, BY_NAME["rescaling-relu"].start()
    product = DirectProduct([PositiveRescaling([i]) for i in loss.hidden_indices()])
    result = teleport(loss, product, w, LineSearchDecrease(), box=0.2)
    assert max(np.max(np.abs(np.log(g))) for g in result.element) <= 0.2 * (1 + 1e-12)
    assert result.objective_after > result.objective_before
