"""Translations: the softmax shift, flat directions, what is conserved."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
import scipy.linalg
import scipy.sparse

from liegroup_teleport import DomainError, ParameterNorm, UnboundedOrbitError, symbolic, teleport
from liegroup_teleport.groups import DirectProduct, Translation
from liegroup_teleport.losses import Quadratic, from_function
from liegroup_teleport.testing import assert_symmetry
from tests.groups.all_groups import BY_NAME, mlp


def cross_entropy(**options):
    return mlp((3, 4, 3), "relu", loss="cross_entropy", **options)


def test_softmax_shift_moves_all_logits_alike():
    loss = cross_entropy(bias=True)
    w = loss.init(np.random.default_rng(0))
    bias = Translation.softmax_shift(loss)
    assert bias.dim == 1
    assert bias.acts_on == {("b2", None)}
    moved = bias.act(np.array([np.sqrt(3.0)]), w)
    np.testing.assert_allclose(moved["b2"], w["b2"] + 1)
    np.testing.assert_allclose(loss.forward(moved), loss.forward(w) + 1)
    assert moved["W2"] is w["W2"]
    full = Translation.softmax_shift(loss, weights=True)
    assert full.dim == 1 + 4
    t = np.random.default_rng(1).normal(size=5)
    shifted = full.act(t, w)
    np.testing.assert_allclose(shifted["W2"] - w["W2"], np.tile(t[1:] / np.sqrt(3), (3, 1)))
    change = loss.forward(shifted) - loss.forward(w)
    np.testing.assert_allclose(change, np.tile(change[:, :1], 3), atol=1e-12)
    assert loss.value(shifted) == pytest.approx(loss.value(w), rel=1e-13)


def test_wide_layers_stay_sparse():
    loss = mlp((2, 3000, 10), "relu", loss="cross_entropy", bias=True)
    group = Translation.softmax_shift(loss, weights=True)
    assert group.dim == 3001
    assert group.rows.nnz == 30010  # not 3001 rows of 30010 entries
    w = loss.init(np.random.default_rng(0))
    g = group.random_element(np.random.default_rng(1))
    assert loss.value(group.act(g, w)) == pytest.approx(loss.value(w), rel=1e-12)


def test_gradient_flow_conserves_the_product():
    case = BY_NAME["softmax-shift-weights"]
    w = case.start()
    gradient = case.loss.gradient(w)
    np.testing.assert_allclose(case.group.generator_adjoint(w, gradient), 0, atol=1e-14)
    np.testing.assert_allclose(case.group.conserved(w), w["W2"].sum(axis=0) / np.sqrt(3))
    after = {n: a - 0.3 * gradient[n] for n, a in w.items()}
    np.testing.assert_allclose(case.group.conserved(after), case.group.conserved(w), atol=1e-13)
    with pytest.raises(TypeError, match="linear"):
        case.group.moment_map(w)


def test_conserved_of_a_product():
    case = BY_NAME["product-shift"]
    group, w = case.group, case.start()
    assert group.translational
    assert not group.linear
    assert not group.self_adjoint
    parts = [factor.conserved(w) for factor in group.groups]
    np.testing.assert_array_equal(group.conserved(w), np.concatenate(parts))
    np.testing.assert_allclose(parts[1], [w["b2"].sum() / np.sqrt(3)])
    # both kinds stay in time along the flow: a step changes them at second order
    drift = group.generator_adjoint(w, case.loss.gradient(w))
    np.testing.assert_allclose(drift, 0, atol=1e-12)
    chart = BY_NAME["chart-booth"].group
    with pytest.raises(TypeError, match="does neither"):
        chart.conserved({"w": np.ones(2)})
    with pytest.raises(TypeError, match="does neither"):
        DirectProduct([chart, Translation([{"a": np.ones(2)}])]).conserved({"w": np.ones(2)})


def test_orthonormal_coordinates():
    rng = np.random.default_rng(0)
    directions = [{"a": rng.normal(size=(2, 2)), "b": rng.normal(size=3)}, {"a": np.ones((2, 2))}]
    group = Translation(directions)
    w = {"a": rng.normal(size=(2, 2)), "b": rng.normal(size=3), "c": np.ones(2)}
    t = rng.normal(size=2)
    moved = group.act(t, w)
    length = np.sqrt(sum(np.sum((moved[n] - w[n]) ** 2) for n in w))
    assert length == pytest.approx(group.distance(t)) == pytest.approx(np.linalg.norm(t))
    # the first keeps its direction, and both span what was given
    first = group.generator(np.array([1.0, 0.0]), w)
    scale = np.sqrt(sum(np.sum(a**2) for a in directions[0].values()))
    np.testing.assert_allclose(first["b"], directions[0]["b"] / scale)
    np.testing.assert_allclose(group.generator(np.array([0.0, 1.0]), w)["c"], 0)
    sparse = Translation([{"a": scipy.sparse.csr_array(d["a"]), **d} for d in directions])
    np.testing.assert_allclose(sparse.rows.toarray(), group.rows.toarray())
    assert group.manifold.dim == 2
    middle = group.geodesic(np.zeros(2), t, 0.5)
    np.testing.assert_allclose(middle, t / 2)


def test_directions_are_copied_and_scale_free():
    c = np.array([1e200, 0.0])
    group = Translation([{"a": c}])
    c[:] = 5.0
    w = {"a": np.zeros(2)}
    np.testing.assert_array_equal(group.act(np.ones(1), w)["a"], [1, 0])
    tiny = Translation([{"a": np.array([0.0, 1e-200])}])
    np.testing.assert_array_equal(tiny.act(np.ones(1), w)["a"], [0, 1])


def test_symbols():
    group = Translation([{"a": np.array([3.0, 4.0])}])
    w = {"a": np.array([1, 2], dtype=object)}
    t = np.array([10], dtype=object)
    assert list(group.act(t, w)["a"]) == [pytest.approx(7), pytest.approx(10)]
    assert list(group.generator_adjoint(w, w)) == [pytest.approx(11 / 5)]


@pytest.mark.parametrize(
    "c", [(1, 3), (3, 4), (1, 1, -2), (0.1, 0.3), (1e-9, 3e-9), (2**60, 1), (0.7, 0.1, 1 / 3)]
)
def test_shifts_are_multiples_of_what_was_given(c):
    """Normalised, ``(1, 3)`` is rounded and its ratio is no longer 3."""
    c = np.array(c, dtype=float)
    group = Translation([{"a": c}])
    exact = [Fraction(a) for a in c]
    t = np.array([Fraction(22, 7)], dtype=object)
    w = {"a": np.array([Fraction(1, 3)] * len(c), dtype=object)}
    shift = group.act(t, w)["a"] - w["a"]
    assert all(s * exact[0] == shift[0] * a for s, a in zip(shift, exact, strict=True))
    moved = group.generator(t, w)["a"]
    assert all(s * exact[0] == moved[0] * a for s, a in zip(moved, exact, strict=True))
    numbers = group.act(np.array([22 / 7]), {"a": np.zeros(len(c))})["a"]
    np.testing.assert_allclose(numbers, c * (22 / 7 / np.linalg.norm(c)), rtol=1e-15)


def test_shifts_by_several_directions_stay_in_their_span():
    group = Translation([{"a": np.array([1.0, 3.0, 0.0])}, {"a": np.array([1.0, 1.0, 1.0])}])
    w = {"a": np.array([1, 2, 3], dtype=object)}
    for t in ((2, 5), (Fraction(1, 3), -1)):
        shift = group.act(np.array(t, dtype=object), w)["a"] - w["a"]
        assert 3 * shift[0] - shift[1] - 2 * shift[2] == 0
    # the same coordinates as the floating-point ones, to rounding
    t = np.array([0.3, -0.7])
    numbers = group.act(t, {"a": np.zeros(3)})["a"]
    symbols = group.act(t.astype(object), {"a": np.zeros(3, dtype=object)})["a"]
    np.testing.assert_allclose(numbers, symbols.astype(float), rtol=1e-15)
    p = {"a": np.array([1.0, -2.0, 0.5])}
    exactly = group.generator_adjoint(p, {"a": p["a"].astype(object)}).astype(float)
    np.testing.assert_allclose(group.generator_adjoint(p, p), exactly, rtol=1e-14)
    np.testing.assert_allclose(group.rows @ group.rows.T.toarray(), np.eye(2), atol=1e-15)


def test_directions_without_rounding_are_proved():
    group = Translation([{"a": np.array([1.0, 3.0])}])

    def value(w):
        return (3 * w["a"][0] - w["a"][1]) ** 2

    def gradient(w):
        return {"a": 2 * (3 * w["a"][0] - w["a"][1]) * np.array([3, -1])}

    loss = from_function(value, gradient)
    for infinitesimal in (False, True):
        certificate = symbolic.prove_invariance(group, loss, infinitesimal=infinitesimal)
        assert certificate.proved
        assert certificate.verify()


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_parameter_norm_is_a_projection(seed, dtype):
    rng = np.random.default_rng(seed)
    n, d = int(rng.integers(2, 6)), int(rng.integers(1, 3))
    C = rng.integers(-3, 4, (d, n)) + np.eye(d, n) * 9.0
    group = Translation([{"a": c} for c in C])
    null = scipy.linalg.null_space(C)

    def value(w):
        return float(np.sum((null.T @ w["a"].astype(float)) ** 2))

    def gradient(w):
        return {"a": (2 * null @ (null.T @ w["a"].astype(float))).astype(dtype)}

    loss = from_function(value, gradient)
    w = {"a": (10 ** rng.uniform(-2, 2) * rng.normal(size=n)).astype(dtype)}
    wide = w["a"].astype(float)
    apart = null @ (null.T @ wide)
    eps = float(np.finfo(dtype).eps)
    result = teleport(loss, group, w, ParameterNorm())
    assert result.status in ("optimal", "identity")
    least = float(apart @ apart)
    assert result.objective_after == pytest.approx(least, rel=1e3 * eps, abs=1e3 * eps)
    assert result.bound <= min(least, result.objective_after) * (1 + 4 * eps)
    assert result.bound == pytest.approx(least, rel=1e4 * eps, abs=1e4 * eps)
    radius = float(rng.uniform(0.01, 2.0)) * float(np.linalg.norm(wide - apart))
    for sense in ("min", "max"):
        within = teleport(loss, group, w, ParameterNorm(), sense=sense, radius=radius)
        sign = 1 if sense == "max" else -1
        assert group.distance(within.element) <= radius
        part = np.linalg.norm(wide - apart)
        end = part + radius if sense == "max" else max(part - radius, 0.0)
        assert within.objective_after == pytest.approx(least + end**2, rel=1e3 * eps)
        assert sign * (within.bound - within.objective_after) >= 0
    with pytest.raises(UnboundedOrbitError):
        teleport(loss, group, w, ParameterNorm(), sense="max")


def test_negative_controls():
    squares = mlp((3, 4, 3), "relu", bias=True)
    group = Translation([{"b2": np.ones(3)}])
    with pytest.raises(AssertionError, match="the loss changes"):
        assert_symmetry(group, squares)
    uneven = Translation([{"b2": np.array([1.0, 1.0, 0.9])}])
    with pytest.raises(AssertionError, match="the loss changes"):
        assert_symmetry(uneven, cross_entropy(bias=True))
    assert not uneven.check_invariance(
        cross_entropy(bias=True),
        cross_entropy(bias=True).init(np.random.default_rng(0)),
        rng=np.random.default_rng(0),
    ).passed
    with pytest.raises(AssertionError, match="the loss changes"):
        assert_symmetry(Translation([{"w": np.ones(2)}]), Quadratic(np.eye(2)))


def test_products_and_commutation():
    loss = cross_entropy(bias=True)
    assert BY_NAME["product-shift"].group.dim == 4 + 1
    with pytest.raises(ValueError, match="both move"):
        DirectProduct([loss.symmetry(), Translation.softmax_shift(loss, weights=True)])


def test_errors():
    with pytest.raises(TypeError, match="'mse'"):
        Translation.softmax_shift(mlp((3, 4, 3), "relu"))
    with pytest.raises(TypeError, match="None"):
        Translation.softmax_shift(Quadratic(np.eye(2)))
    with pytest.raises(ValueError, match="no biases"):
        Translation.softmax_shift(cross_entropy())
    with pytest.raises(ValueError, match="at least one"):
        Translation([])
    with pytest.raises(TypeError, match="direction 1 is a list"):
        Translation([{"a": np.ones(2)}, [1.0]])
    with pytest.raises(ValueError, match="direction 0 is zero"):
        Translation([{"a": np.zeros(2)}])
    with pytest.raises(ValueError, match="direction 0 is zero"):
        Translation([{}])
    with pytest.raises(ValueError, match="linearly dependent"):
        Translation([{"a": np.array([1.0, 2.0])}, {"a": np.array([2.0, 4.0])}])
    with pytest.raises(ValueError, match="linearly dependent"):
        Translation([{"a": np.array([1.0])}, {"a": np.array([2.0])}])
    with pytest.raises(ValueError, match=r"direction 1: 'a' has shape \(3,\)"):
        Translation([{"a": np.ones(2)}, {"a": np.ones(3)}])
    with pytest.raises(DomainError, match="not finite"):
        Translation([{"a": np.array([1.0, np.nan])}])
    with pytest.raises(ValueError, match="'batch'"):
        Translation([{"a": np.ones(2)}], scope="batch")
    group = Translation({"a": np.ones(2)})  # a single direction needs no list
    w = {"a": np.ones(2)}
    with pytest.raises(ValueError, match=r"\(2,\)"):
        group.act(np.ones(2), w)
    with pytest.raises(DomainError, match="not finite"):
        group.act(np.array([np.inf]), w)
    with pytest.raises(ValueError, match="missing"):
        group.act(np.ones(1), {"b": np.ones(2)})
    with pytest.raises(ValueError, match=r"'a' has shape \(3,\)"):
        group.act(np.ones(1), {"a": np.ones(3)})
