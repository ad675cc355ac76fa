"""The search of the data-dependent action: value, slope, low-rank steps, how it reports its end."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import liegroup_teleport as lt
from liegroup_teleport.groups._matrices import exp_pair, exp_pullback_matrix
from liegroup_teleport.groups._pseudo_inverse import pseudo_inverse
from liegroup_teleport.orbit._ball import search_ball
from liegroup_teleport.orbit._hidden_states import HiddenStatesNorm, dense
from liegroup_teleport.orbit._landscape import PointwiseLandscape
from liegroup_teleport.orbit._low_rank import climb, leading, pulled_back
from liegroup_teleport.orbit._stretch import Matrix, Stretch

SEEDS = st.integers(0, 2**32 - 1)


def problem(activation, hidden, *, bias=False, samples=3, inputs=5, seed=0):
    rng = np.random.default_rng(seed)
    loss = lt.losses.MLP(
        [inputs, *hidden, 2],
        activation=activation,
        inputs=rng.standard_normal((samples, inputs)),
        targets=rng.standard_normal((samples, 2)),
        bias=bias,
    )
    w = {name: a + 0.1 * rng.standard_normal(a.shape) for name, a in loss.init(rng).items()}
    return loss, loss.batch_symmetry(), w


def fields(loss, group, w):
    arguments = (group, lt.GradientNorm(), loss, w, loss.gradient(w))
    return HiddenStatesNorm(*arguments), PointwiseLandscape(*arguments)


def squared_norm(gradient):
    return sum(float(np.sum(np.asarray(a, dtype=np.float64) ** 2)) for a in gradient.values())


# -- value and slope -----------------------------------------------------------
@pytest.mark.parametrize("activation", ["linear", "leaky_relu", "tanh", "sigmoid"])
@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize(
    ("hidden", "samples", "inputs"),
    [([4], 3, 5), ([4, 5], 3, 5), ([4, 5, 4], 3, 5), ([4, 4], 4, 4), ([7, 3], 1, 2)],
)
def test_value_and_slope(activation, bias, hidden, samples, inputs):
    loss, group, w = problem(activation, hidden, bias=bias, samples=samples, inputs=inputs)
    fast, plain = fields(loss, group, w)
    g = group.random_element(np.random.default_rng(1), 0.03)
    value, slope = fast.slope(g)
    expected = plain.differences(g)
    moved = squared_norm(loss.gradient(group.act(g, w)))
    # the signal is recovered by the pseudo-inverse of the last states, whose condition counts
    condition = np.linalg.cond(loss.hidden(w)[1][-1])
    rel = max(1e-12, np.finfo(np.float64).eps * condition)
    assert value == pytest.approx(moved, rel=rel)
    assert plain.value(g) == pytest.approx(moved, rel=1e-12)
    assert fast.value(g) == pytest.approx(value, rel=1e-14)
    np.testing.assert_allclose(slope, expected, atol=1e-7 * np.abs(expected).max())
    score, log_slope = fast.score(g)
    assert score == pytest.approx(np.log(value / fast.value(group.identity())), abs=1e-12)
    np.testing.assert_allclose(log_slope, slope / value, rtol=1e-12)


@pytest.mark.parametrize("scale", [1e-170, 1e160])
def test_size_of_the_gradient_is_divided_out(scale):
    loss, group, w = problem("leaky_relu", [4, 5])
    gradient = loss.gradient(w)
    plain = HiddenStatesNorm(group, lt.GradientNorm(), loss, w, gradient)
    tiny = {name: scale * a for name, a in gradient.items()}
    scaled = HiddenStatesNorm(group, lt.GradientNorm(), loss, w, tiny)
    g = group.random_element(np.random.default_rng(1), 0.3)
    expected, slope = plain.score(g)
    value, other = scaled.score(g)
    assert value == pytest.approx(expected, abs=1e-12)
    np.testing.assert_allclose(other, slope, atol=1e-12)


def test_slope_on_an_ill_conditioned_batch():
    loss, group, w = problem("leaky_relu", [4, 5])
    inputs = loss.inputs.copy()
    inputs[1] = inputs[0] + 1e-5 * inputs[1]
    group = loss.with_inputs(inputs).batch_symmetry()
    fast, plain = fields(group.mlp, group, w)
    g = group.random_element(np.random.default_rng(1), 0.03)
    _, slope = fast.slope(g)
    expected = plain.differences(g)
    np.testing.assert_allclose(slope, expected, atol=1e-5 * np.abs(expected).max())


@pytest.mark.parametrize("condition", [1e0, 1e1, 1e2, 1e3, 1e4, 1e6, 1e9])
def test_pseudo_inverse_at_every_condition(condition):
    rng = np.random.default_rng(0)
    U, V = (np.linalg.qr(rng.standard_normal((k, 12)))[0] for k in (12, 30))
    H = (U * np.geomspace(1, 1 / condition, 12)) @ V.T
    K = pseudo_inverse(H, 1)
    np.testing.assert_allclose(H @ K, np.eye(12), atol=2e-13 + 1e-15 * condition)
    np.testing.assert_allclose(K @ H, (K @ H).T, atol=2e-13 + 1e-15 * condition)


# -- low rank ------------------------------------------------------------------
def stretch(rng, size=9, rank=3):
    return Stretch(np.linalg.qr(rng.standard_normal((size, rank)))[0], rng.standard_normal(rank))


@given(SEEDS)
def test_stretches_are_the_matrices_they_stand_for(seed):
    rng = np.random.default_rng(seed)
    p = stretch(rng)
    full = Matrix(*exp_pair(p.logarithm()))
    X = rng.standard_normal((4, 9))
    gram = X @ X.T
    for method in ("times_transpose", "times_inverse", "times_inverse_transpose"):
        np.testing.assert_allclose(getattr(p, method)(X), getattr(full, method)(X), atol=1e-11)
    np.testing.assert_allclose(p.gram(X, gram), full.gram(X, gram), atol=1e-9)
    for a, b in zip(p.pair(), full.pair(), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-11)
    assert p.times_transpose(X.astype(np.float32)).dtype == np.float32


@given(SEEDS)
def test_pullback_is_that_of_the_dense_exponential(seed):
    rng = np.random.default_rng(seed)
    p = stretch(rng)
    factors = [(rng.standard_normal((9, 4)), rng.standard_normal((9, 4))) for _ in range(2)]
    expected = exp_pullback_matrix(p.logarithm(), dense(factors))
    found = dense(pulled_back(p, factors))
    np.testing.assert_allclose(found + found.T, expected + expected.T, atol=1e-10)


def test_leading_directions():
    rng = np.random.default_rng(0)
    Q = np.linalg.qr(rng.standard_normal((40, 40)))[0]
    exact = np.array([-9.0, 5.0, 3.0, -2.0, *np.full(36, 1e-3)])
    skew = rng.standard_normal((40, 40))
    values, V = leading([(Q * exact, Q), (skew, np.eye(40)), (-np.eye(40), skew)], Q[:, :6] + 0.01)
    np.testing.assert_allclose(values[:4], exact[:4], rtol=1e-6)
    np.testing.assert_allclose(np.abs(V[:, :4].T @ Q[:, :4]), np.eye(4), atol=1e-4)


@pytest.mark.parametrize("activation", ["linear", "leaky_relu"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_climb_ascends_on_the_radius(activation, dtype):
    loss, group, w = problem(activation, [12, 12], samples=6, inputs=10)
    fast, _ = fields(loss, group, w)
    found = climb(
        fast.batch.astype(dtype),
        fast.start(),
        radius=1.5,
        least=1e-6,
        max_evaluations=50,
        rng=np.random.default_rng(0),
    )
    assert found.ended
    assert found.radius == 1.5
    assert all(gain > 0 for gain in found.gains)
    g = tuple(p.pair() for p in found.places)
    assert group.distance(g) == pytest.approx(1.5, rel=1e-12)
    assert fast.score(g)[0] == pytest.approx(sum(found.gains), abs=1e-4)
    # the residual, from the dense slope and the dense pullback
    x = np.concatenate([p.logarithm().ravel() for p in found.places])
    pulled = group.exp_pullback(x, fast.score(g)[1])
    blocks = [(a + a.T) / 2 for a in group.matrices.matrices(pulled)]
    s = np.concatenate([a.ravel() for a in blocks])
    expected = s - max(float(s @ x), 0.0) / 1.5**2 * x
    precision = float(np.finfo(dtype).eps)
    assert found.residual == pytest.approx(float(np.linalg.norm(expected)), abs=1e3 * precision)


def test_climb_shortens_a_step_out_of_the_range():
    loss, group, w = problem("tanh", [6, 6], samples=4, inputs=6)
    fast, _ = fields(loss, group, w)
    found = climb(
        fast.batch,
        fast.start(),
        radius=50.0,
        least=1e-6,
        max_evaluations=100,
        rng=np.random.default_rng(0),
    )
    assert 0 < found.radius < 50
    assert found.gains


# -- teleports -----------------------------------------------------------------
@pytest.mark.parametrize("activation", ["linear", "leaky_relu", "tanh", "sigmoid"])
@pytest.mark.parametrize(("sense", "radius"), [("max", 0.5), ("min", 0.5), ("min", None)])
@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("hidden", [[4], [4, 5], [3, 3, 3]])
def test_teleport(activation, sense, radius, bias, hidden):
    loss, group, w = problem(activation, hidden, bias=bias)
    before = {name: a.copy() for name, a in w.items()}
    result = lt.teleport(
        loss, group, w, lt.GradientNorm(), sense=sense, radius=radius, max_iterations=60
    )
    sign = 1 if sense == "max" else -1
    if radius is None and activation in ("tanh", "sigmoid") and result.status == "identity":
        # the quasi-Newton method's first step may leave the range, and it does not come back
        assert "no step gains any more" in result.message
        assert all(np.array_equal(result.params[name], w[name]) for name in w)
        return
    assert sign * result.objective_after > sign * result.objective_before
    assert result.drift <= 1e-12
    assert all(np.linalg.det(a) > 0 for a, _ in result.element)
    after = squared_norm(loss.gradient(result.params))
    # far from the identity the weights are large, and their rounding moves the gradient
    assert after == pytest.approx(result.objective_after, rel=1e-12 if radius else 1e-9)
    if radius is not None:
        assert group.distance(result.element) <= radius * (1 + 1e-12)
        # the algebra's ball; only for symmetric x is the distance as large as its norm
        length = float(np.linalg.norm(group.log(result.element)))
        assert (result.status == "boundary") == (length >= radius * (1 - 1e-6))
    assert result.status in ("boundary", "converged", "iteration_limit")
    assert result.status != "converged" or result.optimality <= 1e-8
    assert all(np.array_equal(w[name], before[name]) for name in w)


@pytest.mark.parametrize("activation", ["leaky_relu", "tanh"])
def test_at_least_as_good_as_the_search_in_the_algebra(activation):
    loss, group, w = problem(activation, [3, 3], samples=2)
    _, plain = fields(loss, group, w)
    old = search_ball(plain, group.identity(), sign=1, radius=0.3, tol=1e-8, max_iterations=100)
    found = lt.teleport(loss, group, w, lt.GradientNorm(), radius=0.3)
    assert found.objective_after >= plain.value(group.exp(old.x)) * (1 - 1e-6)


def wide(activation="leaky_relu", samples=20, seed=0, dtype=np.float64):
    rng = np.random.default_rng(seed)
    loss = lt.losses.MLP(
        [64, 64, 64, 10],
        activation=activation,
        inputs=rng.standard_normal((samples, 64)),
        targets=rng.standard_normal((samples, 10)),
    )
    return loss, loss.init(rng, dtype)


@pytest.mark.parametrize("samples", [1, 20, 32, 60])
def test_wide_network(samples):
    loss, w = wide(samples=samples)
    group = loss.batch_symmetry()
    result = lt.teleport(loss, group, w, lt.GradientNorm(), radius=2.0)
    assert np.log(result.objective_after / result.objective_before) > 2
    assert result.drift <= 1e-12
    assert result.status == "boundary"
    assert "on the radius 2 after full steps of rank 4" in result.message
    assert "other directions were not searched" in result.message
    assert group.distance(result.element) == pytest.approx(2, rel=1e-12)
    # what the search formed is what the group does
    again = group.act(result.element, w)
    for name, a in result.params.items():
        np.testing.assert_allclose(a, again[name], atol=1e-10)
    moved = group.act_cotangent(result.element, w, loss.gradient(w))
    for gradient in (moved, loss.gradient(result.params)):
        assert squared_norm(gradient) == pytest.approx(result.objective_after, rel=1e-10)
    assert result.evaluations == {"loss": 1, "gradient": 1, "hvp": 0, "gauss_newton": 0}


def test_wide_network_out_of_evaluations():
    loss, w = wide()
    values = []
    for limit in (1, 2, 3, 4):
        result = lt.teleport(
            loss, loss.batch_symmetry(), w, lt.GradientNorm(), radius=2.0, max_iterations=limit
        )
        values.append(result.objective_after)
    assert values == sorted(values)
    short = lt.teleport(
        loss, loss.batch_symmetry(), w, lt.GradientNorm(), radius=2.0, max_iterations=2
    )
    assert "2 evaluations are used up" in short.message
    assert short.optimality == np.inf


def test_wide_network_that_cannot_reach_the_radius():
    loss, w = wide("tanh")
    result = lt.teleport(loss, loss.batch_symmetry(), w, lt.GradientNorm(), radius=50.0)
    assert result.status == "iteration_limit"
    assert result.objective_after > result.objective_before
    assert loss.batch_symmetry().distance(result.element) < 50


@pytest.mark.parametrize("hidden", [[4, 5], [40, 40]])
@pytest.mark.parametrize("sense", ["max", "min"])
def test_zero_gradient_stays(hidden, sense):
    loss, _, w = problem("leaky_relu", hidden)
    exact = lt.losses.MLP(
        loss.widths, activation="leaky_relu", inputs=loss.inputs, targets=loss.forward(w)
    )
    result = lt.teleport(
        exact, exact.batch_symmetry(), w, lt.GradientNorm(), sense=sense, radius=0.5
    )
    assert result.status == "identity"
    assert all(np.array_equal(result.params[name], w[name]) for name in w)


def test_no_state_stays_with_the_group():
    loss, w = wide()
    group = loss.batch_symmetry()
    before = {f.name for f in dataclasses.fields(group)} | {"matrices"}
    lt.teleport(loss, group, w, lt.GradientNorm(), radius=1.0)
    assert set(vars(group)) <= before


# -- other libraries and precisions --------------------------------------------
@pytest.mark.parametrize("library", ["torch", "jax"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("size", ["small", "wide"])
def test_other_libraries(library, dtype, size):
    name = {"torch": "torch", "jax": "jax.numpy"}[library]
    convert = pytest.importorskip(name).asarray
    if size == "wide":
        loss, plain = wide(dtype=dtype)
    else:
        loss, _, plain = problem("leaky_relu", [4, 5])
        plain = {name: a.astype(dtype) for name, a in plain.items()}
    w = {name: convert(a) for name, a in plain.items()}
    kind = next(iter(w.values()))
    result = lt.teleport(loss, loss.batch_symmetry(), w, lt.GradientNorm(), radius=0.5)
    expected = lt.teleport(loss, loss.batch_symmetry(), plain, lt.GradientNorm(), radius=0.5)
    assert result.status == expected.status == "boundary"
    for name, a in result.params.items():
        assert type(a) is type(kind)
        assert a.dtype == kind.dtype
        assert tuple(a.shape) == plain[name].shape
    # JAX is left at 32 bits unless told otherwise
    double = np.finfo(np.asarray(kind).dtype).bits == 64
    assert result.drift <= (1e-12 if double else 5e-4)
    assert result.objective_after == pytest.approx(
        expected.objective_after, rel=1e-8 if double else 1e-3
    )
    after = squared_norm(loss.gradient(result.params))
    assert after == pytest.approx(result.objective_after, rel=1e-11 if double else 1e-3)


def test_float32_stays_float32():
    loss, w = wide(dtype=np.float32)
    result = lt.teleport(loss, loss.batch_symmetry(), w, lt.GradientNorm(), radius=1.0)
    assert all(a.dtype == np.float32 for a in result.params.values())
    assert result.drift <= 5e-4
    assert result.objective_after > 2 * result.objective_before
