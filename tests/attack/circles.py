"""Circles that invite a false optimum: charts with something narrow, and fast rotations.

A chart ``(x, y + b(x))`` has an inverse whatever b is: polynomials, bumps, steps, waves and
poles. The brute force looks at a grid, and closely where b changes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from liegroup_teleport import GradientNorm, ParameterNorm
from liegroup_teleport.groups import (
    ChartRotation,
    HiddenIndex,
    MatrixGroup,
    Orthogonal,
    SymmetryGroup,
)
from liegroup_teleport.losses import Loss, from_function
from liegroup_teleport.orbit import Objective

__all__ = ["Turning", "best_turn", "turning"]


@dataclass(frozen=True)
class Turning:
    """A circle acting on the parameters, a loss that it leaves alone, and what to ask."""

    group: SymmetryGroup
    loss: Loss
    w: dict[str, np.ndarray]
    objective: Objective
    sense: str
    radius: float | None
    half: float
    close: tuple[float, ...]
    what: str


def _bend(rng: np.random.Generator) -> tuple[str, Callable, Callable, float]:
    """Return a function b, its derivative, and where it changes most."""
    kind = str(rng.choice(["polynomial", "bump", "wave", "step", "pole"]))
    at, width = float(rng.uniform(-1, 1)), float(10 ** rng.uniform(-6, 0))
    size = float(rng.choice([0.01, 1.0]))
    if kind == "polynomial":
        p = np.polynomial.Polynomial(rng.normal(size=int(rng.integers(2, 6))))
        c, d = p.coef, p.deriv().coef

        def horner(c: np.ndarray, x: float) -> float:
            total = 0 * x
            for a in c[::-1]:
                total = total * x + a
            return total

        return kind, lambda x: horner(c, x), lambda x: horner(d, x), at
    if kind == "bump":
        return (
            f"bump {width:.0e}",
            lambda x: size * np.exp(-(((x - at) / width) ** 2)),
            lambda x: -2 * size * (x - at) / width**2 * np.exp(-(((x - at) / width) ** 2)),
            at,
        )
    if kind == "wave":
        k = int(rng.integers(1, 300))
        return f"wave {k}", lambda x: np.sin(k * x) / k, lambda x: np.cos(k * x), at
    if kind == "step":
        return (
            kind,
            lambda x: np.where(x > at, (x - at) ** 2 / width, 0 * x),
            lambda x: np.where(x > at, 2 * (x - at) / width, 0 * x),
            at,
        )
    return (
        f"pole {width:.0e}",
        lambda x: size / (1 + ((x - at) / width) ** 2),
        lambda x: -2 * size * (x - at) / width**2 / (1 + ((x - at) / width) ** 2) ** 2,
        at,
    )


def _chart(rng: np.random.Generator) -> tuple:
    what, b, slope, at = _bend(rng)
    group = ChartRotation(
        chart=lambda w: np.array([w[0], w[1] + b(w[0])]),
        inverse_chart=lambda z: np.array([z[0], z[1] - b(z[0])]),
        jacobian=lambda w: np.array([[1.0, 0.0], [slope(w[0]), 1.0]]),
    )
    w = {"w": rng.normal(size=2)}

    def gradient(w: dict) -> dict:
        return {"w": 2 * group.jacobian(w["w"]).T @ group.chart(w["w"])}

    loss = from_function(lambda w: float(np.sum(group.chart(w["w"]) ** 2)), gradient)
    z = group.chart(w["w"])
    length, start = float(np.hypot(*z)), float(np.arctan2(z[1], z[0]))
    close = ()
    if abs(at) < length:  # where the first coordinate passes the place
        close = tuple(s * np.arccos(at / length) - start for s in (1, -1))
    return group, loss, w, close, f"chart with {what}"


def _planes(rng: np.random.Generator) -> tuple:
    J = np.array([[0.0, -1.0], [1.0, 0.0]])
    speeds = [int(k) for k in rng.integers(1, 31, int(rng.integers(1, 4)))]
    n = 2 * len(speeds)
    X = np.zeros((n, n))
    S = np.diag(2.0 ** rng.integers(-2, 3, n))  # exact: the speeds stay whole
    for i, k in enumerate(speeds):
        X[2 * i : 2 * i + 2, 2 * i : 2 * i + 2] = k * J
    inverse = np.diag(1 / np.diag(S))
    group = MatrixGroup([S @ X @ inverse], {"w": (n,)})

    def value(w: dict) -> float:
        return float(np.sum(np.sum((inverse @ w["w"]).reshape(-1, 2) ** 2, axis=1) ** 2))

    def gradient(w: dict) -> dict:
        z = (inverse @ w["w"]).reshape(-1, 2)
        return {"w": inverse.T @ (4 * z * np.sum(z**2, axis=1, keepdims=True)).reshape(-1)}

    w = {"w": rng.normal(size=n)}
    return group, from_function(value, gradient), w, (), f"planes at speeds {speeds}"


def _hidden(rng: np.random.Generator) -> tuple:
    index = HiddenIndex(2, written=[("W", 0), ("b", 0)], read=[("V", 1)])
    group = Orthogonal([index])
    T = rng.normal(size=(3, 3))

    def residual(w: dict) -> np.ndarray:
        return w["V"] @ w["W"] - T

    def gradient(w: dict) -> dict:
        R = residual(w)
        return {"W": w["V"].T @ R, "V": R @ w["W"].T, "b": 2 * w["b"] * np.sum(w["b"] ** 2)}

    def value(w: dict) -> float:
        return float(np.sum(residual(w) ** 2) / 2 + np.sum(w["b"] ** 2) ** 2 / 2)

    shapes = {"W": (2, 3), "V": (3, 2), "b": (2,)}
    w = {name: rng.normal(size=shape) for name, shape in shapes.items()}
    return group, from_function(value, gradient), w, (), "a hidden index of two"


def turning(rng: np.random.Generator) -> Turning:
    """Return a random circle, loss, start, objective, sense and radius."""
    kind = rng.choice(["chart", "planes", "hidden"], p=[0.7, 0.2, 0.1])
    make = {"chart": _chart, "planes": _planes, "hidden": _hidden}[str(kind)]
    group, loss, w, close, what = make(rng)
    objective: Objective = GradientNorm() if rng.random() < 0.5 else ParameterNorm()
    sense = "max" if rng.random() < 0.5 else "min"
    radius = None if rng.random() < 0.6 else float(rng.uniform(0.01, 3.0))
    half = np.pi
    if isinstance(group, MatrixGroup):
        half = np.pi * np.sqrt(len(group.speeds) and sum(k * k for k in group.speeds))
    what += f", {type(objective).__name__} {sense}, radius {radius}"
    return Turning(group, loss, w, objective, sense, radius, half, close, what)


def best_turn(case: Turning, count: int = 1500) -> float:
    """Return the best norm of a grid of angles, finer where something may be narrow."""
    limit = case.half if case.radius is None else min(case.half, case.radius)
    angles = [np.linspace(-limit, limit, count + 1)]
    for place in case.close:
        place = (place + np.pi) % (2 * np.pi) - np.pi
        around = 10.0 ** np.linspace(-9, -1, 120)
        angles.append(np.clip(np.concatenate([place - around, place + around]), -limit, limit))
    values = []
    for t in np.concatenate(angles):
        moved = case.group.act(case.group.exp(np.array([np.sqrt(2.0) * t])), case.w)
        v = moved if isinstance(case.objective, ParameterNorm) else case.loss.gradient(moved)
        values.append(sum(float(np.sum(a * a)) for a in v.values()))
    return max(values) if case.sense == "max" else min(values)
