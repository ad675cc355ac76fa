"""Predicted and line-search decrease under rescalings, from one small matrix."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .._arrays import Parameters, host
from ..groups import PositiveRescaling
from ._decrease import decrease_scale, decrease_value
from ._landscape import Landscape
from ._objectives import LineSearchDecrease, PredictedDecrease

__all__ = ["GramDecrease", "has_small_gram"]

PRODUCTS = 16.0  # what the matrix may cost, in products
SHARE = 0.5  # and as a part of the evaluations that a search may take
PARTS = 2048
DIGITS = 1e-8  # smallest part of its terms that a quadratic form may be and keep half its digits


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
        scale: float,
    ) -> None:
        super().__init__(group)
        self.objective, self.squares, self.exponents, self.gram = (
            objective,
            squares,
            exponents,
            gram,
        )
        self.logarithmic = isinstance(objective, LineSearchDecrease)
        self.scale = scale

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
        axes = moving_axes(group, gradient)
        gram = loss.gauss_newton_gram(w, gradient, axes)
        squares = [
            np.square(host(a)).sum(axis=tuple(i for i in range(a.ndim) if i not in axes[n])).ravel()
            for n, a in gradient.items()
        ]
        if not gram.sum() > DIGITS * np.abs(gram).sum():
            return None  # the parts cancel
        return cls(
            group,
            objective,
            np.concatenate(squares),
            _exponents(group, gradient, axes),
            gram,
            decrease_scale(objective, gradient),
        )

    def value(self, g: Any) -> float:
        return self.slope(g)[0]

    def slope(self, g: Any) -> tuple[float, np.ndarray]:
        with np.errstate(over="ignore", invalid="ignore"):
            z, Gz, vp, pq = self._forms(np.log(g))
            value, by_vp, by_pq = decrease_value(self.objective, vp, pq)
            return value, (z * (2.0 * by_vp * self.squares + 4.0 * by_pq * Gz)) @ self.exponents

    def _forms(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray, float, float]:
        z = np.exp(2.0 * (self.exponents @ x))
        Gz = self.gram @ z
        return z, Gz, float(self.squares @ z), float(z @ Gz)

    def curved(self, x: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        """Return the scaled objective at the log-scales ``x`` with its gradient and Hessian."""
        M = self.exponents
        with np.errstate(over="ignore", invalid="ignore"):
            z, Gz, a, b = self._forms(x)
            if not (np.isfinite(a) and np.isfinite(b) and b > 0):
                return -np.inf, np.zeros(len(x)), np.zeros((len(x), len(x)))
            # a = ||v||^2 and b = v.Bv
            da, db = 2.0 * (self.squares * z) @ M, 4.0 * (z * Gz) @ M
            zM = z[:, None] * M
            dda = 4.0 * M.T @ (self.squares[:, None] * zM)
            ddb = 8.0 * (M.T @ (Gz[:, None] * zM) + zM.T @ (self.gram @ zM))
            if self.logarithmic:
                value = np.log(a * a / b / 2)
                slope = 2 * da / a - db / b
                hessian = (
                    2 * (dda / a - np.outer(da, da / a**2)) - ddb / b + np.outer(db, db / b**2)
                )
                return float(value), slope, hessian
            value, by_a, by_b = decrease_value(self.objective, a, b)
            u = value / self.scale
            if abs(u) > 1e150:
                return -np.inf, np.zeros(len(x)), np.zeros((len(x), len(x)))
            root = np.sqrt(1 + u * u)
            du, ddu = ((by_a * p + by_b * q) / self.scale for p, q in ((da, db), (dda, ddb)))
            return float(np.arcsinh(u)), du / root, ddu / root - np.outer(du, du) * (u / root**3)


def has_small_gram(group: Any, loss: Any, w: Parameters, evaluations: int) -> bool:
    """Return whether a search of so many evaluations is better off with :class:`GramDecrease`."""
    cost = getattr(loss, "gauss_newton_gram_cost", None)
    if cost is None or not isinstance(group, PositiveRescaling):
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
