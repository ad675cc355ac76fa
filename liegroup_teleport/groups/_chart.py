"""Rotations in a chart: losses that are a squared norm after a change of variables."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.linalg

from .._arrays import Array, Parameters, cast, host, is_symbolic, usable
from .._checks import check_callable, check_integer, check_text
from ._base import Basis, SymmetryGroup, algebra_vector
from ._matrices import (
    check_rotation,
    exp_pullback_matrix,
    log_rotation,
    rotation_basis,
    skew,
    skew_coordinates,
)

__all__ = ["ChartRotation"]


@dataclass(frozen=True)
class ChartRotation(SymmetryGroup):
    """SO(n) acting by ``inverse_chart(R chart(w))``.

    If ``L(w) = ||chart(w)||^2`` with an invertible chart, L is unchanged. An
    element is a rotation matrix, shape (n, n).

    Parameters
    ----------
    chart, inverse_chart : callable
        From an array (n,) to an array (n,), in the library of their argument.
    jacobian : callable
        From ``w`` (n,) to the Jacobian of the chart, (n, n).
    inverse_jacobian : callable, optional
        From ``z = chart(w)`` to the Jacobian of the inverse chart; without it a
        linear system is solved.
    size : int
        n, at least 1; with n = 1 the group is trivial.
    name : str
        The parameter's name.

    Raises
    ------
    ValueError
        If the size is not a positive integer.

    References
    ----------
    [Zha22] Zhao et al., *Symmetry Teleportation for Accelerated Optimization*, NeurIPS 2022
    (Booth's and Rosenbrock's functions).

    Examples
    --------
    ``L(w) = w1^2 + (w2 - w1^2)^2`` is the squared norm of the chart ``(w1, w2 - w1^2)``:

    >>> import numpy as np
    >>> import liegroup_teleport as lt
    >>> group = lt.groups.ChartRotation(
    ...     chart=lambda w: np.array([w[0], w[1] - w[0] ** 2]),
    ...     inverse_chart=lambda z: np.array([z[0], z[1] + z[0] ** 2]),
    ...     jacobian=lambda w: np.array([[1.0, 0.0], [-2.0 * w[0], 1.0]]),
    ... )
    >>> quarter = np.array([[0.0, -1.0], [1.0, 0.0]])
    >>> group.act(quarter, {"w": np.array([2.0, 4.0])})  # the chart goes from (2, 0) to (0, 2)
    {'w': array([0., 2.])}
    """

    chart: Callable[[Array], Array]
    inverse_chart: Callable[[Array], Array]
    jacobian: Callable[[Array], Array]
    inverse_jacobian: Callable[[Array], Array] | None = None
    size: int = 2
    name: str = "w"

    compact = True
    linear = False
    diagonal = False
    scope = "loss"

    def __post_init__(self) -> None:
        for name in ("chart", "inverse_chart", "jacobian", "inverse_jacobian"):
            function = getattr(self, name)
            if function is not None or name != "inverse_jacobian":
                check_callable(name, function)
        object.__setattr__(self, "size", check_integer("size", self.size, least=1))
        check_text("name", self.name)

    @property
    def dim(self) -> int:
        """``n (n - 1) / 2``."""
        return self.size * (self.size - 1) // 2

    @property
    def shapes(self) -> Mapping[str, tuple[int | None, ...]]:
        """Name and shape of the parameter."""
        return {self.name: (self.size,)}

    @property
    def acts_on(self) -> frozenset[tuple[str, int | None]]:
        """The whole parameter."""
        return frozenset({(self.name, None)})

    def identity(self) -> np.ndarray:
        """Return the identity matrix."""
        return np.eye(self.size)

    def compose(self, g: Any, h: Any) -> np.ndarray:
        """Return the matrix product."""
        return check_rotation(g, self.size) @ check_rotation(h, self.size)

    def inverse(self, g: Any) -> np.ndarray:
        """Return the transpose."""
        return check_rotation(g, self.size).T

    def exp(self, x: np.ndarray) -> np.ndarray:
        """Return the rotation ``exp X`` of the skew matrix of ``x``."""
        X = skew(algebra_vector(x, self.dim), self.size)
        if self.size == 2:  # a plane rotation needs no matrix exponential
            c, s = np.cos(X[1, 0]), np.sin(X[1, 0])
            return np.array([[c, -s], [s, c]])
        return scipy.linalg.expm(X)

    def log(self, g: Any) -> np.ndarray:
        """Return the coordinates of the rotation's logarithm."""
        return skew_coordinates(log_rotation(check_rotation(g, self.size)))

    def algebra_basis(self) -> Basis:
        """Return the basis of so(n)."""
        return rotation_basis(self.size)

    def distance(self, g: Any) -> float:
        """Return ``||log R||_F / sqrt(2)``; for n = 2 the angle."""
        return float(np.linalg.norm(log_rotation(check_rotation(g, self.size))) / np.sqrt(2.0))

    def exp_pullback(self, x: np.ndarray, m: np.ndarray) -> np.ndarray:
        """Return the pulled-back covector."""
        X, M = skew(x, self.size), skew(m, self.size)
        return skew_coordinates(exp_pullback_matrix(X, M))

    def _ask(self, name: str, point: Array) -> Array:
        """Return what one of the functions says at a point, an array of the right shape."""
        answer = getattr(self, name)(point)
        shape = (self.size, self.size) if "jacobian" in name else tuple(point.shape)
        if type(answer) is not type(point) or tuple(answer.shape) != shape:
            answer = usable(answer, f"what {name} returned")
            if tuple(answer.shape) != shape:
                raise ValueError(
                    f"{name} returned an array of shape {tuple(answer.shape)}; expected {shape}"
                )
            if not is_symbolic(answer):
                answer = cast(host(answer), point)
        return answer

    def _rotate(self, g: np.ndarray, z: Array) -> Array:
        return cast(g, z) @ z

    def act(self, g: Any, w: Parameters) -> dict[str, Any]:
        """Return the parameters rotated in the chart."""
        self.check_parameters(w)
        g = check_rotation(g, self.size)
        if g.dtype != np.dtype(object) and np.array_equal(g, np.eye(self.size)):
            return dict(w)  # the round trip through the chart would round
        return {
            **w,
            self.name: self._ask(
                "inverse_chart", self._rotate(g, self._ask("chart", w[self.name]))
            ),
        }

    def _at(self, z: Array, v: Array, transpose: bool) -> Array:
        """Apply the Jacobian of the inverse chart at ``z``, or its transpose, to ``v``."""
        if self.inverse_jacobian is not None:
            J = self._ask("inverse_jacobian", z)
            return (J.T if transpose else J) @ v
        J = self._ask("jacobian", self._ask("inverse_chart", z))
        if is_symbolic(J):
            raise TypeError("symbolic parameters need inverse_jacobian in closed form")
        J = host(J)
        return cast(np.linalg.solve(J.T if transpose else J, host(v)), v)

    def act_tangent(self, g: Any, w: Parameters, u: Parameters) -> dict[str, Any]:
        """Return the Jacobian of the action applied to ``u``."""
        self.check_parameters(w)
        g = check_rotation(g, self.size)
        point = w[self.name]
        z = self._rotate(g, self._ask("chart", point))
        pushed = self._rotate(g, self._ask("jacobian", point) @ u[self.name])
        return {**u, self.name: self._at(z, pushed, transpose=False)}

    def act_cotangent(self, g: Any, w: Parameters, v: Parameters) -> dict[str, Any]:
        """Return the inverse transposed Jacobian of the action applied to ``v``."""
        self.check_parameters(w)
        g = check_rotation(g, self.size)
        z = self._ask("chart", w[self.name])
        rotated = self._rotate(g, z)
        J = self._ask("jacobian", self._ask("inverse_chart", rotated))
        pulled = self._at(z, v[self.name], transpose=True)
        return {**v, self.name: J.T @ self._rotate(g, pulled)}

    def generator(self, x: np.ndarray, w: Parameters) -> dict[str, Any]:
        """Return the velocity of the rotation in the chart."""
        self.check_parameters(w)
        z = self._ask("chart", w[self.name])
        velocity = cast(skew(algebra_vector(x, self.dim), self.size), z) @ z
        moved = self._at(z, velocity, transpose=False)
        return {name: moved if name == self.name else 0 * a for name, a in w.items()}

    def generator_adjoint(self, w: Parameters, p: Parameters) -> np.ndarray:
        """Return the coordinates of the skew part of ``J^-T p z^T``."""
        self.check_parameters(w)
        z = self._ask("chart", w[self.name])
        q = self._at(z, p[self.name], transpose=True)
        return skew_coordinates(np.outer(host(q), host(z)))

    @property
    def manifold(self) -> Any:
        """SO(n), in geomstats."""
        from ..geometry import special_orthogonal

        return special_orthogonal(self.size)
