"""Matrix exponentials, logarithms and bases that several groups share."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import scipy.linalg

from .._arrays import host
from .._checks import shown
from .._errors import DomainError
from ._base import Basis, check_element

__all__ = [
    "block_basis",
    "check_pair",
    "exp_pair",
    "exp_pullback_matrix",
    "log_matrix",
    "log_rotation",
    "orthonormal_rows",
    "rotation_basis",
    "skew",
    "skew_coordinates",
    "stretch_distance",
    "unit_basis",
]


def check_pair(pair: Any, k: int, what: str = "GL element") -> tuple[np.ndarray, np.ndarray]:
    """Check a pair (g, inverse of g), computing the inverse where it is ``None``."""
    if not isinstance(pair, tuple) or len(pair) != 2:
        raise ValueError(f"{what} must hold pairs (g, inverse), got {shown(pair)}")
    g = check_element(pair[0], (k, k), what)
    if pair[1] is not None:
        return g, check_element(pair[1], (k, k), f"inverse of a {what}")
    sign, _ = np.linalg.slogdet(g)
    if not sign > 0:
        raise DomainError(f"{what} has determinant {np.linalg.det(g):.4g}; expected > 0")
    return g, np.linalg.inv(g)


def exp_pair(X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return ``exp(X)`` and ``exp(-X)`` for a (k, k) matrix."""
    if X.dtype == np.dtype(object):
        raise TypeError("the exponential needs numbers, not symbols")
    # the Frobenius norm is larger, and needs no singular values
    if float(np.linalg.norm(X)) > 700.0 and float(np.linalg.norm(X, 2)) > 700.0:
        raise DomainError(f"exponential overflows: norm {np.linalg.norm(X, 2):.4g} is beyond 700")
    if np.array_equal(X, X.T):
        # symmetric: orthogonal eigenvectors give both factors to full accuracy
        values, Q = np.linalg.eigh(X)
        return (Q * np.exp(values)) @ Q.T, (Q * np.exp(-values)) @ Q.T
    return scipy.linalg.expm(X), scipy.linalg.expm(-X)


def log_matrix(g: np.ndarray) -> np.ndarray:
    """Return the real principal logarithm of a (k, k) matrix, or raise ``DomainError``."""
    sign, _ = np.linalg.slogdet(g)
    if not sign > 0:
        raise DomainError(f"no real logarithm: determinant {np.linalg.det(g):.4g} is not positive")
    if g.size and np.linalg.norm(g.T @ g - np.eye(len(g))) < 1e-12 * len(g):
        return log_rotation(g)
    values = np.linalg.eigvals(g)
    if np.any((values.real <= 0) & (np.abs(values.imag) <= 1e-12 * np.abs(values.real))):
        raise DomainError(
            f"no principal logarithm: eigenvalue {values.real.min():.4g} on the negative axis"
        )
    with warnings.catch_warnings():
        # SciPy warns from 1000 eps on; what a long element loses there is rounding
        warnings.filterwarnings("ignore", "logm result may be inaccurate", RuntimeWarning)
        result = scipy.linalg.logm(g)
    if not np.all(np.isfinite(result)):
        raise DomainError("the matrix logarithm is not finite")
    return np.real(result)


def log_rotation(R: np.ndarray) -> np.ndarray:
    """Return a skew-symmetric logarithm of a rotation, angles of pi included.

    A real Schur form splits ``R`` into plane rotations; eigenvalues -1 come in
    pairs, and a pair is a half turn.
    """
    n = len(R)
    if np.linalg.norm(R.T @ R - np.eye(n)) > 1e-8 * max(n, 1):
        raise DomainError("not a rotation: R^T R differs from the identity")
    if n and np.linalg.slogdet(R)[0] < 0:
        raise DomainError("no real logarithm: determinant -1 is not positive")
    T, Q = scipy.linalg.schur(R, output="real")
    X = np.zeros((n, n))
    half_turns = []
    i = 0
    while i < n:
        if i + 1 < n and T[i + 1, i] != 0.0 and abs(T[i + 1, i]) > 1e-14:
            angle = np.arctan2(T[i + 1, i], T[i, i])
            X[i + 1, i], X[i, i + 1] = angle, -angle
            i += 2
            continue
        if T[i, i] < 0:
            half_turns.append(i)
        i += 1
    for a, b in zip(half_turns[::2], half_turns[1::2], strict=True):
        X[b, a], X[a, b] = np.pi, -np.pi
    return Q @ X @ Q.T


def stretch_distance(g: np.ndarray) -> float:
    """Return ``1/2 ||log g^T g||_F``: the norm of the logarithms of the singular values."""
    values = np.linalg.svd(g, compute_uv=False)
    if values.size and not values[-1] > 0:
        raise DomainError("singular matrix: a singular value is zero")
    return float(np.linalg.norm(np.log(values)))


def exp_pullback_matrix(X: np.ndarray, M: np.ndarray) -> np.ndarray:
    """Pull ``M``, a left-trivialised covector at ``exp(X)``, back to ``X``.

    For ``f(exp(tY) exp(X))`` with derivative ``<M, Y>`` the gradient with
    respect to ``X`` is the adjoint of the Frechet derivative of ``exp`` applied
    to ``M exp(X)^-T``; for symmetric ``X`` the divided differences are explicit
    (Daleckii-Krein).
    """
    if np.array_equal(X, X.T):
        values, Q = np.linalg.eigh(X)
        gap = values[:, None] - values[None, :]
        # beyond 700 the exponential itself overflows
        safe = np.where(np.abs(gap) < 1e-8, 1.0, np.minimum(gap, 700.0))
        weight = np.where(np.abs(gap) < 1e-8, 1.0 + gap / 2, np.expm1(safe) / safe)
        return Q @ (weight * (Q.T @ M @ Q)) @ Q.T
    inverse = scipy.linalg.expm(-X)
    return scipy.linalg.expm_frechet(X.T, M @ inverse.T, compute_expm=False)


def unit_basis(sizes: Sequence[int]) -> Basis:
    """Return the matrix units of block-diagonal matrices with blocks of the given sizes."""
    total = sum(sizes)
    starts = np.cumsum([0, *[k * k for k in sizes]])
    offsets = np.cumsum([0, *sizes])

    def unit(i: int) -> np.ndarray:
        block = int(np.searchsorted(starts, i, side="right")) - 1
        row, column = divmod(i - int(starts[block]), sizes[block])
        matrix = np.zeros((total, total))
        matrix[offsets[block] + row, offsets[block] + column] = 1.0
        return matrix

    return Basis(int(starts[-1]), unit)


def block_basis(bases: Sequence[Sequence[np.ndarray]]) -> Basis:
    """Return the basis of a direct sum, as block-diagonal matrices."""
    starts = np.cumsum([0, *[len(basis) for basis in bases]])
    # sizes of the blocks, known once a basis has an element
    sizes = [len(basis[0]) if len(basis) else 0 for basis in bases]
    offsets = np.cumsum([0, *sizes])

    def element(i: int) -> np.ndarray:
        k = int(np.searchsorted(starts, i, side="right")) - 1
        matrix = np.zeros((int(offsets[-1]), int(offsets[-1])))
        window = slice(int(offsets[k]), int(offsets[k + 1]))
        matrix[window, window] = bases[k][i - int(starts[k])]
        return matrix

    return Basis(int(starts[-1]), element)


def orthonormal_rows(rows: np.ndarray, what: str) -> np.ndarray:
    """Orthonormalise rows one after the other (Gram-Schmidt), shape (m, n).

    Raises ``ValueError`` if they depend linearly on each other.
    """
    lengths = np.linalg.norm(rows, axis=1)
    if len(rows) > rows.shape[1] or not np.all(lengths > 0):
        raise ValueError(f"{what} are linearly dependent; expected independent ones")
    rows = rows / lengths[:, None]
    if np.max(np.abs(rows @ rows.T - np.eye(len(rows)))) < 1e-14:
        return rows
    Q, R = np.linalg.qr(rows.T)
    diagonal = np.diagonal(R)
    if np.min(np.abs(diagonal)) < 1e-10:
        raise ValueError(f"{what} are linearly dependent; expected independent ones")
    return (Q * np.sign(diagonal)).T


def skew(x: np.ndarray, n: int) -> np.ndarray:
    """Return the skew-symmetric (n, n) matrix of coordinates ``x``."""
    X = np.zeros((n, n), dtype=x.dtype)
    rows, columns = np.tril_indices(n, -1)
    half = x / np.sqrt(2.0)
    X[rows, columns], X[columns, rows] = half, -half
    return X


def skew_coordinates(X: np.ndarray) -> np.ndarray:
    """Return the coordinates of the skew part of ``X`` (orthonormal basis)."""
    rows, columns = np.tril_indices(len(X), -1)
    return (X[rows, columns] - X[columns, rows]) / np.sqrt(2.0)


def rotation_basis(n: int) -> Basis:
    """Return the basis ``(E_ij - E_ji)/sqrt(2)``, i > j, of so(n)."""

    def unit(i: int) -> np.ndarray:
        x = np.zeros(n * (n - 1) // 2)
        x[i] = 1.0
        return skew(x, n)

    return Basis(n * (n - 1) // 2, unit)


def check_rotation(R: Any, n: int) -> np.ndarray:
    """Check that ``R`` is an (n, n) rotation (object arrays are let through)."""
    R = check_element(R, (n, n), "rotation")
    if R.dtype == np.dtype(object):
        return R
    R = host(R)
    error = float(np.linalg.norm(R.T @ R - np.eye(n))) if n else 0.0
    if error > 1e-8 * max(n, 1):
        raise DomainError(f"not a rotation: ||R^T R - I|| = {error:.3g}")
    if n and np.linalg.slogdet(R)[0] < 0:
        raise DomainError("not a rotation: determinant -1; expected +1")
    return R
