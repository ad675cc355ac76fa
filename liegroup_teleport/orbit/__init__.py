"""Where on the orbit to go: objectives, bounds and the Riemannian search."""

from ._landscape import landscape
from ._objectives import (
    GradientNorm,
    LineSearchDecrease,
    Objective,
    ParameterNorm,
    Preconditioner,
    PredictedDecrease,
)
from ._solve import OrbitPoint, Problem, solve
from ._stability import Stability

__all__ = [
    "GradientNorm",
    "LineSearchDecrease",
    "Objective",
    "OrbitPoint",
    "ParameterNorm",
    "Preconditioner",
    "PredictedDecrease",
    "Problem",
    "Stability",
    "landscape",
    "solve",
]
