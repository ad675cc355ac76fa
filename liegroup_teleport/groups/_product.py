"""Direct products of commuting groups."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Literal

import numpy as np

from .._arrays import Parameters, combine
from .._checks import check_sequence, shown
from ._base import Basis, SymmetryGroup, algebra_vector
from ._hidden import split
from ._matrices import block_basis

__all__ = ["DirectProduct"]


@dataclass(frozen=True)
class DirectProduct(SymmetryGroup):
    """Groups that act on different axes, hence commute, taken together.

    An element is the tuple of the factors' elements; an algebra vector is the
    concatenation of theirs.

    Parameters
    ----------
    groups : sequence of SymmetryGroup
        The factors. Two factors may move different axes of one parameter.

    Raises
    ------
    TypeError
        If a factor is not a group.
    ValueError
        If there are no factors, or two move the same axis: they need not commute.

    References
    ----------
    [Hal15] Hall, *Lie Groups, Lie Algebras, and Representations*, 2nd edition, 2015
    (direct products).

    Examples
    --------
    Rescalings of a hidden layer and the shift of all logits by one number, together:

    >>> import numpy as np
    >>> import liegroup_teleport as lt
    >>> loss = lt.losses.MLP(
    ...     [2, 3, 2], activation="relu", loss="cross_entropy", bias=True,
    ...     inputs=np.eye(2), targets=[0, 1],
    ... )
    >>> shift = lt.groups.Translation.softmax_shift(loss)
    >>> group = lt.groups.DirectProduct([loss.symmetry(), shift])
    >>> group.dim, group.scope, group.linear
    (4, 'loss', False)
    >>> rng = np.random.default_rng(0)
    >>> group.check_invariance(loss, loss.init(rng), rng=rng).passed
    True
    """

    groups: Sequence[SymmetryGroup]

    def __post_init__(self) -> None:
        groups = tuple(check_sequence("groups", self.groups, "a list of groups"))
        object.__setattr__(self, "groups", groups)
        if not groups:
            raise ValueError("groups is empty; a product needs at least one factor")
        for group in groups:
            if not isinstance(group, SymmetryGroup):
                raise TypeError(
                    f"groups has a {type(group).__name__} for a factor; expected a SymmetryGroup"
                )
        for (i, a), (j, b) in combinations(enumerate(groups), 2):
            clash = _clash(a, b)
            if clash:
                raise ValueError(
                    f"factors {i} ({type(a).__name__}) and {j} ({type(b).__name__}) both move "
                    f"{clash}: they need not commute, so their product is no group action"
                )

    @property
    def compact(self) -> bool:  # type: ignore[override]
        """Whether all factors are compact."""
        return all(group.compact for group in self.groups)

    @property
    def linear(self) -> bool:  # type: ignore[override]
        """Whether all factors act linearly."""
        return all(group.linear for group in self.groups)

    @property
    def diagonal(self) -> bool:  # type: ignore[override]
        """Whether all factors act diagonally."""
        return all(group.diagonal for group in self.groups)

    @property
    def self_adjoint(self) -> bool:  # type: ignore[override]
        """Whether the algebras of all factors are closed under transposes."""
        return all(group.self_adjoint for group in self.groups)

    @property
    def translational(self) -> bool:  # type: ignore[override]
        """Whether some factors translate and the others are linear."""
        return any(group.translational for group in self.groups) and all(
            group.linear or group.translational for group in self.groups
        )

    @property
    def moves_inputs(self) -> bool:  # type: ignore[override]
        """Whether a factor moves the data."""
        return any(group.moves_inputs for group in self.groups)

    @property
    def scope(self) -> Literal["function", "loss", "batch"]:  # type: ignore[override]
        """The weakest scope of the factors."""
        scopes = {group.scope for group in self.groups}
        return "batch" if "batch" in scopes else "loss" if "loss" in scopes else "function"

    @property
    def dim(self) -> int:
        """Sum of the dimensions."""
        return sum(group.dim for group in self.groups)

    @property
    def shapes(self) -> Mapping[str, tuple[int | None, ...]]:
        """Names and shapes of all parameters acted on."""
        merged: dict[str, tuple[int | None, ...]] = {}
        for group in self.groups:
            for name, shape in group.shapes.items():
                old = merged.get(name, ())
                length = max(len(old), len(shape))
                pad = [tuple(s) + (None,) * (length - len(s)) for s in (old, shape)]
                merged[name] = tuple(b if a is None else a for a, b in zip(*pad, strict=True))
        return merged

    @property
    def acts_on(self) -> frozenset[tuple[str, int | None]]:
        """The axes that any factor moves."""
        return frozenset().union(*(group.acts_on for group in self.groups))

    def _parts(self, g: Any) -> Sequence[tuple[SymmetryGroup, Any]]:
        if not isinstance(g, tuple) or len(g) != len(self.groups):
            raise ValueError(
                f"product element must be a tuple of {len(self.groups)} elements, got {shown(g)}"
            )
        return list(zip(self.groups, g, strict=True))

    def _pieces(self, x: np.ndarray) -> Sequence[tuple[SymmetryGroup, np.ndarray]]:
        pieces = split(algebra_vector(x, self.dim), [group.dim for group in self.groups])
        return list(zip(self.groups, pieces, strict=True))

    def identity(self) -> tuple[Any, ...]:
        """Return the factors' identities."""
        return tuple(group.identity() for group in self.groups)

    def compose(self, g: Any, h: Any) -> tuple[Any, ...]:
        """Compose factor by factor."""
        pairs = zip(self._parts(g), self._parts(h), strict=True)
        return tuple(group.compose(a, b) for (group, a), (_, b) in pairs)

    def inverse(self, g: Any) -> tuple[Any, ...]:
        """Invert factor by factor."""
        return tuple(group.inverse(a) for group, a in self._parts(g))

    def exp(self, x: np.ndarray) -> tuple[Any, ...]:
        """Exponentiate factor by factor."""
        return tuple(group.exp(piece) for group, piece in self._pieces(x))

    def log(self, g: Any) -> np.ndarray:
        """Return the concatenated logarithms."""
        return np.concatenate([group.log(a) for group, a in self._parts(g)])

    def algebra_basis(self) -> Basis:
        """Return the factors' bases as block-diagonal matrices."""
        return block_basis([group.algebra_basis() for group in self.groups])

    def distance(self, g: Any) -> float:
        """Return the root of the sum of the squared distances."""
        return float(np.sqrt(sum(group.distance(a) ** 2 for group, a in self._parts(g))))

    def exp_pullback(self, x: np.ndarray, m: np.ndarray) -> np.ndarray:
        """Pull back factor by factor."""
        pairs = zip(self._pieces(x), self._pieces(m), strict=True)
        return np.concatenate([group.exp_pullback(a, b) for (group, a), (_, b) in pairs])

    def act(self, g: Any, w: Parameters) -> dict[str, Any]:
        """Let every factor act; their order does not matter."""
        out = dict(w)
        for group, a in self._parts(g):
            out = group.act(a, out)
        return out

    def act_tangent(self, g: Any, w: Parameters, u: Parameters) -> dict[str, Any]:
        """Push ``u`` through the factors' actions."""
        return self._push(g, w, u, lambda group: group.act_tangent)

    def act_cotangent(self, g: Any, w: Parameters, v: Parameters) -> dict[str, Any]:
        """Push the covector ``v`` through the factors' actions."""
        return self._push(g, w, v, lambda group: group.act_cotangent)

    def _push(
        self, g: Any, w: Parameters, u: Parameters, map_of: Callable[[SymmetryGroup], Any]
    ) -> dict[str, Any]:
        point, out = dict(w), dict(u)
        for group, a in self._parts(g):
            out = map_of(group)(a, point, out)
            # a linear map does not depend on the point: moving it would be wasted work
            point = point if self.linear else group.act(a, point)
        return out

    def _move_inputs(self, g: Any, X: Any) -> Any:
        for group, a in self._parts(g):
            group.inverse(a)  # checks the parts that leave the data alone as well
            X = group.act_on_inputs(a, X)
        return X

    def generator(self, x: np.ndarray, w: Parameters) -> dict[str, Any]:
        """Return the sum of the factors' generators."""
        return combine((1.0, group.generator(piece, w)) for group, piece in self._pieces(x))

    def generator_adjoint(self, w: Parameters, p: Parameters) -> np.ndarray:
        """Return the concatenated adjoints."""
        return np.concatenate([group.generator_adjoint(w, p) for group in self.groups])

    @property
    def manifold(self) -> Any:
        """The product of the factors' spaces, in geomstats."""
        from ..geometry import product

        return product([group.manifold for group in self.groups])


def _clash(a: SymmetryGroup, b: SymmetryGroup) -> list[str]:
    """Return the parameters whose axes both groups move."""
    return sorted(
        {
            name
            for name, axis in a.acts_on
            for other, other_axis in b.acts_on
            if name == other and (axis is None or other_axis is None or axis == other_axis)
        }
    )
