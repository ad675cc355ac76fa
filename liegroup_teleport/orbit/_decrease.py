"""The decrease that a step is predicted to bring, from its two inner products."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import array_api_compat

from .._arrays import Parameters, inner, map_parameters
from .._errors import DomainError
from ..groups import SymmetryGroup
from ..losses import Loss, gauss_newton_operator, value_and_gradient
from ._objectives import Objective, PredictedDecrease

__all__ = [
    "decrease_here",
    "decrease_scale",
    "decrease_value",
    "denominators",
    "preconditioned",
    "require_gauss_newton",
    "times",
]


def preconditioned(
    objective: Objective, group: SymmetryGroup, g: Any, v: Parameters
) -> tuple[Parameters, Parameters | None]:
    """Return the step direction ``Pv`` at ``g`` and ``T``, its derivative in v along the orbit.

    A second moment moves with a diagonal action and is kept under any other.
    """
    roots = denominators(objective, group, g, v)
    if roots is None:
        return v, None
    state = objective.optimizer_state  # type: ignore[attr-defined]
    p, T = {}, {}
    for name, a in v.items():
        root = roots[name]
        shifted = root + state.epsilon
        p[name] = a / shifted
        if group.diagonal:
            T[name] = state.epsilon / shifted / shifted
        else:
            xp = array_api_compat.array_namespace(a)
            # where the root is zero so is the gradient, and the ratio's limit does not matter
            safe = xp.where(root > 0, root, xp.ones_like(root))
            T[name] = (1 - state.weight * a * a / (safe * shifted)) / shifted
    return p, T


def denominators(
    objective: Objective, group: SymmetryGroup, g: Any, v: Parameters
) -> dict[str, Any] | None:
    """Return the roots that the next step at ``g`` divides by, epsilon apart; ``None`` for none."""
    state = objective.optimizer_state if isinstance(objective, PredictedDecrease) else None
    if state is None:
        return None
    s = state.second_moment
    if group.diagonal:
        s = group.act_cotangent(g, v, group.act_cotangent(g, v, s))
    return {name: state.root(name, s[name], a) for name, a in v.items()}


def decrease_here(
    loss: Any, group: SymmetryGroup, objective: PredictedDecrease, w: Parameters
) -> tuple[float, Parameters, float]:
    """Return value, gradient and predicted decrease at ``w``: one gradient and one product."""
    value, gradient = value_and_gradient(loss, w)
    p, _ = preconditioned(objective, group, group.identity(), gradient)
    product = require_gauss_newton(loss, w, objective)
    decrease = decrease_value(objective, inner(gradient, p), inner(p, product(p)))[0]
    return value, gradient, decrease


def times(a: Parameters, b: Parameters | None) -> Parameters:
    return a if b is None else map_parameters(lambda x, y: x * y, a, b)


def decrease_value(objective: Any, vp: float, pq: float) -> tuple[float, float, float]:
    """Return the decrease from ``v.p`` and ``p.Bp``, and its two partial derivatives."""
    if isinstance(objective, PredictedDecrease):
        rate = float(objective.learning_rate or 0.0)
        return rate * vp - rate**2 * pq / 2, rate, -(rate**2) / 2
    if not vp > 0:
        return 0.0, 0.0, 0.0
    if not pq > 0:
        raise DomainError(
            f"line-search decrease is undefined: gradient.B.gradient is {pq:.3g}; expected > 0 "
            "(the Gauss-Newton matrix vanishes along the gradient)"
        )
    value = vp / pq * vp / 2
    return value, 2 * value / vp, -value / pq


def decrease_scale(objective: Any, gradient: Parameters) -> float:
    if not isinstance(objective, PredictedDecrease):
        return 1.0
    state = objective.optimizer_state
    step = gradient
    if state is not None:
        step = {
            n: a / (state.root(n, state.second_moment[n], a) + state.epsilon)
            for n, a in gradient.items()
        }
    return float(objective.learning_rate or 1.0) * inner(gradient, step) or 1.0


def require_gauss_newton(
    loss: Loss, w: Parameters, objective: Objective
) -> Callable[[Parameters], Parameters]:
    """Return the Gauss-Newton products at ``w``, or raise ``TypeError``."""
    product = gauss_newton_operator(loss, w)
    if product is None:
        raise TypeError(
            f"{type(objective).__name__} needs Gauss-Newton products: with the full Hessian it has "
            "no optimum on a non-compact orbit. Give the loss a method gauss_newton_product(w, v)."
        )
    return product
