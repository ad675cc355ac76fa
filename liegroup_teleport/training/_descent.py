"""Gradient descent: with a fixed learning rate and heavy ball, and with a line search."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from .._arrays import Parameters, axpy, inner
from .._checks import check_number
from .._errors import DomainError
from ..orbit import LineSearchDecrease, Preconditioner, PredictedDecrease
from ._optimizers import Optimizer, OptimizerState, fraction, positive, zeros_like

__all__ = ["SGD", "LineSearch"]

Array = Any


@dataclass(frozen=True)
class SGD(Optimizer):
    """Gradient descent with heavy-ball momentum, ``m <- beta m + gradient, w <- w - eta m``.

    "Stochastic" where ``minimize`` is given batches. The same steps as
    ``torch.optim.SGD`` (no dampening, no Nesterov).

    Parameters
    ----------
    learning_rate : float
        ``eta``, above zero, in the units of ``w`` over those of the gradient.
    momentum : float
        ``beta`` in [0, 1); at 0 there is no state.

    Raises
    ------
    ValueError, TypeError
        If a hyperparameter is out of range, or no number.

    References
    ----------
    [Pol64] Polyak, *Some methods of speeding up the convergence of iteration methods*, USSR
    Computational Mathematics and Mathematical Physics 4(5), 1964.

    Examples
    --------
    >>> import numpy as np
    >>> import liegroup_teleport as lt
    >>> loss = lt.losses.Quadratic(np.diag([1.0, 100.0]))
    >>> start = {"w": np.array([1.0, 0.1])}
    >>> plain = lt.training.minimize(loss, start, lt.training.SGD(0.01), steps=100)
    >>> heavy = lt.training.minimize(loss, start, lt.training.SGD(0.01, momentum=0.8), steps=100)
    >>> print(f"{plain.losses[-1]:.0e} {heavy.losses[-1]:.0e}")
    7e-02 5e-07
    """

    learning_rate: float
    momentum: float = 0.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "learning_rate", positive("learning_rate", self.learning_rate))
        object.__setattr__(self, "momentum", fraction("momentum", self.momentum, zero=True))

    def init(self, w: Parameters) -> OptimizerState:
        """Return a momentum of zeros, or no state without momentum."""
        return OptimizerState(momentum=zeros_like(w) if self.momentum else None)

    def step(
        self, loss: Any, w: Parameters, value: float, gradient: Parameters, state: OptimizerState
    ) -> tuple[dict[str, Array], OptimizerState]:
        """Do one step; see :meth:`Optimizer.step`."""
        direction = gradient
        if state.momentum is not None:
            direction = axpy(self.momentum, state.momentum, gradient)
        new = axpy(-self.learning_rate, direction, w)
        momentum = direction if self.momentum else None
        return new, replace(state, momentum=momentum, count=state.count + 1)

    @property
    def horizon(self) -> float:  # type: ignore[override]
        """Over how many steps one gradient takes effect, ``1 / (1 - beta)``."""
        return 1.0 / (1.0 - self.momentum)

    def effective_learning_rate(self, state: OptimizerState) -> float:
        """Return ``eta / (1 - beta)``: momentum adds up a constant gradient to that."""
        return self.learning_rate / (1.0 - self.momentum)

    def preconditioner(self, state: OptimizerState) -> Preconditioner | None:
        """Return ``None``: a plain gradient step."""
        return None

    def default_objective(self) -> PredictedDecrease:
        """Return the predicted decrease at this learning rate."""
        return PredictedDecrease()


@dataclass(frozen=True)
class LineSearch(Optimizer):
    """Gradient descent with Armijo backtracking: no learning rate to tune.

    A step of length ``s`` along the negative gradient is accepted if
    ``L(w - s grad) <= L(w) - armijo s |grad|^2``, and shrunk otherwise. The
    search begins at ``grow`` times the last accepted length, so that the
    length follows the curvature up and down. No increase is ever accepted.

    When ``s`` has shrunk below ``floor`` times where its search began, no
    decrease can be found (at a minimum, to rounding): the parameters come back
    unchanged, as does the state, and the next search begins where this one did.

    Parameters
    ----------
    initial_step : float
        Length at which the very first search begins, above zero.
    shrink : float
        Factor in (0, 1) between trials.
    armijo : float
        Fraction in (0, 1) of the first-order decrease that a step must achieve.
    grow : float
        Factor, at least 1, from the last accepted length to the next trial.
    floor : float
        In (0, 1); see above.

    Raises
    ------
    ValueError, TypeError
        If a hyperparameter is out of range, or no number.

    References
    ----------
    [Arm66] Armijo, *Minimization of functions having Lipschitz continuous first partial
    derivatives*, Pacific Journal of Mathematics 16(1), 1966.

    Examples
    --------
    >>> import numpy as np
    >>> import liegroup_teleport as lt
    >>> loss = lt.losses.Rosenbrock()
    >>> start = {"w": np.array([-1.0, -1.0])}
    >>> run = lt.training.minimize(loss, start, lt.training.LineSearch(), steps=50)
    >>> bool(np.all(np.diff(run.losses) <= 0)), bool(run.losses[-1] < 0.01 * run.losses[0])
    (True, True)
    """

    initial_step: float = 100.0
    shrink: float = 0.3
    armijo: float = 0.5
    grow: float = 2.0
    floor: float = 1e-16

    uses_value: ClassVar[bool] = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "initial_step", positive("initial_step", self.initial_step))
        for what in ("shrink", "armijo", "floor"):
            object.__setattr__(self, what, fraction(what, getattr(self, what), zero=False))
        object.__setattr__(self, "grow", check_number("grow", self.grow, least=1.0))

    def init(self, w: Parameters) -> OptimizerState:
        """Return the state whose first trial is ``initial_step``."""
        # The next search multiplies by grow.
        return OptimizerState(step_size=self.initial_step / self.grow)

    def step(
        self, loss: Any, w: Parameters, value: float, gradient: Parameters, state: OptimizerState
    ) -> tuple[dict[str, Array], OptimizerState]:
        """Do one step, calling ``loss.value`` once per trial; see :meth:`Optimizer.step`."""
        squared = inner(gradient, gradient)
        done = replace(state, count=state.count + 1)
        if squared == 0.0:
            return dict(w), done
        first = self.effective_learning_rate(state)
        length = first
        while length >= self.floor * first:
            trial = axpy(-length, gradient, w)
            if _value(loss, trial) <= value - self.armijo * length * squared:
                return trial, replace(done, step_size=length)
            length *= self.shrink
        return dict(w), done

    def effective_learning_rate(self, state: OptimizerState) -> float:
        """Return the length at which the next search begins."""
        last = self.initial_step / self.grow if state.step_size is None else state.step_size
        return last * self.grow

    def preconditioner(self, state: OptimizerState) -> Preconditioner | None:
        """Return ``None``: a plain gradient step."""
        return None

    def default_objective(self) -> LineSearchDecrease:
        """Return the decrease of the best step along the gradient."""
        return LineSearchDecrease()


def _value(loss: Any, w: Parameters) -> float:
    """Return the loss of a trial; infinite where the trial left the domain of the loss."""
    try:
        return float(loss.value(w))
    except DomainError:
        return math.inf
