"""Checks of single arguments at the public doors: what is wrong is named, with what was expected.

Each takes the argument's name first and returns the value in the one form that
the code behind the door works with: numbers as Python ``float`` or ``int``
whatever their precision was, arrays as NumPy float64. A wrong kind is a
``TypeError``, a wrong value a ``ValueError``, what is not finite a ``DomainError``
(which is a ``ValueError`` too). NumPy scalars and arrays of no dimension are numbers; truth
values and strings are not.
"""

from __future__ import annotations

import math
import numbers
import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import array_api_compat
import numpy as np

from ._errors import DomainError

__all__ = [
    "check_array",
    "check_callable",
    "check_choice",
    "check_dtype",
    "check_flag",
    "check_instance",
    "check_integer",
    "check_mapping",
    "check_number",
    "check_rng",
    "check_sequence",
    "check_symbols",
    "check_text",
    "dense",
    "real",
    "shown",
]


def shown(value: Any) -> str:
    """Return ``value`` as errors show it: short, and by kind and shape where it is an array."""
    if isinstance(value, type):
        return f"the class {value.__name__}"
    shape = getattr(value, "shape", None)
    if isinstance(shape, tuple) and shape:
        sizes = ", ".join(str(n) for n in shape)
        dtype = getattr(value, "dtype", None)
        kind = "" if dtype is None else f" and dtype {dtype}"
        return f"a {type(value).__name__} of shape ({sizes}{',' * (len(shape) == 1)}){kind}"
    try:
        text = repr(value)
    except Exception:  # whatever a repr raises, the message must still name the argument
        return f"a {type(value).__name__}"
    if text.startswith("<") or len(text) > 60:
        return f"a {type(value).__name__}"
    return text


def check_number(
    name: str,
    value: Any,
    *,
    above: float | None = None,
    least: float | None = None,
    below: float | None = None,
    most: float | None = None,
    infinite: bool = False,
) -> float:
    """Return ``value`` as a ``float``: a real number within the bounds, finite unless said.

    Parameters
    ----------
    name : str
        The argument.
    value : object
        What was given.
    above, below : float, optional
        Bounds that are not allowed themselves.
    least, most : float, optional
        Bounds that are.
    infinite : bool
        Whether plus and minus infinity are allowed; never NaN.

    Raises
    ------
    TypeError
        If ``value`` is no real number.
    ValueError
        If it is not within the bounds.
    DomainError
        If it is not finite, which is a ``ValueError`` too.
    """
    expected = _range("number" if infinite else "finite number", above, least, below, most)
    number = real(value)
    if number is None:
        raise TypeError(f"{name} is {shown(value)}; expected a {expected}")
    inside = (
        (infinite or math.isfinite(number))
        and not math.isnan(number)
        and (above is None or number > above)
        and (least is None or number >= least)
        and (below is None or number < below)
        and (most is None or number <= most)
    )
    if not inside:
        kind = ValueError if math.isfinite(number) else DomainError
        raise kind(f"{name} is {shown(value)}; expected a {expected}")
    return number


def check_integer(
    name: str, value: Any, *, least: int | None = None, most: int | None = None
) -> int:
    """Return ``value`` as an ``int`` within the bounds.

    Raises
    ------
    TypeError
        If it is no number; truth values are none.
    ValueError
        If it is a number that is no integer (floats are none), or is not within the bounds.
    """
    expected = _range("integer", None, least, None, most)
    kind: type[Exception] = TypeError
    try:
        if real(value) is not None:
            kind = ValueError
        if "bool" in f"{type(value).__name__} {getattr(value, 'dtype', '')}":
            raise TypeError
        number = operator.index(value)
    except Exception:  # arrays of some libraries raise errors of their own here
        raise kind(f"{name} is {shown(value)}; expected an {expected}") from None
    if (least is not None and number < least) or (most is not None and number > most):
        raise ValueError(f"{name} is {number}; expected an {expected}")
    return number


def check_flag(name: str, value: Any) -> bool:
    """Return ``value`` as a ``bool``, or raise ``TypeError``."""
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name} is {shown(value)}; expected True or False")
    return bool(value)


def check_text(name: str, value: Any, expected: str = "a string") -> str:
    """Return the string ``value``, or raise ``TypeError``."""
    if not isinstance(value, str):
        raise TypeError(f"{name} is {shown(value)}; expected {expected}")
    return value


def check_choice(name: str, value: Any, choices: Sequence[Any]) -> Any:
    """Return ``value``, one of the strings (or ``None``) in ``choices``.

    Raises
    ------
    ValueError
        If it is none of them.
    """
    if (value is not None and not isinstance(value, str)) or value not in choices:
        listed = [repr(choice) for choice in choices]
        wanted = listed[0] if len(listed) == 1 else f"{', '.join(listed[:-1])} or {listed[-1]}"
        raise ValueError(f"{name} is {shown(value)}; expected {wanted}")
    return value


def check_instance(name: str, value: Any, kind: Any, expected: str) -> Any:
    """Return ``value``, an instance of ``kind`` (a class or several), or raise ``TypeError``.

    ``expected`` says what that is, article included.
    """
    if not isinstance(value, kind):
        got = shown(value) if isinstance(value, type) else f"a {type(value).__name__}"
        raise TypeError(f"{name} is {got}; expected {expected}")
    return value


def check_dtype(name: str, value: Any) -> np.dtype:
    """Return the real floating NumPy dtype that ``value`` stands for, or raise ``TypeError``."""
    try:
        kind = np.dtype(None if value is None else value)
    except Exception:  # whatever NumPy makes of it
        kind = np.dtype(object)
    if value is None or kind.kind != "f":
        raise TypeError(f"{name} is {shown(value)}; expected a real floating dtype of NumPy")
    return kind


def check_callable(name: str, value: Any, expected: str = "a function") -> Callable[..., Any]:
    """Return ``value`` if it can be called, or raise ``TypeError``."""
    if not callable(value):
        raise TypeError(f"{name} is {shown(value)}; expected {expected}")
    return value  # type: ignore[no-any-return]


def check_rng(value: Any, name: str = "rng") -> np.random.Generator:
    """Return the NumPy generator ``value``, or raise ``TypeError``."""
    if not isinstance(value, np.random.Generator):
        raise TypeError(
            f"{name} is a {type(value).__name__}; expected a numpy.random.Generator, such as "
            "numpy.random.default_rng(0)"
        )
    return value


def check_mapping(name: str, value: Any, expected: str = "a dict") -> Mapping[Any, Any]:
    """Return the mapping ``value``, or raise ``TypeError``."""
    if not isinstance(value, Mapping):
        raise TypeError(f"{name} is {shown(value)}; expected {expected}")
    return value


def check_sequence(name: str, value: Any, expected: str = "a list") -> list[Any]:
    """Return the items of ``value`` as a list; strings and dicts are not taken apart.

    Raises
    ------
    TypeError
        If ``value`` cannot be iterated, or is a string, bytes, a dict or a set.
    """
    apart = isinstance(value, Iterable) and not isinstance(
        value, (str, bytes, bytearray, Mapping, set, frozenset, type)
    )
    try:
        return list(value) if apart else _refuse(name, value, expected)
    except TypeError:  # an array of no dimension says that it is iterable
        return _refuse(name, value, expected)


def check_array(
    name: str,
    value: Any,
    shape: Sequence[int | None] | None = None,
    *,
    symbols: bool = False,
    finite: bool = True,
) -> np.ndarray:
    """Return ``value`` as a new NumPy array of real numbers in float64.

    Parameters
    ----------
    name : str
        The argument.
    value : object
        An array of any library, or nested lists of numbers.
    shape : sequence of int or None, optional
        What its shape must be; ``None`` is any length.
    symbols : bool
        Whether object arrays are let through as they are.
    finite : bool
        Whether infinity and NaN are refused.

    Raises
    ------
    TypeError
        If it is no dense array of real numbers: strings, truth values, complex numbers, masked
        and sparse arrays, tensors without values, ragged lists.
    ValueError
        If the shape is another.
    DomainError
        If an entry is not finite.
    """
    array = dense(name, value)
    symbolic = array.dtype == np.dtype(object) and symbols
    if symbolic:
        check_symbols(name, array)
    elif array.dtype == np.dtype(object) and all(real(entry) is not None for entry in array.flat):
        array = array.astype(np.float64)  # fractions, say
    elif array.dtype.kind not in "fiu":
        raise TypeError(f"{name} has entries of dtype {array.dtype}; expected real numbers")
    if shape is not None and (
        array.ndim != len(shape)
        or any(n is not None and n != m for n, m in zip(shape, array.shape, strict=True))
    ):
        wanted = "".join(f"{'any' if n is None else n}, " for n in shape)
        wanted = wanted[:-1] if len(shape) == 1 else wanted[:-2]
        raise ValueError(f"{name} has shape {array.shape}; expected ({wanted})")
    if symbolic:
        return array.copy()
    array = array.astype(np.float64)
    if finite and not np.all(np.isfinite(array)):
        bad = int(np.sum(~np.isfinite(array)))
        raise DomainError(f"{name} has {bad} entries that are not finite")
    return array


def check_symbols(name: str, array: np.ndarray) -> None:
    """Raise ``TypeError`` where an entry of an object array can be no number or symbol."""
    for entry in array.flat:
        if not all(
            hasattr(entry, method) for method in ("__add__", "__mul__", "__rmul__", "__neg__")
        ):
            raise TypeError(f"{name} has the entry {shown(entry)}; expected numbers or symbols")


def dense(name: str, value: Any) -> np.ndarray:
    """Return a NumPy array of whatever kind of numbers ``value`` holds."""
    expected = "a dense array of real numbers"
    if isinstance(value, np.ma.MaskedArray):
        raise TypeError(
            f"{name} is a masked array, whose mask would be ignored; expected {expected}: "
            "fill it or leave the masked entries out"
        )
    if value is None or isinstance(value, (str, bytes, Mapping, set, frozenset, type)):
        raise TypeError(f"{name} is {shown(value)}; expected {expected}")
    if array_api_compat.is_torch_array(value):
        value = value.detach()
    try:
        array = np.asarray(value)
    except Exception as error:  # ragged lists, tensors without values: every library its own
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        kind = ValueError if isinstance(error, ValueError) else TypeError
        raise kind(f"{name} cannot be read as {expected}: {reason}") from None
    if array.dtype == np.dtype(object) and array.ndim == 0:
        raise TypeError(f"{name} is {shown(value)}; expected {expected}")
    return array


def _refuse(name: str, value: Any, expected: str) -> list[Any]:
    raise TypeError(f"{name} is {shown(value)}; expected {expected}") from None


def real(value: Any) -> float | None:
    """Return ``value`` as a float, or ``None`` where it is no real number."""
    if isinstance(value, (bool, np.bool_)):
        return None
    if not isinstance(value, numbers.Real):
        dtype = str(getattr(value, "dtype", ""))
        if getattr(value, "shape", None) != () or not ("float" in dtype or "int" in dtype):
            return None
        value = value.detach() if hasattr(value, "detach") else value
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf
    except Exception:  # tensors without values
        return None


def _range(
    kind: str, above: float | None, least: float | None, below: float | None, most: float | None
) -> str:
    """Say in words what was expected."""
    low = f"> {above:g}" if above is not None else f">= {least:g}" if least is not None else ""
    high = f"< {below:g}" if below is not None else f"<= {most:g}" if most is not None else ""
    return f"{kind} {' and '.join(part for part in (low, high) if part)}".strip()
