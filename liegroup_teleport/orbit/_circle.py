"""Groups that are circles: the period of their action, and the objective's degree on it.

Both have to be known for a proof. Samples of an objective show neither: between them it may
rise, and an angle of 2 pi may be a part of the circle only.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..groups import (
    ChartRotation,
    DirectProduct,
    MatrixGroup,
    MatrixRepresentation,
    Orthogonal,
    QuadraticOrthogonal,
    SymmetryGroup,
)
from ._angle import Polynomial, search_angle
from ._degree import degree_of, of_degree
from ._ellipsoid import is_own_quadratic
from ._landscape import LinearNorm, PointwiseLandscape
from ._objectives import GradientNorm, LineSearchDecrease, ParameterNorm, PredictedDecrease
from ._problem import OrbitPoint, Problem

__all__ = ["Circle", "solve_circle"]

RATIOS = 64  # least common denominators of speeds that are tried
SHARE = 1e-9  # relative error of a ratio of speeds


@dataclass(frozen=True)
class Circle:
    """A one-parameter group that closes, in the angle t of ``exp(sqrt(2) t x)``, x of length 1.

    Attributes
    ----------
    period : float
        After which the action is the identity again.
    speed : int
        Largest frequency of the action on the parameters, in turns per period.
    """

    period: float
    speed: int

    @classmethod
    def of(cls, group: SymmetryGroup) -> Circle | None:
        """Return the circle that a group of this library is; ``None`` where that is not known.

        Of a subclass nothing is known: it may act otherwise.
        """
        kind = type(group)
        if kind is DirectProduct:
            moving = [factor for factor in group.groups if factor.dim]  # type: ignore[attr-defined]
            return cls.of(moving[0]) if len(moving) == 1 else None
        if kind in (QuadraticOrthogonal, ChartRotation):
            return cls(2 * np.pi, 1)
        if kind is Orthogonal:
            turned = Counter(
                (name, index.size)
                for index in group.indices  # type: ignore[attr-defined]
                for name, _ in (*index.written, *index.read)
                if index.size > 1
            )
            return cls(2 * np.pi, max(turned.values(), default=0))
        if kind is MatrixGroup:  # proves its speeds itself
            speeds = group.speeds  # type: ignore[attr-defined]
            found = cls._of_matrix(group._matrix(np.ones(1)))  # type: ignore[attr-defined]
            if speeds is None or found is None or found.speed != max(speeds):
                return None
            return found
        if kind is MatrixRepresentation:
            return cls._of_matrix(group.generators[0])  # type: ignore[attr-defined]
        return None

    @classmethod
    def _of_matrix(cls, X: np.ndarray) -> Circle | None:
        """Return the circle of ``exp(sqrt(2) t X)``, by the ratios of its speeds."""
        values = np.linalg.eigvals(np.sqrt(2.0) * X)
        speeds = np.abs(values.imag)
        largest = float(speeds.max(initial=0.0))
        if not largest > 0 or float(np.max(np.abs(values.real))) > 1e-7 * largest:
            return None
        speeds = speeds[speeds > 1e-7 * largest]
        for parts in range(1, RATIOS + 1):
            unit = float(speeds.min()) / parts
            turns = speeds / unit
            if np.max(np.abs(turns - np.rint(turns)) / turns) < SHARE:
                return cls(2 * np.pi / unit, int(np.rint(turns.max())))
        return None


def solve_circle(problem: Problem, circle: Circle) -> OrbitPoint:
    """Maximise over the circle: proved where period and degree are known, else sampled."""
    group, field = problem.group, problem.field

    def element(angle: float) -> Any:
        return group.exp(np.array([np.sqrt(2.0) * angle]))

    degrees, period = _degrees(problem, circle), circle.period
    with np.errstate(all="ignore"):
        found = search_angle(
            lambda a: field.value(element(a)),
            problem.sign,
            problem.radius,
            period=period,
            degree=degrees if isinstance(degrees, int) else None,
        )
    g = element(found.angle)
    value, slope = field.slope(g)
    bound, proved = found.bound, found.proved
    if isinstance(degrees, tuple) and problem.radius is None:
        bound = _bound_of_ratio(problem, found.value, period, degrees, element)
        proved = bound is not None
    if bound is not None and not isinstance(problem.objective, PredictedDecrease):
        bound = max(bound, 0.0)  # the other objectives are never negative
    optimality = abs(float(slope[0])) / (abs(value) or 1.0)
    if found.on_boundary:
        best = "best angle within the radius"
        best += ", proved" if proved else " that was found"
        return OrbitPoint(g, "boundary", best, optimality, bound)
    if proved:
        where = "all angles" if problem.radius is None else "the angles within the radius"
        return OrbitPoint(
            g,
            "optimal",
            f"the objective is a trigonometric polynomial in the angle; bounded over {where}",
            optimality,
            bound,
        )
    message = "dense sampling of the angle and refinement; not proved"
    return OrbitPoint(g, "converged", message, optimality, bound)


def _degrees(problem: Problem, circle: Circle) -> int | tuple[int, int] | None:
    """Return the degree of the objective in the angle, or of numerator and denominator."""
    group, objective = problem.group, problem.objective
    if isinstance(problem.field, LinearNorm):
        return 2 * circle.speed
    if type(group) is ChartRotation:
        return _traced(problem)
    affine = type(group) in (QuadraticOrthogonal, MatrixGroup) or group.linear
    if not affine:
        return None
    if isinstance(objective, GradientNorm | ParameterNorm):
        return 2 * circle.speed
    if isinstance(problem.field, PointwiseLandscape):
        # B is that of the loss there: of the group's own quadratic A, of others not known
        own = type(group) is QuadraticOrthogonal and is_own_quadratic(problem)
        if not own:
            return None
    # else v^T B v is u^T B(w) u with u = rho^-1 rho^-T v(w)
    if isinstance(objective, PredictedDecrease) and objective.optimizer_state is None:
        return 4 * circle.speed
    if isinstance(objective, LineSearchDecrease):
        return 4 * circle.speed, 4 * circle.speed
    return None


def _traced(problem: Problem) -> int | tuple[int, int] | None:
    """Return the degrees that the chart's own code has on polynomials of the angle.

    The rotated coordinates are of degree one; where the chart, its Jacobians or the loss do
    anything but add and multiply, nothing is known.
    """
    field = problem.field
    group: ChartRotation = problem.group  # type: ignore[assignment]
    if not isinstance(field, PointwiseLandscape):
        return None
    try:
        point = group.inverse_chart(of_degree(2, 1))
        if isinstance(problem.objective, ParameterNorm):
            return 2 * degree_of(point)
        J = np.asarray(group.jacobian(point), dtype=object)
        v = J.T @ of_degree(2, 1)
        squared = degree_of(v @ v)
        if isinstance(problem.objective, GradientNorm):
            return squared
        bent = field.loss.gauss_newton_product(  # type: ignore[attr-defined]
            {group.name: point}, {group.name: v}
        )
        mixed = degree_of(v @ bent[group.name])
    except Exception:  # the code is the user's: whatever it raises, no degree is known
        return None
    if isinstance(problem.objective, LineSearchDecrease):
        return 2 * squared, mixed
    plain = isinstance(problem.objective, PredictedDecrease)
    if plain and problem.objective.optimizer_state is None:  # type: ignore[attr-defined]
        return max(squared, mixed)
    return None


def _bound_of_ratio(
    problem: Problem,
    reached: float,
    period: float,
    degrees: tuple[int, int],
    element: Callable[[float], Any],
) -> float | None:
    """Prove that ``E = N^2 / (2 Q)`` is nowhere better than reached, to a relative 1e-9.

    Against a bound b both ``b Q - N^2 / 2`` and ``Q = N^2 / (2 E)`` are polynomials, and have to
    be positive.
    """
    group, gradient, w = problem.group, problem.gradient, problem.w
    bound = reached * (1 + 1e-9 * problem.sign)
    unit = period / (2 * np.pi)

    def terms(t: float) -> tuple[float, float]:
        g = element(unit * t)
        v = group.act_cotangent(g, w, gradient)
        squared = sum(float(np.sum(np.square(np.asarray(a)))) for a in v.values())
        return squared**2 / 2, squared**2 / (2 * problem.field.value(g))

    def margin(t: float) -> float:
        numerator, denominator = terms(t)
        return problem.sign * (numerator - bound * denominator)

    with np.errstate(all="ignore"):
        over = Polynomial.of(margin, max(degrees))
        under = Polynomial.of(lambda t: -terms(t)[1], degrees[1])
    if over is None or under is None:
        return None
    positive = under.maximum(-np.pi, np.pi)[1] < 0
    return bound if positive and over.maximum(-np.pi, np.pi)[1] <= 0 else None
