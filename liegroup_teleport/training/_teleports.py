"""Teleports during training: when, to what end, and what becomes of the optimizer's state."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any, Literal

from .._arrays import Parameters
from .._checks import (
    check_callable,
    check_choice,
    check_flag,
    check_instance,
    check_integer,
    check_number,
    shown,
)
from .._guarded import check_loss
from ..groups import SymmetryGroup
from ..orbit import LineSearchDecrease, Objective, PredictedDecrease, has_small_gram
from ..teleporting import Teleport, teleport
from ._automatic import Automatic
from ._doors import check_state
from ._optimizers import Optimizer, OptimizerState
from ._promise import already_fast, kept_promise
from ._schedule import Schedule, integer

__all__ = ["TeleportEvent", "Teleports"]

WINDOW = 1  # steps over which the automatic schedule measures a rate: the full loss has no noise
BATCHES_WINDOW = 20  # the same for mini-batches, whose losses are noisy
# A search's last digits cost most of its time and buy no line search; a product per evaluation
# is dear, and one matrix for all of them is not.
QUICK: dict[str, Any] = {"tol": 0.1, "max_iterations": 10}
BRIEF: dict[str, Any] = {"tol": 0.01, "max_iterations": 50}
OPTIONS = ("sense", "radius", "box", "stability", "rng", "tol", "max_iterations")


@dataclass(frozen=True, eq=False)
class TeleportEvent:
    """One teleport of a training run.

    Parameters
    ----------
    step : int
        The teleport took place before this step.
    result : Teleport
        What :func:`~liegroup_teleport.teleport` returned, drift and objective included.
    state : str
        What became of the optimizer's state: ``"transported"`` (all of it moved
        exactly), ``"kept"`` (left as it was, in whole or in part: the group does
        not act on it exactly, or nothing moved), ``"reset"``, or ``"none"``
        (there is no state).
    seconds : float
        Seconds that the teleport took, by the run's clock.

    Examples
    --------
    >>> import numpy as np
    >>> import liegroup_teleport as lt
    >>> loss, start = lt.losses.Booth(), {"w": np.array([5.0, -5.0])}
    >>> jump = lt.training.Teleports(loss.symmetry(), lt.GradientNorm(), at=[2])
    >>> heavy = lt.training.SGD(0.02, momentum=0.5)
    >>> run = lt.training.minimize(loss, start, heavy, steps=5, teleports=jump)
    >>> event = run.teleports[0]
    >>> event.step, event.state, event.result.status
    (2, 'transported', 'optimal')
    """

    step: int
    result: Teleport
    state: Literal["transported", "kept", "reset", "none"]
    seconds: float


class Teleports:
    """Teleports during training: before which steps, along which group, to what end.

    Parameters
    ----------
    group : SymmetryGroup
        Symmetry of the loss given to :func:`minimize` (or of ``loss``). A group
        built from a batch (``ActivationGL``) must be given that batch's loss.
    objective : objective, optional
        From :mod:`liegroup_teleport.orbit`. Default: the optimizer's own, the
        line-search decrease for :class:`LineSearch`, else the predicted
        decrease. A ``PredictedDecrease`` without learning rate or optimizer
        state takes both from the live optimizer.
    at : iterable of int or "auto", optional
        Teleport before these steps, counted from 0. Steps beyond the last of a
        run do not happen, nor do their teleports. ``"auto"``: whenever a
        teleport is worth its time, as measured during the run, and not where it
        is not; ``History.decisions`` says why. See the notes.
    every : int, optional
        Teleport before steps ``every``, ``2 every``, … Exactly one of ``at``
        and ``every`` is given.
    start : int, optional
        With ``every``: the first of the steps.
    window : int, optional
        With ``at="auto"``: the steps over which a rate is measured. Default 1,
        with mini-batches 20.
    state : {"keep", "reset"}
        ``"keep"`` moves the optimizer's state along, see
        :meth:`Optimizer.transport`. ``"reset"`` begins with a new one, at every
        scheduled step, even where no better point is found. A reset alone can
        do much for an accumulating optimizer: compare with :class:`Resets`.
    loss : Loss, optional
        The loss teleported on. Default: the full loss given to
        :func:`minimize`, not that of a mini-batch.
    **teleport_options : optional
        ``sense``, ``radius``, ``box``, ``stability``, ``rng``, ``tol``, ``max_iterations`` of
        :func:`~liegroup_teleport.teleport`. With ``at="auto"`` and the line-search decrease the
        last two are 0.1 and 10, or 0.01 and 50 where evaluations need no data, unless given: the
        last digits of a search take most of its time and save no steps.

    Raises
    ------
    ValueError
        If the schedule or ``state`` is not as above.
    TypeError
        If ``group`` is not a ``SymmetryGroup`` or an option is unknown, or if the
        group moves the data as well (``InputTransformation``).

    Notes
    -----
    ``at="auto"`` goes by the decrease of ``log(loss - lower_bound)`` per second
    (of the loss, without a known bound). While the last steps are above the
    average since the last teleport began, its own time included, they go on;
    where they fall below, that average has peaked, and if it is higher than the
    rate of steps alone (the mean of the rates before that teleport and now), then
    the next one takes place. If it is not, the teleport was not worth its time,
    and there is none until the steps have
    taken a quarter, a half, once, … as long as it did, doubling with each failure
    in a row. The first teleport takes place after the first two windows, to measure one.
    A predicted decrease must also grow at least fourfold, from at most a hundredth
    of what the loss is above its lower bound, or the teleport does not
    take place and counts as one not worth its time: at a learning rate that is
    already large for the curvature there is little to gain, and what the model
    promises for one step is not kept by the next ones. With momentum the hundredth is
    for the steps over which one gradient takes effect. (This is known before the search,
    from one gradient and one product.)
    The rule saves seconds, which is not to say steps: a teleport before every
    third step may need fewer of them and more time. Times differ from run to run,
    and so do the steps chosen; with a ``clock`` that does not depend on the
    machine, see :func:`minimize`, they are the same every time.

    References
    ----------
    [Zha22] Zhao et al., *Symmetry Teleportation for Accelerated Optimization*, NeurIPS 2022.

    [Cha76] Charnov, *Optimal foraging, the marginal value theorem*, Theoretical Population Biology
    9(2), 1976 (the automatic schedule).

    Examples
    --------
    A badly scaled ReLU network, at the same learning rate without and with one teleport:

    >>> import numpy as np
    >>> import liegroup_teleport as lt
    >>> rng = np.random.default_rng(0)
    >>> X, Y = rng.normal(size=(20, 3)), rng.normal(size=(20, 1))
    >>> loss = lt.losses.MLP([3, 5, 1], activation="relu", inputs=X, targets=Y)
    >>> w = loss.init(rng)
    >>> start = {"W1": 0.05 * w["W1"], "W2": 20 * w["W2"]}
    >>> jump = lt.training.Teleports(loss.symmetry(), lt.ParameterNorm(), at=[0])
    >>> optimizer = lt.training.SGD(0.005)
    >>> plain = lt.training.minimize(loss, start, optimizer, steps=30)
    >>> run = lt.training.minimize(loss, start, optimizer, steps=30, teleports=jump)
    >>> plain.status, run.status
    ('diverged', 'completed')
    >>> print(f"{run.losses[0]:.1f} {run.losses[-1]:.1f}")
    15.4 11.3
    """

    def __init__(
        self,
        group: SymmetryGroup,
        objective: Any = None,
        *,
        at: int | Iterable[int] | Literal["auto"] | None = None,
        every: int | None = None,
        start: int | None = None,
        window: int | None = None,
        state: Literal["keep", "reset"] = "keep",
        loss: Any = None,
        **teleport_options: Any,
    ) -> None:
        check_instance("group", group, SymmetryGroup, "a SymmetryGroup")
        if objective is not None:
            expected = "an objective such as GradientNorm(), or None"
            check_instance("objective", objective, Objective, expected)
        if loss is not None:
            check_loss(loss)
        if group.moves_inputs:
            raise TypeError(
                f"{type(group).__name__} moves the data along with the parameters, and training "
                "would go on with the old data; expected a group that acts on parameters alone. "
                "Teleport by teleport(), and train on group.act_on_loss(element, loss)."
            )
        check_choice("state", state, ("keep", "reset"))
        unknown = [name for name in teleport_options if name not in OPTIONS]
        if unknown:
            raise TypeError(f"unknown teleport options {unknown}; expected among {list(OPTIONS)}")
        self.group = group
        self.objective = objective
        self.state = state
        self.loss = loss
        self.options = dict(teleport_options)
        self.window = None if window is None else integer("window", window, 1)
        self._schedule: Schedule | None = None
        if isinstance(at, str):
            if at != "auto":
                raise ValueError(f"at is {at!r}; expected steps or 'auto'")
            for name, given in (("every", every), ("start", start)):
                if given is not None:
                    raise ValueError(
                        f"{name} is {shown(given)} beside at='auto'; expected it without"
                    )
        else:
            if window is not None:
                raise ValueError(
                    f"window is {shown(window)} beside at={shown(at)}; expected it with at='auto'"
                )
            self._schedule = Schedule.build(at, every, start)

    def __repr__(self) -> str:
        """Name group, objective and schedule."""
        objective = "" if self.objective is None else f", {self.objective}"
        when = "at='auto'" if self._schedule is None else str(self._schedule)
        return f"Teleports({type(self.group).__name__}{objective}, {when})"

    def due(self, t: int) -> bool:
        """Return whether a teleport takes place before step ``t`` by a schedule fixed in advance.

        Never with ``at="auto"``, which is decided during a run.

        Parameters
        ----------
        t : int
            A step, from 0.

        Returns
        -------
        bool
            ``True`` where it is on the schedule.

        Raises
        ------
        ValueError, TypeError
            If ``t`` is no integer, or negative.
        """
        t = check_integer("t", t, least=0)
        return self._schedule is not None and self._schedule.due(t)

    def automatic(self, loss: Any, batches: bool) -> Automatic | None:
        """Return the state of the automatic schedule for one run, ``None`` without one.

        Parameters
        ----------
        loss : Loss
            The full loss of the run.
        batches : bool
            Whether the steps are on mini-batches.

        Returns
        -------
        Automatic or None
            To be asked before each step of the run.

        Raises
        ------
        TypeError
            If ``loss`` is no loss, or ``batches`` not ``True`` or ``False``.
        """
        check_loss(loss)
        check_flag("batches", batches)
        if self._schedule is not None:
            return None
        window = self.window or (BATCHES_WINDOW if batches else WINDOW)
        return Automatic(getattr(loss, "lower_bound", None), window)

    def apply(
        self,
        t: int,
        loss: Any,
        optimizer: Optimizer,
        w: Parameters,
        state: OptimizerState,
        clock: Callable[[], float] = time.perf_counter,
    ) -> tuple[dict[str, Any], OptimizerState, TeleportEvent]:
        """Teleport, whatever the schedule says.

        Parameters
        ----------
        t : int
            The step it takes place before, for the record.
        loss : Loss
            The full loss; not used if the schedule has its own.
        optimizer : Optimizer
            Whose step size and state the objective and the transport need.
        w : dict of arrays
            Parameters.
        state : OptimizerState
            State at ``w``.
        clock : callable
            Returns the time in seconds.

        Returns
        -------
        w : dict of arrays
            The teleported parameters.
        state : OptimizerState
            State there.
        event : TeleportEvent
            The record.

        Raises
        ------
        InvarianceError, UnboundedOrbitError, DomainError, ValueError, TypeError
            From :func:`~liegroup_teleport.teleport`.
        """
        t = check_integer("t", t, least=0)
        check_loss(loss)
        check_instance("optimizer", optimizer, Optimizer, "an Optimizer")
        check_callable("clock", clock, "a function that returns the time in seconds")
        self.group.check_parameters(w)
        check_state(state, OptimizerState, w)
        started = check_number("clock()", clock(), infinite=True)
        departure = state
        reset = self.state == "reset" and not state.empty
        if reset:  # first, so that the objective sees the state the next step will use
            state = optimizer.init(w)
        objective = self._objective(optimizer, state)
        target = loss if self.loss is None else self.loss
        automatic, options = self._schedule is None, self.options
        if automatic and (objective is None or isinstance(objective, LineSearchDecrease)):
            small = has_small_gram(self.group, target, w, QUICK["max_iterations"])
            options = (BRIEF if small else QUICK) | options
        judged = automatic and isinstance(objective, PredictedDecrease)
        result: Teleport | None = None
        spent: dict[str, int] = {}
        if judged:
            result, spent = already_fast(target, self.group, objective, w, optimizer.horizon)
        if result is None:
            result = teleport(target, self.group, w, objective, **options)
            counts = {name: n + spent.get(name, 0) for name, n in result.evaluations.items()}
            result = replace(result, evaluations=counts)
        if judged:
            result = kept_promise(result, self.group, w)
            if result.status == "identity":
                state, reset = departure, False
        how: Literal["transported", "kept", "reset", "none"]
        if result.status == "identity":
            how = "none" if state.empty else "kept"
        else:
            state, how = optimizer.transport(state, self.group, result.element, w)
        event = TeleportEvent(t, result, "reset" if reset else how, clock() - started)
        return dict(result.params), state, event

    def _objective(self, optimizer: Optimizer, state: OptimizerState) -> Any:
        if self.objective is not None:
            return optimizer.bind(self.objective, state)
        objective = optimizer.bind(optimizer.default_objective(), state)
        # teleport's own default is this objective together with a radius.
        return None if isinstance(objective, LineSearchDecrease) else objective
