"""An objective as a function on the group, from one gradient at the starting point."""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import cached_property
from typing import Any

import numpy as np

from .._arrays import Parameters, inner, norm, scale_parameters
from .._errors import DomainError
from ..groups import SymmetryGroup
from ..losses import Loss
from ._compressed import compress
from ._decrease import (
    decrease_scale,
    decrease_value,
    preconditioned,
    require_gauss_newton,
)
from ._objectives import (
    GradientNorm,
    Objective,
    ParameterNorm,
    PredictedDecrease,
)
from ._squares import SMALLEST, Squares

__all__ = ["Landscape", "LinearNorm", "PointwiseLandscape"]

DIFFERENCE_STEP = 1e-5


class Landscape(ABC):
    """An objective on the group: its value and its slope at an element.

    The slope is the algebra vector ``m`` with
    ``d/dt f(exp(t x) g) = <m, x>`` at ``t = 0``.

    Attributes
    ----------
    group : SymmetryGroup
    logarithmic : bool
        Whether the objective is positive, so that its logarithm is searched and
        its scale makes no difference.
    scale : float
        What values are divided by where they are not logarithmic.
    """

    logarithmic: bool = True
    scale: float = 1.0
    convex: bool = False

    def __init__(self, group: SymmetryGroup) -> None:
        self.group = group

    @abstractmethod
    def value(self, g: Any) -> float:
        """Return the objective at ``g``."""

    @abstractmethod
    def slope(self, g: Any) -> tuple[float, np.ndarray]:
        """Return the objective and its slope at ``g``, shape ``(dim,)``."""

    def differences(self, g: Any) -> np.ndarray:
        """Return the slope at ``g`` by central differences, two values per dimension."""
        slope = np.zeros(self.group.dim)
        for i in range(self.group.dim):
            x = np.zeros(self.group.dim)
            x[i] = DIFFERENCE_STEP
            ahead = self.value(self.group.compose(self.group.exp(x), g))
            behind = self.value(self.group.compose(self.group.exp(-x), g))
            slope[i] = (ahead - behind) / (2 * DIFFERENCE_STEP)
        return slope

    def score(self, g: Any) -> tuple[float, np.ndarray]:
        """Return the scaled objective and its slope: the logarithm where that exists."""
        value, slope = self.slope(g)
        if not self.logarithmic:
            # arcsinh: a logarithm that also takes what is negative
            scaled = value / self.scale
            if abs(scaled) > 1e150:
                return -np.inf, np.zeros_like(slope)
            return float(np.arcsinh(scaled)), slope / (self.scale * np.sqrt(1 + scaled**2))
        if not value > 0:
            return -np.inf, np.zeros_like(slope)
        return float(np.log(value)), slope / value


class LinearNorm(Landscape):
    """Squared norm of a vector that moves linearly: gradient or parameters, compressed.

    ``vector`` moves by the dual representation (a gradient) or by the action
    itself (parameters). Its size is divided out, so tiny and huge vectors make
    no difference; ``given`` is the vector as it came, for proofs.
    """

    def __init__(self, group: SymmetryGroup, vector: Parameters, dual: bool) -> None:
        super().__init__(group)
        self.dual = dual
        self.convex = group.self_adjoint
        self.given = vector
        self.size = norm(vector)
        if not np.isfinite(self.size * self.size):
            raise DomainError(f"the squared norm of a vector of length {self.size:.3g} overflows")
        vector = scale_parameters(1.0 / self.size, vector) if self.size > 0 else vector
        self.vector = compress(group, vector)

    @cached_property
    def squares(self) -> Squares | None:
        """The squared entries, where they are enough; made when a search first asks."""
        return Squares.of(self.group, self.vector, self.dual)

    def move(self, g: Any) -> dict[str, Any]:
        """Return the compressed vector at ``g``, in units of its size at the start."""
        if self.dual:
            return self.group.act_cotangent(g, self.vector, self.vector)
        return self.group.act(g, self.vector)

    def shares(self, g: Any) -> dict[str, np.ndarray] | None:
        """Return the squared entries at ``g`` as parts of their sum; ``None`` if that is zero."""
        if self.squares is not None:
            with np.errstate(all="ignore"):
                moved = self.squares.moved(g)
                total = sum(float(np.sum(S)) for S in moved)
                if SMALLEST < total < np.inf:
                    for S in moved:
                        S /= total
                    shapes = (a.shape for a in self.vector.values())
                    shaped = (S.reshape(shape) for S, shape in zip(moved, shapes, strict=True))
                    return dict(zip(self.vector, shaped, strict=True))
        v = self.move(g)
        length = norm(v)
        if not 0 < length < np.inf:
            return None
        return {name: np.square(a / length) for name, a in v.items()}

    def value(self, g: Any) -> float:
        return float(np.exp(self.relative(g)[0])) * self.size**2

    def relative(self, g: Any) -> tuple[float, np.ndarray]:
        """Return ``log(||v||^2/||v_0||^2)`` and its slope."""
        if self.squares is not None:
            found = self.squares.logarithm(g)
            if found is not None:
                return found
        v = self.move(g)
        length = norm(v)
        if not np.isfinite(length):  # scales that overflow: no better than any other point
            return np.nan, np.zeros(self.group.dim)
        if not length > 0:
            return -np.inf, np.zeros(self.group.dim)
        mu = self.group.moment_map(scale_parameters(1.0 / length, v))
        return 2 * float(np.log(length)), (-2.0 if self.dual else 2.0) * mu

    def slope(self, g: Any) -> tuple[float, np.ndarray]:
        value, slope = self.relative(g)
        value = float(np.exp(value)) * self.size**2
        return value, value * slope

    def score(self, g: Any) -> tuple[float, np.ndarray]:
        return self.relative(g)


class PointwiseLandscape(Landscape):
    """Any objective under any action, from the gradient moved by the cotangent rule.

    The slope of the gradient norm takes one Hessian product; slopes of the
    decreases, and of a data-dependent action, are central differences in the
    algebra.
    """

    def __init__(
        self,
        group: SymmetryGroup,
        objective: Objective,
        loss: Loss,
        w: Parameters,
        gradient: Parameters,
    ) -> None:
        super().__init__(group)
        self.objective, self.loss, self.w, self.gradient = objective, loss, w, gradient
        self.logarithmic = not isinstance(objective, PredictedDecrease)
        # A data-dependent action composes on the hidden states only, and an action on the
        # data moves the loss: there the generator at g.w is not the whole derivative.
        self._differentiable = group.scope != "batch" and not group.moves_inputs
        if isinstance(objective, PredictedDecrease):
            self.scale = decrease_scale(objective, gradient)

    def value(self, g: Any) -> float:
        point = self.group.act(g, self.w)
        if isinstance(self.objective, ParameterNorm):
            return norm(point) ** 2
        v = self.group.act_cotangent(g, self.w, self.gradient)
        if isinstance(self.objective, GradientNorm):
            return norm(v) ** 2
        p, _ = preconditioned(self.objective, self.group, g, v)
        moved = self.group.act_on_loss(g, self.loss)
        product = require_gauss_newton(moved, point, self.objective)
        return decrease_value(self.objective, inner(v, p), inner(p, product(p)))[0]

    def slope(self, g: Any) -> tuple[float, np.ndarray]:
        if isinstance(self.objective, ParameterNorm) and self._differentiable:
            point = self.group.act(g, self.w)
            return norm(point) ** 2, 2 * self.group.generator_adjoint(point, point)
        if isinstance(self.objective, GradientNorm) and self._differentiable:
            point = self.group.act(g, self.w)
            v = self.group.act_cotangent(g, self.w, self.gradient)
            bent = self.group.act_on_loss(g, self.loss).hvp(point, v)
            return norm(v) ** 2, 2 * self.group.generator_adjoint(point, bent)
        return self.value(g), self.differences(g)
