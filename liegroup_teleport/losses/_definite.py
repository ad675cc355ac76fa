r"""Proved bounds on eigenvalues of symmetric matrices, from a Cholesky factorisation.

Where the factorisation of M runs through in floating point, ``R^T R = M + D`` with
``|D| <= gamma_(b+2) |R|^T |R|`` for half bandwidth b (Higham 2002, theorem 10.3, whatever the
order of the sums), hence

.. math:: \lambda_{\min}(M) \ge -\gamma_{b+2}
    \min\{\operatorname{tr} M,\ (2b+1) \max_i M_{ii}\} / (1 - \gamma_{b+2}).

Krylov methods prove nothing: their values bound the largest eigenvalue from below only, and
they miss invariant subspaces that the start does not touch.

References
----------
[Hig02] Higham, *Accuracy and Stability of Numerical Algorithms*, 2nd edition, 2002, chapter 10.

[Rum06] Rump, *Verification of positive definiteness*, BIT Numerical Mathematics 46, 2006.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.linalg
import scipy.sparse
from scipy.sparse.csgraph import reverse_cuthill_mckee

__all__ = ["gamma", "greatest_below", "is_positive_definite", "least_above"]

UNIT = float(np.finfo(np.float64).eps) / 2
NARROW = 8  # diagonals that a band may have at any size
ENTRIES = 10**7  # of a wider band, or of a full matrix of up to 3,000 rows
TINY, HUGE = 1e-250, 1e300  # sizes of a matrix between which nothing underflows that matters
RETRIES = (0.0, 1e-12, 1e-10, 1e-8)  # relative distances from the value to be proved


def gamma(count: float) -> float:
    """Return Higham's ``gamma_n = n u / (1 - n u)``, of the rounding of n operations."""
    return count * UNIT / (1 - count * UNIT)


def greatest_below(A: Any, value: float) -> float | None:
    """Return a proved upper bound on the largest eigenvalue of ``A``, close above ``value``.

    ``None`` where the factorisation fails, or would be too dear: ``value`` is not
    the largest eigenvalue, or that is not known.
    """
    return _bound(A, value, -1.0)


def least_above(A: Any, value: float) -> float | None:
    """Return a proved lower bound on the least eigenvalue of ``A``, close below ``value``."""
    return _bound(A, value, 1.0)


def _bound(A: Any, value: float, sign: float) -> float | None:
    """Bound the eigenvalues of ``sign A`` from below by ``sign value``, to a little more."""
    band = _Band.of(A)
    if band is None:
        edge = _gershgorin(A, sign)
        near = edge is not None and abs(edge - value) <= RETRIES[-1] * abs(value)
        return edge if near else None
    size = max(float(np.max(np.abs(band.rows[-1]))), abs(value))
    first = 8 * gamma(band.width + 3) * size  # what eigenvalues are known to in practice
    for relative in RETRIES:
        shift = max(first, relative * abs(value))
        margin = band.margin(sign, shift - sign * value)
        if margin is not None:
            return value - sign * (shift + margin)
    return None


def is_positive_definite(A: Any) -> bool | None:
    """Whether ``A`` is positive definite: proved, refuted to rounding, or ``None``: not decided."""
    if not (isinstance(A, np.ndarray) or scipy.sparse.issparse(A)):
        return None
    diagonal = A.diagonal()
    if not np.all(diagonal > 0):
        return False
    band = _Band.of(A)
    if band is None:
        edge = _gershgorin(A, 1.0)
        return True if edge is not None and edge > 0 else None
    margin = band.margin(1.0, 0.0)
    if margin is None:
        return False
    inner = band.margin(1.0, -2 * margin)
    return True if inner is not None and inner < 2 * margin else None


def _gershgorin(A: Any, sign: float) -> float | None:
    """Return the outermost end of Gershgorin's discs: the least of ``sign A``, times ``sign``."""
    if not scipy.sparse.issparse(A):
        return None
    diagonal = A.diagonal()
    radii = np.asarray(abs(A).sum(axis=1)).reshape(-1) - np.abs(diagonal)
    ends = diagonal - sign * radii
    end = float(ends.min() if sign > 0 else ends.max())
    rounding = gamma(int(np.diff(A.indptr).max(initial=0)) + 3)
    return end - sign * rounding * float(np.max(np.abs(diagonal) + radii))


class _Band:
    """A symmetric matrix by its upper diagonals, as LAPACK stores bands: (width + 1, n)."""

    def __init__(self, rows: np.ndarray) -> None:
        self.rows = rows

    def __len__(self) -> int:
        return int(self.rows.shape[1])

    @property
    def width(self) -> int:
        """Half bandwidth."""
        return len(self.rows) - 1

    @classmethod
    def of(cls, A: Any) -> _Band | None:
        """Return the band of ``A``, reordered where that helps; ``None`` if it is too large."""
        if isinstance(A, np.ndarray):
            if A.dtype == np.dtype(object) or A.size > ENTRIES:
                return None
            return _Dense(A)
        if not scipy.sparse.issparse(A):
            return None
        A = A.tocsr()
        n = A.shape[0]
        width = _half_bandwidth(A)
        if width + 1 > NARROW and (width + 1) * n > n * NARROW:
            order = reverse_cuthill_mckee(A, symmetric_mode=True)
            reordered = A[order][:, order]
            if _half_bandwidth(reordered) < width:
                A, width = reordered, _half_bandwidth(reordered)
        if width + 1 > NARROW and (width + 1) * n > ENTRIES:
            return None
        rows = np.zeros((width + 1, n))
        for k in range(width + 1):
            rows[width - k, k:] = A.diagonal(k)
        return cls(rows)

    def margin(self, sign: float, shift: float) -> float | None:
        """Return m >= 0 with ``sign A + shift I >= -m``, proved; ``None`` where that fails."""
        rows = sign * self.rows
        rows[-1] += shift
        largest, trace = float(rows[-1].max()), float(rows[-1].sum())
        if not (float(rows[-1].min()) > 0 and TINY < largest < HUGE):
            return None
        try:
            scipy.linalg.cholesky_banded(rows, overwrite_ab=True, check_finite=False)
        except np.linalg.LinAlgError:
            return None
        return self._rounding(largest, trace, shift)

    def _rounding(self, largest: float, trace: float, shift: float) -> float:
        # one operation more than the factorisation, and the rounding of the shifted diagonal
        bound = gamma(self.width + 3) * min(trace, (2 * self.width + 1) * largest)
        return bound * (1 + 1e-6) + UNIT * (largest + abs(shift))


class _Dense(_Band):
    """A full matrix."""

    def __init__(self, A: np.ndarray) -> None:
        super().__init__(A.diagonal()[None, :])
        self._A = A

    @property
    def width(self) -> int:
        return len(self._A) - 1

    def margin(self, sign: float, shift: float) -> float | None:
        M = sign * self._A
        M[np.diag_indices(len(M))] += shift
        diagonal = M.diagonal()
        largest, trace = float(diagonal.max()), float(diagonal.sum())
        if not (float(diagonal.min()) > 0 and TINY < largest < HUGE):
            return None
        try:
            scipy.linalg.cholesky(M, overwrite_a=True, check_finite=False)
        except np.linalg.LinAlgError:
            return None
        return self._rounding(largest, trace, shift)


def _half_bandwidth(A: Any) -> int:
    """Return the largest ``|i - j|`` of a stored entry of a CSR matrix."""
    counts = np.diff(A.indptr)
    if not A.nnz:
        return 0
    starts = A.indptr[:-1][counts > 0]
    rows = np.flatnonzero(counts)
    first = np.minimum.reduceat(A.indices, starts)
    last = np.maximum.reduceat(A.indices, starts)
    return int(max(np.max(rows - first), np.max(last - rows), 0))
