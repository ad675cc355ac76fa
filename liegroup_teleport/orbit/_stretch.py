"""One matrix of a GL element, as it acts on rows: stretches of a few directions, or any matrix."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from ..groups._general_linear import Pair

__all__ = ["Matrix", "RowAction", "Stretch"]


class RowAction(Protocol):
    """A matrix g of GL(k) acting on rows; results keep the precision of the rows."""

    def times_transpose(self, X: np.ndarray) -> np.ndarray:
        """Return ``X g^T``."""
        ...

    def times_inverse(self, X: np.ndarray) -> np.ndarray:
        """Return ``X g^-1``."""
        ...

    def times_inverse_transpose(self, X: np.ndarray) -> np.ndarray:
        """Return ``X g^-T``."""
        ...

    def gram(self, H: np.ndarray, gram: np.ndarray) -> np.ndarray:
        """Return ``H g^T g H^T``, where ``gram`` is ``H H^T``."""
        ...

    def pair(self) -> Pair:
        """Return the matrix and its inverse, float64."""
        ...


@dataclass(frozen=True)
class Matrix:
    """A matrix and its inverse, both (k, k)."""

    matrix: np.ndarray
    inverse: np.ndarray

    def times_transpose(self, X: np.ndarray) -> np.ndarray:
        """Return ``X g^T``."""
        return X @ self.matrix.T

    def times_inverse(self, X: np.ndarray) -> np.ndarray:
        """Return ``X g^-1``."""
        return X @ self.inverse

    def times_inverse_transpose(self, X: np.ndarray) -> np.ndarray:
        """Return ``X g^-T``."""
        return X @ self.inverse.T

    def gram(self, H: np.ndarray, gram: np.ndarray) -> np.ndarray:
        """Return ``H g^T g H^T``."""
        moved = self.times_transpose(H)
        return moved @ moved.T

    def pair(self) -> Pair:
        """Return the matrix and its inverse."""
        return self.matrix, self.inverse


@dataclass(frozen=True)
class Stretch:
    """``g = exp(Q diag(logs) Q^T)``: directions Q (k, r), orthonormal, scaled by ``exp(logs)``.

    A point of GL(k)/O(k) at distance ``||logs||`` from the identity; products with g and with
    its inverse take 4kr operations a row, and nothing is lost by inverting.
    """

    directions: np.ndarray
    logs: np.ndarray

    @classmethod
    def identity(cls, size: int) -> Stretch:
        """Return the identity: no direction at all."""
        return cls(np.zeros((size, 0)), np.zeros(0))

    def times_transpose(self, X: np.ndarray) -> np.ndarray:
        """Return ``X g``: g is symmetric."""
        return self._times(X, np.expm1(self.logs))

    def times_inverse(self, X: np.ndarray) -> np.ndarray:
        """Return ``X g^-1``."""
        return self._times(X, np.expm1(-self.logs))

    def times_inverse_transpose(self, X: np.ndarray) -> np.ndarray:
        """Return ``X g^-1``: g is symmetric."""
        return self.times_inverse(X)

    def gram(self, H: np.ndarray, gram: np.ndarray) -> np.ndarray:
        """Return ``H g^2 H^T``, a correction of the same rank to ``H H^T``."""
        Q = self.directions.astype(H.dtype, copy=False)
        HQ = H @ Q
        return gram + (HQ * np.expm1(2 * self.logs).astype(H.dtype)) @ HQ.T

    def pair(self) -> Pair:
        """Return the matrix and its inverse."""
        Q = self.directions
        pair = tuple((Q * np.expm1(sign * self.logs)) @ Q.T for sign in (1, -1))
        for a in pair:
            np.fill_diagonal(a, a.diagonal() + 1)
        return pair[0], pair[1]

    def logarithm(self) -> np.ndarray:
        """Return the symmetric matrix whose exponential this is."""
        return (self.directions * self.logs) @ self.directions.T

    def _times(self, X: np.ndarray, change: np.ndarray) -> np.ndarray:
        """Return ``X (I + Q diag(change) Q^T)``."""
        Q = self.directions.astype(X.dtype, copy=False)
        return X + ((X @ Q) * change.astype(X.dtype)) @ Q.T
