"""The parameter norm along translations: a projection, in closed form."""

from __future__ import annotations

import numpy as np

from .._arrays import epsilon, norm
from ..groups import Translation
from ._objectives import ParameterNorm
from ._problem import OrbitPoint, Problem

__all__ = ["projection"]

INSIDE = 1 - 4e-16  # factor on the radius that rounding of the coordinates does not leave


def projection(problem: Problem) -> OrbitPoint | None:
    r"""Return the extreme of ``||w + sum_i t_i c_i||^2``, ``None`` for other problems.

    With ``a_i = <c_i, w>`` along orthonormal directions it is
    :math:`\|w\|^2 - \|a\|^2 + \|a + t\|^2`: least at ``t = -a``, and within a radius least and
    largest on the line through a. Translations have no largest norm without a radius.
    """
    group, radius = problem.group, problem.radius
    exact = type(group) is Translation and isinstance(problem.objective, ParameterNorm)
    if not exact or problem.stability is not None:
        return None
    a = group.conserved(problem.w)
    length = float(np.linalg.norm(a))
    if problem.sense == "min":
        inside = radius is None or length <= radius
        t = -a if inside else -a * (INSIDE * radius / length)  # type: ignore[operator]
    else:
        if radius is None:
            return None
        inside = False
        direction = a / length if length > 0 else np.eye(group.dim)[0]
        t = INSIDE * radius * direction
    value = problem.field.value(t)
    # coordinates, shift and sum round by a few times eps of what is moved
    moved = norm(problem.w) + float(np.linalg.norm(t))
    off = 8 * (group.dim + 4) * epsilon(problem.w) * moved
    root = float(np.sqrt(value))
    bound = (root + off) ** 2 if problem.sense == "max" else max(root - off, 0.0) ** 2
    if inside:
        message = "the parameters without their part along the directions"
        return OrbitPoint(t, "optimal", message, 0.0, bound)
    message = f"on the radius {radius:.4g}, straight along the directions' part; proved"
    return OrbitPoint(t, "boundary", message, 0.0, bound)
