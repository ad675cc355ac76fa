"""Records of runs as plain data: made in any process, summed up in this one."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np

from ..training import History, Optimizer, minimize
from ._outcome import Claim, Context, judge

__all__ = [
    "CLOCK",
    "Jump",
    "Trace",
    "by_variant",
    "drift_claim",
    "gradient_claim",
    "gradient_ratio",
    "median",
    "record",
    "run_all",
    "stream",
    "summary",
    "time_gradient",
    "time_to_loss",
    "times_shown",
]


Result = TypeVar("Result")

# Processor time: that of an idle machine, whatever else this one is doing.
CLOCK = time.process_time


@dataclass(frozen=True)
class Jump:
    """One teleport: before which step, how exact, how long."""

    step: int
    loss: float
    drift: float
    allowed: float
    seconds: float
    status: str


@dataclass(frozen=True)
class Trace:
    """One run of one variant from one start; ``losses[t]`` is before step ``t``."""

    variant: str
    start: int
    losses: np.ndarray
    gradient_norms: np.ndarray
    seconds: np.ndarray
    jumps: tuple[Jump, ...]
    gradient_seconds: float
    final: int = -1  # index of the final loss
    at_50: float | None = None  # where losses are not recorded step by step
    path: np.ndarray | None = None
    curves: dict[str, Any] = field(default_factory=dict)

    @property
    def final_loss(self) -> float:
        """The final loss, infinite where the run diverged."""
        if self.final >= len(self.losses):
            return float("inf")
        value = float(self.losses[self.final])
        return value if np.isfinite(value) else float("inf")

    @property
    def loss_at_50(self) -> float | None:
        """Loss before step 50, where there is one."""
        if self.at_50 is not None:
            return self.at_50
        return float(self.losses[50]) if len(self.losses) > 50 else None


def time_gradient(loss: Any, w: Any, repeats: int = 15) -> float:
    """Return the median time of one gradient, by :data:`CLOCK`."""
    times = []
    for _ in range(repeats):
        started = CLOCK()
        loss.gradient(w)
        times.append(CLOCK() - started)
    return float(np.median(times))


def jumps_of(history: History) -> tuple[Jump, ...]:
    """Return the teleports of a run."""
    return tuple(
        Jump(
            e.step,
            e.result.loss_before,
            e.result.drift,
            e.result.allowed_drift,
            e.seconds,
            e.result.status,
        )
        for e in history.teleports
    )


def record(
    variant: str,
    start: int,
    loss: Any,
    w: Any,
    optimizer: Optimizer,
    steps: int,
    *,
    teleports: Any = None,
    final: int = -1,
    path: bool = False,
) -> Trace:
    """Run a variant on the full loss and return its trace."""
    points: list[np.ndarray] = []

    def follow(t: int, w: dict[str, Any], value: float) -> None:
        points.append(np.array(w["w"]))

    history = minimize(
        loss, w, optimizer, steps, teleports=teleports, callback=follow if path else None,
        clock=CLOCK,
    )  # fmt: skip
    if path:
        points.append(np.array(history.params["w"]))
    return Trace(
        variant, start, history.losses, history.gradient_norms, history.seconds,
        jumps_of(history), time_gradient(loss, w), final, None,
        np.array(points) if path else None,
    )  # fmt: skip


def run_all(
    function: Callable[..., Trace], jobs: Sequence[tuple[Any, ...]], context: Context, title: str
) -> list[Trace]:
    """Call ``function(*job)`` for every job, in several processes, with a progress bar."""
    advance = context.progress(title, len(jobs))
    traces = []
    for trace in stream(function, jobs, context.workers):
        traces.append(trace)
        advance()
    return sorted(traces, key=lambda trace: trace.start)


def stream(
    function: Callable[..., Result], jobs: Sequence[tuple[Any, ...]], workers: int
) -> Iterator[Result]:
    """Yield ``function(*job)`` of all jobs as they are done, in any order."""
    if workers == 1:
        yield from (function(*job) for job in jobs)
        return
    import joblib

    parallel = joblib.Parallel(n_jobs=workers, return_as="generator_unordered")
    yield from parallel(joblib.delayed(function)(*job) for job in jobs)


def by_variant(traces: Sequence[Trace], names: Sequence[str]) -> dict[str, list[Trace]]:
    """Return the traces of each of ``names``, in order of the starts."""
    return {
        name: sorted((t for t in traces if t.variant == name), key=lambda t: t.start)
        for name in names
    }


def summary(runs: Mapping[str, Sequence[Trace]]) -> dict[str, dict[str, list[Any]]]:
    """Return the lists over starts that every experiment reports."""
    return {
        name: {
            "loss_at_50": [t.loss_at_50 for t in traces],
            "final_loss": [t.final_loss for t in traces],
            "max_drift": [max((j.drift for j in t.jumps), default=0.0) for t in traces],
            "max_drift_over_allowed": [
                max((j.drift / j.allowed if j.drift else 0.0 for j in t.jumps), default=0.0)
                for t in traces
            ],
            # of one teleport, in the median over those of the run
            "teleport_seconds": [
                float(np.median([j.seconds for j in t.jumps])) if t.jumps else 0.0 for t in traces
            ],
            "gradient_seconds": [t.gradient_seconds for t in traces],
        }
        for name, traces in runs.items()
    }


def median(values: Sequence[float | None]) -> float:
    """Return the median; what is missing counts as infinite."""
    return float(np.median([np.inf if v is None else v for v in values]))


def time_to_loss(trace: Trace, goal: float) -> tuple[int | None, float | None]:
    """Return the first recorded step with a loss at most ``goal``, and the seconds until then.

    Both are ``None`` where the loss is not reached.
    """
    reached = np.flatnonzero(trace.losses[: len(trace.seconds)] <= goal)
    if not len(reached):
        return None, None
    step = int(reached[0])
    return step, float(trace.seconds[step])


def times_shown(name: str, row: Mapping[str, list[Any]]) -> str:
    """Return steps and milliseconds to the goal in words, of the columns ``*_to_goal``."""
    steps, seconds = row["steps_to_goal"], row["seconds_to_goal"]
    reached = sum(s is not None for s in steps)
    text = f"{name} on {reached} of {len(steps)} starts"
    if not np.isfinite(median(steps)):
        return text
    return f"{text}, median {median(steps):g} steps and {median(seconds) * 1e3:.3g} ms"


def drift_claim(runs: Mapping[str, Sequence[Trace]], limit: float | None = None) -> Claim:
    """Judge the exactness of all teleports of an experiment.

    ``limit`` on the relative change is judged while the loss is above 1e-3 of
    its start: near a minimum of value zero rounding the parameters alone
    changes the loss by more than any fixed fraction of it.
    """
    jumps = [(j, t.losses[0]) for traces in runs.values() for t in traces for j in t.jumps]
    ratio = max((j.drift / j.allowed if j.drift else 0.0 for j, _ in jumps), default=0.0)
    drift = max((j.drift for j, start in jumps if j.loss > 1e-3 * start), default=0.0)
    measured = f"largest change {ratio:.1e} of the allowance; {drift:.1e} relative"
    if limit is None:
        return Claim(
            "every teleport keeps the loss, within what rounding allows",
            measured,
            judge(ratio <= 1),
        )
    return Claim(
        "every teleport keeps the loss within what rounding allows, and while the loss is above "
        f"1e-3 of its start to {limit:.0e} relative (published code: 0.39 to 0.98)",
        measured,
        judge(ratio <= 1 and drift <= limit),
    )


def gradient_ratio(
    plain: tuple[np.ndarray, np.ndarray], moved: tuple[np.ndarray, np.ndarray]
) -> float:
    """Return the median ratio of gradient norms at equal loss, NaN where no loss is shared.

    Each argument is ``(losses, gradient_norms)`` of one run. Where a run passes
    a loss level more than once its last passage counts.
    """
    curves = []
    for losses, norms in (plain, moved):
        good = np.isfinite(losses) & np.isfinite(norms) & (losses > 0) & (norms > 0)
        x, y = np.log(losses[good])[::-1], np.log(norms[good])[::-1]
        if len(x) < 2:
            return float("nan")
        keep = np.concatenate([[True], x[1:] > np.maximum.accumulate(x)[:-1]])
        curves.append((x[keep], y[keep]))
    low, high = max(x[0] for x, _ in curves), min(x[-1] for x, _ in curves)
    if not low < high:
        return float("nan")
    grid = np.linspace(low, high, 200)
    (x0, y0), (x1, y1) = curves
    return float(np.exp(np.median(np.interp(grid, x1, y1) - np.interp(grid, x0, y0))))


def gradient_claim(plain: Sequence[Trace], moved: Sequence[Trace], name: str) -> Claim:
    """Judge the paper's claim of larger gradients at equal loss, from the first teleport on."""
    ratios = []
    for a, b in zip(plain, moved, strict=True):
        first = b.jumps[0].step if b.jumps else 0
        after = b.losses[first:], b.gradient_norms[first:]
        ratios.append(gradient_ratio((a.losses, a.gradient_norms), after))
    known = [r for r in ratios if np.isfinite(r)]
    if not known:
        text, middle = "no loss value is reached by both", float("nan")
    else:
        middle = float(np.median(known))
        text = f"norm {middle:.2f} times as large in the median ({min(known):.2f} to "
        text += f"{max(known):.2f} over starts)"
    return Claim(f"paper: larger gradients at equal loss ({name})", text, judge(middle > 1))
