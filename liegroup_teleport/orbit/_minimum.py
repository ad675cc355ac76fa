"""The least norm on an orbit, with its proof or the reason why there is none."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..groups import GeneralLinear
from ._convex import minimize_norm
from ._landscape import LinearNorm
from ._problem import OrbitPoint, Problem

__all__ = ["minimum"]


def minimum(problem: Problem) -> OrbitPoint | None:
    """Minimise over the whole orbit; ``None`` if the minimum lies beyond the radius."""
    field = problem.field
    if not isinstance(field, LinearNorm):
        return None
    if not field.size > 0:
        return OrbitPoint(field.group.identity(), "identity", "the vector is zero", 0.0, 0.0)
    limit, attainable = _nuclear_limit(field)
    found = minimize_norm(field, min(problem.tol, 1e-8), problem.max_iterations)
    if not _within(problem, found.element):
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
        stalled = found.iterations < problem.max_iterations
        return OrbitPoint(
            found.element,
            "converged" if stalled else "iteration_limit",
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


def _within(problem: Problem, g: Any) -> bool:
    if problem.radius is not None:
        return problem.group.distance(g) <= problem.radius
    if problem.box is not None:
        return float(np.max(np.abs(problem.group.log(g)))) <= problem.box
    return True


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
