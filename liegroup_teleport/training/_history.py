"""The record of a training run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from ._automatic import Decision
from ._optimizers import OptimizerState
from ._teleports import TeleportEvent

__all__ = ["History", "Status"]

Status = Literal["completed", "stopped", "diverged"]


@dataclass(frozen=True, eq=False)
class History:
    """A training run of ``n`` steps.

    Parameters
    ----------
    params : dict of arrays
        Parameters after the last step.
    losses : numpy.ndarray, shape (n + 1,)
        ``losses[t]`` is before step ``t`` and after a teleport scheduled there
        (which leaves the loss as it was); the last entry is after the last step.
    gradient_norms : numpy.ndarray, shape (n + 1,)
        Euclidean norms of the gradients used; the last entry is that of the
        full gradient at ``params``.
    seconds : numpy.ndarray, shape (n + 1,)
        Time in seconds by the run's clock, the wall clock by default, spent on steps and
        teleports when ``losses[t]`` was reached; recording and callbacks are not
        counted.
    teleports : tuple of TeleportEvent
        In order.
    status : {"completed", "stopped", "diverged"}
        ``"stopped"``: by the callback. ``"diverged"``: the loss is no longer
        finite after the last step recorded, and the last entries say so.
    resets : tuple of int
        Steps before which :class:`Resets` reset the state.
    state : OptimizerState
        Of the optimizer after the last step; give it to :func:`minimize` to go on.
    decisions : tuple of Decision
        Of the automatic schedules (``Teleports(..., at="auto")``): when and why
        they teleported, paused or stopped, with the rates measured. A teleport that
        was searched for and did not take place is in ``teleports`` with status
        ``"identity"``, and followed by a decision ``"pause"``.

    Examples
    --------
    >>> import numpy as np
    >>> import liegroup_teleport as lt
    >>> loss, start = lt.losses.Booth(), {"w": np.array([5.0, -5.0])}
    >>> run = lt.training.minimize(loss, start, lt.training.SGD(0.05), steps=20)
    >>> run.status, run.steps, run.losses.shape
    ('completed', 20, (21,))
    >>> print(run.losses[0], bool(np.isclose(run.losses[-1], loss.value(run.params))))
    144.0 True
    """

    params: dict[str, Any]
    losses: np.ndarray
    gradient_norms: np.ndarray
    seconds: np.ndarray
    teleports: tuple[TeleportEvent, ...]
    status: Status
    resets: tuple[int, ...]
    state: OptimizerState
    decisions: tuple[Decision, ...] = ()

    @property
    def steps(self) -> int:
        """Number of steps done."""
        return len(self.losses) - 1
