"""Options of a teleport: checked once, and turned into Python numbers of full precision."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from ._checks import check_choice, check_integer, check_number, check_rng, shown
from .groups import DirectProduct, PositiveRescaling, SymmetryGroup
from .orbit import Objective, PredictedDecrease

__all__ = ["Options"]


@dataclass(frozen=True)
class Options:
    """What :func:`~liegroup_teleport.teleport` was asked for besides loss, group and parameters.

    Numbers are Python's: a bound given in half or single precision is the number that it
    stands for, and nothing behind it is computed in that precision.
    """

    sense: Literal["max", "min"]
    radius: float | None
    box: float | None
    stability: tuple[float, float] | None
    rng: np.random.Generator
    tol: float
    max_iterations: int

    @classmethod
    def of(
        cls,
        objective: Any,
        group: SymmetryGroup,
        *,
        sense: Any,
        radius: Any,
        box: Any,
        stability: Any,
        rng: Any,
        tol: Any,
        max_iterations: Any,
    ) -> Options:
        """Check every option.

        Raises
        ------
        TypeError, ValueError
            With the option's name, what was given and what was expected.
        """
        if not isinstance(objective, Objective):
            raise TypeError(
                f"objective is {shown(objective)}; expected an objective such as GradientNorm()"
            )
        given = check_choice("sense", sense, ("max", "min", None))
        return cls(
            sense=objective.sense if given is None else given,
            radius=None if radius is None else check_number("radius", radius, above=0),
            box=_box(box, radius, group),
            stability=_stability(stability, objective),
            rng=np.random.default_rng(0) if rng is None else check_rng(rng),
            tol=check_number("tol", tol, above=0),
            max_iterations=_count("max_iterations", max_iterations),
        )


def _count(name: str, value: Any) -> int:
    """Return a whole number >= 1, which may be written as a float."""
    if isinstance(value, (float, np.floating)):
        if not float(value).is_integer():
            raise ValueError(f"{name} is {shown(value)}; expected an integer >= 1")
        value = int(value)
    return check_integer(name, value, least=1)


def _box(box: Any, radius: Any, group: SymmetryGroup) -> float | None:
    if box is None:
        return None
    half_width = check_number("box", box, above=0)
    if radius is not None:
        raise ValueError(f"radius is {radius} and box is {box}; expected at most one of them")
    if not _rescales(group):
        raise ValueError(
            f"box is {box}, a bound on the log-scales of a PositiveRescaling or a product of "
            f"them; got {type(group).__name__}: give radius"
        )
    return half_width


def _rescales(group: SymmetryGroup) -> bool:
    """Whether the coordinates of the algebra are the logarithms of single scales."""
    if isinstance(group, DirectProduct):
        return all(_rescales(factor) for factor in group.groups)
    return isinstance(group, PositiveRescaling)


def _stability(stability: Any, objective: Objective) -> tuple[float, float] | None:
    if stability is None:
        return None
    if isinstance(stability, str) and stability == "auto":
        if isinstance(objective, PredictedDecrease):
            return float(objective.learning_rate or 0.0), 1.0
        return None
    try:
        if isinstance(stability, (str, dict, set)):
            raise TypeError
        rate, limit = stability
    except (TypeError, ValueError):
        raise ValueError(
            f"stability is {shown(stability)}; expected (learning_rate, c), 'auto' or None"
        ) from None
    return (
        check_number("stability learning rate", rate, above=0),
        check_number("stability c", limit, above=0),
    )
