"""The Gram matrix of a vector's parts against Gauss-Newton products, one part at a time."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from liegroup_teleport.losses import MLP, _gram


def parts_of(v, axes):
    """Every part of ``v``, zeros elsewhere, in the order of the matrix."""
    found = []
    for name, array in v.items():
        lengths = [array.shape[axis] for axis in axes[name]]
        for index in np.ndindex(*lengths):
            where = [slice(None)] * array.ndim
            for axis, i in zip(axes[name], index, strict=True):
                where[axis] = i
            part = {other: np.zeros_like(a) for other, a in v.items()}
            part[name][tuple(where)] = array[tuple(where)]
            found.append(part)
    return found


def by_products(loss, w, v, axes):
    product = loss.gauss_newton_operator(w)
    parts = parts_of(v, axes)
    bent = [product(p) for p in parts]
    return np.array([[sum(np.vdot(p[n], q[n]) for n in p) for q in bent] for p in parts])


@st.composite
def problems(draw):
    widths = draw(st.lists(st.integers(1, 5), min_size=2, max_size=4))
    kind = draw(st.sampled_from(["mse", "cross_entropy"]))
    if kind == "cross_entropy":
        widths[-1] = max(widths[-1], 2)
    samples = draw(st.integers(1, 7))
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    X = rng.standard_normal((samples, widths[0]))
    T = (
        rng.integers(0, widths[-1], samples)
        if kind == "cross_entropy"
        else rng.standard_normal((samples, widths[-1]))
    )
    activation = draw(st.sampled_from(["linear", "relu", "leaky_relu", "tanh"]))
    loss = MLP(widths, activation=activation, inputs=X, targets=T, loss=kind,
               bias=draw(st.booleans()))  # fmt: skip
    axes = {
        name: draw(st.sampled_from([(), (0,)] + [(1,), (0, 1)] * (len(shape) == 2)))
        for name, shape in loss.shapes.items()
    }
    return loss, loss.init(rng), loss.init(rng), axes


@given(problems())
@settings(deadline=None, max_examples=60)
def test_equals_products(problem):
    loss, w, v, axes = problem
    expected = by_products(loss, w, v, axes)
    found = loss.gauss_newton_gram(w, v, axes)
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() <= 1e-12 * max(np.abs(expected).max(), 1e-300)


def case(samples=50, seed=0, loss="cross_entropy"):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((samples, 6))
    T = (
        rng.integers(0, 3, samples)
        if loss == "cross_entropy"
        else rng.standard_normal((samples, 3))
    )
    net = MLP([6, 4, 5, 3], activation="relu", inputs=X, targets=T, loss=loss)
    axes = {"W1": (0,), "W2": (0, 1), "W3": (1,)}
    return net, net.init(rng), net.init(rng), axes


@pytest.mark.parametrize("loss", ["mse", "cross_entropy"])
def test_chunks_of_samples_add_up(monkeypatch, loss):
    net, w, v, axes = case(loss=loss)
    whole = net.gauss_newton_gram(w, v, axes)
    monkeypatch.setattr(_gram, "CHUNK", 7 * 25)  # 7 samples at a time, the last with 1
    assert np.allclose(net.gauss_newton_gram(w, v, axes), whole, rtol=1e-12, atol=1e-15)


def test_all_entries_of_ones_give_the_matrix_itself():
    net, w, _, _ = case(samples=5)
    ones = {n: np.ones_like(a) for n, a in w.items()}
    B = net.gauss_newton_gram(w, ones, dict.fromkeys(w, (0, 1)))
    u = net.init(np.random.default_rng(3))
    flat = np.concatenate([a.ravel() for a in u.values()])
    product = np.concatenate([a.ravel() for a in net.gauss_newton_product(w, u).values()])
    assert np.allclose(B @ flat, product, rtol=1e-12, atol=1e-16)


def test_confident_labels_keep_their_digits():
    # 1 - p of a label at probability 1 - 1e-13 is all that the Hessian is made of
    X = np.array([[1.0]])
    net = MLP([1, 1, 2], activation="relu", inputs=X, targets=[0], loss="cross_entropy")
    w = {"W1": np.array([[1.0]]), "W2": np.array([[30.0], [0.0]])}
    v = {"W1": np.array([[0.3]]), "W2": np.array([[1.0], [-1.0]])}
    axes = {"W1": (0,), "W2": (1,)}
    expected = by_products(net, w, v, axes)
    assert 0 < expected.max() < 1e-10
    assert np.allclose(net.gauss_newton_gram(w, v, axes), expected, rtol=1e-12, atol=0)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_other_libraries_and_precision(dtype):
    torch = pytest.importorskip("torch")
    net, w, v, axes = case()
    expected = net.gauss_newton_gram(w, v, axes)
    w, v = ({n: torch.asarray(a.astype(dtype)) for n, a in d.items()} for d in (w, v))
    found = net.gauss_newton_gram(w, v, axes)
    assert type(found) is np.ndarray
    assert found.dtype == np.float64
    assert np.allclose(found, expected, rtol=100 * np.finfo(dtype).eps, atol=1e-6 * expected.max())


def test_cost_is_that_of_the_arithmetic():
    # parts: 4 rows, 5 x 4 entries, 5 columns; a multiplication is two operations, 3 outputs
    pairs = [(4, 0, 4, 0), (4, 0, 5, 4), (4, 0, 5, 0), (5, 4, 5, 4), (5, 4, 5, 0), (5, 0, 5, 0)]
    total = sum(2 * p * r * (3 + max(q, s, q * s)) for p, q, r, s in pairs)
    back = 2 * 3 * (5 * 4 + 3 * 5)
    ratio = (total + back) / (8 * (6 * 4 + 4 * 5 + 5 * 3))
    net, _, _, axes = case(samples=10**5)
    assert math.isclose(net.gauss_newton_gram_cost(axes), ratio, rel_tol=0.02)
    few, _, _, axes = case(samples=1)  # calls are all there is
    assert math.isclose(
        few.gauss_newton_gram_cost(axes), _gram.CALLS[0] / _gram.CALLS[1], rel_tol=0.02
    )


def test_axes_must_name_every_parameter():
    net, w, v, axes = case()
    del axes["W2"]
    with pytest.raises(ValueError, match=r"axes: missing \['W2'\]"):
        net.gauss_newton_gram(w, v, axes)
