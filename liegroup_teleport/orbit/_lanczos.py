"""Largest eigenvalues of operators on parameter dicts, by Lanczos."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.linalg

from .._arrays import Parameters, axpy, combine, inner, map_parameters, norm, scale_parameters

__all__ = ["largest_eigenvalue"]


def largest_eigenvalue(
    operator: Callable[[Parameters], Parameters],
    start: Parameters,
    *,
    tol: float = 1e-3,
    max_iterations: int = 40,
    enough: float = np.inf,
) -> tuple[float, dict[str, Any]]:
    """Return the algebraically largest eigenvalue of a symmetric operator, and its eigenvector.

    Lanczos with full orthogonalisation on parameter dicts of any array library;
    the tridiagonal problem is SciPy's. Power iteration would find the largest
    in absolute value instead, which may be negative.

    Parameters
    ----------
    operator : callable
        From parameters to parameters, symmetric.
    start : dict of str to array
        Starting vector, not zero.
    tol : float
        Relative accuracy of the Ritz value.
    max_iterations : int
        Most operator products.
    enough : float
        Stop as soon as the eigenvalue is known to be larger than this.

    Returns
    -------
    float, dict
        Infinity where a product is not finite.
    """
    length = norm(start)
    if not length > 0:
        start = map_parameters(lambda a: a + 1, start)
        length = norm(start)
    basis = [scale_parameters(1.0 / length, start)]
    diagonal: list[float] = []
    off: list[float] = []
    largest = -np.inf
    for step in range(max_iterations):
        r = dict(operator(basis[-1]))
        diagonal.append(inner(basis[-1], r))
        if not np.isfinite(diagonal[-1]):
            return np.inf, dict(start)
        for _ in range(2):
            for q in basis:
                r = axpy(-inner(q, r), q, r)
        beta = norm(r)
        values, vectors = scipy.linalg.eigh_tridiagonal(np.array(diagonal), np.array(off))
        largest = float(values[-1])
        error = beta * abs(float(vectors[-1, -1]))
        if (
            largest > enough
            or error <= tol * abs(largest)
            or beta <= 1e-12 * max(np.max(np.abs(values)), 1e-300)
        ):
            break
        if step + 1 < max_iterations:
            off.append(beta)
            basis.append(scale_parameters(1.0 / beta, r))
    top = combine(zip((float(c) for c in vectors[:, -1]), basis, strict=True))
    # the Ritz value is a lower bound: the residual covers what is missing
    return largest + error, top
