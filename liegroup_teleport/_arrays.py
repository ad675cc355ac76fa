"""Parameters: dicts of arrays of any array-API library, their checks and inner products.

One code path serves NumPy, PyTorch and JAX: the namespace of an array comes
from :func:`array_api_compat.array_namespace`. Small results (Gram matrices,
norms) are brought to the host as NumPy float64.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import array_api_compat
import array_api_compat.numpy as numpy_namespace
import numpy as np

from ._checks import check_symbols, dense
from ._errors import DomainError

__all__ = [
    "Array",
    "Parameters",
    "axpy",
    "cast",
    "check_entry",
    "check_finite",
    "check_names",
    "check_same_layout",
    "check_shape",
    "combine",
    "epsilon",
    "host",
    "inner",
    "is_symbolic",
    "map_parameters",
    "namespace",
    "norm",
    "reach",
    "scale_parameters",
    "size",
    "smallest_normal",
    "usable",
    "widen",
]

Array = Any
Parameters = Mapping[str, Any]

BLOCK = 1 << 18  # entries converted at a time


def namespace(w: Parameters, what: str = "parameter") -> Any:
    """Return the array namespace shared by all arrays of ``w``, called ``what`` in errors.

    Raises
    ------
    TypeError
        If ``w`` is not a mapping of arrays, if its arrays come from different
        libraries, dtypes or devices, or if they are not real floating point
        (NumPy object arrays are let through for symbolic work).
    """
    if not isinstance(w, Mapping):
        raise TypeError(f"{_plural(what)} must be a dict of arrays, got {type(w).__name__}")
    if not w:
        raise ValueError(f"{_plural(what)}: an empty dict; expected at least one array")
    first_name, first = next(iter(w.items()))
    dtype = getattr(first, "dtype", None)
    for name, array in w.items():
        if type(array) is not np.ndarray or array.dtype != dtype or type(name) is not str:
            break
    else:
        if dtype.kind == "f":  # type: ignore[union-attr]
            return numpy_namespace  # the common case, on the search's hot path
    xp: Any = None
    for name, array in w.items():
        check_entry(name, array, what)
        this = array_api_compat.array_namespace(array)
        if xp is None:
            xp = this
        elif this is not xp:
            raise TypeError(
                f"{_plural(what)} mix array libraries: {first_name!r} is {xp.__name__}, "
                f"{name!r} is {this.__name__}; expected one library"
            )
        if array.dtype != first.dtype:
            raise TypeError(
                f"{_plural(what)} mix dtypes: {first_name!r} is {first.dtype}, {name!r} is "
                f"{array.dtype}; expected one dtype"
            )
        if array_api_compat.device(array) != array_api_compat.device(first):
            here, there = (array_api_compat.device(a) for a in (first, array))
            raise TypeError(
                f"{_plural(what)} mix devices: {first_name!r} is on {here}, {name!r} on {there}; "
                "expected one device"
            )
    if first.dtype != np.dtype(object) and not xp.isdtype(first.dtype, "real floating"):
        raise TypeError(
            f"{what} {first_name!r} has dtype {first.dtype}; expected a real floating dtype"
        )
    return xp


def check_entry(name: Any, array: Any, what: str) -> None:
    """Raise ``TypeError`` unless ``array`` is a dense array that holds its values."""
    if not isinstance(name, str):
        raise TypeError(f"{what} has the name {name!r}; expected a string")
    if not array_api_compat.is_array_api_obj(array):
        raise TypeError(
            f"{what} {name!r} is a {type(array).__name__}; expected an array "
            "(NumPy, PyTorch, JAX or another array-API library)"
        )
    if isinstance(array, np.ma.MaskedArray):
        raise TypeError(
            f"{what} {name!r} is a masked array, whose mask would be ignored; expected a plain one"
        )
    layout = str(getattr(array, "layout", ""))
    if "sparse" in layout:
        raise TypeError(f"{what} {name!r} has layout {layout}; expected a dense array")
    if getattr(array, "is_meta", False):
        raise TypeError(f"{what} {name!r} is a meta tensor; expected an array with values")
    if is_symbolic(array):
        check_symbols(f"{what} {name!r}", array)


def _plural(what: str) -> str:
    return "parameters" if what == "parameter" else what


def is_symbolic(array: Array) -> bool:
    """Whether ``array`` is a NumPy object array (of SymPy expressions, fractions, ...)."""
    return isinstance(array, np.ndarray) and array.dtype == np.dtype(object)


def host(array: Array) -> np.ndarray:
    """Copy ``array`` to the host as NumPy float64 (object arrays stay as they are)."""
    if isinstance(array, np.ndarray):
        return array if array.dtype == np.dtype(object) else np.asarray(array, dtype=np.float64)
    if hasattr(array, "detach"):  # arrays that record operations must be cut off first
        array = array_api_compat.to_device(widen(array.detach()), "cpu")
    return np.asarray(array).astype(np.float64)


def widen(array: Array) -> Array:
    """Return ``array`` in float64, where its library has that (JAX may be set to 32 bits)."""
    if array_api_compat.is_jax_array(array):
        return array
    xp = array_api_compat.array_namespace(array)
    return xp.astype(array, xp.float64, copy=False)


def cast(array: np.ndarray, like: Array) -> Array:
    """Bring a NumPy ``array`` to the library, dtype and device of ``like``."""
    if is_symbolic(like) or is_symbolic(array):
        return np.asarray(array, dtype=object)
    if isinstance(like, np.ndarray):
        return np.asarray(array, dtype=like.dtype)
    xp = array_api_compat.array_namespace(like)
    return xp.asarray(
        np.ascontiguousarray(array), dtype=like.dtype, device=array_api_compat.device(like)
    )


def epsilon(w: Parameters) -> float:
    """Machine epsilon of the dtype of ``w``."""
    array = next(iter(w.values()))
    if is_symbolic(array):
        return 0.0
    return float(array_api_compat.array_namespace(array).finfo(array.dtype).eps)


def smallest_normal(w: Parameters) -> float:
    """Smallest normal number of the dtype of ``w``: below it digits are lost."""
    array = next(iter(w.values()))
    if is_symbolic(array):
        return 0.0
    return float(array_api_compat.array_namespace(array).finfo(array.dtype).smallest_normal)


def check_names(given: Iterable[str], expected: Iterable[str], what: str = "parameters") -> None:
    """Raise ``ValueError`` unless ``given`` and ``expected`` are the same names."""
    given, expected = list(given), list(expected)
    missing = [name for name in expected if name not in given]
    unknown = [name for name in given if name not in expected]
    if missing or unknown:
        parts = [f"missing {missing}"] * bool(missing) + [f"unknown {unknown}"] * bool(unknown)
        raise ValueError(f"{what}: {', '.join(parts)}; expected exactly {expected}")


def check_shape(name: str, array: Array, shape: Sequence[int | None]) -> None:
    """Raise ``ValueError`` unless ``array`` has ``shape`` (``None`` is any length)."""
    got = tuple(array.shape)
    if len(got) != len(shape) or any(
        s is not None and s != g for s, g in zip(shape, got, strict=True)
    ):
        wanted = "(" + ", ".join("any" if s is None else str(s) for s in shape) + ")"
        raise ValueError(f"parameter {name!r} has shape {got}; expected {wanted}")


def check_same_layout(a: Parameters, b: Parameters, what: str) -> None:
    """Raise unless ``b`` has the names, shapes, library and dtype of ``a``."""
    if namespace(a) is not namespace(b, what):
        raise TypeError(f"{what} is of another array library than the parameters")
    check_names(b, a, what)
    for name, array in a.items():
        if tuple(array.shape) != tuple(b[name].shape):
            raise ValueError(
                f"{what} {name!r} has shape {tuple(b[name].shape)}; expected {tuple(array.shape)}"
            )
        if array.dtype != b[name].dtype:
            raise TypeError(f"{what} {name!r} is {b[name].dtype}; expected {array.dtype}")


def check_finite(w: Parameters, what: str = "parameter") -> None:
    """Raise :class:`DomainError`, naming the array, unless all entries are finite."""
    xp = namespace(w)
    for name, array in w.items():
        if not is_symbolic(array) and not bool(xp.all(xp.isfinite(array))):
            bad = int(xp.sum(xp.astype(~xp.isfinite(array), xp.int64)))
            raise DomainError(f"{what} {name!r} has {bad} entries that are not finite")


def usable(data: Any, name: str) -> Array:
    """Return ``data`` as an array of numbers, not copied if it is one; any library."""
    if array_api_compat.is_array_api_obj(data) and not isinstance(data, np.ndarray):
        check_entry(name, data, "data")
        if not array_api_compat.array_namespace(data).isdtype(data.dtype, "complex floating"):
            return data
    else:
        data = dense(name, data)
        check_entry(name, data, "data")
        if data.dtype.kind in "fiubO":
            return data
    raise TypeError(f"{name}: dtype {data.dtype}; expected real numbers")


def map_parameters(function: Callable[..., Array], *ws: Parameters) -> dict[str, Array]:
    """Apply ``function`` to the arrays of the same name in ``ws``."""
    return {name: function(*(w[name] for w in ws)) for name in ws[0]}


def scale_parameters(factor: float, w: Parameters) -> dict[str, Array]:
    """Return ``factor * w``."""
    return {name: factor * array for name, array in w.items()}


def axpy(factor: float, u: Parameters, w: Parameters) -> dict[str, Array]:
    """Return ``w + factor * u``."""
    return {name: array + factor * u[name] for name, array in w.items()}


def combine(pairs: Iterable[tuple[float, Parameters]]) -> dict[str, Array]:
    """Return the linear combination of several parameter dicts."""
    total: dict[str, Array] | None = None
    for factor, w in pairs:
        total = scale_parameters(factor, w) if total is None else axpy(factor, w, total)
    if total is None:
        raise ValueError("combine needs at least one pair")
    return total


def inner(u: Parameters, v: Parameters) -> float:
    """Frobenius inner product, summed in float64 so that small and large float32 survive."""
    total: Any = 0.0
    for name, array in u.items():
        a, b = array, v[name]
        if is_symbolic(a) or is_symbolic(b):
            total = total + (a * b).sum()
        elif isinstance(a, np.ndarray):
            b = b if isinstance(b, np.ndarray) else host(b)
            total += sum(float(np.vdot(p, q)) for p, q in zip(_wide(a), _wide(b), strict=True))
        else:
            xp = array_api_compat.array_namespace(a)
            total += float(xp.sum(widen(a) * widen(b)))
    return total


def norm(w: Parameters) -> float:
    """Euclidean norm of all entries, without overflow or underflow of the squares."""
    xp = namespace(w)
    # NumPy's maximum keeps NaN, Python's may lose it
    largest = float(np.max([0.0, *(_largest(xp, a) for a in w.values() if size(a))]))
    if largest == 0.0 or not np.isfinite(largest):
        return largest
    unit = largest if not 1e-100 < largest < 1e100 else 1.0  # squares of others fit
    total = 0.0
    for array in w.values():
        for block in _wide(array if isinstance(array, np.ndarray) else host(array)):
            scaled = block / unit if unit != 1.0 else block
            total += float(np.vdot(scaled, scaled))
    return unit * float(np.sqrt(total))


def _largest(xp: Any, array: Array) -> float:
    """Return the largest absolute value."""
    if isinstance(array, np.ndarray):
        return max(float(array.max()), -float(array.min()))  # no copy
    array = array.detach() if hasattr(array, "detach") else array
    return float(xp.max(xp.abs(array)))


def _wide(array: np.ndarray) -> Iterator[np.ndarray]:
    """Yield the entries in float64, flat and block by block, so that copies stay small."""
    flat = array.reshape(-1)
    for start in range(0, flat.size, BLOCK):
        yield flat[start : start + BLOCK].astype(np.float64, copy=False)


def reach(w: Parameters) -> float:
    """Return the largest logarithm of a scale that the parameters' dtype can bear."""
    dtype = next(iter(w.values())).dtype
    return float(np.log(float(namespace(w).finfo(dtype).max))) / 2


def size(array: Array) -> int:
    """Return the number of entries of ``array``."""
    return int(np.prod(tuple(array.shape), dtype=np.int64))
