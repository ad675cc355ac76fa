"""Points at which statements are checked: numbers drawn without any symbol, special ones included.

Entries are multiples of 1/64, so that they are the same numbers in float64. Group elements are
made here from drawn numbers, apart from the general elements that proofs use.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import singledispatch
from random import Random
from typing import Any

import numpy as np

from ..groups import (
    ActivationGL,
    ChartRotation,
    DiagonalGroup,
    DirectProduct,
    GeneralLinear,
    InputTransformation,
    MatrixGroup,
    MatrixRepresentation,
    Orthogonal,
    PositiveRescaling,
    QuadraticOrthogonal,
    SymmetryGroup,
    Translation,
)
from ._numbers import PRECISE, Number, number
from ._symbols import map_entries

__all__ = ["GENERIC", "KINDS", "Draw", "draw_element", "exact_inverse"]

GENERIC = "generic"
KINDS = (
    GENERIC, GENERIC, "zeros", "sparse", "equal", "signs", "negative", "large", "small", "ones",
    "sparse", "sparse", "signs", GENERIC, GENERIC, "hole 0", "hole 1", "hole 2", "hole 3",
)  # fmt: skip
CALM = (GENERIC, "zeros", "sparse", "equal", "signs", "negative", "ones")  # floats bear these
TAYLOR = 40  # terms: 0.5^40 / 40! is below 1e-59


class Draw:
    """A source of numbers of one kind; ``kind`` shapes what :meth:`point` returns.

    A ``calm`` one keeps to numbers within -2 and 2, with which floats lose no digits.
    """

    def __init__(self, random: Random, kind: str, *, calm: bool = False) -> None:
        self.random = random
        self.kind = kind
        self.calm = calm
        self._drawn = 0  # entries of special points so far

    def _one(self) -> Fraction:
        if self.calm:
            value = Fraction(self.random.randint(1, 128), 64)
        else:
            size = self.random.choice((8, 64, 512))
            value = Fraction(self.random.randint(1, size), self.random.choice((1, 4, 64)))
        return value if self.random.random() < 0.5 else -value

    def _special(self) -> Fraction:
        value = self._one()
        self._drawn += 1
        if self.kind.startswith("hole"):  # one entry is zero, the others are not
            return Fraction(0) if self.kind == f"hole {self._drawn - 1}" else value
        match self.kind:
            case "zeros":
                return Fraction(0)
            case "sparse":
                return value if self.random.random() < 0.5 else Fraction(0)
            case "signs":
                return Fraction(self.random.choice((-1, 0, 1)))
            case "negative":
                return -abs(value)
            case "large":
                return value * 2**12
            case "small":
                return value / 2**12
            case "ones":
                return Fraction(1)
        return value

    def point(self, shape: Sequence[int]) -> np.ndarray:
        """Return an array of the kind that is drawn here."""
        if self.kind == "equal":
            same = self._one()
            return self._filled(shape, lambda: same)
        return self._filled(shape, self._special)

    @staticmethod
    def one(source: Callable[[tuple[()]], np.ndarray]) -> Number:
        """Return a single number of a kind, such as ``draw.one(draw.positive)``."""
        found: Number = source(())[()]  # type: ignore[assignment]
        return found

    def generic(self, shape: Sequence[int]) -> np.ndarray:
        """Return an array of numbers in general position."""
        return self._filled(shape, self._one)

    def modest(self, shape: Sequence[int]) -> np.ndarray:
        """Return an array of numbers within -2 and 2, in general position."""
        return self._filled(shape, lambda: Fraction(self.random.randint(-127, 127), 64))

    def positive(self, shape: Sequence[int]) -> np.ndarray:
        """Return an array of positive numbers between 1/8 and 8."""
        return self._filled(shape, lambda: Fraction(self.random.randint(8, 512), 64))

    @staticmethod
    def _filled(shape: Sequence[int], value: Any) -> np.ndarray:
        array = np.empty(tuple(shape), dtype=object)
        for place in np.ndindex(array.shape):
            array[place] = Number(value())
        return array

    def invertible(self, n: int) -> tuple[np.ndarray, np.ndarray]:
        """Return a matrix of positive determinant and its inverse."""
        while True:
            g = self.modest((n, n))
            try:
                inverse, sign = _inverse(g)
            except ZeroDivisionError:
                continue
            if sign < 0:
                g[0], inverse[:, 0] = -g[0], -inverse[:, 0]
            return g, inverse

    def rotation(self, n: int) -> np.ndarray:
        """Return a rotation ``(I - K) (I + K)^-1`` with a skew K (Cayley)."""
        K, one = self.modest((n, n)), _one(n)
        K = K - K.T
        return (one - K) @ exact_inverse(one + K) if n else one


def _one(n: int) -> np.ndarray:
    return (
        map_entries(number, np.eye(n, dtype=int).astype(object)) if n else np.zeros((0, 0), object)
    )


def exact_inverse(matrix: np.ndarray) -> np.ndarray:
    """Return the inverse of a matrix of numbers (Gauss and Jordan).

    Raises
    ------
    ZeroDivisionError
        If the matrix is singular.
    """
    return _inverse(matrix)[0]


def _inverse(matrix: np.ndarray) -> tuple[np.ndarray, int]:
    """Return the inverse and the sign of the determinant."""
    n, sign = len(matrix), 1
    table = np.hstack([matrix, _one(n)])
    for i in range(n):
        pivot = next((j for j in range(i, n) if table[j, i] != 0), None)
        if pivot is None:
            raise ZeroDivisionError("the matrix is singular")
        if pivot != i:
            table[[i, pivot]] = table[[pivot, i]]
            sign = -sign
        if table[i, i] < 0:
            sign = -sign
        table[i] = table[i] / table[i, i]
        for j in range(n):
            if j != i:
                table[j] = table[j] - table[j, i] * table[i]
    return table[:, n:], sign


@singledispatch
def draw_element(group: SymmetryGroup, draw: Draw) -> Any:
    """Return an element of the group, of numbers.

    Raises
    ------
    TypeError
        If no way to make one is known.
    """
    raise TypeError(f"no elements of {type(group).__name__} are known in exact numbers")


@draw_element.register
def _(group: PositiveRescaling, draw: Draw) -> Any:
    return draw.positive((group.dim,))


@draw_element.register
def _(group: GeneralLinear, draw: Draw) -> Any:
    return tuple(draw.invertible(k) for k in group.slots.sizes)


@draw_element.register
def _(group: Orthogonal, draw: Draw) -> Any:
    return tuple(draw.rotation(k) for k in group.slots.sizes)


@draw_element.register
def _(group: ActivationGL, draw: Draw) -> Any:
    return draw_element(group.matrices, draw)


@draw_element.register
def _(group: InputTransformation, draw: Draw) -> Any:
    return draw.invertible(group.size)


@draw_element.register
def _(group: ChartRotation, draw: Draw) -> Any:
    return draw.rotation(group.size)


@draw_element.register
def _(group: Translation, draw: Draw) -> Any:
    return draw.modest((group.dim,))


@draw_element.register
def _(group: DirectProduct, draw: Draw) -> Any:
    return tuple(draw_element(part, draw) for part in group.groups)


@draw_element.register
def _(group: QuadraticOrthogonal, draw: Draw) -> Any:
    return exact_inverse(map_entries(number, group.factor)), draw.rotation(group.n)


@draw_element.register
def _(group: DiagonalGroup, draw: Draw) -> Any:
    directions = map_entries(number, group.directions)
    if all(d.value.denominator == 1 and abs(d) <= 16 for d in directions.reshape(-1)):
        scales = [draw.one(draw.positive) for _ in directions]
        return np.prod(
            [[s ** int(d) for d in row] for s, row in zip(scales, directions, strict=True)]
            or np.full((1, group.layout.size), number(1)),
            axis=0,
        )
    return np.exp(draw.modest((group.dim,)) @ directions)


@draw_element.register(MatrixGroup)
@draw_element.register(MatrixRepresentation)
def _(group: Any, draw: Draw) -> Any:
    X = np.tensordot(draw.modest((group.dim,)), map_entries(number, group.basis), 1)
    return _exponential(X), _exponential(-X)


def _exponential(X: np.ndarray) -> np.ndarray:
    """Return the matrix exponential to about fifty digits: a Taylor series, then squares."""
    size = max((abs(float(v)) for v in X.reshape(-1)), default=0.0) * max(len(X), 1)
    halvings = max(0, int(np.ceil(np.log2(max(size, 1e-300)))) + 1)
    Y = map_entries(lambda v: Number(PRECISE.mpf(v.value.numerator) / v.value.denominator
                                     if v.exact else v.value) / 2**halvings, X)  # fmt: skip
    total = term = _one(len(X))
    for k in range(1, TAYLOR):
        term = term @ Y / k
        total = total + term
    for _ in range(halvings):
        total = total @ total
    return total
