"""Rotations of hidden indices: where they are a symmetry, and where not."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.linalg
from scipy.stats import special_ortho_group

from liegroup_teleport import DomainError
from liegroup_teleport.groups import DirectProduct, GeneralLinear, HiddenIndex, Orthogonal
from liegroup_teleport.groups._matrices import skew
from liegroup_teleport.testing import assert_group_laws, assert_symmetry
from tests.groups.all_groups import BY_NAME, mlp

INDEX = HiddenIndex(3, written=[("W1", 0)], read=[("W2", 1)])
W = {"W1": np.arange(6.0).reshape(3, 2), "W2": np.arange(12.0).reshape(4, 3)}


class Normalised:
    """Half the squared error of a linear network with an RMSNorm (no gain) in between."""

    shapes = {"W1": (3, 2), "W2": (2, 3)}  # noqa: RUF012

    def __init__(self):
        rng = np.random.default_rng(0)
        self.X, self.T = rng.normal(size=(2, 5)), rng.normal(size=(2, 5))

    def value(self, w):
        return float(np.sum((self._forward(w)[-1] - self.T) ** 2)) / 2

    def _forward(self, w):
        H = w["W1"] @ self.X
        size = np.sqrt(np.mean(H * H, axis=0) + 1e-3)
        return H, size, w["W2"] @ (H / size)

    def gradient(self, w):
        H, size, out = self._forward(w)
        D = out - self.T
        E = w["W2"].T @ D
        back = E / size - H * np.sum(E * H, axis=0) / (len(H) * size**3)
        dtype = w["W1"].dtype
        first, second = back @ self.X.T, D @ (H / size).T
        return {"W1": first.astype(dtype), "W2": second.astype(dtype)}


def test_norms_between_layers_commute_with_rotations():
    loss = Normalised()
    assert_symmetry(Orthogonal([INDEX]), loss)
    with pytest.raises(AssertionError, match="the loss changes"):
        assert_symmetry(GeneralLinear([INDEX]), loss)


@pytest.mark.parametrize("activation", ["relu", "tanh", "gelu"])
def test_no_symmetry_of_entrywise_activations(activation):
    loss = mlp((3, 4, 2), activation)
    group = Orthogonal(loss.hidden_indices())
    with pytest.raises(AssertionError, match="the loss changes"):
        assert_symmetry(group, loss)
    assert not group.check_invariance(
        loss, loss.init(np.random.default_rng(0)), rng=np.random.default_rng(1)
    ).passed


def test_subgroup_of_gl():
    case = BY_NAME["orthogonal-deep"]
    w, rotations = case.start(), case.group
    general = GeneralLinear(rotations.indices)
    g = rotations.random_element(np.random.default_rng(0), 2.0)
    same = tuple((R, R.T) for R in g)
    for f in ("act_tangent", "act_cotangent"):
        a, b = getattr(rotations, f)(g, w, w), getattr(general, f)(same, w, w)
        for name in w:
            np.testing.assert_allclose(a[name], b[name], rtol=1e-13, atol=1e-14)
    assert general.distance(same) == pytest.approx(0, abs=1e-13)
    x = rotations.log(g)
    X = np.concatenate([block.ravel() for block in rotations.matrices(x)])
    velocity, expected = rotations.generator(x, w), general.generator(X, w)
    for name in w:
        np.testing.assert_allclose(velocity[name], expected[name], rtol=1e-12, atol=1e-13)


def test_against_geomstats():
    group = BY_NAME["orthogonal-deep"].group
    rng = np.random.default_rng(0)
    for space, k in zip(group.manifold.factors, group.slots.sizes, strict=True):
        single = Orthogonal([HiddenIndex(k, written=[("W", 0)])])
        x = rng.normal(size=single.dim)
        (R,) = single.exp(x)
        assert bool(np.all(space.belongs(R)))
        np.testing.assert_allclose(R, space.exp(skew(x, k)), atol=1e-12)
    assert group.manifold.dim == group.dim == 4


def test_norms_do_not_move():
    group = BY_NAME["orthogonal-bias"].group
    w = BY_NAME["orthogonal-bias"].start()
    assert group.dim == 6  # an index of size one has no rotations
    moved = group.act(group.random_element(np.random.default_rng(0), 2.0), w)
    for name in w:
        assert np.linalg.norm(moved[name]) == pytest.approx(np.linalg.norm(w[name]), rel=1e-13)
    np.testing.assert_allclose(group.moment_map(w), 0, atol=1e-12)
    assert group.self_adjoint
    assert group.compact


def test_half_turns_and_distance():
    group = Orthogonal([HiddenIndex(4, written=[("W", 0)]), HiddenIndex(2, written=[("V", 0)])])
    Q = special_ortho_group.rvs(4, random_state=0)
    half = Q @ np.diag([-1.0, -1.0, 1.0, 1.0]) @ Q.T
    quarter = np.array([[0.0, -1.0], [1.0, 0.0]])
    g = (half, quarter)
    assert group.distance(g) == pytest.approx(np.hypot(np.pi, np.pi / 2))
    for a, b in zip(group.exp(group.log(g)), g, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-9)
    between = group.geodesic(group.identity(), g, 0.5)
    np.testing.assert_allclose(
        between[1], scipy.linalg.expm(np.pi / 4 * np.array([[0, -1], [1, 0]]))
    )
    assert group.distance(between) == pytest.approx(group.distance(g) / 2)


def test_trivial_group():
    group = Orthogonal([HiddenIndex(1, written=[("W", 0)])])
    assert group.dim == 0
    assert_group_laws(group, max_examples=3)


def test_errors():
    group = Orthogonal([INDEX])
    with pytest.raises(ValueError, match="tuple of 1 rotations"):
        group.act(np.eye(3), W)
    with pytest.raises(ValueError, match=r"\(2, 2\)"):
        group.act((np.eye(2),), W)
    with pytest.raises(DomainError, match="not a rotation"):
        group.act((2 * np.eye(3),), W)
    with pytest.raises(DomainError, match="determinant -1"):
        group.act((np.diag([1.0, 1.0, -1.0]),), W)
    with pytest.raises(ValueError, match=r"missing .*W2"):
        group.act(group.identity(), {"W1": W["W1"]})
    with pytest.raises(ValueError, match=r"\(4,\)"):
        group.exp(np.zeros(4))
    with pytest.raises(ValueError, match="no hidden"):
        Orthogonal([])
    with pytest.raises(ValueError, match="both move"):
        DirectProduct([group, GeneralLinear([INDEX])])
    with pytest.raises(DomainError, match="size 1"):
        Orthogonal([HiddenIndex(1, written=[("W", 0)])]).manifold  # noqa: B018
