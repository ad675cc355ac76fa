"""The most general element of every group, with symbols for entries."""

from __future__ import annotations

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
from ._one_parameter import product_of_subgroups
from ._scalars import expression_of
from ._symbols import Definitions, fresh, map_entries, symbol_array

__all__ = [
    "general_element",
    "identity_matrix",
    "inverse_matrix",
    "near_identity",
    "rotation",
]

Element = tuple[Any, Definitions]


def inverse_matrix(matrix: np.ndarray, symbol: str) -> Element:
    """Return the inverse as adjugate times a symbol, bound to the determinant's reciprocal."""
    dense = sympy.Matrix(matrix)
    d = fresh(symbol)
    determinant = sympy.expand(dense.det(method="berkowitz"))
    adjugate = np.array(dense.adjugate().applyfunc(sympy.expand).tolist(), dtype=object)
    return adjugate * d, Definitions((d * determinant - 1,), (d,))


def rotation(name: str, n: int) -> Element:
    """Return a rotation, shape (n, n), its entries bound to be one.

    For n = 2 by ``c^2 + s^2 = 1``. For larger n by ``R^T R = I``, one equation for every pair of
    columns, led by the last row: a complete set of rules for what is quadratic in R.
    """
    one = identity_matrix(n)
    if n < 2:
        return one, Definitions()
    if n == 2:
        c, s = symbol_array(name, (2,))
        R = np.array([[c, -s], [s, c]], dtype=object)
        return R, Definitions((s * s + c * c - 1,), (s,))
    R = symbol_array(name, (n, n))
    products = R.T @ R - one
    pairs = [(i, j) for i in range(n) for j in range(i, n)]
    return R, Definitions(tuple(products[i, j] for i, j in pairs), tuple(R[n - 1]))


def identity_matrix(n: int) -> np.ndarray:
    """Return the identity matrix of integers, shape (n, n)."""
    return np.array(sympy.eye(n).tolist(), dtype=object).reshape(n, n)


def scalar_matrix(n: int) -> np.ndarray:
    """Return the identity matrix of plain integers, which go with any kind of scalar."""
    return np.eye(n, dtype=int).astype(object)


def _pair(name: str, n: int) -> Element:
    """Return (g, g^-1) for a matrix of symbols.

    Up to n = 3 the inverse is the adjugate times a bound symbol. Beyond, its entries h are symbols
    bound by ``h g = I``, led by the product of h's last column and g's last row: a complete set of
    rules for what is bilinear in h and g, as outputs of linear networks are.
    """
    g = symbol_array(name, (n, n))
    if n <= 3:
        inverse, bound = inverse_matrix(g, f"d_{name}")
        return (g, inverse), bound
    h = symbol_array(f"h_{name}", (n, n))
    equations = tuple((h @ g - identity_matrix(n)).reshape(-1))
    return (g, h), Definitions(equations, tuple(h[:, ::-1].T.reshape(-1)))


def _join(parts: list[Element]) -> Element:
    bound = Definitions()
    for _, more in parts:
        bound |= more
    return tuple(value for value, _ in parts), bound


@singledispatch
def general_element(group: SymmetryGroup, name: str) -> Element:
    """Return an element whose entries are symbols, and what binds them.

    Dense in the connected group, so that an identity between rational functions that holds for
    it holds for all.

    Raises
    ------
    TypeError
        If no form of the elements is known: give one with ``element=``.
    """
    raise TypeError(
        f"no general element of {type(group).__name__} is known; give one with symbols for "
        "entries as element=..., or prove the infinitesimal statement"
    )


@general_element.register
def _(group: PositiveRescaling, name: str) -> Element:
    return symbol_array(name, (group.dim,), positive=True), Definitions()


@general_element.register
def _(group: GeneralLinear, name: str) -> Element:
    return _join([_pair(f"{name}{i}", k) for i, k in enumerate(group.slots.sizes)])


@general_element.register
def _(group: Orthogonal, name: str) -> Element:
    return _join([rotation(f"{name}{i}", k) for i, k in enumerate(group.slots.sizes)])


@general_element.register
def _(group: ActivationGL, name: str) -> Element:
    return general_element(group.matrices, name)


@general_element.register
def _(group: InputTransformation, name: str) -> Element:
    return _pair(name, group.size)


@general_element.register
def _(group: ChartRotation, name: str) -> Element:
    return rotation(name, group.size)


@general_element.register
def _(group: QuadraticOrthogonal, name: str) -> Element:
    R, bound = rotation(name, group.n)
    return (inverse_factor(group), R), bound


@general_element.register
def _(group: Translation, name: str) -> Element:
    return symbol_array(name, (group.dim,)), Definitions()


@general_element.register
def _(group: DiagonalGroup, name: str) -> Element:
    scales = np.full(group.layout.size, sympy.Integer(1), dtype=object)
    made = product_of_subgroups([np.diag(_rational(row)) for row in group.directions], name)
    if made is None or not len(group.directions):
        return scales, Definitions()
    return np.diagonal(made[0][0]).copy(), made[1]


@general_element.register(MatrixGroup)
@general_element.register(MatrixRepresentation)
def _(group: Any, name: str) -> Element:
    if isinstance(group, MatrixRepresentation) and group.representation is not None:
        return general_element.dispatch(SymmetryGroup)(group, name)
    N = group.basis.shape[-1]
    if not group.dim:
        return (identity_matrix(N), identity_matrix(N)), Definitions()
    made = product_of_subgroups([_rational(X) for X in group.basis], name)
    if made is None:
        raise TypeError(
            f"no general element of this {type(group).__name__} is known: a generator has "
            "eigenvalues of degree three or more over the rationals. Give one with symbols for "
            "entries as element=..., or prove the infinitesimal statement"
        )
    return made


@general_element.register
def _(group: DirectProduct, name: str) -> Element:
    return _join([general_element(part, f"{name}{i}") for i, part in enumerate(group.groups)])


def inverse_factor(group: QuadraticOrthogonal) -> np.ndarray:
    """Return P with ``P^T A P = I``: the inverse of the triangular factor F of ``A = F^T F``."""
    F = sympy.Matrix(map_entries(expression_of, group.factor).tolist())
    return np.array(F.inv(method="LU").applyfunc(sympy.expand).tolist(), dtype=object)


def _rational(array: Any) -> np.ndarray:
    """Return the exact values of entries as SymPy numbers."""
    made: np.ndarray = map_entries(expression_of, np.asarray(array))
    return made


@singledispatch
def near_identity(group: SymmetryGroup, x: np.ndarray, t: Any) -> Any:
    """Return ``exp(t x)`` to first order in ``t``, as an element.

    Raises
    ------
    TypeError
        If no form of the elements is known.
    """
    raise TypeError(f"no elements of {type(group).__name__} near the identity are known")


def _line(X: np.ndarray, t: Any) -> np.ndarray:
    return scalar_matrix(len(X)) + t * X


def _skew(group: Any, x: np.ndarray, n: int) -> np.ndarray:
    from ..groups._matrices import skew

    return skew(x, n)


@near_identity.register
def _(group: PositiveRescaling, x: np.ndarray, t: Any) -> Any:
    return 1 + t * x


@near_identity.register
def _(group: GeneralLinear, x: np.ndarray, t: Any) -> Any:
    return tuple((_line(X, t), _line(X, -t)) for X in group.matrices(x))


@near_identity.register
def _(group: Orthogonal, x: np.ndarray, t: Any) -> Any:
    return tuple(_line(X, t) for X in group.matrices(x))


@near_identity.register
def _(group: InputTransformation, x: np.ndarray, t: Any) -> Any:
    return near_identity(group.matrices, x, t)[0]


@near_identity.register
def _(group: ChartRotation, x: np.ndarray, t: Any) -> Any:
    return _line(_skew(group, x, group.size), t)


@near_identity.register
def _(group: QuadraticOrthogonal, x: np.ndarray, t: Any) -> Any:
    return inverse_factor(group), _line(_skew(group, x, group.n), t)


@near_identity.register
def _(group: Translation, x: np.ndarray, t: Any) -> Any:
    return t * x


@near_identity.register
def _(group: DirectProduct, x: np.ndarray, t: Any) -> Any:
    return tuple(near_identity(part, piece, t) for part, piece in group._pieces(x))


@near_identity.register
def _(group: DiagonalGroup, x: np.ndarray, t: Any) -> Any:
    return 1 + t * (x @ group.rows)


@near_identity.register(MatrixGroup)
@near_identity.register(MatrixRepresentation)
def _(group: Any, x: np.ndarray, t: Any) -> Any:
    X = np.tensordot(x, group.basis, 1)
    return _line(X, t), _line(X, -t)
