"""Activations for object arrays: of symbols, with their laws as rules, and of exact numbers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np
import sympy

from .._errors import DomainError
from ..losses import LeakyReLU
from ..losses._activations import Linear
from ._numbers import number
from ._scalars import Unknown, expression_of
from ._symbols import map_entries

__all__ = ["Exact", "Homogeneous", "Opaque", "is_linear"]


class Law(sympy.Function):
    """A function of which only a law is known; its arguments come in normal form."""

    normalised = True


class Slope(Law):
    """The slope of a positively homogeneous function at z: the same at s z for every s > 0."""

    nargs = 1

    def fdiff(self, argindex: int = 1) -> Any:
        return sympy.Integer(0)  # wherever there is a derivative

    def _latex(self, printer: Any) -> str:
        return rf"\sigma'\left({printer._print(self.args[0])}\right)"


class Value(Law):
    """A function of which nothing is known, or that it has an inverse."""

    nargs = 1

    @classmethod
    def eval(cls, z: Any) -> Any:
        return z.args[0] if isinstance(z, Preimage) else None

    def fdiff(self, argindex: int = 1) -> Any:
        return FirstDerivative(self.args[0])


class Preimage(Law):
    """The inverse of :class:`Value`."""

    nargs = 1


class FirstDerivative(Law):
    """The derivative of :class:`Value`."""

    nargs = 1

    def fdiff(self, argindex: int = 1) -> Any:
        return SecondDerivative(self.args[0])


class SecondDerivative(Law):
    """The second derivative of :class:`Value`."""

    nargs = 1


def is_linear(activation: Any) -> bool:
    """Whether the activation is the identity of the library."""
    return type(activation) is Linear


def _entry_by_entry(function: Any, z: Any) -> Any:
    """Apply a function of expressions to expressions, or to unknown numbers."""

    def apply(entry: Any) -> Any:
        made = function(expression_of(entry))
        return Unknown(made, entry.notes) if isinstance(entry, Unknown) else made

    return map_entries(apply, z)


def _without_positive_factors(z: Any) -> tuple[Any, Any]:
    """Return a product p of positive symbols that divides every term of ``z``, and ``z / p``."""
    terms = [sympy.Mul.make_args(term) for term in sympy.Add.make_args(sympy.sympify(z))]
    common = set.intersection(*map(set, terms))
    factors = {f for f in common if f.is_positive and not f.is_number}
    if not factors:
        return sympy.Integer(1), z
    rest = [sympy.Mul(*(f for f in term if f not in factors)) for term in terms]
    return sympy.Mul(*factors), sympy.Add(*rest)


@dataclass(frozen=True)
class Homogeneous:
    """Any positively homogeneous activation, ``f(z) = z s(z)`` with s blind to positive factors.

    ReLU and LeakyReLU of every slope at once; products with positive symbols come out of it.
    """

    name: str = "homogeneous"
    homogeneous: bool = True
    bijective: bool = False

    def __call__(self, z: Any) -> Any:
        def value(entry: Any) -> Any:
            factor, rest = _without_positive_factors(entry)
            return factor * rest * Slope(rest)

        return _entry_by_entry(value, z)

    def derivative(self, z: Any) -> Any:
        return _entry_by_entry(lambda entry: Slope(_without_positive_factors(entry)[1]), z)

    def second_derivative(self, z: Any) -> Any:
        return 0 * z


@dataclass(frozen=True)
class Opaque:
    """Any activation at all; if it is bijective, ``f(f^-1(h)) = h`` is known of it.

    ``normalise`` brings the arguments to a normal form, so that equal ones are recognised.
    """

    normalise: Callable[[Any], Any]
    bijective: bool = False
    name: str = "any"
    homogeneous: bool = False

    def _map(self, function: Callable[[Any], Any], z: Any) -> Any:
        return _entry_by_entry(lambda entry: function(self.normalise(entry)), z)

    def __call__(self, z: Any) -> Any:
        return self._map(Value, z)

    def derivative(self, z: Any) -> Any:
        return self._map(FirstDerivative, z)

    def second_derivative(self, z: Any) -> Any:
        return self._map(SecondDerivative, z)

    def inverse(self, h: Any) -> Any:
        return self._map(Preimage, h)


@dataclass(frozen=True)
class Exact:
    """The activation of a loss, computed on object arrays of exact numbers.

    Positively homogeneous ones by ``((1 + a) z + (1 - a) |z|) / 2`` times their slope to the
    right, exactly; for LeakyReLU any ``slope`` may be put in. Others through float64: the value
    is rounded, but equal arguments give equal values.
    """

    activation: Any
    slope: Fraction | None = None
    name: str = field(init=False)
    homogeneous: bool = field(init=False)
    bijective: bool = field(init=False)

    def __post_init__(self) -> None:
        activation = self.activation
        object.__setattr__(self, "name", activation.name)
        object.__setattr__(self, "homogeneous", bool(activation.homogeneous))
        object.__setattr__(self, "bijective", bool(getattr(activation, "bijective", False)))

    def _slopes(self) -> tuple[Fraction, Fraction]:
        """Return the slopes to the right and to the left of zero."""
        if self.slope is not None and type(self.activation) is LeakyReLU:
            return Fraction(1), self.slope
        right, left = self.activation(np.array([1.0, -1.0]))
        return Fraction(float(right)), Fraction(-float(left))

    def __call__(self, z: Any) -> Any:
        if not self.homogeneous:
            return self._through_floats(self.activation, z)
        right, left = self._slopes()
        return ((right + left) * z + (right - left) * np.abs(z)) / 2

    def derivative(self, z: Any) -> Any:
        if not self.homogeneous:
            return self._through_floats(self.activation.derivative, z)
        right, left = self._slopes()
        return map_entries(lambda entry: number(right if entry > 0 else left), z)

    def second_derivative(self, z: Any) -> Any:
        return self._through_floats(self.activation.second_derivative, z)

    def inverse(self, h: Any) -> Any:
        if not self.homogeneous:
            return self._through_floats(self.activation.inverse, h)
        right, left = self._slopes()
        return map_entries(lambda entry: entry / (right if entry > 0 else left), h)

    @staticmethod
    def _through_floats(function: Callable[[Any], Any], z: Any) -> Any:
        with np.errstate(all="ignore"):
            found = np.asarray(function(np.asarray(z, dtype=np.float64)))
        if not np.all(np.isfinite(found)):
            raise DomainError("the activation overflows")
        return map_entries(number, found)
