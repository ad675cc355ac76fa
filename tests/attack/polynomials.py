"""Polynomials and vector fields in exact rational arithmetic, apart from everything they test.

The oracle of the attack: whether a polynomial is constant along linear or affine vector fields is
decided here by derivatives of monomials, without a symbol and without the library.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

Place = tuple[str, tuple[int, ...]]
Exponents = tuple[int, ...]


def places(shapes: Mapping[str, tuple[int, ...]]) -> list[Place]:
    """Return all entries of the parameters, arrays one after the other."""
    return [(name, place) for name, shape in shapes.items() for place in np.ndindex(shape)]


@dataclass(frozen=True)
class Polynomial:
    """A polynomial in n entries: coefficients by exponents, each a tuple of length n."""

    n: int
    terms: Mapping[Exponents, Fraction]

    @classmethod
    def constant(cls, n: int, value: Any) -> Polynomial:
        return cls(n, {(0,) * n: Fraction(value)})

    @classmethod
    def entry(cls, n: int, i: int) -> Polynomial:
        return cls(n, {tuple(int(j == i) for j in range(n)): Fraction(1)})

    def __add__(self, other: Any) -> Polynomial:
        if not isinstance(other, Polynomial):
            other = Polynomial.constant(self.n, other)
        total = dict(self.terms)
        for exponents, coefficient in other.terms.items():
            total[exponents] = total.get(exponents, Fraction(0)) + coefficient
        return Polynomial(self.n, {e: c for e, c in total.items() if c})

    def __mul__(self, other: Any) -> Polynomial:
        if not isinstance(other, Polynomial):
            return Polynomial(self.n, {e: c * Fraction(other) for e, c in self.terms.items()})
        total: dict[Exponents, Fraction] = {}
        for a, p in self.terms.items():
            for b, q in other.terms.items():
                key = tuple(i + j for i, j in zip(a, b, strict=True))
                total[key] = total.get(key, Fraction(0)) + p * q
        return Polynomial(self.n, {e: c for e, c in total.items() if c})

    __radd__, __rmul__ = __add__, __mul__

    def __sub__(self, other: Any) -> Polynomial:
        return self + other * -1

    def derivative(self, i: int) -> Polynomial:
        found: dict[Exponents, Fraction] = {}
        for exponents, c in self.terms.items():
            if exponents[i]:
                lower = tuple(e - (j == i) for j, e in enumerate(exponents))
                found[lower] = found.get(lower, Fraction(0)) + c * exponents[i]
        return Polynomial(self.n, found)

    def along(self, field: Sequence[Polynomial]) -> Polynomial:
        """Return the derivative along a vector field, one polynomial per entry."""
        total = Polynomial(self.n, {})
        for i, velocity in enumerate(field):
            if velocity.terms:
                total = total + self.derivative(i) * velocity
        return total

    def __call__(self, entries: Sequence[Any]) -> Any:
        """Evaluate at numbers or symbols, with coefficients as Python floats."""
        total: Any = 0.0
        for exponents, c in self.terms.items():
            term: Any = float(c)
            for x, e in zip(entries, exponents, strict=True):
                if e:
                    term = term * x**e
            total = total + term
        return total


@dataclass
class RationalLoss:
    """``P / Q`` of the entries of the parameters, with its gradient by the quotient rule.

    ``liar`` changes the gradient before it is handed out; ``extra`` adds to the value what is
    computed from the arrays. Both are how faults are planted.
    """

    shapes: dict[str, tuple[int, ...]]
    top: Polynomial
    bottom: Polynomial
    liar: Any = None
    extra: Any = None

    def _entries(self, w: Mapping[str, Any]) -> list[Any]:
        return [w[name][place] for name, place in places(self.shapes)]

    def value(self, w: Mapping[str, Any]) -> Any:
        x = self._entries(w)
        value = self.top(x)
        if len(self.bottom.terms) != 1 or (0,) * self.bottom.n not in self.bottom.terms:
            value = value / self.bottom(x)
        return value if self.extra is None else value + self.extra(w)

    def gradient(self, w: Mapping[str, Any]) -> dict[str, Any]:
        x = self._entries(w)
        P, Q = self.top(x), self.bottom(x)
        slopes = [
            (self.top.derivative(i)(x) * Q - P * self.bottom.derivative(i)(x)) / Q**2
            for i in range(self.top.n)
        ]
        found, start = {}, 0
        for name, shape in self.shapes.items():
            length = int(np.prod(shape))
            flat = np.empty(length, dtype=object)
            flat[:] = slopes[start : start + length]
            found[name] = flat.reshape(shape).astype(w[name].dtype)
            start += length
        return found if self.liar is None else self.liar(found)

    def hvp(self, w: Mapping[str, Any], v: Mapping[str, Any]) -> dict[str, Any]:
        raise NotImplementedError("no statement of the attack asks for it")
