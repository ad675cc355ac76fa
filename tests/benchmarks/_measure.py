"""Timing by interleaved runs, and what a row of the table reports."""

from __future__ import annotations

import signal
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Any

__all__ = ["Measurement", "interleaved", "time_limit", "timed"]


@dataclass(frozen=True)
class Measurement:
    """One number of the table.

    Attributes
    ----------
    what : str
        What was measured.
    value : float
    unit : str
    at_most, at_least : float or None
        The threshold, where there is one.
    note : str
        How it was measured, or why there is no number.
    """

    what: str
    value: float
    unit: str = ""
    at_most: float | None = None
    at_least: float | None = None
    note: str = ""

    @property
    def threshold(self) -> str:
        """The threshold as the table prints it."""
        if self.at_most is not None:
            return f"≤ {self.at_most:g}"
        return "" if self.at_least is None else f"≥ {self.at_least:g}"

    @property
    def reached(self) -> bool | None:
        """Whether the value keeps its threshold; ``None`` where there is none."""
        if self.at_most is not None:
            return self.value <= self.at_most
        return None if self.at_least is None else self.value >= self.at_least


def interleaved(
    functions: Mapping[str, Callable[[], Any]], repeats: int, *, warm: bool = True
) -> dict[str, float]:
    """Run every function in turn, ``repeats`` rounds, and return the median seconds of each.

    What slows the machine down for a while slows all of them down, so ratios of
    these medians are steadier than ratios of separate timings.
    """
    if warm:
        for function in functions.values():
            function()
    seconds: dict[str, list[float]] = {name: [] for name in functions}
    for _ in range(repeats):
        for name, function in functions.items():
            seconds[name].append(timed(function)[0])
    return {name: statistics.median(times) for name, times in seconds.items()}


def timed(function: Callable[[], Any]) -> tuple[float, Any]:
    """Run once; return the seconds of processor time and the result.

    On one thread that is the time on an idle machine, whatever else this one is doing.
    """
    start = time.process_time()
    result = function()
    return time.process_time() - start, result


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise ``TimeoutError`` in the block after so many seconds of processor time."""

    def expire(signum: int, frame: FrameType | None) -> None:
        raise TimeoutError(f"no result within {seconds:g} s")

    previous = signal.signal(signal.SIGPROF, expire)  # POSIX, main thread
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0.0)
        signal.signal(signal.SIGPROF, previous)
