"""Matrix groups of geomstats and of the user, with geomstats and SciPy as oracles."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.linalg
from geomstats.geometry.general_linear import GeneralLinear as GeomstatsGL
from geomstats.geometry.positive_lower_triangular_matrices import PositiveLowerTriangularMatrices
from geomstats.geometry.special_euclidean import SpecialEuclidean
from geomstats.geometry.special_orthogonal import SpecialOrthogonal

from liegroup_teleport import DomainError
from liegroup_teleport.groups import (
    DirectProduct,
    HiddenIndex,
    MatrixRepresentation,
    PositiveRescaling,
)
from liegroup_teleport.losses import Quadratic
from liegroup_teleport.testing import assert_group_laws, assert_symmetry
from tests.groups.all_groups import BY_NAME
from tests.groups.representations import HEISENBERG, SE2, SO3, SQUEEZE, UserGroup, twice, unit

SPACES = {
    "se2": SE2,
    "se3": SpecialEuclidean(3, point_type="matrix", equip=False),
    "so2": SpecialOrthogonal(2, point_type="matrix", equip=False),
    "so3": SO3,
    "gl2": GeomstatsGL(2, equip=False),
    "triangular": PositiveLowerTriangularMatrices(2, equip=False),
    "heisenberg": HEISENBERG,
    "squeeze": SQUEEZE,
}
REPRESENTATIONS = {
    "itself": None,
    "twice": twice,
    "square": lambda g: np.kron(g, g),
    "dual": lambda g: np.linalg.inv(g).T,
    "trivial": lambda g: np.eye(2),
}
spaces = pytest.mark.parametrize("space", SPACES.values(), ids=SPACES)


@spaces
@pytest.mark.parametrize("rho", REPRESENTATIONS.values(), ids=REPRESENTATIONS)
def test_laws_of_every_group_and_representation(space, rho):
    assert_group_laws(MatrixRepresentation(space, rho), max_examples=8)


@spaces
def test_against_geomstats(space):
    group = MatrixRepresentation(space)
    rng = np.random.default_rng(0)
    for _ in range(5):
        x, y = rng.normal(size=(2, group.dim))
        x, y = x / np.linalg.norm(x), y / np.linalg.norm(y)
        X = sum(c * B for c, B in zip(x, group.algebra_basis(), strict=True))
        assert bool(np.all(space.lie_algebra.belongs(X)))
        g, h = group.exp(x), group.exp(y)
        assert bool(np.all(space.belongs(g[0])))
        np.testing.assert_allclose(g[0], scipy.linalg.expm(X), rtol=1e-10, atol=1e-12)
        if space is not SPACES["triangular"]:  # its exp is that of a Cholesky metric
            np.testing.assert_allclose(g[0], space.exp(X), rtol=1e-7, atol=1e-7)
        np.testing.assert_allclose(group.compose(g, h)[0], space.compose(g[0], h[0]), atol=1e-12)
        np.testing.assert_allclose(group.inverse(g)[0], space.inverse(g[0]), atol=1e-9)
    assert group.manifold is space


def test_derivative_of_a_representation_has_no_truncation_error():
    group = MatrixRepresentation(SE2, REPRESENTATIONS["square"])
    one = np.eye(3)
    for B, D in zip(group.basis, group.generators, strict=True):
        np.testing.assert_allclose(D, np.kron(B, one) + np.kron(one, B), atol=1e-14)


def test_rigid_motions_move_points():
    group = MatrixRepresentation(SE2)
    point = np.array([[0.0, -1.0, 5.0], [1.0, 0.0, 2.0], [0.0, 0.0, 1.0]])
    g = group.element(point)
    np.testing.assert_allclose(group.act(g, {"w": np.array([1.0, 0, 1])})["w"], [5, 3, 1])
    half_way = group.geodesic(group.identity(), g, 0.5)
    np.testing.assert_allclose(half_way[0] @ half_way[0], point, atol=1e-12)
    assert bool(SE2.belongs(half_way[0]))
    assert group.shapes == {"w": (3,)}


def test_which_norms_are_convex_on_orbits():
    found = {
        name: (MatrixRepresentation(space).self_adjoint, MatrixRepresentation(space).compact)
        for name, space in SPACES.items()
    }
    assert found == {
        "se2": (False, False),
        "se3": (False, False),
        "so2": (True, True),
        "so3": (True, True),
        "gl2": (True, False),
        "triangular": (False, False),
        "heisenberg": (False, False),
        "squeeze": (True, False),
    }
    # it is the matrices on the parameter that count
    skewed = np.array([[1.0, 1.0], [0.0, 1.0]])
    back = np.linalg.inv(skewed)
    assert not MatrixRepresentation(SQUEEZE, lambda g: skewed @ g @ back).self_adjoint
    case = BY_NAME["product"]
    assert case.group.self_adjoint
    assert not BY_NAME["chart-booth"].group.self_adjoint
    assert not BY_NAME["quadratic-dense"].group.self_adjoint
    # turning along an ellipse, whose longest axis is a critical norm and no minimum
    ellipse = MatrixRepresentation(UserGroup([np.array([[0.0, -1 / 3], [3.0, 0.0]])]))
    assert not ellipse.self_adjoint
    w = {"w": np.array([0.0, 3.0])}
    assert ellipse.moment_map(w) == pytest.approx(0, abs=1e-14)
    for x in ([0.5], [-0.5]):
        moved = ellipse.act(ellipse.exp(np.array(x)), w)
        assert np.linalg.norm(moved["w"]) < np.linalg.norm(w["w"])


def test_distances():
    rotations = MatrixRepresentation(SO3)
    x = np.array([0.3, -0.4, 1.2])
    assert rotations.distance(rotations.exp(x)) == pytest.approx(np.linalg.norm(x) / np.sqrt(2))
    squeeze = MatrixRepresentation(SQUEEZE)
    assert squeeze.distance(squeeze.element(np.diag([2.0, 0.5]))) == pytest.approx(
        np.sqrt(2) * np.log(2)
    )
    rigid = MatrixRepresentation(SE2)
    quarter = scipy.linalg.block_diag([[0.0, -1.0], [1.0, 0.0]], 1.0)
    assert rigid.distance(rigid.element(quarter)) == pytest.approx(0, abs=1e-14)


def test_columns_move_alike_and_products():
    group = MatrixRepresentation(SO3, name="V")
    rng = np.random.default_rng(0)
    w = {"V": rng.normal(size=(3, 4)), "rest": rng.normal(size=2)}
    g = group.random_element(rng)
    np.testing.assert_allclose(group.act(g, w)["V"], g[0] @ w["V"])
    assert group.act(g, w)["rest"] is w["rest"]
    scales = PositiveRescaling([HiddenIndex(4, written=[("V", 1)])])
    product = DirectProduct([group, scales])
    assert product.self_adjoint
    assert_group_laws(product, max_examples=10)
    with pytest.raises(ValueError, match="both move"):
        DirectProduct([group, MatrixRepresentation(SQUEEZE, name="V")])


def test_negative_controls():
    with pytest.raises(AssertionError, match="the loss changes"):
        assert_symmetry(MatrixRepresentation(SO3), Quadratic(np.diag([1.0, 2.0, 3.0])))
    with pytest.raises(AssertionError, match="the loss changes"):
        assert_symmetry(MatrixRepresentation(SE2), Quadratic(np.eye(3)))
    case = BY_NAME["se2"]
    with pytest.raises(AssertionError, match="the loss changes"):
        assert_symmetry(MatrixRepresentation(HEISENBERG, twice), case.loss)
    report = MatrixRepresentation(HEISENBERG, twice).check_invariance(
        case.loss, case.start(), rng=np.random.default_rng(0)
    )
    assert not report.passed


@pytest.mark.parametrize(
    ("rho", "match"),
    [
        (lambda g: g.T, r"no homomorphism: rho\(g h\)"),
        (lambda g: 2 * g, "not continuous"),
        (lambda g: (g + g @ g) / 2, "no homomorphism"),
        (lambda g: g[:2], r"shape \(2, 3\)"),
        (lambda g: np.linalg.norm(g), r"shape \(\)"),
        (lambda g: np.nan * g, "not finite"),
    ],
)
def test_not_a_representation(rho, match):
    with pytest.raises(ValueError, match=match):
        MatrixRepresentation(SE2, rho)


def test_errors():
    with pytest.raises(TypeError, match="point_type"):
        MatrixRepresentation(SpecialOrthogonal(3, point_type="vector", equip=False))
    with pytest.raises(TypeError, match="int"):
        MatrixRepresentation(3)
    no_algebra = UserGroup([np.diag([1.0, -1.0])])
    no_algebra.lie_algebra = None
    with pytest.raises(TypeError, match="no lie_algebra"):
        MatrixRepresentation(no_algebra)
    complex_basis = UserGroup([np.diag([1.0, -1.0])])
    complex_basis.lie_algebra.matrices = complex_basis.lie_algebra.matrices * 1j
    with pytest.raises(ValueError, match="complex"):
        MatrixRepresentation(complex_basis)
    with pytest.raises(ValueError, match="linearly dependent"):
        MatrixRepresentation(UserGroup([np.eye(2), 2 * np.eye(2)]))
    with pytest.raises(ValueError, match="not closed under brackets"):
        MatrixRepresentation(UserGroup([unit(3, (0, 1, 1)), unit(3, (1, 2, 1))]))
    with pytest.raises(TypeError, match="ndarray"):
        MatrixRepresentation(SO3, np.eye(3))
    with pytest.raises(ValueError, match="'batch'"):
        MatrixRepresentation(SO3, scope="batch")
    group = MatrixRepresentation(SE2)
    w = {"w": np.ones(3)}
    with pytest.raises(DomainError, match="leaves the Lie algebra"):
        group.element(np.diag([2.0, 1.0, 1.0]))
    with pytest.raises(DomainError, match="determinant"):
        group.element(np.diag([-1.0, 1.0, 1.0]))
    with pytest.raises(ValueError, match="pairs"):
        group.act(np.eye(3), w)
    with pytest.raises(ValueError, match=r"'w' has shape \(4,\)"):
        group.act(group.identity(), {"w": np.ones(4)})
    with pytest.raises(DomainError, match="overflow"):
        group.exp(np.full(3, 1e4))
    small = MatrixRepresentation(SPACES["gl2"])
    assert small.element(1e-8 * np.eye(2))[1][0, 0] == pytest.approx(1e8)
