"""Search in a ball of the Lie algebra: full-step Frank-Wolfe and spectral projected gradients."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.optimize import minimize

from .._errors import DomainError
from ._landscape import Landscape, LinearNorm

__all__ = ["BallResult", "search_ball"]

MEMORY = 8  # values that the nonmonotone line search remembers
FEW = 16  # dimensions in which searching from both ends of every axis costs next to nothing
LARGEST = 200.0  # largest coordinate without a radius
LONGEST = 5.0  # longest single step in the algebra: beyond it the exponential's model is useless


@dataclass(frozen=True)
class BallResult:
    """Where a search in the ball ended.

    Attributes
    ----------
    x : array (dim,)
        Algebra vector; the element is ``exp(x) center``.
    score : float
        The scaled objective there, to be maximised.
    residual : float
        Norm of the projected gradient step.
    iterations : int
    converged, on_boundary : bool
    beyond : bool
        Whether elements that rounding does not bear were met.
    """

    x: np.ndarray
    score: float
    residual: float
    iterations: int
    converged: bool
    on_boundary: bool
    beyond: bool = False


def search_ball(
    field: Landscape,
    center: Any,
    *,
    sign: float,
    radius: float | None,
    tol: float,
    max_iterations: int,
    start: np.ndarray | None = None,
    box: float | None = None,
    bears: Callable[[Any], bool] | None = None,
) -> BallResult:
    """Maximise ``sign * score(exp(x) center)`` over ``||x|| <= radius`` or ``|x_i| <= box``.

    Elements that rounding does not ``bear`` are no better than what is undefined.
    """
    group = field.group
    calls, beyond = 0, False
    best: tuple[float, np.ndarray] = (-np.inf, np.zeros(group.dim))

    def evaluate(x: np.ndarray) -> tuple[float, np.ndarray]:
        nonlocal calls, best
        if calls >= max_iterations:
            raise _Spent
        calls += 1
        value, slope = at(x)
        if value > best[0]:
            best = value, x.copy()
        return value, slope

    def at(x: np.ndarray) -> tuple[float, np.ndarray]:
        nonlocal beyond
        try:
            g = group.compose(group.exp(x), center)
            if bears is not None and not bears(g):
                beyond = True
                return -np.inf, np.zeros(group.dim)
            value, slope = field.score(g)
        except DomainError:
            return -np.inf, np.zeros(group.dim)  # outside the action's domain: never accepted
        if not np.isfinite(value) or not np.all(np.isfinite(slope)):
            return -np.inf, np.zeros(group.dim)
        return sign * value, sign * group.exp_pullback(x, slope)

    try:
        x = np.zeros(group.dim) if start is None else project(start, radius)
        value, slope = evaluate(x)
        if sign > 0 and radius is not None and isinstance(field, LinearNorm):
            x, value, slope = _frank_wolfe(evaluate, x, value, slope, radius, tol)
            if group.dim <= FEW:
                x, value, slope = _elsewhere(at, (x, value, slope), radius, tol)
        if radius is None:
            result = _quasi_newton(evaluate, x, tol, max_iterations, box)
        else:
            result = _projected_gradient(evaluate, x, value, slope, radius, tol)
    except _Spent:
        value, x = best
        return BallResult(x, value, np.inf, calls, False, _outside(x, radius, box), beyond)
    return replace(result, iterations=calls, beyond=beyond)


class _Spent(Exception):
    """The evaluations allowed are used up."""


def project(x: np.ndarray, radius: float | None) -> np.ndarray:
    """Return the nearest point of the ball."""
    length = float(np.linalg.norm(x))
    return x * (radius / length) if radius is not None and length > radius else x


def _outside(x: np.ndarray, radius: float | None, box: float | None) -> bool:
    """Whether ``x`` is on the boundary of the ball or the box."""
    if radius is not None:
        return float(np.linalg.norm(x)) >= radius * (1 - 1e-6)
    return box is not None and float(np.max(np.abs(x), initial=0.0)) >= box * (1 - 1e-6)


def _quasi_newton(
    evaluate: Any, x: np.ndarray, tol: float, max_iterations: int, box: float | None
) -> BallResult:
    """Without a radius: SciPy's L-BFGS, in a box that at least keeps the exponential finite."""
    limit = LARGEST if box is None else box

    def negative(x: np.ndarray) -> tuple[float, np.ndarray]:
        value, slope = evaluate(x)
        return (-value, -slope) if np.isfinite(value) else (1e300, -slope)

    found = minimize(
        negative,
        x,
        jac=True,
        method="L-BFGS-B",
        bounds=[(-limit, limit)] * len(x),
        options={"maxfun": max_iterations, "maxiter": max_iterations, "gtol": tol, "ftol": 1e-13},
    )
    move = np.clip(found.x - found.jac, -limit, limit) - found.x
    residual = float(np.max(np.abs(move), initial=0.0))
    return BallResult(
        found.x,
        -float(found.fun),
        residual,
        found.nfev,
        found.status == 0,
        _outside(found.x, None, box),
    )


def _frank_wolfe(
    evaluate: Any, x: np.ndarray, value: float, slope: np.ndarray, radius: float, tol: float
) -> tuple[np.ndarray, float, np.ndarray]:
    """Full steps to the ball's boundary: monotone where the objective is convex."""
    while True:
        length = float(np.linalg.norm(slope))
        if not length > 0:
            return x, value, slope
        ahead = slope * (radius / length)
        new_value, new_slope = evaluate(ahead)
        if not new_value > value + tol * max(1.0, abs(value)):
            if new_value > value:
                x, value, slope = ahead, new_value, new_slope
            return x, value, slope
        x, value, slope = ahead, new_value, new_slope


def _elsewhere(
    at: Any, found: tuple[np.ndarray, float, np.ndarray], radius: float, tol: float
) -> tuple[np.ndarray, float, np.ndarray]:
    """Full steps from both ends of every axis as well: a convex function has many maxima.

    Without data an evaluation costs microseconds in so few dimensions; they are not counted.
    """
    for axis in np.vstack([np.eye(len(found[0])), -np.eye(len(found[0]))]):
        value, slope = at(radius * axis)
        other = _frank_wolfe(at, radius * axis, value, slope, radius, tol)
        if other[1] > found[1]:
            found = other
    return found


def _projected_gradient(
    evaluate: Any,
    x: np.ndarray,
    value: float,
    slope: np.ndarray,
    radius: float | None,
    tol: float,
) -> BallResult:
    """Spectral projected gradient ascent (Birgin, Martinez & Raydan 2000)."""
    best = (x, value, slope)
    history = [value]
    length = float(np.linalg.norm(slope))
    step = min(1.0, 1.0 / length) if length > 0 else 1.0
    converged = False
    residual = float(np.linalg.norm(project(x + slope, radius) - x))
    while True:
        residual = float(np.linalg.norm(project(x + slope, radius) - x))
        if residual <= tol:
            converged = True
            break
        direction = project(project(x + step * slope, radius) - x, LONGEST)
        ascent = float(direction @ slope)
        t, floor = 1.0, min(history[-MEMORY:])
        while True:
            new_x = x + t * direction
            new_value, new_slope = evaluate(new_x)
            if new_value >= floor + 1e-4 * t * ascent or t < 1e-10:
                break
            t *= 0.5 if not np.isfinite(new_value) else 0.3
        if not np.isfinite(new_value) or t < 1e-10:
            converged = True  # no ascent left to rounding
            break
        s, y = new_x - x, new_slope - slope
        curvature = -float(s @ y)
        step = float(s @ s) / curvature if curvature > 0 else 10.0 * step
        step = min(max(step, 1e-10), 1e10)
        x, value, slope = new_x, new_value, new_slope
        history.append(value)
        if value > best[1]:
            best = (x, value, slope)
        if len(history) > 2 * MEMORY and max(history[-MEMORY:]) - max(history[:-MEMORY]) <= (
            tol * 1e-2 * max(1.0, abs(value))
        ):
            converged = True
            break
    x, value, slope = best
    return BallResult(x, value, residual, 0, converged, _outside(x, radius, None))
