"""How far an element may go before rounding takes what it should keep."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .._arrays import Parameters, epsilon, host, norm, reach, size
from ..groups import (
    DiagonalGroup,
    DirectProduct,
    GeneralLinear,
    MatrixGroup,
    MatrixRepresentation,
    PositiveRescaling,
    SymmetryGroup,
)

__all__ = ["Limits", "stretch", "undo_error"]

ROUNDINGS = 64  # of an entry there and back, beside those of the sums
SMALL = 100_000  # entries up to which a move is undone to see what that costs


@dataclass(frozen=True)
class Limits:
    """What the dtype of the parameters can bear.

    Attributes
    ----------
    eps : float
        Machine epsilon.
    reach : float
        Largest logarithm of a scale.
    stretch : float
        Largest :func:`stretch` of an element.
    """

    eps: float
    reach: float
    stretch: float

    @classmethod
    def of(cls, w: Parameters) -> Limits:
        """Return those of the dtype of ``w``."""
        return cls(epsilon(w), reach(w), epsilon(w) ** -0.5)

    def bears(self, group: SymmetryGroup, g: Any) -> bool:
        """Whether moving by ``g`` and back keeps enough digits, and no scale over- or underflows.

        A matrix and its inverse agree to ``eps ||g|| ||g^-1||``, and a vector moved there and
        back returns to that: half of the digits unless the limits are closer. Scales of single
        entries lose nothing until they leave the range.
        """
        return self._scales(group, g) and stretch(group, g) <= self.stretch

    def _scales(self, group: SymmetryGroup, g: Any) -> bool:
        if isinstance(group, DirectProduct):
            return all(self._scales(f, a) for f, a in zip(group.groups, g, strict=True))
        if not isinstance(group, PositiveRescaling | DiagonalGroup):
            return True
        logs = np.log(g)
        return bool(np.all(np.isfinite(logs))) and (
            float(np.max(np.abs(logs), initial=0.0)) <= self.reach
        )


def stretch(group: SymmetryGroup, g: Any) -> float:
    """Return ``||g|| ||g^-1||`` of the matrices that act on one array, at most; 1 for scales.

    Norms are Frobenius norms over the root of the size, so that rotations have 1.
    """
    if isinstance(group, DirectProduct):
        return float(np.prod([stretch(f, a) for f, a in zip(group.groups, g, strict=True)]))
    if isinstance(group, GeneralLinear):
        sizes = [_condition(a, b) for a, b in g]
        arrays: dict[str, float] = {}
        for i, name, _, _ in group.slots:
            arrays[name] = arrays.get(name, 1.0) * sizes[i]
        return max(arrays.values())
    if isinstance(group, MatrixRepresentation):
        return _condition(*group.images(g))
    return _condition(*g) if isinstance(group, MatrixGroup) else 1.0


def _condition(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.linalg.norm(a)) * float(np.linalg.norm(b)) / max(len(a), 1)


def undo_error(group: SymmetryGroup, g: Any, w: Parameters, moved: Parameters) -> float:
    """Return how far ``act(inverse(g), moved)`` may be from ``w``, relative to its norm.

    For scales and matrices a bound, ``(k + 64) eps`` times the product of the Frobenius norms of
    a matrix of size k and its inverse, and the logarithms of these; for other actions on up to
    100,000 entries twice what the way back is found to lose. NaN where the way back leads
    elsewhere (data-dependent actions), or was not tried.
    """
    known = _bound(group, g)
    if known is not None:
        return known * epsilon(w)
    if group.scope == "batch" or sum(size(a) for a in w.values()) > SMALL:
        return float("nan")
    back = group.act(group.inverse(g), moved)
    lost = norm({name: host(back[name]) - host(a) for name, a in w.items()})
    return 2 * lost / (norm(w) or 1.0)


def _bound(group: SymmetryGroup, g: Any) -> float | None:
    """Return the error of there and back in units of eps, ``None`` for other actions."""
    if isinstance(group, DirectProduct):
        parts = [_bound(f, a) for f, a in zip(group.groups, g, strict=True)]
        return None if None in parts else float(np.prod([p for p in parts if p is not None]))
    if isinstance(group, PositiveRescaling | DiagonalGroup):
        return float(ROUNDINGS)
    linear = isinstance(group, MatrixGroup) and group.linear
    if not (linear or isinstance(group, GeneralLinear | MatrixRepresentation)):
        return None
    matrices = g if isinstance(group, GeneralLinear) else (g,)
    k = max(group.slots.sizes) if isinstance(group, GeneralLinear) else _length(group)
    carried = [name for _, name, _, _ in group.slots] if isinstance(group, GeneralLinear) else []
    twice = max((carried.count(name) for name in carried), default=1)
    # exponentials lose digits in proportion to their argument, whose size the logarithms tell
    logs = sum(abs(float(np.log(np.linalg.norm(a)))) for pair in matrices for a in pair)
    return float(k**twice * (k + ROUNDINGS)) * (1.0 + logs) * stretch(group, g)


def _length(group: SymmetryGroup) -> int:
    return int(sum(np.prod([k or 1 for k in s], dtype=int) for s in group.shapes.values()))
