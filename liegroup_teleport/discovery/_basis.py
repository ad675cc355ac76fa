"""A readable basis of a null space: reduced row echelon form, rounded where that is exact."""

from __future__ import annotations

import numpy as np
import scipy.linalg

__all__ = ["readable_null_space"]

DENOMINATOR = 12  # entries are rounded to multiples of one over this
LARGEST = 0.02  # rounding: less than half of that


def readable_null_space(
    A: np.ndarray, rank: int, noise: float, weights: np.ndarray | float = 1.0
) -> np.ndarray:
    """Return the null space of a matrix of known rank in reduced row echelon form.

    A pivoted QR decomposition puts the columns that the others determine last: they
    are the free ones, so nothing is amplified. Entries within the noise of a
    multiple of 1/12 become that number, row by row where the whole row allows it;
    entries within the noise of zero become zero.

    Parameters
    ----------
    A : array (m, k), m >= rank
    rank : int
        The number of its singular values that are not zero.
    noise : float
        Error of the entries of the result.
    weights : array (k,) or float
        What entries of the null space are multiplied by, before each row is scaled
        again to have a one in its free column, of the sign that makes its first entry
        positive.

    Returns
    -------
    array (k - rank, k)
    """
    k = A.shape[1]
    if rank == k:
        return np.zeros((0, k))
    R, order = scipy.linalg.qr(A, mode="r", pivoting=True, check_finite=False)
    bound, free = order[:rank], order[rank:]
    solved = scipy.linalg.solve_triangular(R[:rank, :rank], R[:rank, rank:])
    rows = np.zeros((k - rank, k))
    ahead = np.argsort(free)
    rows[np.arange(k - rank)[:, None], bound] = -solved.T[ahead]
    rows[np.arange(k - rank), free[ahead]] = 1.0
    rows *= weights
    rows /= rows[np.arange(k - rank), free[ahead]][:, None]
    tol = max(1e-10, min(10 * noise, LARGEST))
    rows[np.abs(rows) <= tol] = 0.0
    rounded = np.round(rows * DENOMINATOR) / DENOMINATOR
    exact = np.all(np.abs(rows - rounded) <= tol, axis=1)
    rows[exact] = rounded[exact]
    first = rows[np.arange(k - rank), np.argmax(rows != 0, axis=1)]
    return rows * np.sign(first)[:, None] + 0.0
