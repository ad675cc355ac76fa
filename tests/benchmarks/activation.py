"""The data-dependent action against the published algorithm, per unit of gradient norm gained."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

import liegroup_teleport as lt

from . import published
from ._measure import Measurement, interleaved, time_limit, timed

__all__ = ["Case", "against_published", "case"]

STEPS, LENGTH = 8, 0.3  # the longest steps of 0.03, 0.1, 0.3, 1 that keep its loss to 10 %
WIDTHS, SMALLER = (1024, 256), (8, 4)
LIMIT = 5.0  # seconds for one teleport of ours


@dataclass(frozen=True)
class Case:
    """One LeakyReLU network of three layers, its batch half the width."""

    loss: lt.losses.MLP
    w: dict[str, np.ndarray]

    def ours(self) -> lt.Teleport:
        """Maximise within the length of the published path."""
        group = self.loss.batch_symmetry()
        return lt.teleport(self.loss, group, self.w, lt.GradientNorm(), radius=STEPS * LENGTH)

    def published(self) -> published.PublishedTeleport:
        """Run the published algorithm."""
        torch.set_num_threads(1)
        weights = [torch.from_numpy(a) for a in self.w.values()]
        inputs, targets = (
            torch.from_numpy(a.T.copy()) for a in (self.loss.inputs, self.loss.targets)
        )
        return published.teleport(weights, inputs, targets, steps=STEPS, length=LENGTH)


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
    """Compare at both widths, and at the largest smaller one where ours ends in time."""
    rows = []
    finished = True
    for width in WIDTHS:
        measured = _compare(case(width), width, 1 if width > 500 else 3)
        rows += measured
        finished = finished and len(measured) > 1
    if not finished:
        for width in SMALLER:
            measured = _compare(case(width), width, 1)
            rows += measured
            if len(measured) > 1:
                break
    return rows


def _compare(problem: Case, width: int, repeats: int) -> list[Measurement]:
    """Return the ratio and our loss change, or one row that says that ours did not end."""
    first, theirs = timed(problem.published)
    told = f"published: +{theirs.gain:.2f}, loss changed by {theirs.loss_change:.0e}"
    what = f"width {width}, per unit of log"
    unit = "times faster"
    try:
        with time_limit(LIMIT):
            own, found = timed(problem.ours)
    except TimeoutError:
        least = f"ours: no result within {LIMIT:g} s; {told} in {first:.2f} s"
        return [Measurement(what, 0.0, unit, None, 20.0, least)]
    seconds = {"ours": own, "published": first}
    if repeats > 1:
        functions: dict[str, Callable[[], object]] = {
            "ours": problem.ours,
            "published": problem.published,
        }
        seconds = interleaved(functions, repeats, warm=False)
    gain = float(np.log(found.objective_after / found.objective_before))
    ratio = (seconds["published"] / theirs.gain) / (seconds["ours"] / gain)
    return [
        Measurement(what, ratio, unit, None, 20.0, f"ours: +{gain:.2f}; {told}"),
        Measurement(f"width {width}, our loss change", found.drift, "relative", 1e-12),
    ]
