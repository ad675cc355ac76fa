"""Exponentials of rational matrices in closed form: ``exp(t X)`` with symbols for functions of t.

Where the characteristic polynomial splits into factors of degree one and two, the entries are
polynomials in t, powers of e^(q t), and pairs (c, s) with ``c^2 - D s^2 = 1``. Functions that no
polynomial relates get symbols of their own: an identity between polynomials in them holds for all
t exactly if it holds for all values of the symbols.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import gcd, isqrt, lcm
from typing import Any

import numpy as np
import sympy

from ._symbols import Definitions, fresh

__all__ = ["one_parameter_subgroup", "product_of_subgroups"]

HIGHEST = 12  # power of one symbol; beyond, functions of t get symbols of their own
Matrix = Any


def product_of_subgroups(
    generators: Sequence[np.ndarray], name: str
) -> tuple[tuple[np.ndarray, np.ndarray], Definitions] | None:
    """Return ``exp(t_1 X_1) ... exp(t_d X_d)``, its inverse, and what binds the symbols.

    A neighbourhood of the identity is made of such products, and the connected group of that.
    ``None`` if a generator has no closed form here.

    Parameters
    ----------
    generators : sequence of array (N, N)
        Of exact rational numbers.
    name : str
        Of the symbols.
    """
    N = len(generators[0]) if len(generators) else 0
    g = inverse = sympy.eye(N)
    bound = Definitions()
    for i, X in enumerate(generators):
        found = one_parameter_subgroup(sympy.Matrix(X), f"{name}{i}")
        if found is None:
            return None
        g = (g * found[0]).applyfunc(sympy.expand)
        inverse = (found[1] * inverse).applyfunc(sympy.expand)
        bound |= found[2]
    return (_array(g), _array(inverse)), bound


def _array(matrix: Matrix) -> np.ndarray:
    return np.array(matrix.tolist(), dtype=object).reshape(matrix.shape)


def one_parameter_subgroup(X: Matrix, name: str) -> tuple[Matrix, Matrix, Definitions] | None:
    """Return ``exp(t X)``, ``exp(-t X)`` and what binds the symbols, or ``None``."""
    z = sympy.Dummy("z")
    polynomial = sympy.Poly(X.charpoly(z).all_coeffs(), z, domain=sympy.QQ)
    factors = sympy.factor_list(polynomial)[1]
    if any(f.degree() > 2 for f, _ in factors):
        return None
    blocks = [_Block(X, f, m, polynomial) for f, m in factors]
    functions = _Functions(blocks, name)
    g, inverse = (
        sum((b.exponential(functions, sign) for b in blocks), sympy.zeros(*X.shape))
        for sign in (1, -1)
    )
    return g, inverse, functions.definitions


class _Block:
    """The part of X that belongs to one irreducible factor of degree one or two."""

    def __init__(self, X: Matrix, factor: Any, multiplicity: int, whole: Any) -> None:
        others = whole.monic().quo((factor**multiplicity).monic())
        power = factor**multiplicity
        inverse = sympy.invert(others.rem(power), power) if others.degree() > 0 else others
        self.projector = _at(others * inverse, X)
        coefficients = factor.monic().all_coeffs()
        self.square = sympy.Integer(0)  # D, of a quadratic factor
        if factor.degree() == 1:
            self.rate = -coefficients[1]
            S = self.rate * self.projector
        else:
            b, c = coefficients[1:]
            self.rate = -b / 2
            self.square = b * b / 4 - c
            S = self._semisimple(X * self.projector, b, c, multiplicity)
        self.turn = S - self.rate * self.projector  # its square is D times the projector
        self.nilpotent = X * self.projector - S

    def _semisimple(self, S: Matrix, b: Any, c: Any, multiplicity: int) -> Matrix:
        """Return the semisimple part of a block, by Newton's method (Jordan and Chevalley)."""
        rest = sympy.eye(S.rows) - self.projector
        steps = 0
        while 2**steps < multiplicity:
            value = S * S + b * S + c * self.projector
            slope = 2 * S + b * self.projector + rest
            S = S - slope.inv() * value
            steps += 1
        return S

    def exponential(self, functions: _Functions, sign: int) -> Matrix:
        """Return ``exp(sign t X)`` on the block."""
        N, t = sign * self.nilpotent, functions.time
        total = term = self.projector
        k = 0
        while not (term := term * N).is_zero_matrix:
            k += 1
            total = total + term * t**k / sympy.factorial(k)
        c, s = functions.pair(self.square)
        turned = c * self.projector + sign * s * self.turn
        return functions.growth(sign * self.rate) * (turned * total)


def _at(polynomial: Any, X: Matrix) -> Matrix:
    """Return a polynomial of a matrix (Horner)."""
    total = sympy.zeros(*X.shape)
    for coefficient in polynomial.all_coeffs():
        total = total * X + coefficient * sympy.eye(X.rows)
    return total


def _unit(numbers: Sequence[Fraction]) -> Fraction | None:
    """Return the largest number of which all are whole multiples, ``None`` if these are large."""
    bottom = lcm(*(q.denominator for q in numbers))
    top = gcd(*(int(q * bottom) for q in numbers))
    unit = Fraction(top, bottom)
    return unit if all(abs(q / unit) <= HIGHEST for q in numbers) else None


def _fraction(value: Any) -> Fraction:
    return Fraction(int(value.p), int(value.q))


def _ratio(square: Fraction, other: Fraction) -> Fraction | None:
    """Return the rational root of a quotient of two squares, or ``None``."""
    q = square / other
    if q <= 0:
        return None
    top, bottom = isqrt(q.numerator), isqrt(q.denominator)
    root = Fraction(top, bottom)
    return root if root * root == q else None


class _Functions:
    """Symbols for t, for exponentials and for pairs of a cosine and a sine."""

    def __init__(self, blocks: Sequence[_Block], name: str) -> None:
        self.time = fresh(f"{name}_t")
        self.definitions = Definitions()
        self._name = name
        self._growths: dict[Fraction, tuple[Any, Fraction]] = {}
        self._pairs: dict[Fraction, tuple[Any, Any, Fraction]] = {}
        rates = sorted({abs(_fraction(b.rate)) for b in blocks if b.rate != 0})
        unit = _unit(rates) if rates else None
        shared = None if unit is None else fresh(f"{name}_e", positive=True)
        for k, q in enumerate(rates):
            own = fresh(f"{name}_e{k}", positive=True) if shared is None else shared
            self._growths[q] = own, q / (q if unit is None else unit)
        squares = sorted({_fraction(b.square) for b in blocks if b.square != 0})
        while squares:
            first = squares[0]
            family = {d: r for d in squares if (r := _ratio(d, first)) is not None}
            unit = _unit(list(family.values()))
            if unit is None:
                family = {first: Fraction(1)}
                unit = Fraction(1)
            self._relate(first * unit * unit, {d: r / unit for d, r in family.items()})
            squares = [d for d in squares if d not in family]

    def _relate(self, D: Fraction, family: dict[Fraction, Fraction]) -> None:
        """Introduce ``c^2 - D s^2 = 1`` for squares that are ``D n^2``."""
        k = len(self._pairs)
        c, s = fresh(f"{self._name}_c{k}"), fresh(f"{self._name}_s{k}")
        square = sympy.Rational(D.numerator, D.denominator)
        self.definitions |= Definitions((c**2 - square * s**2 - 1,), (c,))
        for d, n in family.items():
            self._pairs[d] = c, s, n
        self._bases = {**getattr(self, "_bases", {}), c: square}

    def growth(self, rate: Any) -> Any:
        """Return e^(rate t)."""
        q = _fraction(rate)
        if q == 0:
            return sympy.Integer(1)
        symbol, n = self._growths[abs(q)]
        return symbol ** int(n if q > 0 else -n)

    def pair(self, square: Any) -> tuple[Any, Any]:
        """Return cosh(r t) and sinh(r t) / r with r the root of ``square``, imaginary or not."""
        if square == 0:
            return sympy.Integer(1), sympy.Integer(0)
        c, s, n = self._pairs[_fraction(square)]
        D = self._bases[c]
        power_c, power_s = sympy.Integer(1), sympy.Integer(0)
        for _ in range(int(n)):
            power_c, power_s = (
                sympy.expand(power_c * c + D * power_s * s),
                sympy.expand(power_c * s + power_s * c),
            )
        return power_c, power_s / int(n)
