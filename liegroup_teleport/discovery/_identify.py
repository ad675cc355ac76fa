"""Which Lie algebra some matrices span."""

from __future__ import annotations

import numpy as np

from ..groups._invariant_form import fixed_point, invariant_form, leaves_span
from ..groups._matrices import orthonormal_rows
from ._structure import describe
from ._units import balanced

__all__ = ["identify"]

LARGEST = 120  # dimension up to which structure constants are computed


def identify(generators: np.ndarray, n: int, tol: float = 1e-8) -> tuple[str, float]:
    """Return the name of the algebra and how far brackets leave its span.

    In units in which the entries spread least: units of the parameters change no algebra.

    Parameters
    ----------
    generators : array (d, n), (d, n, n) or (d, n + 1, n + 1)
        As in :class:`Discovery`.
    n : int
        Number of parameters.
    tol : float
        Relative error of the generators.
    """
    d = len(generators)
    if not d:
        return "none", 0.0
    if generators.ndim == 2:
        return f"diagonal, R^{d}", 0.0
    generators = np.asarray(balanced(generators)[0])
    basis = orthonormal_rows(generators.reshape(d, -1), "generators").reshape(generators.shape)
    closure = leaves_span(basis)
    X, c = generators[:, :n, :n], generators[:, :n, n:]
    if np.any(c) and not np.any(X):
        return f"translations, R^{d}", closure
    if not np.any(c) and np.count_nonzero(X) == np.count_nonzero(np.diagonal(X, axis1=1, axis2=2)):
        return f"diagonal, R^{d}", closure
    name = _of_matrices(X, c[:, :, 0] if c.size else np.zeros((d, n)), tol)
    if name is None and d <= LARGEST:
        name = describe(structure_constants(basis), max(tol, 1e-7))
    return name or f"dimension {d}, not identified", closure


def _of_matrices(X: np.ndarray, c: np.ndarray, tol: float) -> str | None:
    """Name algebras that consist of all matrices of a kind, whatever their dimension."""
    d, n = len(X), X.shape[-1]
    point = fixed_point(X, c, tol)
    if point is None:
        return f"aff({n})" if d == n * (n + 1) else None
    if d == n * n and n > 1:
        return f"gl({n})"
    if d == n * n - 1 and n > 1 and np.max(np.abs(np.trace(X, axis1=1, axis2=2))) < tol:
        return f"sl({n})"
    m = round((1 + np.sqrt(1 + 8 * d)) / 2)
    if m * (m - 1) // 2 != d or m > n:
        return None
    moved = _moved_part(X, m)
    if moved is not None and invariant_form(moved, tol) is not None:
        return f"so({m})"
    return None


def _moved_part(X: np.ndarray, m: int) -> np.ndarray | None:
    """Return the matrices on the m-dimensional space they move, if a complement is fixed."""
    image, image_vectors = np.linalg.eigh(np.einsum("ijk,ilk->jl", X, X, optimize=True))
    rows, row_vectors = np.linalg.eigh(np.einsum("ikj,ikl->jl", X, X, optimize=True))
    for values in (image, rows):
        if int(np.sum(values > 1e-12 * values[-1])) != m:
            return None
    frame = np.hstack([image_vectors[:, -m:], row_vectors[:, :-m]])
    if np.linalg.cond(frame) > 1e8:
        return None
    return (np.linalg.inv(frame) @ X @ frame)[:, :m, :m]


def structure_constants(generators: np.ndarray) -> np.ndarray:
    """Return c with ``[X_i, X_j] = sum_k c[i, j, k] X_k``, shape (d, d, d)."""
    d = len(generators)
    onto = np.linalg.pinv(generators.reshape(d, -1))
    c = np.zeros((d, d, d))
    for i in range(d):
        brackets = generators[i] @ generators - generators @ generators[i]
        c[i] = brackets.reshape(d, -1) @ onto
    return c
