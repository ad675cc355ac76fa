"""Predicted and line-search decrease by one Gauss-Newton product per evaluation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import array_api_compat
import numpy as np

from .._arrays import Parameters, cast, host, inner, widen
from ..groups import PositiveRescaling, SymmetryGroup
from ._decrease import decrease_scale, decrease_value, preconditioned, times
from ._landscape import Landscape
from ._objectives import LineSearchDecrease, PredictedDecrease

__all__ = ["DiagonalDecrease", "LinearDecrease"]


class ProductDecrease(Landscape):
    """A decrease on the orbit of a linear action, from a gradient and products at the start."""

    def __init__(
        self,
        group: SymmetryGroup,
        objective: PredictedDecrease | LineSearchDecrease,
        gradient: Parameters,
        product: Callable[[Parameters], Parameters],
    ) -> None:
        super().__init__(group)
        self.objective, self.gradient, self.product = objective, gradient, product
        self.logarithmic = isinstance(objective, LineSearchDecrease)
        self.scale = decrease_scale(objective, gradient)

    def value(self, g: Any) -> float:
        return self.slope(g)[0]


class LinearDecrease(ProductDecrease):
    """Predicted or line-search decrease under a linear action: one product per evaluation."""

    def slope(self, g: Any) -> tuple[float, np.ndarray]:
        group, objective = self.group, self.objective
        adjoint = group.generator_adjoint
        v = group.act_cotangent(g, self.gradient, self.gradient)
        p, T = preconditioned(objective, group, g, v)
        inverse = group.inverse(g)
        u = group.act(inverse, p)
        q = group.act_cotangent(g, self.gradient, self.product(u))
        vp, pq = inner(v, p), inner(p, q)
        if T is None:
            first = -2 * adjoint(v, v)
            second = -2 * group.moment_map(v, q)
        else:
            first = -adjoint(p, v) - adjoint(times(v, T), v)
            second = -adjoint(p, q) - adjoint(times(q, T), v)
        value, by_vp, by_pq = decrease_value(objective, vp, pq)
        return value, by_vp * first + by_pq * 2 * second


class DiagonalDecrease(ProductDecrease):
    r"""A decrease on the orbit of a rescaling: the search's hot path.

    The action multiplies entry i of a gradient by a factor ``c_i``, products of
    scales. With ``v = c grad``, the step ``p``, and ``q = c B(w) (c p)`` both
    decreases are functions of the factors alone, and their slope is one sum
    over rows and columns of their derivative by ``log c_i``.
    """

    group: PositiveRescaling

    def __init__(
        self,
        group: PositiveRescaling,
        objective: PredictedDecrease | LineSearchDecrease,
        gradient: Parameters,
        product: Callable[[Parameters], Parameters],
    ) -> None:
        super().__init__(group, objective, gradient, product)
        starts = np.cumsum([0, *group.slots.sizes])
        self._axes: dict[str, list[tuple[int, slice, bool]]] = {name: [] for name in gradient}
        for i, name, axis, written in group.slots:
            own = slice(int(starts[i]), int(starts[i + 1]))
            self._axes[name].append((axis, own, written))
        self._known: list[tuple[np.ndarray, float, np.ndarray]] = []

    def slope(self, g: Any) -> tuple[float, np.ndarray]:
        for known, value, slope in self._known:
            if np.array_equal(known, g):
                return value, slope
        value, slope = self._evaluate(np.asarray(g, dtype=np.float64))
        self._remember(g, value, slope)
        return value, slope

    def _remember(self, g: Any, value: float, slope: np.ndarray) -> None:
        """Keep the first, the best and the last evaluation: each is asked for again."""
        best = max(self._known[1:2], key=lambda k: k[1], default=None)
        entry = (g, value, slope)
        if not self._known:
            self._known = [entry]
        else:
            best = entry if best is None or value > best[1] else best
            self._known = [self._known[0], best, entry]

    def _factors(self, g: np.ndarray) -> dict[str, Any]:
        """Return the factors that gradients are multiplied by, ready to broadcast."""
        inverse = 1.0 / g
        factors = {}
        for name, axes in self._axes.items():
            array = self.gradient[name]
            total: Any = None
            for axis, own, written in axes:
                shape = [1] * len(array.shape)
                shape[axis] = own.stop - own.start
                part = cast((inverse if written else g)[own].reshape(shape), array)
                total = part if total is None else total * part
            factors[name] = 1.0 if total is None else total
        return factors

    def _evaluate(self, g: np.ndarray) -> tuple[float, np.ndarray]:
        c = self._factors(g)
        v = {n: a * c[n] for n, a in self.gradient.items()}
        p, bend = self._step(c, v)
        product = self.product({n: a * c[n] for n, a in p.items()})
        q = {n: a * c[n] for n, a in product.items()}
        vp, pq = inner(v, p), inner(p, q)
        value, by_vp, by_pq = decrease_value(self.objective, vp, pq)
        # d(v.p) = p v (1 + bend) and d(p.q) = 2 p q (1 + bend), by log c
        slope = np.zeros(self.group.dim)
        for name, axes in self._axes.items():
            if not axes:
                continue
            psi = p[name] * (by_vp * v[name] + (2.0 * by_pq) * q[name]) * bend[name]
            for axis, own, written in axes:
                part = _marginal(psi, axis)
                slope[own] += -part if written else part
        return value, slope

    def _step(self, c: dict[str, Any], v: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the step ``p = Pv`` and ``1 + d log p / d log c``."""
        objective = self.objective
        state = objective.optimizer_state if isinstance(objective, PredictedDecrease) else None
        if state is None:
            return v, dict.fromkeys(v, 2.0)
        p, bend = {}, {}
        for name, a in v.items():
            root = state.root(name, state.second_moment[name] * c[name] * c[name], a)
            shifted = root + state.epsilon
            p[name] = a / shifted
            bend[name] = 1.0 + state.epsilon / shifted
        return p, bend


def _marginal(array: Any, axis: int) -> np.ndarray:
    others = tuple(i for i in range(len(array.shape)) if i != axis)
    if isinstance(array, np.ndarray):
        return array.sum(axis=others, dtype=np.float64) if others else host(array)
    if not others:
        return host(array)
    xp = array_api_compat.array_namespace(array)
    return host(xp.sum(widen(array), axis=others))
