"""When a teleport is worth its time: the automatic schedule's state during one run."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

__all__ = ["Automatic", "Decision"]

PATIENCE = 0.25  # of a teleport's time: the pause after the first that was not worth it


@dataclass(frozen=True)
class Decision:
    """What an automatic schedule found before a step, and why.

    Rates are decreases of ``log(loss - lower_bound)`` per second (of the loss
    itself where no lower bound is known).

    Parameters
    ----------
    step : int
        The decision was made before this step.
    action : {"teleport", "pause", "stop"}
        ``"pause"``: the last teleport was not worth its time, none for a while.
        ``"stop"``: nothing is left to gain.
    reason : str
        Why, in words.
    rate : float
        Of the last steps, without any teleport's time; per second.
    average : float
        Since the last teleport began, its time included; per second, NaN before the first.
    seconds_saved : float
        By the last teleport: the time that steps alone would have taken
        for the same decrease, less the time taken, its own included; NaN before the first.

    Examples
    --------
    >>> import numpy as np
    >>> import liegroup_teleport as lt
    >>> loss, start = lt.losses.Quadratic(np.diag([1.0, 100.0])), {"w": np.array([3.0, 0.1])}
    >>> schedule = lt.training.Teleports(loss.symmetry(), lt.GradientNorm(), at="auto")
    >>> run = lt.training.minimize(
    ...     loss, start, lt.training.SGD(0.01), steps=20, teleports=schedule
    ... )
    >>> first = run.decisions[0]
    >>> first.step, first.action, first.reason
    (2, 'teleport', 'the first, to measure one')
    """

    step: int
    action: Literal["teleport", "pause", "stop"]
    reason: str
    rate: float
    average: float
    seconds_saved: float


class Automatic:
    """Decides before each step of one run whether to teleport, from measured times.

    A teleport buys steps that are better for a while. The rule is that of
    when to leave a patch, the marginal value theorem: go on while the rate of
    the last steps is above the average since the last teleport began, its time
    included, and teleport again when it falls below. That average is then at its
    peak, and what the next teleport promises. A dear teleport lowers the average,
    so it comes seldom.

    The promise must have been kept. Steps alone would have slowed down too, from
    the rate before the teleport to the present one, say evenly; where they would
    have brought the same decrease sooner, the teleport was not worth its time.
    (Useless teleports are found out whenever the rate of steps alone falls along
    a convex curve.) Then none follows until the steps have taken a quarter, a half,
    once, … as long as the teleport did, doubling with each failure in a row: what useless
    teleports cost vanishes against the run.

    Parameters
    ----------
    lower_bound : float or None
        A lower bound on the loss.
    window : int
        Steps over which a rate is measured, at least 1.

    References
    ----------
    E. L. Charnov, Optimal foraging, the marginal value theorem, Theoretical
    Population Biology 9(2), 1976.
    """

    def __init__(self, lower_bound: float | None, window: int) -> None:
        self.lower_bound, self.window = lower_bound, window
        self.decisions: list[Decision] = []
        self.start = 0  # step of the last teleport
        self.began = 0.0  # when it began
        self.cost = math.nan  # its seconds
        self.rate_before = math.nan
        self.height = self.departure = math.nan  # at the last teleport, and just before
        self.failures = 0
        self.until: float | None = None  # no teleport before this time
        self.stopped = False

    def due(self, t: int, losses: Sequence[float], seconds: Sequence[float]) -> bool:
        """Return whether to teleport before step ``t``, from the record of the steps before it."""
        last = len(losses) - 1
        if self.stopped or last - self.start < 2 * self.window - 1:
            return False
        height, time = self._window(losses, seconds, last)
        if height == -math.inf:
            self.stopped = True
            return self._decide(t, "stop", "the loss is at its lower bound", 0.0)
        before, earlier = self._window(losses, seconds, last - self.window)
        rate = _ratio(before - height, time - earlier)
        if math.isnan(self.cost):
            self._decide(t, "teleport", "the first, to measure one", rate)
        elif self.until is not None:
            if time < self.until:
                return False
            reason = f"another try, after {self.failures} in a row not worth their time"
            self._decide(t, "teleport", reason, rate)
        else:
            spent, gained = time - self.began, self.height - height
            average = _ratio(gained, spent)
            if rate >= average and gained > 0:
                return False
            # Steps alone slow down as well: from the rate before to the present one.
            alone = (max(self.rate_before, 0.0) + max(rate, 0.0)) / 2
            saved = gained / alone - spent if alone > 0 else math.copysign(math.inf, gained)
            if not saved > 0 or not gained > 0:
                pause = self._pause(time)
                reason = f"the last was not worth its time; none for {pause:.3g} s"
                return self._decide(t, "pause", reason, rate, average, saved)
            self.failures = 0
            reason = "the last steps are slower than the average since the last teleport began"
            self._decide(t, "teleport", reason, rate, average, saved)
        self.rate_before = rate
        self.departure = height
        return True

    def done(
        self, t: int, loss: float | None, began: float, cost: float, stayed: str | None
    ) -> None:
        """Take note of the teleport before step ``t``.

        ``loss`` is where it took place, ``None`` if the record is of other losses;
        ``stayed`` says why the parameters stayed where they were, ``None`` if they moved.
        """
        self.start, self.began, self.cost, self.until = t, began, cost, None
        self.height = self.departure if loss is None else self._height(loss)
        if stayed is not None:
            pause = self._pause(began + cost)
            reason = f"{stayed}; none for {pause:.3g} s"
            self._decide(t, "pause", reason, self.rate_before, saved=-cost)

    def _pause(self, time: float) -> float:
        """Begin a pause, twice as long as the last one, and return its seconds."""
        pause = PATIENCE * 2.0**self.failures * self.cost
        self.failures += 1
        self.until = time + pause
        return pause

    def _window(
        self, losses: Sequence[float], seconds: Sequence[float], last: int
    ) -> tuple[float, float]:
        """Return the mean height, and the mean time, of the window that ends at ``last``."""
        first = last - self.window + 1
        heights = [self._height(value) for value in losses[first : last + 1]]
        finite = all(map(math.isfinite, heights))
        height = math.fsum(heights) / self.window if finite else min(heights)
        return height, math.fsum(seconds[first : last + 1]) / self.window

    def _height(self, loss: float) -> float:
        if self.lower_bound is None:
            return loss
        above = loss - self.lower_bound
        return math.log(above) if above > 0 else -math.inf

    def _decide(
        self,
        t: int,
        action: Literal["teleport", "pause", "stop"],
        reason: str,
        rate: float,
        average: float = math.nan,
        saved: float = math.nan,
    ) -> bool:
        """Record a decision; return False, for no teleport."""
        self.decisions.append(Decision(t, action, reason, rate, average, saved))
        return False


def _ratio(gain: float, seconds: float) -> float:
    """Return ``gain / seconds``, infinite where no time has passed."""
    return gain / seconds if seconds > 0 else math.copysign(math.inf, gain) if gain else 0.0
