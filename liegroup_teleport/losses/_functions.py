"""Test functions that are squared norms of an invertible chart."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import array_api_compat
import numpy as np

from .._arrays import Array, Parameters, cast, is_symbolic, usable
from ._base import scalar, vector_pair, vector_parameter

if TYPE_CHECKING:
    from ..groups import SymmetryGroup

__all__ = ["Booth", "Rosenbrock"]

UNDERFLOW = np.errstate(under="ignore")  # is zero, also where the caller has NumPy raise errors


def _pair(name: str, point: Array) -> Array:
    """Return a point or its coordinates, two real numbers in any array library."""
    plain = type(point) is np.ndarray and point.dtype.kind == "f"
    array = point if plain else usable(point, name)
    if tuple(array.shape)[:1] != (2,):
        raise ValueError(f"{name} has shape {tuple(array.shape)}; expected (2,)")
    return array


def _stack(entries: Sequence[Any], like: Array) -> Array:
    """Stack scalars into a vector of the library and dtype of ``like``."""
    if is_symbolic(like):
        return np.array(entries, dtype=object)
    xp = array_api_compat.array_namespace(like)
    return xp.stack(list(entries))


@dataclass(frozen=True)
class _ChartLoss(ABC):
    r"""A loss :math:`\|\varphi(w)\|^2` in two variables with an invertible chart.

    The charts take and return 1-D arrays of any array library, NumPy object arrays included.
    """

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Shape of the parameter."""
        return {"w": (2,)}

    @property
    def lower_bound(self) -> float:
        """Zero: the loss is a sum of squares."""
        return 0.0

    @abstractmethod
    def chart(self, w: Array) -> Array:
        """Return the chart coordinates of the point ``w``."""
        w = _pair("w", w)

    @abstractmethod
    def inverse_chart(self, z: Array) -> Array:
        """Return the point with chart coordinates ``z``."""
        z = _pair("z", z)

    @abstractmethod
    def jacobian(self, w: Array) -> Array:
        """Return the derivative (2, 2) of the chart at the point ``w``."""
        w = _pair("w", w)

    @abstractmethod
    def inverse_jacobian(self, z: Array) -> Array:
        """Return the derivative (2, 2) of the inverse chart at coordinates ``z``."""
        z = _pair("z", z)

    @abstractmethod
    def _chart_curvature(self, z: Array, v: Array) -> Array:
        """Return the sum over i of ``z_i`` times the Hessian of the i-th coordinate times ``v``."""

    @UNDERFLOW
    def value(self, w: Parameters) -> float:
        """Return the loss at ``w``."""
        z = self.chart(vector_parameter(w, 2))
        return scalar((z * z).sum())  # type: ignore[no-any-return]

    def gradient(self, w: Parameters) -> dict[str, Array]:
        """Return the gradient at ``w``."""
        return self.value_and_gradient(w)[1]

    @UNDERFLOW
    def value_and_gradient(self, w: Parameters) -> tuple[float, dict[str, Array]]:
        """Return value and gradient at ``w``."""
        point = vector_parameter(w, 2)
        z = self.chart(point)
        return scalar((z * z).sum()), {"w": 2 * (self.jacobian(point).T @ z)}

    @UNDERFLOW
    def hvp(self, w: Parameters, v: Parameters) -> dict[str, Array]:
        """Return the full Hessian at ``w`` times ``v``."""
        point, vector = vector_pair(w, v, 2)
        J, z = self.jacobian(point), self.chart(point)
        return {"w": 2 * (J.T @ (J @ vector) + self._chart_curvature(z, vector))}

    @UNDERFLOW
    def gauss_newton_product(self, w: Parameters, v: Parameters) -> dict[str, Array]:
        """Return ``2 J^T J v`` with the Jacobian J of the chart at ``w``."""
        point, vector = vector_pair(w, v, 2)
        J = self.jacobian(point)
        return {"w": 2 * (J.T @ (J @ vector))}

    def symmetry(self) -> SymmetryGroup:
        """Return the rotations of the chart coordinates."""
        from ..groups import ChartRotation

        return ChartRotation(
            self.chart,
            self.inverse_chart,
            self.jacobian,
            inverse_jacobian=self.inverse_jacobian,
        )


@dataclass(frozen=True)
class Booth(_ChartLoss):
    r"""Booth's function :math:`(x + 2y - 7)^2 + (2x + y - 5)^2`, minimum 0 at (1, 3).

    References
    ----------
    [JY13] Jamil & Yang, *A literature survey of benchmark functions for global optimisation
    problems*, International Journal of Mathematical Modelling and Numerical Optimisation 4(2),
    2013.

    [Zha22] Zhao et al., *Symmetry Teleportation for Accelerated Optimization*, NeurIPS 2022.

    Examples
    --------
    >>> import numpy as np
    >>> import liegroup_teleport as lt
    >>> loss, w = lt.losses.Booth(), {"w": np.array([5.0, -5.0])}
    >>> loss.value(w)
    144.0
    >>> loss.chart(w["w"])  # the loss is its squared norm
    array([-12.,   0.])
    >>> loss.symmetry().compact
    True
    """

    def chart(self, w: Array) -> Array:
        """Return ``(x + 2y - 7, 2x + y - 5)``.

        Parameters
        ----------
        w : array (2,)
            The point.

        Returns
        -------
        array (2,)
            Its coordinates.
        """
        w = _pair("w", w)
        x, y = w[0], w[1]
        return _stack([x + 2 * y - 7, 2 * x + y - 5], w)

    def inverse_chart(self, z: Array) -> Array:
        """Return the point with chart coordinates ``z``.

        Parameters
        ----------
        z : array (2,)
            Chart coordinates.

        Returns
        -------
        array (2,)
            The point.
        """
        z = _pair("z", z)
        p, q = z[0] + 7, z[1] + 5
        return _stack([(2 * q - p) / 3, (2 * p - q) / 3], z)

    def jacobian(self, w: Array) -> Array:
        """Return the constant derivative of the chart.

        Parameters
        ----------
        w : array (2,)
            The point.

        Returns
        -------
        array (2, 2)
            Rows belong to coordinates.
        """
        w = _pair("w", w)
        return cast(np.array([[1, 2], [2, 1]]), w)

    def inverse_jacobian(self, z: Array) -> Array:
        """Return the constant derivative of the inverse chart.

        Parameters
        ----------
        z : array (2,)
            Chart coordinates.

        Returns
        -------
        array (2, 2)
            Columns belong to coordinates.
        """
        z = _pair("z", z)
        third = (z[0] * 0 + 1) / 3  # an exact third where the entries are exact
        return cast(np.array([[-1, 2], [2, -1]]), z) * third

    def _chart_curvature(self, z: Array, v: Array) -> Array:
        return 0 * v  # the chart is affine


@dataclass(frozen=True)
class Rosenbrock(_ChartLoss):
    r"""Rosenbrock's function :math:`100 (x^2 - y)^2 + (x - 1)^2`, minimum 0 at (1, 1).

    References
    ----------
    [Ros60] Rosenbrock, *An automatic method for finding the greatest or least value of a function*,
    The Computer Journal 3(3), 1960.

    [Zha22] Zhao et al., *Symmetry Teleportation for Accelerated Optimization*, NeurIPS 2022.

    Examples
    --------
    >>> import numpy as np
    >>> import liegroup_teleport as lt
    >>> loss, w = lt.losses.Rosenbrock(), {"w": np.array([-1.0, -1.0])}
    >>> loss.value(w)
    404.0
    >>> float(loss.lower_bound), loss.value({"w": np.ones(2)})
    (0.0, 0.0)
    """

    def chart(self, w: Array) -> Array:
        """Return ``(10 (x^2 - y), x - 1)``.

        Parameters
        ----------
        w : array (2,)
            The point.

        Returns
        -------
        array (2,)
            Its coordinates.
        """
        w = _pair("w", w)
        x, y = w[0], w[1]
        return _stack([10 * (x * x - y), x - 1], w)

    def inverse_chart(self, z: Array) -> Array:
        """Return the point with chart coordinates ``z``.

        Parameters
        ----------
        z : array (2,)
            Chart coordinates.

        Returns
        -------
        array (2,)
            The point.
        """
        z = _pair("z", z)
        x = z[1] + 1
        return _stack([x, x * x - z[0] / 10], z)

    def jacobian(self, w: Array) -> Array:
        """Return the derivative of the chart at ``w``.

        Parameters
        ----------
        w : array (2,)
            The point.

        Returns
        -------
        array (2, 2)
            Rows belong to coordinates.
        """
        w = _pair("w", w)
        x = w[0]
        zero = x * 0
        rows = [20 * x, zero - 10, zero + 1, zero]
        return _stack(rows, w).reshape((2, 2))

    def inverse_jacobian(self, z: Array) -> Array:
        """Return the derivative of the inverse chart at ``z``.

        Parameters
        ----------
        z : array (2,)
            Chart coordinates.

        Returns
        -------
        array (2, 2)
            Columns belong to coordinates.
        """
        z = _pair("z", z)
        zero = z[0] * 0
        rows = [zero, zero + 1, (zero - 1) / 10, 2 * (z[1] + 1)]
        return _stack(rows, z).reshape((2, 2))

    def _chart_curvature(self, z: Array, v: Array) -> Array:
        return _stack([20 * z[0] * v[0], 0 * v[1]], v)
