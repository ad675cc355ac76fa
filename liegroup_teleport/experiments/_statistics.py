"""Correlations with controls and paired ratios, each with a bootstrap interval."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import rankdata

__all__ = ["Estimate", "correlation", "correlation_estimate", "ratio_estimate"]

RESAMPLES = 2000
NOTHING = 1e-9  # of a variable left by the controls: rounding


@dataclass(frozen=True)
class Estimate:
    """A number with its 95 % interval (percentiles of the bootstrap)."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        """Show the value and the interval."""
        if np.isnan(self.value):
            return "undefined"
        return f"{self.value:.2f} [{self.low:.2f}, {self.high:.2f}]"


def correlation(
    x: np.ndarray,
    y: np.ndarray,
    groups: np.ndarray,
    controls: Sequence[np.ndarray] = (),
    *,
    ranks: bool = False,
) -> np.ndarray:
    """Return the partial correlation of ``x`` and ``y``, with groups and controls held fixed.

    Pearson's correlation of what is left of both after least squares on one
    constant per group and the controls. Without controls and with one group it is
    Pearson's; with ``ranks`` every variable is replaced by its ranks first
    (Spearman's).

    Parameters
    ----------
    x, y : array (..., n)
        The variables; one correlation for each of the first axes.
    groups : array (n,) of int
        Group of each observation; only differences within groups count.
    controls : sequence of array (..., n)
        Variables held fixed.
    ranks : bool
        Whether to use ranks.

    Returns
    -------
    array (...)
        NaN where nothing is left of one of them.
    """
    columns = [np.asarray(v, dtype=float) for v in (*controls, x, y)]
    if ranks:
        columns = [rankdata(v, axis=-1) for v in columns]
    left: list[np.ndarray] = []
    for v in columns:
        rest = v - v.mean(axis=-1, keepdims=True)
        scale = _norm(rest)
        for group in np.unique(groups):
            mine = groups == group
            rest[..., mine] -= rest[..., mine].mean(axis=-1, keepdims=True)
        for _ in range(2):  # the second time for what rounding left
            for fixed in left[: len(controls)]:
                rest = rest - (rest * fixed).sum(axis=-1, keepdims=True) * fixed
        length = _norm(rest)
        with np.errstate(divide="ignore", invalid="ignore"):
            unit = rest / length
        lost = length <= NOTHING * scale
        # a control that depends on the ones before is no further control
        left.append(np.where(lost, 0.0 if len(left) < len(controls) else np.nan, unit))
    result: np.ndarray = (left[-2] * left[-1]).sum(axis=-1)
    return result


def _norm(v: np.ndarray) -> np.ndarray:
    length: np.ndarray = np.linalg.norm(v, axis=-1, keepdims=True)
    return length


def correlation_estimate(
    x: np.ndarray,
    y: np.ndarray,
    groups: np.ndarray,
    controls: Sequence[np.ndarray] = (),
    *,
    ranks: bool = False,
) -> Estimate:
    """Return :func:`correlation` with its interval: observations drawn within each group."""

    def statistic(index: np.ndarray) -> np.ndarray:
        chosen = [v[index] for v in controls]
        return correlation(x[index], y[index], groups, chosen, ranks=ranks)

    return _estimate(statistic, groups)


def ratio_estimate(values: np.ndarray, plain: np.ndarray) -> Estimate:
    """Return the median of ``values / plain``, pair by pair, with its interval.

    An infinite value is that of a run that diverged: two of them count as equal.
    """
    both = np.isinf(values) & np.isinf(plain)
    ratios = np.divide(values, plain, out=np.ones(len(values)), where=~both)
    return _estimate(lambda index: np.median(ratios[index], axis=-1), np.zeros(len(ratios)))


def _estimate(statistic: Callable[[np.ndarray], np.ndarray], groups: np.ndarray) -> Estimate:
    """Return ``statistic(index)`` of all observations and its percentiles over resamples.

    Observations are drawn with replacement within each group, and stay in its
    places. Resamples whose statistic is not a number (all alike) are left out.
    """
    rng = np.random.default_rng(0)
    index = np.empty((RESAMPLES, len(groups)), dtype=int)
    for group in np.unique(groups):
        members = np.flatnonzero(groups == group)
        index[:, members] = rng.choice(members, (RESAMPLES, len(members)))
    values = statistic(index)
    values = values[~np.isnan(values)]
    value = float(statistic(np.arange(len(groups))))
    if np.isnan(value) or not len(values):
        return Estimate(value, float("nan"), float("nan"))
    # no interpolation: infinite values, those of diverged runs, are values
    low, high = np.percentile(values, [2.5, 97.5], method="inverted_cdf")
    return Estimate(value, float(low), float(high))
