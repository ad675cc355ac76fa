"""Losses from plain functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import array_api_compat

from .._arrays import (
    Array,
    Parameters,
    axpy,
    check_same_layout,
    epsilon,
    host,
    inner,
    is_symbolic,
    norm,
    scale_parameters,
)
from .._checks import check_callable, check_number
from .._errors import DomainError
from .._guarded import check_value
from ._base import Loss, scalar

__all__ = ["from_function"]


class FunctionLoss:
    """A loss made of functions; build it with :func:`from_function`."""

    def __init__(
        self,
        value: Callable[[Parameters], Any],
        gradient: Callable[[Parameters], dict[str, Array]],
        hvp: Callable[[Parameters, Parameters], dict[str, Array]] | None,
    ) -> None:
        for name, function in (("value", value), ("gradient", gradient)):
            if not callable(function):
                raise TypeError(f"{name} is a {type(function).__name__}; expected a function of w")
        if hvp is not None and not callable(hvp):
            raise TypeError(f"hvp is a {type(hvp).__name__}; expected a function of (w, v) or None")
        self._value = value
        self._gradient = gradient
        self._hvp = hvp

    def __repr__(self) -> str:
        """Name the function."""
        return f"from_function({getattr(self._value, '__name__', self._value)!s})"

    def value(self, w: Parameters) -> float:
        """Return the loss at ``w``."""
        value = self._value(w)
        if not any(is_symbolic(array) for array in w.values()):
            return check_value(value)
        shape = tuple(getattr(value, "shape", ()))
        if shape not in ((), (1,)):
            raise TypeError(f"value(w) returned an array of shape {shape}; expected one number")
        return scalar(value)  # type: ignore[no-any-return]

    def gradient(self, w: Parameters) -> dict[str, Array]:
        """Return the gradient at ``w``; one of other names, shapes or dtype is an error."""
        gradient = self._gradient(w)
        check_same_layout(w, gradient, "gradient")
        return gradient

    def hvp(self, w: Parameters, v: Parameters) -> dict[str, Array]:
        """Return the Hessian at ``w`` times ``v``, by finite differences if not given."""
        check_same_layout(w, v, "vector")
        if self._hvp is not None:
            product = self._hvp(w, v)
            check_same_layout(w, product, "hvp")
            return product
        length = norm(v)
        if length == 0.0:
            return scale_parameters(0.0, v)
        # The error of a central difference, h^2 + eps/h, is least at h = eps^(1/3).
        step = epsilon(w) ** (1.0 / 3.0) * (1.0 + norm(w)) / length
        ahead, behind = self.gradient(axpy(step, v, w)), self.gradient(axpy(-step, v, w))
        return scale_parameters(0.5 / step, axpy(-1.0, behind, ahead))


class GaussNewton:
    """``w, v -> J^T H J v`` from the derivative J of a residual and its adjoint.

    Every product tests that the two are adjoint: ``<J v, H J v> = <v, J^T H J v>``.
    """

    def __init__(
        self,
        jvp: Callable[[Parameters, Parameters], Array],
        vjp: Callable[[Parameters, Array], dict[str, Array]],
        output_hessian: Callable[[Parameters, Array], Array] | None,
    ) -> None:
        for name, function, expected in (
            ("jvp", jvp, "a function of (w, v)"),
            ("vjp", vjp, "a function of (w, e)"),
            ("output_hessian", output_hessian or vjp, "a function of (w, e) or None"),
        ):
            if not callable(function):
                raise TypeError(f"{name} is a {type(function).__name__}; expected {expected}")
        self._jvp, self._vjp, self._output_hessian = jvp, vjp, output_hessian

    def __call__(self, w: Parameters, v: Parameters) -> dict[str, Array]:
        """Return the product with ``v``."""
        check_same_layout(w, v, "vector")
        change = _array("jvp(w, v)", self._jvp(w, v))
        weighted = change
        if self._output_hessian is not None:
            weighted = _array("output_hessian(w, e)", self._output_hessian(w, change))
            if tuple(weighted.shape) != tuple(change.shape):
                raise ValueError(
                    f"output_hessian(w, e) has shape {tuple(weighted.shape)}; expected that of e, "
                    f"which jvp made {tuple(change.shape)}"
                )
        product: Any = self._vjp(w, weighted)
        if isinstance(product, tuple) and len(product) == 1:  # as torch and JAX return it
            product = product[0]
        check_same_layout(w, product, "vjp")
        self._check(w, v, host(change), host(weighted), product)
        return dict(product)

    def _check(
        self, w: Parameters, v: Parameters, change: Any, weighted: Any, product: Any
    ) -> None:
        """Raise unless the product is that of an adjoint pair and of a curvature >= 0."""
        curvature, pulled = inner({"": change}, {"": weighted}), inner(v, product)
        size = max(norm({"": change}) * norm({"": weighted}), norm(v) * norm(product))
        if size == 0.0:
            return
        if not abs(curvature) + abs(pulled) < float("inf"):
            raise DomainError("Gauss-Newton product: jvp or vjp has entries that are not finite")
        tol = max(1e-9, 2048 * epsilon(w))
        if abs(curvature - pulled) > tol * size:
            raise ValueError(
                "vjp is not the adjoint of jvp: <jvp(w, v), e> is "
                f"{curvature:.6g} and <v, vjp(w, e)> is {pulled:.6g}; both must be of one "
                "residual, at the same w"
            )
        if curvature < -tol * size:
            raise ValueError(
                f"output_hessian has the negative curvature {curvature:.3g}; expected that of a "
                "convex loss of the residual"
            )


def _array(what: str, result: Any) -> Array:
    """Return ``result`` if it is one array."""
    if not array_api_compat.is_array_api_obj(result):
        raise TypeError(f"{what} returned a {type(result).__name__}; expected one array")
    return result


def from_function(
    value: Callable[[Parameters], Any],
    gradient: Callable[[Parameters], dict[str, Array]],
    hvp: Callable[[Parameters, Parameters], dict[str, Array]] | None = None,
    *,
    gauss_newton_product: Callable[[Parameters, Parameters], dict[str, Array]] | None = None,
    lower_bound: float | None = None,
    jvp: Callable[[Parameters, Parameters], Array] | None = None,
    vjp: Callable[[Parameters, Array], dict[str, Array]] | None = None,
    output_hessian: Callable[[Parameters, Array], Array] | None = None,
) -> Loss:
    """Make a loss of any functions of a parameter dict.

    Parameters
    ----------
    value : callable
        ``w -> float``.
    gradient : callable
        ``w -> dict`` of the names, shapes and dtype of ``w``.
    hvp : callable, optional
        ``(w, v) -> dict``, the Hessian times ``v``; a central finite difference of
        ``gradient`` (two evaluations, about ten correct digits in float64) if not given.
    gauss_newton_product : callable, optional
        ``(w, v) -> dict`` with a positive semi-definite curvature; objectives that need one
        cannot be used without.
    lower_bound : float, optional
        A known lower bound of the value.
    jvp : callable, optional
        ``(w, v) -> array``, the derivative J of a residual r along ``v``, where the value is half
        the squared length of r, or another convex function of r (see ``output_hessian``). The
        residual may have any shape. With ``vjp`` it makes the Gauss-Newton products
        :math:`J^T J v`, and hence the default objective.
    vjp : callable, optional
        ``(w, e) -> dict``, the adjoint of the same derivative: the gradient of ``<r(w), e>`` with
        ``e`` held fixed. Every product tests that it is the adjoint of ``jvp``.
    output_hessian : callable, optional
        ``(w, e) -> array``, the second derivative H of the value in the residual, times ``e``, for
        a value that is not half the squared length: the products are :math:`J^T H J v`.

    Returns
    -------
    Loss
        It has ``gauss_newton_product`` and ``lower_bound`` only if they are given, or follow from
        what is.

    Raises
    ------
    TypeError
        If one of the functions is none, if ``jvp`` and ``vjp`` are not given both, or if they are
        given beside ``gauss_newton_product``.
    ValueError
        By a product: if ``vjp`` is not the adjoint of ``jvp``, or ``output_hessian`` is not
        positive semi-definite.

    Examples
    --------
    >>> import numpy as np
    >>> import liegroup_teleport as lt
    >>> loss = lt.losses.from_function(
    ...     lambda w: (w["a"] ** 4).sum(), lambda w: {"a": 4 * w["a"] ** 3}
    ... )
    >>> w = {"a": np.array([1.0, 2.0])}
    >>> loss.value(w)
    17.0
    >>> loss.hvp(w, {"a": np.array([1.0, 0.0])})["a"].round(6)
    array([12.,  0.])

    Half a squared residual, here :math:`x_i y_i - 6`, with its Gauss-Newton products:

    >>> def residual(w):
    ...     return w["x"] * w["y"] - 6
    >>> def vjp(w, e):
    ...     return {"x": e * w["y"], "y": e * w["x"]}
    >>> loss = lt.losses.from_function(
    ...     lambda w: (residual(w) ** 2).sum() / 2,
    ...     lambda w: vjp(w, residual(w)),
    ...     jvp=lambda w, v: v["x"] * w["y"] + w["x"] * v["y"],
    ...     vjp=vjp,
    ... )
    >>> group = lt.groups.DiagonalGroup([[1, 0, -1, 0], [0, 1, 0, -1]], {"x": (2,), "y": (2,)})
    >>> jump = lt.teleport(loss, group, {"x": np.array([9.0, 1.0]), "y": np.array([0.1, 2.0])})
    >>> jump.objective_after > jump.objective_before
    True
    """
    if (jvp is None) != (vjp is None):
        given, missing = ("jvp", "vjp") if vjp is None else ("vjp", "jvp")
        raise TypeError(f"{given} is given without {missing}; Gauss-Newton products need both")
    if output_hessian is not None and jvp is None:
        raise TypeError("output_hessian is given without jvp and vjp; expected all three")
    if jvp is not None and vjp is not None:
        if gauss_newton_product is not None:
            raise TypeError(
                "gauss_newton_product is given beside jvp and vjp, which make one; expected one or "
                "the other"
            )
        gauss_newton_product = GaussNewton(jvp, vjp, output_hessian)
    loss = FunctionLoss(value, gradient, hvp)
    # Optional parts of the protocol exist on the loss only if they were given.
    if gauss_newton_product is not None:
        check_callable("gauss_newton_product", gauss_newton_product, "a function of (w, v) or None")
        loss.gauss_newton_product = gauss_newton_product  # type: ignore[attr-defined]
    if lower_bound is not None:
        loss.lower_bound = check_number("lower_bound", lower_bound)  # type: ignore[attr-defined]
    return loss
