"""Hostile values: for a valid argument, what a mistaken or careless caller might pass instead."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse

__all__ = ["TORCH", "Hostile", "hostile_values"]

TORCH = importlib.util.find_spec("torch") is not None


class Hostile(NamedTuple):
    """A value, what to call it, and whether it means the same as a valid one."""

    label: str
    value: Any
    harmless: bool = False


class Junk:
    """An object of no use."""


class Unprintable:
    """An object that cannot even be shown."""

    def __repr__(self) -> str:
        raise RuntimeError("no repr")


def _junk() -> Iterator[Hostile]:
    """Yield what is wrong for nearly every argument."""
    yield Hostile("None", None)
    yield Hostile("empty string", "")
    yield Hostile("string", "nonsense")
    yield Hostile("bytes", b"nonsense")
    yield Hostile("True", True)
    yield Hostile("numpy bool", np.False_)
    yield Hostile("zero", 0)
    yield Hostile("minus one", -1)
    yield Hostile("five", 5)
    yield Hostile("half", 0.5)
    yield Hostile("huge integer", 10**400)
    yield Hostile("nan", float("nan"))
    yield Hostile("inf", float("inf"))
    yield Hostile("complex", 1 + 2j)
    yield Hostile("list of a number", [1.0])
    yield Hostile("empty list", [])
    yield Hostile("ragged list", [[1.0], [1.0, 2.0]])
    yield Hostile("empty dict", {})
    yield Hostile("dict", {"nonsense": 1.0})
    yield Hostile("set", {1.0, 2.0})
    yield Hostile("object", Junk())
    yield Hostile("unprintable", Unprintable())
    yield Hostile("class", int)
    yield Hostile("function of nothing", lambda: None)
    yield Hostile("string array", np.array(["a", "b"]))
    yield Hostile("array of None", np.array([None, None]))
    yield Hostile("zero-dimensional array of bool", np.array(True))
    if TORCH:
        import torch

        yield Hostile("meta tensor", torch.ones(2, device="meta"))


def _numbers(valid: float) -> Iterator[Hostile]:
    yield Hostile("number as text", str(valid))
    yield Hostile("array of one number", np.array([float(valid)]))
    yield Hostile("half precision", np.float16(valid), harmless=True)
    yield Hostile("single precision", np.float32(valid), harmless=True)
    yield Hostile("array of no dimension", np.array(float(valid)), harmless=True)
    if TORCH:
        import torch

        yield Hostile("tensor of no dimension", torch.tensor(float(valid)), harmless=True)


def _integers(valid: int) -> Iterator[Hostile]:
    yield Hostile("number as text", str(valid))
    yield Hostile("integer and a half", valid + 0.5)
    yield Hostile("array of one integer", np.array([valid]))
    yield Hostile("minus one", -1)
    yield Hostile("numpy integer", np.int16(valid), harmless=True)
    yield Hostile("array of no dimension", np.array(valid), harmless=True)


def _arrays(valid: Any) -> Iterator[Hostile]:
    valid = np.asarray(valid)
    shape = valid.shape
    yield Hostile("one axis more", np.zeros((*shape, 2)))
    yield Hostile("one axis less", np.float64(0.5))
    yield Hostile("longer", np.ones((*shape[:-1], (shape[-1] if shape else 0) + 1)))
    yield Hostile("empty", np.zeros((0, *shape[1:])))
    yield Hostile("complex entries", valid + 1j)
    yield Hostile("text entries", valid.astype(str))
    yield Hostile("None entries", np.full(shape, None, dtype=object))
    yield Hostile("boolean entries", np.ones(shape, dtype=bool))
    yield Hostile("dates", np.zeros(shape, dtype="datetime64[s]"))
    yield Hostile("masked", np.ma.masked_array(valid, mask=np.ones(shape, dtype=bool)))
    if valid.size:
        for name, bad in (("nan entries", np.nan), ("inf entries", np.inf)):
            array = np.array(valid, dtype=float)
            array.flat[0] = bad
            yield Hostile(name, array)
    if valid.ndim == 2:
        yield Hostile("sparse", scipy.sparse.csr_array(valid))
    yield Hostile("nested lists", valid.tolist(), harmless=valid.ndim > 0)
    yield Hostile("single precision", valid.astype(np.float32), harmless=True)
    frozen = valid.copy()
    frozen.flags.writeable = False
    yield Hostile("read-only", frozen, harmless=True)
    yield Hostile("strided", np.repeat(valid, 2, axis=0)[::2] if shape else valid, harmless=True)
    if TORCH:
        import torch

        yield Hostile("tensor", torch.from_numpy(valid.copy()), harmless=True)
        if valid.dtype.kind == "f":
            recorded = torch.from_numpy(valid.copy()).requires_grad_()
            yield Hostile("tensor with gradient", recorded, harmless=True)
        yield Hostile("meta", torch.empty(shape, device="meta", dtype=torch.float64))
        if valid.ndim:
            yield Hostile("sparse tensor", torch.from_numpy(valid.copy()).to_sparse())


def _parameters(valid: Mapping[str, np.ndarray]) -> Iterator[Hostile]:
    """Yield spoilt dicts of arrays: one array, one name or all of them."""
    first = next(iter(valid))
    w = {name: np.array(array) for name, array in valid.items()}
    shape = w[first].shape

    def spoilt(array: Any) -> dict[str, Any]:
        return {**w, first: array}

    def every(change: Callable[[np.ndarray], Any]) -> dict[str, Any]:
        return {name: change(array) for name, array in w.items()}

    yield Hostile("name missing", {name: a for name, a in w.items() if name != first})
    yield Hostile("names wrong", {f"{name}_": a for name, a in w.items()})
    yield Hostile("numbers for names", dict(enumerate(w.values())))
    yield Hostile("list of arrays", list(w.values()))
    yield Hostile("pairs", list(w.items()))
    yield Hostile("an array alone", w[first])
    for bad in (None, "text", 1.0, True, [1.0], {"a": 1.0}, Junk(), float, np.float64(1.0)):
        yield Hostile(f"an entry is {type(bad).__name__}", spoilt(bad))
    yield Hostile("an entry is a list", spoilt(w[first].tolist()))
    yield Hostile("entries are lists", every(lambda a: a.tolist()))
    yield Hostile("an axis too many", spoilt(np.zeros((*shape, 2))))
    yield Hostile("no axis", spoilt(np.array(1.0)))
    yield Hostile("too long", spoilt(np.ones((shape[0] + 1, *shape[1:]))))
    yield Hostile("empty", spoilt(np.zeros((0, *shape[1:]))))
    yield Hostile("transposed", spoilt(np.ones(shape[::-1] if len(set(shape)) > 1 else (1, 7))))
    yield Hostile("complex", every(lambda a: a + 1j))
    yield Hostile("text", every(lambda a: a.astype(str)))
    yield Hostile("integers", every(lambda a: np.ones(a.shape, dtype=np.int64)))
    yield Hostile("booleans", every(lambda a: np.ones(a.shape, dtype=bool)))
    yield Hostile("None", every(lambda a: np.full(a.shape, None, dtype=object)))
    yield Hostile("dates", every(lambda a: np.zeros(a.shape, dtype="datetime64[s]")))
    yield Hostile("masked", every(lambda a: np.ma.masked_array(a, mask=a > 0)))
    yield Hostile("matrix class", spoilt(np.ma.masked_array(w[first])))
    yield Hostile("sparse", spoilt(scipy.sparse.csr_array(np.atleast_2d(w[first]))))
    for name, bad in (("nan", np.nan), ("inf", np.inf)):
        array = w[first].copy()
        array.flat[0] = bad
        yield Hostile(f"{name} in an entry", spoilt(array))
    if len(w) > 1:
        yield Hostile("mixed dtypes", spoilt(w[first].astype(np.float32)))
    yield Hostile("single precision", every(lambda a: a.astype(np.float32)), harmless=True)
    yield Hostile("read-only", every(_frozen), harmless=True)
    yield Hostile("strided", every(lambda a: np.repeat(a, 2, axis=0)[::2]), harmless=True)
    yield Hostile("column order", every(np.asfortranarray), harmless=True)
    if TORCH:
        yield from _tensors(w, first)


def _tensors(w: Mapping[str, np.ndarray], first: str) -> Iterator[Hostile]:
    import torch

    def every(change: Callable[[torch.Tensor], Any]) -> dict[str, Any]:
        return {name: change(torch.from_numpy(array.copy())) for name, array in w.items()}

    yield Hostile("tensors", every(lambda a: a), harmless=True)
    yield Hostile("tensors with gradient", every(lambda a: a.requires_grad_()), harmless=True)
    yield Hostile("expanded tensors", every(lambda a: a[:1].expand(a.shape)), harmless=True)
    yield Hostile("meta tensors", every(lambda a: a.to("meta")))
    yield Hostile("sparse tensors", every(lambda a: a.to_sparse()))
    yield Hostile("integer tensors", every(lambda a: a.to(torch.int64)))
    if len(w) > 1:
        mixed: dict[str, Any] = dict(w)
        mixed[first] = torch.from_numpy(w[first].copy())
        yield Hostile("mixed libraries", mixed)


def _frozen(array: np.ndarray) -> np.ndarray:
    array = array.copy()
    array.flags.writeable = False
    return array


def _elements(valid: Any) -> Iterator[Hostile]:
    """Yield spoilt group elements: nested tuples of arrays."""
    if isinstance(valid, np.ndarray):
        yield from _arrays(valid)
        return
    if isinstance(valid, tuple):
        yield Hostile("empty tuple", ())
        yield Hostile("one part too many", (*valid, valid))
        yield Hostile("parts of None", (None,) * len(valid))
        yield Hostile("parts of text", ("a",) * len(valid))
        for i, part in enumerate(valid):
            for bad in _elements(part):
                spoilt = (*valid[:i], bad.value, *valid[i + 1 :])
                yield Hostile(f"part {i}: {bad.label}", spoilt, bad.harmless)


def _functions(valid: Callable[..., Any]) -> Iterator[Hostile]:
    for name, bad in (
        ("None", None), ("text", "text"), ("complex", 1j), ("list", [1.0]), ("dict", {"b": 1.0}),
        ("object", Junk()), ("array", np.ones(7)), ("an array of text", np.array(["a"])),
    ):  # fmt: skip
        yield Hostile(f"function that returns {name}", lambda *a, _bad=bad, **k: _bad)


class Spoilt:
    """A loss of which one method was replaced."""

    def __init__(self, loss: Any, **methods: Any) -> None:
        self._loss, self._methods = loss, methods

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if name in ("value_and_gradient", "hvp_operator", "gauss_newton_operator"):
            raise AttributeError(name)  # the plain methods are what is spoilt
        if name in self._methods:
            method = self._methods[name]
            if method is None:
                raise AttributeError(name)
            return method
        return getattr(self._loss, name)


def _losses(valid: Any) -> Iterator[Hostile]:
    """Yield losses whose value or gradient is no such thing, or that change what they get."""
    for name, bad in (
        ("None", None), ("text", "1.0"), ("complex", 1j), ("True", True), ("a list", [1.0]),
        ("an array", np.ones(3)), ("nan", float("nan")), ("an object", Junk()),
    ):  # fmt: skip
        yield Hostile(f"value is {name}", Spoilt(valid, value=lambda w, _bad=bad: _bad))

    def gradient_is(change: Callable[[dict[str, Any]], Any]) -> Spoilt:
        return Spoilt(valid, gradient=lambda w: change(valid.gradient(w)))

    yield Hostile("no value", Spoilt(valid, value=None))
    yield Hostile("no gradient", Spoilt(valid, gradient=None))
    yield Hostile("gradient is None", gradient_is(lambda v: None))
    yield Hostile("gradient is a list", gradient_is(lambda v: list(v.values())))
    yield Hostile("gradient is an array", gradient_is(lambda v: next(iter(v.values()))))
    yield Hostile("gradient of None", gradient_is(lambda v: dict.fromkeys(v)))
    yield Hostile("gradient of lists", gradient_is(lambda v: {n: a.tolist() for n, a in v.items()}))
    yield Hostile("gradient of other names", gradient_is(lambda v: {"q": np.ones(3)}))
    yield Hostile("gradient is empty", gradient_is(lambda v: {}))
    yield Hostile("gradient of other shapes", gradient_is(lambda v: {n: np.ones(9) for n in v}))
    yield Hostile("gradient complex", gradient_is(lambda v: {n: a + 0j for n, a in v.items()}))
    yield Hostile("gradient nan", gradient_is(lambda v: {n: a * np.nan for n, a in v.items()}))

    def changing(method: Callable[..., Any]) -> Callable[..., Any]:
        def changed(w: Any, *rest: Any) -> Any:
            for array in w.values():
                array *= 1.5
            return method(w, *rest)

        return changed

    yield Hostile("value changes its input", Spoilt(valid, value=changing(valid.value)))
    yield Hostile("gradient changes its input", Spoilt(valid, gradient=changing(valid.gradient)))
    yield Hostile("the class", type(valid))
    yield Hostile("a method", valid.value)


def hostile_values(valid: Any, kind: str) -> list[Hostile]:
    """Return hostile values in place of ``valid``, an argument of the given kind.

    Kinds: number, integer, array, parameters, element, function, loss and other.
    """
    special: dict[str, Callable[[Any], Iterator[Hostile]]] = {
        "number": _numbers,
        "integer": _integers,
        "array": _arrays,
        "parameters": _parameters,
        "element": _elements,
        "function": _functions,
        "loss": _losses,
    }
    found = list(_junk())
    if kind in special and valid is not None:
        found += special[kind](valid)
    return found
