"""What the generalisation study measures, judged against what the paper says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ._outcome import Claim, judge
from ._statistics import Estimate, correlation_estimate, ratio_estimate
from ._study_data import MEASURES, column

__all__ = ["KINDS", "Correlations", "Moves", "claims", "correlations", "validation_ratios"]

# Named by what is used and by whether the training loss is held fixed: linearly, or with
# logarithms by a cubic, since a straight line leaves a part where losses span decades.
KINDS = (
    "Pearson",
    "Spearman",
    "Pearson given loss",
    "Spearman given loss",
    "logarithms given loss",
)
NEGLIGIBLE = 0.02  # a change of the validation loss below two per cent

Correlations = Mapping[str, Mapping[str, Estimate]]  # kind, then measure
Moves = Mapping[tuple[str, float, float], Mapping[str, Sequence[Mapping[str, Any]]]]


def correlations(rows: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, Estimate]]:
    """Return all kinds of correlation of all measures with the validation loss.

    Differences between splits are taken out. Runs that diverged are left out.
    """
    kept = [r for r in rows if r["training_loss"] is not None and r["validation_loss"] is not None]
    return {kind: {name: _correlation(kept, kind, name) for name in MEASURES} for kind in KINDS}


def _correlation(rows: Sequence[Mapping[str, Any]], kind: str, name: str) -> Estimate:
    x, valid, loss = (column(rows, n) for n in (name, "validation_loss", "training_loss"))
    groups = column(rows, "split").astype(int)
    known = np.isfinite(x)
    controls = [loss] if "given" in kind else []
    if kind.startswith("logarithms"):
        known &= (x > 0) & (valid > 0) & (loss > 0)
        with np.errstate(divide="ignore", invalid="ignore"):
            x, valid, loss = np.log(x), np.log(valid), np.log(loss)
        centred = loss - loss[known].mean() if known.any() else loss
        controls = [centred, centred**2, centred**3]
    return correlation_estimate(
        x[known], valid[known], groups[known], [c[known] for c in controls],
        ranks=kind.startswith("Spearman"),
    )  # fmt: skip


def validation_ratios(
    variants: Mapping[str, Sequence[Mapping[str, Any]]], name: str = "validation_loss"
) -> dict[str, Estimate]:
    """Return the median ratio to plain training of every variant."""

    def values(variant: str) -> np.ndarray:
        found = column(variants[variant], name)
        return np.where(np.isnan(found), np.inf, found)

    plain = values("plain")
    return {v: ratio_estimate(values(v), plain) for v in variants if v != "plain"}


def claims(
    related: Mapping[tuple[str, str], Correlations], moves: Moves, *, full: bool
) -> list[Claim]:
    """Judge all claims; ``full=False`` where the runs are too few or too short to decide."""
    result = []
    for (dataset, design), kinds in related.items():
        place = f"{dataset}, {design}"
        result += [_related(place, kinds, *which, full=full) for which in WHICH]
    for dataset in dict.fromkeys(key[0] for key in moves):
        cells = {key: validation_ratios(v) for key, v in moves.items() if key[0] == dataset}
        training = {
            key: validation_ratios(v, "training_loss")
            for key, v in moves.items()
            if key[0] == dataset
        }
        for variant, text, test in TESTS:
            judged = all(test(cell[variant]) for cell in cells.values())
            shown = "; ".join(
                f"rate {rate:g}, radius {radius:g}: {cells[d, rate, radius][variant]} "
                f"(training {training[d, rate, radius][variant].value:.2f}, random element "
                f"{cells[d, rate, radius]['random'].value:.2f})"
                for d, rate, radius in cells
            )
            verdict = judge(judged, decided=full and not text.startswith("teleporting"))
            result.append(Claim(f"{text}: {dataset}", f"validation over plain's: {shown}", verdict))
    rows = [r for variants in moves.values() for v in variants.values() for r in v]
    largest = max(row["drift"] for row in rows)
    measured = f"largest relative change {largest:.1e}"
    result.append(Claim("every teleport keeps the loss to 1e-12", measured, judge(largest < 1e-12)))
    return result


# measure, sign that is claimed, whether the training loss is held fixed, the claim
WHICH = (
    ("phi", 1, False, "paper: phi rises with the validation loss"),
    ("phi", 1, True, "phi still does with the training loss held fixed"),
    ("increase", 1, False, "sharper (increase) goes with a higher validation loss"),
    ("increase", 1, True, "sharper still does with the training loss held fixed"),
    ("psi_batch", -1, False, "paper: larger psi, on its curves, goes with a lower validation loss"),
    ("psi_batch", -1, True, "larger psi still does with the training loss held fixed"),
    ("psi", -1, False, "larger psi of rescalings goes with a lower validation loss"),
    ("psi", -1, True, "larger psi of rescalings still does with the training loss held fixed"),
)


def _related(
    place: str, kinds: Correlations, name: str, sign: int, given: bool, text: str, *, full: bool
) -> Claim:
    """Judge one sign by Pearson's interval; with the loss held fixed, by the cubic's as well."""
    names = [kind for kind in KINDS if ("given" in kind) == given]
    judged = [kinds[kind][name] for kind in names if not kind.startswith("Spearman")]
    holds = all((e.low if sign > 0 else -e.high) > 0 for e in judged)
    shown = {"Pearson": "r =", "Spearman": "of ranks", "logarithms": "of logarithms, cubic"}
    measured = "; ".join(f"{shown[kind.split()[0]]} {kinds[kind][name]}" for kind in names)
    return Claim(f"{text}: {place}", measured, judge(holds, decided=full))


def _as_it_was(ratio: Estimate) -> bool:
    return ratio.low >= 1 - NEGLIGIBLE and ratio.high <= 1 + NEGLIGIBLE


def _lower(ratio: Estimate) -> bool:
    return ratio.high < 1


# variant, claim, test on the ratio of validation losses; without "paper" only measured
TESTS = (
    (
        "phi min",
        "paper: flatter points (least phi) leave the validation loss within 2 %",
        _as_it_was,
    ),
    ("psi max", "paper: larger curvature (psi) lowers the validation loss", _lower),
    ("psi min", "teleporting to smaller curvature (psi)", _lower),
    ("phi max", "teleporting to sharper points (largest phi)", _lower),
    ("trace min", "teleporting to flatter points (least trace)", _lower),
    ("trace max", "teleporting to sharper points (largest trace)", _lower),
)
