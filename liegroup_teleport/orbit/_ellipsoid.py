"""Teleports on ellipsoids: the level sets of a quadratic, whatever function of it the loss is."""

from __future__ import annotations

import numpy as np

from .._arrays import epsilon, host, norm
from ..losses import Quadratic
from ..losses._counted import original
from ._landscape import PointwiseLandscape
from ._objectives import GradientNorm, LineSearchDecrease, PredictedDecrease
from ._problem import OrbitPoint, Problem
from ._quadratic import Turn, turn

__all__ = ["is_own_quadratic", "solve_ellipsoid"]

PROVED = 1e-8  # relative gap to a proved bound at which an optimum is called that
ALONG = 4096.0  # roundings by which a gradient along A y may leave that line


def is_own_quadratic(problem: Problem) -> bool:
    """Whether the loss is the very quadratic that the group belongs to."""
    if not isinstance(problem.field, PointwiseLandscape):
        return False
    own = problem.group.loss  # type: ignore[attr-defined]
    loss = original(problem.field.loss)
    if loss is own:
        return type(own) is Quadratic
    return (
        type(loss) is Quadratic
        and type(own) is Quadratic
        and isinstance(loss.A, np.ndarray)
        and isinstance(own.A, np.ndarray)
        and np.array_equal(loss.A, own.A)
        and np.array_equal(loss.minimum, own.minimum)
    )


def _factor(problem: Problem, Ay: np.ndarray) -> float | None:
    """Return the k of ``gradient = k A y``, constant on a level set; ``None`` if it is not so.

    A loss that is a function h of ``y^T A y`` has ``k = 2 h'``.
    """
    g = host(problem.gradient["w"])
    size = float(np.max(np.abs(Ay), initial=0.0))
    if not size > 0:
        return 1.0
    unit = Ay / size
    factor = float(g @ unit) / float(unit @ unit)
    rest = float(np.linalg.norm(g - factor * unit))
    if not rest <= ALONG * epsilon(problem.w) * float(np.linalg.norm(g)):
        return None
    return factor / size


def _is_spectral(problem: Problem) -> bool:
    """Whether an extreme eigenvector of A is the answer."""
    objective = problem.objective
    if isinstance(objective, GradientNorm):
        return True
    if problem.sense == "min" or problem.radius is not None or not is_own_quadratic(problem):
        return False
    if isinstance(objective, LineSearchDecrease):
        return True
    # beyond 1/lambda_1 the best eigenvalue for a given step lies inside the spectrum
    return (
        isinstance(objective, PredictedDecrease)
        and objective.optimizer_state is None
        and problem.group.loss.n > 64  # type: ignore[attr-defined]
    )


def solve_ellipsoid(problem: Problem) -> OrbitPoint | None:
    """Turn to the extreme eigenvector, or as far as a radius allows; say what is proved of it.

    ``None`` where the objective is another, or the gradient is not along ``A (w - w*)``: then
    the loss is not the group's quadratic, nor a function of it.
    """
    group, loss = problem.group, problem.group.loss  # type: ignore[attr-defined]
    y = host(problem.w["w"]) - loss.minimum
    factor = _factor(problem, np.asarray(loss.A @ y))
    if factor is None or not _is_spectral(problem):
        return None
    found = turn(group, y, problem.sense, problem.radius)  # type: ignore[arg-type]
    start = {"w": np.asarray(loss.A @ y)}  # in double precision whatever the parameters are in
    v = group.act_cotangent(found.element, start, start)["w"]
    Av = np.asarray(loss.A @ v)
    squared, bent = float(v @ v), float(v @ Av)
    eigen = bent / (squared or 1.0)
    scale = np.sqrt(squared) * (abs(eigen) or 1.0)
    residual = float(np.linalg.norm(Av - eigen * v)) / (scale or 1.0)
    if not isinstance(problem.objective, GradientNorm):
        return _kantorovich(problem, found, residual, y, squared**2 / (2 * bent) if bent else 0.0)
    squared *= factor**2
    bound, gap = None if found.bound is None else found.bound * factor**2, np.inf
    if bound is not None:  # what the objective shows is rounded in the parameters' precision
        length = np.sqrt(squared)
        rounding = 8 * epsilon(problem.w) * max(norm(problem.gradient), length) * length
        gap = max(problem.sign * (bound - squared), 0.0) / (squared or 1.0)
        bound += problem.sign * rounding
    proved = gap <= PROVED
    if found.on_boundary:
        best = (
            f"best point of the spherical cap, to a proved {gap:.1g}"
            if proved
            else "a locally best point of the spherical cap"
        )
        message = f"turned by the radius {problem.radius:.4g}; {best}"
        return OrbitPoint(found.element, "boundary", message, gap if proved else residual, bound)
    if proved:
        message = (
            f"turned by {found.angle:.4g} to the {problem.sense}imal eigenvalue {eigen:.6g} of A, "
            f"which no other exceeds by more than {gap:.1g} of it (inertia)"
        )
        return OrbitPoint(found.element, "optimal", message, residual, bound)
    message = (
        "turned to an eigenvector of A; " if found.separated else "turned as far as it gained; "
    )
    if bound is None:
        message += "that no eigenvalue lies beyond is not proved"
    else:
        message += f"within {gap:.1g} of a proved bound"
    return OrbitPoint(found.element, "converged", message, residual, bound)


def _kantorovich(
    problem: Problem, found: Turn, residual: float, y: np.ndarray, reached: float
) -> OrbitPoint:
    """Decreases: at any eigenvector one step reaches the minimum, and none brings more."""
    loss = problem.group.loss  # type: ignore[attr-defined]
    bound = None
    if type(loss) is Quadratic and loss.positive_definite is True:
        value = float(y @ np.asarray(loss.A @ y)) / 2
        bound = value + loss.value_rounding(problem.w)
    message = f"turned by {found.angle:.4g} to an eigenvector of A"
    if not found.separated:
        message = "turned towards a cluster of eigenvectors of A"
    exact = bound is not None and bound - reached <= PROVED * bound
    if isinstance(problem.objective, LineSearchDecrease) and exact:
        message += ": one step reaches the minimum (Kantorovich's inequality)"
        return OrbitPoint(found.element, "optimal", message, residual, bound)
    return OrbitPoint(found.element, "converged", message, residual, bound)
