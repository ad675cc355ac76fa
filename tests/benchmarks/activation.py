"""The data-dependent action against the published algorithm, per unit of gradient norm gained."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch

import liegroup_teleport as lt

from . import published
from ._measure import Measurement, interleaved

__all__ = ["Case", "against_published", "case"]

STEPS, LENGTH = 8, 0.3  # the longest steps of 0.03, 0.1, 0.3, 1 that keep its loss to 10 %
SEEDS = {1024: 3, 256: 7}  # problems per width
BUDGET = 3  # evaluations of the shorter of our searches: two full steps


@dataclass(frozen=True)
class Case:
    """One LeakyReLU network of three layers, its batch half the width."""

    loss: lt.losses.MLP
    w: dict[str, np.ndarray]

    def ours(self, max_iterations: int = 200) -> lt.Teleport:
        """Maximise within the length of the published path."""
        return lt.teleport(
            self.loss,
            self.loss.batch_symmetry(),
            self.w,
            lt.GradientNorm(),
            radius=STEPS * LENGTH,
            max_iterations=max_iterations,
        )

    def published(self, steps: int = STEPS) -> published.PublishedTeleport:
        """Run the published algorithm."""
        torch.set_num_threads(1)
        weights = [torch.from_numpy(a) for a in self.w.values()]
        inputs, targets = (
            torch.from_numpy(a.T.copy()) for a in (self.loss.inputs, self.loss.targets)
        )
        return published.teleport(weights, inputs, targets, steps=steps, length=LENGTH)


def case(width: int, seed: int = 0) -> Case:
    """Return the problem at a width."""
    rng = np.random.default_rng(seed)
    samples = width // 2
    loss = lt.losses.MLP(
        [width, width, width, 10],
        activation="leaky_relu",
        inputs=rng.standard_normal((samples, width)),
        targets=rng.standard_normal((samples, 10)),
    )
    return Case(loss, loss.init(rng))


def against_published() -> list[Measurement]:
    """Compare at each width, over several problems: the whole search and its first two steps."""
    rows = []
    for width, seeds in SEEDS.items():
        rows += _compare([case(width, seed) for seed in range(seeds)], width)
    return rows


def needed(problem: Case, width: int, gain: float) -> Measurement:
    """Measure what an exact teleport takes without any search, and what 20 times faster leaves."""
    loss, w = problem.loss, problem.w
    seconds = interleaved(
        {
            "gradient": partial(loss.gradient, w),
            "needed": lambda: (
                loss.value_and_gradient(w),
                loss.batch_symmetry()._layers(w),
                loss.value(w),
            ),
            "published": problem.published,
        },
        5,
    )
    left = seconds["published"] / seconds["gradient"] / 20
    return Measurement(
        f"width {width}, one gradient, the pseudo-inverses and one loss",
        seconds["needed"] / seconds["gradient"], "gradients",
        note=f"a factor of 20 at the published gain of {gain:.2f} leaves {left:.1f} for all",
    )  # fmt: skip


def _compare(problems: list[Case], width: int) -> list[Measurement]:
    """Return the median ratio over the problems and our largest loss change."""
    budgets = {"": 200, f", {BUDGET} evaluations": BUDGET}
    ratios: dict[str, list[float]] = {what: [] for what in budgets}
    gains: dict[str, list[float]] = {what: [] for what in budgets}
    costs: dict[str, list[float]] = {what: [] for what in budgets}
    drifts, references = [], []
    for problem in problems:
        functions = {w: partial(problem.ours, budget) for w, budget in budgets.items()}
        others = {
            "published": problem.published,
            "gradient": partial(problem.loss.gradient, problem.w),
        }
        seconds = interleaved({**functions, **others}, 3)
        references.append(problem.published())
        per_unit = seconds["published"] / references[-1].gain
        for what, ours in functions.items():
            found = ours()
            gain = float(np.log(found.objective_after / found.objective_before))
            gains[what].append(gain)
            costs[what].append(seconds[what] / seconds["gradient"])
            ratios[what].append(per_unit / (seconds[what] / gain))
            drifts.append(found.drift)
    told = (
        f"published +{statistics.median(r.gain for r in references):.2f}, "
        f"loss changed by {statistics.median(r.loss_change for r in references):.0e}"
    )
    rows = []
    for what in budgets:
        note = (
            f"{min(ratios[what]):.1f} to {max(ratios[what]):.1f} over {len(problems)} problems; "
            f"ours +{statistics.median(gains[what]):.2f} in "
            f"{statistics.median(costs[what]):.1f} gradients; {told}"
        )
        name = f"width {width}{what}, per unit of log"
        ratio = statistics.median(ratios[what])
        rows.append(Measurement(name, ratio, "times faster", None, 20.0, note))
    return [
        *rows,
        needed(problems[0], width, statistics.median(r.gain for r in references)),
        Measurement(f"width {width}, our loss change", max(drifts), "relative", 1e-12),
    ]
