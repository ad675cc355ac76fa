"""Training with the automatic schedule: regression and digits, many starts, with controls."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import joblib
import numpy as np

from liegroup_teleport.experiments._digits_data import load, split
from liegroup_teleport.experiments._traces import CLOCK
from liegroup_teleport.experiments.digits import BATCH, _batches, _network
from liegroup_teleport.experiments.regression import GOAL, MINIMUM, problem
from liegroup_teleport.orbit import LineSearchDecrease
from liegroup_teleport.training import (
    SGD,
    AdaGrad,
    Adam,
    History,
    LineSearch,
    Resets,
    RMSProp,
    Teleports,
    minimize,
)

from ._measure import Measurement

__all__ = ["rows"]

STEPS, LONGER, EPOCHS = 300, 900, 40
OPTIMIZERS: dict[str, tuple[Callable[[float], Any], float, tuple[float, ...]]] = {
    "momentum 0.9": (lambda rate: SGD(rate, momentum=0.9), 0.01, (0.003, 0.01, 0.03, 0.1)),
    "AdaGrad": (lambda rate: AdaGrad(rate, 1e-10), 0.01, (0.03, 0.1, 0.3)),
    "RMSProp": (RMSProp, 0.01, (0.001, 0.003, 0.01)),
    "Adam": (Adam, 0.001, (0.003, 0.01, 0.03)),
}
TUNING_STARTS = range(100, 103)  # others than those reported


@dataclass(frozen=True)
class Run:
    """What is kept of one run: losses, when they were reached, and moves."""

    losses: np.ndarray
    seconds: np.ndarray
    validation: float
    moves: tuple[int, ...]

    def reach(self, goal: float) -> tuple[float, float]:
        """Return the first index with a loss at most ``goal`` and its time, or infinities."""
        reached = np.flatnonzero(self.losses <= goal)
        if not len(reached):
            return np.inf, np.inf
        return float(reached[0]), float(self.seconds[reached[0]])


def rows(n_jobs: int = 2) -> list[Measurement]:
    """Measure all rows.

    Parameters
    ----------
    n_jobs : int
        Processes; every run is on one thread and timed by processor time.
    """
    return [*regression(n_jobs), *full_batch(n_jobs), *sgd(n_jobs), *optimizers(n_jobs)]


def regression(n_jobs: int = 2, starts: Sequence[int] = range(20)) -> list[Measurement]:
    """Gradient descent with line search on the papers' regression problem."""
    result = []
    for armijo in (0.5, 0.3):
        found = {
            how: _parallel(n_jobs, _regression, [(how, i, armijo) for i in starts])
            for how in ("plain", "auto", 3, 10)
        }
        longer = _parallel(n_jobs, _regression, [("auto", i, armijo, LONGER) for i in starts])
        result += _regression_rows(f"regression, Armijo {armijo:g}", found, longer)
    return result


def _regression_rows(
    what: str, found: Mapping[Any, list[Run]], longer: list[Run]
) -> list[Measurement]:
    ends = {how: sum(r.losses[-1] <= MINIMUM for r in runs) for how, runs in found.items()}
    middle = {
        how: float(np.median([r.reach(GOAL)[1] for r in runs])) for how, runs in found.items()
    }
    reached = sum(np.isfinite(r.reach(GOAL)[0]) for r in found["plain"])
    equal = float(np.median([r.seconds[-1] for r in found["auto"]]))
    there = ", ".join(
        f"{_named(how)} {np.median([_loss_at(r, equal) for r in runs]):.1e}"
        for how, runs in found.items()
    )
    number = len(found["plain"])
    late = [r.reach(MINIMUM) for r in longer]
    median_late = float(np.median([seconds for _, seconds in late]))
    return [
        Measurement(
            f"{what}: {MINIMUM:g} within {STEPS} steps", ends["auto"], f"of {number} starts",
            None, 0.9 * number,
            f"every 3 steps {ends[3]}, every 10 {ends[10]}, plain {ends['plain']}",
        ),
        Measurement(
            f"{what}: {MINIMUM:g} within {LONGER} steps", sum(np.isfinite(t) for t, _ in late),
            f"of {number} starts", note=f"median of {median_late * 1e3:.0f} ms, "
            f"{np.median([t for t, _ in late]):g} steps",
        ),
        Measurement(
            f"{what}: time to {GOAL:g}", _ratio(middle["plain"], middle["auto"]),
            "times shorter than plain", None, 2.0,
            f"auto {middle['auto'] * 1e3:.0f} ms, every 10 {middle[10] * 1e3:.0f} ms; "
            f"plain reaches it on {reached}",
        ),
        Measurement(
            f"{what}: loss after {equal * 1e3:.0f} ms",
            float(np.median([_loss_at(r, equal) for r in found["auto"]])), "median",
            note=there,
        ),
    ]  # fmt: skip


def full_batch(n_jobs: int = 2, starts: Sequence[int] = range(10)) -> list[Measurement]:
    """Gradient descent with line search on all digits: steps and time to plain's last loss."""
    found = {
        how: _parallel(n_jobs, _full_batch, [(how, i) for i in starts])
        for how in ("plain", "auto", 10)
    }
    # plain's loss before step 299, the last of 300 steps
    goals = [r.losses[STEPS - 1] for r in found["plain"]]
    times = [r.seconds[STEPS - 1] for r in found["plain"]]
    result = []
    for how in ("auto", 10):
        reached = [r.reach(goal) for r, goal in zip(found[how], goals, strict=True)]
        steps = [step for step, _ in reached]
        ratios = [seconds / plain for (_, seconds), plain in zip(reached, times, strict=True)]
        judged = how == "auto"
        result += [
            Measurement(
                f"digits, line search, {_named(how)}: plain's loss at {STEPS - 1}",
                float(np.median(steps)), "steps", 150.0 if judged else None, None,
                f"{min(steps):g} to {max(steps):g}",
            ),
            Measurement(
                f"digits, line search, {_named(how)}: time until then",
                float(np.median(ratios)), "of plain's", 1.0 if judged else None, None,
                f"{min(ratios):.2f} to {max(ratios):.2f}",
            ),
        ]  # fmt: skip
    return result


def sgd(n_jobs: int = 2, starts: Sequence[int] = range(10)) -> list[Measurement]:
    """SGD 0.01 on digits: epochs to plain's loss of epoch 40."""
    schedules = {"auto": "auto", "before each of 5 epochs": range(0, 360, 72)}
    plain = _parallel(n_jobs, _epochs, [(SGD(0.01), i, None) for i in starts])
    result = []
    for name, at in schedules.items():
        runs = _parallel(n_jobs, _epochs, [(SGD(0.01), i, at) for i in starts])
        epochs = [r.reach(p.losses[-1]) for r, p in zip(runs, plain, strict=True)]
        judged = name == "auto"
        validation = np.median([r.validation for r in runs])
        time = np.median([t / p.seconds[-1] for (_, t), p in zip(epochs, plain, strict=True)])
        result += [
            Measurement(
                f"digits, SGD 0.01, {name}: plain's loss of epoch {EPOCHS}",
                float(np.median([e for e, _ in epochs])), "epochs", 4.0 if judged else None, None,
                f"{time:.2f} of plain's time",
            ),
            Measurement(
                f"digits, SGD 0.01, {name}: latest start", max(e for e, _ in epochs), "epochs",
                12.0 if judged else None,
            ),
            Measurement(
                f"digits, SGD 0.01, {name}: validation loss at the end",
                float(validation / np.median([p.validation for p in plain])), "of plain's",
                1.0 if judged else None,
            ),
        ]  # fmt: skip
    return result


def optimizers(n_jobs: int = 2, starts: Sequence[int] = range(10)) -> list[Measurement]:
    """The other optimizers at their usual and at tuned rates, against plain and resets alone."""
    result = []
    for name, (build, usual, grid) in OPTIMIZERS.items():
        tuned = _tune(n_jobs, build, (usual, *grid))
        for kind, rate in {"usual": usual, "tuned": tuned}.items():
            optimizer = build(rate)
            plain = _parallel(n_jobs, _epochs, [(optimizer, i, None) for i in starts])
            auto = _parallel(n_jobs, _epochs, [(optimizer, i, "auto") for i in starts])
            jobs = [(optimizer, i, None, run.moves) for i, run in zip(starts, auto, strict=True)]
            reset = _parallel(n_jobs, _epochs, jobs)
            ratios = [_ratio(a.losses[-1], p.losses[-1]) for a, p in zip(auto, plain, strict=True)]
            alone = [_ratio(r.losses[-1], p.losses[-1]) for r, p in zip(reset, plain, strict=True)]
            valid = [_ratio(a.validation, p.validation) for a, p in zip(auto, plain, strict=True)]
            time = np.median(
                [a.seconds[-1] / p.seconds[-1] for a, p in zip(auto, plain, strict=True)]
            )
            moves = np.median([len(a.moves) for a in auto])
            result += [
                Measurement(
                    f"digits, {name} {rate:g} ({kind}): training loss at the end",
                    float(np.median(ratios)), "of plain's", 1.02, None,
                    f"{min(ratios):.2f} to {max(ratios):.2f}, {sum(r > 1.02 for r in ratios)} "
                    f"starts above 1.02; validation {np.median(valid):.2f}; resets alone "
                    f"{np.median(alone):.2f}; {moves:g} teleports, {time:.1f} of the time",
                ),
                Measurement(
                    f"digits, {name} {rate:g} ({kind}): worst start",
                    max(ratios), "of plain's", 1.02,
                ),
            ]  # fmt: skip
    return result


def _tune(n_jobs: int, build: Callable[[float], Any], rates: Sequence[float]) -> float:
    """Return the rate of the lowest median validation loss."""
    valid = {
        rate: np.median(
            [
                run.validation
                for run in _parallel(
                    n_jobs, _epochs, [(build(rate), start, None) for start in TUNING_STARTS]
                )
            ]
        )
        for rate in rates
    }
    return min(valid, key=lambda rate: valid[rate])


def _regression(how: Any, start: int, armijo: float, steps: int = STEPS) -> Run:
    loss, w = problem(start)
    search = LineSearch(armijo=armijo)
    return _kept(minimize(loss, w, search, steps, teleports=_search(loss, how), clock=CLOCK))


def _full_batch(how: Any, start: int) -> Run:
    X, y, _, _ = split(*load("digits"), start)
    loss = _network(X, y)
    w = loss.init(np.random.default_rng(start))
    return _kept(minimize(loss, w, LineSearch(), STEPS, teleports=_search(loss, how), clock=CLOCK))


def _search(loss: Any, how: Any) -> Teleports | None:
    """Return a schedule: none, automatic, or every so many steps."""
    if how == "plain":
        return None
    when: dict[str, Any] = {"at": "auto"} if how == "auto" else {"every": how}
    return Teleports(loss.symmetry(), LineSearchDecrease(), radius=1.0, **when)


def _epochs(optimizer: Any, start: int, at: Any, resets: Sequence[int] = ()) -> Run:
    """Train by mini-batches; the record is per epoch."""
    X, y, valid_X, valid_y = split(*load("digits"), start)
    loss, validation = _network(X, y), _network(valid_X, valid_y)
    rng = np.random.default_rng(start)
    w = loss.init(rng)
    per_epoch = -(-len(y) // BATCH)
    batches = _batches(len(y), EPOCHS, rng)
    losses: list[float] = []

    def evaluate(t: int, w: dict[str, Any], value: float) -> None:
        if t % per_epoch == 0:
            losses.append(loss.value(w))

    schedule: Any = None if at is None else Teleports(loss.symmetry(), at=at)
    if resets:
        schedule = Resets(at=resets)
    history = minimize(
        loss, w, optimizer, len(batches), batches=batches, record="batch", teleports=schedule,
        callback=evaluate, clock=CLOCK,
    )  # fmt: skip
    run = _kept(history)
    with np.errstate(over="ignore", invalid="ignore"):  # a diverged run is a result
        losses.append(loss.value(history.params))
        valid = validation.value(history.params)
    return Run(np.array(losses), run.seconds[::per_epoch], valid, run.moves)


def _kept(history: History) -> Run:
    moves = tuple(e.step for e in history.teleports if e.result.status != "identity")
    return Run(history.losses, history.seconds, np.nan, moves)


def _loss_at(run: Run, seconds: float) -> float:
    """Return the last loss reached by then."""
    return float(run.losses[np.searchsorted(run.seconds, seconds, side="right") - 1])


def _named(how: Any) -> str:
    return f"every {how}" if isinstance(how, int) else str(how)


def _ratio(a: float, b: float) -> float:
    """Return ``a / b``; what is not finite above counts as infinite."""
    return float(a / b) if np.isfinite(a) else np.inf


def _parallel(n_jobs: int, function: Callable[..., Run], jobs: Sequence[Any]) -> list[Run]:
    return list(joblib.Parallel(n_jobs=n_jobs)(joblib.delayed(function)(*job) for job in jobs))
