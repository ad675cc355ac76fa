"""Positive rescaling of hidden units: the symmetry of ReLU and LeakyReLU networks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from .._arrays import Parameters
from .._errors import DomainError
from ._base import Basis, SymmetryGroup, check_element
from ._hidden import HiddenIndex, Slots, along_axis, gram, scale_axis, split

__all__ = ["PositiveRescaling"]


@dataclass(frozen=True)
class PositiveRescaling(SymmetryGroup):
    """Positive diagonal matrices on hidden indices.

    Written axes are multiplied by the scales, read axes divided by them. Exact
    for positively homogeneous activations (ReLU, LeakyReLU, linear).

    An element is one flat float64 array of scales, shape ``(dim,)``. Scales
    are stored, not their logarithms, so that powers of two stay exact.

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
    (positively homogeneous activations).

    [Osb60] Osborne, *On pre-conditioning of matrices*, Journal of the ACM 7(4), 1960: what
    minimising a norm over these groups amounts to.

    Examples
    --------
    >>> import numpy as np
    >>> import liegroup_teleport as lt
    >>> X = np.array([[1.0, -2.0], [3.0, 0.5]])
    >>> loss = lt.losses.MLP([2, 3, 1], activation="relu", inputs=X, targets=[[1.0], [0.0]])
    >>> group = loss.symmetry()
    >>> w = loss.init(np.random.default_rng(0))
    >>> moved = group.act(np.array([4.0, 1.0, 0.5]), w)
    >>> np.array_equal(loss.forward(moved), loss.forward(w))  # powers of two: bit by bit
    True
    >>> group.distance(np.array([np.e, 1.0, 1.0]))
    1.0
    """

    indices: Sequence[HiddenIndex]

    compact = False
    linear = True
    diagonal = True
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
        """Number of hidden units."""
        return sum(self.slots.sizes)

    @property
    def shapes(self) -> Mapping[str, tuple[int | None, ...]]:
        """Names and shapes of the parameters acted on."""
        return self.slots.shapes

    @property
    def acts_on(self) -> frozenset[tuple[str, int | None]]:
        """The axes that move."""
        return self.slots.axes

    def identity(self) -> np.ndarray:
        """Return ones, shape ``(dim,)``."""
        return np.ones(self.dim)

    def _element(self, g: Any) -> np.ndarray:
        plain = type(g) is np.ndarray and g.shape == (self.dim,) and g.dtype == np.float64
        if plain and g.min() > 0 and g.max() < np.inf:
            return g  # the common case, on the search's hot path
        array = check_element(g, (self.dim,), "rescaling element")
        if array.dtype != np.dtype(object) and not np.all(array > 0):
            raise DomainError(
                f"rescaling element has scale {array[~(array > 0)][0]}; expected scales > 0"
            )
        return array

    def compose(self, g: Any, h: Any) -> np.ndarray:
        """Return the products of the scales."""
        return self._element(g) * self._element(h)

    def inverse(self, g: Any) -> np.ndarray:
        """Return the reciprocals of the scales."""
        return 1 / self._element(g)

    def exp(self, x: np.ndarray) -> np.ndarray:
        """Return ``exp(x)`` entry by entry."""
        if self.dim and np.max(np.abs(x)) > 700.0:
            raise DomainError(
                f"exponential overflows: log-scale {x[np.argmax(np.abs(x))]:.4g} is beyond +-700"
            )
        return np.exp(x)

    def log(self, g: Any) -> np.ndarray:
        """Return the logarithms of the scales."""
        return np.log(self._element(g))

    def algebra_basis(self) -> Basis:
        """Return the ``dim`` diagonal matrix units."""
        n = self.dim

        def unit(i: int) -> np.ndarray:
            matrix = np.zeros((n, n))
            matrix[i, i] = 1.0
            return matrix

        return Basis(n, unit)

    def distance(self, g: Any) -> float:
        """Return the norm of the log-scales."""
        return float(np.linalg.norm(self.log(g)))

    def exp_pullback(self, x: np.ndarray, m: np.ndarray) -> np.ndarray:
        """Return ``m``: the group is abelian."""
        return m

    def dyadic(self, g: Any) -> np.ndarray:
        """Round the scales to powers of two (nearest in the logarithm).

        Multiplying by a power of two is exact in floating point, so the
        rescaled ReLU network's output is bit-identical in any precision,
        barring overflow and subnormal numbers.

        Parameters
        ----------
        g : array (dim,)
            Scales.

        Returns
        -------
        array (dim,)
            The nearest powers of two, on the logarithmic scale.
        """
        return np.ldexp(1.0, np.rint(np.log2(self._element(g))).astype(int))

    def _transform(self, written: Any, read: Any, w: Parameters) -> dict[str, Any]:
        """Multiply written axes by one array of scales and read axes by another."""
        out = dict(w)
        scales = {True: split(written, self.slots.sizes), False: split(read, self.slots.sizes)}
        made: set[str] = set()
        for i, name, axis, is_written in self.slots:
            factor = along_axis(out[name], axis, scales[is_written][i])
            if name in made:
                out[name] *= factor  # made here: no further copy of a large array
            else:
                out[name] = out[name] * factor
                made.add(name)
        return out

    def act(self, g: Any, w: Parameters) -> dict[str, Any]:
        """Return the rescaled parameters."""
        g = self._element(g)
        return self._transform(g, 1 / g, w)

    def act_tangent(self, g: Any, w: Parameters, u: Parameters) -> dict[str, Any]:
        """Return ``u`` rescaled like the parameters: the action is linear."""
        return self.act(g, u)

    def act_cotangent(self, g: Any, w: Parameters, v: Parameters) -> dict[str, Any]:
        """Return ``v`` rescaled the opposite way."""
        g = self._element(g)
        return self._transform(1 / g, g, v)

    def generator(self, x: np.ndarray, w: Parameters) -> dict[str, Any]:
        """Return the infinitesimal rescaling of ``w``."""
        pieces = split(x, self.slots.sizes)
        total: dict[str, Any] = {name: 0 * array for name, array in w.items()}
        for i, name, axis, written in self.slots:
            piece = pieces[i] if written else -pieces[i]
            total[name] = total[name] + scale_axis(w[name], axis, piece)
        return total

    def generator_adjoint(self, w: Parameters, p: Parameters) -> np.ndarray:
        """Return per-unit sums of ``p * w``, written minus read, shape ``(dim,)``."""
        totals: list[Any] = [0] * len(self.indices)
        for i, name, axis, written in self.slots:
            diagonal = gram(p[name], w[name], axis, diagonal=True)
            totals[i] = totals[i] + diagonal if written else totals[i] - diagonal
        return np.concatenate([np.asarray(t) for t in totals])

    @property
    def manifold(self) -> Any:
        """The product of ``dim`` half-lines with the scale-invariant metric, in geomstats."""
        from ..geometry import positive_scales

        return positive_scales(self.dim)
