"""The training loop itself: one run, its record and its clock."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from .._arrays import Parameters, norm
from .._checks import shown
from .._errors import DomainError, InvarianceError
from .._guarded import ask
from ._automatic import Automatic
from ._history import History, Status
from ._optimizers import Optimizer, OptimizerState
from ._schedule import Resets
from ._teleports import TeleportEvent, Teleports

__all__ = ["Callback", "Run"]

Callback = Callable[[int, dict[str, Any], float], bool | None]


class Run:
    """One run: what it minimises, the record so far, and the clock."""

    def __init__(
        self,
        loss: Any,
        optimizer: Optimizer,
        indices: Iterator[Any] | None,
        schedules: tuple[Teleports | Resets, ...],
        record: str,
        clock: Callable[[], float],
    ) -> None:
        self.loss, self.optimizer = loss, optimizer
        self.indices, self.schedules, self.record = indices, schedules, record
        self.losses: list[float] = []
        self.gradient_norms: list[float] = []
        self.seconds: list[float] = []
        self.events: list[TeleportEvent] = []
        self.resets: list[int] = []
        self.now, self.spent = clock, 0.0
        self.automatic = [
            s.automatic(loss, indices is not None) if isinstance(s, Teleports) else None
            for s in schedules
        ]

    def go(
        self,
        w: dict[str, Any],
        state: OptimizerState,
        steps: int,
        callback: Callback | None,
    ) -> History:
        status: Status = "completed"
        for t in range(steps):
            try:
                w, state = self._move(t, w, state)
                reached = self.spent
                loss = self._loss_of_step(t)
                value, gradient = self._evaluate(loss, w)
                shown = self.loss.value(w) if self._full_beside_batch else value
            except (DomainError, InvarianceError):
                # The steps may have left the domain; any other reason is the caller's to see.
                if t == 0 or math.isfinite(_value(self.loss, w)):
                    raise
                status = "diverged"
                break
            if not (math.isfinite(value) and math.isfinite(shown)):
                status = "diverged"
                break
            if callback is not None and _stops(callback, t, w, shown):
                status = "stopped"
                break
            self._note(shown, norm(gradient), reached)
            started = self.now()
            w, state = self.optimizer.step(loss, w, value, gradient, state)
            self.spent += self.now() - started
        value, gradient_norm = self._last(w)
        if not math.isfinite(value):
            status = "diverged"
        if status == "diverged" and not self.losses:
            raise DomainError(f"the loss at the initial parameters is {value}; expected it finite")
        self._note(value, gradient_norm, self.spent)
        return History(
            params=dict(w),
            losses=np.array(self.losses),
            gradient_norms=np.array(self.gradient_norms),
            seconds=np.array(self.seconds),
            teleports=tuple(self.events),
            status=status,
            resets=tuple(self.resets),
            state=state,
            decisions=tuple(
                sorted(
                    (d for a in self.automatic if a is not None for d in a.decisions),
                    key=lambda d: d.step,
                )
            ),
        )

    @property
    def _full_beside_batch(self) -> bool:
        return self.indices is not None and self.record == "full"

    def _move(
        self, t: int, w: dict[str, Any], state: OptimizerState
    ) -> tuple[dict[str, Any], OptimizerState]:
        """Do the teleports and resets that are due before step ``t``."""
        for schedule, automatic in zip(self.schedules, self.automatic, strict=True):
            if automatic is not None:
                if not automatic.due(t, self.losses, self.seconds):
                    continue
            elif not schedule.due(t):
                continue
            started = self.now()
            if isinstance(schedule, Resets):
                state = self.optimizer.init(w)
                self.resets.append(t)
            else:
                w, state, event = schedule.apply(t, self.loss, self.optimizer, w, state, self.now)
                self.events.append(event)
            took = self.now() - started
            if automatic is not None:
                self._tell(automatic, schedule, took)
            self.spent += took
        return w, state

    def _tell(self, automatic: Automatic, schedule: Any, took: float) -> None:
        """Tell an automatic schedule of its teleport, the last that took place."""
        event = self.events[-1]
        # Losses of batches, or another loss, have another scale than the record.
        same = schedule.loss is None and (self.indices is None or self.record == "full")
        value = event.result.loss_before if same else None
        stayed = event.result.message if event.result.status == "identity" else None
        automatic.done(event.step, value, self.spent, took, stayed)

    def _loss_of_step(self, t: int) -> Any:
        """Return the loss of the next mini-batch, or the full one."""
        if self.indices is None:
            return self.loss
        try:
            index = next(self.indices)
        except StopIteration:
            raise ValueError(
                f"batches ended after {t} index arrays; expected one per step"
            ) from None
        started = self.now()
        loss = self.loss.batch(index)
        self.spent += self.now() - started
        return loss

    def _evaluate(self, loss: Any, w: dict[str, Any]) -> tuple[float, dict[str, Any]]:
        """Return value and gradient; time the value only if the optimizer needs it."""
        both = getattr(loss, "value_and_gradient", None)
        started = self.now()
        if both is not None:
            value, gradient = both(w)
            self.spent += self.now() - started
            return float(value), gradient
        gradient = loss.gradient(w)
        between = self.now()
        value = float(loss.value(w))
        finished = self.now() if self.optimizer.uses_value else between
        self.spent += finished - started
        return value, gradient

    def _last(self, w: dict[str, Any]) -> tuple[float, float]:
        """Return value and gradient norm of the full loss at the end, not timed."""
        try:
            return float(self.loss.value(w)), norm(self.loss.gradient(w))
        except DomainError:
            return math.nan, math.nan

    def _note(self, value: float, gradient_norm: float, seconds: float) -> None:
        self.losses.append(value)
        self.gradient_norms.append(gradient_norm)
        self.seconds.append(seconds)


def _stops(callback: Callback, t: int, w: Parameters, value: float) -> bool:
    """Call the callback, which may not change the parameters, and return whether it stops."""
    answer = ask("callback", lambda given: callback(t, given, value), w)
    if answer is not None and not isinstance(answer, (bool, np.bool_)):
        raise TypeError(
            f"callback returned {shown(answer)}; expected True to stop, and False or None to go on"
        )
    return bool(answer)


def _value(loss: Any, w: Parameters) -> float:
    """Return the loss, undefined outside its domain."""
    try:
        return float(loss.value(w))
    except DomainError:
        return math.nan
