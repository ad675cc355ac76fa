"""What is counted rather than timed: products of a search, iterations of a balancing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import liegroup_teleport as lt

from ._measure import Measurement

__all__ = ["CountingLoss", "balancing", "newton_iterations", "predicted_decrease", "spread"]

EVALUATIONS = 100
RESIDUAL = 1e-10
SWEEPS = 20  # the library's limit on the sweeps that come first: counted as if all were made


class CountingLoss:
    """An MLP that counts its calls itself, so that the report of a teleport can be checked."""

    def __init__(self, loss: lt.losses.MLP) -> None:
        self._loss = loss
        self.shapes = loss.shapes
        self.lower_bound = loss.lower_bound
        self.counts = {"loss": 0, "gradient": 0, "hvp": 0, "gauss_newton": 0}

    def value(self, w: Any) -> float:
        self.counts["loss"] += 1
        return self._loss.value(w)

    def gradient(self, w: Any) -> Any:
        self.counts["gradient"] += 1
        return self._loss.gradient(w)

    def value_and_gradient(self, w: Any) -> Any:
        self.counts["gradient"] += 1
        return self._loss.value_and_gradient(w)

    def hvp(self, w: Any, v: Any) -> Any:
        self.counts["hvp"] += 1
        return self._loss.hvp(w, v)

    def gauss_newton_operator(self, w: Any) -> Callable[[Any], Any]:
        product = self._loss.gauss_newton_operator(w)

        def counted(v: Any) -> Any:
            self.counts["gauss_newton"] += 1
            return product(v)

        return counted


def decrease_case(widths: tuple[int, ...], samples: int) -> tuple[CountingLoss, Any, Any]:
    """Return a counting ReLU network, its group and its weights."""
    rng = np.random.default_rng(0)
    loss = lt.losses.MLP(
        widths,
        activation="relu",
        inputs=rng.standard_normal((samples, widths[0])),
        targets=rng.integers(0, widths[-1], samples),
        loss="cross_entropy",
    )
    return CountingLoss(loss), loss.symmetry(), loss.init(rng)


def count_decrease(
    rate: float, radius: float | None, widths: tuple[int, ...] = (64, 64, 64, 10)
) -> tuple[lt.Teleport, dict[str, int]]:
    """Search the predicted decrease with a budget of evaluations; return it and our own counts."""
    loss, group, w = decrease_case(widths, 500)
    found = lt.teleport(
        loss,
        group,
        w,
        lt.PredictedDecrease(rate),
        radius=radius,
        stability=None,
        tol=1e-300,  # nothing but the budget stops it
        max_iterations=EVALUATIONS,
    )
    return found, loss.counts


def predicted_decrease() -> list[Measurement]:
    """Count Gauss-Newton products and gradients over 100 objective evaluations."""
    rows = []
    for rate, radius in ((0.1, None), (10.0, None), (0.01, 30.0), (1.0, 3.0)):
        found, counts = count_decrease(rate, radius)
        honest = "agrees" if counts == found.evaluations else "DISAGREES"
        where = "no radius" if radius is None else f"radius {radius:g}"
        what = f"step {rate:g}, {where}"
        note = f"{found.status}; the report {honest}; {counts['loss']} loss"
        others = counts["gradient"] + counts["hvp"]
        rows += [
            Measurement(
                what, counts["gauss_newton"], "Gauss-Newton products", EVALUATIONS, note=note
            ),
            Measurement(what, others, "gradients and Hessian products", 2),
        ]
    return rows


def spread(
    widths: tuple[int, ...], decades: float, seed: int = 0, entries: bool = False
) -> tuple[lt.losses.MLP, dict[str, np.ndarray]]:
    """Return a ReLU network whose units, or entries, are scaled by up to 10^±decades."""
    rng = np.random.default_rng(seed)
    loss = lt.losses.MLP(
        widths,
        activation="relu",
        inputs=rng.standard_normal((50, widths[0])),
        targets=rng.standard_normal((50, widths[-1])),
    )
    w = loss.init(rng)
    if entries:
        powers = {name: 10.0 ** rng.uniform(-decades, decades, a.shape) for name, a in w.items()}
        return loss, {name: a * powers[name] for name, a in w.items()}
    group = loss.symmetry()
    return loss, group.act(10.0 ** rng.uniform(-decades, decades, group.dim), w)


def balance(
    loss: lt.losses.MLP, w: dict[str, np.ndarray], objective: Any, limit: int
) -> lt.Teleport:
    """Minimise a norm with so many outer iterations at most."""
    return lt.teleport(
        loss, loss.symmetry(), w, objective, sense="min", tol=RESIDUAL, max_iterations=limit
    )


def newton_iterations(
    loss: lt.losses.MLP, w: dict[str, np.ndarray], objective: Any, most: int = 200
) -> tuple[int, lt.Teleport]:
    """Return the fewest outer iterations that end at the residual (bisection), and that result."""
    low, high = 0, most
    best = balance(loss, w, objective, most)
    if best.optimality > RESIDUAL:
        return most + 1, best
    while high - low > 1:
        middle = (low + high) // 2
        found = balance(loss, w, objective, middle)
        if found.optimality <= RESIDUAL:
            high, best = middle, found
        else:
            low = middle
    return high, best


def balancing() -> list[Measurement]:
    """Residual and outer iterations of badly conditioned balancing problems."""
    rows = []
    cases = [
        ("units, 1e±8, widths 64-64-64-10", (64, 64, 64, 10), 8.0, False),
        ("units, 1e±8, depth 8", (32,) * 9, 8.0, False),
        ("entries, 1e±4, widths 64-64-64-10", (64, 64, 64, 10), 4.0, True),
        ("entries, 1e±8, widths 64-64-64-10", (64, 64, 64, 10), 8.0, True),
    ]
    for what, widths, decades, entries in cases:
        loss, w = spread(widths, decades, entries=entries)
        for label, objective in (("weights", lt.ParameterNorm()), ("gradient", lt.GradientNorm())):
            try:
                count, found = newton_iterations(loss, w, objective)
            except (lt.DomainError, lt.InvarianceError) as error:
                rows.append(
                    Measurement(f"{what}, {label}", np.inf, "iterations", 50, note=str(error)[:90])
                )
                continue
            note = f"residual {found.optimality:.1e}, {found.status}; {SWEEPS} sweeps at most"
            rows.append(
                Measurement(f"{what}, {label}", SWEEPS + count, "iterations", 50, note=note)
            )
    return rows
