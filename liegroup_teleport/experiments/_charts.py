"""What Booth's and Rosenbrock's functions share: gradient descent with jumps along a level set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ..orbit import GradientNorm
from ..training import SGD, Teleports
from ._figures import against, level_sets
from ._outcome import Claim, Context, Outcome, judge
from ._traces import (
    Trace,
    by_variant,
    drift_claim,
    gradient_claim,
    median,
    record,
    run_all,
    summary,
)

__all__ = ["NAMES", "before_jumps", "experiment"]

NAMES = ("gd", "gd+teleport")


def before_jumps(loss: Any, trace: Trace, learning_rate: float) -> dict[int, np.ndarray]:
    """Return where each jump began: one gradient step after the point before it."""
    path = trace.path
    if path is None:
        return {}
    starts = {}
    for jump in trace.jumps:
        previous = path[jump.step - 1] if jump.step else path[0]
        slope = loss.gradient({"w": previous})["w"] if jump.step else 0 * previous
        starts[jump.step] = previous - learning_rate * slope
    return starts


def _run(
    loss: Any,
    variant: str,
    seed: int,
    start: Sequence[float],
    learning_rate: float,
    steps: int,
    at: Sequence[int],
) -> Trace:
    jumps = None
    if variant == "gd+teleport":
        generator = np.random.default_rng(seed)
        jumps = Teleports(loss.symmetry(), GradientNorm(), at=at, rng=generator)
    w = {"w": np.array(start, dtype=np.float64)}
    return record(variant, seed, loss, w, SGD(learning_rate), steps, teleports=jumps, path=True)


def experiment(
    context: Context,
    loss: Any,
    name: str,
    *,
    start: Sequence[float],
    learning_rate: float,
    steps: int,
    at: Sequence[int],
    threshold: float,
    published: str,
    window: tuple[float, float, float, float],
    minimum: tuple[float, float],
    legend: str,
) -> Outcome:
    """Run ``gd`` and ``gd+teleport``; the starts differ in the teleport's random generator."""
    jobs = [
        (loss, variant, seed, start, learning_rate, steps, at)
        for seed in range(context.starts)
        for variant in NAMES
    ]
    # a single jump each is done before other processes have started
    alone = replace(context, workers=1) if len(at) == 1 else context
    traces = run_all(_run, jobs, alone, name.lower())
    runs = by_variant(traces, NAMES)
    results = summary(runs)
    claims = _claims(runs, results, steps, threshold, published)
    head = f"{name}, {steps} steps"
    families = {"": NAMES}
    first = {variant: runs[variant][:1] for variant in NAMES}  # the others are the same
    plain, moved = first["gd"][0], first["gd+teleport"][0]
    figures = {
        "loss-against-step": against(
            families, first, lambda t: np.arange(len(t.losses)), lambda t: t.losses,
            labels=("step", "loss"), title=head,
        ),
        "loss-against-time": against(
            families, runs, lambda t: t.seconds * 1e3, lambda t: t.losses,
            labels=("milliseconds", "loss"), title=head,
        ),
        "gradient-norm-against-loss": against(
            families, first, lambda t: t.losses, lambda t: t.gradient_norms,
            labels=("loss", "gradient norm"), title=head, log_x=True, median=False,
        ),
        "level-sets": level_sets(
            lambda x, y: _values(loss, x, y), plain, moved,
            before_jumps(loss, moved, learning_rate),
            minimum=minimum, window=window, legend=legend,
            title=f"{name}: paths and jumps on the level sets",
        ),
    }  # fmt: skip
    note = (
        f"Start {tuple(start)}, learning rate {learning_rate:g}, teleports before steps "
        f"{', '.join(map(str, at))}; every run has another random generator."
    )
    return Outcome(name, results, claims, figures, [note])


def _values(loss: Any, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the loss on a grid, from its chart: ``L = |chart|^2``."""
    z = np.asarray(loss.chart(np.array([x, y])))
    values: np.ndarray = (z * z).sum(axis=0)
    return values


def _claims(
    runs: Mapping[str, Sequence[Trace]],
    results: Mapping[str, Mapping[str, list[Any]]],
    steps: int,
    threshold: float,
    published: str,
) -> list[Claim]:
    plain, moved = results["gd"]["final_loss"], results["gd+teleport"]["final_loss"]
    same = len(set(moved)) == 1
    jump, gradient = (
        median(results["gd+teleport"][key]) for key in ("teleport_seconds", "gradient_seconds")
    )
    return [
        Claim(
            "paper: the loss decays faster with teleports",
            f"{median(moved):.3g} after {steps} steps, plain {median(plain):.3g}",
            judge(max(moved) < min(plain)),
        ),
        Claim(
            f"final loss at most {threshold:g}, every run the same (published code: {published})",
            f"{max(moved):.4g}, {'all the same' if same else 'not all the same'}",
            judge(max(moved) <= threshold and same),
        ),
        gradient_claim(runs["gd"], runs["gd+teleport"], "gradient descent"),
        drift_claim(runs),
        Claim("cost of a teleport", f"{jump / gradient:.0f} gradients", "as measured"),
    ]
