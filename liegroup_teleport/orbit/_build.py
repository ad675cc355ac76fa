"""From an objective to a function on the group."""

from __future__ import annotations

from .._arrays import Parameters
from ..groups import ActivationGL, PositiveRescaling, SymmetryGroup
from ..losses import Loss
from ._decrease import require_gauss_newton
from ._flatness import (
    PointwiseSharpness,
    curvature_landscape,
    perturbed_landscape,
    sharpness_landscape,
)
from ._gram import GramDecrease, has_small_gram
from ._hidden_states import HiddenStatesNorm
from ._landscape import (
    Landscape,
    LinearNorm,
    PointwiseLandscape,
)
from ._objectives import (
    GradientNorm,
    LineSearchDecrease,
    Objective,
    OrbitCurvature,
    ParameterNorm,
    PerturbedLoss,
    PredictedDecrease,
    Sharpness,
)
from ._products import DiagonalDecrease, LinearDecrease

__all__ = ["landscape"]


def landscape(
    loss: Loss,
    group: SymmetryGroup,
    objective: Objective,
    w: Parameters,
    gradient: Parameters,
    *,
    evaluations: int = 200,
) -> Landscape:
    """Return the objective as a function on the group, from one gradient at ``w``.

    Its preparation may take the longer the more ``evaluations`` follow.

    Raises
    ------
    TypeError
        If Gauss-Newton products are needed and the loss has none, or the
        objective is unknown.
    ValueError
        If the predicted decrease has no learning rate.
    """
    if isinstance(objective, PerturbedLoss):
        return perturbed_landscape(loss, group, objective, w)
    if isinstance(objective, OrbitCurvature):
        return curvature_landscape(group, objective, w)
    if isinstance(objective, Sharpness):
        if not group.linear:
            return PointwiseSharpness(group, loss, objective, w)
        return sharpness_landscape(group, objective, w, require_gauss_newton(loss, w, objective))
    if isinstance(objective, PredictedDecrease) and objective.learning_rate is None:
        raise ValueError("PredictedDecrease has no learning rate; give PredictedDecrease(rate)")
    if not isinstance(
        objective, GradientNorm | ParameterNorm | PredictedDecrease | LineSearchDecrease
    ):
        raise TypeError(f"objective is {objective!r}; expected one of liegroup_teleport's")
    if isinstance(group, ActivationGL) and isinstance(objective, GradientNorm):
        return HiddenStatesNorm(group, objective, loss, w, gradient)
    if not group.linear:
        return PointwiseLandscape(group, objective, loss, w, gradient)
    if isinstance(objective, GradientNorm):
        return LinearNorm(group, gradient, dual=True)
    if isinstance(objective, ParameterNorm):
        return LinearNorm(group, w, dual=False)
    plain = getattr(objective, "optimizer_state", None) is None
    if (
        isinstance(group, PositiveRescaling)
        and plain
        and has_small_gram(group, loss, gradient, evaluations)
    ):
        small = GramDecrease.of(group, objective, loss, w, gradient)
        if small is not None:
            return small
    product = require_gauss_newton(loss, w, objective)
    if isinstance(group, PositiveRescaling):
        return DiagonalDecrease(group, objective, gradient, product)
    return LinearDecrease(group, objective, gradient, product)
