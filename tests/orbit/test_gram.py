"""Decreases from the small matrix: the same function as from products, and its Hessian."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import NonlinearConstraint, minimize

import liegroup_teleport as lt
from liegroup_teleport.groups import HiddenIndex, PositiveRescaling
from liegroup_teleport.losses import MLP
from liegroup_teleport.orbit import has_small_gram, landscape
from liegroup_teleport.orbit._gram import GramDecrease
from liegroup_teleport.orbit._newton import newton_ball
from liegroup_teleport.orbit._products import DiagonalDecrease

OBJECTIVES = [lt.PredictedDecrease(0.05), lt.LineSearchDecrease()]


def problem(seed=0, widths=(5, 4, 6, 3), loss="mse", bias=True, dtype=np.float64):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((12, widths[0]))
    T = rng.integers(0, widths[-1], 12) if loss != "mse" else rng.standard_normal((12, widths[-1]))
    net = MLP(list(widths), activation="leaky_relu", inputs=X, targets=T, loss=loss, bias=bias)
    return net, net.symmetry(), net.init(rng, dtype=dtype)


def both(objective, *args, **kwargs):
    net, group, w = problem(*args, **kwargs)
    gradient = net.gradient(w)
    small = landscape(net, group, objective, w, gradient)
    assert isinstance(small, GramDecrease)
    return small, DiagonalDecrease(group, objective, gradient, net.gauss_newton_operator(w))


@pytest.mark.parametrize("objective", OBJECTIVES, ids=lambda o: type(o).__name__)
@given(seed=st.integers(0, 10**6), loss=st.sampled_from(["mse", "cross_entropy"]),
       bias=st.booleans(), scale=st.floats(0.0, 3.0),
       widths=st.sampled_from([(5, 4, 3), (5, 4, 6, 3), (1, 1, 2), (2, 1, 1, 2)]))  # fmt: skip
@settings(deadline=None, max_examples=30)
def test_is_the_function_of_products(objective, seed, loss, bias, scale, widths):
    small, products = both(objective, seed, widths, loss, bias)
    g = small.group.random_element(np.random.default_rng(seed), scale)
    value, slope = small.slope(g)
    expected, expected_slope = products.slope(g)
    size = max(abs(expected), np.abs(expected_slope).max())
    assert np.isclose(value, expected, rtol=1e-9, atol=1e-10 * size)
    assert np.allclose(slope, expected_slope, rtol=1e-8, atol=1e-9 * size)


@pytest.mark.parametrize("objective", OBJECTIVES, ids=lambda o: type(o).__name__)
def test_gradient_and_hessian_by_differences(objective):
    small, _ = both(objective)
    rng = np.random.default_rng(1)
    x, step = rng.standard_normal(small.group.dim) / 3, 1e-5
    value, slope, hessian = small.curved(x)
    assert np.isclose(value, small.score(np.exp(x))[0], rtol=1e-12)
    for i in range(len(x)):
        e = step * np.eye(len(x))[i]
        (up, up_slope, _), (down, down_slope, _) = small.curved(x + e), small.curved(x - e)
        assert np.isclose(slope[i], (up - down) / (2 * step), rtol=1e-6, atol=1e-8)
        assert np.allclose(hessian[i], (up_slope - down_slope) / (2 * step), rtol=1e-5, atol=1e-7)
    assert np.allclose(hessian, hessian.T, rtol=0, atol=1e-12 * np.abs(hessian).max())


def test_an_index_within_one_array_of_three_axes():
    # no MLP: axes in any place, and parameters that do not move
    group = PositiveRescaling([HiddenIndex(2, written=[("A", 1)], read=[("B", 0)])])
    from liegroup_teleport.orbit._gram import _exponents, moving_axes

    w = {"A": np.zeros((3, 2)), "B": np.zeros(2), "c": np.zeros(4)}
    axes = moving_axes(group, w)
    assert axes == {"A": (1,), "B": (0,), "c": ()}
    assert np.array_equal(_exponents(group, w, axes), [[-1, 0], [0, -1], [1, 0], [0, 1], [0, 0]])


def test_wide_layers_keep_to_products():
    net, group, w = problem(widths=(5, 90, 90, 3))
    assert not has_small_gram(group, net, w, 10**6)
    field = landscape(net, group, lt.LineSearchDecrease(), w, net.gradient(w))
    assert isinstance(field, DiagonalDecrease)
    narrow, group, w = problem(widths=(200, 100, 3))
    assert has_small_gram(group, narrow, w, 200)
    assert not has_small_gram(group, narrow, w, 2)  # two products are less than the matrix


def test_parts_that_cancel_are_left_to_products():
    # the directions of both layers' parts cancel in the outputs: the quadratic form is rounding
    net, group, w = problem(widths=(2, 1, 1), bias=False)
    gradient = net.gradient(w)
    signed = GramDecrease.of(group, lt.LineSearchDecrease(), _Cancelling(), w, gradient)
    assert signed is None


class _Cancelling:
    def gauss_newton_gram_cost(self, axes):
        return 1.0

    def gauss_newton_gram(self, w, v, axes):
        return np.array([[1.0, -1.0], [-1.0, 1.0 + 1e-12]])


def test_evaluations_count_the_matrix_by_its_arithmetic():
    net, group, w = problem(bias=False)
    found = lt.teleport(net, group, w, lt.LineSearchDecrease(), radius=1.0)
    cost = net.gauss_newton_gram_cost({"W1": (0,), "W2": (0, 1), "W3": (1,)})
    assert found.evaluations == {
        "loss": 1, "gradient": 1, "hvp": 0, "gauss_newton": int(np.ceil(cost)),
    }  # fmt: skip


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("radius", [0.3, 1.0, 4.0])
def test_newton_in_a_ball_against_trust_constr(seed, radius):
    small, _ = both(lt.LineSearchDecrease(), seed)
    dim = small.group.dim
    found = newton_ball(small.curved, np.zeros(dim), radius=radius, tol=1e-10, max_iterations=500)
    assert found.converged
    assert np.linalg.norm(found.x) <= radius * (1 + 1e-12)
    inside = NonlinearConstraint(
        lambda x: x @ x, -np.inf, radius**2, jac=lambda x: 2 * x[None],
        hess=lambda x, v: 2 * v[0] * np.eye(dim),
    )  # fmt: skip
    # from where ours ended: a local maximum has nothing better around it
    rng = np.random.default_rng(seed)
    near = found.x + 1e-2 * rng.standard_normal(dim)
    near *= min(1.0, 0.99 * radius / np.linalg.norm(near))
    oracle = minimize(
        lambda x: -small.curved(x)[0], near, jac=lambda x: -small.curved(x)[1],
        hess=lambda x: -small.curved(x)[2], method="trust-constr", constraints=[inside],
        options={"gtol": 1e-9, "xtol": 1e-12, "maxiter": 500},
    )  # fmt: skip
    assert found.score >= -oracle.fun - 1e-7


def test_newton_needs_few_evaluations():
    spent = []
    for seed in range(20):
        small, _ = both(lt.LineSearchDecrease(), seed)
        found = newton_ball(
            small.curved, np.zeros(small.group.dim), radius=1.0, tol=1e-8, max_iterations=200
        )
        assert found.residual <= 1e-8
        spent.append(found.iterations)
    assert np.median(spent) <= 20


def test_newton_stops_at_its_limit():
    small, _ = both(lt.LineSearchDecrease())
    found = newton_ball(
        small.curved, np.zeros(small.group.dim), radius=1.0, tol=1e-12, max_iterations=3
    )
    assert found.iterations == 3
    assert not found.converged
    assert found.score > small.curved(np.zeros(small.group.dim))[0]


def test_newton_leaves_the_boundary_where_the_gradient_points_inward():
    def bowl(x):  # the maximum is in the middle
        return -float(x @ x), -2 * x, -2 * np.eye(len(x))

    found = newton_ball(bowl, np.array([1.0, 0.0]), radius=1.0, tol=1e-10, max_iterations=50)
    assert found.converged
    assert not found.on_boundary
    assert np.allclose(found.x, 0, atol=1e-9)


def test_newton_ascends_from_a_saddle_of_either_sign():
    def saddle(x):
        return float(x[0] ** 2 - x[1] ** 2), np.array([2 * x[0], -2 * x[1]]), np.diag([2.0, -2.0])

    found = newton_ball(saddle, np.array([1e-3, 0.5]), radius=1.0, tol=1e-10, max_iterations=100)
    assert found.on_boundary
    assert np.isclose(found.score, 1.0, rtol=1e-9)
