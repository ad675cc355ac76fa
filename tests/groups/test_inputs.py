"""The pair of parameters and data: whitening, and what moves with what."""

from __future__ import annotations

import numpy as np
import pytest

from liegroup_teleport import DomainError
from liegroup_teleport.groups import DirectProduct, InputTransformation
from liegroup_teleport.losses import MLP, Booth, Quadratic
from liegroup_teleport.testing import assert_symmetry
from tests.groups.all_groups import BY_NAME, mlp


@pytest.mark.parametrize("activation", ["linear", "relu", "tanh", "sigmoid", "gelu"])
@pytest.mark.parametrize("loss", ["mse", "cross_entropy"])
def test_every_network_has_it(activation, loss):
    network = mlp((3, 4, 2), activation, loss=loss)
    assert_symmetry(InputTransformation(network), network, max_examples=10)


def test_outputs_stay_to_rounding():
    case = BY_NAME["inputs"]
    loss, group, w = case.loss, case.group, case.start()
    g = group.random_element(np.random.default_rng(0), 1.5)
    X = np.random.default_rng(1).normal(size=(7, 3))
    moved = group.act(g, w)
    out = loss.forward(moved, group.act_on_inputs(g, X))
    np.testing.assert_allclose(out, loss.forward(w, X), rtol=1e-11, atol=1e-12)
    assert not np.allclose(loss.forward(moved, X), loss.forward(w, X), rtol=1e-2)
    # and back, which is how a trained network is used on the inputs as they were
    back = group.act(group.inverse(g), moved)
    np.testing.assert_allclose(back["W1"], w["W1"], rtol=1e-11)
    np.testing.assert_allclose(
        group.act_on_inputs(group.inverse(g), group.act_on_inputs(g, X)), X, rtol=1e-11
    )
    h = group.random_element(np.random.default_rng(2))
    np.testing.assert_allclose(
        group.act_on_inputs(group.compose(g, h), X),
        group.act_on_inputs(g, group.act_on_inputs(h, X)),
        rtol=1e-11,
    )


def test_whitening():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(50, 3)) @ np.array([[100.0, 1, 0], [0, 1e-3, 0], [1, 1, 1]]) + 2
    loss = MLP((3, 5, 2), activation="relu", inputs=X, targets=rng.normal(size=(50, 2)))
    group = InputTransformation(loss)
    g = group.whitening()
    white = group.act_on_inputs(g, X)
    np.testing.assert_allclose(white.T @ white / 50, np.eye(3), atol=1e-9)
    np.testing.assert_allclose(g[0] @ g[1], np.eye(3), atol=1e-9)
    np.testing.assert_allclose(g[0], g[0].T, rtol=1e-9)
    w = loss.init(rng)
    there = group.act_on_loss(g, loss)
    assert there.value(group.act(g, w)) == pytest.approx(loss.value(w), rel=1e-11)
    np.testing.assert_allclose(there.inputs, white)
    assert np.array_equal(loss.inputs, X)
    # the logarithm of a positive matrix: the distance sees every stretch
    spread = np.log(np.linalg.svd(X / np.sqrt(50), compute_uv=False))
    assert group.distance(g) == pytest.approx(np.linalg.norm(spread), rel=1e-9)
    other = group.whitening(X[:20])
    np.testing.assert_allclose(
        np.linalg.svd(group.act_on_inputs(other, X[:20]), compute_uv=False), np.sqrt(20), rtol=1e-9
    )


def test_gradients_move_with_the_data():
    case = BY_NAME["inputs"]
    loss, group, w = case.loss, case.group, case.start()
    g = group.whitening()
    expected = group.act_on_loss(g, loss).gradient(group.act(g, w))
    got = group.act_cotangent(g, w, loss.gradient(w))
    for name in w:
        np.testing.assert_allclose(got[name], expected[name], rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.uint8])
def test_data_of_any_dtype(dtype):
    X = (np.arange(12).reshape(4, 3) ** 2 % 7).astype(dtype)
    loss = MLP((3, 4, 1), activation="tanh", inputs=X, targets=np.ones((4, 1)))
    group = InputTransformation(loss)
    g = group.whitening()
    moved = group.act_on_inputs(g, X)
    assert moved.dtype == (np.float64 if dtype == np.uint8 else dtype)
    np.testing.assert_allclose(moved, X @ g[0].T, rtol=1e-4, atol=1e-5)
    w = loss.init(np.random.default_rng(0))
    report = group.check_invariance(loss, w, rng=np.random.default_rng(1))
    assert report.passed


def test_torch_data():
    torch = pytest.importorskip("torch")
    group = BY_NAME["inputs"].group
    g = group.whitening()
    X = torch.ones(4, 3, dtype=torch.float32)
    moved = group.act_on_inputs(g, X)
    assert moved.dtype == torch.float32
    np.testing.assert_allclose(moved.numpy(), np.ones((4, 3)) @ g[0].T, rtol=1e-5)
    np.testing.assert_allclose(group.whitening(torch.tensor(group.mlp.inputs))[0], g[0])


def test_products_move_the_data_too():
    case = BY_NAME["product-inputs"]
    group = case.group
    assert group.moves_inputs
    assert not BY_NAME["product-shift"].group.moves_inputs
    g = group.random_element(np.random.default_rng(0))
    X = case.loss.inputs
    np.testing.assert_allclose(group.act_on_inputs(g, X), X @ g[2][0].T)
    assert BY_NAME["product-shift"].group.act_on_inputs(g[:2], X) is X
    again = InputTransformation(case.loss)
    with pytest.raises(ValueError, match="both move"):
        DirectProduct([again, again])


class Backwards(InputTransformation):
    """Moves the data by the inverse."""

    def _move_inputs(self, g, X):
        return super()._move_inputs(self.inverse(g), X)


class Forgets(InputTransformation):
    """Moves the parameters only."""

    moves_inputs = False


@pytest.mark.parametrize("kind", [Backwards, Forgets])
def test_negative_controls(kind):
    loss = mlp((3, 4, 2), "tanh")
    with pytest.raises(AssertionError, match="the loss changes"):
        assert_symmetry(kind(loss), loss)
    assert not (
        kind(loss)
        .check_invariance(loss, loss.init(np.random.default_rng(0)), rng=np.random.default_rng(1))
        .passed
    )


def test_errors():
    loss = mlp((3, 4, 2), "tanh")
    group = InputTransformation(loss)
    w = loss.init(np.random.default_rng(0))
    with pytest.raises(DomainError, match=r"\(2, 3\) and rank 2; whitening needs rank 3"):
        group.whitening(np.random.default_rng(0).normal(size=(2, 3)))
    with pytest.raises(DomainError, match="rank 0"):
        group.whitening(np.zeros((5, 3)))
    X = np.random.default_rng(0).normal(size=(9, 3))
    X[:, 2] = X[:, 0] - X[:, 1]
    with pytest.raises(DomainError, match="rank 2"):
        group.whitening(X)
    X[0, 0] = np.inf
    with pytest.raises(DomainError, match="not finite"):
        group.whitening(X)
    with pytest.raises(ValueError, match=r"\(9, 2\)"):
        group.whitening(X[:, :2])
    with pytest.raises(ValueError, match=r"\(0, 3\)"):
        group.whitening(X[:0])
    with pytest.raises(TypeError, match="symbols"):
        group.whitening(X.astype(object))
    with pytest.raises(ValueError, match=r"\(9, 2\)"):
        group.act_on_inputs(group.identity(), X[:, :2])
    with pytest.raises(DomainError, match="determinant"):
        group.element(np.diag([1.0, 1.0, -1.0]))
    with pytest.raises(ValueError, match=r"\(2, 2\)"):
        group.element(np.eye(2))
    with pytest.raises(ValueError, match="pairs"):
        group.act(np.eye(3), w)
    with pytest.raises(ValueError, match=r"missing \['W1'\]; InputTransformation"):
        group.act(group.identity(), {"W2": w["W2"]})
    with pytest.raises(TypeError, match="Quadratic without widths"):
        InputTransformation(Quadratic(np.eye(2)))
    with pytest.raises(TypeError, match="Booth has no inputs"):
        group.act_on_loss(group.identity(), Booth())
