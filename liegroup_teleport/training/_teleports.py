"""Schedules: before which steps the parameters are teleported, and what becomes of the state."""

from __future__ import annotations

import operator
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Literal

from .._arrays import Parameters
from ..groups import SymmetryGroup
from ..orbit import LineSearchDecrease
from ..teleporting import Teleport, teleport
from ._automatic import Automatic
from ._optimizers import Optimizer, OptimizerState

__all__ = ["Resets", "TeleportEvent", "Teleports"]

WINDOW = 1  # steps over which the automatic schedule measures a rate: the full loss has no noise
BATCHES_WINDOW = 50  # the same for mini-batches, whose losses are noisy
# A search's last digits cost most of its time and buy no steps.
QUICK = {"tol": 0.1, "max_iterations": 5}
OPTIONS = ("sense", "radius", "stability", "rng", "tol", "max_iterations")


@dataclass(frozen=True)
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
        Wall clock of the teleport.
    """

    step: int
    result: Teleport
    state: Literal["transported", "kept", "reset", "none"]
    seconds: float


@dataclass(frozen=True)
class _Schedule:
    """The steps before which something happens: a set, or an arithmetic progression."""

    at: frozenset[int] | None
    every: int
    start: int

    @classmethod
    def build(
        cls, at: int | Iterable[int] | None, every: int | None, start: int | None
    ) -> _Schedule:
        if (at is None) == (every is None):
            raise ValueError(f"at is {at} and every is {every}; expected exactly one of the two")
        if isinstance(at, str):
            raise ValueError(f"at is {at!r}; expected steps")
        if at is not None:
            if start is not None:
                raise ValueError(f"start is {start} beside at={at}; expected it with every only")
            steps = at if isinstance(at, Iterable) else [at]
            return cls(frozenset(_integer("at", t, 0) for t in steps), 1, 0)
        period = _integer("every", every, 1)
        return cls(None, period, period if start is None else _integer("start", start, 0))

    def due(self, t: int) -> bool:
        if self.at is not None:
            return t in self.at
        return t >= self.start and (t - self.start) % self.every == 0


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
        with mini-batches 50.
    state : {"keep", "reset"}
        ``"keep"`` moves the optimizer's state along, see
        :meth:`Optimizer.transport`. ``"reset"`` begins with a new one, at every
        scheduled step, even where no better point is found. A reset alone can
        do much for an accumulating optimizer: compare with :class:`Resets`.
    loss : Loss, optional
        The loss teleported on. Default: the full loss given to
        :func:`minimize`, not that of a mini-batch.
    **teleport_options
        ``sense``, ``radius``, ``stability``, ``rng``, ``tol``,
        ``max_iterations`` of :func:`~liegroup_teleport.teleport`. With
        ``at="auto"`` the last two are 0.1 and 5 unless given: the last digits
        of a search take most of its time and save no steps.

    Notes
    -----
    ``at="auto"`` goes by the decrease of ``log(loss - lower_bound)`` per second
    (of the loss, without a known bound). While the last steps are above the
    average since the last teleport began, its own time included, they go on;
    where they fall below, that average has peaked, and if it is higher than the
    rate of steps alone (the mean of the rates before that teleport and now), then
    the next one takes place. If it is not, the teleport was not worth its time,
    and there is none until the steps have
    taken 1, 2, 4, … times as long as it did, doubling with each failure in a
    row. The first teleport takes place after the first two windows, to measure one.
    Times differ from run to run, and so do the steps chosen.

    Raises
    ------
    ValueError
        If the schedule or ``state`` is not as above.
    TypeError
        If ``group`` is not a ``SymmetryGroup`` or an option is unknown.

    References
    ----------
    B. Zhao, N. Dehmamy, R. Walters, R. Yu, Symmetry teleportation for
    accelerated optimization, NeurIPS 2022, algorithm 1.
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
        if not isinstance(group, SymmetryGroup):
            raise TypeError(f"group is a {type(group).__name__}; expected a SymmetryGroup")
        if state not in ("keep", "reset"):
            raise ValueError(f"state is {state!r}; expected 'keep' or 'reset'")
        unknown = [name for name in teleport_options if name not in OPTIONS]
        if unknown:
            raise TypeError(f"unknown teleport options {unknown}; expected among {list(OPTIONS)}")
        self.group = group
        self.objective = objective
        self.state = state
        self.loss = loss
        self.options = dict(teleport_options)
        self.window = None if window is None else _integer("window", window, 1)
        self._schedule: _Schedule | None = None
        if isinstance(at, str):
            if at != "auto":
                raise ValueError(f"at is {at!r}; expected steps or 'auto'")
            for name, given in (("every", every), ("start", start)):
                if given is not None:
                    raise ValueError(f"{name} is {given} beside at='auto'; expected it without")
            self.options = QUICK | self.options
        else:
            if window is not None:
                raise ValueError(f"window is {window} beside at={at}; expected it with at='auto'")
            self._schedule = _Schedule.build(at, every, start)

    def due(self, t: int) -> bool:
        """Return whether a teleport takes place before step ``t`` by a schedule fixed in advance.

        Never with ``at="auto"``, which is decided during a run.
        """
        return self._schedule is not None and self._schedule.due(t)

    def automatic(self, loss: Any, batches: bool) -> Automatic | None:
        """Return the state of the automatic schedule for one run, ``None`` without one.

        Parameters
        ----------
        loss : Loss
            The full loss of the run.
        batches : bool
            Whether the steps are on mini-batches.
        """
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
        """
        started = clock()
        reset = self.state == "reset" and not state.empty
        if reset:  # first, so that the objective sees the state the next step will use
            state = optimizer.init(w)
        result = teleport(
            loss if self.loss is None else self.loss,
            self.group,
            w,
            self._objective(optimizer, state),
            **self.options,
        )
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


class Resets:
    """The control for ``Teleports(..., state="reset")``: a new optimizer state and no teleport.

    Parameters
    ----------
    at, every, start
        As for :class:`Teleports`.

    Raises
    ------
    ValueError
        If the schedule is not as for :class:`Teleports`.
    """

    def __init__(
        self,
        *,
        at: int | Iterable[int] | None = None,
        every: int | None = None,
        start: int | None = None,
    ) -> None:
        self._schedule = _Schedule.build(at, every, start)

    def due(self, t: int) -> bool:
        """Return whether the state is reset before step ``t``."""
        return self._schedule.due(t)


def _integer(what: str, value: Any, least: int) -> int:
    """Return ``value`` as an ``int``, or raise unless it is one and at least ``least``."""
    try:
        number = operator.index(value)
    except TypeError:
        raise ValueError(f"{what} has {value!r}; expected integers >= {least}") from None
    if number < least:
        raise ValueError(f"{what} has {number}; expected integers >= {least}")
    return number
