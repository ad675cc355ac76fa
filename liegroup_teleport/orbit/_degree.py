"""Degrees of polynomial code, found by running it on numbers that only know their degree.

A function that adds, subtracts and multiplies its arguments, and raises them to whole powers,
is a polynomial of the degree that comes out. Whatever else it does with them (a division,
an exponential, a comparison, a conversion to a float) is refused, and nothing is claimed.
"""

from __future__ import annotations

import numbers
from typing import Any, NoReturn

import numpy as np

__all__ = ["Degree", "degree_of", "of_degree"]


class Degree:
    """A polynomial of which only the degree is known, with the arithmetic of numbers."""

    __slots__ = ("degree",)

    def __init__(self, degree: int) -> None:
        self.degree = degree

    def __add__(self, other: Any) -> Any:
        known = _known(other)
        return NotImplemented if known is None else Degree(max(self.degree, known))

    __radd__ = __sub__ = __rsub__ = __add__

    def __mul__(self, other: Any) -> Any:
        known = _known(other)
        return NotImplemented if known is None else Degree(self.degree + known)

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Any:
        constant = isinstance(other, numbers.Real) and not isinstance(other, Degree)
        return Degree(self.degree) if constant else NotImplemented

    def __pow__(self, power: Any) -> Any:
        if isinstance(power, Degree) or not isinstance(power, numbers.Real):
            return NotImplemented
        exponent = float(power)
        if not exponent.is_integer() or exponent < 0:
            return NotImplemented
        return Degree(self.degree * int(exponent))

    def __neg__(self) -> Degree:
        return Degree(self.degree)

    __pos__ = __neg__

    def _refuse(self, *_: Any) -> NoReturn:
        raise TypeError("a polynomial of unknown coefficients cannot be compared")

    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = __bool__ = _refuse  # type: ignore[assignment]
    __hash__ = None  # type: ignore[assignment]


def _known(other: Any) -> int | None:
    if isinstance(other, Degree):
        return other.degree
    return 0 if isinstance(other, numbers.Real) else None


def of_degree(size: int, degree: int) -> np.ndarray:
    """Return an object array (size,) of polynomials of one degree."""
    array = np.empty(size, dtype=object)
    for i in range(size):
        array[i] = Degree(degree)
    return array


def degree_of(array: Any) -> int:
    """Return the largest degree of an array's entries; numbers have degree 0.

    Raises
    ------
    TypeError
        If an entry is neither a number nor of known degree.
    """
    degrees = [_known(entry) for entry in np.asarray(array, dtype=object).reshape(-1)]
    if any(d is None for d in degrees):
        raise TypeError("an entry has no known degree")
    return max((d for d in degrees if d is not None), default=0)
