"""Counting vector fields at random points modulo a prime: a check apart from polynomial rings."""

from __future__ import annotations

from typing import Any

import numpy as np
import sympy

from ._polynomials import Polynomials

__all__ = ["solutions_modulo"]

LARGEST = 2**31 - 1  # products of two numbers below it fit 64 bits


def solutions_modulo(problem: Polynomials, seed: int) -> int:
    """Return the dimension of ``{(X, c): <grad L(w), X w + c> = 0}`` at random points mod p.

    More points are taken than there are unknowns; the gradients come from dual numbers. At least
    the true dimension, and equal to it but for unlucky points and primes.
    """
    n = problem.layout.size
    unknowns = n * (n + 1)
    values = problem.expressions
    points = unknowns // max(len(values), 1) + 8
    rng = np.random.default_rng(seed)
    p = sympy.prevprime(LARGEST - int(rng.integers(10**6)))
    symbols = (*problem.symbols, *problem.data)
    drawn = rng.integers(0, p, size=(points, len(symbols)))
    dual = _Dual(p, points, n)
    for k, symbol in enumerate(symbols):
        dual.set(symbol, drawn[:, k], k if k < n else None)
    w = np.hstack([drawn[:, :n], np.ones((points, 1), dtype=np.int64)])
    rows = []
    for value in values:
        slopes = dual(value)[:, 1:]
        rows.append((slopes[:, :, None] * w[:, None, :] % p).reshape(points, unknowns))
    return unknowns - _rank(np.vstack(rows), p)


class _Dual:
    """Values and derivatives of expressions at many points modulo p, arrays (points, 1 + n)."""

    def __init__(self, p: int, points: int, n: int) -> None:
        self.p, self.shape = p, (points, 1 + n)
        self.known: dict[Any, np.ndarray] = {}

    def set(self, symbol: Any, values: np.ndarray, place: int | None) -> None:
        array = np.zeros(self.shape, dtype=np.int64)
        array[:, 0] = values
        if place is not None:
            array[:, 1 + place] = 1
        self.known[symbol] = array

    def __call__(self, e: Any) -> np.ndarray:
        if e not in self.known:
            self.known[e] = self._made(e)
        return self.known[e]

    def _product(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        slopes = a[:, :1] * b[:, 1:] % self.p + b[:, :1] * a[:, 1:] % self.p
        return np.hstack([a[:, :1] * b[:, :1] % self.p, slopes % self.p])

    def _made(self, e: Any) -> np.ndarray:
        if e.is_Rational:
            array = np.zeros(self.shape, dtype=np.int64)
            array[:, 0] = int(e.p) * pow(int(e.q), -1, self.p) % self.p
            return array
        if e.is_Add:
            total = np.zeros(self.shape, dtype=np.int64)
            for part in e.args:
                total = (total + self(part)) % self.p
            return total
        parts = [self(part) for part in e.args] if e.is_Mul else [self(e.base)] * int(e.exp)
        product = parts[0]
        for part in parts[1:]:
            product = self._product(product, part)
        return product


def _rank(matrix: np.ndarray, p: int) -> int:
    """Return the rank modulo p, by elimination."""
    rank = 0
    for column in range(matrix.shape[1]):
        pivots = np.flatnonzero(matrix[rank:, column])
        if not len(pivots):
            continue
        pivot = rank + int(pivots[0])
        if pivot != rank:
            matrix[[rank, pivot]] = matrix[[pivot, rank]]
        inverse = pow(int(matrix[rank, column]), -1, p)
        matrix[rank, column:] = matrix[rank, column:] * inverse % p
        below = rank + 1 + np.flatnonzero(matrix[rank + 1 :, column])
        if len(below):
            factors = matrix[below, column][:, None]
            matrix[below, column:] -= factors * matrix[rank, column:] % p
            matrix[below, column:] %= p
        rank += 1
        if rank == len(matrix):
            break
    return rank
