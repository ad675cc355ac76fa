"""``python -m tests.benchmarks.curves [FOLDER]``: curves behind the thresholds that are missed."""

from __future__ import annotations

import os

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"  # before NumPy is imported: its BLAS reads them once

import sys  # noqa: E402
from collections.abc import Callable  # noqa: E402
from functools import partial  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Any  # noqa: E402

import numpy as np  # noqa: E402
from matplotlib.figure import Figure  # noqa: E402

from liegroup_teleport.experiments.regression import MINIMUM  # noqa: E402
from liegroup_teleport.training import SGD  # noqa: E402

from . import activation, training  # noqa: E402
from ._measure import interleaved  # noqa: E402

FOLDER = Path("docs/_static/benchmarks")
COLORS = {"plain": "#D55E00", "auto": "#0072B2", "few": "#56B4E9", "many": "#009E73"}


def regression() -> Figure:
    """Show how many of 20 starts have reached the minimum, by steps and by time."""
    figure = Figure(figsize=(9, 3.4), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    kinds = [
        ("plain", "plain", "plain", training.LONGER),
        ("auto", "automatic schedule", "auto", training.LONGER),
        (10, "teleport every 10 steps", "few", training.STEPS),
        (3, "teleport every 3 steps", "many", training.STEPS),
    ]
    for how, label, color, steps in kinds:
        runs = training._parallel(
            2, training._regression, [(how, i, 0.5, steps) for i in range(20)]
        )
        reached = np.array([run.reach(MINIMUM) for run in runs])
        ends = (steps, float(np.median([run.seconds[-1] for run in runs])))
        for axes, column, end, unit in ((left, 0, ends[0], 1.0), (right, 1, ends[1], 1e3)):
            at = np.sort(reached[np.isfinite(reached[:, column]), column])
            x = np.concatenate([[0.0], at, [max(end, at[-1] if len(at) else 0.0)]]) * unit
            y = np.concatenate([[0], np.arange(1, len(at) + 1), [len(at)]])
            axes.step(x, y, where="post", color=COLORS[color], label=label, lw=1.8)
    left.axvline(training.STEPS, color="0.6", lw=1, ls=":")
    left.set(xlabel="steps", ylabel=f"starts at {MINIMUM:g}, of 20", yticks=range(0, 21, 5))
    right.set(xlabel="milliseconds, teleports included")
    right.legend(frameon=False, fontsize=9, loc="lower right", bbox_to_anchor=(1.0, 0.05))
    figure.suptitle("Regression, gradient descent with line search", fontsize=11)
    return figure


def sgd() -> Figure:
    """Show the loss of SGD on digits by epochs and by time."""
    figure = Figure(figsize=(9, 3.4), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    kinds: list[tuple[Any, str, str]] = [
        (None, "plain", "plain"),
        ("auto", "automatic schedule", "auto"),
        (range(0, 360, 72), "teleport before each of 5 epochs", "many"),
    ]
    for at, label, color in kinds:
        runs = training._parallel(2, training._epochs, [(SGD(0.01), i, at) for i in range(10)])
        losses = np.array([run.losses for run in runs])
        seconds = np.median([run.seconds[: losses.shape[1]] for run in runs], axis=0)
        low, middle, high = np.quantile(losses, [0.0, 0.5, 1.0], axis=0)
        for axes, x in ((left, np.arange(losses.shape[1])), (right, seconds)):
            axes.fill_between(x, low, high, color=COLORS[color], alpha=0.15, lw=0)
            axes.plot(x, middle, color=COLORS[color], label=label, lw=1.8)
        if at is None:
            for axes in (left, right):
                axes.axhline(middle[-1], color="0.6", lw=1, ls=":")
    left.set(xlabel="epochs", ylabel="training loss", yscale="log")
    right.set(xlabel="seconds, teleports included")
    left.legend(frameon=False, fontsize=9)
    figure.suptitle("Digits, SGD 0.01: median and range of ten starts", fontsize=11)
    return figure


def data_dependent() -> Figure:
    """Show what the data-dependent action gains against the time it takes."""
    figure = Figure(figsize=(9, 3.4), layout="constrained")
    for axes, width in zip(figure.subplots(1, 2, sharey=True), (256, 1024), strict=True):
        problem = activation.case(width)
        budgets = (2, 3, 4, 5, 7, 10)
        lengths = (1, 2, 4, activation.STEPS)
        functions: dict[str, Callable[[], Any]] = {
            "gradient": partial(problem.loss.gradient, problem.w)
        }
        functions |= {f"ours {n}": partial(problem.ours, n) for n in budgets}
        functions |= {f"published {n}": partial(problem.published, n) for n in lengths}
        seconds = interleaved(functions, 3)
        gains = {
            "ours": [
                float(np.log(found.objective_after / found.objective_before))
                for found in map(problem.ours, budgets)
            ],
            "published": [problem.published(n).gain for n in lengths],
        }
        for name, label, color, counts in (
            ("published", "published algorithm", "plain", lengths),
            ("ours", "this library", "auto", budgets),
        ):
            x = [seconds[f"{name} {n}"] / seconds["gradient"] for n in counts]
            axes.plot(x, gains[name], "o-", color=COLORS[color], label=label, lw=1.8, ms=4)
        axes.set(title=f"width {width}", xlabel="time, in gradients", xlim=(0, None))
        axes.grid(alpha=0.3, lw=0.5)
    figure.axes[0].set_ylabel(r"gain of $\log\,\|\nabla L\|^2$")
    figure.axes[0].legend(frameon=False, fontsize=9, loc="lower right")
    return figure


def main(folder: Path) -> None:
    """Draw and write all figures."""
    folder.mkdir(parents=True, exist_ok=True)
    for draw in (regression, sgd, data_dependent):
        draw().savefig(folder / f"{draw.__name__}.png", dpi=110, facecolor="white")
        print(folder / f"{draw.__name__}.png")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
