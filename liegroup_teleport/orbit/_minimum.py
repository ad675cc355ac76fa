"""The least norm on an orbit, with its proof or the reason why there is none."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from .._arrays import host
from ..groups import PositiveRescaling
from ._attained import is_attained, lasting
from ._conditioning import Limits, stretch
from ._convex import ConvexResult, Path, minimize_norm
from ._existence import exactly_self_adjoint, is_ours, leads_to_zero, least_logarithm
from ._factors import chain_of
from ._landscape import LinearNorm
from ._problem import TRUST, OrbitPoint, Problem
from ._support import covered, exponents, weighted_bound

__all__ = ["Infimum", "infimum", "minimum", "to_zero"]

NEAR = 1e-7  # part of a limit above which an element is far from it
GAP = 1e-6  # relative distance from a proved bound beyond which no optimum is claimed
RESOLVED = 1e-100  # part of the largest entry below which others may be lost to underflow


@dataclass(frozen=True)
class Infimum:
    """What is proved of the infimum of a squared norm over an orbit.

    Attributes
    ----------
    attained : bool or None
        ``None`` where neither is proved.
    value : float or None
        A lower bound next to the infimum, where that has a closed form.
    why : str
        The reason, in words.
    """

    attained: bool | None
    value: float | None
    why: str


UNDECIDED = Infimum(None, None, "whether the infimum is attained is not decided")


def infimum(field: LinearNorm) -> Infimum:
    """Return what is proved of the infimum of a norm over the orbit, before any search."""
    group, given = field.group, field.given
    if not is_ours(group):
        return UNDECIDED
    if isinstance(group, PositiveRescaling):
        attained = is_attained(group, given)
        if attained:
            return Infimum(True, None, "every weight lies on a cycle of scales")
        if attained is False:
            left = LinearNorm(group, lasting(group, given), field.dual)
            return Infimum(False, _least(left), "a unit is dead on one side")
    if not _resolved(field):
        return UNDECIDED
    chain = chain_of(field)
    if chain is not None:
        attained, value = chain.attained(given), chain.infimum()
        scaled = None if value is None else value * field.size**2
        why = "the factors have the rank of their product" if attained else "ranks differ"
        return Infimum(attained, 0.0 if _vanishes(field) else scaled, why)
    if leads_to_zero(group, given, field.dual):
        return Infimum(False, 0.0, "a one-parameter subgroup takes the vector to zero")
    return _of_scales(field)


def _vanishes(field: LinearNorm) -> bool:
    """Whether a factor of a chain is zero and nothing else stands aside: the product is zero."""
    return all(name in field.group.shapes for name in field.given) and any(
        not np.any(host(a)) for a in field.given.values()
    )


def _resolved(field: LinearNorm) -> bool:
    """Whether no entry is so small beside the others that its square may underflow."""
    sizes = [np.abs(host(a)) for a in field.given.values()]
    largest = max(float(s.max(initial=0.0)) for s in sizes)
    least = min(float(np.min(s, where=s > 0, initial=np.inf)) for s in sizes)
    return least >= RESOLVED * largest


def _of_scales(field: LinearNorm) -> Infimum:
    """Diagonal actions in general, by the exponents of the entries that are not zero."""
    A = exponents(field.group, field.vector)
    if A is None:
        return UNDECIDED
    flat = np.concatenate([np.ravel(a) for a in field.vector.values()])
    inside = covered(A, flat != 0)
    if inside is None:
        return UNDECIDED
    if np.array_equal(inside, flat != 0):
        return Infimum(True, None, "positive weights cancel the exponents")
    ends = np.cumsum([0, *(a.size for a in field.vector.values())])
    left = {
        name: np.where(inside[ends[k] : ends[k + 1]].reshape(a.shape), a, 0.0)
        for k, (name, a) in enumerate(field.vector.items())
    }
    value = _least(LinearNorm(field.group, left, field.dual))
    return Infimum(
        False, None if value is None else value * field.size**2, "some scales only shrink entries"
    )


def _least(field: LinearNorm) -> float | None:
    """Return a lower bound next to the least squared norm, which is attained."""
    if not field.size > 0:
        return 0.0
    found = minimize_norm(field, 1e-9, 200)
    bound = _of_weights(field, found) if found.bound is None else found.bound
    return None if bound is None else float(np.exp(bound)) * field.size**2


def _of_weights(field: LinearNorm, found: ConvexResult) -> float | None:
    """Return the bound of a diagonal action from the shares of the entries."""
    A, shares = exponents(field.group, field.vector), field.shares(found.element)
    if A is None or shares is None:
        return None
    below = weighted_bound(A, np.concatenate([np.ravel(s) for s in shares.values()]))
    return None if below is None else field.relative(found.element)[0] + below


def minimum(problem: Problem) -> OrbitPoint | None:
    """Minimise over the whole orbit; ``None`` if the end lies beyond the radius or the box."""
    field = problem.field
    if not isinstance(field, LinearNorm):
        return None
    if not field.size > 0:
        return OrbitPoint(field.group.identity(), "identity", "the vector is zero", 0.0, 0.0)
    known = infimum(field)
    limits = problem.limits
    bounded = problem.radius is not None or problem.box is not None
    if known.attained is False and known.value == 0.0:
        return None if bounded else _towards_zero(problem, field, limits, known)
    floor = None
    if known.attained is False and known.value is not None:
        floor = float(np.log(known.value * (1 + NEAR))) - 2 * float(np.log(field.size))
    found = _search(problem, field, Path(limits, floor=floor))
    if not _within(problem, found.element):
        return None
    if known.attained is False:
        return _near_limit(field, found, known)
    if found.stopped and not found.converged and not bounded and known.attained is None:
        return _undecided(problem, field, limits, known)
    return _ended(field, found, known, problem.max_iterations)


def _search(problem: Problem, field: LinearNorm, path: Path) -> ConvexResult:
    return minimize_norm(field, min(problem.tol, 1e-8), problem.max_iterations, path)


def _towards_zero(
    problem: Problem, field: LinearNorm, limits: Limits, known: Infimum
) -> OrbitPoint:
    found = _search(problem, field, Path(limits, radius=TRUST))
    return to_zero(OrbitPoint(found.element, "unattained", known.why, found.residual))


def to_zero(point: OrbitPoint) -> OrbitPoint:
    """Report a point a little on the way to an infimum of zero, whose ``message`` is the proof.

    No element is best there, and far ones help nobody: parameters vanish, or gradients.
    """
    message = (
        f"the infimum is zero, a limit that no element attains ({point.message}); this element is "
        f"within distance {TRUST:.4g} on the way there; radius=... goes to another"
    )
    return replace(point, status="unattained", message=message, bound=0.0)


def _undecided(problem: Problem, field: LinearNorm, limits: Limits, known: Infimum) -> OrbitPoint:
    found = _search(problem, field, Path(limits, radius=TRUST))
    return OrbitPoint(
        found.element,
        "converged" if found.converged else "iteration_limit",
        "elements further on are so far from the identity that rounding takes too many digits, "
        f"and {known.why}; this one is within distance {TRUST:.4g} on the way there",
        found.residual,
        known.value,
    )


def _near_limit(field: LinearNorm, found: ConvexResult, known: Infimum) -> OrbitPoint:
    value = field.value(found.element)
    above = "" if not known.value else f", {max(value / known.value - 1, 0.0):.2g} above it"
    why = ", where rounding takes too many digits" if found.stopped else ""
    return OrbitPoint(
        found.element,
        "unattained",
        f"the infimum is a limit that no element attains ({known.why}); the element is a point on "
        f"the way{above}{why}",
        found.residual,
        known.value,
    )


def _ended(field: LinearNorm, found: ConvexResult, known: Infimum, most: int) -> OrbitPoint:
    """Report a search whose end is a minimum, if that is proved."""
    size = field.size**2
    bound, attained, why = known.value, known.attained, known.why
    if bound is None:
        logarithm = found.bound if found.bound is not None else _of_weights(field, found)
        logarithm = logarithm if is_ours(field.group) else None
        if attained is None and found.converged and exactly_self_adjoint(field):
            far = stretch(field.group, found.element)
            logarithm = least_logarithm(field, found.element, far, float(np.finfo(float).eps))
            attained = True if logarithm is not None else None
            why = "the slope is small beside the least curvature"
        bound = None if logarithm is None else float(np.exp(logarithm)) * size
    value = field.value(found.element)
    close = bound is None or value - bound <= GAP * value
    if not found.converged:
        stalled = found.iterations < most
        where = ", where rounding takes too many digits" if found.stopped else ""
        return OrbitPoint(
            found.element,
            "converged" if stalled and found.residual <= GAP else "iteration_limit",
            f"stopped after {found.iterations} iterations with Kempf-Ness residual "
            f"{found.residual:.3g}{where}",
            found.residual,
            bound,
        )
    if not (attained and close and exactly_self_adjoint(field)):
        return OrbitPoint(
            found.element,
            "converged",
            f"the moment map vanishes after {found.iterations} iterations; "
            + (
                UNDECIDED.why if not attained else f"{value / (bound or 1.0) - 1:.2g} above a bound"
            ),
            found.residual,
            bound,
        )
    return OrbitPoint(
        found.element,
        "optimal",
        f"convex along the orbit, and the moment map vanishes after {found.iterations} "
        f"iterations: the global minimum, which exists since {why}",
        found.residual,
        bound,
    )


def _within(problem: Problem, g: Any) -> bool:
    if problem.radius is not None:
        return problem.group.distance(g) <= problem.radius
    if problem.box is not None:
        return float(np.max(np.abs(problem.group.log(g)))) <= problem.box
    return True
