"""The connected matrix group of given generators, on all parameters as one vector."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import scipy.linalg

from .._arrays import Parameters
from .._checks import check_array, check_choice, check_number
from .._errors import DomainError
from ._base import Basis, Scope, SymmetryGroup, algebra_vector
from ._general_linear import Pair
from ._invariant_form import fixed_point, invariant_form, leaves_span
from ._layout import Layout
from ._matrices import (
    check_pair,
    exp_pair,
    exp_pullback_matrix,
    log_matrix,
    orthonormal_rows,
    stretch_distance,
)
from ._rational import closed_under_transposes, whole_speeds

__all__ = ["MatrixGroup"]


@dataclass(frozen=True, eq=False)
class MatrixGroup(SymmetryGroup):
    r"""The group that linear or affine vector fields generate on the parameters.

    The parameters are taken as one vector ``w`` of length n, arrays one after the
    other, each row by row. Generators are matrices (n, n), ``dw/dt = X w``, or
    (n + 1, n + 1) with a last row of zeros, ``dw/dt = X w + c``. The group reached
    is what products of exponentials of their combinations make: the connected
    group of their Lie algebra.

    Where all generators vanish at one point the action is linear about it. Where
    they also leave a positive definite form unchanged the group is compact, and its
    elements are rotations in coordinates orthonormal for that form.

    An element is a pair ``(g, g^-1)`` of matrices in these coordinates: (n, n), or
    (n + 1, n + 1) where the generators have no common zero.

    Parameters
    ----------
    generators : array (m, n, n) or (m, n + 1, n + 1)
        Linearly independent; m = 0 is the trivial group.
    parameters : dict of str to tuple of int
        Names and shapes of the parameters, n entries together.
    scope : {"loss", "function"}
        Where the invariance holds, see :class:`SymmetryGroup`.
    tol : float
        Relative error of the generators: how far brackets and logarithms may leave
        their span.

    Raises
    ------
    ValueError
        If the generators do not fit the parameters, depend on each other, or their
        span is not closed under brackets.
    DomainError
        If an entry is not finite.

    References
    ----------
    [Hal15] Hall, *Lie Groups, Lie Algebras, and Representations*, 2nd edition, 2015,
    chapter 5 (the connected subgroup of a Lie subalgebra).

    Examples
    --------
    >>> import numpy as np
    >>> import liegroup_teleport as lt
    >>> group = lt.groups.MatrixGroup([[[0.0, -1.0], [1.0, 0.0]]], {"w": (2,)})
    >>> group.compact, group.dim
    (True, 1)
    >>> g = group.exp(np.array([np.pi / np.sqrt(2)]))
    >>> group.act(g, {"w": np.array([1.0, 0.0])})["w"].round(12) + 0.0
    array([0., 1.])
    """

    generators: Any
    parameters: Mapping[str, tuple[int, ...]]
    scope: Scope = "loss"
    tol: float = 1e-8

    diagonal = False

    def __post_init__(self) -> None:
        check_choice("scope", self.scope, ("loss", "function"))
        n = self.layout.size
        object.__setattr__(self, "tol", check_number("tol", self.tol, above=0.0))
        given = check_array("generators", self.generators, finite=False)
        if given.ndim != 3 or given.shape[1:] not in ((n, n), (n + 1, n + 1)):
            raise ValueError(
                f"generators have shape {given.shape}; expected (m, {n}, {n}) or "
                f"(m, {n + 1}, {n + 1}) for parameters of {n} entries"
            )
        if not np.all(np.isfinite(given)):
            raise DomainError("generators have entries that are not finite")
        if given.shape[1] == n + 1 and np.any(given[:, n]):
            raise ValueError("an affine generator has a last row that is not zero")
        object.__setattr__(self, "generators", given)
        escape = leaves_span(self.basis)
        if escape > self.tol:
            raise ValueError(
                "the generators are not closed under brackets: one leaves their span by "
                f"{escape:.3g} (relative), more than tol = {self.tol:.3g}"
            )

    @cached_property
    def layout(self) -> Layout:
        """The order of the entries."""
        return Layout(self.parameters)

    @cached_property
    def center(self) -> np.ndarray | None:
        """A point (n,) that stays where it is, ``None`` if there is none."""
        n = self.layout.size
        if self.generators.shape[1] == n:
            return np.zeros(n)
        return fixed_point(self.generators[:, :n, :n], self.generators[:, :n, n], self.tol)

    @cached_property
    def _matrices(self) -> np.ndarray:
        """The generators as matrices: about the fixed point, or on ``(w, 1)``."""
        n = self.layout.size
        return self.generators if self.center is None else self.generators[:, :n, :n]

    @cached_property
    def form(self) -> np.ndarray | None:
        """A positive definite matrix P with ``X^T P + P X = 0`` for all X, or ``None``."""
        if self.center is None:
            return None
        return invariant_form(self._matrices, self.tol)

    @cached_property
    def _frame(self) -> tuple[np.ndarray, np.ndarray]:
        """The matrix S to the coordinates of elements, and its inverse."""
        N = self._matrices.shape[-1]
        if self.form is None or np.array_equal(self.form, np.eye(N)):
            return np.eye(N), np.eye(N)
        S = scipy.linalg.cholesky(self.form)
        return S, scipy.linalg.solve_triangular(S, np.eye(N))

    @cached_property
    def basis(self) -> np.ndarray:
        """The generators in the coordinates of elements, orthonormal, (dim, N, N)."""
        S, S_inverse = self._frame
        framed = S @ self._matrices @ S_inverse
        if self.form is not None:
            framed = (framed - framed.transpose(0, 2, 1)) / 2
        if not len(framed):
            return framed
        return orthonormal_rows(framed.reshape(len(framed), -1), "generators").reshape(framed.shape)

    @cached_property
    def speeds(self) -> tuple[int, ...] | None:
        """How often each plane turns while the group of one generator goes once around.

        ``(1,)`` for rotations of one plane, ``(1, 1)`` for U(1) on pairs of complex numbers.
        ``None`` where there is not one generator, or its speeds are not proved, in rational
        arithmetic on the matrix as it was given, to be whole multiples of one of them all: the
        orbit then need not close.
        """
        if self.dim != 1 or self.form is None or self.center is None:
            return None
        if int(np.linalg.matrix_rank(self.basis[0], tol=1e-8)) == 2:
            return (1,)
        return whole_speeds(self._matrices[0])

    @cached_property
    def compact(self) -> bool:  # type: ignore[override]
        """Whether a positive definite form is left unchanged, so that orbits are bounded.

        One generator that turns several planes counts if its orbits are proved to close, as do
        those of U(1) on pairs of complex numbers: where all speeds are whole multiples of one.
        """
        if self.form is None:
            return False
        return self.dim != 1 or self.speeds is not None

    @property
    def linear(self) -> bool:  # type: ignore[override]
        """Whether the origin stays where it is."""
        return self.center is not None and not np.any(self.center)

    @cached_property
    def self_adjoint(self) -> bool:  # type: ignore[override]
        """Whether the generators span a space closed under transposes."""
        if not self.linear:
            return False
        if not self.dim:
            return True
        rows = orthonormal_rows(self._matrices.reshape(self.dim, -1), "generators")
        turned = self._matrices.transpose(0, 2, 1).reshape(self.dim, -1)
        rest = np.linalg.norm(turned - turned @ rows.T @ rows)
        return bool(rest < max(1e-10, self.tol) * np.linalg.norm(turned))

    @cached_property
    def exact_generators(self) -> np.ndarray | None:
        """The matrices (dim, n, n) as they were given, ``None`` if the action is not linear."""
        return self._matrices if self.linear else None

    @cached_property
    def exactly_self_adjoint(self) -> bool:
        """Whether the span is closed under transposes with no rounding at all."""
        return self.self_adjoint and closed_under_transposes(self._matrices)

    @property
    def dim(self) -> int:
        """Number of generators."""
        return len(self.generators)

    @property
    def shapes(self) -> Mapping[str, tuple[int | None, ...]]:
        """Names and shapes of the parameters."""
        return self.layout.shapes

    @property
    def acts_on(self) -> frozenset[tuple[str, int | None]]:
        """The whole of every parameter."""
        return frozenset((name, None) for name in self.layout.shapes)

    def _matrix(self, x: np.ndarray) -> np.ndarray:
        return np.tensordot(algebra_vector(x, self.dim), self.basis, 1)

    def _coordinates(self, X: np.ndarray) -> np.ndarray:
        return np.tensordot(self.basis, X, 2)

    def _element(self, g: Any) -> Pair:
        return check_pair(g, self.basis.shape[-1], "group element")

    def identity(self) -> Pair:
        """Return the identity matrix and its inverse."""
        N = self.basis.shape[-1]
        return np.eye(N), np.eye(N)

    def compose(self, g: Any, h: Any) -> Pair:
        """Return the matrix product."""
        (a, a_inverse), (b, b_inverse) = self._element(g), self._element(h)
        return a @ b, b_inverse @ a_inverse

    def inverse(self, g: Any) -> Pair:
        """Swap the matrix with its inverse."""
        a, b = self._element(g)
        return b, a

    def exp(self, x: np.ndarray) -> Pair:
        """Return the matrix exponential and its inverse."""
        return exp_pair(self._matrix(x))

    def log(self, g: Any) -> np.ndarray:
        """Return the coordinates of the principal logarithm.

        Raises
        ------
        DomainError
            If there is no real principal logarithm in the Lie algebra.
        """
        X = log_matrix(self._element(g)[0])
        x = self._coordinates(X)
        rest = float(np.linalg.norm(X - self._matrix(x)))
        if rest > max(1e-7, 100 * self.tol) * max(1.0, float(np.linalg.norm(X))):
            raise DomainError(f"the logarithm leaves the Lie algebra by {rest:.3g}")
        return x

    def algebra_basis(self) -> Basis:
        """Return the orthonormalised generators, in the coordinates of elements."""
        return Basis(self.dim, lambda i: self.basis[i].copy())

    def distance(self, g: Any) -> float:
        """Return ``||log g||_F / sqrt(2)`` for a compact group, else ``1/2 ||log g^T g||_F``."""
        if self.form is not None:
            return float(np.linalg.norm(self.log(g)) / np.sqrt(2.0))
        return stretch_distance(self._element(g)[0])

    def exp_pullback(self, x: np.ndarray, m: np.ndarray) -> np.ndarray:
        """Return the pulled-back covector."""
        return self._coordinates(exp_pullback_matrix(self._matrix(x), self._matrix(m)))

    def _affine(self, matrix: np.ndarray, w: Parameters) -> np.ndarray:
        """Apply a matrix in the coordinates of elements to ``w`` from its center, or ``(w, 1)``."""
        self.check_parameters(w)
        S, S_inverse = self._frame
        moved = S_inverse @ (matrix @ (S @ self._displacement(w)))
        return np.asarray(moved[: self.layout.size])

    def _displacement(self, w: Parameters) -> np.ndarray:
        """Return ``w`` from the center, or ``(w, 1)``, shape (N, ...)."""
        flat = self.layout.flatten(w)
        if self.center is None:
            return np.concatenate([flat, np.ones((1, *flat.shape[1:]))])
        return (flat.T - self.center).T

    def _linear(self, matrix: np.ndarray, u: Parameters) -> np.ndarray:
        """Apply the linear part of a matrix on the parameters themselves."""
        n = self.layout.size
        return np.asarray(matrix[:n, :n] @ self.layout.flatten(u))

    def act(self, g: Any, w: Parameters) -> dict[str, Any]:
        """Return the moved parameters."""
        g = self._element(g)[0]
        if g.dtype != np.dtype(object) and np.array_equal(g, np.eye(len(g))):
            self.check_parameters(w)
            return dict(w)
        moved = self._affine(g, w)
        if self.center is not None:
            moved = (moved.T + self.center).T
        return self.layout.restore(moved, w)

    def act_tangent(self, g: Any, w: Parameters, u: Parameters) -> dict[str, Any]:
        """Return the linear part of the action on ``u``."""
        self.check_parameters(u)
        S, S_inverse = self._frame
        return self.layout.restore(self._linear(S_inverse @ self._element(g)[0] @ S, u), u)

    def act_cotangent(self, g: Any, w: Parameters, v: Parameters) -> dict[str, Any]:
        """Return the inverse transpose of the linear part on ``v``."""
        self.check_parameters(v)
        S, S_inverse = self._frame
        inverse = S_inverse @ self._element(g)[1] @ S
        n = self.layout.size
        return self.layout.restore(self._linear(inverse[:n, :n].T, v), v)

    def generator(self, x: np.ndarray, w: Parameters) -> dict[str, Any]:
        """Return ``X w + c``."""
        velocity = self.layout.restore(self._affine(self._matrix(x), w), w)
        return {name: velocity[name] if name in self.shapes else 0 * a for name, a in w.items()}

    def generator_adjoint(self, w: Parameters, p: Parameters) -> np.ndarray:
        """Return ``<p, X_i w + c_i>`` for the basis, shape ``(dim,)``."""
        self.check_parameters(w)
        S, S_inverse = self._frame
        y, q = self._displacement(w), self.layout.flatten(p)
        if self.center is None:
            q = np.concatenate([q, np.zeros((1, *q.shape[1:]))])
        N = len(y)
        return self._coordinates((S_inverse.T @ q.reshape(N, -1)) @ (S @ y.reshape(N, -1)).T)

    @property
    def manifold(self) -> Any:
        """The rotations or the general linear group of all n coordinates, in geomstats.

        Raises
        ------
        DomainError
            If the group is neither: geomstats does not know the others.
        """
        from ..geometry import general_linear, special_orthogonal

        n = self.layout.size
        if self.form is not None and self.dim == n * (n - 1) // 2:
            return special_orthogonal(n)
        if self.center is not None and self.dim == n * n:
            return general_linear([n])
        raise DomainError(
            f"geomstats has no space for a group of dimension {self.dim} given by generators on "
            f"{n} parameters"
        )
