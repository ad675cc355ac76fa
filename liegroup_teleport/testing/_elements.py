"""When two elements of a group are the same."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .._arrays import Parameters
from .._errors import DomainError
from ..groups import SymmetryGroup
from ._compare import assert_close, check, flat_arrays

__all__ = ["GROUP_TOL", "Drawn", "same"]

GROUP_TOL = 1e-9
ROUNDING = 1e3 * float(np.finfo(np.float64).eps)  # of laws that lose digits, per condition


@dataclass(frozen=True)
class Drawn:
    """A group with parameters and a covector to see how its elements act, in float64."""

    group: SymmetryGroup
    w: Parameters
    v: Parameters

    def condition(self, g: Any) -> float:
        """Return how much larger errors may become by ``g`` and its inverse."""
        entries = [
            float(np.max(np.abs(a), initial=1.0))
            for element in (g, self.group.inverse(g))
            for a in flat_arrays(element)
        ]
        return max(entries) ** 2


def same(drawn: Drawn, g: Any, h: Any, what: str, condition: float = 1.0) -> None:
    """Check that two elements are equal, or at least act and measure alike.

    An angle may be written with or without a full turn, a rotation by different factors.
    """
    first, second = flat_arrays(g), flat_arrays(h)
    check(
        all(a.dtype == np.float64 for a in (*first, *second)), f"{what}: an element is not float64"
    )
    tol = max(GROUP_TOL, ROUNDING * condition)
    if _close(first, second, tol):
        return
    group, w, v = drawn.group, drawn.w, drawn.v
    check(group.scope != "batch", f"{what}: the elements differ")
    try:
        moved = group.act(g, w)
        assert_close(moved, group.act(h, w), tol, what, w)
        a, b = group.act_cotangent(g, w, v), group.act_cotangent(h, w, v)
    except DomainError:  # the action need not be defined everywhere
        return
    assert_close(a, b, tol, f"{what}, on covectors", v)
    one, other = group.distance(g), group.distance(h)
    check(
        abs(one - other) <= 1e-7 * max(1.0, one) + tol,
        f"{what}: the elements act alike, but have distances {one} and {other}",
    )


def _close(first: list[np.ndarray], second: list[np.ndarray], tol: float) -> bool:
    return [a.shape for a in first] == [a.shape for a in second] and all(
        float(np.linalg.norm(a - b)) <= tol * max(float(np.linalg.norm(a)), 1e-300)
        for a, b in zip(first, second, strict=True)
    )
