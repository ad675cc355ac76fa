"""Orbits that are not closed: no optimum is claimed, and what is returned can be used."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

import liegroup_teleport as lt
from liegroup_teleport.groups import (
    DiagonalGroup,
    DirectProduct,
    GeneralLinear,
    HiddenIndex,
    MatrixGroup,
    PositiveRescaling,
)
from liegroup_teleport.groups._rational import closed_under_transposes, rank, solve, whole
from liegroup_teleport.losses import MLP, from_function
from liegroup_teleport.orbit._landscape import LinearNorm
from liegroup_teleport.orbit._minimum import infimum
from liegroup_teleport.orbit._support import covered


def unit(i, j, n):
    return np.eye(n)[:, [i]] @ np.eye(n)[[j]]


def special_linear_on_matrices():
    """SL(2) by multiplication from the left, and (det - 1)^2, which it leaves alone."""
    generators = [unit(0, 1, 2), unit(1, 0, 2), np.diag([1.0, -1.0])]
    group = MatrixGroup([np.kron(X, np.eye(2)) for X in generators], {"W": (2, 2)})

    def excess(w):
        W = w["W"]
        return float(W[0, 0]) * float(W[1, 1]) - float(W[0, 1]) * float(W[1, 0]) - 1

    def gradient(w):
        (a, b), (c, d) = w["W"]
        return {"W": 2 * excess(w) * np.array([[d, -c], [-b, a]], dtype=w["W"].dtype)}

    return group, from_function(lambda w: excess(w) ** 2, gradient)


def lorentz():
    boosts = [unit(0, i, 4) + unit(i, 0, 4) for i in (1, 2, 3)]
    turns = [unit(i, j, 4) - unit(j, i, 4) for i, j in ((1, 2), (1, 3), (2, 3))]
    form = np.array([-1.0, 1, 1, 1])
    group = MatrixGroup(boosts + turns, {"w": (4,)})
    return group, from_function(
        lambda w: (float(form @ np.square(w["w"], dtype=np.float64)) - 1) ** 2,
        lambda w: {
            "w": (
                4 * (float(form @ np.square(w["w"], dtype=np.float64)) - 1) * form * w["w"]
            ).astype(w["w"].dtype)
        },
    )


def hyperbolic():
    return DiagonalGroup([[1.0, -1.0]], {"w": (2,)}), from_function(
        lambda w: (float(w["w"][0] * w["w"][1]) - 1) ** 2,
        lambda w: {"w": 2 * (w["w"][0] * w["w"][1] - 1) * w["w"][::-1].copy()},
    )


NULL = [
    (special_linear_on_matrices, {"W": np.array([[1.0, 2.0], [2.0, 4.0]])}),
    (special_linear_on_matrices, {"W": np.array([[0.0, 0.0], [3.0, -1.0]])}),
    (lorentz, {"w": np.array([5.0, 3.0, 4.0, 0.0])}),
    (lorentz, {"w": np.array([1.0, 0.0, 0.0, -1.0])}),
    (hyperbolic, {"w": np.array([1.0, 0.0])}),
]


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("objective", [lt.ParameterNorm(), lt.GradientNorm()], ids=repr)
@pytest.mark.parametrize(("make", "w"), NULL)
def test_a_vector_in_the_null_cone_stays_on_its_orbit(make, w, objective, dtype):
    group, loss = make()
    w = {name: a.astype(dtype) for name, a in w.items()}
    found = lt.teleport(loss, group, w, objective, sense="min")
    assert found.status == "unattained"
    assert found.bound == 0.0
    assert 0 < found.objective_after < found.objective_before
    g = found.element
    one = group.compose(g, group.inverse(g))
    for a, b in zip(np.atleast_1d(one), np.atleast_1d(group.identity()), strict=True):
        assert np.allclose(a, b, atol=1e-12)
    back = group.act(group.inverse(g), found.params)
    eps = np.finfo(dtype).eps
    for name, a in w.items():
        assert np.linalg.norm(back[name] - a) <= 32 * eps * np.linalg.norm(a)
    # the training that works without works with it as well
    descent = lt.training.LineSearch()
    plain = lt.training.minimize(loss, w, descent, 200)
    after = lt.training.minimize(loss, found.params, descent, 200)
    assert after.losses[-1] <= max(1e3 * plain.losses[-1], 1e4 * eps**2)


def test_invariant_forms_are_kept():
    group, loss = lorentz()
    form = np.diag([-1.0, 1, 1, 1])
    for w in ([5.0, 3.0, 4.0, 0.0], [1.0, 0.6, 0.8, 0.0], [5.0, 3.0, 4.0, 1e-3], [3.0, 1, 1, 2]):
        g = lt.teleport(loss, group, {"w": np.array(w)}, lt.ParameterNorm()).element[0]
        assert np.allclose(g.T @ form @ g, form, atol=1e-13 * np.linalg.norm(g) ** 2)


def test_what_is_nearly_null_is_not_called_optimal():
    # 0.6 and 0.8 are rounded: the least norm is near 1e-17, farther than any digits go
    group, loss = lorentz()
    found = lt.teleport(loss, group, {"w": np.array([1.0, 0.6, 0.8, 0.0])}, lt.ParameterNorm())
    assert found.status == "iteration_limit"
    assert found.objective_after > 0.1


def test_a_closed_orbit_of_a_matrix_group_is_proved():
    group, loss = lorentz()
    found = lt.teleport(loss, group, {"w": np.array([3.0, 1, 1, 2])}, lt.ParameterNorm())
    assert found.status == "optimal"
    assert found.objective_after == pytest.approx(3.0)  # (sqrt(3), 0, 0, 0)
    assert found.objective_after * (1 - 1e-9) <= found.bound <= 3.0 * (1 + 1e-12)
    # a spacelike vector is kept by boosts: this certificate does not cover it
    found = lt.teleport(loss, group, {"w": np.array([1.0, 3, 1, 2])}, lt.ParameterNorm())
    assert found.status == "converged"
    assert found.objective_after == pytest.approx(13.0)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("objective", [lt.ParameterNorm(), lt.GradientNorm()], ids=repr)
def test_ill_conditioned_limits_keep_the_loss(objective, dtype):
    for seed in range(8):
        rng = np.random.default_rng(seed)
        X, T = rng.standard_normal((8, 5)), rng.standard_normal((8, 5))
        net = MLP([5, 3, 5], activation="linear", inputs=X, targets=T)
        w = net.init(rng, dtype=dtype) | {"W2": np.ones((5, 3), dtype)}
        found = lt.teleport(net, net.symmetry(), w, objective, sense="min")
        # ranks of weights are exact; those of gradients are often held by their rounding alone
        rounded = isinstance(objective, lt.GradientNorm)
        assert found.status == "unattained" or (rounded and found.status == "converged")
        assert found.objective_after >= found.bound * (1 - 1e-6)
        assert found.objective_after <= found.bound * (1 + 1e-3)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("activation", ["linear", "relu"])
@pytest.mark.parametrize("widths", [(4, 3, 3), (4, 3, 3, 2), (4, 2, 3, 3, 2)])
@pytest.mark.parametrize("objective", [lt.ParameterNorm(), lt.GradientNorm()], ids=repr)
def test_zero_matrices_and_zero_rows_anywhere(objective, widths, activation, dtype):
    rng = np.random.default_rng(0)
    X, T = rng.standard_normal((8, 4)), rng.standard_normal((8, widths[-1]))
    net = MLP(list(widths), activation=activation, inputs=X, targets=T)
    for name in net.shapes:
        for rows in (slice(None), slice(1), slice(-1, None)):
            w = net.init(rng, dtype=dtype)
            w[name][rows] = 0
            found = lt.teleport(net, net.symmetry(), w, objective, sense="min")
            assert found.drift <= found.allowed_drift
            assert found.objective_after <= found.objective_before
            if found.bound is not None:
                assert found.objective_after >= found.bound * (1 - 1e-6)


def test_ranks_are_exact():
    assert rank(whole(np.array([[0.1, 0.2], [0.2, 0.4]]))) == 1
    assert rank(whole(np.array([[0.1, 0.3], [0.2, 0.6000000000000001]]))) == 2
    assert rank(whole(np.zeros((2, 3)))) == 0
    assert rank(whole(np.array([[1e-300, 1.0], [1e300, 0.0]]))) == 2
    rng = np.random.default_rng(0)
    for k in range(5):
        A = rng.integers(-9, 9, (6, k)) @ rng.integers(-9, 9, (k, 5))
        assert rank(whole(A.astype(float))) == np.linalg.matrix_rank(A)


def test_solutions_are_exact():
    A = np.array([[1, 2], [3, 4], [4, 6]], dtype=object)
    x = solve(A, np.array([1, 1, 2], dtype=object))
    assert list(x) == [Fraction(-1), Fraction(1)]
    assert solve(A, np.array([1, 1, 3], dtype=object)) is None


def test_transposes_are_compared_without_rounding():
    X = np.array([[[0.0, 1.0], [1.0, 0.0]], [[1.0, 2.0], [0.0, 1.0]], [[1.0, 0.0], [2.0, 1.0]]])
    assert closed_under_transposes(X)
    X[2, 1, 0] = np.nextafter(2.0, 3.0)
    assert not closed_under_transposes(X[1:])
    group = MatrixGroup([[[1.0, 1e-12], [0.0, -1.0]]], {"w": (2,)})
    assert group.self_adjoint
    assert not group.exactly_self_adjoint
    loss = from_function(lambda w: 1.0, lambda w: {"w": 0 * w["w"]})
    found = lt.teleport(loss, group, {"w": np.array([2.0, 1.0])}, lt.ParameterNorm())
    assert found.status == "converged"


def test_weights_that_cover_exponents_against_all_subsets():
    rng = np.random.default_rng(0)
    for _ in range(25):
        m, n = int(rng.integers(1, 4)), int(rng.integers(1, 7))
        A = rng.integers(-2, 3, (m, n)).astype(float)
        live = rng.random(n) > 0.2
        inside = covered(A, live)
        assert inside is not None
        # a column outside has a direction that only it and others outside shrink along
        for _ in range(200):
            y = rng.integers(-3, 4, m)
            rates = y @ A[:, live]
            if np.all(rates >= 0):
                assert not np.any(inside[live][rates > 0])


@pytest.mark.parametrize("seed", range(4))
def test_diagonal_groups_in_general_against_scipy(seed):
    scipy_optimize = pytest.importorskip("scipy.optimize")
    rng = np.random.default_rng(seed)
    D = rng.integers(-2, 3, (2, 5)).astype(float)
    D[0, 0] += 5
    v = rng.standard_normal(5) * (rng.random(5) > 0.2)
    group = DiagonalGroup(D, {"w": (5,)})
    known = infimum(LinearNorm(group, {"w": v}, dual=False))
    assert known.attained is not None
    best = min(
        scipy_optimize.minimize(
            lambda x: float(np.sum(v**2 * np.exp(np.clip(2 * x @ D, -700, 300)))),
            rng.standard_normal(2), method="Nelder-Mead",
            options={"maxiter": 4000, "maxfev": 4000, "xatol": 1e-10, "fatol": 1e-14},
        ).fun
        for _ in range(4)
    )  # fmt: skip
    loss = from_function(lambda w: 1.0, lambda w: {"w": 0 * w["w"]})
    found = lt.teleport(loss, group, {"w": v}, lt.ParameterNorm())
    assert found.bound <= best * (1 + 1e-9) + 1e-12
    if known.attained:
        assert found.status in ("optimal", "identity")
        assert found.objective_after == pytest.approx(best, rel=1e-6)
    else:
        assert found.status == "unattained"


def test_products_of_diagonal_groups_are_decided():
    hidden = HiddenIndex(2, [("W1", 0)], [("W2", 1)])
    group = DirectProduct([PositiveRescaling([hidden]), DiagonalGroup([[1.0, -1.0]], {"a": (2,)})])
    loss = from_function(lambda w: 1.0, lambda w: {n: 0 * a for n, a in w.items()})
    w = {"W1": np.ones((2, 3)), "W2": 2 * np.ones((1, 2)), "a": np.array([3.0, 4.0])}
    found = lt.teleport(loss, group, w, lt.ParameterNorm())
    assert found.status == "optimal"
    assert found.objective_after == pytest.approx(2 * 2 * np.sqrt(3) * 2 + 24)
    found = lt.teleport(loss, group, w | {"a": np.array([3.0, 0.0])}, lt.ParameterNorm())
    assert found.status == "unattained"
    assert found.bound == pytest.approx(8 * np.sqrt(3), rel=1e-8)


def test_a_rank_held_by_rounding_alone_is_not_decided():
    rng = np.random.default_rng(0)
    group = GeneralLinear([HiddenIndex(3, [("W1", 0)], [("W2", 1)])])
    w = {"W1": rng.normal(size=(3, 2)) @ rng.normal(size=(2, 4)), "W2": rng.normal(size=(5, 3))}
    loss = from_function(lambda w: 1.0, lambda w: {n: 0 * a for n, a in w.items()})
    found = lt.teleport(loss, group, w, lt.ParameterNorm())
    assert found.status in ("converged", "iteration_limit")
    nuclear = 2 * np.linalg.svd(w["W2"] @ w["W1"], compute_uv=False).sum()
    assert found.bound == pytest.approx(nuclear, rel=1e-9)


def at_zero_loss(widths, activation, dtype, loss="mse"):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((8, widths[0]))
    net = MLP(list(widths), activation=activation, inputs=X, targets=np.zeros((8, widths[-1])))
    w = net.init(rng, dtype=dtype)
    net = MLP(list(widths), activation=activation, inputs=X, targets=net.forward(w))
    assert net.value(w) == 0.0
    return net, w


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("activation", ["linear", "relu"])
@pytest.mark.parametrize("widths", [(4, 3, 3), (4, 5, 5, 2)])
def test_balancing_at_zero_loss(widths, activation, dtype):
    net, w = at_zero_loss(widths, activation, dtype)
    found = lt.teleport(net, net.symmetry(), w, lt.ParameterNorm())
    assert found.status == (
        "unattained" if (len(widths), activation) == (4, "linear") else "optimal"
    )
    assert 0 < found.drift <= found.allowed_drift < 1e8 * np.finfo(dtype).eps ** 2
    assert net.symmetry().check_invariance(net, w, rng=np.random.default_rng(0)).passed
    # as a black box: by the second order of what the parameters' rounding changes
    opaque = from_function(net.value, net.gradient, net.hvp)
    assert net.symmetry().check_invariance(opaque, w, rng=np.random.default_rng(0)).passed
    # what is no rounding is refused all the same
    part = 1e-9 if dtype is np.float64 else 1e-3
    spoiled = from_function(
        lambda v: net.value(v) + part * float(np.sum((v["W1"] - w["W1"]) ** 2)),
        net.gradient, net.hvp,
    )  # fmt: skip
    with pytest.raises(lt.InvarianceError, match="is not a symmetry of this loss"):
        lt.teleport(spoiled, net.symmetry(), w, lt.ParameterNorm())


@pytest.mark.parametrize("activation", ["linear", "relu", "tanh", "gelu", "sigmoid"])
@pytest.mark.parametrize("loss", ["mse", "cross_entropy"])
def test_the_rounding_of_a_forward_pass_is_bounded(activation, loss):
    for seed in range(10):
        rng = np.random.default_rng(seed)
        X = rng.standard_normal((6, 4))
        T = rng.standard_normal((6, 3)) if loss == "mse" else rng.integers(0, 3, 6)
        net = MLP([4, 5, 3], activation=activation, inputs=X, targets=T, loss=loss, bias=True)
        w = net.init(rng, dtype=np.float32)
        if loss == "mse" and seed % 2:
            net = MLP([4, 5, 3], activation=activation, inputs=X, targets=net.forward(w), bias=True)
        exact = net.value({name: a.astype(np.float64) for name, a in w.items()})
        rounding = net.value_rounding(w)
        # the inputs and targets are rounded to the dtype as well: within the 64 roundings
        assert abs(net.value(w) - exact) <= rounding
        assert rounding <= 1e5 * np.finfo(np.float32).eps * max(exact, 1e-4)


def test_a_network_without_curvature_has_no_flattest_point():
    rng = np.random.default_rng(0)
    X, T = rng.standard_normal((8, 4)), rng.standard_normal((8, 2))
    net = MLP([4, 3, 2], activation="relu", inputs=X, targets=T)
    w = net.init(rng)
    w["W1"][:] = 0
    for measure in ("trace", "largest"):
        found = lt.teleport(net, net.symmetry(), w, lt.Sharpness(measure=measure))
        assert found.status == "identity"
        assert found.objective_after == found.objective_before == 0.0


def test_a_slope_is_not_called_converged():
    rng = np.random.default_rng(0)
    for seed in range(6):
        rng = np.random.default_rng(seed)
        X, T = rng.standard_normal((8, 5)), rng.standard_normal((8, 5))
        net = MLP([5, 5, 5], activation="linear", inputs=X, targets=T)
        found = lt.teleport(
            net, net.symmetry(), net.init(rng), lt.LineSearchDecrease(), radius=100.0
        )
        assert found.status != "converged" or found.optimality <= 1e-5


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("activation", ["linear", "relu"])
@pytest.mark.parametrize("bound", [1e-12, 1e-6, 0.7])
@pytest.mark.parametrize(
    "objective",
    [lt.GradientNorm(), lt.ParameterNorm(), lt.LineSearchDecrease(), lt.PredictedDecrease(0.01)],
    ids=repr,
)
def test_bounds_hold_after_rounding(objective, bound, activation, dtype):
    rng = np.random.default_rng(0)
    X, T = rng.standard_normal((8, 5)), rng.standard_normal((8, 5))
    net = MLP([5, 4, 5], activation=activation, inputs=X, targets=T)
    group, w = net.symmetry(), net.init(rng, dtype=dtype)
    for options in ({}, {"stability": (1e-6, 1.0)}):
        found = lt.teleport(net, group, w, objective, radius=bound, **options)
        assert group.distance(found.element) <= bound
    if activation == "relu":
        found = lt.teleport(net, group, w, objective, box=bound)
        assert np.max(np.abs(np.log(found.element))) <= bound


def test_ill_conditioned_elements_do_not_blame_the_group():
    # a symmetry whose elements round the loss by 1e-16 ||g|| ||g^-1||: nearer ones are taken
    group = MatrixGroup([[[1.0, 0.0], [0.0, -1.0]], [[0.0, 1.0], [1.0, 0.0]],
                         [[0.0, -1.0], [1.0, 0.0]]], {"w": (2,)})  # fmt: skip
    loss = from_function(lambda w: 1.0, lambda w: {"w": np.array([1.0, 1.0])})
    found = lt.teleport(loss, group, {"w": np.array([1.0, 2.0])}, lt.GradientNorm(), radius=30.0)
    a, b = found.element
    assert np.allclose(a @ b, np.eye(2), atol=1e-7)
    assert np.linalg.norm(a) * np.linalg.norm(b) <= 2 / np.sqrt(np.finfo(float).eps)


class Claimed(lt.SymmetryGroup):
    """Exponentials of given matrices on ``w``, and whatever they say of themselves."""

    linear, diagonal, scope = True, False, "loss"

    def __init__(self, generators, self_adjoint=True, compact=False):
        self.inner = MatrixGroup(generators, {"w": (len(generators[0]),)})
        self.self_adjoint, self.compact = self_adjoint, compact

    dim = property(lambda self: self.inner.dim)
    shapes = property(lambda self: self.inner.shapes)
    acts_on = property(lambda self: self.inner.acts_on)
    manifold = property(lambda self: self.inner.manifold)

    def identity(self):
        return self.inner.identity()

    def compose(self, g, h):
        return self.inner.compose(g, h)

    def inverse(self, g):
        return self.inner.inverse(g)

    def exp(self, x):
        return self.inner.exp(x)

    def log(self, g):
        return self.inner.log(g)

    def algebra_basis(self):
        return self.inner.algebra_basis()

    def distance(self, g):
        return self.inner.distance(g)

    def exp_pullback(self, x, m):
        return self.inner.exp_pullback(x, m)

    def act(self, g, w):
        return self.inner.act(g, w)

    def act_tangent(self, g, w, u):
        return self.inner.act_tangent(g, w, u)

    def act_cotangent(self, g, w, v):
        return self.inner.act_cotangent(g, w, v)

    def generator(self, x, w):
        return self.inner.generator(x, w)

    def generator_adjoint(self, w, p):
        return self.inner.generator_adjoint(w, p)


CONSTANT = from_function(lambda w: 1.0, lambda w: {"w": 0 * w["w"]})


@pytest.mark.parametrize(
    ("generators", "claims", "status"),
    [
        ([unit(0, 1, 2) + unit(1, 0, 2)], {}, "optimal"),
        ([unit(0, 1, 2)], {}, "converged"),  # shears
        ([np.diag([1.0, -1.0]) + 0.5 * (unit(0, 1, 2) - unit(1, 0, 2))], {}, "converged"),
        ([np.array([[1.0, 3.0], [0.0, -2.0]])], {"compact": True}, "converged"),
    ],
)
def test_a_group_is_not_taken_at_its_word(generators, claims, status):
    group = Claimed(generators, **claims)
    found = lt.teleport(CONSTANT, group, {"w": np.array([3.0, 1.0])}, lt.ParameterNorm())
    assert found.status == status


def test_a_subclass_that_acts_otherwise_proves_nothing_of_its_parent():
    class Squared(PositiveRescaling):
        """Scales what is written by the square of what it should."""

        def act(self, g, w):
            return super().act(g, super().act(np.sqrt(g), w) | {"W2": w["W2"]})

    hidden = HiddenIndex(2, [("W1", 0)], [("W2", 1)])
    w = {"W1": np.array([[3.0], [4.0]]), "W2": np.array([[1.0, 2.0]])}
    loss = from_function(lambda w: 1.0, lambda w: {n: 0 * a for n, a in w.items()})
    found = lt.teleport(loss, Squared([hidden]), w, lt.ParameterNorm())
    assert found.status != "optimal"


@pytest.mark.parametrize("size", [1e-12, 1.0, 1e12])
def test_a_shrinking_vector_can_be_grown_again(size):
    # every vector is reached: norms of e^-40 are far, though g and its inverse are as good as 1
    group = MatrixGroup([unit(i, j, 3) for i in range(3) for j in range(3)], {"w": (3,)})
    w = {"w": size * np.ones(3)}
    found = lt.teleport(CONSTANT, group, w, lt.ParameterNorm(), radius=40.0)
    assert found.objective_after < 1e-15 * found.objective_before
    back = group.act(group.inverse(found.element), found.params)
    lost = np.linalg.norm(back["w"] - w["w"]) / np.linalg.norm(w["w"])
    assert lost <= found.undo_error < 1e-6
