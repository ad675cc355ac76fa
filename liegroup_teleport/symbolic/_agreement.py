"""Whether code means on symbols what it means on numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random
from typing import Any

import numpy as np

from .._errors import DomainError
from ._draws import GENERIC, Draw
from ._gradients import gradient_of
from ._numbers import Number, evaluate, number
from ._running import CannotRunError, as_floats, run, value_of
from ._scalars import Unknown, expression_of
from ._settings import Setting
from ._symbols import entries, map_entries

__all__ = ["check_agreement"]

POINTS = (GENERIC, "zeros", "equal", "signs", "sparse", "negative", GENERIC)


def check_agreement(
    made: Setting, group: Any, loss: Any, v: Mapping[str, Any], *, gradient: bool
) -> None:
    """Raise unless the loss has the same values on symbols, on exact numbers and in float64.

    Code may tell arrays of symbols from arrays of numbers, by their dtype, by comparisons that
    are answered by looks or by errors that it catches; then a proof is about another function. At
    generic and special points the expression, the code on numbers and the code in float64 are
    compared.

    Raises
    ------
    TypeError
        If they differ: with the point and the values.
    """
    name = type(loss).__name__
    functions: dict[str, Callable[[Any, Any], Any]] = {f"value(w) of {name}": value_of}
    if gradient:
        functions[f"gradient(w) of {name}"] = gradient_of
    for what, function in functions.items():
        expressions = [expression_of(e) for e in entries(function(loss, v["w"]))]
        for i, kind in enumerate(POINTS):
            _compare(what, function, expressions, made, Draw(Random(f"same {i}"), kind, calm=True))


def _compare(
    what: str, function: Callable[[Any, Any], Any], found: list[Any], made: Setting, draw: Draw
) -> None:
    values: dict[Any, Number] = {}
    there = {name: _drawn(part, draw, values, special=name == "w")
             for name, part in made.unknowns.items()}  # fmt: skip
    try:
        by_symbols = [evaluate(e, values) for e in found]
        numeric = made.numeric(there)[1]
        by_numbers = _entries(what, function, numeric, there["w"])
    except (DomainError, ZeroDivisionError):
        return
    point = as_floats(there["w"])
    _demand(what, point, by_symbols, by_numbers, 1e-25, "exact numbers")
    if made.floating is None or "F" in made.unknowns:
        return
    with np.errstate(all="ignore"):
        in_floats = _entries(what, function, made.floating[1], point)
    if in_floats is not None and all(np.isfinite(float(e)) for e in in_floats):
        _demand(what, point, by_symbols, in_floats, 1e-9, "float64")


def _entries(
    what: str, function: Callable[[Any, Any], Any], loss: Any, w: Mapping[str, Any]
) -> list[Any] | None:
    try:
        return list(entries(run(what, "numbers", lambda: function(loss, w))))
    except CannotRunError:
        return None  # fifty digits are not for all code; floats are


def _demand(
    what: str, w: Any, a: list[Number], b: list[Any] | None, tolerance: float, kind: str
) -> None:
    if b is None:
        return
    read = [number(e) for e in b]
    largest = max([Number(1), *map(abs, a), *map(abs, read)])
    for x, y in zip(a, read, strict=True):
        if not abs(x - y) <= number(tolerance) * largest:
            raise CannotRunError(
                f"{what} means something else on symbols than on numbers: at {w!r:.200} it is "
                f"{float(x):.6g} on symbols and {float(y):.6g} in {kind}, so a proof would be "
                "about another function"
            )


def _drawn(part: Any, draw: Draw, values: dict[Any, Number], *, special: bool) -> Any:
    def fill(entry: Any) -> Any:
        e = entry.expr if isinstance(entry, Unknown) else expression_of(entry)
        for symbol in e.free_symbols:
            if symbol not in values:
                source = draw.positive if symbol.is_positive else draw.modest
                values[symbol] = draw.one(draw.point if special else source)
        return evaluate(e, values)

    if special and draw.kind == "equal":
        same = draw.one(draw.point)
        for e in entries(part):
            values.update(dict.fromkeys(expression_of(e).free_symbols, same))
    return map_entries(fill, part)
