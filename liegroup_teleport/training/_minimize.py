"""The entry to training: checks what it is given and runs the loop."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence, Sized
from typing import Any, Literal

import numpy as np

from .._arrays import Parameters, check_finite, is_symbolic, namespace
from .._checks import (
    check_callable,
    check_choice,
    check_instance,
    check_integer,
    check_number,
    check_sequence,
)
from .._guarded import Guarded, owned
from ..groups import SymmetryGroup
from ._history import History
from ._optimizers import Optimizer, OptimizerState
from ._run import Callback, Run
from ._schedule import Resets
from ._teleports import Teleports

__all__ = ["minimize"]

Batches = Iterable[Any] | Callable[[int], Any]


def minimize(
    loss: Any,
    w: Parameters,
    optimizer: Optimizer,
    steps: int,
    *,
    batches: Batches | None = None,
    teleports: Teleports | Resets | Sequence[Teleports | Resets] | None = None,
    callback: Callback | None = None,
    record: Literal["full", "batch"] = "full",
    state: OptimizerState | None = None,
    clock: Callable[[], float] = time.perf_counter,
) -> History:
    """Minimise ``loss`` from ``w``, one gradient per step, with teleports between the steps.

    Parameters
    ----------
    loss : Loss
        The full loss. ``value_and_gradient`` is used where it has one.
    w : dict of arrays
        Initial parameters, of any array library; they are not mutated.
    optimizer : Optimizer
        :class:`SGD`, :class:`LineSearch`, :class:`AdaGrad`, :class:`RMSProp`, :class:`Adam`.
    steps : int
        Number of steps, at least 0.
    batches : iterable of index arrays, or callable, optional
        Index arrays one per step, or a function of the step that returns one:
        step ``t`` then is on ``loss.batch(index)``. Default: the full loss.
    teleports : Teleports, or a sequence of them, optional
        Schedules, applied in this order where several are due; :class:`Resets`
        may be among them.
    callback : callable, optional
        ``callback(t, w, loss_value)`` is called before each step, after its
        teleport, with the value recorded; returning True stops the run there.
    record : {"full", "batch"}
        With ``batches``: whether ``losses[t]`` is the full loss (one more
        evaluation per step, not timed) or that of the batch of step ``t``. The
        last entry is the full loss either way.
    state : OptimizerState, optional
        Where a former run left the optimizer. Default: ``optimizer.init(w)``.
    clock : callable
        Returns the time in seconds. Times are recorded in the history, and an
        automatic schedule decides by them. ``time.process_time`` is steadier than
        the wall clock where other programs run; with a clock that does not depend on
        the machine (one that counts evaluations, say) the steps chosen are the
        same every time.

    Returns
    -------
    History
        Its arrays have ``steps + 1`` entries, fewer if the callback stopped the
        run or the loss became infinite or undefined (``status``): a diverging
        run is a result, not an error.

    Raises
    ------
    ValueError
        If ``steps``, ``record``, the batches or the names and shapes of ``w``
        are not as expected.
    TypeError
        If the optimizer, the teleports or the arrays are of another type.
    DomainError
        If the initial parameters or their loss are not finite.
    InvarianceError, UnboundedOrbitError
        From :func:`~liegroup_teleport.teleport`.

    References
    ----------
    [Zha22] Zhao et al., *Symmetry Teleportation for Accelerated Optimization*, NeurIPS 2022.

    Examples
    --------
    An ill-conditioned quadratic: one teleport along its level set and one
    gradient step, whose size is the inverse of the largest eigenvalue, reach
    the minimum.

    >>> import numpy as np
    >>> from liegroup_teleport.groups import QuadraticOrthogonal
    >>> from liegroup_teleport.losses import Quadratic
    >>> from liegroup_teleport.orbit import GradientNorm
    >>> from liegroup_teleport.training import SGD, Teleports, minimize
    >>> loss = Quadratic(np.diag([1.0, 100.0]), np.zeros(2))
    >>> start = {"w": np.array([3.0, 0.1])}
    >>> plain = minimize(loss, start, SGD(0.01), steps=10)
    >>> print(f"{plain.losses[0]:.2f} {plain.losses[-1]:.2f}")
    5.00 3.68
    >>> jump = Teleports(QuadraticOrthogonal(loss), GradientNorm(), at=[0])
    >>> run = minimize(loss, start, SGD(0.01), steps=1, teleports=jump)
    >>> print(f"{run.losses[0]:.2f}", bool(run.losses[-1] < 1e-12))
    5.00 True
    >>> run.teleports[0].result.status
    'optimal'
    """
    loss = Guarded.of(loss)
    if isinstance(optimizer, type):
        raise TypeError(
            f"optimizer is the class {optimizer.__name__}; expected an instance, "
            f"{optimizer.__name__}(...)"
        )
    if not isinstance(optimizer, Optimizer):
        raise TypeError(f"optimizer is a {type(optimizer).__name__}; expected an Optimizer")
    if isinstance(steps, (bool, np.bool_)):
        raise ValueError(f"steps is {steps}; expected an integer >= 0")
    steps = check_integer("steps", steps, least=0)
    check_choice("record", record, ("full", "batch"))
    check_callable("clock", clock, "a function that returns the time in seconds")
    if callback is not None:
        check_callable("callback", callback, "a function of (t, w, loss_value) or None")
    if state is not None:
        check_instance("state", state, OptimizerState, "an OptimizerState or None")
    namespace(w)
    if is_symbolic(next(iter(w.values()))):
        raise TypeError("parameters are object arrays; expected floating point numbers")
    check_finite(w, "initial parameter")
    indices = _indices(loss, batches, steps)
    run = Run(loss, optimizer, indices, _schedules(teleports), record, _numbers(clock))
    # Arrays that record operations are cut off, or each step would hold on to all before it.
    w = owned({name: a.detach() if hasattr(a, "detach") else a for name, a in w.items()})
    with np.errstate(all="ignore"):
        return run.go(w, optimizer.init(w) if state is None else state, steps, callback)


def _numbers(clock: Callable[[], Any]) -> Callable[[], float]:
    """Return ``clock`` if what it returns are numbers; it raises if not."""
    return lambda: check_number("clock()", clock())


def _indices(loss: Any, batches: Batches | None, steps: int) -> Iterator[Any] | None:
    """Return an iterator of one index array per step, or ``None`` for the full loss."""
    if batches is None:
        return None
    if not hasattr(loss.loss, "batch"):
        kind = type(loss.loss).__name__
        raise TypeError(f"batches given, but a {kind} has no method batch(index)")
    if callable(batches):
        return map(batches, range(steps))
    if not isinstance(batches, Iterable) or isinstance(batches, (str, bytes, dict)):
        raise TypeError(
            f"batches is a {type(batches).__name__}; expected an iterable of index arrays "
            "or a function of the step"
        )
    given = len(batches) if isinstance(batches, Sized) else steps
    if given < steps:
        raise ValueError(f"batches has {given} index arrays for {steps} steps; expected one each")
    return iter(batches)


def _schedules(
    teleports: Teleports | Resets | Sequence[Teleports | Resets] | None,
) -> tuple[Teleports | Resets, ...]:
    """Return the schedules as a tuple, in their order."""
    if teleports is None:
        return ()
    if isinstance(teleports, (Teleports, Resets)):
        return (teleports,)
    given: Any = teleports
    if not isinstance(given, Iterable):
        what = type(given).__name__
        hint = f"({what}(...), ...)" if isinstance(given, SymmetryGroup) else ""
        raise TypeError(f"teleports is a {what}; expected Teleports{hint}")
    schedules = tuple(check_sequence("teleports", given, "Teleports, or a list of them"))
    for schedule in schedules:
        if not isinstance(schedule, (Teleports, Resets)):
            raise TypeError(f"teleports has a {type(schedule).__name__}; expected Teleports")
    return schedules
