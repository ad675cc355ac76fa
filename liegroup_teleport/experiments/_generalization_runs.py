"""The runs of the generalisation study."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np

from .._arrays import norm
from ..losses import MLP
from ..orbit import Objective, OrbitCurvature, PerturbedLoss, Sharpness
from ..teleporting import teleport
from ..training import SGD, minimize
from ._study_data import HIDDEN, MEASURES, batches, ends, measures, problem

__all__ = ["BATCH", "DESIGNS", "RADII", "RATES", "VARIANTS", "designs", "moved", "trained"]

BATCH, SPLITS = 20, 5
RATES, RADII = (0.01, 0.1), (1.0, 3.0)  # of the runs that teleport
DESIGNS = ("initialisations", "hyper-parameters")
# Radius 1: the loss differs visibly there, and second order is most of it.
OBJECTIVES: dict[str, Objective] = {
    "phi": PerturbedLoss((1.0,), directions=20),
    "trace": Sharpness(),
    "psi": OrbitCurvature(directions=5),
}
AFTER = ("increase", "psi", "trace")  # measured at the end of runs that teleport
VARIANTS = (
    "plain",
    "random",
    *(f"{name} {sense}" for name in OBJECTIVES for sense in ("min", "max")),
)


def designs(dataset: str, runs: int, splits: int, epochs: int) -> dict[str, list[dict[str, Any]]]:
    """Return the settings of the runs of both designs.

    ``initialisations`` differ in the split (``splits`` of them), the first parameters
    and the order of the samples; ``hyper-parameters`` also in learning rate
    (0.02 to 0.5), batch size and the scale of the first parameters (1/2 to 2).
    """
    common = {"dataset": dataset, "epochs": epochs, "hidden": HIDDEN}
    plans: dict[str, list[dict[str, Any]]] = {name: [] for name in DESIGNS}
    for i in range(runs):
        place = {**common, "split": i % splits, "start": i}
        plans["initialisations"].append({**place, "rate": 0.1, "batch": BATCH, "scale": 1.0})
        rng = np.random.default_rng([1, i])
        drawn = {
            "rate": float(np.exp(rng.uniform(np.log(0.02), np.log(0.5)))),
            "batch": int(rng.choice([10, 20, 40, 80])),
            "scale": float(2 ** rng.uniform(-1, 1)),
        }
        plans["hyper-parameters"].append({**place, **drawn})
    return plans


def trained(
    dataset: str, split: int, start: int, epochs: int, hidden: Sequence[int], rate: float,
    batch: int, scale: float,
) -> dict[str, Any]:  # fmt: skip
    """Train by SGD and return losses and measures at the end."""
    loss, validation = problem(dataset, split, hidden)
    rng = np.random.default_rng([0, start])
    w = {name: scale * array for name, array in loss.init(rng).items()}
    steps = batches(len(loss.targets), batch, epochs, rng)
    w = minimize(loss, w, SGD(rate), len(steps), batches=steps, record="batch").params
    return _at_the_end(loss, validation, w)


def moved(
    dataset: str, start: int, epochs: int, hidden: Sequence[int], rate: float, radius: float
) -> dict[str, Any]:
    """Train by SGD for half of the epochs, teleport in each way, train on; return all ends.

    A random element is at distance ``radius``, the others within. The first half,
    and the order of the samples in the second, are the same for all.
    """
    loss, validation = problem(dataset, start, hidden)
    group = loss.symmetry()
    rng = np.random.default_rng([2, start])
    steps = batches(len(loss.targets), BATCH, epochs, rng)
    half = len(steps) // epochs * (epochs // 2)
    first = minimize(
        loss, loss.init(rng), SGD(rate), half, batches=steps[:half], record="batch"
    ).params
    result = {}
    for variant in VARIANTS:
        w, row = first, {"distance": 0.0, "objective_ratio": 1.0, "drift": 0.0}
        if variant == "random":
            g = group.random_element(rng, scale=radius)
            w = group.act(g, first)
            row["distance"] = group.distance(g)
        elif variant != "plain":
            name, _, way = variant.partition(" ")
            sense: Literal["max", "min"] = "max" if way == "max" else "min"
            there = teleport(
                loss, group, first, OBJECTIVES[name], sense=sense, radius=radius, tol=1e-6,
                max_iterations=30,
            )  # fmt: skip
            w = there.params
            row["distance"] = group.distance(there.element)
            row["objective_ratio"] = there.objective_after / there.objective_before
            row["drift"] = there.drift
        gradient = loss.gradient(first), loss.gradient(w)
        row["gradient_ratio"] = norm(gradient[1]) / norm(gradient[0])
        w = minimize(
            loss, w, SGD(rate), len(steps) - half, batches=steps[half:], record="batch"
        ).params
        result[variant] = {**row, **_at_the_end(loss, validation, w, AFTER)}
    return result


def _at_the_end(
    loss: MLP, validation: MLP, w: Mapping[str, Any], names: Sequence[str] = MEASURES
) -> dict[str, Any]:
    result = ends(loss, validation, w)
    if not np.isfinite(result["training_loss"]):
        return {**result, **dict.fromkeys(names)}
    return {**result, **measures(loss, w, names)}
