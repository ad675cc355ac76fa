"""Rotations of quadratics and charts, against geomstats and SciPy."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.linalg
import scipy.sparse
from scipy.sparse.linalg import aslinearoperator
from scipy.stats import special_ortho_group

from liegroup_teleport import DomainError, GradientNorm, teleport
from liegroup_teleport.groups import (
    ChartRotation,
    GeneralLinear,
    HiddenIndex,
    PositiveRescaling,
    QuadraticOrthogonal,
)
from liegroup_teleport.groups._matrices import log_rotation, skew, skew_coordinates
from liegroup_teleport.losses import Booth, Quadratic, Rosenbrock
from tests.groups.all_groups import quadratic, sparse_quadratic


def rotations(n):
    """SO(n) on plain vectors: the chart is the identity."""
    return ChartRotation(lambda w: w, lambda z: z, lambda w: np.eye(n), size=n)


@pytest.mark.parametrize("n", [2, 3, 5])
def test_against_geomstats(n):
    group = rotations(n)
    space = group.manifold
    rng = np.random.default_rng(n)
    for _ in range(5):
        x = rng.normal(size=group.dim)
        x *= 2.0 / np.linalg.norm(x)
        R = group.exp(x)
        X = skew(x, n)
        assert bool(np.all(space.belongs(R)))
        np.testing.assert_allclose(space.exp(X), R, atol=1e-10)
        np.testing.assert_allclose(space.log(R), skew(group.log(R), n), atol=1e-8)
        distance = float(np.squeeze(space.metric.dist(np.eye(n), R)))
        # the metric of geomstats counts both entries of a skew pair
        ratio = distance / group.distance(R)
        assert min(abs(ratio - 1), abs(ratio - np.sqrt(2))) < 1e-6


@pytest.mark.parametrize("n", [2, 3, 4, 7])
def test_log_against_scipy(n):
    for seed in range(20):
        R = np.atleast_2d(special_ortho_group.rvs(n, random_state=seed))
        X = log_rotation(R)
        np.testing.assert_allclose(X, -X.T, atol=1e-12)
        np.testing.assert_allclose(scipy.linalg.expm(X), R, atol=1e-10)
        np.testing.assert_allclose(X, scipy.linalg.logm(R).real, atol=1e-7)


def test_half_turns_have_real_logarithms():
    turns = [
        np.diag([-1.0, -1.0, 1.0, 1.0]),
        -np.eye(4),
        np.diag([1.0, -1.0, 1.0, -1.0]),
    ]
    Q = special_ortho_group.rvs(4, random_state=0)
    group = rotations(4)
    for R in [*turns, *(Q @ R @ Q.T for R in turns)]:
        x = group.log(R)
        assert x.dtype == np.float64
        np.testing.assert_allclose(group.exp(x), R, atol=1e-9)
    assert group.distance(turns[0]) == pytest.approx(np.pi)
    assert group.distance(-np.eye(4)) == pytest.approx(np.sqrt(2) * np.pi)
    # half a turn and another rotation
    R = scipy.linalg.block_diag(-np.eye(2), [[0.6, -0.8], [0.8, 0.6]])
    R = Q @ R @ Q.T
    np.testing.assert_allclose(scipy.linalg.expm(log_rotation(R)), R, atol=1e-9)


@pytest.mark.parametrize("angle", [1e-15, 1e-12, 1e-8, np.pi - 1e-8, np.pi - 1e-12, np.pi])
def test_tiny_angles_and_nearly_half_turns(angle):
    group = rotations(2)
    R = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    assert group.distance(R) == pytest.approx(angle, rel=1e-6, abs=1e-14)


def test_skew_coordinates_are_orthonormal():
    x = np.arange(6.0)
    X = skew(x, 4)
    np.testing.assert_allclose(skew_coordinates(X), x, rtol=1e-15)
    assert np.linalg.norm(X) == pytest.approx(np.linalg.norm(x))


def test_rotation_errors():
    group = rotations(3)
    w = {"w": np.ones(3)}
    with pytest.raises(DomainError, match="not a rotation"):
        group.act(2 * np.eye(3), w)
    with pytest.raises(DomainError, match="determinant -1"):
        group.act(np.diag([1.0, 1.0, -1.0]), w)
    with pytest.raises(ValueError, match=r"\(2, 2\)"):
        group.act(np.eye(2), w)
    with pytest.raises(DomainError, match="determinant -1"):
        log_rotation(np.diag([1.0, 1.0, -1.0]))
    with pytest.raises(DomainError, match="not a rotation"):
        log_rotation(np.ones((2, 2)))
    with pytest.raises(ValueError, match="missing"):
        group.act(np.eye(3), {"v": np.ones(3)})
    with pytest.raises(ValueError, match="shape"):
        group.act(np.eye(3), {"w": np.ones(4)})
    with pytest.raises(ValueError, match="size is 0"):
        ChartRotation(np.copy, np.copy, np.copy, size=0)


@pytest.mark.parametrize("loss", [Booth(), Rosenbrock()], ids=repr)
def test_charts_without_inverse_jacobian(loss):
    group = loss.symmetry()
    plain = ChartRotation(loss.chart, loss.inverse_chart, loss.jacobian)
    w, v = {"w": np.array([0.3, -1.2])}, {"w": np.array([1.0, 0.4])}
    g = group.exp(np.array([0.8]))
    for name in ("act_tangent", "act_cotangent"):
        np.testing.assert_allclose(
            getattr(plain, name)(g, w, v)["w"], getattr(group, name)(g, w, v)["w"], rtol=1e-10
        )


def test_a_full_turn_comes_back():
    group = Booth().symmetry()
    w = {"w": np.array([5.0, -5.0])}
    full = group.exp(np.array([2 * np.pi * np.sqrt(2)]))
    np.testing.assert_allclose(group.act(full, w)["w"], w["w"], rtol=1e-13)


# -- quadratics ----------------------------------------------------------------
def test_quadratic_kinds_agree():
    loss = sparse_quadratic(6)
    dense = Quadratic(loss.A.toarray())
    implicit = Quadratic(aslinearoperator(loss.A))
    x = np.random.default_rng(0).normal(size=15)
    w = {"w": np.arange(6.0)}
    moved = [k.symmetry().act(k.symmetry().exp(x), w)["w"] for k in (loss, dense, implicit)]
    np.testing.assert_allclose(moved[1], moved[0], rtol=1e-12)
    np.testing.assert_allclose(moved[2], moved[0], rtol=1e-12)


def test_plane_rotations_compose_exactly():
    loss = quadratic(6)
    group = loss.symmetry()
    rng = np.random.default_rng(0)

    def plane():
        P = rng.normal(size=(6, 2))
        L = np.linalg.cholesky(P.T @ loss.A @ P)
        P = scipy.linalg.solve_triangular(L, P.T, lower=True).T
        a = rng.uniform(-3, 3)
        return P, np.array([[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]])

    g, h = plane(), plane()
    gh = group.compose(g, h)
    assert gh[0].shape == (6, 4)
    w = {"w": rng.normal(size=6)}
    both = group.act(g, group.act(h, w))["w"]
    np.testing.assert_allclose(group.act(gh, w)["w"], both, rtol=1e-11)
    again = group.act(group.exp(group.log(gh)), w)["w"]
    np.testing.assert_allclose(again, both, rtol=1e-9)
    assert loss.value({"w": both}) == pytest.approx(loss.value(w), rel=1e-12)
    back = group.compose(group.inverse(g), g)
    np.testing.assert_allclose(group.act(back, w)["w"], w["w"], rtol=1e-12)
    assert group.distance(back) == pytest.approx(0, abs=1e-7)
    one = group.identity()
    assert group.compose(one, g)[0] is not None
    assert group.act(one, w)["w"] is w["w"]


def test_quadratic_errors():
    group = quadratic(3).symmetry()
    with pytest.raises(ValueError, match="pair"):
        group.act(np.eye(3), {"w": np.ones(3)})
    for A in ([1.0, -1.0], [1.0, 0.0], [-1.0, -2.0]):
        for kind in (np.asarray, scipy.sparse.csr_array):
            with pytest.raises(DomainError, match="positive definite"):
                Quadratic(kind(np.diag(A))).symmetry()
    unknown = Quadratic(aslinearoperator(np.diag([1.0, -1.0]))).symmetry()
    with pytest.raises(DomainError, match="positive definite"):
        unknown.exp(np.ones(1))
    for w in ([1.0, 2.0], [2.0, 1.0]):
        with pytest.raises(DomainError, match="positive definite"):
            teleport(unknown.loss, unknown, {"w": np.array(w)}, GradientNorm())
    for wrong in ("abc", Quadratic, None, Booth()):
        with pytest.raises(TypeError, match="expected a Quadratic"):
            QuadraticOrthogonal(wrong)
    with pytest.raises(TypeError, match="linear"):
        group.moment_map({"w": np.ones(3)})
    large = sparse_quadratic(6000)
    with pytest.raises(DomainError, match="n = 6000"):
        large.symmetry().factor  # noqa: B018
    assert large.symmetry().dim == 6000 * 5999 // 2
    with pytest.raises(DomainError, match="beyond"):
        large.symmetry().manifold  # noqa: B018


# -- manifolds -----------------------------------------------------------------
def test_other_manifolds():
    index = HiddenIndex(3, written=[("W", 0)])
    group = GeneralLinear([index])
    ((g, _),) = group.random_element(np.random.default_rng(0))
    assert bool(np.all(group.manifold.belongs(g)))
    assert not bool(np.all(group.manifold.belongs(np.diag([1.0, 1.0, -1.0]))))
    scales = PositiveRescaling([index]).manifold
    assert bool(np.all(scales.belongs(np.array([[1.0], [2.0], [0.5]]))))
    with pytest.raises(DomainError, match="size 1"):
        GeneralLinear([HiddenIndex(1, written=[("W", 0)])]).manifold  # noqa: B018
    with pytest.raises(DomainError, match="size 1"):
        PositiveRescaling([HiddenIndex(1, written=[("W", 0)])]).manifold  # noqa: B018


def test_manifold_of_a_product():
    from tests.groups.all_groups import BY_NAME

    assert BY_NAME["product"].group.manifold.dim == 3 + 4
