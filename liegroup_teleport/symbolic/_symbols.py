"""Object arrays of symbols that are like no other, and what binds some of them.

Unknowns are nested dicts, tuples and lists of object arrays. Some symbols are not free: the
reciprocal of a determinant, the entries of a rotation. Their :class:`Definitions` say by which
equations they are bound, which keeps everything polynomial.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy

from ._scalars import Notes, Unknown, bare

__all__ = [
    "Definitions",
    "Symbols",
    "entries",
    "fresh",
    "map_entries",
    "printable",
    "symbol_array",
    "unwrapped",
    "wrapped",
]


class Fresh(sympy.Dummy):
    """A symbol that equals no other, whatever their names; printed by its name alone."""

    def _sympystr(self, printer: Any) -> str:
        return self.name


def fresh(name: str, **assumptions: bool) -> sympy.Symbol:
    """Return a new symbol: equal to no other one, ours or the user's, of this name or another."""
    return Fresh(name, **(assumptions or {"real": True}))


@dataclass(frozen=True)
class Definitions:
    """What bound symbols stand for.

    Attributes
    ----------
    equations : tuple of Expr
        Polynomials that vanish, each leading with bound symbols in the lexicographic order in
        which ``leading`` comes first.
    leading : tuple of Symbol
    """

    equations: tuple[sympy.Expr, ...] = ()
    leading: tuple[sympy.Symbol, ...] = ()

    def __or__(self, other: Definitions) -> Definitions:
        """Return both together."""
        return Definitions(self.equations + other.equations, other.leading + self.leading)


def symbol_array(prefix: str, shape: Sequence[int], *, positive: bool = False) -> np.ndarray:
    """Return an object array of new real symbols named after their places, such as ``W1_0_2``."""
    array = np.empty(tuple(shape), dtype=object)
    assumptions = {"positive": True} if positive else {"real": True}
    for place in np.ndindex(array.shape):
        array[place] = fresh("_".join([prefix, *map(str, place)]), **assumptions)
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


def entries(nested: Any) -> Iterator[Any]:
    """Iterate over the entries of all arrays in ``nested``."""
    if isinstance(nested, Mapping):
        nested = tuple(nested.values())
    if isinstance(nested, tuple | list):
        for part in nested:
            yield from entries(part)
    elif isinstance(nested, np.ndarray):
        for place in np.ndindex(nested.shape):
            yield nested[place]
    else:
        yield nested


def wrapped(nested: Any, notes: Notes) -> Any:
    """Return nested expressions as unknown numbers, ready for the code that is put to the proof."""
    return map_entries(lambda entry: Unknown(bare(entry), notes), nested)


def unwrapped(nested: Any) -> Any:
    """Return what code made of unknown numbers as expressions."""
    return map_entries(bare, nested)


class Symbols:
    """How derivatives are taken where the scalars are unknown numbers."""

    def __init__(self, notes: Notes) -> None:
        self.notes = notes

    def derivative(self, path: Callable[[Any], Any]) -> Any:
        """Return the derivative at t = 0 of nested arrays that depend on t."""
        t = fresh("t")
        found = unwrapped(path(Unknown(t, self.notes)))
        return wrapped(map_entries(lambda e: sympy.diff(e, t).subs(t, 0), found), self.notes)

    def jump(self, path: Callable[[Any], Any]) -> Any:
        """Return zero: expressions do not jump."""
        return map_entries(lambda _: 0, path(Unknown(sympy.Integer(0), self.notes)))


def printable(expression: sympy.Expr) -> sympy.Expr:
    """Return an expression with plain symbols in the place of new ones, for people to read."""
    found: dict[Any, sympy.Symbol] = {}
    taken = {s.name for s in expression.free_symbols if not isinstance(s, Fresh)}
    for symbol in sorted(
        (s for s in expression.free_symbols if isinstance(s, Fresh)), key=lambda s: s.sort_key()
    ):
        name = symbol.name
        while name in taken:
            name += "'"
        taken.add(name)
        found[symbol] = sympy.Symbol(name, **symbol._assumptions_orig)
    return expression.xreplace(found)
