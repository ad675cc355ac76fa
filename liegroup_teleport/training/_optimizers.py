"""The base class of the optimizers: pure functions on parameters and an immutable state."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

import array_api_compat

from .._arrays import Parameters, map_parameters
from .._checks import check_instance, check_number
from ..groups import SymmetryGroup
from ..orbit import Objective, Preconditioner, PredictedDecrease
from ._doors import check_start, check_state, hang_doors

__all__ = ["Optimizer", "OptimizerState"]

Array = Any
Transported = Literal["transported", "kept", "reset", "none"]


@dataclass(frozen=True, eq=False)
class OptimizerState:
    """What an optimizer remembers between two steps; a field it does not use is ``None``.

    Parameters
    ----------
    momentum : dict, optional
        A (weighted) sum of past gradients, arrays shaped as the parameters.
    second_moment : dict, optional
        A (weighted) sum of squared past gradients, arrays shaped as the parameters.
    step_size : float, optional
        The last step length that a line search accepted.
    count : int
        Steps done.

    Examples
    --------
    >>> import numpy as np
    >>> import liegroup_teleport as lt
    >>> w = {"w": np.ones(2)}
    >>> lt.training.SGD(0.1).init(w).empty
    True
    >>> lt.training.SGD(0.1, momentum=0.9).init(w)
    OptimizerState(momentum={'w': array([0., 0.])}, second_moment=None, step_size=None, count=0)
    """

    momentum: Mapping[str, Array] | None = None
    second_moment: Mapping[str, Array] | None = None
    step_size: float | None = None
    count: int = 0

    @property
    def empty(self) -> bool:
        """Whether there is nothing that a teleport could move, keep or reset."""
        return self.momentum is None and self.second_moment is None and self.step_size is None


class Optimizer(ABC):
    """An optimizer as pure functions: it holds hyperparameters, the state is passed around.

    To write one: a frozen dataclass that implements the five abstract methods
    below; teleporting its state then follows from the fields of
    :class:`OptimizerState` it uses.

    Examples
    --------
    An optimizer of one's own, descent along the sign of the gradient:

    >>> from dataclasses import dataclass, replace
    >>> import numpy as np
    >>> import liegroup_teleport as lt
    >>> @dataclass(frozen=True)
    ... class SignDescent(lt.training.Optimizer):
    ...     rate: float
    ...     def init(self, w):
    ...         return lt.training.OptimizerState()
    ...     def step(self, loss, w, value, gradient, state):
    ...         new = {name: a - self.rate * np.sign(gradient[name]) for name, a in w.items()}
    ...         return new, replace(state, count=state.count + 1)
    ...     def effective_learning_rate(self, state):
    ...         return self.rate
    ...     def preconditioner(self, state):
    ...         return None
    ...     def default_objective(self):
    ...         return lt.GradientNorm()
    >>> loss, start = lt.losses.Booth(), {"w": np.array([5.0, -5.0])}
    >>> jump = lt.training.Teleports(loss.symmetry(), at=[0])
    >>> run = lt.training.minimize(loss, start, SignDescent(0.1), steps=30, teleports=jump)
    >>> run.teleports[0].result.status, bool(run.losses[-1] < run.losses[0])
    ('optimal', True)
    """

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        hang_doors(cls, OptimizerState)

    uses_value: ClassVar[bool] = False
    """Whether :meth:`step` reads ``value``; otherwise ``minimize`` times it as recording."""

    horizon: float = 1.0
    """Over how many steps one gradient takes effect; ``1 / (1 - beta)`` with momentum."""

    @abstractmethod
    def init(self, w: Parameters) -> OptimizerState:
        """Return the state before the first step from ``w``.

        Parameters
        ----------
        w : dict of str to array
            Initial parameters.

        Returns
        -------
        OptimizerState
            Of zeros, with the shapes of ``w``.
        """

    @abstractmethod
    def step(
        self,
        loss: Any,
        w: Parameters,
        value: float,
        gradient: Parameters,
        state: OptimizerState,
    ) -> tuple[dict[str, Array], OptimizerState]:
        """Do one step.

        Parameters
        ----------
        loss : Loss
            The function stepped on (that of the mini-batch, if there is one).
        w : dict of arrays
            Parameters.
        value : float
            ``loss.value(w)``.
        gradient : dict of arrays
            ``loss.gradient(w)``.
        state : OptimizerState
            From :meth:`init` or the step before.

        Returns
        -------
        w : dict of arrays
            New parameters, of the library, dtype and device of those given.
        state : OptimizerState
            New state. Nothing given is mutated.
        """

    @abstractmethod
    def effective_learning_rate(self, state: OptimizerState) -> float:
        """Return how far a constant (preconditioned) gradient is followed per step.

        Parameters
        ----------
        state : OptimizerState
            State at the present parameters.

        Returns
        -------
        float
            A step size.
        """

    @abstractmethod
    def preconditioner(self, state: OptimizerState) -> Preconditioner | None:
        """Return the diagonal of the next step, as a function of its gradient, or ``None``.

        Parameters
        ----------
        state : OptimizerState
            State at the present parameters.

        Returns
        -------
        Preconditioner or None
            ``None`` for a plain gradient step.

        Raises
        ------
        ValueError
            If the state is another optimizer's.
        """

    @abstractmethod
    def default_objective(self) -> Any:
        """Return the objective a teleport should have when none is given.

        Returns
        -------
        Objective
            What is missing in it, :meth:`bind` fills in.
        """

    def transport(
        self, state: OptimizerState, group: SymmetryGroup, g: Any, w: Parameters
    ) -> tuple[OptimizerState, Transported]:
        """Move ``state`` along with the parameters, from ``w`` to ``g·w``.

        Momentum lives where gradients live and moves with them,
        ``m -> act_cotangent(g, w, m)``: exact. Diagonal second moments move
        exactly where the action is diagonal: a gradient entry is multiplied by
        ``c``, its square by ``c²``. Under any other group a diagonal of squares
        does not stay one, and it is kept as it is. A step length belongs to the
        curvature left behind: the next line search begins anew. A
        group of scope ``"batch"`` moves the gradient of its batch only, not
        those of the past, so all is kept.

        Parameters
        ----------
        state : OptimizerState
            State at ``w``.
        group : SymmetryGroup
            The group moved along.
        g : element
            Of ``group``.
        w : dict of arrays
            The parameters *before* the teleport.

        Returns
        -------
        state : OptimizerState
            State at ``g·w``.
        how : str
            ``"transported"``: all of it moved exactly; ``"kept"``: a part
            could not and is as it was; ``"reset"``: a line search begins
            anew; ``"none"``: there is no state.

        Raises
        ------
        ValueError, TypeError
            If ``state`` is no state at ``w``, or ``group`` no group of ``w``.
        """
        check_start(w)
        check_state(state, OptimizerState, w)
        check_instance("group", group, SymmetryGroup, "a SymmetryGroup")
        if state.empty:
            return state, "none"
        momentum, second_moment = state.momentum, state.second_moment
        if state.step_size is not None:
            state = replace(state, step_size=None)
            if state.empty:
                return state, "reset"
        if group.scope == "batch":
            return state, "kept"
        kept = False
        if momentum is not None:
            momentum = group.act_cotangent(g, w, momentum)
        if second_moment is not None:
            if group.diagonal:
                once = group.act_cotangent(g, w, second_moment)
                second_moment = group.act_cotangent(g, w, once)
            else:
                kept = True
        moved = replace(state, momentum=momentum, second_moment=second_moment)
        return moved, "kept" if kept else "transported"

    def bind(self, objective: Any, state: OptimizerState) -> Any:
        """Tell a :class:`~liegroup_teleport.orbit.PredictedDecrease` what the next step will be.

        Parameters
        ----------
        objective : objective
            A ``PredictedDecrease`` gets the learning rate and the live
            preconditioner where it has none; any other comes back as it is.
        state : OptimizerState
            State at the point of departure.

        Returns
        -------
        objective
            A new one; the one given is not mutated.

        Raises
        ------
        TypeError
            If one of them is of another kind.
        """
        check_instance("objective", objective, Objective, "an objective such as GradientNorm()")
        check_state(state, OptimizerState)
        if not isinstance(objective, PredictedDecrease):
            return objective
        if objective.learning_rate is None:
            objective = replace(objective, learning_rate=self.effective_learning_rate(state))
        if objective.optimizer_state is None:
            objective = replace(objective, optimizer_state=self.preconditioner(state))
        return objective


def positive(what: str, value: Any) -> float:
    """Return ``value`` as a Python float, or raise unless it is finite and above zero.

    A NumPy scalar would raise float32 parameters to float64, a Python float does not.
    """
    return check_number(what, value, above=0.0)


def fraction(what: str, value: Any, *, zero: bool) -> float:
    """Return ``value`` as a Python float, or raise unless it lies in [0, 1) or (0, 1)."""
    number = check_number(what, value)
    if not (0.0 <= number < 1.0) or (number == 0.0 and not zero):
        raise ValueError(f"{what} is {value}; expected 0 {'<=' if zero else '<'} {what} < 1")
    return number


def zeros_like(w: Parameters) -> dict[str, Array]:
    """Return zeros of the shapes, library, dtype and device of ``w``."""
    xp = array_api_compat.array_namespace(next(iter(w.values())))
    return map_parameters(xp.zeros_like, w)
