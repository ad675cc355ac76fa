"""A search on the orbit, and where it ended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from .._arrays import Parameters
from ..groups import SymmetryGroup
from ._conditioning import Limits
from ._hidden_states import Landing
from ._landscape import Landscape
from ._objectives import Objective
from ._stability import Stability

__all__ = ["TRUST", "OrbitPoint", "Problem", "Status"]

TRUST = 1.0  # distance within which a search stays where nothing but rounding would end it

Status = Literal["optimal", "unattained", "boundary", "converged", "iteration_limit", "identity"]


@dataclass(frozen=True)
class OrbitPoint:
    """The element found, how good it is known to be, and what it leads to if already formed."""

    element: Any
    status: Status
    message: str
    optimality: float
    bound: float | None = None
    landing: Landing | None = None


@dataclass(frozen=True)
class Problem:
    """One search: maximise ``sign * objective`` over the orbit within the bounds."""

    field: Landscape
    objective: Objective
    sense: Literal["max", "min"]
    w: Parameters
    gradient: Parameters
    radius: float | None
    box: float | None
    stability: Stability | None
    rng: np.random.Generator
    tol: float
    max_iterations: int
    limits: Limits

    @property
    def group(self) -> SymmetryGroup:
        """The group searched."""
        return self.field.group

    @property
    def sign(self) -> float:
        """+1 to maximise, -1 to minimise."""
        return 1.0 if self.sense == "max" else -1.0
