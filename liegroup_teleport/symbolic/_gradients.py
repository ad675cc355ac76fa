"""Whether a gradient belongs to its value, and a Hessian product to its gradient."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import sympy

from .._arrays import inner
from ._numbers import Number
from ._running import EXACT_STEP, FLOAT_STEP, STEP, as_floats, run, value_of
from ._scalars import bare
from ._symbols import entries

__all__ = ["derivative_pairs", "hessian_product", "without_own_hessian", "wrong_derivative"]

Parameters = Mapping[str, Any]


def hessian_product(loss: Any, w: Parameters, u: Parameters, how: Any) -> Any:
    """Return the loss's own ``hvp``, or the derivative of its gradient where it has none."""
    if without_own_hessian(loss):
        return how.derivative(lambda t: loss.gradient({n: w[n] + t * u[n] for n in w}))
    return loss.hvp(w, u)


def without_own_hessian(loss: Any) -> bool:
    """Whether ``hvp`` is missing, or a finite difference of gradients."""
    return not hasattr(loss, "hvp") or getattr(loss, "_hvp", loss) is None


def gradient_of(loss: Any, w: Parameters) -> Any:
    """Return the gradient, with the names and shapes of ``w``.

    Raises
    ------
    TypeError, ValueError
        If there is none, or it has other names or shapes.
    """
    if not callable(getattr(loss, "gradient", None)):
        raise TypeError(f"{type(loss).__name__} has no gradient(w), which this statement is about")
    gradient = loss.gradient(w)
    if not isinstance(gradient, Mapping):
        raise TypeError(
            f"gradient(w) of {type(loss).__name__} returned {gradient!r:.40}; expected a dict"
        )
    for name in w:
        if name not in gradient or np.shape(gradient[name]) != np.shape(w[name]):
            raise ValueError(
                f"gradient(w) of {type(loss).__name__} has no {name!r} of shape "
                f"{np.shape(w[name])}; expected the names and shapes of the parameters"
            )
    return gradient


def derivative_pairs(
    loss: Any, w: Parameters, u: Parameters | None, how: Any
) -> Iterator[tuple[Any, Any]]:
    """Yield derivatives of the value by symbols, with the entries of the gradient.

    With a vector ``u`` also those of the gradient along it, with the entries of ``hvp``.
    """
    value = bare(value_of(loss, w))
    gradient = gradient_of(loss, w)
    for name, array in w.items():
        for symbol, slope in zip(entries(array), entries(gradient[name]), strict=True):
            yield sympy.diff(value, bare(symbol)), bare(slope)
    if u is None or without_own_hessian(loss):
        return
    product = loss.hvp(w, u)
    along = how.derivative(lambda t: loss.gradient({n: w[n] + t * u[n] for n in w}))
    for name in w:
        yield from zip(entries(along[name]), entries(product[name]), strict=True)


def wrong_derivative(
    loss: Any, w: Parameters, draw: Callable[[Any], Any], *, hessian: bool
) -> dict[str, Any] | None:
    """Return where gradient or hvp is not the derivative by central differences, or ``None``.

    In exact numbers or in floats, as ``w`` is, parameter by parameter. Where one-sided differences
    of the value disagree there is no derivative, and nothing is asked.
    """
    who = type(loss).__name__
    gradient = run(f"gradient(w) of {who}", "numbers", lambda: gradient_of(loss, w))
    exact = next(iter(w.values())).dtype == np.dtype(object)
    here = value_of(loss, w)
    h: Any = FLOAT_STEP
    if exact:
        h = Number(EXACT_STEP if isinstance(here, Number) and here.exact else STEP)
    tolerance, kinked = (1e-12, 1e-8) if exact else (1e-5, 1e-2)
    whole = {name: draw(array.shape) for name, array in w.items()}
    whole = whole if exact else as_floats(whole)
    for name in w:
        u = {n: whole[n] if n == name else 0 * whole[n] for n in w}
        ahead, behind = (value_of(loss, {n: w[n] + s * u[n] for n in w}) for s in (h, -h))
        slope, expected = (ahead - behind) / (2 * h), inner(gradient, u)
        if abs((ahead - 2 * here + behind) / h) > kinked * (1 + abs(slope)):
            continue
        if not abs(slope - expected) <= tolerance * (1 + abs(slope) + abs(expected)):
            return {"parameter": name, "derivative of value": slope, "gradient": expected}
    if hessian and not without_own_hessian(loss):
        return _wrong_product(loss, w, whole, h, tolerance)
    return None


def _wrong_product(
    loss: Any, w: Parameters, u: Parameters, h: Any, tolerance: float
) -> dict[str, Any] | None:
    product = run(f"hvp(w, v) of {type(loss).__name__}", "numbers", lambda: loss.hvp(w, u))
    here = loss.gradient(w)
    ahead, behind = (loss.gradient({n: w[n] + s * u[n] for n in w}) for s in (h, -h))
    for name in w:
        slopes = (ahead[name] - behind[name]) / (2 * h)
        kinks = abs((ahead[name] - 2 * here[name] + behind[name]) / h)
        for a, b, kink in zip(*map(entries, (slopes, product[name], kinks)), strict=True):
            if kink > 1e4 * tolerance * (1 + abs(a)):
                continue  # no derivative there
            if not abs(a - b) <= tolerance * (1 + abs(a) + abs(b)):
                return {"parameter": name, "derivative of gradient": a, "hvp": b}
    return None
