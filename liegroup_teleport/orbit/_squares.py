"""The squared norm of a vector under rescalings, from the squares of its entries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ..groups import PositiveRescaling, SymmetryGroup

__all__ = ["SMALLEST", "Squares"]

SMALLEST = 1e-250  # of a sum of squares, before what underflows begins to matter
LEAST = 1e-240  # of a single square at the start: on the orbit a small entry may become a large one

Axis = tuple[slice, float]  # where its scales are in an element, and the exponent of their square


@dataclass(frozen=True)
class Squares:
    """Arrays of squares with at most two axes that scale: one or two matrix products each."""

    blocks: tuple[tuple[np.ndarray, tuple[Axis, ...]], ...]
    dim: int

    @classmethod
    def of(
        cls, group: SymmetryGroup, vector: Mapping[str, np.ndarray], dual: bool
    ) -> Squares | None:
        """Return the squares of a compressed vector, ``None`` where they would lose entries.

        Parameters
        ----------
        group : SymmetryGroup
        vector : dict of arrays
            On the host; axes that do not move have length 1.
        dual : bool
            Whether the vector moves as a gradient.
        """
        if type(group) is not PositiveRescaling:  # others may act differently
            return None
        starts = np.cumsum([0, *group.slots.sizes])
        axes: dict[str, dict[int, Axis]] = {name: {} for name in vector}
        for i, name, axis, written in group.slots:
            own = slice(int(starts[i]), int(starts[i + 1]))
            axes[name][axis] = own, 1.0 if written != dual else -1.0
        if any(len(own) > 2 for own in axes.values()):
            return None
        blocks = []
        for name, array in vector.items():
            moving = sorted(axes[name])
            lengths = [array.shape[axis] for axis in moving]
            square = np.square(array).reshape(lengths)
            if square.min() < LEAST and _loses(square, array):
                return None
            blocks.append((square, tuple(axes[name][axis] for axis in moving)))
        return cls(tuple(blocks), group.dim)

    def moved(self, g: np.ndarray) -> list[np.ndarray]:
        """Return the squares at scales ``g``, array by array, without axes that do not move."""
        powers = {1.0: g * g, -1.0: 1.0 / (g * g)}
        result = []
        for S, axes in self.blocks:
            scales = [powers[sign][own] for own, sign in axes]
            if len(axes) == 2:
                S = S * scales[1]
                S *= scales[0][:, None]
            else:
                S = S * scales[0] if axes else np.array(S)
            result.append(S)
        return result

    def logarithm(self, g: np.ndarray) -> tuple[float, np.ndarray] | None:
        """Return the logarithm of the sum at scales ``g`` and its slope, ``None`` on overflow."""
        with np.errstate(all="ignore"):
            total, slope = self._sum(g)
            if not SMALLEST < total < np.inf or not np.all(np.isfinite(slope)):
                return None
            return float(np.log(total)), slope / total

    def _sum(self, g: np.ndarray) -> tuple[float, np.ndarray]:
        powers = {1.0: g * g}
        powers[-1.0] = 1.0 / powers[1.0]
        total, slope = 0.0, np.zeros(self.dim)
        for S, axes in self.blocks:
            if not axes:
                total += float(S)
                continue
            scales = [powers[sign][own] for own, sign in axes]
            right = S @ scales[1] if len(axes) == 2 else S
            terms = scales[0] * right
            total += float(np.sum(terms))
            slope[axes[0][0]] += (2.0 * axes[0][1]) * terms
            if len(axes) == 2:
                slope[axes[1][0]] += (2.0 * axes[1][1]) * scales[1] * (scales[0] @ S)
        return total, slope


def _loses(square: np.ndarray, array: np.ndarray) -> bool:
    """Return whether an entry is too small for its square, rather than zero."""
    least = np.min(square, where=square > 0, initial=np.inf)
    return bool(least < LEAST or np.count_nonzero(square) < np.count_nonzero(array))
