"""What generators leave unchanged: their span, a point, a positive definite form."""

from __future__ import annotations

import numpy as np
import scipy.linalg

__all__ = ["fixed_point", "invariant_form", "leaves_span"]

AVERAGES = 400  # each at least halves what is not invariant yet, on average


def leaves_span(basis: np.ndarray, pairs: int = 4) -> float:
    """Return how far brackets leave the span of an orthonormal basis (d, N, N), relative.

    Brackets of vectors in general position: polynomial identities hold for all
    vectors if they hold there.
    """
    worst, rng = 0.0, np.random.default_rng(0)
    for _ in range(pairs if len(basis) > 1 else 0):
        X, Y = np.tensordot(rng.standard_normal((2, len(basis))), basis, 1)
        bracket = X @ Y - Y @ X
        rest = bracket - np.tensordot(np.tensordot(basis, bracket, 2), basis, 1)
        size = float(np.linalg.norm(X) * np.linalg.norm(Y))
        worst = max(worst, float(np.linalg.norm(rest)) / size)
    return worst


def fixed_point(X: np.ndarray, c: np.ndarray, tol: float) -> np.ndarray | None:
    """Return a point p (n,) with ``X_i p + c_i = 0`` for all i, or ``None``.

    Parameters
    ----------
    X, c : array (d, n, n) and (d, n)
        Linear parts and translations of the generators.
    tol : float
        Relative error allowed.
    """
    n = X.shape[-1]
    if not np.any(c):
        return np.zeros(n)
    stacked, right = X.reshape(-1, n), -c.reshape(-1)
    point: np.ndarray = np.linalg.lstsq(stacked, right, rcond=1e-10)[0]
    rest = float(np.linalg.norm(stacked @ point - right))
    if rest > max(tol, 1e-10) * float(np.linalg.norm(right)):
        return None
    whole = np.rint(point)  # coordinates that are whole numbers to rounding are just that
    return np.where(np.abs(point - whole) < 1e-12 * np.maximum(1.0, np.abs(whole)), whole, point)


def invariant_form(X: np.ndarray, tol: float) -> np.ndarray | None:
    """Return a positive definite P with ``X_i^T P + P X_i = 0`` for all i, or ``None``.

    The average of ``g^T g`` over the group, by Weyl's unitarian trick: it is
    taken over products of random elements. A group without such a form is
    unbounded, and so is the average.

    Parameters
    ----------
    X : array (d, n, n)
        Generators, linearly independent.
    tol : float
        Relative error allowed.
    """
    d, n = X.shape[:2]
    P = np.eye(n)
    X = X / np.maximum(np.linalg.norm(X, axis=(1, 2)), 1e-300)[:, None, None]
    if d == 0 or np.max(np.abs(X + X.transpose(0, 2, 1))) <= max(1e-12, 1e-2 * tol):
        return P
    rng = np.random.default_rng(0)
    allowed = max(1e-12, tol)
    for _ in range(AVERAGES):
        Y = np.tensordot(rng.standard_normal(d), X, 1)
        values = np.linalg.eigvals(Y)
        speed = float(np.max(np.abs(values.imag)))
        if speed <= 1e-6 or np.max(np.abs(values.real)) > 1e-4 * speed:
            return None  # shears or stretches without limit
        g = scipy.linalg.expm(Y * (rng.uniform(1.0, 20.0) / speed))
        P = (P + g.T @ P @ g) / 2
        P = P * (n / np.trace(P))
        if not np.all(np.isfinite(P)) or np.linalg.cond(P) > 1e12:
            return None
        product = P @ X
        rest = product + product.transpose(0, 2, 1)
        error = float(np.max(np.abs(rest))) / float(np.max(np.abs(product)))
        if error <= 1e-14:
            break
    return (P + P.T) / 2 if error <= allowed else None
