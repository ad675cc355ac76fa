"""The decision whether zero is left: expressions as polynomials modulo equations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import sympy
from sympy.polys.rings import ring

from ._scalars import bare, expression_of
from ._symbols import Definitions, entries, fresh, symbol_array

__all__ = ["load_algebra", "normal_form", "remainder"]

LARGEST_ROOT = 64  # of roots that are bound by an equation; others are just functions


def remainder(differences: Any, definitions: Definitions | None = None) -> sympy.Expr:
    """Return the normal form of the first entry that is not zero, or 0."""
    for entry in entries(differences):
        e = bare(entry)
        rest = e if e.is_Rational else _normal_form(e, definitions or Definitions())
        if rest != 0:
            return rest
    return sympy.Integer(0)


def normal_form(expression: Any, definitions: Definitions | None = None) -> sympy.Expr:
    """Return the expanded polynomial, reduced by the equations of bound symbols.

    Reciprocals of symbols become symbols of their own with ``u s = 1``, roots with ``r^q = b``;
    functions are indeterminates, their arguments in normal form; of a quotient the numerator is
    returned. Floats count at their exact value.
    """
    return _normal_form(expression_of(expression), definitions or Definitions())


def _normal_form(expression: sympy.Expr, bound: Definitions) -> sympy.Expr:
    functions = _Functions(bound)
    e = functions.replace(expression)
    if functions.quotients:
        e = sympy.fraction(sympy.together(e))[0]
    atoms: dict[sympy.Expr, None] = {}
    _collect(e, atoms)
    needed = any(a in atoms for a in bound.leading)
    extra = tuple(map(functions.replace, bound.equations)) if needed else ()
    equations = (*functions.equations, *extra)
    _collect(equations, atoms)
    leading = (*functions.leading, *bound.leading)
    first = {symbol: i for i, symbol in enumerate(leading)}
    numbered = {a: i for i, a in enumerate(atoms)}  # equal names must not tie
    order = sorted(
        atoms, key=lambda a: (not a.is_Pow, first.get(a, len(first)), str(a), numbered[a])
    )
    names = [fresh(f"u{i}") for i in range(len(order))]
    polynomials, *generators = ring(names or [fresh("u")], sympy.QQ)
    quotient = _Quotient(polynomials, dict(zip(order, generators, strict=False)))
    quotient.divide_by(equations)
    result = quotient(e)
    found = result.as_expr(*order) if order else sympy.sympify(result.as_expr())
    return functions.put_back(found)


class _Functions:
    """Symbols in the place of functions and roots, so that only polynomials are left."""

    def __init__(self, definitions: Definitions) -> None:
        self.definitions = definitions
        self.of: dict[Any, sympy.Symbol] = {}
        self.meaning: dict[sympy.Symbol, sympy.Expr] = {}
        self.equations: list[sympy.Expr] = []
        self.leading: list[sympy.Symbol] = []
        self.known: dict[sympy.Expr, sympy.Expr] = {}
        self.quotients = False  # whether there is a denominator that is no symbol
        self.reciprocals = dict(filter(None, map(_reciprocal, definitions.equations)))

    def replace(self, e: sympy.Expr) -> sympy.Expr:
        """Return ``e`` with symbols for all that is neither sum, product nor whole power."""
        if e.is_Symbol or e.is_Rational:
            return e
        if e not in self.known:
            self.known[e] = self._replaced(e)
        return self.known[e]

    def put_back(self, e: sympy.Expr) -> sympy.Expr:
        """Return ``e`` with the functions again."""
        for _ in range(len(self.meaning)):
            if not e.free_symbols & self.meaning.keys():
                break
            e = e.xreplace(self.meaning)
        return e

    def _replaced(self, e: sympy.Expr) -> sympy.Expr:
        if e.is_Add or e.is_Mul:
            return e.func(*map(self.replace, e.args))
        if e.is_Pow and e.exp.is_Integer:
            base = self.replace(e.base)
            if e.exp.is_negative and base in self.reciprocals:
                return self.reciprocals[base] ** -e.exp
            self.quotients |= bool(e.exp.is_negative and not base.is_Symbol)
            return base**e.exp
        if e.is_Float:
            return sympy.Rational(e)
        if e.is_Pow and e.exp.is_Rational and e.exp.q <= LARGEST_ROOT:
            return self._root(e.base, int(e.exp.q)) ** int(e.exp.p)
        if getattr(e, "normalised", False):
            return self._symbol(e)
        if e.is_Function or e.is_Pow:
            whole = e.func(*(self._canonical(a) for a in e.args))
            return self._symbol(whole) if whole.is_Function or whole.is_Pow else self.replace(whole)
        return self._symbol(e)

    def _root(self, base: sympy.Expr, q: int) -> sympy.Symbol:
        base = self._canonical(base)
        whole = base ** sympy.Rational(1, q)
        if whole not in self.of:
            symbol = self._symbol(whole)
            inside = self.replace(base)
            poles = [p.base for p in inside.atoms(sympy.Pow) if p.exp.is_negative]
            if all(pole.is_Symbol for pole in poles):  # else it is just a function
                self.equations.append(symbol**q - inside)
                self.leading.insert(0, symbol)
        return self.of[whole]

    def _canonical(self, e: sympy.Expr) -> sympy.Expr:
        """Return an argument in a form that equal arguments share, as far as that is known."""
        if not isinstance(e, sympy.Expr) or e.is_Symbol or e.is_Rational:
            return e
        if any(p.exp.is_negative for p in e.atoms(sympy.Pow)):
            try:
                return sympy.cancel(e)
            except (sympy.PolynomialError, NotImplementedError):
                return e
        return _normal_form(e, self.definitions)

    def _symbol(self, e: sympy.Expr) -> sympy.Symbol:
        if e not in self.of:
            self.of[e] = fresh(f"[{e!s:.60}]")
            self.meaning[self.of[e]] = e
        return self.of[e]


def _reciprocal(equation: sympy.Expr) -> tuple[sympy.Expr, sympy.Expr] | None:
    """Return a square root r and ``1 / r = r / d``, if an equation says ``r^2 = d``."""
    constant, rest = equation.as_coeff_Add()
    square = rest.is_Pow and rest.exp == 2 and rest.base.is_Symbol and constant != 0
    return (rest.base, rest.base / -constant) if square else None


class _Quotient:
    """Evaluation of expressions in a polynomial ring modulo equations, reduced at every product."""

    def __init__(self, polynomials: Any, of: Mapping[sympy.Expr, Any]) -> None:
        self.polynomials = polynomials
        self.of = of
        self.known: dict[sympy.Expr, Any] = {}
        self.equations: list[Any] = []
        for atom, generator in of.items():
            if atom.is_Pow:  # a reciprocal
                self.equations.append(generator * of[atom.base] - 1)

    def divide_by(self, equations: Sequence[sympy.Expr]) -> None:
        """Add equations."""
        self.equations += [self(equation) for equation in equations]
        self.known.clear()

    def __call__(self, e: sympy.Expr) -> Any:
        if e.is_Rational:
            return self.polynomials(sympy.QQ(e.p, e.q))
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


def _collect(e: Any, atoms: dict[sympy.Expr, None], seen: set[Any] | None = None) -> None:
    """Gather the indeterminates of an expression, or of a tuple of expressions."""
    seen = set() if seen is None else seen
    if e in seen:
        return
    seen.add(e)
    if isinstance(e, tuple) or e.is_Add or e.is_Mul:
        for part in e if isinstance(e, tuple) else e.args:
            _collect(part, atoms, seen)
    elif e.is_Pow and e.exp.is_Integer and e.exp.is_positive:
        _collect(e.base, atoms, seen)
    elif e.is_Pow and e.exp.is_Integer:  # of a symbol: other denominators are cleared before
        atoms.setdefault(e.base)
        atoms.setdefault(1 / e.base)
    elif not e.is_Rational:
        atoms.setdefault(e)


@cache
def load_algebra() -> None:
    """Do a small calculation, once, so that SymPy imports what it imports on first use."""
    x, y = symbol_array("x", (2,), positive=True)
    slope = sympy.diff((x + y * y) ** 2 / y, y)
    normal_form(slope / (1 + x) - x**-1 * sympy.sqrt(2))
    sympy.Matrix([[x, 1], [y, x]]).adjugate()
