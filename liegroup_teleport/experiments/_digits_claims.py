"""What the experiment ``digits`` claims, judged from its measurements."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ._outcome import Claim, judge
from ._traces import Trace, drift_claim, gradient_claim, median, times_shown

__all__ = ["claims"]

METHODS = ("sgd", "momentum", "linesearch")


def claims(
    runs: Mapping[str, Sequence[Trace]],
    results: Mapping[str, Mapping[str, list[Any]]],
    *,
    epochs: int,
    search: int,
    full: bool,
) -> list[Claim]:
    """Return the claims; thresholds are decided by runs of full length only."""
    final = {name: median(row["final_loss"]) for name, row in results.items()}
    valid = {name: median(row["final_validation_loss"]) for name, row in results.items()}
    faster = [name for name in METHODS if final[f"{name}+teleport"] < final[name]]

    def both(name: str) -> str:
        return f"{final[name]:.3g} / {valid[name]:.3g}"

    reached = results["sgd+teleport"]["epochs_to_plain"]
    latest = max((np.inf if v is None else v) for v in reached)
    shown = ", ".join("never" if v is None else str(v) for v in reached)
    ratio = final["linesearch+teleport"] / final["linesearch"]
    judged = [
        Claim(
            f"paper: the training loss decays faster with teleports ({', '.join(METHODS)})",
            f"lower at the end for {', '.join(faster) or 'none'}",
            judge(len(faster) == len(METHODS)),
        ),
        gradient_claim(runs["sgd"], runs["sgd+teleport"], "SGD"),
        gradient_claim(runs["linesearch"], runs["linesearch+teleport"], "line search"),
        _overfitting(runs),
        drift_claim(runs, 1e-12),
        Claim(
            "SGD, a teleport before each of the first 5 epochs: plain's training loss of epoch "
            f"{epochs} after at most 6 epochs in the median, "
            f"on no start later than {epochs}, with a lower validation loss at the end "
            "(published code: 40 epochs)",
            f"median {median(reached):g} ({shown}); validation {valid['sgd+teleport']:.3g}, "
            f"plain {valid['sgd']:.3g}",
            judge(
                median(reached) <= 6 and latest <= epochs and valid["sgd+teleport"] < valid["sgd"],
                decided=full,
            ),
        ),
        Claim(
            f"full batch, line search, training loss at step {search - 1}: at most 0.6 of "
            "plain's, validation no worse in the median",
            f"{final['linesearch+teleport']:.3g} / {final['linesearch']:.3g} = {ratio:.2f} "
            f"(search begun anew without teleports {final['linesearch+reset']:.3g}); "
            f"validation {valid['linesearch+teleport']:.3g}, plain {valid['linesearch']:.3g}",
            judge(
                ratio <= 0.6 and valid["linesearch+teleport"] <= valid["linesearch"],
                decided=full,
            ),
        ),
    ]
    judged.append(_time_claim(results, search, full))
    for name, text in (
        ("sgd-tuned", "SGD at the best learning rate"),
        ("momentum", "momentum 0.9"),
    ):
        judged.append(
            Claim(
                f"{text}, training / validation loss: with a teleport against without",
                f"{both(f'{name}+teleport')} against {both(name)}",
                "as measured",
            )
        )
    judged.append(
        Claim(
            "AdaGrad, training / validation loss: teleport (state kept), reset alone, plain",
            f"{both('adagrad+teleport')}, {both('adagrad+reset')}, {both('adagrad')}",
            "as measured",
        )
    )
    jump, gradient, run = (
        median(results["sgd+teleport"]["teleport_seconds"]),
        median(results["sgd+teleport"]["gradient_seconds"]),
        median([float(t.seconds[-1]) for t in runs["sgd"]]) / epochs,
    )
    judged.append(
        Claim(
            "cost of one teleport (SGD; published code: about an epoch)",
            f"{jump / gradient:.1f} full gradients, {jump / run:.2f} epochs",
            "as measured",
        )
    )
    return judged


def _time_claim(results: Mapping[str, Mapping[str, list[Any]]], search: int, full: bool) -> Claim:
    """Judge steps and time to plain's last loss, teleports included."""
    shown = [
        times_shown(label, results[name])
        for label, name in (
            ("automatic", "linesearch+auto"),
            ("every 10 steps", "linesearch+teleport"),
            ("search begun anew", "linesearch+reset"),
            ("plain", "linesearch"),
        )
    ]
    auto, plain = results["linesearch+auto"], results["linesearch"]
    ratio = median(
        [
            np.inf if a is None else a / b
            for a, b in zip(auto["seconds_to_goal"], plain["seconds_to_goal"], strict=True)
        ]
    )
    return Claim(
        f"full batch, line search, automatic schedule: plain's loss at step {search - 1} after "
        "at most 150 steps and in less time, in the median",
        f"{ratio:.2f} of plain's time; {'; '.join(shown)}",
        judge(median(auto["steps_to_goal"]) <= 150 and ratio < 1, decided=full),
    )


def _overfitting(runs: Mapping[str, Sequence[Trace]]) -> Claim:
    """Judge early overfitting: the validation loss turns up sooner, before the end."""
    parts, holds = [], []
    for name in METHODS:
        turn, gap = {}, {}
        for variant in (name, f"{name}+teleport"):
            lowest = [int(np.argmin(t.curves["validation"])) for t in runs[variant]]
            turn[variant] = (median(lowest), len(runs[variant][0].losses) - 1)
            gap[variant] = median(
                [t.curves["validation"][-1] - t.losses[-1] for t in runs[variant]]
            )
        (plain, _), (moved, last) = turn[name], turn[f"{name}+teleport"]
        parts.append(
            f"{name} {moved:g} against {plain:g} of {last} "
            f"(gap {gap[f'{name}+teleport']:.2g} against {gap[name]:.2g})"
        )
        holds.append(moved < plain and moved < last)
    return Claim(
        "paper: early overfitting (the validation loss is lowest earlier with teleports)",
        "epoch of the lowest validation loss (validation minus training loss at the end): "
        + ", ".join(parts),
        judge(all(holds)),
    )
