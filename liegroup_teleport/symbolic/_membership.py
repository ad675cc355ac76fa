"""Whether elements that a user wrote down belong to the group, and to how much of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import singledispatch
from typing import Any

import numpy as np
import sympy

from ..groups import (
    ActivationGL,
    ChartRotation,
    DiagonalGroup,
    DirectProduct,
    GeneralLinear,
    InputTransformation,
    MatrixGroup,
    MatrixRepresentation,
    Orthogonal,
    PositiveRescaling,
    QuadraticOrthogonal,
    SymmetryGroup,
    Translation,
)
from ._scalars import exact_rational, expression_of
from ._symbols import entries, map_entries

__all__ = ["Membership", "free_parameters", "membership"]


@dataclass(frozen=True)
class Membership:
    """What has to hold of an element.

    Attributes
    ----------
    equal : list of scalar
        What must be zero.
    positive : list of scalar
        What must be greater than zero.
    oriented : list of scalar
        Determinants that may be of both signs in a family; the group has the positive ones.
    open : tuple of str
        What is not checked, in words.
    """

    equal: list[Any] = field(default_factory=list)
    positive: list[Any] = field(default_factory=list)
    oriented: list[Any] = field(default_factory=list)
    open: tuple[str, ...] = ()

    def __or__(self, other: Membership) -> Membership:
        """Return both together."""
        return Membership(
            self.equal + other.equal,
            self.positive + other.positive,
            self.oriented + other.oriented,
            self.open + other.open,
        )


def _determinant(matrix: np.ndarray) -> Any:
    """Return the determinant by the first column, for scalars of any kind."""
    if len(matrix) == 0:
        return 1
    return sum(
        (-1) ** i * matrix[i, 0] * _determinant(np.delete(matrix[:, 1:], i, axis=0))
        for i in range(len(matrix))
    )


def _one(n: int) -> np.ndarray:
    return np.eye(n, dtype=int).astype(object)


def _array(part: Any, shape: tuple[int, ...], what: str) -> np.ndarray:
    array = np.asarray(part)
    if array.shape != shape:
        raise ValueError(f"element: {what} has shape {array.shape}; expected {shape}")
    return array.astype(object)


def _tuple(g: Any, length: int, what: str) -> Sequence[Any]:
    if not isinstance(g, tuple) or len(g) != length:
        raise ValueError(f"element is {g!r:.60}; expected a tuple of {length} {what}")
    return g


def _pair(g: Any, n: int) -> tuple[np.ndarray, np.ndarray]:
    a, b = _tuple(g, 2, "matrices, the second the inverse of the first")
    return _array(a, (n, n), "the matrix"), _array(b, (n, n), "the inverse")


def _inverses(a: np.ndarray, b: np.ndarray) -> list[Any]:
    return list(entries(a @ b - _one(len(a))))


def _rotation(R: np.ndarray) -> Membership:
    one = _one(len(R))
    return Membership([*entries(R.T @ R - one), _determinant(R) - 1])


@singledispatch
def membership(group: SymmetryGroup, g: Any) -> Membership:
    """Return what has to hold for ``g`` to be an element of the group.

    Raises
    ------
    ValueError
        If ``g`` has not the form of the group's elements.
    """
    return Membership(
        open=(f"the element given belongs to {type(group).__name__}: no test of that is known",)
    )


@membership.register
def _(group: PositiveRescaling, g: Any) -> Membership:
    return Membership(positive=list(entries(_array(g, (group.dim,), "the scales"))))


@membership.register
def _(group: GeneralLinear, g: Any) -> Membership:
    found = Membership()
    sizes = group.slots.sizes
    for part, k in zip(_tuple(g, len(sizes), "pairs (g, inverse)"), sizes, strict=True):
        a, b = _pair(part, k)
        found |= Membership(_inverses(a, b), oriented=[_determinant(a)])
    return found


@membership.register
def _(group: ActivationGL, g: Any) -> Membership:
    return membership(group.matrices, g)


@membership.register
def _(group: InputTransformation, g: Any) -> Membership:
    a, b = _pair(g, group.size)
    return Membership(_inverses(a, b), oriented=[_determinant(a)])


@membership.register
def _(group: Orthogonal, g: Any) -> Membership:
    found = Membership()
    sizes = group.slots.sizes
    for part, k in zip(_tuple(g, len(sizes), "rotations"), sizes, strict=True):
        found |= _rotation(_array(part, (k, k), "a rotation"))
    return found


@membership.register
def _(group: ChartRotation, g: Any) -> Membership:
    return _rotation(_array(g, (group.size, group.size), "the rotation"))


@membership.register
def _(group: QuadraticOrthogonal, g: Any) -> Membership:
    P, R = _tuple(g, 2, "factors (P, R)")
    k = len(R) if np.ndim(R) == 2 else -1
    P = _array(P, (group.n, k), "the factor P")
    A = map_entries(expression_of, np.asarray(group.loss.A))
    found = _rotation(_array(R, (k, k), "the factor R"))
    return found | Membership(list(entries(P.T @ A @ P - _one(k))))


@membership.register
def _(group: Translation, g: Any) -> Membership:
    _array(g, (group.dim,), "the translation")
    return Membership()


@membership.register
def _(group: DirectProduct, g: Any) -> Membership:
    found = Membership()
    parts = _tuple(g, len(group.groups), "elements")
    for factor, part in zip(group.groups, parts, strict=True):
        found |= membership(factor, part)
    return found


@membership.register
def _(group: DiagonalGroup, g: Any) -> Membership:
    scales = _array(g, (group.layout.size,), "the scales")
    logarithms = [
        np.array([sympy.diff(s, t) / s for s in map(expression_of, scales)])
        for t in _symbols(scales)
    ]
    found = _tangent(logarithms, [np.asarray(row) for row in group.directions], scales, 1)
    return found | Membership(positive=list(scales))


@membership.register(MatrixGroup)
@membership.register(MatrixRepresentation)
def _(group: Any, g: Any) -> Membership:
    n = group.basis.shape[-1]
    a, b = _pair(g, n)
    inverse, matrix = (map_entries(expression_of, part) for part in (b, a))
    velocities = []
    for t in _symbols(a):
        slopes = [sympy.diff(e, t) for e in matrix.reshape(-1)]
        velocities.append(inverse @ np.array(slopes, dtype=object).reshape(n, n))
    found = _tangent(velocities, list(group.basis), a, _one(n))
    return found | Membership(_inverses(a, b))


def _symbols(array: np.ndarray) -> list[sympy.Symbol]:
    found: dict[sympy.Symbol, None] = {}
    for entry in entries(array):
        for symbol in sorted(expression_of(entry).free_symbols, key=str):
            found.setdefault(symbol)
    return list(found)


def _tangent(
    velocities: list[np.ndarray], algebra: list[np.ndarray], element: np.ndarray, identity: Any
) -> Membership:
    """Ask that ``g^-1 dg`` lies in the algebra, and that g is the identity somewhere.

    A connected family through the identity whose velocities lie in the algebra stays in the
    connected group of it.
    """
    length = int(np.prod(element.shape))
    rows = [[expression_of(v) for v in X.reshape(-1)] for X in algebra] or [[0] * length]
    normals = sympy.Matrix(rows).nullspace()
    equal = [
        sum(n * v for n, v in zip(normal, velocity.reshape(-1), strict=True))
        for normal in normals
        for velocity in velocities
    ]
    symbols = _symbols(element)
    difference = map_entries(expression_of, element - identity)
    starts = (dict.fromkeys(symbols, value) for value in (1, 0))
    starts_at = any(_vanishes(difference, start) for start in (*starts, _unit(symbols)))
    if not symbols or starts_at:
        return Membership(equal if symbols else list(entries(difference)))
    return Membership(equal, open=("the element given is the identity for some values",))


def _unit(symbols: Sequence[sympy.Symbol]) -> dict[sympy.Symbol, int]:
    """Return one for positive symbols, zero for others."""
    return {s: int(bool(s.is_positive)) for s in symbols}


def _vanishes(array: np.ndarray, values: dict[sympy.Symbol, int]) -> bool:
    return all(e.subs(values) == 0 for e in entries(array))


def free_parameters(element: Any, values: dict[Any, Any]) -> int:
    """Return the rank of the derivative of an element's entries in its symbols, at a point."""
    flat = [expression_of(e) for e in entries(element)]
    symbols: dict[sympy.Symbol, None] = {}
    for e in flat:
        for s in sorted(e.free_symbols, key=str):
            symbols.setdefault(s)
    if not symbols:
        return 0
    at = {
        s: sympy.Rational(*(exact_rational(values[s].value) or 0).as_integer_ratio())
        for s in symbols
    }
    rows = [[sympy.diff(e, s).subs(at) for s in symbols] for e in flat]
    matrix = np.array([[float(v) for v in row] for row in rows])
    return int(np.linalg.matrix_rank(matrix))
