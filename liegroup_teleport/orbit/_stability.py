"""The stability bound: a teleport must not carry the next step past where it diverges."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from .._arrays import Parameters, axpy, cast, map_parameters, norm
from ..groups import SymmetryGroup
from ..losses import Loss, hvp_operator
from ._decrease import denominators, preconditioned
from ._lanczos import largest_eigenvalue
from ._objectives import Objective

__all__ = ["Stability"]

SHORTEN = 0.85  # factor on the geodesic between two trials
SHORTENINGS = 30


@dataclass
class Stability:
    """``learning_rate * lambda_max(H(g.w)) <= limit``, and one trial step that keeps its promise.

    With an adaptive optimizer's diagonal P the matrix is ``P^1/2 H P^1/2``. A
    point already above the limit may not be made worse.
    """

    loss: Loss
    group: SymmetryGroup
    objective: Objective
    w: Parameters
    value: float
    gradient: Parameters
    learning_rate: float
    limit: float

    def __post_init__(self) -> None:
        self._floor = getattr(self.loss, "lower_bound", None)

    @cached_property
    def _threshold(self) -> float:
        """The limit, or what the start already has."""
        return max(self.limit, self.sharpness(self.group.identity()))

    def sharpness(self, g: Any, enough: float = np.inf) -> float:
        """Return ``learning_rate * lambda_max`` at ``g``, or a number above ``enough``."""
        point = self.group.act(g, self.w)
        v = self.group.act_cotangent(g, self.w, self.gradient)
        root = self._root(g, v)

        loss = self.group.act_on_loss(g, self.loss)

        hessian = hvp_operator(loss, point)

        def product(u: Parameters) -> Parameters:
            return _times(hessian(_times(u, root)), root)

        enough = enough / self.learning_rate
        return self.learning_rate * largest_eigenvalue(product, _start(v), enough=enough)[0]

    def _root(self, g: Any, v: Parameters) -> Parameters | None:
        """Return the square root of the diagonal P of the next step at ``g``.

        Where neither a gradient nor a memory of one gives a scale, P is taken as 1.
        """
        roots = denominators(self.objective, self.group, g, v)
        if roots is None:
            return None
        epsilon = self.objective.optimizer_state.epsilon  # type: ignore[attr-defined]
        return map_parameters(
            lambda root: (root > 0) * (root + epsilon) ** -0.5 + (root == 0) * 1.0, roots
        )

    def accepts(self, g: Any, decrease: float | None) -> bool:
        """Whether ``g`` keeps the bound and, given a predicted decrease, its promise.

        The promise: the decrease does not exceed what the loss has, and one
        trial step brings at least half of it.
        """
        with np.errstate(all="ignore"):
            if decrease is not None and not self._trial(g, decrease):
                return False
            limit = self.limit * (1 + 1e-6)
            if self.sharpness(g, limit) <= limit:
                return True
            threshold = self._threshold * (1 + 1e-6)
            return threshold > limit and bool(self.sharpness(g, threshold) <= threshold)

    def _trial(self, g: Any, decrease: float) -> bool:
        if self._floor is not None and decrease > self.value - self._floor:
            return False
        point = self.group.act(g, self.w)
        v = self.group.act_cotangent(g, self.w, self.gradient)
        p, _ = preconditioned(self.objective, self.group, g, v)
        loss = self.group.act_on_loss(g, self.loss)
        reached = float(loss.value(axpy(-self.learning_rate, p, point)))
        return bool(reached <= self.value - decrease / 2)

    def shrink(
        self, x: np.ndarray, center: Any, decrease: Callable[[Any], float] | None
    ) -> tuple[np.ndarray, bool]:
        """Shorten ``x`` along its geodesic until ``exp(x) center`` is accepted.

        Returns
        -------
        x : array (dim,)
            Zero if nothing was accepted.
        shortened : bool
        """
        t = 1.0
        for _ in range(SHORTENINGS):
            g = self.group.compose(self.group.exp(t * x), center)
            if self.accepts(g, None if decrease is None else decrease(g)):
                return t * x, t < 1.0
            t *= SHORTEN
        return 0 * x, True


def _start(v: Parameters) -> Parameters:
    """Return ``v`` with a tenth of noise, always the same.

    From the gradient alone Lanczos never sees what is orthogonal to it and all its products,
    such as the curvature of a part of the loss that is already at its minimum.
    """
    rng = np.random.default_rng(0)
    noise = {name: cast(rng.standard_normal(tuple(a.shape)), a) for name, a in v.items()}
    return axpy(0.1 * (norm(v) / norm(noise)), noise, v)


def _times(a: Parameters, b: Parameters | None) -> Parameters:
    return a if b is None else map_parameters(lambda x, y: x * y, a, b)
