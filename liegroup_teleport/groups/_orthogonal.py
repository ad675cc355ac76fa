"""Rotations of the hidden indices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import scipy.linalg

from .._arrays import Parameters
from .._checks import shown
from ._base import Basis, SymmetryGroup, algebra_vector
from ._hidden import HiddenIndex, Slots, split
from ._matrices import (
    block_basis,
    check_rotation,
    exp_pullback_matrix,
    log_rotation,
    rotation_basis,
    skew,
    skew_coordinates,
)

__all__ = ["Orthogonal"]


@dataclass(frozen=True)
class Orthogonal(SymmetryGroup):
    """Rotations SO(k) of hidden indices.

    ``W1 -> R W1``, ``b1 -> R b1``, ``W2 -> W2 R^T``. Exact where what stands
    between writer and reader commutes with rotations: nothing (linear layers,
    a subgroup of :class:`GeneralLinear`), or an RMSNorm whose gain has been
    folded into the reader. The group is compact and leaves the norms of
    parameters and gradients as they are.

    An element is a tuple, one rotation matrix (k, k) per index; an algebra
    vector the concatenated coordinates of skew matrices in the orthonormal
    basis ``(E_ij - E_ji) / sqrt(2)``, i > j. An index of size 1 has none.

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
    [Ash24] Ashkboos et al., *SliceGPT: Compress Large Language Models by Deleting Rows and
    Columns*, ICLR 2024 (RMSNorm commutes with rotations).

    Examples
    --------
    >>> import numpy as np
    >>> import liegroup_teleport as lt
    >>> hidden = lt.groups.HiddenIndex(2, written=[("W1", 0)], read=[("W2", 1)])
    >>> group = lt.groups.Orthogonal([hidden])
    >>> w = {"W1": np.array([[1.0], [0.0]]), "W2": np.array([[3.0, 0.0]])}
    >>> quarter = (np.array([[0.0, -1.0], [1.0, 0.0]]),)
    >>> group.act(quarter, w)["W2"]
    array([[0., 3.]])
    """

    indices: Sequence[HiddenIndex]

    compact = True
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
        """Sum of ``k (k - 1) / 2``."""
        return sum(self._dims)

    @property
    def _dims(self) -> list[int]:
        return [k * (k - 1) // 2 for k in self.slots.sizes]

    @property
    def shapes(self) -> Mapping[str, tuple[int | None, ...]]:
        """Names and shapes of the parameters acted on."""
        return self.slots.shapes

    @property
    def acts_on(self) -> frozenset[tuple[str, int | None]]:
        """The axes that move."""
        return self.slots.axes

    def _element(self, g: Any) -> tuple[np.ndarray, ...]:
        if not isinstance(g, tuple) or len(g) != len(self.indices):
            raise ValueError(
                f"element must be a tuple of {len(self.indices)} rotations, got {shown(g)}"
            )
        return tuple(check_rotation(R, k) for R, k in zip(g, self.slots.sizes, strict=True))

    def identity(self) -> tuple[np.ndarray, ...]:
        """Return identity matrices."""
        return tuple(np.eye(k) for k in self.slots.sizes)

    def compose(self, g: Any, h: Any) -> tuple[np.ndarray, ...]:
        """Return the matrix products."""
        pairs = zip(self._element(g), self._element(h), strict=True)
        return tuple(a @ b for a, b in pairs)

    def inverse(self, g: Any) -> tuple[np.ndarray, ...]:
        """Return the transposes."""
        return tuple(R.T for R in self._element(g))

    def matrices(self, x: np.ndarray) -> list[np.ndarray]:
        """Return the algebra vector ``x`` as one skew (k, k) matrix per index.

        Parameters
        ----------
        x : array (dim,)
            Algebra vector.

        Returns
        -------
        list of array (k, k)
            In the order of the indices.
        """
        pieces = split(algebra_vector(x, self.dim), self._dims)
        return [skew(piece, k) for piece, k in zip(pieces, self.slots.sizes, strict=True)]

    def exp(self, x: np.ndarray) -> tuple[np.ndarray, ...]:
        """Return the rotations ``exp X``, one per index."""
        return tuple(scipy.linalg.expm(X) for X in self.matrices(x))

    def log(self, g: Any) -> np.ndarray:
        """Return the coordinates of the rotations' logarithms, half turns included."""
        return _coordinates([log_rotation(R) for R in self._element(g)])

    def algebra_basis(self) -> Basis:
        """Return the bases of so(k), as block-diagonal matrices over the indices."""
        return block_basis([rotation_basis(k) for k in self.slots.sizes])

    def distance(self, g: Any) -> float:
        """Return ``||log R||_F / sqrt(2)``: the root of the sum of squared angles."""
        return float(np.linalg.norm(self.log(g)) / np.sqrt(2.0))

    def exp_pullback(self, x: np.ndarray, m: np.ndarray) -> np.ndarray:
        """Return the pulled-back covector, index by index."""
        pairs = zip(self.matrices(x), self.matrices(m), strict=True)
        return _coordinates([exp_pullback_matrix(X, M) for X, M in pairs])

    def act(self, g: Any, w: Parameters) -> dict[str, Any]:
        """Return the rotated parameters; written and read axes rotate alike."""
        R = self._element(g)
        return self.slots.transform(w, R, R)

    def act_tangent(self, g: Any, w: Parameters, u: Parameters) -> dict[str, Any]:
        """Return ``u`` moved like the parameters: the action is linear."""
        return self.act(g, u)

    def act_cotangent(self, g: Any, w: Parameters, v: Parameters) -> dict[str, Any]:
        """Return ``v`` moved like the parameters: the action is orthogonal."""
        return self.act(g, v)

    def generator(self, x: np.ndarray, w: Parameters) -> dict[str, Any]:
        """Return ``X`` on written and read axes, summed."""
        return self.slots.velocity(w, self.matrices(x))

    def generator_adjoint(self, w: Parameters, p: Parameters) -> np.ndarray:
        """Return the coordinates of the skew part of ``sum_written p w^T - sum_read w p^T``."""
        return _coordinates(self.slots.pairing(w, p))

    @property
    def manifold(self) -> Any:
        """The product of the rotation groups, in geomstats."""
        from ..geometry import product, special_orthogonal

        return product([special_orthogonal(k) for k in self.slots.sizes])


def _coordinates(matrices: Sequence[np.ndarray]) -> np.ndarray:
    return np.concatenate([skew_coordinates(X) for X in matrices])
