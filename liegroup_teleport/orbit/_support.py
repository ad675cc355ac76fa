"""Diagonal actions: whether the infimum of a norm is attained, proved by rational arithmetic.

Entry j of the vector is multiplied by ``exp(<a_j, x>)``. Its squared norm is a sum of such
exponentials; the infimum over x is attained exactly if some strictly positive weights on the
exponents of all entries that are not zero cancel: ``sum q_j a_j = 0``. Otherwise entries outside
the largest set that such weights can cover go to zero along one direction y, which is constant
on the others, and the infimum is that of the others alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.linalg import qr
from scipy.optimize import linprog

from .._arrays import Parameters
from ..groups import DiagonalGroup, DirectProduct, PositiveRescaling, SymmetryGroup
from ..groups._rational import fractions, solve

__all__ = ["covered", "exponents", "weighted_bound"]

LARGEST = 40_000  # entries of the matrix of exponents that exact arithmetic is tried on


@dataclass(frozen=True)
class _Columns:
    """The distinct exponents of entries that are not zero, and where each entry's is."""

    matrix: np.ndarray
    place: np.ndarray


def exponents(group: SymmetryGroup, vector: Parameters) -> np.ndarray | None:
    """Return how generators scale the entries of ``vector``, array after array, (m, entries).

    The numbers are those that define the group, not orthonormalised. ``None`` for other actions,
    or where the matrix would be large.
    """
    rows = _rows(group, {name: tuple(a.shape) for name, a in vector.items()})
    return None if rows is None else np.concatenate(rows, axis=1)


def _rows(group: SymmetryGroup, shapes: dict[str, tuple[int, ...]]) -> list[np.ndarray] | None:
    total = sum(int(np.prod(shape)) for shape in shapes.values())
    if isinstance(group, DirectProduct):
        parts = [_rows(factor, shapes) for factor in group.groups]
        if any(part is None for part in parts):
            return None
        return [np.concatenate(blocks) for blocks in zip(*parts, strict=True)]  # type: ignore[arg-type]
    if not isinstance(group, PositiveRescaling | DiagonalGroup) or group.dim * total > LARGEST:
        return None
    result = {name: np.zeros((group.dim, *shape)) for name, shape in shapes.items()}
    if isinstance(group, DiagonalGroup):
        for name, window in group.layout.windows.items():
            own = group.directions[:, window]
            ahead = int(np.prod(group.layout.shapes[name], dtype=int))
            shape = shapes[name]
            wide = np.broadcast_to(
                own[:, :, None], (group.dim, ahead, int(np.prod(shape)) // ahead)
            )
            result[name] = wide.reshape(group.dim, *shape)
    else:
        starts = np.cumsum([0, *group.slots.sizes])
        for i, name, axis, written in group.slots:
            for unit in range(group.slots.sizes[i]):
                place: list[Any] = [int(starts[i]) + unit, *[slice(None)] * len(shapes[name])]
                place[axis + 1] = unit
                result[name][tuple(place)] += 1.0 if written else -1.0
    return [result[name].reshape(group.dim, -1) for name in shapes]


def covered(A: np.ndarray, live: np.ndarray) -> np.ndarray | None:
    """Return which entries some positive weights that cancel can cover, proved; else ``None``.

    The infimum is attained exactly if that is all of ``live``.

    Parameters
    ----------
    A : array (m, n)
        Exponents; taken as exact.
    live : bool array (n,)
        The entries that are not zero.

    Returns
    -------
    bool array (n,) or None
    """
    columns = _distinct(A, live)
    if not columns.matrix.shape[1]:
        return np.zeros(len(live), bool)
    inside = _cover(columns.matrix)
    if inside is None or not _cancels(columns.matrix[:, inside]):
        return None
    if not np.all(inside) and not _separates(columns.matrix, inside):
        return None
    result = np.zeros(len(live), bool)
    result[live] = inside[columns.place]
    return result


def _distinct(A: np.ndarray, live: np.ndarray) -> _Columns:
    matrix, place = np.unique(A[:, live], axis=1, return_inverse=True)
    return _Columns(matrix, place.reshape(-1))


def _cover(A: np.ndarray) -> np.ndarray | None:
    """Return the support of a widest ``q >= 0`` with ``A q = 0``, by linear programming."""
    n = A.shape[1]
    scale = np.maximum(np.max(np.abs(A), axis=1, keepdims=True), 1e-300)
    # maximise the sum of t <= min(q, 1): a cone, so every entry that can be positive can be 1
    found = linprog(
        np.concatenate([np.zeros(n), -np.ones(n)]),
        A_ub=np.hstack([-np.eye(n), np.eye(n)]), b_ub=np.zeros(n),
        A_eq=np.hstack([A / scale, np.zeros_like(A)]), b_eq=np.zeros(len(A)),
        bounds=[(0, None)] * n + [(0, 1)] * n,
    )  # fmt: skip
    return None if found.x is None else np.asarray(found.x[n:] > 0.5)


def _cancels(A: np.ndarray) -> bool:
    """Whether strictly positive weights with ``A q = 0`` were found, exactly."""
    n = A.shape[1]
    if not n:
        return True
    found = linprog(np.ones(n), A_eq=A, b_eq=np.zeros(len(A)), bounds=[(1, None)] * n)
    if found.x is None:
        return False
    exact, q = fractions(A), fractions(found.x)
    # a few columns that span the others take up what rounding left
    basis = _independent(A)
    if len(basis):
        change = solve(exact[:, basis], -(exact @ q))
        if change is None:
            return False
        q[basis] = q[basis] + change
    return all(weight > 0 for weight in q) and not any(exact @ q)


def _independent(A: np.ndarray) -> np.ndarray:
    triangle, order = qr(A, mode="r", pivoting=True)
    pivots = np.abs(np.diagonal(triangle))
    return np.asarray(order[: int(np.sum(pivots > 1e-9 * max(float(pivots[0]), 1e-300)))])


def _separates(A: np.ndarray, inside: np.ndarray) -> bool:
    """Whether some y is zero on the columns ``inside`` and positive on all others, exactly."""
    m = len(A)
    found = linprog(
        np.zeros(m),
        A_ub=-A[:, ~inside].T, b_ub=-np.ones(int(np.sum(~inside))),
        A_eq=A[:, inside].T if np.any(inside) else None,
        b_eq=np.zeros(int(np.sum(inside))) if np.any(inside) else None,
        bounds=[(None, None)] * m,
    )  # fmt: skip
    if found.x is None:
        return False
    exact, y = fractions(A), fractions(found.x)
    if np.any(inside):
        # the nearest y that is exactly zero there: take off the part in the span of the columns
        span = exact[:, inside][:, _independent(A[:, inside])]
        weights = solve(span.T @ span, span.T @ y)
        if weights is None:
            return False
        y = y - span @ weights
    rates = y @ exact
    return all((rate == 0) if own else (rate > 0) for rate, own in zip(rates, inside, strict=True))


def weighted_bound(A: np.ndarray, shares: np.ndarray) -> float | None:
    """Return how far below ``log ||v||^2`` its infimum may lie at most, as a number <= 0.

    For weights q that sum to one and balance, ``A q = 0``, convex duality gives
    ``log ||v||^2 - sum q_j log(q_j / p_j)`` as a lower bound, with p the squared entries as parts
    of their sum. q is p corrected by one Newton step.
    """
    slope = A @ shares
    d = np.linalg.lstsq((A * shares) @ A.T, slope, rcond=1e-13)[0]
    factor = 1.0 - d @ A
    live = shares > 0
    if np.any(factor[live] < 0):
        return None
    q = shares[live] * factor[live]
    total = float(q.sum())
    if not total > 0:
        return None
    logs = np.log(np.maximum(factor[live], 1e-300))
    return -(float(np.sum(q * logs)) / total - float(np.log(total)))
