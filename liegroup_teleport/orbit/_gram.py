"""Predicted and line-search decrease under rescalings, from one small matrix."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from .._arrays import Parameters, host, norm, reach
from ..groups import PositiveRescaling
from ._decrease import decrease_value
from ._landscape import Landscape
from ._objectives import LineSearchDecrease, PredictedDecrease

__all__ = ["GramDecrease", "has_small_gram"]

PRODUCTS = 16.0  # what the matrix may cost, in products
SHARE = 0.5  # and as a part of the evaluations that a search may take
PARTS, SCALES = 1024, 128  # beyond them a Newton step takes longer than products do
LARGEST = 1e150  # whose square is finite
DIGITS = 1e-8  # smallest part of its terms that the sum of the matrix may be


class GramDecrease(Landscape):
    r"""A decrease on the orbit of a rescaling, after which an evaluation needs no data.

    The entries of the gradient that scale alike are one part of it: a row of the first
    matrix, a single entry of a middle one, a column of the last. At g part k is multiplied by
    :math:`c_k = \exp (Mx)_k`, with x the log-scales and M of 0 and :math:`\pm 1`. In terms of
    :math:`z_k = c_k^2`,

    .. math:: \|v\|^2 = \sum_k \|v_k\|^2 z_k, \qquad v^T B v = z^T G z,
        \qquad G_{kl} = v_k^T B v_l ,

    where the v on the right of each equation, and B, are those at the start. G is small
    where hidden layers are narrow or there is only one of them.
    """

    def __init__(
        self,
        group: PositiveRescaling,
        objective: PredictedDecrease | LineSearchDecrease,
        squares: np.ndarray,
        exponents: np.ndarray,
        gram: np.ndarray,
        size: float,
        far: float,
    ) -> None:
        super().__init__(group)
        self.objective, self.squares = objective, squares
        self.exponents, self.gram = exponents, gram
        self.logarithmic = isinstance(objective, LineSearchDecrease)
        self.size, self.unit = size, size * size  # both decreases grow with the square of the size
        self.reach = far  # largest logarithm of a factor that the parameters' dtype bears

    @classmethod
    def of(
        cls,
        group: PositiveRescaling,
        objective: Any,
        loss: Any,
        w: Parameters,
        gradient: Parameters,
    ) -> GramDecrease | None:
        """Return the decrease, or ``None`` where the matrix loses its digits."""
        size = norm(gradient)
        if not 0 < size < np.inf:
            return None
        axes = moving_axes(group, gradient)
        unit = {name: a / size for name, a in gradient.items()}
        squares = [
            np.square(host(a)).sum(axis=tuple(i for i in range(a.ndim) if i not in axes[n])).ravel()
            for n, a in unit.items()
        ]
        with np.errstate(all="ignore"):
            gram = loss.gauss_newton_gram(w, unit, axes)
            if not DIGITS * np.abs(gram).sum() < gram.sum() < np.inf:
                return None  # the parts cancel
        exponents = _exponents(group, gradient, axes)
        far = reach(gradient)
        return cls(group, objective, np.concatenate(squares), exponents, gram, size, far)

    def value(self, g: Any) -> float:
        return self.slope(g)[0]

    def slope(self, g: Any) -> tuple[float, np.ndarray]:
        with np.errstate(over="ignore", invalid="ignore"):
            z, Gz, a, b = self._forms(self.exponents @ np.log(g))
            value, by_a, by_b = decrease_value(self.objective, a, b)
            slope = (z * (2.0 * by_a * self.squares + 4.0 * by_b * Gz)) @ self.exponents
            return value * self.unit, slope * self.unit

    def score(self, g: Any) -> tuple[float, np.ndarray]:
        return self._scored(np.log(g))[:2]

    def curved(self, x: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        """Return the scaled objective at the log-scales ``x`` with its gradient and Hessian."""
        value, slope, second = self._scored(x)
        with np.errstate(all="ignore"):
            return value, slope, np.zeros((len(x), len(x))) if second is None else second()

    def _forms(self, y: np.ndarray) -> tuple[np.ndarray, np.ndarray, float, float]:
        """Return z, Gz, ``||v||^2`` and ``v.Bv`` at the logarithms of the factors."""
        z = np.exp(2.0 * y)
        Gz = self.gram @ z
        return z, Gz, float(self.squares @ z), float(z @ Gz)

    def _scored(self, x: np.ndarray) -> tuple[float, np.ndarray, Callable[[], np.ndarray] | None]:
        """Return the scaled objective, its gradient, and what computes its Hessian."""
        M = self.exponents
        y = M @ x
        with np.errstate(all="ignore"):
            z, Gz, a, b = self._forms(y)
            within = np.abs(y).max(initial=0.0) <= self.reach
            rate = getattr(self.objective, "learning_rate", None) or 0.0
            u = a - rate * b / 2  # the predicted decrease in units of the start's first part
            if not (within and 0 < a < np.inf and 0 < b < np.inf and abs(u) < LARGEST):
                return -np.inf, np.zeros(len(x)), None
            # a is ||v||^2 and b is v.Bv; these are derivatives of their logarithms
            da, db = 2.0 * (self.squares / a * z) @ M, 4.0 * (z * (Gz / b)) @ M

            def seconds() -> tuple[np.ndarray, np.ndarray]:
                zM = z[:, None] * M
                dda = 4.0 * M.T @ ((self.squares / a)[:, None] * zM)
                ddb = 8.0 * (M.T @ ((Gz / b)[:, None] * zM) + zM.T @ ((self.gram / b) @ zM))
                return dda, ddb

            def of_logarithm() -> np.ndarray:
                dda, ddb = seconds()
                return 2 * (dda - np.outer(da, da)) - ddb + np.outer(db, db)

            if self.logarithmic:
                return 2 * np.log(a) - np.log(2 * b), 2 * da - db, of_logarithm
            root = float(np.sqrt(1 + u * u))
            du = a * da - (rate * b / 2) * db

            def of_arcsinh() -> np.ndarray:
                dda, ddb = seconds()
                ddu = a * dda - (rate * b / 2) * ddb
                return ddu / root - np.outer(du / root, du / root) * (u / root)

            return float(np.arcsinh(u)), du / root, of_arcsinh


def has_small_gram(group: Any, loss: Any, w: Parameters, evaluations: int) -> bool:
    """Return whether a search of so many evaluations is better off with :class:`GramDecrease`."""
    cost = getattr(loss, "gauss_newton_gram_cost", None)
    if cost is None or not isinstance(group, PositiveRescaling):
        return False
    if group.dim > SCALES:
        return False
    axes = moving_axes(group, w)
    parts = sum(math.prod(a.shape[i] for i in axes[n]) for n, a in w.items())
    return parts <= PARTS and cost(axes) <= min(PRODUCTS, SHARE * evaluations)


def moving_axes(group: PositiveRescaling, w: Parameters) -> dict[str, tuple[int, ...]]:
    """Return for each parameter the axes that the group scales, increasing."""
    axes: dict[str, list[int]] = {name: [] for name in w}
    for _, name, axis, _ in group.slots:
        axes[name].append(axis)
    return {name: tuple(sorted(own)) for name, own in axes.items()}


def _exponents(
    group: PositiveRescaling, w: Parameters, axes: dict[str, tuple[int, ...]]
) -> np.ndarray:
    """Return M (parts, dim): log-scales to the logarithms of the parts' factors."""
    starts = np.cumsum([0, *group.slots.sizes])
    position = {(name, axis): (int(starts[i]), written) for i, name, axis, written in group.slots}
    blocks = []
    for name, array in w.items():
        lengths = [array.shape[axis] for axis in axes[name]]
        block = np.zeros((*lengths, group.dim))
        for k, axis in enumerate(axes[name]):
            start, written = position[name, axis]
            # a diagonal in the two axes: index along the array's axis, and in the algebra
            own = np.moveaxis(block, k, -2)[..., start : start + lengths[k]]
            own += np.eye(lengths[k]) * (-1.0 if written else 1.0)
        blocks.append(block.reshape(-1, group.dim))
    return np.concatenate(blocks)
