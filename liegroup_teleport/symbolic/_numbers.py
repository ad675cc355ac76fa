"""Numbers for object arrays: exact rationals as long as that goes, fifty digits from there on."""

from __future__ import annotations

import operator
from collections.abc import Callable
from fractions import Fraction
from math import isqrt
from typing import Any

import mpmath
import numpy as np
import sympy

from .._errors import DomainError
from ._scalars import exact_rational

__all__ = ["DIGITS", "Number", "evaluate", "number", "numbers_of"]

DIGITS = 50
PRECISE = mpmath.MPContext()
PRECISE.dps = DIGITS
Payload = Any  # Fraction, or a floating-point number of PRECISE


def _precise(value: Payload) -> Any:
    if isinstance(value, Fraction):
        return PRECISE.mpf(value.numerator) / value.denominator
    return value


def _real(value: Any, what: str) -> Any:
    """Return a real finite result, or raise :class:`DomainError`."""
    if isinstance(value, PRECISE.mpc) or not PRECISE.isfinite(value):
        raise DomainError(f"{what} is no finite real number")
    return value


def _root(value: Payload) -> Payload:
    """Return the square root, exactly where it is rational."""
    if value < 0:
        raise DomainError("the square root of a negative number")
    if isinstance(value, Fraction):
        p, q = isqrt(value.numerator), isqrt(value.denominator)
        if p * p == value.numerator and q * q == value.denominator:
            return Fraction(p, q)
    return PRECISE.sqrt(_precise(value))


class Number:
    """A real number: a ``Fraction`` while it is rational, else of fifty digits.

    It meets floats at their exact value, compares by value, and has the elementary functions that
    NumPy calls by name. ``exact`` tells whether nothing was rounded.
    """

    __slots__ = ("value",)

    _op_priority = 1001.0

    def __init__(self, value: Payload) -> None:
        self.value = value

    @property
    def exact(self) -> bool:
        """Whether the number is rational and known exactly."""
        return isinstance(self.value, Fraction)

    def _sympy_(self) -> sympy.Expr:
        if isinstance(self.value, Fraction):
            return sympy.Rational(self.value.numerator, self.value.denominator)
        return sympy.Float(str(self.value), DIGITS)

    def __repr__(self) -> str:
        return str(float(self))

    def __deepcopy__(self, memo: Any) -> Number:
        return self

    def _with(self, other: Any, operation: Callable[[Any, Any], Any], swap: bool = False) -> Any:
        right = other.value if type(other) is Number else _payload(other)
        if right is None:
            return NotImplemented
        left = self.value
        if type(left) is not type(right):
            left, right = _precise(left), _precise(right)
        return Number(operation(right, left) if swap else operation(left, right))

    def __add__(self, other: Any) -> Any:
        return self._with(other, operator.add)

    __radd__ = __add__

    def __mul__(self, other: Any) -> Any:
        return self._with(other, operator.mul)

    __rmul__ = __mul__

    def __sub__(self, other: Any) -> Any:
        return self._with(other, operator.sub)

    def __rsub__(self, other: Any) -> Any:
        return self._with(other, operator.sub, True)

    def __truediv__(self, other: Any) -> Any:
        return self._with(other, operator.truediv)

    def __rtruediv__(self, other: Any) -> Any:
        return self._with(other, operator.truediv, True)

    def __mod__(self, other: Any) -> Any:
        return self._with(other, operator.mod)

    def __floordiv__(self, other: Any) -> Any:
        return self._with(other, lambda a, b: Fraction(int((a / b) // 1)))

    def __pow__(self, other: Any) -> Any:
        return self._with(other, _power)

    def __rpow__(self, other: Any) -> Any:
        return self._with(other, _power, True)

    def __neg__(self) -> Number:
        return Number(-self.value)

    def __pos__(self) -> Number:
        return self

    def __abs__(self) -> Number:
        return Number(abs(self.value))

    @property
    def real(self) -> Number:
        return self

    @property
    def imag(self) -> Number:
        return Number(Fraction(0))

    def conjugate(self) -> Number:
        return self

    def sqrt(self) -> Number:
        return Number(_root(self.value))

    def fabs(self) -> Number:
        return abs(self)

    def exp2(self) -> Any:
        return Number(Fraction(2)) ** self

    def expm1(self) -> Number:
        return self._function("expm1")

    def log2(self) -> Number:
        return Number(self._function("log").value / PRECISE.log(2))

    def log10(self) -> Number:
        return Number(self._function("log").value / PRECISE.log(10))

    def cbrt(self) -> Number:
        root = PRECISE.cbrt(abs(_precise(self.value)))
        return Number(root if self.value >= 0 else -root)

    def rint(self) -> Number:
        return Number(Fraction(round(_precise(self.value))))

    def __getattr__(self, name: str) -> Any:
        """Find the elementary functions that NumPy calls on entries of object arrays."""
        names = {"arcsin": "asin", "arccos": "acos", "arctan": "atan", "arcsinh": "asinh",
                 "arccosh": "acosh", "arctanh": "atanh"}  # fmt: skip
        known = ("exp", "log", "log1p", "sin", "cos", "tan", "sinh", "cosh", "tanh")
        if name in known or name in names:
            return lambda: self._function(names.get(name, name))
        raise AttributeError(f"a number has no attribute {name!r}")

    def _function(self, name: str) -> Number:
        if self.value == 0 and name in ("expm1", "log1p", "sin", "tan", "sinh", "tanh", "atan"):
            return Number(Fraction(0))
        try:
            found = getattr(PRECISE, name)(_precise(self.value))
        except (ValueError, ZeroDivisionError, OverflowError) as error:
            raise DomainError(f"{name}({float(self):.4g}): {error}") from None
        return Number(_real(found, f"{name}({float(self):.4g})"))

    def hypot(self, other: Any) -> Any:
        return (self * self + other * other).sqrt()

    def arctan2(self, other: Any) -> Any:
        return self._with(other, lambda a, b: PRECISE.atan2(_precise(a), _precise(b)))

    def _compare(self, other: Any, relation: Callable[[Any, Any], bool]) -> Any:
        right = other.value if type(other) is Number else _payload(other)
        if right is None:
            return NotImplemented
        left = self.value
        if type(left) is not type(right):
            left, right = _precise(left), _precise(right)
        return relation(left, right)

    def __eq__(self, other: Any) -> Any:
        return self._compare(other, operator.eq)

    def __ne__(self, other: Any) -> Any:
        return self._compare(other, operator.ne)

    def __lt__(self, other: Any) -> Any:
        return self._compare(other, operator.lt)

    def __le__(self, other: Any) -> Any:
        return self._compare(other, operator.le)

    def __gt__(self, other: Any) -> Any:
        return self._compare(other, operator.gt)

    def __ge__(self, other: Any) -> Any:
        return self._compare(other, operator.ge)

    def __hash__(self) -> int:
        return hash(self.value)

    def __bool__(self) -> bool:
        return bool(self.value != 0)

    def __float__(self) -> float:
        try:
            return float(self.value)
        except OverflowError:
            return float("inf") if self.value > 0 else float("-inf")

    def __int__(self) -> int:
        return int(self.value)

    def __round__(self, digits: int | None = None) -> Any:
        return round(self.value) if digits is None else Number(Fraction(round(self.value, digits)))

    def __floor__(self) -> int:
        return int(PRECISE.floor(_precise(self.value)))

    def __ceil__(self) -> int:
        return int(PRECISE.ceil(_precise(self.value)))


def _power(base: Payload, exponent: Payload) -> Payload:
    if isinstance(exponent, Fraction):
        if exponent.denominator == 1:
            return base ** int(exponent)
        if exponent.denominator == 2:
            return _root(base) ** exponent.numerator
    if base < 0:
        raise DomainError("a fractional power of a negative number")
    return _real(PRECISE.power(_precise(base), _precise(exponent)), "a power")


def _payload(value: Any) -> Payload | None:
    if isinstance(value, Number):
        return value.value
    rational = exact_rational(value)
    if rational is not None:
        return rational
    if isinstance(value, sympy.Expr) and value.is_number:
        return evaluate(value, {}).value
    return None


def number(value: Any) -> Number:
    """Return a real number at its exact value.

    Raises
    ------
    TypeError
        If it is no finite real number.
    """
    payload = _payload(value)
    if payload is None:
        raise TypeError(f"{value!r:.80} is a {type(value).__name__}; expected a finite real number")
    return Number(payload)


def numbers_of(array: Any) -> np.ndarray:
    """Return an object array of the exact values of the entries of ``array``."""
    given = np.asarray(array)
    made = np.empty(given.shape, dtype=object)
    for place in np.ndindex(given.shape):
        made[place] = number(given[place])
    return made


def evaluate(e: sympy.Expr, values: dict[Any, Number]) -> Number:
    """Return the number that an expression is where its symbols have the given values.

    Raises
    ------
    DomainError, ZeroDivisionError
        Where it is not defined.
    """
    return _evaluated(e, dict(values))


def _evaluated(e: sympy.Expr, known: dict[Any, Number]) -> Number:
    """Return the number that an expression is; every part that it shares is worked out once."""
    found = known.get(e)
    if found is None:
        found = known[e] = _computed(e, known)
    return found


def _computed(e: sympy.Expr, known: dict[Any, Number]) -> Number:
    if e.is_Rational:
        return Number(Fraction(int(e.p), int(e.q)))
    if e.is_Add:
        total = Number(Fraction(0))
        for part in e.args:
            total = total + _evaluated(part, known)
        return total
    if e.is_Mul:
        product = Number(Fraction(1))
        for part in e.args:
            product = product * _evaluated(part, known)
        return product
    if e.is_Pow:
        power: Number = _evaluated(e.base, known) ** _evaluated(e.exp, known)
        return power
    if isinstance(e, sympy.Abs):
        return abs(_evaluated(e.args[0], known))
    if isinstance(e, sympy.exp):
        return _evaluated(e.args[0], known)._function("exp")
    return _by_sympy(e, known)


def _by_sympy(e: sympy.Expr, values: dict[Any, Number]) -> Number:
    """Evaluate any other expression by SymPy, with fifty digits."""
    known = {symbol: values[symbol]._sympy_() for symbol in e.free_symbols if symbol in values}
    found = e.xreplace(known)
    if found.free_symbols:
        names = ", ".join(sorted(map(str, found.free_symbols)))
        raise TypeError(f"{e!s:.60} has no number: nothing is known of {names}")
    if not found.is_Rational:
        found = found.evalf(DIGITS)
    if found.is_Rational:
        return Number(Fraction(int(found.p), int(found.q)))
    if not (found.is_Float and found.is_finite):
        raise DomainError(f"{e!s:.60} is no finite real number there")
    return Number(PRECISE.mpf(str(found)))
