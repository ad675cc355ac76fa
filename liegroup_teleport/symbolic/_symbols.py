"""Object arrays of symbols, numbers to put in their places, and the decision whether zero is left.

Unknowns are nested dicts, tuples and lists of object arrays. Some symbols are not free: the
reciprocal of a determinant, the entries of a rotation. Their :class:`Definitions` say by which
equations they are bound, which keeps everything polynomial, and how to compute them from numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from random import Random
from typing import Any

import numpy as np
import sympy
from sympy.polys.rings import ring

__all__ = [
    "TIME",
    "Definitions",
    "at_start",
    "entries",
    "fill",
    "fractions",
    "load_algebra",
    "map_entries",
    "normal_form",
    "numbers",
    "remainder",
    "symbol_array",
]

TIME = sympy.Symbol("t", real=True)


@dataclass(frozen=True)
class Definitions:
    """What bound symbols stand for.

    Attributes
    ----------
    values : dict of Symbol to Expr
        Rational expressions to compute them by; later ones may contain earlier ones.
    equations : tuple of Expr
        Polynomials that vanish, each leading with bound symbols in the lexicographic order in
        which ``leading`` comes first.
    leading : tuple of Symbol
    solvers : tuple of callable
        What computes further bound symbols from a dict of drawn numbers, and adds them to it.
    """

    values: Mapping[sympy.Symbol, sympy.Expr] = field(default_factory=dict)
    equations: tuple[sympy.Expr, ...] = ()
    leading: tuple[sympy.Symbol, ...] = ()
    solvers: tuple[Callable[[dict[sympy.Symbol, Fraction]], None], ...] = ()

    def __or__(self, other: Definitions) -> Definitions:
        """Return both together."""
        return Definitions(
            {**self.values, **other.values},
            self.equations + other.equations,
            other.leading + self.leading,
            self.solvers + other.solvers,
        )


def symbol_array(prefix: str, shape: Sequence[int], *, positive: bool = False) -> np.ndarray:
    """Return an object array of real symbols named after their places, such as ``W1_0_2``."""
    array = np.empty(tuple(shape), dtype=object)
    assumptions = {"positive": True} if positive else {"real": True}
    for place in np.ndindex(array.shape):
        array[place] = sympy.Symbol("_".join([prefix, *map(str, place)]), **assumptions)
    return array


def map_entries(function: Callable[[Any], Any], nested: Any) -> Any:
    """Apply ``function`` to every entry of the arrays in ``nested``, and keep the structure."""
    if isinstance(nested, Mapping):
        return {name: map_entries(function, part) for name, part in nested.items()}
    if isinstance(nested, tuple | list):
        return type(nested)(map_entries(function, part) for part in nested)
    if isinstance(nested, np.ndarray):
        result = np.empty(nested.shape, dtype=object)
        for place in np.ndindex(nested.shape):
            result[place] = function(nested[place])
        return result
    return function(nested)


def at_start(nested: Any) -> Any:
    """Return the derivatives at t = 0 of nested arrays of expressions in :data:`TIME`."""
    return map_entries(lambda e: sympy.diff(sympy.sympify(e), TIME).subs(TIME, 0), nested)


def entries(nested: Any) -> Iterator[Any]:
    """Iterate over the entries of all arrays in ``nested``."""
    if isinstance(nested, Mapping):
        nested = tuple(nested.values())
    if isinstance(nested, tuple | list):
        for part in nested:
            yield from entries(part)
    elif isinstance(nested, np.ndarray):
        yield from nested.reshape(-1).tolist()
    else:
        yield nested


def fractions(nested: Any) -> Any:
    """Return ``nested`` with every number as a ``Fraction``, floats at their exact value."""
    return map_entries(lambda value: _evaluate(value, {}), nested)


def numbers(
    unknowns: Any, definitions: Definitions, random: Random
) -> dict[sympy.Symbol, Fraction]:
    """Draw a rational number for every symbol in ``unknowns``; bound ones follow.

    Raises
    ------
    ZeroDivisionError
        If a denominator is zero there.
    """
    symbols: dict[sympy.Symbol, None] = {}
    for entry in (*entries(unknowns), *definitions.values.values()):
        for symbol in sorted(getattr(entry, "free_symbols", ()), key=str):
            symbols.setdefault(symbol)
    drawn: dict[sympy.Symbol, Fraction] = {}
    for symbol in symbols:
        if symbol not in definitions.values and symbol not in definitions.leading:
            size = Fraction(random.randint(1, 9), random.randint(3, 9))
            drawn[symbol] = size if symbol.is_positive or random.random() < 0.5 else -size
    for symbol, expression in definitions.values.items():
        drawn[symbol] = _evaluate(expression, drawn)
    for solve in definitions.solvers:
        solve(drawn)
    return drawn


def fill(unknowns: Any, values: Mapping[sympy.Symbol, Fraction]) -> Any:
    """Put numbers in the places of symbols: nested arrays of ``Fraction``."""
    return map_entries(lambda entry: _evaluate(entry, values), unknowns)


def _evaluate(entry: Any, values: Mapping[sympy.Symbol, Fraction]) -> Fraction:
    if isinstance(entry, sympy.Symbol):
        return values[entry]
    if isinstance(entry, sympy.Rational):
        return Fraction(int(entry.p), int(entry.q))
    if isinstance(entry, sympy.Add):
        return sum((_evaluate(part, values) for part in entry.args), Fraction(0))
    if isinstance(entry, sympy.Mul):
        product = Fraction(1)
        for part in entry.args:
            product *= _evaluate(part, values)
        return product
    if isinstance(entry, sympy.Pow) and entry.exp.is_Integer:
        return _evaluate(entry.base, values) ** int(entry.exp)
    if isinstance(entry, sympy.Basic) and not isinstance(entry, sympy.Float):
        raise TypeError(f"{entry} is no rational expression, so it has no exact number")
    return entry if isinstance(entry, Fraction) else Fraction(float(entry))


def remainder(differences: Any, definitions: Definitions | None = None) -> sympy.Expr:
    """Return the normal form of the first entry that is not zero, or 0."""
    for entry in entries(differences):
        rest = entry if entry == 0 else normal_form(sympy.sympify(entry), definitions)
        if rest != 0:
            return rest
    return sympy.Integer(0)


def normal_form(expression: sympy.Expr, definitions: Definitions | None = None) -> sympy.Expr:
    """Return the expanded polynomial, reduced by the equations of bound symbols.

    Reciprocals of symbols and square roots of numbers become symbols of their own with
    ``u s = 1`` and ``r^2 = n``; functions are indeterminates; of a quotient the numerator is
    returned. Floats are read as the small rationals, or roots of such, that they approximate.
    """
    bound = definitions or Definitions()
    expression = _read_floats(expression)
    if any(p.exp.is_negative and not p.base.is_Symbol for p in expression.atoms(sympy.Pow)):
        expression = sympy.fraction(sympy.together(expression))[0]
    atoms: dict[sympy.Expr, None] = {}
    _collect(expression, atoms)
    equations = bound.equations if any(a in atoms for a in bound.leading) else ()
    _collect(equations, atoms)
    first = {symbol: i for i, symbol in enumerate(bound.leading)}
    order = sorted(atoms, key=lambda a: (not a.is_Pow, first.get(a, len(first)), str(a)))
    names = [sympy.Symbol(f"u{i}") for i in range(len(order))]
    polynomials, *generators = ring(names or ["u"], sympy.QQ)
    quotient = _Quotient(polynomials, dict(zip(order, generators, strict=False)))
    quotient.divide_by(equations)
    result = quotient(expression)
    return result.as_expr(*order) if order else sympy.sympify(result.as_expr())


class _Quotient:
    """Evaluation of expressions in a polynomial ring modulo equations, reduced at every product."""

    def __init__(self, polynomials: Any, of: Mapping[sympy.Expr, Any]) -> None:
        self.polynomials = polynomials
        self.of = of
        self.known: dict[sympy.Expr, Any] = {}
        self.equations: list[Any] = []
        for atom, generator in of.items():
            if atom.is_Pow and atom.exp == -1:
                self.equations.append(generator * of[atom.base] - 1)
            elif atom.is_Pow:
                self.equations.append(generator**2 - polynomials(self._number(atom.base)))

    def divide_by(self, equations: Sequence[sympy.Expr]) -> None:
        """Add equations."""
        self.equations += [self(equation) for equation in equations]
        self.known.clear()

    def __call__(self, e: sympy.Expr) -> Any:
        if e.is_Rational:
            return self.polynomials(self._number(e))
        if e in self.of:
            return self.of[e]
        if e not in self.known:
            self.known[e] = self._evaluate(e)
        return self.known[e]

    def _evaluate(self, e: sympy.Expr) -> Any:
        if e.is_Add:
            return sum((self(part) for part in e.args), self.polynomials.zero)
        if e.is_Mul:
            product = self.polynomials.one
            for part in e.args:
                product = self._reduced(product * self(part))
            return product
        factor = self(e.base) if e.exp.is_positive else self.of[1 / e.base]
        power = factor
        for _ in range(abs(int(e.exp)) - 1):
            power = self._reduced(power * factor)
        return power

    def _reduced(self, p: Any) -> Any:
        return p.rem(self.equations) if self.equations and len(p) else p

    @staticmethod
    def _number(e: sympy.Expr) -> Any:
        return sympy.QQ(e.p, e.q)


def load_algebra() -> None:
    """Do a small calculation, so that SymPy imports what it imports on first use."""
    x, y = symbol_array("x", (2,), positive=True)
    slope = at_start(np.array([(x + TIME * y) ** 2 / y], dtype=object))
    normal_form(slope[0] / (1 + x) - x**-1 * sympy.sqrt(2) * 0.5**0.5)
    sympy.Matrix([[x, 1], [y, x]]).adjugate()


def _read_floats(expression: sympy.Expr) -> sympy.Expr:
    return expression.xreplace({f: _read_float(float(f)) for f in expression.atoms(sympy.Float)})


def _read_float(value: float) -> sympy.Expr:
    """Return the rational, or root of a rational, that a float approximates to rounding."""
    for power in (1, 2):
        guess = Fraction(abs(value) ** power).limit_denominator(10_000)
        if abs(float(guess) ** (1 / power) - abs(value)) <= 2e-15 * abs(value):
            exact = sympy.Rational(guess.numerator, guess.denominator) ** sympy.Rational(1, power)
            return exact if value > 0 else -exact
    return sympy.Rational(*value.as_integer_ratio())


def _collect(e: Any, atoms: dict[sympy.Expr, None]) -> None:
    """Gather the indeterminates of an expression, or of a tuple of expressions."""
    if isinstance(e, tuple) or e.is_Add or e.is_Mul:
        for part in e if isinstance(e, tuple) else e.args:
            _collect(part, atoms)
    elif e.is_Pow and e.exp.is_Integer and e.exp.is_positive:
        _collect(e.base, atoms)
    elif e.is_Pow and e.exp.is_Integer:  # of a symbol: other denominators are cleared before
        atoms.setdefault(e.base)
        atoms.setdefault(1 / e.base)
    elif not e.is_Rational:
        atoms.setdefault(e)
