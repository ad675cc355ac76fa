"""Hidden indices, and how a matrix or a diagonal acts on the axes that carry one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import accumulate
from typing import Any

import array_api_compat
import numpy as np

from .._arrays import Parameters, cast, host, is_symbolic, widen
from .._checks import check_integer, check_sequence, check_text, shown

__all__ = ["HiddenIndex", "Slots", "gram", "multiply_axis", "scale_axis"]


@dataclass(frozen=True)
class HiddenIndex:
    """An index that a network contracts: written by some axes and read by others.

    Parameters
    ----------
    size : int
        Number of values of the index (units, channels, rank), at least 1.
    written : sequence of (str, int)
        Parameter axes that produce it; they transform with ``g``.
    read : sequence of (str, int)
        Parameter axes that consume it; they transform with the inverse transpose.

    Raises
    ------
    ValueError
        If the size is no positive integer, an axis is negative, or an axis occurs twice.
    TypeError
        If ``written`` or ``read`` is not a list of pairs.

    Examples
    --------
    A hidden layer of two units, written by the rows of ``W1`` and read by the columns of ``W2``.
    Doubling the first unit doubles what is written, and halves the weights that read it:

    >>> import numpy as np
    >>> import liegroup_teleport as lt
    >>> hidden = lt.groups.HiddenIndex(2, written=[("W1", 0)], read=[("W2", 1)])
    >>> group = lt.groups.PositiveRescaling([hidden])
    >>> w = {"W1": np.ones((2, 3)), "W2": np.ones((1, 2))}
    >>> moved = group.act(np.array([2.0, 1.0]), w)
    >>> moved["W1"], moved["W2"]
    (array([[2., 2., 2.], [1., 1., 1.]]), array([[0.5, 1. ]]))
    """

    size: int
    written: Sequence[tuple[str, int]] = field(default=())
    read: Sequence[tuple[str, int]] = field(default=())

    def __post_init__(self) -> None:
        try:
            object.__setattr__(self, "size", check_integer("size", self.size, least=1))
        except (TypeError, ValueError):
            raise ValueError(
                f"hidden index has size {shown(self.size)}; expected an integer >= 1"
            ) from None
        for role in ("written", "read"):
            given = getattr(self, role)
            try:
                pairs = tuple(
                    (check_text("name", name), check_integer("axis", axis))
                    for name, axis in check_sequence(role, given)
                )
            except (TypeError, ValueError):
                raise TypeError(
                    f"{role} is {shown(given)}; expected a list of pairs (parameter name, axis), "
                    "such as [('W1', 0)]"
                ) from None
            object.__setattr__(self, role, pairs)
            for name, axis in pairs:
                if axis < 0:
                    raise ValueError(
                        f"hidden index is {role} by axis {axis} of {name!r}; expected axis >= 0"
                    )
        axes = (*self.written, *self.read)
        if not axes:
            raise ValueError("hidden index has no axes; expected written or read ones")
        if len(set(axes)) != len(axes):
            raise ValueError(f"hidden index uses an axis twice: {axes}")


@dataclass(frozen=True)
class Slots:
    """The axes of several hidden indices, checked to be different from each other."""

    indices: tuple[HiddenIndex, ...]

    @staticmethod
    def of(indices: HiddenIndex | Iterable[HiddenIndex]) -> Slots:
        """Check a sequence of hidden indices."""
        if isinstance(indices, HiddenIndex):
            indices = (indices,)
        slots = Slots(tuple(check_sequence("indices", indices, "a list of HiddenIndex")))
        if not slots.indices:
            raise ValueError("no hidden indices given; expected at least one")
        for index in slots.indices:
            if not isinstance(index, HiddenIndex):
                raise TypeError(f"indices has a {type(index).__name__}; expected HiddenIndex only")
        axes = [axis for index in slots.indices for axis in (*index.written, *index.read)]
        twice = sorted({axis for axis in axes if axes.count(axis) > 1})
        if twice:
            raise ValueError(f"axes {twice} carry more than one hidden index")
        return slots

    @cached_property
    def sizes(self) -> tuple[int, ...]:
        """Sizes of the indices."""
        return tuple(index.size for index in self.indices)

    @property
    def axes(self) -> frozenset[tuple[str, int | None]]:
        """All (parameter, axis) pairs."""
        return frozenset(axis for index in self.indices for axis in (*index.written, *index.read))

    @cached_property
    def shapes(self) -> dict[str, tuple[int | None, ...]]:
        """Parameter shapes as far as the indices fix them."""
        known: dict[str, dict[int, int]] = {}
        for index in self.indices:
            for name, axis in (*index.written, *index.read):
                known.setdefault(name, {})[axis] = index.size
        return {
            name: tuple(axes.get(i) for i in range(max(axes) + 1)) for name, axes in known.items()
        }

    def __iter__(self) -> Iterator[tuple[int, str, int, bool]]:
        """Iterate over (index number, parameter, axis, written)."""
        for i, index in enumerate(self.indices):
            for name, axis in index.written:
                yield i, name, axis, True
            for name, axis in index.read:
                yield i, name, axis, False

    def transform(
        self, w: Parameters, written: Sequence[np.ndarray], read: Sequence[np.ndarray]
    ) -> dict[str, Any]:
        """Multiply written and read axes by one matrix (k, k) each per index."""
        out = dict(w)
        for i, name, axis, is_written in self:
            out[name] = multiply_axis(out[name], axis, (written if is_written else read)[i])
        return out

    def velocity(self, w: Parameters, X: Sequence[np.ndarray]) -> dict[str, Any]:
        """Return ``X`` on written axes and ``-X^T`` on read ones, summed."""
        total: dict[str, Any] = {name: 0 * array for name, array in w.items()}
        for i, name, axis, written in self:
            total[name] = total[name] + multiply_axis(w[name], axis, X[i] if written else -X[i].T)
        return total

    def pairing(self, w: Parameters, p: Parameters) -> list[np.ndarray]:
        """Return ``sum_written p w^T - sum_read w p^T``, (k, k) per index."""
        totals: list[Any] = [0] * len(self.indices)
        for i, name, axis, written in self:
            m = gram(p[name], w[name], axis, diagonal=False)
            totals[i] = totals[i] + m if written else totals[i] - m.T
        return totals


def scale_axis(array: Any, axis: int, scales: np.ndarray) -> Any:
    """Multiply ``array`` by ``scales`` along ``axis``."""
    return array * along_axis(array, axis, scales)


def along_axis(array: Any, axis: int, scales: np.ndarray) -> Any:
    """Return ``scales`` in the library of ``array``, to be broadcast along ``axis``."""
    shape = [1] * len(array.shape)
    shape[axis] = len(scales)
    return cast(scales.reshape(shape), array)


def multiply_axis(array: Any, axis: int, matrix: np.ndarray) -> Any:
    """Multiply ``array`` by ``matrix`` (k, k) along ``axis`` of length k."""
    m = cast(matrix, array)
    if is_symbolic(m) and not is_symbolic(array):
        array = np.asarray(array, dtype=object)
    ndim = len(array.shape)
    if ndim == 1 or (ndim == 2 and axis == 0):
        return m @ array
    if ndim == 2:
        return array @ m.T
    xp = array_api_compat.array_namespace(array)
    return xp.moveaxis(xp.tensordot(m, array, axes=((1,), (axis,))), 0, axis)


def gram(a: Any, b: Any, axis: int, diagonal: bool) -> np.ndarray:
    """Return ``unfold(a) unfold(b)^T`` along ``axis``, on the host; or its diagonal."""
    others = tuple(i for i in range(len(a.shape)) if i != axis)
    if not isinstance(a, np.ndarray):
        xp = array_api_compat.array_namespace(a, b)
        a, b = widen(a), widen(b)
        if diagonal:
            return host(xp.sum(a * b, axis=others) if others else a * b)
        return host(xp.tensordot(a, b, axes=(others, others)))
    a, b = host(a), host(b)
    if diagonal:
        if len(a.shape) == 2 and a.dtype != np.dtype(object) and b.dtype != np.dtype(object):
            return np.einsum("ij,ij->i" if axis == 0 else "ij,ij->j", a, b)
        return (a * b).sum(axis=others) if others else a * b
    if not others:
        return np.outer(a, b)
    if len(a.shape) == 2:
        return a @ b.T if axis == 0 else a.T @ b
    return np.tensordot(a, b, axes=(others, others))


def split(flat: np.ndarray, lengths: Sequence[int]) -> list[np.ndarray]:
    """Split a flat array into pieces of the given lengths."""
    ends = accumulate(lengths)
    return [flat[end - length : end] for length, end in zip(lengths, ends, strict=True)]
