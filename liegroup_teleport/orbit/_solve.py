"""Choosing the search for a group and an objective, and reporting how it ended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from .._arrays import Parameters, host
from .._errors import UnboundedOrbitError
from ..groups import GeneralLinear, QuadraticOrthogonal, SymmetryGroup
from ._angle import search_angle
from ._ball import search_ball
from ._convex import minimize_norm
from ._landscape import Landscape, LinearNorm
from ._objectives import GradientNorm, LineSearchDecrease, Objective, PredictedDecrease
from ._quadratic import rotate_to_eigenvector
from ._stability import Stability

__all__ = ["OrbitPoint", "Problem", "solve"]

Status = Literal["optimal", "unattained", "boundary", "converged", "iteration_limit", "identity"]
FLAT = 1e-12  # relative slope below which the objective counts as constant


@dataclass(frozen=True)
class OrbitPoint:
    """The element found and how good it is known to be."""

    element: Any
    status: Status
    message: str
    optimality: float
    bound: float | None = None


@dataclass(frozen=True)
class Problem:
    """One search: maximise ``sign * objective`` over the orbit within the bounds."""

    field: Landscape
    objective: Objective
    sense: Literal["max", "min"]
    w: Parameters
    gradient: Parameters
    radius: float | None
    stability: Stability | None
    rng: np.random.Generator
    tol: float
    max_iterations: int

    @property
    def group(self) -> SymmetryGroup:
        """The group searched."""
        return self.field.group

    @property
    def sign(self) -> float:
        """+1 to maximise, -1 to minimise."""
        return 1.0 if self.sense == "max" else -1.0


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
    bounded = problem.radius is not None or problem.stability is not None
    if problem.sense == "max" and objective.unbounded and not group.compact and not bounded:
        return _unbounded(problem)
    if isinstance(group, QuadraticOrthogonal) and _is_spectral(problem):
        return _quadratic(problem)
    if group.dim == 1 and group.compact and problem.stability is None:
        return _angle(problem)
    if problem.sense == "min" and problem.field.convex and problem.stability is None:
        found = _convex(problem)
        if found is not None:
            return found
    return _ball(problem)


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
        "stability=(learning_rate, c), or an objective that is bounded, such as "
        "LineSearchDecrease()."
    )


def _is_spectral(problem: Problem) -> bool:
    """Whether an extreme eigenvector of A is the answer."""
    objective = problem.objective
    if isinstance(objective, GradientNorm):
        return True
    if problem.sense == "min" or problem.radius is not None:
        return False
    if isinstance(objective, LineSearchDecrease):
        return True
    # beyond 1/lambda_1 the best eigenvalue for a given step lies inside the spectrum
    return (
        isinstance(objective, PredictedDecrease)
        and objective.optimizer_state is None
        and problem.group.loss.n > 64  # type: ignore[attr-defined]
    )


def _quadratic(problem: Problem) -> OrbitPoint:
    group, loss = problem.group, problem.group.loss  # type: ignore[attr-defined]
    y = host(problem.w["w"]) - loss.minimum
    found = rotate_to_eigenvector(group, y, problem.sense, problem.radius)  # type: ignore[arg-type]
    element = found.element
    v = host(group.act_cotangent(element, problem.w, problem.gradient)["w"])
    Av = np.asarray(loss.A @ v)
    length = float(np.linalg.norm(v)) or 1.0
    eigen = float(v @ Av) / length**2
    residual = float(np.linalg.norm(Av - eigen * v)) / (length * (abs(eigen) or 1.0))
    energy = float(y @ np.asarray(loss.A @ y))
    if found.on_boundary:
        return OrbitPoint(
            element,
            "boundary",
            f"turned by the radius {problem.radius:.4g} towards the extreme eigenvector; best "
            "point of the spherical cap, by locally optimal steps",
            residual,
        )
    bound = energy * found.eigenvalue
    if residual > 1e-5:
        return OrbitPoint(
            element, "converged", "turned to an approximate extreme eigenvector of A", residual
        )
    if isinstance(problem.objective, LineSearchDecrease):
        bound = energy / 2
    elif isinstance(problem.objective, PredictedDecrease):
        return OrbitPoint(
            element, "converged", "turned to the top eigenvector of A", residual, energy / 2
        )
    return OrbitPoint(
        element,
        "optimal",
        f"turned by {found.angle:.4g} to the {problem.sense}imal eigenvalue "
        f"{found.eigenvalue:.6g} of A (Lanczos)",
        residual,
        bound,
    )


def _angle(problem: Problem) -> OrbitPoint:
    group, field = problem.group, problem.field

    def element(angle: float) -> Any:
        return group.exp(np.array([np.sqrt(2.0) * angle]))

    with np.errstate(all="ignore"):
        found = search_angle(lambda a: field.value(element(a)), problem.sign, problem.radius)
    g = element(found.angle)
    value, slope = field.slope(g)
    bound = found.bound
    if bound is not None and not isinstance(problem.objective, PredictedDecrease):
        bound = max(bound, 0.0)  # the other objectives are never negative
    optimality = abs(float(slope[0])) / (abs(value) or 1.0)
    if found.on_boundary:
        return OrbitPoint(g, "boundary", "best angle within the radius", optimality, bound)
    if found.proved:
        return OrbitPoint(
            g,
            "optimal",
            "the objective is a trigonometric polynomial in the angle; bounded over all angles",
            optimality,
            bound,
        )
    return OrbitPoint(
        g, "converged", "dense sampling of the angle and refinement; not proved", optimality, bound
    )


def _convex(problem: Problem) -> OrbitPoint | None:
    """Minimise over the whole orbit; ``None`` if the minimum lies beyond the radius."""
    field = problem.field
    if not isinstance(field, LinearNorm):
        return None
    if not field.size > 0:
        return OrbitPoint(field.group.identity(), "identity", "the vector is zero", 0.0, 0.0)
    limit, attainable = _nuclear_limit(field)
    found = minimize_norm(field, min(problem.tol, 1e-8), problem.max_iterations)
    inside = problem.radius is None or field.group.distance(found.element) <= problem.radius
    if not inside:
        return None
    size = field.size**2
    bound = None if found.bound is None else float(np.exp(found.bound)) * size
    bound = limit if limit is not None else bound
    if (limit is not None and not attainable) or not found.attained:
        return OrbitPoint(
            found.element,
            "unattained",
            "the infimum is a limit that no element attains (a factor is rank-deficient or a "
            "unit is dead); the element is a point on the way",
            found.residual,
            bound if bound is not None else field.value(found.element),
        )
    if not found.converged:
        return OrbitPoint(
            found.element,
            "iteration_limit",
            f"stopped after {found.iterations} iterations with Kempf-Ness residual "
            f"{found.residual:.3g}",
            found.residual,
            bound,
        )
    return OrbitPoint(
        found.element,
        "optimal",
        f"convex along the orbit, and the moment map vanishes after {found.iterations} "
        "iterations: the global minimum",
        found.residual,
        bound,
    )


def _nuclear_limit(field: LinearNorm) -> tuple[float | None, bool]:
    """Return the infimum ``2 ||G2 G1||_*`` for one GL index between two matrices."""
    group = field.group
    if not isinstance(group, GeneralLinear) or len(group.indices) != 1:
        return None, True
    index = group.indices[0]
    if len(index.written) + len(index.read) < 2 or not index.written or not index.read:
        return None, True
    # dual vectors move by g^-T on written axes: the roles of the two sides are swapped
    sides = []
    fixed = 0.0
    moving = {name for name, _ in (*index.written, *index.read)}
    for pairs in (index.written, index.read):
        blocks = []
        for name, axis in pairs:
            a = np.moveaxis(field.vector[name], axis, 0)
            blocks.append(a.reshape(index.size, -1))
        sides.append(np.concatenate(blocks, axis=1))
    if len(moving) != len(index.written) + len(index.read):
        return None, True  # one array carries the index twice
    for name, a in field.vector.items():
        if name not in moving:
            fixed += float(np.sum(a * a))
    product = np.linalg.svd(sides[0].T @ sides[1], compute_uv=False)
    ranks = [int(np.linalg.matrix_rank(s)) for s in sides]
    rank = int(np.sum(product > 1e-12 * (product[0] if product.size else 0.0)))
    attainable = ranks[0] == ranks[1] == rank
    return (2 * float(product.sum()) + fixed) * field.size**2, attainable


def _ball(problem: Problem) -> OrbitPoint:
    """Search in the algebra."""
    group, field = problem.group, problem.field
    if problem.stability is not None:
        return _stable(problem, problem.stability)
    start = None
    _, slope = field.score(group.identity())
    if float(np.linalg.norm(slope)) <= FLAT:
        # a critical point: leave it in a random direction, or stay if that gains nothing
        x = problem.rng.standard_normal(group.dim)
        start = x * (min(problem.radius or 0.1, 0.1) / float(np.linalg.norm(x)))
    found = search_ball(
        field,
        group.identity(),
        sign=problem.sign,
        radius=problem.radius,
        tol=problem.tol,
        max_iterations=problem.max_iterations,
        start=start,
    )
    g = group.exp(found.x)
    if found.on_boundary:
        return OrbitPoint(
            g,
            "boundary",
            f"on the radius {problem.radius:.4g}, by projected gradients in the Lie algebra",
            found.residual,
        )
    if found.converged:
        return OrbitPoint(
            g, "converged", "critical point by projected gradients; local", found.residual
        )
    return OrbitPoint(
        g, "iteration_limit", f"stopped after {found.iterations} evaluations", found.residual
    )


def _stable(problem: Problem, stability: Stability) -> OrbitPoint:
    """Search without the stability bound, then shorten the geodesic until the bound holds.

    The unconstrained optimum is a balanced preconditioner; on the way to it all
    units move. Climbing along the bound instead gains more in the next step
    and trains worse, since it spends the curvature allowed on a few units.
    """
    group, field = problem.group, problem.field
    decrease = field.value if isinstance(problem.objective, PredictedDecrease) else None
    found = search_ball(
        field,
        group.identity(),
        sign=problem.sign,
        radius=problem.radius,
        tol=problem.tol,
        max_iterations=problem.max_iterations,
    )
    x, shortened = stability.shrink(found.x, group.identity(), decrease)
    if not x.any():
        message = "no element on the geodesic to the best one keeps the stability bound"
        return OrbitPoint(group.identity(), "identity", message, found.residual)
    if shortened or found.on_boundary:
        status: Status = "boundary"
        message = "on the stability bound" if shortened else f"on the radius {problem.radius:.4g}"
    else:
        status = "converged" if found.converged else "iteration_limit"
        message = f"after {found.iterations} evaluations, within the stability bound; local"
    return OrbitPoint(group.exp(x), status, message, found.residual)
