"""Asking a loss that somebody else wrote: what it is given stays, what it answers is checked.

NumPy arrays are handed out as read-only views, which costs nothing whatever
their size; arrays of PyTorch count their changes, and are counted again
afterwards. Nothing is copied.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import array_api_compat
import numpy as np

from ._arrays import Parameters, check_same_layout, is_symbolic
from ._checks import real, shown

__all__ = ["Guarded", "ask", "check_layout", "check_loss", "check_value", "owned", "sealed"]

OPTIONAL = ("value_and_gradient", "hvp", "gauss_newton_product")
OPERATORS = ("hvp_operator", "gauss_newton_operator")


def check_loss(loss: Any, name: str = "loss") -> None:
    """Raise ``TypeError`` unless ``loss`` has a value and a gradient."""
    missing = [what for what in ("value", "gradient") if not callable(getattr(loss, what, None))]
    if isinstance(loss, type) or missing:
        got = f"the class {loss.__name__}" if isinstance(loss, type) else f"a {type(loss).__name__}"
        lacks = f" without {missing[0]}(w)" if len(missing) == 1 else ""
        raise TypeError(
            f"{name} is {got}{lacks}; expected a loss with methods value(w) and gradient(w), such "
            "as losses.from_function(value, gradient) makes of two functions"
        )


def owned(w: Parameters) -> dict[str, Any]:
    """Return ``w`` so that no loss can change the caller's arrays.

    NumPy's are handed out read-only and stay; those of other libraries are copied once.
    """
    return {name: array if _stays(array) else _copy(array) for name, array in w.items()}


def sealed(w: Any) -> Any:
    """Return a dict of read-only views of the NumPy arrays in ``w``; others as they are."""
    if not isinstance(w, dict):
        w = dict(w)
    views = {}
    for name, array in w.items():
        if isinstance(array, np.ndarray) and array.flags.writeable:
            array = array.view()
            array.flags.writeable = False
        views[name] = array
    return views


class Guarded:
    """A loss that cannot change what it is given, and whose answers are numbers and gradients.

    Attributes that are no part of this come from the loss itself.
    """

    def __init__(self, loss: Any) -> None:
        check_loss(loss)
        self.loss = loss
        for name in OPTIONAL:
            if callable(getattr(loss, name, None)):
                setattr(self, name, getattr(self, f"_{name}"))
        for name in OPERATORS:
            if callable(getattr(loss, name, None)):
                setattr(self, name, self._operator(name))

    @staticmethod
    def of(loss: Any) -> Guarded:
        """Return ``loss`` behind a guard, once."""
        return loss if isinstance(loss, Guarded) else Guarded(loss)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name == "loss":
            raise AttributeError(name)
        return getattr(self.loss, name)

    def value(self, w: Parameters) -> float:
        return check_value(self._ask("value", w))

    def gradient(self, w: Parameters) -> dict[str, Any]:
        return check_layout(w, self._ask("gradient", w), "gradient")

    def batch(self, index: Any) -> Guarded:
        return Guarded.of(self.loss.batch(index))

    def _value_and_gradient(self, w: Parameters) -> tuple[float, dict[str, Any]]:
        answer = self._ask("value_and_gradient", w)
        if not isinstance(answer, tuple) or len(answer) != 2:
            raise TypeError(
                f"value_and_gradient(w) returned {shown(answer)}; expected (value, gradient)"
            )
        return check_value(answer[0]), check_layout(w, answer[1], "gradient")

    def _hvp(self, w: Parameters, v: Parameters) -> dict[str, Any]:
        return check_layout(w, self._ask("hvp", w, v), "hvp")

    def _gauss_newton_product(self, w: Parameters, v: Parameters) -> dict[str, Any]:
        return check_layout(w, self._ask("gauss_newton_product", w, v), "gauss_newton_product")

    def _operator(self, name: str) -> Callable[[Parameters], Any]:
        def at(w: Parameters) -> Callable[[Parameters], dict[str, Any]]:
            product = self._ask(name, w)
            if not callable(product):
                raise TypeError(f"{name}(w) returned {shown(product)}; expected a function of v")

            def checked(v: Parameters) -> dict[str, Any]:
                return check_layout(w, ask(f"the loss's {name}(w)", product, v), name)

            return checked

        return at

    def _ask(self, name: str, *ws: Parameters) -> Any:
        return ask(f"the loss's {name}", getattr(self.loss, name), *ws)


def ask(name: str, function: Callable[..., Any], *ws: Parameters) -> Any:
    """Call ``function``, called ``name`` in errors, and raise if it changes what it is given."""
    before = list(_changes(ws))
    try:
        answer = function(*(sealed(w) for w in ws))
    except ValueError as error:
        if "read-only" not in str(error):
            raise
        raise _changing(name) from error
    if before and before != list(_changes(ws)):
        raise _changing(name)
    return answer


def _changing(name: str) -> ValueError:
    return ValueError(
        f"{name} changes the parameters it is given; expected a function that leaves "
        "them as they are and works on copies"
    )


def check_value(value: Any, what: str = "value(w)") -> float:
    """Return what a loss's ``value`` returned as a ``float``.

    Raises
    ------
    TypeError
        If it is not one real number; an array of one entry is.
    """
    if type(value) is float:
        return value
    shape = tuple(getattr(value, "shape", ()))
    if shape not in ((), (1,)):
        raise TypeError(f"{what} returned an array of shape {shape}; expected one number")
    number = real(value[0] if shape == (1,) else value)
    if number is None:
        raise TypeError(f"{what} returned {shown(value)}; expected one real number")
    return number


def check_layout(w: Parameters, v: Any, what: str) -> dict[str, Any]:
    """Return ``v`` if it has the names, shapes, library and dtype of ``w``, or raise."""
    if type(v) is dict and v.keys() == w.keys():
        for name, array in w.items():
            other = v[name]
            if type(other) is not type(array) or other.dtype != array.dtype:
                break
            if other.shape != array.shape:
                break
        else:
            return v
    check_same_layout(w, v, what)
    return v  # type: ignore[no-any-return]


def _changes(ws: tuple[Parameters, ...]) -> Iterator[int]:
    """Yield how often each array was changed, as far as its library counts that."""
    for w in ws:
        for array in w.values():
            if not isinstance(array, np.ndarray):
                try:
                    yield int(array._version)
                except (AttributeError, RuntimeError):  # not counted
                    continue


def _stays(array: Any) -> bool:
    return isinstance(array, np.ndarray) or is_symbolic(array) or _immutable(array)


def _immutable(array: Any) -> bool:
    return bool(array_api_compat.is_jax_array(array))


def _copy(array: Any) -> Any:
    array = array.detach() if hasattr(array, "detach") else array
    return array_api_compat.array_namespace(array).asarray(array, copy=True)
