"""Rescalings and GL on hidden indices: exactness, degenerate cases, errors."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.linalg

from liegroup_teleport import DomainError
from liegroup_teleport.groups import (
    DirectProduct,
    GeneralLinear,
    HiddenIndex,
    PositiveRescaling,
    QuadraticOrthogonal,
)
from liegroup_teleport.losses import Quadratic
from tests.groups.all_groups import BY_NAME, mlp, quadratic

INDEX = HiddenIndex(3, written=[("W1", 0), ("b1", 0)], read=[("W2", 1)])


def start(dtype=np.float64, seed=0):
    rng = np.random.default_rng(seed)
    shapes = {"W1": (3, 2), "b1": (3,), "W2": (4, 3)}
    return {name: rng.normal(size=shape).astype(dtype) for name, shape in shapes.items()}


# -- rescaling -----------------------------------------------------------------
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("bias", [False, True])
def test_dyadic_rescaling_is_bit_identical(dtype, bias):
    loss = mlp((6, 8, 7, 3), "relu", bias=bias)
    group = loss.symmetry()
    rng = np.random.default_rng(3)
    w = loss.init(rng, dtype)
    g = group.dyadic(group.random_element(rng, 4.0))
    assert set(np.frexp(g)[0]) == {0.5}
    assert not np.array_equal(g, group.identity())
    moved = group.act(g, w)
    X = loss.inputs.astype(dtype)
    assert moved["W1"].dtype == dtype
    assert loss.forward(moved, X).tobytes() == loss.forward(w, X).tobytes()
    back = group.act(group.inverse(g), moved)
    assert all(back[name].tobytes() == w[name].tobytes() for name in w)


def test_dyadic_rounds_in_the_logarithm():
    group = PositiveRescaling([HiddenIndex(4, written=[("W", 0)])])
    g = np.array([1.0, 1.4, 1.5, 3e-4])
    np.testing.assert_array_equal(group.dyadic(g), [1.0, 1.0, 2.0, 2.0**-12])


@pytest.mark.parametrize("size", [1e100, 1e-100])
def test_extreme_scales(size):
    group = PositiveRescaling([INDEX])
    g = np.array([size, 1.0, 1 / size])
    w = start()
    moved = group.act(g, w)
    product = moved["W2"] @ moved["W1"]
    np.testing.assert_allclose(product, w["W2"] @ w["W1"], rtol=1e-13, atol=1e-14)
    np.testing.assert_allclose(group.act(group.inverse(g), moved)["W1"], w["W1"], rtol=1e-14)
    np.testing.assert_allclose(group.exp(group.log(g)), g, rtol=1e-12)
    assert group.distance(g) == pytest.approx(np.sqrt(2) * abs(np.log(size)))
    # pairs multiply to the same whatever the scale
    v = start(seed=5)
    pulled = group.act_cotangent(g, w, v)
    for name in w:
        assert np.vdot(pulled[name], group.act(g, v)[name]) == pytest.approx(
            np.vdot(v[name], v[name])
        )


@pytest.mark.parametrize("kind", [PositiveRescaling, GeneralLinear])
def test_dead_units_and_zero_rows(kind):
    group = kind([INDEX])
    w = start()
    w["W1"][1], w["b1"][1], w["W2"][:, 1] = 0, 0, 0
    g = group.random_element(np.random.default_rng(1))
    moved = group.act(g, w)
    np.testing.assert_allclose(moved["W2"] @ moved["W1"], w["W2"] @ w["W1"], rtol=1e-12)
    zero = {name: 0 * a for name, a in w.items()}
    assert not any(a.any() for a in group.act_cotangent(g, w, zero).values())
    assert not group.generator_adjoint(w, zero).any()
    if kind is PositiveRescaling:
        assert group.conserved(w)[1] == 0


@pytest.mark.parametrize("kind", [PositiveRescaling, GeneralLinear])
def test_strides_make_no_difference(kind):
    group = kind([INDEX])
    w = start()
    strided = {}
    for name, a in w.items():
        wide = np.zeros(tuple(2 * n for n in a.shape))
        view = wide[tuple(slice(None, None, 2) for _ in a.shape)]
        view[...] = a
        strided[name] = view
    strided["W2"] = np.asfortranarray(w["W2"])
    x = np.random.default_rng(2).normal(size=group.dim)
    g = group.exp(x)
    for f in (
        lambda p: group.act(g, p),
        lambda p: group.act_cotangent(g, p, p),
        lambda p: group.generator(x, p),
        lambda p: {"m": group.moment_map(p)},
    ):
        a, b = f(w), f(strided)
        for name in a:
            np.testing.assert_allclose(a[name], b[name], rtol=1e-14, atol=1e-14)


@pytest.mark.parametrize("kind", [PositiveRescaling, GeneralLinear])
def test_axes_of_arrays_of_any_dimension(kind):
    index = HiddenIndex(3, written=[("K1", 0)], read=[("K2", 1)])
    group = kind([index])
    rng = np.random.default_rng(0)
    w = {"K1": rng.normal(size=(3, 2, 5, 5)), "K2": rng.normal(size=(4, 3, 5, 5))}
    moved = group.act(group.random_element(rng), w)
    before = np.einsum("abcd,eacd->eb", w["K1"], w["K2"])
    after = np.einsum("abcd,eacd->eb", moved["K1"], moved["K2"])
    np.testing.assert_allclose(after, before, rtol=1e-12)


def test_other_parameters_pass_through():
    group = PositiveRescaling([INDEX])
    w = {**start(), "rest": np.ones(7)}
    g = group.random_element(np.random.default_rng(0))
    assert group.act(g, w)["rest"] is w["rest"]
    assert not group.generator(np.ones(3), w)["rest"].any()


def test_conserved_quantities():
    w = start()
    W1, b1, W2 = w["W1"], w["b1"], w["W2"]
    expected = W1 @ W1.T + np.outer(b1, b1) - W2.T @ W2
    conserved = GeneralLinear([INDEX]).conserved(w).reshape(3, 3)
    np.testing.assert_allclose(conserved, expected, rtol=1e-13)
    np.testing.assert_allclose(
        PositiveRescaling([INDEX]).conserved(w), np.diag(expected), rtol=1e-13
    )


@pytest.mark.parametrize("name", ["gl-deep", "rescaling-relu", "gl-bias", "rescaling-leaky-bias"])
def test_gradient_flow_conserves(name):
    case = BY_NAME[name]
    w = case.start()
    gradient = case.loss.gradient(w)
    drift = case.group.moment_map(w, gradient)
    size = np.linalg.norm(case.group.conserved(w))
    if case.group.diagonal:
        assert np.linalg.norm(drift) < 1e-10 * size
    else:  # symmetric generators only
        blocks = case.group.matrices(drift)
        assert max(np.abs(b + b.T).max() for b in blocks) < 1e-10 * size


# -- oracles -------------------------------------------------------------------
def test_exp_and_log_against_scipy():
    group = GeneralLinear([HiddenIndex(4, written=[("W", 0)])])
    rng = np.random.default_rng(0)
    for _ in range(20):
        x = rng.normal(size=16)
        ((g, inverse),) = group.exp(x)
        np.testing.assert_allclose(g, scipy.linalg.expm(x.reshape(4, 4)), rtol=1e-12)
        np.testing.assert_allclose(g @ inverse, np.eye(4), atol=1e-10)
        try:
            x_back = group.log(((g, inverse),))
        except DomainError:
            continue
        expected = scipy.linalg.logm(g)
        np.testing.assert_allclose(x_back.reshape(4, 4), expected.real, rtol=1e-9, atol=1e-10)
        half_logs = np.log(np.linalg.eigvalsh(g.T @ g)) / 2
        assert group.distance(((g, inverse),)) == pytest.approx(np.linalg.norm(half_logs), rel=1e-8)


def test_distance_of_gl_ignores_rotations():
    group = GeneralLinear([HiddenIndex(3, written=[("W", 0)])])
    R = np.linalg.qr(np.random.default_rng(1).normal(size=(3, 3)))[0]
    R = R * np.linalg.det(R)
    assert group.distance(group.element(R)) == pytest.approx(0, abs=1e-14)
    S = np.diag([2.0, 1.0, 0.5])
    assert group.distance(group.element(R @ S)) == pytest.approx(np.sqrt(2) * np.log(2))


def test_product_distance_adds_squares():
    group = BY_NAME["product"].group
    rng = np.random.default_rng(0)
    g = group.random_element(rng)
    parts = [factor.distance(a) for factor, a in zip(group.groups, g, strict=True)]
    assert group.distance(g) == pytest.approx(np.hypot(*parts))
    assert not group.diagonal
    assert group.linear
    assert group.scope == "function"


# -- errors --------------------------------------------------------------------
def test_scales_must_be_positive_and_finite():
    group = PositiveRescaling([INDEX])
    w = start()
    for bad in ([1, -2.0, 1], [1, 0.0, 1]):
        with pytest.raises(DomainError, match="scale"):
            group.act(np.array(bad), w)
    with pytest.raises(DomainError, match="not finite"):
        group.act(np.array([1, np.nan, 1]), w)
    with pytest.raises(ValueError, match=r"\(2,\)"):
        group.act(np.ones(2), w)
    with pytest.raises(DomainError, match="overflow"):
        group.exp(np.array([0, 701.0, 0]))
    with pytest.raises(DomainError, match="not finite"):
        group.exp(np.array([0, np.nan, 0]))
    with pytest.raises(ValueError, match=r"\(4,\)"):
        group.exp(np.zeros(4))


def test_gl_errors():
    group = GeneralLinear([INDEX])
    with pytest.raises(DomainError, match="determinant"):
        group.element(np.diag([1.0, 1.0, -1.0]))
    with pytest.raises(DomainError, match="determinant"):
        group.element(np.zeros((3, 3)))
    with pytest.raises(ValueError, match=r"\(2, 2\)"):
        group.element(np.eye(2))
    with pytest.raises(ValueError, match="2 matrices"):
        group.element(np.eye(3), np.eye(3))
    with pytest.raises(ValueError, match="tuple"):
        group.act(np.eye(3), start())
    with pytest.raises(DomainError, match="overflow"):
        group.exp(1000 * np.ones(9))
    with pytest.raises(DomainError, match="negative axis"):
        group.log(group.element(np.diag([-1.0, -2.0, 1.0])))
    bad = (np.diag([1.0, 1.0, -1.0]), np.diag([1.0, 1.0, -1.0]))
    with pytest.raises(DomainError, match="determinant"):
        group.log((bad,))


@pytest.mark.parametrize("kind", [PositiveRescaling, GeneralLinear])
@pytest.mark.parametrize(
    ("change", "error", "match"),
    [
        ({"W2": None}, ValueError, "missing .*W2"),
        ({"W1": np.ones((4, 2))}, ValueError, r"W1.*\(4, 2\)"),
        ({"W2": np.ones(3)}, ValueError, "W2"),
        ({"W1": np.ones((3, 2), dtype=np.float32)}, TypeError, "float32"),
        ({"W1": np.ones((3, 2), dtype=int)}, TypeError, "int"),
        ({"W1": [[1.0, 2.0]] * 3}, TypeError, "list"),
    ],
)
def test_bad_parameters(kind, change, error, match):
    group = kind([INDEX])
    w = {**start(), **change}
    w = {name: a for name, a in w.items() if a is not None}
    for f in (
        lambda: group.act(group.identity(), w),
        lambda: group.generator(np.zeros(group.dim), w),
        lambda: group.moment_map(w),
    ):
        with pytest.raises(error, match=match):
            f()


def test_bad_indices():
    with pytest.raises(ValueError, match="size 0"):
        HiddenIndex(0, written=[("W", 0)])
    with pytest.raises(ValueError, match="axis -1"):
        HiddenIndex(2, written=[("W", -1)])
    with pytest.raises(ValueError, match="no axes"):
        HiddenIndex(2)
    with pytest.raises(ValueError, match="twice"):
        HiddenIndex(2, written=[("W", 0)], read=[("W", 0)])
    a = HiddenIndex(2, written=[("W", 0)])
    for kind in (PositiveRescaling, GeneralLinear):
        with pytest.raises(ValueError, match="more than one"):
            kind([a, HiddenIndex(2, read=[("W", 0)])])
        with pytest.raises(ValueError, match="no hidden"):
            kind([])
        with pytest.raises(TypeError, match="str"):
            kind(["W"])


def test_products_must_commute():
    a = HiddenIndex(2, written=[("W", 0)], read=[("V", 1)])
    with pytest.raises(ValueError, match="both move"):
        DirectProduct([PositiveRescaling([a]), GeneralLinear([a])])
    quad = QuadraticOrthogonal(Quadratic(np.eye(2)))
    with pytest.raises(ValueError, match="both move"):
        DirectProduct([quad, PositiveRescaling([HiddenIndex(2, written=[("w", 0)])])])
    with pytest.raises(ValueError, match="at least one"):
        DirectProduct([])
    with pytest.raises(TypeError, match="int"):
        DirectProduct([1])
    product = DirectProduct([PositiveRescaling([a]), quadratic(2).symmetry()])
    assert product.scope == "loss"
    assert not product.linear
    assert not product.compact
    with pytest.raises(TypeError, match="linear"):
        product.moment_map({})
    with pytest.raises(ValueError, match="tuple of 2"):
        product.act((1,), {"W": np.ones((2, 2)), "V": np.ones((2, 2)), "w": np.ones(2)})


def test_mixed_libraries():
    torch = pytest.importorskip("torch")
    w = {**start(), "W2": torch.ones(4, 3, dtype=torch.float64)}
    with pytest.raises(TypeError, match="librar"):
        PositiveRescaling([INDEX]).act(np.ones(3), w)
