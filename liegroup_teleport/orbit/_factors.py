"""GL on one hidden index, or on all between linear layers: the least norm in closed form.

The group moves the factors of a product ``P = M_L ... M_1`` that it leaves alone. Every orbit comes
arbitrarily near the balanced factorisation of P, whose squared norm is ``L sum sigma(P)^(2/L)``:
that is the infimum. It is attained exactly if all factors have the rank of P.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .._arrays import Parameters, host
from ..groups import GeneralLinear
from ..groups._rational import rank, whole
from ._landscape import LinearNorm

__all__ = ["Chain", "chain_of"]

EXACT = 40  # rows beyond which a rank by rational arithmetic takes long


@dataclass(frozen=True)
class Chain:
    """Matrices that one index after the other joins, the first to be applied first.

    Attributes
    ----------
    order : tuple of int
        The indices in the order in which they are passed.
    factors : tuple of array
        Their matrices as the field keeps them: outer axes may be compressed.
    given : tuple of tuple of (str, int or None)
        For each factor the arrays that it is made of, and their axis that carries the index; no
        axis for a matrix between two indices.
    fixed : float
        Squared norm of what does not move.
    """

    order: tuple[int, ...]
    factors: tuple[np.ndarray, ...]
    given: tuple[tuple[tuple[str, int | None], ...], ...]
    fixed: float

    def infimum(self) -> float | None:
        """Return a lower bound of the squared norm, next to its infimum.

        ``None`` where rounding of the product would make that a poor one.
        """
        L = len(self.factors)
        P = self.factors[0] if L == 1 else np.linalg.multi_dot(self.factors[::-1])
        values = np.linalg.svd(P, compute_uv=False)
        sizes = [float(np.linalg.norm(M, 2)) for M in self.factors]
        inner = max(max(M.shape) for M in self.factors)
        # rounding of the product and of its singular values moves each by at most this
        error = 4 * L * inner * np.finfo(float).eps * float(np.prod(sizes))
        least = float(np.sum(np.maximum(values - error, 0.0) ** (2 / L)))
        most = float(np.sum((values + error) ** (2 / L)))
        total = L * least + self.fixed
        if L * (most - least) > 1e-6 * (L * most + self.fixed) and L > 2:
            return None
        return total if total > 0 else None

    def attained(self, w: Parameters) -> bool | None:
        """Whether all factors have the rank of their product; ``None`` if that is not decided.

        Full ranks are told by a smallest singular value far above rounding. Others need the
        numbers as they were given, ``w``, and rational arithmetic; a factor that has its rank
        only by less than rounding is not decided.
        """
        if all(_full(M, inner) for M, inner in zip(self.factors, self._inner, strict=True)):
            return True
        matrices = self._exact(w)
        if any(not np.any(M) for M in matrices):
            return not any(np.any(M) for M in matrices)
        if max(min(M.shape) for M in matrices) > EXACT or max(map(np.size, matrices)) > EXACT**2:
            return None
        integers = [whole(M) for M in matrices]
        product = integers[0]
        for M in integers[1:]:
            product = M @ product
        ranks = [rank(M) for M in integers]
        if ranks != [_clear_rank(M) for M in matrices]:
            return None
        return bool(len(set(ranks)) == 1 and rank(product) == ranks[0])

    @property
    def _inner(self) -> Sequence[int | None]:
        """The rank that makes each factor full: that of the index it ends at, both if inside."""
        L = len(self.factors)
        if len({M.shape[0] for M in self.factors[:-1]}) != 1:
            return [None] * L
        return [self.factors[0].shape[0]] * L

    def _exact(self, w: Parameters) -> list[np.ndarray]:
        matrices = []
        last = len(self.given) - 1
        for m, arrays in enumerate(self.given):
            blocks = []
            for name, axis in arrays:
                a = host(w[name])
                if axis is not None:
                    a = np.moveaxis(a, axis, 0).reshape(a.shape[axis], -1)
                blocks.append(a if axis is None or m < last else a.T)
            matrices.append(np.concatenate(blocks, axis=1 if m < last else 0))
        return matrices


def _full(M: np.ndarray, inner: int | None) -> bool:
    """Whether a matrix has rank ``inner``, with a margin that rounding cannot make up."""
    return inner is not None and min(M.shape) >= inner and _clear_rank(M) >= inner


def _clear_rank(M: np.ndarray) -> int:
    """Return the number of singular values that are far above rounding."""
    values = np.linalg.svd(M, compute_uv=False)
    return int(np.sum(values > 1e-13 * max(M.shape) * values[0]))


def chain_of(field: LinearNorm) -> Chain | None:
    """Return the chain that the indices of a GL group form, ``None`` if they form none."""
    group = field.group
    if not isinstance(group, GeneralLinear):
        return None
    return _single(field, group) if len(group.indices) == 1 else _several(field, group)


def _fixed(field: LinearNorm, moving: set[str]) -> float:
    return sum(float(np.sum(a * a)) for name, a in field.vector.items() if name not in moving)


def _single(field: LinearNorm, group: GeneralLinear) -> Chain | None:
    """One index: everything that writes it against everything that reads it."""
    index = group.indices[0]
    names = [name for name, _ in (*index.written, *index.read)]
    if not index.written or not index.read or len(set(names)) != len(names):
        return None
    sides = []
    for pairs in (index.written, index.read):
        blocks = [
            np.moveaxis(field.vector[name], axis, 0).reshape(index.size, -1) for name, axis in pairs
        ]
        sides.append(np.concatenate(blocks, axis=1))
    return Chain(
        (0,), (sides[0], sides[1].T), (tuple(index.written), tuple(index.read)),
        _fixed(field, set(names)),
    )  # fmt: skip


def _several(field: LinearNorm, group: GeneralLinear) -> Chain | None:
    """Several indices, each written by the rows of one matrix and read by the columns of one."""
    writer, reader = {}, {}
    for i, index in enumerate(group.indices):
        if len(index.written) != 1 or len(index.read) != 1:
            return None
        (written, out_axis), (read, in_axis) = index.written[0], index.read[0]
        if (out_axis, in_axis) != (0, 1):
            return None
        if field.vector[written].ndim != 2 or field.vector[read].ndim != 2:
            return None
        writer[read], reader[written] = i, i
    starts = [name for name in reader if name not in writer]
    if len(starts) != 1:
        return None
    order: list[int] = []
    names = [starts[0]]
    while names[-1] in reader and len(order) < len(group.indices):
        i = reader[names[-1]]
        order.append(i)
        names.append(group.indices[i].read[0][0])
    if len(order) != len(group.indices) or names[-1] in reader:
        return None
    factors = tuple(field.vector[name] for name in names)
    given = tuple(((name, None),) for name in names)
    return Chain(tuple(order), factors, given, _fixed(field, set(names)))
