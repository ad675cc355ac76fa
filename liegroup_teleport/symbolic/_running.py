"""Running the code of groups and losses on scalars of ours, and saying clearly where it cannot."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

import numpy as np

from ._numbers import Number
from ._symbols import entries, map_entries

__all__ = ["CannotRunError", "Floats", "Numbers", "as_floats", "run", "size", "value_of"]

EXACT_STEP = Fraction(1, 2**400)  # of rational numbers, which lose no digits
STEP = Fraction(1, 2**56)  # of fifty digits: the error of a central difference is about 2^-112
FLOAT_STEP = 2.0**-17
JUMP = 2.0**-26
WIDE_STEP = 2.0**-11  # of differences of fourth order


class CannotRunError(TypeError):
    """Code asks for something that the scalars of a proof do not do."""


def run(what: str, where: str, code: Callable[[], Any]) -> Any:
    """Return ``code()``; where it cannot run, say what could not run on what.

    Raises
    ------
    CannotRunError
        A ``TypeError``, for errors that come from the kind of the scalars.
    ValueError, ZeroDivisionError, DomainError
        As raised.
    """
    try:
        return code()
    except CannotRunError:
        raise
    except (KeyError, IndexError) as error:
        raise ValueError(f"{what} raised {type(error).__name__} ({error}) on {where}") from error
    except (TypeError, AttributeError, NotImplementedError, RecursionError) as error:
        reason = str(error) or type(error).__name__
        if "truth value of Relational" in reason:
            asked = reason.split(":", 1)[-1].strip()
            reason = (
                f"it asks whether {asked}, which is not the same for all numbers. Code that "
                "decides (comparisons, np.where, np.maximum, counting) cannot be proved; a "
                "product with zeros and ones can"
            )
        raise CannotRunError(f"{what} cannot run on {where}: {reason}") from error


class Numbers:
    """How derivatives are taken where the scalars are exact numbers: by central differences.

    ``used`` tells whether any was, ``noise`` what rounding may have done to them.
    """

    def __init__(self) -> None:
        self.used = False
        self.noise = 0.0

    def derivative(self, path: Callable[[Any], Any]) -> Any:
        """Return the derivative at t = 0 of nested arrays."""
        self.used = True
        found, exact, _ = _difference(path, Number(EXACT_STEP))
        if not exact:
            found, _, largest = _difference(path, Number(STEP))
            self.noise = max(self.noise, 1e-28 * largest)
        return found

    def jump(self, path: Callable[[Any], Any]) -> Any:
        """Return how far nested arrays are from t = 0 a step ahead: next to nothing, if level."""
        here = path(Number(Fraction(0)))
        exact = all(e.exact for e in entries(here) if isinstance(e, Number))
        return _combined(lambda a, b: a - b, path(Number(EXACT_STEP if exact else STEP)), here)


class Floats:
    """How derivatives are taken in floats: by differences of fourth order.

    ``noise`` is what rounding may have done to them.
    """

    def __init__(self) -> None:
        self.noise = 0.0

    def derivative(self, path: Callable[[Any], Any]) -> Any:
        """Return the derivative at t = 0 of nested arrays."""
        near, _, largest = _difference(path, WIDE_STEP)
        far, _, _ = _difference(path, 2 * WIDE_STEP)
        self.noise = max(self.noise, 1e-8 * largest)
        return _combined(lambda a, b: (4 * a - b) / 3, near, far)

    def jump(self, path: Callable[[Any], Any]) -> Any:
        """Return how far nested arrays are from t = 0 a small step ahead."""
        return _combined(lambda a, b: a - b, path(JUMP), path(0.0))


def _difference(path: Callable[[Any], Any], step: Any) -> tuple[Any, bool, float]:
    """Return a central difference, whether all of it is exact, and the largest end."""
    ahead, behind = path(step), path(-step)
    ends = [*entries(ahead), *entries(behind)]
    exact = all(e.exact for e in ends if isinstance(e, Number))
    return _combined(lambda a, b: (a - b) / (2 * step), ahead, behind), exact, size(ends)


def _combined(operation: Callable[[Any, Any], Any], a: Any, b: Any) -> Any:
    """Apply an operation to nested arrays of the same structure."""
    if isinstance(a, Mapping):
        return {name: _combined(operation, a[name], b[name]) for name in a}
    if isinstance(a, tuple | list):
        return type(a)(_combined(operation, p, q) for p, q in zip(a, b, strict=True))
    return operation(a, b)


def as_floats(nested: Any) -> Any:
    """Return nested arrays in float64."""
    if isinstance(nested, np.ndarray):
        return np.asarray(nested, dtype=np.float64)
    if isinstance(nested, Mapping):
        return {name: as_floats(part) for name, part in nested.items()}
    if isinstance(nested, tuple | list):
        return type(nested)(as_floats(part) for part in nested)
    return map_entries(float, nested)


def value_of(loss: Any, w: Mapping[str, Any]) -> Any:
    """Return ``loss.value(w)``, one real number.

    Raises
    ------
    TypeError
        If the loss returns anything else.
    """
    value = loss.value(w)
    if isinstance(value, np.ndarray) and value.size == 1:
        value = value.reshape(-1)[0]
    if value is None or isinstance(value, str | bytes | np.ndarray | Mapping | list | tuple):
        shown = f"an array of shape {value.shape}" if isinstance(value, np.ndarray) else repr(value)
        raise CannotRunError(
            f"value(w) of {type(loss).__name__} returned {shown:.60}; expected one number"
        )
    return value


def size(values: list[Any]) -> float:
    """Return the largest absolute value of numbers."""
    largest = 0.0
    for value in values:
        largest = max(largest, abs(float(value)))
    return largest
