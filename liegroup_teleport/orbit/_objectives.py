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
    "OrbitCurvature",
    "ParameterNorm",
    "PerturbedLoss",
    "Preconditioner",
    "PredictedDecrease",
    "Sharpness",
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


@dataclass(frozen=True)
class Sharpness(Objective):
    r"""Sharpness of the loss: trace or largest eigenvalue of the Gauss-Newton matrix.

    The trace :math:`\operatorname{tr} B (\rho^T\rho)^{-1}` is taken from a few
    products at the start, and convex along the orbit of a linear action. With
    as many probes as B has rank it is exact, with fewer it is below. The full
    Hessian would not do: its trace may be negative, and then has no minimum on
    a non-compact orbit.

    Parameters
    ----------
    measure : {"trace", "largest"}
        The trace, or the largest eigenvalue by Lanczos at each point.
    probes : int
        Products taken for the trace, at least 1.
    accuracy : float
        Relative accuracy of the largest eigenvalue.
    seed : int
        Seed of the random probes.
    """

    measure: Literal["trace", "largest"] = "trace"
    probes: int = 64
    accuracy: float = 1e-6
    seed: int = 0

    def __post_init__(self) -> None:
        if self.measure not in ("trace", "largest"):
            raise ValueError(f"measure is {self.measure!r}; expected 'trace' or 'largest'")
        _positive_integer("probes", self.probes)
        if not 0 < self.accuracy < 1:
            raise ValueError(f"accuracy is {self.accuracy}; expected a number in (0, 1)")

    @property
    def sense(self) -> Sense:
        """Less is better."""
        return "min"

    @property
    def unbounded(self) -> bool:
        """True: on a non-compact orbit there is no maximum unless it is constant."""
        return True


@dataclass(frozen=True)
class PerturbedLoss(Objective):
    r"""Mean loss under random perturbation, :math:`\phi` of Zhao et al. 2024.

    .. math:: \phi(w) = \operatorname{mean}_{t, d} L(w + t d)

    over the given radii and random unit directions, the same at every point of
    the orbit. One gradient per perturbation and evaluation.

    Parameters
    ----------
    radii : tuple of float
        Sizes t of the perturbations, positive.
    directions : int
        Number of unit directions d, at least 1.
    seed : int
        Seed of the directions.
    """

    radii: tuple[float, ...] = (0.001, 0.011, 0.021, 0.031, 0.041)
    directions: int = 10
    seed: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "radii", tuple(float(t) for t in self.radii))
        if not self.radii or not all(t > 0 and np.isfinite(t) for t in self.radii):
            raise ValueError(f"radii are {self.radii}; expected finite numbers > 0")
        _positive_integer("directions", self.directions)

    @property
    def sense(self) -> Sense:
        """Less is better."""
        return "min"

    @property
    def unbounded(self) -> bool:
        """True: far out on a non-compact orbit every perturbation is large."""
        return True


@dataclass(frozen=True)
class OrbitCurvature(Objective):
    r"""Mean curvature of the orbit, :math:`\psi` of Zhao et al. 2024.

    Curvature at t = 0 of :math:`\gamma(t) = \exp(tM) \cdot w`,

    .. math:: \kappa = \frac{\sqrt{\|\gamma'\|^2\|\gamma''\|^2 -
        (\gamma'\cdot\gamma'')^2}}{\|\gamma'\|^3},

    averaged over random unit M of the Lie algebra. Needs no gradient, and a
    linear action; the paper finds it correlated with the validation loss.

    Parameters
    ----------
    directions : int
        Number of M, at least 1.
    seed : int
        Seed of the M.
    """

    directions: int = 10
    seed: int = 0

    def __post_init__(self) -> None:
        _positive_integer("directions", self.directions)

    @property
    def unbounded(self) -> bool:
        """True: curvature grows without limit where the parameters shrink."""
        return True


def _positive_integer(name: str, number: int) -> None:
    if int(number) != number or number < 1:
        raise ValueError(f"{name} is {number}; expected an integer >= 1")
