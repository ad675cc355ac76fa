"""Optimizers that divide by a root of accumulated squared gradients."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import array_api_compat

from .._arrays import Parameters, map_parameters
from ..orbit import Preconditioner, PredictedDecrease
from ._optimizers import Optimizer, OptimizerState, fraction, positive, zeros_like

__all__ = ["AdaGrad", "Adam", "RMSProp"]

Array = Any


@dataclass(frozen=True)
class AdaGrad(Optimizer):
    """AdaGrad: ``s <- s + gradient^2, w <- w - eta gradient / (sqrt(s) + epsilon)``.

    The same steps as ``torch.optim.Adagrad``.

    Parameters
    ----------
    learning_rate : float
        ``eta``, above zero, in the units of ``w``.
    epsilon : float
        Above zero, in the units of the gradient.

    Raises
    ------
    ValueError, TypeError
        If a hyperparameter is out of range, or no number.

    References
    ----------
    [Duc11] Duchi, Hazan & Singer, *Adaptive subgradient methods for online learning and stochastic
    optimization*, JMLR 12, 2011.

    Examples
    --------
    >>> import numpy as np
    >>> import liegroup_teleport as lt
    >>> optimizer = lt.training.AdaGrad(0.1)
    >>> loss, w = lt.losses.Quadratic(np.diag([1.0, 100.0])), {"w": np.array([1.0, 1.0])}
    >>> w, state = optimizer.step(loss, w, loss.value(w), loss.gradient(w), optimizer.init(w))
    >>> w["w"].round(6)  # the first step has the same length along every axis
    array([0.9, 0.9])
    >>> state.count, state.second_moment["w"]
    (1, array([1.e+00, 1.e+04]))
    """

    learning_rate: float
    epsilon: float = 1e-10

    def __post_init__(self) -> None:
        object.__setattr__(self, "learning_rate", positive("learning_rate", self.learning_rate))
        object.__setattr__(self, "epsilon", positive("epsilon", self.epsilon))

    def init(self, w: Parameters) -> OptimizerState:
        """Return second moments of zeros."""
        return OptimizerState(second_moment=zeros_like(w))

    def step(
        self, loss: Any, w: Parameters, value: float, gradient: Parameters, state: OptimizerState
    ) -> tuple[dict[str, Array], OptimizerState]:
        """Do one step; see :meth:`Optimizer.step`."""
        s = _squares(1.0, 1.0, _second_moment(state), gradient)
        new = _scaled_step(w, self.learning_rate, gradient, s, 1.0, self.epsilon)
        return new, replace(state, second_moment=s, count=state.count + 1)

    def effective_learning_rate(self, state: OptimizerState) -> float:
        """Return ``eta``, the factor of the preconditioned gradient."""
        return self.learning_rate

    def preconditioner(self, state: OptimizerState) -> Preconditioner:
        """Return ``1 / (sqrt(s + v^2) + epsilon)`` for the next gradient ``v``."""
        return Preconditioner(_second_moment(state), 1.0, 1.0, self.epsilon)

    def default_objective(self) -> PredictedDecrease:
        """Return the predicted decrease of the preconditioned step."""
        return PredictedDecrease()


@dataclass(frozen=True)
class RMSProp(Optimizer):
    """RMSProp: AdaGrad with an exponential average, ``s <- rho s + (1 - rho) gradient^2``.

    The same steps as ``torch.optim.RMSprop`` with ``alpha=decay`` (whose own
    default is 0.99), not centred and without momentum.

    Parameters
    ----------
    learning_rate : float
        ``eta``, above zero, in the units of ``w``.
    decay : float
        ``rho`` in (0, 1).
    epsilon : float
        Above zero, in the units of the gradient.

    Raises
    ------
    ValueError, TypeError
        If a hyperparameter is out of range, or no number.

    References
    ----------
    [TH12] Tieleman & Hinton, *Neural Networks for Machine Learning*, lecture 6.5, Coursera, 2012.

    Examples
    --------
    >>> import numpy as np
    >>> import liegroup_teleport as lt
    >>> optimizer = lt.training.RMSProp(0.1, decay=0.75)
    >>> loss, w = lt.losses.Quadratic(np.diag([1.0, 100.0])), {"w": np.array([1.0, 1.0])}
    >>> w, state = optimizer.step(loss, w, loss.value(w), loss.gradient(w), optimizer.init(w))
    >>> w["w"].round(6)  # 0.1 over the root of 1 - decay
    array([0.8, 0.8])
    >>> state.count, state.second_moment["w"]
    (1, array([2.5e-01, 2.5e+03]))
    """

    learning_rate: float
    decay: float = 0.9
    epsilon: float = 1e-8

    def __post_init__(self) -> None:
        object.__setattr__(self, "learning_rate", positive("learning_rate", self.learning_rate))
        object.__setattr__(self, "decay", fraction("decay", self.decay, zero=False))
        object.__setattr__(self, "epsilon", positive("epsilon", self.epsilon))

    def init(self, w: Parameters) -> OptimizerState:
        """Return second moments of zeros."""
        return OptimizerState(second_moment=zeros_like(w))

    def step(
        self, loss: Any, w: Parameters, value: float, gradient: Parameters, state: OptimizerState
    ) -> tuple[dict[str, Array], OptimizerState]:
        """Do one step; see :meth:`Optimizer.step`."""
        s = _squares(self.decay, 1.0 - self.decay, _second_moment(state), gradient)
        new = _scaled_step(w, self.learning_rate, gradient, s, 1.0, self.epsilon)
        return new, replace(state, second_moment=s, count=state.count + 1)

    def effective_learning_rate(self, state: OptimizerState) -> float:
        """Return ``eta``, the factor of the preconditioned gradient."""
        return self.learning_rate

    def preconditioner(self, state: OptimizerState) -> Preconditioner:
        """Return ``1 / (sqrt(rho s + (1 - rho) v^2) + epsilon)`` for the next gradient ``v``."""
        return Preconditioner(_second_moment(state), self.decay, 1.0 - self.decay, self.epsilon)

    def default_objective(self) -> PredictedDecrease:
        """Return the predicted decrease of the preconditioned step."""
        return PredictedDecrease()


@dataclass(frozen=True)
class Adam(Optimizer):
    """Adam: exponential averages of gradients and their squares, both corrected for the start.

    The same steps as ``torch.optim.Adam`` (no weight decay, no AMSGrad).

    Parameters
    ----------
    learning_rate : float
        ``eta``, above zero, in the units of ``w``.
    beta1 : float
        Decay of the gradients, in [0, 1).
    beta2 : float
        Decay of the squares, in (0, 1).
    epsilon : float
        Above zero, in the units of the gradient.

    Raises
    ------
    ValueError, TypeError
        If a hyperparameter is out of range, or no number.

    References
    ----------
    [KB15] Kingma & Ba, *Adam: a method for stochastic optimization*, ICLR 2015.

    Examples
    --------
    >>> import numpy as np
    >>> import liegroup_teleport as lt
    >>> optimizer = lt.training.Adam(0.1)
    >>> loss, w = lt.losses.Quadratic(np.diag([1.0, 100.0])), {"w": np.array([1.0, 1.0])}
    >>> w, state = optimizer.step(loss, w, loss.value(w), loss.gradient(w), optimizer.init(w))
    >>> w["w"].round(6)  # the first step is the sign of the gradient times 0.1
    array([0.9, 0.9])
    >>> state.count, state.second_moment["w"]
    (1, array([1.e-03, 1.e+01]))
    """

    learning_rate: float
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8

    def __post_init__(self) -> None:
        object.__setattr__(self, "learning_rate", positive("learning_rate", self.learning_rate))
        object.__setattr__(self, "beta1", fraction("beta1", self.beta1, zero=True))
        object.__setattr__(self, "beta2", fraction("beta2", self.beta2, zero=False))
        object.__setattr__(self, "epsilon", positive("epsilon", self.epsilon))

    def init(self, w: Parameters) -> OptimizerState:
        """Return averages of zeros."""
        return OptimizerState(momentum=zeros_like(w), second_moment=zeros_like(w))

    def step(
        self, loss: Any, w: Parameters, value: float, gradient: Parameters, state: OptimizerState
    ) -> tuple[dict[str, Array], OptimizerState]:
        """Do one step; see :meth:`Optimizer.step`."""
        count = state.count + 1
        momentum = zeros_like(w) if state.momentum is None else state.momentum
        m = map_parameters(
            lambda old, new: self.beta1 * old + (1.0 - self.beta1) * new, momentum, gradient
        )
        s = _squares(self.beta2, 1.0 - self.beta2, _second_moment(state), gradient)
        rate = self.learning_rate / (1.0 - self.beta1**count)
        new = _scaled_step(w, rate, m, s, (1.0 - self.beta2**count) ** 0.5, self.epsilon)
        return new, replace(state, momentum=m, second_moment=s, count=count)

    @property
    def horizon(self) -> float:  # type: ignore[override]
        """Over how many steps one gradient takes effect, ``1 / (1 - beta1)``."""
        return 1.0 / (1.0 - self.beta1)

    def effective_learning_rate(self, state: OptimizerState) -> float:
        """Return ``eta``: the averages weigh a constant gradient by one."""
        return self.learning_rate

    def preconditioner(self, state: OptimizerState) -> Preconditioner:
        """Return ``1 / (sqrt((beta2 s + (1 - beta2) v^2) / c) + epsilon)``."""
        # The correction that the next step will apply.
        correction = 1.0 - self.beta2 ** (state.count + 1)
        return Preconditioner(
            _second_moment(state),
            self.beta2 / correction,
            (1.0 - self.beta2) / correction,
            self.epsilon,
        )

    def default_objective(self) -> PredictedDecrease:
        """Return the predicted decrease of the preconditioned step."""
        return PredictedDecrease()


def _second_moment(state: OptimizerState) -> dict[str, Array]:
    """Return the second moments, or raise if the state is another optimizer's."""
    if state.second_moment is None:
        raise ValueError(
            "the state has no second moments; expected one made by this optimizer's init"
        )
    return dict(state.second_moment)


def _squares(
    decay: float, weight: float, s: Mapping[str, Array], gradient: Parameters
) -> dict[str, Array]:
    """Return ``decay s + weight gradient^2``."""
    return {name: decay * s[name] + weight * (v * v) for name, v in gradient.items()}


def _scaled_step(
    w: Parameters,
    rate: float,
    direction: Mapping[str, Array],
    s: Mapping[str, Array],
    root_correction: float,
    epsilon: float,
) -> dict[str, Array]:
    """Return ``w - rate direction / (sqrt(s) / root_correction + epsilon)``."""
    xp = array_api_compat.array_namespace(next(iter(w.values())))
    return {
        name: array - rate * (direction[name] / (xp.sqrt(s[name]) / root_correction + epsilon))
        for name, array in w.items()
    }
