"""Huge, tiny and missing numbers: no crash, no warning, no false proof."""

from __future__ import annotations

import itertools
from collections.abc import Mapping

import numpy as np
import pytest

import liegroup_teleport as lt
from liegroup_teleport._arrays import norm
from liegroup_teleport.losses import MLP
from liegroup_teleport.orbit._newton import newton_ball


def network(widths=(3, 4, 2), seed=0, scale=1.0, dtype=np.float64, **options):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((12, widths[0]))
    T = scale * rng.standard_normal((12, widths[-1]))
    net = MLP(list(widths), activation="relu", inputs=X, targets=T, **options)
    w = net.init(rng, dtype=dtype)
    last = f"W{len(widths) - 1}"
    return net, net.symmetry(), w | {last: (scale * w[last]).astype(dtype)}


class Flat(Mapping):
    """Parameters in one buffer: every look-up makes a new view of it."""

    def __init__(self, w):
        self.shapes = {name: a.shape for name, a in w.items()}
        self.buffer = np.concatenate([a.ravel() for a in w.values()])
        ends = np.cumsum([0, *(a.size for a in w.values())])
        self.windows = dict(zip(w, itertools.pairwise(ends), strict=True))

    def __getitem__(self, name):
        start, end = self.windows[name]
        return self.buffer[start:end].reshape(self.shapes[name])

    def __iter__(self):
        return iter(self.shapes)

    def __len__(self):
        return len(self.shapes)


def test_parameters_that_are_views_of_a_buffer_are_not_changed():
    net, group, w = network((3, 4, 5, 2))
    flat = Flat(w)
    before = flat.buffer.copy()
    moved = group.act(np.full(group.dim, 2.0), flat)
    lt.teleport(net, group, flat)
    np.testing.assert_array_equal(flat.buffer, before)
    expected = group.act(np.full(group.dim, 2.0), w)
    for name in w:
        np.testing.assert_array_equal(moved[name], expected[name])


@pytest.mark.parametrize("widths", [(3, 8, 2), (4, 5, 5, 2)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("zero", ["first", "last"])
def test_a_layer_of_zeros_has_no_balance(widths, dtype, zero):
    net, group, w = network(widths, dtype=dtype)
    name = "W1" if zero == "first" else f"W{len(widths) - 1}"
    w = w | {name: 0 * w[name]}
    for objective in (lt.ParameterNorm(), lt.GradientNorm()):
        found = lt.teleport(net, group, w, objective, sense="min")
        assert found.status in ("unattained", "identity", "converged", "iteration_limit")
        assert np.isfinite(found.objective_after)
        assert all(np.isfinite(a).all() for a in found.params.values())
        assert found.drift <= found.allowed_drift


@pytest.mark.parametrize("scale", [1e-160, 1e-120, 1e-88, 1e-20, 1e20, 1e50, 1e75])
@pytest.mark.parametrize("predicted", [False, True])
def test_gradients_of_any_size(scale, predicted):
    # a rate in proportion to the curvature, which grows with the square of the scale
    rate = 1e-3 / max(scale, 1.0) ** 2
    objective = lt.PredictedDecrease(rate) if predicted else lt.LineSearchDecrease()
    found = lt.teleport(*network(scale=scale), objective, radius=1.0, stability=None)
    assert np.isfinite(found.objective_after)
    assert found.objective_after >= found.objective_before
    assert found.drift <= found.allowed_drift


@pytest.mark.parametrize("size", [1e81, 1e85, 1e100])
def test_a_minimum_far_from_the_start_is_proved_or_not_claimed(size):
    net, group, w = network()
    spoiled = {"W1": w["W1"] * size, "W2": w["W2"] / size}
    found = lt.teleport(net, group, spoiled, lt.ParameterNorm())
    best = lt.teleport(net, group, w, lt.ParameterNorm())
    assert best.status == found.status == "optimal"
    assert found.objective_after == pytest.approx(best.objective_after, rel=1e-9)
    assert found.bound <= best.objective_after * (1 + 1e-9)


@pytest.mark.parametrize(
    ("objective", "options"),
    [
        (lt.LineSearchDecrease(), {"radius": 50.0}),
        (lt.LineSearchDecrease(), {"box": 50.0}),
        (lt.LineSearchDecrease(), {"stability": (0.01, 1.0), "radius": 200.0}),
        (lt.GradientNorm(), {"stability": (0.05, 1.0), "radius": 300.0}),
    ],
)
def test_far_searches_in_single_precision(objective, options):
    for seed in range(12):
        net, group, w = network((5, 6, 6, 2), seed=seed, dtype=np.float32)
        found = lt.teleport(net, group, w, objective, **options)
        assert all(np.isfinite(a).all() for a in found.params.values())
        assert found.objective_after >= found.objective_before


def test_norms_keep_what_is_not_finite():
    for first in (0.0, 1.0, np.inf):
        assert np.isnan(norm({"a": np.array([first]), "b": np.array([np.nan])}))
        assert np.isnan(norm({"b": np.array([np.nan, first])}))
    assert norm({"a": np.array([np.inf]), "b": np.array([1.0])}) == np.inf


def test_newton_does_not_accept_what_is_not_finite():
    def cliff(x):  # rises to the right and ends at a half
        if x[0] > 0.5:
            return np.nan, np.array([np.nan]), np.array([[np.nan]])
        return float(x[0]), np.ones(1), np.zeros((1, 1))

    found = newton_ball(cliff, np.zeros(1), radius=1.0, tol=1e-8, max_iterations=200)
    assert found.score <= 0.5
    assert not found.converged
    nowhere = newton_ball(
        lambda x: (np.nan, np.zeros(1), np.zeros((1, 1))),
        np.zeros(1), radius=1.0, tol=1e-8, max_iterations=10,
    )  # fmt: skip
    assert not nowhere.converged


def test_a_start_outside_the_ball_is_drawn_in():
    def plane(x):
        return float(x.sum()), np.ones(2), np.zeros((2, 2))

    found = newton_ball(plane, np.array([5.0, 0.0]), radius=1.0, tol=1e-8, max_iterations=50)
    assert np.isclose(np.linalg.norm(found.x), 1.0)
    assert np.isclose(found.score, np.sqrt(2))


def test_a_norm_whose_square_overflows_is_an_error():
    _, group, w = network()
    steep = lt.losses.from_function(
        lambda w: 1.0, lambda w: {name: np.full_like(a, 1e200) for name, a in w.items()}
    )
    with pytest.raises(lt.DomainError, match=r"squared norm of a vector of length .* overflows"):
        lt.teleport(steep, group, w, lt.GradientNorm(), sense="min")


def test_torch_leaves_come_back_without_a_graph():
    torch = pytest.importorskip("torch")
    net, group, w = network()
    leaves = {name: torch.tensor(a, requires_grad=True) for name, a in w.items()}
    for objective, options in (
        (lt.ParameterNorm(), {}), (lt.LineSearchDecrease(), {"radius": 1.0}),
        (lt.GradientNorm(), {"radius": 1.0}),
    ):  # fmt: skip
        found = lt.teleport(net, group, leaves, objective, **options)
        plain = lt.teleport(net, group, w, objective, **options)
        for name, moved in found.params.items():
            assert not moved.requires_grad
            assert np.allclose(moved.numpy(), plain.params[name], rtol=1e-6)
            assert np.array_equal(leaves[name].detach().numpy(), w[name])
