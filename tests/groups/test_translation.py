"""Translations: the softmax shift, flat directions, what is conserved."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse

from liegroup_teleport import DomainError
from liegroup_teleport.groups import DirectProduct, Translation
from liegroup_teleport.losses import Quadratic
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
