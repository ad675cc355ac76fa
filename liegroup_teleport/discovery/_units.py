"""Units in which all parameters, all their derivatives and all points weigh the same."""

from __future__ import annotations

import numpy as np

__all__ = ["balanced", "equilibrate"]

SWEEPS = 30


def equilibrate(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return units of the columns and of the rows: ``rows / (r c)`` has entries about one.

    Means of absolute values, in turn (Sinkhorn's iteration). Where a whole row or column is
    zero, its unit is 1.

    Parameters
    ----------
    rows : array (m, n)

    Returns
    -------
    columns : array (n,)
    lines : array (m,)
    """
    # tiny entries may vanish beside large ones: they weigh nothing then
    largest = np.max(np.abs(rows), axis=0, initial=0.0)
    first = np.where(largest > 0, largest, 1.0)
    sizes = np.abs(rows) / first
    columns = np.ones(rows.shape[1])
    lines = np.ones(len(rows))
    for _ in range(SWEEPS):
        lines = _positive(np.mean(sizes / columns, axis=1))
        columns = _positive(np.mean(sizes / lines[:, None], axis=0))
    return first * columns, lines


def _positive(sizes: np.ndarray) -> np.ndarray:
    return np.where(sizes > 0, sizes, 1.0)


def balanced(generators: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return generators in units in which their entries spread least, and these units.

    ``D X D^-1`` with the diagonal D that gives row i and column i of all generators together the
    same length (Osborne's iteration): then a boost of a metric ``diag(-c^2, 1, 1, 1)`` is one of
    ``diag(-1, 1, 1, 1)``. Powers of two, so that nothing is rounded. Each is scaled to length 1.

    Parameters
    ----------
    generators : array (d, N, N)

    Returns
    -------
    generators : array (d, N, N)
    units : array (N,)
        The diagonal of D.
    """
    N = generators.shape[-1]
    units = np.ones(N)
    X = generators
    for _ in range(SWEEPS):
        X = units[:, None] * generators / units
        X = X / np.maximum(np.linalg.norm(X, axis=(1, 2)), 1e-300)[:, None, None]
        sizes = np.sqrt(np.sum(X**2, axis=0))
        np.fill_diagonal(sizes, 0.0)
        change = np.ones(N)
        for i in range(N):
            row = float(np.linalg.norm(sizes[i] * change[i] / change))
            column = float(np.linalg.norm(sizes[:, i] * change / change[i]))
            if row > 0 and column > 0:
                change[i] *= 2.0 ** np.rint(np.log2(column / row) / 2)
        if np.all(change == 1.0):
            break
        units = units * change
    return X, units
