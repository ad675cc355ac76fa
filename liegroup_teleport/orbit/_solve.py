"""Choosing the search for a group and an objective, and reporting how it ended."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from .._errors import UnboundedOrbitError
from ..groups import QuadraticOrthogonal
from ._ball import BallResult, search_ball
from ._circle import Circle, solve_circle
from ._ellipsoid import solve_ellipsoid
from ._existence import leads_to_zero
from ._gram import GramDecrease
from ._hidden_states import HiddenStatesNorm
from ._landscape import Landscape, LinearNorm
from ._low_rank import RANK, climb
from ._minimum import minimum, to_zero
from ._newton import newton_ball
from ._objectives import PredictedDecrease
from ._problem import TRUST, OrbitPoint, Problem, Status
from ._projection import projection
from ._separable import Separable
from ._stability import Stability

__all__ = ["solve"]

FLAT = 1e-12  # relative slope below which the objective counts as constant
CRITICAL = 1e-6  # relative slope below which a starting point counts as critical
DENSE = 32  # hidden widths whose matrix exponentials are cheap beside a gradient
SINGLE = 8.0  # largest radius whose stretches single precision can hold
NARROW = 2.0**-53  # half the distance of one from the next number
STEEP = 1e-5  # slope above which an end without a further step is not called converged
HOLDS = 60  # times that an element is drawn into its bound
LEAST = 1e-6  # gain of the logarithm that single precision can tell from none


def solve(problem: Problem) -> OrbitPoint:
    """Search the orbit with the best method known for the problem.

    Raises
    ------
    UnboundedOrbitError
        When maximising on a non-compact orbit without a bound.
    """
    group, objective = problem.group, problem.objective
    if group.dim == 0:
        return OrbitPoint(group.identity(), "identity", "the group has dimension 0", 0.0)
    if _nowhere(problem):
        message = "the bound is narrower than the rounding of the identity: there is nowhere to go"
        return OrbitPoint(group.identity(), "identity", message, 0.0)
    bounded = any(b is not None for b in (problem.radius, problem.box, problem.stability))
    if problem.sense == "max" and objective.unbounded and not group.compact and not bounded:
        return _unbounded(problem)
    projected = projection(problem)
    if projected is not None:
        return projected
    if type(group) is QuadraticOrthogonal:  # a subclass may act otherwise
        turned = solve_ellipsoid(problem)
        if turned is not None:
            return turned
    if group.dim == 1 and group.compact and problem.stability is None:
        circle = Circle.of(group)
        if circle is not None:
            return solve_circle(problem, circle)
    if problem.sense == "min" and problem.field.convex and problem.stability is None:
        found = minimum(problem)
        if found is not None:
            return found
    if problem.sense == "min" and not bounded and _vanishes(problem.field):
        near = _ball(replace(problem, radius=TRUST))
        return to_zero(replace(near, message="a one-parameter subgroup takes the vector to zero"))
    if isinstance(problem.field, HiddenStatesNorm) and problem.stability is None:
        return _hidden_states(problem, problem.field)
    if problem.sense == "max" and isinstance(problem.field, LinearNorm):
        separable = Separable.of(problem.field)
        if separable is not None and problem.stability is None:
            return _separable(problem, problem.field, separable)
    return _ball(problem)


def _vanishes(field: Landscape) -> bool:
    """Whether the objective is a norm, not zero, with an infimum of zero that is proved."""
    if not isinstance(field, LinearNorm) or field.convex or not field.size > 0:
        return False
    return leads_to_zero(field.group, field.given, field.dual)


def _nowhere(problem: Problem) -> bool:
    """Whether no element other than the identity is within the radius or box, to rounding."""
    bounds = [b for b in (problem.radius, problem.box) if b is not None]
    return bool(bounds) and min(bounds) < NARROW and not problem.group.translational


def _unbounded(problem: Problem) -> OrbitPoint:
    _, slope = problem.field.score(problem.group.identity())
    _, far = problem.field.score(problem.group.random_element(problem.rng, 1.0))
    if max(float(np.linalg.norm(slope)), float(np.linalg.norm(far))) <= FLAT:
        return OrbitPoint(
            problem.group.identity(), "identity", "the objective is constant on the orbit", 0.0
        )
    raise UnboundedOrbitError(
        f"{type(problem.objective).__name__} has no maximum: the orbit of "
        f"{type(problem.group).__name__} is not compact and the objective grows without limit "
        "along it. Give radius=... (geodesic distance from the identity), "
        "box=... (largest log scale of a rescaling), stability=(learning_rate, c), or an "
        "objective that is bounded, such as LineSearchDecrease()."
    )


def _separable(problem: Problem, field: LinearNorm, terms: Separable) -> OrbitPoint:
    """Maximise a norm over one hidden index's scales: proved in a box, bounded in a ball."""
    group, unit = problem.group, field.size**2
    if problem.box is not None:
        x, bound = terms.in_box(problem.box)
        return OrbitPoint(
            group.exp(x),
            "optimal",
            f"convex in each of the {group.dim} log-scales: the best corner of the box",
            0.0,
            bound * unit,
        )
    ball = terms.in_ball(float(problem.radius or 0.0))
    if ball is None:
        return _ball(problem)
    start, bound = ball
    found = _ball(problem, start)
    gap = bound * unit / (field.value(found.element) or 1.0) - 1
    message = f"{found.message}; within {max(gap, 0.0):.2g} of a proved bound"
    return replace(found, message=message, bound=bound * unit)


def _hidden_states(problem: Problem, field: HiddenStatesNorm) -> OrbitPoint:
    """Search in the algebra, or by stretches of low rank where its exponentials are dear.

    Those maximise within a radius, in single precision as long as that holds their size: it is
    enough to choose a step, and the end is computed in double. Activations with kinks have
    slopes that do not vanish at a maximum: such an end is not called converged.
    """
    wide = max(field.group.matrices.slots.sizes) > DENSE
    if problem.radius is None or problem.sign < 0 or not wide:
        point = _ball(problem)
        if point.status != "converged" or point.optimality <= problem.tol:
            return point
        message = (
            f"no step in the Lie algebra gains any more, at slope {point.optimality:.3g}; "
            f"tol is {problem.tol:.3g}"
        )
        return replace(point, status="iteration_limit", message=message)
    found = climb(
        field.batch.astype(np.float32) if problem.radius <= SINGLE else field.batch,
        field.start(),
        radius=problem.radius,
        least=LEAST,
        max_evaluations=problem.max_iterations,
        rng=problem.rng,
    )
    element = tuple(p.pair() for p in found.places)
    if not found.gains:
        message = f"no stretch gained within {found.evaluations} evaluations"
        return OrbitPoint(element, "identity", message, found.residual)
    status: Status = "boundary" if found.radius == problem.radius else "iteration_limit"
    where = "on the radius" if status == "boundary" else f"at {found.radius:.4g} of the radius"
    why = (
        "one more gains nothing; other directions were not searched"
        if found.ended
        else f"{found.evaluations} evaluations are used up"
    )
    message = (
        f"{where} {problem.radius:.4g} after full steps of rank {RANK} ({len(found.gains)}); {why}"
    )
    landing = field.land(found.places)
    return OrbitPoint(element, status, message, found.residual, landing=landing)


def _ball(problem: Problem, start: np.ndarray | None = None) -> OrbitPoint:
    """Search in the algebra, from the identity unless told otherwise."""
    group = problem.group
    if problem.stability is not None:
        return _stable(problem, problem.stability)
    found = _search(problem, start)
    ended = found.converged and found.residual <= STEEP
    if found.beyond and not ended and problem.radius is None and problem.box is None:
        # nothing holds the search back but rounding: what lies there is of no use
        near = _ball(replace(problem, radius=TRUST), start)
        message = f"elements beyond cost too many digits; {near.message}"
        status: Status = "iteration_limit" if near.status == "boundary" else near.status
        return replace(near, status=status, message=message)
    g = group.exp(_held(problem, found.x))
    how = "Newton's method" if _curved(problem) else "projected gradients"
    if found.on_boundary:
        where = _bound_of(problem)
        return OrbitPoint(g, "boundary", f"{where}, by {how} in the Lie algebra", found.residual)
    if found.converged and found.residual <= STEEP:
        return OrbitPoint(g, "converged", f"critical point by {how}; local", found.residual)
    if found.converged:
        message = f"no step gains any more, at slope {found.residual:.3g}"
        return OrbitPoint(g, "iteration_limit", message, found.residual)
    return OrbitPoint(
        g, "iteration_limit", f"stopped after {found.iterations} evaluations", found.residual
    )


def _held(problem: Problem, x: np.ndarray) -> np.ndarray:
    """Draw an algebra vector in until its element, rounded, is within the radius or the box.

    Numbers next to one are 1e-16 apart: of a radius of 1e-12 that is a part in ten thousand.
    """
    for _ in range(HOLDS):
        excess = _excess(problem, x)
        if not excess > 1.0:
            return x
        x = x * ((1 - 2.0**-52) / excess)
    return np.zeros_like(x)


def _excess(problem: Problem, x: np.ndarray) -> float:
    """Return how far ``exp(x)`` is from the identity, in units of the radius or the box."""
    if problem.radius is None and problem.box is None:
        return 0.0
    g = problem.group.exp(x)
    if problem.radius is not None:
        return problem.group.distance(g) / problem.radius
    return float(np.max(np.abs(problem.group.log(g)), initial=0.0)) / float(problem.box or 1.0)


def _curved(problem: Problem) -> bool:
    """Whether the Hessian is at hand and there is a ball to stay in."""
    inside = problem.radius is not None and problem.sign > 0
    return inside and isinstance(problem.field, GramDecrease)


def _search(problem: Problem, start: np.ndarray | None = None) -> BallResult:
    """Search by Newton's method in a ball where the Hessian is at hand, else by gradients.

    Without a ball the predicted decrease has maxima far out where it hardly rises: gradients
    stay near the identity, Newton's method would go there.
    """
    field, radius = problem.field, problem.radius
    if start is None and float(np.linalg.norm(field.score(field.group.identity())[1])) <= CRITICAL:
        # a critical point: leave it in a random direction, or stay if that gains nothing
        x = problem.rng.standard_normal(field.group.dim)
        start = x * (min(radius or 0.1, 0.1) / float(np.linalg.norm(x)))
    if isinstance(field, GramDecrease) and _curved(problem):
        return newton_ball(
            field.curved,
            np.zeros(field.group.dim) if start is None else start,
            radius=radius,
            tol=problem.tol,
            max_iterations=problem.max_iterations,
        )
    return search_ball(
        field,
        field.group.identity(),
        sign=problem.sign,
        radius=radius,
        tol=problem.tol,
        max_iterations=problem.max_iterations,
        start=start,
        box=problem.box,
        bears=lambda g: problem.limits.bears(field.group, g),
    )


def _bound_of(problem: Problem) -> str:
    if problem.radius is None:
        return f"on the box |log scale| <= {problem.box:.4g}"
    return f"on the radius {problem.radius:.4g}"


def _stable(problem: Problem, stability: Stability) -> OrbitPoint:
    """Search without the stability bound, then shorten the geodesic until the bound holds.

    The unconstrained optimum is a balanced preconditioner; on the way to it all
    units move. Climbing along the bound instead gains more in the next step
    and trains worse, since it spends the curvature allowed on a few units.
    """
    group, field = problem.group, problem.field
    decrease = field.value if isinstance(problem.objective, PredictedDecrease) else None
    found = _search(problem)
    x, shortened = stability.shrink(_held(problem, found.x), group.identity(), decrease)
    x = _held(problem, x)
    if not x.any():
        message = "no element on the geodesic to the best one keeps the stability bound"
        return OrbitPoint(group.identity(), "identity", message, found.residual)
    if shortened or found.on_boundary:
        status: Status = "boundary"
        message = "on the stability bound" if shortened else _bound_of(problem)
    else:
        slow = found.converged and found.residual <= STEEP
        status = "converged" if slow else "iteration_limit"
        message = f"after {found.iterations} evaluations, within the stability bound; local"
    return OrbitPoint(group.exp(x), status, message, found.residual)
