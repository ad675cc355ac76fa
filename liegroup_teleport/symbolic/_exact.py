"""Groups and losses as proofs run them: the shipped code, on data at their exact values."""

from __future__ import annotations

import copy
from fractions import Fraction
from functools import singledispatch
from typing import Any

import numpy as np
import sympy

from ..groups import (
    DiagonalGroup,
    DirectProduct,
    MatrixGroup,
    MatrixRepresentation,
    QuadraticOrthogonal,
    SymmetryGroup,
    Translation,
)
from ..losses import MLP, Quadratic
from ..losses._activations import GELU, LeakyReLU, Linear, ReLU, Sigmoid, Tanh
from ..losses._output_losses import OUTPUT_LOSSES
from ._numbers import numbers_of
from ._scalars import exact_rational
from ._symbols import Definitions, fresh, map_entries

__all__ = [
    "changed_twin",
    "exact_group",
    "is_exactly",
    "is_shipped_activation",
    "roundings",
    "same_quadratic",
    "with_root_symbols",
]

ACTIVATIONS = (GELU, LeakyReLU, Linear, ReLU, Sigmoid, Tanh)


def is_exactly(thing: Any, kind: type[Any]) -> bool:
    """Whether ``thing`` is of that very class, with no method of it replaced on the instance.

    What is known of a class holds for nothing else: a subclass may compute something else.
    """
    own = vars(thing) if hasattr(thing, "__dict__") else {}
    replaced = [name for name in own if callable(getattr(kind, name, None))]
    if type(thing) is not kind or replaced:
        return False
    return kind is not MLP or type(thing._output_loss) is OUTPUT_LOSSES.get(thing.loss)


def is_shipped_activation(activation: Any) -> bool:
    """Whether an activation is one of the library's, whose laws are theorems."""
    return any(is_exactly(activation, kind) for kind in ACTIVATIONS)


def same_quadratic(a: Any, b: Any) -> bool:
    """Whether two losses are shipped quadratics with the same entries."""
    if not (is_exactly(a, Quadratic) and is_exactly(b, Quadratic)):
        return False
    dense = isinstance(a.A, np.ndarray) and isinstance(b.A, np.ndarray)
    return a is b or (dense and np.array_equal(a.A, b.A) and np.array_equal(a.minimum, b.minimum))


def changed_twin(thing: Any, **attributes: Any) -> Any:
    """Return a copy, methods replaced on the instance included, with other attributes.

    An attribute ``None`` is removed: it was computed from what changes.
    """
    twin = copy.copy(thing)
    for name, value in attributes.items():
        if value is None:
            twin.__dict__.pop(name, None)
        else:
            twin.__dict__[name] = value
    return twin


def _fractions(array: Any) -> np.ndarray:
    def read(entry: Any) -> Any:
        value = exact_rational(entry)
        if value is None:
            raise TypeError(f"{entry!r:.60} in a group is no finite real number")
        return value

    made: np.ndarray = map_entries(read, np.asarray(array))
    return made


@singledispatch
def exact_group(group: SymmetryGroup) -> SymmetryGroup:
    """Return the group with its matrices and directions as they were given, unrounded.

    In floats they are orthonormalised; here the algebra's coordinates are those of the given
    generators, whose entries are the dyadic rationals that the floats are.
    """
    return group


@exact_group.register
def _(group: DirectProduct) -> SymmetryGroup:
    twin: SymmetryGroup = changed_twin(group, groups=tuple(map(exact_group, group.groups)))
    return twin


class _Rows:
    """Exact rows in the place of a sparse array."""

    def __init__(self, rows: np.ndarray) -> None:
        self._rows = rows

    def toarray(self) -> np.ndarray:
        return self._rows


@exact_group.register
def _(group: Translation) -> SymmetryGroup:
    width = max(window.stop for window in group.windows.values())
    rows = np.full((group.dim, width), Fraction(0), dtype=object)
    for row, direction in zip(rows, group.directions, strict=True):
        for name, array in direction.items():
            dense = array.toarray() if hasattr(array, "toarray") else array
            row[group.windows[name]] = _fractions(np.asarray(dense).reshape(-1))
    twin: SymmetryGroup = changed_twin(group, rows=_Rows(rows))
    return twin


@exact_group.register
def _(group: DiagonalGroup) -> SymmetryGroup:
    directions = _fractions(group.directions)
    twin: SymmetryGroup = changed_twin(group, rows=directions, directions=directions)
    return twin


@exact_group.register
def _(group: MatrixGroup) -> SymmetryGroup:
    n = group.layout.size
    given = _fractions(group.generators)
    affine = given.shape[1] == n + 1
    center = _exact_center(given[:, :n, :n], given[:, :n, n]) if affine else np.zeros(n, dtype=int)
    matrices = given if center is None else given[:, :n, :n]
    one = np.eye(matrices.shape[-1], dtype=int).astype(object)
    twin: SymmetryGroup = changed_twin(group, basis=matrices, _frame=(one, one))
    twin.__dict__["center"] = None if center is None else center.astype(object)
    return twin


def _exact_center(X: np.ndarray, c: np.ndarray) -> np.ndarray | None:
    """Return a point p (n,) with ``X_i p + c_i = 0`` exactly, or ``None``."""
    d, n = c.shape
    rational = np.vectorize(lambda q: sympy.Rational(q.numerator, q.denominator), otypes=[object])
    if not d or not np.any(c):
        return np.zeros(n, dtype=int)
    A = sympy.Matrix(rational(X.reshape(d * n, n)).tolist())
    b = sympy.Matrix(rational(-c.reshape(d * n, 1)).tolist())
    try:
        solution, parameters = A.gauss_jordan_solve(b)
    except ValueError:  # there is none
        return None
    at = solution.subs(dict.fromkeys(parameters, 0))
    return np.array([Fraction(int(v.p), int(v.q)) for v in at], dtype=object)


@exact_group.register
def _(group: MatrixRepresentation) -> SymmetryGroup:
    if group.representation is not None:
        return group
    from ..geometry import matrix_algebra

    basis = _fractions(matrix_algebra(group.geomstats_group))
    twin: SymmetryGroup = changed_twin(group, basis=basis, generators=basis)
    return twin


@exact_group.register
def _(group: QuadraticOrthogonal) -> SymmetryGroup:
    """Return the group with Cholesky's factor to fifty digits, exact where it is rational."""
    A = _symmetric(group)
    n = len(A)
    F = np.full((n, n), 0, dtype=object)
    A = numbers_of(A)
    for i in range(n):
        F[i, i] = (A[i, i] - sum(F[k, i] ** 2 for k in range(i))).sqrt()
        for j in range(i + 1, n):
            F[i, j] = (A[i, j] - sum(F[k, i] * F[k, j] for k in range(i))) / F[i, i]
    twin: SymmetryGroup = changed_twin(group, factor=numbers_of(F))
    return twin


def _symmetric(group: QuadraticOrthogonal) -> np.ndarray:
    A = group.loss.A
    if not isinstance(A, np.ndarray):
        raise TypeError(f"A is a {type(A).__name__}; a proof needs a dense array")
    return (A + A.T) / 2 if A.dtype == object else _fractions(A + A.T) / 2


def with_root_symbols(group: SymmetryGroup) -> tuple[SymmetryGroup, Definitions]:
    """Return the exact group for symbols: roots in Cholesky's factor are symbols of their own.

    ``A = L D L^T`` is rational, and ``F = D^(1/2) L^T`` with ``r_i^2 = d_i``.
    """
    if isinstance(group, DirectProduct):
        parts = [with_root_symbols(part) for part in group.groups]
        bound = Definitions()
        for _, more in parts:
            bound |= more
        return changed_twin(group, groups=tuple(part for part, _ in parts)), bound
    if not isinstance(group, QuadraticOrthogonal):
        return exact_group(group), Definitions()
    A = _symmetric(group)
    if any(isinstance(entry, sympy.Basic) for entry in A.reshape(-1)):
        raise TypeError("A has symbols for entries; give a quadratic with numbers")
    L, D = _ldl(A)
    roots = [fresh(f"r_{i}", positive=True) for i in range(len(D))]
    F = np.array([[r * sympy.Rational(*v.as_integer_ratio()) for v in row]
                  for r, row in zip(roots, L.T, strict=True)], dtype=object)  # fmt: skip
    equations = tuple(
        r**2 - sympy.Rational(d.numerator, d.denominator) for r, d in zip(roots, D, strict=True)
    )
    return changed_twin(group, factor=F), Definitions(equations, tuple(roots))


def _ldl(A: np.ndarray) -> tuple[np.ndarray, list[Fraction]]:
    """Return unit lower triangular L and positive D with ``A = L D L^T``."""
    from .._errors import DomainError

    n = len(A)
    L = np.array([[Fraction(int(i == j)) for j in range(n)] for i in range(n)], dtype=object)
    D: list[Fraction] = []
    for j in range(n):
        d = A[j, j] - sum(L[j, k] ** 2 * D[k] for k in range(j))
        if not d > 0:
            raise DomainError("A is not positive definite")
        D.append(Fraction(d))
        for i in range(j + 1, n):
            L[i, j] = (A[i, j] - sum(L[i, k] * L[j, k] * D[k] for k in range(j))) / d
    return L, D


def roundings(group: SymmetryGroup) -> tuple[str, ...]:
    """Return what the library's floats round that the exact group does not, in words."""
    parts = group.groups if isinstance(group, DirectProduct) else (group,)
    rounded: tuple[type, ...] = (DiagonalGroup, MatrixGroup, MatrixRepresentation, Translation)
    names = sorted({type(part).__name__ for part in parts if isinstance(part, rounded)})
    return tuple(
        f"{name} is the group of its generators exactly as they were given, floats as dyadic "
        "rationals; its float64 methods orthonormalise these, a relative rounding of some 1e-16"
        for name in names
    )
