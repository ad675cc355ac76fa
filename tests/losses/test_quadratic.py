"""Quadratics: dense, sparse and implicit matrices."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
import scipy.sparse
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse.linalg import aslinearoperator

from liegroup_teleport._errors import DomainError
from liegroup_teleport.losses import Loss, Quadratic


def matrix(n, seed=0):
    rng = np.random.default_rng(seed)
    Q = np.linalg.qr(rng.normal(size=(n, n)))[0]
    return (Q * np.linspace(1, 10, n)) @ Q.T


@given(n=st.integers(1, 8), seed=st.integers(0, 1000))
def test_kinds_agree(n, seed):
    A = matrix(n, seed)
    rng = np.random.default_rng(seed)
    c = rng.normal(size=n)
    w, v = {"w": rng.normal(size=n)}, {"w": rng.normal(size=n)}
    y = w["w"] - c
    for M in (A, scipy.sparse.csr_array(A), scipy.sparse.coo_matrix(A), aslinearoperator(A)):
        loss = Quadratic(M, c)
        assert loss.value(w) == pytest.approx(0.5 * y @ A @ y, rel=1e-13)
        value, gradient = loss.value_and_gradient(w)
        assert value == loss.value(w)
        np.testing.assert_allclose(gradient["w"], A @ y, rtol=1e-12, atol=1e-13)
        np.testing.assert_array_equal(loss.gradient(w)["w"], gradient["w"])
        for f in (loss.hvp, loss.gauss_newton_product):
            np.testing.assert_allclose(f(w, v)["w"], A @ v["w"], rtol=1e-12, atol=1e-13)
        assert loss.shapes == {"w": (n,)}
        assert isinstance(loss, Loss)


def test_derivatives_by_differences():
    loss = Quadratic(matrix(5), np.arange(5.0))
    rng = np.random.default_rng(1)
    w, v = rng.normal(size=5), rng.normal(size=5)
    slope = (loss.value({"w": w + v}) - loss.value({"w": w - v})) / 2
    assert loss.gradient({"w": w})["w"] @ v == pytest.approx(slope, rel=1e-12)


@pytest.mark.parametrize("kind", [np.asarray, scipy.sparse.csr_array, aslinearoperator])
def test_dtypes_and_torch(kind):
    loss = Quadratic(kind(matrix(4)), np.ones(4))
    w = {"w": np.arange(4.0)}
    single = {"w": np.arange(4.0, dtype=np.float32)}
    for f in (loss.gradient, lambda p: loss.hvp(p, p), lambda p: {"w": loss.operator(p["w"])}):
        assert f(w)["w"].dtype == np.float64
        assert f(single)["w"].dtype == np.float32
        np.testing.assert_allclose(f(single)["w"], f(w)["w"], rtol=1e-6)
    torch = pytest.importorskip("torch")
    tw = {"w": torch.arange(4.0, dtype=torch.float64, requires_grad=True)}
    assert loss.value(tw) == pytest.approx(loss.value(w))
    for result in (loss.gradient(tw), loss.hvp(tw, tw)):
        assert isinstance(result["w"], torch.Tensor)
        assert result["w"].dtype == torch.float64
    np.testing.assert_allclose(loss.gradient(tw)["w"].numpy(), loss.gradient(w)["w"], rtol=1e-14)
    assert loss.gradient({"w": tw["w"].detach().float()})["w"].dtype == torch.float32
    with pytest.raises(TypeError, match="library"):
        loss.hvp(w, tw)


def test_symbolic():
    sp = pytest.importorskip("sympy")
    A = np.array([[sp.Symbol("a"), sp.Symbol("b")], [sp.Symbol("b"), sp.Symbol("c")]])
    w = {"w": np.array(sp.symbols("x y"), dtype=object)}
    for minimum in (None, 0, np.array(sp.symbols("p q"), dtype=object)):
        loss = Quadratic(A, minimum)
        for s, g in zip(w["w"], loss.gradient(w)["w"], strict=True):
            assert sp.expand(sp.diff(loss.value(w), s) - g) == 0
    exact = Quadratic(np.array([[Fraction(1, 3)]], dtype=object))
    assert exact.value({"w": np.array([Fraction(2)], dtype=object)}) == Fraction(2, 3)
    assert exact.gradient({"w": np.array([2.0])})["w"].dtype == np.float64
    assert exact.hvp({"w": np.array([2.0])}, {"w": np.array([3.0])})["w"] == pytest.approx(1.0)
    with pytest.raises(TypeError, match="dense"):
        Quadratic(scipy.sparse.eye_array(2)).value(w)
    with pytest.raises(TypeError, match="dense"):
        Quadratic(aslinearoperator(np.eye(2))).hvp(w, w)


def test_nothing_is_mutated_or_shared():
    A, c = matrix(3), np.ones(3)
    loss = Quadratic(A, c)
    w = {"w": np.arange(9.0)[::3]}
    before = loss.value(w)
    loss.gradient(w)
    np.testing.assert_array_equal(w["w"], [0, 3, 6])
    A[:] = 0
    c[:] = 0
    assert loss.value(w) == before


def test_rounded_symmetry_is_enough():
    Q = np.linalg.qr(np.random.default_rng(0).normal(size=(30, 30)))[0].astype(np.float32)
    A = (Q * np.linspace(1, 9, 30, dtype=np.float32)) @ Q.T
    assert not np.array_equal(A, A.T)
    assert Quadratic(A).A.dtype == np.float64
    assert Quadratic(scipy.sparse.csr_array(A)).n == 30


def test_lower_bound():
    assert Quadratic(matrix(3)).lower_bound == 0.0
    assert Quadratic(np.diag([1.0, -1.0])).lower_bound is None
    assert Quadratic(aslinearoperator(matrix(3))).lower_bound is None


@pytest.mark.parametrize(
    ("arguments", "error", "match"),
    [
        ((np.ones((2, 3)),), ValueError, r"\(2, 3\)"),
        ((np.ones(3),), ValueError, r"\(3,\)"),
        ((np.zeros((0, 0)),), ValueError, "n >= 1"),
        ((np.array([[1.0, 2.0], [0.0, 1.0]]),), ValueError, "not symmetric"),
        ((scipy.sparse.csr_array([[1.0, 2.0], [0.0, 1.0]]),), ValueError, "not symmetric"),
        ((np.array([[np.nan]]),), DomainError, "1 entries"),
        ((scipy.sparse.csr_array([[np.inf]]),), DomainError, "1 entries"),
        ((np.eye(2) * 1j,), TypeError, "complex"),
        ((scipy.sparse.eye_array(2) * 1j,), TypeError, "complex"),
        ((aslinearoperator(np.eye(2) * 1j),), TypeError, "complex"),
        (("identity",), TypeError, "A is 'identity'"),
        ((np.eye(2), np.ones(3)), ValueError, r"\(3,\); expected \(2,\)"),
        ((np.eye(2), 1.0), ValueError, r"\(\); expected \(2,\)"),
        ((np.eye(2), [np.nan, 0.0]), DomainError, "not finite"),
    ],
)
def test_bad_construction(arguments, error, match):
    with pytest.raises(error, match=match):
        Quadratic(*arguments)


def test_bad_parameters():
    loss = Quadratic(np.eye(2))
    with pytest.raises(ValueError, match="unknown"):
        loss.value({"v": np.ones(2)})
    with pytest.raises(ValueError, match=r"\(3,\)"):
        loss.gradient({"w": np.ones(3)})
    with pytest.raises(ValueError, match=r"\(3,\)"):
        loss.hvp({"w": np.ones(2)}, {"w": np.ones(3)})
    with pytest.raises(TypeError, match="float32"):
        loss.hvp({"w": np.ones(2)}, {"w": np.ones(2, np.float32)})


def test_symmetry():
    groups = pytest.importorskip("liegroup_teleport.groups", exc_type=ImportError)
    if not hasattr(groups, "QuadraticOrthogonal"):
        pytest.skip("no QuadraticOrthogonal")
    assert isinstance(Quadratic(np.eye(2)).symmetry(), groups.QuadraticOrthogonal)
    assert repr(Quadratic(np.eye(2))) == "Quadratic(n=2, A=dense)"
