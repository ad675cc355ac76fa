"""What every proof checks about what it was passed, before any symbol is made."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .._checks import (
    check_callable,
    check_instance,
    check_integer,
    check_mapping,
    check_number,
    check_sequence,
    check_text,
    shown,
)
from ..groups import SymmetryGroup

__all__ = ["check_statement", "check_time"]


def check_time(time_limit: Any) -> float:
    """Return the seconds that a proof may take; infinity is no limit."""
    return check_number("time_limit", time_limit, above=0.0, infinite=True)


def check_statement(
    group: Any,
    loss: Any,
    *,
    gradient: bool = False,
    optional: bool = False,
    samples: Any = 1,
    shapes: Any = None,
    time_limit: Any = 60.0,
) -> None:
    """Raise unless a proof can be made of these.

    Parameters
    ----------
    group, loss, samples, shapes, time_limit
        As the proofs take them.
    gradient : bool
        Whether the statement is about the gradient as well.
    optional : bool
        Whether there may be no loss.
    """
    check_instance("group", group, SymmetryGroup, "a SymmetryGroup")
    if loss is not None or not optional:
        for method in ("value", "gradient") if gradient else ("value",):
            if isinstance(loss, type) or not callable(getattr(loss, method, None)):
                raise TypeError(
                    f"loss is {shown(loss)}, without {method}(w); expected a loss with methods "
                    "value(w) and gradient(w)"
                )
    check_integer("samples", samples, least=1)
    if shapes is not None:
        for name, shape in check_mapping("shapes", shapes, "a dict from name to shape").items():
            check_text("a name in shapes", name)
            for length in check_sequence(f"shapes[{name!r}]", shape, "a tuple of lengths"):
                check_integer(f"a length in shapes[{name!r}]", length, least=1)
    check_time(time_limit)


def check_residual(name: str, function: Any) -> Callable[..., Any]:
    """Return what ``certify`` is to call."""
    return check_callable(name, function, "a function")
