"""Losses as polynomials in a ring: of library losses, of expressions, of Python functions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import sympy
from sympy.polys.rings import ring

from ..groups._layout import Layout
from ..losses import MLP, Quadratic
from ._symbols import entries, fill, map_entries, symbol_array

__all__ = ["Polynomials", "polynomials_of"]

Point = Mapping[sympy.Symbol, Fraction]


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
    gradient : callable
        From numbers for all symbols to the gradients, a list of lists of ``Fraction``:
        by the loss's own code or by SymPy's derivative, not by the ring's.
    function : bool
        Whether the values are outputs for every input.
    """

    what: str
    layout: Layout
    labels: tuple[str, ...]
    symbols: tuple[sympy.Symbol, ...]
    data: tuple[sympy.Symbol, ...]
    values: tuple[Any, ...]
    variables: tuple[Any, ...]
    gradient: Callable[[Point], list[list[Fraction]]]
    function: bool


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
    if hasattr(loss, "value") and hasattr(loss, "gradient"):
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
    symbols = tuple(entries(w))
    given = {name: getattr(loss, name, None) for name in ("A", "minimum", "inputs", "targets")}
    data = _free_symbols(given, symbols)
    R, inside = _ring(symbols, data)
    exact = _with_data(loss, lambda entry: _to_ring(entry, R, loss))
    value = _run(lambda: exact.value(map_entries(inside.__getitem__, w)), loss)

    def gradient(point: Point) -> list[list[Fraction]]:
        numeric = _with_data(loss, lambda entry: _number(entry, point))
        found = numeric.gradient(fill(w, point))
        return [[Fraction(entry) for name in layout.shapes for entry in entries(found[name])]]

    return Polynomials(
        repr(loss), layout, tuple(layout.labels), symbols, data,
        (_element(value, R, loss),), tuple(inside[s] for s in symbols), gradient, False,
    )  # fmt: skip


def _of_outputs(loss: MLP) -> Polynomials:
    layout = Layout(loss.shapes)
    w = {name: symbol_array(name, shape) for name, shape in layout.shapes.items()}
    X = symbol_array("x", (1, loss.widths[0]))
    symbols, data = tuple(entries(w)), tuple(entries(X))
    R, inside = _ring(symbols, data)
    out = _run(
        lambda: loss.forward(
            map_entries(inside.__getitem__, w), map_entries(inside.__getitem__, X)
        ),
        loss,
    )

    def gradient(point: Point) -> list[list[Fraction]]:
        # half the squared distance to zero targets and to unit ones differ by an output
        inputs, at = fill(X, point), fill(w, point)
        rows = []
        for k in range(loss.widths[-1]):
            pair = []
            for size in (0, 1):
                targets = map_entries(Fraction, np.zeros((1, loss.widths[-1]), dtype=object))
                targets[0, k] = Fraction(size)
                other = MLP(
                    loss.widths, activation=loss.activation, inputs=inputs, targets=targets,
                    bias=loss.bias,
                )  # fmt: skip
                pair.append(list(entries(other.gradient(at))))
            rows.append([Fraction(a - b) for a, b in zip(*pair, strict=True)])
        return rows

    values = tuple(_element(entry, R, loss) for entry in entries(out))
    return Polynomials(
        f"outputs of {loss!r} for every input", layout, tuple(layout.labels), symbols, data,
        values, tuple(inside[s] for s in symbols), gradient, True,
    )  # fmt: skip


def _of_expression(loss: Any, variables: Any) -> Polynomials:
    if isinstance(variables, Mapping):
        layout = Layout(variables)
        w = {name: symbol_array(name, shape) for name, shape in layout.shapes.items()}
        symbols, arguments = tuple(entries(w)), (w,)
        labels = tuple(layout.labels)
    else:
        symbols = arguments = tuple(variables)
        for symbol in symbols:
            if not isinstance(symbol, sympy.Symbol):
                raise TypeError(f"variable {symbol!r} is no SymPy symbol")
        if len(set(symbols)) != len(symbols):
            raise ValueError(f"variables {list(symbols)} name a symbol twice")
        layout = Layout({"w": (len(symbols),)})
        labels = tuple(map(str, symbols))
    if callable(loss) and not isinstance(loss, sympy.Basic | sympy.MatrixBase):
        loss = loss(*arguments)
    several = isinstance(loss, Sequence | np.ndarray | sympy.MatrixBase)
    given = list(entries(np.array(loss, dtype=object))) if several else [loss]
    expressions = [sympy.nsimplify(sympy.sympify(e), rational=True) for e in given]
    data = _free_symbols(expressions, symbols)
    R, inside = _ring(symbols, data)
    values = tuple(_to_ring(e, R, e) for e in expressions)
    derivatives = np.array([[sympy.diff(e, s) for s in symbols] for e in expressions], dtype=object)

    def gradient(point: Point) -> list[list[Fraction]]:
        rows: list[list[Fraction]] = fill(derivatives, point).tolist()
        return rows

    what = str(expressions[0]) if len(expressions) == 1 else f"{len(expressions)} expressions"
    return Polynomials(
        what if len(what) <= 60 else what[:57] + "...", layout, labels, symbols, data,
        values, tuple(inside[s] for s in symbols), gradient, False,
    )  # fmt: skip


def _free_symbols(nested: Any, known: Sequence[sympy.Symbol]) -> tuple[sympy.Symbol, ...]:
    found: set[sympy.Symbol] = set()
    for entry in entries(nested):
        found |= getattr(entry, "free_symbols", set())
    return tuple(sorted(found - set(known), key=str))


def _ring(symbols: Sequence[Any], data: Sequence[Any]) -> tuple[Any, dict[Any, Any]]:
    """Return the polynomial ring of all symbols, and its generators by symbol."""
    if not symbols:
        raise ValueError("no variables; expected at least one")
    R, *generators = ring([*symbols, *data], sympy.QQ)
    return R, dict(zip([*symbols, *data], generators, strict=True))


def _with_data(loss: Any, convert: Callable[[Any], Any]) -> Any:
    """Return a loss of the library with every entry of its data converted."""

    def arrays(*names: str) -> dict[str, np.ndarray]:
        found = {}
        for name in names:
            array = getattr(loss, name)
            if not isinstance(array, np.ndarray):
                raise TypeError(f"{name} is a {type(array).__name__}; a proof needs a dense array")
            found[name] = map_entries(convert, array)
        return found

    if isinstance(loss, Quadratic):
        return Quadratic(**arrays("A", "minimum"))
    if isinstance(loss, MLP) and loss.loss == "mse":
        data = arrays("inputs", "targets")
        return MLP(
            loss.widths, activation=loss.activation, bias=loss.bias,
            inputs=data["inputs"], targets=data["targets"],
        )  # fmt: skip
    return loss


def _run(code: Callable[[], Any], loss: Any) -> Any:
    try:
        return code()
    except (AttributeError, TypeError, ValueError, NotImplementedError) as error:
        raise _not_polynomial(loss, f"its code cannot run on polynomials ({error})") from error


def _to_ring(entry: Any, R: Any, loss: Any) -> Any:
    """Return a number, exactly, or an expression as an element of the ring."""
    if isinstance(entry, int | Fraction | np.integer | float | np.floating):
        return R(sympy.QQ(*_fraction(entry).as_integer_ratio()))
    try:
        return R.from_expr(sympy.nsimplify(entry, rational=True))
    except (ValueError, sympy.polys.polyerrors.CoercionFailed) as error:
        raise _not_polynomial(loss, f"{entry} is none") from error


def _element(value: Any, R: Any, loss: Any) -> Any:
    if getattr(value, "ring", None) == R:
        return value
    return _to_ring(value, R, loss)


def _number(entry: Any, point: Point) -> Fraction:
    if isinstance(entry, sympy.Basic):
        number: Fraction = fill(np.array([entry], dtype=object), point)[0]
        return number
    return _fraction(entry)


def _fraction(entry: Any) -> Fraction:
    return Fraction(entry.item() if isinstance(entry, np.generic) else entry)


def _not_polynomial(loss: Any, why: str) -> ValueError:
    return ValueError(
        f"{loss!r:.120} is no polynomial with rational coefficients: {why}. "
        "liegroup_teleport.discover_generators finds the symmetries of such losses from numbers"
    )
