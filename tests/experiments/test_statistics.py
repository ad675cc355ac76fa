"""Correlations with controls against brute force, and their intervals."""

import numpy as np
import pytest
from scipy import stats

from liegroup_teleport.experiments._statistics import (
    Estimate,
    correlation,
    correlation_estimate,
    ratio_estimate,
)


def sample(seed, n=40, groups=3):
    rng = np.random.default_rng(seed)
    group = np.arange(n) % groups
    control = rng.normal(size=n) + group
    x = control + rng.normal(size=n)
    y = 2 * control - x + 3 * group + rng.normal(size=n)
    return x, y, control, rng.normal(size=n), group


def brute_force(x, y, groups, controls, ranks):
    """Regress with explicit indicator columns, then correlate what is left."""
    if ranks:
        x, y, *controls = (stats.rankdata(v) for v in (x, y, *controls))
    design = np.column_stack([*(groups == g for g in np.unique(groups)), *controls]).astype(float)
    x, y = (v - design @ np.linalg.pinv(design) @ v for v in (x, y))
    return np.corrcoef(x, y)[0, 1]


@pytest.mark.parametrize("ranks", [False, True])
@pytest.mark.parametrize("number", [0, 1, 2])
def test_partial_correlation_is_that_of_regression_residuals(number, ranks):
    for seed in range(30):
        x, y, a, b, group = sample(seed)
        controls = [a, b][:number]
        expected = brute_force(x, y, group, controls, ranks)
        assert correlation(x, y, group, controls, ranks=ranks) == pytest.approx(expected, abs=1e-12)


def test_without_controls_and_groups_it_is_pearson_and_spearman():
    x, y, *_ = sample(0)
    one = np.zeros(len(x))
    assert correlation(x, y, one) == pytest.approx(stats.pearsonr(x, y).statistic)
    assert correlation(x, y, one, ranks=True) == pytest.approx(stats.spearmanr(x, y).statistic)


def test_one_control_is_the_textbook_formula():
    x, y, z, _, _ = sample(1)
    xy, xz, yz = (np.corrcoef(u, v)[0, 1] for u, v in ((x, y), (x, z), (y, z)))
    expected = (xy - xz * yz) / np.sqrt((1 - xz**2) * (1 - yz**2))
    assert correlation(x, y, np.zeros(len(x)), [z]) == pytest.approx(expected)


def test_a_confounder_makes_a_correlation_and_its_control_takes_it_away():
    rng = np.random.default_rng(0)
    z = rng.normal(size=500)
    x, y = z + 0.3 * rng.normal(size=500), z + 0.3 * rng.normal(size=500)
    one = np.zeros(500)
    raw, given = correlation_estimate(x, y, one), correlation_estimate(x, y, one, [z])
    assert raw.low > 0.8
    assert given.low < 0 < given.high


def test_nothing_left_is_undefined():
    x, y, z, _, group = sample(2)
    assert np.isnan(correlation(3 * z + 1, y, group, [z]))
    assert np.isnan(correlation(group.astype(float), y, group))
    lost = correlation_estimate(np.exp(z), y, group, [z], ranks=True)
    assert str(lost) == "undefined"
    # a control given twice, or constant, is no further control
    once = correlation(x, y, group, [z])
    assert correlation(x, y, group, [z, 2 * z, np.ones(len(z))]) == pytest.approx(once)


def test_many_resamples_at_once_are_the_same_as_one_by_one():
    x, y, z, _, group = sample(3)
    index = np.random.default_rng(0).choice(len(x), (5, len(x)))
    together = correlation(x[index], y[index], group, [z[index]], ranks=True)
    single = [correlation(x[i], y[i], group, [z[i]], ranks=True) for i in index]
    np.testing.assert_allclose(together, single)


def test_the_interval_of_a_correlation_is_fishers():
    rng = np.random.default_rng(4)
    x = rng.normal(size=400)
    y = 0.6 * x + 0.8 * rng.normal(size=400)
    e = correlation_estimate(x, y, np.zeros(400))
    expected = np.tanh(np.arctanh(e.value) + np.array([-1.96, 1.96]) / np.sqrt(397))
    np.testing.assert_allclose([e.low, e.high], expected, atol=0.02)


def test_resamples_stay_within_their_groups():
    # groups of two: a resample has the pair's slope or, where one is drawn twice, nothing of it
    x, y = np.array([0.0, 10.0, 1.0, 11.0]), np.array([0.0, -50.0, 1.0, -49.0])
    e = correlation_estimate(x, y, np.array([0, 1, 0, 1]))
    assert (e.value, e.low, e.high) == pytest.approx((1.0, 1.0, 1.0))
    assert correlation(x, y, np.zeros(4)) < -0.9
    assert ratio_estimate(x + 1, x + 1) == Estimate(1.0, 1.0, 1.0)


def test_ratios_with_runs_that_diverged():
    plain = np.array([1.0, 1.0, 2.0, np.inf, 1.0])
    values = np.array([0.5, 0.5, 1.0, np.inf, np.inf])
    e = ratio_estimate(values, plain)
    assert e.value == 0.5
    assert e.high == np.inf
    assert e.low == 0.5
    assert ratio_estimate(plain * 3, plain).value == 3.0
