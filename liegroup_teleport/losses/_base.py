"""The loss protocol and the two look-ups of its optional methods."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Protocol, runtime_checkable

import numpy as np

from .._arrays import Array, Parameters, check_names, check_shape, is_symbolic, namespace
from .._guarded import check_loss

__all__ = ["Loss", "check_loss", "gauss_newton_operator", "hvp_operator", "value_and_gradient"]


@runtime_checkable
class Loss(Protocol):
    """Anything with a value, a gradient and Hessian-vector products.

    Parameters are dicts of arrays; results are new dicts of the same names,
    shapes, dtype and library. Used where present, never required:

    - ``value_and_gradient(w) -> (float, dict)``
    - ``gauss_newton_product(w, v) -> dict``
    - ``gauss_newton_operator(w) -> Callable[[dict], dict]``, the linearisation at ``w``
      computed once
    - ``hvp_operator(w) -> Callable[[dict], dict]``, the same for Hessian products
    - ``symmetry() -> SymmetryGroup``
    - ``shapes``, a dict from parameter name to shape
    - ``lower_bound``, a known lower bound of the value, or ``None``

    Examples
    --------
    Any object with these three methods is a loss:

    >>> import numpy as np
    >>> import liegroup_teleport as lt
    >>> class Saddle:
    ...     def value(self, w):
    ...         return float(w["w"][0] * w["w"][1])
    ...     def gradient(self, w):
    ...         return {"w": w["w"][::-1].copy()}
    ...     def hvp(self, w, v):
    ...         return {"w": v["w"][::-1].copy()}
    >>> isinstance(Saddle(), lt.losses.Loss)
    True
    >>> group = lt.groups.DiagonalGroup([[1.0, -1.0]], {"w": (2,)})  # xy does not change
    >>> w = {"w": np.array([8.0, 2.0])}
    >>> lt.teleport(Saddle(), group, w, lt.ParameterNorm()).params["w"].round(6)
    array([4., 4.])
    """

    def value(self, w: Parameters) -> float:
        """Return the loss at ``w``.

        Parameters
        ----------
        w : dict of str to array
            The parameters, in any array library; not changed.

        Returns
        -------
        float
            In the loss's own units.

        Raises
        ------
        ValueError, TypeError
            If names, shapes, dtypes or libraries are not as expected.
        """
        ...

    def gradient(self, w: Parameters) -> dict[str, Array]:
        """Return the gradient at ``w``.

        Parameters
        ----------
        w : dict of str to array
            The parameters, in any array library; not changed.

        Returns
        -------
        dict of str to array
            Of the names, shapes, dtype and library of ``w``.

        Raises
        ------
        ValueError, TypeError
            If names, shapes, dtypes or libraries are not as expected.
        """
        ...

    def hvp(self, w: Parameters, v: Parameters) -> dict[str, Array]:
        """Return the Hessian at ``w`` times ``v``.

        Parameters
        ----------
        w : dict of str to array
            The parameters, in any array library; not changed.
        v : dict of str to array
            A vector of the names and shapes of ``w``.

        Returns
        -------
        dict of str to array
            Of the names, shapes, dtype and library of ``w``.

        Raises
        ------
        ValueError, TypeError
            If names, shapes, dtypes or libraries are not as expected.
        """
        ...


def value_and_gradient(loss: Loss, w: Parameters) -> tuple[float, dict[str, Array]]:
    """Return value and gradient at ``w``, in one evaluation where ``loss`` offers it."""
    method = getattr(loss, "value_and_gradient", None)
    if method is not None:
        value, gradient = method(w)
        return value, gradient
    return loss.value(w), loss.gradient(w)


def hvp_operator(loss: Loss, w: Parameters) -> Callable[[Parameters], dict[str, Array]]:
    """Return ``v -> H(w) v`` with the Hessian H."""
    method = getattr(loss, "hvp_operator", None)
    return partial(loss.hvp, w) if method is None else method(w)


def gauss_newton_operator(
    loss: Loss, w: Parameters
) -> Callable[[Parameters], dict[str, Array]] | None:
    """Return ``v -> B(w) v`` with the Gauss-Newton matrix B, or ``None`` where there is none."""
    method = getattr(loss, "gauss_newton_operator", None)
    if method is not None:
        operator: Callable[[Parameters], dict[str, Array]] = method(w)
        return operator
    product = getattr(loss, "gauss_newton_product", None)
    return None if product is None else partial(product, w)


def scalar(x: Any) -> Any:
    """Return ``x`` as a float, or unchanged where it is a symbolic expression."""
    numeric = not isinstance(x, np.ndarray) or x.dtype != np.dtype(object)
    return float(x) if numeric and hasattr(x, "dtype") else x


def detached(array: Array) -> Array:
    """Cut ``array`` off a recorded graph: derivatives here are computed in closed form."""
    return array.detach() if hasattr(array, "detach") else array


def vector_parameter(w: Parameters, n: int, what: str = "parameters") -> Array:
    """Return the array of ``{"w": (n,)}`` after checking name, shape and dtype."""
    namespace(w)
    check_names(w, ("w",), what)
    check_shape("w", w["w"], (n,))
    return detached(w["w"])


def vector_pair(w: Parameters, v: Parameters, n: int) -> tuple[Array, Array]:
    """Return the arrays of ``w`` and of ``v`` after checking that they match."""
    point, vector = vector_parameter(w, n), vector_parameter(v, n, "vector")
    if is_symbolic(point) or is_symbolic(vector):
        return point, vector
    if namespace(w) is not namespace(v):
        raise TypeError(
            f"the vector is a {type(vector).__name__}, the parameters are "
            f"{type(point).__name__}; expected one array library"
        )
    if vector.dtype != point.dtype:
        raise TypeError(f"vector 'w' is {vector.dtype}; expected {point.dtype}")
    return point, vector
