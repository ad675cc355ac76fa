"""Five optimizers at usual and tuned rates, with teleports and with resets as the control."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ._optimizer_figures import figures
from ._optimizer_runs import (
    BATCH,
    JUMPS,
    METHODS,
    NEAR,
    TUNING_STARTS,
    optimized,
    ways,
)
from ._outcome import Claim, Context, Outcome, judge
from ._runs import keep_runs
from ._statistics import Estimate, ratio_estimate
from ._study_data import DATASETS, HIDDEN

__all__ = ["run"]

EPOCHS, STARTS = 40, 10
QUICK_EPOCHS, QUICK_STARTS = 2, 1

Rows = Mapping[str, Sequence[dict[str, Any]]]
Key = tuple[str, str, float]  # data set, optimizer, learning rate


def run(context: Context) -> Outcome:
    """Run the study."""
    epochs = QUICK_EPOCHS if context.quick else EPOCHS
    starts = range(context.seeds or (QUICK_STARTS if context.quick else STARTS))
    tuned, notes = _tune(context, epochs)
    places: list[tuple[Key, str]] = []
    for dataset in DATASETS:
        for name, method in METHODS.items():
            for rate in dict.fromkeys((method.usual, tuned[dataset, name])):
                places += [((dataset, name, rate), way) for way in ways(name)]
    settings = [
        _settings(dataset, start, epochs, name, rate, way)
        for (dataset, name, rate), way in places
        for start in starts
    ]
    found = keep_runs(optimized, settings, context, "optimizers")
    runs: dict[Key, dict[str, list[dict[str, Any]]]] = {}
    for i, (key, way) in enumerate(places):
        runs.setdefault(key, {})[way] = found[i * len(starts) : (i + 1) * len(starts)]
    labels = {key: _label(key, tuned) for key in runs}
    results = {
        f"{key[0]}, {labels[key]}, {way}": _row(rows, group["plain"])
        for key, group in runs.items()
        for way, rows in group.items()
    }
    notes += [
        f"Networks with {HIDDEN[0]} and {HIDDEN[1]} hidden units, {epochs} epochs of batches of "
        f"{BATCH}, {len(starts)} starts, each with a split of its own. Teleports or resets "
        f"before epochs {', '.join(map(str, JUMPS))}, by the predicted decrease of the next step "
        'on the full training set; with "near" within distance '
        f"{NEAR:g}. A run that diverged counts as infinite. Seconds are processor time, "
        "teleports included. Intervals: 95 %, bootstrap over the starts.",
    ]
    claims = [
        _claim(key, labels[key], group, full=not context.quick) for key, group in runs.items()
    ]
    title = "Optimizers with and without teleports"
    return Outcome(title, results, [*claims, _drift(found)], figures(runs, labels), notes)


def _settings(
    dataset: str, start: int, epochs: int, name: str, rate: float, way: str
) -> dict[str, Any]:
    return {
        "dataset": dataset, "start": start, "epochs": epochs, "hidden": HIDDEN, "method": name,
        "rate": rate, "way": way,
    }  # fmt: skip


def _tune(context: Context, epochs: int) -> tuple[dict[tuple[str, str], float], list[str]]:
    """Return the best rate without teleports for each data set and optimizer, and the grids."""
    starts = TUNING_STARTS[:1] if context.quick else TUNING_STARTS
    places = [
        (dataset, name, rate)
        for dataset in DATASETS
        for name, method in METHODS.items()
        for rate in (method.usual, *method.grid[-1 if context.quick else None :])
    ]
    settings = [_settings(d, s, epochs, n, rate, "plain") for d, n, rate in places for s in starts]
    found = keep_runs(optimized, settings, context, "optimizers, rates")
    grids: dict[tuple[str, str], dict[float, float]] = {}
    for i, (dataset, name, rate) in enumerate(places):
        rows = found[i * len(starts) : (i + 1) * len(starts)]
        grids.setdefault((dataset, name), {})[rate] = float(np.median([_best(r) for r in rows]))
    tuned = {key: min(grid, key=lambda rate: grid[rate]) for key, grid in grids.items()}
    notes = []
    for dataset in DATASETS:
        shown = "; ".join(
            f"{name} "
            + ", ".join(f"{r:g}: {v:.3g}" for r, v in sorted(grids[dataset, name].items()))
            for name in METHODS
        )
        notes.append(
            f"{dataset}: learning rates tried without teleports, with the median of the lowest "
            f"validation loss of a run, on {len(starts)} other splits: {shown}."
        )
        context.say(notes[-1])
    return tuned, notes


def _label(key: Key, tuned: Mapping[tuple[str, str], float]) -> str:
    dataset, name, rate = key
    kinds = ["usual"] * (rate == METHODS[name].usual) + ["tuned"] * (rate == tuned[dataset, name])
    return f"{name} {rate:g} ({' and '.join(kinds)})"


def _last(values: Sequence[float | None]) -> float:
    """Return the last of a run's losses, infinite where it diverged."""
    return float("inf") if values[-1] is None else float(values[-1])


def _best(row: Mapping[str, Any]) -> float:
    """Return the lowest validation loss of a run."""
    return min((v for v in row["validation"] if v is not None), default=float("inf"))


def _row(rows: Sequence[Mapping[str, Any]], plain: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the lists over the starts that are reported."""
    reached: list[int | None] = []
    for row, control in zip(rows, plain, strict=True):
        goal = _last(control["training"])
        below = [e for e, v in enumerate(row["training"]) if v is not None and v <= goal]
        reached.append(below[0] if below else None)
    return {
        "final_loss": [_last(r["training"]) for r in rows],
        "final_validation_loss": [_last(r["validation"]) for r in rows],
        "best_validation_loss": [_best(r) for r in rows],
        "seconds": [r["seconds"][-1] if r["status"] == "completed" else None for r in rows],
        "moves": [r["moves"] for r in rows],
        "epochs_to_plain": reached,
        "seconds_to_plain": [
            None if epoch is None or epoch >= len(r["seconds"]) else r["seconds"][epoch]
            for r, epoch in zip(rows, reached, strict=True)
        ],
    }


def _ratios(
    rows: Sequence[Mapping[str, Any]], plain: Sequence[Mapping[str, Any]], name: str
) -> Estimate:
    return ratio_estimate(*(np.array([_last(r[name]) for r in part]) for part in (rows, plain)))


def _claim(key: Key, label: str, group: Rows, *, full: bool) -> Claim:
    """Judge whether teleports lower the training loss: against plain, and against resets."""
    plain = group["plain"]
    pairs = [("teleport", "plain")]
    if "reset" in group:
        pairs.append(("teleport+reset", "reset"))
    judged = [_ratios(group[way], group[control], "training") for way, control in pairs]
    parts = []
    for way, rows in group.items():
        if way == "plain":
            continue
        text = f"{way} {_ratios(rows, plain, 'training')} and {_ratios(rows, plain, 'validation')}"
        lost = sum(r["status"] != "completed" for r in rows)
        parts.append(text + (f" ({lost} of {len(plain)} diverged)" if lost else ""))
        slower = _slower(rows, plain)
        if slower is not None and way == "teleport":
            parts[-1] += f" in {slower:.1f} of the time"
    if len(judged) > 1:
        parts.append(f"training, teleport+reset over reset {judged[1]}")
    claim = f"paper: a lower training loss with teleports: {key[0]}, {label}"
    if len(judged) > 1:
        claim += ", and a lower one than with the same resets alone"
    measured = f"training and validation loss over plain's: {'; '.join(parts)}"
    return Claim(claim, measured, judge(all(e.high < 1 for e in judged), decided=full))


def _slower(rows: Sequence[Mapping[str, Any]], plain: Sequence[Mapping[str, Any]]) -> float | None:
    """Return the median ratio of the times of the runs of which neither diverged."""
    ratios = [
        r["seconds"][-1] / p["seconds"][-1]
        for r, p in zip(rows, plain, strict=True)
        if r["status"] == p["status"] == "completed"
    ]
    return float(np.median(ratios)) if ratios else None


def _drift(found: Sequence[Mapping[str, Any]]) -> Claim:
    largest = max(row["drift_over_allowed"] for row in found)
    return Claim(
        "every teleport keeps the loss, within what rounding allows",
        f"largest change {largest:.1e} of the allowance",
        judge(largest <= 1),
    )
