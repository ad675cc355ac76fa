"""Groups that a user defines through geomstats, and losses that matrix groups leave alone."""

from __future__ import annotations

import array_api_compat
import numpy as np
import scipy.linalg
from geomstats.geometry.lie_algebra import MatrixLieAlgebra
from geomstats.geometry.lie_group import MatrixLieGroup
from geomstats.geometry.special_euclidean import SpecialEuclidean
from geomstats.geometry.special_orthogonal import SpecialOrthogonal


class Algebra(MatrixLieAlgebra):
    """The span of given matrices."""

    def __init__(self, matrices):
        self.matrices = np.asarray(matrices, dtype=float)
        super().__init__(
            representation_dim=self.matrices.shape[-1], dim=len(self.matrices), equip=False
        )

    def _create_basis(self):
        return self.matrices

    def basis_representation(self, matrix_representation):
        flat = self.matrices.reshape(len(self.matrices), -1)
        return np.linalg.lstsq(flat.T, np.ravel(matrix_representation), rcond=None)[0]


class UserGroup(MatrixLieGroup):
    """The connected group with a given algebra, as a user would write it."""

    def __init__(self, matrices):
        algebra = Algebra(matrices)
        super().__init__(
            representation_dim=algebra.representation_dim,
            lie_algebra=algebra,
            dim=algebra.dim,
            equip=False,
        )

    def belongs(self, point, atol=1e-8):
        X = scipy.linalg.logm(point)
        near = self.lie_algebra.matrix_representation(self.lie_algebra.basis_representation(X))
        return bool(np.linalg.norm(X - near) < atol)

    def random_point(self, n_samples=1, bound=1.0):
        return self.exp(self.lie_algebra.random_point(bound=bound))


def unit(n, *entries):
    matrix = np.zeros((n, n))
    for i, j, value in entries:
        matrix[i, j] = value
    return matrix


SE2 = SpecialEuclidean(2, point_type="matrix", equip=False)
SO3 = SpecialOrthogonal(3, point_type="matrix", equip=False)
# neither normalised nor orthogonal, as bases come
HEISENBERG = UserGroup(
    [unit(3, (0, 1, 2.0)), unit(3, (0, 1, 1.0), (1, 2, 1.0)), unit(3, (0, 2, 3))]
)
SQUEEZE = UserGroup([np.diag([1.0, -1.0])])


def twice(g):
    """Two vectors moved alike."""
    return np.kron(np.eye(2), g)


class Invariants:
    """Half the squared distance of polynomials (degree at most 4) of ``w`` from given values."""

    def __init__(self, size, values, polynomials, jacobian):
        self.shapes = {"w": (size,)}
        self.values, self.polynomials, self.rows = values, polynomials, jacobian

    def _residual(self, w):
        xp = array_api_compat.array_namespace(w)
        return xp.stack([p - v for p, v in zip(self.polynomials(w), self.values, strict=True)])

    def _jacobian(self, w):
        xp = array_api_compat.array_namespace(w)
        return xp.stack([xp.stack(list(row)) for row in self.rows(w)])

    def value(self, w):
        return float((self._residual(w["w"]) ** 2).sum()) / 2

    def gradient(self, w):
        return {"w": self._jacobian(w["w"]).T @ self._residual(w["w"])}

    def gauss_newton_product(self, w, v):
        J = self._jacobian(w["w"])
        return {"w": J.T @ (J @ v["w"])}

    def hvp(self, w, v):
        w, v = w["w"], v["w"]
        J = self._jacobian
        # exact for polynomials of degree 4
        bent = (8 * (J(w + v) - J(w - v)) - (J(w + 2 * v) - J(w - 2 * v))) / 12
        return {"w": J(w).T @ (J(w) @ v) + bent.T @ self._residual(w)}


def _distance(w):
    """Two points of the plane in homogeneous coordinates (x, y, s)."""
    a, b, s, c, d, r = w
    x, y = r * a - s * c, r * b - s * d
    return x * x + y * y, s, r


def _distance_jacobian(w):
    a, b, s, c, d, r = w
    x, y = r * a - s * c, r * b - s * d
    zero, one = 0 * a, 0 * a + 1
    slope = (2 * x * r, 2 * y * r, -2 * (x * c + y * d), -2 * x * s, -2 * y * s)
    return (
        (*slope, 2 * (x * a + y * b)),
        (zero, zero, one, zero, zero, zero),
        (zero, zero, zero, zero, zero, one),
    )


def _areas(w):
    """What unit upper triangular matrices leave of two vectors in space."""
    _, b, c, _, e, f = w
    return b * f - c * e, c, f


def _areas_jacobian(w):
    a, b, c, _, e, f = w
    zero, one = 0 * a, 0 * a + 1
    return (
        (zero, f, -e, zero, -c, b),
        (zero, zero, one, zero, zero, zero),
        (zero, zero, zero, zero, zero, one),
    )


def distance_of_two_points():
    """Invariant under SE(2)."""
    return Invariants(6, (1.0, 1.0, 0.5), _distance, _distance_jacobian)


def area_of_two_vectors():
    """Invariant under the Heisenberg group."""
    return Invariants(6, (1.0, 1.0, 2.0), _areas, _areas_jacobian)


def hyperbola():
    """Invariant under squeezing."""
    return Invariants(2, (1.0,), lambda w: (w[0] * w[1],), lambda w: ((w[1], w[0]),))
