"""Whether a predicted decrease is worth a teleport: small as it is, and growing a lot."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

from .._arrays import Parameters
from ..groups import SymmetryGroup
from ..losses._counted import Counted
from ..orbit import PredictedDecrease, decrease_here
from ..teleporting import Teleport, stay

__all__ = ["already_fast", "kept_promise"]

# A predicted decrease must grow by this factor, from at most this part of the loss: at a learning
# rate that is large for the curvature the model's promise is not kept by the steps that follow.
GROWTH, SLOW = 4.0, 0.01


def already_fast(
    loss: Any, group: SymmetryGroup, objective: PredictedDecrease, w: Parameters, horizon: float
) -> tuple[Teleport | None, dict[str, int]]:
    """Return the result of staying where a search is hopeless, else ``None``, and what it took.

    That is where the next steps are good as they are, or overshoot. Takes one gradient and one
    product, and no search. The model has to hold for as many steps as one gradient takes effect:
    the ``horizon``.
    """
    counted = Counted(loss)
    value, gradient, decrease = decrease_here(counted, group, objective, w)
    promising = 0.0 < decrease * horizon <= SLOW * _above(value, loss)
    if promising or not (math.isfinite(value) and math.isfinite(decrease)):
        return None, counted.counts  # what is not finite is for the teleport to refuse
    steps = "next step is" if horizon == 1 else f"next {horizon:.3g} steps are"
    if decrease <= 0:
        message = f"the {steps} predicted to overshoot: the learning rate is too large here"
    else:
        message = (
            f"the {steps} predicted to bring {decrease * horizon:.3g} of the "
            f"{_above(value, loss):.3g} there are: little to gain by a teleport"
        )
    stayed = stay(group, w, value, gradient, decrease, message, counted.counts)
    return stayed, counted.counts


def kept_promise(result: Teleport, group: SymmetryGroup, w: Parameters) -> Teleport:
    """Return the result, or that of staying where the predicted decrease grows too little."""
    before, after = result.objective_before, result.objective_after
    if result.status == "identity" or GROWTH * before <= after:
        return result
    message = f"the predicted decrease would change from {before:.3g} to {after:.3g}, too little"
    return replace(
        result, params=dict(w), element=group.identity(), status="identity",
        message=message, loss_after=result.loss_before, drift=0.0, objective_after=before,
    )  # fmt: skip


def _above(value: float, loss: Any) -> float:
    """Return how far the loss is above its lower bound."""
    lower_bound = getattr(loss, "lower_bound", None)
    return math.inf if lower_bound is None else value - lower_bound
