"""Positive scalings of single parameter entries along given directions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from .._arrays import Parameters
from .._checks import check_array, check_choice
from .._errors import DomainError
from ._base import Basis, Scope, SymmetryGroup, algebra_vector, check_element
from ._layout import Layout
from ._matrices import orthonormal_rows

__all__ = ["DiagonalGroup"]


@dataclass(frozen=True, eq=False)
class DiagonalGroup(SymmetryGroup):
    """Scalings ``w_j -> exp(sum_i t_i d_ij) w_j`` of all parameters as one vector ``w``.

    Abelian, not compact, and its algebra is closed under transposes: minimising a
    norm on an orbit is convex. :class:`PositiveRescaling` is the group of this kind
    on hidden indices; this one takes any directions.

    An element is the array of scales, shape (n,): powers of two stay exact. Algebra
    vectors are coordinates in the orthonormalised directions.

    Parameters
    ----------
    directions : array (m, n)
        The diagonals d_i, linearly independent; m = 0 is the trivial group.
    parameters : dict of str to tuple of int
        Names and shapes of the parameters, n entries together.
    scope : {"loss", "function"}
        Where the invariance holds, see :class:`SymmetryGroup`.

    Raises
    ------
    ValueError
        If the directions do not fit the parameters or depend on each other.
    DomainError
        If an entry is not finite.

    References
    ----------
    [Hal15] Hall, *Lie Groups, Lie Algebras, and Representations*, 2nd edition, 2015
    (one-parameter subgroups; here they commute).

    [KN79] Kempf & Ness, *The length of vectors in representation spaces*, 1979.

    Examples
    --------
    >>> import numpy as np
    >>> import liegroup_teleport as lt
    >>> group = lt.groups.DiagonalGroup([[1.0, -1.0]], {"w": (2,)})
    >>> group.act(np.array([2.0, 0.5]), {"w": np.array([3.0, 4.0])})
    {'w': array([6., 2.])}
    """

    directions: Any
    parameters: Mapping[str, tuple[int, ...]]
    scope: Scope = "loss"

    compact = False
    linear = True
    diagonal = True
    self_adjoint = True

    def __post_init__(self) -> None:
        check_choice("scope", self.scope, ("loss", "function"))
        given = check_array("directions", self.directions, finite=False)
        n = self.layout.size
        if given.ndim != 2 or given.shape[1] != n:
            raise ValueError(f"directions have shape {given.shape}; expected (m, {n})")
        if not np.all(np.isfinite(given)):
            raise DomainError("directions have entries that are not finite")
        object.__setattr__(self, "directions", given)
        self.rows  # noqa: B018 (checks independence)

    @cached_property
    def layout(self) -> Layout:
        """The order of the entries."""
        return Layout(self.parameters)

    @cached_property
    def rows(self) -> np.ndarray:
        """The orthonormalised directions, (dim, n)."""
        given = self.directions
        return orthonormal_rows(given, "directions") if len(given) else given

    @property
    def dim(self) -> int:
        """Number of directions."""
        return len(self.directions)

    @property
    def shapes(self) -> Mapping[str, tuple[int | None, ...]]:
        """Names and shapes of the parameters."""
        return self.layout.shapes

    @property
    def acts_on(self) -> frozenset[tuple[str, int | None]]:
        """The whole of every parameter."""
        return frozenset((name, None) for name in self.layout.shapes)

    def _element(self, g: Any) -> np.ndarray:
        array = check_element(g, (self.layout.size,), "scaling element")
        if not np.all(array > 0):
            raise DomainError(
                f"scaling element has scale {array[~(array > 0)][0]}; expected scales > 0"
            )
        return array

    def identity(self) -> np.ndarray:
        """Return ones, shape (n,)."""
        return np.ones(self.layout.size)

    def compose(self, g: Any, h: Any) -> np.ndarray:
        """Return the products of the scales."""
        return self._element(g) * self._element(h)

    def inverse(self, g: Any) -> np.ndarray:
        """Return the reciprocals of the scales."""
        return 1 / self._element(g)

    def exp(self, x: np.ndarray) -> np.ndarray:
        """Return the exponentials of the log-scales ``sum_i x_i d_i``."""
        logs = algebra_vector(x, self.dim) @ self.rows
        if np.max(np.abs(logs), initial=0.0) > 700.0:
            raise DomainError(
                f"exponential overflows: log-scale {logs[np.argmax(np.abs(logs))]:.4g} is beyond "
                "+-700"
            )
        return np.exp(logs)

    def log(self, g: Any) -> np.ndarray:
        """Return the coordinates of the log-scales.

        Raises
        ------
        DomainError
            If the log-scales are no combination of the directions.
        """
        logs = np.log(self._element(g))
        x = self.rows @ logs
        rest = float(np.linalg.norm(logs - x @ self.rows))
        if rest > 1e-8 * max(1.0, float(np.linalg.norm(logs))):
            raise DomainError(
                f"the scales are no element: their logarithms leave the span of the directions "
                f"by {rest:.3g}"
            )
        return np.asarray(x)

    def algebra_basis(self) -> Basis:
        """Return the orthonormalised directions as diagonal matrices (n, n)."""
        return Basis(self.dim, lambda i: np.diag(self.rows[i]))

    def distance(self, g: Any) -> float:
        """Return the norm of the log-scales."""
        return float(np.linalg.norm(self.log(g)))

    def exp_pullback(self, x: np.ndarray, m: np.ndarray) -> np.ndarray:
        """Return ``m``: the group is abelian."""
        return m

    def _scale(self, scales: np.ndarray, w: Parameters) -> dict[str, Any]:
        self.check_parameters(w)
        return self.layout.restore((scales * self.layout.flatten(w).T).T, w)

    def act(self, g: Any, w: Parameters) -> dict[str, Any]:
        """Return the scaled parameters."""
        return self._scale(self._element(g), w)

    def act_tangent(self, g: Any, w: Parameters, u: Parameters) -> dict[str, Any]:
        """Return ``u`` scaled like the parameters: the action is linear."""
        return self.act(g, u)

    def act_cotangent(self, g: Any, w: Parameters, v: Parameters) -> dict[str, Any]:
        """Return ``v`` scaled the opposite way."""
        return self._scale(1 / self._element(g), v)

    def generator(self, x: np.ndarray, w: Parameters) -> dict[str, Any]:
        """Return the infinitesimal scaling of ``w``."""
        velocity = self._scale(algebra_vector(x, self.dim) @ self.rows, w)
        return {name: velocity[name] if name in self.shapes else 0 * a for name, a in w.items()}

    def generator_adjoint(self, w: Parameters, p: Parameters) -> np.ndarray:
        """Return ``<d_i, p * w>``, shape ``(dim,)``."""
        self.check_parameters(w)
        products = self.layout.flatten(p) * self.layout.flatten(w)
        return np.asarray(self.rows @ products.reshape(len(products), -1).sum(axis=1))

    @property
    def manifold(self) -> Any:
        """The product of ``dim`` half-lines with the scale-invariant metric, in geomstats."""
        from ..geometry import positive_scales

        return positive_scales(self.dim)
