"""Translations along fixed directions, such as the shift of all logits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np
import scipy.linalg
import scipy.sparse

from .._arrays import Parameters, cast, host
from .._checks import (
    check_array,
    check_choice,
    check_flag,
    check_sequence,
    check_text,
    shown,
)
from .._errors import DomainError
from ._base import Basis, Scope, SymmetryGroup, algebra_vector, check_element
from ._matrices import orthonormal_rows

__all__ = ["Translation"]

LARGEST = 2.0**20  # whole entries of a direction that are taken as they are
RATIOS = 64  # different sizes of entries that are tried as whole multiples of the least


@dataclass(frozen=True, eq=False)
class Translation(SymmetryGroup):
    """The vectors ``t`` acting by ``w -> w + sum_i t_i c_i``.

    The group is abelian and not compact. Its action is affine, not linear: it
    has no moment map, but where the loss does not change along ``c`` gradient
    flow conserves ``<c, w>`` (:meth:`conserved`), and the gradient is the same
    everywhere on an orbit.

    An element is an array of coordinates ``t``, shape ``(dim,)``; so is an
    algebra vector, and exponential and logarithm change nothing. Coordinates
    refer to the directions orthonormalised in their order (Gram-Schmidt),
    hence ``distance(t) = ||t||_2`` is how far the parameters move.

    Parameters
    ----------
    directions : sequence of dict of str to array
        The directions ``c_i``, NumPy arrays or (for matrices) SciPy sparse
        arrays by parameter name; a name that a direction lacks is not moved by
        it. They are copied and must be linearly independent.
    scope : {"loss", "function"}
        Where the invariance holds, see :class:`SymmetryGroup`.

    Raises
    ------
    TypeError
        If a direction is not a dict of arrays.
    ValueError
        If there are no directions, their shapes differ, one is zero or they
        are linearly dependent.
    DomainError
        If a direction has entries that are not finite.

    References
    ----------
    [Zha23] Zhao et al., *Symmetries, flat minima, and the conserved quantities of gradient flow*,
    ICLR 2023.

    [Kun21] Kunin et al., *Neural mechanics: symmetry and broken conservation laws in deep learning
    dynamics*, ICLR 2021 (translation symmetry of softmax).

    Examples
    --------
    >>> import numpy as np
    >>> import liegroup_teleport as lt
    >>> group = lt.groups.Translation([{"a": np.array([3.0, 4.0])}])
    >>> group.act(np.array([5.0]), {"a": np.zeros(2), "rest": np.ones(1)})
    {'a': array([3., 4.]), 'rest': array([1.])}
    """

    directions: Sequence[Mapping[str, Any]]
    scope: Scope = "loss"

    compact = False
    linear = False
    diagonal = False
    translational = True

    def __post_init__(self) -> None:
        given: Any = self.directions
        expected = "a dict of arrays or a list of them"
        alone = isinstance(given, Mapping)
        given = (given,) if alone else check_sequence("directions", given, expected)
        copies = []
        for i, direction in enumerate(given):
            if not isinstance(direction, Mapping):
                raise TypeError(
                    f"direction {i} is a {type(direction).__name__}; expected a dict of arrays"
                )
            for name in direction:
                check_text(f"name in direction {i}", name)
            copies.append({name: _copy(a, name, i) for name, a in direction.items()})
        if not copies:
            raise ValueError("directions is empty; expected at least one")
        check_choice("scope", self.scope, ("loss", "function"))
        object.__setattr__(self, "directions", tuple(copies))
        self.rows  # noqa: B018 (checks shapes and independence)

    @classmethod
    def softmax_shift(cls, mlp: Any, *, weights: bool = False) -> Translation:
        """Return the shifts of all logits of a cross-entropy MLP by one number.

        Softmax does not see a number added to every output, so the last
        layer's biases may move along ``(1, ..., 1)``: one dimension. With
        ``weights`` also ``W_L -> W_L + 1 c^T`` for every ``c``: one dimension
        for every unit that the last layer reads.

        Parameters
        ----------
        mlp : MLP
            With ``loss="cross_entropy"``.
        weights : bool
            Whether the last layer's weights move too. They do not commute with
            rescalings of the last hidden layer; the shift of the biases does.

        Returns
        -------
        Translation
            Of scope ``"loss"``; dimension 1, or 0 or 1 plus the number of units with ``weights``.

        Raises
        ------
        TypeError
            If the network's loss is not the cross-entropy of a softmax.
        ValueError
            If there is nothing to move: no biases, and ``weights`` not set.
        """
        kind = getattr(mlp, "loss", None)
        if not isinstance(kind, str) or kind != "cross_entropy":
            raise TypeError(
                f"mlp is {shown(mlp)}: the softmax shift needs an MLP with loss 'cross_entropy', "
                f"got loss {shown(kind)}"
            )
        check_flag("weights", weights)
        last = len(mlp.widths) - 1
        outputs, units = mlp.widths[-1], mlp.widths[-2]
        directions: list[dict[str, Any]] = []
        if mlp.bias:
            directions.append({f"b{last}": np.ones(outputs)})
        if weights:
            rows = np.arange(outputs)
            for j in range(units):
                entries = (np.ones(outputs), (rows, np.full(outputs, j)))
                column = scipy.sparse.coo_array(entries, shape=(outputs, units))
                directions.append({f"W{last}": column})
        if not directions:
            raise ValueError("the MLP has no biases; weights=True shifts its logits by the weights")
        return cls(directions)

    @cached_property
    def shapes(self) -> Mapping[str, tuple[int | None, ...]]:  # type: ignore[override]
        """Names and shapes of the parameters that move."""
        found: dict[str, tuple[int | None, ...]] = {}
        for i, direction in enumerate(self.directions):
            for name, array in direction.items():
                shape = tuple(array.shape)
                if found.setdefault(name, shape) != shape:
                    raise ValueError(
                        f"direction {i}: {name!r} has shape {shape}; others have {found[name]}"
                    )
        return found

    @cached_property
    def windows(self) -> dict[str, slice]:
        """Where each parameter's entries are in a row of :attr:`rows`."""
        sizes = [int(np.prod([n or 0 for n in shape])) for shape in self.shapes.values()]
        ends = np.cumsum([0, *sizes])
        return {n: slice(int(ends[i]), int(ends[i + 1])) for i, n in enumerate(self.shapes)}

    @cached_property
    def given(self) -> Any:
        """The directions as rows of a SciPy sparse array (dim, entries), each to a factor.

        The factors are such that nothing rounds and no square overflows or vanishes: shifts
        are multiples of what was given, and a loss that ignores ``(1, 3)`` ignores them.
        """
        windows = self.windows
        ends, columns, values = [0], [], []
        for i, direction in enumerate(self.directions):
            flats = {n: scipy.sparse.coo_array(a.reshape(1, -1)) for n, a in direction.items()}
            entries = np.concatenate([f.data for f in flats.values()] or [np.zeros(0)])
            if not np.any(entries):
                raise ValueError(f"direction {i} is zero; expected independent directions")
            columns += [f.coords[1] + windows[n].start for n, f in flats.items()]
            values.append(_handy(entries))
            ends.append(ends[-1] + len(entries))
        shape = (len(self.directions), max(window.stop for window in windows.values()))
        return scipy.sparse.csr_array(
            (np.concatenate(values), np.concatenate(columns), ends), shape=shape
        )

    @cached_property
    def rows(self) -> Any:
        """The orthonormal directions, a SciPy sparse array of shape (dim, entries)."""
        return self._orthonormal[0]

    @cached_property
    def _orthonormal(self) -> tuple[Any, np.ndarray]:
        """Orthonormal rows, and the triangle R with ``given = R rows``: a vector if diagonal."""
        given = self.given
        lengths = np.sqrt(np.asarray((given * given).sum(axis=1)).reshape(-1))
        rows = scipy.sparse.csr_array(scipy.sparse.diags_array(1 / lengths) @ given)
        if abs(rows @ rows.T - scipy.sparse.eye_array(len(lengths))).max() <= 1e-14:
            return rows, lengths
        dense = orthonormal_rows(rows.toarray(), "directions")
        return scipy.sparse.csr_array(dense), np.tril(given @ dense.T)

    def _multiples(self, t: np.ndarray) -> np.ndarray:
        """Return by how much each given direction is shifted, for coordinates ``t`` (dim,)."""
        R = self._orthonormal[1]
        if t.dtype == np.dtype(object):
            return _solve_exactly(R, t, transpose=True)
        return t / R if R.ndim == 1 else scipy.linalg.solve_triangular(R, t, lower=True, trans="T")

    def _coordinates(self, products: np.ndarray) -> np.ndarray:
        """Return products with the orthonormal directions from those with the given ones."""
        R = self._orthonormal[1]
        if products.dtype == np.dtype(object):
            return _solve_exactly(R, products, transpose=False)
        if R.ndim == 1:
            return products / R
        return np.asarray(scipy.linalg.solve_triangular(R, products, lower=True))

    @property
    def dim(self) -> int:
        """Number of directions."""
        return len(self.directions)

    @property
    def acts_on(self) -> frozenset[tuple[str, int | None]]:
        """The parameters that move, all axes of them."""
        return frozenset((name, None) for name in self.shapes)

    def _element(self, g: Any) -> np.ndarray:
        return check_element(g, (self.dim,), "translation element")

    def identity(self) -> np.ndarray:
        """Return zeros, shape ``(dim,)``."""
        return np.zeros(self.dim)

    def compose(self, g: Any, h: Any) -> np.ndarray:
        """Return the sum."""
        return self._element(g) + self._element(h)

    def inverse(self, g: Any) -> np.ndarray:
        """Return minus ``g``."""
        return -self._element(g)

    def exp(self, x: np.ndarray) -> np.ndarray:
        """Return ``x``: the group is its algebra."""
        return algebra_vector(x, self.dim).copy()

    def log(self, g: Any) -> np.ndarray:
        """Return ``g``: the group is its algebra."""
        return self._element(g).copy()

    def algebra_basis(self) -> Basis:
        """Return the translations of R^dim, matrices (dim + 1, dim + 1) of homogeneous vectors."""
        n = self.dim

        def unit(i: int) -> np.ndarray:
            matrix = np.zeros((n + 1, n + 1))
            matrix[i, n] = 1.0
            return matrix

        return Basis(n, unit)

    def distance(self, g: Any) -> float:
        """Return ``||t||_2``, by which the parameters move."""
        return float(np.linalg.norm(self._element(g)))

    def exp_pullback(self, x: np.ndarray, m: np.ndarray) -> np.ndarray:
        """Return ``m``: the group is abelian."""
        return m

    def _shift(self, t: np.ndarray, w: Parameters) -> dict[str, Any]:
        """Return ``sum_i t_i c_i`` as arrays like those of ``w``."""
        self.check_parameters(w)
        multiples = self._multiples(t)
        symbolic = t.dtype == np.dtype(object)
        flat = (_exact(self.given) if symbolic else self.given).T @ multiples
        return {
            name: cast(flat[window].reshape(tuple(w[name].shape)), w[name])
            for name, window in self.windows.items()
        }

    def act(self, g: Any, w: Parameters) -> dict[str, Any]:
        """Return ``w + sum_i t_i c_i``."""
        shift = self._shift(self._element(g), w)
        return {name: a + shift[name] if name in shift else a for name, a in w.items()}

    def act_tangent(self, g: Any, w: Parameters, u: Parameters) -> dict[str, Any]:
        """Return ``u``: a translation moves no tangent vector."""
        self._element(g)
        self.check_parameters(u)
        return dict(u)

    def act_cotangent(self, g: Any, w: Parameters, v: Parameters) -> dict[str, Any]:
        """Return ``v``: the gradient is the same everywhere on the orbit."""
        self._element(g)
        self.check_parameters(v)
        return dict(v)

    def generator(self, x: np.ndarray, w: Parameters) -> dict[str, Any]:
        """Return ``sum_i x_i c_i``, whatever ``w`` is."""
        shift = self._shift(algebra_vector(x, self.dim), w)
        return {name: shift[name] if name in shift else 0 * a for name, a in w.items()}

    def generator_adjoint(self, w: Parameters, p: Parameters) -> np.ndarray:
        """Return ``<c_i, p>``, shape ``(dim,)``."""
        self.check_parameters(p)
        flat = np.concatenate([host(p[name]).reshape(-1) for name in self.windows])
        given = _exact(self.given) if flat.dtype == np.dtype(object) else self.given
        return self._coordinates(np.asarray(given @ flat))

    @property
    def manifold(self) -> Any:
        """R^dim, in geomstats."""
        from ..geometry import euclidean

        return euclidean(self.dim)


def _copy(array: Any, name: str, i: int) -> Any:
    """Return a float64 copy of one array of a direction, sparse if it was."""
    if scipy.sparse.issparse(array):
        array = scipy.sparse.coo_array(array, dtype=np.float64, copy=True)
        array.sum_duplicates()
        entries = array.data
    else:
        array = entries = check_array(f"direction {i}: {name!r}", array, finite=False)
    if not np.all(np.isfinite(entries)):
        raise DomainError(f"direction {i}: {name!r} has entries that are not finite")
    return array


def _handy(entries: np.ndarray) -> np.ndarray:
    """Return the entries of a direction, to a factor: whole numbers, or of size about one."""
    size = np.abs(entries[entries != 0])
    if np.all(entries == np.rint(entries)) and size.max() <= LARGEST:
        return entries
    least = Fraction(float(size.min()))
    ratios = [Fraction(a) / least for a in np.unique(size).tolist()[: RATIOS + 1]]
    if len(ratios) <= RATIOS and all(r.denominator == 1 and r <= LARGEST for r in ratios):
        return np.rint(entries / float(size.min()))
    return np.ldexp(entries, -int(np.frexp(size.max())[1]))


def _exact(matrix: Any) -> np.ndarray:
    """Return a sparse array as an object array of the rational numbers that its entries are."""
    dense = np.zeros(matrix.shape, dtype=object)
    coo = matrix.tocoo()
    for i, j, a in zip(*coo.coords, coo.data.tolist(), strict=True):
        dense[i, j] = _rational(a)
    return dense


def _rational(a: float) -> int | Fraction:
    return int(a) if float(a).is_integer() else Fraction(a)


def _solve_exactly(R: np.ndarray, b: np.ndarray, *, transpose: bool) -> np.ndarray:
    """Solve ``R x = b`` or ``R^T x = b`` for symbols b, R a lower triangle or its diagonal."""
    n = len(b)
    if R.ndim == 1:
        return np.array([b[i] / Fraction(R[i]) for i in range(n)] + [None], dtype=object)[:-1]
    L = R.T if transpose else R
    x = np.zeros(n, dtype=object)
    for i in reversed(range(n)) if transpose else range(n):
        rest = b[i]
        for j in range(i + 1, n) if transpose else range(i):
            rest = rest - Fraction(L[i, j]) * x[j]
        x[i] = rest / Fraction(L[i, i])
    return x
