"""Newton ascent in a ball of the algebra, for objectives whose Hessian costs no data."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ._ball import BallResult, project

__all__ = ["newton_ball"]

ARMIJO = 1e-4
SHORTEST = 1e-9  # step lengths below it gain nothing to rounding
ROUNDED = 1e-6  # residual that a maximum may show where no step gains any more

Curved = Callable[[np.ndarray], tuple[float, np.ndarray, np.ndarray]]


def newton_ball(
    evaluate: Curved, start: np.ndarray, *, radius: float | None, tol: float, max_iterations: int
) -> BallResult:
    """Maximise over ``||x|| <= radius``, from ``start`` in the ball.

    Curvatures of the wrong sign are reversed, so that every step ascends (saddle-free Newton,
    Dauphin et al. 2014). On the boundary the step is that on the sphere, with the Hessian of the
    Lagrangian (Absil, Mahony & Sepulchre 2008, section 5.3).

    Parameters
    ----------
    evaluate : callable
        ``x -> (value, gradient, Hessian)``, of shapes (), (dim,) and (dim, dim).
    start : array (dim,)
    radius : float or None
        ``None``: no bound.
    tol : float
        Stop where the projected gradient step is at most this long.
    max_iterations : int
        Most evaluations.
    """
    x = project(start, radius)
    value, slope, hessian = evaluate(x)
    calls, residual, ended = 1, np.inf, False
    if not _finite(value, slope, hessian):
        return BallResult(x, -np.inf, np.inf, calls, False, False)
    while calls < max_iterations:
        residual = float(np.linalg.norm(project(x + slope, radius) - x))
        if residual <= tol:
            ended = True
            break
        on_sphere = radius is not None and bool(
            np.linalg.norm(x) >= radius * (1 - 1e-10) and slope @ x > 0
        )
        if on_sphere:
            outward = float(slope @ x) / float(x @ x)
            step = _newton(*_tangent(x, slope - outward * x, hessian, outward))
        else:
            step = _newton(slope, hessian)
        found = None
        t = 1.0
        while found is None and t > SHORTEST and calls < max_iterations:
            ahead = x + t * step
            if on_sphere:
                ahead *= float(radius) / float(np.linalg.norm(ahead))  # type: ignore[arg-type]
            ahead = _truncated(x, ahead, radius)
            trial = evaluate(ahead)
            calls += 1
            least = value + ARMIJO * max(float(slope @ (ahead - x)), 0.0)
            if _finite(*trial) and trial[0] >= least and trial[0] > value:
                found = ahead, *trial
            t *= 0.3
        if found is None:
            ended = calls < max_iterations and residual <= ROUNDED
            break
        x, value, slope, hessian = found
    residual = float(np.linalg.norm(project(x + slope, radius) - x))
    on_boundary = radius is not None and bool(np.linalg.norm(x) >= radius * (1 - 1e-6))
    return BallResult(x, value, residual, calls, ended or residual <= tol, on_boundary)


def _finite(value: float, slope: np.ndarray, hessian: np.ndarray) -> bool:
    return bool(np.isfinite(value) and np.all(np.isfinite(slope)) and np.all(np.isfinite(hessian)))


def _newton(slope: np.ndarray, hessian: np.ndarray) -> np.ndarray:
    """Return the Newton step with every curvature negative, and larger by the slope's length.

    No step is longer than 1, directions in which the objective is flat hardly move, and near a
    maximum, where the slope vanishes, it is Newton's (Li, Fukushima, Qi & Yamashita 2004).
    """
    curvatures, directions = np.linalg.eigh(hessian)
    sizes = np.abs(curvatures) + np.sqrt(slope @ slope)
    return directions @ ((directions.T @ slope) / np.maximum(sizes, 1e-300))


def _tangent(
    x: np.ndarray, slope: np.ndarray, hessian: np.ndarray, outward: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return gradient and Hessian on the sphere at ``x``, in the space around it.

    Along the normal the gradient is zero, so any curvature will do there: it is -1.
    """
    normal = x / np.sqrt(x @ x)
    inside = hessian - outward * np.eye(len(x))
    across = inside @ normal
    across -= normal * ((normal @ across - 1.0) / 2)
    crossed = np.multiply.outer(normal, across)
    return slope - normal * (normal @ slope), inside - crossed - crossed.T


def _truncated(x: np.ndarray, ahead: np.ndarray, radius: float | None) -> np.ndarray:
    """Return the last point in the ball on the way from ``x``."""
    if radius is None or np.linalg.norm(ahead) <= radius:
        return ahead
    d = ahead - x
    a, b, c = float(d @ d), float(x @ d), float(x @ x) - radius**2
    t = (-b + np.sqrt(max(b * b - a * c, 0.0))) / a
    end = x + t * d
    return end if t > 1e-8 else project(ahead, radius)
