"""What a teleport improves: plain descriptions, evaluated by ``_landscape``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import array_api_compat
import numpy as np

__all__ = [
    "GradientNorm",
    "LineSearchDecrease",
    "Objective",
    "ParameterNorm",
    "Preconditioner",
    "PredictedDecrease",
]

Sense = Literal["max", "min"]


@dataclass(frozen=True)
class Preconditioner:
    """The diagonal preconditioner of an adaptive optimizer's next step.

    At gradient ``v`` it is ``P = 1 / (sqrt(decay s + weight v^2) + epsilon)``.

    Attributes
    ----------
    second_moment : dict of str to array
        The accumulator s, of the shapes of the parameters.
    decay, weight, epsilon : float
        Coefficients of the next step; ``epsilon > 0``.
    """

    second_moment: Mapping[str, Any]
    decay: float
    weight: float
    epsilon: float

    def root(self, name: str, s: Any, v: Any) -> Any:
        """Return ``sqrt(decay s + weight v^2)`` for one parameter."""
        xp = array_api_compat.array_namespace(v)
        return xp.sqrt(self.decay * s + self.weight * v * v)


@dataclass(frozen=True)
class Objective:
    """Base of all objectives."""

    @property
    def sense(self) -> Sense:
        """Whether more or less is better unless the caller says otherwise."""
        return "max"

    @property
    def unbounded(self) -> bool:
        """Whether the objective may grow without limit on a non-compact orbit."""
        return False


@dataclass(frozen=True)
class GradientNorm(Objective):
    """The squared norm of the gradient, ``||grad L(g.w)||^2`` (Zhao et al. 2022, eq. 3)."""

    @property
    def unbounded(self) -> bool:
        """True: on a non-compact orbit there is no maximum unless it is constant."""
        return True


@dataclass(frozen=True)
class ParameterNorm(Objective):
    """The squared norm of the parameters, ``||g.w||^2``; the minimum is the balanced network."""

    @property
    def sense(self) -> Sense:
        """Less is better."""
        return "min"

    @property
    def unbounded(self) -> bool:
        """True: on a non-compact orbit there is no maximum unless it is constant."""
        return True


@dataclass(frozen=True)
class PredictedDecrease(Objective):
    r"""The decrease that the next step is predicted to bring.

    .. math:: D(g) = \eta\, v^T P v - \tfrac12 \eta^2 (Pv)^T B (Pv)

    with ``v`` the gradient and ``B`` the Gauss-Newton matrix at ``g.w``, and P
    the identity or the optimizer's diagonal. Behaves much like a larger
    learning rate: large gains far below the stability limit, small ones at a
    tuned rate.

    Parameters
    ----------
    learning_rate : float, optional
        The step size > 0. ``None`` only inside a training schedule, which
        fills it in from the optimizer.
    optimizer_state : Preconditioner, optional
        The adaptive optimizer's live diagonal.
    """

    learning_rate: float | None = None
    optimizer_state: Preconditioner | None = None

    def __post_init__(self) -> None:
        rate = self.learning_rate
        if rate is not None and not (rate > 0 and np.isfinite(rate)):
            raise ValueError(f"learning rate is {rate}; expected a finite number > 0")


@dataclass(frozen=True)
class LineSearchDecrease(Objective):
    r"""The decrease of the best step along the gradient in the quadratic model.

    .. math:: E(g) = \tfrac12 \|v\|^4 / (v^T B v) \le \tfrac12 v^T B^{-1} v

    with ``v`` the gradient and ``B`` the Gauss-Newton matrix at ``g.w``. By
    Kantorovich's inequality equality holds exactly where v is an eigenvector
    of B. It has no step size, and is bounded on every orbit.
    """
