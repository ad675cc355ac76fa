"""Rotations of the level sets of a quadratic."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import scipy.linalg
from scipy.sparse.linalg import LinearOperator

from .._arrays import Parameters, cast, host, is_symbolic
from .._checks import dense, shown
from .._errors import DomainError
from ._base import Basis, SymmetryGroup, algebra_vector, check_element
from ._matrices import (
    check_rotation,
    exp_pullback_matrix,
    log_rotation,
    rotation_basis,
    skew,
    skew_coordinates,
)

__all__ = ["QuadraticOrthogonal"]

Factors = tuple[np.ndarray, np.ndarray]
DENSE_LIMIT = 5000


@dataclass(frozen=True)
class QuadraticOrthogonal(SymmetryGroup):
    """The isometries of ``<., A.>`` about the minimum of a quadratic, SO(n).

    The group is transitive on level sets. An element is a pair of factors
    ``(P, R)``, shapes (n, k) and (k, k), with ``P^T A P = I`` and ``R`` a
    rotation; it acts on ``y = w - w*`` by ``y + P (R - I) P^T A y``. Nothing
    of size n x n is formed unless ``exp``, ``log`` or ``algebra_basis`` is
    called; these use the Cholesky factor of ``A = F^T F`` and are dense.

    Parameters
    ----------
    loss : Quadratic
        The loss, with A positive definite.

    Raises
    ------
    TypeError
        If the loss is no quadratic with ``A``, ``n`` and ``minimum``.
    DomainError
        If A is known not to be positive definite: its level sets are no ellipsoids.

    Notes
    -----
    Of operators, and of large sparse matrices of wide band, it is not known whether they are
    positive definite. What is dense (``exp``, ``log``, ``generator``, ``factor``) raises
    :class:`~liegroup_teleport.DomainError` there, and where n is beyond 5,000.

    References
    ----------
    [Zha22] Zhao et al., *Symmetry Teleportation for Accelerated Optimization*, NeurIPS 2022
    (quadratic functions).

    Examples
    --------
    A rotation by a quarter turn of the ellipse ``x^2 + 4 y^2 = const``:

    >>> import numpy as np
    >>> import liegroup_teleport as lt
    >>> loss = lt.losses.Quadratic(np.diag([1.0, 4.0]))
    >>> group = loss.symmetry()
    >>> g = group.exp(np.array([np.pi / np.sqrt(2.0)]))  # the basis has Frobenius norm 1
    >>> w = {"w": np.array([2.0, 0.0])}
    >>> moved = group.act(g, w)
    >>> np.abs(moved["w"]).round(12)
    array([0., 1.])
    >>> loss.value(w), round(loss.value(moved), 12)
    (2.0, 2.0)
    """

    loss: Any

    compact = True
    linear = False
    diagonal = False
    scope = "loss"

    def __post_init__(self) -> None:
        missing = [name for name in ("A", "n", "minimum") if not hasattr(self.loss, name)]
        if missing or isinstance(self.loss, type):
            raise TypeError(
                f"loss is {shown(self.loss)}, without {', '.join(missing) or 'being an instance'}; "
                "expected a Quadratic"
            )
        if getattr(self.loss, "positive_definite", None) is False:
            raise DomainError(
                "A is not positive definite, to rounding: the level sets of this quadratic are no "
                "ellipsoids, and rotations are not its symmetry"
            )

    @property
    def n(self) -> int:
        """Number of parameters."""
        return int(self.loss.n)

    @property
    def dim(self) -> int:
        """``n (n - 1) / 2``."""
        return self.n * (self.n - 1) // 2

    @property
    def shapes(self) -> Mapping[str, tuple[int | None, ...]]:
        """``{"w": (n,)}``."""
        return {"w": (self.n,)}

    @property
    def acts_on(self) -> frozenset[tuple[str, int | None]]:
        """The whole of ``w``."""
        return frozenset({("w", None)})

    @cached_property
    def factor(self) -> np.ndarray:
        """Upper triangular F, shape (n, n), with ``A = F^T F``.

        Raises
        ------
        DomainError
            If A is not positive definite, or n is beyond what fits dense arrays.
        """
        if self.n > DENSE_LIMIT:
            raise DomainError(
                f"n = {self.n}: exp, log and the basis need dense (n, n) arrays; "
                f"at most n = {DENSE_LIMIT}. teleport() itself does not need them."
            )
        A = self.loss.A
        if isinstance(A, LinearOperator):
            dense = A @ np.eye(self.n)
        else:
            dense = A.toarray() if hasattr(A, "toarray") else np.asarray(A, dtype=np.float64)
        try:
            return scipy.linalg.cholesky((dense + dense.T) / 2)
        except np.linalg.LinAlgError as error:
            raise DomainError("A is not positive definite") from error

    def _element(self, g: Any) -> Factors:
        if not isinstance(g, tuple) or len(g) != 2:
            raise ValueError(f"element must be a pair of factors (P, R), got {shown(g)}")
        R = dense("rotation R", g[1])
        k = R.shape[0] if R.ndim == 2 else -1
        return check_element(g[0], (self.n, k), "factor P"), check_rotation(R, k)

    def identity(self) -> Factors:
        """Return empty factors."""
        return np.zeros((self.n, 0)), np.zeros((0, 0))

    def compose(self, g: Any, h: Any) -> Factors:
        """Return the product on the span of both factors."""
        (P1, R1), (P2, R2) = self._element(g), self._element(h)
        if P1 is P2 or (P1.shape == P2.shape and np.array_equal(P1, P2)):
            return P1, R1 @ R2
        if not P1.shape[1]:
            return P2, R2
        if not P2.shape[1]:
            return P1, R1
        Q = P1
        AQ = self._A(P1)
        rest = P2
        for _ in range(2):  # twice is enough for orthogonality to rounding
            rest = rest - Q @ (AQ.T @ rest)
        values, V = np.linalg.eigh(rest.T @ self._A(rest))
        keep = values > 1e-24
        if np.any(keep):
            extra = rest @ (V[:, keep] / np.sqrt(values[keep]))
            for _ in range(2):
                extra = extra - Q @ (AQ.T @ extra)
                L = np.linalg.cholesky(extra.T @ self._A(extra))
                extra = scipy.linalg.solve_triangular(L, extra.T, lower=True).T
            Q = np.hstack([Q, extra])
            AQ = self._A(Q)

        def on_span(P: np.ndarray, R: np.ndarray) -> np.ndarray:
            C = AQ.T @ P
            return np.eye(Q.shape[1]) + C @ (R - np.eye(len(R))) @ C.T

        U, _, Vt = np.linalg.svd(on_span(P1, R1) @ on_span(P2, R2))
        return Q, U @ Vt

    def _A(self, V: np.ndarray) -> np.ndarray:
        return np.asarray(self.loss.A @ V)

    def inverse(self, g: Any) -> Factors:
        """Transpose the rotation."""
        P, R = self._element(g)
        return P, R.T

    def exp(self, x: np.ndarray) -> Factors:
        """Return ``(F^-1, exp X)`` for the skew matrix X of ``x`` (dense)."""
        R = scipy.linalg.expm(skew(algebra_vector(x, self.dim), self.n))
        return scipy.linalg.solve_triangular(self.factor, np.eye(self.n)), R

    def log(self, g: Any) -> np.ndarray:
        """Return the coordinates of the logarithm of ``F g F^-1`` (dense)."""
        P, R = self._element(g)
        U = self.factor @ P
        return skew_coordinates(U @ log_rotation(R) @ U.T)

    def algebra_basis(self) -> Basis:
        """Return the basis of so(n)."""
        return rotation_basis(self.n)

    def distance(self, g: Any) -> float:
        """Return ``||log R||_F / sqrt(2)``: the root of the sum of squared angles."""
        return float(np.linalg.norm(log_rotation(self._element(g)[1])) / np.sqrt(2.0))

    def exp_pullback(self, x: np.ndarray, m: np.ndarray) -> np.ndarray:
        """Return the pulled-back covector."""
        n = self.n
        return skew_coordinates(exp_pullback_matrix(skew(x, n), skew(m, n)))

    def act(self, g: Any, w: Parameters) -> dict[str, Any]:
        """Return ``w* + y + P (R - I) P^T A y`` with ``y = w - w*``."""
        self.check_parameters(w)
        P, R = self._element(g)
        if not P.shape[1]:
            return dict(w)
        y = host(w["w"]) - self.loss.minimum
        return {**w, "w": cast(self.loss.minimum + self._linear(P, R, y), w["w"])}

    def _linear(self, P: np.ndarray, R: np.ndarray, y: np.ndarray) -> np.ndarray:
        z = P.T @ self._A(y)
        return y + P @ (R @ z - z)

    def act_tangent(self, g: Any, w: Parameters, u: Parameters) -> dict[str, Any]:
        """Return the linear part of the action on ``u``."""
        self.check_parameters(u)
        P, R = self._element(g)
        return {**u, "w": cast(self._linear(P, R, host(u["w"])), u["w"])}

    def act_cotangent(self, g: Any, w: Parameters, v: Parameters) -> dict[str, Any]:
        """Return ``v + A P (R - I) P^T v``."""
        self.check_parameters(v)
        P, R = self._element(g)
        if not P.shape[1]:
            return dict(v)
        V = host(v["w"])
        z = P.T @ V
        return {**v, "w": cast(V + self._A(P @ (R @ z - z)), v["w"])}

    def generator(self, x: np.ndarray, w: Parameters) -> dict[str, Any]:
        """Return ``F^-1 X F (w - w*)`` (dense)."""
        self.check_parameters(w)
        X = skew(algebra_vector(x, self.dim), self.n)
        y = host(w["w"]) - self.loss.minimum
        moved = _solve(self.factor, X @ (self.factor @ y))
        return {name: cast(moved, a) if name == "w" else 0 * a for name, a in w.items()}

    def generator_adjoint(self, w: Parameters, p: Parameters) -> np.ndarray:
        """Return the coordinates of the skew part of ``F^-T p (F y)^T`` (dense)."""
        self.check_parameters(w)
        y = host(w["w"]) - self.loss.minimum
        q = _solve(self.factor, host(p["w"]), transpose=True)
        return skew_coordinates(np.outer(q, self.factor @ y))

    @property
    def manifold(self) -> Any:
        """SO(n), in geomstats."""
        from ..geometry import special_orthogonal

        return special_orthogonal(self.n)


def _solve(F: np.ndarray, b: np.ndarray, *, transpose: bool = False) -> np.ndarray:
    """Return the solution y (n,) of ``F y = b`` or ``F^T y = b`` with F upper triangular."""
    if not (is_symbolic(F) or is_symbolic(b)):
        return scipy.linalg.solve_triangular(F, b, trans="T" if transpose else "N")
    A, n = F.T if transpose else F, len(b)
    y = np.zeros(n, dtype=object)
    for i in range(n) if transpose else range(n - 1, -1, -1):
        y[i] = (b[i] - A[i] @ y) / A[i, i]
    return y
