"""The runs of the study of optimizers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..training import SGD, AdaGrad, Adam, Optimizer, Resets, RMSProp, Teleports, minimize
from ._study_data import batches, problem
from ._traces import CLOCK

__all__ = [
    "BATCH",
    "JUMPS",
    "METHODS",
    "NEAR",
    "TUNING_STARTS",
    "WAYS",
    "Method",
    "optimized",
    "ways",
]

BATCH = 20
JUMPS = (1, 2, 3, 4, 5)  # epochs before which something happens; at epoch 0 there is no state
TUNING_STARTS = (1000, 1001, 1002)  # none of those reported: other splits, other parameters
# What happens there: the optimizer's state is carried along, or begun anew ("reset"). The
# library's defaults bound the curvature at the new point; "near" also bounds the distance.
WAYS = ("plain", "reset", "teleport", "teleport+reset", "teleport near")
NEAR = 1.0


@dataclass(frozen=True)
class Method:
    """An optimizer, its usual rate, and the rates tried beside it."""

    build: Callable[[float], Optimizer]
    usual: float
    grid: tuple[float, ...]
    state: bool = True


METHODS: Mapping[str, Method] = {
    "SGD": Method(SGD, 0.01, (0.03, 0.1, 0.3, 1.0), state=False),
    "momentum 0.9": Method(lambda rate: SGD(rate, momentum=0.9), 0.01, (0.003, 0.03, 0.1)),
    "AdaGrad": Method(lambda rate: AdaGrad(rate, 1e-10), 0.01, (0.03, 0.1, 0.3)),
    "RMSProp": Method(RMSProp, 0.01, (0.001, 0.003, 0.03)),
    "Adam": Method(Adam, 0.001, (0.003, 0.01, 0.03)),
}


def ways(method: str) -> tuple[str, ...]:
    """Return what a method is run with: without a state there is none to reset."""
    return WAYS if METHODS[method].state else ("plain", "teleport", "teleport near")


def optimized(
    dataset: str, start: int, epochs: int, hidden: Sequence[int], method: str, rate: float, way: str
) -> dict[str, Any]:
    """Train one network; losses and seconds are per epoch, from before the first."""
    loss, validation = problem(dataset, start, hidden)
    rng = np.random.default_rng([3, start])
    w = loss.init(rng)
    steps = batches(len(loss.targets), BATCH, epochs, rng)
    per_epoch = len(steps) // epochs
    training: list[float] = []
    valid: list[float] = []

    def evaluate(t: int, w: dict[str, Any], value: float) -> None:
        if t % per_epoch == 0:
            training.append(loss.value(w))
            valid.append(validation.value(w))

    at = [epoch * per_epoch for epoch in JUMPS]
    schedule: Any = None
    if way == "reset":
        schedule = Resets(at=at)
    elif way != "plain":
        schedule = Teleports(
            loss.symmetry(), at=at, radius=NEAR if way == "teleport near" else None,
            state="reset" if way == "teleport+reset" else "keep",
        )  # fmt: skip
    history = minimize(
        loss, w, METHODS[method].build(rate), len(steps), batches=steps, record="batch",
        teleports=schedule, callback=evaluate, clock=CLOCK,
    )  # fmt: skip
    with np.errstate(over="ignore", invalid="ignore"):  # a diverged run is a result
        evaluate(0, history.params, 0.0)
    moves = [e.result for e in history.teleports if e.result.status != "identity"]
    return {
        "training": training,
        "validation": valid,
        "seconds": history.seconds[::per_epoch].tolist(),
        "status": history.status,
        "moves": len(moves),
        "drift_over_allowed": max((r.drift / r.allowed_drift for r in moves), default=0.0),
    }
