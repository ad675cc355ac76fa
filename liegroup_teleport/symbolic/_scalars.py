"""Scalars to fill object arrays with: unknown numbers, and numbers that are exact or precise.

Code of the library and of users runs on arrays of these as it runs on floats. What they have in
common is that nothing is decided by the looks of an expression: an :class:`Unknown` refuses every
decision that is not the same for all numbers, and a :class:`Number` decides by its value.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any

import mpmath
import numpy as np
import sympy

__all__ = ["Notes", "Unknown", "bare", "exact_rational", "expression_of", "unary_functions"]

REFUSED = (
    "a decision about {what}: it is not the same for all numbers, so code that asks for it cannot "
    "be proved. Comparisons, np.where, np.maximum, counting and float() are such decisions; a "
    "product with zeros and ones is none"
)


class Notes:
    """What a run on symbols took for granted about its arguments, in words."""

    def __init__(self) -> None:
        self.conditions: dict[str, None] = {}

    def take(self, condition: str) -> None:
        """Write a condition down, once."""
        self.conditions.setdefault(condition)


def exact_rational(value: Any) -> Fraction | None:
    """Return a real number at its exact value, a float as the dyadic rational that it is.

    ``None`` where ``value`` is no finite rational number of a kind that is known here.
    """
    if isinstance(value, Fraction):
        return value
    if isinstance(value, bool | np.bool_ | int | np.integer):
        return Fraction(int(value))
    if isinstance(value, float | np.floating):
        return Fraction(float(value)) if np.isfinite(value) else None
    if isinstance(value, sympy.Rational):
        return Fraction(int(value.p), int(value.q))
    if isinstance(value, sympy.Float):
        return Fraction(*sympy.Rational(value).as_numer_denom()) if value.is_finite else None
    if isinstance(value, Decimal):
        return Fraction(value) if value.is_finite() else None
    if isinstance(value, mpmath.mpf):
        sign, man, exp, _ = value._mpf_
        return (
            Fraction((-1) ** sign * int(man)) * Fraction(2) ** int(exp) if man or not exp else None
        )
    return None


def _expression(value: Any) -> sympy.Expr | None:
    """Return the expression of anything real, floats at their exact value, or ``None``."""
    if isinstance(value, Unknown):
        return value.expr
    rational = exact_rational(value)
    if rational is not None:
        return sympy.Rational(rational.numerator, rational.denominator)
    if hasattr(value, "_sympy_"):  # an exact number of ours
        value = value._sympy_()
    if isinstance(value, sympy.Expr):
        if floats := value.atoms(sympy.Float):
            value = value.xreplace({f: sympy.Rational(f) for f in floats})
        if all(map(_keeps_real, sympy.preorder_traversal(value))):
            return value  # SymPy's own answer asks every term about every other
        return None if value.is_extended_real is False or value.has(sympy.I, sympy.nan) else value
    return None


def _keeps_real(part: sympy.Basic) -> bool:
    """Whether a part of an expression is real, or makes real numbers of real ones."""
    if isinstance(part, sympy.Symbol):
        return bool(part.is_extended_real)
    return part.is_Rational or part.is_Add or part.is_Mul or (part.is_Pow and part.exp.is_Integer)


def bare(value: Any) -> Any:
    """Return the expression in an unknown number; expressions are taken to be free of floats."""
    if isinstance(value, Unknown):
        return value.expr
    return value if isinstance(value, sympy.Expr) and not value.is_Float else expression_of(value)


def expression_of(value: Any) -> sympy.Expr:
    """Return what an entry that code computed is, as an expression without floats.

    Raises
    ------
    TypeError
        If it is no real number and no expression of one.
    """
    expression = _expression(value)
    if expression is None:
        raise TypeError(f"{value!r:.80} is a {type(value).__name__}; expected a finite real number")
    return expression


Binary = Callable[[sympy.Expr, sympy.Expr], Any]


def unary_functions() -> dict[str, Callable[[Any], Any]]:
    """Return the functions that NumPy calls by name on entries of object arrays."""
    third = sympy.Rational(1, 3)
    return {
        "exp": sympy.exp,
        "exp2": lambda z: sympy.Integer(2) ** z,
        "expm1": lambda z: sympy.exp(z) - 1,
        "log": sympy.log,
        "log2": lambda z: sympy.log(z) / sympy.log(2),
        "log10": lambda z: sympy.log(z) / sympy.log(10),
        "log1p": lambda z: sympy.log(1 + z),
        "sqrt": sympy.sqrt,
        "cbrt": lambda z: sympy.sign(z) * sympy.Abs(z) ** third,
        "sin": sympy.sin,
        "cos": sympy.cos,
        "tan": sympy.tan,
        "arcsin": sympy.asin,
        "arccos": sympy.acos,
        "arctan": sympy.atan,
        "sinh": sympy.sinh,
        "cosh": sympy.cosh,
        "tanh": sympy.tanh,
        "arcsinh": sympy.asinh,
        "arccosh": sympy.acosh,
        "arctanh": sympy.atanh,
        "fabs": sympy.Abs,
    }


DOMAINS = {
    "log": "logarithms are taken of positive numbers only",
    "log2": "logarithms are taken of positive numbers only",
    "log10": "logarithms are taken of positive numbers only",
    "log1p": "logarithms are taken of positive numbers only",
    "sqrt": "roots are taken of numbers that are not negative",
    "tan": "no tangent is taken at a pole",
    "arcsin": "inverse functions are taken within their domain",
    "arccos": "inverse functions are taken within their domain",
    "arccosh": "inverse functions are taken within their domain",
    "arctanh": "inverse functions are taken within their domain",
}
NO_POLE = "no denominator is zero"


class Unknown:
    """A real number of which only an expression is known.

    Arithmetic and NumPy's elementary functions build larger expressions. Comparisons return SymPy
    relations, which ``sympy.Piecewise`` takes; their truth value, that of an unknown, conversions
    to floats and hashes are refused unless they are the same for all numbers. Floats that it meets
    count at their exact value; complex numbers are refused.
    """

    __slots__ = ("expr", "notes")

    _op_priority = 1000.0  # SymPy's expressions leave the operation to this class

    def __init__(self, expr: sympy.Expr, notes: Notes) -> None:
        self.expr = expr
        self.notes = notes

    def _sympy_(self) -> sympy.Expr:
        return self.expr

    def __repr__(self) -> str:
        return str(self.expr)

    def __deepcopy__(self, memo: Any) -> Unknown:
        return self

    def _made(self, expr: Any) -> Unknown:
        return Unknown(expr, self.notes)

    def _with(self, other: Any, operation: Binary, *, reflected: bool = False) -> Any:
        if isinstance(other, np.ndarray):
            return NotImplemented  # NumPy goes entry by entry
        right = _expression(other)
        if right is None:
            if isinstance(other, complex | np.complexfloating | sympy.Expr):
                raise TypeError(
                    f"{other!r:.40} is no finite real number: proofs are about real numbers"
                )
            return NotImplemented
        return self._made(operation(right, self.expr) if reflected else operation(self.expr, right))

    def __add__(self, other: Any) -> Any:
        return self._with(other, lambda a, b: a + b)

    __radd__ = __add__

    def __mul__(self, other: Any) -> Any:
        return self._with(other, lambda a, b: a * b)

    __rmul__ = __mul__

    def __sub__(self, other: Any) -> Any:
        return self._with(other, lambda a, b: a - b)

    def __rsub__(self, other: Any) -> Any:
        return self._with(other, lambda a, b: a - b, reflected=True)

    def _quotient(self, a: sympy.Expr, b: sympy.Expr) -> sympy.Expr:
        if b.is_zero:
            raise ZeroDivisionError(f"{a} is divided by zero")
        if not b.is_nonzero:
            self.notes.take(NO_POLE)
        return a / b

    def __truediv__(self, other: Any) -> Any:
        return self._with(other, self._quotient)

    def __rtruediv__(self, other: Any) -> Any:
        return self._with(other, self._quotient, reflected=True)

    def _power(self, a: sympy.Expr, b: sympy.Expr) -> sympy.Expr:
        if b.is_Integer:
            return self._quotient(sympy.Integer(1), a**-b) if b.is_negative else a**b
        if not a.is_nonnegative:
            self.notes.take("fractional powers are taken of numbers that are not negative")
        if b.is_negative:
            self.notes.take(NO_POLE)
        return a**b

    def __pow__(self, other: Any) -> Any:
        return self._with(other, self._power)

    def __rpow__(self, other: Any) -> Any:
        return self._with(other, self._power, reflected=True)

    def __neg__(self) -> Unknown:
        return self._made(-self.expr)

    def __pos__(self) -> Unknown:
        return self

    def __abs__(self) -> Unknown:
        return self._made(sympy.Abs(self.expr))

    @property
    def real(self) -> Unknown:
        return self

    @property
    def imag(self) -> Unknown:
        return self._made(sympy.Integer(0))

    def conjugate(self) -> Unknown:
        return self

    def __getattr__(self, name: str) -> Any:
        """Find the elementary functions that NumPy calls on entries of object arrays."""
        function = unary_functions().get(name)
        if function is None:
            raise AttributeError(f"an unknown number has no attribute {name!r}")

        def apply() -> Unknown:
            if name in DOMAINS:
                self.notes.take(DOMAINS[name])
            return self._made(function(self.expr))

        return apply

    def hypot(self, other: Any) -> Any:
        return self._with(other, lambda a, b: sympy.sqrt(a * a + b * b))

    def arctan2(self, other: Any) -> Any:
        self.notes.take(DOMAINS["arcsin"])
        return self._with(other, sympy.atan2)

    # -- decisions ----------------------------------------------------------------
    def _relation(self, other: Any, relation: Binary) -> Any:
        right = None if isinstance(other, np.ndarray) else _expression(other)
        return NotImplemented if right is None else relation(self.expr, right)

    def __eq__(self, other: Any) -> Any:
        equal = self._relation(other, sympy.Eq)
        if equal is NotImplemented and not isinstance(other, np.ndarray):
            raise TypeError(REFUSED.format(what=f"{self.expr} == {other!r:.40}"))
        return equal

    def __ne__(self, other: Any) -> Any:
        unequal = self._relation(other, sympy.Ne)
        if unequal is NotImplemented and not isinstance(other, np.ndarray):
            raise TypeError(REFUSED.format(what=f"{self.expr} != {other!r:.40}"))
        return unequal

    def __lt__(self, other: Any) -> Any:
        return self._relation(other, lambda a, b: a < b)

    def __le__(self, other: Any) -> Any:
        return self._relation(other, lambda a, b: a <= b)

    def __gt__(self, other: Any) -> Any:
        return self._relation(other, lambda a, b: a > b)

    def __ge__(self, other: Any) -> Any:
        return self._relation(other, lambda a, b: a >= b)

    def __hash__(self) -> int:
        raise TypeError(REFUSED.format(what=f"whether {self.expr} equals other entries"))

    def _refuse(self, *arguments: Any) -> Any:
        raise TypeError(REFUSED.format(what=f"the size of {self.expr}"))

    __mod__ = __rmod__ = __floordiv__ = __rfloordiv__ = __divmod__ = __rdivmod__ = _refuse
    __index__ = __complex__ = __round__ = __floor__ = __ceil__ = __trunc__ = _refuse
    rint = floor = ceil = trunc = _refuse

    def __bool__(self) -> bool:
        if self.expr.is_zero is not None:
            return not self.expr.is_zero
        raise TypeError(REFUSED.format(what=f"whether {self.expr} is zero"))

    def __float__(self) -> float:
        if self.expr.is_number:
            return float(self.expr)
        raise TypeError(REFUSED.format(what=f"the size of {self.expr}, as float() does"))

    def __int__(self) -> int:
        if self.expr.is_Integer:
            return int(self.expr)
        return self._refuse()  # type: ignore[no-any-return]
