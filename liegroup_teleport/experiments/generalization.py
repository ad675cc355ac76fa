"""Sharpness and curvature against validation loss, and teleports to sharper and flatter points."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ._generalization_claims import Correlations, Moves, claims, correlations
from ._generalization_figures import figures
from ._generalization_runs import BATCH, DESIGNS, RADII, RATES, SPLITS, designs, moved, trained
from ._outcome import Context, Outcome
from ._runs import keep_runs
from ._study_data import DATASETS, HIDDEN, MEASURES

__all__ = ["run"]

EPOCHS, RUNS, STARTS = 40, 120, 30
QUICK_EPOCHS, QUICK_RUNS, QUICK_SPLITS, QUICK_STARTS = 2, 4, 1, 1


def run(context: Context) -> Outcome:
    """Run the study."""
    epochs = QUICK_EPOCHS if context.quick else EPOCHS
    runs = context.seeds or (QUICK_RUNS if context.quick else RUNS)
    splits = QUICK_SPLITS if context.quick else SPLITS
    starts = min(context.seeds or STARTS, QUICK_STARTS if context.quick else STARTS)
    settings = {
        (dataset, design): plan
        for dataset in DATASETS
        for design, plan in designs(dataset, runs, splits, epochs).items()
    }
    flat = [one for plan in settings.values() for one in plan]
    found = keep_runs(trained, flat, context, "generalization")
    networks: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for i, (place, plan) in enumerate(settings.items()):
        rows = found[i * runs : (i + 1) * runs]
        networks[place] = [{**one, **row} for one, row in zip(plan, rows, strict=True)]
    moves = _moves(context, epochs, starts)
    related = {place: correlations(rows) for place, rows in networks.items()}
    lost = {
        place: sum(r["training_loss"] is None for r in rows) for place, rows in networks.items()
    }
    notes = [
        f"Networks with {HIDDEN[0]} and {HIDDEN[1]} hidden units, LeakyReLU, cross-entropy, SGD, "
        f"{epochs} epochs; {runs} runs per data set and design, over {splits} splits, whose means "
        f"are taken out. Design {DESIGNS[0]}: learning rate 0.1, batches of {BATCH}. Design "
        f"{DESIGNS[1]}: learning rate 0.02 to 0.5, batches of 10 to 80, first parameters scaled "
        "by 1/2 to 2. Runs that diverged, and are left out: "
        f"{', '.join(f'{d}, {p} {n}' for (d, p), n in lost.items())}.",
        "phi: mean loss at random distances of 0.001 to 0.191; increase: mean loss at distance 1, "
        "less the loss; psi: mean curvature of orbits of rescalings; psi_batch: of the "
        "data-dependent action on batches of 8, the paper's curves; trace: of the Gauss-Newton "
        "matrix. In brackets 95 % intervals, bootstrap within the splits. Rows named Pearson or "
        "Spearman in results.json are a correlation with the validation loss and its interval.",
        f"Teleports once, after half of the epochs, on {starts} starts with a split each; "
        "by learning rate and by the largest distance from the identity (radius). Random: an "
        "element at that distance.",
    ]
    return Outcome(
        "Sharpness, curvature and generalisation",
        _results(networks, related, moves),
        claims(related, moves, full=not context.quick),
        figures(networks, related, moves),
        notes,
    )


def _moves(context: Context, epochs: int, starts: int) -> Moves:
    """Return for each data set, learning rate and radius the rows of every variant."""
    rates, radii = (RATES[:1], RADII[:1]) if context.quick else (RATES, RADII)
    places = [(d, rate, radius) for d in DATASETS for rate in rates for radius in radii]
    common = {"epochs": epochs, "hidden": HIDDEN}
    settings: list[dict[str, Any]] = [
        {**common, "dataset": d, "start": start, "rate": rate, "radius": radius}
        for d, rate, radius in places
        for start in range(starts)
    ]
    found = keep_runs(moved, settings, context, "generalization, moves")
    moves: dict[tuple[str, float, float], dict[str, list[dict[str, Any]]]] = {}
    for i, place in enumerate(places):
        rows = found[i * starts : (i + 1) * starts]
        moves[place] = {variant: [row[variant] for row in rows] for variant in rows[0]}
    return moves


def _results(
    networks: Mapping[tuple[str, str], Sequence[Mapping[str, Any]]],
    related: Mapping[tuple[str, str], Correlations],
    moves: Moves,
) -> dict[str, dict[str, list[Any]]]:
    """Return all numbers, as lists over the runs or as [value, low, high]."""
    names = ("training_loss", "validation_loss", "validation_error", *MEASURES)
    drawn = ("split", "rate", "batch", "scale")
    results: dict[str, dict[str, list[Any]]] = {}
    for (dataset, design), rows in networks.items():
        place = f"{dataset}, {design}"
        results[place] = {name: [row[name] for row in rows] for name in (*names, *drawn)}
        for kind, estimates in related[dataset, design].items():
            results[f"{place}, {kind}"] = {
                name: [e.value, e.low, e.high] for name, e in estimates.items()
            }
    for (dataset, rate, radius), variants in moves.items():
        for variant, rows in variants.items():
            results[f"{dataset}, rate {rate:g}, radius {radius:g}, {variant}"] = {
                name: [row[name] for row in rows] for name in rows[0]
            }
    return results
