"""Handwritten digits: mini-batches and full batches, validation, and the controls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..losses import MLP
from ..orbit import LineSearchDecrease, PredictedDecrease
from ..training import SGD, AdaGrad, LineSearch, Resets, Teleports, minimize
from ._digits_claims import claims
from ._digits_data import load, split
from ._figures import against, curves, headline, panels, style_of, tidy_ticks
from ._outcome import Context, Outcome
from ._traces import (
    CLOCK,
    Trace,
    by_variant,
    jumps_of,
    median,
    run_all,
    summary,
    time_gradient,
    time_to_loss,
)

__all__ = ["FAMILIES", "epochs_to_plain", "run"]

BATCH, RATE, GRID = 20, 0.01, (0.01, 0.03, 0.1, 0.3)
EPOCHS, SEARCH_STEPS = 40, 300
SGD_TELEPORTS = 5  # one before each of the first epochs; the other methods teleport once
QUICK_EPOCHS, QUICK_SEARCH_STEPS = 6, 41

FAMILIES = {
    "SGD, learning rate 0.01": ("sgd", "sgd+teleport"),
    "SGD, tuned learning rate": ("sgd-tuned", "sgd-tuned+teleport"),
    "momentum 0.9": ("momentum", "momentum+teleport"),
    "AdaGrad": ("adagrad", "adagrad+reset", "adagrad+teleport"),
    "full batch, line search": (
        "linesearch",
        "linesearch+reset",
        "linesearch+teleport",
        "linesearch+auto",
    ),
}
NAMES = tuple(name for family in FAMILIES.values() for name in family)


def epochs_to_plain(training: Sequence[float], goal: float) -> int | None:
    """Return the first epoch with a training loss at most ``goal``, if there is one.

    Parameters
    ----------
    training : sequence of float
        Training loss after 0, 1, 2, … epochs.
    goal : float
        Plain training's last loss.
    """
    reached = [epoch for epoch, value in enumerate(training) if value <= goal]
    return reached[0] if reached else None


def _network(X: np.ndarray, y: np.ndarray) -> MLP:
    widths = [X.shape[1], 16, 10, 10]
    return MLP(widths, activation="leaky_relu", inputs=X, targets=y, loss="cross_entropy")


def _optimizer(method: str, rate: float) -> Any:
    if method == "momentum":
        return SGD(RATE, momentum=0.9)
    return AdaGrad(RATE, 1e-10) if method == "adagrad" else SGD(rate)


def _run(variant: str, start: int, rate: float, epochs: int, search_steps: int, data: Any) -> Trace:
    """Train one variant; the curves are per epoch, which for the line search is a step."""
    X, y, valid_X, valid_y = split(data[0], data[1], start)
    loss, validation = _network(X, y), _network(valid_X, valid_y)
    rng = np.random.default_rng(start)
    w = loss.init(rng)
    method, _, how = variant.partition("+")
    searching = method == "linesearch"
    per_epoch = 1 if searching else -(-len(y) // BATCH)
    steps = search_steps if searching else epochs * per_epoch
    train: list[float] = []
    valid: list[float] = []
    norms: list[float] = []
    early: list[float] = []

    def evaluate(t: int, w: dict[str, Any], value: float) -> None:
        if t == 50:
            early.append(loss.value(w))
        if t % per_epoch == 0:
            value, gradient = loss.value_and_gradient(w)
            train.append(value)
            norms.append(float(np.sqrt(sum(float((g * g).sum()) for g in gradient.values()))))
            valid.append(validation.value(w))

    schedule: Any = None
    later = 1 if method == "adagrad" else 0  # AdaGrad has nothing to keep or reset at epoch 0
    if how == "reset" and searching:
        schedule = Resets(every=10)
    elif how == "reset":
        schedule = Resets(at=[later * per_epoch])
    elif how == "auto":
        schedule = Teleports(loss.symmetry(), LineSearchDecrease(), at="auto", radius=1.0)
    elif how and searching:
        schedule = Teleports(loss.symmetry(), LineSearchDecrease(), every=10, radius=1.0)
    elif how:
        first = range(SGD_TELEPORTS) if method == "sgd" else [later]
        schedule = Teleports(
            loss.symmetry(), PredictedDecrease(), at=[epoch * per_epoch for epoch in first]
        )
    if searching:
        history = minimize(
            loss, w, LineSearch(), steps, teleports=schedule, callback=evaluate, clock=CLOCK
        )
    else:
        history = minimize(
            loss, w, _optimizer(method, rate), steps, record="batch", teleports=schedule,
            callback=evaluate, batches=_batches(len(y), epochs, rng), clock=CLOCK,
        )  # fmt: skip
        evaluate(steps, history.params, 0.0)
    return Trace(
        variant, start, np.array(train), np.array(norms), history.seconds[::per_epoch],
        jumps_of(history), time_gradient(loss, w), at_50=early[0] if early else None,
        curves={"validation": np.array(valid)},
    )  # fmt: skip


def _batches(samples: int, epochs: int, rng: np.random.Generator) -> list[np.ndarray]:
    """Return the index arrays of all steps: every sample once an epoch, in a new order."""
    cuts = range(BATCH, samples, BATCH)
    return [part for _ in range(epochs) for part in np.split(rng.permutation(samples), cuts)]


def run(context: Context) -> Outcome:
    """Run the experiment."""
    data = load(context.dataset)
    epochs = QUICK_EPOCHS if context.quick else EPOCHS
    search = QUICK_SEARCH_STEPS if context.quick else SEARCH_STEPS
    starts = range(context.starts)
    tail = (epochs, search, data)
    ordered = sorted(NAMES, key=lambda name: not name.startswith("linesearch"))  # long ones first
    first = [name for name in ordered if not name.startswith("sgd-tuned")]
    jobs: list[tuple[Any, ...]] = [(n, start, RATE, *tail) for n in first for start in starts]
    jobs += [(f"grid {rate:g}", start, rate, *tail) for start in starts for rate in GRID]
    traces = run_all(_run, jobs, context, context.dataset)
    grid = {
        rate: median([_last_validation(t) for t in traces if t.variant == f"grid {rate:g}"])
        for rate in GRID
    }
    best = min(grid, key=lambda rate: grid[rate])
    shown = ", ".join(f"{rate:g}: {value:.3g}" for rate, value in grid.items())
    note = f"Learning rates tried for sgd-tuned, median final validation loss: {shown}; "
    note += f"best {best:g}."
    context.say(f"{context.dataset}. {note}")
    jobs = [(n, start, best, *tail) for n in NAMES if "sgd-tuned" in n for start in starts]
    traces += run_all(_run, jobs, context, f"{context.dataset}, tuned")

    runs = by_variant(traces, NAMES)
    results = summary(runs)
    goals = results["sgd"]["final_loss"]
    for name, row in results.items():
        row["final_validation_loss"] = [_last_validation(t) for t in runs[name]]
        row["epochs_to_plain"] = [
            epochs_to_plain(list(t.losses), goal) for t, goal in zip(runs[name], goals, strict=True)
        ]
    for name in FAMILIES["full batch, line search"]:
        # to plain's loss at its last step, from the same start
        pairs = zip(runs[name], results["linesearch"]["final_loss"], strict=True)
        times = [time_to_loss(trace, goal) for trace, goal in pairs]
        results[name]["steps_to_goal"] = [steps for steps, _ in times]
        results[name]["seconds_to_goal"] = [seconds for _, seconds in times]
    title = f"{context.dataset}, widths {data[0].shape[1]}-16-10-10, LeakyReLU"
    notes = [
        note,
        f"{epochs} epochs of batches of {BATCH}; teleports on the full training set, for SGD "
        f"before each of the first {SGD_TELEPORTS} epochs, with momentum once at epoch 0, for "
        "AdaGrad once at epoch 1, where its control resets the accumulator. The line search does "
        f"{search} steps on the full batch, each of which counts as an epoch, and teleports "
        "every 10 steps or by the automatic schedule. Times are processor time of the run, "
        "teleports included.",
    ]
    judged = claims(runs, results, epochs=epochs, search=search, full=not context.quick)
    return Outcome(title, results, judged, _figures(runs, title), notes)


def _last_validation(trace: Trace) -> float:
    """Return the last validation loss, infinite where the run diverged."""
    value = float(trace.curves["validation"][-1])
    return value if np.isfinite(value) and np.isfinite(trace.final_loss) else float("inf")


def _figures(runs: Mapping[str, Sequence[Trace]], title: str) -> dict[str, Any]:
    figures: dict[str, Any] = {
        "loss-against-epoch": against(
            FAMILIES, runs, lambda t: np.arange(len(t.losses)), lambda t: t.losses,
            labels=("epoch", "training loss"), title=title,
        ),
        "loss-against-time": against(
            FAMILIES, runs, lambda t: t.seconds[: len(t.losses)],
            lambda t: t.losses[: len(t.seconds)],
            labels=("seconds", "training loss"), title=title,
        ),
        "gradient-norm-against-loss": against(
            FAMILIES, runs, lambda t: t.losses, lambda t: t.gradient_norms,
            labels=("training loss", "gradient norm"), title=title, log_x=True, median=False,
        ),
    }  # fmt: skip
    figure, axes = panels(list(FAMILIES), "loss")
    for axis, variants in zip(axes, FAMILIES.values(), strict=True):
        for name in variants:
            colour, line, label = style_of(name)
            epochs = [np.arange(len(t.losses)) for t in runs[name]]
            data = {
                "training": [t.losses for t in runs[name]],
                "validation": [t.curves["validation"] for t in runs[name]],
            }
            for kind, rows in data.items():
                middle = np.median(np.array([r[: min(map(len, rows))] for r in rows]), axis=0)
                shade = 1.0 if kind == "validation" else 0.45
                curves(
                    axis, [(epochs[0][: len(middle)], middle)], (colour, line, f"{label}, {kind}")
                )
                axis.lines[-1].set_alpha(shade)
                axis.lines[-1].set_linewidth(1.4 if kind == "training" else 2.2)
        axis.set_yscale("log")
        tidy_ticks(axis)
        axis.set_xlabel("epoch")
        axis.legend(frameon=False, fontsize=8)
    headline(figure, f"{title}: training (pale) and validation (bold), medians")
    figures["training-and-validation"] = figure
    return figures
