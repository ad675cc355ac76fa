"""Losses as polynomials in a ring: of library losses, of expressions, of Python functions."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

import numpy as np
import sympy
from sympy.polys.rings import ring

from .._errors import DomainError
from ..groups._layout import Layout
from ..losses import MLP
from ._draws import GENERIC, Draw
from ._numbers import Number, evaluate
from ._running import CannotRunError, as_floats, run, value_of
from ._scalars import Notes, expression_of
from ._symbols import entries, map_entries, symbol_array, unwrapped, wrapped

__all__ = ["Polynomials", "polynomials_of"]

Point = Mapping[sympy.Symbol, Number]
Numbers = Callable[[Point], list[Any]]


@dataclass(frozen=True)
class Polynomials:
    """What must not change: polynomials in the parameters, and in symbols of the data.

    Attributes
    ----------
    what : str
        The loss, in words.
    layout : Layout
        The parameters.
    labels : tuple of str
        One name per parameter entry.
    symbols : tuple of Symbol
        One per parameter entry.
    data : tuple of Symbol
        All others, which stand for any numbers.
    values : tuple of ring elements
        The loss, or the outputs, in the ring of ``symbols + data``.
    variables : tuple of ring elements
        The parameter entries.
    numbers : callable
        From exact numbers for all symbols to the values, by the loss's own code where it runs on
        numbers: no polynomial takes part.
    function : bool
        Whether the values are outputs for every input.
    expressions : tuple of Expr
        The values as expressions.
    decimals : bool
        Whether floats were read as decimals.
    """

    what: str
    layout: Layout
    labels: tuple[str, ...]
    symbols: tuple[sympy.Symbol, ...]
    data: tuple[sympy.Symbol, ...]
    values: tuple[Any, ...]
    variables: tuple[Any, ...]
    numbers: Numbers
    function: bool
    expressions: tuple[sympy.Expr, ...]
    decimals: bool = False


def polynomials_of(loss: Any, variables: Any, level: str) -> Polynomials:
    """Return the polynomials of anything that ``discover`` takes.

    Raises
    ------
    TypeError
        If ``loss`` or ``variables`` are of no kind that is understood.
    ValueError
        If the loss is not a polynomial with rational coefficients.
    """
    if isinstance(loss, MLP) and level == "function":
        return _of_outputs(loss)
    if level == "function":
        raise TypeError(
            f"level 'function' needs an MLP, got {type(loss).__name__}; give outputs as a sequence "
            "of expressions instead"
        )
    if isinstance(loss, type):
        raise TypeError(f"loss is the class {loss.__name__}; expected a loss, an instance")
    if callable(getattr(loss, "value", None)):
        shapes = variables if isinstance(variables, Mapping) else getattr(loss, "shapes", None)
        if shapes is None or (variables is not None and not isinstance(variables, Mapping)):
            raise TypeError(
                f"{type(loss).__name__} needs the shapes of its parameters: give "
                "variables={name: shape}"
            )
        return _of_loss(loss, Layout(shapes))
    if variables is None:
        raise TypeError("an expression or a function needs its variables: discover(f, [x, y])")
    return _of_expression(loss, variables)


def _of_loss(loss: Any, layout: Layout) -> Polynomials:
    w = {name: symbol_array(name, shape) for name, shape in layout.shapes.items()}
    what = f"value(w) of {type(loss).__name__}"
    code = _own(loss)

    def values(given: Mapping[str, Any]) -> list[Any]:
        return [value_of(code, given)]

    def in_floats(point: Mapping[str, Any]) -> list[Any]:
        return [value_of(loss, point)]

    expressions = _run(what, lambda: unwrapped(values(wrapped(w, Notes()))), loss)
    symbols = tuple(entries(w))
    data = _others(expressions, symbols)

    def numbers(point: Point) -> list[Any]:
        try:
            found = run(what, "numbers", lambda: values(_at(w, point)))
        except CannotRunError:
            return [evaluate(e, dict(point)) for e in expressions]
        return [_settled(value, point) for value in found]

    _check_same(what, expressions, numbers, None if data else in_floats, w)
    R, inside = _ring(symbols, data)
    return Polynomials(
        repr(loss), layout, tuple(layout.labels), symbols, data,
        tuple(_to_ring(e, R, inside, loss) for e in expressions),
        tuple(inside[s] for s in symbols), numbers, False, tuple(expressions),
    )  # fmt: skip


def _own(loss: Any) -> Any:
    """Return the loss, a network without its cache of data by dtype."""
    if not isinstance(loss, MLP):
        return loss
    there = copy.copy(loss)
    there._data = {}
    return there


def _of_outputs(loss: MLP) -> Polynomials:
    layout = Layout(loss.shapes)
    w = {name: symbol_array(name, shape) for name, shape in layout.shapes.items()}
    X = symbol_array("x", (1, loss.widths[0]))
    symbols, data = tuple(entries(w)), tuple(entries(X))
    notes = Notes()
    what = f"forward(w, X) of {type(loss).__name__}"
    code = _own(loss)
    expressions = _run(
        what,
        lambda: [*entries(unwrapped(code.forward(wrapped(w, notes), wrapped(X, notes))))],
        loss,
    )

    def numbers(point: Point) -> list[Any]:
        return list(entries(code.forward(_at(w, point), _at(X, point))))

    _check_same(what, expressions, numbers, None, w)
    R, inside = _ring(symbols, data)
    return Polynomials(
        f"outputs of {loss!r} for every input", layout, tuple(layout.labels), symbols, data,
        tuple(_to_ring(e, R, inside, loss) for e in expressions),
        tuple(inside[s] for s in symbols), numbers, True, tuple(expressions),
    )  # fmt: skip


def _of_expression(loss: Any, variables: Any) -> Polynomials:
    if isinstance(variables, Mapping):
        layout = Layout(variables)
        w = {name: symbol_array(name, shape) for name, shape in layout.shapes.items()}
        symbols, labels = tuple(entries(w)), tuple(layout.labels)
    else:
        w, symbols = None, _variables(variables)
        layout, labels = Layout({"w": (len(symbols),)}), tuple(map(str, symbols))
    function = callable(loss) and not isinstance(loss, sympy.Basic | sympy.MatrixBase)
    what = f"the function {getattr(loss, '__name__', loss)!s:.40}"

    def called(scalar: Callable[[Any], Any]) -> Any:
        return loss(map_entries(scalar, w)) if w is not None else loss(*map(scalar, symbols))

    notes = Notes()
    if function:
        given = _flat(_run(what, lambda: called(lambda s: wrapped(s, notes)), loss))
    else:
        given = _flat(loss)
    read = [_decimals(sympy.sympify(unwrapped(e) if function else e)) for e in given]
    expressions = [e for e, _ in read]
    for e in expressions:
        if not isinstance(e, sympy.Expr):
            raise TypeError(f"loss is {e!r:.60}; expected an expression")
    data = _others(expressions, symbols)

    def by_expression(point: Point) -> list[Any]:
        return [evaluate(e, dict(point)) for e in expressions]

    def numbers(point: Point) -> list[Any]:
        if not function:
            return by_expression(point)
        try:
            found = run(what, "numbers", lambda: _flat(called(lambda s: point[s])))
        except CannotRunError:
            return by_expression(point)
        return [_settled(value, point) for value in found]

    if function:
        _check_same(what, expressions, numbers, None, symbols)
    R, inside = _ring(symbols, data)
    subject = str(expressions[0]) if len(expressions) == 1 else f"{len(expressions)} expressions"
    return Polynomials(
        subject if len(subject) <= 60 else subject[:57] + "...", layout, labels, symbols, data,
        tuple(_to_ring(e, R, inside, e) for e in expressions), tuple(inside[s] for s in symbols),
        numbers, False, tuple(expressions), any(decimal for _, decimal in read),
    )  # fmt: skip


def _variables(variables: Any) -> tuple[sympy.Symbol, ...]:
    try:
        symbols = tuple(variables)
    except TypeError:
        raise TypeError(
            f"variables is {variables!r:.60}; expected a sequence of symbols, or a dict from name "
            "to shape"
        ) from None
    for symbol in symbols:
        if not isinstance(symbol, sympy.Symbol):
            raise TypeError(f"variable {symbol!r} is no SymPy symbol")
    if len(set(symbols)) != len(symbols):
        raise ValueError(f"variables {list(symbols)} name a symbol twice")
    return symbols


def _flat(values: Any) -> list[Any]:
    several = isinstance(values, Sequence | np.ndarray | sympy.MatrixBase)
    if several and not isinstance(values, str):
        return list(entries(np.array(values, dtype=object)))
    return [values]


def _decimals(e: Any) -> tuple[Any, bool]:
    """Read the floats of an expression as the shortest decimals that they print as."""
    floats = e.atoms(sympy.Float) if isinstance(e, sympy.Expr) else set()
    short = {f: sympy.Rational(repr(float(f))) for f in floats if f == sympy.Float(float(f), 15)}
    return (e.xreplace(short) if short else e), bool(short)


def _others(expressions: Sequence[Any], known: Sequence[Any]) -> tuple[sympy.Symbol, ...]:
    """Return the symbols that are no parameters: data, which stand for any numbers."""
    found: set[sympy.Symbol] = set()
    for e in expressions:
        found |= e.free_symbols
    return tuple(sorted(found - set(known), key=lambda s: s.sort_key()))


def _at(nested: Any, point: Point) -> Any:
    return map_entries(lambda symbol: point[symbol], nested)


def _settled(value: Any, point: Point) -> Any:
    """Return a number where symbols of the data are left in it."""
    return evaluate(value, dict(point)) if isinstance(value, sympy.Expr) else value


def _check_same(
    what: str, expressions: Sequence[Any], numbers: Numbers, in_floats: Any, w: Any
) -> None:
    """Raise unless the code has on numbers the values of the expressions that it made."""
    symbols: dict[Any, None] = {}
    for e in (*entries(w), *expressions):
        for symbol in sorted(e.free_symbols, key=lambda s: s.sort_key()):
            symbols.setdefault(symbol)
    for i, kind in enumerate((GENERIC, "zeros", "equal", "signs", "sparse", "negative")):
        draw = Draw(Random(f"polynomials {i}"), kind, calm=True)
        same = draw.one(draw.generic)
        point = {s: same if kind == "equal" else draw.one(draw.point) for s in symbols}
        try:
            a = [evaluate(e, dict(point)) for e in expressions]
            found = [("exact numbers", numbers(point), 1e-25)]
        except (DomainError, ZeroDivisionError):
            continue
        if in_floats is not None:
            found.append(("float64", in_floats(as_floats(_at(w, point))), 1e-9))
        for where, b, tolerance in found:
            largest = max([1.0, *(abs(float(x)) for x in a)])
            for x, y in zip(a, b, strict=True):
                if not abs(float(x - y)) <= tolerance * largest:
                    raise TypeError(
                        f"{what} means something else on symbols than on numbers: it is "
                        f"{float(x):.6g} on symbols and {float(y):.6g} in {where}"
                    )


def _ring(symbols: Sequence[Any], data: Sequence[Any]) -> tuple[Any, dict[Any, Any]]:
    """Return the polynomial ring of all symbols, and its generators by symbol."""
    if not symbols:
        raise ValueError("no variables; expected at least one")
    R, *generators = ring([*symbols, *data], sympy.QQ)
    return R, dict(zip([*symbols, *data], generators, strict=True))


def _run(what: str, code: Callable[[], Any], loss: Any) -> Any:
    try:
        return run(what, "symbols", code)
    except CannotRunError as error:
        raise _not_polynomial(loss, str(error)) from error


def _to_ring(e: Any, R: Any, inside: Mapping[Any, Any], loss: Any) -> Any:
    """Return an expression as an element of the ring."""
    known: dict[Any, Any] = dict(inside)

    def convert(e: Any) -> Any:
        if e not in known:
            known[e] = made(e)
        return known[e]

    def made(e: Any) -> Any:
        if e.is_Rational:
            return R(sympy.QQ(int(e.p), int(e.q)))
        if e.is_Add:
            return sum((convert(part) for part in e.args), R.zero)
        if e.is_Mul:
            product = R.one
            for part in e.args:
                product = product * convert(part)
            return product
        if e.is_Pow and e.exp.is_Integer and e.exp.is_positive:
            return convert(e.base) ** int(e.exp)
        raise _not_polynomial(loss, f"{e!s:.60} is none")

    return convert(expression_of(e))


def _not_polynomial(loss: Any, why: str) -> ValueError:
    return ValueError(
        f"{loss!r:.120} is no polynomial with rational coefficients: {why}. "
        "liegroup_teleport.discover_generators finds the symmetries of such losses from numbers"
    )
