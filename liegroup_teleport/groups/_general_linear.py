"""GL+ on the hidden indices of linear layers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from .._arrays import Parameters
from .._checks import shown
from ._base import Basis, SymmetryGroup, algebra_vector
from ._hidden import HiddenIndex, Slots, split
from ._matrices import (
    check_pair,
    exp_pair,
    exp_pullback_matrix,
    log_matrix,
    stretch_distance,
    unit_basis,
)

__all__ = ["GeneralLinear"]

Pair = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class GeneralLinear(SymmetryGroup):
    """Invertible matrices of positive determinant on hidden indices.

    With nothing between writer and reader the network is unchanged by
    ``W1 -> g W1``, ``b1 -> g b1``, ``W2 -> W2 g^-1``.

    An element is a tuple, one pair ``(g, g^-1)`` of shapes ``(k, k)`` per
    index: the inverse is exact and no system is ever solved.

    Parameters
    ----------
    indices : sequence of HiddenIndex
        The hidden indices; their axes must be different.

    Raises
    ------
    ValueError, TypeError
        If there are no indices, or an axis carries two of them.

    References
    ----------
    [Zha22] Zhao et al., *Symmetry Teleportation for Accelerated Optimization*, NeurIPS 2022
    (linear layers).

    [KN79] Kempf & Ness, *The length of vectors in representation spaces*, 1979.

    [Bür19] Bürgisser et al., *Towards a theory of non-commutative optimization*, FOCS 2019.

    Examples
    --------
    >>> import numpy as np
    >>> import liegroup_teleport as lt
    >>> hidden = lt.groups.HiddenIndex(2, written=[("W1", 0)], read=[("W2", 1)])
    >>> group = lt.groups.GeneralLinear([hidden])
    >>> g = group.element([[1.0, 2.0], [0.0, 1.0]])
    >>> w = {"W1": np.eye(2), "W2": np.ones((1, 2))}
    >>> moved = group.act(g, w)
    >>> moved["W1"]
    array([[1., 2.],
           [0., 1.]])
    >>> moved["W2"] @ moved["W1"]  # the function of the two layers is the same
    array([[1., 1.]])
    """

    indices: Sequence[HiddenIndex]

    compact = False
    linear = True
    diagonal = False
    scope = "function"
    self_adjoint = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "indices", Slots.of(self.indices).indices)

    @cached_property
    def slots(self) -> Slots:
        """The axes that move."""
        return Slots(tuple(self.indices))

    @property
    def dim(self) -> int:
        """Sum of the squared sizes."""
        return sum(k * k for k in self.slots.sizes)

    @property
    def shapes(self) -> Mapping[str, tuple[int | None, ...]]:
        """Names and shapes of the parameters acted on."""
        return self.slots.shapes

    @property
    def acts_on(self) -> frozenset[tuple[str, int | None]]:
        """The axes that move."""
        return self.slots.axes

    def _element(self, g: Any) -> tuple[Pair, ...]:
        if not isinstance(g, tuple) or len(g) != len(self.indices):
            raise ValueError(
                f"GL element must be a tuple of {len(self.indices)} pairs (g, inverse), "
                f"got {shown(g)}"
            )
        return tuple(check_pair(pair, k) for pair, k in zip(g, self.slots.sizes, strict=True))

    def element(self, *matrices: Any) -> tuple[Pair, ...]:
        """Return the element of the given (k, k) matrices, one per index.

        Parameters
        ----------
        *matrices : array (k, k)
            One per index, of positive determinant.

        Returns
        -------
        tuple of (array (k, k), array (k, k))
            One pair of a matrix and its inverse per index.

        Raises
        ------
        ValueError
            If the number of matrices is not that of the indices, or a shape is wrong.
        DomainError
            If a determinant is not positive.
        """
        if len(matrices) != len(self.indices):
            raise ValueError(f"got {len(matrices)} matrices; expected {len(self.indices)}")
        return self._element(tuple((m, None) for m in matrices))

    def identity(self) -> tuple[Pair, ...]:
        """Return identity matrices."""
        return tuple((np.eye(k), np.eye(k)) for k in self.slots.sizes)

    def compose(self, g: Any, h: Any) -> tuple[Pair, ...]:
        """Return the matrix products."""
        pairs = zip(self._element(g), self._element(h), strict=True)
        return tuple((a @ b, b_inv @ a_inv) for (a, a_inv), (b, b_inv) in pairs)

    def inverse(self, g: Any) -> tuple[Pair, ...]:
        """Swap every matrix with its inverse."""
        return tuple((b, a) for a, b in self._element(g))

    def matrices(self, x: np.ndarray) -> list[np.ndarray]:
        """Return the algebra vector ``x`` as one (k, k) matrix per index.

        Parameters
        ----------
        x : array (dim,)
            Algebra vector.

        Returns
        -------
        list of array (k, k)
            In the order of the indices.
        """
        sizes = self.slots.sizes
        pieces = split(algebra_vector(x, self.dim), [k * k for k in sizes])
        return [piece.reshape(k, k) for piece, k in zip(pieces, sizes, strict=True)]

    def exp(self, x: np.ndarray) -> tuple[Pair, ...]:
        """Return the matrix exponentials and their inverses."""
        return tuple(exp_pair(X) for X in self.matrices(x))

    def log(self, g: Any) -> np.ndarray:
        """Return the real principal logarithms, flattened."""
        return np.concatenate([log_matrix(a).ravel() for a, _ in self._element(g)])

    def algebra_basis(self) -> Basis:
        """Return the matrix units, as block-diagonal matrices over the indices."""
        return unit_basis(self.slots.sizes)

    def distance(self, g: Any) -> float:
        """Return ``1/2 ||log g^T g||_F``, zero on rotations."""
        return float(np.sqrt(sum(stretch_distance(a) ** 2 for a, _ in self._element(g))))

    def exp_pullback(self, x: np.ndarray, m: np.ndarray) -> np.ndarray:
        """Return the pulled-back covector, index by index."""
        pairs = zip(self.matrices(x), self.matrices(m), strict=True)
        return np.concatenate([exp_pullback_matrix(X, M).ravel() for X, M in pairs])

    def _transform(self, written: Any, read: Any, w: Parameters) -> dict[str, Any]:
        return self.slots.transform(w, written, read)

    def act(self, g: Any, w: Parameters) -> dict[str, Any]:
        """Return ``g`` on written axes and the inverse transpose on read ones."""
        g = self._element(g)
        return self._transform([a for a, _ in g], [b.T for _, b in g], w)

    def act_tangent(self, g: Any, w: Parameters, u: Parameters) -> dict[str, Any]:
        """Return ``u`` moved like the parameters: the action is linear."""
        return self.act(g, u)

    def act_cotangent(self, g: Any, w: Parameters, v: Parameters) -> dict[str, Any]:
        """Return the inverse transpose on written axes and ``g`` on read ones."""
        g = self._element(g)
        return self._transform([b.T for _, b in g], [a for a, _ in g], v)

    def generator(self, x: np.ndarray, w: Parameters) -> dict[str, Any]:
        """Return ``X`` on written axes and ``-X^T`` on read ones, summed."""
        return self.slots.velocity(w, self.matrices(x))

    def generator_adjoint(self, w: Parameters, p: Parameters) -> np.ndarray:
        """Return ``sum_written p w^T - sum_read w p^T`` per index, flattened."""
        return np.concatenate([m.ravel() for m in self.slots.pairing(w, p)])

    @property
    def manifold(self) -> Any:
        """The product of general linear groups, in geomstats."""
        from ..geometry import general_linear

        return general_linear(self.slots.sizes)
