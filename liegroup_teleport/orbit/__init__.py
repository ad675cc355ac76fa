"""Where on the orbit to go: objectives, bounds and the Riemannian search."""

from ._build import landscape
from ._decrease import decrease_here
from ._gram import has_small_gram
from ._objectives import (
    GradientNorm,
    LineSearchDecrease,
    Objective,
    OrbitCurvature,
    ParameterNorm,
    PerturbedLoss,
    Preconditioner,
    PredictedDecrease,
    Sharpness,
)
from ._problem import OrbitPoint, Problem
from ._solve import solve
from ._stability import Stability

__all__ = [
    "GradientNorm",
    "LineSearchDecrease",
    "Objective",
    "OrbitCurvature",
    "OrbitPoint",
    "ParameterNorm",
    "PerturbedLoss",
    "Preconditioner",
    "PredictedDecrease",
    "Problem",
    "Sharpness",
    "Stability",
    "decrease_here",
    "has_small_gram",
    "landscape",
    "solve",
]
