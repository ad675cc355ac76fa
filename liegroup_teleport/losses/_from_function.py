"""Losses from plain functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .._arrays import Array, Parameters, axpy, check_same_layout, epsilon, norm, scale_parameters
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


def from_function(
    value: Callable[[Parameters], Any],
    gradient: Callable[[Parameters], dict[str, Array]],
    hvp: Callable[[Parameters, Parameters], dict[str, Array]] | None = None,
    *,
    gauss_newton_product: Callable[[Parameters, Parameters], dict[str, Array]] | None = None,
    lower_bound: float | None = None,
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

    Returns
    -------
    Loss
        It has ``gauss_newton_product`` and ``lower_bound`` only if they are given.

    Raises
    ------
    TypeError
        If ``value``, ``gradient`` or ``hvp`` is no function.

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
    """
    loss = FunctionLoss(value, gradient, hvp)
    # Optional parts of the protocol exist on the loss only if they were given.
    if gauss_newton_product is not None:
        loss.gauss_newton_product = gauss_newton_product  # type: ignore[attr-defined]
    if lower_bound is not None:
        loss.lower_bound = float(lower_bound)  # type: ignore[attr-defined]
    return loss
