r"""Maximising a norm over the scales of one hidden index: global, with a proved bound.

One index makes ``||v||^2`` a sum of functions of one log-scale each,
``a_i exp(-2 x_i) + b_i exp(2 x_i)`` and a constant. In a box every term is largest at
an end. In a ball the dual ``min_l l r^2 + sum_i max_t (h_i(t) - l t)``, with
``t_i = x_i^2``, bounds the maximum from above; sums of many terms leave it nearly
no gap (Shapley & Folkman; Aubin & Ekeland 1976).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize_scalar

from ..groups import PositiveRescaling
from ._landscape import LinearNorm

__all__ = ["Separable"]

HALVINGS = 60  # of an interval, to the last bit
ROUNDING = 1e-12  # relative, more than that of the sums: a proved bound is not exceeded by it


@dataclass(frozen=True)
class Separable:
    """The sum over i of ``low_i exp(-2 x_i) + high_i exp(2 x_i)``, and a constant.

    Attributes
    ----------
    low, high : array (dim,)
        Squared norms of what is divided by a scale, and multiplied by it.
    constant : float
    """

    low: np.ndarray
    high: np.ndarray
    constant: float

    @classmethod
    def of(cls, field: LinearNorm) -> Separable | None:
        """Return the terms, in units of the norm at the start; ``None`` if they are coupled."""
        group = field.group
        if not isinstance(group, PositiveRescaling) or len(group.indices) != 1:
            return None
        names = [name for _, name, _, _ in group.slots]
        if len(set(names)) != len(names):
            return None  # an array carries the index twice
        low, high = np.zeros(group.dim), np.zeros(group.dim)
        for _, name, axis, written in group.slots:
            array = field.vector[name]
            others = tuple(i for i in range(array.ndim) if i != axis)
            # what is written grows with the scale, its gradient shrinks
            side = high if written != field.dual else low
            side += np.square(array).sum(axis=others)
        fixed = [a for name, a in field.vector.items() if name not in names]
        return cls(low, high, float(sum(np.sum(np.square(a)) for a in fixed)))

    def value(self, x: np.ndarray) -> float:
        """Return the sum at log-scales ``x``."""
        return self.constant + float(np.sum(self.low * np.exp(-2 * x) + self.high * np.exp(2 * x)))

    def in_box(self, half_width: float) -> tuple[np.ndarray, float]:
        """Return the maximiser over ``|x_i| <= half_width``, and an upper bound.

        The terms are convex, so it is an end each; the scale nearest to an end may lie
        beyond it, and one further in is taken then.
        """
        up = self.high >= self.low
        bound = self.value(np.where(up, half_width, -half_width)) * (1 + ROUNDING)
        return np.where(up, _inside(half_width, 1.0), -_inside(half_width, -1.0)), bound

    def in_ball(self, radius: float) -> tuple[np.ndarray, float] | None:
        """Return log-scales near the maximiser over ``||x|| <= radius``, and an upper bound.

        ``None`` where the terms overflow within the radius.
        """
        steepest = float(np.max(self._slope(np.full(len(self.low), radius))))
        if not np.isfinite(steepest):
            return None
        if not steepest > 0:
            return np.zeros(len(self.low)), self.constant
        bend = self._least(radius)
        lowest = float(np.min(self._slope(bend))) * 1e-3
        if not lowest > 0:
            lowest = steepest * 1e-12

        def dual(log_price: float) -> float:
            price = float(np.exp(log_price))
            return price * radius**2 + float(np.sum(self._best(price, radius, bend)[1]))

        found = minimize_scalar(
            dual,
            bounds=(np.log(lowest), np.log(steepest * (1 + radius**-2)) + 1),
            method="bounded",
            options={"xatol": 1e-12},
        )
        y, _ = self._best(float(np.exp(found.x)), radius, bend)
        length = float(np.linalg.norm(y))
        y = y * (radius / length) if length > 0 else y
        # every price gives a bound
        bound = float(found.fun + self.constant) * (1 + ROUNDING)
        return np.where(self.high >= self.low, y, -y), bound

    def _term(self, y: np.ndarray) -> np.ndarray:
        """Return the terms at ``x_i = y_i >= 0`` towards the side that gains more."""
        small, large = np.minimum(self.low, self.high), np.maximum(self.low, self.high)
        return small * np.exp(-2 * y) + large * np.exp(2 * y)

    def _slope(self, y: np.ndarray) -> np.ndarray:
        """Return the derivative by ``t = y^2``, a convex function of ``y > 0``."""
        small, large = np.minimum(self.low, self.high), np.maximum(self.low, self.high)
        return (large * np.exp(2 * y) - small * np.exp(-2 * y)) / y

    def _least(self, radius: float) -> np.ndarray:
        """Return where the slope is least on ``(0, radius]``: the term bends there."""
        left, right = np.full(len(self.low), 1e-12), np.full(len(self.low), radius)
        golden = (np.sqrt(5.0) - 1) / 2
        for _ in range(2 * HALVINGS):
            a, b = right - golden * (right - left), left + golden * (right - left)
            lower = self._slope(a) <= self._slope(b)
            left, right = np.where(lower, left, a), np.where(lower, b, right)
        return (left + right) / 2

    def _best(self, price: float, radius: float, bend: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return for each term where ``h(t) - price t`` is largest on ``[0, r^2]``, and that.

        ``h`` is first concave, up to ``t = bend^2``, then convex: the largest value is where
        the slope falls through the price, or at an end.
        """
        left, right = np.full(len(self.low), 1e-12), bend
        for _ in range(HALVINGS):
            middle = (left + right) / 2
            above = self._slope(middle) > price
            left, right = np.where(above, middle, left), np.where(above, right, middle)
        candidates = [np.zeros_like(left), right, np.full(len(left), radius)]
        values = np.stack([self._term(y) - price * y**2 for y in candidates])
        # what is left of the bracket can hide no more than this
        values[1] += np.abs(self._slope(right) - price) * np.abs(right**2 - left**2)
        best = np.argmax(values, axis=0)
        rows = np.arange(len(left))
        return np.stack(candidates)[best, rows], values[best, rows]


def _inside(limit: float, sign: float) -> float:
    """Return the largest x, to a few roundings, with ``|log(exp(sign x))| <= limit`` as computed.

    Scales next to one are 1e-16 apart: of a limit of 1e-12 that is a part in ten thousand.
    """
    step = max(float(np.spacing(limit)), float(np.finfo(np.float64).eps) / 2)
    x = limit
    while abs(float(np.log(np.exp(sign * x)))) > limit:
        x -= step
    return max(x, 0.0)
