"""Exact linear algebra on floating-point numbers, each taken as the rational number that it is."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

__all__ = ["closed_under_transposes", "fractions", "rank", "solve", "whole", "whole_speeds"]

WIDE = 100  # rows of matrices whose products are formed exactly
SPEED = 1000  # largest whole number of turns that is looked for
LARGE = 20_000  # entries of generators beyond which elimination takes long


def whole(array: np.ndarray) -> np.ndarray:
    """Return integers in the same proportion: the entries times one power of two."""
    mantissa, exponent = np.frexp(np.asarray(array, dtype=np.float64))
    least = int(exponent[mantissa != 0].min()) if np.any(mantissa) else 0
    result = np.zeros(mantissa.shape, dtype=object)
    for index in np.ndindex(*mantissa.shape):
        digits = int(mantissa[index] * 2.0**53)
        result[index] = digits << (int(exponent[index]) - least) if digits else 0
    return result


def fractions(array: np.ndarray) -> np.ndarray:
    """Return the entries as fractions, an object array."""
    result = np.empty(np.shape(array), dtype=object)
    for index in np.ndindex(*result.shape):
        result[index] = Fraction(float(array[index]))
    return result


def rank(matrix: np.ndarray) -> int:
    """Return the rank of a matrix of integers (m, n), by elimination without fractions.

    References
    ----------
    Bareiss, *Sylvester's identity and multistep integer-preserving Gaussian elimination*,
    Mathematics of Computation 22, 1968.
    """
    M = np.array(matrix, dtype=object)
    found, last = 0, 1
    for column in range(M.shape[1]):
        rows = [i for i in range(found, len(M)) if M[i, column] != 0]
        if not rows:
            continue
        M[[found, rows[0]]] = M[[rows[0], found]]
        pivot, below = M[found, column], M[found + 1 :]
        M[found + 1 :] = (pivot * below - np.multiply.outer(below[:, column], M[found])) // last
        last, found = pivot, found + 1
        if found == len(M):
            break
    return found


def solve(matrix: np.ndarray, right: np.ndarray) -> np.ndarray | None:
    """Return one exact solution x (n,) of ``matrix x = right``, ``None`` if there is none.

    Parameters
    ----------
    matrix, right : object array (m, n) and (m,)
        Fractions or integers.
    """
    m, n = matrix.shape
    M = np.empty((m, n + 1), dtype=object)
    for i in range(m):
        for j in range(n + 1):
            M[i, j] = Fraction(matrix[i, j] if j < n else right[i])
    pivots: list[int] = []
    for column in range(n):
        top = len(pivots)
        rows = [i for i in range(top, m) if M[i, column] != 0]
        if not rows:
            continue
        M[[top, rows[0]]] = M[[rows[0], top]]
        M[top] = M[top] / M[top, column]
        for i in range(m):
            if i != top and M[i, column] != 0:
                M[i] = M[i] - M[i, column] * M[top]
        pivots.append(column)
        if len(pivots) == m:
            break
    if any(M[i, n] != 0 for i in range(len(pivots), m)):
        return None
    x = np.array([Fraction(0)] * n, dtype=object)
    for i, column in enumerate(pivots):
        x[column] = M[i, n]
    return x


def closed_under_transposes(generators: np.ndarray) -> bool:
    """Whether the span of matrices (m, n, n) contains their transposes, exactly.

    ``False`` also where there are too many of them to tell.
    """
    turned = generators.transpose(0, 2, 1)
    known = {X.tobytes() for X in (*(generators + 0.0), *(0.0 - generators))}
    if all(X.tobytes() in known for X in np.ascontiguousarray(turned) + 0.0):
        return True
    if generators.size > LARGE:
        return False
    rows = whole(generators.reshape(len(generators), -1))
    both = np.concatenate([rows, whole(turned.reshape(len(turned), -1))])
    return rank(both) == rank(rows)


def whole_speeds(X: np.ndarray) -> tuple[int, ...] | None:
    """Return whole numbers in proportion to the speeds of planes of a matrix (n, n), if exact.

    With eigenvalues ``+-i c n_k`` and 0, each once in the minimal polynomial,
    ``X prod (X^2 + c^2 n_k^2) = 0``; ``c^2`` follows from the trace of ``X^2``. That identity is
    tested in rational arithmetic, for numbers n_k guessed from the eigenvalues.
    """
    n = len(X)
    if n > WIDE:
        return None
    found = np.sort(np.abs(np.linalg.eigvals(X).imag))
    found = found[found > 1e-9 * max(float(found[-1]), 1e-300)]
    if not len(found):
        return None
    ratios = [Fraction(float(f / found[0])).limit_denominator(SPEED) for f in found]
    common = int(np.lcm.reduce([r.denominator for r in ratios]))
    numbers = [int(r * common) for r in ratios]
    if max(numbers) > SPEED:
        return None
    Y = whole(X)
    square = Y @ Y
    unit = Fraction(-int(np.trace(square)), sum(k * k for k in numbers))
    product, one = Y, np.array([[int(i == j) for j in range(n)] for i in range(n)], dtype=object)
    for k in sorted(set(numbers)):
        shift = unit * k * k
        product = (shift.denominator * square + shift.numerator * one) @ product
    return None if np.any(product != 0) else tuple(numbers[::2])
