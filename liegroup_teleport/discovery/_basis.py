"""A readable basis of a null space: reduced row echelon form, rounded where that is exact."""

from __future__ import annotations

import numpy as np
import scipy.linalg

from .._errors import DomainError

__all__ = ["null_space", "unit_rows"]

DENOMINATOR = 12  # entries are rounded to multiples of one over this
FARTHEST = 1e150  # entry, where one is 1: squares are numbers still
NEAR = 1e-2  # how near to one an entry must be to be tried


def null_space(A: np.ndarray, rank: int, weights: np.ndarray, level: float) -> np.ndarray:
    """Return the null space of a matrix of known rank in reduced row echelon form.

    A pivoted QR decomposition puts the columns that the others determine last: they
    are the free ones, so nothing is amplified. Entries near a multiple of 1/12, of the
    weighted row, become that number where the noise allows it.

    Parameters
    ----------
    A : array (m, k), m >= rank
        Noise makes ``A v`` of a unit vector v of its null space as large as ``level``.
    rank : int
        The number of its singular values that are not zero.
    weights : array (k,)
        What entries of the null space are multiplied by, before each row is scaled
        again to have a one in its free column, of the sign that makes its first entry
        positive.
    level : float

    Returns
    -------
    array (k - rank, k)
        Weighted.
    """
    k = A.shape[1]
    if rank == k:
        return np.zeros((0, k))
    # among columns that are as good, those of large derivatives are bound, as one would choose
    natural = 1.0 / np.abs(weights)
    prefer = np.clip(natural / np.median(natural), 0.25, 4.0)
    R, order = scipy.linalg.qr(A * prefer, mode="r", pivoting=True, check_finite=False)
    bound, free = order[:rank], order[rank:]
    solved = scipy.linalg.solve_triangular(R[:rank, :rank], R[:rank, rank:])
    rows = np.zeros((k - rank, k))
    ahead = np.argsort(free)
    rows[np.arange(k - rank)[:, None], bound] = -solved.T[ahead]
    rows[np.arange(k - rank), free[ahead]] = 1.0
    rows = _without(rows, R[:rank], order, level)
    ones = (np.arange(k - rank), free[ahead])
    with np.errstate(over="ignore"):
        rows = (
            rows * prefer * (weights / weights[free[ahead]][:, None]) / prefer[free[ahead]][:, None]
        )
    if not np.max(np.abs(rows)) < FARTHEST:
        raise DomainError("the units of the parameters are too far apart for floating point")
    rows[ones] = 1.0
    rows = _rounded(rows, A, weights, level)
    first = rows[np.arange(k - rank), np.argmax(rows != 0, axis=1)]
    return rows * np.sign(first)[:, None] + 0.0


def unit_rows(vectors: np.ndarray) -> np.ndarray:
    """Return vectors (d, k) of length one, without overflow or underflow of the squares."""
    vectors = vectors / np.max(np.abs(vectors), axis=1, keepdims=True)
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))


def _without(rows: np.ndarray, R: np.ndarray, order: np.ndarray, level: float) -> np.ndarray:
    """Put zero for entries that are smaller than their own error."""
    rank = len(R)
    if not rank:
        return rows
    # an error of the length of the noise moves a bound entry by as much as its row of the
    # inverse is long
    inverse = scipy.linalg.solve_triangular(R[:, :rank], np.eye(rank))
    errors = np.zeros(rows.shape[1])
    errors[order[:rank]] = level * np.linalg.norm(inverse, axis=1)
    lengths = np.linalg.norm(rows, axis=1)[:, None]
    return np.where(np.abs(rows) <= errors * lengths, 0.0, rows)


def _rounded(rows: np.ndarray, A: np.ndarray, weights: np.ndarray, level: float) -> np.ndarray:
    """Return the rows, rounded to multiples of 1/12 where noise does not see the difference."""
    nearest = np.round(rows * DENOMINATOR) / DENOMINATOR
    close = (nearest != 0) & (np.abs(rows - nearest) <= NEAR * np.abs(nearest))
    tried = np.where(close, nearest, rows)
    fits = np.linalg.norm(A @ unit_rows(tried / weights).T, axis=0) <= level
    return np.where(fits[:, None], tried, rows)
