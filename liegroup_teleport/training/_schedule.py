"""Schedules fixed in advance, and the control that only resets the optimizer's state."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from .._checks import check_integer, check_sequence, shown

__all__ = ["Resets", "Schedule", "integer"]


@dataclass(frozen=True)
class Schedule:
    """The steps before which something happens: a set, or an arithmetic progression."""

    at: frozenset[int] | None
    every: int
    start: int

    @classmethod
    def build(
        cls, at: int | Iterable[int] | None, every: int | None, start: int | None
    ) -> Schedule:
        if (at is None) == (every is None):
            raise ValueError(
                f"at is {shown(at)} and every is {shown(every)}; expected exactly one of the two"
            )
        if isinstance(at, str):
            raise ValueError(f"at is {at!r}; expected steps")
        if at is not None:
            if start is not None:
                raise ValueError(
                    f"start is {shown(start)} beside at={shown(at)}; expected it with every only"
                )
            alone = not isinstance(at, Iterable) or getattr(at, "shape", None) == ()
            steps = [at] if alone else check_sequence("at", at, "a step or a list of steps")
            return cls(frozenset(integer("at", t, 0) for t in steps), 1, 0)
        period = integer("every", every, 1)
        return cls(None, period, period if start is None else integer("start", start, 0))

    def __str__(self) -> str:
        if self.at is not None:
            return f"at={sorted(self.at)}"
        return f"every={self.every}, start={self.start}"

    def due(self, t: int) -> bool:
        if self.at is not None:
            return t in self.at
        return t >= self.start and (t - self.start) % self.every == 0


class Resets:
    """The control for ``Teleports(..., state="reset")``: a new optimizer state and no teleport.

    Parameters
    ----------
    at : iterable of int, optional
        Reset before these steps, counted from 0.
    every : int, optional
        Reset before steps ``every``, ``2 every``, … Exactly one of ``at`` and ``every``
        is given.
    start : int, optional
        With ``every``: the first of the steps.

    Raises
    ------
    ValueError
        If the schedule is not as above.

    Examples
    --------
    What AdaGrad gains by forgetting, without any teleport:

    >>> import numpy as np
    >>> import liegroup_teleport as lt
    >>> loss, start = lt.losses.Quadratic(np.diag([1.0, 50.0])), {"w": np.array([9.0, 1.0])}
    >>> plain = lt.training.minimize(loss, start, lt.training.AdaGrad(0.5), 60)
    >>> control = lt.training.minimize(
    ...     loss, start, lt.training.AdaGrad(0.5), 60, teleports=lt.training.Resets(at=[10])
    ... )
    >>> control.resets
    (10,)
    >>> print(f"{plain.losses[-1]:.2f} {control.losses[-1]:.2f}")
    5.23 1.52
    """

    def __init__(
        self,
        *,
        at: int | Iterable[int] | None = None,
        every: int | None = None,
        start: int | None = None,
    ) -> None:
        self._schedule = Schedule.build(at, every, start)

    def due(self, t: int) -> bool:
        """Return whether the state is reset before step ``t``.

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
        return self._schedule.due(t)


def integer(what: str, value: Any, least: int) -> int:
    """Return ``value`` as an ``int``, or raise unless it is one and at least ``least``."""
    try:
        return check_integer(what, value, least=least)
    except (TypeError, ValueError):
        raise ValueError(f"{what} has {shown(value)}; expected integers >= {least}") from None
