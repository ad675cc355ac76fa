"""An ill-conditioned quadratic: one teleport and one gradient step reach the minimum."""

from __future__ import annotations

import numpy as np

from ..losses import Quadratic
from ..orbit import GradientNorm
from ..training import SGD, Teleports, minimize
from ._figures import against
from ._outcome import Claim, Context, Outcome, judge
from ._traces import (
    Trace,
    by_variant,
    drift_claim,
    jumps_of,
    median,
    summary,
    time_gradient,
)

__all__ = ["SIZE", "TOLERANCE", "problem", "run"]

SIZE, CONDITION, TOLERANCE, LIMIT = 20, 100.0, 1e-12, 5000


def problem(seed: int) -> tuple[Quadratic, dict[str, np.ndarray], float]:
    """Return loss, start and largest eigenvalue of a random positive definite matrix."""
    rng = np.random.default_rng(seed)
    basis, _ = np.linalg.qr(rng.standard_normal((SIZE, SIZE)))
    eigenvalues = np.sort([1.0, CONDITION, *rng.uniform(1.0, CONDITION, SIZE - 2)])
    A = (basis * eigenvalues) @ basis.T
    loss = Quadratic((A + A.T) / 2, rng.standard_normal(SIZE))
    return loss, {"w": loss.minimum + rng.standard_normal(SIZE)}, float(eigenvalues[-1])


def _run(variant: str, seed: int) -> Trace:
    loss, w, largest = problem(seed)
    goal = TOLERANCE * loss.value(w)
    jump = None
    if variant == "teleport+step":
        jump = Teleports(loss.symmetry(), GradientNorm(), at=[0])
    history = minimize(
        loss, w, SGD(1.0 / largest), 1 if jump else LIMIT,
        teleports=jump, callback=lambda t, w, value: value <= goal,
    )  # fmt: skip
    return Trace(
        variant, seed, history.losses, history.gradient_norms, history.seconds,
        jumps_of(history), time_gradient(loss, w),
    )  # fmt: skip


def _steps(trace: Trace) -> int | None:
    """Return the number of steps to the tolerance, if it was reached."""
    reached = np.flatnonzero(trace.losses <= TOLERANCE * trace.losses[0])
    return int(reached[0]) if reached.size else None


def run(context: Context) -> Outcome:
    """Run the experiment."""
    names = ("gd", "teleport+step")
    advance = context.progress("quadratic", len(names) * context.starts)
    traces = []
    for seed in range(context.starts):
        for name in names:
            traces.append(_run(name, seed))
            advance()
    runs = by_variant(traces, names)
    results = summary(runs)
    for name in names:
        results[name]["steps"] = [_steps(t) for t in runs[name]]
    moved = runs["teleport+step"]
    worst = max(t.final_loss / float(t.losses[0]) for t in moved)
    plain = results["gd"]["steps"]
    jump, gradient = (
        median(results["teleport+step"][key]) for key in ("teleport_seconds", "gradient_seconds")
    )
    claims = [
        Claim(
            "plain gradient descent, steps to 1e-12 of the first loss",
            f"median {median(plain):g} ({min(plain)} to {max(plain)})",
            "as measured",
        ),
        Claim(
            "1 teleport + 1 step reach 1e-12 of the first loss",
            f"{worst:.1e} after 1 step at worst",
            judge(worst <= TOLERANCE),
        ),
        drift_claim(runs),
        _larger(runs),
        Claim("cost of a teleport", f"{jump / gradient:.0f} gradients", "as measured"),
    ]
    title = f"Quadratic, n = {SIZE}, condition {CONDITION:g}"
    families = {"": names}
    figures = {
        "loss-against-step": against(
            families, runs, lambda t: np.arange(len(t.losses)) + 1.0, lambda t: t.losses,
            labels=("steps + 1", "loss"), title=title, log_x=True,
        ),
        "loss-against-time": against(
            families, runs, lambda t: t.seconds * 1e3 + 1e-2, lambda t: t.losses,
            labels=("milliseconds", "loss"), title=title, log_x=True,
        ),
        "gradient-norm-against-loss": against(
            families, runs, lambda t: t.losses, lambda t: t.gradient_norms,
            labels=("loss", "gradient norm"), title=title, log_x=True, median=False,
        ),
    }  # fmt: skip
    note = "Step size 1 / largest eigenvalue; the teleport maximises the gradient norm."
    return Outcome(title, results, claims, figures, [note])


def _larger(runs: dict[str, list[Trace]]) -> Claim:
    """Judge the gradient norms at the starting loss, which both runs share."""
    ratios = [
        float(b.gradient_norms[0] / a.gradient_norms[0])
        for a, b in zip(runs["gd"], runs["teleport+step"], strict=True)
    ]
    return Claim(
        "paper: larger gradients at equal loss",
        f"norm {np.median(ratios):.2f} times as large at the first loss",
        judge(min(ratios) > 1),
    )
