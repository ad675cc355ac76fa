"""What every group checks before its formulas run: parameters, vectors, coordinates, elements.

:class:`SymmetryGroup` hangs these doors in front of the methods that a group
writes, its own and those of users alike, so that a formula may rely on what it
is given. Entries of parameters that are not finite go through an action as they
are; ``teleport`` and ``minimize`` refuse them.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from .._arrays import Parameters, check_names, is_symbolic, namespace
from .._checks import check_array, shown
from .._errors import DomainError

__all__ = ["algebra_vector", "check_element", "check_only", "hang_doors"]

Method = Callable[..., Any]


def algebra_vector(x: Any, dim: int, what: str = "algebra vector") -> np.ndarray:
    """Return ``x`` as an array of shape ``(dim,)``, or raise an error that calls it ``what``."""
    if type(x) is np.ndarray and x.dtype == np.float64 and x.shape == (dim,):
        if np.all(np.isfinite(x)):
            return x  # the common case, on the search's hot path
        raise DomainError(f"{what} has entries that are not finite")
    return check_array(what, x, (dim,), symbols=True)


def check_element(array: Any, shape: tuple[int, ...], what: str) -> np.ndarray:
    """Return a group element's array, checked for shape and finite entries."""
    if type(array) is np.ndarray and array.dtype == np.float64 and array.shape == shape:
        if np.all(np.isfinite(array)):
            return array
        raise DomainError(f"{what} has entries that are not finite")
    return check_array(what, array, shape, symbols=True)


def check_only(w: Parameters, names: Any) -> None:
    """Raise ``ValueError`` unless ``w`` has exactly ``names``."""
    check_names(w, names)


def check_vector(w: Parameters, v: Any, what: str, *, columns: bool = True) -> None:
    """Raise unless ``v`` is a vector at ``w``: its names, shapes, library and dtype.

    Further axes may follow those of ``w``, the same in all arrays, where ``columns`` says so:
    vectors that move alike.
    """
    if v is w:
        return
    further = None
    library = namespace(v, what)
    if library is not namespace(w):
        raise TypeError(f"{what} is of another array library than the parameters")
    for name, array in w.items():
        if name not in v:
            raise ValueError(f"{what}: missing {name!r}; expected exactly {list(w)}")
        other = v[name]
        axes = len(array.shape)
        more = tuple(other.shape[axes:])
        further = more if further is None else further
        same = tuple(other.shape[:axes]) == tuple(array.shape) and more == further
        if not same or (more and not columns):
            raise ValueError(
                f"{what} {name!r} has shape {tuple(other.shape)}; expected {tuple(array.shape)}"
            )
        if other.dtype != array.dtype and not (is_symbolic(other) or is_symbolic(array)):
            raise TypeError(f"{what} {name!r} is {other.dtype}; expected {array.dtype}")


def _act(method: Method) -> Method:
    @functools.wraps(method)
    def act(self: Any, g: Any, w: Parameters) -> Any:
        self.check_parameters(w)
        return method(self, g, w)

    return act


def _act_tangent(method: Method) -> Method:
    @functools.wraps(method)
    def act_tangent(self: Any, g: Any, w: Parameters, u: Parameters) -> Any:
        self.check_parameters(w)
        check_vector(w, u, "tangent vector")
        return method(self, g, w, u)

    return act_tangent


def _act_cotangent(method: Method) -> Method:
    @functools.wraps(method)
    def act_cotangent(self: Any, g: Any, w: Parameters, v: Parameters) -> Any:
        self.check_parameters(w)
        check_vector(w, v, "covector")
        return method(self, g, w, v)

    return act_cotangent


def _generator(method: Method) -> Method:
    @functools.wraps(method)
    def generator(self: Any, x: Any, w: Parameters) -> Any:
        x = algebra_vector(x, self.dim)
        self.check_parameters(w)
        return method(self, x, w)

    return generator


def _generator_adjoint(method: Method) -> Method:
    @functools.wraps(method)
    def generator_adjoint(self: Any, w: Parameters, p: Parameters) -> Any:
        self.check_parameters(w)
        check_vector(w, p, "covector", columns=False)
        return method(self, w, p)

    return generator_adjoint


def _exp(method: Method) -> Method:
    @functools.wraps(method)
    def exp(self: Any, x: Any) -> Any:
        return _finite(self, "exp", method(self, algebra_vector(x, self.dim)))

    return exp


def _exp_pullback(method: Method) -> Method:
    @functools.wraps(method)
    def exp_pullback(self: Any, x: Any, m: Any) -> Any:
        x = algebra_vector(x, self.dim)
        return method(self, x, algebra_vector(m, self.dim, "covector"))

    return exp_pullback


def _compose(method: Method) -> Method:
    @functools.wraps(method)
    def compose(self: Any, g: Any, h: Any) -> Any:
        with np.errstate(all="ignore"):  # what overflows is an error of ours
            return _finite(self, "compose", method(self, g, h))

    return compose


def _inverse(method: Method) -> Method:
    @functools.wraps(method)
    def inverse(self: Any, g: Any) -> Any:
        with np.errstate(all="ignore"):
            return _finite(self, "inverse", method(self, g))

    return inverse


DOORS: dict[str, Callable[[Method], Method]] = {
    "act": _act,
    "act_tangent": _act_tangent,
    "act_cotangent": _act_cotangent,
    "generator": _generator,
    "generator_adjoint": _generator_adjoint,
    "exp": _exp,
    "exp_pullback": _exp_pullback,
    "compose": _compose,
    "inverse": _inverse,
}


def hang_doors(cls: type) -> None:
    """Put the checks in front of the methods that the class ``cls`` itself writes.

    What underflows there is zero, also where the caller has NumPy raise errors.
    """
    for name, door in DOORS.items():
        method = cls.__dict__.get(name)
        if inspect.isfunction(method):
            setattr(cls, name, np.errstate(under="ignore")(door(method)))


def _finite(group: Any, what: str, element: Any) -> Any:
    """Return ``element``, or raise ``DomainError`` where an entry of its arrays overflowed."""
    for array in _leaves(element):
        if array.dtype.kind == "f" and not np.all(np.isfinite(array)):
            raise DomainError(
                f"{type(group).__name__}.{what} overflows: the element has entries that are "
                "not finite"
            )
    return element


def _leaves(element: Any) -> Iterator[np.ndarray]:
    if isinstance(element, np.ndarray):
        yield element
    elif isinstance(element, tuple):
        for part in element:
            yield from _leaves(part)


def part_of(element: Any, count: int, what: str) -> tuple[Any, ...]:
    """Return the ``count`` parts of a group element, a tuple, or raise ``ValueError``."""
    if not isinstance(element, tuple) or len(element) != count:
        raise ValueError(f"{what} is {shown(element)}; expected a tuple of {count} parts")
    return element
