"""Rescaling a ReLU network: one gradient, a whole teleport, double backpropagation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

import liegroup_teleport as lt

from ._measure import Measurement, interleaved
from ._torch_rescaling import RescaledNetwork

__all__ = ["against_backpropagation", "gradient", "teleport"]

WIDTHS, SAMPLES, RADIUS = (784, 512, 512, 10), 2000, 3.0
STEPS = (0.3, 1.0)  # 0.1 takes more than 60 evaluations; Adam is stuck below at any rate


@dataclass(frozen=True)
class Case:
    """One problem for both sides."""

    loss: lt.losses.MLP
    w: dict[str, np.ndarray]
    network: RescaledNetwork


def case(widths: tuple[int, ...] = WIDTHS, samples: int = SAMPLES, seed: int = 0) -> Case:
    """Return a float32 network on random inputs, at its random start."""
    rng = np.random.default_rng(seed)
    inputs = rng.standard_normal((samples, widths[0])).astype(np.float32)
    labels = rng.integers(0, widths[-1], samples)
    loss = lt.losses.MLP(
        widths, activation="relu", inputs=inputs, targets=labels, loss="cross_entropy"
    )
    w = loss.init(rng, dtype=np.float32)
    return Case(loss, w, RescaledNetwork(w, inputs, labels))


def minimum(problem: Case) -> lt.Teleport:
    """Minimise the gradient norm."""
    group = problem.loss.symmetry()
    return lt.teleport(problem.loss, group, problem.w, lt.GradientNorm(), sense="min")


def maximum(problem: Case) -> lt.Teleport:
    """Maximise the gradient norm within the radius."""
    group = problem.loss.symmetry()
    return lt.teleport(problem.loss, group, problem.w, lt.GradientNorm(), radius=RADIUS)


def gradient() -> list[Measurement]:
    """Our gradient against PyTorch's."""
    problem = case()
    seconds = interleaved(
        {
            "ours": lambda: problem.loss.value_and_gradient(problem.w),
            "torch": problem.network.gradient,
        },
        15,
    )
    ratio = seconds["ours"] / seconds["torch"]
    return [Measurement("gradient, 784-512-512-10, 2,000 samples", ratio, "torch gradients", 1.5)]


def teleport() -> list[Measurement]:
    """Whole teleports in units of PyTorch's gradient."""
    problem = case()
    seconds = interleaved(
        {
            "torch": problem.network.gradient,
            "minimum": lambda: minimum(problem),
            "maximum": lambda: maximum(problem),
        },
        9,
    )
    floor = interleaved(
        {
            "torch": problem.network.gradient,
            "floor": lambda: (
                problem.loss.value_and_gradient(problem.w),
                problem.loss.value(problem.w),
            ),
        },
        5,
    )
    unit = "torch gradients"
    least = f"one gradient and one loss of ours alone: {floor['floor'] / floor['torch']:.2f}"
    return [
        Measurement("minimum", seconds["minimum"] / seconds["torch"], unit, 2.0, note=least),
        Measurement(f"maximum within {RADIUS:g}", seconds["maximum"] / seconds["torch"], unit, 2.0),
    ]


def against_backpropagation() -> list[Measurement]:
    """Against searches that differentiate the gradient norm by double backpropagation."""
    problem = case()
    network = problem.network
    low, high = minimum(problem), maximum(problem)
    low_goal = float(np.log(low.objective_after * (1 + 1e-6)))
    high_goal = float(np.log(high.objective_after * 0.98))
    reached: dict[str, bool] = {}
    steps: dict[str, int] = {}

    def counted(name: str, search: Callable[[], float], goal: float) -> Callable[[], None]:
        def run() -> None:
            start = network.evaluations
            value = search()
            reached[name] = value <= goal if name == "lbfgs" else value >= goal
            steps[name] = network.evaluations - start

        return run

    searches: dict[str, Callable[[], object]] = {
        "ours min": lambda: minimum(problem),
        "ours max": lambda: maximum(problem),
        "lbfgs": counted("lbfgs", lambda: network.minimize(low_goal), low_goal),
        "full": counted("full", lambda: network.frank_wolfe(high_goal, RADIUS), high_goal),
    }
    for step in STEPS:
        searches[f"steps {step:g}"] = counted(
            f"steps {step:g}",
            lambda step=step: network.maximize(high_goal, RADIUS, step),  # type: ignore[misc]
            high_goal,
        )
    seconds = interleaved(searches, 1, warm=False)
    start = problem.loss.value_and_gradient(problem.w)[1]
    field = lt.orbit.landscape(
        problem.loss, problem.loss.symmetry(), lt.GradientNorm(), problem.w, start
    )
    rng = np.random.default_rng(1)
    x = 0.1 * rng.standard_normal(field.group.dim)
    g = field.group.exp(x)
    per_step = interleaved({"ours": lambda: field.score(g), "torch": lambda: network.score(x)}, 7)
    ours_value, torch_value = field.score(g)[0] + 2 * np.log(field.size), network.score(x)[0]
    agree = f"their values differ by {abs(ours_value - torch_value):.0e}"

    def row(what: str, name: str, own: str, how: str, least: float | None = 20.0) -> Measurement:
        missed = "" if reached[name] else ", goal not reached"
        note = f"{how}, {steps[name]} evaluations{missed}; one round"
        return Measurement(what, seconds[name] / seconds[own], "times faster", None, least, note)

    most = f"maximum within {RADIUS:g} to 2 %"
    return [
        row("minimum to 1e-6", "lbfgs", "ours min", "L-BFGS"),
        *(row(most, f"steps {s:g}", "ours max", f"steps of length {s:g}") for s in STEPS),
        row(most, "full", "ours max", "the library's own Frank-Wolfe steps", None),
        Measurement(
            "one search step",
            per_step["torch"] / per_step["ours"],
            "times faster",
            None,
            100.0,
            agree,
        ),
    ]
