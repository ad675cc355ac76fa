"""Whether ``distance`` is a length on the group, and the one that it should be."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..groups import SymmetryGroup
from ._compare import check

__all__ = ["Metric"]

SMALL = 1e-3  # length of the vectors that stand for infinitesimal ones
TOL = 1e-5  # of what holds to first order there: the next term is of third
SLACK = 1e-7
LARGEST = 4_000_000  # entries of all basis matrices together, up to which these are used


class Metric:
    """The laws of ``distance``, against the matrices of the algebra.

    To first order ``distance(exp x)`` is a norm of the matrix X of x: at least that of its
    symmetric part, at most its own, and ``||X|| / sqrt(2)`` on compact groups.
    """

    def __init__(self, group: SymmetryGroup) -> None:
        self.group = group
        basis: Sequence[Any] = group.algebra_basis()
        few = group.dim and group.dim * np.asarray(basis[0]).size <= LARGEST
        self._basis = np.stack([np.asarray(B, float) for B in basis]) if few else None

    def check(self, vectors: list[np.ndarray]) -> None:
        """Check the laws on three algebra vectors."""
        group = self.group
        x, y = vectors[:2]
        g, h = group.exp(x), group.exp(y)
        length = float(np.linalg.norm(x))
        far, slack = group.distance(g), SLACK * max(1.0, length)
        check(0 <= far <= length + slack, f"distance(exp x) is {far}; ||x|| is {length}")
        check(abs(group.distance(group.inverse(g)) - far) <= slack, "distance of the inverse")
        check(
            group.distance(group.compose(g, h)) <= far + group.distance(h) + slack,
            "distance: the triangle inequality",
        )
        if not length > 0:
            return
        speed = self._speed(x)
        check(
            far <= length * speed + slack,
            f"distance(exp x) is {far}; the subgroup of x gets there on a length of "
            f"{length * speed}",
        )
        self._check_speed(x, y)
        for z in (x, self._symmetrised(x)):
            if z is not None:
                self._check_unit(z)
                self._check_geodesic(z)

    def _speed(self, x: np.ndarray) -> float:
        """Return the length of a vector, over its Euclidean one, to first order."""
        small = x * (SMALL / np.linalg.norm(x))
        return self.group.distance(self.group.exp(small)) / SMALL

    def _check_speed(self, x: np.ndarray, y: np.ndarray) -> None:
        """Check that the distance is a Euclidean norm to first order."""
        x, y = x / np.linalg.norm(x), y / np.linalg.norm(y)
        speed = self._speed(x)
        half = self.group.distance(self.group.exp(x * SMALL / 2)) / (SMALL / 2)
        check(
            abs(speed - half) <= TOL,
            f"distance(exp(t x)) is {speed:.6g} t at t = {SMALL} and {half:.6g} t at half of that",
        )
        if self.group.dim > 1:
            plus, minus = (
                float(np.linalg.norm(z)) * self._speed(z) if np.linalg.norm(z) > SMALL else 0.0
                for z in (x + y, x - y)
            )
            both = 2 * speed**2 + 2 * self._speed(y) ** 2
            check(
                abs(plus**2 + minus**2 - both) <= 10 * TOL,
                "distance is no Euclidean norm to first order: |x + y|^2 + |x - y|^2 is "
                f"{plus**2 + minus**2:.6g}, 2 |x|^2 + 2 |y|^2 is {both:.6g}",
            )

    def _check_unit(self, x: np.ndarray) -> None:
        """Check which norm the distance is to first order."""
        x = x / np.linalg.norm(x)
        X, speed = self._matrix(x), self._speed(x)
        if X is None:
            return
        least = float(np.linalg.norm(_symmetric(X)))
        most = float(np.linalg.norm(X))
        check(
            least - TOL <= speed <= most + TOL,
            f"distance(exp(t x)) is {speed:.6g} t to first order; expected between {least:.6g} and "
            f"{most:.6g}, the norms of the symmetric part of x and of x",
        )
        if self.group.compact:
            check(
                abs(speed - most / np.sqrt(2)) <= TOL,
                f"distance(exp(t x)) is {speed:.6g} t to first order; expected ||x||/sqrt(2) = "
                f"{most / np.sqrt(2):.6g}",
            )

    def _check_geodesic(self, x: np.ndarray) -> None:
        """Check that the distance grows at constant speed where the subgroup is a geodesic."""
        X = self._matrix(x)
        if X is None:
            return
        translation = self.group.translational and not np.any(X @ X)
        if not translation and not _is_geodesic(X):
            return
        length = float(np.linalg.norm(x))
        far, expected = self.group.distance(self.group.exp(x)), length * self._speed(x)
        check(
            abs(far - expected) <= TOL * expected + SLACK,
            f"distance(exp x) is {far:.9g}; on a geodesic of that speed and length it is "
            f"{expected:.9g}",
        )

    def _matrix(self, x: np.ndarray) -> np.ndarray | None:
        if self._basis is None or self._basis.shape[1] != self._basis.shape[2]:
            return None
        return np.asarray(np.tensordot(x, self._basis, 1))

    def _symmetrised(self, x: np.ndarray) -> np.ndarray | None:
        """Return the vector of the symmetric part, if that is in the algebra, of x's length."""
        X = self._matrix(x)
        if X is None or self._basis is None:
            return None
        S = _symmetric(X)
        z = np.tensordot(self._basis, S, 2)
        size = float(np.linalg.norm(z))
        rest = float(np.linalg.norm(np.tensordot(z, self._basis, 1) - S))
        if rest > 1e-10 * float(np.linalg.norm(X)) or size <= 1e-6 * float(np.linalg.norm(x)):
            return None
        return np.asarray(z * (np.linalg.norm(x) / size))


def _symmetric(X: np.ndarray) -> np.ndarray:
    return (X + X.T) / 2


def _is_geodesic(X: np.ndarray) -> bool:
    """Whether ``exp(t X)``, t from 0 to 1, is a shortest path: X normal, no turn beyond half."""
    rest = float(np.linalg.norm(X @ X.T - X.T @ X))
    if rest > 1e-12 * float(np.linalg.norm(X)) ** 2:
        return False
    return float(np.max(np.abs(np.linalg.eigvals(X).imag))) < 0.95 * np.pi
