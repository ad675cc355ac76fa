"""Comparing parameters and elements, with tolerances that depend on the dtype."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import HealthCheck, Phase, settings

from .._arrays import Parameters, axpy, norm, scale_parameters

__all__ = [
    "assert_close",
    "assert_derivative",
    "check",
    "check_unchanged",
    "copied",
    "difference",
    "flat_arrays",
    "search",
    "tolerance",
    "widened",
]


STEPS = (1e-3, 1e-4, 1e-2, 1e-5, 1e-6)


def search(max_examples: int) -> settings:
    """Return the settings of a property search without time limits."""
    return settings(
        max_examples=max_examples,
        deadline=None,
        database=None,
        report_multiple_bugs=False,
        phases=(Phase.explicit, Phase.generate, Phase.target, Phase.shrink),
        suppress_health_check=[
            HealthCheck.too_slow,
            HealthCheck.data_too_large,
            HealthCheck.filter_too_much,
            HealthCheck.differing_executors,
            HealthCheck.nested_given,
        ],
    )


def check(condition: Any, message: str) -> None:
    """Raise ``AssertionError`` with ``message`` unless ``condition`` holds."""
    if not condition:
        raise AssertionError(message)


def check_unchanged(w: Parameters, kept: Parameters, what: str = "parameter") -> None:
    """Check that the arrays of ``w`` are still those of a copy taken before."""
    for name, array in kept.items():
        check(np.array_equal(w[name], array, equal_nan=True), f"{what} {name!r} was changed")


def tolerance(dtype: Any) -> float:
    """Relative tolerance of exact identities: 1e-10 in float64, 1e-3 in float32."""
    eps = float(np.finfo(dtype).eps)
    if eps > 1e-5:
        raise TypeError(
            f"dtype is {np.dtype(dtype)}; expected float32 or wider: no test tells there"
        )
    return 1e-10 if eps < 1e-12 else 8192 * eps


def widened(w: Parameters) -> dict[str, Any]:
    """Return a copy in float64, for central differences."""
    return {name: np.array(array, dtype=np.float64) for name, array in w.items()}


def copied(w: Parameters) -> dict[str, Any]:
    """Return a deep copy."""
    return {name: array.copy() for name, array in w.items()}


def difference(a: Parameters, b: Parameters) -> float:
    """Return the norm of ``a - b``, in float64."""
    return float(np.sqrt(sum(float(np.sum((np.float64(a[n]) - np.float64(b[n])) ** 2)) for n in a)))


def assert_close(a: Parameters, b: Parameters, tol: float, what: str, *others: Parameters) -> None:
    """Check ``||a - b|| <= tol`` times the largest norm of ``a``, ``b`` and what led to them."""
    check(set(a) == set(b), f"{what}: names {sorted(a)} and {sorted(b)} differ")
    for name in a:
        check(
            a[name].shape == b[name].shape and a[name].dtype == b[name].dtype,
            f"{what}: {name!r} is {a[name].dtype}{a[name].shape} here and "
            f"{b[name].dtype}{b[name].shape} there",
        )
    scale = max(norm(w) for w in (a, b, *others))
    error = difference(a, b)
    check(
        error <= tol * scale,
        f"{what}: the sides differ by {error:.3g}, relative to {scale:.3g}; allowed is {tol:.1g}",
    )


def assert_derivative(
    curve: Callable[[float], Parameters],
    derivative: Parameters,
    dtype: Any,
    what: str,
    *others: Parameters,
) -> None:
    """Check ``derivative`` against central differences of fourth order, taken in float64.

    Several step sizes are tried: a kink next to the point spoils the long ones,
    rounding the short ones, and a wrong derivative all of them.
    """
    tol = max(1e-7, tolerance(dtype))
    worst = np.inf
    for t in STEPS:
        far = axpy(-1.0, curve(-2 * t), curve(2 * t))
        near = axpy(-1.0, curve(-t), curve(t))
        numeric = scale_parameters(1 / (12 * t), axpy(-1.0, far, scale_parameters(8.0, near)))
        scale = max(norm(derivative), norm(numeric), *(norm(w) for w in others))
        error = difference(numeric, derivative)
        if error <= tol * scale:
            return
        worst = min(worst, error / scale)
    raise AssertionError(
        f"{what}: central differences differ by {worst:.3g} (relative) at best; "
        f"allowed is {tol:.1g}"
    )


def flat_arrays(g: Any) -> list[np.ndarray]:
    """Return the arrays of an element, a nested tuple of arrays."""
    if isinstance(g, tuple | list):
        return [array for part in g for array in flat_arrays(part)]
    return [np.asarray(g)]
